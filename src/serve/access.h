/*
 * May this request be? What it wants is read from its method and path as kube-apiserver reads it,
 * whom it wants to act as from its Impersonate-* headers; the cluster decides.
 *
 * Threads: any; of one request its worker.
 */
#ifndef SERVE_ACCESS_H
#define SERVE_ACCESS_H

#include "base/error.h"
#include "kinds/access.h"
#include "serve/request.h"

#include <stdbool.h>

/* The paths that are open to everybody. */
bool access_is_open(const char *path);

/* What a request wants. The strings are the request's, BUFFER's, or constants. */
struct attributes {
	char *buffer;
	char *selected; /* the one name that a list's field selector allows, or NULL */
	struct access access;
};
/* ACCESS' user is R's. The owner releases. */
void attributes_read(const struct request *r, struct attributes *out);
void attributes_release(struct attributes *a);

/* `secrets is forbidden: User "jane" cannot list resource ...`. REASON may be "". Returns -1. */
int access_forbidden(const struct access *access, const char *reason, struct error **err);
/* Asks the cluster: 0, or -1 and *err (E_FORBIDDEN). */
int access_ask(struct server *s, const struct access *access, struct error **err);
/* Makes R's user the one it wants to act as, if any, and asks whether he may do what R wants. */
int access_check(struct request *r, struct error **err);

/* impersonate.c: WANTED, which A's user asks to be, with the groups he is then in; a new ref. NULL
 * and *err when he may not. */
struct identity *impersonate(struct server *s, const struct access *a, const struct user *wanted,
			     struct error **err);

#endif
