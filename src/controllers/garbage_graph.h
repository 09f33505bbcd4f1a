/*
 * Who depends on whom: objects with owner references, by uid.
 *
 * Only objects that have owners, or that wait for the end of their dependents, stand in it; every
 * other object costs nothing here. Of those that are gone the uids are kept for what they owned.
 *
 * Threads: any; it locks itself.
 */
#ifndef CONTROLLERS_GARBAGE_GRAPH_H
#define CONTROLLERS_GARBAGE_GRAPH_H

#include "kinds/resource.h"
#include "object/object.h"

struct garbage_graph;

/* A copy of what is known of one object; released by the caller. */
struct garbage_item {
	const struct resource *resource; /* a ref */
	char *uid, *namespace, *name;
};
void garbage_item_release(struct garbage_item *i);
struct garbage_items {
	struct garbage_item *v;
	size_t n, cap;
};
void garbage_items_release(struct garbage_items *l);

struct garbage_graph *garbage_graph_new(void);
void garbage_graph_free(struct garbage_graph *g);
/*
 * Takes in a change of an object of R (NEW NULL: deleted) and calls TOUCHED for every uid that is
 * to be looked at for it: its own, its dependents when it is gone, its owners when they may wait
 * for it.
 */
void garbage_graph_change(struct garbage_graph *g, const struct resource *r,
			  const struct object *old, const struct object *new_,
			  void (*touched)(void *arg, const char *uid), void *arg);
/* UID is gone for good; what names it as an owner may still be on its way here. */
void garbage_graph_note_gone(struct garbage_graph *g, const char *uid);
/* Whether that was noted of it, if something names it as an owner or it was not long ago. */
bool garbage_graph_is_gone(struct garbage_graph *g, const char *uid);
bool garbage_graph_find(struct garbage_graph *g, const char *uid, struct garbage_item *out);
/* Appends what names UID as an owner; ONLY_BLOCKING: with blockOwnerDeletion. */
void garbage_graph_dependents(struct garbage_graph *g, const char *uid, bool only_blocking,
			      struct garbage_items *out);

#endif
