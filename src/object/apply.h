/*
 * Server-side apply and metadata.managedFields (FieldsV1).
 *
 * Source: Kubernetes, "Server-Side Apply"; sigs.k8s.io/structured-merge-diff for the form of
 * fieldsV1 (f:, k:, v:, i: keys). Field sets are per manager, operation, apiVersion, subresource.
 *
 * Threads: pure functions over trees.
 */
#ifndef OBJECT_APPLY_H
#define OBJECT_APPLY_H

#include "base/error.h"
#include "object/schema.h"

#include <jansson.h>
#include <stdbool.h>

struct apply_options {
	const char *manager;	 /* fieldManager, required, at most 128 bytes */
	const char *api_version; /* of the request */
	const char *subresource; /* "" or "status", "scale" */
	bool force;
	const char *now; /* RFC 3339, what goes into time */
};

/*
 * Applies CONFIG over LIVE (NULL: the object does not exist yet). The result has its
 * managedFields updated. Conflicts without force: E_CONFLICT, one cause a field with reason
 * FieldManagerConflict, naming manager and path as kube-apiserver does.
 * A result equal to LIVE in all but managedFields times keeps LIVE's managedFields times.
 */
json_t *apply_patch(const json_t *live, const json_t *config, const struct schema_type *type,
		    const struct apply_options *opt, struct error **err);

/*
 * Ownership after a write that was no apply: what differs between BEFORE (NULL: created) and
 * AFTER now belongs to the manager with operation Update, and leaves the others. Changes AFTER's
 * metadata.managedFields in place.
 */
int apply_track_update(const json_t *before, json_t *after, const struct schema_type *type,
		       const struct apply_options *opt, struct error **err);

#endif
