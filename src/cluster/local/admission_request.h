/*
 * A request as webhooks and policies are told of it: an admission.k8s.io/v1 AdmissionRequest, and
 * its objects in the version that somebody asked for.
 *
 * What is read for it (the namespace, the catalog) is read once a request and kept with the struct
 * admission until admission_release.
 *
 * Threads: those of struct admission.
 */
#ifndef CLUSTER_LOCAL_ADMISSION_REQUEST_H
#define CLUSTER_LOCAL_ADMISSION_REQUEST_H

#include "cluster/local/admission.h"

/* Borrowed from a resource. */
struct admission_kind {
	const char *group, *version, *kind;
};
/* The kind of what goes in and out of R's SUBRESOURCE ("": R itself): Scale, Eviction, Pod. */
struct admission_kind admission_kind_of(const struct resource *r, const char *subresource);

/* The name and namespace as a request has them: "" for a name that is yet to be generated; the
 * namespace of a Namespace is itself. */
const char *admission_request_name(const struct admission *a);
const char *admission_request_namespace(const struct admission *a);
/* "CREATE", "UPDATE", "DELETE", "CONNECT". */
const char *admission_operation_name(enum admission_operation operation);

/*
 * The AdmissionRequest of A for the resource AS, without its uid, "object" and "oldObject" (null or
 * admission_shown(a, a->object, as)). A new tree.
 */
json_t *admission_request(const struct admission *a, const struct resource *as);

/*
 * TREE, an object of the request as the pipeline has it (NULL stays NULL), in the form of AS and
 * the request's subresource: the other version, or its Scale. A new ref, of TREE itself where
 * nothing differs: not to be changed. NULL and *err when it has no such form.
 */
json_t *admission_shown(const struct admission *a, const json_t *tree, const struct resource *as,
			struct error **err);
/*
 * The way back: SHOWN, which somebody changed, becomes A's object, in place and with the version's
 * defaults. E_BAD_REQUEST or E_INVALID when it is none of its type.
 */
int admission_take(struct admission *a, json_t *shown, const struct resource *as,
		   struct error **err);

/* The namespace of the request, borrowed; NULL without *err: it has none. Of a request about a
 * Namespace NULL, too. */
const json_t *admission_namespace(struct admission *a, struct error **err);
/* The resources over the same objects that have the request's subresource, itself among them;
 * ends with NULL, borrowed. */
const struct resource *const *admission_equivalents(struct admission *a);

/* The type of what goes in and out of AS in this request; NULL where nobody knows it. */
const struct schema_type *admission_schema(const struct admission *a, const struct resource *as);
/* What plugins remember between a first and a second round of admit, by their names: an object. */
json_t *admission_notes(struct admission *a);

/* For admission_release. Takes NULL. */
void admission_facts_free(struct admission_facts *facts);

#endif
