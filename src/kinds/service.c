#include "kinds/builtin.h"
#include "kinds/fill.h"
#include "kinds/rules.h"
#include "kinds/warn.h"
#include "object/json.h"

#include <string.h>

#define AFFINITY_SECONDS 10800
#define AFFINITY_SECONDS_MAX 86400

static bool type_is(const json_t *object, const char *type)
{
	return strcmp(json_path_string(object, "spec.type"), type) == 0;
}

static bool is_headless(const json_t *object)
{
	const json_t *ips = json_path(object, "spec.clusterIPs");

	return json_array_size(ips) == 1 &&
	       strcmp(json_string_value(json_array_get(ips, 0)) ?: "", "None") == 0;
}

static bool is_external(const json_t *object)
{
	return type_is(object, "LoadBalancer") || type_is(object, "NodePort") ||
	       (type_is(object, "ClusterIP") &&
		json_array_size(json_path(object, "spec.externalIPs")));
}

static bool needs_health_check(const json_t *object)
{
	return type_is(object, "LoadBalancer") &&
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

static void set_defaults(json_t *object)
{
	json_t *spec = fill_spec(object), *p;
	size_t i;

	json_array_foreach (json_path(spec, "ports"), i, p)
		if (is_zero(json_object_get(p, "targetPort")) && json_object_get(p, "port"))
			json_object_set(p, "targetPort", json_object_get(p, "port"));
	fill_affinity(spec);
	if (is_external(object))
		fill_text(spec, "externalTrafficPolicy", "Cluster");
	if (type_is(object, "LoadBalancer")) {
		fill_bool(spec, "allocateLoadBalancerNodePorts", true);
		json_array_foreach (json_path(object, "status.loadBalancer.ingress"), i, p)
			if (*json_path_string(p, "ip"))
				fill_text(p, "ipMode", "VIP");
	}
	if (!type_is(object, "ExternalName"))
		fill_text(spec, "internalTrafficPolicy", "Cluster");
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

static bool same_ports(const json_t *a, const json_t *b)
{
	if (json_array_size(a) != json_array_size(b))
		return false;
	for (size_t i = 0; i < json_array_size(a); i++)
		if (json_path_int(json_array_get(a, i), "nodePort", 0) !=
		    json_path_int(json_array_get(b, i), "nodePort", 0))
			return false;
	return true;
}

static void drop_ports(json_t *object)
{
	size_t i;
	json_t *p;

	json_array_foreach (json_path(object, "spec.ports"), i, p)
		json_object_del(p, "nodePort");
}

static bool has_node_ports(const json_t *object)
{
	return type_is(object, "NodePort") ||
	       (type_is(object, "LoadBalancer") &&
		json_path_bool(object, "spec.allocateLoadBalancerNodePorts", true));
}

static void drop_type_dependent(json_t *object, const json_t *old)
{
	static const char *const of_cluster[] = {"spec.clusterIP", "spec.clusterIPs",
						 "spec.ipFamilies", "spec.ipFamilyPolicy"};
	bool external_name = type_is(object, "ExternalName") && !type_is(old, "ExternalName");

	for (size_t i = 0; i < ARRAY_SIZE(of_cluster) && external_name; i++)
		drop_if_kept(object, old, of_cluster[i]);
	if (has_node_ports(old) && !has_node_ports(object) &&
	    same_ports(json_path(object, "spec.ports"), json_path(old, "spec.ports")))
		drop_ports(object);
	if (needs_health_check(old) && !needs_health_check(object))
		drop_if_kept(object, old, "spec.healthCheckNodePort");
	if (external_name)
		drop_if_kept(object, old, "spec.internalTrafficPolicy");
	if (type_is(old, "LoadBalancer") && !type_is(object, "LoadBalancer")) {
		drop_if_kept(object, old, "spec.allocateLoadBalancerNodePorts");
		drop_if_kept(object, old, "spec.loadBalancerClass");
	}
	if (is_external(old) && !is_external(object))
		drop_if_kept(object, old, "spec.externalTrafficPolicy");
}

/* What a client leaves out of an update stays as it was. */
static void patch_from_old(json_t *object, const json_t *old)
{
	static const char *const ips[] = {"spec.clusterIP", "spec.clusterIPs"};

	if (type_is(old, "ExternalName") || type_is(object, "ExternalName"))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(ips); i++) {
		json_t *was = json_path(old, ips[i]), *now = json_path(object, ips[i]);

		if (was && (!now || (json_is_string(now) && !json_string_length(now))) &&
		    !*json_path_string(object, "spec.clusterIP"))
			json_path_set(object, ips[i], json_incref(was));
	}
	if (needs_health_check(object) && needs_health_check(old) &&
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

/* A headless service without selector may have endpoints of both families. */
static void fill_families(json_t *spec, bool headless)
{
	bool open = headless && !json_object_size(json_object_get(spec, "selector"));

	if (!json_array_size(json_object_get(spec, "ipFamilies")))
		json_object_set_new(spec, "ipFamilies",
				    open ? json_pack("[s,s]", "IPv4", "IPv6")
					 : json_pack("[s]", "IPv4"));
	fill_text(spec, "ipFamilyPolicy",
		  json_array_size(json_object_get(spec, "ipFamilies")) > 1 ? "RequireDualStack"
									   : "SingleStack");
}

static void prepare(json_t *object, const json_t *old)
{
	json_t *spec = fill_spec(object);

	if (!old)
		json_path_set(object, "status", json_pack("{s:{}}", "loadBalancer"));
	if (old) {
		patch_from_old(object, old);
		drop_type_dependent(object, old);
	}
	normalize_ips(object, old);
	if (!type_is(object, "ExternalName"))
		fill_families(spec,
			      is_headless(object) ||
				      strcmp(json_path_string(spec, "clusterIP"), "None") == 0);
}

static void check_port(const struct field *p, bool named, struct seen *names)
{
	const struct field *name = FIELD(p, "name"), *app = FIELD(p, "appProtocol");

	if (named && !*field_text(name)) {
		field_required(name, NULL);
	} else if (*field_text(name)) {
		field_check(name, name_dns_label);
		if (seen_add(names, field_text(name)))
			field_duplicate(name);
	}
	rule_port(FIELD(p, "port"));
	field_one_of_required(FIELD(p, "protocol"), port_protocols);
	rule_port_or_name(FIELD(p, "targetPort"));
	if (field_set(app))
		field_check(app, name_qualified);
}

/* Neither a port nor a node port twice for one protocol. */
static void check_unique_ports(const struct field *ports, bool cluster_only)
{
	struct seen numbers CLEANUP(seen_release) = SEEN_INIT;
	struct seen nodes CLEANUP(seen_release) = SEEN_INIT;

	field_each (ports, p) {
		const struct field *node = FIELD(&p, "nodePort");
		const char *protocol = json_path_string(p.value, "protocol");
		char *key free_ptr = xasprintf("%s/%lld", protocol, (long long)field_int(node));
		char *port free_ptr = xasprintf("%s/%lld", protocol,
						(long long)json_path_int(p.value, "port", 0));

		if (field_int(node) && cluster_only)
			field_forbidden(node, "may not be used when `type` is 'ClusterIP'");
		if (field_int(node) && seen_add(&nodes, key))
			field_duplicate(node);
		if (seen_add(&numbers, port))
			field_duplicate(&p);
	}
}

static void check_ports(const struct field *o)
{
	const struct field *ports = FIELD(o, "spec.ports");
	struct seen names CLEANUP(seen_release) = SEEN_INIT;

	if (!field_size(ports) && !is_headless(o->value) && !type_is(o->value, "ExternalName"))
		field_required(FIELD(FIELD(o, "spec"), "ports"), NULL);
	field_each (ports, p)
		check_port(&p, field_size(ports) > 1, &names);
	check_unique_ports(ports, type_is(o->value, "ClusterIP"));
}

static void check_external_name(const struct field *spec)
{
	static const char *const not_here[] = {"clusterIPs", "ipFamilies", "ipFamilyPolicy"};
	const struct field *name = FIELD(spec, "externalName");
	char *cname free_ptr = xstrdup(field_text(name));
	size_t n = strlen(cname);

	for (size_t i = 0; i < ARRAY_SIZE(not_here); i++)
		if (field_set(FIELD(spec, not_here[i])) &&
		    (field_size(FIELD(spec, not_here[i])) || *field_text(FIELD(spec, not_here[i]))))
			field_forbidden(FIELD(spec, not_here[i]),
					"may not be set for ExternalName services");
	if (n && cname[n - 1] == '.')
		cname[n - 1] = '\0';
	if (*cname)
		field_check_text(name, cname, name_dns_subdomain);
	else
		field_required(name, NULL);
}

static void check_type(const struct field *o)
{
	static const char *const types[] = {"ClusterIP", "ExternalName", "LoadBalancer", "NodePort",
					    NULL};
	const struct field *spec = FIELD(o, "spec"), *ips = FIELD(spec, "clusterIPs");
	const struct field *type = FIELD(spec, "type");

	field_one_of_required(type, types);
	if (is_headless(o->value) &&
	    (field_is(type, "LoadBalancer") || field_is(type, "NodePort"))) {
		char *why free_ptr =
			xasprintf("may not be set to 'None' for %s services", field_text(type));

		field_invalid(FIELD_INDEX(ips, 0), why);
	}
	if (field_is(type, "ExternalName"))
		check_external_name(spec);
}

static void check_affinity(const struct field *spec)
{
	static const char *const types[] = {"ClientIP", "None", NULL};
	const struct field *type = FIELD(spec, "sessionAffinity");
	const struct field *config = FIELD(spec, "sessionAffinityConfig");
	const struct field *client = FIELD(config, "clientIP");
	const struct field *seconds = FIELD(client, "timeoutSeconds");

	field_one_of_required(type, types);
	if (field_is(type, "None") && field_set(config))
		field_forbidden(config, "must not be set when session affinity is None");
	if (!field_is(type, "ClientIP"))
		return;
	if (!field_set(seconds))
		field_required(!field_set(config)   ? config
			       : !field_set(client) ? client
						    : seconds,
			       "when session affinity type is ClientIP");
	else if (field_int(seconds) <= 0 || field_int(seconds) > AFFINITY_SECONDS_MAX)
		field_invalid(seconds, "must be greater than 0 and less than 86400");
}

static void check_families(const struct field *spec)
{
	static const char *const families[] = {"IPv4", "IPv6", NULL};
	static const char *const policies[] = {"PreferDualStack", "RequireDualStack", "SingleStack",
					       NULL};
	const struct field *list = FIELD(spec, "ipFamilies"),
			   *policy = FIELD(spec, "ipFamilyPolicy");
	struct seen seen CLEANUP(seen_release) = SEEN_INIT;

	field_each (list, f) {
		field_one_of(&f, families);
		if (seen_add(&seen, field_text(&f)))
			field_duplicate(&f);
	}
	if (field_set(policy))
		field_one_of(policy, policies);
}

static bool ips_are_good(const struct field *ips)
{
	size_t before = field_errors_count(ips->errors);

	field_each (ips, ip) {
		if (!ip.index && field_is(&ip, "None")) {
			if (field_size(ips) > 1)
				field_invalid(ips, "'None' must be the first and only value");
			continue;
		}
		rule_ip_legacy(&ip);
	}
	if (field_size(ips) > 2)
		field_invalid(ips, "may only hold up to 2 values");
	return field_errors_count(ips->errors) == before;
}

static void check_ip_families(const struct field *ips, const struct field *families)
{
	unsigned met[3] = {0};

	field_each (ips, ip) {
		enum ip_family family = ip_family_of(field_text(&ip));
		const struct field *asked = FIELD_INDEX(families, ip.index);
		char *why free_ptr = NULL;

		met[family]++;
		if (!field_set(asked) || family == IP_NONE ||
		    field_is(asked, family == IP_V4 ? "IPv4" : "IPv6"))
			continue;
		why = xasprintf("expected an %s value as indicated by `ipFamilies[%zu]`",
				field_text(asked), ip.index);
		field_invalid(&ip, why);
	}
	if (met[IP_V4] > 1 || met[IP_V6] > 1)
		field_invalid(ips, "may specify no more than one IP for each IP family");
}

static void check_ips(const struct field *o)
{
	const struct field *spec = FIELD(o, "spec"), *ips = FIELD(spec, "clusterIPs");
	const char *ip = field_text(FIELD(spec, "clusterIP"));

	if (type_is(o->value, "ExternalName"))
		return;
	if (*ip && !field_size(ips))
		field_required(ips, NULL);
	else if (*ip && !field_is(FIELD_INDEX(ips, 0), ip))
		field_invalid(ips, "first value must match `clusterIP`");
	else if (!*ip && field_size(ips))
		field_invalid(ips, "must be empty when `clusterIP` is not specified");
	check_families(spec);
	if (ips_are_good(ips) && !is_headless(o->value))
		check_ip_families(ips, FIELD(spec, "ipFamilies"));
}

static void check_external_ips(const struct field *ips)
{
	field_each (ips, ip) {
		size_t before = field_errors_count(ip.errors);

		rule_ip_legacy(&ip);
		if (field_errors_count(ip.errors) == before)
			rule_endpoint_ip(&ip);
	}
}

static void check_source_ranges(const struct field *o)
{
	const struct field *spec = FIELD(o, "spec");
	struct field ranges = *FIELD(spec, "loadBalancerSourceRanges");

	if (!field_size(&ranges))
		return;
	ranges.name = "LoadBalancerSourceRanges";
	if (!type_is(o->value, "LoadBalancer"))
		field_forbidden(&ranges, "may only be used when `type` is 'LoadBalancer'");
	field_each (&ranges, r) {
		const char *text = field_text(&r) + strspn(field_text(&r), " \t");
		json_t *trimmed json_auto = json_stringn(text, strcspn(text, " \t"));
		struct field at = r;

		at.value = trimmed;
		rule_cidr_legacy(&at);
	}
}

static void check_load_balancer(const struct field *o)
{
	static const char only[] = "may only be used when `type` is 'LoadBalancer'";
	const struct field *spec = FIELD(o, "spec");
	const struct field *allocate = FIELD(spec, "allocateLoadBalancerNodePorts");
	const struct field *class = FIELD(spec, "loadBalancerClass");
	bool balancer = type_is(o->value, "LoadBalancer");

	check_source_ranges(o);
	if (field_set(allocate) && !balancer)
		field_forbidden(allocate, only);
	if (field_set(class) && balancer)
		field_check(class, name_qualified);
	else if (field_set(class))
		field_forbidden(class, only);
}

static void check_health_port(const struct field *o)
{
	const struct field *f = FIELD(FIELD(o, "spec"), "healthCheckNodePort");

	if (needs_health_check(o->value)) {
		/* Allocated with the service when nobody asks for one. */
		if (field_int(f))
			rule_port(f);
	} else if (field_int(f)) {
		field_invalid(f, "may only be set when `type` is 'LoadBalancer' and "
				 "`externalTrafficPolicy` is 'Local'");
	}
}

static void check_traffic(const struct field *o)
{
	static const char *const policies[] = {"Cluster", "Local", NULL};
	static const char *const distributions[] = {"PreferClose", "PreferSameZone",
						    "PreferSameNode", NULL};
	const struct field *spec = FIELD(o, "spec");
	const struct field *external = FIELD(spec, "externalTrafficPolicy");
	const struct field *internal = FIELD(spec, "internalTrafficPolicy");
	const struct field *distribution = FIELD(spec, "trafficDistribution");

	if (is_external(o->value))
		field_one_of_required(external, policies);
	else if (*field_text(external))
		field_invalid(external, "may only be set for externally-accessible services");
	check_health_port(o);
	if (field_set(internal))
		field_one_of(internal, policies);
	if (field_set(distribution))
		field_one_of(distribution, distributions);
}

/* The first address and family of a service are its own for good; the second may come and go. */
static void check_list_change(const struct field *f, const struct field *old, const char *unset)
{
	static const char fixed[] = "may not change once set";
	size_t n = field_size(f), was = field_size(old);
	bool same_first = field_same(FIELD_INDEX(f, 0), FIELD_INDEX(old, 0));

	if (n == was) {
		field_each (old, item)
			if (!field_same(&item, FIELD_INDEX(f, item.index)))
				field_invalid_json(FIELD_INDEX(f, item.index), f->value, fixed);
	} else if (n > was) {
		if (was && !same_first)
			field_invalid_json(FIELD_INDEX(f, 0), f->value, fixed);
	} else {
		if (!n)
			field_invalid_json(FIELD_INDEX(f, 0), f->value, unset);
		else if (!same_first)
			field_invalid_json(FIELD_INDEX(f, 0), f->value, fixed);
	}
}

static void check_changes(const struct field *o, const struct field *old)
{
	const struct field *spec = FIELD(o, "spec"), *was = FIELD(old, "spec");
	const struct field *ips = FIELD(spec, "clusterIPs"), *families = FIELD(spec, "ipFamilies");
	bool headless = is_headless(o->value), was_headless = is_headless(old->value);
	const struct field *class = FIELD(spec, "loadBalancerClass");

	if (type_is(o->value, "LoadBalancer") && type_is(old->value, "LoadBalancer") &&
	    !field_same(class, FIELD(was, "loadBalancerClass")))
		field_invalid(class, "may not change once set");
	if (needs_health_check(o->value) && needs_health_check(old->value) &&
	    field_int(FIELD(spec, "healthCheckNodePort")) !=
		    field_int(FIELD(was, "healthCheckNodePort")))
		field_forbidden(FIELD(spec, "healthCheckNodePort"), "field is immutable");
	if (type_is(o->value, "ExternalName") || type_is(old->value, "ExternalName"))
		return;
	if (!(headless && was_headless))
		check_list_change(ips, FIELD(was, "clusterIPs"),
				  "primary clusterIP can not be unset");
	if (!headless && !was_headless)
		check_list_change(families, FIELD(was, "ipFamilies"),
				  "primary ipFamily can not be unset");
	if (!headless && field_size(ips) == 1 && field_size(FIELD(was, "clusterIPs")) > 1 &&
	    !field_is(FIELD(spec, "ipFamilyPolicy"), "SingleStack"))
		field_invalid(FIELD(spec, "ipFamilyPolicy"),
			      "must be set to 'SingleStack' when releasing the secondary "
			      "clusterIP");
}

static void validate(const struct field *o, const struct field *old)
{
	const struct field *spec = FIELD(o, "spec");

	if (old)
		check_changes(o, old);
	check_type(o);
	check_ports(o);
	rule_labels(FIELD(spec, "selector"));
	check_affinity(spec);
	check_ips(o);
	check_external_ips(FIELD(spec, "externalIPs"));
	check_load_balancer(o);
	check_traffic(o);
}

void load_balancer_status_validate(const struct field *ingress, bool ip_modes)
{
	static const char *const modes[] = {"Proxy", "VIP", NULL};

	field_each (ingress, i) {
		const struct field *ip = FIELD(&i, "ip"), *host = FIELD(&i, "hostname");
		const struct field *mode = FIELD(&i, "ipMode");

		if (*field_text(ip))
			rule_ip_legacy(ip);
		if (ip_modes && *field_text(ip) && !field_set(mode))
			field_required(mode, "must be specified when `ip` is set");
		else if (ip_modes && field_set(mode) && !*field_text(ip))
			field_forbidden(mode, "may not be specified when `ip` is not set");
		else if (ip_modes && field_set(mode))
			field_one_of(mode, modes);
		if (!*field_text(host))
			continue;
		field_check(host, name_dns_subdomain);
		if (ip_family_of(field_text(host)) != IP_NONE)
			field_invalid(host, "must be a DNS name, not an IP address");
	}
}

static void validate_subresource(const struct field *o, const struct field *old, const char *name)
{
	const struct field *ingress = FIELD(o, "status.loadBalancer.ingress");

	if (strcmp(name, "status"))
		validate(o, old);
	else if (!type_is(o->value, "LoadBalancer") && field_size(ingress))
		field_forbidden(ingress, "may only be used when `spec.type` is 'LoadBalancer'");
	else
		load_balancer_status_validate(ingress, true);
}

static void warn_headless(const struct field *o)
{
	const struct field *spec = FIELD(o, "spec");

	if (*field_text(FIELD(spec, "loadBalancerIP")))
		field_warn(o, "spec.loadBalancerIP is ignored for headless services");
	if (field_size(FIELD(spec, "externalIPs")))
		field_warn(o, "spec.externalIPs is ignored for headless services");
	if (!field_is(FIELD(spec, "sessionAffinity"), "None"))
		field_warn(o, "spec.SessionAffinity is ignored for headless services");
}

static void warn(const struct field *o, const struct field *old)
{
	const struct field *spec = FIELD(o, "spec"), *ips = FIELD(spec, "clusterIPs");
	const struct field *external = FIELD(spec, "externalIPs");
	bool named = type_is(o->value, "ExternalName");
	bool headless = type_is(o->value, "ClusterIP") && is_headless(o->value);

	(void)old;
	if (FIELD_KEY(FIELD(o, "metadata.annotations"),
		      "service.kubernetes.io/topology-aware-hints")
		    ->value)
		field_warn(o,
			   "annotation service.kubernetes.io/topology-aware-hints is deprecated, "
			   "please use service.kubernetes.io/topology-mode instead");
	field_each (ips, ip)
		warn_ip(&ip);
	if (headless)
		warn_headless(o);
	field_each (external, ip)
		warn_ip(&ip);
	if (field_size(external) && !headless && !named)
		field_warn(o, "spec.externalIPs is deprecated and may no longer be implemented in "
			      "some clusters");
	warn_ip(FIELD(spec, "loadBalancerIP"));
	if (named && field_size(external))
		field_warn(o, "spec.externalIPs is ignored when spec.type is \"ExternalName\"");
	if (!named && *field_text(FIELD(spec, "externalName")))
		field_warn(o, "spec.externalName is ignored when spec.type is not "
			      "\"ExternalName\"");
	if (field_is(FIELD(spec, "trafficDistribution"), "PreferClose"))
		field_warn(FIELD(spec, "trafficDistribution"),
			   "\"PreferClose\" is deprecated; use \"PreferSameZone\"");
}

static const struct selectable selectable[] = {
	{.field = "spec.clusterIP"},
	{.field = "spec.type"},
	{0},
};

const struct kind kind_service = {
	.group = "",
	.kind = "Service",
	.set_defaults = set_defaults,
	.prepare = prepare,
	.validate = validate,
	.warn = warn,
	.validate_subresource = validate_subresource,
	.name_rule = name_dns_label,
	.no_generation = true,
	.selectable = selectable,
};
