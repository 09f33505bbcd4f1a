#include "kinds/builtin.h"
#include "kinds/service.h"
#include "kinds/fill.h"
#include "kinds/rules.h"
#include "kinds/warn.h"
#include "object/json.h"

#include <string.h>

#define AFFINITY_SECONDS_MAX 86400

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

	if (!field_size(ports) && !service_is_headless(o->value) &&
	    !service_type_is(o->value, "ExternalName"))
		field_required(FIELD(FIELD(o, "spec"), "ports"), NULL);
	field_each (ports, p)
		check_port(&p, field_size(ports) > 1, &names);
	check_unique_ports(ports, service_type_is(o->value, "ClusterIP"));
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
	if (service_is_headless(o->value) &&
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

	if (service_type_is(o->value, "ExternalName"))
		return;
	if (*ip && !field_size(ips))
		field_required(ips, NULL);
	else if (*ip && !field_is(FIELD_INDEX(ips, 0), ip))
		field_invalid(ips, "first value must match `clusterIP`");
	else if (!*ip && field_size(ips))
		field_invalid(ips, "must be empty when `clusterIP` is not specified");
	check_families(spec);
	if (ips_are_good(ips) && !service_is_headless(o->value))
		check_ip_families(ips, FIELD(spec, "ipFamilies"));
}

/* What the families of the cluster, of which there is one, do not give. */
static void check_single_stack(const struct field *o)
{
	const struct field *spec = FIELD(o, "spec"), *ips = FIELD(spec, "clusterIPs");
	const struct field *policy = FIELD(spec, "ipFamilyPolicy");
	const struct field *families = FIELD(spec, "ipFamilies");
	size_t before = field_errors_count(o->errors);

	if (field_is(policy, "SingleStack") && field_size(ips) == 2)
		field_invalid(policy, "must be 'RequireDualStack' or 'PreferDualStack' when "
				      "multiple cluster IPs are specified");
	if (field_is(policy, "SingleStack") && field_size(families) == 2)
		field_invalid(policy, "must be 'RequireDualStack' or 'PreferDualStack' when "
				      "multiple IP families are specified");
	field_each (ips, ip)
		if (ip.index >= field_size(families) && ip_family_of(field_text(&ip)) == IP_V6)
			field_invalid_json(&ip, ips->value,
					   "IPv6 is not configured on this cluster");
	if (field_errors_count(o->errors) != before ||
	    (service_is_headless(o->value) && !field_size(FIELD(spec, "selector"))))
		return;
	if (field_is(policy, "RequireDualStack"))
		field_invalid(policy, "this cluster is not configured for dual-stack services");
	field_each (families, family)
		if (field_is(&family, "IPv6"))
			field_invalid(&family, "not configured on this cluster");
}

/* What is looked at before an address is taken, and all else after that. */
static bool addresses_are_good(const struct field *o)
{
	size_t before = field_errors_count(o->errors);

	check_ips(o);
	if (field_errors_count(o->errors) == before && !service_type_is(o->value, "ExternalName"))
		check_single_stack(o);
	return field_errors_count(o->errors) == before;
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

static const char only_balancer[] = "may only be used when `type` is 'LoadBalancer'";

/* Before there was a field: "10.0.0.0/8, 192.168.0.0/16". */
static void check_range_annotation(const struct field *o, const struct field *old)
{
	static const char key[] = "service.beta.kubernetes.io/load-balancer-source-ranges";
	const struct field *f = FIELD_KEY(FIELD(o, "metadata.annotations"), key);
	const json_t *was =
		json_object_get(json_path(old ? old->value : NULL, "metadata.annotations"), key);
	const char *p = field_text(f), *end;

	if (!f->value)
		return;
	if (!service_type_is(o->value, "LoadBalancer"))
		field_forbidden(f, only_balancer);
	if ((was && json_equal(was, f->value)) || p[strspn(p, " \t\r\n")] == '\0')
		return;
	for (;; p = end + 1) {
		struct field at = *f;
		json_t *range json_auto = NULL;

		end = p + strcspn(p, ",");
		p += strspn(p, " \t\r\n");
		range = json_stringn(p, MIN(strcspn(p, " \t\r\n"), (size_t)(MAX(end, p) - p)));
		at.value = range;
		rule_cidr_legacy(&at);
		if (!*end)
			return;
	}
}

static void check_source_ranges(const struct field *o, const struct field *old)
{
	const struct field *spec = FIELD(o, "spec");
	struct field ranges = *FIELD(spec, "loadBalancerSourceRanges");

	if (!field_size(&ranges)) {
		check_range_annotation(o, old);
		return;
	}
	ranges.name = "LoadBalancerSourceRanges";
	if (!service_type_is(o->value, "LoadBalancer"))
		field_forbidden(&ranges, only_balancer);
	field_each (&ranges, r) {
		const char *text = field_text(&r) + strspn(field_text(&r), " \t");
		json_t *trimmed json_auto = json_stringn(text, strcspn(text, " \t"));
		struct field at = r;

		at.value = trimmed;
		rule_cidr_legacy(&at);
	}
}

static void check_load_balancer(const struct field *o, const struct field *old)
{
	const struct field *spec = FIELD(o, "spec");
	const struct field *allocate = FIELD(spec, "allocateLoadBalancerNodePorts");
	const struct field *class = FIELD(spec, "loadBalancerClass");
	bool balancer = service_type_is(o->value, "LoadBalancer");

	check_source_ranges(o, old);
	if (field_set(allocate) && !balancer)
		field_forbidden(allocate, only_balancer);
	if (field_set(class) && balancer)
		field_check(class, name_qualified);
	else if (field_set(class))
		field_forbidden(class, only_balancer);
}

/* Two names of one annotation say the same. */
static void check_topology_mode(const struct field *o)
{
	const struct field *annotations = FIELD(o, "metadata.annotations");
	const struct field *mode = FIELD_KEY(annotations, "service.kubernetes.io/topology-mode");
	const struct field *hints =
		FIELD_KEY(annotations, "service.kubernetes.io/topology-aware-hints");

	if (mode->value && hints->value && !json_equal(mode->value, hints->value))
		field_invalid(mode, "must match "
				    "annotations[service.kubernetes.io/topology-aware-hints] when "
				    "both are specified");
}

static void check_health_port(const struct field *o)
{
	const struct field *f = FIELD(FIELD(o, "spec"), "healthCheckNodePort");

	if (service_needs_health_check(o->value)) {
		/* Allocated with the service when nobody asks for one. */
		if (field_int(f))
			rule_port(f);
	} else if (field_int(f)) {
		field_invalid(f, "may only be set when `type` is 'LoadBalancer' and "
				 "`externalTrafficPolicy` is 'Local'");
	}
}

static const char *const traffic_policies[] = {"Cluster", "Local", NULL};

static void check_traffic(const struct field *o)
{
	static const char *const distributions[] = {"PreferClose", "PreferSameZone",
						    "PreferSameNode", NULL};
	const struct field *spec = FIELD(o, "spec");
	const struct field *external = FIELD(spec, "externalTrafficPolicy");
	const struct field *internal = FIELD(spec, "internalTrafficPolicy");
	const struct field *distribution = FIELD(spec, "trafficDistribution");

	if (service_is_external(o->value))
		field_one_of_required(external, traffic_policies);
	else if (*field_text(external))
		field_invalid(external, "may only be set for externally-accessible services");
	check_health_port(o);
	if (field_set(internal))
		field_one_of(internal, traffic_policies);
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
	bool headless = service_is_headless(o->value),
	     was_headless = service_is_headless(old->value);
	const struct field *class = FIELD(spec, "loadBalancerClass");

	if (service_type_is(o->value, "LoadBalancer") &&
	    service_type_is(old->value, "LoadBalancer") &&
	    !field_same(class, FIELD(was, "loadBalancerClass")))
		field_invalid(class, "may not change once set");
	if (service_needs_health_check(o->value) && service_needs_health_check(old->value) &&
	    field_int(FIELD(spec, "healthCheckNodePort")) !=
		    field_int(FIELD(was, "healthCheckNodePort")))
		field_forbidden(FIELD(spec, "healthCheckNodePort"), "field is immutable");
	if (service_type_is(o->value, "ExternalName") ||
	    service_type_is(old->value, "ExternalName"))
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
	if (!headless && !was_headless && field_size(families) == 1 &&
	    field_size(FIELD(was, "ipFamilies")) > 1 &&
	    !field_is(FIELD(spec, "ipFamilyPolicy"), "SingleStack"))
		field_invalid(FIELD(spec, "ipFamilyPolicy"),
			      "must be set to 'SingleStack' when releasing the secondary "
			      "ipFamily");
}

static void validate(const struct field *o, const struct field *old)
{
	const struct field *spec = FIELD(o, "spec");

	if (!addresses_are_good(o))
		return;
	if (old)
		check_changes(o, old);
	check_topology_mode(o);
	check_type(o);
	check_ports(o);
	rule_labels(FIELD(spec, "selector"));
	check_affinity(spec);
	check_external_ips(FIELD(spec, "externalIPs"));
	check_load_balancer(o, old);
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
	else if (!service_type_is(o->value, "LoadBalancer") && field_size(ingress))
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
	const struct field *ranges = FIELD(spec, "loadBalancerSourceRanges");
	bool named = service_type_is(o->value, "ExternalName");
	bool headless = service_type_is(o->value, "ClusterIP") && service_is_headless(o->value);

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
	field_each (ranges, range)
		warn_cidr(&range);
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
	.set_defaults = service_set_defaults,
	.prepare_write = service_prepare_write,
	.validate = validate,
	.warn = warn,
	.validate_subresource = validate_subresource,
	.name_rule = name_dns_label,
	.no_generation = true,
	.selectable = selectable,
};
