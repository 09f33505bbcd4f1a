#include "kinds/builtin.h"
#include "kinds/rules.h"
#include "object/json.h"

#include <string.h>

static void prepare(json_t *object, const json_t *old)
{
	if (!old)
		json_path_set(object, "status",
			      json_pack("{s:i,s:i,s:i,s:i}", "disruptionsAllowed", 0,
					"currentHealthy", 0, "desiredHealthy", 0, "expectedPods",
					0));
}

static void validate(const struct field *o, const struct field *old)
{
	static const char *const policies[] = {"AlwaysAllow", "IfHealthyBudget", NULL};
	static const char *const limits[] = {"minAvailable", "maxUnavailable"};
	const struct field *spec = FIELD(o, "spec");
	const struct field *policy = FIELD(spec, "unhealthyPodEvictionPolicy");

	(void)old;
	if (field_set(FIELD(spec, limits[0])) && field_set(FIELD(spec, limits[1])))
		field_invalid(spec, "minAvailable and maxUnavailable cannot be both set");
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		const struct field *f = FIELD(spec, limits[i]);

		if (!field_set(f))
			continue;
		rule_count_or_percent(f);
		rule_not_more_than_100_percent(f);
	}
	rule_label_selector(FIELD(spec, "selector"));
	if (field_set(policy))
		field_one_of(policy, policies);
}

static void validate_subresource(const struct field *o, const struct field *old, const char *name)
{
	static const char *const counts[] = {"disruptionsAllowed", "currentHealthy",
					     "desiredHealthy", "expectedPods", NULL};

	if (strcmp(name, "status")) {
		validate(o, old);
		return;
	}
	rule_conditions(FIELD(o, "status.conditions"));
	rule_counts(FIELD(o, "status"), counts);
}

const struct kind kind_pdb = {
	.group = "policy",
	.kind = "PodDisruptionBudget",
	.prepare = prepare,
	.validate = validate,
	.validate_subresource = validate_subresource,
	.metadata = METADATA_NONE,
};
