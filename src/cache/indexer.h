/*
 * Objects of one type by namespace and name, with indexes: the memory below an informer.
 *
 * Threads: the owner locks. Objects are kept as refs.
 */
#ifndef CACHE_INDEXER_H
#define CACHE_INDEXER_H

#include "cache/informer.h"

struct indexer;
struct indexer *indexer_new(void);
void indexer_free(struct indexer *x);
/* Borrowed, or NULL. */
struct object *indexer_get(const struct indexer *x, const char *namespace, const char *name);
/* Takes a ref of O; returns the ref of what stood there, or NULL. */
struct object *indexer_put(struct indexer *x, struct object *o);
/* Returns the ref of what stood there, or NULL. */
struct object *indexer_remove(struct indexer *x, const char *namespace, const char *name);
/* As informer_list, informer_add_index and informer_by_index; the last one sorted likewise. */
void indexer_list(const struct indexer *x, const char *namespace, struct object_list *out);
void indexer_add_index(struct indexer *x, const char *name, index_keys *keys);
void indexer_by_index(const struct indexer *x, const char *name, const char *key,
		      struct object_list *out);

#endif
