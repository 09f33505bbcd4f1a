/*
 * A pool of threads. As many work at a time as there are processors for; who waits in the sense of
 * base/blocking.h does not count. Threads are started when work waits and none is idle, up to a
 * limit.
 *
 * Threads: serve_pool_submit from any thread; serve_pool_free from none of its own.
 */
#ifndef SERVE_POOL_H
#define SERVE_POOL_H

#include <stdbool.h>

struct serve_pool;

struct serve_pool *serve_pool_new(unsigned max_threads);
/* RUN(ARG) on one of the threads, in the order of submission. Never blocks. */
void serve_pool_submit(struct serve_pool *p, void (*run)(void *arg), void *arg);
/*
 * The calling job is going to wait for a client, up to serve_pool_end_wait: another thread may work
 * in its place. False: too many wait already, and it should rather give up.
 */
bool serve_pool_begin_wait(struct serve_pool *p);
void serve_pool_end_wait(struct serve_pool *p);
/* Somebody else is going to do the rest of a job, and says when he has: until then the pool, and
 * those it works for, stay. */
void serve_pool_lend(struct serve_pool *p);
void serve_pool_return(struct serve_pool *p);
/* Waits until all that is lent has come back. */
void serve_pool_settle(struct serve_pool *p);
/* Runs what was submitted, ends the threads, frees. Takes NULL. */
void serve_pool_free(struct serve_pool *p);

#endif
