#include "kinds/builtin.h"
#include "kinds/rules.h"
#include "object/json.h"

#include <string.h>

#define METADATA_MAX (256u << 10)
#define MESSAGE_MAX 1024

static void check_source(const struct field *f)
{
	static const char one[] =
		"must specify exactly one of inlineVolumeSpec and persistentVolumeName";
	const struct field *name = FIELD(f, "persistentVolumeName");
	const struct field *inline_spec = FIELD(f, "inlineVolumeSpec");

	if (field_set(name) && field_set(inline_spec)) {
		field_forbidden(f, one);
	} else if (field_set(name)) {
		if (!*field_text(name))
			field_required(name, "must specify non empty persistentVolumeName");
	} else if (field_set(inline_spec)) {
		rule_inline_volume(inline_spec);
	} else {
		field_required(f, one);
	}
	if (field_set(name))
		field_check(name, name_dns_subdomain);
}

static void check_error(const struct field *f)
{
	const struct field *code = FIELD(f, "errorCode");

	if (strlen(field_text(FIELD(f, "message"))) > MESSAGE_MAX)
		field_too_long(FIELD(f, "message"), MESSAGE_MAX);
	if (field_set(code))
		field_in_range(code, 0, 0x7fffffff);
}

static void check_status(const struct field *f)
{
	const struct field *metadata = FIELD(f, "attachmentMetadata");
	size_t bytes = 0;

	field_each_key (metadata, m)
		bytes += strlen(m.key) + json_string_length(m.value);
	if (bytes > METADATA_MAX)
		field_too_long(metadata, METADATA_MAX);
	check_error(FIELD(f, "attachError"));
	check_error(FIELD(f, "detachError"));
}

static void validate(const struct field *o, const struct field *old)
{
	const struct field *spec = FIELD(o, "spec");

	rule_csi_driver_name(FIELD(spec, "attacher"));
	check_source(FIELD(spec, "source"));
	field_check(FIELD(spec, "nodeName"), name_dns_subdomain);
	check_status(FIELD(o, "status"));
	if (old)
		field_immutable(spec, FIELD(old, "spec"));
}

static void validate_subresource(const struct field *o, const struct field *old, const char *name)
{
	(void)name;
	validate(o, old);
}

const struct kind kind_volumeattachment = {
	.group = "storage.k8s.io",
	.kind = "VolumeAttachment",
	.validate = validate,
	.validate_subresource = validate_subresource,
	.no_generation = true,
	.metadata = METADATA_WHOLE | METADATA_NO_CHANGES,
};
