#include "kinds/builtin.h"
#include "kinds/rules.h"
#include "object/json.h"

#include <string.h>

static void crd_defaults(json_t *object)
{
	json_t *names = json_path(object, "spec.names");
	const char *kind = json_path_string(names, "kind");
	struct str s CLEANUP(str_release) = STR_INIT;

	if (!names || !*kind)
		return;
	if (!json_object_get(names, "listKind")) {
		str_addf(&s, "%sList", kind);
		json_object_set_new(names, "listKind", json_string(s.s));
	}
	if (json_object_get(names, "singular"))
		return;
	str_reset(&s);
	str_adds(&s, kind);
	for (char *c = s.s; *c; c++)
		*c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
	json_object_set_new(names, "singular", json_string(s.s));
}

static void crd_validate(const struct field *o, const struct field *old)
{
	const json_t *object = o->value;
	const char *name = json_path_string(object, "metadata.name");
	char *want free_ptr = xasprintf("%s.%s", json_path_string(object, "spec.names.plural"),
					json_path_string(object, "spec.group"));
	size_t i, stored = 0;
	json_t *v;

	if (strcmp(name, want))
		field_invalid(FIELD(o, "metadata.name"),
			      "must be spec.names.plural+\".\"+spec.group");
	json_array_foreach (json_path(object, "spec.versions"), i, v) {
		const struct field *version = FIELD_INDEX(FIELD(o, "spec.versions"), i);

		stored += json_path_bool(v, "storage", false);
		if (!json_path(v, "schema.openAPIV3Schema"))
			field_required(FIELD(version, "schema.openAPIV3Schema"),
				       "schemas are required");
	}
	if (stored != 1)
		field_invalid(FIELD(o, "spec.versions"),
			      "must have exactly one version marked as storage version");
}

const struct kind kind_crd = {
	.group = "apiextensions.k8s.io",
	.kind = "CustomResourceDefinition",
	.set_defaults = crd_defaults,
	.validate = crd_validate,
};
