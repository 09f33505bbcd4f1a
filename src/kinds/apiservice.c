#include "kinds/builtin.h"
#include "kinds/rules.h"
#include "object/base64.h"
#include "object/json.h"
#include "object/time.h"

#include <string.h>

/* What the API server itself serves can be used at once. */
static void prepare_write(json_t *object, const json_t *old, const struct write_facts *facts)
{
	char now[TIME_TEXT];

	if (old || json_is_object(json_path(object, "spec.service")))
		return;
	time_format(facts->now, now);
	json_path_set(object, "status.conditions",
		      json_pack("[{s:s,s:s,s:s,s:s,s:s}]", "type", "Available", "status", "True",
				"lastTransitionTime", now, "reason", "Local", "message",
				"Local APIServices are always available"));
}

/* "v1.example.com": what is served, by whom. */
static void check_name(const struct field *o, const struct field *spec)
{
	char *want free_ptr = xasprintf("%s.%s", field_text(FIELD(spec, "version")),
					field_text(FIELD(spec, "group")));
	char *why free_ptr = NULL;

	if (field_is(FIELD(o, "metadata.name"), want))
		return;
	why = xasprintf("must be `spec.version+\".\"+spec.group`: \"%s\"", want);
	field_invalid(FIELD(o, "metadata.name"), why);
}

/* Of a bundle only its size is told. */
static void refuse_bundle(const struct field *f)
{
	struct str bytes CLEANUP(str_release) = STR_INIT;
	char *size free_ptr = NULL;

	base64_decode(field_text(f), strlen(field_text(f)), &bytes);
	size = xasprintf("%zu bytes", bytes.len);
	field_invalid_text(f, size, "local APIServices may not have a caBundle");
}

static void check_service(const struct field *spec)
{
	const struct field *f = FIELD(spec, "service"), *port = FIELD(f, "port");
	const struct field *insecure = FIELD(spec, "insecureSkipTLSVerify");
	const struct field *bundle = FIELD(spec, "caBundle");

	if (!field_set(f)) {
		if (*field_text(bundle))
			refuse_bundle(bundle);
		if (field_bool(insecure))
			field_invalid(insecure,
				      "local APIServices may not have insecureSkipTLSVerify");
		return;
	}
	field_require(FIELD(f, "namespace"));
	field_require(FIELD(f, "name"));
	if (field_int(port) < 1 || field_int(port) > 65535)
		field_invalid_int(port, field_int(port),
				  "port is not valid: must be between 1 and 65535, inclusive");
	if (field_bool(insecure) && *field_text(bundle))
		field_invalid(insecure, "may not be true if caBundle is present");
}

static void validate(const struct field *o, const struct field *old)
{
	const struct field *spec = FIELD(o, "spec"), *group = FIELD(spec, "group");
	const struct field *version = FIELD(spec, "version");
	const struct field *priority = FIELD(spec, "groupPriorityMinimum");
	const struct field *rank = FIELD(spec, "versionPriority");

	(void)old;
	check_name(o, spec);
	if (!*field_text(group) && !field_is(version, "v1"))
		field_required(group, "only v1 may have an empty group and it better be legacy "
				      "kube");
	field_check_optional(group, name_dns_subdomain);
	field_check(version, name_dns_1035);
	if (field_int(priority) <= 0 || field_int(priority) > 20000)
		field_invalid_int(priority, field_int(priority),
				  "must be positive and less than 20000");
	if (field_int(rank) <= 0 || field_int(rank) > 1000)
		field_invalid_int(rank, field_int(rank), "must be positive and less than 1000");
	check_service(spec);
}

static void validate_subresource(const struct field *o, const struct field *old, const char *name)
{
	static const char *const statuses[] = {"True", "False", "Unknown", NULL};
	const struct field *list = FIELD(o, "status.conditions");

	(void)old;
	(void)name;
	field_each (list, c)
		field_one_of(FIELD(&c, "status"), statuses);
}

const struct kind kind_apiservice = {
	.group = "apiregistration.k8s.io",
	.kind = "APIService",
	.prepare_write = prepare_write,
	.validate = validate,
	.validate_subresource = validate_subresource,
	.name_rule = name_path_segment,
	.metadata = METADATA_WHOLE,
	.no_generation = true,
};
