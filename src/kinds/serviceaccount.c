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
	.whole_metadata = true,
	.no_generation = true,
};
