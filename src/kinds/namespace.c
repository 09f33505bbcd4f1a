#include "kinds/builtin.h"
#include "kinds/rules.h"
#include "object/json.h"

#include <string.h>

static void set_defaults(json_t *object)
{
	const char *name = json_path_string(object, "metadata.name");

	if (*name)
		json_path_set(object, "metadata.labels[kubernetes.io/metadata.name]",
			      json_string(name));
}

static void prepare(json_t *object, const json_t *old)
{
	json_t *finalizers;
	size_t i;
	json_t *f;

	set_defaults(object);
	if (old)
		return;
	json_path_set(object, "status", json_pack("{s:s}", "phase", "Active"));
	finalizers = json_path(object, "spec.finalizers");
	if (!json_is_array(finalizers)) {
		json_path_set(object, "spec.finalizers", json_pack("[s]", "kubernetes"));
		return;
	}
	json_array_foreach (finalizers, i, f)
		if (strcmp(json_string_value(f) ?: "", "kubernetes") == 0)
			return;
	json_array_append_new(finalizers, json_string("kubernetes"));
}

static void check_finalizer(const struct field *at, const char *text)
{
	static const char *const standard[] = {"orphan", "foregroundDeletion", "kubernetes", NULL};

	field_check_text(at, text, name_qualified);
	if (!strchr(text, '/') && !text_is_one_of(text, standard))
		field_invalid_text(at, text,
				   "name is neither a standard finalizer name nor is it "
				   "fully qualified");
}

static void validate(const struct field *o, const struct field *old)
{
	const struct field *finalizers = FIELD(o, "spec.finalizers");

	if (old)
		return;
	field_each (finalizers, f)
		check_finalizer(finalizers, field_text(&f));
}

static void validate_subresource(const struct field *o, const struct field *old, const char *name)
{
	const struct field *finalizers = FIELD(o, "spec.finalizers");
	const struct field *phase = FIELD(o, "status.phase");
	bool ending = field_set(FIELD(o, "metadata.deletionTimestamp"));
	struct field told = field_member(FIELD(o, "status"), "Phase");

	if (strcmp(name, "finalize") == 0) {
		field_each (finalizers, f)
			check_finalizer(&f, field_text(&f));
	} else if (!field_is(phase, ending ? "Terminating" : "Active")) {
		field_invalid_text(&told, field_text(phase),
				   ending ? "may only be 'Terminating' if `deletionTimestamp` is "
					    "not empty"
					  : "may only be 'Active' if `deletionTimestamp` is empty");
	}
	(void)old;
}

static const struct selectable selectable[] = {
	{.field = "status.phase"},
	{0},
};

const struct kind kind_namespace = {
	.group = "",
	.kind = "Namespace",
	.set_defaults = set_defaults,
	.prepare = prepare,
	.validate = validate,
	.validate_subresource = validate_subresource,
	.name_rule = name_dns_label,
	.no_generation = true,
	.selectable = selectable,
	.metadata = METADATA_WHOLE,
};
