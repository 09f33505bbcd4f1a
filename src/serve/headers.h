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

#include <stddef.h>

struct lws;

/*
 * Whom the request wants to act as, as it says it (Impersonate-User, -Group, -Uid, -Extra-*). *OUT:
 * a new ref, or untouched: nobody. E_BAD_REQUEST where it does not make sense. Once for a request.
 * PATH: as libwebsockets gave it, not a copy. LIMIT: how many bytes of headers it keeps.
 */
int headers_wanted_user(struct lws *wsi, char *path, size_t limit, struct identity **out,
			struct error **err);

#endif
