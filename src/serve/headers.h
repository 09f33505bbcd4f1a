/*
 * Request headers that libwebsockets knows no token for.
 *
 * Its own look-up shows the first of a name; Impersonate-Group may come many times, and what
 * Impersonate-Extra-* are called is the client's.
 *
 * Threads: the service thread, while a request's headers are there (LWS_CALLBACK_HTTP).
 */
#ifndef SERVE_HEADERS_H
#define SERVE_HEADERS_H

#include "base/error.h"
#include "base/identity.h"

#include <stdbool.h>
#include <stddef.h>

struct lws;

/* Borrowed for the call. NAME is in lower case, with its colon. */
typedef void header_visit(void *arg, const char *name, size_t name_len, const char *value,
			  size_t value_len);
/*
 * Each of them in order. PATH: as libwebsockets gave it, not a copy. LIMIT: how many bytes of
 * headers it keeps. false: they cannot be found.
 */
bool headers_each(struct lws *wsi, const char *path, size_t limit, header_visit *visit, void *arg);

/*
 * Whom the request wants to act as, as it says it (Impersonate-User, -Group, -Uid, -Extra-*). *OUT:
 * a new ref, or untouched: nobody. E_BAD_REQUEST where it does not make sense.
 */
int headers_wanted_user(struct lws *wsi, const char *path, size_t limit, struct identity **out,
			struct error **err);

#endif
