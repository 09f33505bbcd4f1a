#include "scheduler/plugin.h"
#include "scheduler/toleration.h"

#include "object/json.h"

#include <string.h>

static const char *text(const json_t *tree, const char *key)
{
	const char *s = json_path_string(tree, key);

	return s ? s : "";
}

static bool tolerates_with(const json_t *t, const char *key, const char *value, const char *effect)
{
	const char *own_key = text(t, "key"), *op = text(t, "operator");

	if (*text(t, "effect") && strcmp(text(t, "effect"), effect) != 0)
		return false;
	if (*own_key && strcmp(own_key, key) != 0)
		return false;
	if (!strcmp(op, "Exists"))
		return true;
	return *own_key && !strcmp(text(t, "value"), value);
}

bool tolerates(const json_t *spec, const char *key, const char *value, const char *effect)
{
	json_t *t;
	size_t k;

	json_array_foreach (json_object_get(spec, "tolerations"), k, t)
		if (tolerates_with(t, key, value, effect))
			return true;
	return false;
}

static void filter(const struct pod_info *pod, const struct node_info *node, struct reasons *why)
{
	json_t *taint;
	size_t k;

	json_array_foreach (json_path(node->tree, "spec.taints"), k, taint) {
		const char *effect = text(taint, "effect");

		if (!strcmp(effect, "PreferNoSchedule") ||
		    tolerates(pod->spec, text(taint, "key"), text(taint, "value"), effect))
			continue;
		reasons_add(why, "node(s) had untolerated taint {%s: %s}", text(taint, "key"),
			    text(taint, "value"));
		return;
	}
}

/* How many taints the pod would rather not meet. */
static int64_t score(const struct pod_info *pod, const struct node_info *node)
{
	int64_t n = 0;
	json_t *taint;
	size_t k;

	json_array_foreach (json_path(node->tree, "spec.taints"), k, taint)
		n += !strcmp(text(taint, "effect"), "PreferNoSchedule") &&
		     !tolerates(pod->spec, text(taint, "key"), text(taint, "value"),
				"PreferNoSchedule");
	return n;
}

const struct plugin plugin_taint_toleration = {.name = "TaintToleration",
					       .filter = filter,
					       .score = score,
					       .scaled = true,
					       .reversed = true};
