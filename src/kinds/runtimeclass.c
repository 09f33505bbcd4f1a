#include "kinds/builtin.h"
#include "kinds/rules.h"
#include "kinds/warn.h"
#include "object/json.h"

static void check_tolerations(const struct field *f)
{
	struct seen seen CLEANUP(seen_release) = SEEN_INIT;

	rule_tolerations(f);
	field_each (f, t) {
		char *key free_ptr = xasprintf("%s\n%s\n%s\n%s", json_path_string(t.value, "key"),
					       json_path_string(t.value, "operator"),
					       json_path_string(t.value, "value"),
					       json_path_string(t.value, "effect"));

		if (seen_add(&seen, key))
			field_duplicate(&t);
	}
}

static void check_overhead(const struct field *f)
{
	const struct field *fixed = FIELD(f, "podFixed"), *limits = FIELD(f, "limits");

	field_each_key (fixed, amount) {
		struct field told = field_entry(limits, amount.key);

		told.value = amount.value;
		rule_container_resource_name(&told, amount.key);
		rule_resource_amount(&told, amount.key);
	}
}

static void validate(const struct field *o, const struct field *old)
{
	const struct field *handler = FIELD(o, "handler");

	if (old)
		field_immutable(handler, FIELD(old, "handler"));
	field_check_required(handler, name_dns_label);
	check_overhead(FIELD(o, "overhead"));
	rule_labels(FIELD(o, "scheduling.nodeSelector"));
	check_tolerations(FIELD(o, "scheduling.tolerations"));
}

static void warn(const struct field *o, const struct field *old)
{
	const struct field *selector = FIELD(o, "scheduling.nodeSelector");

	(void)old;
	field_each_key (selector, label)
		if (old_node_label(label.key))
			field_warn(selector, old_node_label(label.key));
}

const struct kind kind_runtimeclass = {
	.group = "node.k8s.io",
	.kind = "RuntimeClass",
	.validate = validate,
	.warn = warn,
	.no_generation = true,
	.metadata = METADATA_WHOLE | METADATA_PLAIN,
};
