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
#include <stdint.h>

struct kubeconfig_texts {
	char **v;
	size_t n, cap;
};
void kubeconfig_texts_release(struct kubeconfig_texts *t);

struct plugin_config;

/* One context with all it leads to. Strings are owned; NULL: not given. */
struct kubeconfig {
	char *server, *namespace, *context;
	char *tls_server_name, *proxy;
	char *ca, *cert, *key; /* PEM texts */
	char *token, *token_file, *username, *password;
	bool insecure;
	struct kubeconfig_texts headers; /* "Name: value": whom the user wants to be taken for */
	struct plugin_config *plugin;	 /* owned; NULL: none is asked */
};

/*
 * PATH NULL: $KUBECONFIG, ~/.kube/config, in-cluster. CONTEXT NULL: the current one. Fails with
 * E_BAD_REQUEST (what is wrong and in which file), E_NOT_FOUND (no such file, context, cluster or
 * user), E_NOT_SUPPORTED (a way to log in that is not spoken here). Messages hold no secrets.
 */
int kubeconfig_load(const char *path, const char *context, struct kubeconfig *out,
		    struct error **err);
void kubeconfig_release(struct kubeconfig *k);
/* The names of all contexts, in the order of the files. Fails as kubeconfig_load does, and with
 * E_NOT_FOUND where there is none. */
int kubeconfig_contexts(const char *path, struct kubeconfig_texts *out, struct error **err);

/*
 * The credentials of a user: auth.c. Matches http_config.authorize; ARG is the auth.
 *
 * A token file is read again after a time and after a 401. A plugin's credential is used until it
 * expires or is answered 401; however many requests wait for one, the plugin runs once, in the
 * call of the first: when that is given up, the next one's takes over.
 */
struct auth;
struct call;
struct clock;
struct http_credentials;
#define AUTH_TOKEN_FILE_S 60 /* how long a token file's text is used before it is read again */
/* K is borrowed for the auth's life. */
struct auth *auth_new(const struct kubeconfig *k, struct clock *clock);
void auth_free(struct auth *a);
int auth_authorize(void *arg, const struct call *call, uint64_t rejected,
		   struct http_credentials *out, struct error **err);

#endif
