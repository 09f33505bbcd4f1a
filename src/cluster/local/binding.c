/*
 * What a Binding has to say before the pod is looked at. It is posted to pods/NAME/binding or, in
 * the older way, to bindings, where its own name says which pod is meant. Neither keeps it.
 */
#include "cluster/local/private.h"

#include "base/mem.h"
#include "kinds/field.h"
#include "object/json.h"

#include <string.h>

bool is_bindings(const struct resource *r)
{
	return !r->custom && !*r->group && strcmp(r->plural, "bindings") == 0;
}

static void check_target(const struct field *target)
{
	static const char *const kinds[] = {"Node", "<empty>", NULL};

	if (*field_text(FIELD(target, "kind")) && !field_is(FIELD(target, "kind"), "Node"))
		field_not_supported(FIELD(target, "kind"), kinds);
	if (!*field_text(FIELD(target, "name")))
		field_required(FIELD(target, "name"), "");
}

/* Told as they are, as a failure without a reason: the genuine server makes no 422 of these. */
static int refuse_target(const struct field_errors *errors, struct error **err)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	size_t n = field_errors_count(errors);

	for (size_t i = 0; i < n; i++) {
		char *one free_ptr = field_errors_text(errors, i);

		str_addf(&text, "%s%s", i ? ", " : "", one);
	}
	return error_set(err, E_UNKNOWN, "%s%s%s", n > 1 ? "[" : "", text.s, n > 1 ? "]" : "");
}

int binding_check(const json_t *binding, const char *name, struct error **err)
{
	struct field_errors *errors CLEANUP(field_errors_free_cleanup) = field_errors_new();
	struct field root = field_root(binding, errors);

	if (strcmp(json_path_string(binding, "metadata.name"), name) != 0)
		return error_set(err, E_BAD_REQUEST,
				 "name in URL does not match name in Binding object");
	check_target(FIELD(&root, "target"));
	return field_errors_count(errors) ? refuse_target(errors, err) : 0;
}
