/* What the server makes of a pod before it is checked. */
#include "kinds/pod.h"

#include "base/map.h"
#include "kinds/fill.h"
#include "kinds/rules.h"
#include "object/json.h"
#include "object/quantities.h"
#include "object/time.h"

#include <string.h>

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

void pod_set_defaults(json_t *object)
{
	json_t *spec = json_object_get(object, "spec");

	fill_ips(json_object_get(object, "status"));

	if (!json_is_object(spec))
		return;
	fill_pod_spec(spec);
	fill_pod(spec);
}

/* Guaranteed: limits of both and requests equal to them. */
static void look_at(const json_t *resources, bool *any, bool *guaranteed)
{
	static const char *const names[] = {"cpu", "memory"};
	const json_t *limits = json_object_get(resources, "limits");
	const json_t *requests = json_object_get(resources, "requests");

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct quantity limit = {0}, request = {0};

		quantities_get(limits, names[i], &limit);
		quantities_get(requests, names[i], &request);
		*any = *any || limit.nano || request.nano;
		if (!limit.nano || quantity_compare(&limit, &request))
			*guaranteed = false;
	}
}

const char *pod_qos_class(const json_t *spec)
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

/* Keys of matchLabelKeys become expressions with the pod's own values. */
static void apply_label_keys(json_t *term, const char *member, const char *operator,
			     const json_t * labels)
{
	json_t *selector = json_object_get(term, "labelSelector"), *key;
	size_t i;

	if (!json_is_object(selector))
		return;
	json_array_foreach (json_object_get(term, member), i, key) {
		const json_t *value = json_object_get(labels, json_string_value(key) ?: "");
		json_t *list = json_object_get(selector, "matchExpressions");

		if (!value)
			continue;
		if (!list) {
			list = json_array();
			json_object_set_new(selector, "matchExpressions", list);
		}
		json_array_append_new(list, json_pack("{s:O,s:s,s:[O]}", "key", key,
						      "operator", operator, "values", value));
	}
}

static void apply_affinity_keys(json_t *affinity, const json_t *labels)
{
	static const char required[] = "requiredDuringSchedulingIgnoredDuringExecution";
	static const char preferred[] = "preferredDuringSchedulingIgnoredDuringExecution";
	json_t *term;
	size_t i;

	json_array_foreach (json_object_get(affinity, required), i, term) {
		apply_label_keys(term, "matchLabelKeys", "In", labels);
		apply_label_keys(term, "mismatchLabelKeys", "NotIn", labels);
	}
	json_array_foreach (json_object_get(affinity, preferred), i, term) {
		json_t *of_pods = json_object_get(term, "podAffinityTerm");

		apply_label_keys(of_pods, "matchLabelKeys", "In", labels);
		apply_label_keys(of_pods, "mismatchLabelKeys", "NotIn", labels);
	}
}

static void apply_all_label_keys(json_t *object)
{
	const json_t *labels = json_path(object, "metadata.labels");
	const json_t *spec = json_object_get(object, "spec");
	const json_t *affinity = json_object_get(spec, "affinity");
	json_t *spread = json_object_get(spec, "topologySpreadConstraints"), *constraint;
	size_t i;

	apply_affinity_keys(json_object_get(affinity, "podAffinity"), labels);
	apply_affinity_keys(json_object_get(affinity, "podAntiAffinity"), labels);
	json_array_foreach (spread, i, constraint)
		apply_label_keys(constraint, "matchLabelKeys", "In", labels);
}

/* The profile that an annotation of old names; a new tree, or NULL. */
static json_t *app_armor_profile(const char *annotation)
{
	if (strcmp(annotation, "unconfined") == 0)
		return json_pack("{s:s}", "type", "Unconfined");
	if (strcmp(annotation, "runtime/default") == 0)
		return json_pack("{s:s}", "type", "RuntimeDefault");
	if (str_has_prefix(annotation, "localhost/") && annotation[strlen("localhost/")])
		return json_pack("{s:s,s:s}", "type", "Localhost", "localhostProfile",
				 annotation + strlen("localhost/"));
	return NULL;
}

/* The annotation KEY stands for a field of C. OF_POD: the same of the pod as a whole, or NULL. */
static void apply_annotation(json_t *c, const char *key, const char *annotation,
			     const json_t *of_pod, struct warnings *warnings)
{
	json_t *profile json_auto = app_armor_profile(annotation);

	if (profile && of_pod && json_equal(profile, of_pod))
		return;
	if (profile)
		json_object_set(fill_object(c, "securityContext"), "appArmorProfile", profile);
	if (warnings)
		warnings_add(warnings,
			     "metadata.annotations[%s]: deprecated since v1.30; use the "
			     "\"appArmorProfile\" field instead",
			     key);
}

/* What annotations of old say of containers stands in fields now. */
static void apply_app_armor(json_t *object, struct warnings *warnings)
{
	static const char *const lists[] = {"initContainers", "containers", "ephemeralContainers"};
	const json_t *annotations = json_path(object, "metadata.annotations");
	const struct field said = field_root(annotations, NULL);
	json_t *spec = json_object_get(object, "spec"), *c;
	const json_t *of_pod = json_path(spec, "securityContext.appArmorProfile");
	size_t j;

	if (!field_has_key_of(&said, APP_ARMOR_PREFIX) ||
	    strcmp(json_path_string(spec, "os.name"), "windows") == 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		json_array_foreach (json_object_get(spec, lists[i]), j, c) {
			char *key free_ptr =
				xasprintf(APP_ARMOR_PREFIX "%s", json_path_string(c, "name"));
			const json_t *annotation = json_object_get(annotations, key);

			if (annotation && !json_path(c, "securityContext.appArmorProfile"))
				apply_annotation(c, key, json_string_value(annotation) ?: "",
						 of_pod, warnings);
		}
}

static void prepare_new(json_t *object, int64_t now, struct warnings *warnings)
{
	json_t *status = json_pack("{s:s,s:s}", "phase", "Pending", "qosClass",
				   pod_qos_class(json_object_get(object, "spec")));
	char time[TIME_TEXT];

	if (json_array_size(json_path(object, "spec.schedulingGates")))
		json_object_set_new(
			status, "conditions",
			json_pack("[{s:s,s:s,s:s,s:s,s:s}]", "type", "PodScheduled", "status",
				  "False", "reason", "SchedulingGated", "message",
				  "Scheduling is blocked due to non-empty scheduling gates",
				  "lastTransitionTime", time_format(now, time)));
	json_object_set_new(object, "status", status);
	apply_all_label_keys(object);
	apply_app_armor(object, warnings);
}

/* A status that does not say which generation it is of is of the same as before. */
static void keep_observed_generations(json_t *status, const json_t *old)
{
	struct map *met = map_new();
	json_t *c;
	size_t i;

	if (!json_path_int(status, "observedGeneration", 0) &&
	    json_object_get(old, "observedGeneration"))
		json_object_set(status, "observedGeneration",
				json_object_get(old, "observedGeneration"));
	json_array_foreach (json_object_get(old, "conditions"), i, c)
		if (!map_get(met, json_path_string(c, "type")))
			map_put(met, json_path_string(c, "type"), c);
	json_array_foreach (json_object_get(status, "conditions"), i, c) {
		const json_t *before = map_get(met, json_path_string(c, "type"));
		json_t *was = json_object_get(before, "observedGeneration");

		if (!json_path_int(c, "observedGeneration", 0) && was)
			json_object_set(c, "observedGeneration", was);
	}
	map_free(met, NULL);
}

void pod_keep_metadata(json_t *object, const json_t *old)
{
	static const char *const kept[] = {"annotations", "finalizers", "labels",
					   "ownerReferences"};
	json_t *metadata = fill_object(object, "metadata");

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		fill_from(metadata, json_object_get(old, "metadata"), kept[i]);
}

static void prepare_ephemeral(json_t *object, const json_t *old)
{
	json_t *spec = json_deep_copy(json_object_get(old, "spec"));

	fill_from(spec, json_object_get(object, "spec"), "ephemeralContainers");
	json_object_set_new(object, "spec", spec);
	pod_keep_metadata(object, old);
}

void pod_prepare_write(json_t *object, const json_t *old, const struct write_facts *facts)
{
	json_t *status = json_object_get(object, "status");
	const json_t *was = json_object_get(old, "status");

	if (!old) {
		prepare_new(object, facts->now, facts->warnings);
		return;
	}
	if (!facts->subresource)
		return;
	if (strcmp(facts->subresource, "resize") == 0)
		pod_prepare_resize(object, old);
	if (strcmp(facts->subresource, "ephemeralcontainers") == 0)
		prepare_ephemeral(object, old);
	if (strcmp(facts->subresource, "status"))
		return;
	if (!*json_path_string(status, "qosClass") && json_object_get(was, "qosClass"))
		json_object_set(fill_object(object, "status"), "qosClass",
				json_object_get(was, "qosClass"));
	keep_observed_generations(json_object_get(object, "status"), was);
}
