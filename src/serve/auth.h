/*
 * Who asks, and may they: client certificates, bearer tokens (which the cluster knows), and the one
 * hook of authorisation.
 *
 * Threads: any.
 */
#ifndef SERVE_AUTH_H
#define SERVE_AUTH_H

#include "base/identity.h"
#include "base/error.h"
#include "serve/target.h"

#include <openssl/x509.h>
#include <stdbool.h>

/* The user of CERT, which was verified against the CA by TLS: its common name, in the groups of its
 * organisations. NULL when it names nobody. A new ref. */
struct identity *auth_certificate(X509 *cert);
/* The token of an Authorization header (may be NULL), or NULL when it holds none. Borrowed. */
const char *auth_bearer(const char *authorization);

/* Whether USER may do VERB to TARGET. So far whoever is known may do everything. */
int auth_allow(const struct user *user, const char *verb, const struct target *target,
	       struct error **err);

#endif
