#include "cluster/patching.h"

#include "base/str.h"
#include "object/patch.h"

#include <ctype.h>
#include <string.h>

#define MANAGER_MAX 128

char *write_manager(const struct call *call, const struct write_options *opt)
{
	const char *agent = call && call->user_agent ? call->user_agent : "kubefs";
	struct str name = STR_INIT;

	if (opt->field_manager && *opt->field_manager)
		return xstrdup(opt->field_manager);
	for (; *agent && *agent != '/' && name.len < MANAGER_MAX; agent++)
		if (isprint((unsigned char)*agent))
			str_addc(&name, *agent);
	return name.len ? str_take(&name) : xstrdup("unknown");
}

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
