#include "cluster/listeners.h"

#include "base/vec.h"

#include <pthread.h>

struct listener {
	void (*changed)(void *arg);
	void *arg;
};

struct listeners {
	pthread_mutex_t lock;
	VEC(struct listener) all;
};

struct listeners *listeners_new(void)
{
	struct listeners *l = xcalloc(1, sizeof(*l));

	pthread_mutex_init(&l->lock, NULL);
	return l;
}

void listeners_free(struct listeners *l)
{
	if (!l)
		return;
	vec_release(&l->all);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

void listeners_add(struct listeners *l, void (*changed)(void *arg), void *arg)
{
	pthread_mutex_lock(&l->lock);
	vec_push(&l->all, (struct listener){changed, arg});
	pthread_mutex_unlock(&l->lock);
}

void listeners_remove(struct listeners *l, void (*changed)(void *arg), void *arg)
{
	pthread_mutex_lock(&l->lock);
	for (size_t i = 0; i < l->all.n; i++) {
		if (l->all.v[i].changed != changed || l->all.v[i].arg != arg)
			continue;
		vec_remove(&l->all, i);
		break;
	}
	pthread_mutex_unlock(&l->lock);
}

void listeners_tell(struct listeners *l)
{
	pthread_mutex_lock(&l->lock);
	vec_each (&l->all, x)
		x->changed(x->arg);
	pthread_mutex_unlock(&l->lock);
}
