#include "serve/exchange.h"

#include "base/mem.h"
#include "cluster/lifecycle.h"
#include "serve/access.h"
#include "serve/headers.h"

#include <ctype.h>
#include <openssl/ssl.h>
#include <string.h>

/* What a client may make the server hold or wait for. */
#define BODY_BYTES (3u << 20)	     /* as kube-apiserver's limit */
#define BODY_SKIP_BYTES (64ll << 20) /* a larger one is not read before its refusal */
#define BODIES_BYTES (128u << 20)    /* all requests together */
#define IN_FLIGHT 1024
#define BODY_S 60

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
	char *part free_ptr = xmalloc(EXCHANGE_HEADER_BYTES);
	int len;

	for (int i = 0; (len = lws_hdr_copy_fragment(wsi, part, EXCHANGE_HEADER_BYTES,
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

	return ssl ? auth_connection(ssl) : NULL;
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
		headers_wanted_user(wsi, path, EXCHANGE_HEADER_BYTES, &r->wanted, &r->refused);
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

void exchange_discharge(struct request *r)
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

	audit_body_asked(&r->bodies, r->body.s, r->body.len);
	if (r->refused)
		answer_error(r, r->refused);
	else
		server_dispatch(r);
	if (r->lent) {
		request_unref(r);
		return;
	}
	if (!r->streaming)
		audit_request(r->server->audit, r, AUDIT_COMPLETE);
	request_finish(r);
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
	exchange_set_timer(x, 0);
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

int exchange_request(struct lws *wsi, struct exchange *x, char *path, size_t len)
{
	enum method method;
	struct request *r;
	bool told;

	if (!read_method(wsi, &method))
		return -1;
	r = request_new(lws_context_user(lws_get_context(wsi)), method, path, len);
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
	audit_begin(r->server->audit, r);
	if (r->body_left < 0 || r->body_left > BODY_SKIP_BYTES || (!told && reads_on(r))) {
		r->close_after = true;
		r->body_left = 0;
	}
	if (r->body_left) {
		exchange_set_timer(x, BODY_S * LWS_USEC_PER_SEC);
		grant_body(wsi, r);
	} else {
		dispatch(wsi, x);
	}
	return 0;
}

void exchange_body(struct exchange *x, const char *bytes, size_t len)
{
	struct request *r = x->request;

	if (!r || r->dispatched)
		return;
	atomic_fetch_add(&r->server->metrics.bytes_received, len);
	if (!r->refused)
		str_add(&r->body, bytes, len);
}

void exchange_body_complete(struct lws *wsi, struct exchange *x)
{
	if (x->request && !x->request->dispatched)
		dispatch(wsi, x);
}
