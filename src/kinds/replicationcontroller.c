#include "kinds/builtin.h"
#include "kinds/fill.h"
#include "kinds/rules.h"
#include "kinds/warn.h"
#include "object/json.h"
#include "object/selector.h"

#include <string.h>

static void set_defaults(json_t *object)
{
	json_t *spec = fill_spec(object), *labels;

	fill_template(spec);
	labels = json_path(spec, "template.metadata.labels");
	if (!json_object_size(labels))
		return;
	if (!json_object_size(json_object_get(spec, "selector")))
		json_object_set_new(spec, "selector", json_deep_copy(labels));
	if (!json_object_size(json_path(object, "metadata.labels")))
		json_path_set(object, "metadata.labels", json_deep_copy(labels));
}

static void check_labels(const struct field *spec)
{
	const struct field *labels = FIELD(spec, "template.metadata.labels");
	struct selector *s CLEANUP(selector_free_cleanup) =
		selector_from_map(FIELD(spec, "selector")->value);

	if (!selector_matches_tree(s, labels->value))
		field_invalid(labels, "`selector` does not match template `labels`");
}

static void validate(const struct field *o, const struct field *old)
{
	static const char *const counts[] = {"replicas", "minReadySeconds", NULL};
	const struct field *spec = FIELD(o, "spec");

	(void)old;
	rule_counts(spec, counts);
	if (field_require(FIELD(spec, "selector")))
		check_labels(spec);
	rule_lasting_template(FIELD(spec, "template"), "ReplicationController");
}

static void validate_subresource(const struct field *o, const struct field *old, const char *name)
{
	if (strcmp(name, "status") == 0)
		replicas_status_validate(FIELD(o, "status"));
	else
		validate(o, old);
}

static const struct selectable selectable[] = {
	{.field = "status.replicas", .zero = "0"},
	{0},
};

const struct kind kind_rc = {
	.group = "",
	.kind = "ReplicationController",
	.set_defaults = set_defaults,
	.validate = validate,
	.warn = warn_workload,
	.validate_subresource = validate_subresource,
	.selectable = selectable,
};
