#include "base/arena.h"
#include "base/mem.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CHUNK 4096

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, size;
	alignas(max_align_t) char bytes[];
};

void *arena_new(struct arena *a, size_t size)
{
	size_t align = alignof(max_align_t), need = (size + align - 1) / align * align;
	struct arena_chunk *c = a->chunks;
	void *p;

	if (!c || c->size - c->used < need) {
		/* Chunks double, so that many small pieces cost few allocations. */
		size_t room = MAX(need, c ? MIN(c->size * 2, (size_t)1 << 20) : (size_t)CHUNK);

		c = xmalloc(sizeof(*c) + room);
		*c = (struct arena_chunk){.next = a->chunks, .size = room};
		a->chunks = c;
	}
	p = c->bytes + c->used;
	c->used += need;
	a->total += need;
	return memset(p, 0, need);
}

char *arena_copy(struct arena *a, const char *bytes, size_t len)
{
	char *p = arena_new(a, len + 1);

	if (len)
		memcpy(p, bytes, len);
	return p;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
	va_list ap, again;
	int len;
	char *p;

	va_start(ap, format);
	va_copy(again, ap);
	len = vsnprintf(NULL, 0, format, again);
	va_end(again);
	p = arena_new(a, (size_t)(len < 0 ? 0 : len) + 1);
	vsnprintf(p, (size_t)(len < 0 ? 0 : len) + 1, format, ap);
	va_end(ap);
	return p;
}

void arena_release(struct arena *a)
{
	struct arena_chunk *c;

	while ((c = a->chunks)) {
		a->chunks = c->next;
		free(c);
	}
	a->total = 0;
}
