#include "base/clock.h"
#include "base/blocking.h"
#include "base/mem.h"
#include "base/vec.h"

#include <errno.h>
#include <time.h>

/* One thread that waits on a fake clock: who to wake when time moves. */
struct fake_waiter {
	pthread_cond_t *cond;
	pthread_mutex_t *mutex;
	unsigned waking; /* advances that are about to wake it */
};

struct clock {
	int fake;
	pthread_mutex_t lock;
	int64_t wall, mono;
	VEC(struct fake_waiter *) waiters;
	pthread_cond_t woken; /* some waiter's waking went down */
};

static struct clock system_clock;

struct clock *clock_system(void)
{
	return &system_clock;
}

struct clock *clock_fake_new(int64_t wall_ns)
{
	struct clock *c = xcalloc(1, sizeof(*c));

	c->fake = 1;
	c->wall = wall_ns;
	c->mono = NS_PER_S;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->woken, NULL);
	return c;
}

void clock_fake_free(struct clock *c)
{
	if (!c)
		return;
	vec_release(&c->waiters);
	pthread_cond_destroy(&c->woken);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static void wake(struct clock *c, struct fake_waiter *w)
{
	pthread_mutex_lock(w->mutex);
	pthread_cond_broadcast(w->cond);
	pthread_mutex_unlock(w->mutex);
	pthread_mutex_lock(&c->lock);
	w->waking--;
	pthread_cond_broadcast(&c->woken);
	pthread_mutex_unlock(&c->lock);
}

/*
 * Waking must not lose a waiter that has read the old time and is about to sleep, so each
 * waiter's own mutex is taken around its broadcast. The clock's lock is released meanwhile (a
 * waiter takes its mutex first, then the clock's), and a waiter leaves only once no advance holds
 * its pointers any more: what it waits on may be on its stack.
 */
void clock_fake_advance(struct clock *c, int64_t ns)
{
	VEC(struct fake_waiter *) sleeping = VEC_INIT;

	pthread_mutex_lock(&c->lock);
	c->wall += ns;
	c->mono += ns;
	vec_each (&c->waiters, w) {
		(*w)->waking++;
		vec_push(&sleeping, *w);
	}
	pthread_mutex_unlock(&c->lock);
	vec_each (&sleeping, w)
		wake(c, *w);
	vec_release(&sleeping);
}

static int64_t now(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static int64_t fake_read(struct clock *c, const int64_t *value)
{
	int64_t ns;

	pthread_mutex_lock(&c->lock);
	ns = *value;
	pthread_mutex_unlock(&c->lock);
	return ns;
}

int64_t clock_wall(struct clock *c)
{
	return c->fake ? fake_read(c, &c->wall) : now(CLOCK_REALTIME);
}

int64_t clock_mono(struct clock *c)
{
	return c->fake ? fake_read(c, &c->mono) : now(CLOCK_MONOTONIC);
}

void clock_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

/* Without the waiter's mutex, which a waking advance takes. */
static void forget_waiter(struct clock *c, struct fake_waiter *self)
{
	pthread_mutex_lock(&c->lock);
	while (self->waking)
		pthread_cond_wait(&c->woken, &c->lock);
	for (size_t i = 0; i < c->waiters.n; i++)
		if (c->waiters.v[i] == self) {
			vec_remove(&c->waiters, i);
			break;
		}
	pthread_mutex_unlock(&c->lock);
}

static int fake_wait(struct clock *c, pthread_cond_t *cond, pthread_mutex_t *mutex,
		     int64_t deadline_ns)
{
	struct fake_waiter self = {.cond = cond, .mutex = mutex};

	pthread_mutex_lock(&c->lock);
	if (c->mono >= deadline_ns) {
		pthread_mutex_unlock(&c->lock);
		return ETIMEDOUT;
	}
	vec_push(&c->waiters, &self);
	pthread_mutex_unlock(&c->lock);
	pthread_cond_wait(cond, mutex);
	pthread_mutex_unlock(mutex);
	forget_waiter(c, &self);
	pthread_mutex_lock(mutex);
	return clock_mono(c) >= deadline_ns ? ETIMEDOUT : 0;
}

static int wait(struct clock *c, pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline_ns)
{
	struct timespec ts;

	if (c->fake)
		return fake_wait(c, cond, mutex, deadline_ns);
	if (deadline_ns == CLOCK_NEVER)
		return pthread_cond_wait(cond, mutex);
	ts.tv_sec = deadline_ns / NS_PER_S;
	ts.tv_nsec = deadline_ns % NS_PER_S;
	return pthread_cond_timedwait(cond, mutex, &ts);
}

int clock_wait(struct clock *c, pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline_ns)
{
	int rc;

	blocking_begin();
	rc = wait(c, cond, mutex, deadline_ns);
	blocking_end();
	return rc;
}
