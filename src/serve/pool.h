/*
 * A pool of threads, started when work waits and none is idle, up to a limit.
 *
 * Threads: pool_submit from any thread; pool_free from none of its own.
 */
#ifndef SERVE_POOL_H
#define SERVE_POOL_H

struct pool;

struct pool *pool_new(unsigned max_threads);
/* RUN(ARG) on one of the threads, in the order of submission. Never blocks. */
void pool_submit(struct pool *p, void (*run)(void *arg), void *arg);
/* Runs what was submitted, ends the threads, frees. Takes NULL. */
void pool_free(struct pool *p);

#endif
