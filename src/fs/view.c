#include "fs/types.h"

#include "base/log.h"

/* Of types over the same objects, and of versions of one type, the catalog's first is shown. */
static void add_directory(struct view *v, const struct resource *r)
{
	const unsigned needed = VERB_GET | VERB_LIST | VERB_WATCH;
	struct map *where = r->namespaced ? v->in_namespace : v->in_cluster;
	struct str name CLEANUP(str_release) = STR_INIT;

	if ((r->verbs & needed) != needed || !str_equal(r->group, r->storage_group))
		return;
	resource_directory(r, &name);
	if (name.len == 0 || map_get(where, name.s))
		return;
	if (r == v->namespaces)
		return;
	map_put(where, name.s, (void *)r);
}

struct view *view_new(struct cluster *c, const struct call *call, struct error **err)
{
	struct catalog *catalog = cluster_catalog(c, call, err);
	struct view *v;

	if (!catalog)
		return NULL;
	v = xcalloc(1, sizeof(*v));
	v->refs = 1;
	v->catalog = catalog;
	v->in_namespace = map_new();
	v->in_cluster = map_new();
	v->namespaces = catalog_find(catalog, "", "v1", "namespaces");
	v->pods = catalog_find(catalog, "", "v1", "pods");
	v->events = catalog_find(catalog, "", "v1", "events");
	for (size_t i = 0; i < catalog_count(catalog); i++)
		add_directory(v, catalog_at(catalog, i));
	if (v->namespaces)
		return v;
	view_unref(v);
	error_set(err, E_NOT_SUPPORTED, "%s serves no namespaces", c->description);
	return NULL;
}

struct view *view_ref(struct view *v)
{
	v->refs++;
	return v;
}

void view_unref(struct view *v)
{
	if (!v || --v->refs > 0)
		return;
	map_free(v->in_namespace, NULL);
	map_free(v->in_cluster, NULL);
	catalog_unref(v->catalog);
	free(v);
}

struct view *view_get(struct fs *fs)
{
	FS_LOCK(fs);
	return view_ref(fs->view);
}

char *view_resolve(struct view *v, bool namespaced, const char *name)
{
	const struct resource *r = catalog_resolve(v->catalog, name);
	struct map *where = namespaced ? v->in_namespace : v->in_cluster;
	struct str directory CLEANUP(str_release) = STR_INIT;

	if (!r || r->namespaced != namespaced)
		return NULL;
	resource_directory(r, &directory);
	/* events.events.k8s.io are shown as events. */
	if (!map_get(where, directory.s)) {
		str_reset(&directory);
		str_adds(&directory, r->plural);
	}
	if (!map_get(where, directory.s) || str_equal(directory.s, name))
		return NULL;
	return str_take(&directory);
}

/* Directories in DIR whose type is no longer what it was, and links to them. */
static void forget_types(struct node *dir, struct map *now)
{
	VEC(char *) gone = VEC_INIT;

	map_each (dir->children, e) {
		struct node *n = e->value;

		if (S_ISLNK(n->mode) || (n->type && !map_get(now, e->key)) ||
		    (n->resource && n->type == NULL && S_ISDIR(n->mode) && !map_get(now, e->key)))
			vec_push(&gone, xstrdup(e->key));
	}
	vec_each (&gone, name) {
		node_stale(dir, *name);
		free(*name);
	}
	vec_release(&gone);
	node_names_changed(dir);
}

/* Types that are served no more give their informers back. */
static void drop_types(struct fs *fs, struct view *v)
{
	VEC(struct tree_type *) gone = VEC_INIT;

	pthread_mutex_lock(&fs->lock);
	map_each (fs->types, e) {
		struct tree_type *t = e->value;
		const struct resource *r = t->resource;

		if (!catalog_find(v->catalog, r->group, r->version, r->plural)) {
			vec_push(&gone, t);
			map_del(fs->types, t->key);
		}
	}
	pthread_mutex_unlock(&fs->lock);
	vec_each (&gone, t)
		type_unref(*t);
	vec_release(&gone);
}

void view_refresh(struct fs *fs)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct view *v = view_new(fs->cluster, NULL, &err), *old;
	struct node *dir;

	if (!v) {
		log_warn("cannot read which types the cluster has: %s", error_message(err));
		return;
	}
	pthread_mutex_lock(&fs->lock);
	old = fs->view;
	fs->view = view_ref(v);
	dir = node_child(fs->root, "cluster");
	if (dir)
		forget_types(dir, v->in_cluster);
	dir = node_child(fs->root, "namespaces");
	if (dir) {
		map_each (dir->children, e)
			forget_types(e->value, v->in_namespace);
	}
	pthread_cond_broadcast(&fs->view_changed);
	pthread_mutex_unlock(&fs->lock);
	drop_types(fs, v);
	view_unref(old);
	view_unref(v);
}
