/*
 * What admission looks at for nearly every write and what seldom changes: namespaces, service
 * accounts, ranges, quotas, classes. Each is read and parsed once, and kept until a commit touches
 * it (commit.c). Kubernetes has informers for it.
 *
 *	uint64_t since;
 *	json_t *tree = kept_find(k, &key, &since);
 *
 *	if (!tree) {
 *		tree = ... read it from the store ...
 *		kept_put(k, &key, tree, bytes, since);
 *	}
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

struct kept *kept_new(void);
/* Returns NULL; takes it. */
struct kept *kept_free(struct kept *k);
/* A tree of the caller's own, or NULL: then *SINCE is for kept_put. */
json_t *kept_find(struct kept *k, const struct str *key, uint64_t *since);
/* TREE, of BYTES in the store, was read after kept_find: it is kept unless it is of a type that is
 * not, or too large, or something has changed meanwhile. */
void kept_put(struct kept *k, const struct str *key, json_t *tree, size_t bytes, uint64_t since);
/* KEY has another value from now on. */
void kept_forget(struct kept *k, const char *key, size_t len);

#endif
