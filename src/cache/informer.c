#include "cache/informer.h"

#include "cache/informer_private.h"

#include "base/log.h"
#include "base/str.h"

struct informers *informers_new(struct cluster *c, struct clock *clock)
{
	struct informers *f = xcalloc(1, sizeof(*f));

	f->cluster = c;
	f->clock = clock ? clock : clock_system();
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->changed, NULL);
	f->in_use = map_new();
	f->alive = map_new();
	f->work = workqueue_new(f->clock);
	f->fanout = fanout_new();
	for (size_t t = 0; t < REFLECTOR_THREADS; t++)
		pthread_create(&f->threads[t], NULL, reflector_thread, f);
	return f;
}

void informers_free(struct informers *f)
{
	if (!f)
		return;
	pthread_mutex_lock(&f->lock);
	while (map_count(f->alive))
		pthread_cond_wait(&f->changed, &f->lock);
	pthread_mutex_unlock(&f->lock);
	workqueue_shutdown(f->work);
	for (size_t t = 0; t < REFLECTOR_THREADS; t++)
		pthread_join(f->threads[t], NULL);
	fanout_free(f->fanout);
	workqueue_free(f->work);
	map_free(f->in_use, NULL);
	map_free(f->alive, NULL);
	pthread_cond_destroy(&f->changed);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

struct cluster *informers_cluster(struct informers *f)
{
	return f->cluster;
}

struct informer *informer_ref(struct informer *i)
{
	i->refs++;
	return i;
}

void informer_unref(struct informer *i)
{
	if (--i->refs)
		return;
	fanout_release(i->all->fanout, &i->subscribers);
	indexer_free(i->objects);
	tombstones_release(i);
	error_free(i->error);
	cancel_unref(i->cancel);
	resource_unref(i->resource);
	pthread_cond_destroy(&i->changed);
	pthread_mutex_destroy(&i->lock);
	free(i->resource_version);
	free(i->namespace);
	free(i->key);
	free(i->id);
	free(i);
}

/* With the set's lock held. The set holds the one ref until the reflector has ended. */
static struct informer *informer_new(struct informers *f, const struct resource *r,
				     const char *namespace, const char *key)
{
	struct informer *i = xcalloc(1, sizeof(*i));

	i->all = f;
	i->id = xasprintf("%u", f->next_id++);
	i->key = xstrdup(key);
	i->namespace = xstrdup(namespace);
	i->resource = resource_ref(r);
	i->refs = 1;
	i->cancel = cancel_new();
	pthread_mutex_init(&i->lock, NULL);
	clock_cond_init(&i->changed);
	i->objects = indexer_new();
	tombstones_init(i);
	map_put(f->in_use, key, i);
	map_put(f->alive, i->id, i);
	workqueue_add(f->work, i->id);
	return i;
}

struct informer *informers_get(struct informers *f, const struct resource *r, const char *namespace)
{
	struct str key CLEANUP(str_release) = STR_INIT;
	struct informer *i;

	str_addf(&key, "%s/%s|%s", r->api_version, r->plural, namespace);
	pthread_mutex_lock(&f->lock);
	i = map_get(f->in_use, key.s);
	if (!i)
		i = informer_new(f, r, namespace, key.s);
	i->users++;
	pthread_mutex_unlock(&f->lock);
	return i;
}

void informer_put(struct informer *i)
{
	struct informers *f = i->all;
	bool last;

	pthread_mutex_lock(&f->lock);
	last = --i->users == 0;
	if (last) {
		map_del(f->in_use, i->key);
		informer_ref(i); /* until it has been told, below */
	}
	pthread_mutex_unlock(&f->lock);
	if (!last)
		return;
	pthread_mutex_lock(&i->lock);
	i->stopped = true;
	pthread_mutex_unlock(&i->lock);
	cancel_fire(i->cancel);
	workqueue_add(f->work, i->id);
	informer_unref(i);
}

const struct resource *informer_resource(const struct informer *i)
{
	return i->resource;
}

void informer_set_error(struct informer *i, const struct error *why)
{
	bool changed;

	pthread_mutex_lock(&i->lock);
	changed = !i->error != !why || (why && i->error->code != why->code);
	if (why && !i->error)
		i->error_since = clock_wall(i->all->clock);
	error_free(i->error);
	i->error = why ? error_dup(why) : NULL;
	if (changed)
		fanout_push(i->all->fanout, i, NULL, NOTE_STATE, NULL, NULL);
	pthread_cond_broadcast(&i->changed);
	pthread_mutex_unlock(&i->lock);
}

struct error *informer_error(struct informer *i, int64_t *since_ns)
{
	struct error *e = NULL;

	pthread_mutex_lock(&i->lock);
	if (i->error) {
		e = error_dup(i->error);
		if (since_ns)
			*since_ns = i->error_since;
	}
	pthread_mutex_unlock(&i->lock);
	return e;
}

bool informer_synced(struct informer *i)
{
	bool synced;

	pthread_mutex_lock(&i->lock);
	synced = i->synced;
	pthread_mutex_unlock(&i->lock);
	return synced;
}

static void wake_waiters(void *arg)
{
	struct informer *i = arg;

	pthread_mutex_lock(&i->lock);
	pthread_cond_broadcast(&i->changed);
	pthread_mutex_unlock(&i->lock);
}

static int64_t deadline_of(const struct informer *i, const struct call *call)
{
	int timeout_ms = call_timeout_ms(call);

	return timeout_ms < 0 ? CLOCK_NEVER : clock_mono(i->all->clock) + timeout_ms * NS_PER_MS;
}

static int wait_locked(struct informer *i, const struct call *call, struct error **err)
{
	int64_t deadline = deadline_of(i, call);

	while (!i->synced) {
		if (call_cancelled(call))
			return error_set(err, E_CANCELLED, "interrupted");
		if (i->error)
			return error_move(err, error_dup(i->error));
		if (clock_wait(i->all->clock, &i->changed, &i->lock, deadline) && !i->synced)
			return error_set(err, E_TIMEOUT, "no answer to the list of %s in time",
					 i->resource->plural);
	}
	return 0;
}

int informer_wait_synced(struct informer *i, const struct call *call, struct error **err)
{
	struct cancel *cancel = call ? call->cancel : NULL;
	int r;

	cancel_subscribe(cancel, wake_waiters, i);
	pthread_mutex_lock(&i->lock);
	r = wait_locked(i, call, err);
	pthread_mutex_unlock(&i->lock);
	cancel_unsubscribe(cancel, wake_waiters, i);
	return r;
}

size_t informer_progress(struct informer *i, int64_t *remaining)
{
	size_t n;

	pthread_mutex_lock(&i->lock);
	n = i->listed;
	*remaining = i->synced ? 0 : i->remaining;
	pthread_mutex_unlock(&i->lock);
	return n;
}

void informer_add_handler(struct informer *i, const struct informer_handler *h, void *arg)
{
	struct object_list known CLEANUP(object_list_release) = {0};
	struct fanout *f = i->all->fanout;
	struct subscriber *s;

	pthread_mutex_lock(&i->lock);
	s = fanout_subscribe(f, &i->subscribers, h, arg);
	indexer_list(i->objects, "", &known);
	vec_each (&known, o)
		fanout_push(f, i, s, NOTE_CHANGED, NULL, *o);
	if (i->synced)
		fanout_push(f, i, s, NOTE_SYNCED, NULL, NULL);
	if (i->error)
		fanout_push(f, i, s, NOTE_STATE, NULL, NULL);
	pthread_mutex_unlock(&i->lock);
}

void informer_remove_handler(struct informer *i, const struct informer_handler *h, void *arg)
{
	fanout_unsubscribe(i->all->fanout, &i->subscribers, h, arg);
}

struct object *informer_get(struct informer *i, const char *namespace, const char *name)
{
	struct object *o;

	pthread_mutex_lock(&i->lock);
	o = indexer_get(i->objects, namespace, name);
	if (o)
		object_ref(o);
	pthread_mutex_unlock(&i->lock);
	return o;
}

void informer_list(struct informer *i, const char *namespace, struct object_list *out)
{
	pthread_mutex_lock(&i->lock);
	indexer_list(i->objects, namespace, out);
	pthread_mutex_unlock(&i->lock);
}

void informer_add_index(struct informer *i, const char *name, index_keys *keys)
{
	pthread_mutex_lock(&i->lock);
	indexer_add_index(i->objects, name, keys);
	pthread_mutex_unlock(&i->lock);
}

void informer_by_index(struct informer *i, const char *name, const char *key,
		       struct object_list *out)
{
	pthread_mutex_lock(&i->lock);
	indexer_by_index(i->objects, name, key, out);
	pthread_mutex_unlock(&i->lock);
}
