#include "object/json_memory.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAVE_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
	__has_feature(memory_sanitizer)
#define HAVE_SANITIZER 1
#endif
#endif

#ifdef HAVE_SANITIZER

void json_memory_init(void)
{
}

json_t *json_settle(const json_t *tree)
{
	return json_deep_copy(tree);
}

#else

#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

#define CHUNK_BYTES ((size_t)32 << 10)
/* One after the other without a gap, with what malloc() has before each. */
#define CHUNK_ROOM (CHUNK_BYTES - 2 * sizeof(void *))
#define ALIGN 16u
#define POOL_CHUNKS 256
#define LOOKS 4 /* at chunks that others may have emptied, for each one taken */
#define ORPHAN (1L << 40)

/*
 * At an address that is a multiple of CHUNK_BYTES, so that a block tells its chunk. Its owner, the
 * thread that cuts blocks off it, counts without atomics what it cut off and freed itself; others
 * count what they freed beside that. When the owner ends it takes its count over into the others',
 * and the last to free a block frees the chunk.
 */
struct chunk {
	struct heap *_Atomic owner;
	struct chunk *next, *prev; /* the owner's full ones */
	size_t used;
	long live;	       /* the owner's count */
	_Atomic long returned; /* by other threads; ORPHAN more once nobody owns it */
	bool large;	       /* of one block, beyond CHUNK_ROOM */
};

#define HEADER_BYTES ROUND_UP(sizeof(struct chunk), ALIGN)
#define ROUND_UP(n, to) (((n) + (to)-1) / (to) * (to))

struct heap {
	struct chunk *current;
	struct chunk *full; /* a ring */
};

static _Thread_local struct heap *heap;
static pthread_key_t key;

/* Of no thread: of who has the lock. */
static struct heap settled;
static pthread_mutex_t settled_lock = PTHREAD_MUTEX_INITIALIZER;

static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;
static struct chunk *pool;
static unsigned pooled;

static struct chunk *chunk_new(struct heap *owner, size_t bytes)
{
	struct chunk *c = NULL;

	if (bytes <= CHUNK_ROOM) {
		pthread_mutex_lock(&pool_lock);
		c = pool;
		if (c) {
			pool = c->next;
			pooled--;
		}
		pthread_mutex_unlock(&pool_lock);
	}
	if (!c)
		c = aligned_alloc(CHUNK_BYTES, MAX(bytes, CHUNK_ROOM));
	if (!c)
		return NULL;
	atomic_init(&c->owner, owner);
	atomic_init(&c->returned, 0);
	c->next = c->prev = c;
	c->used = HEADER_BYTES;
	c->live = 0;
	c->large = bytes > CHUNK_ROOM;
	return c;
}

static void chunk_free(struct chunk *c)
{
	bool keep = false;

	if (!c->large) {
		pthread_mutex_lock(&pool_lock);
		keep = pooled < POOL_CHUNKS;
		if (keep) {
			c->next = pool;
			pool = c;
			pooled++;
		}
		pthread_mutex_unlock(&pool_lock);
	}
	if (!keep)
		free(c);
}

static bool is_empty(struct chunk *c)
{
	return c->live == atomic_load_explicit(&c->returned, memory_order_acquire);
}

static void ring_add(struct heap *h, struct chunk *c)
{
	if (h->full) {
		c->next = h->full;
		c->prev = h->full->prev;
		c->prev->next = c->next->prev = c;
	}
	h->full = c;
}

static void ring_remove(struct heap *h, struct chunk *c)
{
	c->next->prev = c->prev;
	c->prev->next = c->next;
	if (h->full == c)
		h->full = c->next == c ? NULL : c->next;
}

/* Its blocks are freed by others from now on. */
static void orphan(struct chunk *c)
{
	atomic_store_explicit(&c->owner, NULL, memory_order_relaxed);
	if (atomic_fetch_add_explicit(&c->returned, ORPHAN - c->live, memory_order_acq_rel) ==
	    c->live)
		chunk_free(c);
}

static void heap_free(void *p)
{
	struct heap *h = p;

	heap = NULL;
	if (h->current)
		orphan(h->current);
	while (h->full) {
		struct chunk *c = h->full;

		ring_remove(h, c);
		orphan(c);
	}
	free(h);
}

/* The thread's end frees it, by way of the key. */
static struct heap *heap_get(void)
{
	if (!heap) {
		heap = xcalloc(1, sizeof(*heap));
		pthread_setspecific(key, heap);
	}
	return heap;
}

/* The owner sees here only what other threads emptied: the oldest first. */
static void collect(struct heap *h)
{
	for (int i = 0; i < LOOKS && h->full; i++) {
		struct chunk *c = h->full->prev;

		if (is_empty(c)) {
			ring_remove(h, c);
			chunk_free(c);
		} else {
			h->full = c;
		}
	}
}

static struct chunk *chunk_next(struct heap *h)
{
	if (h->current && is_empty(h->current)) {
		atomic_store_explicit(&h->current->returned, 0, memory_order_relaxed);
		h->current->live = 0;
		h->current->used = HEADER_BYTES;
		return h->current;
	}
	collect(h);
	if (h->current)
		ring_add(h, h->current);
	h->current = chunk_new(h, CHUNK_ROOM);
	return h->current;
}

static void *allocate_large(struct heap *h, size_t size)
{
	struct chunk *c = chunk_new(h, HEADER_BYTES + size);

	if (!c)
		return NULL;
	c->live = 1;
	ring_add(h, c);
	return (char *)c + HEADER_BYTES;
}

static void *allocate(size_t size)
{
	struct heap *h = heap ? heap : heap_get();
	struct chunk *c = h->current;
	void *block;

	if (size > CHUNK_BYTES / 4)
		return size < SIZE_MAX / 2 ? allocate_large(h, size) : NULL;
	size = ROUND_UP(size, ALIGN);
	if (!c || c->used + size > CHUNK_ROOM) {
		c = chunk_next(h);
		if (!c)
			return NULL;
	}
	block = (char *)c + c->used;
	c->used += size;
	c->live++;
	return block;
}

static void release(void *p)
{
	struct chunk *c = (struct chunk *)((uintptr_t)p & ~(uintptr_t)(CHUNK_BYTES - 1));
	struct heap *h = heap;

	if (!p)
		return;
	if (!h || atomic_load_explicit(&c->owner, memory_order_relaxed) != h) {
		if (atomic_fetch_add_explicit(&c->returned, 1, memory_order_acq_rel) + 1 == ORPHAN)
			chunk_free(c);
		return;
	}
	c->live--;
	if (c != h->current && is_empty(c)) {
		ring_remove(h, c);
		chunk_free(c);
	}
}

json_t *json_settle(const json_t *tree)
{
	struct heap *own = heap;
	json_t *copy;

	pthread_mutex_lock(&settled_lock);
	heap = &settled;
	copy = json_deep_copy(tree);
	heap = own;
	pthread_mutex_unlock(&settled_lock);
	return copy;
}

void json_memory_init(void)
{
	static bool done;

	if (done || RUNNING_ON_VALGRIND)
		return;
	done = true;
	if (!pthread_key_create(&key, heap_free))
		json_set_alloc_funcs(allocate, release);
}

#endif
