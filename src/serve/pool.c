/*
 * Threads cost more to switch between than most requests cost to answer. So only as many work at a
 * time as there are processors for; a job that waits (base/blocking.h) does not count, and others
 * work in its place. Whoever has finished a job takes the next without sleeping, and of the idle
 * the one that slept last is called: its stack is still in the cache.
 */
#include "serve/pool.h"
#include "base/blocking.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/vec.h"

#include <pthread.h>
#include <stdbool.h>
#include <unistd.h>

/* By the bound of threads: how many may wait for clients. */
#define WAITING_FACTOR 3
/* Work at a time at least, so that a page read from the disk holds nobody up. */
#define WORKING_MIN 2u

struct job {
	struct job *next;
	void (*run)(void *);
	void *arg;
};

struct worker {
	struct serve_pool *pool;
	pthread_t thread;
	pthread_cond_t called;
	bool idle;
	struct worker *next_idle;
};

struct serve_pool {
	pthread_mutex_t lock;
	struct job *first, **last;
	VEC(struct worker *) workers;
	struct worker *idle; /* who slept last comes first */
	unsigned max;	     /* threads */
	unsigned parallel;   /* threads that work at a time */
	unsigned working;    /* may be more: who comes back from waiting goes on at once */
	unsigned lent;	     /* jobs that others finish */
	pthread_cond_t returned;
	unsigned clients; /* threads that wait for clients, at most WAITING_FACTOR * max */
	bool stopping;
};

/* The next job, if the caller may go on working. Under the lock. */
static struct job *take_job(struct serve_pool *p)
{
	struct job *job = p->working <= p->parallel || p->stopping ? p->first : NULL;

	if (!job)
		return NULL;
	p->first = job->next;
	if (!p->first)
		p->last = &p->first;
	return job;
}

/* Until somebody calls, who has counted the caller in again. Under the lock. */
static void sleep_idle(struct serve_pool *p, struct worker *w)
{
	p->working--;
	w->idle = true;
	w->next_idle = p->idle;
	p->idle = w;
	while (w->idle)
		pthread_cond_wait(&w->called, &p->lock);
}

static void on_wait(void *pool);

static void on_waited(void *pool)
{
	struct serve_pool *p = pool;

	pthread_mutex_lock(&p->lock);
	p->working++;
	pthread_mutex_unlock(&p->lock);
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct serve_pool *p = w->pool;
	const struct blocking_watcher watcher = {.begin = on_wait, .end = on_waited, .arg = p};

	blocking_watch(&watcher);
	pthread_mutex_lock(&p->lock);
	for (;;) {
		struct job *job = take_job(p);

		if (!job && p->stopping)
			break;
		if (!job) {
			sleep_idle(p, w);
			continue;
		}
		pthread_mutex_unlock(&p->lock);
		job->run(job->arg);
		free(job);
		pthread_mutex_lock(&p->lock);
	}
	p->working--;
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static void worker_free(struct worker *w)
{
	pthread_cond_destroy(&w->called);
	free(w);
}

/* Under the lock. */
static void start_worker(struct serve_pool *p)
{
	struct worker *w = xcalloc(1, sizeof(*w));
	int failed;

	w->pool = p;
	pthread_cond_init(&w->called, NULL);
	failed = pthread_create(&w->thread, NULL, work, w);
	if (!failed) {
		p->working++;
		vec_push(&p->workers, w);
		return;
	}
	worker_free(w);
	if (!p->workers.n)
		log_error("cannot start a worker thread: %s", strerror(failed));
}

/* The idle worker that slept last, for wake(). Under the lock. */
static struct worker *take_idle(struct serve_pool *p)
{
	struct worker *w = p->idle;

	p->idle = w->next_idle;
	w->idle = false;
	p->working++;
	return w;
}

/* Somebody for the next job, unless who works now comes to it. Under the lock. */
static struct worker *call_worker(struct serve_pool *p)
{
	if (!p->first || p->working >= p->parallel)
		return NULL;
	if (p->idle)
		return take_idle(p);
	if (p->workers.n < p->max + p->clients)
		start_worker(p);
	return NULL;
}

/* Without the lock, which the woken takes first of all. */
static void wake(struct worker *w)
{
	if (w)
		pthread_cond_signal(&w->called);
}

static void on_wait(void *pool)
{
	struct serve_pool *p = pool;
	struct worker *next;

	pthread_mutex_lock(&p->lock);
	p->working--;
	next = call_worker(p);
	pthread_mutex_unlock(&p->lock);
	wake(next);
}

static unsigned processors(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n > 0 ? (unsigned)n : 1;
}

struct serve_pool *serve_pool_new(unsigned max_threads)
{
	struct serve_pool *p = xcalloc(1, sizeof(*p));

	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->returned, NULL);
	p->last = &p->first;
	p->max = max_threads;
	p->parallel = MAX(WORKING_MIN, processors());
	return p;
}

void serve_pool_submit(struct serve_pool *p, void (*run)(void *arg), void *arg)
{
	struct job *job = xcalloc(1, sizeof(*job));
	struct worker *next;

	job->run = run;
	job->arg = arg;
	pthread_mutex_lock(&p->lock);
	*p->last = job;
	p->last = &job->next;
	next = call_worker(p);
	pthread_mutex_unlock(&p->lock);
	wake(next);
}

bool serve_pool_begin_wait(struct serve_pool *p)
{
	bool may;

	pthread_mutex_lock(&p->lock);
	may = p->clients < WAITING_FACTOR * p->max;
	p->clients += may;
	pthread_mutex_unlock(&p->lock);
	if (may)
		blocking_begin();
	return may;
}

void serve_pool_end_wait(struct serve_pool *p)
{
	blocking_end();
	pthread_mutex_lock(&p->lock);
	p->clients--;
	pthread_mutex_unlock(&p->lock);
}

void serve_pool_lend(struct serve_pool *p)
{
	pthread_mutex_lock(&p->lock);
	p->lent++;
	pthread_mutex_unlock(&p->lock);
}

void serve_pool_return(struct serve_pool *p)
{
	pthread_mutex_lock(&p->lock);
	if (!--p->lent)
		pthread_cond_signal(&p->returned);
	pthread_mutex_unlock(&p->lock);
}

void serve_pool_settle(struct serve_pool *p)
{
	pthread_mutex_lock(&p->lock);
	while (p->lent)
		pthread_cond_wait(&p->returned, &p->lock);
	pthread_mutex_unlock(&p->lock);
}

/* Those that still work may start others, and call them. */
static bool join_worker(struct serve_pool *p, size_t k)
{
	struct worker *w;

	pthread_mutex_lock(&p->lock);
	w = k < p->workers.n ? p->workers.v[k] : NULL;
	pthread_mutex_unlock(&p->lock);
	if (!w)
		return false;
	pthread_join(w->thread, NULL);
	return true;
}

void serve_pool_free(struct serve_pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	while (p->idle)
		wake(take_idle(p));
	pthread_mutex_unlock(&p->lock);
	for (size_t k = 0; join_worker(p, k); k++)
		;
	serve_pool_settle(p);
	vec_each (&p->workers, w)
		worker_free(*w);
	vec_release(&p->workers);
	pthread_cond_destroy(&p->returned);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
