/*
 * LIST, then WATCH from there; again after a break, from the last revision seen, and from a new
 * LIST where that is too old. A few threads serve all informers: the unit of work is "bring this
 * informer one step on", keyed by its id.
 */
#include "cache/informer_private.h"

#include "base/log.h"
#include "base/progress.h"
#include "object/json.h"

#include <inttypes.h>

#define PAGE_SIZE 500
#define FIRST_RETRY_NS (100 * NS_PER_MS)
#define LAST_RETRY_NS (30 * NS_PER_S)
#define STEADY_NS (5 * NS_PER_S) /* a watch that lived so long begins anew at once */

static void retry_later(struct informer *i)
{
	int64_t delay = FIRST_RETRY_NS << MIN(i->failures, 9u);

	i->failures++;
	i->retry_at = clock_mono(i->all->clock) + MIN(delay, LAST_RETRY_NS);
}

static void failed(struct informer *i, const struct error *why)
{
	pthread_mutex_lock(&i->lock);
	if (why->code == E_NOT_FOUND)
		changes_lose(i);
	if (why->code == E_GONE || why->code == E_NOT_FOUND) {
		free(i->resource_version);
		i->resource_version = NULL;
	}
	retry_later(i);
	pthread_mutex_unlock(&i->lock);
	informer_set_error(i, why);
}

struct page_sink {
	struct object_list *out;
	struct error *error;
};

static bool take_item(void *arg, const char *json, size_t len)
{
	struct page_sink *s = arg;
	struct object *o = object_parse(json, len, &s->error);

	if (o)
		vec_push(s->out, o);
	return o != NULL;
}

static int list_page(struct informer *i, const struct list_options *opt, struct object_list *out,
		     struct list_meta *meta, struct error **err)
{
	struct call call = {.cancel = i->cancel};
	struct page_sink sink = {.out = out};

	if (cluster_list(i->all->cluster, &call, i->resource, i->namespace, opt, take_item, &sink,
			 meta, err) < 0) {
		error_free(sink.error);
		return -1;
	}
	return sink.error ? error_move(err, sink.error) : 0;
}

static void tell_progress(struct informer *i, size_t n, const struct list_meta *meta)
{
	bool more = meta->continue_token && *meta->continue_token;

	pthread_mutex_lock(&i->lock);
	i->listed = n;
	i->remaining = more ? meta->remaining : 0;
	pthread_mutex_unlock(&i->lock);
	if (!more)
		progress_end();
	else if (meta->remaining > 0)
		progress_show("%s: %zu of %" PRId64 " listed", i->resource->plural, n,
			      (int64_t)n + meta->remaining);
	else
		progress_show("%s: %zu listed", i->resource->plural, n);
}

/* All pages; *version: the list's, to be freed. */
static int list_all(struct informer *i, struct object_list *out, char **version, struct error **err)
{
	char *token free_ptr = NULL;

	for (;;) {
		struct list_options opt = {.limit = i->list_whole ? 0 : PAGE_SIZE,
					   .continue_token = token};
		struct list_meta meta CLEANUP(list_meta_release) = {.remaining = -1};

		if (list_page(i, &opt, out, &meta, err) < 0)
			return -1;
		tell_progress(i, out->n, &meta);
		free(token);
		token = steal(&meta.continue_token);
		if (!token || !*token) {
			*version = steal(&meta.resource_version);
			return 0;
		}
	}
}

static int list(struct informer *i, struct error **err)
{
	struct object_list all CLEANUP(object_list_release) = {0};
	struct error *why = NULL;
	char *version = NULL;
	uint64_t tombstones;

	pthread_mutex_lock(&i->lock);
	tombstones = i->tombstones_made;
	pthread_mutex_unlock(&i->lock);
	if (list_all(i, &all, &version, &why) < 0) {
		i->list_whole = why->code == E_GONE && !i->list_whole;
		return error_move(err, why);
	}
	i->list_whole = false;
	pthread_mutex_lock(&i->lock);
	i->resource_version = version ? version : xstrdup("0");
	changes_replace(i, &all, strtoull(i->resource_version, NULL, 10), tombstones);
	pthread_mutex_unlock(&i->lock);
	return 0;
}

static void on_event(void *arg, const struct watch_event *e)
{
	struct informer *i = arg;

	pthread_mutex_lock(&i->lock);
	if (e->type == WATCH_DELETED)
		changes_deleted(i, e->object);
	else if (e->type != WATCH_BOOKMARK)
		changes_put(i, e->object);
	i->watch_told |= e->type != WATCH_BOOKMARK;
	if (*e->object->resource_version) {
		free(i->resource_version);
		i->resource_version = xstrdup(e->object->resource_version);
		i->seen = MAX(i->seen, e->object->revision);
	}
	pthread_mutex_unlock(&i->lock);
}

static void on_closed(void *arg, const struct error *why)
{
	struct informer *i = arg;
	bool steady;

	pthread_mutex_lock(&i->lock);
	i->watch_closed = true;
	if (why && (why->code == E_GONE || why->code == E_NOT_FOUND)) {
		free(i->resource_version);
		i->resource_version = NULL;
	}
	steady = clock_mono(i->all->clock) - i->watch_began >= STEADY_NS;
	if (steady || i->watch_told)
		i->failures = 0;
	if (!steady)
		retry_later(i);
	pthread_mutex_unlock(&i->lock);
	/* A server that ends a watch after its time has done nothing wrong; whether the type is
	 * served no more the list tells. */
	if (why && why->code != E_GONE && why->code != E_TIMEOUT && why->code != E_NOT_FOUND)
		informer_set_error(i, why);
	workqueue_add(i->all->work, i->id);
}

static const struct watch_handler handler = {on_event, on_closed};

static int watch(struct informer *i, struct error **err)
{
	struct call call = {.timeout_ms = -1};
	char *from free_ptr = NULL;
	struct watch_options opt = {.bookmarks = true};

	pthread_mutex_lock(&i->lock);
	from = xstrdup(i->resource_version);
	i->watch_closed = i->watch_told = false;
	i->watch_began = clock_mono(i->all->clock);
	pthread_mutex_unlock(&i->lock);
	opt.resource_version = from;
	i->watch = cluster_watch(i->all->cluster, &call, i->resource, i->namespace, &opt, &handler,
				 i, err);
	return i->watch ? 0 : -1;
}

static void end_watch(struct informer *i)
{
	if (i->watch)
		watch_stop(steal(&i->watch));
}

/* What stands between I and a running watch; 0 once it runs. */
static int step(struct informer *i, struct error **err)
{
	bool need_list;

	pthread_mutex_lock(&i->lock);
	need_list = !i->resource_version;
	pthread_mutex_unlock(&i->lock);
	if (need_list && list(i, err) < 0)
		return -1;
	return watch(i, err);
}

static void end(struct informer *i)
{
	struct informers *all = i->all;

	end_watch(i);
	pthread_mutex_lock(&all->lock);
	map_del(all->alive, i->id);
	pthread_cond_broadcast(&all->changed);
	pthread_mutex_unlock(&all->lock);
	informer_unref(i);
}

static void advance(struct informer *i)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	bool stopped, closed;
	int64_t wait;

	pthread_mutex_lock(&i->lock);
	stopped = i->stopped;
	closed = i->watch_closed;
	wait = i->retry_at - clock_mono(i->all->clock);
	pthread_mutex_unlock(&i->lock);
	if (stopped) {
		end(i);
		return;
	}
	if (i->watch && !closed)
		return;
	end_watch(i);
	if (wait > 0) {
		workqueue_add_after(i->all->work, i->id, wait);
		return;
	}
	if (step(i, &why) < 0) {
		failed(i, why);
		workqueue_add(i->all->work, i->id);
	} else {
		informer_set_error(i, NULL);
	}
}

void *reflector_thread(void *arg)
{
	struct informers *all = arg;
	char *id;

	while ((id = workqueue_get(all->work))) {
		struct informer *i;

		pthread_mutex_lock(&all->lock);
		i = map_get(all->alive, id);
		if (i)
			informer_ref(i);
		pthread_mutex_unlock(&all->lock);
		if (i) {
			advance(i);
			informer_unref(i);
		}
		workqueue_done(all->work, id);
	}
	return NULL;
}
