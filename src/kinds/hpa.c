#include "kinds/builtin.h"
#include "kinds/fill.h"
#include "kinds/rules.h"
#include "object/json.h"

#include <string.h>

#define PERIOD_MAX 1800
#define WINDOW_MAX 3600

static void fill_rules(json_t *behavior, const char *name, bool up)
{
	json_t *rules = fill_object(behavior, name);

	if (up)
		fill_int(rules, "stabilizationWindowSeconds", 0);
	fill_optional(rules, "selectPolicy", "Max");
	if (json_object_get(rules, "policies"))
		return;
	json_object_set_new(rules, "policies",
			    up ? json_pack("[{s:s,s:i,s:i},{s:s,s:i,s:i}]", "type", "Pods", "value",
					   4, "periodSeconds", 15, "type", "Percent", "value", 100,
					   "periodSeconds", 15)
			       : json_pack("[{s:s,s:i,s:i}]", "type", "Percent", "value", 100,
					   "periodSeconds", 15));
}

static void set_defaults(json_t *object)
{
	json_t *spec = fill_spec(object), *behavior = json_object_get(spec, "behavior");

	fill_int(spec, "minReplicas", 1);
	if (!json_array_size(json_object_get(spec, "metrics")))
		json_object_set_new(spec, "metrics",
				    json_pack("[{s:s,s:{s:s,s:{s:s,s:i}}}]", "type", "Resource",
					      "resource", "name", "cpu", "target", "type",
					      "Utilization", "averageUtilization", 80));
	if (!json_is_object(behavior))
		return;
	fill_rules(behavior, "scaleUp", true);
	fill_rules(behavior, "scaleDown", false);
}

static void prepare(json_t *object, const json_t *old)
{
	if (!old)
		json_path_set(object, "status",
			      json_pack("{s:i,s:n}", "desiredReplicas", 0, "currentMetrics"));
}

/* What is asked of a reference's API version. GROUPED: one of the core group is not enough. */
enum version_check { VERSION_ANY, VERSION_WELL_FORMED, VERSION_GROUPED };

static void check_reference(const struct field *f, enum version_check how)
{
	const struct field *version = FIELD(f, "apiVersion");
	const char *slash = strchr(field_text(version), '/');

	field_check_required(FIELD(f, "kind"), name_path_segment);
	field_check_required(FIELD(f, "name"), name_path_segment);
	if (how == VERSION_ANY)
		return;
	if (slash && strchr(slash + 1, '/'))
		field_invalid(version, "unexpected GroupVersion string");
	else if (how == VERSION_GROUPED && !slash)
		field_invalid_text(version, field_text(version),
				   "apiVersion must specify API group");
}

static void check_positive(const struct field *f)
{
	struct quantity q;

	if (field_set(f) && field_quantity(f, &q) && q.nano <= 0)
		field_invalid(f, "must be positive");
}

static void check_target(const struct field *f)
{
	static const char *const types[] = {"Utilization", "Value", "AverageValue", NULL};
	const struct field *type = FIELD(f, "type");
	const struct field *utilization = FIELD(f, "averageUtilization");

	if (!*field_text(type))
		field_required(type, "must specify a metric target type");
	if (!text_is_one_of(field_text(type), types))
		field_invalid_text(type, field_text(type),
				   "must be either Utilization, Value, or AverageValue");
	check_positive(FIELD(f, "value"));
	check_positive(FIELD(f, "averageValue"));
	if (field_set(utilization) && field_int(utilization) < 1)
		field_invalid(utilization, "must be greater than 0");
}

static void check_identifier(const struct field *f)
{
	const struct field *name = FIELD(f, "name");

	if (*field_text(name))
		field_check(name, name_path_segment);
	else
		field_required(name, "must specify a metric name");
}

static bool target_has(const struct field *source, const char *member)
{
	return field_set(FIELD(FIELD(source, "target"), member));
}

static void check_object(const struct field *f)
{
	check_reference(FIELD(f, "describedObject"), VERSION_WELL_FORMED);
	check_identifier(FIELD(f, "metric"));
	check_target(FIELD(f, "target"));
	if (!target_has(f, "value") && !target_has(f, "averageValue"))
		field_required(FIELD(f, "target.averageValue"),
			       "must set either a target value or averageValue");
}

static void check_external(const struct field *f)
{
	check_identifier(FIELD(f, "metric"));
	check_target(FIELD(f, "target"));
	if (!target_has(f, "value") && !target_has(f, "averageValue"))
		field_required(FIELD(f, "target.averageValue"),
			       "must set either a target value for metric or a per-pod target");
	if (target_has(f, "value") && target_has(f, "averageValue"))
		field_forbidden(FIELD(f, "target.value"),
				"may not set both a target value for metric and a per-pod target");
}

static void check_pods(const struct field *f)
{
	check_identifier(FIELD(f, "metric"));
	check_target(FIELD(f, "target"));
	if (!target_has(f, "averageValue"))
		field_required(FIELD(f, "target.averageValue"),
			       "must specify a positive target averageValue");
}

static void check_amount(const struct field *f)
{
	check_target(FIELD(f, "target"));
	if (!target_has(f, "averageUtilization") && !target_has(f, "averageValue"))
		field_required(FIELD(f, "target.averageUtilization"),
			       "must set either a target raw value or a target utilization");
	if (target_has(f, "averageUtilization") && target_has(f, "averageValue"))
		field_forbidden(FIELD(f, "target.averageValue"),
				"may not set both a target raw value and a target utilization");
}

static void check_resource(const struct field *f)
{
	if (!*field_text(FIELD(f, "name")))
		field_required(FIELD(f, "name"), "must specify a resource name");
	check_amount(f);
}

static void check_container_resource(const struct field *f)
{
	const struct field *name = FIELD(f, "name"), *container = FIELD(f, "container");

	if (*field_text(name))
		rule_container_resource_name(name, field_text(name));
	else
		field_required(name, "must specify a resource name");
	if (*field_text(container))
		field_check(container, name_dns_label);
	else
		field_required(container, "must specify a container");
	check_amount(f);
}

static const struct source {
	const char *type, *member;
	void (*check)(const struct field *f);
} sources[] = {
	{"Object", "object", check_object},
	{"External", "external", check_external},
	{"Pods", "pods", check_pods},
	{"Resource", "resource", check_resource},
	{"ContainerResource", "containerResource", check_container_resource},
};

static void check_metric(const struct field *m)
{
	static const char *const types[] = {"ContainerResource", "External", "Object", "Pods",
					    "Resource",		 NULL};
	const struct field *type = FIELD(m, "type");
	const struct source *expected = NULL;
	size_t present = 0;

	if (!*field_text(type))
		field_required(type, "must specify a metric source type");
	field_one_of(type, types);
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		const struct field *f = FIELD(m, sources[i].member);

		if (field_is(type, sources[i].type))
			expected = &sources[i];
		if (field_set(f) && !present++)
			sources[i].check(f);
	}
	if (!expected)
		field_not_supported(type, types);
	else if (!field_set(FIELD(m, expected->member)))
		field_required(FIELD(m, expected->member),
			       "must populate information for the given metric source");
	for (size_t i = 0; i < ARRAY_SIZE(sources) && present != 1; i++)
		if (&sources[i] != expected && field_set(FIELD(m, sources[i].member)))
			field_forbidden(FIELD(m, sources[i].member),
					"must populate the given metric source only");
}

static void check_policy(const struct field *f)
{
	static const char *const types[] = {"Percent", "Pods", NULL};
	const struct field *period = FIELD(f, "periodSeconds");

	field_one_of(FIELD(f, "type"), types);
	field_positive(FIELD(f, "value"));
	field_positive(period);
	if (field_int(period) > PERIOD_MAX)
		field_invalid(period, "must be less than or equal to 1800");
}

static void check_rules(const struct field *f)
{
	static const char *const selects[] = {"Disabled", "Max", "Min", NULL};
	const struct field *window = FIELD(f, "stabilizationWindowSeconds");
	const struct field *policies = FIELD(f, "policies");

	if (!field_set(f))
		return;
	if (field_int(window) < 0)
		field_invalid(window, "must be greater than or equal to zero");
	if (field_int(window) > WINDOW_MAX)
		field_invalid(window, "must be less than or equal to 3600");
	if (field_set(FIELD(f, "selectPolicy")))
		field_one_of(FIELD(f, "selectPolicy"), selects);
	if (!field_size(policies))
		field_required(policies, "must specify at least one Policy");
	field_each (policies, policy)
		check_policy(&policy);
	rule_quantity_not_negative(FIELD(f, "tolerance"));
}

/* What was taken before is taken again; replication controllers are of the core group. */
static enum version_check version_check(const struct field *target, const struct field *old)
{
	if (old && field_same(FIELD(target, "apiVersion"), FIELD(old, "apiVersion")) &&
	    field_same(FIELD(target, "kind"), FIELD(old, "kind")))
		return VERSION_ANY;
	return field_is(FIELD(target, "kind"), "ReplicationController") ? VERSION_WELL_FORMED
									: VERSION_GROUPED;
}

static void validate(const struct field *o, const struct field *old)
{
	const struct field *spec = FIELD(o, "spec"), *metrics = FIELD(spec, "metrics");
	const struct field *min = FIELD(spec, "minReplicas"), *max = FIELD(spec, "maxReplicas");
	const struct field *target = FIELD(spec, "scaleTargetRef");
	bool other = false;

	if (field_set(min) && field_int(min) < 1)
		field_invalid(min, "must be greater than or equal to 1");
	if (!field_int(max))
		field_required(max, "must be set and greater than 0");
	else if (field_int(max) < 0)
		field_invalid(max, "must be greater than or equal to 1");
	if (field_set(min) && field_int(max) < field_int(min))
		field_invalid_int(max, field_int(max),
				  "must be greater than or equal to `minReplicas`");
	check_reference(target,
			version_check(target, old ? FIELD(old, "spec.scaleTargetRef") : NULL));
	field_each (metrics, m) {
		check_metric(&m);
		other = other || field_is(FIELD(&m, "type"), "Object") ||
			field_is(FIELD(&m, "type"), "External");
	}
	if (field_set(min) && !field_int(min) && !other)
		field_forbidden(metrics, "must specify at least one Object or External metric to "
					 "support scaling to zero replicas");
	check_rules(FIELD(spec, "behavior.scaleUp"));
	check_rules(FIELD(spec, "behavior.scaleDown"));
}

static void validate_subresource(const struct field *o, const struct field *old, const char *name)
{
	static const char *const counts[] = {"currentReplicas", "desiredReplicas", NULL};

	if (strcmp(name, "status") == 0)
		rule_counts(FIELD(o, "status"), counts);
	else
		validate(o, old);
}

const struct kind kind_hpa = {
	.group = "autoscaling",
	.kind = "HorizontalPodAutoscaler",
	.set_defaults = set_defaults,
	.prepare = prepare,
	.validate = validate,
	.validate_subresource = validate_subresource,
	.no_generation = true,
	.shown_empty = {"spec.behavior.*.policies"},
};
