#include "base/heap.h"
#include "base/mem.h"
#include "base/vec.h"

#include <assert.h>

void heap_init(struct heap *h, int (*less)(const void *, const void *),
	       void (*moved)(void *, size_t))
{
	*h = (struct heap){.less = less, .moved = moved};
}

void heap_release(struct heap *h)
{
	vec_release(h);
}

static void set(struct heap *h, size_t i, void *element)
{
	h->v[i] = element;
	if (h->moved)
		h->moved(element, i);
}

static size_t sift_up(struct heap *h, size_t i)
{
	void *element = h->v[i];

	while (i > 0 && h->less(element, h->v[(i - 1) / 2])) {
		set(h, i, h->v[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	set(h, i, element);
	return i;
}

static void sift_down(struct heap *h, size_t i)
{
	void *element = h->v[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= h->n)
			break;
		if (child + 1 < h->n && h->less(h->v[child + 1], h->v[child]))
			child++;
		if (!h->less(h->v[child], element))
			break;
		set(h, i, h->v[child]);
		i = child;
	}
	set(h, i, element);
}

void heap_push(struct heap *h, void *element)
{
	vec_push(h, element);
	sift_up(h, h->n - 1);
}

void *heap_peek(const struct heap *h)
{
	return h->n ? h->v[0] : NULL;
}

void *heap_remove(struct heap *h, size_t index)
{
	void *element, *last;

	assert(index < h->n);
	element = h->v[index];
	last = h->v[--h->n];
	if (index < h->n) {
		h->v[index] = last;
		heap_fix(h, index);
	}
	return element;
}

void *heap_pop(struct heap *h)
{
	return h->n ? heap_remove(h, 0) : NULL;
}

void heap_fix(struct heap *h, size_t index)
{
	assert(index < h->n);
	sift_down(h, sift_up(h, index));
}
