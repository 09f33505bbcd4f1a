/*
 * An HTTP client for one server: one network thread over libcurl, any number of requests at once.
 *
 *	struct http *h = http_new(&(struct http_config){.url = "https://10.0.0.1:6443"}, &err);
 *	struct http_request q = {.method = "GET", .path = "/version"};
 *	struct http_response r CLEANUP(http_response_release) = HTTP_RESPONSE_INIT;
 *	if (http_do(h, call, &q, &r, &err) == 0 && r.status == 200)
 *		puts(r.body.s);
 *
 * An answer is an answer whatever its status: errors are only what kept it from coming.
 * E_UNREACHABLE (no connection, TLS refused, connection lost, not HTTP; the message names the
 * host), E_TIMEOUT (the call's deadline), E_CANCELLED, E_TOO_LARGE, or what authorize said.
 *
 * HTTP/2 where the server offers it by ALPN, connections reused and multiplexed. No redirects are
 * followed: credentials go to the configured server only. No header is ever logged.
 *
 * Threads: every function from any thread; blocking ones never from the network thread, on which
 * the handlers of streams run.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "base/call.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

#define HTTP_MAX_BODY (64u << 20)
/* Of an answer that is no success to a stream or a read: it only has to explain itself. */
#define HTTP_MAX_ERROR_BODY (1u << 20)
#define HTTP_CONNECT_TIMEOUT_MS 10000

/* Who asks, of one request. */
struct http_credentials {
	struct str authorization; /* the header's value; empty: none */
	char *cert, *key;	  /* PEM texts, owned; NULL: those of the config */
	uint64_t generation;	  /* which of the values that change these are; never 0 */
};
#define HTTP_CREDENTIALS_INIT             \
	{                                 \
		.authorization = STR_INIT \
	}
/* Wipes and frees. */
void http_credentials_release(struct http_credentials *c);

struct http_config {
	const char *url; /* scheme://host[:port][/prefix] */
	/* PEM texts; NULL: none. Without a CA the system's are trusted, with one only that. */
	const char *ca, *cert, *key;
	const char *tls_server_name; /* the name the certificate must have; NULL: the URL's host */
	bool insecure;		     /* no certificate check; the caller has warned */
	/* http://, https:// or socks5:// URL, "": none; NULL: the environment's, and none to this
	 * machine. */
	const char *proxy;
	struct clock *clock; /* of deadlines and retries; NULL: the system's */
	/* NULL-terminated "Name: value" lines that every request has; NULL: none. */
	char *const *headers;
	/*
	 * Fills in OUT. Called on the asking thread for every request; with REJECTED, the
	 * generation of credentials that were answered 401, it returns 1 when OUT has others, else
	 * 0. Negative and *err: the request fails. May block, for as long as CALL (may be NULL)
	 * has. NULL: no credentials but the config's.
	 */
	int (*authorize)(void *arg, const struct call *call, uint64_t rejected,
			 struct http_credentials *out, struct error **err);
	void *authorize_arg;
};

struct http;
/* All texts of CONFIG are copied. E_BAD_REQUEST for a URL that is none. */
struct http *http_new(const struct http_config *config, struct error **err);
/* After every stream has been stopped and every request has returned. Takes NULL, returns NULL. */
struct http *http_free(struct http *h);
/* "https://10.0.0.1:6443": scheme, host and port of the server, for messages. Borrowed. */
const char *http_server(const struct http *h);

struct http_request {
	const char *method;
	const char *path;	  /* from "/" on, encoded, with the query */
	const char *accept;	  /* NULL: application/json */
	const char *content_type; /* of the body */
	const char *if_none_match;
	const char *body; /* borrowed until the call returns; NULL: none */
	size_t len;
	size_t max_body; /* of the answer; 0: HTTP_MAX_BODY. More is E_TOO_LARGE */
};

struct http_response {
	int status;
	char *content_type, *etag; /* NULL: not said */
	int retry_after_s;	   /* 0: not said */
	struct str body;
};
#define HTTP_RESPONSE_INIT       \
	{                        \
		.body = STR_INIT \
	}
void http_response_release(struct http_response *r);

/*
 * One request, one answer. A 429 or 503 is asked again, after Retry-After seconds where the server
 * said so, else (GET only) after a back-off: at most HTTP_RETRIES times, and only while the wait
 * fits the deadline. Warning headers go to CALL's warnings.
 */
#define HTTP_RETRIES 5
int http_do(struct http *h, const struct call *call, const struct http_request *q,
	    struct http_response *out, struct error **err);

/*
 * The same, and the body of a 2xx goes to SINK piece by piece in the calling thread instead of into
 * OUT; a slow SINK makes the server wait. It returns negative and sets *err to give up. max_body
 * does not count here.
 */
typedef int http_sink(void *arg, const char *bytes, size_t len, struct error **err);
int http_read(struct http *h, const struct call *call, const struct http_request *q,
	      http_sink *sink, void *arg, struct http_response *out, struct error **err);

/* What a stream's handler wants of the rest of the body. */
enum http_flow {
	HTTP_MORE,
	HTTP_PAUSE, /* not now: this piece again after http_stream_resume */
	HTTP_STOP,  /* nothing more at all; closed is not called */
};

/* All on the network thread, one at a time per stream; they do not block. */
struct http_handler {
	/* The answer has begun; its body is empty yet. False stops it. May be NULL. */
	bool (*head)(void *arg, const struct http_response *r);
	/* A piece of the body of a 2xx. */
	enum http_flow (*data)(void *arg, const char *bytes, size_t len);
	/*
	 * The end. WHY NULL: the answer is complete; its body is in R unless the status is 2xx. R's
	 * status is 0 when no answer came. Both borrowed. The stream is still to be stopped.
	 */
	void (*closed)(void *arg, const struct http_response *r, const struct error *why);
};

struct http_stream;
/*
 * Begins a request whose answer goes to HANDLER. Blocks for authorize at most; safe on the network
 * thread. No deadline (the connection attempt has one), no retries. Q is copied. max_body does not
 * count here.
 */
struct http_stream *http_stream_start(struct http *h, const struct call *call,
				      const struct http_request *q,
				      const struct http_handler *handler, void *arg,
				      struct error **err);
void http_stream_resume(struct http_stream *s);
/* When it returns no handler runs or will run; from within a handler too. Frees. Takes NULL. */
void http_stream_stop(struct http_stream *s);
/* The answer's Warning headers and Retry-After (0: none); once head was called. */
void http_stream_warnings(struct http_stream *s, struct warnings *out);
int http_stream_retry_after(struct http_stream *s);
/* After the stream has ended with a 401: 1 when there are other credentials to begin anew with,
 * else 0; negative and *err: they cannot be had. May block. */
int http_stream_other_credentials(struct http_stream *s, const struct call *call,
				  struct error **err);
/* Whether the calling thread is H's network thread. */
bool http_on_network_thread(struct http *h);

/* Appends TEXT with everything but unreserved characters (RFC 3986) as %XX: for path and query. */
void http_encode(const char *text, struct str *out);

/* The header's parts; header.c. "299 - \"text\"" lists, RFC 7234; seconds, RFC 7231. */
void http_parse_warning(const char *value, size_t len, struct warnings *out);
/* Seconds, at most an hour; 0 for what is no number (a date: the server's clock is not ours). */
int http_parse_retry_after(const char *value, size_t len);

#endif
