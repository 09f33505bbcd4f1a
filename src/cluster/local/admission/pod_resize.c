/*
 * A pod that is bound is not resized to more than its node can ever give, and only on Linux.
 */
#include "cluster/local/admission/plugins.h"

#include "base/mem.h"
#include "kinds/pod_resources.h"
#include "object/json.h"
#include "object/quantities.h"

#include <inttypes.h>
#include <string.h>

static int refuse(const struct admission *a, const char *cause, const char *why, struct error **err)
{
	struct error *refusal = NULL;

	admission_forbid(a, &refusal, "%s", why);
	error_add_cause(refusal, cause, "", "%s", "");
	return error_move(err, refusal);
}

static struct quantity amount(const json_t *list, const char *name)
{
	struct quantity q = {0};

	quantities_get(list, name, &q);
	return q;
}

static int check_room(const struct admission *a, const json_t *node, struct error **err)
{
	json_t *wanted json_auto = pod_requests_with_overhead(json_object_get(a->object, "spec"));
	const json_t *given = json_path(node, "status.allocatable");
	struct quantity cpu = amount(wanted, "cpu"), all_cpu = amount(given, "cpu");
	struct quantity memory = amount(wanted, "memory"), all_memory = amount(given, "memory");
	struct str text CLEANUP(str_release) = STR_INIT;

	if (quantity_compare(&cpu, &all_cpu) > 0)
		str_addf(&text, "cpu, requested: %" PRIi64 ", allocatable: %" PRIi64,
			 quantity_milli_value(&cpu), quantity_milli_value(&all_cpu));
	if (quantity_compare(&memory, &all_memory) > 0)
		str_addf(&text, "%smemory, requested: %" PRIi64 ", allocatable: %" PRIi64,
			 text.len ? "; " : "", quantity_value(&memory),
			 quantity_value(&all_memory));
	if (!text.len)
		return 0;
	char *why free_ptr = xasprintf("node didn't have enough allocatable resources: %s", text.s);

	return refuse(a, "NodeCapacity", why, err);
}

static int validate(struct admission *a, struct error **err)
{
	const char *name = json_path_string(a->object, "spec.nodeName");
	const json_t *node, *system;

	if (!*name ||
	    json_equal(json_object_get(a->object, "spec"), json_object_get(a->old, "spec")))
		return 0;
	node = admission_get(a, "", "nodes", "", name, NULL);
	if (!node)
		return admission_forbid(a, err, "node \"%s\" not found", name);
	system = json_object_get(json_path(node, "metadata.labels"), "kubernetes.io/os");
	if (system && strcmp(json_string_value(system) ?: "", "linux")) {
		char *why free_ptr = xasprintf("pod resize is only supported on linux nodes, node "
					       "\"%s\" is \"%s\"",
					       name, json_string_value(system) ?: "");

		return refuse(a, "UnsupportedPlatform", why, err);
	}
	return check_room(a, node, err);
}

const struct admission_plugin admission_pod_resize = {
	.name = "PodResizeValidator",
	.operations = ADMIT_UPDATE,
	.resources = {"pods/resize"},
	.validate = validate,
};
