/*
 * Watches. The store calls handle() for every change below a watch's prefix, in order, from one
 * thread; it makes the objects once an event, however many watches want it, and hands them on.
 *
 * A watch that begins with the present state has to tell it first, and not from the caller's
 * thread: the starter tells what is there and only then joins the store at that state's revision.
 */
#include "cluster/local/watch.h"

#include "base/mem.h"
#include "kinds/kind.h"
#include "object/json.h"

#include <inttypes.h>
#include <string.h>

#define BOOKMARK_EVERY_NS (10 * NS_PER_S)

void watch_free(struct local_watch *w)
{
	if (w->store_watch)
		store_watch_stop(w->store_watch);
	pump_free(w->pump);
	filter_release(&w->filter);
	resource_unref(w->resource);
	free(w->namespace);
	free(w);
}

static struct object *bookmark_object(const struct local_watch *w, uint64_t revision, bool end)
{
	json_t *tree json_auto = json_pack("{s:s,s:s,s:{}}", "apiVersion", w->resource->api_version,
					   "kind", w->resource->kind, "metadata");
	char *text free_ptr = xasprintf("%" PRIu64, revision);

	json_path_set(tree, "metadata.resourceVersion", json_string(text));
	if (end)
		json_path_set(tree, "metadata.annotations[k8s.io/initial-events-end]",
			      json_string("true"));
	if (w->resource->type && !w->resource->custom) {
		struct schema_value root = schema_root(w->resource->type);

		schema_fill_present(tree, &root);
	}
	if (w->resource->particulars->empty) {
		json_t *more json_auto = json_loads(w->resource->particulars->empty, 0, NULL);

		json_object_update_recursive(tree, more);
	}
	return object_from_tree(tree);
}

void watch_tell(const struct local_watch *w, enum watch_type type, struct object *o, bool end)
{
	w->handler->event(w->arg, &(struct watch_event){
					  .type = type, .object = o, .initial_events_end = end});
}

static void bookmark(struct local_watch *w, uint64_t revision)
{
	struct local *l = local_of(w->base.cluster);
	int64_t now = clock_mono(l->clock);
	struct object *o CLEANUP(object_unref_cleanup) = NULL;

	if (!w->bookmarks || now - w->bookmarked < BOOKMARK_EVERY_NS)
		return;
	w->bookmarked = now;
	o = bookmark_object(w, revision, false);
	if (w->pump)
		pump_bookmark(w->pump, o);
	else
		watch_tell(w, WATCH_BOOKMARK, o, false);
}

struct object *deleted_object(const char *json, size_t len, uint64_t revision)
{
	json_t *tree json_auto = json_read(json, len, NULL);
	char *text free_ptr = xasprintf("%" PRIu64, revision);

	if (!tree)
		return NULL;
	json_path_set(tree, "metadata.resourceVersion", json_string(text));
	return object_from_tree(tree);
}

/* Objects of EVENT, parsed once for all watches. Store's thread. */
static void parse_event(struct local *l, const struct store_event *event)
{
	bool same = l->parsed.revision == event->revision && l->parsed.key.len == event->key_len &&
		    memcmp(l->parsed.key.s, event->key, event->key_len) == 0;

	if (same)
		return;
	object_unref(l->parsed.new);
	object_unref(l->parsed.old);
	l->parsed.revision = event->revision;
	str_reset(&l->parsed.key);
	str_add(&l->parsed.key, event->key, event->key_len);
	/* What went is told as it was last stored, not as the write that ended it left it. */
	l->parsed.new = !event->deleted ? object_from_canonical(event->value, event->len, NULL)
			: event->old_value
				? deleted_object(event->old_value, event->old_len, event->revision)
				: deleted_object(event->value, event->len, event->revision);
	l->parsed.old = event->old_value
				? object_from_canonical(event->old_value, event->old_len, NULL)
				: NULL;
}

static void handle(void *arg, const struct store_event *event, uint64_t revision)
{
	struct local_watch *w = arg;
	struct local *l = local_of(w->base.cluster);
	struct object *new CLEANUP(object_unref_cleanup) = NULL;
	bool was, is;

	if (!event) {
		bookmark(w, revision);
		return;
	}
	parse_event(l, event);
	if (!l->parsed.new)
		return;
	if (w->pump) {
		pump_change(w->pump, event->deleted, l->parsed.new, l->parsed.old, event->revision);
		return;
	}
	was = l->parsed.old && filter_matches(&w->filter, l->parsed.old);
	is = !event->deleted && filter_matches(&w->filter, l->parsed.new);
	if (!was && !is)
		return;
	/* What leaves the selector is told as it was, at the revision at which it left. */
	new = is || event->deleted
		      ? object_ref(l->parsed.new)
		      : deleted_object(l->parsed.old->json, l->parsed.old->len, event->revision);
	if (w->converts && new)
		new = convert_object(&(struct errand){.l = l, .deadline_ns = CLOCK_NEVER},
				     w->resource, steal(&new), NULL);
	if (!new)
		return;
	watch_tell(w, is ? was ? WATCH_MODIFIED : WATCH_ADDED : WATCH_DELETED, new, false);
}

static int join_store(struct local_watch *w, uint64_t from, struct error **err)
{
	struct local *l = local_of(w->base.cluster);
	struct str prefix CLEANUP(str_release) = STR_INIT;

	object_key(w->resource, w->namespace, NULL, &prefix);
	w->bookmarked = clock_mono(l->clock);
	w->store_watch = store_watch(l->store, prefix.s, prefix.len, from, handle, w, err);
	return w->store_watch ? 0 : -1;
}

struct state {
	struct object **v;
	size_t n, cap;
};

static bool collect(void *arg, const char *json, size_t len)
{
	struct state *s = arg;
	struct object *o = object_from_canonical(json, len, NULL);

	if (o)
		vec_push(s, o);
	return true;
}

bool watch_alive(struct local_watch *w)
{
	struct local *l = local_of(w->base.cluster);
	bool stopped;

	if (w->pump)
		return pump_alive(w->pump);
	pthread_mutex_lock(&l->watch_lock);
	stopped = w->stopped;
	pthread_mutex_unlock(&l->watch_lock);
	return !stopped;
}

/* Tells the present state; *revision: of which it is. */
static int tell_state(struct local_watch *w, const struct call *call, uint64_t *revision,
		      struct error **err)
{
	struct state state = {0};
	struct list_meta meta CLEANUP(list_meta_release) = {0};
	struct list_options opt = {0};
	int result;

	result = local_list(w->base.cluster, call, w->resource, w->namespace, &opt, collect, &state,
			    &meta, err);
	for (size_t i = 0; i < state.n; i++) {
		if (result == 0 && filter_matches(&w->filter, state.v[i]) && watch_alive(w))
			watch_tell(w, WATCH_ADDED, state.v[i], false);
		object_unref(state.v[i]);
	}
	vec_release(&state);
	if (result < 0)
		return -1;
	*revision = strtoull(meta.resource_version, NULL, 10);
	if (w->initial_end && watch_alive(w)) {
		struct object *o CLEANUP(object_unref_cleanup) =
			bookmark_object(w, *revision, true);

		watch_tell(w, WATCH_BOOKMARK, o, true);
	}
	return 0;
}

void watch_start(struct local_watch *w, const struct call *call, struct error **err)
{
	uint64_t revision;

	if (tell_state(w, call, &revision, err) == 0 && watch_alive(w))
		join_store(w, revision, err);
}

static void start(struct local_watch *w)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;

	watch_start(w, NULL, &why);
	if (why && watch_alive(w))
		w->handler->closed(w->arg, why);
}

static void end(struct local_watch *w)
{
	struct error *why CLEANUP(error_free_cleanup) =
		w->reshaped ? error_new(E_GONE, "the requested resource is defined otherwise now")
			    : error_new(E_NOT_FOUND,
					"the server could not find the requested resource");

	if (w->pump) {
		pump_end(w->pump, steal(&why));
		return;
	}
	if (w->store_watch) {
		/* What there was of the type was deleted before it. */
		store_watch_flush(w->store_watch);
		store_watch_stop(steal(&w->store_watch));
	}
	w->handler->closed(w->arg, why);
}

static struct local_watch *next_job(struct local *l)
{
	for (struct local_watch *w = l->watches; w; w = w->next)
		if (w->state == WATCH_STARTING || w->state == WATCH_BROKEN)
			return w;
	return NULL;
}

static void *starter(void *arg)
{
	struct local *l = arg;

	pthread_mutex_lock(&l->watch_lock);
	while (!l->closing) {
		struct local_watch *w = next_job(l);
		bool starting = w && w->state == WATCH_STARTING;

		if (!w) {
			pthread_cond_wait(&l->watch_wake, &l->watch_lock);
			continue;
		}
		l->running = w;
		w->state = starting ? WATCH_RUNNING : WATCH_ENDED;
		pthread_mutex_unlock(&l->watch_lock);
		(starting ? start(w) : end(w));
		pthread_mutex_lock(&l->watch_lock);
		l->running = NULL;
		if (w->stopped)
			watch_free(w);
		pthread_cond_broadcast(&l->watch_idle);
	}
	pthread_mutex_unlock(&l->watch_lock);
	return NULL;
}

static struct local_watch *watch_new(struct cluster *c, const struct resource *r,
				     const char *namespace, const struct watch_options *opt,
				     const struct watch_handler *handler, void *arg,
				     struct error **err)
{
	struct local_watch *w = xcalloc(1, sizeof(*w));

	if (filter_init(&w->filter, r, opt->label_selector, opt->field_selector, err) < 0) {
		free(w);
		return NULL;
	}
	w->base.cluster = c;
	w->resource = resource_ref(r);
	w->converts = converts(r);
	w->namespace = xstrdup(namespace ? namespace : "");
	w->bookmarks = opt->bookmarks;
	w->initial_end = opt->send_initial_events;
	w->handler = handler;
	w->arg = arg;
	return w;
}

static void link_watch(struct local *l, struct local_watch *w)
{
	pthread_mutex_lock(&l->watch_lock);
	w->next = l->watches;
	l->watches = w;
	pthread_cond_signal(&l->watch_wake);
	pthread_mutex_unlock(&l->watch_lock);
}

static void unlink_watch(struct local *l, struct local_watch *w)
{
	struct local_watch **p = &l->watches;

	while (*p != w)
		p = &(*p)->next;
	*p = w->next;
}

/* A watch's malformed revision is an internal error without a reason, as kube-apiserver has it. */
static int parse_start(const struct watch_options *opt, uint64_t *from, struct error **err)
{
	struct error *why = NULL;

	if (revision_parse(opt->resource_version, from, &why) == 0)
		return 0;
	why->http_status = 500;
	free(why->reason);
	why->reason = xstrdup("");
	return error_move(err, why);
}

static int join(struct local *l, struct local_watch *w, uint64_t from, struct error **err)
{
	if (join_store(w, from, err) < 0)
		return -1;
	pthread_mutex_lock(&l->watch_lock);
	w->state = WATCH_RUNNING;
	pthread_mutex_unlock(&l->watch_lock);
	return 0;
}

struct watch *local_watch(struct cluster *c, const struct call *call, const struct resource *asked,
			  const char *namespace, const struct watch_options *opt,
			  const struct watch_handler *handler, void *arg, struct error **err)
{
	struct local *l = local_of(c);
	const struct resource *r CLEANUP(resource_unref_cleanup) = local_type(l, asked, err);
	struct local_watch *w;
	uint64_t from;
	bool starts;

	if (!r || parse_start(opt, &from, err) < 0)
		return NULL;
	w = watch_new(c, r, namespace, opt, handler, arg, err);
	if (!w)
		return NULL;
	starts = !from || opt->send_initial_events;
	if (!starts)
		w->state = WATCH_JOINING;
	else
		w->state = converts_by_hook(r) ? WATCH_RUNNING : WATCH_STARTING;
	if (converts_by_hook(r))
		pump_open(w, starts);
	link_watch(l, w);
	if (!starts && join(l, w, from, err) < 0) {
		local_watch_stop(&w->base);
		return NULL;
	}
	/* Its type may have gone meanwhile. */
	if (r->custom)
		watches_prune(l);
	return &w->base;
}

void local_watch_stop(struct watch *base)
{
	struct local_watch *w = (struct local_watch *)base;
	struct local *l = local_of(base->cluster);
	bool own = pthread_equal(pthread_self(), l->starter);

	pthread_mutex_lock(&l->watch_lock);
	while (l->running == w && !own)
		pthread_cond_wait(&l->watch_idle, &l->watch_lock);
	unlink_watch(l, w);
	if (l->running == w) {
		w->stopped = true;
		pthread_mutex_unlock(&l->watch_lock);
		return;
	}
	pthread_mutex_unlock(&l->watch_lock);
	if (!w->pump || pump_stop(w->pump))
		watch_free(w);
}

/* Whether objects may look otherwise as NOW shows them than as R did. */
static bool reshapes(const struct resource *r, const struct resource *now)
{
	const struct custom *was = r->priv, *is = now->priv;

	if (strcmp(was->uid, is->uid))
		return true;
	if (was->generation == is->generation)
		return false;
	return converts(r) != converts(now) || converts_by_hook(r) != converts_by_hook(now) ||
	       (converts(r) && !json_equal(was->open_api, is->open_api));
}

void watches_prune(struct local *l)
{
	struct catalog *catalog CLEANUP(catalog_unref_cleanup) = NULL;

	pthread_mutex_lock(&l->lock);
	catalog = catalog_ref(l->catalog);
	pthread_mutex_unlock(&l->lock);
	pthread_mutex_lock(&l->watch_lock);
	for (struct local_watch *w = l->watches; w; w = w->next) {
		const struct resource *r = w->resource, *now;

		if (!r->custom || w->state == WATCH_JOINING || w->state == WATCH_ENDED)
			continue;
		now = catalog_find(catalog, r->group, r->version, r->plural);
		w->reshaped = now && reshapes(r, now);
		if (!now || w->reshaped)
			w->state = WATCH_BROKEN;
	}
	pthread_cond_signal(&l->watch_wake);
	pthread_mutex_unlock(&l->watch_lock);
}

void watches_open(struct local *l)
{
	pthread_mutex_init(&l->watch_lock, NULL);
	pthread_cond_init(&l->watch_wake, NULL);
	pthread_cond_init(&l->watch_idle, NULL);
	str_init(&l->parsed.key);
	if (pthread_create(&l->starter, NULL, starter, l))
		abort();
}

void watches_close(struct local *l)
{
	while (l->watches)
		local_watch_stop(&l->watches->base);
	pthread_mutex_lock(&l->watch_lock);
	while (l->leaving)
		pthread_cond_wait(&l->watch_idle, &l->watch_lock);
	l->closing = true;
	pthread_cond_signal(&l->watch_wake);
	pthread_mutex_unlock(&l->watch_lock);
	pthread_join(l->starter, NULL);
	object_unref(l->parsed.new);
	object_unref(l->parsed.old);
	str_release(&l->parsed.key);
	pthread_mutex_destroy(&l->watch_lock);
	pthread_cond_destroy(&l->watch_wake);
	pthread_cond_destroy(&l->watch_idle);
}
