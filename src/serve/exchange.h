/*
 * One exchange on a connection, as the library's callbacks (http.c) tell of it: its request comes
 * in (receive.c), a worker answers it, the answer goes out (send.c), and somebody watches over all
 * that (exchange.c).
 *
 * Threads: the service thread of the context.
 */
#ifndef SERVE_EXCHANGE_H
#define SERVE_EXCHANGE_H

#include "serve/server.h"

#include <libwebsockets.h>

/* Headers beyond these end the connection, where kube-apiserver answers 431: libwebsockets tells
 * nobody and leaves no way to answer. */
#define EXCHANGE_HEADER_BYTES 32768u
/* A reader may take nothing for so long. */
#define EXCHANGE_STALL_S 30
#define EXCHANGE_SERVER "kubefs"

/* Per stream, kept by libwebsockets. */
struct exchange {
	struct request *request;
	struct lws *wsi;
	/* lws_set_timer_usecs() of 4.1 cannot be cancelled; this can. */
	lws_sorted_usec_list_t timer;
	/* Of the server's streams. */
	struct exchange *next_stream, **stream_at;
};

/* receive.c: 0, or -1 to close the connection. PATH has LEN bytes and no query. */
int exchange_request(struct lws *wsi, struct exchange *x, char *path, size_t len);
void exchange_body(struct exchange *x, const char *bytes, size_t len);
void exchange_body_complete(struct lws *wsi, struct exchange *x);
/* The request leaves the bounds: it has been answered, or has become a stream. */
void exchange_discharge(struct request *r);

/* send.c: 0, or -1 to close the connection. */
int exchange_writable(struct lws *wsi, struct exchange *x);
/* What one writable callback sends is put together there. The caller frees. */
unsigned char *exchange_scratch(void);

/* exchange.c */

/* US from now somebody looks; 0: nobody does. */
void exchange_set_timer(struct exchange *x, int64_t us);
/* Sets the timer to when somebody must look: its end, or the end of the patience with its reader.
 * Under the answer's lock. */
void exchange_watch_over(struct exchange *x);
/* It is over, or the client is gone. */
void exchange_closed(struct exchange *x);
/* Ends the streams whose clients have gone; to be called whenever the thread was woken. */
void exchange_look_for_hangups(struct server *s);
/* Workers have news: a stream that began stops counting against the bound of requests. */
void exchange_news(struct server *s);

#endif
