/*
 * A pod's priority and preemption policy come from its PriorityClass, or from the one that is the
 * default of all.
 */
#include "cluster/local/admission/plugins.h"

#include "object/json.h"

#include <string.h>

#define GROUP "scheduling.k8s.io"

/* The class marked as default; of several the one of the lowest value. *out NULL: none. */
static int global_default(struct admission *a, const json_t **out, struct error **err)
{
	const json_t *all = admission_list(a, GROUP, "priorityclasses", "", err);
	json_t *class;
	size_t i;

	*out = NULL;
	if (!all)
		return -1;
	json_array_foreach (all, i, class)
		if (json_path_bool(class, "globalDefault", false) &&
		    (!*out || json_path_int(*out, "value", 0) > json_path_int(class, "value", 0)))
			*out = class;
	return 0;
}

static int find_class(struct admission *a, const char *name, const json_t **out, struct error **err)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;

	if (!*name)
		return global_default(a, out, err);
	*out = admission_get(a, GROUP, "priorityclasses", "", name, &why);
	if (*out)
		return 0;
	if (error_code(why) != E_NOT_FOUND)
		return error_move(err, steal(&why));
	return admission_forbid(a, err, "no PriorityClass with name %s was found", name);
}

static int check_given(const struct admission *a, json_int_t priority, const char *policy,
		       struct error **err)
{
	json_int_t given = json_path_int(a->object, "spec.priority", priority);
	const char *given_policy = json_path_string(a->object, "spec.preemptionPolicy");

	if (given != priority)
		return admission_forbid(a, err,
					"the integer value of priority (%lld) must not be "
					"provided in pod spec; priority admission controller "
					"computed %lld from the given PriorityClass name",
					(long long)given, (long long)priority);
	if (*policy && *given_policy && strcmp(policy, given_policy))
		return admission_forbid(a, err,
					"the string value of PreemptionPolicy (%s) must not be "
					"provided in pod spec; priority admission controller "
					"computed %s from the given PriorityClass name",
					given_policy, policy);
	return 0;
}

/* What a creation set stays when an update leaves it out. */
static void keep(struct admission *a, const char *path)
{
	json_t *before = json_path(a->old, path);

	if (before && !json_path(a->object, path))
		json_path_set(a->object, path, json_incref(before));
}

static int admit(struct admission *a, struct error **err)
{
	const json_t *class = NULL;
	const char *policy;
	json_int_t priority;

	if (a->operation == ADMIT_UPDATE) {
		keep(a, "spec.priority");
		keep(a, "spec.preemptionPolicy");
		return 0;
	}
	if (find_class(a, json_path_string(a->object, "spec.priorityClassName"), &class, err) < 0)
		return -1;
	priority = class ? json_path_int(class, "value", 0) : 0;
	policy = class ? json_path_string(class, "preemptionPolicy") : "PreemptLowerPriority";
	if (check_given(a, priority, policy, err) < 0)
		return -1;
	if (class)
		json_path_set(a->object, "spec.priorityClassName",
			      json_copy(json_path(class, "metadata.name")));
	json_path_set(a->object, "spec.priority", json_integer(priority));
	if (*policy)
		json_path_set(a->object, "spec.preemptionPolicy", json_string(policy));
	return 0;
}

static int validate(struct admission *a, struct error **err)
{
	const json_t *other = NULL;
	const char *name;

	if (strcmp(a->target.s, "priorityclasses." GROUP) ||
	    !json_path_bool(a->object, "globalDefault", false))
		return 0;
	if (global_default(a, &other, err) < 0)
		return -1;
	name = json_path_string(other, "metadata.name");
	if (!other || (a->operation == ADMIT_UPDATE &&
		       strcmp(name, json_path_string(a->object, "metadata.name")) == 0))
		return 0;
	return admission_forbid(a, err,
				"PriorityClass %s is already marked as default. Only one default "
				"can exist",
				name);
}

static int admit_pod(struct admission *a, struct error **err)
{
	return strcmp(a->target.s, "pods") == 0 ? admit(a, err) : 0;
}

const struct admission_plugin admission_priority = {
	.name = "Priority",
	.operations = ADMIT_CREATE | ADMIT_UPDATE,
	.resources = {"pods", "priorityclasses." GROUP},
	.admit = admit_pod,
	.validate = validate,
};
