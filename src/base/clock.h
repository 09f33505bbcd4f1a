/*
 * Time as a parameter. Whatever waits or stamps takes a struct clock, so that tests drive time
 * by hand and none of them sleeps.
 *
 * Units: int64_t nanoseconds. clock_wall is since 1970 UTC, clock_mono since an arbitrary start.
 *
 *	while (!ready)
 *		clock_wait(clock, &cond, &mutex, deadline_ns);	// CLOCK_NEVER: no deadline
 *
 * Threads: all functions may be called from any thread. Condition variables handed to
 * clock_wait must be initialised with clock_cond_init.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <pthread.h>
#include <stdint.h>

#define NS_PER_S 1000000000LL
#define NS_PER_MS 1000000LL
#define CLOCK_NEVER INT64_MAX

struct clock;

/* The real clock: a static, never freed. */
struct clock *clock_system(void);
/* A clock that stands still until clock_fake_advance. Freed with clock_fake_free. */
struct clock *clock_fake_new(int64_t wall_ns);
void clock_fake_free(struct clock *c);
/* Moves the clock on and wakes every clock_wait of it, whose callers look at the time again. */
void clock_fake_advance(struct clock *c, int64_t ns);

int64_t clock_wall(struct clock *c);
int64_t clock_mono(struct clock *c);
/* A condition variable on the monotonic clock. */
void clock_cond_init(pthread_cond_t *cond);
/*
 * A wait in the sense of base/blocking.h: on COND until it is signalled or clock_mono(c) >=
 * DEADLINE_NS. MUTEX is held by the caller. Returns 0, or ETIMEDOUT once the deadline has passed.
 * Wakes may be spurious.
 */
int clock_wait(struct clock *c, pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline_ns);

#endif
