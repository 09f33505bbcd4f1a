#include "kinds/builtin.h"
#include "kinds/fill.h"
#include "kinds/rules.h"
#include "kinds/warn.h"
#include "object/json.h"

#include <string.h>

#define ENDPOINTS_MAX 1000
#define ADDRESSES_MAX 100
#define PORTS_MAX 20000
#define HINTS_MAX 8

static void set_defaults(json_t *object)
{
	json_t *e;
	size_t i;

	if (!json_object_get(object, "endpoints"))
		json_object_set_new(object, "endpoints", json_null());
	json_array_foreach (json_object_get(object, "endpoints"), i, e)
		if (json_is_object(e))
			fill_object(e, "conditions");
}

/* Topology is of the API's first version and not written any more; what the slice lists counts as
 * its spec. */
static void prepare(json_t *object, const json_t *old)
{
	const json_t *was = json_object_get(old, "endpoints");
	json_t *e;
	size_t i;

	if (was && json_equal(was, json_object_get(object, "endpoints")))
		return;
	json_array_foreach (json_object_get(object, "endpoints"), i, e)
		json_object_del(e, "deprecatedTopology");
}

static void check_address(const struct field *address, const struct field *list,
			  const struct field *type)
{
	enum ip_family family = ip_family_of(field_text(address));
	size_t before = field_errors_count(address->errors);
	bool v4 = field_is(type, "IPv4");

	if (field_is(type, "FQDN")) {
		rule_domain_name(address);
		return;
	}
	if (!v4 && !field_is(type, "IPv6"))
		return;
	if (v4)
		rule_ip_legacy(address);
	else
		rule_ip(address);
	if (field_errors_count(address->errors) != before)
		return;
	if (family != (v4 ? IP_V4 : IP_V6))
		field_invalid_text(list, field_text(address),
				   v4 ? "must be an IPv4 address" : "must be an IPv6 address");
	rule_endpoint_ip(address);
}

/* False: there are so many that nothing beside them is looked at. */
static bool check_hints(const struct field *f, name_rule *rule)
{
	struct seen seen CLEANUP(seen_release) = SEEN_INIT;

	if (!rule_count_limit(f, HINTS_MAX))
		return false;
	field_each (f, hint) {
		const struct field *name = FIELD(&hint, "name");

		if (seen_add(&seen, field_text(name)))
			field_duplicate(name);
		field_check(name, rule);
	}
	return true;
}

static void check_endpoint(const struct field *e, const struct field *type)
{
	const struct field *addresses = FIELD(e, "addresses");
	const struct field *node = FIELD(e, "nodeName"), *host = FIELD(e, "hostname");

	if (!field_size(addresses))
		field_required(addresses, "must contain at least 1 address");
	else if (field_size(addresses) > ADDRESSES_MAX)
		field_too_many(addresses, field_size(addresses), ADDRESSES_MAX);
	field_each (addresses, a)
		check_address(&a, addresses, type);
	if (field_set(node))
		field_check(node, name_dns_subdomain);
	if (field_set(host))
		field_check(host, name_dns_label);
	if (check_hints(FIELD(e, "hints.forZones"), name_label_value))
		check_hints(FIELD(e, "hints.forNodes"), name_dns_subdomain);
}

static void check_ports(const struct field *ports)
{
	struct seen names CLEANUP(seen_release) = SEEN_INIT;

	if (!rule_count_limit(ports, PORTS_MAX))
		return;
	field_each (ports, p) {
		const struct field *name = FIELD(&p, "name"), *app = FIELD(&p, "appProtocol");

		field_check_optional(name, name_dns_label);
		if (seen_add(&names, field_text(name)))
			field_duplicate_text(name, field_text(name));
		field_one_of(FIELD(&p, "protocol"), port_protocols);
		if (field_set(app))
			field_check(app, name_qualified);
	}
}

static void validate(const struct field *o, const struct field *old)
{
	static const char *const types[] = {"FQDN", "IPv4", "IPv6", NULL};
	const struct field *type = FIELD(o, "addressType"), *list = FIELD(o, "endpoints");

	field_one_of_required(type, types);
	check_ports(FIELD(o, "ports"));
	if ((!old || !field_same(list, FIELD(old, "endpoints"))) &&
	    rule_count_limit(list, ENDPOINTS_MAX))
		field_each (list, e)
			check_endpoint(&e, type);
	if (old)
		field_immutable(type, FIELD(old, "addressType"));
}

static bool grows(const json_t *object, const json_t *old)
{
	static const char *const counted[] = {"addressType", "endpoints", "ports",
					      "metadata.labels"};

	for (size_t i = 0; i < ARRAY_SIZE(counted); i++) {
		const json_t *now = json_path(object, counted[i]),
			     *was = json_path(old, counted[i]);

		if (now != was && !(now && was && json_equal(now, was)))
			return true;
	}
	return false;
}

#define MANAGED_BY "endpointslice.kubernetes.io/managed-by"

static void warn(const struct field *o, const struct field *old)
{
	static const char *const controllers[] = {"endpointslice-controller.k8s.io",
						  "endpointslicemirroring-controller.k8s.io", NULL};

	if (field_is(FIELD(o, "addressType"), "FQDN")) {
		if (!old)
			field_warn(FIELD(FIELD(o, "spec"), "addressType"),
				   "FQDN endpoints are deprecated");
		return;
	}
	/* Controllers write what others have given them. */
	if (text_is_one_of(json_path_string(o->value, "metadata.labels[" MANAGED_BY "]"),
			   controllers))
		return;
	field_each (FIELD(o, "endpoints"), endpoint)
		field_each (FIELD(&endpoint, "addresses"), address)
			warn_ip(&address);
}

const struct kind kind_endpointslice = {
	.group = "discovery.k8s.io",
	.kind = "EndpointSlice",
	.set_defaults = set_defaults,
	.prepare = prepare,
	.validate = validate,
	.generation_grows = grows,
	.warn = warn,
	.metadata = METADATA_WHOLE | METADATA_NO_CHANGES,
};
