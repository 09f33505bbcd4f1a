#include "cluster/remote/remote.h"

#include "cluster/remote/split.h"
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
 * A watch or a log stream. Its owner has a ref and the network thread has one while it runs a
 * handler, so that the owner may stop it from within.
 */
struct live {
	union {
		struct watch watch;
		struct stream stream;
	} base; /* first: what the owner holds */
	struct remote *c;
	_Atomic unsigned refs;
	const struct resource *r;
	struct http_stream *http;
	struct watch_handler on_watch;
	struct stream_handler on_stream;
	bool is_watch;
	void *arg;
	struct splitter splitter;

	pthread_mutex_t lock;
	pthread_cond_t news;
	bool begun, stopped, cancelled, told;
	struct error *why; /* why it did not begin */
};

static void live_unref(struct live *l)
{
	if (atomic_fetch_sub(&l->refs, 1) != 1)
		return;
	splitter_release(&l->splitter);
	resource_unref(l->r);
	error_free(l->why);
	pthread_mutex_destroy(&l->lock);
	pthread_cond_destroy(&l->news);
	free(l);
}
DEFINE_CLEANUP(struct live *, live_unref)

static struct live *live_ref(struct live *l)
{
	atomic_fetch_add(&l->refs, 1);
	return l;
}

static bool is_stopped(struct live *l)
{
	bool stopped;

	pthread_mutex_lock(&l->lock);
	stopped = l->stopped;
	pthread_mutex_unlock(&l->lock);
	return stopped;
}

static bool on_head(void *arg, const struct http_response *a)
{
	struct live *l = arg;

	if (a->status < 200 || a->status >= 300)
		return true; /* the body will say why */
	pthread_mutex_lock(&l->lock);
	l->begun = true;
	pthread_cond_broadcast(&l->news);
	pthread_mutex_unlock(&l->lock);
	return true;
}

static void tell_closed(struct live *l, const struct error *why)
{
	if (l->told || is_stopped(l))
		return;
	l->told = true;
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
	return is_stopped(l) ? -1 : 0;
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
	struct live *l CLEANUP(live_unref_cleanup) = live_ref(arg);
	struct error *why CLEANUP(error_free_cleanup) = NULL;

	if (!l->is_watch) {
		if (!is_stopped(l) && l->on_stream.data(l->arg, bytes, len))
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

/* Why a stream whose answer is complete has ended; NULL: as it should. */
static struct error *end_of(struct live *l, const struct http_response *a)
{
	struct error *why = NULL;

	if (remote_check(a, &why) < 0)
		return why;
	if (!l->is_watch)
		return NULL;
	if (splitter_finish(&l->splitter, &why) < 0)
		return why;
	return error_new(E_TIMEOUT, "%s: the watch has ended after its time",
			 l->c->base.description);
}

static void on_closed(void *arg, const struct http_response *a, const struct error *transport)
{
	struct live *l CLEANUP(live_unref_cleanup) = live_ref(arg);
	struct error *why CLEANUP(error_free_cleanup) =
		transport ? error_dup(transport) : end_of(l, a);
	bool begun;

	pthread_mutex_lock(&l->lock);
	begun = l->begun;
	if (!begun)
		l->why = steal(&why);
	pthread_cond_broadcast(&l->news);
	pthread_mutex_unlock(&l->lock);
	if (begun)
		tell_closed(l, why);
}

static const struct http_handler handler = {on_head, on_data, on_closed};

static void on_cancel(void *arg)
{
	struct live *l = arg;

	pthread_mutex_lock(&l->lock);
	l->cancelled = true;
	pthread_cond_broadcast(&l->news);
	pthread_mutex_unlock(&l->lock);
}

/* Waits for the head of the answer. */
static int wait_begun(struct live *l, const struct call *call, struct error **err)
{
	int timeout_ms = call_timeout_ms(call), rc = 0;
	int64_t deadline_ns;

	/* A stream without a deadline still has one for its beginning. */
	if (timeout_ms < 0)
		timeout_ms = CALL_TIMEOUT_MS;
	deadline_ns = clock_mono(l->c->clock) + timeout_ms * NS_PER_MS;
	pthread_mutex_lock(&l->lock);
	while (!l->begun && !l->why && !l->cancelled && !rc)
		rc = clock_wait(l->c->clock, &l->news, &l->lock, deadline_ns);
	if (l->begun)
		rc = 0;
	else if (l->why)
		rc = error_move(err, steal(&l->why));
	else if (l->cancelled)
		rc = error_set(err, E_CANCELLED, "the request was given up");
	else
		rc = error_set(err, E_TIMEOUT, "%s: no answer within %d ms", l->c->base.description,
			       timeout_ms);
	pthread_mutex_unlock(&l->lock);
	return rc;
}

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
	pthread_mutex_lock(&l->lock);
	l->stopped = true;
	pthread_mutex_unlock(&l->lock);
	http_stream_stop(l->http);
	live_unref(l);
}

void remote_stop_all(struct remote *c)
{
	while (c->lives.n)
		live_stop(c->lives.v[c->lives.n - 1]);
}

static struct live *live_new(struct remote *c, const struct resource *r, void *arg)
{
	struct live *l = xcalloc(1, sizeof(*l));

	l->refs = 1;
	l->c = c;
	l->r = resource_ref(r);
	l->arg = arg;
	splitter_init(&l->splitter, SPLIT_SEQUENCE);
	pthread_mutex_init(&l->lock, NULL);
	clock_cond_init(&l->news);
	return l;
}

/* One attempt. 1: the credentials are refused, and there are others. */
static int live_try(struct live *l, const struct call *call, const struct http_request *q,
		    bool others, struct error **err)
{
	struct error *why = NULL;
	int rc;

	l->http = http_stream_start(l->c->http, call, q, &handler, l, err);
	if (!l->http)
		return -1;
	rc = wait_begun(l, call, &why);
	if (rc < 0 && others && error_code(why) == E_UNAUTHORIZED) {
		rc = http_stream_other_credentials(l->http, call, err);
		if (rc != 0)
			error_clear(&why);
		else
			rc = -1;
	}
	if (call && call->warnings)
		http_stream_warnings(l->http, call->warnings);
	if (rc != 0) {
		http_stream_stop(steal(&l->http));
		if (why)
			error_move(err, why);
	}
	return rc;
}

/* Takes L over; NULL and *err where the stream cannot begin. */
static struct live *live_begin(struct live *l, const struct call *call,
			       const struct http_request *q, struct error **err)
{
	struct cancel *cancel = call ? call->cancel : NULL;
	int rc;

	if (http_on_network_thread(l->c->http)) {
		error_set(err, E_INTERNAL, "a request from a handler");
		live_unref(l);
		return NULL;
	}
	remember(l);
	cancel_subscribe(cancel, on_cancel, l);
	rc = live_try(l, call, q, true, err);
	if (rc > 0)
		rc = live_try(l, call, q, false, err);
	cancel_unsubscribe(cancel, on_cancel, l);
	if (rc == 0)
		return l;
	live_stop(l);
	return NULL;
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
