/*
 * ReplicaSet and ReplicationController: so many pods of a template. They differ in what picks the
 * pods.
 */
#include "kinds/builtin.h"
#include "kinds/fill.h"
#include "kinds/rules.h"
#include "kinds/warn.h"
#include "object/json.h"
#include "object/selector.h"

#include <string.h>

static const char *const counts[] = {"replicas", "minReadySeconds", NULL};

static void set_defaults(json_t *object)
{
	fill_template(fill_spec(object));
}

static void validate(const struct field *o, const struct field *old)
{
	const struct field *spec = FIELD(o, "spec");

	rule_counts(spec, counts);
	if (rule_workload_selector(spec, "deployment"))
		rule_lasting_template(FIELD(spec, "template"), "ReplicaSet");
	if (old)
		field_immutable(FIELD(spec, "selector"), FIELD(old, "spec.selector"));
}

static void controller_defaults(json_t *object)
{
	json_t *spec = fill_spec(object), *labels;

	if (json_is_object(json_object_get(spec, "template")))
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

static void validate_controller(const struct field *o, const struct field *old)
{
	const struct field *spec = FIELD(o, "spec"), *template = FIELD(spec, "template");

	(void)old;
	rule_counts(spec, counts);
	if (field_require(FIELD(spec, "selector")) && field_set(template))
		check_labels(spec);
	if (field_set(template))
		rule_lasting_template(template, "ReplicationController");
	else
		field_required(template, NULL);
}

static const struct replicas_status status = {
	.counts = (const char *const[]){"replicas", "fullyLabeledReplicas", "readyReplicas",
					"availableReplicas", "observedGeneration",
					"terminatingReplicas", NULL},
	.parts = (const char *const[]){"fullyLabeledReplicas", "readyReplicas", "availableReplicas",
				       NULL},
	.above_ready = "cannot be greater than readyReplicas",
};

static void validate_subresource(const struct field *o, const struct field *old, const char *name)
{
	if (strcmp(name, "status") == 0)
		rule_replicas_status(FIELD(o, "status"), FIELD(old, "status"), &status);
	else
		validate(o, old);
}

static void validate_controller_subresource(const struct field *o, const struct field *old,
					    const char *name)
{
	if (strcmp(name, "status") == 0)
		rule_replicas_status(FIELD(o, "status"), FIELD(old, "status"), &status);
	else
		validate_controller(o, old);
}

const struct kind kind_replicaset = {
	.group = "apps",
	.kind = "ReplicaSet",
	.set_defaults = set_defaults,
	.validate = validate,
	.warn = warn_workload,
	.validate_subresource = validate_subresource,
	.empty = "{\"spec\":{\"replicas\":0}}",
	.shown_empty = {"spec.template.metadata.labels"},
};

static const struct selectable selectable[] = {
	{.field = "status.replicas", .zero = "0"},
	{0},
};

const struct kind kind_rc = {
	.group = "",
	.kind = "ReplicationController",
	.set_defaults = controller_defaults,
	.validate = validate_controller,
	.warn = warn_workload,
	.validate_subresource = validate_controller_subresource,
	.selectable = selectable,
};
