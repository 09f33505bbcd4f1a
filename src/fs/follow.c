#include "fs/follow.h"

#include "cache/workqueue.h"

struct followers {
	struct fs *fs;
	struct workqueue *work; /* keys of nodes */
	struct map *nodes;	/* key -> node, borrowed; under fs->lock */
	struct cancel *cancel;
	pthread_t thread;
	bool stopped, started; /* under fs->lock */
};

#define KEY_TEXT 24

static char *key_of(const struct node *n, char key[KEY_TEXT])
{
	snprintf(key, KEY_TEXT, "%p", (const void *)n);
	return key;
}

static void *worker(void *arg)
{
	struct followers *f = arg;
	struct call call = {.cancel = f->cancel};
	char *key;

	while ((key = workqueue_get(f->work))) {
		struct node *n;

		pthread_mutex_lock(&f->fs->lock);
		n = map_get(f->nodes, key);
		if (n)
			node_ref(n);
		pthread_mutex_unlock(&f->fs->lock);
		if (n)
			n->kind->ops->again(n, &call);
		node_unref(n);
		workqueue_done(f->work, key);
	}
	return NULL;
}

struct followers *followers_new(struct fs *fs)
{
	struct followers *f = xcalloc(1, sizeof(*f));

	f->fs = fs;
	f->work = workqueue_new(fs->clock);
	f->nodes = map_new();
	f->cancel = cancel_new();
	return f;
}

void followers_stop(struct followers *f)
{
	bool runs;

	pthread_mutex_lock(&f->fs->lock);
	runs = f->started && !f->stopped;
	f->stopped = true;
	pthread_mutex_unlock(&f->fs->lock);
	if (!runs)
		return;
	cancel_fire(f->cancel);
	workqueue_shutdown(f->work);
	pthread_join(f->thread, NULL);
}

void followers_free(struct followers *f)
{
	if (!f)
		return;
	workqueue_free(f->work);
	map_free(f->nodes, NULL);
	cancel_unref(f->cancel);
	free(f);
}

void followers_add(struct followers *f, struct node *n)
{
	char key[KEY_TEXT];

	FS_LOCK(f->fs);
	map_put(f->nodes, key_of(n, key), n);
	if (!f->started && !f->stopped)
		f->started = pthread_create(&f->thread, NULL, worker, f) == 0;
}

void followers_remove(struct followers *f, struct node *n)
{
	char key[KEY_TEXT];

	FS_LOCK(f->fs);
	map_del(f->nodes, key_of(n, key));
}

void followers_poke(struct followers *f, const struct node *n, int64_t delay_ns)
{
	char key[KEY_TEXT];

	workqueue_add_after(f->work, key_of(n, key), delay_ns);
}

void followers_poke_all(struct followers *f, const struct node_ops *ops, const char *namespace)
{
	map_each (f->nodes, e) {
		struct node *n = e->value;

		if (n->kind->ops == ops && strcmp(n->namespace, namespace) == 0)
			workqueue_add(f->work, e->key);
	}
}
