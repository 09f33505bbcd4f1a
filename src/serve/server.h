/*
 * The inside of the endpoint, shared by its files: the server, its workers and its counters.
 */
#ifndef SERVE_SERVER_H
#define SERVE_SERVER_H

#include "base/clock.h"
#include "cluster/cluster.h"
#include "serve/auth.h"
#include "serve/metrics.h"
#include "serve/openapi.h"
#include "serve/pool.h"
#include "serve/render.h"
#include "serve/request.h"

#include <pthread.h>
#include <stdatomic.h>

struct lws_context;

struct server {
	struct cluster *cluster;
	struct clock *clock;
	const char *address; /* "127.0.0.1:6443", of struct serve */
	bool kubelet;	     /* serves kubelet's paths instead of the API's */
	struct serve_pool *pool;
	struct metrics metrics;
	struct audit *audit; /* NULL: there is no log */
	struct render_cache *rendered;
	struct openapi_cache *openapi;
	/* libwebsockets: all of the service thread, but lws_cancel_service. */
	struct lws_context *context;
	pthread_t thread;
	atomic_bool stopping;
	unsigned char *scratch;				/* what one write callback sends */
	struct lws_protocol_vhost_options *name_header; /* http.c, refuse_unasked() */
	char *unasked;
	/* Requests whose answers have news for the service thread. */
	pthread_mutex_t ready_lock;
	bool wakes; /* under it: the thread may be woken; not when the context goes */
	struct request *ready;
	struct exchange *streams; /* answers that go on, of the service thread */
	int64_t look_again_ns;	  /* whether their clients are there */
	/* Bounds of what clients may make the server hold; of the service thread. */
	size_t in_flight, body_bytes;
};

/* Tells the service thread to look at R's answer. Any thread. */
void server_wake(struct request *r);
/* Finds the handler and runs it; on a worker. */
void server_dispatch(struct request *r);

#endif
