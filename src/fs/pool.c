#include "fs/pool.h"

#include <pthread.h>

struct job {
	void (*run)(void *arg, struct cancel *cancel);
	void *arg;
	struct cancel *cancel;
	struct job *next;
};

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct job *first, **last;
	VEC(struct job *) running;
	VEC(pthread_t) threads;
	unsigned max, idle, queued;
	bool stopped;
};

struct pool *pool_new(unsigned max_threads)
{
	struct pool *p = xcalloc(1, sizeof(*p));

	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	p->last = &p->first;
	p->max = max_threads;
	return p;
}

static void run_job(struct job *j)
{
	j->run(j->arg, j->cancel);
	cancel_unref(j->cancel);
	free(j);
}

static struct job *take_job(struct pool *p)
{
	struct job *j = p->first;

	p->first = j->next;
	if (!p->first)
		p->last = &p->first;
	p->queued--;
	vec_push(&p->running, j);
	return j;
}

static void forget_job(struct pool *p, struct job *j)
{
	for (size_t i = 0; i < p->running.n; i++) {
		if (p->running.v[i] == j) {
			vec_remove(&p->running, i);
			return;
		}
	}
}

/* The list of running jobs keeps the pointer only while the cancel in it is sure to live. */
static void *worker(void *arg)
{
	struct pool *p = arg;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		while (!p->first && !p->stopped) {
			p->idle++;
			pthread_cond_wait(&p->work, &p->lock);
			p->idle--;
		}
		if (!p->first)
			break;
		struct job *j = take_job(p);

		pthread_mutex_unlock(&p->lock);
		j->run(j->arg, j->cancel);
		pthread_mutex_lock(&p->lock);
		forget_job(p, j);
		pthread_mutex_unlock(&p->lock);
		cancel_unref(j->cancel);
		free(j);
		pthread_mutex_lock(&p->lock);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

void pool_submit(struct pool *p, void (*run)(void *, struct cancel *), void *arg,
		 struct cancel *cancel)
{
	struct job *j = xcalloc(1, sizeof(*j));
	pthread_t t;

	*j = (struct job){.run = run, .arg = arg};
	j->cancel = cancel ? cancel_ref(cancel) : cancel_new();
	pthread_mutex_lock(&p->lock);
	if (p->stopped) {
		pthread_mutex_unlock(&p->lock);
		cancel_fire(j->cancel);
		run_job(j);
		return;
	}
	*p->last = j;
	p->last = &j->next;
	p->queued++;
	if (p->idle < p->queued && p->threads.n < p->max && !pthread_create(&t, NULL, worker, p))
		vec_push(&p->threads, t);
	pthread_cond_signal(&p->work);
	pthread_mutex_unlock(&p->lock);
}

void pool_stop(struct pool *p)
{
	VEC(struct cancel *) cancels = VEC_INIT;

	pthread_mutex_lock(&p->lock);
	p->stopped = true;
	for (struct job *j = p->first; j; j = j->next)
		vec_push(&cancels, cancel_ref(j->cancel));
	vec_each (&p->running, j)
		vec_push(&cancels, cancel_ref((*j)->cancel));
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	vec_each (&cancels, c) {
		cancel_fire(*c);
		cancel_unref(*c);
	}
	vec_release(&cancels);
	vec_each (&p->threads, t)
		pthread_join(*t, NULL);
	p->threads.n = 0;
}

void pool_free(struct pool *p)
{
	if (!p)
		return;
	vec_release(&p->threads);
	vec_release(&p->running);
	pthread_cond_destroy(&p->work);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
