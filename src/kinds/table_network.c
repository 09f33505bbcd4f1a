/*
 * Rows of services, what stands behind them, and what leads to them.
 */
#include "kinds/tables.h"
#include "object/json.h"

#include <arpa/inet.h>
#include <string.h>

#define BRIEF_MOST 3

static bool is_type(const json_t *service, const char *type)
{
	return strcmp(json_path_string(service, "spec.type"), type) == 0;
}

/* Addresses or names of load balancers, each once and sorted. */
static void add_balancers(const json_t *object, struct str *out)
{
	const json_t *list = json_path(object, "status.loadBalancer.ingress");
	json_t *names json_auto = json_object();
	const char *name;
	json_t *v;
	size_t i;

	json_array_foreach (list, i, v) {
		const char *ip = json_path_string(v, "ip");

		name = *ip ? ip : json_path_string(v, "hostname");
		if (*name)
			json_object_set_new(names, name, json_null());
	}
	while (json_object_size(names)) {
		const char *first = NULL;

		json_object_foreach (names, name, v)
			if (!first || strcmp(name, first) < 0)
				first = name;
		cells_join(out, ",", first);
		json_object_del(names, first);
	}
}

static json_t *external_cell(const json_t *service, const char *path, int64_t now)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	bool balanced = is_type(service, "LoadBalancer");
	json_t *ip;
	size_t i;

	if (is_type(service, "ExternalName"))
		return cell_text(service, "spec.externalName", now);
	if (!balanced && !is_type(service, "ClusterIP") && !is_type(service, "NodePort"))
		return json_string("<unknown>");
	if (balanced)
		add_balancers(service, &text);
	json_array_foreach (json_path(service, "spec.externalIPs"), i, ip)
		cells_join(&text, ",", json_string_value(ip) ?: "");
	return text.len ? cell_of(&text) : json_string(balanced ? "<pending>" : "<none>");
}

static json_t *ports_cell(const json_t *service, const char *path, int64_t now)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	json_t *p;
	size_t i;

	json_array_foreach (json_path(service, "spec.ports"), i, p) {
		json_int_t node = json_path_int(p, "nodePort", 0);

		if (i)
			str_addc(&text, ',');
		str_addf(&text, "%lld", (long long)json_path_int(p, "port", 0));
		if (node > 0)
			str_addf(&text, ":%lld", (long long)node);
		str_addf(&text, "/%s", json_path_string(p, "protocol"));
	}
	return text.len ? cell_of(&text) : json_string("<none>");
}

static const struct table_column service_columns[] = {
	COLUMN_NAME,
	COLUMN("Type", cell_text, "spec.type", "How it is reached"),
	COLUMN("Cluster-IP", cell_or_none, "spec.clusterIPs[0]", "Its address in the cluster"),
	COLUMN("External-IP", external_cell, NULL, "Its addresses outside"),
	COLUMN("Port(s)", ports_cell, NULL, "Ports, with those on nodes"),
	COLUMN_AGE,
	COLUMN_WIDE("Selector", cell_labels, "spec.selector", "The labels of its pods"),
};

/* PORT NULL: the service has none. */
static void add_endpoints(struct brief *b, const json_t *addresses, const json_t *port)
{
	json_t *a;
	size_t i;

	json_array_foreach (addresses, i, a) {
		struct str text CLEANUP(str_release) = STR_INIT;
		const char *ip = json_path_string(a, "ip");

		if (port)
			str_addf(&text, strchr(ip, ':') ? "[%s]:%lld" : "%s:%lld", ip,
				 (long long)json_path_int(port, "port", 0));
		else
			str_adds(&text, ip);
		cells_brief_add(b, ",", text.s);
	}
}

static json_t *endpoints_cell(const json_t *object, const char *path, int64_t now)
{
	struct brief b = BRIEF_INIT(BRIEF_MOST);
	json_t *subset, *port;
	size_t i, j;

	json_array_foreach (json_path(object, "subsets"), i, subset) {
		const json_t *addresses = json_path(subset, "addresses");

		if (!json_array_size(json_path(subset, "ports")))
			add_endpoints(&b, addresses, NULL);
		json_array_foreach (json_path(subset, "ports"), j, port)
			add_endpoints(&b, addresses, port);
	}
	return cells_brief_finish(&b,
				  json_array_size(json_path(object, "subsets")) ? "" : "<none>");
}

static const struct table_column endpoints_columns[] = {
	COLUMN_NAME,
	COLUMN("Endpoints", endpoints_cell, NULL, "The first few addresses and ports"),
	COLUMN_AGE,
};

static json_t *slice_ports(const json_t *slice, const char *path, int64_t now)
{
	struct brief b = BRIEF_INIT(BRIEF_MOST);
	json_t *p;
	size_t i;

	json_array_foreach (json_path(slice, "ports"), i, p) {
		struct str text CLEANUP(str_release) = STR_INIT;

		if (json_path(p, "port"))
			str_addf(&text, "%lld", (long long)json_path_int(p, "port", 0));
		else
			str_adds(&text, json_path(p, "name") ? json_path_string(p, "name") : "*");
		cells_brief_add(&b, ",", text.s);
	}
	return cells_brief_finish(&b, "<unset>");
}

static json_t *slice_endpoints(const json_t *slice, const char *path, int64_t now)
{
	struct brief b = BRIEF_INIT(BRIEF_MOST);
	json_t *endpoint, *address;
	size_t i, j;

	json_array_foreach (json_path(slice, "endpoints"), i, endpoint)
		json_array_foreach (json_path(endpoint, "addresses"), j, address)
			cells_brief_add(&b, ",", json_string_value(address) ?: "");
	return cells_brief_finish(&b, "<unset>");
}

static const struct table_column slice_columns[] = {
	COLUMN_NAME,
	COLUMN("AddressType", cell_text, "addressType", "What its addresses are"),
	COLUMN("Ports", slice_ports, NULL, "The first few ports"),
	COLUMN("Endpoints", slice_endpoints, NULL, "The first few addresses"),
	COLUMN_AGE,
};

/* Rules without a host are none of those shown, yet count among those left off. */
static json_t *hosts_cell(const json_t *ingress, const char *path, int64_t now)
{
	struct brief b = BRIEF_INIT(BRIEF_MOST);
	json_t *rule;
	size_t i;

	json_array_foreach (json_path(ingress, "spec.rules"), i, rule) {
		const char *host = json_path_string(rule, "host");

		if (*host || b.shown == b.max)
			cells_brief_add(&b, ",", host);
		else
			b.total++;
	}
	return cells_brief_finish(&b, "*");
}

static json_t *balancers_cell(const json_t *ingress, const char *path, int64_t now)
{
	struct str text CLEANUP(str_release) = STR_INIT;

	add_balancers(ingress, &text);
	return cell_of(&text);
}

static json_t *tls_cell(const json_t *ingress, const char *path, int64_t now)
{
	return json_string(json_array_size(json_path(ingress, path)) ? "80, 443" : "80");
}

static const struct table_column ingress_columns[] = {
	COLUMN_NAME,
	COLUMN("Class", cell_or_none, "spec.ingressClassName", "The class that serves it"),
	COLUMN("Hosts", hosts_cell, NULL, "The first few hosts of its rules"),
	COLUMN("Address", balancers_cell, NULL, "Where it is reached"),
	COLUMN("Ports", tls_cell, "spec.tls", "Ports that are open"),
	COLUMN_AGE,
};

static json_t *parameters_cell(const json_t *object, const char *path, int64_t now)
{
	const json_t *parameters = json_path(object, path);
	struct str text CLEANUP(str_release) = STR_INIT;

	if (!parameters)
		return json_string("<none>");
	str_adds(&text, json_path_string(parameters, "kind"));
	if (json_path(parameters, "apiGroup"))
		str_addf(&text, ".%s", json_path_string(parameters, "apiGroup"));
	str_addf(&text, "/%s", json_path_string(parameters, "name"));
	return cell_of(&text);
}

static const struct table_column class_columns[] = {
	COLUMN_NAME,
	COLUMN("Controller", cell_text, "spec.controller", "What serves its ingresses"),
	COLUMN("Parameters", parameters_cell, "spec.parameters", "The object that says more"),
	COLUMN_AGE,
};

static const struct table_column policy_columns[] = {
	COLUMN_NAME,
	COLUMN("Pod-Selector", cell_selector, "spec.podSelector", "The pods it is for"),
	COLUMN_AGE,
};

static json_t *parent_cell(const json_t *object, const char *path, int64_t now)
{
	static const char *const above[] = {"namespace", "name"};
	const json_t *parent = json_path(object, path);
	struct str text CLEANUP(str_release) = STR_INIT;

	if (!parent)
		return json_string("<none>");
	cells_add_lower(&text, json_path_string(parent, "resource"));
	if (*json_path_string(parent, "group")) {
		str_addc(&text, '.');
		cells_add_lower(&text, json_path_string(parent, "group"));
	}
	for (size_t i = 0; i < sizeof(above) / sizeof(above[0]); i++)
		if (*json_path_string(parent, above[i]))
			str_addf(&text, "/%s", json_path_string(parent, above[i]));
	return cell_of(&text);
}

/* Its age has a cell and no column. */
static const struct table_column address_columns[] = {
	COLUMN_NAME,
	COLUMN("ParentRef", parent_cell, "spec.parentRef", "What the address was given to"),
	COLUMN(NULL, cell_age, "metadata.creationTimestamp", NULL),
};

static json_t *cidrs_cell(const json_t *object, const char *path, int64_t now)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	json_t *v;
	size_t i;

	json_array_foreach (json_path(object, path), i, v)
		cells_join(&text, ",", json_string_value(v) ?: "");
	return cell_of(&text);
}

static const struct table_column cidr_columns[] = {
	COLUMN_NAME,
	COLUMN("CIDRs", cidrs_cell, "spec.cidrs", "The ranges that service addresses come from"),
	COLUMN_AGE,
};

const struct kind_table tables_network[] = {
	TABLE("", "Service", service_columns),
	TABLE("", "Endpoints", endpoints_columns),
	TABLE("discovery.k8s.io", "EndpointSlice", slice_columns),
	TABLE("networking.k8s.io", "Ingress", ingress_columns),
	TABLE("networking.k8s.io", "IngressClass", class_columns),
	TABLE("networking.k8s.io", "NetworkPolicy", policy_columns),
	TABLE("networking.k8s.io", "IPAddress", address_columns),
	TABLE("networking.k8s.io", "ServiceCIDR", cidr_columns),
	TABLES_END,
};
