/*
 * The cluster of the unit tests: objects in memory with resourceVersions, watches, optimistic
 * concurrency, patches, graceful deletion and finalizers. No schema is checked, nothing is
 * defaulted and a status given at creation is kept, so that a test states exactly what it wants.
 *
 *	struct cluster *c = cluster_open("fake:", &config, &err);
 *	fake_on_request(c, refuse_second_update, &state);
 *	...
 *	fake_settle(c);		// every watch has been told everything
 *
 * Namespaces need not exist. Threads: as cluster.h; watch handlers run on one thread of the fake.
 */
#ifndef CLUSTER_FAKE_H
#define CLUSTER_FAKE_H

#include "cluster/cluster.h"

struct fake_request {
	enum verb verb;
	const struct resource *resource;
	const char *namespace, *name, *subresource; /* NULL where there is none */
	const char *json;			    /* of a write: the body */
	size_t len;
};
/*
 * Runs before each request, in its thread and with no lock held: it may fail the request (return
 * -1 with *err) or make requests of its own, to play the other client that comes between. HOOK NULL
 * ends it.
 */
typedef int fake_hook(void *arg, const struct fake_request *request, struct error **err);
void fake_on_request(struct cluster *c, fake_hook *hook, void *arg);

/* How many requests there were of these verbs (enum verb, or-ed). */
size_t fake_requests(struct cluster *c, unsigned verbs);
/* Watches of R that are open now. */
size_t fake_watches(struct cluster *c, const struct resource *r);
/* Waits until every watch has been told all that has happened. Not from a handler. */
void fake_settle(struct cluster *c);
/* Ends every watch with this error, after what it has still to tell. */
void fake_break_watches(struct cluster *c, enum error_code code);
/* Forgets the past: watches from an older revision, and continue tokens, get E_GONE. */
void fake_compact(struct cluster *c);
/* Adds a type to the catalog; tells cluster_on_catalog. */
void fake_add_resource(struct cluster *c, const struct resource *r);

#endif
