/*
 * A local cluster in a directory of its own, without controllers, for the tests of its parts.
 * Objects are written in JSON with ' for ".
 */
#ifndef TESTS_UNIT_CLUSTER_LOCAL_FIXTURE_H
#define TESTS_UNIT_CLUSTER_LOCAL_FIXTURE_H

#include "cluster/cluster.h"

#include <jansson.h>
#include <semaphore.h>

struct local_fixture {
	struct cluster *cluster;
	struct catalog *catalog;
	char directory[64];
	struct warnings warnings; /* of the last request, as are */
	struct annotations annotations;
};

/* CONFIG may be NULL. */
void fixture_open(struct local_fixture *f, const struct cluster_config *config);
void fixture_close(struct local_fixture *f);
/* The same without making or removing the directory: another cluster over the same store. */
void fixture_start(struct local_fixture *f, const struct cluster_config *config);
void fixture_stop(struct local_fixture *f);
/* What the catalog says by now. */
void fixture_reload(struct local_fixture *f);

const struct resource *fixture_type(struct local_fixture *f, const char *name);
/* The new object as a tree; NULL and *err when it is refused. */
json_t *fixture_create(struct local_fixture *f, const char *type, const char *namespace,
		       const char *text, struct error **err);
/* The same, which has to succeed, and is let go. */
void fixture_make(struct local_fixture *f, const char *type, const char *namespace,
		  const char *text);
/* A creation that nobody waits for, and what is told of it: an object, or why not. */
struct fixture_creation {
	struct cluster_later later;
	sem_t told;
	struct object *object; /* the caller's */
	char why[256];
};
/* What cluster_create has returned; where that is CLUSTER_LATER it has been told by now. Threads:
 * any. */
int fixture_create_later(struct local_fixture *f, struct fixture_creation *c, const char *type,
			 const char *namespace, const char *text);
json_t *fixture_get(struct local_fixture *f, const char *type, const char *namespace,
		    const char *name);
/* A merge patch; the changed object, or NULL and *err. */
json_t *fixture_patch(struct local_fixture *f, const char *type, const char *namespace,
		      const char *name, const char *subresource, const char *text,
		      struct error **err);
/* Asserts that the creation is refused with exactly this message. */
void fixture_refused(struct local_fixture *f, const char *type, const char *namespace,
		     const char *text, const char *message);
/* The string at PATH. Fails where it is another. */
void assert_text(const json_t *tree, const char *path, const char *want);

#endif
