/*
 * autoscaling/v1, which knows one metric: the use of cpu. What else an autoscaler says stands in
 * annotations of its v1 form, so that a client that writes that form back loses nothing.
 */
#include "cluster/local/private.h"

#include "base/mem.h"
#include "kinds/kind.h"
#include "object/json.h"

#include <string.h>

#define PREFIX "autoscaling.alpha.kubernetes.io/"
#define PATH(name) "metadata.annotations[" PREFIX name "]"

/* A member of a metric in v1, and where it stands in v2. In the order of v1's structs. */
struct pair {
	const char *old, *new;
	bool always; /* v1 has it even when it is zero */
};

static const struct source {
	const char *name, *type;
	struct pair wanted[6], current[6]; /* of a spec, of a status */
} sources[] = {
	{"object",
	 "Object",
	 {{"target", "describedObject", false},
	  {"metricName", "metric.name", false},
	  {"targetValue", "target.value", true},
	  {"selector", "metric.selector", false},
	  {"averageValue", "target.averageValue", false}},
	 {{"target", "describedObject", false},
	  {"metricName", "metric.name", false},
	  {"currentValue", "current.value", true},
	  {"selector", "metric.selector", false},
	  {"averageValue", "current.averageValue", false}}},
	{"pods",
	 "Pods",
	 {{"metricName", "metric.name", false},
	  {"targetAverageValue", "target.averageValue", true},
	  {"selector", "metric.selector", false}},
	 {{"metricName", "metric.name", false},
	  {"currentAverageValue", "current.averageValue", true},
	  {"selector", "metric.selector", false}}},
	{"resource",
	 "Resource",
	 {{"name", "name", false},
	  {"targetAverageUtilization", "target.averageUtilization", false},
	  {"targetAverageValue", "target.averageValue", false}},
	 {{"name", "name", false},
	  {"currentAverageUtilization", "current.averageUtilization", false},
	  {"currentAverageValue", "current.averageValue", true}}},
	{"containerResource",
	 "ContainerResource",
	 {{"name", "name", false},
	  {"targetAverageUtilization", "target.averageUtilization", false},
	  {"targetAverageValue", "target.averageValue", false},
	  {"container", "container", false}},
	 {{"name", "name", false},
	  {"currentAverageUtilization", "current.averageUtilization", false},
	  {"currentAverageValue", "current.averageValue", true},
	  {"container", "container", false}}},
	{"external",
	 "External",
	 {{"metricName", "metric.name", false},
	  {"metricSelector", "metric.selector", false},
	  {"targetValue", "target.value", false},
	  {"targetAverageValue", "target.averageValue", false}},
	 {{"metricName", "metric.name", false},
	  {"metricSelector", "metric.selector", false},
	  {"currentValue", "current.value", true},
	  {"currentAverageValue", "current.averageValue", false}}},
};

/* An annotation has the members of a struct as Go declares them. */
static json_t *in_order(json_t *object)
{
	static const char *const order[] = {
		"type", "status", "lastTransitionTime", "reason",      "message",
		"kind", "name",	  "apiVersion",		"matchLabels", "matchExpressions"};
	json_t *out = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		if (json_object_get(object, order[i]))
			json_object_set(out, order[i], json_object_get(object, order[i]));
	return out;
}

static bool is_cpu(const json_t *metric)
{
	return strcmp(json_path_string(metric, "type"), "Resource") == 0 &&
	       strcmp(json_path_string(metric, "resource.name"), "cpu") == 0;
}

static json_t *old_metric(const json_t *metric, bool current)
{
	json_t *out = json_pack("{s:s}", "type", json_path_string(metric, "type"));

	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		const json_t *from = json_object_get(metric, sources[i].name);
		json_t *to = from ? json_object() : NULL;

		for (const struct pair *p = current ? sources[i].current : sources[i].wanted;
		     to && p->old; p++) {
			json_t *value = json_path(from, p->new);

			if (value)
				json_object_set_new(to, p->old,
						    json_is_object(value) ? in_order(value)
									  : json_incref(value));
			else if (p->always)
				json_object_set_new(to, p->old, json_string("0"));
		}
		if (to)
			json_object_set_new(out, sources[i].name, to);
	}
	return out;
}

/* What is meant is told by what is given. */
static void set_target_type(json_t *source)
{
	const char *type = json_path(source, "target.averageUtilization") ? "Utilization"
			   : json_path(source, "target.averageValue")	  ? "AverageValue"
									  : "Value";

	json_path_set(source, "target.type", json_string(type));
	if (strcmp(type, "Value"))
		json_path_del(source, "target.value");
}

static json_t *new_metric(const json_t *metric, bool current)
{
	json_t *out = json_pack("{s:s}", "type", json_path_string(metric, "type"));

	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		const json_t *from = json_object_get(metric, sources[i].name);
		json_t *to = from ? json_object() : NULL;

		for (const struct pair *p = current ? sources[i].current : sources[i].wanted;
		     to && p->old; p++) {
			json_t *value = json_object_get(from, p->old);

			if (value)
				json_path_set(to, p->new, json_incref(value));
		}
		if (to && !current)
			set_target_type(to);
		if (to)
			json_object_set_new(out, sources[i].name, to);
	}
	return out;
}

/* The behavior stands as Go prints its own struct: the same names with capitals. */
static const char *const rule_names[][2] = {
	{"StabilizationWindowSeconds", "stabilizationWindowSeconds"},
	{"SelectPolicy", "selectPolicy"},
	{"Policies", "policies"},
	{"Tolerance", "tolerance"},
};
static const char *const policy_names[][2] = {
	{"Type", "type"}, {"Value", "value"}, {"PeriodSeconds", "periodSeconds"}};
static const char *const behavior_names[][2] = {{"ScaleUp", "scaleUp"}, {"ScaleDown", "scaleDown"}};

/* The members of FROM by other names; OLD: as v1 has them, where none is null. */
static json_t *rename_all(const json_t *from, const char *const names[][2], size_t n, bool old)
{
	json_t *to = json_object();

	for (size_t i = 0; i < n; i++) {
		json_t *value = json_object_get(from, names[i][old ? 1 : 0]);

		if (value && !json_is_null(value))
			json_object_set(to, names[i][old ? 0 : 1], value);
		else if (old)
			json_object_set_new(to, names[i][0], json_null());
	}
	return to;
}

static json_t *convert_behavior(const json_t *behavior, bool old)
{
	json_t *out = rename_all(behavior, behavior_names, ARRAY_SIZE(behavior_names), old);
	const char *key;
	json_t *rules, *policy;
	size_t i;

	json_object_foreach (out, key, rules) {
		json_t *renamed, *policies = json_array();

		if (json_is_null(rules)) {
			json_decref(policies);
			continue;
		}
		renamed = rename_all(rules, rule_names, ARRAY_SIZE(rule_names), old);
		json_array_foreach (json_object_get(renamed, rule_names[2][old ? 0 : 1]), i, policy)
			json_array_append_new(policies, rename_all(policy, policy_names,
								   ARRAY_SIZE(policy_names), old));
		json_object_set_new(renamed, rule_names[2][old ? 0 : 1], policies);
		json_object_set_new(out, key, renamed);
	}
	return out;
}

static void annotate(json_t *tree, const char *path, json_t *value)
{
	char *text free_ptr = NULL;

	if (json_is_object(value) || json_array_size(value)) {
		text = json_to_text(value, JSON_COMPACT);
		json_path_set(tree, path, json_string(text));
	}
	json_decref(value);
}

static void show_metrics(json_t *tree)
{
	json_t *others = json_array(), *current = json_array(), *metric, *value;
	size_t i;

	json_array_foreach (json_path(tree, "spec.metrics"), i, metric) {
		value = json_path(metric, "resource.target.averageUtilization");
		if (is_cpu(metric) && value)
			json_path_set(tree, "spec.targetCPUUtilizationPercentage",
				      json_incref(value));
		else
			json_array_append_new(others, old_metric(metric, false));
	}
	json_array_foreach (json_path(tree, "status.currentMetrics"), i, metric) {
		value = json_path(metric, "resource.current.averageUtilization");
		if (is_cpu(metric) && value)
			json_path_set(tree, "status.currentCPUUtilizationPercentage",
				      json_incref(value));
		json_array_append_new(current, old_metric(metric, true));
	}
	annotate(tree, PATH("metrics"), others);
	annotate(tree, PATH("current-metrics"), current);
}

static void show_conditions(json_t *tree)
{
	json_t *shown = json_array(), *condition;
	size_t i;

	json_array_foreach (json_path(tree, "status.conditions"), i, condition)
		json_array_append_new(shown, in_order(condition));
	annotate(tree, PATH("conditions"), shown);
}

void hpa_from_storage(json_t *tree)
{
	static const char *const others[] = {"spec.metrics", "spec.behavior",
					     "status.currentMetrics", "status.conditions"};
	json_t *behavior = json_path(tree, "spec.behavior");

	show_metrics(tree);
	if (json_is_object(behavior))
		annotate(tree, PATH("behavior"), convert_behavior(behavior, true));
	show_conditions(tree);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		json_path_del(tree, others[i]);
	if (!json_path(tree, "status.currentReplicas") && json_path(tree, "status"))
		json_path_set(tree, "status.currentReplicas", json_integer(0));
}

/* The annotation at PATH, which goes, as a tree; NULL: there is none, or it is no JSON. */
static json_t *take_annotation(json_t *tree, const char *path)
{
	const json_t *text = json_path(tree, path);
	json_t *value = json_is_string(text)
				? json_read(json_string_value(text), json_string_length(text), NULL)
				: NULL;

	json_path_del(tree, path);
	return value;
}

/* VALUE at PATH of TREE, where it has the type of R that stands there; else it is forgotten, as
 * what nobody can read. Takes VALUE, which may be NULL. */
static void put_checked(json_t *tree, const struct resource *r, const char *path, json_t *value)
{
	struct field_errors *errors CLEANUP(field_errors_free_cleanup) = field_errors_new();
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	json_t *probe json_auto = json_object();

	if (!value)
		return;
	json_path_set(probe, path, value);
	if (object_check_schema(probe, r, NULL, errors, &err) == 0 && json_path(probe, path))
		json_path_set(tree, path, json_incref(json_path(probe, path)));
}

static json_t *new_metrics(json_t *list, bool current)
{
	json_t *out = json_is_array(list) ? json_array() : NULL, *metric;
	size_t i;

	json_array_foreach (list, i, metric)
		json_array_append_new(out, new_metric(metric, current));
	json_decref(list);
	return out;
}

void hpa_to_storage(json_t *tree)
{
	const struct resource *v2;
	struct catalog *catalog CLEANUP(catalog_unref_cleanup) = catalog_builtin();
	json_t *target json_auto =
		json_incref(json_path(tree, "spec.targetCPUUtilizationPercentage"));
	json_t *behavior json_auto = take_annotation(tree, PATH("behavior"));
	json_t *metrics = new_metrics(take_annotation(tree, PATH("metrics")), false);

	v2 = catalog_find(catalog, "autoscaling", "v2", "horizontalpodautoscalers");
	json_path_del(tree, "spec.targetCPUUtilizationPercentage");
	json_path_del(tree, "status.currentCPUUtilizationPercentage");
	put_checked(tree, v2, "spec.metrics", metrics);
	put_checked(tree, v2, "status.currentMetrics",
		    new_metrics(take_annotation(tree, PATH("current-metrics")), true));
	put_checked(tree, v2, "status.conditions", take_annotation(tree, PATH("conditions")));
	if (json_is_object(behavior))
		put_checked(tree, v2, "spec.behavior", convert_behavior(behavior, false));
	if (!json_object_size(json_path(tree, "metadata.annotations")))
		json_path_del(tree, "metadata.annotations");
	if (!target)
		return;
	if (!json_is_array(json_path(tree, "spec.metrics")))
		json_path_set(tree, "spec.metrics", json_array());
	json_array_append_new(json_path(tree, "spec.metrics"),
			      json_pack("{s:s,s:{s:s,s:{s:s,s:O}}}", "type", "Resource", "resource",
					"name", "cpu", "target", "type", "Utilization",
					"averageUtilization", target));
}
