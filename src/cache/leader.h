/*
 * Leader election over a Lease: of several processes with the same task one does it.
 *
 *	struct leader *l = leader_new(cluster, "kube-system", "kube-scheduler", identity, NULL);
 *	if (leader_wait(l, &call, &err) == 0)
 *		...			// ours now; ask leader_is() from time to time
 *	leader_free(l);			// gives the lease back
 *
 * The rules are client-go's: a lease lasts 15 s, is renewed every 2 s, and one that was not renewed
 * for 10 s is lost. Times of other processes are never compared with ours: a lease has expired when
 * it has not changed for its duration on our own clock.
 *
 * Threads: one of its own renews; all functions from any thread.
 */
#ifndef CACHE_LEADER_H
#define CACHE_LEADER_H

#include "base/clock.h"
#include "cluster/cluster.h"

struct leader;

/* IDENTITY has to be another one in every process. CLOCK NULL: the system's. */
struct leader *leader_new(struct cluster *c, const char *namespace, const char *name,
			  const char *identity, struct clock *clock);
/* Gives the lease back when it is ours, frees. Takes NULL. */
void leader_free(struct leader *l);
/* Blocks until the lease is ours: E_CANCELLED, E_TIMEOUT (the call's; negative: none). */
int leader_wait(struct leader *l, const struct call *call, struct error **err);
/* Whether it is ours now. Once lost it may be ours again later: whoever works stops meanwhile. */
bool leader_is(struct leader *l);

#endif
