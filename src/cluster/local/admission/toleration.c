/*
 * Tolerations that pods get by themselves: for a while of a node that fails, and of the nodes that
 * are set apart for an extended resource which the pod asks for.
 */
#include "cluster/local/admission/plugins.h"

#include "kinds/pod_resources.h"
#include "object/json.h"

#include <string.h>

#define TOLERATION_S 300

static bool tolerates(const json_t *tolerations, const char *key)
{
	json_t *t;
	size_t i;

	json_array_foreach (tolerations, i, t) {
		const char *own = json_path_string(t, "key");
		const char *effect = json_path_string(t, "effect");

		if ((!*own || strcmp(own, key) == 0) &&
		    (!*effect || strcmp(effect, "NoExecute") == 0))
			return true;
	}
	return false;
}

static int admit_seconds(struct admission *a, struct error **err)
{
	static const char *const keys[] = {"node.kubernetes.io/not-ready",
					   "node.kubernetes.io/unreachable"};
	json_t *tolerations = admission_array(a->object, "spec.tolerations");
	bool has[ARRAY_SIZE(keys)];

	/* Both are looked for among those that the pod came with. */
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		has[i] = tolerates(tolerations, keys[i]);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (!has[i])
			json_array_append_new(tolerations,
					      json_pack("{s:s, s:s, s:s, s:i}", "key", keys[i],
							"operator", "Exists", "effect", "NoExecute",
							"tolerationSeconds", TOLERATION_S));
	return 0;
}

const struct admission_plugin admission_default_toleration_seconds = {
	.name = "DefaultTolerationSeconds",
	.operations = ADMIT_CREATE | ADMIT_UPDATE,
	.resources = {"pods"},
	.admit = admit_seconds,
};

/* One of the same key and effect is replaced: it may say less. */
static void add_for_resource(json_t *tolerations, const char *resource)
{
	json_t *want = json_pack("{s:s, s:s, s:s}", "key", resource, "operator", "Exists", "effect",
				 "NoSchedule");
	json_t *t;
	size_t i;

	json_array_foreach (tolerations, i, t)
		if (strcmp(json_path_string(t, "key"), resource) == 0 &&
		    strcmp(json_path_string(t, "effect"), "NoSchedule") == 0) {
			json_array_set_new(tolerations, i, want);
			return;
		}
	json_array_append_new(tolerations, want);
}

static bool collect(void *arg, json_t *container, const char *list, size_t index)
{
	json_t *found = arg, *quantity;
	const char *name;

	if (strcmp(list, "ephemeralContainers"))
		json_object_foreach (json_path(container, "resources.requests"), name, quantity)
			if (resource_is_extended(name))
				json_object_set_new(found, name, json_true());
	return true;
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int admit_extended(struct admission *a, struct error **err)
{
	json_t *found json_auto = json_object();
	VEC(const char *) names = VEC_INIT;
	const char *name;
	json_t *v;

	admission_each_container(json_object_get(a->object, "spec"), collect, found);
	json_object_foreach (found, name, v)
		vec_push(&names, name);
	if (names.n)
		qsort(names.v, names.n, sizeof(*names.v), compare_text);
	vec_each (&names, p)
		add_for_resource(admission_array(a->object, "spec.tolerations"), *p);
	vec_release(&names);
	return 0;
}

const struct admission_plugin admission_extended_resource_toleration = {
	.name = "ExtendedResourceToleration",
	.off = true,
	.operations = ADMIT_CREATE | ADMIT_UPDATE,
	.resources = {"pods"},
	.admit = admit_extended,
};
