#include "kinds/builtin.h"

const struct kind kind_componentstatus = {
	.group = "",
	.kind = "ComponentStatus",
	.no_generation = true,
	.deprecation_warning = "v1 ComponentStatus is deprecated in v1.19+",
};
