/* What the server makes of a service before it is checked. */
#include "kinds/service.h"

#include "kinds/fill.h"
#include "kinds/rules.h"
#include "object/json.h"

#include <string.h>

#define AFFINITY_SECONDS 10800

bool service_type_is(const json_t *object, const char *type)
{
	return strcmp(json_path_string(object, "spec.type"), type) == 0;
}

bool service_is_headless(const json_t *object)
{
	const json_t *ips = json_path(object, "spec.clusterIPs");

	return json_array_size(ips) == 1 &&
	       strcmp(json_string_value(json_array_get(ips, 0)) ?: "", "None") == 0;
}

bool service_is_external(const json_t *object)
{
	return service_type_is(object, "LoadBalancer") || service_type_is(object, "NodePort") ||
	       (service_type_is(object, "ClusterIP") &&
		json_array_size(json_path(object, "spec.externalIPs")));
}

bool service_needs_health_check(const json_t *object)
{
	return service_type_is(object, "LoadBalancer") &&
	       strcmp(json_path_string(object, "spec.externalTrafficPolicy"), "Local") == 0;
}

static bool is_zero(const json_t *port)
{
	return !port || json_is_null(port) ||
	       (json_is_integer(port) && !json_integer_value(port)) ||
	       (json_is_string(port) && !json_string_length(port));
}

static void fill_affinity(json_t *spec)
{
	if (strcmp(json_path_string(spec, "sessionAffinity"), "None") == 0)
		json_object_del(spec, "sessionAffinityConfig");
	else if (strcmp(json_path_string(spec, "sessionAffinity"), "ClientIP") == 0)
		fill_int(fill_object(fill_object(spec, "sessionAffinityConfig"), "clientIP"),
			 "timeoutSeconds", AFFINITY_SECONDS);
}

void service_set_defaults(json_t *object)
{
	json_t *spec = fill_spec(object), *p;
	size_t i;

	json_array_foreach (json_path(spec, "ports"), i, p)
		if (is_zero(json_object_get(p, "targetPort")) && json_object_get(p, "port"))
			json_object_set(p, "targetPort", json_object_get(p, "port"));
	fill_affinity(spec);
	if (service_is_external(object))
		fill_text(spec, "externalTrafficPolicy", "Cluster");
	if (service_type_is(object, "LoadBalancer")) {
		fill_bool(spec, "allocateLoadBalancerNodePorts", true);
		json_array_foreach (json_path(object, "status.loadBalancer.ingress"), i, p)
			if (*json_path_string(p, "ip"))
				fill_optional(p, "ipMode", "VIP");
	}
	if (!service_type_is(object, "ExternalName"))
		fill_optional(spec, "internalTrafficPolicy", "Cluster");
}

/* What a service had goes with the type that needed it, unless the writer says otherwise. */
static bool kept(const json_t *object, const json_t *old, const char *path)
{
	const json_t *now = json_path(object, path), *was = json_path(old, path);

	return now && was && json_equal(now, was);
}

static void drop_if_kept(json_t *object, const json_t *old, const char *path)
{
	if (kept(object, old, path))
		json_path_del(object, path);
}

static bool has_node_ports(const json_t *object)
{
	return service_type_is(object, "NodePort") || service_type_is(object, "LoadBalancer");
}

static bool has_node_port(const json_t *ports, json_int_t port)
{
	for (size_t i = 0; i < json_array_size(ports); i++)
		if (json_path_int(json_array_get(ports, i), "nodePort", 0) == port)
			return true;
	return false;
}

/* Whether PORTS ask for no node port that OLD does not have. */
static bool no_new_ports(const json_t *ports, const json_t *old)
{
	for (size_t i = 0; i < json_array_size(ports); i++) {
		json_int_t port = json_path_int(json_array_get(ports, i), "nodePort", 0);

		if (port && !has_node_port(old, port))
			return false;
	}
	return true;
}

static void drop_ports(json_t *object)
{
	size_t i;
	json_t *p;

	json_array_foreach (json_path(object, "spec.ports"), i, p)
		json_object_del(p, "nodePort");
}

static void drop_type_dependent(json_t *object, const json_t *old)
{
	static const char *const of_cluster[] = {"spec.clusterIP", "spec.clusterIPs",
						 "spec.ipFamilies", "spec.ipFamilyPolicy"};
	bool external_name =
		service_type_is(object, "ExternalName") && !service_type_is(old, "ExternalName");

	for (size_t i = 0; i < ARRAY_SIZE(of_cluster) && external_name; i++)
		drop_if_kept(object, old, of_cluster[i]);
	if (has_node_ports(old) && !has_node_ports(object) &&
	    no_new_ports(json_path(object, "spec.ports"), json_path(old, "spec.ports")))
		drop_ports(object);
	if (service_needs_health_check(old) && !service_needs_health_check(object))
		drop_if_kept(object, old, "spec.healthCheckNodePort");
	if (service_type_is(old, "LoadBalancer") && !service_type_is(object, "LoadBalancer")) {
		drop_if_kept(object, old, "spec.allocateLoadBalancerNodePorts");
		drop_if_kept(object, old, "spec.loadBalancerClass");
	}
	if (service_is_external(old) && !service_is_external(object))
		drop_if_kept(object, old, "spec.externalTrafficPolicy");
	if (!service_type_is(object, "LoadBalancer"))
		json_path_set(object, "status.loadBalancer", json_object());
}

/* The node port of a port that has the same name, unless another port asks for it. */
static void keep_node_ports(json_t *object, const json_t *old)
{
	json_t *ports = json_path(object, "spec.ports"), *p, *was;
	size_t i, j;

	if (!has_node_ports(object) || !has_node_ports(old))
		return;
	json_array_foreach (ports, i, p)
		json_array_foreach (json_path(old, "spec.ports"), j, was) {
			json_int_t port = json_path_int(was, "nodePort", 0);

			if (port && !json_path_int(p, "nodePort", 0) &&
			    strcmp(json_path_string(p, "name"), json_path_string(was, "name")) ==
				    0 &&
			    !has_node_port(ports, port))
				json_object_set_new(p, "nodePort", json_integer(port));
		}
}

/* What a client leaves out of an update stays as it was. */
static void patch_from_old(json_t *object, const json_t *old)
{
	static const char *const ips[] = {"spec.clusterIP", "spec.clusterIPs"};

	if (service_type_is(old, "ExternalName") || service_type_is(object, "ExternalName"))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(ips); i++) {
		json_t *was = json_path(old, ips[i]), *now = json_path(object, ips[i]);

		if (was && (!now || (json_is_string(now) && !json_string_length(now))) &&
		    !*json_path_string(object, "spec.clusterIP"))
			json_path_set(object, ips[i], json_incref(was));
	}
	keep_node_ports(object, old);
	if (service_needs_health_check(object) && service_needs_health_check(old) &&
	    !json_path_int(object, "spec.healthCheckNodePort", 0) &&
	    json_path(old, "spec.healthCheckNodePort"))
		json_path_set(object, "spec.healthCheckNodePort",
			      json_incref(json_path(old, "spec.healthCheckNodePort")));
}

/* clusterIP is the first of clusterIPs: what a writer changes of one is carried to the other. */
static void normalize_ips(json_t *object, const json_t *old)
{
	const char *ip = json_path_string(object, "spec.clusterIP");
	const char *was = json_path_string(old, "spec.clusterIP");
	const json_t *ips = json_path(object, "spec.clusterIPs");
	bool same_ips = old && json_array_size(ips) && kept(object, old, "spec.clusterIPs");

	if (*ip && !json_array_size(ips))
		json_path_set(object, "spec.clusterIPs", json_pack("[s]", ip));
	else if (old && same_ips && strcmp(ip, was)) {
		if (*ip)
			json_path_set(object, "spec.clusterIPs", json_pack("[s]", ip));
		else
			json_path_del(object, "spec.clusterIPs");
	}
}

static bool asks_for_ipv6(const json_t *spec)
{
	json_t *ip;
	size_t i;

	json_array_foreach (json_object_get(spec, "clusterIPs"), i, ip)
		if (ip_family_of(json_string_value(ip) ?: "") == IP_V6)
			return true;
	return false;
}

/* Addresses of services are IPv4. One that is headless and has no selector may have endpoints of
 * both families. */
static void fill_families(json_t *spec, const json_t *old, bool headless)
{
	bool open = headless && !json_object_size(json_object_get(spec, "selector"));
	const char *was = json_path_string(old, "spec.ipFamilyPolicy");
	json_t *families;

	fill_optional(spec, "ipFamilyPolicy",
		      *was   ? was
		      : open ? "RequireDualStack"
			     : "SingleStack");
	if (!json_array_size(json_object_get(spec, "ipFamilies")) && !asks_for_ipv6(spec))
		json_object_set_new(spec, "ipFamilies", json_pack("[s]", "IPv4"));
	families = json_object_get(spec, "ipFamilies");
	if (open && json_array_size(families) == 1 &&
	    strcmp(json_path_string(spec, "ipFamilyPolicy"), "SingleStack")) {
		const char *first = json_string_value(json_array_get(families, 0)) ?: "";

		json_array_append_new(families,
				      json_string(strcmp(first, "IPv4") ? "IPv4" : "IPv6"));
	}
}

/* A mere name has no traffic inside; what is no policy at all is refused. */
static void forget_internal_policy(json_t *spec)
{
	static const char *const policies[] = {"Cluster", "Local", NULL};

	if (text_is_one_of(json_path_string(spec, "internalTrafficPolicy"), policies))
		json_object_del(spec, "internalTrafficPolicy");
}

void service_prepare_write(json_t *object, const json_t *old, const struct write_facts *facts)
{
	json_t *spec = fill_spec(object);

	if (facts->subresource && strcmp(facts->subresource, "status") == 0)
		return;
	if (!old)
		json_path_set(object, "status", json_pack("{s:{}}", "loadBalancer"));
	if (old) {
		patch_from_old(object, old);
		drop_type_dependent(object, old);
	}
	normalize_ips(object, old);
	if (service_type_is(object, "ExternalName"))
		forget_internal_policy(spec);
	else
		fill_families(spec, old,
			      service_is_headless(object) ||
				      strcmp(json_path_string(spec, "clusterIP"), "None") == 0);
}
