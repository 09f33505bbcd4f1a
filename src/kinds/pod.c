#include "kinds/builtin.h"
#include "kinds/fill.h"
#include "kinds/rules.h"
#include "kinds/warn.h"
#include "object/json.h"

#include <string.h>

static const struct selectable selectable[] = {
	{.field = "spec.nodeName"},
	{.field = "spec.restartPolicy"},
	{.field = "spec.schedulerName"},
	{.field = "spec.serviceAccountName"},
	{.field = "spec.hostNetwork"},
	{.field = "status.phase"},
	{.field = "status.podIP"},
	{.field = "status.nominatedNodeName"},
	{0},
};

/* podIP is the first of podIPs, and counts. */
static void fill_ips(json_t *status)
{
	json_t *ip = json_object_get(status, "podIP"), *ips = json_object_get(status, "podIPs");

	if (!json_string_length(ip)) {
		if (json_array_size(ips))
			json_object_set_new(
				status, "podIP",
				json_string(json_path_string(json_array_get(ips, 0), "ip")));
		return;
	}
	if (strcmp(json_path_string(json_array_get(ips, 0), "ip"), json_string_value(ip)))
		json_object_set_new(status, "podIPs", json_pack("[{s:O}]", "ip", ip));
}

static void set_defaults(json_t *object)
{
	json_t *spec = json_object_get(object, "spec");

	fill_ips(json_object_get(object, "status"));

	if (!json_is_object(spec))
		return;
	fill_pod_spec(spec);
	fill_pod(spec);
}

static bool is_zero(const char *text)
{
	struct quantity q;

	return quantity_parse(text, &q, NULL) < 0 || q.nano == 0;
}

/* Guaranteed: limits of both and requests equal to them. */
static void look_at(const json_t *resources, bool *any, bool *guaranteed)
{
	static const char *const names[] = {"cpu", "memory"};
	const json_t *limits = json_object_get(resources, "limits");
	const json_t *requests = json_object_get(resources, "requests");

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *limit = json_path_string(limits, names[i]);
		const char *request = json_path_string(requests, names[i]);

		*any = *any || !is_zero(limit) || !is_zero(request);
		if (is_zero(limit) || strcmp(limit, request))
			*guaranteed = false;
	}
}

static const char *qos_class(const json_t *spec)
{
	static const char *const lists[] = {"containers", "initContainers"};
	const json_t *own = json_object_get(spec, "resources");
	bool any = false, guaranteed = true;
	size_t j;
	json_t *c;

	if (json_object_size(own))
		look_at(own, &any, &guaranteed);
	for (size_t i = 0; !json_object_size(own) && i < ARRAY_SIZE(lists); i++)
		json_array_foreach (json_object_get(spec, lists[i]), j, c)
			look_at(json_object_get(c, "resources"), &any, &guaranteed);
	return !any ? "BestEffort" : guaranteed ? "Guaranteed" : "Burstable";
}

static void prepare(json_t *object, const json_t *old)
{
	const json_t *qos = json_path(old, "status.qosClass");

	if (old) {
		if (qos && !*json_path_string(object, "status.qosClass"))
			json_path_set(object, "status.qosClass", json_deep_copy(qos));
		return;
	}
	json_object_set_new(object, "status",
			    json_pack("{s:s,s:s}", "phase", "Pending", "qosClass",
				      qos_class(json_object_get(object, "spec"))));
}

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
static void check_whole(const struct field *o)
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

static bool has_annotation(const struct field *o, const char *key)
{
	return json_object_get(json_path(o->value, "metadata.annotations"), key) != NULL;
}

static const char mirror[] = "kubernetes.io/config.mirror";
static const char app_armor[] = "container.apparmor.security.beta.kubernetes.io/";

/* Annotations that say how a pod runs may not change while it does. */
static void check_annotation_changes(const struct field *o, const struct field *old)
{
	const struct field *now = FIELD(o, "metadata.annotations");
	const struct field *was = FIELD(old, "metadata.annotations");

	field_each_key (was, a) {
		const struct field *b = FIELD_KEY(now, a.key);

		if (b->value && json_equal(a.value, b->value))
			continue;
		if (str_has_prefix(a.key, app_armor))
			field_forbidden(b, "may not remove or update AppArmor annotations");
		if (strcmp(a.key, mirror) == 0)
			field_forbidden(b, "may not remove or update mirror pod annotation");
	}
	field_each_key (now, a) {
		if (json_object_get(was->value, a.key))
			continue;
		if (str_has_prefix(a.key, app_armor))
			field_forbidden(&a, "may not add AppArmor annotations");
		if (strcmp(a.key, mirror) == 0)
			field_forbidden(&a, "may not add mirror pod annotation");
	}
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

static void check_deadline(const struct field *f, const struct field *old)
{
	if (!field_set(f)) {
		if (field_set(old))
			field_invalid(f, "must not update from a positive integer to nil value");
		return;
	}
	field_in_range(f, 0, 0x7fffffff);
	if (field_set(old) && field_int(old) < field_int(f))
		field_invalid(f, "must be less than or equal to previous value");
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
		if (!found)
			field_forbidden(f, "existing toleration can not be modified except its "
					   "tolerationSeconds");
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

		if (!v || !json_equal(v, label.value))
			field_invalid(selector, "only additions to spec.nodeSelector are allowed "
						"(no mutations or deletions)");
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

static void take_from(json_t *spec, const json_t *old, const char *key)
{
	json_t *v = json_object_get(old, key);

	if (v)
		json_object_set(spec, key, v);
	else
		json_object_del(spec, key);
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
		take_from(copy, old, free_to_change[i]);
	if (json_path_int(old, "terminationGracePeriodSeconds", 0) < 0 &&
	    json_path_int(spec, "terminationGracePeriodSeconds", 0) == 1)
		take_from(copy, old, "terminationGracePeriodSeconds");
	if (gated) {
		take_from(copy, old, "nodeSelector");
		if (json_path(spec, "affinity.nodeAffinity") ||
		    json_path(old, "affinity.nodeAffinity"))
			take_from(copy, old, "affinity");
	}
	return copy;
}

static void check_update(const struct field *o, const struct field *old)
{
	const struct field *spec = FIELD(o, "spec"), *was = FIELD(old, "spec");
	json_t *rest json_auto = NULL;

	check_whole(o);
	check_annotation_changes(o, old);
	if (!check_container_list(FIELD(spec, "containers"), FIELD(was, "containers")) ||
	    !check_container_list(FIELD(spec, "initContainers"), FIELD(was, "initContainers")))
		return;
	check_deadline(FIELD(spec, "activeDeadlineSeconds"), FIELD(was, "activeDeadlineSeconds"));
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
	check_whole(o);
	if (field_size(FIELD(spec, "ephemeralContainers")))
		field_forbidden(FIELD(spec, "ephemeralContainers"), "cannot be set on create");
	if (*field_text(FIELD(spec, "nodeName")) && field_size(FIELD(spec, "schedulingGates")))
		field_forbidden(FIELD(spec, "nodeName"),
				"cannot be set until all schedulingGates have been cleared");
}

static const json_t *named(const struct field *list, const char *name)
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

	check_whole(o);
	check_annotation_changes(o, old);
	if (has_annotation(old, mirror)) {
		field_forbidden(o, "static pods do not support ephemeral containers");
		return;
	}
	field_each (was, c) {
		const char *name = json_path_string(c.value, "name");
		const json_t *now = named(list, name);
		char *why free_ptr = NULL;

		if (now && json_equal(now, c.value))
			continue;
		why = xasprintf("existing ephemeral containers \"%s\" may not be %s\n", name,
				now ? "changed" : "removed");
		field_forbidden(list, why);
	}
}

static bool removed_any(const struct field *list, const struct field *old)
{
	field_each_key (old, r)
		if (!json_object_get(list->value, r.key))
			return true;
	return false;
}

/* The container with the cpu and memory of OLD. */
static json_t *with_amounts(const json_t *container, const json_t *old)
{
	static const char *const lists[] = {"limits", "requests"};
	static const char *const names[] = {"cpu", "memory"};
	json_t *copy = json_deep_copy(container);
	json_t *resources = fill_object(copy, "resources");

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		json_t *list = fill_object(resources, lists[i]);
		const json_t *was = json_object_get(json_path(old, "resources"), lists[i]);

		for (size_t j = 0; j < ARRAY_SIZE(names); j++)
			take_from(list, was, names[j]);
		if (!json_object_size(list) && !was)
			json_object_del(resources, lists[i]);
	}
	return copy;
}

static bool check_resized_list(const struct field *list, const struct field *old, bool *other)
{
	if (field_size(list) != field_size(old)) {
		char *why free_ptr =
			xasprintf("%s may not be added or removed on resize", list->name);

		field_forbidden(list, why);
		return false;
	}
	field_each (list, c) {
		const struct field *was = FIELD_INDEX(old, c.index);
		json_t *rest json_auto = with_amounts(c.value, was->value);

		if (!field_same(FIELD(&c, "name"), FIELD(was, "name"))) {
			char *why free_ptr = xasprintf(
				"%s may not be renamed or reordered on resize", list->name);

			field_forbidden(FIELD(&c, "name"), why);
			return false;
		}
		if (removed_any(FIELD(&c, "resources.requests"), FIELD(was, "resources.requests")))
			field_forbidden(FIELD(&c, "resources.requests"),
					"resource requests cannot be removed");
		if (removed_any(FIELD(&c, "resources.limits"), FIELD(was, "resources.limits")))
			field_forbidden(FIELD(&c, "resources.limits"),
					"resource limits cannot be removed");
		*other = *other || !json_equal(rest, was->value);
	}
	return true;
}

static void check_resize(const struct field *o, const struct field *old)
{
	const struct field *spec = FIELD(o, "spec"), *was = FIELD(old, "spec");
	json_t *a json_auto = json_copy((json_t *)spec->value);
	json_t *b json_auto = json_copy((json_t *)was->value);
	static const char *const apart[] = {"containers", "initContainers", "resources"};
	bool other = false;

	check_whole(o);
	if (has_annotation(old, mirror)) {
		field_forbidden(o, "static pods cannot be resized");
		return;
	}
	if (field_is(FIELD(was, "os.name"), "windows")) {
		field_forbidden(o, "windows pods cannot be resized");
		return;
	}
	if (strcmp(qos_class(spec->value), json_path_string(old->value, "status.qosClass")))
		field_invalid_text(spec, json_path_string(o->value, "status.qosClass"),
				   "Pod QOS Class may not change as a result of resizing");
	if (!check_resized_list(FIELD(spec, "containers"), FIELD(was, "containers"), &other) ||
	    !check_resized_list(FIELD(spec, "initContainers"), FIELD(was, "initContainers"),
				&other))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(apart); i++) {
		json_object_del(a, apart[i]);
		json_object_del(b, apart[i]);
	}
	if (other || !json_equal(a, b))
		field_forbidden(spec, "only cpu and memory resources are mutable");
}

/* A container that has ended begins again only as its pod's restart policy says. */
static void check_transitions(const struct field *f, const struct field *old, const char *policy,
			      bool ephemeral)
{
	field_each (old, was) {
		const json_t *ended = json_path(was.value, "state.terminated");
		const json_t *now = named(f, json_path_string(was.value, "name"));
		bool failed = json_path_int(ended, "exitCode", 0) != 0;

		if (!ended || !now || json_path(now, "state.terminated"))
			continue;
		if (!ephemeral &&
		    (strcmp(policy, "Always") == 0 || (failed && strcmp(policy, "OnFailure") == 0)))
			continue;
		field_forbidden(FIELD(FIELD_INDEX(f, was.index), "state"),
				"may not be transitioned to non-terminated state");
	}
}

static void check_conditions(const struct field *f)
{
	static const char *const own[] = {"PodScheduled", "Ready", "Initialized", NULL};

	field_each (f, c) {
		const char *type = json_path_string(c.value, "type");

		if (field_int(FIELD(&c, "observedGeneration")) < 0)
			field_invalid(FIELD(&c, "observedGeneration"),
				      "must be a non-negative integer");
		if (!text_is_one_of(type, own))
			field_check_text(FIELD(&c, "Type"), type, name_qualified);
	}
}

static void check_ips(const struct field *f)
{
	unsigned families[3] = {0};

	field_each (f, ip) {
		struct field told = ip;

		told.value = json_object_get(ip.value, "ip");
		rule_ip_legacy(&told);
		families[ip_family_of(field_text(&told))]++;
	}
	if (families[IP_V4] > 1 || families[IP_V6] > 1)
		field_invalid(f, "may specify no more than one IP for each IP family");
}

static void check_status(const struct field *o, const struct field *old)
{
	const struct field *s = FIELD(o, "status"), *was = FIELD(old, "status");
	const char *policy = json_path_string(old->value, "spec.restartPolicy");
	const struct field *nominated = FIELD(s, "nominatedNodeName");
	const struct field *host = FIELD(s, "hostIPs");

	rule_pod_annotations(FIELD(o, "metadata.annotations"), FIELD(o, "spec"));
	check_annotation_changes(o, old);
	check_conditions(FIELD(s, "conditions"));
	if (*field_text(nominated) && !field_same(nominated, FIELD(was, "nominatedNodeName"))) {
		field_check(nominated, name_dns_subdomain);
		if (*json_path_string(old->value, "spec.nodeName"))
			field_forbidden(nominated,
					"may not be set on pods that are already bound to a node");
	}
	if (field_int(FIELD(s, "observedGeneration")) < 0)
		field_invalid(FIELD(s, "observedGeneration"), "must be a non-negative integer");
	field_immutable(FIELD(s, "qosClass"), FIELD(was, "qosClass"));
	check_transitions(FIELD(s, "containerStatuses"), FIELD(was, "containerStatuses"), policy,
			  false);
	check_transitions(FIELD(s, "initContainerStatuses"), FIELD(was, "initContainerStatuses"),
			  policy, false);
	check_transitions(FIELD(s, "ephemeralContainerStatuses"),
			  FIELD(was, "ephemeralContainerStatuses"), policy, true);
	check_ips(FIELD(s, "podIPs"));
	if (field_size(host) && !field_same(FIELD(s, "hostIP"), FIELD(FIELD_INDEX(host, 0), "ip")))
		field_invalid(FIELD(FIELD_INDEX(host, 0), "ip"), "must be equal to `hostIP`");
	check_ips(host);
}

static void validate_subresource(const struct field *o, const struct field *old, const char *name)
{
	if (strcmp(name, "status") == 0)
		check_status(o, old);
	else if (strcmp(name, "ephemeralcontainers") == 0)
		check_ephemeral(o, old);
	else if (strcmp(name, "resize") == 0)
		check_resize(o, old);
	else if (strcmp(name, "binding"))
		validate(o, old);
}

static void warn(const struct field *o, const struct field *old)
{
	if (!old)
		warn_name(o, "this is used in the Pod's hostname, which can result in surprising "
			     "behavior; a DNS label is recommended");
	warn_pod(o, false);
}

const struct kind kind_pod = {
	.group = "",
	.kind = "Pod",
	.set_defaults = set_defaults,
	.prepare = prepare,
	.validate = validate,
	.warn = warn,
	.validate_subresource = validate_subresource,
	.metadata = METADATA_WHOLE,
	.selectable = selectable,
};
