/*
 * A binary min-heap of pointers, ordered by a comparison the owner gives: delayed keys of a
 * work queue, pods by priority.
 *
 * The heap tells each element where it sits through MOVED (may be NULL), so that heap_remove and
 * heap_fix work on an element in the middle. Threads: the owner locks.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stddef.h>

struct heap {
	void **v;
	size_t n, cap;
	int (*less)(const void *a, const void *b);
	void (*moved)(void *element, size_t index);
};

void heap_init(struct heap *h, int (*less)(const void *, const void *),
	       void (*moved)(void *, size_t));
/* Frees the array, not the elements. */
void heap_release(struct heap *h);
void heap_push(struct heap *h, void *element);
/* The smallest element, or NULL. */
void *heap_peek(const struct heap *h);
void *heap_pop(struct heap *h);
/* Removes and returns the element at INDEX. */
void *heap_remove(struct heap *h, size_t index);
/* Restores the order after the element at INDEX has changed. */
void heap_fix(struct heap *h, size_t index);

#endif
