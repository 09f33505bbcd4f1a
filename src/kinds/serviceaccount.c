#include "kinds/builtin.h"
#include "object/json.h"

/* Nothing beyond metadata. */
static void validate(const struct field *o, const struct field *old)
{
	(void)o;
	(void)old;
}

/* Of a secret only its name counts. */
static void prepare(json_t *object, const json_t *old)
{
	json_t *secret;
	size_t i;

	(void)old;
	json_array_foreach (json_object_get(object, "secrets"), i, secret) {
		json_t *name json_auto = json_incref(json_object_get(secret, "name"));

		json_object_clear(secret);
		if (name)
			json_object_set(secret, "name", name);
	}
}

static void warn(const struct field *o, const struct field *old)
{
	static const char key[] = "kubernetes.io/enforce-mountable-secrets";

	if (old && json_object_get(json_path(old->value, "metadata.annotations"), key))
		return;
	if (FIELD_KEY(FIELD(o, "metadata.annotations"), key)->value)
		field_warn(FIELD_KEY(FIELD(o, "metadata.annotations"), key),
			   "deprecated in v1.32+; prefer separate namespaces to isolate access to "
			   "mounted secrets");
}

const struct kind kind_serviceaccount = {
	.group = "",
	.kind = "ServiceAccount",
	.prepare = prepare,
	.validate = validate,
	.warn = warn,
	.metadata = METADATA_WHOLE,
	.no_generation = true,
};
