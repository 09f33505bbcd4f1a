/*
 * Who asks: client certificates, and bearer tokens, which the cluster knows.
 *
 * Threads: any.
 */
#ifndef SERVE_AUTH_H
#define SERVE_AUTH_H

#include "base/identity.h"
#include "base/error.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdbool.h>

/* The user of CERT, which was verified against the CA by TLS: its common name, in the groups of its
 * organisations; a uid stands under an object identifier of Kubernetes' own. NULL when it names
 * nobody. A new ref. */
struct identity *auth_certificate(X509 *cert);
/* The user of the certificate that a client showed when it connected, or NULL: read once for all
 * requests of the connection. A new ref. Threads: the connection's. */
struct identity *auth_connection(SSL *ssl);
/* The token of an Authorization header (may be NULL), or NULL when it holds none. Borrowed. */
const char *auth_bearer(const char *authorization);

#endif
