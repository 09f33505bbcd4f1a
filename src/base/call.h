/*
 * What travels with every request: who asks, until when, and whether it was given up.
 *
 * A call is a small immutable struct on the caller's stack. NULL stands for the
 * program itself as system:masters, 30 s, never cancelled.
 *
 *	struct cancel *cancel = cancel_new();
 *	struct call call = {.user = &user, .timeout_ms = 5000, .cancel = cancel};
 *
 * Threads: a cancel may be fired from any thread; whoever waits on it subscribes a callback.
 */
#ifndef BASE_CALL_H
#define BASE_CALL_H

#include "base/mem.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

#define CALL_TIMEOUT_MS 30000

/* Something more that is known of a user: "authentication.kubernetes.io/pod-name". */
struct user_extra {
	const char *key;	   /* NULL: the end */
	const char *const *values; /* NULL-terminated */
};
/* Who asks: authentication.k8s.io UserInfo. Borrowed for the length of the call. */
struct user {
	const char *name; /* "system:admin" */
	const char *uid;
	const char *const *groups;	/* NULL-terminated, may be NULL */
	const struct user_extra *extra; /* ends with a key NULL, may be NULL */
};

/* Warnings a server attached to an answer (RFC 7234 Warning: 299). The owner releases. */
struct warnings {
	char **v;
	size_t n, cap;
};
void warnings_add(struct warnings *w, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void warnings_release(struct warnings *w);

/* What a server notes of a request in its audit log. The owner releases. */
struct annotation {
	char *key, *value;
};
struct annotations {
	struct annotation *v;
	size_t n, cap;
};
/* The first value of KEY stays. */
void annotations_add(struct annotations *list, const char *key, const char *value);
void annotations_release(struct annotations *list);

struct cancel;
struct cancel *cancel_new(void);
struct cancel *cancel_ref(struct cancel *c);
void cancel_unref(struct cancel *c);
DEFINE_CLEANUP(struct cancel *, cancel_unref)
/* Fires once: runs the subscribers in the calling thread. */
void cancel_fire(struct cancel *c);
bool cancel_fired(struct cancel *c);
/*
 * Calls FIRED(ARG) when C fires, at once when it has. After cancel_unsubscribe returns, FIRED is
 * not running and will not run. C may be NULL (then both do nothing).
 */
void cancel_subscribe(struct cancel *c, void (*fired)(void *), void *arg);
void cancel_unsubscribe(struct cancel *c, void (*fired)(void *), void *arg);

struct call {
	const struct user *user;	 /* NULL: the program itself */
	int timeout_ms;			 /* 0: CALL_TIMEOUT_MS; negative: none */
	struct cancel *cancel;		 /* NULL: cannot be cancelled */
	const char *user_agent;		 /* NULL: "kubefs" */
	struct warnings *warnings;	 /* NULL: warnings are dropped */
	struct annotations *annotations; /* NULL: nobody keeps an audit log */
};

/* The effective deadline in ms, never 0. Takes NULL. */
int call_timeout_ms(const struct call *call);
bool call_cancelled(const struct call *call);

#endif
