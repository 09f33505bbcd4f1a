/*
 * The rules of an object's life that every cluster of our own keeps alike (local and fake): names
 * and uids, the begin and end of a deletion, and the subresources that change a part of an
 * object.
 *
 * Source: k8s.io/apiserver, registry/rest (BeforeDelete, names.SimpleNameGenerator) as observed
 * from outside. Threads: pure functions; the random ones read the kernel's.
 */
#ifndef CLUSTER_LIFECYCLE_H
#define CLUSTER_LIFECYCLE_H

#include "base/error.h"
#include "base/str.h"
#include "cluster/cluster.h"
#include "kinds/resource.h"

#include <jansson.h>
#include <stdbool.h>

#define UID_TEXT 37

/* A random (version 4) UUID. Returns BUFFER of UID_TEXT bytes. */
char *lifecycle_uid(char *buffer);
/* PREFIX, shortened to 58 bytes, and five random characters of Kubernetes' alphabet. */
char *lifecycle_name(const char *prefix);

/* The refusals with the server's words and details; all return -1. */
int refuse_not_found(const struct resource *r, const char *name, struct error **err);
/* NAME may be "": not known yet. */
int refuse_forbidden(const struct resource *r, const char *name, const char *why,
		     struct error **err);
int refuse_exists(const struct resource *r, const char *name, struct error **err);
int refuse_conflict(const struct resource *r, const char *name, const char *why,
		    struct error **err);
extern const char conflict_modified[]; /* the usual WHY */

/* 0 when the preconditions of OPT hold for the object, else E_CONFLICT. */
int lifecycle_preconditions(const json_t *object, const struct resource *r,
			    const struct delete_options *opt, struct error **err);

enum deletion { DELETION_NOW, DELETION_MARKED, DELETION_PENDING };
/*
 * Begins the deletion of OBJECT, in place. DELETION_NOW: nothing keeps it, it goes at once.
 * DELETION_MARKED: it now waits for finalizers or its grace period and is to be written.
 * DELETION_PENDING: it waited already and nothing changed.
 */
enum deletion lifecycle_delete(json_t *object, const struct resource *r,
			       const struct delete_options *opt, int64_t now);
bool lifecycle_has_finalizer(const json_t *object, const char *name);
/* Sets or clears one; true when that changed the object. */
bool lifecycle_set_finalizer(json_t *object, const char *name, bool want);
/* True when an object that waits for its end may go: no finalizer and no grace is left. */
bool lifecycle_finished(const json_t *object);

/* The Scale of an object, and a Scale written back. NULL or -1 and *err. */
json_t *scale_get(const json_t *object, const struct resource *r, struct error **err);
/* The same to be changed: its object need not say how many there are. */
json_t *scale_to_change(const json_t *object, const struct resource *r, struct error **err);
int scale_set(json_t *object, const struct resource *r, const json_t *scale, struct error **err);
/*
 * Binds POD (R: pods) as the Binding says. E_CONFLICT when it is bound, on its way out or held back
 * by scheduling gates, or is not the one whose uid or version BINDING names.
 */
int pod_bind(json_t *pod, const struct resource *r, const json_t *binding, int64_t now,
	     struct error **err);

#endif
