#include "kinds/builtin.h"
#include "kinds/rules.h"
#include "object/json.h"

#include <string.h>

#define USER_MAX 1000000000

/* The classes that the system has, and nobody else may make. */
static const struct {
	const char *name;
	json_int_t value;
} system_classes[] = {
	{"system-node-critical", 2000001000},
	{"system-cluster-critical", 2000000000},
};

static const char *system_problem(const struct field *o)
{
	const char *name = json_path_string(o->value, "metadata.name");

	for (size_t i = 0; i < ARRAY_SIZE(system_classes); i++) {
		if (strcmp(name, system_classes[i].name))
			continue;
		if (field_int(FIELD(o, "value")) != system_classes[i].value)
			return "value of a system priority class must be its own";
		return field_bool(FIELD(o, "globalDefault"))
			       ? "globalDefault of a system priority class must be false"
			       : NULL;
	}
	return "not a known system priority class";
}

static void check_new(const struct field *o)
{
	static const char *const policies[] = {"PreemptLowerPriority", "Never", NULL};
	const struct field *value = FIELD(o, "value"), *policy = FIELD(o, "preemptionPolicy");
	bool system = str_has_prefix(json_path_string(o->value, "metadata.name"), "system-");

	if (system && system_problem(o)) {
		char *why free_ptr = xasprintf("priority class names with 'system-' prefix are "
					       "reserved for system use only. error: %s",
					       system_problem(o));

		field_forbidden(FIELD(o, "metadata.name"), why);
	} else if (!system && field_int(value) > USER_MAX) {
		field_forbidden(value,
				"maximum allowed value of a user defined priority is 1000000000");
	}
	if (field_set(policy))
		field_one_of_required(policy, policies);
}

static void validate(const struct field *o, const struct field *old)
{
	const struct field *value = FIELD(o, "value");

	if (!old) {
		check_new(o);
		return;
	}
	if (field_int(value) != field_int(FIELD(old, "value")))
		field_forbidden(value, "may not be changed in an update.");
	field_immutable(FIELD(o, "preemptionPolicy"), FIELD(old, "preemptionPolicy"));
}

static const char *undeletable(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(system_classes); i++)
		if (!strcmp(name, system_classes[i].name))
			return "this is a system priority class and cannot be deleted";
	return NULL;
}

static bool never_grows(const json_t *object, const json_t *old)
{
	(void)object;
	(void)old;
	return false;
}

const struct kind kind_priorityclass = {
	.group = "scheduling.k8s.io",
	.kind = "PriorityClass",
	.validate = validate,
	.generation_grows = never_grows,
	.undeletable = undeletable,
};
