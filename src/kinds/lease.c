#include "kinds/builtin.h"
#include "kinds/rules.h"

#include <string.h>

static void validate(const struct field *o, const struct field *old)
{
	static const char *const strategies[] = {"OldestEmulationVersion", NULL};
	const struct field *spec = FIELD(o, "spec"), *strategy = FIELD(spec, "strategy");
	const struct field *duration = FIELD(spec, "leaseDurationSeconds");
	const struct field *preferred = FIELD(spec, "preferredHolder");

	(void)old;
	if (field_set(duration) && field_int(duration) <= 0)
		field_invalid(duration, "must be greater than 0");
	field_not_negative(FIELD(spec, "leaseTransitions"));
	if (field_set(strategy) && strchr(field_text(strategy), '/'))
		field_check(FIELD(strategy, "strategy"), name_qualified);
	else if (field_set(strategy) && !text_is_one_of(field_text(strategy), strategies))
		field_not_supported_text(FIELD(strategy, "strategy"), field_text(strategy),
					 strategies);
	if (*field_text(preferred) && !*field_text(strategy))
		field_forbidden(preferred, "may only be specified if `strategy` is defined");
}

const struct kind kind_lease = {
	.group = "coordination.k8s.io",
	.kind = "Lease",
	.validate = validate,
	.no_generation = true,
	.metadata = METADATA_PLAIN,
};
