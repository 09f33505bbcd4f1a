/*
 * Bearer tokens of a file, as kube-apiserver's --token-auth-file: token,user,uid,"group,group" a
 * line. They are for the cluster itself (CLUSTER_AUDIENCE) and end never.
 *
 * Threads: a table is immutable once read; any.
 */
#ifndef CLUSTER_TOKEN_FILE_H
#define CLUSTER_TOKEN_FILE_H

#include "cluster/cluster.h"

#include <stdbool.h>

#define TOKEN_HASH_TEXT 65

struct token_file;
struct token_file *token_file_read(const char *path, struct error **err);
/* Takes NULL, returns NULL. */
struct token_file *token_file_free(struct token_file *t);
/* As cluster_authenticate; false: none of these, *OUT is as it was. T may be NULL. */
bool token_file_find(const struct token_file *t, const char *token, const char *const *audiences,
		     struct authentication *out);
/* What tokens are looked up by: the SHA-256 in hexadecimal. */
void token_hash(const char *token, char hex[TOKEN_HASH_TEXT]);

#endif
