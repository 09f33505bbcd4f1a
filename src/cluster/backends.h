/*
 * The openers of the back ends, for the table of cluster_open() (open.c) and for the unit
 * tests of one of them.
 * WHERE is what follows the scheme's colon, CONFIG never NULL. They return NULL and *err, or a
 * cluster for cluster_close.
 */
#ifndef CLUSTER_BACKENDS_H
#define CLUSTER_BACKENDS_H

#include "cluster/cluster.h"

typedef struct cluster *cluster_opener(const char *where, const struct cluster_config *config,
				       struct error **err);

cluster_opener fake_cluster_open, local_cluster_open, remote_cluster_open;

#endif
