/*
 * What an API server writes into its cluster about itself, at each start, as kube-apiserver does:
 * the certificate authority of its clients and its own (config map
 * kube-system/extension-apiserver-authentication), from where it reaches pods and extension
 * servers; and since when the use of tokens that secrets keep is noted.
 *
 * Threads: any.
 */
#ifndef SERVE_ANNOUNCE_H
#define SERVE_ANNOUNCE_H

#include "cluster/cluster.h"
#include "serve/pki.h"

#include <stdint.h>

/* Makes or corrects what is there. NOW: wall ns. 0, or -1 and *err. */
int announce(struct cluster *cluster, const struct pki *pki, int64_t now, struct error **err);

#endif
