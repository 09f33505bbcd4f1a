#include "kinds/builtin.h"
#include "kinds/rules.h"

/* An address in its canonical form. */
static size_t name_of_ip(const char *s, const char *why[NAME_PROBLEMS])
{
	struct field_errors *e CLEANUP(field_errors_free_cleanup) = field_errors_new();
	json_t *text = json_string(s);
	struct field f = field_root(text, e);

	rule_ip(&f);
	json_decref(text);
	if (!field_errors_count(e))
		return 0;
	why[0] = "must be a valid IP address in its canonical form, (e.g. 10.9.8.7 or "
		 "2001:db8::ffff)";
	return 1;
}

static void validate(const struct field *o, const struct field *old)
{
	const struct field *parent = FIELD(o, "spec.parentRef");

	if (old)
		field_immutable(parent, FIELD(old, "spec.parentRef"));
	if (!field_set(parent)) {
		field_required(parent, NULL);
		return;
	}
	field_check_optional(FIELD(parent, "group"), name_dns_subdomain);
	field_check_required(FIELD(parent, "resource"), name_path_segment);
	field_check_required(FIELD(parent, "name"), name_path_segment);
	field_check_optional(FIELD(parent, "namespace"), name_path_segment);
}

const struct kind kind_ipaddress = {
	.group = "networking.k8s.io",
	.kind = "IPAddress",
	.validate = validate,
	.name_rule = name_of_ip,
	.no_generation = true,
	.metadata = METADATA_WHOLE,
};
