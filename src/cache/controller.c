#include "cache/controller.h"

#include "base/log.h"
#include "base/str.h"

#include <string.h>

#define DEFAULT_WORKERS 2
#define MAX_WORKERS 16

/* One row of the reconciler's watches at work. */
struct watching {
	struct controller *controller;
	const struct reconciler_watch *row;
	struct informer *informer;
	bool subscribed;
};

struct controller {
	const struct reconciler *reconciler;
	struct informers *informers;
	struct clock *clock;
	struct call call;
	struct cancel *cancel;
	struct workqueue *queue;
	struct watching watches[RECONCILER_WATCHES];
	size_t n_watches;
	pthread_t threads[MAX_WORKERS];
	unsigned n_threads;
	void *state;
};

static void on_changed(void *arg, struct object *old, struct object *new_)
{
	struct watching *w = arg;
	struct object *o = new_ ? new_ : old;

	if (w->row->map)
		w->row->map(w->controller, old, new_);
	else
		controller_enqueue(w->controller, o->namespace, o->name);
}

static const struct informer_handler handler = {.changed = on_changed};

/* The version of the catalog that the cluster prefers. */
static int open_watches(struct controller *c, struct error **err)
{
	struct catalog *catalog CLEANUP(catalog_unref_cleanup) =
		cluster_catalog(controller_cluster(c), &c->call, err);

	if (!catalog)
		return -1;
	for (size_t k = 0; k < RECONCILER_WATCHES && c->reconciler->watches[k].plural; k++) {
		const struct reconciler_watch *row = &c->reconciler->watches[k];
		const struct resource *r = catalog_find(catalog, row->group, NULL, row->plural);
		struct watching *w = &c->watches[k];

		if (!r)
			return error_set(err, E_NOT_FOUND, "%s: the cluster does not serve %s%s%s",
					 c->reconciler->name, row->plural, *row->group ? "." : "",
					 row->group);
		*w = (struct watching){c, row, informers_get(c->informers, r, ""), false};
		if (row->index)
			informer_add_index(w->informer, row->index, row->index_keys);
		c->n_watches++;
	}
	return 0;
}

static int wait_synced(struct controller *c, struct error **err)
{
	for (size_t k = 0; k < c->n_watches; k++)
		if (informer_wait_synced(c->watches[k].informer, &c->call, err) < 0)
			return error_wrap(err, "%s: list of %s", c->reconciler->name,
					  c->watches[k].row->plural);
	return 0;
}

static void subscribe(struct controller *c)
{
	for (size_t k = 0; k < c->n_watches; k++) {
		informer_add_handler(c->watches[k].informer, &handler, &c->watches[k]);
		c->watches[k].subscribed = true;
	}
}

static void process(struct controller *c, char *key)
{
	struct error *err = NULL;

	if (c->reconciler->sync(c, key, &err) < 0) {
		if (error_code(err) != E_CONFLICT && error_code(err) != E_CANCELLED)
			log_warn("%s: %s: %s", c->reconciler->name, key, error_message(err));
		workqueue_add_rate_limited(c->queue, key);
	} else {
		workqueue_forget(c->queue, key);
	}
	error_free(err);
	workqueue_done(c->queue, key);
}

static void *work(void *arg)
{
	struct controller *c = arg;
	char *key;

	while ((key = workqueue_get(c->queue)))
		process(c, key);
	return NULL;
}

size_t controller_run_due(struct controller *c)
{
	size_t n = 0;
	char *key;

	for (; (key = workqueue_try_get(c->queue)); n++)
		process(c, key);
	return n;
}

void controller_run(struct controller *c)
{
	unsigned workers = c->reconciler->workers ? c->reconciler->workers : DEFAULT_WORKERS;

	for (; c->n_threads < MIN(workers, (unsigned)MAX_WORKERS); c->n_threads++)
		pthread_create(&c->threads[c->n_threads], NULL, work, c);
}

struct controller *controller_prepare(const struct reconciler *r, struct informers *informers,
				      struct clock *clock, struct error **err)
{
	struct controller *c = xcalloc(1, sizeof(*c));

	c->reconciler = r;
	c->informers = informers;
	c->clock = clock ? clock : clock_system();
	c->cancel = cancel_new();
	c->call = (struct call){.user_agent = r->name, .cancel = c->cancel};
	c->queue = workqueue_new(c->clock);
	if (open_watches(c, err) < 0 || wait_synced(c, err) < 0) {
		controller_stop(c);
		return NULL;
	}
	c->state = r->start ? r->start(c) : r->arg;
	subscribe(c);
	return c;
}

struct controller *controller_start(const struct reconciler *r, struct informers *informers,
				    struct clock *clock, struct error **err)
{
	struct controller *c = controller_prepare(r, informers, clock, err);

	if (c)
		controller_run(c);
	return c;
}

void controller_stop(struct controller *c)
{
	if (!c)
		return;
	cancel_fire(c->cancel);
	workqueue_shutdown(c->queue);
	for (unsigned t = 0; t < c->n_threads; t++)
		pthread_join(c->threads[t], NULL);
	for (size_t k = 0; k < c->n_watches; k++)
		if (c->watches[k].subscribed)
			informer_remove_handler(c->watches[k].informer, &handler, &c->watches[k]);
	if (c->reconciler->stop && c->state)
		c->reconciler->stop(c, c->state);
	for (size_t k = 0; k < c->n_watches; k++)
		informer_put(c->watches[k].informer);
	workqueue_free(c->queue);
	cancel_unref(c->cancel);
	free(c);
}

struct cluster *controller_cluster(struct controller *c)
{
	return informers_cluster(c->informers);
}

struct informers *controller_informers(struct controller *c)
{
	return c->informers;
}

struct clock *controller_clock(struct controller *c)
{
	return c->clock;
}

void *controller_state(struct controller *c)
{
	return c->state;
}

struct informer *controller_informer(struct controller *c, const char *group, const char *plural)
{
	for (size_t k = 0; k < c->n_watches; k++)
		if (!strcmp(c->watches[k].row->plural, plural) &&
		    !strcmp(c->watches[k].row->group, group))
			return c->watches[k].informer;
	return NULL;
}

const struct resource *controller_resource(struct controller *c, const char *group,
					   const char *plural)
{
	struct informer *i = controller_informer(c, group, plural);

	return i ? informer_resource(i) : NULL;
}

static char *key_of(const char *namespace, const char *name)
{
	return *namespace ? xasprintf("%s/%s", namespace, name) : xstrdup(name);
}

void controller_enqueue(struct controller *c, const char *namespace, const char *name)
{
	char *key free_ptr = key_of(namespace, name);

	workqueue_add(c->queue, key);
}

void controller_enqueue_after(struct controller *c, const char *namespace, const char *name,
			      int64_t delay_ns)
{
	char *key free_ptr = key_of(namespace, name);

	workqueue_add_after(c->queue, key, delay_ns);
}

void controller_enqueue_at(struct controller *c, const char *namespace, const char *name,
			   int64_t due_ns)
{
	char *key free_ptr = key_of(namespace, name);

	workqueue_add_at(c->queue, key, due_ns);
}

const struct call *controller_call(struct controller *c)
{
	return &c->call;
}

void controller_split_key(const char *key, char **namespace, char **name)
{
	const char *slash = strchr(key, '/');

	*namespace = slash ? xstrndup(key, (size_t)(slash - key)) : xstrdup("");
	*name = xstrdup(slash ? slash + 1 : key);
}
