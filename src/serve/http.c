#include "serve/http.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/lifecycle.h"
#include "object/json.h"
#include "object/status.h"
#include "serve/access.h"
#include "serve/headers.h"

#include <ctype.h>
#include <libwebsockets.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <string.h>

/* What a client may make the server hold or wait for. Headers beyond theirs end the connection:
 * libwebsockets leaves no way to answer them. */
#define HEADER_BYTES 32768u
#define BODY_BYTES (3u << 20)	     /* as kube-apiserver's limit */
#define BODY_SKIP_BYTES (64ll << 20) /* a larger one is not read before its refusal */
#define BODIES_BYTES (128u << 20)    /* all requests together */
#define IN_FLIGHT 1024
#define HEADERS_S 20
#define BODY_S 60
#define STALL_S 30
#define KEEPALIVE_S 120
#define HANGUP_S 2

/* libwebsockets sends at most so much in one writable callback; an HTTP/2 frame with its header
 * fills one TLS record. */
#define WRITE_BYTES 65536u
#define FRAME_BYTES (16384u - 9u)
#define CHUNK_HEAD 10u /* "ffffffff\r\n" */
#define CHUNK_TAIL 16u /* "\r\n0\r\n\r\n" */
#define ANSWER_HEADERS 8192u
#define SERVER_NAME "kubefs"
#define SCRATCH_BYTES (LWS_PRE + ANSWER_HEADERS + CHUNK_HEAD + WRITE_BYTES + CHUNK_TAIL)

/* Per stream, kept by libwebsockets. */
struct exchange {
	struct request *request;
	struct lws *wsi;
	/* lws_set_timer_usecs() of 4.1 cannot be cancelled; this can. */
	lws_sorted_usec_list_t timer;
};

static void on_timer(lws_sorted_usec_list_t *timer);

/* US from now; 0: never. */
static void set_timer_us(struct exchange *x, int64_t us)
{
	lws_sul_cancel(&x->timer);
	if (us)
		lws_sul_schedule(lws_get_context(x->wsi), 0, &x->timer, on_timer, us);
}

static struct server *server_of(struct lws *wsi)
{
	return lws_context_user(lws_get_context(wsi));
}

/* ---- headers in */

static const struct {
	enum lws_token_indexes token;
	enum method method;
} method_tokens[] = {
	{WSI_TOKEN_GET_URI, METHOD_GET},	 {WSI_TOKEN_POST_URI, METHOD_POST},
	{WSI_TOKEN_PUT_URI, METHOD_PUT},	 {WSI_TOKEN_PATCH_URI, METHOD_PATCH},
	{WSI_TOKEN_DELETE_URI, METHOD_DELETE},	 {WSI_TOKEN_HEAD_URI, METHOD_HEAD},
	{WSI_TOKEN_OPTIONS_URI, METHOD_OPTIONS},
};

static bool read_method(struct lws *wsi, enum method *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(method_tokens); i++)
		if (lws_hdr_total_length(wsi, method_tokens[i].token)) {
			*out = method_tokens[i].method;
			return true;
		}
	return false;
}

static char *read_header(struct lws *wsi, enum lws_token_indexes token)
{
	int len = lws_hdr_total_length(wsi, token);
	char *value;

	if (len <= 0)
		return NULL;
	value = xmalloc((size_t)len + 2);
	if (lws_hdr_copy(wsi, value, len + 1, token) < 0)
		value[0] = '\0';
	return value;
}

/* libwebsockets has split the query at its "&" and decoded each part. */
static void read_query(struct lws *wsi, struct request *r)
{
	char *part free_ptr = xmalloc(HEADER_BYTES);
	int len;

	for (int i = 0; (len = lws_hdr_copy_fragment(wsi, part, HEADER_BYTES,
						     WSI_TOKEN_HTTP_URI_ARGS, i)) >= 0;
	     i++) {
		char *equals = memchr(part, '=', (size_t)len);
		size_t name = equals ? (size_t)(equals - part) : (size_t)len;
		struct parameter q = {.name = xstrndup(part, name)};

		q.value = equals ? xstrndup(equals + 1, (size_t)len - name - 1) : xstrdup("");
		vec_push(&r->query, q);
	}
}

/* Whether libwebsockets takes what follows R for its body where no length is told. */
static bool reads_on(const struct request *r)
{
	return r->method == METHOD_POST || r->method == METHOD_PUT || r->method == METHOD_PATCH;
}

/* The length of the body: 0 none, which is what no length means (RFC 9112); -1 not told. */
static int64_t read_length(struct lws *wsi, bool *told)
{
	char *text free_ptr = read_header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH);
	char *end;
	long long value;

	*told = text;
	if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING))
		return -1;
	if (!text)
		return 0;
	/* Nothing but digits: whoever stands between must not read another number. */
	if (!isdigit((unsigned char)*text))
		return -1;
	value = strtoll(text, &end, 10);
	return *end ? -1 : value;
}

/* No body is taken that would have to be unpacked: how large it is would be its sender's secret. */
static void refuse_packed(struct lws *wsi, struct request *r)
{
	char *encoding free_ptr = read_header(wsi, WSI_TOKEN_HTTP_CONTENT_ENCODING);

	if (encoding && *encoding && strcasecmp(encoding, "identity") != 0)
		error_set(&r->refused, E_MEDIA_TYPE,
			  "the body has the Content-Encoding \"%s\": only plain ones are read",
			  encoding);
}

static struct identity *identity_from_certificate(struct lws *wsi)
{
	SSL *ssl = lws_get_ssl(lws_get_network_wsi(wsi));
	X509 *cert = ssl ? SSL_get0_peer_certificate(ssl) : NULL;

	return cert && SSL_get_verify_result(ssl) == X509_V_OK ? auth_certificate(cert) : NULL;
}

static struct identity *identity_from_token(struct lws *wsi, struct server *s)
{
	struct authentication found CLEANUP(authentication_release) = {0};
	char *authorization = read_header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION);
	const char *token = auth_bearer(authorization);

	if (token)
		cluster_authenticate(s->cluster, NULL, token, NULL, &found, NULL);
	if (authorization)
		OPENSSL_cleanse(authorization, strlen(authorization));
	free(authorization);
	return steal(&found.who);
}

/* A certificate that names somebody counts before any token, as with kube-apiserver. */
static void authenticate(struct lws *wsi, struct request *r, char *path)
{
	r->who = identity_from_certificate(wsi);
	if (!r->who)
		r->who = identity_from_token(wsi, r->server);
	if (!r->who && !access_is_open(r->path)) {
		atomic_fetch_add(&r->server->metrics.unauthorized, 1);
		error_set(&r->refused, E_UNAUTHORIZED, "Unauthorized");
	} else if (r->who) {
		headers_wanted_user(wsi, path, HEADER_BYTES, &r->wanted, &r->refused);
	}
}

/* Counts the request in, or refuses it. */
static void admit(struct request *r)
{
	struct server *s = r->server;

	r->counted = true;
	s->in_flight++;
	atomic_fetch_add(&s->metrics.in_flight, 1);
	if (r->body_left > (int64_t)BODY_BYTES)
		error_set(&r->refused, E_TOO_LARGE, "Request entity too large: limit is %u",
			  BODY_BYTES);
	else if (r->body_left < 0)
		error_set(&r->refused, E_BAD_REQUEST, "a body must tell its Content-Length");
	else if (s->in_flight > IN_FLIGHT || s->body_bytes + (size_t)r->body_left > BODIES_BYTES) {
		atomic_fetch_add(&s->metrics.throttled, 1);
		error_set(&r->refused, E_TOO_MANY, "too many requests, please try again later");
		if (r->refused->code == E_TOO_MANY)
			r->refused->retry_after_s = 1;
	} else {
		r->body_charged = (size_t)r->body_left;
		s->body_bytes += r->body_charged;
	}
}

/* The request leaves the bounds: it has been answered, or has become a stream. */
static void discharge(struct request *r)
{
	struct server *s = r->server;

	s->body_bytes -= r->body_charged;
	r->body_charged = 0;
	if (r->counted) {
		s->in_flight--;
		atomic_fetch_sub(&s->metrics.in_flight, 1);
	}
	r->counted = false;
}

static void run_request(void *arg)
{
	struct request *r = arg;

	if (r->refused)
		answer_error(r, r->refused);
	else
		server_dispatch(r);
	if (!r->streaming)
		audit_request(r->server->audit, r, AUDIT_COMPLETE);
	request_unref(r);
}

static void dispatch(struct lws *wsi, struct exchange *x)
{
	static const struct user nobody = {.name = "system:anonymous", .uid = ""};
	struct request *r = x->request;

	r->dispatched = true;
	r->user = r->who ? r->who->user : nobody;
	r->call = (struct call){.user = &r->user,
				.cancel = r->cancel,
				.user_agent = r->user_agent,
				.warnings = &r->warnings,
				.annotations = r->server->audit ? &r->annotations : NULL};
	/* From here on the endpoint's own timer watches over the exchange. On HTTP/2 this also
	 * keeps the connection open below it. */
	set_timer_us(x, 0);
	if (lws_get_network_wsi(wsi) != wsi)
		lws_http_mark_sse(wsi);
	else
		lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
	serve_pool_submit(r->server->pool, run_request, request_ref(r));
}

/*
 * HTTP/2: lets the peer send the whole body. libwebsockets opens the connection's window again only
 * when a stream's own one is nearly used up, so that many small bodies would close it for ever.
 */
static void grant_body(struct lws *wsi, const struct request *r)
{
	if (lws_get_network_wsi(wsi) != wsi)
		lws_wsi_tx_credit(wsi, LWSTXCR_PEER_TO_US, (int)r->body_left);
}

/* By which the client or a proxy knows the request, or a new one. */
static void read_audit_id(struct lws *wsi, struct request *r)
{
	static const char name[] = "audit-id:";
	int len = lws_hdr_custom_length(wsi, name, sizeof(name) - 1);
	bool good = len > 0 && len <= AUDIT_ID_MAX &&
		    lws_hdr_custom_copy(wsi, r->audit_id, sizeof(r->audit_id), name,
					sizeof(name) - 1) == len;

	for (int i = 0; good && i < len; i++)
		good = isgraph((unsigned char)r->audit_id[i]);
	if (!good)
		lifecycle_uid(r->audit_id);
	answer_header(r, name, r->audit_id);
}

static void read_origin(struct lws *wsi, struct request *r)
{
	read_audit_id(wsi, r);
	if (!r->server->audit)
		return;
	lws_get_peer_simple(lws_get_network_wsi(wsi), r->peer, sizeof(r->peer));
	/* An IPv4 address on a socket for both. */
	if (str_has_prefix(r->peer, "::ffff:"))
		memmove(r->peer, r->peer + 7, strlen(r->peer + 7) + 1);
	r->forwarded_for = read_header(wsi, WSI_TOKEN_X_FORWARDED_FOR);
	r->real_ip = read_header(wsi, WSI_TOKEN_HTTP_X_REAL_IP);
}

static int on_request(struct lws *wsi, struct exchange *x, char *path, size_t len)
{
	enum method method;
	struct request *r;
	bool told;

	if (!read_method(wsi, &method))
		return -1;
	r = request_new(server_of(wsi), method, path, len);
	x->request = r;
	x->wsi = wsi;
	r->wsi = wsi;
	r->accept = read_header(wsi, WSI_TOKEN_HTTP_ACCEPT);
	r->accept_encoding = read_header(wsi, WSI_TOKEN_HTTP_ACCEPT_ENCODING);
	r->content_type = read_header(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE);
	r->if_none_match = read_header(wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH);
	r->user_agent = read_header(wsi, WSI_TOKEN_HTTP_USER_AGENT);
	read_query(wsi, r);
	read_origin(wsi, r);
	r->body_left = read_length(wsi, &told);
	authenticate(wsi, r, path);
	refuse_packed(wsi, r);
	admit(r);
	audit_request(r->server->audit, r, AUDIT_RECEIVED);
	if (r->body_left < 0 || r->body_left > BODY_SKIP_BYTES || (!told && reads_on(r))) {
		r->close_after = true;
		r->body_left = 0;
	}
	if (r->body_left) {
		set_timer_us(x, BODY_S * LWS_USEC_PER_SEC);
		grant_body(wsi, r);
	} else {
		dispatch(wsi, x);
	}
	return 0;
}

static int on_body(struct lws *wsi, struct request *r, const char *bytes, size_t len)
{
	if (r->dispatched)
		return 0;
	atomic_fetch_add(&r->server->metrics.bytes_received, len);
	if (!r->refused)
		str_add(&r->body, bytes, len);
	return 0;
}

static int on_body_complete(struct lws *wsi, struct exchange *x)
{
	if (!x->request->dispatched)
		dispatch(wsi, x);
	return 0;
}

/* ---- answers out */

static bool put_status(struct lws *wsi, struct request *r, unsigned char **p, unsigned char *end)
{
	struct lws_protocol_vhost_options *name = r->server->name_header;
	bool failed;

	name->value = SERVER_NAME;
	failed = lws_add_http_header_status(wsi, (unsigned)r->answer.status, p, end);
	name->value = r->server->unasked;
	return !failed;
}

/* The headers of R's answer at *P. */
static bool put_headers(struct lws *wsi, struct request *r, unsigned char **p, unsigned char *end)
{
	struct answer *a = &r->answer;
	bool h2 = lws_get_network_wsi(wsi) != wsi;

	if (!put_status(wsi, r, p, end))
		return false;
	if (a->content_type && lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE,
							    (const unsigned char *)a->content_type,
							    (int)strlen(a->content_type), p, end))
		return false;
	vec_each (&a->headers, h)
		if (lws_add_http_header_by_name(wsi, (const unsigned char *)h->name,
						(const unsigned char *)h->value,
						(int)strlen(h->value), p, end))
			break; /* hundreds of warnings: those that fit */
	if (a->length >= 0) {
		if (lws_add_http_header_content_length(wsi, (lws_filepos_t)a->length, p, end))
			return false;
	} else if (!h2) {
		r->chunked = true;
		if (lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING,
						 (const unsigned char *)"chunked", 7, p, end))
			return false;
	}
	if (r->close_after && !h2 &&
	    lws_add_http_header_by_token(wsi, WSI_TOKEN_CONNECTION, (const unsigned char *)"close",
					 5, p, end))
		return false;
	return !lws_finalize_http_header(wsi, p, end);
}

/* Moves up to LIMIT bytes of the queue to P; *last: nothing will follow them. Under the lock. */
static size_t take(struct answer *a, unsigned char *p, size_t limit, bool *last)
{
	size_t n = 0;

	while (a->head < a->queue.n && n < limit) {
		struct piece *piece = &a->queue.v[a->head];
		size_t part = MIN(limit - n, piece->len - a->head_offset);

		memcpy(p + n, piece->bytes + a->head_offset, part);
		n += part;
		a->head_offset += part;
		if (a->head_offset < piece->len)
			break;
		if (piece->release)
			piece->release(piece->owner);
		a->head++;
		a->head_offset = 0;
	}
	if (a->head == a->queue.n) {
		a->head = a->queue.n = 0;
		*last = a->ended;
	} else if (a->head > 1024) {
		a->queue.n -= a->head;
		memmove(a->queue.v, a->queue.v + a->head, a->queue.n * sizeof(*a->queue.v));
		a->head = 0;
	}
	a->queued -= n;
	a->sent += n;
	pthread_cond_broadcast(&a->drained);
	return n;
}

/* HTTP/1.1: headers, chunk head, bytes and chunk tail leave in one write. */
static int write_h1(struct lws *wsi, struct request *r)
{
	unsigned char *start = r->server->scratch + LWS_PRE, *p = start;
	unsigned char *body;
	bool last = false;
	size_t n;

	if (!r->headers_sent && !put_headers(wsi, r, &p, start + ANSWER_HEADERS))
		return -1;
	r->headers_sent = true;
	body = p + (r->chunked ? CHUNK_HEAD : 0);
	n = take(&r->answer, body, WRITE_BYTES, &last);
	if (r->chunked && n) {
		char head[CHUNK_HEAD + 1];

		snprintf(head, sizeof(head), "%08x\r\n", (unsigned)n);
		memcpy(p, head, CHUNK_HEAD);
		memcpy(body + n, "\r\n", 2);
		p = body + n + 2;
	} else {
		p += n;
	}
	if (r->chunked && last) {
		memcpy(p, "0\r\n\r\n", 5);
		p += 5;
	}
	r->final_sent = last;
	atomic_fetch_add(&r->server->metrics.bytes_sent, n);
	if (p == start)
		return 0;
	return lws_write(wsi, start, (size_t)(p - start), LWS_WRITE_HTTP) < 0 ? -1 : 0;
}

static int write_h2_headers(struct lws *wsi, struct request *r)
{
	unsigned char *start = r->server->scratch + LWS_PRE, *p = start;

	if (!put_headers(wsi, r, &p, start + ANSWER_HEADERS))
		return -1;
	r->headers_sent = true;
	return lws_write(wsi, start, (size_t)(p - start), LWS_WRITE_HTTP_HEADERS) < 0 ? -1 : 0;
}

/* HTTP/2: DATA frames as far as the peer's windows and the socket go. */
static int write_h2(struct lws *wsi, struct request *r)
{
	unsigned char *start = r->server->scratch + LWS_PRE;

	if (!r->headers_sent && write_h2_headers(wsi, r) < 0)
		return -1;
	for (size_t sent = 0; sent < WRITE_BYTES && !r->final_sent;) {
		lws_fileofs_t allowance = lws_get_peer_write_allowance(wsi);
		size_t limit = allowance > 0 ? MIN((size_t)allowance, FRAME_BYTES) : 0;
		bool last = false;
		size_t n;

		if (lws_partial_buffered(wsi) || lws_partial_buffered(lws_get_network_wsi(wsi)))
			break;
		n = take(&r->answer, start, limit, &last);
		if (!n && !last)
			break;
		if (lws_write(wsi, start, n, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < 0)
			return -1;
		r->final_sent = last;
		sent += n;
		atomic_fetch_add(&r->server->metrics.bytes_sent, n);
	}
	return 0;
}

/*
 * libwebsockets does not read from an HTTP/1.1 connection while its answer is under way, so that a
 * client that leaves a quiet stream goes unseen: a stream looks for itself. HTTP/2 needs no such.
 */
static bool needs_hangup_check(struct lws *wsi, const struct request *r)
{
	return r->long_running && lws_get_network_wsi(wsi) == wsi;
}

static bool hung_up(struct lws *wsi)
{
	struct pollfd p = {.fd = lws_get_socket_fd(wsi), .events = POLLRDHUP};

	return poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

/* The next time somebody must look at R: its end, or the end of the patience with its reader. */
static void set_timer(struct exchange *x)
{
	struct request *r = x->request;
	int64_t now = clock_mono(r->server->clock), at = r->answer.end_at_ns;

	if (r->answer.queued) {
		r->stalled_at_ns = now + STALL_S * NS_PER_S;
		if (!r->answer.on_close)
			r->stalled_at_ns = MIN(r->stalled_at_ns, request_patience_ns(r));
		at = at && at < r->stalled_at_ns ? at : r->stalled_at_ns;
	} else {
		r->stalled_at_ns = 0;
	}
	if (needs_hangup_check(x->wsi, r))
		at = at ? MIN(at, now + HANGUP_S * NS_PER_S) : now + HANGUP_S * NS_PER_S;
	set_timer_us(x, at ? MAX(at - now, NS_PER_MS) / 1000 : 0);
}

static void on_closed(struct lws *wsi, struct exchange *x);

static int finish(struct lws *wsi, struct request *r, struct exchange *x)
{
	bool close = r->close_after;

	on_closed(wsi, x);
	/* The rest of an HTTP/2 body that nobody reads would block the connection's window. */
	if (close && lws_get_network_wsi(wsi) != wsi)
		lws_set_timeout(lws_get_network_wsi(wsi), PENDING_TIMEOUT_USER_OK, 2);
	if (close)
		return -1;
	/* What libwebsockets still holds of the answer has its patience too. */
	if (lws_partial_buffered(wsi))
		lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, STALL_S);
	return lws_http_transaction_completed(wsi) ? -1 : 0;
}

/* Ends the connection below: HTTP/2 has no other way here to break a stream off. */
static int break_off(struct lws *wsi)
{
	struct lws *network = lws_get_network_wsi(wsi);

	if (network != wsi)
		lws_set_timeout(network, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
	return -1;
}

static int on_writable(struct lws *wsi, struct exchange *x)
{
	struct request *r = x->request;
	struct answer *a = &r->answer;
	int result = 0;
	bool more;

	pthread_mutex_lock(&a->lock);
	if (a->aborted) {
		pthread_mutex_unlock(&a->lock);
		return break_off(wsi);
	}
	if (a->begun && !r->final_sent && !lws_partial_buffered(wsi))
		result = lws_get_network_wsi(wsi) != wsi ? write_h2(wsi, r) : write_h1(wsi, r);
	more = a->begun && !r->final_sent && (a->queued || a->ended);
	if (result == 0)
		set_timer(x);
	pthread_mutex_unlock(&a->lock);
	if (result < 0)
		return -1;
	if (r->final_sent)
		return finish(wsi, r, x);
	if (more)
		lws_callback_on_writable(wsi);
	return 0;
}

static void on_timer(lws_sorted_usec_list_t *timer)
{
	struct exchange *x = container_of(timer, struct exchange, timer);
	struct request *r = x->request;
	int64_t now;

	if (!r)
		return;
	now = clock_mono(r->server->clock);
	if (!r->dispatched || (r->stalled_at_ns && now >= r->stalled_at_ns)) {
		atomic_fetch_add(&r->server->metrics.cut_off, 1);
		lws_set_timeout(lws_get_network_wsi(x->wsi), PENDING_TIMEOUT_USER_OK,
				LWS_TO_KILL_ASYNC);
		return;
	}
	if (needs_hangup_check(x->wsi, r) && hung_up(x->wsi)) {
		lws_set_timeout(x->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
		return;
	}
	pthread_mutex_lock(&r->answer.lock);
	if (r->answer.end_at_ns && now >= r->answer.end_at_ns) {
		r->answer.ended = true;
		r->answer.end_at_ns = 0;
	}
	pthread_mutex_unlock(&r->answer.lock);
	lws_callback_on_writable(x->wsi);
}

struct closing {
	void (*run)(void *);
	void *arg;
};

static void run_closing(void *arg)
{
	struct closing *c = arg;

	c->run(c->arg);
	free(c);
}

static void on_closed(struct lws *wsi, struct exchange *x)
{
	struct request *r = steal(&x->request);
	struct closing c;

	if (!r)
		return;
	pthread_mutex_lock(&r->answer.lock);
	r->answer.closed = true;
	c = (struct closing){.run = steal(&r->answer.on_close), .arg = r->answer.on_close_arg};
	pthread_cond_broadcast(&r->answer.drained);
	pthread_mutex_unlock(&r->answer.lock);
	r->wsi = NULL;
	set_timer_us(x, 0);
	if (!r->final_sent)
		cancel_fire(r->cancel);
	if (!r->dispatched)
		audit_request(r->server->audit, r, AUDIT_COMPLETE);
	discharge(r);
	if (r->long_running)
		atomic_fetch_sub(&r->server->metrics.watches, 1);
	if (c.run)
		serve_pool_submit(r->server->pool, run_closing, xmemdup(&c, sizeof(c)));
	request_unref(r);
}

void server_wake(struct request *r)
{
	struct server *s = r->server;

	/* Under the lock: a watch that is told while the server ends finds no context any more. */
	pthread_mutex_lock(&s->ready_lock);
	if (!r->ready_listed) {
		if (!s->ready && s->wakes)
			lws_cancel_service(s->context);
		r->ready_listed = true;
		r->next_ready = s->ready;
		s->ready = request_ref(r);
	}
	pthread_mutex_unlock(&s->ready_lock);
}

/* Workers have news: a stream that began stops counting against the bound of requests. */
static void on_ready(struct server *s)
{
	struct request *r, *next;

	pthread_mutex_lock(&s->ready_lock);
	r = steal(&s->ready);
	for (struct request *each = r; each; each = each->next_ready)
		each->ready_listed = false;
	/* next_ready may be overwritten once the lock is free: walk a private copy. */
	VEC(struct request *) list = VEC_INIT;
	for (; r; r = next) {
		next = r->next_ready;
		vec_push(&list, r);
	}
	pthread_mutex_unlock(&s->ready_lock);
	vec_each (&list, each) {
		bool stream;

		pthread_mutex_lock(&(*each)->answer.lock);
		stream = (*each)->answer.on_close;
		pthread_mutex_unlock(&(*each)->answer.lock);
		if ((*each)->wsi && stream && !(*each)->long_running) {
			discharge(*each);
			(*each)->long_running = true;
			atomic_fetch_add(&s->metrics.watches, 1);
		}
		if ((*each)->wsi)
			lws_callback_on_writable((*each)->wsi);
		request_unref(*each);
	}
	vec_release(&list);
}

/*
 * No connection is upgraded: one that asks for it is answered like any other, which HTTP allows.
 * The library goes on so when it does not know the protocol's name. One that it never knew it has
 * refused already (see refuse_unasked), and has forgotten the headers, or not: that one ends.
 */
static int stay_plain(struct lws *wsi, char *protocol)
{
	if (!lws_hdr_total_length(wsi, WSI_TOKEN_UPGRADE) ||
	    (strcasecmp(protocol, "websocket") != 0 && strcasecmp(protocol, "h2c") != 0))
		return -1;
	*protocol = '-';
	return 0;
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		    size_t len)
{
	struct exchange *x = user;

	switch (reason) {
	case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
		on_ready(server_of(wsi));
		return 0;
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		return stay_plain(wsi, in);
	case LWS_CALLBACK_HTTP:
		return on_request(wsi, x, in, len);
	case LWS_CALLBACK_HTTP_BODY:
		return x->request ? on_body(wsi, x->request, in, len) : 0;
	case LWS_CALLBACK_HTTP_BODY_COMPLETION:
		return x->request ? on_body_complete(wsi, x) : 0;
	case LWS_CALLBACK_HTTP_WRITEABLE:
		return x && x->request ? on_writable(wsi, x) : 0;
	case LWS_CALLBACK_CLOSED_HTTP:
	case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
		if (x)
			on_closed(wsi, x);
		return 0;
	default:
		return 0;
	}
}

static const struct lws_protocols protocols[] = {
	{.name = "http", .callback = callback, .per_session_data_size = sizeof(struct exchange)},
	{0},
};

static void log_line(int level, const char *line)
{
	size_t len = strcspn(line, "\n");

	if (level == LLL_ERR)
		log_warn("libwebsockets: %.*s", (int)len, line);
	else
		log_debug("libwebsockets: %.*s", (int)len, line);
}

/* headers.c looks at all of a buffer for headers, not only at what a request has written. */
static void *zeroed(void *p, size_t size, const char *reason)
{
	if (!size) {
		free(p);
		return NULL;
	}
	return p ? realloc(p, size) : calloc(1, size);
}

/*
 * A request to upgrade to another protocol than WebSocket, as to SPDY, is refused by libwebsockets
 * with a page of its own before anybody is asked, and so is a malformed path. kubectl shows what
 * such an answer says and understands a Status. All that the library takes from us for these are
 * the headers of every answer: the last of them ends early, the Status follows as the body, and
 * the library's page comes behind the end, where nobody reads. Our own answers have a plain name
 * there (put_status).
 */
static void refuse_unasked(struct server *s)
{
	struct error *e CLEANUP(error_free_cleanup) = error_new(
		E_NOT_SUPPORTED, "no connection is upgraded here: the containers of pods are "
				 "simulated, nothing runs in them (or the path is malformed)");
	json_t *tree json_auto = status_from_error(e);
	struct str body CLEANUP(str_release) = STR_INIT;

	json_write(tree, &body);
	s->unasked = xasprintf(SERVER_NAME "\r\nconnection: close\r\n"
					   "content-type: application/json\r\n"
					   "content-length: %zu\r\n\r\n%s",
			       body.len, body.s);
	s->name_header = xcalloc(1, sizeof(*s->name_header));
	s->name_header->name = "server:";
	s->name_header->value = s->unasked;
}

int http_listen(struct server *s, const char *host, int *port, const struct pki *pki,
		struct error **err)
{
	struct lws_context_creation_info info = {
		.port = *port ? *port : 0,
		.iface = *host ? host : NULL,
		.protocols = protocols,
		.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
			   LWS_SERVER_OPTION_REQUIRE_VALID_OPENSSL_CLIENT_CERT |
			   LWS_SERVER_OPTION_PEER_CERT_NOT_REQUIRED |
			   LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND |
			   LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME |
			   LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
		.ssl_cert_filepath = pki->server_cert,
		.ssl_private_key_filepath = pki->server_key,
		.ssl_ca_filepath = pki->ca_cert,
		.ssl_options_set = SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 |
				   SSL_OP_NO_RENEGOTIATION,
		/* Of TLS 1.2 what keeps past traffic secret and proves what it decrypts; all of TLS
		 * 1.3 does. */
		.ssl_cipher_list = "ECDHE+AESGCM:ECDHE+CHACHA20",
		/* Not "h2": its HPACK decoder keeps the query in place of a path that has one, so
		 * that a client that names the same URL again by its index is refused. */
		.alpn = "http/1.1",
		.max_http_header_data2 = HEADER_BYTES,
		.pt_serv_buf_size = 65536,
		.keepalive_timeout = KEEPALIVE_S,
		.timeout_secs = HEADERS_S,
		.gid = (gid_t)-1,
		.uid = (uid_t)-1,
		.vhost_name = "default",
		.user = s,
	};
	struct lws_vhost *vhost;

	refuse_unasked(s);
	info.headers = s->name_header;
	lws_set_log_level(LLL_ERR | (log_enabled(LOG_LEVEL_DEBUG) ? LLL_WARN : 0), log_line);
	lws_set_allocator(zeroed);
	s->context = lws_create_context(&info);
	if (!s->context)
		return error_set(err, E_INTERNAL, "cannot start the HTTP library");
	vhost = lws_create_vhost(s->context, &info);
	if (!vhost) {
		lws_context_destroy(steal(&s->context));
		return error_set(err, E_UNAVAILABLE, "cannot listen on %s port %d", host, *port);
	}
	*port = lws_get_vhost_listen_port(vhost);
	s->scratch = xmalloc(SCRATCH_BYTES);
	return 0;
}

void http_run(struct server *s)
{
	while (!atomic_load(&s->stopping))
		if (lws_service(s->context, 0) < 0)
			break;
}
