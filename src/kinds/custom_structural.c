/*
 * Structural schemas: every level says its type, and what combines schemas (allOf and its like)
 * says nothing but values of fields that are described outside of it.
 */
#include "kinds/custom_schema.h"

#include "object/json.h"
#include "object/pattern.h"

#include <string.h>

/* How the place a schema stands at speaks of it. */
enum level { LEVEL_ROOT, LEVEL_FIELD, LEVEL_ITEM };

static const json_t *get(const struct field *schema, const char *key)
{
	return json_object_get(schema->value, key);
}

static const char *type_of(const json_t *schema)
{
	const char *s = json_string_value(json_object_get(schema, "type"));

	return s ? s : "";
}

static bool is_true(const struct field *schema, const char *key)
{
	return json_is_true(get(schema, key));
}

/* A property of the schema F, which need not be there. */
static struct field property(const struct field *properties, const char *name)
{
	return field_entry(properties, name);
}

static void check_pattern(const struct field *schema)
{
	const json_t *text = get(schema, "pattern");
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	struct pattern *p CLEANUP(pattern_free_cleanup) = NULL;
	char *detail free_ptr = NULL;

	if (!json_string_length(text))
		return;
	p = pattern_new(json_string_value(text), json_string_length(text), &why);
	if (p)
		return;
	detail = xasprintf("must be a valid regular expression, but isn't: %s", error_message(why));
	field_invalid(FIELD(schema, "pattern"), detail);
}

/* Exactly "an integer" and "a string": what x-kubernetes-int-or-string says in other words. */
static bool is_int_or_string(const json_t *any_of)
{
	static const char *const alternatives[] = {"integer", "string"};

	if (json_array_size(any_of) != ARRAY_SIZE(alternatives))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(alternatives); i++) {
		const json_t *one = json_array_get(any_of, i);

		if (json_object_size(one) != 1 || strcmp(type_of(one), alternatives[i]))
			return false;
	}
	return true;
}

static void check_nested(const struct field *schema, bool may_say_types, int depth);

/* allOf and its like. MAY_SAY_TYPES: anyOf may be the one form that does. */
static void check_combined(const struct field *schema, bool may_say_types, bool first_may,
			   int depth)
{
	field_each (FIELD(schema, "anyOf"), one)
		if (!may_say_types)
			check_nested(&one, false, depth);
	field_each (FIELD(schema, "allOf"), one)
		check_nested(&one, first_may && !one.index, depth);
	field_each (FIELD(schema, "oneOf"), one)
		check_nested(&one, false, depth);
	if (json_is_object(get(schema, "not")))
		check_nested(FIELD(schema, "not"), false, depth);
	check_pattern(schema);
}

/* Said where schemas are combined, and must not be. */
static void forbid_nested(const struct field *schema)
{
	static const struct {
		const char *key, *must_be;
	} forbidden[] = {
		{"type", "empty"},
		{"additionalProperties", "undefined"},
		{"default", "undefined"},
		{"title", "empty"},
		{"description", "empty"},
		{"nullable", "false"},
		{"x-kubernetes-preserve-unknown-fields", "false"},
		{"x-kubernetes-embedded-resource", "false"},
		{"x-kubernetes-int-or-string", "false"},
		{"x-kubernetes-list-map-keys", "empty"},
		{"x-kubernetes-list-type", "undefined"},
		{"x-kubernetes-map-type", "undefined"},
		{"x-kubernetes-validations", "empty"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++) {
		const struct field *f = FIELD(schema, forbidden[i].key);
		char *detail free_ptr =
			xasprintf("must be %s to be structural", forbidden[i].must_be);

		if (!field_set(f) || json_is_false(f->value) ||
		    (json_is_string(f->value) && !*field_text(f) &&
		     !strcmp(forbidden[i].must_be, "empty")) ||
		    (json_is_array(f->value) && !field_size(f)))
			continue;
		field_forbidden(f, detail);
	}
}

static void check_nested(const struct field *schema, bool may_say_types, int depth)
{
	const struct field *properties = FIELD(schema, "properties");

	if (depth > SCHEMA_DEPTH_MAX)
		return;
	check_combined(schema, may_say_types, false, depth + 1);
	if (json_is_object(get(schema, "items")))
		check_nested(FIELD(schema, "items"), false, depth + 1);
	field_each_key (properties, one)
		check_nested(&one, false, depth + 1);
	forbid_nested(schema);
	if (json_object_get(properties->value, "metadata"))
		field_forbidden(FIELD_KEY(properties, "metadata"),
				"must not be specified in a nested context");
}

static void check_type(const struct field *schema, enum level level)
{
	static const char *const missing[] = {
		[LEVEL_ROOT] = "must not be empty at the root",
		[LEVEL_FIELD] = "must not be empty for specified object fields",
		[LEVEL_ITEM] = "must not be empty for specified array items",
	};
	static const char embedded[] = "must be object if x-kubernetes-embedded-resource is true";
	const char *type = type_of(schema->value);
	const struct field *at = FIELD(schema, "type");

	if (is_true(schema, "x-kubernetes-embedded-resource") && strcmp(type, "object")) {
		if (*type)
			field_invalid(at, embedded);
		else
			field_required(at, embedded);
	} else if (!*type && !is_true(schema, "x-kubernetes-int-or-string") &&
		   !is_true(schema, "x-kubernetes-preserve-unknown-fields")) {
		field_required(at, missing[level]);
	}
	if (level == LEVEL_ROOT && *type && strcmp(type, "object"))
		field_invalid(at, "must be object at the root");
}

static void check_extensions(const struct field *schema)
{
	static const char *const apart[] = {"x-kubernetes-preserve-unknown-fields",
					    "x-kubernetes-embedded-resource"};

	for (size_t i = 0; i < ARRAY_SIZE(apart); i++)
		if (is_true(schema, "x-kubernetes-int-or-string") && is_true(schema, apart[i]))
			field_invalid(FIELD(schema, apart[i]),
				      "must be false if x-kubernetes-int-or-string is true");
	if (!is_true(schema, "x-kubernetes-embedded-resource"))
		return;
	if (field_set(FIELD(schema, "additionalProperties")))
		field_forbidden(FIELD(schema, "additionalProperties"),
				"must not be used if x-kubernetes-embedded-resource is set");
	if (!json_object_size(get(schema, "properties")) &&
	    !is_true(schema, "x-kubernetes-preserve-unknown-fields"))
		field_required(FIELD(schema, "properties"),
			       "must not be empty if x-kubernetes-embedded-resource is true "
			       "without x-kubernetes-preserve-unknown-fields");
}

/* Of metadata a definition may bound the names and nothing else. */
static bool bounds_names_alone(const json_t *metadata)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)metadata, key, value) {
		size_t names = (json_object_get(value, "name") != NULL) +
			       (json_object_get(value, "generateName") != NULL);

		if (!strcmp(key, "properties")
			    ? json_object_size(value) != names
			    : strcmp(key, "type") && strcmp(key, "default") && !json_is_null(value))
			return false;
	}
	return true;
}

/* What every object has is of the type that it has everywhere. */
static void check_object_fields(const struct field *schema, enum level level)
{
	static const struct {
		const char *name, *type, *why;
	} fields[] = {{"kind", "string", "must be string"},
		      {"apiVersion", "string", "must be string"},
		      {"metadata", "object", "must be object"}};
	const struct field *properties = FIELD(schema, "properties");
	const struct field *metadata = FIELD_KEY(properties, "metadata");

	if (level != LEVEL_ROOT && !is_true(schema, "x-kubernetes-embedded-resource"))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		struct field f = property(properties, fields[i].name);
		const char *type = type_of(f.value);

		if (f.value && strcmp(type, fields[i].type))
			field_invalid_text(FIELD(&f, "type"), type, fields[i].why);
	}
	if (level == LEVEL_ROOT && metadata->value && !bounds_names_alone(metadata->value))
		field_forbidden(metadata,
				"must not specify anything other than name and generateName, but "
				"metadata is implicitly specified");
}

static void check_level(const struct field *schema, enum level level, int depth)
{
	const struct field *additional = FIELD(schema, "additionalProperties");
	const json_t *items = get(schema, "items");

	if (depth > SCHEMA_DEPTH_MAX) {
		field_forbidden(schema, "the schema is nested too deep");
		return;
	}
	if (!strcmp(type_of(schema->value), "array") && !json_is_object(items))
		field_required(FIELD(schema, "items"), "must be specified");
	if (json_is_object(items))
		check_level(FIELD(schema, "items"), LEVEL_ITEM, depth + 1);
	field_each_key (FIELD(schema, "properties"), one)
		check_level(&one, LEVEL_FIELD, depth + 1);
	if (field_set(additional) && level == LEVEL_ROOT)
		field_forbidden(additional, "must not be used at the root");
	if (json_is_object(additional->value))
		check_level(additional, LEVEL_FIELD, depth + 1);
	check_combined(
		schema, is_int_or_string(get(schema, "anyOf")),
		is_int_or_string(json_object_get(json_array_get(get(schema, "allOf"), 0), "anyOf")),
		depth);
	check_type(schema, level);
	check_extensions(schema);
	check_object_fields(schema, level);
}

static void check_described(const struct field *nested, const struct field *outside, int depth);

/* What a combination at NESTED speaks of is described in OUTSIDE. */
static void check_complete(const struct field *nested, const struct field *outside, int depth)
{
	static const char *const keywords[] = {"allOf", "anyOf", "oneOf"};

	for (size_t i = 0; i < ARRAY_SIZE(keywords); i++)
		field_each (FIELD(nested, keywords[i]), one)
			check_described(&one, outside, depth + 1);
	if (json_is_object(get(nested, "not")))
		check_described(FIELD(nested, "not"), outside, depth + 1);
}

static void check_described(const struct field *nested, const struct field *outside, int depth)
{
	const struct field *properties = FIELD(outside, "properties");

	if (depth > SCHEMA_DEPTH_MAX)
		return;
	if (!outside->value) {
		struct str path CLEANUP(str_release) = STR_INIT;
		char *detail free_ptr = NULL;

		field_path(nested, &path);
		detail = xasprintf("because it is defined in %s", path.s);
		field_required(outside, detail);
		return;
	}
	check_complete(nested, outside, depth);
	if (json_is_object(get(nested, "items")))
		check_described(FIELD(nested, "items"), FIELD(outside, "items"), depth + 1);
	field_each_key (FIELD(nested, "properties"), one)
		check_described(&one, FIELD_KEY(properties, one.key), depth + 1);
}

void custom_structural_validate(const struct field *schema)
{
	check_level(schema, LEVEL_ROOT, 0);
	check_complete(schema, schema, 0);
}
