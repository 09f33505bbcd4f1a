#include "http/feed.h"

#include "http/http_private.h"

/*
 * Its owner has a ref and the network thread has one while it runs a handler, so that the owner may
 * stop it from within.
 */
struct http_feed {
	_Atomic unsigned refs;
	struct http *http;
	struct http_stream *stream;
	const struct http_feed_handler *handler;
	void *arg;

	pthread_mutex_t lock;
	pthread_cond_t news;
	bool begun, cancelled;
	struct error *why; /* why it did not begin */
};

static struct http_feed *feed_ref(struct http_feed *f)
{
	atomic_fetch_add(&f->refs, 1);
	return f;
}

static void feed_unref(struct http_feed *f)
{
	if (atomic_fetch_sub(&f->refs, 1) != 1)
		return;
	f->handler->release(f->arg);
	error_free(f->why);
	pthread_mutex_destroy(&f->lock);
	pthread_cond_destroy(&f->news);
	free(f);
}
DEFINE_CLEANUP(struct http_feed *, feed_unref)

static bool success(const struct http_response *a)
{
	return a->status >= 200 && a->status < 300;
}

static bool on_head(void *arg, const struct http_response *a)
{
	struct http_feed *f = arg;

	if (!success(a))
		return true; /* the body will say why */
	pthread_mutex_lock(&f->lock);
	f->begun = true;
	pthread_cond_broadcast(&f->news);
	pthread_mutex_unlock(&f->lock);
	return true;
}

static enum http_flow on_data(void *arg, const char *bytes, size_t len)
{
	struct http_feed *f CLEANUP(feed_unref_cleanup) = feed_ref(arg);

	return f->handler->data(f->arg, bytes, len);
}

static void on_closed(void *arg, const struct http_response *a, const struct error *transport)
{
	struct http_feed *f CLEANUP(feed_unref_cleanup) = feed_ref(arg);
	struct error *why CLEANUP(error_free_cleanup) = transport ? error_dup(transport) : NULL;
	bool begun;

	if (!why && !success(a))
		why = f->handler->refusal(f->arg, a);
	pthread_mutex_lock(&f->lock);
	begun = f->begun;
	if (!begun)
		f->why = steal(&why);
	pthread_cond_broadcast(&f->news);
	pthread_mutex_unlock(&f->lock);
	if (begun)
		f->handler->closed(f->arg, why);
}

static const struct http_handler handler = {on_head, on_data, on_closed};

static void on_cancel(void *arg)
{
	struct http_feed *f = arg;

	pthread_mutex_lock(&f->lock);
	f->cancelled = true;
	pthread_cond_broadcast(&f->news);
	pthread_mutex_unlock(&f->lock);
}

/* Waits for the head of the answer. */
static int wait_begun(struct http_feed *f, const struct call *call, struct error **err)
{
	int timeout_ms = call_timeout_ms(call), rc = 0;
	int64_t deadline_ns;

	/* A stream without a deadline still has one for its beginning. */
	if (timeout_ms < 0)
		timeout_ms = CALL_TIMEOUT_MS;
	deadline_ns = clock_mono(f->http->clock) + timeout_ms * NS_PER_MS;
	pthread_mutex_lock(&f->lock);
	while (!f->begun && !f->why && !f->cancelled && !rc)
		rc = clock_wait(f->http->clock, &f->news, &f->lock, deadline_ns);
	if (f->begun)
		rc = 0;
	else if (f->why)
		rc = error_move(err, steal(&f->why));
	else if (f->cancelled)
		rc = error_set(err, E_CANCELLED, "%s: the request was given up", f->http->server);
	else
		rc = error_set(err, E_TIMEOUT, "%s: no answer within %d ms", f->http->server,
			       timeout_ms);
	pthread_mutex_unlock(&f->lock);
	return rc;
}

/* One attempt. 1: the credentials are refused, and there are OTHERS. */
static int attempt(struct http_feed *f, const struct call *call, const struct http_request *q,
		   bool others, struct error **err)
{
	struct error *why = NULL;
	int rc;

	f->stream = http_stream_start(f->http, call, q, &handler, f, err);
	if (!f->stream)
		return -1;
	rc = wait_begun(f, call, &why);
	if (rc < 0 && others && error_code(why) == E_UNAUTHORIZED) {
		rc = http_stream_other_credentials(f->stream, call, err);
		if (rc != 0)
			error_clear(&why);
		else
			rc = -1;
	}
	if (call && call->warnings)
		http_stream_warnings(f->stream, call->warnings);
	if (rc != 0) {
		http_stream_stop(steal(&f->stream));
		if (why)
			error_move(err, why);
	}
	return rc;
}

struct http_feed *http_feed_open(struct http *h, const struct call *call,
				 const struct http_request *q, const struct http_feed_handler *to,
				 void *arg, struct error **err)
{
	struct http_feed *f = xcalloc(1, sizeof(*f));
	struct cancel *cancel = call ? call->cancel : NULL;
	int rc = -1;

	f->refs = 1;
	f->http = h;
	f->handler = to;
	f->arg = arg;
	pthread_mutex_init(&f->lock, NULL);
	clock_cond_init(&f->news);
	if (http_on_network_thread(h)) {
		error_set(err, E_INTERNAL, "a request from a handler");
	} else {
		cancel_subscribe(cancel, on_cancel, f);
		rc = attempt(f, call, q, true, err);
		if (rc > 0)
			rc = attempt(f, call, q, false, err);
		cancel_unsubscribe(cancel, on_cancel, f);
	}
	if (rc == 0)
		return f;
	feed_unref(f);
	return NULL;
}

void http_feed_stop(struct http_feed *f)
{
	http_stream_stop(f->stream);
	feed_unref(f);
}
