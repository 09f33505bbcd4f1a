#include "serve/pool.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/vec.h"

#include <pthread.h>
#include <stdbool.h>

#define BLOCKED_FACTOR 3

struct job {
	struct job *next;
	void (*run)(void *);
	void *arg;
};

struct serve_pool {
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct job *first, **last;
	size_t waiting; /* jobs */
	unsigned idle, max;
	unsigned blocked; /* threads that wait for clients, at most BLOCKED_FACTOR * max */
	VEC(pthread_t) threads;
	bool stopping;
};

static void *work(void *arg)
{
	struct serve_pool *p = arg;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		struct job *job = p->first;

		if (!job && p->stopping)
			break;
		if (!job) {
			p->idle++;
			pthread_cond_wait(&p->work, &p->lock);
			p->idle--;
			continue;
		}
		p->first = job->next;
		if (!p->first)
			p->last = &p->first;
		p->waiting--;
		pthread_mutex_unlock(&p->lock);
		job->run(job->arg);
		free(job);
		pthread_mutex_lock(&p->lock);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

struct serve_pool *serve_pool_new(unsigned max_threads)
{
	struct serve_pool *p = xcalloc(1, sizeof(*p));

	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	p->last = &p->first;
	p->max = max_threads;
	return p;
}

/* Under the lock. */
static void start_thread(struct serve_pool *p)
{
	pthread_t thread;
	int failed = pthread_create(&thread, NULL, work, p);

	if (!failed)
		vec_push(&p->threads, thread);
	else if (!p->threads.n)
		log_error("cannot start a worker thread: %s", strerror(failed));
}

/* There is a job: somebody is to take it. Under the lock. */
static void call_thread(struct serve_pool *p)
{
	if (p->waiting > p->idle && p->threads.n < p->max + p->blocked)
		start_thread(p);
	pthread_cond_signal(&p->work);
}

void serve_pool_submit(struct serve_pool *p, void (*run)(void *arg), void *arg)
{
	struct job *job = xcalloc(1, sizeof(*job));

	job->run = run;
	job->arg = arg;
	pthread_mutex_lock(&p->lock);
	*p->last = job;
	p->last = &job->next;
	p->waiting++;
	call_thread(p);
	pthread_mutex_unlock(&p->lock);
}

bool serve_pool_begin_wait(struct serve_pool *p)
{
	bool may;

	pthread_mutex_lock(&p->lock);
	may = p->blocked < BLOCKED_FACTOR * p->max;
	p->blocked += may;
	if (may && p->waiting)
		call_thread(p);
	pthread_mutex_unlock(&p->lock);
	return may;
}

void serve_pool_end_wait(struct serve_pool *p)
{
	pthread_mutex_lock(&p->lock);
	p->blocked--;
	pthread_mutex_unlock(&p->lock);
}

void serve_pool_free(struct serve_pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	vec_each (&p->threads, t)
		pthread_join(*t, NULL);
	vec_release(&p->threads);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->work);
	free(p);
}
