/*
 * A stream that has begun: a request whose answer has no end of its own (a watch, a log), from the
 * moment its head tells success.
 *
 *	struct http_feed *f = http_feed_open(h, call, &q, &handler, arg, &err);
 *	if (f)
 *		http_feed_stop(f);
 *
 * Threads: every function from any thread, http_feed_open not from the network thread. Handlers run
 * there, one at a time, data perhaps before http_feed_open has returned.
 */
#ifndef HTTP_FEED_H
#define HTTP_FEED_H

#include "http/http.h"

struct http_feed;

struct http_feed_handler {
	/* Why an answer is no success; a new error, never NULL. */
	struct error *(*refusal)(void *arg, const struct http_response *r);
	enum http_flow (*data)(void *arg, const char *bytes, size_t len);
	/* What had begun has ended. WHY, borrowed: NULL when the answer is complete. */
	void (*closed)(void *arg, const struct error *why);
	/* No handler will use ARG any more. Once, also where it did not begin; on any thread. */
	void (*release)(void *arg);
};

/*
 * Waits for the head of a success, until the deadline of CALL (may be NULL; CALL_TIMEOUT_MS where
 * it has none); answered 401, it asks once more with other credentials where there are any. Warning
 * headers go to CALL's. NULL and *err where it does not begin: what refusal said, E_UNREACHABLE,
 * E_TIMEOUT, E_CANCELLED. Takes ARG over, also then.
 */
struct http_feed *http_feed_open(struct http *h, const struct call *call,
				 const struct http_request *q,
				 const struct http_feed_handler *handler, void *arg,
				 struct error **err);
/* When it returns no handler runs or will run, but one that it is called from. */
void http_feed_stop(struct http_feed *f);

#endif
