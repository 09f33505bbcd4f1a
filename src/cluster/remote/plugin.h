/*
 * A credential plugin: the program that a kubeconfig's user names under exec. It is told in
 * $KUBERNETES_EXEC_INFO what it is asked for and answers with an ExecCredential on its stdout
 * (client.authentication.k8s.io, v1 and v1beta1).
 *
 *	struct plugin_credential c CLEANUP(plugin_credential_release) = {0};
 *	if (plugin_run(&config, call, &c, &err) < 0)
 *		...
 *
 * Threads: a config is plain data; plugin_run from any thread. Who wants one run for many callers
 * and keeps what came of it is auth.c.
 */
#ifndef CLUSTER_REMOTE_PLUGIN_H
#define CLUSTER_REMOTE_PLUGIN_H

#include "base/call.h"
#include "base/error.h"
#include "cluster/remote/kubeconfig.h"

#include <stdbool.h>
#include <stdint.h>

#define PLUGIN_V1 "client.authentication.k8s.io/v1"
#define PLUGIN_V1BETA1 "client.authentication.k8s.io/v1beta1"
#define PLUGIN_TIMEOUT_MS 60000 /* of a run that asks nobody; the call's deadline may be nearer */
#define PLUGIN_TALK_MS 300000	/* of one that may ask the user on the terminal */

/* May it ask on the terminal that this program was started from? */
enum plugin_mode {
	PLUGIN_IF_AVAILABLE,
	PLUGIN_NEVER,
	PLUGIN_ALWAYS,
};

/* Strings are owned. */
struct plugin_config {
	char *command;			   /* a path, or a name to be looked for in $PATH */
	struct kubeconfig_texts args, env; /* env: "NAME=VALUE", beside this program's own */
	char *api_version;
	char *install_hint; /* NULL: none */
	char *cluster;	    /* JSON of spec.cluster; NULL: it is not told */
	bool provide_cluster;
	enum plugin_mode mode;
};
void plugin_config_release(struct plugin_config *p);

struct plugin_credential {
	char *token;	  /* NULL: none */
	char *cert, *key; /* PEM texts, both or none */
	int64_t expires;  /* wall, ns; CLOCK_NEVER: not said */
};
/* Wipes and frees. */
void plugin_credential_release(struct plugin_credential *c);

/*
 * Runs it once. Blocks until it ends, CALL (may be NULL) is cancelled or its deadline is over; then
 * it is killed, with what it has started. E_UNAUTHORIZED: it failed, or said what is no credential
 * (the message has the end of its stderr, never its stdout); E_NOT_FOUND: there is no such
 * program; E_CANCELLED, E_TIMEOUT.
 */
int plugin_run(const struct plugin_config *p, const struct call *call,
	       struct plugin_credential *out, struct error **err);

#endif
