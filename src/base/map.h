/*
 * A hash table from strings to pointers, open addressing, keys copied.
 *
 *	struct map *m = map_new();
 *	map_put(m, "default/web", pod);
 *	map_each(m, e) use(e->key, e->value);
 *
 * The hash is keyed at random per process (SipHash-style seed), so names chosen by a hostile
 * client cannot make it slow. Iteration order is unspecified; map_del of the current entry is
 * allowed while iterating, map_put is not. Threads: the owner locks.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

struct map;
struct map_entry {
	char *key; /* NULL: never used, or deleted */
	void *value;
	uint64_t hash;
};

struct map *map_new(void);
/* Frees the table and its keys. FREE_VALUE, when given, is called on each value. Takes NULL. */
void map_free(struct map *m, void (*free_value)(void *));
size_t map_count(const struct map *m);
void *map_get(const struct map *m, const char *key);
/* Like map_get for a key that is not NUL-terminated. */
void *map_get_n(const struct map *m, const char *key, size_t len);
/* Stores VALUE (not NULL) and returns the value that was there before, or NULL. */
void *map_put(struct map *m, const char *key, void *value);
/* Removes KEY and returns its value, or NULL. */
void *map_del(struct map *m, const char *key);
void map_clear(struct map *m, void (*free_value)(void *));
/* The entry after E (NULL: the first), or NULL. */
struct map_entry *map_next(const struct map *m, struct map_entry *e);
/* A hash of bytes with the process's random seed; never the same across processes. */
uint64_t hash_bytes(const void *p, size_t len);

#define map_each(m, e) for (struct map_entry *e = NULL; (e = map_next((m), e));)

#endif
