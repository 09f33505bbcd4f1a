#include "http/http_private.h"

#include <string.h>

/*
 * Of a body that is read piece by piece this much waits for a slow reader before the server has to.
 * Pausing one HTTP/2 stream may hold up others on its connection, so it is the exception: a page of
 * 500 usual objects fits.
 */
#define MAX_PENDING (8u << 20)
#define FIRST_BACKOFF_MS 250

/* A blocking request: what its thread and the network thread share is under the lock. */
struct request {
	struct http *http;
	const struct call *call;
	const struct http_request *q;
	http_sink *sink;
	void *arg;
	int64_t deadline_ns;

	pthread_mutex_t lock;
	pthread_cond_t news;
	bool cancelled;
	/* Of the attempt under way. */
	struct str pending; /* body not given to the sink yet; without a sink: all of it */
	bool paused, closed, too_large;
	int status;
	char *content_type, *etag;
	struct str error_body;
	struct error *why;
	/* After a 401 other credentials are tried, once. */
	bool asked_others, has_others;
};

static enum http_flow on_data(void *arg, const char *bytes, size_t len)
{
	struct request *r = arg;
	size_t max = r->q->max_body ? r->q->max_body : HTTP_MAX_BODY;
	enum http_flow flow = HTTP_MORE;

	pthread_mutex_lock(&r->lock);
	if (r->sink && r->pending.len && len > MAX_PENDING - MIN(r->pending.len, MAX_PENDING)) {
		r->paused = true;
		flow = HTTP_PAUSE;
	} else if (!r->sink && len > max - r->pending.len) {
		r->too_large = r->closed = true;
		flow = HTTP_STOP;
	} else {
		str_add(&r->pending, bytes, len);
	}
	pthread_cond_signal(&r->news);
	pthread_mutex_unlock(&r->lock);
	return flow;
}

static char *dup_or_null(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

static void on_closed(void *arg, const struct http_response *response, const struct error *why)
{
	struct request *r = arg;

	pthread_mutex_lock(&r->lock);
	r->status = response->status;
	r->content_type = dup_or_null(response->content_type);
	r->etag = dup_or_null(response->etag);
	str_add(&r->error_body, response->body.s, response->body.len);
	r->why = error_dup(why);
	r->closed = true;
	pthread_cond_signal(&r->news);
	pthread_mutex_unlock(&r->lock);
}

static const struct http_handler handler = {.data = on_data, .closed = on_closed};

static void on_cancel(void *arg)
{
	struct request *r = arg;

	pthread_mutex_lock(&r->lock);
	r->cancelled = true;
	pthread_cond_signal(&r->news);
	pthread_mutex_unlock(&r->lock);
}

static int gave_up(struct request *r, struct error **err)
{
	if (r->cancelled)
		return error_set(err, E_CANCELLED, "%s: the request was given up", r->http->server);
	return error_set(err, E_TIMEOUT, "%s: no answer within %d ms", r->http->server,
			 call_timeout_ms(r->call));
}

/* Waits for more of the body or the end, and takes what came. 1: there may be more; 0: the end. */
static int next_piece(struct request *r, struct http_stream *s, struct str *piece,
		      struct error **err)
{
	bool resume, closed;
	int rc = 0;

	pthread_mutex_lock(&r->lock);
	while (!r->cancelled && !r->closed && !(r->sink && r->pending.len) && !rc)
		rc = clock_wait(r->http->clock, &r->news, &r->lock, r->deadline_ns);
	if (r->cancelled || (rc && !r->closed)) {
		pthread_mutex_unlock(&r->lock);
		return gave_up(r, err);
	}
	*piece = r->pending;
	str_init(&r->pending);
	closed = r->closed;
	resume = r->paused;
	r->paused = false;
	pthread_mutex_unlock(&r->lock);
	if (resume)
		http_stream_resume(s);
	return closed ? 0 : 1;
}

static int read_body(struct request *r, struct http_stream *s, struct http_response *out,
		     struct error **err)
{
	int more = 1;

	while (more > 0) {
		struct str piece CLEANUP(str_release) = STR_INIT;

		more = next_piece(r, s, &piece, err);
		if (more < 0)
			return -1;
		if (!r->sink) {
			out->body = piece;
			str_init(&piece);
		} else if (piece.len && r->sink(r->arg, piece.s, piece.len, err) < 0) {
			return -1;
		}
	}
	return 0;
}

static void forget_attempt(struct request *r)
{
	str_release(&r->pending);
	str_release(&r->error_body);
	free(r->content_type);
	free(r->etag);
	error_clear(&r->why);
	r->content_type = r->etag = NULL;
	r->paused = r->closed = r->too_large = false;
	r->status = 0;
}

/* After the stream has been stopped: nobody else looks at the request any more. */
static int take_answer(struct request *r, struct http_response *out, struct error **err)
{
	if (r->too_large)
		return error_set(err, E_TOO_LARGE, "%s: the answer to %s is larger than %zu bytes",
				 r->http->server, r->q->method,
				 r->q->max_body ? r->q->max_body : (size_t)HTTP_MAX_BODY);
	if (r->why)
		return error_move(err, steal(&r->why));
	out->status = r->status;
	out->content_type = steal(&r->content_type);
	out->etag = steal(&r->etag);
	if (r->error_body.len) {
		str_release(&out->body);
		out->body = r->error_body;
		str_init(&r->error_body);
	}
	return 0;
}

static int look_for_others(struct request *r, struct http_stream *s, struct error **err)
{
	int rc;

	r->has_others = false;
	if (r->status != 401 || r->asked_others)
		return 0;
	r->asked_others = true;
	rc = http_stream_other_credentials(s, r->call, err);
	r->has_others = rc > 0;
	return rc;
}

static int attempt(struct request *r, struct http_response *out, struct warnings *warnings,
		   struct error **err)
{
	struct http_stream *s;
	int rc;

	forget_attempt(r);
	http_response_release(out);
	s = http_stream_start(r->http, r->call, r->q, &handler, r, err);
	if (!s)
		return -1;
	rc = read_body(r, s, out, err);
	http_stream_warnings(s, warnings);
	out->retry_after_s = http_stream_retry_after(s);
	if (rc == 0)
		rc = look_for_others(r, s, err);
	http_stream_stop(s);
	return rc < 0 ? rc : take_answer(r, out, err);
}

/* The wait before another attempt at what answered STATUS, in ms; negative: none is made. */
static int64_t retry_wait_ms(struct request *r, int status, int retry_after, int tries)
{
	int64_t wait_ms, left_ns;

	if ((status != 429 && status != 503) || tries >= HTTP_RETRIES)
		return -1;
	if (!retry_after && strcmp(r->q->method, "GET"))
		return -1;
	wait_ms = retry_after ? retry_after * 1000LL : FIRST_BACKOFF_MS << tries;
	if (r->deadline_ns == CLOCK_NEVER)
		return wait_ms;
	left_ns = r->deadline_ns - clock_mono(r->http->clock);
	return wait_ms * NS_PER_MS < left_ns ? wait_ms : -1;
}

static int wait_for_retry(struct request *r, int64_t wait_ms, struct error **err)
{
	int64_t until = clock_mono(r->http->clock) + wait_ms * NS_PER_MS;
	bool cancelled;
	int rc = 0;

	pthread_mutex_lock(&r->lock);
	while (!r->cancelled && !rc)
		rc = clock_wait(r->http->clock, &r->news, &r->lock, until);
	cancelled = r->cancelled;
	pthread_mutex_unlock(&r->lock);
	return cancelled ? gave_up(r, err) : 0;
}

static int ask(struct request *r, struct http_response *out, struct error **err)
{
	for (int tries = 0;;) {
		struct warnings warnings CLEANUP(warnings_release) = {0};
		int64_t wait_ms;

		if (attempt(r, out, &warnings, err) < 0)
			return -1;
		if (r->has_others)
			continue;
		wait_ms = retry_wait_ms(r, out->status, out->retry_after_s, tries++);
		if (wait_ms < 0) {
			if (r->call)
				vec_each (&warnings, w)
					warnings_add(r->call->warnings, "%s", *w);
			return 0;
		}
		if (wait_for_retry(r, wait_ms, err) < 0)
			return -1;
	}
}

int http_read(struct http *h, const struct call *call, const struct http_request *q,
	      http_sink *sink, void *arg, struct http_response *out, struct error **err)
{
	struct request r = {.http = h, .call = call, .q = q, .sink = sink, .arg = arg};
	struct cancel *cancel = call ? call->cancel : NULL;
	int timeout_ms = call_timeout_ms(call), rc;

	if (http_on_network_thread(h))
		return error_set(err, E_INTERNAL, "a request from a handler of the network thread");
	r.deadline_ns =
		timeout_ms < 0 ? CLOCK_NEVER : clock_mono(h->clock) + timeout_ms * NS_PER_MS;
	str_init(&r.pending);
	str_init(&r.error_body);
	pthread_mutex_init(&r.lock, NULL);
	clock_cond_init(&r.news);
	cancel_subscribe(cancel, on_cancel, &r);
	rc = ask(&r, out, err);
	cancel_unsubscribe(cancel, on_cancel, &r);
	forget_attempt(&r);
	pthread_cond_destroy(&r.news);
	pthread_mutex_destroy(&r.lock);
	return rc;
}

int http_do(struct http *h, const struct call *call, const struct http_request *q,
	    struct http_response *out, struct error **err)
{
	return http_read(h, call, q, NULL, NULL, out, err);
}
