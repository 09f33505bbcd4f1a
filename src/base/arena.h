/*
 * Memory that is given back all at once: for the parts of a syntax tree, or of one evaluation.
 *
 *	struct arena a CLEANUP(arena_release) = ARENA_INIT;
 *	struct node *n = arena_new(&a, sizeof(*n));	// zeroed; never freed by itself
 *
 * Threads: one owner at a time.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena_chunk;
struct arena {
	struct arena_chunk *chunks;
	size_t total; /* bytes handed out, for those who bound it */
};
#define ARENA_INIT   \
	{            \
		NULL \
	}

/* SIZE bytes, zeroed, aligned for anything. */
void *arena_new(struct arena *a, size_t size);
/* A copy of LEN bytes, with a NUL behind. */
char *arena_copy(struct arena *a, const char *bytes, size_t len);
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
void arena_release(struct arena *a);

#endif
