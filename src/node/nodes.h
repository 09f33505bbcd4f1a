/*
 * Nodes of this process: they register, send heartbeats, and bring the pods that are bound to them
 * to life on an engine.
 *
 *	struct nodes_options opt = {.count = 3, .name_prefix = "node-", .engine = "simulated"};
 *	struct nodes *n = nodes_start(informers, &opt, NULL, &err);
 *	local_set_streamer(cluster, nodes_streamer(), n);
 *	...
 *	local_set_streamer(cluster, NULL, NULL);
 *	nodes_stop(n);
 *
 * The engine "simulated" runs nothing and says so: the runtime is simulated://, the nodes and the
 * first line of every log name it. What it does is a function of the pod alone, so it survives a
 * restart of the process. Annotations of a pod tell it otherwise than "runs for ever":
 *
 *	simulated.kubefs.io/run-seconds: "30"	each container ends after so long
 *	simulated.kubefs.io/exit-code: "1"	with this code (0 without it)
 *
 * Threads: start and stop from one thread; workers of its own.
 */
#ifndef NODE_NODES_H
#define NODE_NODES_H

#include "cache/informer.h"
#include "cluster/local.h"

struct nodes;

#define NODES_MAX 250

struct nodes_options {
	unsigned count;		 /* 0: 3; at most NODES_MAX */
	const char *name_prefix; /* NULL: "node-"; a number from 1 follows */
	const char *engine;	 /* NULL: "simulated" */
	/* Where kubelet's API is served for them, told in their status. NULL: nowhere, the streams
	 * are taken through nodes_streamer. */
	const char *address;
	int port;
};

/* INFORMERS lives until after nodes_stop. CLOCK NULL: the system's. NULL and *err: E_INVALID for
 * options that cannot be, or why the cluster cannot be read. */
struct nodes *nodes_start(struct informers *informers, const struct nodes_options *options,
			  struct clock *clock, struct error **err);
/* After every stream of a log has been stopped. The Node objects stay. Takes NULL. */
void nodes_stop(struct nodes *n);
/* The pods' logs; its ARG is the struct nodes. */
const struct pod_streamer *nodes_streamer(void);

#endif
