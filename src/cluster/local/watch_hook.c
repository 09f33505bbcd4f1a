#include "cluster/local/watch.h"

#include "base/mem.h"

#include <string.h>

#define PUMP_MAX 10000
#define PUMP_MAX_BYTES (64u << 20)

/* What waits to be told: a change, or a bookmark (only NEW). */
struct item {
	bool bookmark, deleted, existed;
	struct object *new, *old; /* OLD: where it has to be selected from */
	uint64_t revision;
};

struct items {
	struct item *v;
	size_t n, cap, bytes;
};

struct pump {
	struct local_watch *watch;
	struct local *l;
	struct cancel *cancel; /* of the questions */
	pthread_t thread;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t news;
	struct items waiting;
	struct error *why; /* the watch ends with it */
	bool stopped;
	bool flushed;	       /* nothing more comes before the end */
	bool starts, detached; /* its own thread's */
};

static void item_release(const struct item *item)
{
	object_unref(item->new);
	object_unref(item->old);
}

static void items_release(struct items *items)
{
	vec_each (items, item)
		item_release(item);
	vec_release(items);
	items->bytes = 0;
}

static size_t size_of(const struct object *o)
{
	return o ? o->len : 0;
}

/* Takes the first of what waits, as much as one question may hold. */
static struct items take_some(struct items *waiting)
{
	struct items some = {0};
	size_t n = 0;

	for (; n < waiting->n && n < CONVERT_OBJECTS / 2 && some.bytes < CONVERT_BYTES; n++) {
		vec_push(&some, waiting->v[n]);
		some.bytes += size_of(waiting->v[n].new) + size_of(waiting->v[n].old);
	}
	waiting->n -= n;
	waiting->bytes -= some.bytes;
	if (waiting->n)
		memmove(waiting->v, waiting->v + n, waiting->n * sizeof(*waiting->v));
	return some;
}

/* All objects of SOME but bookmarks, as the watch's type shows them. */
static int convert(struct pump *p, struct items *some, struct error **err)
{
	const struct call call = {.cancel = p->cancel};
	const struct errand errand = errand_begin(p->l, &call);
	struct object **v = xcalloc(2 * some->n + 1, sizeof(*v));
	size_t n = 0;
	int result;

	vec_each (some, item) {
		if (item->bookmark)
			continue;
		v[n++] = item->new;
		if (item->old)
			v[n++] = item->old;
	}
	result = convert_objects(&errand, p->watch->resource, v, n, err);
	n = 0;
	vec_each (some, item) {
		if (item->bookmark)
			continue;
		item->new = v[n++];
		if (item->old)
			item->old = v[n++];
	}
	free(v);
	return result;
}

static void tell(const struct local_watch *w, const struct item *item)
{
	struct object *left CLEANUP(object_unref_cleanup) = NULL;
	bool was, is;

	if (item->bookmark) {
		watch_tell(w, WATCH_BOOKMARK, item->new, false);
		return;
	}
	was = item->old ? filter_matches(&w->filter, item->old) : item->existed;
	is = !item->deleted && filter_matches(&w->filter, item->new);
	if (!was && !is)
		return;
	if (is) {
		watch_tell(w, was ? WATCH_MODIFIED : WATCH_ADDED, item->new, false);
		return;
	}
	/* Without an old form nothing is selected, and what went is all that is no more. */
	left = item->deleted || !item->old
		       ? object_ref(item->new)
		       : deleted_object(item->old->json, item->old->len, item->revision);
	watch_tell(w, WATCH_DELETED, left, false);
}

/* Tells what waits; false: the watch has ended. */
static bool tell_some(struct pump *p, struct items *some, struct error **err)
{
	if (convert(p, some, err) < 0)
		return false;
	vec_each (some, item)
		if (pump_alive(p))
			tell(p->watch, item);
	return true;
}

/* Waits for something to tell. False: there is nothing more, *WHY or not. */
static bool next(struct pump *p, struct items *some, struct error **why)
{
	pthread_mutex_lock(&p->lock);
	while (!p->stopped && !p->waiting.n && !p->why)
		pthread_cond_wait(&p->news, &p->lock);
	if (!p->stopped && p->why && !p->flushed) {
		p->flushed = true;
		pthread_mutex_unlock(&p->lock);
		store_watch_flush(p->watch->store_watch);
		pthread_mutex_lock(&p->lock);
	}
	if (p->stopped) {
		pthread_mutex_unlock(&p->lock);
		return false;
	}
	*some = take_some(&p->waiting);
	if (!some->n)
		*why = steal(&p->why);
	pthread_mutex_unlock(&p->lock);
	return some->n > 0;
}

static void run(struct pump *p, struct error **why)
{
	bool more = true;

	while (more) {
		struct items some CLEANUP(items_release) = {0};

		more = next(p, &some, why) && tell_some(p, &some, why);
	}
}

void pump_free(struct pump *p)
{
	if (!p)
		return;
	items_release(&p->waiting);
	error_free(p->why);
	cancel_unref(p->cancel);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->news);
	free(p);
}

static void *pump_thread(void *arg)
{
	struct pump *p = arg;
	struct local *l = p->l;
	const struct call call = {.cancel = p->cancel};
	struct error *why CLEANUP(error_free_cleanup) = NULL;

	if (p->starts)
		watch_start(p->watch, &call, &why);
	if (!why)
		run(p, &why);
	if (why && pump_alive(p))
		p->watch->handler->closed(p->watch->arg, why);
	/* By this thread only: by a handler. */
	if (!p->detached)
		return NULL;
	watch_free(p->watch);
	pthread_mutex_lock(&l->watch_lock);
	l->leaving--;
	pthread_cond_broadcast(&l->watch_idle);
	pthread_mutex_unlock(&l->watch_lock);
	return NULL;
}

void pump_open(struct local_watch *w, bool starts)
{
	struct pump *p = xcalloc(1, sizeof(*p));

	p->watch = w;
	p->l = local_of(w->base.cluster);
	p->starts = starts;
	p->cancel = cancel_new();
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->news, NULL);
	w->pump = p;
	if (pthread_create(&p->thread, NULL, pump_thread, p))
		abort();
}

static void add(struct pump *p, const struct item *item)
{
	size_t bytes = size_of(item->new) + size_of(item->old);

	pthread_mutex_lock(&p->lock);
	if (!p->why && (p->waiting.n == PUMP_MAX || p->waiting.bytes > PUMP_MAX_BYTES))
		p->why =
			error_new(E_GONE, "The resourceVersion for the provided watch is too old.");
	if (p->why || p->stopped) {
		item_release(item);
	} else {
		vec_push(&p->waiting, *item);
		p->waiting.bytes += bytes;
	}
	pthread_cond_signal(&p->news);
	pthread_mutex_unlock(&p->lock);
}

void pump_change(struct pump *p, bool deleted, struct object *new, struct object *old,
		 uint64_t revision)
{
	const struct filter *f = &p->watch->filter;
	bool selects = f->labels || f->fields;

	add(p, &(struct item){.deleted = deleted,
			      .existed = old != NULL,
			      .new = object_ref(new),
			      .old = selects &&old ? object_ref(old) : NULL,
			      .revision = revision});
}

void pump_bookmark(struct pump *p, struct object *bookmark)
{
	add(p, &(struct item){.bookmark = true, .new = object_ref(bookmark)});
}

void pump_end(struct pump *p, struct error *why)
{
	pthread_mutex_lock(&p->lock);
	if (p->why)
		error_free(why);
	else
		p->why = why;
	pthread_cond_signal(&p->news);
	pthread_mutex_unlock(&p->lock);
}

bool pump_alive(struct pump *p)
{
	bool stopped;

	pthread_mutex_lock(&p->lock);
	stopped = p->stopped;
	pthread_mutex_unlock(&p->lock);
	return !stopped;
}

bool pump_stop(struct pump *p)
{
	bool own = pthread_equal(pthread_self(), p->thread);

	pthread_mutex_lock(&p->lock);
	p->stopped = true;
	pthread_cond_signal(&p->news);
	pthread_mutex_unlock(&p->lock);
	if (own) {
		p->detached = true;
		pthread_detach(p->thread);
		pthread_mutex_lock(&p->l->watch_lock);
		p->l->leaving++;
		pthread_mutex_unlock(&p->l->watch_lock);
		return false;
	}
	cancel_fire(p->cancel);
	pthread_join(p->thread, NULL);
	return true;
}
