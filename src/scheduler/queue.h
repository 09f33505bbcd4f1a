/*
 * Pods that wait for a node: ready to be tried (by priority, then age), in back-off, or
 * unschedulable until something changes.
 *
 * Threads: the owner locks.
 */
#ifndef SCHEDULER_QUEUE_H
#define SCHEDULER_QUEUE_H

#include "base/heap.h"
#include "scheduler/snapshot.h"

#include <stdbool.h>

struct pod_queue {
	struct map *pods; /* uid -> struct queued_pod */
	struct heap active, backoff;
	uint64_t moves; /* how often unschedulable pods were moved */
};

struct queued_pod {
	struct pod_info *pod;
	int64_t since, due;
	unsigned attempts;
	uint64_t tried_at_move; /* pod_queue.moves when its cycle began */
	struct heap *in;	/* NULL: unschedulable, or in a cycle */
	size_t heap_index;
	bool in_cycle;
};

void pod_queue_init(struct pod_queue *q);
void pod_queue_release(struct pod_queue *q);
/* A pod that waits, new or changed. Takes POD over. */
void pod_queue_put(struct pod_queue *q, struct pod_info *pod, int64_t now);
void pod_queue_remove(struct pod_queue *q, const char *uid);
/* The next pod to try at NOW, or NULL; it is in a cycle until failed or removed. Borrowed. */
struct queued_pod *pod_queue_pop(struct pod_queue *q, int64_t now);
/* Its try failed: to the unschedulable ones, or to back-off when AGAIN or when something changed
 * meanwhile. */
void pod_queue_failed(struct pod_queue *q, struct queued_pod *p, bool again, int64_t now);
/* Something changed that may make room: every unschedulable pod is tried again, after its back-off.
 */
void pod_queue_move_all(struct pod_queue *q, int64_t now);
/* When the first back-off ends; CLOCK_NEVER: none. */
int64_t pod_queue_next_due(const struct pod_queue *q);

#endif
