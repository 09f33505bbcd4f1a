/*
 * The embedded cluster's own doors, for the program that assembles it (cli); every other caller
 * uses cluster.h.
 */
#ifndef CLUSTER_LOCAL_H
#define CLUSTER_LOCAL_H

#include "cluster/cluster.h"
#include "store/maintain.h"

/*
 * Where a pod's log comes from. On a real cluster kube-apiserver asks the kubelet; here the nodes
 * in the same process register themselves. OPEN is called with the pod as it is stored; it answers
 * like cluster_stream. Without a provider a log answers E_UNAVAILABLE.
 */
struct pod_streamer {
	struct stream *(*open)(void *arg, struct cluster *c, const struct object *pod,
			       const char *subresource, const char *query,
			       const struct stream_handler *handler, void *handler_arg,
			       struct error **err);
	void (*stop)(struct stream *s);
};
void local_set_streamer(struct cluster *c, const struct pod_streamer *streamer, void *arg);

/*
 * For those who open the store of a local cluster alone (store/maintain.h): the keys of its
 * store_options.sealed, for ever; and whether a value is an object that belongs at its key and
 * revision. ARG is not looked at.
 */
const char *const *local_sealed_keys(void);
store_judge local_judge;

#endif
