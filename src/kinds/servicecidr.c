#include "kinds/builtin.h"
#include "kinds/rules.h"
#include "object/json.h"

static void check_cidrs(const struct field *f)
{
	unsigned met[3] = {0};

	if (!field_size(f))
		field_required(f, "at least one CIDR required");
	if (field_size(f) > 2) {
		/* The spec is shown, by the name that its field has in Go. */
		json_t *spec json_auto = json_pack("{s:O}", "CIDRs", f->value);

		field_invalid_json(f, spec, "may only hold up to 2 values");
		return;
	}
	field_each (f, cidr) {
		rule_cidr(&cidr);
		met[cidr_family_of(field_text(&cidr))]++;
	}
	if (field_size(f) == 2 && (met[IP_V4] == 2 || met[IP_V6] == 2))
		field_invalid(f, "may specify no more than one IP for each IP family, i.e "
				 "192.168.0.0/24 and 2001:db8::/64");
}

static void check_changes(const struct field *f, const struct field *old)
{
	static const char fixed[] = "field is immutable";
	bool grows = field_size(old) == 1 && field_size(f) == 2;

	if (!grows && field_size(f) != field_size(old)) {
		field_invalid(f, fixed);
		return;
	}
	field_each (old, cidr)
		if (!field_same(&cidr, FIELD_INDEX(f, cidr.index)))
			field_invalid(FIELD_INDEX(f, cidr.index), fixed);
	if (grows)
		check_cidrs(f);
}

static void validate(const struct field *o, const struct field *old)
{
	const struct field *cidrs = FIELD(o, "spec.cidrs");

	if (old)
		check_changes(cidrs, FIELD(old, "spec.cidrs"));
	else
		check_cidrs(cidrs);
}

const struct kind kind_servicecidr = {
	.group = "networking.k8s.io",
	.kind = "ServiceCIDR",
	.validate = validate,
	.no_generation = true,
};
