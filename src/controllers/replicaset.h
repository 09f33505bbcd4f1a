/*
 * Which pods a ReplicaSet gives up first.
 */
#ifndef CONTROLLERS_REPLICASET_H
#define CONTROLLERS_REPLICASET_H

#include "cache/informer.h"

/*
 * Sorts PODS so that those to delete first come first: not assigned, then pending, not ready,
 * lower controller.kubernetes.io/pod-deletion-cost, more of them on the same node, ready for a
 * shorter time, restarted more often, younger (the rules of Kubernetes' ReplicaSet documentation).
 */
void replicaset_rank(struct object_list *pods);

#endif
