/*
 * Who asks, and may they: client certificates, bearer tokens, and the one hook of authorisation.
 *
 * Threads: a token table is immutable once read.
 */
#ifndef SERVE_AUTH_H
#define SERVE_AUTH_H

#include "base/call.h"
#include "base/error.h"
#include "serve/target.h"

#include <openssl/x509.h>
#include <stdbool.h>

/* A user that owns its strings. */
struct identity {
	char *name, *uid;
	char **groups; /* NULL-terminated; NULL: nobody is known */
};
void identity_release(struct identity *id);
/* Borrows from ID. */
struct user identity_user(const struct identity *id);

struct tokens;
/* kube-apiserver's --token-auth-file: token,user,uid,"group1,group2" a line. */
struct tokens *tokens_read(const char *path, struct error **err);
struct tokens *tokens_free(struct tokens *t);

/* CERT was verified against the CA by TLS. */
void identity_from_certificate(X509 *cert, struct identity *out);
/* AUTHORIZATION: the header's value. false: no such token. T may be NULL. */
bool identity_from_token(const struct tokens *t, const char *authorization, struct identity *out);

/* Whether USER may do VERB to TARGET. So far whoever is known may do everything. */
int auth_allow(const struct user *user, const char *verb, const struct target *target,
	       struct error **err);

#endif
