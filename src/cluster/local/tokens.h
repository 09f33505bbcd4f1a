/*
 * Service account tokens: asked for (token_request.c), believed (token_check.c), and, those that
 * secrets keep, watched (token_used.c).
 *
 * The key that signs them is DIR/pki/sa.key beside the store, made when it is first needed; it is
 * no part of the store, so that a backup holds nothing that logs in.
 *
 * Threads: any.
 */
#ifndef CLUSTER_LOCAL_TOKENS_H
#define CLUSTER_LOCAL_TOKENS_H

#include "cluster/local/private.h"
#include "object/jwt.h"

/* What tokens say of who made them. */
#define TOKEN_ISSUER CLUSTER_AUDIENCE
/* Of tokens that a controller keeps in secrets. */
#define TOKEN_LEGACY_ISSUER "kubernetes/serviceaccount"

/* DIR: of L's store. */
struct token_authority *token_authority_new(struct local *l, const char *dir);
/* Before the store is closed. Takes NULL. */
void token_authority_free(struct token_authority *t);
/* The key; borrowed until the authority is freed. */
const struct jwt_key *token_authority_key(struct token_authority *t, struct error **err);

/* POST of serviceaccounts/NAME/token; W speaks of the account. JSON: a TokenRequest. */
int token_request(const struct write *w, const char *json, size_t len, struct object **out,
		  struct error **err);

/* token_used.c: notes that the token in a SECRET was used today. Does not wait for the store. */
struct token_usage;
struct token_usage *token_usage_new(struct local *l);
/* What is not noted yet is dropped. Takes NULL. */
void token_usage_free(struct token_usage *t);
void token_usage_note(struct token_usage *t, const char *namespace, const char *secret);

/* As cluster_authenticate, of service account tokens. */
int token_check(struct local *l, const char *token, const char *const *audiences,
		struct authentication *out, struct error **err);

#endif
