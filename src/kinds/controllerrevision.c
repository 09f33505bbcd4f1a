#include "kinds/builtin.h"
#include "kinds/rules.h"

static void validate(const struct field *o, const struct field *old)
{
	const struct field *data = FIELD(o, "data");

	field_not_negative(FIELD(o, "revision"));
	if (old)
		field_immutable(data, FIELD(old, "data"));
	else if (!field_set(data))
		field_required(data, "data is mandatory");
	else if (!json_is_object(data->value))
		field_required(data, "data must be a valid JSON object");
}

const struct kind kind_controllerrevision = {
	.group = "apps",
	.kind = "ControllerRevision",
	.validate = validate,
	.metadata = METADATA_WHOLE,
	.no_generation = true,
};
