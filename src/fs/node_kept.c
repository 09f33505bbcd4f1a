/*
 * NAME/history/ of what is no workload, where the cluster keeps versions: RESOURCEVERSION.yaml,
 * each the object as it was then, but for what is the server's: writing it back makes it so again.
 */
#include "fs/nodes.h"

#include "fs/texts.h"
#include "object/json.h"

#define YAML ".yaml"

/* What was kept when the directory was last looked at. */
struct kept {
	char **v;
	size_t n, cap;
};

static void kept_free(struct kept *k)
{
	if (!k)
		return;
	vec_each (k, version)
		free(*version);
	vec_release(k);
	free(k);
}

static bool find_kept(struct node *dir, const char *name, struct found *f)
{
	return !has_rollout_history(dir->resource) && cluster_keeps_versions(dir->fs->cluster);
}

/* No event tells what is no longer kept. */
static bool kept_ready(struct node *dir)
{
	return false;
}

static bool add_version(void *arg, const char *resource_version)
{
	struct kept *k = arg;

	vec_push(k, xstrdup(resource_version));
	return true;
}

static int kept_prepare(struct node *dir, const struct call *call, struct error **err)
{
	struct kept *k = xcalloc(1, sizeof(*k)), *before;

	if (cluster_versions(dir->fs->cluster, call, dir->resource, dir->namespace,
			     dir->parent->name, add_version, k, err) < 0) {
		kept_free(k);
		return -1;
	}
	pthread_mutex_lock(&dir->fs->lock);
	before = dir->state;
	dir->state = k;
	pthread_mutex_unlock(&dir->fs->lock);
	kept_free(before);
	return 0;
}

static void kept_release(struct node *dir)
{
	kept_free(dir->state);
}

const struct node_ops kept_ops = {
	.find = find_kept,
	.ready = kept_ready,
	.prepare = kept_prepare,
	.release = kept_release,
};

static void list_kept(struct node *dir, struct listing *l)
{
	FS_LOCK(dir->fs);
	struct kept *k = dir->state;

	if (!k)
		return;
	/* The oldest first, as they came. */
	for (size_t i = k->n; i > 0; i--) {
		char *file free_ptr = xasprintf("%s" YAML, k->v[i - 1]);

		listing_add(l, file, 0);
	}
}

/* The version whose file is NAME; borrowed, or NULL. Under fs->lock. */
static const char *version_of(struct node *dir, const char *name)
{
	struct kept *k = dir->state;
	size_t len = strlen(name), cut = strlen(YAML);

	if (!k || len <= cut || !str_has_suffix(name, YAML))
		return NULL;
	vec_each (k, version) {
		if (strlen(*version) == len - cut && !memcmp(*version, name, len - cut))
			return *version;
	}
	return NULL;
}

static bool find_version(struct node *dir, const char *name, struct found *f)
{
	return version_of(dir, name) != NULL;
}

/* THEN with what the server has of the object NOW. */
static struct object *as_edit(const struct object *then, const struct object *now)
{
	static const char *const servers[] = {"apiVersion",
					      "status",
					      "metadata.uid",
					      "metadata.resourceVersion",
					      "metadata.generation",
					      "metadata.creationTimestamp",
					      "metadata.deletionTimestamp",
					      "metadata.deletionGracePeriodSeconds"};
	json_t *tree json_auto = object_tree(then);
	json_t *live json_auto = object_tree(now);

	for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
		json_t *value = json_path(live, servers[i]);

		json_path_del(tree, servers[i]);
		if (value)
			json_path_set(tree, servers[i], json_incref(value));
	}
	return object_from_tree(tree);
}

static int render_version(struct node *n, const struct call *call, struct str *out,
			  struct error **err)
{
	struct object *then CLEANUP(object_unref_cleanup) = NULL;
	struct object *now CLEANUP(object_unref_cleanup) = NULL;
	struct object *edit CLEANUP(object_unref_cleanup) = NULL;
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	char *version free_ptr = xstrndup(n->name, strlen(n->name) - strlen(YAML));

	if (cluster_get_at(n->fs->cluster, call, n->resource, n->namespace, n->parent->parent->name,
			   version, &then, &why) < 0) {
		/* It was given up since its name was looked up. */
		if (error_code(why) == E_GONE)
			return error_set(err, E_NOT_FOUND, "%s", why->message);
		return error_move(err, steal(&why));
	}
	now = object_above(n->parent->parent, err);
	if (!now)
		return -1;
	edit = as_edit(then, now);
	/* The base of what is written back. */
	served_note(n->fs->served, now);
	text_render(edit, false, out);
	return 0;
}

const struct node_ops kept_version_ops = {
	.find = find_version,
	.list = list_kept,
	.render = render_version,
};
