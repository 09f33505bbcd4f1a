/*
 * What objects use of a ResourceQuota: the rules by which kube-apiserver counts what is created and
 * the quota controller counts what is there.
 *
 *	json_t *usage = quota_usage(pods, pod, now);	// {"pods": "1", "requests.cpu": "250m",
 *...} json_t *counted = quota_covered(hard, pods);	// those of the quota's limits it bears on
 *
 * R is a type, OBJECT an object of it; resource lists are those of object/quantities.h. Threads:
 * pure functions.
 */
#ifndef KINDS_QUOTA_H
#define KINDS_QUOTA_H

#include "base/str.h"
#include "kinds/resource.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Whether a creation (CREATED) or an update of R or its SUBRESOURCE ("": itself) is counted. */
bool quota_counts(const struct resource *r, const char *subresource, bool created);
/* What OBJECT uses at NOW (wall ns). A new list. */
json_t *quota_usage(const struct resource *r, const json_t *object, int64_t now);
/* Of HARD what objects of R can use. A new list. */
json_t *quota_covered(const json_t *hard, const struct resource *r);
/* Whether the scopes of QUOTA (spec.scopes, spec.scopeSelector) take in OBJECT. */
bool quota_in_scope(const json_t *quota, const struct resource *r, const json_t *object);
/*
 * Where a quota counts cpu or memory (REQUIRED), each container of a pod has to say what it asks
 * for. Appends "limits.memory for: a,b; requests.cpu for: a", nothing when all is said.
 */
void quota_missing(const json_t *required, const struct resource *r, const json_t *object,
		   struct str *out);
/*
 * The group and plural whose objects NAME ("requests.cpu", "count/jobs.batch") counts, written into
 * buffers of QUOTA_TYPE bytes; false where it counts nothing that is known.
 */
#define QUOTA_TYPE 320
bool quota_type(const char *name, char *group, char *plural);

#endif
