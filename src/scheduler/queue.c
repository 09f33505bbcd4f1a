#include "scheduler/queue.h"

#include "base/clock.h"

#include <stdbool.h>

#define FIRST_BACKOFF_NS (1 * NS_PER_S)
#define LAST_BACKOFF_NS (10 * NS_PER_S)

static int more_urgent(const void *a, const void *b)
{
	const struct queued_pod *x = a, *y = b;

	if (x->pod->priority != y->pod->priority)
		return x->pod->priority > y->pod->priority;
	return x->since < y->since;
}

static int due_earlier(const void *a, const void *b)
{
	return ((const struct queued_pod *)a)->due < ((const struct queued_pod *)b)->due;
}

static void moved(void *element, size_t index)
{
	((struct queued_pod *)element)->heap_index = index;
}

void pod_queue_init(struct pod_queue *q)
{
	q->pods = map_new();
	q->moves = 0;
	heap_init(&q->active, more_urgent, moved);
	heap_init(&q->backoff, due_earlier, moved);
}

static void queued_free(void *p)
{
	struct queued_pod *queued = p;

	pod_info_free(queued->pod);
	free(queued);
}

void pod_queue_release(struct pod_queue *q)
{
	heap_release(&q->active);
	heap_release(&q->backoff);
	map_free(q->pods, queued_free);
}

static void take_out(struct queued_pod *p)
{
	if (p->in)
		heap_remove(p->in, p->heap_index);
	p->in = NULL;
}

static void put_in(struct heap *h, struct queued_pod *p)
{
	take_out(p);
	p->in = h;
	heap_push(h, p);
}

static int64_t backoff_of(const struct queued_pod *p)
{
	unsigned shift = p->attempts ? MIN(p->attempts - 1, 5u) : 0;

	return p->attempts ? MIN(FIRST_BACKOFF_NS << shift, LAST_BACKOFF_NS) : 0;
}

static void retry(struct pod_queue *q, struct queued_pod *p, int64_t now)
{
	if (p->due > now)
		put_in(&q->backoff, p);
	else
		put_in(&q->active, p);
}

void pod_queue_put(struct pod_queue *q, struct pod_info *pod, int64_t now)
{
	struct queued_pod *p = map_get(q->pods, pod->object->uid);

	if (!p) {
		p = xcalloc(1, sizeof(*p));
		p->since = now;
		map_put(q->pods, pod->object->uid, p);
	}
	pod_info_rest(pod);
	/* Its heap orders by what is about to change. */
	take_out(p);
	pod_info_free(p->pod);
	p->pod = pod;
	if (!p->in_cycle)
		retry(q, p, now);
}

void pod_queue_remove(struct pod_queue *q, const char *uid)
{
	struct queued_pod *p = map_del(q->pods, uid);

	if (!p)
		return;
	take_out(p);
	queued_free(p);
}

struct queued_pod *pod_queue_pop(struct pod_queue *q, int64_t now)
{
	struct queued_pod *p;

	while ((p = heap_peek(&q->backoff)) && p->due <= now)
		put_in(&q->active, p);
	p = heap_peek(&q->active);
	if (!p)
		return NULL;
	take_out(p);
	pod_info_wake(p->pod);
	p->in_cycle = true;
	p->attempts++;
	p->tried_at_move = q->moves;
	return p;
}

void pod_queue_failed(struct pod_queue *q, struct queued_pod *p, bool again, int64_t now)
{
	p->in_cycle = false;
	pod_info_rest(p->pod);
	p->due = now + backoff_of(p);
	if (again || p->tried_at_move != q->moves)
		retry(q, p, now);
}

void pod_queue_move_all(struct pod_queue *q, int64_t now)
{
	q->moves++;
	map_each (q->pods, e) {
		struct queued_pod *p = e->value;

		if (!p->in && !p->in_cycle)
			retry(q, p, now);
	}
}

int64_t pod_queue_next_due(const struct pod_queue *q)
{
	const struct queued_pod *p = heap_peek(&q->backoff);

	return p ? p->due : CLOCK_NEVER;
}
