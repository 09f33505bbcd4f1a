/*
 * The Kubernetes REST API over any cluster: HTTPS (TLS 1.2 and up, HTTP/1.1 and HTTP/2) for
 * kubectl, client-go, helm and everything else that speaks to an API server.
 *
 *	struct serve_options opt = {.listen = "127.0.0.1:6443", .dir = dir};
 *	struct serve *s = serve_start(cluster, &opt, &err);
 *	printf("https://%s\n", serve_address(s));
 *	...
 *	serve_stop(s);
 *
 * The first start makes a CA, a server certificate and a client certificate of user system:admin,
 * group system:masters, in DIR/pki (keys 0600), and each start writes DIR/kubeconfig (0600) for the
 * address it really listens on. Certificates are renewed at a start in their last 30 days.
 *
 * Who asks: a client certificate of that CA (CN the user, O the groups) or a bearer token that the
 * cluster knows. Everything else gets 401, but /livez, /readyz and /healthz. What they may do the
 * cluster decides (cluster_authorize): on one that does not know, members of system:masters alone.
 *
 * Threads: one service thread owns all connections (libwebsockets); a pool of workers, started on
 * demand, asks the cluster. A watch or a followed log holds no thread. Both functions may be called
 * from any thread; serve_stop waits for requests that are under way, which it cancels.
 */
#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H

#include "base/clock.h"
#include "base/error.h"
#include "cluster/cluster.h"

struct serve_options {
	const char *listen; /* "127.0.0.1:6443", "[::1]:0", ":6443" (all); port 0: any free one */
	bool allow_remote;  /* LISTEN may be an address that other machines reach */
	const char *dir;    /* of pki/ and kubeconfig; exists */
	const char *audit_log, *audit_policy; /* files (audit.h); NULL: none */
	bool announce; /* the cluster has no other API server: write there what this one is */
	/* Not the API but the part of kubelet's that leads to CLUSTER's streams (kubelet.c): no
	 * kubeconfig is written, and clients are those of the PEM file CLIENT_CA. NULL: the API. */
	const char *client_ca;
	struct clock *clock; /* NULL: the system's */
	unsigned workers;    /* at most so many threads ask the cluster; 0: 64 */
};

struct serve;

/* CLUSTER stays the caller's and outlives the server. NULL and *err when it cannot listen. */
struct serve *serve_start(struct cluster *cluster, const struct serve_options *options,
			  struct error **err);
/* Closes every connection and waits for the threads. Takes NULL, returns NULL. */
struct serve *serve_stop(struct serve *s);
/* The audit log goes on in the file that its name leads to now. Without one: nothing. */
void serve_reopen_audit(struct serve *s);
/* "127.0.0.1:6443", with the port that was really taken. Borrowed. */
const char *serve_address(const struct serve *s);

#endif
