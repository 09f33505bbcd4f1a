/*
 * The reconcilers: what moves a cluster from what is to what its objects ask for.
 *
 *	struct informers *informers = informers_new(cluster, NULL);
 *	struct controllers *all = controllers_start(informers, NULL, NULL, &err);
 *	...
 *	controllers_stop(all);
 *
 * One file (or a few) for each, one line in controllers[] of controllers.c. They know the cluster
 * by cluster.h only.
 *
 * Threads: start and stop from one thread; the reconcilers have their own.
 */
#ifndef CONTROLLERS_CONTROLLERS_H
#define CONTROLLERS_CONTROLLERS_H

#include "cache/controller.h"

struct controllers;

/* What some of them need to do their work; without it they do not run. Files in PEM; copied. */
struct controllers_options {
	const char *ca_cert, *ca_key; /* what signs certificates that are asked for */
	const char *token_key;	      /* what signs the tokens that are kept in secrets (jwt.h) */
};

/*
 * Starts all of them; waits for their types' first lists. INFORMERS lives until after
 * controllers_stop. OPTIONS NULL: none. CLOCK NULL: the system's. NULL and *err (E_UNREACHABLE,
 * E_FORBIDDEN, ...) when one cannot start; none runs then.
 */
struct controllers *controllers_start(struct informers *informers,
				      const struct controllers_options *options,
				      struct clock *clock, struct error **err);
/* Waits for what they are doing; what is undone is found again at the next start. Takes NULL. */
void controllers_stop(struct controllers *all);

extern const struct reconciler reconciler_claim_protection;
extern const struct reconciler reconciler_class_protection;
extern const struct reconciler reconciler_csr_approving;
extern const struct reconciler reconciler_csr_cleaner;
extern const struct reconciler reconciler_csr_signing;
extern const struct reconciler reconciler_clusterrole_aggregation;
extern const struct reconciler reconciler_deployment;
extern const struct reconciler reconciler_garbage_collector;
extern const struct reconciler reconciler_namespace;
extern const struct reconciler reconciler_node_taints;
extern const struct reconciler reconciler_policy_status;
extern const struct reconciler reconciler_replicaset;
extern const struct reconciler reconciler_resource_quota;
extern const struct reconciler reconciler_root_ca;
extern const struct reconciler reconciler_serviceaccount;
extern const struct reconciler reconciler_token_secrets;
extern const struct reconciler reconciler_volume_protection;

#endif
