/*
 * One exchange: what was asked, and the answer on its way out.
 *
 * A handler runs on a worker and answers in one of two ways:
 *
 *	answer_send(r, 200, "application/json", &body);	// whole
 *
 *	answer_begin(r, 200, "application/json");	// as it comes
 *	answer_write(r, &piece, ANSWER_WAIT);
 *	answer_end(r);
 *
 * The pieces wait in a queue that the service thread sends from. A queue over its limit either
 * blocks the writer (ANSWER_WAIT: lists) or cuts the stream short (ANSWER_DROP: watches, whose
 * client lists or watches again); so no reader costs more than the limit, or slows another.
 *
 * Threads: request fields are written before a worker sees them and read only after; the answer
 * functions may be called from any thread. A request is refcounted.
 */
#ifndef SERVE_REQUEST_H
#define SERVE_REQUEST_H

#include "base/call.h"
#include "base/error.h"
#include "base/str.h"
#include "base/vec.h"
#include "serve/audit.h"
#include "serve/audit_body.h"
#include "serve/audit_policy.h"
#include "serve/auth.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct server;
struct lws;

enum method {
	METHOD_GET,
	METHOD_POST,
	METHOD_PUT,
	METHOD_PATCH,
	METHOD_DELETE,
	METHOD_HEAD,
	METHOD_OPTIONS,
	METHODS
};
const char *method_name(enum method m);

struct parameter {
	char *name, *value;
};

/* Bytes somebody owns; RELEASE (may be NULL) is called on OWNER when they have been sent. */
struct piece {
	const char *bytes;
	size_t len;
	void *owner;
	void (*release)(void *owner);
};

struct header {
	char *name, *value; /* name with its colon: "etag:" */
};

struct answer {
	pthread_mutex_t lock;
	pthread_cond_t drained;
	/* Set by answer_begin and answer_send, fixed from then on. */
	int status;
	const char *content_type; /* static */
	VEC(struct header) headers;
	int64_t length; /* -1: not known */
	bool begun, ended, aborted;
	bool closed; /* the connection is gone: nothing will be sent */
	VEC(struct piece) queue;
	size_t head, head_offset;    /* queue[head] has been sent up to the offset */
	size_t queued;		     /* bytes */
	uint64_t sent;		     /* bytes; under the lock */
	int64_t end_at_ns;	     /* clock_mono: the stream ends then; 0: never */
	void (*on_close)(void *arg); /* once, on a worker, when all is sent or the client is gone */
	void *on_close_arg;
};

struct request {
	_Atomic unsigned refs;
	struct server *server;
	enum method method;
	char *path;
	VEC(struct parameter) query;
	char *accept, *accept_encoding, *content_type, *if_none_match, *user_agent;
	char *forwarded_for, *real_ip; /* as the client says, or NULL */
	char peer[64];		       /* the address that it comes from */
	struct identity *who;	       /* a ref; NULL: nobody is known */
	struct identity *wanted;       /* whom it asks to act as, as it says it, or NULL */
	struct identity *impersonator; /* who asks, once WHO is the one he acts as; else NULL */
	struct user user;
	struct error
		*refused; /* decided by the service thread: too large, not authenticated, ... */
	struct str body;
	struct warnings warnings;
	/* For the audit log. */
	char audit_id[AUDIT_ID_MAX + 1];
	int64_t received_ns; /* wall clock */
	struct annotations annotations;
	struct audit_decision audited;
	struct audit_bodies bodies;
	struct error *told;		/* what it was refused with, or NULL */
	char *object_name, *object_uid; /* of what it made, or NULL */
	bool streaming;			/* whoever ends its answer records that */
	bool lent;			/* the cluster's thread answers: see serve_pool_lend */
	struct cancel *cancel;
	struct call call;
	struct answer answer;

	/* Of the service thread. */
	struct lws *wsi; /* NULL: gone */
	bool headers_sent, chunked, final_sent, close_after, dispatched;
	int64_t body_left;
	size_t body_charged; /* of the server's body budget */
	int64_t stalled_at_ns;
	struct request *next_ready;
	bool ready_listed;
	/* For metrics: what was counted as under way. */
	bool counted, long_running;
	int64_t started_ns;
	const char *verb; /* static */
};

struct request *request_new(struct server *s, enum method method, const char *path, size_t len);
struct request *request_ref(struct request *r);
void request_unref(struct request *r);
/* The same of who has answered it. */
void request_finish(struct request *r);
DEFINE_CLEANUP(struct request *, request_unref)
/* The value of the first parameter NAME, or NULL. */
const char *request_query(const struct request *r, const char *name);
/* true for "", "true", "1" ...: a boolean parameter as apimachinery reads it. */
bool request_flag(const struct request *r, const char *name);

/* Path and query as a client writes them. */
void request_uri(const struct request *r, struct str *out);
void request_query_encoded(const struct request *r, struct str *out);

/* clock_mono: when its answer, unless it is a stream, has taken too long. Under the lock. */
int64_t request_patience_ns(const struct request *r);

/* A header beside those that every answer has; before answer_begin. NAME with its colon. */
void answer_header(struct request *r, const char *name, const char *value);
void answer_send(struct request *r, int status, const char *content_type, struct str *body);
/* The same for bytes somebody owns. Takes PIECE over. */
void answer_send_piece(struct request *r, int status, const char *content_type,
		       const struct piece *piece);
void answer_error(struct request *r, const struct error *e);
void answer_error_as(struct request *r, const struct error *e, bool yaml);
void answer_begin(struct request *r, int status, const char *content_type);

enum answer_mode { ANSWER_WAIT, ANSWER_DROP };
/*
 * Takes PIECE over, also on failure. -1: the client is gone or was cut off; the caller stops.
 */
int answer_write(struct request *r, const struct piece *piece, enum answer_mode mode);
/* The same for N pieces that belong together: all or none are sent. */
int answer_writev(struct request *r, const struct piece *pieces, size_t n, enum answer_mode mode);
/* A piece with a copy of BYTES. */
struct piece piece_copy(const char *bytes, size_t len);
/* A piece of S' own memory; S is empty afterwards. */
struct piece piece_take(struct str *s);
struct piece piece_static(const char *text);
void answer_end(struct request *r);
/* What was begun cannot be ended: the connection is closed. */
void answer_abort(struct request *r);
/* The stream ends by itself after SECONDS. */
void answer_end_after(struct request *r, int64_t seconds);
/* CLOSE(ARG) runs once on a worker when the exchange is over; at once when it already is. */
void answer_on_close(struct request *r, void (*close)(void *), void *arg);

#endif
