/*
 * Patches: a list of documents, the first patched with the others in every way there is. No patch
 * changes its arguments; what a diff says leads from one document to the other.
 */
#include "fuzz/fuzz.h"
#include "object/apply.h"
#include "object/json.h"
#include "object/patch.h"

#include <assert.h>

static const struct schema_type *type_of(const json_t *object)
{
	static const char *const names[] = {
		"io.k8s.api.apps.v1.Deployment",
		"io.k8s.api.core.v1.Service",
		"io.k8s.api.core.v1.ConfigMap",
	};
	const char *kind = json_path_string(object, "kind");

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (str_has_suffix(names[i], kind) && *kind)
			return schema_type_find(names[i]);
	return NULL;
}

static void apply_both(const json_t *live, const json_t *config, const struct schema_type *type)
{
	struct apply_options opt = {.manager = "m",
				    .api_version = "v1",
				    .subresource = "",
				    .now = "2026-11-23T20:00:00Z"};
	json_t *after = json_is_object(config) ? json_deep_copy(config) : NULL;

	json_decref(apply_patch(live, config, type, &opt, NULL));
	opt.force = true;
	json_decref(apply_patch(live, config, type, &opt, NULL));
	if (after)
		apply_track_update(live, after, type, &opt, NULL);
	json_decref(after);
}

static void patch_all(const json_t *target, const json_t *patch, const json_t *base)
{
	const struct schema_type *type = type_of(target);
	json_auto json_t *diff = patch_diff(target, patch);

	json_decref(patch_merge(target, patch));
	json_decref(patch_merge(target, diff));
	json_decref(patch_json(target, patch, NULL));
	json_decref(patch_strategic(target, patch, type, NULL));
	json_decref(patch_three_way(base, patch, target, type, NULL));
	if (json_is_object(target))
		apply_both(target, patch, type);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_auto json_t *documents = json_read((const char *)data, size, NULL);
	json_t *target = json_array_get(documents, 0), *patch = json_array_get(documents, 1);
	json_t *base = json_array_get(documents, 2);
	json_auto json_t *before = json_deep_copy(documents);

	if (!target || !patch)
		return 0;
	patch_all(target, patch, base);
	assert(json_equal(before, documents));
	return 0;
}
