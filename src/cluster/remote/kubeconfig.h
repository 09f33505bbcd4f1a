/*
 * Which server, who asks and how: a kubeconfig's context, as client-go reads it.
 *
 * $KUBECONFIG may name several files: those that are missing are skipped, and the first one that
 * defines a context, cluster, user or the current context decides. Paths in a file are relative to
 * its folder. Without any file a pod's service account is used (in-cluster).
 * Threads: any; a read config is plain data.
 */
#ifndef CLUSTER_REMOTE_KUBECONFIG_H
#define CLUSTER_REMOTE_KUBECONFIG_H

#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>

/* One context with all it leads to. Strings are owned; NULL: not given. */
struct kubeconfig {
	char *server, *namespace, *context;
	char *tls_server_name, *proxy;
	char *ca, *cert, *key; /* PEM texts */
	char *token, *token_file, *username, *password;
	bool insecure;
};

/*
 * PATH NULL: $KUBECONFIG, ~/.kube/config, in-cluster. CONTEXT NULL: the current one. Fails with
 * E_BAD_REQUEST (what is wrong and in which file), E_NOT_FOUND (no such file, context, cluster or
 * user), E_NOT_SUPPORTED (a way to log in that is not spoken here). Messages hold no secrets.
 */
int kubeconfig_load(const char *path, const char *context, struct kubeconfig *out,
		    struct error **err);
void kubeconfig_release(struct kubeconfig *k);

/* The Authorization header of a user: auth.c. Matches http_config.authorize; ARG is the auth. */
struct auth;
struct clock;
#define AUTH_TOKEN_FILE_S 60 /* how long a token file's text is used before it is read again */
struct auth *auth_new(const struct kubeconfig *k, struct clock *clock);
void auth_free(struct auth *a);
int auth_authorize(void *arg, bool rejected, struct str *value, struct error **err);

#endif
