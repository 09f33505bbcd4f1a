#include "controllers/garbage_graph.h"

#include "base/map.h"
#include "base/vec.h"
#include "controllers/common.h"
#include "object/json.h"

#include <pthread.h>
#include <string.h>

/* So many other objects may go between an owner's end and the first word of what it owns. */
#define GONE_MAX 4096

struct reference {
	char *uid;
	bool block;
};

struct node {
	struct garbage_item item;
	VEC(struct reference) owners;
};

struct dependents {
	struct node **v;
	size_t n, cap;
	bool owner_gone;
};

struct garbage_graph {
	pthread_mutex_t lock;
	struct map *nodes;	/* uid -> struct node */
	struct map *dependents; /* uid of an owner -> struct dependents */
	struct map *gone;	/* the uids that went last */
	char *gone_in_turn[GONE_MAX];
	size_t next_gone;
};

void garbage_item_release(struct garbage_item *i)
{
	if (i->resource)
		resource_unref(i->resource);
	free(i->uid);
	free(i->namespace);
	free(i->name);
}

void garbage_items_release(struct garbage_items *l)
{
	vec_each (l, i)
		garbage_item_release(i);
	vec_release(l);
}

struct garbage_graph *garbage_graph_new(void)
{
	struct garbage_graph *g = xcalloc(1, sizeof(*g));

	pthread_mutex_init(&g->lock, NULL);
	g->nodes = map_new();
	g->dependents = map_new();
	g->gone = map_new();
	return g;
}

static void node_free(void *p)
{
	struct node *n = p;

	vec_each (&n->owners, owner)
		free(owner->uid);
	vec_release(&n->owners);
	garbage_item_release(&n->item);
	free(n);
}

static void dependents_free(void *p)
{
	struct dependents *d = p;

	vec_release(d);
	free(d);
}

void garbage_graph_free(struct garbage_graph *g)
{
	if (!g)
		return;
	map_free(g->nodes, node_free);
	map_free(g->dependents, dependents_free);
	map_free(g->gone, NULL);
	for (size_t k = 0; k < GONE_MAX; k++)
		free(g->gone_in_turn[k]);
	pthread_mutex_destroy(&g->lock);
	free(g);
}

static void item_copy(struct garbage_item *to, const struct resource *r, const char *uid,
		      const char *namespace, const char *name)
{
	to->resource = resource_ref(r);
	to->uid = xstrdup(uid);
	to->namespace = xstrdup(namespace);
	to->name = xstrdup(name);
}

static void link_node(struct garbage_graph *g, struct node *n)
{
	vec_each (&n->owners, owner) {
		struct dependents *d = map_get(g->dependents, owner->uid);

		if (!d) {
			d = xcalloc(1, sizeof(*d));
			map_put(g->dependents, owner->uid, d);
		}
		vec_push(d, n);
	}
}

static void unlink_node(struct garbage_graph *g, struct node *n)
{
	vec_each (&n->owners, owner) {
		struct dependents *d = map_get(g->dependents, owner->uid);

		for (size_t k = 0; d && k < d->n; k++)
			if (d->v[k] == n) {
				d->v[k] = d->v[--d->n];
				break;
			}
		if (d && !d->n)
			dependents_free(map_del(g->dependents, owner->uid));
	}
}

static bool waits_for_dependents(const struct object *o)
{
	return *o->deletion_timestamp && object_find(o, "metadata.finalizers").p;
}

static struct node *node_new(const struct resource *r, const struct object *o)
{
	json_t *refs json_auto = o->owner_references.p ? json_read(o->owner_references.p,
								   o->owner_references.len, NULL)
						       : NULL;
	struct node *n = xcalloc(1, sizeof(*n));
	json_t *ref;
	size_t k;

	item_copy(&n->item, r, o->uid, o->namespace, o->name);
	json_array_foreach (refs, k, ref)
		vec_push(&n->owners,
			 (struct reference){xstrdup(text_at(ref, "uid")),
					    json_path_bool(ref, "blockOwnerDeletion", false)});
	return n;
}

static bool belongs(const struct object *o)
{
	return o && (o->owner_references.p || waits_for_dependents(o));
}

/* An object whose owners and deletion are as they were needs no look. */
static bool same_for_us(const struct object *old, const struct object *new_)
{
	return old && new_ && old->owner_references.len == new_->owner_references.len &&
	       (!old->owner_references.p ||
		!memcmp(old->owner_references.p, new_->owner_references.p,
			old->owner_references.len)) &&
	       !strcmp(old->uid, new_->uid) &&
	       !strcmp(old->deletion_timestamp, new_->deletion_timestamp) &&
	       waits_for_dependents(old) == waits_for_dependents(new_) &&
	       !*new_->deletion_timestamp;
}

typedef VEC(char *) uids_t;

static void collect_touched(struct garbage_graph *g, const struct object *old,
			    const struct object *new_, void *list)
{
	uids_t *out = list;
	struct node *n = map_get(g->nodes, (new_ ? new_ : old)->uid);
	struct dependents *d = new_ ? NULL : map_get(g->dependents, old->uid);

	if (n && new_)
		vec_push(out, xstrdup(n->item.uid));
	if (n && (!new_ || *new_->deletion_timestamp))
		vec_each (&n->owners, owner)
			vec_push(out, xstrdup(owner->uid));
	if (d)
		vec_each (d, child)
			vec_push(out, xstrdup((*child)->item.uid));
}

void garbage_graph_change(struct garbage_graph *g, const struct resource *r,
			  const struct object *old, const struct object *new_,
			  void (*touched)(void *arg, const char *uid), void *arg)
{
	const struct object *o = new_ ? new_ : old;
	struct node *n;
	uids_t uids = VEC_INIT;

	if (same_for_us(old, new_))
		return;
	pthread_mutex_lock(&g->lock);
	if (!new_)
		collect_touched(g, old, NULL, &uids);
	n = map_del(g->nodes, o->uid);
	if (n) {
		unlink_node(g, n);
		node_free(n);
	}
	if (belongs(new_)) {
		n = node_new(r, new_);
		map_put(g->nodes, new_->uid, n);
		link_node(g, n);
	}
	if (new_)
		collect_touched(g, old, new_, &uids);
	pthread_mutex_unlock(&g->lock);
	vec_each (&uids, uid) {
		touched(arg, *uid);
		free(*uid);
	}
	vec_release(&uids);
}

/* The newest takes the place of the oldest. */
static void remember_gone(struct garbage_graph *g, const char *uid)
{
	char **place = &g->gone_in_turn[g->next_gone];

	if (map_get(g->gone, uid))
		return;
	g->next_gone = (g->next_gone + 1) % GONE_MAX;
	if (*place)
		map_del(g->gone, *place);
	free(*place);
	*place = xstrdup(uid);
	map_put(g->gone, uid, g);
}

void garbage_graph_note_gone(struct garbage_graph *g, const char *uid)
{
	struct dependents *d;

	pthread_mutex_lock(&g->lock);
	d = map_get(g->dependents, uid);
	if (d)
		d->owner_gone = true;
	remember_gone(g, uid);
	pthread_mutex_unlock(&g->lock);
}

bool garbage_graph_is_gone(struct garbage_graph *g, const char *uid)
{
	struct dependents *d;
	bool gone;

	pthread_mutex_lock(&g->lock);
	d = map_get(g->dependents, uid);
	gone = (d && d->owner_gone) || map_get(g->gone, uid);
	pthread_mutex_unlock(&g->lock);
	return gone;
}

bool garbage_graph_find(struct garbage_graph *g, const char *uid, struct garbage_item *out)
{
	struct node *n;

	pthread_mutex_lock(&g->lock);
	n = map_get(g->nodes, uid);
	if (n)
		item_copy(out, n->item.resource, n->item.uid, n->item.namespace, n->item.name);
	pthread_mutex_unlock(&g->lock);
	return n != NULL;
}

static bool blocks(const struct node *n, const char *uid)
{
	vec_each (&n->owners, owner)
		if (owner->block && !strcmp(owner->uid, uid))
			return true;
	return false;
}

void garbage_graph_dependents(struct garbage_graph *g, const char *uid, bool only_blocking,
			      struct garbage_items *out)
{
	struct dependents *d;

	pthread_mutex_lock(&g->lock);
	d = map_get(g->dependents, uid);
	for (size_t k = 0; d && k < d->n; k++) {
		struct garbage_item copy;

		if (only_blocking && !blocks(d->v[k], uid))
			continue;
		item_copy(&copy, d->v[k]->item.resource, d->v[k]->item.uid, d->v[k]->item.namespace,
			  d->v[k]->item.name);
		vec_push(out, copy);
	}
	pthread_mutex_unlock(&g->lock);
}
