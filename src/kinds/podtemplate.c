#include "kinds/builtin.h"
#include "kinds/fill.h"
#include "kinds/rules.h"

static void set_defaults(json_t *object)
{
	fill_template(object);
}

static void validate(const struct field *o, const struct field *old)
{
	(void)old;
	rule_pod_template(FIELD(o, "template"));
}

const struct kind kind_podtemplate = {
	.group = "",
	.kind = "PodTemplate",
	.set_defaults = set_defaults,
	.validate = validate,
};
