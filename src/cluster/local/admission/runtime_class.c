/*
 * A pod of a RuntimeClass carries the class's overhead and goes to the nodes that have it.
 */
#include "cluster/local/admission/plugins.h"

#include "object/json.h"

#include <string.h>

/* *out NULL: the pod names none. */
static int find_class(struct admission *a, const json_t **out, struct error **err)
{
	const char *name = json_path_string(a->object, "spec.runtimeClassName");
	struct error *why CLEANUP(error_free_cleanup) = NULL;

	*out = NULL;
	if (!json_path(a->object, "spec.runtimeClassName"))
		return 0;
	*out = admission_get(a, "node.k8s.io", "runtimeclasses", "", name, &why);
	if (*out)
		return 0;
	if (error_code(why) != E_NOT_FOUND)
		return error_move(err, steal(&why));
	return admission_forbid(a, err, "pod rejected: RuntimeClass \"%s\" not found", name);
}

static int refuse_overhead(const struct admission *a, struct error **err)
{
	return admission_forbid(a, err,
				"pod rejected: Pod's Overhead doesn't match RuntimeClass's "
				"defined Overhead");
}

static int set_overhead(struct admission *a, const json_t *class, struct error **err)
{
	json_t *fixed = json_path(class, "overhead.podFixed");
	const json_t *own = json_path(a->object, "spec.overhead");

	if (!json_path(class, "overhead"))
		return 0;
	if (json_object_size(own) && !json_equal(own, fixed))
		return refuse_overhead(a, err);
	if (fixed)
		json_path_set(a->object, "spec.overhead", json_deep_copy(fixed));
	return 0;
}

static int merge_selector(struct admission *a, const json_t *wanted, struct error **err)
{
	json_t *selector = json_path(a->object, "spec.nodeSelector"), *value;
	const char *key;

	if (json_object_size(wanted) && !selector) {
		json_path_set(a->object, "spec.nodeSelector", json_deep_copy(wanted));
		return 0;
	}
	json_object_foreach ((json_t *)wanted, key, value) {
		const json_t *own = json_object_get(selector, key);

		if (own && !json_equal(own, value))
			return admission_forbid(
				a, err,
				"conflict: runtimeClass.scheduling.nodeSelector[%s] = %s; "
				"pod.spec.nodeSelector[%s] = %s",
				key, json_string_value(value), key, json_string_value(own));
		json_object_set_new(selector, key, json_deep_copy(value));
	}
	return 0;
}

static void merge_tolerations(struct admission *a, const json_t *wanted)
{
	json_t *own, *t, *have;
	size_t i, k;

	if (!json_array_size(wanted))
		return;
	own = admission_array(a->object, "spec.tolerations");
	json_array_foreach (wanted, i, t) {
		json_array_foreach (own, k, have)
			if (json_equal(have, t))
				break;
		if (k == json_array_size(own))
			json_array_append_new(own, json_deep_copy(t));
	}
}

static int admit(struct admission *a, struct error **err)
{
	const json_t *class = NULL;

	if (find_class(a, &class, err) < 0)
		return -1;
	if (!class)
		return 0;
	if (set_overhead(a, class, err) < 0 ||
	    merge_selector(a, json_path(class, "scheduling.nodeSelector"), err) < 0)
		return -1;
	merge_tolerations(a, json_path(class, "scheduling.tolerations"));
	return 0;
}

static int validate(struct admission *a, struct error **err)
{
	const json_t *own = json_path(a->object, "spec.overhead");
	const json_t *class = NULL;

	if (find_class(a, &class, err) < 0)
		return -1;
	if (!json_path(class, "overhead"))
		return own ? admission_forbid(a, err,
					      "pod rejected: Pod Overhead set without "
					      "corresponding RuntimeClass defined Overhead")
			   : 0;
	if (!json_equal(own, json_path(class, "overhead.podFixed")))
		return refuse_overhead(a, err);
	return 0;
}

const struct admission_plugin admission_runtime_class = {
	.name = "RuntimeClass",
	.operations = ADMIT_CREATE,
	.resources = {"pods"},
	.admit = admit,
	.validate = validate,
};
