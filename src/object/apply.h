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
	const char *kind;	 /* what a configuration must be; NULL: anything */
	const char *subresource; /* "" or "status", "scale" */
	bool force;
	const char *now; /* RFC 3339, what goes into time */
	/* Dotted paths ("status", "metadata.labels") of what the server puts back whatever the
	 * write says: nobody gets to own it by this write. NULL-terminated; NULL: none. */
	const char *const *reset;
	/* TREE as API_VERSION shows it, and its type: for entries of other versions. NULL: there is
	 * no such version; its entries go. An empty slot: all versions are alike. */
	json_t *(*convert)(void *arg, const json_t *tree, const char *api_version,
			   const struct schema_type **type);
	void *convert_arg;
};

/*
 * Applies CONFIG over LIVE (NULL: the object does not exist yet). The result has its
 * managedFields updated. Conflicts without force: E_CONFLICT, one cause a field with reason
 * FieldManagerConflict, naming manager and path as kube-apiserver does.
 * Manager "kubectl" takes over what client-side apply last wrote without a conflict. A
 * configuration that does not fit its type is E_MISFIT, of another type E_BAD_REQUEST.
 */
json_t *apply_patch(const json_t *live, const json_t *config, const struct schema_type *type,
		    const struct apply_options *opt, struct error **err);

/*
 * CONFIG over LIVE where nobody owns anything: what it names is set, and nothing else changes.
 * E_MISFIT when it does not fit TYPE; E_INVALID when it names a list, map or struct that is only
 * whole, of which it might forget a part.
 */
json_t *apply_merge(const json_t *live, const json_t *config, const struct schema_type *type,
		    struct error **err);

/*
 * Ownership after a write that was no apply: what differs between BEFORE (NULL: created) and
 * AFTER, the state asked for with its defaults but before admission, now belongs to the manager
 * with operation Update, and leaves the others. Sets AFTER's metadata.managedFields, in place; of a
 * built-in type also the fields that a server always writes (schema_fill_present). An object
 * without managedFields gets none until somebody applies.
 */
int apply_track_update(const json_t *before, json_t *after, const struct schema_type *type,
		       const struct apply_options *opt, struct error **err);

/* SCALE gets the entries of those who own REPLICAS ("spec.replicas") of OBJECT. */
void apply_scale_owners(json_t *scale, const json_t *object, const char *replicas);
/* The other way, after a write of SCALE: OBJECT's entries, in API_VERSION where they are new. */
void apply_scale_moved(json_t *object, const json_t *scale, const char *replicas,
		       const char *api_version);
/* Whether OBJECT's metadata.managedFields, or none, can be read. */
bool apply_managed_valid(const json_t *object);

#endif
