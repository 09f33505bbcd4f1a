/*
 * JSON Web Tokens signed with RS256 (RFC 7515, 7519), and the RSA key that signs them. All
 * cryptography is OpenSSL's.
 *
 *	struct jwt_key *key = jwt_key_open("/var/lib/kubefs/pki/sa.key", &err);
 *	jwt_sign(key, claims, &token, &err);
 *	json_t *claims = jwt_verify(key, token.s, &err);
 *
 * What the claims say is judged by the caller: who, for whom, until when.
 *
 * Threads: a key is immutable; any.
 */
#ifndef OBJECT_JWT_H
#define OBJECT_JWT_H

#include "base/error.h"
#include "base/str.h"

#include <jansson.h>

/* No longer text is looked at. */
#define JWT_MAX_BYTES 16384

struct jwt_key;

/* The key at PATH (PEM); where there is none a new one of 2048 bits, written there with mode 0600
 * (its folder is made with 0700). Who comes second, of several that make it at once, gets the first
 * one's. */
struct jwt_key *jwt_key_open(const char *path, struct error **err);
struct jwt_key *jwt_key_free(struct jwt_key *k);
DEFINE_CLEANUP(struct jwt_key *, jwt_key_free)
/* The hash of the public key, that tokens name it by. Borrowed. */
const char *jwt_key_id(const struct jwt_key *k);
/* The public key as a JSON Web Key Set (RFC 7517). A new tree. */
json_t *jwt_key_set(const struct jwt_key *k);

/* Appends the token. */
int jwt_sign(const struct jwt_key *k, const json_t *claims, struct str *out, struct error **err);
/* The claims of a token that K has signed, a new tree; else NULL and E_UNAUTHORIZED. */
json_t *jwt_verify(const struct jwt_key *k, const char *token, struct error **err);
/* What a token claims, which nobody has verified; NULL when TEXT is none. A new tree. */
json_t *jwt_claims(const char *text);

#endif
