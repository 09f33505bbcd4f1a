#include "kinds/builtin.h"
#include "kinds/fill.h"
#include "kinds/rules.h"
#include "kinds/warn.h"
#include "object/json.h"

static void set_defaults(json_t *object)
{
	json_t *spec = fill_spec(object), *types;

	fill_object(spec, "podSelector");
	if (json_array_size(json_object_get(spec, "policyTypes")))
		return;
	types = json_pack("[s]", "Ingress");
	if (json_array_size(json_object_get(spec, "egress")))
		json_array_append_new(types, json_string("Egress"));
	json_object_set_new(spec, "policyTypes", types);
}

static void check_end_port(const struct field *end, const struct field *port)
{
	if (!field_set(end))
		return;
	if (!field_set(port)) {
		field_invalid(end, "may not be specified when `port` is not specified");
	} else if (json_is_string(port->value)) {
		field_invalid(end, "may not be specified when `port` is non-numeric");
	} else {
		if (field_int(end) < field_int(port))
			field_invalid_int(end, field_int(port),
					  "must be greater than or equal to `port`");
		rule_port(end);
	}
}

static void check_ports(const struct field *ports)
{
	static const char *const protocols[] = {"TCP", "UDP", "SCTP", NULL};

	field_each (ports, p) {
		const struct field *port = FIELD(&p, "port");

		if (field_set(FIELD(&p, "protocol")))
			field_one_of(FIELD(&p, "protocol"), protocols);
		if (field_set(port))
			rule_port_or_name(port);
		check_end_port(FIELD(&p, "endPort"), port);
	}
}

static void check_block(const struct field *f)
{
	const struct field *cidr = FIELD(f, "cidr"), *except = FIELD(f, "except");

	if (!field_require(cidr))
		return;
	rule_cidr_legacy(cidr);
	if (cidr_family_of(field_text(cidr)) == IP_NONE)
		return;
	field_each (except, e) {
		rule_cidr_legacy(&e);
		if (cidr_family_of(field_text(&e)) != IP_NONE &&
		    !cidr_is_strictly_within(field_text(&e), field_text(cidr)))
			field_invalid(&e, "must be a strict subset of `cidr`");
	}
}

static void check_peers(const struct field *peers)
{
	field_each (peers, peer) {
		const struct field *pods = FIELD(&peer, "podSelector");
		const struct field *namespaces = FIELD(&peer, "namespaceSelector");
		const struct field *block = FIELD(&peer, "ipBlock");

		rule_label_selector(pods);
		rule_label_selector(namespaces);
		if (field_set(block))
			check_block(block);
		if (!field_set(pods) && !field_set(namespaces) && !field_set(block))
			field_required(&peer, "must specify a peer");
		else if (field_set(block) && (field_set(pods) || field_set(namespaces)))
			field_forbidden(&peer, "may not specify both ipBlock and another peer");
	}
}

static void check_rules(const struct field *rules, const char *peers)
{
	field_each (rules, rule) {
		check_ports(FIELD(&rule, "ports"));
		check_peers(FIELD(&rule, peers));
	}
}

static void validate(const struct field *o, const struct field *old)
{
	static const char *const known[] = {"Ingress", "Egress", NULL};
	const struct field *spec = FIELD(o, "spec"), *types = FIELD(spec, "policyTypes");

	(void)old;
	rule_label_selector(FIELD(spec, "podSelector"));
	check_rules(FIELD(spec, "ingress"), "from");
	check_rules(FIELD(spec, "egress"), "to");
	if (field_size(types) > 2) {
		field_invalid(types, "may not specify more than two policyTypes");
		return;
	}
	field_each (types, type)
		field_one_of(&type, known);
}

static void warn_peers(const struct field *rules, const char *peers)
{
	field_each (rules, rule) {
		const struct field *list = FIELD(&rule, peers);

		field_each (list, peer) {
			const struct field *block = FIELD(&peer, "ipBlock");
			const struct field *except = FIELD(block, "except");

			warn_cidr(FIELD(block, "cidr"));
			field_each (except, e)
				warn_cidr(&e);
		}
	}
}

static void warn(const struct field *o, const struct field *old)
{
	(void)old;
	warn_peers(FIELD(o, "spec.ingress"), "from");
	warn_peers(FIELD(o, "spec.egress"), "to");
}

const struct kind kind_networkpolicy = {
	.group = "networking.k8s.io",
	.kind = "NetworkPolicy",
	.set_defaults = set_defaults,
	.validate = validate,
	.warn = warn,
};
