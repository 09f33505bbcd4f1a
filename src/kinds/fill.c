#include "kinds/fill.h"

#include "base/mem.h"
#include "kinds/image_name.h"
#include "kinds/pod_resources.h"
#include "object/json.h"

#include <string.h>

void fill_value(json_t *object, const char *key, json_t *value)
{
	const json_t *there = json_object_get(object, key);

	if (!there || json_is_null(there) || (json_is_string(there) && !json_string_length(there)))
		json_object_set_new(object, key, value);
	else
		json_decref(value);
}

void fill_text(json_t *object, const char *key, const char *value)
{
	fill_value(object, key, json_string(value));
}

void fill_optional(json_t *object, const char *key, const char *value)
{
	const json_t *there = json_object_get(object, key);

	if (!there || json_is_null(there))
		json_object_set_new(object, key, json_string(value));
}

void fill_int(json_t *object, const char *key, json_int_t value)
{
	fill_value(object, key, json_integer(value));
}

void fill_bool(json_t *object, const char *key, bool value)
{
	fill_value(object, key, json_boolean(value));
}

void fill_from(json_t *object, const json_t *old, const char *key)
{
	json_t *v = json_object_get(old, key);

	if (v)
		json_object_set(object, key, v);
	else
		json_object_del(object, key);
}

json_t *fill_object(json_t *object, const char *key)
{
	if (!json_is_object(json_object_get(object, key)))
		json_object_set_new(object, key, json_object());
	return json_object_get(object, key);
}

json_t *fill_spec(json_t *object)
{
	return fill_object(object, "spec");
}

/* The newest is wanted each time. */
static const char *pull_policy(const char *image)
{
	return image_is_latest(image) ? "Always" : "IfNotPresent";
}

/* Of a probe nothing counts as 0. */
static void fill_probe(json_t *probe)
{
	static const struct {
		const char *name;
		json_int_t value;
	} numbers[] = {{"timeoutSeconds", 1},
		       {"periodSeconds", 10},
		       {"successThreshold", 1},
		       {"failureThreshold", 3}};

	if (!json_is_object(probe))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (!json_integer_value(json_object_get(probe, numbers[i].name)))
			json_object_set_new(probe, numbers[i].name, json_integer(numbers[i].value));
}

static const char *const container_lists[] = {"containers", "initContainers",
					      "ephemeralContainers"};

static void fill_containers(json_t *list)
{
	size_t i;
	json_t *c;

	json_array_foreach (list, i, c) {
		if (!json_is_object(c))
			continue;
		fill_text(c, "imagePullPolicy", pull_policy(json_path_string(c, "image")));
		fill_probe(json_object_get(c, "livenessProbe"));
		fill_probe(json_object_get(c, "readinessProbe"));
		fill_probe(json_object_get(c, "startupProbe"));
	}
}

static void fill_volumes(json_t *volumes)
{
	json_t *v, *image, *template;
	size_t i;

	json_array_foreach (volumes, i, v) {
		if (!json_is_object(v))
			continue;
		if (json_object_size(v) == (json_object_get(v, "name") ? 1 : 0))
			json_object_set_new(v, "emptyDir", json_object());
		image = json_object_get(v, "image");
		if (json_is_object(image))
			fill_text(image, "pullPolicy",
				  pull_policy(json_path_string(image, "reference")));
		template = json_path(v, "ephemeral.volumeClaimTemplate");
		if (json_is_object(template)) {
			fill_object(template, "metadata");
			fill_claim_spec(fill_object(template, "spec"));
		}
	}
}

void fill_claim_spec(json_t *spec)
{
	fill_optional(spec, "volumeMode", "Filesystem");
	fill_object(spec, "resources");
}

void fill_pod_spec(json_t *spec)
{
	const char *account = json_path_string(spec, "serviceAccountName");

	fill_volumes(json_object_get(spec, "volumes"));
	for (size_t i = 0; i < ARRAY_SIZE(container_lists); i++)
		fill_containers(json_object_get(spec, container_lists[i]));
	if (!*account && *json_path_string(spec, "serviceAccount"))
		json_object_set(spec, "serviceAccountName",
				json_object_get(spec, "serviceAccount"));
	else if (*account)
		json_object_set(spec, "serviceAccount",
				json_object_get(spec, "serviceAccountName"));
	if (!*account && !*json_path_string(spec, "serviceAccount"))
		json_object_del(spec, "serviceAccount");
}

static void fill_requests(json_t *container)
{
	json_t *limits = json_path(container, "resources.limits");
	json_t *requests = json_path(container, "resources.requests");
	const char *name;
	json_t *v;

	json_object_foreach (limits, name, v) {
		if (!requests)
			requests = fill_object(json_object_get(container, "resources"), "requests");
		if (!json_object_get(requests, name))
			json_object_set(requests, name, v);
	}
}

static void fill_host_ports(json_t *container)
{
	size_t i;
	json_t *p;

	json_array_foreach (json_object_get(container, "ports"), i, p)
		if (!json_path_int(p, "hostPort", 0))
			json_object_set_new(p, "hostPort",
					    json_integer(json_path_int(p, "containerPort", 0)));
}

static bool is_hugepage(const char *name)
{
	return strncmp(name, "hugepages-", 10) == 0;
}

/* Large pages are never overcommitted: what containers may use of them the pod may use. */
static void fill_pod_pages(json_t *spec, json_t *resources)
{
	json_t *sum json_auto = pod_containers_resources(spec, "limits"), *v;
	const char *name;

	json_object_foreach (sum, name, v)
		if (is_hugepage(name) &&
		    !json_object_get(json_object_get(resources, "requests"), name))
			fill_value(fill_object(resources, "limits"), name, json_incref(v));
}

/* A pod that limits itself asks for what its containers ask for, else for all that it may use. */
static void fill_pod_resources(json_t *spec)
{
	json_t *resources = json_object_get(spec, "resources"), *limits, *v;
	json_t *sum json_auto = NULL;
	const char *name;

	if (json_object_size(json_object_get(resources, "limits")) ||
	    json_object_size(json_object_get(resources, "requests")))
		fill_pod_pages(spec, resources);
	limits = json_object_get(resources, "limits");
	if (!json_object_size(limits))
		return;
	sum = pod_containers_resources(spec, "requests");
	json_object_foreach (sum, name, v)
		if (resource_is_of_pods(name) && !is_hugepage(name))
			fill_value(fill_object(resources, "requests"), name, json_incref(v));
	json_object_foreach (limits, name, v)
		if (resource_is_of_pods(name))
			fill_value(fill_object(resources, "requests"), name, json_incref(v));
}

void fill_pod(json_t *spec)
{
	bool host = json_path_bool(spec, "hostNetwork", false);
	size_t j;
	json_t *c;

	for (size_t i = 0; i < 2; i++)
		json_array_foreach (json_object_get(spec, container_lists[i]), j, c) {
			fill_requests(c);
			if (host)
				fill_host_ports(c);
		}
	if (json_path_int(spec, "terminationGracePeriodSeconds", 0) < 0)
		json_object_set_new(spec, "terminationGracePeriodSeconds", json_integer(1));
	fill_pod_resources(spec);
	fill_bool(spec, "enableServiceLinks", true);
}

void fill_template(json_t *parent)
{
	json_t *template = fill_object(parent, "template");

	fill_object(template, "metadata");
	fill_value(template, "spec",
		   json_pack("{s:s,s:s,s:i,s:s,s:{}}", "restartPolicy", "Always", "dnsPolicy",
			     "ClusterFirst", "terminationGracePeriodSeconds", 30, "schedulerName",
			     "default-scheduler", "securityContext"));
	fill_pod_spec(json_object_get(template, "spec"));
}
