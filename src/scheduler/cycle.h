/*
 * One scheduling cycle: which node for this pod?
 */
#ifndef SCHEDULER_CYCLE_H
#define SCHEDULER_CYCLE_H

#include "scheduler/snapshot.h"

#include "base/str.h"

/*
 * The best node, borrowed from the snapshot, or NULL and WHY: "0/3 nodes are available: 3
 * Insufficient cpu." Equal scores go to the node whose name comes first after a start that moves
 * with TURN.
 */
const struct node_info *cycle_run(const struct snapshot *s, const struct pod_info *pod,
				  uint64_t turn, struct str *why);

#endif
