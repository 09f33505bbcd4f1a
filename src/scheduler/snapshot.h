/*
 * Nodes and what runs on them, kept up to date change by change.
 *
 * Threads: the owner locks.
 */
#ifndef SCHEDULER_SNAPSHOT_H
#define SCHEDULER_SNAPSHOT_H

#include "base/map.h"
#include "object/object.h"

#include <jansson.h>
#include <stdbool.h>

/* Amounts by resource name; cpu in millicores, others in units (bytes, pods). */
struct amount {
	char *resource;
	int64_t value;
};
struct amounts {
	struct amount *v;
	size_t n, cap;
};
void amounts_release(struct amounts *a);
int64_t amounts_get(const struct amounts *a, const char *resource);

struct host_port {
	char *protocol, *ip; /* ip "" or "0.0.0.0": all */
	int64_t port;
};
struct host_ports {
	struct host_port *v;
	size_t n, cap;
};

/* What scheduling asks of a pod, read once. A tree is many times its bytes: only who is being
 * scheduled has one. */
struct pod_info {
	struct object *object; /* a ref */
	json_t *spec;	       /* NULL while it is at rest */
	int64_t priority;
	struct amounts requests;
	struct host_ports ports;
};
struct pod_info *pod_info_new(struct object *pod);
struct pod_info *pod_info_free(struct pod_info *p);
/* Placed, or waiting for its turn. */
void pod_info_rest(struct pod_info *p);
void pod_info_wake(struct pod_info *p);

struct node_info {
	char *name;
	struct object *object; /* NULL: pods name it and it is not there */
	json_t *tree;
	struct amounts allocatable, requested;
	struct map *pods; /* uid -> struct pod_info */
};

struct snapshot {
	struct map *nodes;     /* name -> struct node_info */
	struct map *placed_at; /* pod uid -> struct node_info */
	size_t n_nodes;	       /* those that are there */
};
void snapshot_init(struct snapshot *s);
void snapshot_release(struct snapshot *s);
/* NODE NULL: NAME is gone. */
void snapshot_node(struct snapshot *s, const char *name, struct object *node);
/* Puts POD on node NAME, in place of what was known of its uid. Takes POD over. */
void snapshot_place(struct snapshot *s, const char *name, struct pod_info *pod);
/* False: it was nowhere. */
bool snapshot_remove(struct snapshot *s, const char *uid);

#endif
