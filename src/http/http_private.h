/*
 * Shared by http.c (the server and its thread), stream.c (one transfer) and request.c (blocking
 * requests over streams).
 *
 * A stream has two refs: its owner's, and the network thread's while it has the transfer. What the
 * two share is under the stream's lock; the easy handle belongs to the network thread from
 * http_submit on. Lock order: http, then stream.
 */
#ifndef HTTP_HTTP_PRIVATE_H
#define HTTP_HTTP_PRIVATE_H

#include "base/vec.h"
#include "http/http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>

struct http {
	char *base;			/* the URL without a slash at its end */
	char *server;			/* scheme://host:port */
	char *host_header, *connect_to; /* for tls_server_name; else NULL */
	char *ca, *cert, *key, *proxy;
	bool insecure;
	bool loopback; /* the URL's host is this machine */
	struct clock *clock;
	char **headers; /* NULL-terminated */
	int (*authorize)(void *arg, const struct call *call, uint64_t rejected,
			 struct http_credentials *out, struct error **err);
	void *authorize_arg;

	CURLM *multi;
	pthread_t thread;
	pthread_mutex_t lock;
	struct {
		struct http_stream **v;
		size_t n, cap;
	} dirty; /* refs: streams with news for the network thread */
	struct {
		struct http_stream **v;
		size_t n, cap;
	} running; /* refs; the network thread's own */
	bool quit;
};

struct http_stream {
	_Atomic unsigned refs;
	struct http *http;
	const struct http_handler *handler;
	void *arg;

	/* The network thread's. */
	CURL *easy;
	struct curl_slist *headers, *connect_to;
	uint64_t generation; /* of the credentials it was begun with */
	char *body;
	char error[CURL_ERROR_SIZE];
	struct http_response response;
	bool head_told, begun, added;

	bool dirty; /* under the http's lock: it stands in http.dirty */

	pthread_mutex_t lock;
	pthread_cond_t idle;
	bool in_handler, stopped, resume;
	struct warnings warnings;
	int retry_after;
};

/* Puts S before the network thread: to begin, resume or end it. */
void http_submit(struct http_stream *s);
struct http_stream *stream_ref(struct http_stream *s);
void stream_unref(struct http_stream *s);
/* On the network thread: the transfer is over with CODE. */
void stream_finish(struct http_stream *s, CURLcode code);
void stream_finish_error(struct http_stream *s, struct error *why);

#endif
