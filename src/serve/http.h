/*
 * The libwebsockets side: connections, headers, bodies in, answers out.
 *
 * Threads: everything runs on the service thread of the context.
 */
#ifndef SERVE_HTTP_H
#define SERVE_HTTP_H

#include "base/error.h"
#include "serve/pki.h"
#include "serve/server.h"

/* Listens on HOST ("" : every address) and PORT (0: any); *port is the one taken. */
int http_listen(struct server *s, const char *host, int *port, const struct pki *pki,
		struct error **err);
/* Serves until the server's stopping flag is set; then closes all connections. */
void http_run(struct server *s);

#endif
