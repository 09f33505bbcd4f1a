#include "kinds/builtin.h"
#include "kinds/pod.h"
#include "kinds/fill.h"
#include "kinds/rules.h"
#include "kinds/warn.h"
#include "object/json.h"
#include "object/quantities.h"
#include "object/time.h"

#include <string.h>

static const struct selectable selectable[] = {
	{.field = "spec.nodeName"},
	{.field = "spec.restartPolicy"},
	{.field = "spec.schedulerName"},
	{.field = "spec.serviceAccountName"},
	{.field = "spec.hostNetwork", .zero = "false"},
	{.field = "spec.host", .path = "spec.nodeName"},
	{.field = "status.phase"},
	{.field = "status.podIP"},
	{.field = "status.podIPs", .path = ""},
	{.field = "status.nominatedNodeName"},
	{0},
};

static void check_token_volumes(const struct field *spec)
{
	const struct field *volumes = FIELD(spec, "volumes");

	if (*field_text(FIELD(spec, "serviceAccountName")))
		return;
	field_each (volumes, v) {
		const struct field *sources = FIELD(&v, "projected.sources");

		field_each (sources, s)
			if (field_set(FIELD(&s, "serviceAccountToken")))
				field_forbidden(FIELD(&s, "serviceAccountToken"),
						"must not be specified when serviceAccountName is "
						"not set");
	}
}

/* What holds of a pod at any time. */
void pod_check_whole(const struct field *o)
{
	const struct field *spec = FIELD(o, "spec");
	const struct field *containers = FIELD(spec, "containers");
	const struct field *init = FIELD(spec, "initContainers");

	rule_pod_annotations(FIELD(o, "metadata.annotations"), spec);
	rule_pod_spec(spec, FIELD(o, "metadata"));
	check_token_volumes(spec);
	field_each (containers, c)
		rule_container_image(&c);
	field_each (init, c)
		rule_container_image(&c);
}

bool pod_has_annotation(const struct field *o, const char *key)
{
	return json_object_get(json_path(o->value, "metadata.annotations"), key) != NULL;
}

/* Annotations that say how a pod runs may not change while it does. */
void pod_check_annotation_changes(const struct field *o, const struct field *old)
{
	const struct field *now = FIELD(o, "metadata.annotations");
	const struct field *was = FIELD(old, "metadata.annotations");

	field_each_key (was, a) {
		const struct field *b = FIELD_KEY(now, a.key);

		if (b->value && json_equal(a.value, b->value))
			continue;
		if (str_has_prefix(a.key, APP_ARMOR_PREFIX))
			field_forbidden(b, "may not remove or update AppArmor annotations");
		if (strcmp(a.key, MIRROR_ANNOTATION) == 0)
			field_forbidden(b, "may not remove or update mirror pod annotation");
	}
	field_each_key (now, a) {
		if (json_object_get(was->value, a.key))
			continue;
		if (str_has_prefix(a.key, APP_ARMOR_PREFIX))
			field_forbidden(&a, "may not add AppArmor annotations");
		if (strcmp(a.key, MIRROR_ANNOTATION) == 0)
			field_forbidden(&a, "may not add mirror pod annotation");
	}
	rule_pod_annotations(now, FIELD(o, "spec"));
}

static bool check_container_list(const struct field *list, const struct field *old)
{
	if (field_size(list) != field_size(old)) {
		field_forbidden(list, "pod updates may not add or remove containers");
		return false;
	}
	field_each (list, c) {
		field_require(FIELD(&c, "image"));
		rule_container_image(&c);
	}
	return true;
}

/* False: nothing further is asked. */
static bool check_deadline(const struct field *f, const struct field *old)
{
	size_t before = field_errors_count(f->errors);

	if (!field_set(f)) {
		if (field_set(old))
			field_invalid(f, "must not update from a positive integer to nil value");
		return true;
	}
	field_in_range(f, 0, 0x7fffffff);
	if (field_errors_count(f->errors) == before && field_set(old) &&
	    field_int(old) < field_int(f))
		field_invalid(f, "must be less than or equal to previous value");
	return field_errors_count(f->errors) == before;
}

static bool same_but_seconds(const json_t *a, const json_t *b)
{
	json_t *x json_auto = json_copy((json_t *)a);
	json_t *y json_auto = json_copy((json_t *)b);

	json_object_del(x, "tolerationSeconds");
	json_object_del(y, "tolerationSeconds");
	return json_equal(x, y);
}

static void check_only_added_tolerations(const struct field *f, const struct field *old)
{
	field_each (old, t) {
		bool found = false;

		field_each (f, u)
			found = found || same_but_seconds(t.value, u.value);
		if (!found) {
			field_forbidden(f, "existing toleration can not be modified except its "
					   "tolerationSeconds");
			return;
		}
	}
	rule_tolerations(f);
}

static void check_only_deleted_gates(const struct field *f, const struct field *old)
{
	field_each (f, gate) {
		const char *name = json_path_string(gate.value, "name");
		bool known = false;

		field_each (old, g)
			known = known || strcmp(json_path_string(g.value, "name"), name) == 0;
		if (!known) {
			char *why free_ptr = xasprintf(
				"only deletion is allowed, but found new scheduling gate '%s'",
				name);

			field_forbidden(FIELD(&gate, "name"), why);
		}
	}
}

/* Whether LIST begins with all that OLD has. */
static bool only_added(const json_t *list, const json_t *old)
{
	if (json_array_size(list) < json_array_size(old))
		return false;
	for (size_t i = 0; i < json_array_size(old); i++)
		if (!json_equal(json_array_get(list, i), json_array_get(old, i)))
			return false;
	return true;
}

static void check_gated_affinity(const struct field *spec, const struct field *old)
{
	static const char path[] = "affinity.nodeAffinity."
				   "requiredDuringSchedulingIgnoredDuringExecution."
				   "nodeSelectorTerms";
	const struct field *terms = FIELD(spec, path), *was = FIELD(old, path);

	if (!field_size(was))
		return;
	if (field_size(terms) != field_size(was)) {
		field_invalid(terms, "no additions/deletions to non-empty NodeSelectorTerms list "
				     "are allowed");
		return;
	}
	field_each (terms, t) {
		const json_t *before = json_array_get(was->value, t.index);

		if (!json_object_size(before) && json_object_size(t.value))
			field_invalid(&t, "only additions are allowed (no mutations or deletions)");
		else if (!only_added(json_object_get(t.value, "matchExpressions"),
				     json_object_get(before, "matchExpressions")) ||
			 !only_added(json_object_get(t.value, "matchFields"),
				     json_object_get(before, "matchFields")))
			field_invalid(&t, "only additions are allowed (no mutations or deletions)");
	}
}

/* As long as a pod waits at a gate it may be told more about where it must go. */
static void check_gated(const struct field *spec, const struct field *old)
{
	const struct field *selector = FIELD(spec, "nodeSelector");
	const struct field *was = FIELD(old, "nodeSelector");

	field_each_key (was, label) {
		const json_t *v = json_object_get(selector->value, label.key);

		if (v && json_equal(v, label.value))
			continue;
		field_invalid(selector, "only additions to spec.nodeSelector are allowed "
					"(no mutations or deletions)");
		break;
	}
	check_gated_affinity(spec, old);
}

/* The list with the images of OLD. */
static json_t *with_images(const json_t *list, const json_t *old)
{
	json_t *copy = json_array();
	size_t i;
	json_t *c;

	json_array_foreach ((json_t *)list, i, c) {
		json_t *one = json_copy(c);

		json_object_set(one, "image", json_object_get(json_array_get(old, i), "image"));
		json_array_append_new(copy, one);
	}
	return copy;
}

static void take_node_affinity(json_t *spec, const json_t *old)
{
	const json_t *was = json_object_get(old, "affinity");
	json_t *affinity = json_copy(fill_object(spec, "affinity"));

	json_object_set_new(spec, "affinity", affinity);
	fill_from(affinity, was, "nodeAffinity");
	if (!json_object_size(affinity) && !was)
		json_object_del(spec, "affinity");
}

/* SPEC with all that may change as it was. */
static json_t *unchanged_part(const json_t *spec, const json_t *old)
{
	static const char *const free_to_change[] = {"activeDeadlineSeconds", "tolerations",
						     "schedulingGates"};
	static const char *const lists[] = {"containers", "initContainers"};
	bool gated = json_array_size(json_object_get(old, "schedulingGates"));
	json_t *copy = json_copy((json_t *)spec);

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const json_t *list = json_object_get(spec, lists[i]);

		if (list)
			json_object_set_new(copy, lists[i],
					    with_images(list, json_object_get(old, lists[i])));
	}
	for (size_t i = 0; i < ARRAY_SIZE(free_to_change); i++)
		fill_from(copy, old, free_to_change[i]);
	if (json_path_int(old, "terminationGracePeriodSeconds", 0) < 0 &&
	    json_path_int(spec, "terminationGracePeriodSeconds", 0) == 1)
		fill_from(copy, old, "terminationGracePeriodSeconds");
	if (gated) {
		fill_from(copy, old, "nodeSelector");
		take_node_affinity(copy, old);
	}
	return copy;
}

static void check_update(const struct field *o, const struct field *old)
{
	const struct field *spec = FIELD(o, "spec"), *was = FIELD(old, "spec");
	json_t *rest json_auto = NULL;

	pod_check_whole(o);
	pod_check_annotation_changes(o, old);
	if (!check_container_list(FIELD(spec, "containers"), FIELD(was, "containers")) ||
	    !check_container_list(FIELD(spec, "initContainers"), FIELD(was, "initContainers")))
		return;
	if (!check_deadline(FIELD(spec, "activeDeadlineSeconds"),
			    FIELD(was, "activeDeadlineSeconds")))
		return;
	check_only_added_tolerations(FIELD(spec, "tolerations"), FIELD(was, "tolerations"));
	check_only_deleted_gates(FIELD(spec, "schedulingGates"), FIELD(was, "schedulingGates"));
	if (json_equal(spec->value, was->value))
		return;
	if (field_size(FIELD(was, "schedulingGates")))
		check_gated(spec, was);
	rest = unchanged_part(spec->value, was->value);
	if (!json_equal(rest, was->value))
		field_forbidden(spec,
				"pod updates may not change fields other than "
				"`spec.containers[*].image`,`spec.initContainers[*].image`,`spec."
				"activeDeadlineSeconds`,`spec.tolerations` (only additions to "
				"existing tolerations),`spec.terminationGracePeriodSeconds` (allow "
				"it to be set to 1 if it was previously negative)");
}

static void validate(const struct field *o, const struct field *old)
{
	const struct field *spec = FIELD(o, "spec");

	if (old) {
		check_update(o, old);
		return;
	}
	pod_check_whole(o);
	rule_profile_annotations(FIELD(o, "metadata.annotations"), spec);
	if (field_size(FIELD(spec, "ephemeralContainers")))
		field_forbidden(FIELD(spec, "ephemeralContainers"), "cannot be set on create");
	if (*field_text(FIELD(spec, "nodeName")) && field_size(FIELD(spec, "schedulingGates")))
		field_forbidden(FIELD(spec, "nodeName"),
				"cannot be set until all schedulingGates have been cleared");
}

const json_t *field_named(const struct field *list, const char *name)
{
	field_each (list, item)
		if (strcmp(json_path_string(item.value, "name"), name) == 0)
			return item.value;
	return NULL;
}

static void check_ephemeral(const struct field *o, const struct field *old)
{
	const struct field *list = FIELD(o, "spec.ephemeralContainers");
	const struct field *was = FIELD(old, "spec.ephemeralContainers");

	if (pod_has_annotation(old, MIRROR_ANNOTATION)) {
		field_forbidden(o, "static pods do not support ephemeral containers");
		return;
	}
	pod_check_whole(o);
	field_each (was, c) {
		const char *name = json_path_string(c.value, "name");
		const json_t *now = field_named(list, name);
		char *why free_ptr = NULL;

		if (now && json_equal(now, c.value))
			continue;
		why = xasprintf("existing ephemeral containers \"%s\" may not be %s\n", name,
				now ? "changed" : "removed");
		field_forbidden(list, why);
	}
}

static void validate_subresource(const struct field *o, const struct field *old, const char *name)
{
	if (strcmp(name, "status") == 0)
		pod_check_status(o, old);
	else if (strcmp(name, "ephemeralcontainers") == 0)
		check_ephemeral(o, old);
	else if (strcmp(name, "resize") == 0)
		pod_check_resize(o, old);
	else if (strcmp(name, "binding"))
		validate(o, old);
}

static void warn(const struct field *o, const struct field *old)
{
	if (old)
		return;
	warn_name(o, "this is used in the Pod's hostname, which can result in surprising "
		     "behavior; a DNS label is recommended");
	warn_pod(o, false);
}

const struct kind kind_pod = {
	.group = "",
	.kind = "Pod",
	.set_defaults = pod_set_defaults,
	.prepare_write = pod_prepare_write,
	.validate = validate,
	.warn = warn,
	.validate_subresource = validate_subresource,
	.metadata = METADATA_WHOLE,
	.selectable = selectable,
};
