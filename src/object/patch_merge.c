/* RFC 7386. */
#include "object/patch.h"

json_t *patch_merge(const json_t *target, const json_t *patch)
{
	const char *key;
	json_t *result, *change;

	if (!json_is_object(patch))
		return json_deep_copy(patch);
	result = json_is_object(target) ? json_deep_copy(target) : json_object();
	json_object_foreach ((json_t *)patch, key, change) {
		if (json_is_null(change))
			json_object_del(result, key);
		else
			json_object_set_new(result, key,
					    patch_merge(json_object_get(result, key), change));
	}
	return result;
}

json_t *patch_diff(const json_t *from, const json_t *to)
{
	json_t *diff = json_object();
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)from, key, value)
		if (!json_object_get(to, key))
			json_object_set_new(diff, key, json_null());
	json_object_foreach ((json_t *)to, key, value) {
		json_t *old = json_object_get(from, key);

		if (old && json_equal(old, value))
			continue;
		json_object_set_new(diff, key,
				    json_is_object(old) && json_is_object(value)
					    ? patch_diff(old, value)
					    : json_deep_copy(value));
	}
	return diff;
}
