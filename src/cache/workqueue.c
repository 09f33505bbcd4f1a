#include "cache/workqueue.h"

#include "base/heap.h"
#include "base/map.h"
#include "base/mem.h"

#define BASE_DELAY_NS (5 * NS_PER_MS)
#define MAX_DELAY_NS (1000 * NS_PER_S)
#define NOT_IN_HEAP SIZE_MAX

/* What is known of a key; lives while any of it is true. */
struct item {
	char *key;
	struct item *next; /* in the line */
	size_t heap_index; /* of the delayed keys */
	int64_t due;
	unsigned failures;
	bool queued;	 /* stands in the line */
	bool processing; /* a worker holds it */
	bool dirty;	 /* added again while a worker holds it */
};

struct workqueue {
	struct clock *clock;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	struct map *items;
	struct item *head, **tail;
	size_t length;
	struct heap delayed;
	bool shutdown;
};

static int earlier(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return x->due < y->due;
}

static void moved(void *element, size_t index)
{
	struct item *item = element;

	item->heap_index = index;
}

struct workqueue *workqueue_new(struct clock *clock)
{
	struct workqueue *q = xcalloc(1, sizeof(*q));

	q->clock = clock ? clock : clock_system();
	pthread_mutex_init(&q->lock, NULL);
	clock_cond_init(&q->cond);
	q->items = map_new();
	q->tail = &q->head;
	heap_init(&q->delayed, earlier, moved);
	return q;
}

static void item_free(void *p)
{
	struct item *item = p;

	free(item->key);
	free(item);
}

void workqueue_free(struct workqueue *q)
{
	if (!q)
		return;
	map_free(q->items, item_free);
	heap_release(&q->delayed);
	pthread_cond_destroy(&q->cond);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

static struct item *item_of(struct workqueue *q, const char *key)
{
	struct item *item = map_get(q->items, key);

	if (item)
		return item;
	item = xcalloc(1, sizeof(*item));
	item->key = xstrdup(key);
	item->heap_index = NOT_IN_HEAP;
	map_put(q->items, key, item);
	return item;
}

static void drop_if_idle(struct workqueue *q, struct item *item)
{
	if (item->queued || item->processing || item->dirty || item->failures ||
	    item->heap_index != NOT_IN_HEAP)
		return;
	map_del(q->items, item->key);
	item_free(item);
}

static void append(struct workqueue *q, struct item *item)
{
	item->queued = true;
	item->next = NULL;
	*q->tail = item;
	q->tail = &item->next;
	q->length++;
	pthread_cond_signal(&q->cond);
}

static void add_now(struct workqueue *q, struct item *item)
{
	if (item->processing)
		item->dirty = true;
	else if (!item->queued)
		append(q, item);
}

static void add_at(struct workqueue *q, struct item *item, int64_t due)
{
	if (due <= clock_mono(q->clock)) {
		add_now(q, item);
	} else if (item->heap_index == NOT_IN_HEAP) {
		item->due = due;
		heap_push(&q->delayed, item);
	} else if (due < item->due) {
		item->due = due;
		heap_fix(&q->delayed, item->heap_index);
	}
	/* A worker that sleeps until a later time has to look again. */
	if (heap_peek(&q->delayed) == item)
		pthread_cond_broadcast(&q->cond);
}

void workqueue_add(struct workqueue *q, const char *key)
{
	pthread_mutex_lock(&q->lock);
	if (!q->shutdown)
		add_now(q, item_of(q, key));
	pthread_mutex_unlock(&q->lock);
}

void workqueue_add_at(struct workqueue *q, const char *key, int64_t due_ns)
{
	pthread_mutex_lock(&q->lock);
	if (!q->shutdown)
		add_at(q, item_of(q, key), due_ns);
	pthread_mutex_unlock(&q->lock);
}

void workqueue_add_after(struct workqueue *q, const char *key, int64_t delay_ns)
{
	workqueue_add_at(q, key, clock_mono(q->clock) + MAX(delay_ns, 0));
}

static int64_t backoff(unsigned failures)
{
	if (failures >= 28) /* 5 ms * 2^28 is past the limit by far */
		return MAX_DELAY_NS;
	return MIN(BASE_DELAY_NS << failures, MAX_DELAY_NS);
}

void workqueue_add_rate_limited(struct workqueue *q, const char *key)
{
	struct item *item;

	pthread_mutex_lock(&q->lock);
	if (!q->shutdown) {
		item = item_of(q, key);
		add_at(q, item, clock_mono(q->clock) + backoff(item->failures));
		item->failures++;
	}
	pthread_mutex_unlock(&q->lock);
}

void workqueue_forget(struct workqueue *q, const char *key)
{
	struct item *item;

	pthread_mutex_lock(&q->lock);
	item = map_get(q->items, key);
	if (item) {
		item->failures = 0;
		drop_if_idle(q, item);
	}
	pthread_mutex_unlock(&q->lock);
}

static void promote_due(struct workqueue *q)
{
	int64_t now = clock_mono(q->clock);
	struct item *item;

	while ((item = heap_peek(&q->delayed)) && item->due <= now) {
		heap_pop(&q->delayed);
		item->heap_index = NOT_IN_HEAP;
		add_now(q, item);
	}
}

static char *take_first(struct workqueue *q)
{
	struct item *item = q->head;

	q->head = item->next;
	if (!q->head)
		q->tail = &q->head;
	q->length--;
	item->queued = false;
	item->processing = true;
	return xstrdup(item->key);
}

static int64_t next_due(struct workqueue *q)
{
	struct item *item = heap_peek(&q->delayed);

	return item ? item->due : CLOCK_NEVER;
}

static char *get(struct workqueue *q, bool wait)
{
	char *key = NULL;

	pthread_mutex_lock(&q->lock);
	while (!q->shutdown) {
		promote_due(q);
		if (q->head) {
			key = take_first(q);
			break;
		}
		if (!wait)
			break;
		clock_wait(q->clock, &q->cond, &q->lock, next_due(q));
	}
	pthread_mutex_unlock(&q->lock);
	return key;
}

char *workqueue_get(struct workqueue *q)
{
	return get(q, true);
}

char *workqueue_try_get(struct workqueue *q)
{
	return get(q, false);
}

void workqueue_done(struct workqueue *q, char *key)
{
	struct item *item;

	pthread_mutex_lock(&q->lock);
	item = map_get(q->items, key);
	if (item) {
		item->processing = false;
		if (item->dirty) {
			item->dirty = false;
			if (!q->shutdown)
				append(q, item);
		}
		drop_if_idle(q, item);
	}
	pthread_mutex_unlock(&q->lock);
	free(key);
}

void workqueue_shutdown(struct workqueue *q)
{
	pthread_mutex_lock(&q->lock);
	q->shutdown = true;
	pthread_cond_broadcast(&q->cond);
	pthread_mutex_unlock(&q->lock);
}

size_t workqueue_length(struct workqueue *q)
{
	size_t n;

	pthread_mutex_lock(&q->lock);
	n = q->length;
	pthread_mutex_unlock(&q->lock);
	return n;
}

int64_t workqueue_next_due(struct workqueue *q)
{
	int64_t due;

	pthread_mutex_lock(&q->lock);
	due = next_due(q);
	pthread_mutex_unlock(&q->lock);
	return due;
}
