/*
 * Logs of pods whose node is another program's: asked of its kubelet, as kube-apiserver does it, at
 * the first address of the Node's status and the port of its kubelet endpoint.
 *
 *	struct kubelets *k = kubelets_new(cluster, "pki/kubelet-client.crt", ".key", &err);
 *	local_set_streamer(cluster, kubelets_streamer(), k);
 *
 * A kubelet is told who asks by the client certificate. Its own certificate is not checked: it
 * signs it itself, and kube-apiserver without --kubelet-certificate-authority does not either.
 *
 * Threads: any. One network thread for each kubelet that is being read from.
 */
#ifndef NODE_KUBELETS_H
#define NODE_KUBELETS_H

#include "cluster/local.h"

struct kubelets;

/* CERT and KEY are paths of PEM files, read now. CLUSTER outlives it. */
struct kubelets *kubelets_new(struct cluster *cluster, const char *cert, const char *key,
			      struct error **err);
/* After every stream has been stopped. Takes NULL. */
void kubelets_free(struct kubelets *k);
/* Its ARG is the struct kubelets. */
const struct pod_streamer *kubelets_streamer(void);

#endif
