#include "kinds/cells.h"
#include "object/json.h"

#include <string.h>

static bool type_is(const json_t *object, const char *type)
{
	return strcmp(json_path_string(object, "spec.type"), type) == 0;
}

static void default_text(json_t *spec, const char *key, const char *value)
{
	if (!json_object_get(spec, key))
		json_object_set_new(spec, key, json_string(value));
}

static void set_defaults(json_t *object)
{
	json_t *spec = json_object_get(object, "spec"), *p;
	bool external = type_is(object, "ExternalName");
	size_t i;

	json_array_foreach (json_path(spec, "ports"), i, p)
		if (!external && !json_object_get(p, "targetPort") && json_object_get(p, "port"))
			json_object_set(p, "targetPort", json_object_get(p, "port"));
	if (strcmp(json_path_string(spec, "sessionAffinity"), "ClientIP") == 0 &&
	    !json_object_get(spec, "sessionAffinityConfig"))
		json_object_set_new(spec, "sessionAffinityConfig",
				    json_pack("{s:{s:i}}", "clientIP", "timeoutSeconds", 10800));
	if (external)
		return;
	default_text(spec, "internalTrafficPolicy", "Cluster");
	if (type_is(object, "NodePort") || type_is(object, "LoadBalancer"))
		default_text(spec, "externalTrafficPolicy", "Cluster");
	if (type_is(object, "LoadBalancer") &&
	    !json_object_get(spec, "allocateLoadBalancerNodePorts"))
		json_object_set_new(spec, "allocateLoadBalancerNodePorts", json_true());
}

/* A headless service without selector may have endpoints of both families. */
static void prepare(json_t *object, const json_t *old)
{
	json_t *spec = json_object_get(object, "spec");
	bool headless = strcmp(json_path_string(spec, "clusterIP"), "None") == 0;

	if (!old)
		json_path_set(object, "status", json_pack("{s:{}}", "loadBalancer"));
	if (old && !*json_path_string(spec, "clusterIP") && !type_is(object, "ExternalName")) {
		json_t *ip = json_path(old, "spec.clusterIP"),
		       *ips = json_path(old, "spec.clusterIPs");

		if (ip)
			json_object_set(spec, "clusterIP", ip);
		if (ips)
			json_object_set(spec, "clusterIPs", ips);
	}
	if (type_is(object, "ExternalName"))
		return;
	if (!json_object_get(spec, "ipFamilies"))
		json_object_set_new(spec, "ipFamilies",
				    headless && !json_object_size(json_path(spec, "selector"))
					    ? json_pack("[s,s]", "IPv4", "IPv6")
					    : json_pack("[s]", "IPv4"));
	default_text(spec, "ipFamilyPolicy",
		     json_array_size(json_path(spec, "ipFamilies")) > 1 ? "RequireDualStack"
									: "SingleStack");
}

static void validate(const json_t *object, const json_t *old, struct field_errors *errors)
{
	const json_t *ports = json_path(object, "spec.ports");
	bool headless = strcmp(json_path_string(object, "spec.clusterIP"), "None") == 0;
	size_t i;
	json_t *p;

	if (!json_array_size(ports) && !headless && !type_is(object, "ExternalName"))
		field_required(errors, NULL, "spec.ports");
	if (type_is(object, "ExternalName") && !*json_path_string(object, "spec.externalName"))
		field_required(errors, NULL, "spec.externalName");
	json_array_foreach (ports, i, p) {
		json_int_t port = json_path_int(p, "port", 0);

		if (json_array_size(ports) > 1 && !*json_path_string(p, "name"))
			field_required(errors, NULL, "spec.ports[%zu].name", i);
		if (port < 1 || port > 65535)
			field_invalid(errors, json_path(p, "port"),
				      "must be between 1 and 65535, inclusive",
				      "spec.ports[%zu].port", i);
	}
	if (old && *json_path_string(old, "spec.clusterIP") && !type_is(old, "ExternalName") &&
	    !type_is(object, "ExternalName") &&
	    strcmp(json_path_string(old, "spec.clusterIP"),
		   json_path_string(object, "spec.clusterIP"))) {
		field_invalid(errors, json_path(object, "spec.clusterIPs"),
			      "may not change once set", "spec.clusterIPs[0]");
	}
}

static const char *const selectable[] = {"spec.clusterIP", "spec.type", NULL};

const struct kind kind_service = {
	.group = "",
	.kind = "Service",
	.set_defaults = set_defaults,
	.prepare = prepare,
	.validate = validate,
	.no_generation = true,
	.selectable = selectable,
};
