#include "kinds/builtin.h"
#include "kinds/fill.h"
#include "kinds/rules.h"
#include "kinds/warn.h"
#include "object/json.h"

#include <string.h>

static void set_defaults(json_t *object)
{
	json_t *spec = fill_spec(object);
	json_t *strategy = fill_object(spec, "strategy"), *r;

	fill_template(spec);
	if (strcmp(json_path_string(strategy, "type"), "RollingUpdate"))
		return;
	r = fill_object(strategy, "rollingUpdate");
	fill_optional(r, "maxSurge", "25%");
	fill_optional(r, "maxUnavailable", "25%");
}

static void check_rolling(const struct field *f)
{
	const struct field *unavailable = FIELD(f, "maxUnavailable"), *surge = FIELD(f, "maxSurge");

	rule_count_or_percent(unavailable);
	rule_count_or_percent(surge);
	if (!count_or_percent(unavailable) && !count_or_percent(surge))
		field_invalid(unavailable, "may not be 0 when `maxSurge` is 0");
	rule_not_more_than_100_percent(unavailable);
}

static void check_strategy(const struct field *f)
{
	static const char *const types[] = {"Recreate", "RollingUpdate", NULL};
	const struct field *type = FIELD(f, "type"), *rolling = FIELD(f, "rollingUpdate");

	if (field_is(type, "RollingUpdate"))
		check_rolling(rolling);
	else if (!field_is(type, "Recreate"))
		field_not_supported_json(f, f->value, types);
	else if (field_set(rolling))
		field_forbidden(rolling, "may not be specified when strategy `type` is 'Recreate'");
}

static void validate(const struct field *o, const struct field *old)
{
	static const char *const counts[] = {"minReadySeconds", "revisionHistoryLimit",
					     "progressDeadlineSeconds", NULL};
	const struct field *spec = FIELD(o, "spec");
	const struct field *deadline = FIELD(spec, "progressDeadlineSeconds");

	field_not_negative(FIELD(spec, "replicas"));
	if (rule_workload_selector(spec, "deployment"))
		rule_lasting_template(FIELD(spec, "template"), "ReplicaSet");
	check_strategy(FIELD(spec, "strategy"));
	rule_counts(spec, counts);
	if (field_set(deadline) && field_int(deadline) <= field_int(FIELD(spec, "minReadySeconds")))
		field_invalid(deadline, "must be greater than minReadySeconds");
	if (old)
		field_immutable(FIELD(spec, "selector"), FIELD(old, "spec.selector"));
}

static const struct replicas_status status = {
	.counts = (const char *const[]){"observedGeneration", "replicas", "updatedReplicas",
					"readyReplicas", "availableReplicas", "unavailableReplicas",
					"terminatingReplicas", NULL},
	.parts = (const char *const[]){"updatedReplicas", "readyReplicas", "availableReplicas",
				       NULL},
	.above_ready = "cannot be greater than readyReplicas",
	.collisions = true,
};

static void validate_subresource(const struct field *o, const struct field *old, const char *name)
{
	if (strcmp(name, "status") == 0)
		rule_replicas_status(FIELD(o, "status"), FIELD(old, "status"), &status);
	else
		validate(o, old);
}

static bool same(const json_t *a, const json_t *b)
{
	return a == b || (a && b && json_equal(a, b));
}

/* Annotations count too: they say what a rollout is about. */
static bool grows(const json_t *object, const json_t *old)
{
	return !same(json_path(object, "spec"), json_path(old, "spec")) ||
	       !same(json_path(object, "metadata.annotations"),
		     json_path(old, "metadata.annotations"));
}

const struct kind kind_deployment = {
	.group = "apps",
	.kind = "Deployment",
	.set_defaults = set_defaults,
	.validate = validate,
	.generation_grows = grows,
	.warn = warn_workload,
	.validate_subresource = validate_subresource,
	.empty = "{\"spec\":{\"replicas\":0}}",
	.shown_empty = {"spec.template.metadata.labels"},
};
