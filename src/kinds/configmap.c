#include "kinds/builtin.h"
#include "kinds/rules.h"
#include "object/json.h"

#include <string.h>

#define BYTES_MAX (1u << 20)

/* Lengths of what stands in base64, without decoding it. */
static size_t decoded_size(const json_t *v)
{
	const char *s = json_string_value(v);
	size_t n = json_string_length(v), pad = 0;

	while (n && pad < 2 && s[n - 1 - pad] == '=')
		pad++;
	return n / 4 * 3 - MIN(pad, n / 4 * 3);
}

size_t config_keys_validate(const struct field *data, bool base64)
{
	size_t bytes = 0;

	field_each_key (data, entry) {
		field_check_text(&entry, entry.key, name_config_key);
		bytes += base64 ? decoded_size(entry.value) : json_string_length(entry.value);
	}
	return bytes;
}

void config_immutable_validate(const struct field *o, const struct field *old,
			       const char *const *members)
{
	static const char why[] = "field is immutable when `immutable` is set";

	if (!old || !field_bool(FIELD(old, "immutable")))
		return;
	if (!field_bool(FIELD(o, "immutable")))
		field_forbidden(FIELD(o, "immutable"), why);
	for (; *members; members++)
		if (!field_same(FIELD(o, *members), FIELD(old, *members)))
			field_forbidden(FIELD(o, *members), why);
}

static void validate(const struct field *o, const struct field *old)
{
	static const char *const members[] = {"data", "binaryData", NULL};
	const struct field *data = FIELD(o, "data"), *binary = FIELD(o, "binaryData");
	struct field nowhere = field_member(o, "data");
	size_t bytes;

	config_immutable_validate(o, old, members);
	field_each_key (data, entry)
		if (json_object_get(binary->value, entry.key))
			field_invalid_text(&entry, entry.key,
					   "duplicate of key present in binaryData");
	bytes = config_keys_validate(data, false);
	bytes += config_keys_validate(binary, true);
	nowhere.name = "";
	if (bytes > BYTES_MAX)
		field_too_long(&nowhere, BYTES_MAX);
}

const struct kind kind_configmap = {
	.group = "",
	.kind = "ConfigMap",
	.validate = validate,
	.metadata = METADATA_WHOLE,
	.no_generation = true,
};
