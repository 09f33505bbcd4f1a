#include "kinds/builtin.h"
#include "kinds/rules.h"
#include "kinds/warn.h"
#include "object/json.h"

static void check_address(const struct field *f)
{
	const struct field *node = FIELD(f, "nodeName");

	rule_ip_legacy(FIELD(f, "ip"));
	field_check_optional(FIELD(f, "hostname"), name_dns_label);
	if (field_set(node))
		field_check(node, name_dns_subdomain);
	if (ip_family_of(field_text(FIELD(f, "ip"))) == IP_NONE)
		field_invalid_text(FIELD(f, "ip"), field_text(FIELD(f, "ip")),
				   "must be a valid IP address");
	else
		rule_endpoint_ip(FIELD(f, "ip"));
}

static void check_port(const struct field *f, bool named)
{
	const struct field *name = FIELD(f, "name"), *app = FIELD(f, "appProtocol");

	if (named && !*field_text(name))
		field_required(name, NULL);
	field_check_optional(name, name_dns_label);
	rule_port(FIELD(f, "port"));
	field_one_of_required(FIELD(f, "protocol"), port_protocols);
	if (field_set(app))
		field_check(app, name_qualified);
}

static void validate(const struct field *o, const struct field *old)
{
	const struct field *subsets = FIELD(o, "subsets");

	if (old && field_same(subsets, FIELD(old, "subsets")))
		return;
	field_each (subsets, s) {
		const struct field *ready = FIELD(&s, "addresses");
		const struct field *waiting = FIELD(&s, "notReadyAddresses");
		const struct field *ports = FIELD(&s, "ports");

		if (!field_size(ready) && !field_size(waiting))
			field_required(&s, "must specify `addresses` or `notReadyAddresses`");
		field_each (ready, a)
			check_address(&a);
		field_each (waiting, a)
			check_address(&a);
		field_each (ports, p)
			check_port(&p, field_size(ports) > 1);
	}
}

static void warn(const struct field *o, const struct field *old)
{
	static const char managed_by[] = "endpoints.kubernetes.io/managed-by";
	static const char *const lists[] = {"addresses", "notReadyAddresses"};
	const struct field *subsets = FIELD(o, "subsets");

	(void)old;
	if (field_is(FIELD_KEY(FIELD(o, "metadata.labels"), managed_by), "endpoint-controller"))
		return;
	field_each (subsets, s)
		for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
			const struct field *list = FIELD(&s, lists[i]);

			field_each (list, a)
				warn_ip(FIELD(&a, "ip"));
		}
}

const struct kind kind_endpoints = {
	.group = "",
	.kind = "Endpoints",
	.validate = validate,
	.warn = warn,
	.metadata = METADATA_WHOLE,
	.no_generation = true,
	.deprecation_warning = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 "
			       "EndpointSlice",
};
