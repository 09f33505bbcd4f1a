/* NAME/owned/: links to the objects it owns, TYPE.NAME.yaml. */
#include "fs/nodes.h"

#include "fs/types.h"
#include "object/json.h"

#define FRESH_NS (2 * NS_PER_S) /* a look and what it leads to see the same */

struct owned {
	struct map *links; /* file -> target */
	int64_t at;	   /* mono; 0: never */
};

static void owned_init(struct node *n)
{
	struct owned *o = xcalloc(1, sizeof(*o));

	o->links = map_new();
	n->state = o;
}

static void owned_release(struct node *n)
{
	struct owned *o = n->state;

	map_free(o->links, free);
	free(o);
}

static bool owned_ready(struct node *n)
{
	struct owned *o = n->state;

	return o->at && clock_mono(n->fs->clock) - o->at < FRESH_NS;
}

struct search {
	struct node *type_directory;
	const struct resource *resource;
	const char *uid;
	struct map *links;
};

static bool each_owner(void *arg, struct span key, struct span value)
{
	struct search *s = arg;
	struct span uid = json_find(value.p, value.len, "uid");

	return !uid.p || !json_literal_equal(uid, s->uid, strlen(s->uid));
}

static bool look_at(void *arg, const char *json, size_t len)
{
	struct search *s = arg;
	struct span owners = json_find(json, len, "metadata.ownerReferences");
	struct str file CLEANUP(str_release) = STR_INIT;

	if (!owners.p || json_each(owners, each_owner, s))
		return true;
	char *name free_ptr = json_unquote(json_find(json, len, "metadata.name"));
	char *link free_ptr = object_link(s->type_directory, s->resource, name ? name : "");

	resource_directory(s->resource, &file);
	str_addf(&file, ".%s.yaml", name ? name : "");
	if (file.len <= NAME_BYTES)
		free(map_put(s->links, file.s, xasprintf("../../%s", link)));
	return true;
}

/* Every type that may be listed is asked; one that may not hides its objects here as there. */
static int owned_prepare(struct node *n, const struct call *call, struct error **err)
{
	struct view *v CLEANUP(view_unref_cleanup) = view_get(n->fs);
	struct search s = {.type_directory = type_directory_of(n),
			   .uid = n->parent->object->uid,
			   .links = map_new()};
	struct owned *o = n->state;

	map_each (*n->namespace ? v->in_namespace : v->in_cluster, e) {
		struct list_options opt = {0};
		struct list_meta meta = {0};

		if (call_cancelled(call))
			break;
		s.resource = e->value;
		cluster_list(n->fs->cluster, call, s.resource, n->namespace, &opt, look_at, &s,
			     &meta, NULL);
		list_meta_release(&meta);
	}
	pthread_mutex_lock(&n->fs->lock);
	struct map *old = o->links;

	o->links = s.links;
	o->at = clock_mono(n->fs->clock);
	pthread_mutex_unlock(&n->fs->lock);
	map_free(old, free);
	return call_cancelled(call) ? error_set(err, E_CANCELLED, "interrupted") : 0;
}

const struct node_ops owned_ops = {
	.init = owned_init,
	.release = owned_release,
	.ready = owned_ready,
	.prepare = owned_prepare,
};

static bool find_link(struct node *dir, const char *name, struct found *f)
{
	struct owned *o = dir->state;
	const char *link = map_get(o->links, name);

	f->link = link ? xstrdup(link) : NULL;
	return link != NULL;
}

static void list_links(struct node *dir, struct listing *l)
{
	struct owned *o = dir->state;

	FS_LOCK(dir->fs);
	map_each (o->links, e)
		listing_add(l, e->key, 0);
}

const struct node_ops owned_link_ops = {.find = find_link, .list = list_links};
