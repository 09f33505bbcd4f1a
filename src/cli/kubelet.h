/*
 * Kubelet's API for the nodes of a program of its own (kubefs nodes): the API server that the nodes
 * are registered with asks here for the logs of their pods.
 *
 *	struct kubelet *k = kubelet_start(cluster, &err);
 *	struct nodes_options opt = {.address = kubelet_address(k), .port = kubelet_port(k)};
 *	kubelet_set_nodes(k, nodes);
 *
 * Clients show a certificate of the cluster's client authority (the ConfigMap
 * kube-system/extension-apiserver-authentication) and are let in when a SubjectAccessReview says
 * that they may reach nodes/proxy, as with kubelet --authorization-mode=Webhook. It listens at the
 * address from which this machine reaches the API server, with a certificate it signs itself.
 *
 * Threads: one.
 */
#ifndef CLI_KUBELET_H
#define CLI_KUBELET_H

#include "cluster/cluster.h"

struct kubelet;
struct nodes;

/* API outlives it. NULL and *err: the client authority cannot be read, or no address be had. */
struct kubelet *kubelet_start(struct cluster *api, struct error **err);
/* Before NODES end. Takes NULL, returns NULL. */
struct kubelet *kubelet_stop(struct kubelet *k);
/* Whose logs these are; until then there are none. */
void kubelet_set_nodes(struct kubelet *k, struct nodes *nodes);
const char *kubelet_address(const struct kubelet *k);
int kubelet_port(const struct kubelet *k);

#endif
