/*
 * A work queue as client-go's: keyed, deduplicated, with delays and per-key back-off.
 *
 * A key that is added while a worker holds it is handed out again after workqueue_done, never to
 * two workers at once. The unit of work is the key ("namespace/name"), not the event.
 *
 *	char *key;
 *	while ((key = workqueue_get(q))) {
 *		if (sync(key) < 0) workqueue_add_rate_limited(q, key);
 *		else workqueue_forget(q, key);
 *		workqueue_done(q, key);		// frees key
 *	}
 *
 * Threads: all functions from any thread.
 */
#ifndef CACHE_WORKQUEUE_H
#define CACHE_WORKQUEUE_H

#include "base/clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct workqueue;

struct workqueue *workqueue_new(struct clock *clock);
/* After every worker has ended. */
void workqueue_free(struct workqueue *q);
void workqueue_add(struct workqueue *q, const char *key);
/* Not before DELAY_NS from now; an earlier time for the same key wins. */
void workqueue_add_after(struct workqueue *q, const char *key, int64_t delay_ns);
/* Not before DUE_NS (clock_mono): for what was reckoned from an earlier moment than this one. */
void workqueue_add_at(struct workqueue *q, const char *key, int64_t due_ns);
/* After 5 ms * 2^failures, at most 1000 s (client-go's default). */
void workqueue_add_rate_limited(struct workqueue *q, const char *key);
/* Forgets KEY's failures. */
void workqueue_forget(struct workqueue *q, const char *key);
/* Blocks for a key; NULL once the queue is shut down. Returned to workqueue_done. */
char *workqueue_get(struct workqueue *q);
/* The same without waiting; NULL when nothing is due. */
char *workqueue_try_get(struct workqueue *q);
void workqueue_done(struct workqueue *q, char *key);
/* Wakes every worker with NULL; later adds are dropped. */
void workqueue_shutdown(struct workqueue *q);
size_t workqueue_length(struct workqueue *q);
/* The next time a delayed key is due (clock_mono), CLOCK_NEVER when none. For tests. */
int64_t workqueue_next_due(struct workqueue *q);

#endif
