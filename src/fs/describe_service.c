#include "fs/describe.h"

#include "object/json.h"

#define ENDPOINTS_SHOWN 3

static void joined(struct describe *d, const char *name, const char *path)
{
	json_t *list = json_path(d->object, path), *v;
	struct str text CLEANUP(str_release) = STR_INIT;
	size_t i;

	json_array_foreach (list, i, v) {
		str_adds(&text, i ? "," : "");
		describe_value(v, &text);
	}
	describe_line(d, 0, "%s:\t%s", name, text.len ? text.s : "<none>");
}

static void add_endpoints(const json_t *slice, const char *port_name, struct str *out, size_t *n)
{
	json_t *port, *endpoint, *address;
	size_t i, k, m;

	json_array_foreach (json_object_get(slice, "ports"), i, port) {
		if (strcmp(json_path_string(port, "name"), port_name) != 0)
			continue;
		json_array_foreach (json_object_get(slice, "endpoints"), k, endpoint) {
			if (!json_path_bool(endpoint, "conditions.ready", true))
				continue;
			json_array_foreach (json_object_get(endpoint, "addresses"), m, address) {
				if ((*n)++ >= ENDPOINTS_SHOWN)
					continue;
				str_adds(out, out->len ? "," : "");
				describe_value(address, out);
				str_addf(out, ":%jd", (intmax_t)json_path_int(port, "port", 0));
			}
		}
	}
}

static void endpoints(struct describe *d, const json_t *slices, const json_t *port)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	const char *service = json_path_string(d->object, "metadata.name");
	json_t *slice;
	size_t i, n = 0;

	json_array_foreach (slices, i, slice) {
		if (str_equal(
			    json_path_string(slice, "metadata.labels[kubernetes.io/service-name]"),
			    service))
			add_endpoints(slice, json_path_string(port, "name"), &text, &n);
	}
	if (n > ENDPOINTS_SHOWN)
		str_addf(&text, " + %zu more...", n - ENDPOINTS_SHOWN);
	describe_line(d, 0, "Endpoints:\t%s", text.len ? text.s : "<none>");
}

static void ports(struct describe *d)
{
	json_t *slices json_auto =
		describe_related(d, "discovery.k8s.io", "endpointslices",
				 json_path_string(d->object, "metadata.namespace"), NULL);
	json_t *port;
	size_t i;

	json_array_foreach (json_path(d->object, "spec.ports"), i, port) {
		const char *name = json_path_string(port, "name");
		const char *protocol = json_path_string(port, "protocol");
		struct str target CLEANUP(str_release) = STR_INIT;

		describe_value(json_object_get(port, "targetPort"), &target);
		describe_line(d, 0, "Port:\t%s %jd/%s", *name ? name : "<unset>",
			      (intmax_t)json_path_int(port, "port", 0), protocol);
		describe_line(d, 0, "TargetPort:\t%s/%s", target.s, protocol);
		if (json_path_int(port, "nodePort", 0))
			describe_line(d, 0, "NodePort:\t%s %jd/%s", *name ? name : "<unset>",
				      (intmax_t)json_path_int(port, "nodePort", 0), protocol);
		endpoints(d, slices, port);
	}
}

static void text_where_set(struct describe *d, const char *name, const char *path)
{
	if (json_path(d->object, path))
		describe_text(d, 0, name, path, "");
}

void describe_service(struct describe *d)
{
	struct str selector CLEANUP(str_release) = STR_INIT;

	describe_head(d);
	describe_selector(json_path(d->object, "spec.selector"), &selector);
	describe_line(d, 0, "Selector:\t%s", selector.s);
	describe_text(d, 0, "Type", "spec.type", "");
	text_where_set(d, "IP Family Policy", "spec.ipFamilyPolicy");
	joined(d, "IP Families", "spec.ipFamilies");
	describe_text(d, 0, "IP", "spec.clusterIP", "<none>");
	joined(d, "IPs", "spec.clusterIPs");
	if (json_array_size(json_path(d->object, "spec.externalIPs")))
		joined(d, "External IPs", "spec.externalIPs");
	text_where_set(d, "Desired LoadBalancer IP", "spec.loadBalancerIP");
	text_where_set(d, "External Name", "spec.externalName");
	if (json_array_size(json_path(d->object, "status.loadBalancer.ingress")))
		describe_text(d, 0, "LoadBalancer Ingress", "status.loadBalancer.ingress[0].ip",
			      "<none>");
	ports(d);
	describe_text(d, 0, "Session Affinity", "spec.sessionAffinity", "");
	text_where_set(d, "External Traffic Policy", "spec.externalTrafficPolicy");
	text_where_set(d, "Internal Traffic Policy", "spec.internalTrafficPolicy");
	text_where_set(d, "HealthCheck NodePort", "spec.healthCheckNodePort");
	if (json_array_size(json_path(d->object, "spec.loadBalancerSourceRanges")))
		joined(d, "LoadBalancer Source Ranges", "spec.loadBalancerSourceRanges");
}
