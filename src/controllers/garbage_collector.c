/*
 * Objects whose owners are gone are deleted; objects that are deleted in the foreground, or whose
 * dependents are to be orphaned, are held until that is done.
 *
 * The graph is fed by an informer of every type that can be listed, watched and deleted. A key of
 * the queue is a uid; before anything is deleted the object and its owners are read from the
 * cluster, never from the cache, so that a late event deletes nothing. An owner whose type is not
 * served cannot be read: it is gone if its deletion was seen, and may be there otherwise.
 */
#include "base/log.h"
#include "base/map.h"
#include "base/vec.h"
#include "controllers/common.h"
#include "controllers/controllers.h"
#include "controllers/garbage_graph.h"
#include "object/json.h"

#include <pthread.h>
#include <string.h>

#define NEEDED (VERB_LIST | VERB_WATCH | VERB_DELETE)
#define CATALOG_KEY "the catalog" /* no uid has a space */
#define SYNC_RETRY_NS (50 * NS_PER_MS)
#define UNKNOWN_KIND_RETRY_NS (30 * NS_PER_S)

struct monitor {
	struct controller *controller;
	struct garbage_graph *graph;
	struct informer *informer;
	_Atomic bool told;  /* its first list is in the graph */
	_Atomic bool ended; /* its type is not served, and the graph knows none of its objects */
};

struct state {
	struct garbage_graph *graph;
	pthread_mutex_t lock;
	struct map *monitors; /* "apiVersion/plural" -> struct monitor */
};

static void touched(void *arg, const char *uid)
{
	controller_enqueue(arg, "", uid);
}

static void on_changed(void *arg, struct object *old, struct object *new_)
{
	struct monitor *m = arg;

	if (!new_)
		garbage_graph_note_gone(m->graph, old->uid);
	garbage_graph_change(m->graph, informer_resource(m->informer), old, new_, touched,
			     m->controller);
}

static void on_lost(void *arg, struct object *old)
{
	struct monitor *m = arg;

	garbage_graph_change(m->graph, informer_resource(m->informer), old, NULL, touched,
			     m->controller);
}

static void on_synced(void *arg)
{
	struct monitor *m = arg;

	m->told = true;
}

static void on_catalog(void *arg)
{
	controller_enqueue(arg, "", CATALOG_KEY);
}

static void on_state(void *arg)
{
	struct monitor *m = arg;
	struct error *why CLEANUP(error_free_cleanup) = informer_error(m->informer, NULL);

	m->ended = error_code(why) == E_NOT_FOUND;
	if (m->ended)
		on_catalog(m->controller);
}

static const struct informer_handler handler = {
	.changed = on_changed, .lost = on_lost, .synced = on_synced, .state = on_state};

/* Events own nothing and are owned by nothing; of two names for the same objects one is enough. */
static bool is_monitored(const struct resource *r)
{
	return (r->verbs & NEEDED) == NEEDED && strcmp(r->plural, "events") != 0 &&
	       !strcmp(r->group, r->storage_group) && !strcmp(r->version, r->storage_version);
}

static void monitor_free(void *p)
{
	struct monitor *m = p;

	informer_remove_handler(m->informer, &handler, m);
	informer_put(m->informer);
	free(m);
}

static char *monitor_key(const struct resource *r)
{
	return xasprintf("%s/%s", r->api_version, r->plural);
}

static void add_monitors(struct controller *c, struct state *s, struct catalog *catalog)
{
	for (size_t k = 0; k < catalog_count(catalog); k++) {
		const struct resource *r = catalog_at(catalog, k);
		char *key free_ptr = monitor_key(r);
		struct monitor *m;

		if (!is_monitored(r) || map_get(s->monitors, key))
			continue;
		m = xcalloc(1, sizeof(*m));
		m->controller = c;
		m->graph = s->graph;
		m->informer = informers_get(controller_informers(c), r, "");
		map_put(s->monitors, key, m);
		informer_add_handler(m->informer, &handler, m);
	}
}

/* What was deleted along with its type is told before a monitor has ended. */
static void drop_monitors(struct state *s, struct catalog *catalog)
{
	map_each (s->monitors, e) {
		struct monitor *m = e->value;
		const struct resource *r = informer_resource(m->informer);

		if (m->ended && !catalog_find(catalog, r->group, r->version, r->plural))
			monitor_free(map_del(s->monitors, e->key));
	}
}

static int follow_catalog(struct controller *c, struct state *s, struct error **err)
{
	struct catalog *catalog CLEANUP(catalog_unref_cleanup) =
		cluster_catalog(controller_cluster(c), controller_call(c), err);

	if (!catalog)
		return -1;
	pthread_mutex_lock(&s->lock);
	drop_monitors(s, catalog);
	add_monitors(c, s, catalog);
	pthread_mutex_unlock(&s->lock);
	return 0;
}

/* While a list is still on its way the graph may lack dependents. A type that fails holds nobody.
 */
static bool graph_is_whole(struct state *s)
{
	bool whole = true;

	pthread_mutex_lock(&s->lock);
	map_each (s->monitors, e) {
		struct monitor *m = e->value;
		struct error *why CLEANUP(error_free_cleanup) = NULL;

		if (m->told)
			continue;
		why = informer_error(m->informer, NULL);
		whole &= why != NULL;
	}
	pthread_mutex_unlock(&s->lock);
	return whole;
}

static void *start(struct controller *c)
{
	struct state *s = xcalloc(1, sizeof(*s));

	s->graph = garbage_graph_new();
	pthread_mutex_init(&s->lock, NULL);
	s->monitors = map_new();
	cluster_on_catalog(controller_cluster(c), on_catalog, c);
	on_catalog(c);
	return s;
}

static void stop(struct controller *c, void *state)
{
	struct state *s = state;

	cluster_off_catalog(controller_cluster(c), on_catalog, c);
	map_free(s->monitors, monitor_free);
	garbage_graph_free(s->graph);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* The object as the cluster has it now, or NULL when it is gone (or another has its name). */
static int read_live(struct controller *c, const struct garbage_item *item, struct object **out,
		     struct error **err)
{
	struct error *why = NULL;

	*out = NULL;
	if (cluster_get(controller_cluster(c), controller_call(c), item->resource, item->namespace,
			item->name, out, &why) < 0) {
		if (why->code != E_NOT_FOUND)
			return error_move(err, why);
		error_free(why);
	} else if (strcmp((*out)->uid, item->uid) != 0) {
		object_unref(*out);
		*out = NULL;
	}
	return 0;
}

static bool has_finalizer(const struct object *o, const char *name)
{
	json_t *tree json_auto = object_tree(o);
	json_t *f;
	size_t k;

	json_array_foreach (json_path(tree, "metadata.finalizers"), k, f)
		if (json_is_string(f) && !strcmp(json_string_value(f), name))
			return true;
	return false;
}

/* Replaces one list of the metadata, if nobody wrote meanwhile. */
static int patch_list(struct controller *c, const struct garbage_item *item,
		      const struct object *live, const char *key, json_t *list, struct error **err)
{
	json_t *patch json_auto = json_pack("{s:{s:s, s:s, s:o}}", "metadata", "uid", live->uid,
					    "resourceVersion", live->resource_version, key, list);
	struct error *why = NULL;

	if (cluster_patch_tree(controller_cluster(c), controller_call(c), item->resource,
			       item->namespace, item->name, NULL, PATCH_MERGE, patch, NULL, NULL,
			       &why) == 0)
		return 0;
	return error_unless(E_NOT_FOUND, err, why);
}

static int remove_finalizer(struct controller *c, const struct garbage_item *item,
			    const struct object *live, const char *name, struct error **err)
{
	json_t *tree json_auto = object_tree(live);
	json_t *left = json_array(), *f;
	size_t k;

	json_array_foreach (json_path(tree, "metadata.finalizers"), k, f)
		if (strcmp(json_string_value(f), name) != 0)
			json_array_append(left, f);
	return patch_list(c, item, live, "finalizers", left, err);
}

/* The owner references of LIVE but those to a uid in GONE. */
static int drop_references(struct controller *c, const struct garbage_item *item,
			   const struct object *live, struct map *gone, struct error **err)
{
	json_t *refs json_auto =
		json_read(live->owner_references.p, live->owner_references.len, err);
	json_t *left, *ref;
	size_t k;

	if (!refs)
		return -1;
	left = json_array();
	json_array_foreach (refs, k, ref)
		if (!map_get(gone, text_at(ref, "uid")))
			json_array_append(left, ref);
	return patch_list(c, item, live, "ownerReferences", left, err);
}

static int delete_item(struct controller *c, const struct garbage_item *item,
		       const struct object *live, enum propagation how, struct error **err)
{
	struct delete_options opt = {.grace_period_s = -1, .propagation = how, .uid = live->uid};
	struct error *why = NULL;

	if (cluster_delete(controller_cluster(c), controller_call(c), item->resource,
			   item->namespace, item->name, &opt, NULL, NULL, &why) == 0)
		return 0;
	return error_unless(E_NOT_FOUND, err, why);
}

static int orphan_dependents(struct controller *c, struct state *s,
			     const struct garbage_item *owner, const struct object *live,
			     struct error **err)
{
	struct garbage_items all CLEANUP(garbage_items_release) = {0};
	struct map *gone = map_new();
	int r = 0;

	map_put(gone, owner->uid, s);
	garbage_graph_dependents(s->graph, owner->uid, false, &all);
	for (size_t k = 0; k < all.n && r == 0; k++) {
		struct object *child CLEANUP(object_unref_cleanup) = NULL;

		r = read_live(c, &all.v[k], &child, err);
		if (r == 0 && child && child->owner_references.p)
			r = drop_references(c, &all.v[k], child, gone, err);
	}
	map_free(gone, NULL);
	return r < 0 ? -1 : remove_finalizer(c, owner, live, "orphan", err);
}

static int delete_dependents(struct controller *c, struct state *s,
			     const struct garbage_item *owner, const struct object *live,
			     struct error **err)
{
	struct garbage_items blocking CLEANUP(garbage_items_release) = {0};
	struct garbage_items all CLEANUP(garbage_items_release) = {0};

	garbage_graph_dependents(s->graph, owner->uid, true, &blocking);
	garbage_graph_dependents(s->graph, owner->uid, false, &all);
	vec_each (&all, child)
		controller_enqueue(c, "", child->uid);
	if (blocking.n)
		return 0;
	return remove_finalizer(c, owner, live, "foregroundDeletion", err);
}

enum owner_state { OWNER_SOLID, OWNER_UNSEEN, OWNER_GONE, OWNER_WAITING, OWNER_UNKNOWN };

/*
 * Its monitor tells when it goes. One that no monitor has seen, because its type is new or its
 * event is still on the way, may go without a word.
 */
static bool is_seen(struct state *s, struct catalog *catalog, const struct garbage_item *owner)
{
	const struct resource *r = owner->resource;
	const struct resource *stored =
		catalog_find(catalog, r->storage_group, r->storage_version, r->plural);
	struct object *known CLEANUP(object_unref_cleanup) = NULL;
	char *key free_ptr = NULL;
	struct monitor *m;

	if (!stored || !is_monitored(stored))
		return true;
	key = monitor_key(stored);
	pthread_mutex_lock(&s->lock);
	m = map_get(s->monitors, key);
	if (m)
		known = informer_get(m->informer, owner->namespace, owner->name);
	pthread_mutex_unlock(&s->lock);
	return known && !strcmp(known->uid, owner->uid);
}

/* An owner of a namespaced object lives in the same namespace, or in none. */
static int look_at_owner(struct controller *c, struct catalog *catalog,
			 const struct garbage_item *child, const json_t *ref, enum owner_state *out,
			 struct error **err)
{
	const struct resource *r =
		catalog_find_kind(catalog, text_at(ref, "apiVersion"), text_at(ref, "kind"));
	struct garbage_item owner = {.resource = r,
				     .uid = (char *)text_at(ref, "uid"),
				     .namespace =
					     r && r->namespaced ? child->namespace : (char *)"",
				     .name = (char *)text_at(ref, "name")};
	struct object *live CLEANUP(object_unref_cleanup) = NULL;

	*out = !r && garbage_graph_is_gone(((struct state *)controller_state(c))->graph, owner.uid)
		       ? OWNER_GONE
		       : OWNER_UNKNOWN;
	if (!r || (r->namespaced && !*child->namespace))
		return 0;
	if (read_live(c, &owner, &live, err) < 0)
		return -1;
	if (!live)
		*out = OWNER_GONE;
	else if (*live->deletion_timestamp && has_finalizer(live, "foregroundDeletion"))
		*out = OWNER_WAITING;
	else
		*out = is_seen(controller_state(c), catalog, &owner) ? OWNER_SOLID : OWNER_UNSEEN;
	return 0;
}

struct verdict {
	size_t n, count[OWNER_UNKNOWN + 1];
	struct map *droppable; /* uids of owners that are gone or go */
};

static int judge(struct controller *c, const struct garbage_item *item, const struct object *live,
		 struct verdict *v, struct error **err)
{
	struct catalog *catalog CLEANUP(catalog_unref_cleanup) =
		cluster_catalog(controller_cluster(c), controller_call(c), err);
	json_t *refs json_auto = NULL;
	json_t *ref;
	size_t k;

	if (!catalog)
		return -1;
	refs = json_read(live->owner_references.p, live->owner_references.len, err);
	if (!refs)
		return -1;
	json_array_foreach (refs, k, ref) {
		enum owner_state state;

		if (look_at_owner(c, catalog, item, ref, &state, err) < 0)
			return -1;
		v->n++;
		v->count[state]++;
		if (state == OWNER_GONE || state == OWNER_WAITING)
			map_put(v->droppable, text_at(ref, "uid"), v);
	}
	return 0;
}

static enum propagation propagation_of(const struct object *live)
{
	if (has_finalizer(live, "orphan"))
		return PROPAGATE_ORPHAN;
	return has_finalizer(live, "foregroundDeletion") ? PROPAGATE_FOREGROUND
							 : PROPAGATE_BACKGROUND;
}

static int act(struct controller *c, struct state *s, const struct garbage_item *item,
	       const struct object *live, const struct verdict *v, struct error **err)
{
	struct garbage_items below CLEANUP(garbage_items_release) = {0};

	if (v->count[OWNER_UNKNOWN]) {
		/* A kind that is not served, perhaps for a moment: nothing is certain. */
		controller_enqueue_after(c, "", item->uid, UNKNOWN_KIND_RETRY_NS);
		return 0;
	}
	if (v->count[OWNER_SOLID] + v->count[OWNER_UNSEEN]) {
		if (map_count(v->droppable) &&
		    drop_references(c, item, live, v->droppable, err) < 0)
			return -1;
		if (!v->count[OWNER_UNSEEN])
			return 0;
		/* Again, with back-off. */
		return error_set(err, E_CONFLICT, "%s: an owner's event has not come yet",
				 item->name);
	}
	if (!v->count[OWNER_WAITING])
		return delete_item(c, item, live, propagation_of(live), err);
	garbage_graph_dependents(s->graph, item->uid, false, &below);
	return delete_item(c, item, live, below.n ? PROPAGATE_FOREGROUND : propagation_of(live),
			   err);
}

static int sync_item(struct controller *c, struct state *s, const struct garbage_item *item,
		     struct error **err)
{
	struct object *live CLEANUP(object_unref_cleanup) = NULL;
	struct verdict v = {0};
	int r;

	if (read_live(c, item, &live, err) < 0)
		return -1;
	if (!live)
		return 0;
	if (*live->deletion_timestamp) {
		if (has_finalizer(live, "orphan"))
			return orphan_dependents(c, s, item, live, err);
		if (has_finalizer(live, "foregroundDeletion"))
			return delete_dependents(c, s, item, live, err);
		return 0;
	}
	if (!live->owner_references.p)
		return 0;
	v.droppable = map_new();
	r = judge(c, item, live, &v, err);
	if (r == 0 && v.n)
		r = act(c, s, item, live, &v, err);
	map_free(v.droppable, NULL);
	return r;
}

static int sync(struct controller *c, const char *key, struct error **err)
{
	struct garbage_item item CLEANUP(garbage_item_release) = {0};
	struct state *s = controller_state(c);

	if (!strcmp(key, CATALOG_KEY))
		return follow_catalog(c, s, err);
	if (!graph_is_whole(s)) {
		controller_enqueue_after(c, "", key, SYNC_RETRY_NS);
		return 0;
	}
	return garbage_graph_find(s->graph, key, &item) ? sync_item(c, s, &item, err) : 0;
}

const struct reconciler reconciler_garbage_collector = {
	.name = "generic-garbage-collector",
	.workers = 4,
	.start = start,
	.stop = stop,
	.sync = sync,
};
