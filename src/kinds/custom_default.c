/*
 * Defaults in a schema: values of their own schemas, without unknown fields.
 */
#include "kinds/custom.h"
#include "kinds/custom_rules.h"
#include "kinds/custom_schema.h"
#include "object/json.h"

#include <string.h>

static bool is_true(const json_t *schema, const char *key)
{
	return json_is_true(json_object_get(schema, key));
}

static bool is_object_field(const char *name)
{
	return !strcmp(name, "apiVersion") || !strcmp(name, "kind") || !strcmp(name, "metadata");
}

/* Whether something in VALUE is not described. SCHEMA NULL: nothing is. */
static bool has_unknown(const json_t *value, const json_t *schema, int depth)
{
	const json_t *properties = json_object_get(schema, "properties");
	const json_t *additional = json_object_get(schema, "additionalProperties");
	const char *key;
	json_t *v;
	size_t i;

	if (depth > SCHEMA_DEPTH_MAX)
		return true;
	json_array_foreach ((json_t *)value, i, v)
		if (has_unknown(v, json_object_get(schema, "items"), depth + 1))
			return true;
	if (!json_is_object(value))
		return false;
	json_object_foreach ((json_t *)value, key, v) {
		const json_t *of = json_object_get(properties, key);

		if (is_true(schema, "x-kubernetes-embedded-resource") && is_object_field(key))
			continue;
		if (!of && (!additional || json_is_null(additional))) {
			if (is_true(schema, "x-kubernetes-preserve-unknown-fields"))
				continue;
			return true;
		}
		of = of ? of : json_is_object(additional) ? additional : NULL;
		if (has_unknown(v, of, depth + 1))
			return true;
	}
	return false;
}

/* Rules see a default as it is set for the first time, and as it stays. */
static void check_rules(const struct field *at, const json_t *schema)
{
	struct custom_rules *rules = custom_rules_new(schema);
	size_t before = field_errors_count(at->errors);

	custom_rules_check(rules, at, at->value);
	if (field_errors_count(at->errors) == before)
		custom_rules_check(rules, at, NULL);
	custom_rules_free(rules);
}

static void check_default(const struct field *schema, bool inside_metadata)
{
	const struct field *at = FIELD(schema, "default");
	struct field_errors *own = field_errors_new();
	struct field value = *at;

	value.errors = own;
	if (!inside_metadata && has_unknown(at->value, schema->value, 0))
		field_invalid(&value, "must not have unknown fields");
	custom_embedded_validate(&value, schema->value);
	if (!field_errors_count(own))
		custom_value_validate(&value, schema->value, NULL);
	if (!field_errors_count(own))
		check_rules(&value, schema->value);
	field_errors_move(at->errors, own);
}

static void check(const struct field *schema, bool object, bool inside_metadata, int depth)
{
	bool embedded = object || is_true(schema->value, "x-kubernetes-embedded-resource");

	if (depth > SCHEMA_DEPTH_MAX)
		return;
	if (embedded)
		inside_metadata = false;
	if (field_set(FIELD(schema, "default")))
		check_default(schema, inside_metadata);
	if (json_is_object(json_object_get(schema->value, "items")))
		check(FIELD(schema, "items"), false, inside_metadata, depth + 1);
	field_each_key (FIELD(schema, "properties"), one)
		check(&one, false, inside_metadata || (embedded && is_object_field(one.key)),
		      depth + 1);
}

void custom_defaults_validate(const struct field *schema)
{
	check(schema, true, false, 0);
}
