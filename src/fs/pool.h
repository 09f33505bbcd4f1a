/*
 * Threads for what waits: requests to the cluster never run on a thread that serves the kernel.
 *
 * Threads are started as jobs come, up to a limit, and stay. Threads: all functions from any.
 */
#ifndef FS_POOL_H
#define FS_POOL_H

#include "base/call.h"

struct pool;

struct pool *pool_new(unsigned max_threads);
/* Fires the cancel of every job, waits until all have run, and refuses later ones. */
void pool_stop(struct pool *p);
/* After pool_stop. */
void pool_free(struct pool *p);
/*
 * Runs RUN(ARG, CANCEL) on a thread of the pool. CANCEL is the pool's: fired by pool_stop, and by
 * whoever keeps a ref of it. After pool_stop RUN is called at once, in the caller's thread, with
 * a fired cancel, so that every job is always run.
 */
void pool_submit(struct pool *p, void (*run)(void *arg, struct cancel *cancel), void *arg,
		 struct cancel *cancel);

#endif
