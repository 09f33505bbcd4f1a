#include "cluster/patching.h"

#include "object/patch.h"

json_t *patch_with(const json_t *live, const json_t *patch, enum patch_type type,
		   const struct resource *r, const struct apply_options *apply, struct error **err)
{
	switch (type) {
	case PATCH_JSON:
		return patch_json(live, patch, err);
	case PATCH_MERGE:
		return patch_merge(live, patch);
	case PATCH_STRATEGIC:
		if (r->type && !r->custom)
			return patch_strategic(live, patch, r->type, err);
		error_set(err, E_MEDIA_TYPE,
			  "the body of the request was in an unknown format - accepted media types "
			  "include: application/json-patch+json, application/merge-patch+json, "
			  "application/apply-patch+yaml");
		return NULL;
	case PATCH_APPLY:
		return apply_patch(live, patch, r->type, apply, err);
	}
	return NULL;
}
