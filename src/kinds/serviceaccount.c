#include "kinds/builtin.h"

/* Nothing beyond metadata. */
static void validate(const struct field *o, const struct field *old)
{
	(void)o;
	(void)old;
}

const struct kind kind_serviceaccount = {
	.group = "",
	.kind = "ServiceAccount",
	.validate = validate,
	.metadata = METADATA_WHOLE,
	.no_generation = true,
};
