/*
 * Classes of storage, and of what volumes of one class may differ in.
 */
#include "kinds/builtin.h"
#include "kinds/rules.h"
#include "kinds/warn.h"
#include "object/json.h"

#include <string.h>

#define PARAMETERS_MAX 512
#define PARAMETER_BYTES_MAX (256u << 10)

static void check_provisioner(const struct field *f)
{
	char *small free_ptr = xstrdup(field_text(f));

	if (!field_require(f))
		return;
	for (char *p = small; *p; p++)
		*p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
	field_check_text(f, small, name_qualified);
}

static void check_parameters(const struct field *f, bool required)
{
	size_t bytes = 0;

	if (field_size(f) > PARAMETERS_MAX)
		field_too_long(f, PARAMETERS_MAX);
	field_each_key (f, p) {
		if (!*p.key)
			field_invalid_text(f, "", "field can not be empty.");
		bytes += strlen(p.key) + json_string_length(p.value);
	}
	if (bytes > PARAMETER_BYTES_MAX)
		field_too_long(f, PARAMETER_BYTES_MAX);
	if (required && !field_size(f))
		field_required(f, "must contain at least one key/value pair");
}

static void check_topology(const struct field *term)
{
	const struct field *list = FIELD(term, "matchLabelExpressions");
	struct seen keys CLEANUP(seen_release) = SEEN_INIT;

	field_each (list, e) {
		const struct field *key = FIELD(&e, "key"), *values = FIELD(&e, "values");
		struct seen seen CLEANUP(seen_release) = SEEN_INIT;

		field_require(values);
		field_each (values, v)
			if (seen_add(&seen, field_text(&v)))
				field_duplicate(&v);
		field_check(key, name_qualified);
		if (seen_add(&keys, field_text(key)))
			field_duplicate(key);
	}
}

static void check_topologies(const struct field *f)
{
	struct seen seen CLEANUP(seen_release) = SEEN_INIT;

	field_each (f, term) {
		struct str text CLEANUP(str_release) = STR_INIT;

		check_topology(&term);
		json_write(term.value, &text);
		/* Every term without expressions is that of nothing, which is there before. */
		if (seen_add(&seen, text.s) || !field_size(FIELD(&term, "matchLabelExpressions")))
			field_duplicate_text(FIELD(&term, "matchLabelExpressions"), "");
	}
}

static void validate_class(const struct field *o, const struct field *old)
{
	static const char *const fixed[] = {"parameters", "provisioner", "reclaimPolicy",
					    "volumeBindingMode"};
	static const char *const policies[] = {"Delete", "Retain", NULL};
	static const char *const modes[] = {"Immediate", "WaitForFirstConsumer", NULL};

	for (size_t i = 0; i < ARRAY_SIZE(fixed) && old; i++)
		field_immutable(FIELD(o, fixed[i]), FIELD(old, fixed[i]));
	check_provisioner(FIELD(o, "provisioner"));
	check_parameters(FIELD(o, "parameters"), false);
	field_one_of_optional(FIELD(o, "reclaimPolicy"), policies);
	field_one_of_required(FIELD(o, "volumeBindingMode"), modes);
	check_topologies(FIELD(o, "allowedTopologies"));
}

static void validate_attributes(const struct field *o, const struct field *old)
{
	const struct field *driver = FIELD(o, "driverName"), *parameters = FIELD(o, "parameters");

	if (old && !field_same(driver, FIELD(old, "driverName")))
		field_forbidden(driver, "updates to driverName are forbidden.");
	if (old && !field_same(parameters, FIELD(old, "parameters")))
		field_forbidden(parameters, "updates to parameters are forbidden.");
	check_provisioner(driver);
	check_parameters(parameters, true);
}

static void warn_class(const struct field *o, const struct field *old)
{
	const struct field *terms = FIELD(o, "allowedTopologies");

	(void)old;
	field_each (terms, term) {
		const struct field *list = FIELD(&term, "matchLabelExpressions");

		field_each (list, e) {
			const struct field *key = FIELD(&e, "key");

			if (old_node_label(field_text(key)))
				field_warn(key, old_node_label(field_text(key)));
		}
	}
}

const struct kind kind_storageclass = {
	.group = "storage.k8s.io",
	.kind = "StorageClass",
	.validate = validate_class,
	.warn = warn_class,
	.no_generation = true,
	.metadata = METADATA_WHOLE,
};
const struct kind kind_volumeattributesclass = {
	.group = "storage.k8s.io",
	.kind = "VolumeAttributesClass",
	.validate = validate_attributes,
	.metadata = METADATA_WHOLE,
	.no_generation = true,
};
