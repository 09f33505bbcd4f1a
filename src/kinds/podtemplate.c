#include "kinds/builtin.h"
#include "kinds/fill.h"
#include "kinds/rules.h"
#include "kinds/warn.h"

static void set_defaults(json_t *object)
{
	fill_template(object);
}

static void validate(const struct field *o, const struct field *old)
{
	(void)old;
	rule_pod_template(FIELD(o, "template"));
}

static void warn(const struct field *o, const struct field *old)
{
	if (!old || is_new_generation(o, old))
		warn_pod(FIELD(o, "template"), true);
}

const struct kind kind_podtemplate = {
	.group = "",
	.kind = "PodTemplate",
	.set_defaults = set_defaults,
	.validate = validate,
	.warn = warn,
};
