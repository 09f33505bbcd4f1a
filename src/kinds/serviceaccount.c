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

const struct kind kind_serviceaccount = {
	.group = "",
	.kind = "ServiceAccount",
	.prepare = prepare,
	.validate = validate,
	.metadata = METADATA_WHOLE,
	.no_generation = true,
};
