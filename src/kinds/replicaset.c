#include "kinds/builtin.h"
#include "kinds/fill.h"
#include "kinds/rules.h"
#include "kinds/warn.h"

#include <string.h>

static void set_defaults(json_t *object)
{
	fill_template(fill_spec(object));
}

static void validate(const struct field *o, const struct field *old)
{
	static const char *const counts[] = {"replicas", "minReadySeconds", NULL};
	const struct field *spec = FIELD(o, "spec");

	rule_counts(spec, counts);
	if (rule_workload_selector(spec, "deployment"))
		rule_lasting_template(FIELD(spec, "template"), "ReplicaSet");
	if (old)
		field_immutable(FIELD(spec, "selector"), FIELD(old, "spec.selector"));
}

void replicas_status_validate(const struct field *s)
{
	static const char *const counts[] = {"replicas",
					     "fullyLabeledReplicas",
					     "readyReplicas",
					     "availableReplicas",
					     "observedGeneration",
					     "terminatingReplicas",
					     NULL};
	static const char above[] = "cannot be greater than status.replicas";

	rule_counts(s, counts);
	rule_at_most(s, "fullyLabeledReplicas", "replicas", above);
	rule_at_most(s, "readyReplicas", "replicas", above);
	rule_at_most(s, "availableReplicas", "replicas", above);
	rule_at_most(s, "availableReplicas", "readyReplicas",
		     "cannot be greater than readyReplicas");
}

static void validate_subresource(const struct field *o, const struct field *old, const char *name)
{
	if (strcmp(name, "status") == 0)
		replicas_status_validate(FIELD(o, "status"));
	else
		validate(o, old);
}

const struct kind kind_replicaset = {
	.group = "apps",
	.kind = "ReplicaSet",
	.set_defaults = set_defaults,
	.validate = validate,
	.warn = warn_workload,
	.validate_subresource = validate_subresource,
	.empty = "{\"spec\":{\"replicas\":0}}",
};
