#include "cluster/local/admission/plugins.h"

#include "object/json.h"

#include <string.h>

json_t *admission_array(json_t *object, const char *path)
{
	json_t *array = json_path(object, path);

	if (json_is_array(array))
		return array;
	json_path_set(object, path, json_array());
	return json_path(object, path);
}

static bool marked(const json_t *class, const char *annotation)
{
	const json_t *annotations = json_path(class, "metadata.annotations");
	const char *value = json_string_value(json_object_get(annotations, annotation));

	return value && strcmp(value, "true") == 0;
}

int admission_default_class(struct admission *a, const char *group, const char *plural,
			    const char *annotation, const json_t **out, struct error **err)
{
	const json_t *all = admission_list(a, group, plural, "", err);
	const char *made = "";
	json_t *class;
	size_t i;

	if (!all)
		return -1;
	*out = NULL;
	json_array_foreach (all, i, class) {
		const char *own = json_path_string(class, "metadata.creationTimestamp");

		/* By name they come in order; times in this form compare as text. */
		if (!marked(class, annotation) || (*out && strcmp(own, made) <= 0))
			continue;
		*out = class;
		made = own;
	}
	return 0;
}
