/*
 * NAME/history/: of a workload the versions that kubectl rollout history knows, REVISION.yaml. Each
 * is the object as it is now with the pod template of then, so that writing it back rolls back.
 */
#include "fs/nodes.h"

#include "fs/texts.h"
#include "fs/types.h"
#include "object/json.h"

#define YAML ".yaml"
#define HASH_LABEL "metadata.labels[pod-template-hash]"

/* Where a kind's earlier templates are kept. */
static const struct source {
	const char *kind, *plural, *revision, *template;
} sources[] = {
	{"Deployment", "replicasets", "metadata.annotations[deployment.kubernetes.io/revision]",
	 "spec.template"},
	{"StatefulSet", "controllerrevisions", "revision", "data.spec.template"},
	{"DaemonSet", "controllerrevisions", "revision", "data.spec.template"},
};

static const struct source *source_of(const struct resource *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		if (strcmp(sources[i].kind, r->kind) == 0 && strcmp(r->group, "apps") == 0)
			return &sources[i];
	}
	return NULL;
}

bool has_rollout_history(const struct resource *r)
{
	return source_of(r) != NULL;
}

static bool find_history(struct node *dir, const char *name, struct found *f)
{
	return has_rollout_history(dir->resource);
}

static bool history_ready(struct node *dir)
{
	return dir->type != NULL;
}

static int history_prepare(struct node *dir, const struct call *call, struct error **err)
{
	struct view *v CLEANUP(view_unref_cleanup) = view_get(dir->fs);
	const struct resource *r =
		catalog_find(v->catalog, "apps", "v1", source_of(dir->resource)->plural);

	if (!r)
		return error_set(err, E_NOT_FOUND, "the cluster serves no history");
	return type_open_at(dir, r, call, err);
}

const struct node_ops history_ops = {
	.find = find_history,
	.ready = history_ready,
	.prepare = history_prepare,
};

/* The file of a version that is this object's, or NULL. The caller frees. */
static char *file_of(struct node *dir, const struct object *version)
{
	struct owner owner;
	struct span revision = object_find(version, source_of(dir->resource)->revision);
	char *text free_ptr = NULL;
	bool ours;

	if (!revision.p || !object_controller(version, &owner))
		return NULL;
	ours = strcmp(owner.uid, dir->parent->object->uid) == 0;
	owner_release(&owner);
	text = *revision.p == '"' ? json_unquote(revision) : xstrndup(revision.p, revision.len);
	return ours && text ? xasprintf("%s" YAML, text) : NULL;
}

static void list_versions(struct node *dir, struct listing *l)
{
	struct object_list list CLEANUP(object_list_release) = {0};

	informer_list(dir->type->informer, dir->namespace, &list);
	vec_each (&list, o) {
		char *file free_ptr = file_of(dir, *o);

		if (file)
			listing_add(l, file, 0);
	}
}

/* A ref, or NULL. Under fs->lock. */
static struct object *version_of(struct node *dir, const char *name)
{
	struct object_list list CLEANUP(object_list_release) = {0};
	struct object *found = NULL;

	informer_list(dir->type->informer, dir->namespace, &list);
	vec_each (&list, o) {
		char *file free_ptr = found ? NULL : file_of(dir, *o);

		if (file && strcmp(file, name) == 0)
			found = object_ref(*o);
	}
	return found;
}

static bool find_version(struct node *dir, const char *name, struct found *f)
{
	struct object *o CLEANUP(object_unref_cleanup) = version_of(dir, name);

	return o != NULL;
}

/* What stands for the whole of a template, not for a patch of it. */
static json_t *template_of(const struct source *s, const struct object *version)
{
	json_t *tree json_auto = object_tree(version);
	json_t *template = json_incref(json_path(tree, s->template));

	json_path_del(template, HASH_LABEL);
	json_object_del(template, "$patch");
	return template;
}

static int render_version(struct node *n, const struct call *call, struct str *out,
			  struct error **err)
{
	struct object *version CLEANUP(object_unref_cleanup) = NULL;
	struct object *now CLEANUP(object_unref_cleanup) = NULL;
	struct object *then CLEANUP(object_unref_cleanup) = NULL;

	pthread_mutex_lock(&n->fs->lock);
	version = version_of(n->parent, n->name);
	now = object_of_dir(n->parent->parent);
	pthread_mutex_unlock(&n->fs->lock);
	if (!version || !now)
		return error_set(err, E_NOT_FOUND, "this version is gone");
	json_t *tree json_auto = object_tree(now);
	json_t *template = template_of(source_of(n->resource), version);

	json_path_set(tree, "spec.template", template ? template : json_object());
	then = object_from_tree(tree);
	/* The base of what is written back. */
	served_note(n->fs->served, now);
	text_render(then, false, out);
	return 0;
}

const struct node_ops history_version_ops = {
	.find = find_version,
	.list = list_versions,
	.render = render_version,
};
