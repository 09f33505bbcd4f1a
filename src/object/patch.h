/*
 * The four ways to change an object, and the three-way merge of the tree. All on jansson trees:
 * the target is never changed, the result is a new tree (or NULL and *err).
 *
 * Sources: RFC 7386 (merge patch), RFC 6902 (JSON Patch), Kubernetes' strategic merge patch
 * (patchStrategy, patchMergeKey, $patch, $setElementOrder, $retainKeys, $deleteFromPrimitiveList).
 * Bounds: JSON Patch at most 10,000 operations; nesting as json.h.
 */
#ifndef OBJECT_PATCH_H
#define OBJECT_PATCH_H

#include "base/error.h"
#include "object/schema.h"

#include <jansson.h>
#include <stdbool.h>

json_t *patch_merge(const json_t *target, const json_t *patch);
json_t *patch_json(const json_t *target, const json_t *operations, struct error **err);
/* The same; *test_failed: one of its tests did, and that is why. */
json_t *patch_json_tested(const json_t *target, const json_t *operations, bool *test_failed,
			  struct error **err);
/* TYPE NULL: every list is replaced, as a merge patch does. */
json_t *patch_strategic(const json_t *target, const json_t *patch, const struct schema_type *type,
			struct error **err);

/* The merge patch that turns FROM into TO. Never NULL; an empty object when they are equal. */
json_t *patch_diff(const json_t *from, const json_t *to);

/*
 * What USER changed from BASE, applied to LIVE, list elements matched by the schema's merge keys.
 * A field that both changed, differently, is a conflict: E_CONFLICT, naming each path in a cause.
 */
json_t *patch_three_way(const json_t *base, const json_t *user, const json_t *live,
			const struct schema_type *type, struct error **err);

#endif
