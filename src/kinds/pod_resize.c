/* What a resize may change: how much cpu and memory a pod's containers ask for. */
#include "kinds/pod.h"

#include "kinds/fill.h"
#include "kinds/rules.h"
#include "object/json.h"

#include <string.h>

/* The resources with the cpu and memory of WAS, to compare the rest. */
static json_t *with_amounts(const json_t *resources, const json_t *was)
{
	static const char *const lists[] = {"limits", "requests"};
	static const char *const names[] = {"cpu", "memory"};
	json_t *result = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		json_t *list = json_deep_copy(json_object_get(resources, lists[i]));
		const json_t *before = json_object_get(was, lists[i]);

		list = list ?: json_object();
		for (size_t j = 0; j < ARRAY_SIZE(names); j++)
			fill_from(list, before, names[j]);
		if (json_object_size(list))
			json_object_set(result, lists[i], list);
		json_decref(list);
	}
	return result;
}

/* Whether only cpu and memory differ. A container that has devices claimed is not to be resized. */
static bool only_amounts(const json_t *resources, const json_t *was)
{
	json_t *rest json_auto = with_amounts(resources, was);
	json_t *none json_auto = json_object();

	return json_equal(rest, was ?: none);
}

static bool removed_any(const struct field *list, const struct field *old)
{
	field_each_key (old, r)
		if (!json_object_get(list->value, r.key))
			return true;
	return false;
}

static void check_removed(const struct field *f, const struct field *old, const char *of)
{
	static const char *const lists[] = {"requests", "limits"}, *const words[] = {"request",
										     "limit"};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const struct field *list = FIELD(f, lists[i]);
		char *why free_ptr = xasprintf("%sresource %ss cannot be removed", of, words[i]);

		if (removed_any(list, FIELD(old, lists[i])))
			field_forbidden(list, why);
	}
}

static bool order_is_kept(const struct field *list, const struct field *old)
{
	char *sizes free_ptr = xasprintf("%s may not be added or removed on resize", list->name);
	char *names free_ptr =
		xasprintf("%s may not be renamed or reordered on resize", list->name);
	bool good = true;

	if (field_size(list) != field_size(old)) {
		field_forbidden(list, sizes);
		return false;
	}
	field_each (list, c)
		if (!field_same(FIELD(&c, "name"), FIELD(FIELD_INDEX(old, c.index), "name"))) {
			field_forbidden(FIELD(&c, "name"), names);
			good = false;
		}
	return good;
}

static void check_init_container(const struct field *c, const struct field *old)
{
	const struct field *policies = FIELD(c, "resizePolicy");

	if (!only_amounts(FIELD(c, "resources")->value, FIELD(old, "resources")->value) ||
	    !field_same(policies, FIELD(old, "resizePolicy")))
		field_forbidden(c, "only cpu and memory resources for init or sidecar containers "
				   "are mutable");
	if (json_equal(c->value, old->value) || field_is(FIELD(c, "restartPolicy"), "Always"))
		return;
	field_each (policies, p)
		if (field_is(FIELD(&p, "restartPolicy"), "RestartContainer"))
			field_forbidden(c, "non-sidecar init containers with a resize policy of "
					   "RestartContainer cannot be resized");
}

static void check_containers(const struct field *spec, const struct field *was)
{
	const struct field *list = FIELD(spec, "containers"), *old = FIELD(was, "containers");
	const struct field *init = FIELD(spec, "initContainers");
	const struct field *old_init = FIELD(was, "initContainers");
	bool kept = order_is_kept(list, old);

	if (!order_is_kept(init, old_init) || !kept)
		return;
	field_each (init, c)
		check_removed(FIELD(&c, "resources"),
			      FIELD(FIELD_INDEX(old_init, c.index), "resources"), "");
	field_each (list, c)
		check_removed(FIELD(&c, "resources"), FIELD(FIELD_INDEX(old, c.index), "resources"),
			      "");
	field_each (list, c) {
		const struct field *before = FIELD_INDEX(old, c.index);

		if (!only_amounts(FIELD(&c, "resources")->value,
				  FIELD(before, "resources")->value) ||
		    !field_same(FIELD(&c, "resizePolicy"), FIELD(before, "resizePolicy")))
			field_forbidden(spec, "only cpu and memory resources are mutable");
	}
	field_each (init, c)
		check_init_container(&c, FIELD_INDEX(old_init, c.index));
}

/* What the pod as a whole asks for. */
static void check_own(const struct field *spec, const struct field *was)
{
	const struct field *own = FIELD(spec, "resources"), *old = FIELD(was, "resources");

	if (field_set(old) && !field_set(own)) {
		field_forbidden(own, "pod-level resources cannot be removed");
		return;
	}
	check_removed(own, old, "pod-level ");
	if (!only_amounts(own->value, old->value))
		field_forbidden(spec, "only cpu and memory resources are mutable at pod-level");
}

/* A node that knows of resizes says what its running containers have. */
static bool node_resizes(const struct field *old)
{
	const struct field *statuses = FIELD(old, "status.containerStatuses");

	field_each (statuses, s)
		if (field_set(FIELD(&s, "state.running")))
			return field_set(FIELD(&s, "resources"));
	return true;
}

void pod_check_resize(const struct field *o, const struct field *old)
{
	const struct field *spec = FIELD(o, "spec"), *was = FIELD(old, "spec");
	const char *class = json_path_string(old->value, "status.qosClass");

	if (pod_has_annotation(old, MIRROR_ANNOTATION)) {
		field_forbidden(o, "static pods cannot be resized");
		return;
	}
	if (field_is(FIELD(was, "os.name"), "windows")) {
		field_forbidden(o, "windows pods cannot be resized");
		return;
	}
	pod_check_whole(o);
	if (strcmp(pod_qos_class(spec->value), *class ? class : pod_qos_class(was->value)))
		field_invalid_text(spec, json_path_string(o->value, "status.qosClass"),
				   "Pod QOS Class may not change as a result of resizing");
	if (!node_resizes(old))
		field_forbidden(spec, "Pod running on node without support for resize");
	check_own(spec, was);
	check_containers(spec, was);
}

/* The containers of WAS with the resources that LIST wants; LIST itself, a new reference, when they
 * are others. */
static json_t *with_resources(json_t *list, const json_t *was)
{
	static const char *const kept[] = {"resources", "resizePolicy"};
	json_t *result = json_deep_copy(was), *c;
	size_t i;

	json_array_foreach (result, i, c) {
		const json_t *wanted = json_array_get(list, i);

		if (strcmp(json_path_string(c, "name"), json_path_string(wanted, "name"))) {
			json_decref(result);
			return json_incref(list);
		}
		for (size_t j = 0; j < ARRAY_SIZE(kept); j++)
			fill_from(c, wanted, kept[j]);
	}
	return result;
}

void pod_prepare_resize(json_t *object, const json_t *old)
{
	static const char *const lists[] = {"containers", "initContainers"};
	const json_t *spec = json_object_get(object, "spec"), *was = json_object_get(old, "spec");
	json_t *result json_auto = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		if (json_array_size(json_object_get(spec, lists[i])) !=
		    json_array_size(json_object_get(was, lists[i])))
			return;
	result = json_deep_copy(was);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		if (json_object_get(was, lists[i]))
			json_object_set_new(result, lists[i],
					    with_resources(json_object_get(spec, lists[i]),
							   json_object_get(was, lists[i])));
	fill_from(result, spec, "resources");
	json_object_set(object, "spec", result);
	pod_keep_metadata(object, old);
}
