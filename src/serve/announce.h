/*
 * What an API server writes into its cluster about itself, at each start, as kube-apiserver does:
 * the certificate authority of its clients and its own (config map
 * kube-system/extension-apiserver-authentication), from where it reaches pods and extension
 * servers.
 *
 * Threads: any.
 */
#ifndef SERVE_ANNOUNCE_H
#define SERVE_ANNOUNCE_H

#include "cluster/cluster.h"
#include "serve/pki.h"

/* Makes or corrects what is there. 0, or -1 and *err. */
int announce(struct cluster *cluster, const struct pki *pki, struct error **err);

#endif
