#include "cluster/remote/remote.h"

#include "cluster/remote/split.h"
#include "http/feed.h"
#include "object/json.h"
#include "object/status.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>

/* How long a server may keep a watch: between these, at random, so that they do not all end at
 * once. */
#define WATCH_MIN_S 300
#define WATCH_SPREAD_S 300

/*
 * A watch or a log stream. The feed lets it go when it has been stopped and no handler runs: its
 * owner may stop it from within.
 */
struct live {
	union {
		struct watch watch;
		struct stream stream;
	} base; /* first: what the owner holds */
	struct remote *c;
	const struct resource *r;
	struct http_feed *feed;
	struct watch_handler on_watch;
	struct stream_handler on_stream;
	bool is_watch;
	void *arg;
	struct splitter splitter;
	atomic_bool stopped;
};

static void live_free(void *arg)
{
	struct live *l = arg;

	splitter_release(&l->splitter);
	resource_unref(l->r);
	free(l);
}

static void tell_closed(struct live *l, const struct error *why)
{
	if (l->stopped)
		return;
	if (l->is_watch)
		l->on_watch.closed(l->arg, why);
	else
		l->on_stream.closed(l->arg, why);
}

static const struct {
	const char *word;
	enum watch_type type;
} event_types[] = {
	{"ADDED", WATCH_ADDED},
	{"MODIFIED", WATCH_MODIFIED},
	{"DELETED", WATCH_DELETED},
	{"BOOKMARK", WATCH_BOOKMARK},
};

/* The server ends the watch with a Status: most often 410, the revision is too old. */
static int error_event(const json_t *status, struct error **err)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	int code = (int)json_path_int(status, "code", 500);

	json_write(status, &text);
	return error_move(err, status_to_error(code < 400 ? 500 : code, text.s, text.len));
}

static int tell_event(struct live *l, enum watch_type type, const json_t *tree, struct error **err)
{
	struct object *o CLEANUP(object_unref_cleanup) = object_from_tree(tree);
	const char *end = json_path_string(tree, "metadata.annotations[k8s.io/initial-events-end]");
	struct watch_event event = {.type = type,
				    .object = o,
				    .initial_events_end =
					    type == WATCH_BOOKMARK && end && !strcmp(end, "true")};

	if (type != WATCH_BOOKMARK && !*o->name)
		return error_set(err, E_BAD_REQUEST, "a watch event without an object");
	l->on_watch.event(l->arg, &event);
	return l->stopped ? -1 : 0;
}

static int on_event(void *arg, const char *json, size_t len, unsigned keys, struct error **err)
{
	json_t *tree json_auto = json_read(json, len, err);
	const char *type = tree ? json_path_string(tree, "type") : NULL;
	json_t *object = tree ? json_object_get(tree, "object") : NULL;

	if (!tree)
		return -1;
	if (!type || !json_is_object(object))
		return error_set(err, E_BAD_REQUEST, "not a watch event");
	if (!strcmp(type, "ERROR"))
		return error_event(object, err);
	for (size_t i = 0; i < ARRAY_SIZE(event_types); i++)
		if (!strcmp(type, event_types[i].word))
			return tell_event(arg, event_types[i].type, object, err);
	/* A type of event yet to be invented says nothing to this client. */
	return 0;
}

static enum http_flow on_data(void *arg, const char *bytes, size_t len)
{
	struct live *l = arg;
	struct error *why CLEANUP(error_free_cleanup) = NULL;

	if (!l->is_watch) {
		if (!l->stopped && l->on_stream.data(l->arg, bytes, len))
			return HTTP_MORE;
		return HTTP_STOP;
	}
	if (splitter_feed(&l->splitter, bytes, len, on_event, l, &why) == 0)
		return HTTP_MORE;
	if (why && why->code == E_BAD_REQUEST)
		error_wrap(&why, "watch of %s on %s", l->r->plural, l->c->base.description);
	if (why)
		tell_closed(l, why);
	return HTTP_STOP;
}

static struct error *refusal(void *arg, const struct http_response *a)
{
	struct error *why = NULL;

	(void)arg;
	remote_check(a, &why);
	return why;
}

/* A watch does not end by itself as it should. */
static void on_closed(void *arg, const struct error *transport)
{
	struct error *why CLEANUP(error_free_cleanup) = transport ? error_dup(transport) : NULL;
	struct live *l = arg;

	if (l->is_watch && !why && splitter_finish(&l->splitter, &why) == 0)
		why = error_new(E_TIMEOUT, "%s: the watch has ended after its time",
				l->c->base.description);
	tell_closed(l, why);
}

static const struct http_feed_handler handler = {refusal, on_data, on_closed, live_free};

static void remember(struct live *l)
{
	pthread_mutex_lock(&l->c->lock);
	vec_push(&l->c->lives, l);
	pthread_mutex_unlock(&l->c->lock);
}

static void forget(struct live *l)
{
	pthread_mutex_lock(&l->c->lock);
	for (size_t i = 0; i < l->c->lives.n; i++)
		if (l->c->lives.v[i] == l) {
			vec_remove(&l->c->lives, i);
			break;
		}
	pthread_mutex_unlock(&l->c->lock);
}

static void live_stop(struct live *l)
{
	forget(l);
	l->stopped = true;
	http_feed_stop(l->feed);
}

void remote_stop_all(struct remote *c)
{
	while (c->lives.n)
		live_stop(c->lives.v[c->lives.n - 1]);
}

static struct live *live_new(struct remote *c, const struct resource *r, void *arg)
{
	struct live *l = xcalloc(1, sizeof(*l));

	l->c = c;
	l->r = resource_ref(r);
	l->arg = arg;
	splitter_init(&l->splitter, SPLIT_SEQUENCE);
	return l;
}

/* Takes L over; NULL and *err where the stream cannot begin. */
static struct live *live_begin(struct live *l, const struct call *call,
			       const struct http_request *q, struct error **err)
{
	struct http_feed *feed = http_feed_open(l->c->http, call, q, &handler, l, err);

	if (!feed)
		return NULL;
	l->feed = feed;
	remember(l);
	return l;
}

static unsigned random_number(unsigned below)
{
	unsigned value = 0;

	if (getrandom(&value, sizeof(value), GRND_NONBLOCK) != (ssize_t)sizeof(value))
		return 0;
	return value % below;
}

static void watch_path(const struct resource *r, const char *namespace,
		       const struct watch_options *opt, struct str *path)
{
	const char *version = opt->resource_version;

	remote_path(r, namespace, NULL, NULL, path);
	remote_query(path, "watch", "true");
	remote_query(path, "labelSelector", opt->label_selector);
	remote_query(path, "fieldSelector", opt->field_selector);
	remote_query(path, "resourceVersion", version && *version ? version : NULL);
	remote_query(path, "allowWatchBookmarks",
		     opt->bookmarks || opt->send_initial_events ? "true" : NULL);
	if (opt->send_initial_events) {
		remote_query(path, "sendInitialEvents", "true");
		remote_query(path, "resourceVersionMatch", "NotOlderThan");
	}
	remote_query_int(path, "timeoutSeconds", WATCH_MIN_S + random_number(WATCH_SPREAD_S));
}

struct watch *remote_watch(struct cluster *c, const struct call *call, const struct resource *r,
			   const char *namespace, const struct watch_options *opt,
			   const struct watch_handler *watcher, void *arg, struct error **err)
{
	struct str path CLEANUP(str_release) = STR_INIT;
	struct live *l = live_new(remote_of(c), r, arg);
	struct http_request q = {.method = "GET"};

	l->base.watch.cluster = c;
	l->is_watch = true;
	l->on_watch = *watcher;
	watch_path(r, namespace, opt, &path);
	q.path = path.s;
	l = live_begin(l, call, &q, err);
	return l ? &l->base.watch : NULL;
}

void remote_watch_stop(struct watch *w)
{
	live_stop((struct live *)w);
}

struct stream *remote_stream(struct cluster *c, const struct call *call, const struct resource *r,
			     const char *namespace, const char *name, const char *subresource,
			     const char *query, const struct stream_handler *reader, void *arg,
			     struct error **err)
{
	struct str path CLEANUP(str_release) = STR_INIT;
	struct live *l = live_new(remote_of(c), r, arg);
	struct http_request q = {.method = "GET", .accept = "*/*"};

	l->base.stream.cluster = c;
	l->on_stream = *reader;
	remote_path(r, namespace, name, subresource, &path);
	if (query && *query)
		str_addf(&path, "?%s", query);
	q.path = path.s;
	l = live_begin(l, call, &q, err);
	return l ? &l->base.stream : NULL;
}

void remote_stream_stop(struct stream *s)
{
	live_stop((struct live *)s);
}
