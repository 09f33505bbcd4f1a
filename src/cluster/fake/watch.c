/*
 * Watches of the fake: every change goes into the queue of each watch it concerns, and one thread
 * empties the queues, one handler at a time.
 */
#include "cluster/fake/fake.h"

#include "base/mem.h"
#include "object/json.h"

#include <errno.h>
#include <string.h>

static bool matches(const struct fake_watch *w, const struct object *o)
{
	return o && selector_matches(w->labels, o) && field_selector_matches(w->fields, o);
}

/* A change as W sees it: what leaves the selector is gone, what comes in is new. */
static void enqueue(struct fake_watch *w, const struct change *change)
{
	bool was = matches(w, change->old), is = matches(w, change->new);
	enum watch_type type = is ? was ? WATCH_MODIFIED : WATCH_ADDED : WATCH_DELETED;

	if (strncmp(change->prefix, w->prefix, strlen(w->prefix)) || w->broken || (!was && !is))
		return;
	if (change->type == WATCH_DELETED)
		type = WATCH_DELETED;
	vec_push(&w->queue, (struct pending){.type = type, .object = object_ref(change->new)});
}

/* The last state of an object that goes, at the revision at which it goes. */
static struct object *at_revision(const struct object *o, uint64_t revision)
{
	json_t *tree json_auto = object_tree(o);
	char *text free_ptr = xasprintf("%llu", (unsigned long long)revision);

	json_path_set(tree, "metadata.resourceVersion", json_string(text));
	return object_from_tree(tree);
}

void fake_publish(struct fake *f, const struct resource *r, const char *key, struct object *old,
		  struct object *new)
{
	struct change change = {
		.type = !new  ? WATCH_DELETED
			: old ? WATCH_MODIFIED
			      : WATCH_ADDED,
		.revision = f->revision,
		.prefix = fake_key(r, new ? new->namespace : old->namespace, NULL),
		.old = old ? object_ref(old) : NULL,
		.new = new ? object_ref(new) : at_revision(old, f->revision),
	};
	struct object *before;

	vec_push(&f->history, change);
	before = new ? map_put(f->objects, key, new) : map_del(f->objects, key);
	for (struct fake_watch *w = f->watches; w; w = w->next)
		enqueue(w, &change);
	object_unref(before);
	pthread_cond_signal(&f->wake);
}

static void queue_state(struct fake *f, struct fake_watch *w)
{
	map_each (f->objects, e) {
		struct object *o = e->value;

		if (strncmp(e->key, w->prefix, strlen(w->prefix)) == 0 && matches(w, o))
			vec_push(&w->queue, (struct pending){.object = object_ref(o)});
	}
}

static void queue_bookmark(struct fake *f, struct fake_watch *w)
{
	json_t *tree json_auto = json_pack("{s:s,s:s,s:{}}", "apiVersion", w->resource->api_version,
					   "kind", w->resource->kind, "metadata");
	char *text free_ptr = xasprintf("%llu", (unsigned long long)f->revision);

	json_path_set(tree, "metadata.resourceVersion", json_string(text));
	json_path_set(tree, "metadata.annotations[k8s.io/initial-events-end]", json_string("true"));
	vec_push(&w->queue, (struct pending){.type = WATCH_BOOKMARK,
					     .object = object_from_tree(tree),
					     .initial_events_end = true});
}

static void watch_free(struct fake_watch *w)
{
	vec_each (&w->queue, p)
		object_unref(p->object);
	vec_release(&w->queue);
	selector_free(w->labels);
	field_selector_free(w->fields);
	resource_unref(w->resource);
	free(w->prefix);
	free(w);
}

static struct fake_watch *watch_new(const struct resource *r, const char *namespace,
				    const struct watch_options *opt, struct error **err)
{
	struct fake_watch *w = xcalloc(1, sizeof(*w));

	w->resource = resource_ref(r);
	w->prefix = fake_key(r, namespace, NULL);
	w->labels = selector_parse(opt->label_selector ? opt->label_selector : "", err);
	if (w->labels)
		w->fields =
			field_selector_parse(opt->field_selector ? opt->field_selector : "", err);
	if (w->fields)
		return w;
	watch_free(w);
	return NULL;
}

/* What the watch begins with. Locked. */
static int queue_start(struct fake *f, struct fake_watch *w, const struct watch_options *opt,
		       struct error **err)
{
	const char *rv = opt->resource_version;
	uint64_t from = rv ? strtoull(rv, NULL, 10) : 0;

	if (opt->send_initial_events || !from) {
		queue_state(f, w);
		if (opt->send_initial_events)
			queue_bookmark(f, w);
		return 0;
	}
	if (from < f->oldest)
		return error_set(err, E_GONE, "too old resource version: %s (%llu)", rv,
				 (unsigned long long)f->oldest);
	vec_each (&f->history, change)
		if (change->revision > from)
			enqueue(w, change);
	return 0;
}

struct watch *fake_watch(struct cluster *c, const struct call *call, const struct resource *r,
			 const char *namespace, const struct watch_options *opt,
			 const struct watch_handler *handler, void *arg, struct error **err)
{
	struct fake *f = fake_of(c);
	struct fake_watch *w;

	if (fake_begin(c, call,
		       &(struct fake_request){
			       .verb = VERB_WATCH, .resource = r, .namespace = namespace},
		       err) < 0)
		return NULL;
	w = watch_new(r, namespace, opt, err);
	if (!w)
		return NULL;
	w->base.cluster = c;
	w->handler = handler;
	w->arg = arg;
	pthread_mutex_lock(&f->lock);
	if (queue_start(f, w, opt, err) < 0) {
		pthread_mutex_unlock(&f->lock);
		watch_free(w);
		return NULL;
	}
	w->next = f->watches;
	f->watches = w;
	pthread_cond_signal(&f->wake);
	pthread_mutex_unlock(&f->lock);
	return &w->base;
}

static void unlink_watch(struct fake *f, struct fake_watch *w)
{
	struct fake_watch **p = &f->watches;

	while (*p != w)
		p = &(*p)->next;
	*p = w->next;
}

void fake_watch_stop(struct watch *base)
{
	struct fake_watch *w = (struct fake_watch *)base;
	struct fake *f = fake_of(base->cluster);
	bool own = pthread_equal(pthread_self(), f->dispatcher);

	pthread_mutex_lock(&f->lock);
	while (f->running == w && !own)
		pthread_cond_wait(&f->idle, &f->lock);
	unlink_watch(f, w);
	if (f->running == w)
		w->stopped = true;
	else
		watch_free(w);
	pthread_mutex_unlock(&f->lock);
}

static struct fake_watch *next_ready(struct fake *f)
{
	for (struct fake_watch *w = f->watches; w; w = w->next)
		if (w->queue.n || (w->broken && !w->told_closed))
			return w;
	return NULL;
}

static void tell_event(const struct fake_watch *w, const struct pending *p)
{
	w->handler->event(w->arg, &(struct watch_event){
					  .type = p->type,
					  .object = p->object,
					  .initial_events_end = p->initial_events_end,
				  });
	object_unref(p->object);
}

static void tell_closed(const struct fake_watch *w)
{
	struct error *why CLEANUP(error_free_cleanup) =
		error_new(w->broken, "the watch was ended by the test");

	w->handler->closed(w->arg, why);
}

/* Tells one watch one thing; the lock is given up meanwhile. */
static void tell(struct fake *f, struct fake_watch *w)
{
	struct pending p = {0};

	f->running = w;
	if (w->queue.n) {
		p = w->queue.v[0];
		vec_remove(&w->queue, 0);
	} else {
		w->told_closed = true;
	}
	pthread_mutex_unlock(&f->lock);
	if (p.object)
		tell_event(w, &p);
	else
		tell_closed(w);
	pthread_mutex_lock(&f->lock);
	f->running = NULL;
	if (w->stopped)
		watch_free(w);
	pthread_cond_broadcast(&f->idle);
}

void *fake_dispatch(void *arg)
{
	struct fake *f = arg;

	pthread_mutex_lock(&f->lock);
	while (!f->closing) {
		struct fake_watch *w = next_ready(f);

		if (w)
			tell(f, w);
		else
			pthread_cond_wait(&f->wake, &f->lock);
	}
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

void fake_settle(struct cluster *c)
{
	struct fake *f = fake_of(c);

	pthread_mutex_lock(&f->lock);
	while (f->running || next_ready(f))
		pthread_cond_wait(&f->idle, &f->lock);
	pthread_mutex_unlock(&f->lock);
}

void fake_break_watches(struct cluster *c, enum error_code code)
{
	struct fake *f = fake_of(c);

	pthread_mutex_lock(&f->lock);
	for (struct fake_watch *w = f->watches; w; w = w->next)
		w->broken = code;
	pthread_cond_signal(&f->wake);
	pthread_mutex_unlock(&f->lock);
}

size_t fake_watches(struct cluster *c, const struct resource *r)
{
	struct fake *f = fake_of(c);
	size_t n = 0;

	pthread_mutex_lock(&f->lock);
	for (struct fake_watch *w = f->watches; w; w = w->next)
		n += strcmp(w->resource->plural, r->plural) == 0 &&
		     strcmp(w->resource->group, r->group) == 0;
	pthread_mutex_unlock(&f->lock);
	return n;
}
