/*
 * What the files of the node agent share.
 *
 * Threads: workers of the controller frame, never two for one pod or node; struct nodes' own
 * lock guards the addresses and the streams.
 */
#ifndef NODE_AGENT_H
#define NODE_AGENT_H

#include "base/map.h"
#include "cache/controller.h"
#include "cache/recorder.h"
#include "node/engine.h"
#include "node/nodes.h"

#include <jansson.h>

struct node {
	char *name, *address;
	unsigned number; /* from 1; pods get 10.244.NUMBER.x */
	struct recorder *recorder;
	int64_t status_due, lease_due;
};

struct log_stream;

struct nodes {
	struct reconciler reconciler;
	struct controller *controller;
	struct informers *informers;
	struct clock *clock;
	const struct engine *engine;
	struct node *v;
	size_t n;
	int kubelet_port; /* 0: none */
	pthread_mutex_t lock;
	struct map *address_of; /* "namespace/name" -> address, of pods */
	struct map *pod_at;	/* address -> nodes, a set */
	struct log_stream *streams;
	pthread_t streamer;
	pthread_cond_t stream_work;
	bool streamer_runs, ending;
};

/* Its own node by name, or NULL. */
struct node *nodes_find(struct nodes *n, const char *name);

/* register.c: keeps the Node object and its Lease; comes again when they are due. */
int node_sync(struct nodes *n, struct node *node, struct error **err);
char *node_address(unsigned number);

/* pod.c: one step of the pod's life; comes again when the next is due. */
int pod_sync(struct nodes *n, const char *namespace, const char *name, struct error **err);
/* Remembers the addresses that pods have already. */
void pod_addresses_load(struct nodes *n);

/* config.c: what pods read from Secrets and ConfigMaps. */
#define INDEX_CONFIG "config"
void index_by_config(const struct object *pod, index_emit *emit, void *emit_arg);
/* The key of a Secret (SECRET) or ConfigMap in INDEX_CONFIG. */
char *config_key(bool secret, const char *namespace, const char *name);
/* Why CONTAINER cannot be made, in kubelet's words; NULL: nothing is missing. The caller frees. */
char *config_missing(struct nodes *n, const char *namespace, const json_t *container);
/* Likewise for the volumes of a pod. */
char *config_missing_volume(struct nodes *n, const char *namespace, const json_t *spec);

/* log.c */

/*
 * Whether a stream of POD leads anywhere: 1, and *CONTAINER (the caller frees) is the one that
 * QUERY means, without a name the only one of the pod; 0: the log of a pod that is bound to no
 * node, which is empty; -1 and *err: it has no such container, several, or no node.
 */
int nodes_stream_begins(const struct object *pod, const char *subresource, const char *query,
			char **container, struct error **err);
int streams_start(struct nodes *n);
void streams_stop(struct nodes *n);
/* The pod's log may have grown. */
void streams_wake(struct nodes *n);

#endif
