/*
 * What admission looks at for nearly every write and what seldom changes: namespaces, service
 * accounts, ranges, quotas, classes. Each is read and parsed once, and kept until a commit touches
 * it (commit.c). Kubernetes has informers for it.
 *
 *	uint64_t since;
 *	struct kept_tree *t = kept_find(k, &key, &since);
 *
 *	if (!t)
 *		t = kept_put(k, &key, ... read from the store ..., bytes, since);
 *	... t->tree ...
 *	kept_unref(t);
 *
 * Keys are the store's (object_key): of one object, or with a "/" at the end of the array of all
 * that it begins.
 *
 * Threads: any.
 */
#ifndef CLUSTER_LOCAL_KEPT_H
#define CLUSTER_LOCAL_KEPT_H

#include "base/str.h"

#include <jansson.h>
#include <stdint.h>

struct kept;

/*
 * A tree that many threads read at once. Nobody changes it, and nobody lets a part of it outlive
 * the reference: jansson does not count references to its parts (json_incref on them does nothing,
 * as on true and null), so they are copied into other trees, never shared with them.
 */
struct kept_tree {
	_Atomic unsigned refs;
	json_t *tree;
};

struct kept *kept_new(void);
/* Returns NULL; takes it. */
struct kept *kept_free(struct kept *k);
/* A new reference, or NULL: then *SINCE is for kept_put. */
struct kept_tree *kept_find(struct kept *k, const struct str *key, uint64_t *since);
/* TREE, taken over, of BYTES in the store, was read after kept_find: it is kept unless it is of a
 * type that is not, or too large, or something has changed meanwhile. A new reference. */
struct kept_tree *kept_put(struct kept *k, const struct str *key, json_t *tree, size_t bytes,
			   uint64_t since);
void kept_unref(struct kept_tree *t);
/* KEY has another value from now on. */
void kept_forget(struct kept *k, const char *key, size_t len);

#endif
