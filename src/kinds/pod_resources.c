#include "kinds/pod_resources.h"

#include "object/json.h"
#include "object/quantities.h"

#include <string.h>

static void add_init(json_t *sum, const json_t *spec, const char *part)
{
	json_t *staying json_auto = json_object();
	json_t *greatest json_auto = json_object();
	json_t *container;
	size_t i;

	json_array_foreach (json_object_get(spec, "initContainers"), i, container) {
		const json_t *own = json_object_get(json_object_get(container, "resources"), part);
		json_t *then json_auto = json_object();

		if (strcmp(json_path_string(container, "restartPolicy"), "Always") == 0) {
			quantities_add(sum, own);
			quantities_add(staying, own);
		} else {
			quantities_add(then, own);
		}
		quantities_add(then, staying);
		quantities_max(greatest, then);
	}
	quantities_max(sum, greatest);
}

bool resource_is_of_pods(const char *name)
{
	return !strcmp(name, "cpu") || !strcmp(name, "memory") || !strncmp(name, "hugepages-", 10);
}

/* What the pod itself says counts instead of what its containers say. */
static void override(json_t *sum, const json_t *spec, const char *part)
{
	json_t *own = json_object_get(json_path(spec, "resources"), part), *v;
	const char *name;

	json_object_foreach (own, name, v)
		if (resource_is_of_pods(name))
			json_object_set(sum, name, v);
}

json_t *pod_containers_resources(const json_t *spec, const char *part)
{
	json_t *sum = json_object(), *container;
	size_t i;

	json_array_foreach (json_object_get(spec, "containers"), i, container)
		quantities_add(sum, json_object_get(json_object_get(container, "resources"), part));
	add_init(sum, spec, part);
	return sum;
}

static json_t *add_up(const json_t *spec, const char *part)
{
	json_t *sum = pod_containers_resources(spec, part);

	override(sum, spec, part);
	return sum;
}

json_t *pod_requests(const json_t *spec)
{
	return add_up(spec, "requests");
}

json_t *pod_limits(const json_t *spec)
{
	return add_up(spec, "limits");
}

json_t *pod_requests_with_overhead(const json_t *spec)
{
	json_t *sum = pod_requests(spec);

	quantities_add(sum, json_object_get(spec, "overhead"));
	return sum;
}

json_t *pod_limits_with_overhead(const json_t *spec)
{
	json_t *sum = pod_limits(spec);
	json_t *used json_auto = json_deep_copy(sum);
	json_t *more json_auto = NULL;

	quantities_drop_zeros(used);
	more = quantities_mask(json_object_get(spec, "overhead"), used);
	quantities_add(sum, more);
	return sum;
}
