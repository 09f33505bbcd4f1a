/*
 * The scheduler: finds a node for every pod that has none and asks for "default-scheduler".
 *
 *	struct scheduler *s = scheduler_start(informers, NULL, &err);
 *	...
 *	scheduler_stop(s);
 *
 * A queue (by priority, then age) feeds one scheduling cycle after another: filter the nodes, score
 * what is left, assume the pod on the best. Binding goes through pods/binding in the background; a
 * failed one takes the assumption back. A pod that fits nowhere waits until a node or the end of
 * another pod may have changed that.
 *
 * Threads: start and stop from one thread; one thread of its own for cycles, a few for requests.
 */
#ifndef SCHEDULER_SCHEDULER_H
#define SCHEDULER_SCHEDULER_H

#include "cache/informer.h"

struct scheduler;

/* Waits for the first lists of pods and nodes. INFORMERS lives until after scheduler_stop; CLOCK
 * NULL: the system's. NULL and *err (E_UNREACHABLE, E_FORBIDDEN, ...) where it cannot start. */
struct scheduler *scheduler_start(struct informers *informers, struct clock *clock,
				  struct error **err);
/* Waits for requests on their way. Takes NULL. */
void scheduler_stop(struct scheduler *s);

#endif
