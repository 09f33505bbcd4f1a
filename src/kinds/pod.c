#include "kinds/cells.h"
#include "object/json.h"
#include "object/quantity.h"

#include <string.h>

static const char *const selectable[] = {"spec.nodeName",
					 "spec.restartPolicy",
					 "spec.schedulerName",
					 "spec.serviceAccountName",
					 "spec.hostNetwork",
					 "status.phase",
					 "status.podIP",
					 "status.nominatedNodeName",
					 NULL};

static void set_defaults(json_t *object)
{
	json_t *spec = json_object_get(object, "spec");

	if (!json_is_object(spec))
		return;
	pod_spec_set_defaults(spec);
	if (!json_object_get(spec, "enableServiceLinks"))
		json_object_set_new(spec, "enableServiceLinks", json_true());
}

static bool is_zero(const char *text)
{
	struct quantity q;

	return quantity_parse(text, &q, NULL) < 0 || q.nano == 0;
}

/* Guaranteed: every container has limits of both and requests equal to them. */
static void look_at(const json_t *c, bool *any, bool *guaranteed)
{
	static const char *const names[] = {"cpu", "memory"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char *limit_path free_ptr = xasprintf("resources.limits.%s", names[i]);
		char *request_path free_ptr = xasprintf("resources.requests.%s", names[i]);
		const char *limit = json_path_string(c, limit_path);
		const char *request = json_path_string(c, request_path);

		*any = *any || !is_zero(limit) || !is_zero(request);
		if (is_zero(limit) || strcmp(limit, request))
			*guaranteed = false;
	}
}

static const char *qos_class(const json_t *spec)
{
	static const char *const lists[] = {"containers", "initContainers"};
	bool any = false, guaranteed = true;
	size_t j;
	json_t *c;

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		json_array_foreach (json_path(spec, lists[i]), j, c)
			look_at(c, &any, &guaranteed);
	return !any ? "BestEffort" : guaranteed ? "Guaranteed" : "Burstable";
}

static void prepare(json_t *object, const json_t *old)
{
	if (old)
		return;
	json_object_set_new(object, "status",
			    json_pack("{s:s,s:s}", "phase", "Pending", "qosClass",
				      qos_class(json_object_get(object, "spec"))));
}

/* Of a pod's spec only images, deadlines and tolerations may change. */
static void validate_update(const json_t *object, const json_t *old, struct field_errors *errors)
{
	static const char *const may_change[] = {"activeDeadlineSeconds",
						 "tolerations",
						 "terminationGracePeriodSeconds",
						 "containers",
						 "initContainers",
						 "nodeName",
						 "schedulingGates"};
	json_t *a = json_copy(json_path(old, "spec")), *b = json_copy(json_path(object, "spec"));

	for (size_t i = 0; i < ARRAY_SIZE(may_change); i++) {
		json_object_del(a, may_change[i]);
		json_object_del(b, may_change[i]);
	}
	if (!json_equal(a, b) || json_array_size(json_path(old, "spec.containers")) !=
					 json_array_size(json_path(object, "spec.containers")))
		field_forbidden(errors,
				"pod updates may not change fields other than "
				"`spec.containers[*].image`,`spec.initContainers[*].image`,`spec."
				"activeDeadlineSeconds`,`spec.tolerations` (only additions to "
				"existing tolerations),`spec.terminationGracePeriodSeconds` (allow "
				"it to be set to 1 if it was previously negative)",
				"spec");
	json_decref(a);
	json_decref(b);
}

static void validate(const json_t *object, const json_t *old, struct field_errors *errors)
{
	pod_spec_validate(json_path(object, "spec"), "spec", errors);
	if (old)
		validate_update(object, old, errors);
}

const struct kind kind_pod = {
	.group = "",
	.kind = "Pod",
	.set_defaults = set_defaults,
	.prepare = prepare,
	.validate = validate,
	.selectable = selectable,
};
