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

#else

#include "base/mem.h"

#include <jansson.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>

/* Class C has blocks of C * STEP + SLACK bytes or more: the usable sizes of glibc's malloc(). */
#define STEP 16u
#define SLACK 8u
#define CLASSES 33u
#define KEEP_BYTES (512u << 10)

struct block {
	struct block *next;
};

struct cache {
	struct block *free[CLASSES];
	size_t bytes;
};

static _Thread_local struct cache *cache;
static pthread_key_t key;

static void cache_free(void *p)
{
	struct cache *c = p;

	cache = NULL;
	for (size_t i = 0; i < CLASSES; i++)
		while (c->free[i]) {
			struct block *b = c->free[i];

			c->free[i] = b->next;
			free(b);
		}
	free(c);
}

/* The thread's end frees it, by way of the key. */
static struct cache *cache_get(void)
{
	if (!cache) {
		cache = xcalloc(1, sizeof(*cache));
		pthread_setspecific(key, cache);
	}
	return cache;
}

static void *allocate(size_t size)
{
	size_t class = (size + STEP - SLACK - 1) / STEP;
	struct cache *c = cache;
	struct block *b;

	if (!c || class >= CLASSES || !c->free[class])
		return malloc(size);
	b = c->free[class];
	c->free[class] = b->next;
	c->bytes -= class * STEP;
	return b;
}

static void release(void *p)
{
	size_t usable = malloc_usable_size(p), class = (usable - SLACK) / STEP;
	struct block *b = p;
	struct cache *c;

	if (usable < STEP + SLACK || class >= CLASSES ||
	    (c = cache_get())->bytes + class * STEP > KEEP_BYTES) {
		free(p);
		return;
	}
	b->next = c->free[class];
	c->free[class] = b;
	c->bytes += class * STEP;
}

void json_memory_init(void)
{
	static bool done;

	if (done)
		return;
	done = true;
	if (!pthread_key_create(&key, cache_free))
		json_set_alloc_funcs(allocate, release);
}

#endif
