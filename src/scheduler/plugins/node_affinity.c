/* spec.nodeSelector and spec.affinity.nodeAffinity. */
#include "scheduler/plugin.h"

#include "object/json.h"

#include <stdlib.h>
#include <string.h>

#define REQUIRED "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"
#define PREFERRED "affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution"

static bool is_in(json_t *values, const char *value)
{
	json_t *v;
	size_t k;

	json_array_foreach (values, k, v)
		if (json_is_string(v) && !strcmp(json_string_value(v), value))
			return true;
	return false;
}

static bool compares(const char *value, json_t *values, bool greater)
{
	const char *text = json_string_value(json_array_get(values, 0));
	char *end_a, *end_b;
	long long a, b;

	if (!value || !text)
		return false;
	a = strtoll(value, &end_a, 10);
	b = strtoll(text, &end_b, 10);
	if (*end_a || *end_b || end_a == value || end_b == text)
		return false;
	return greater ? a > b : a < b;
}

static bool requirement_holds(const json_t *requirement, const char *value)
{
	const char *op = json_path_string(requirement, "operator");
	json_t *values = json_object_get(requirement, "values");

	if (!*op)
		return false;
	if (!strcmp(op, "In"))
		return value && is_in(values, value);
	if (!strcmp(op, "NotIn"))
		return !value || !is_in(values, value);
	if (!strcmp(op, "Exists"))
		return value != NULL;
	if (!strcmp(op, "DoesNotExist"))
		return value == NULL;
	return compares(value, values, !strcmp(op, "Gt"));
}

static bool requirements_hold(json_t *list, const json_t *labels)
{
	json_t *requirement;
	size_t k;

	json_array_foreach (list, k, requirement) {
		const char *key = json_path_string(requirement, "key");
		json_t *value = key ? json_object_get(labels, key) : NULL;

		if (!requirement_holds(requirement, json_string_value(value)))
			return false;
	}
	return true;
}

/* An empty term selects nothing. */
static bool term_holds(const json_t *term, const struct node_info *node)
{
	json_t *expressions = json_object_get(term, "matchExpressions");
	json_t *fields = json_object_get(term, "matchFields");
	json_t *own json_auto = json_pack("{s:s}", "metadata.name", node->name);

	if (!json_array_size(expressions) && !json_array_size(fields))
		return false;
	return requirements_hold(expressions, json_path(node->tree, "metadata.labels")) &&
	       requirements_hold(fields, own);
}

static bool selector_holds(const struct pod_info *pod, const struct node_info *node)
{
	json_t *labels = json_path(node->tree, "metadata.labels"), *wanted;
	const char *key;

	json_object_foreach (json_object_get(pod->spec, "nodeSelector"), key, wanted)
		if (!json_equal(json_object_get(labels, key), wanted))
			return false;
	return true;
}

static bool required_holds(const struct pod_info *pod, const struct node_info *node)
{
	json_t *required = json_path(pod->spec, REQUIRED), *term;
	size_t k;

	if (!required)
		return true;
	json_array_foreach (json_object_get(required, "nodeSelectorTerms"), k, term)
		if (term_holds(term, node))
			return true;
	return false;
}

static void filter(const struct pod_info *pod, const struct node_info *node, struct reasons *why)
{
	if (!selector_holds(pod, node) || !required_holds(pod, node))
		reasons_add(why, "node(s) didn't match Pod's node affinity/selector");
}

static int64_t score(const struct pod_info *pod, const struct node_info *node)
{
	int64_t total = 0;
	json_t *term;
	size_t k;

	json_array_foreach (json_path(pod->spec, PREFERRED), k, term)
		if (term_holds(json_object_get(term, "preference"), node))
			total += json_path_int(term, "weight", 0);
	return total;
}

const struct plugin plugin_node_affinity = {
	.name = "NodeAffinity", .filter = filter, .score = score, .scaled = true};
