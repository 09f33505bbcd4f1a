/*
 * The schema of a definition: only what the API allows, and structural. A schema is structural when
 * every level says its type, and what combines schemas (allOf and its like) says nothing but values
 * of fields that are described outside of it.
 */
#include "kinds/custom.h"
#include "kinds/custom_rules.h"

#include "object/json.h"
#include "object/pattern.h"
#include "object/schema.h"

#include <string.h>

#define DEPTH_MAX 100

static const char *const types[] = {"array",  "boolean", "integer", "number",
				    "object", "string",	 NULL};

static bool is_true(const struct field *schema, const char *key)
{
	return json_is_true(json_object_get(schema->value, key));
}

static const char *word(const struct field *schema, const char *key)
{
	const char *s = json_string_value(json_object_get(schema->value, key));

	return s ? s : "";
}

/* A keyword by its own name, which may hold dots or not. */
static struct field keyword(const struct field *schema, const char *key)
{
	return (struct field){.up = schema,
			      .name = key,
			      .value = json_object_get(schema->value, key),
			      .errors = schema->errors};
}

static void forbid_keywords(const struct field *schema)
{
	static const char *const unsupported[] = {
		"definitions",	     "dependencies", "deprecated", "discriminator", "id",
		"patternProperties", "readOnly",     "writeOnly",  "xml",	    "$ref"};

	for (size_t i = 0; i < ARRAY_SIZE(unsupported); i++) {
		struct field f = keyword(schema, unsupported[i]);
		char *detail free_ptr = xasprintf("%s is not supported", unsupported[i]);

		if (f.value && !json_is_null(f.value))
			field_forbidden(&f, detail);
	}
	if (is_true(schema, "uniqueItems"))
		field_forbidden(FIELD(schema, "uniqueItems"),
				"uniqueItems cannot be set to true since the runtime complexity "
				"becomes quadratic");
	if (json_is_array(json_object_get(schema->value, "items")))
		field_forbidden(FIELD(schema, "items"),
				"items must be a schema object and not an array");
	if (json_object_get(schema->value, "additionalItems"))
		field_forbidden(FIELD(schema, "additionalItems"),
				"additionalItems is not supported");
	if (!strcmp(word(schema, "type"), "null"))
		field_forbidden(FIELD(schema, "type"),
				"type cannot be set to null, use nullable as an alternative");
	else if (*word(schema, "type"))
		field_one_of(FIELD(schema, "type"), types);
}

static void check_additional(const struct field *schema)
{
	const json_t *additional = json_object_get(schema->value, "additionalProperties");

	if (json_is_false(additional))
		field_forbidden(FIELD(schema, "additionalProperties"),
				"additionalProperties cannot be set to false");
	if (additional && json_object_size(json_object_get(schema->value, "properties")))
		field_forbidden(FIELD(schema, "additionalProperties"),
				"additionalProperties and properties are mutual exclusive");
}

static void check_pattern(const struct field *schema)
{
	const json_t *text = json_object_get(schema->value, "pattern");
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	struct pattern *p CLEANUP(pattern_free_cleanup) = NULL;
	char *detail free_ptr = NULL;

	if (!json_is_string(text))
		return;
	p = pattern_new(json_string_value(text), json_string_length(text), &why);
	if (p)
		return;
	detail = xasprintf("must be a valid regular expression, but isn't: %s", error_message(why));
	field_invalid(FIELD(schema, "pattern"), detail);
}

static bool names(const json_t *list, const char *name)
{
	size_t i;
	json_t *s;

	json_array_foreach ((json_t *)list, i, s)
		if (json_is_string(s) && !strcmp(json_string_value(s), name))
			return true;
	return false;
}

/* Keys of a list of type map are scalars that every element has. */
static void check_map_keys(const struct field *schema)
{
	const struct field *keys = FIELD(schema, "x-kubernetes-list-map-keys");
	const json_t *items = json_object_get(schema->value, "items");
	struct seen seen CLEANUP(seen_release) = SEEN_INIT;

	if (!field_size(keys))
		field_required(keys, "must not be empty if x-kubernetes-list-type is map");
	if (strcmp(json_path_string(items, "type"), "object"))
		field_invalid_text(
			FIELD(FIELD(schema, "items"), "type"), json_path_string(items, "type"),
			"must be object if parent array's x-kubernetes-list-type is map");
	field_each (keys, key) {
		const char *name = field_text(&key);
		const json_t *property =
			json_object_get(json_object_get(items, "properties"), name);
		const char *type = json_path_string(property, "type");
		struct field at = {.up = FIELD(FIELD(schema, "items"), "properties"),
				   .key = name,
				   .value = property,
				   .errors = schema->errors};

		if (!property)
			field_invalid(&key, "entries must all be names of item properties");
		else if (!strcmp(type, "array") || !strcmp(type, "object"))
			field_invalid_text(FIELD(&at, "type"), type,
					   "must be a scalar type if parent "
					   "array's x-kubernetes-list-type "
					   "is map");
		else if (!names(json_object_get(items, "required"), name) &&
			 !json_object_get(property, "default"))
			field_required(FIELD(&at, "default"),
				       "this property is in x-kubernetes-list-map-keys, so it must "
				       "have a default or be a required property");
		if (seen_add(&seen, name))
			field_duplicate(&key);
	}
}

static void check_list_type(const struct field *schema)
{
	static const char *const list_types[] = {"atomic", "map", "set", NULL};
	static const char *const map_types[] = {"atomic", "granular", NULL};
	const struct field *list = FIELD(schema, "x-kubernetes-list-type");
	const struct field *map = FIELD(schema, "x-kubernetes-map-type");
	const struct field *keys = FIELD(schema, "x-kubernetes-list-map-keys");
	const char *type = word(schema, "type");

	if (field_set(list)) {
		field_one_of(list, list_types);
		if (strcmp(type, "array"))
			field_invalid_text(FIELD(schema, "type"), type,
					   "must be array if x-kubernetes-list-type is specified");
	}
	if (field_is(list, "map"))
		check_map_keys(schema);
	else if (field_size(keys))
		field_invalid(list, "must be map if x-kubernetes-list-map-keys is non-empty");
	if (field_is(list, "set")) {
		const json_t *items = json_object_get(schema->value, "items");
		const char *of = json_path_string(items, "type");

		if (json_path_bool(items, "nullable", false))
			field_forbidden(FIELD(FIELD(schema, "items"), "nullable"),
					"cannot be nullable when x-kubernetes-list-type is set");
		if (!strcmp(of, "object") &&
		    strcmp(json_path_string(items, "x-kubernetes-map-type"), "atomic"))
			field_invalid(FIELD(FIELD(schema, "items"), "x-kubernetes-map-type"),
				      "must be atomic as item of a list with "
				      "x-kubernetes-list-type=set");
	}
	if (!field_set(map))
		return;
	field_one_of(map, map_types);
	if (strcmp(type, "object"))
		field_invalid_text(FIELD(schema, "type"), type,
				   "must be object if x-kubernetes-map-type is specified");
}

static void check_extensions(const struct field *schema)
{
	const struct field *unknown = FIELD(schema, "x-kubernetes-preserve-unknown-fields");
	const char *type = word(schema, "type");

	if (json_is_false(unknown->value))
		field_invalid(unknown, "must be true or undefined");
	if (is_true(schema, "x-kubernetes-embedded-resource")) {
		if (strcmp(type, "object"))
			field_invalid_text(
				FIELD(schema, "type"), type,
				"must be object if x-kubernetes-embedded-resource is true");
		if (!json_object_size(json_object_get(schema->value, "properties")) &&
		    !is_true(schema, "x-kubernetes-preserve-unknown-fields"))
			field_required(FIELD(schema, "properties"),
				       "must not be empty if x-kubernetes-embedded-resource is "
				       "true without x-kubernetes-preserve-unknown-fields");
	}
	if (is_true(schema, "x-kubernetes-int-or-string") && *type)
		field_forbidden(FIELD(schema, "type"),
				"must be empty if x-kubernetes-int-or-string is true");
}

/* A default is a value of its own schema; of paths it knows only its own. */
static void check_default(const struct field *schema)
{
	const struct field *at = FIELD(schema, "default");

	if (field_set(at))
		custom_value_validate(at, schema->value);
}

/* How the place a schema stands at speaks of it. */
enum level { LEVEL_ROOT, LEVEL_FIELD, LEVEL_ITEM };

static void check_structure(const struct field *schema, enum level level)
{
	static const char *const missing[] = {
		[LEVEL_ROOT] = "must not be empty at the root",
		[LEVEL_FIELD] = "must not be empty for specified object fields",
		[LEVEL_ITEM] = "must not be empty for specified array items",
	};
	const char *type = word(schema, "type");
	const json_t *items = json_object_get(schema->value, "items");

	if (!*type && !is_true(schema, "x-kubernetes-int-or-string") &&
	    !is_true(schema, "x-kubernetes-preserve-unknown-fields"))
		field_required(FIELD(schema, "type"), missing[level]);
	if (level == LEVEL_ROOT && *type && strcmp(type, "object"))
		field_invalid(FIELD(schema, "type"), "must be object at the root");
	if (!strcmp(type, "array") && !json_is_object(items) && !json_is_array(items))
		field_required(FIELD(schema, "items"), "must be specified");
}

/* Of metadata a definition may bound the name and nothing else. */
static void check_metadata(const struct field *schema)
{
	const json_t *metadata =
		json_object_get(json_object_get(schema->value, "properties"), "metadata");
	struct field at = {.up = FIELD(schema, "properties"),
			   .key = "metadata",
			   .value = metadata,
			   .errors = schema->errors};
	const char *key;
	json_t *value;

	if (!metadata)
		return;
	json_object_foreach ((json_t *)metadata, key, value) {
		if (!strcmp(key, "type") || !strcmp(key, "description"))
			continue;
		if (!strcmp(key, "properties")) {
			size_t known = (json_object_get(value, "name") != NULL) +
				       (json_object_get(value, "generateName") != NULL);

			if (json_object_size(value) == known)
				continue;
		}
		field_forbidden(&at, "must not specify anything other than name and generateName, "
				     "but metadata is implicitly specified");
		return;
	}
}

static void check_combined(const struct field *schema, const json_t *outside, int depth);

/* Inside of a combination: values only, of fields that OUTSIDE describes (NULL: it does not). */
static void check_nested(const struct field *schema, const json_t *outside, int depth)
{
	static const char *const empty[] = {"type", "title", "description"};
	static const char *const undefined[] = {"default",
						"nullable",
						"additionalProperties",
						"x-kubernetes-preserve-unknown-fields",
						"x-kubernetes-embedded-resource",
						"x-kubernetes-int-or-string",
						"x-kubernetes-list-type",
						"x-kubernetes-list-map-keys",
						"x-kubernetes-map-type"};
	const char *key;
	json_t *value;

	forbid_keywords(schema);
	check_pattern(schema);
	if (depth > DEPTH_MAX)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(empty); i++)
		if (*word(schema, empty[i]) &&
		    !(i == 0 &&
		      json_is_true(json_object_get(outside, "x-kubernetes-int-or-string"))))
			field_forbidden(FIELD(schema, empty[i]), "must be empty to be structural");
	for (size_t i = 0; i < ARRAY_SIZE(undefined); i++) {
		const json_t *there = json_object_get(schema->value, undefined[i]);

		if (there && !json_is_null(there) && !json_is_false(there))
			field_forbidden(FIELD(schema, undefined[i]),
					"must be undefined to be structural");
	}
	json_object_foreach (json_object_get(schema->value, "properties"), key, value) {
		const json_t *described =
			json_object_get(json_object_get(outside, "properties"), key);
		struct field at = {.up = FIELD(schema, "properties"),
				   .key = key,
				   .value = value,
				   .errors = schema->errors};

		if (!described && !json_object_get(outside, "additionalProperties"))
			field_required(&at, "because it is not described outside of the "
					    "combination");
		check_nested(&at,
			     described ? described
				       : json_object_get(outside, "additionalProperties"),
			     depth + 1);
	}
	if (json_is_object(json_object_get(schema->value, "items")))
		check_nested(FIELD(schema, "items"), json_object_get(outside, "items"), depth + 1);
	check_combined(schema, outside, depth + 1);
}

static void check_combined(const struct field *schema, const json_t *outside, int depth)
{
	static const char *const keywords[] = {"allOf", "anyOf", "oneOf"};

	for (size_t i = 0; i < ARRAY_SIZE(keywords); i++)
		field_each (FIELD(schema, keywords[i]), one)
			check_nested(&one, outside, depth);
	if (json_is_object(json_object_get(schema->value, "not")))
		check_nested(FIELD(schema, "not"), outside, depth);
}

static void check(const struct field *schema, enum level level, int depth)
{
	const struct field *additional = FIELD(schema, "additionalProperties");

	if (depth > DEPTH_MAX) {
		field_forbidden(schema, "the schema is nested too deep");
		return;
	}
	forbid_keywords(schema);
	check_additional(schema);
	check_pattern(schema);
	check_list_type(schema);
	check_extensions(schema);
	check_structure(schema, level);
	check_default(schema);
	if (level == LEVEL_ROOT || is_true(schema, "x-kubernetes-embedded-resource"))
		check_metadata(schema);
	check_combined(schema, schema->value, depth);
	field_each_key (FIELD(schema, "properties"), property)
		check(&property, LEVEL_FIELD, depth + 1);
	if (json_is_object(additional->value))
		check(additional, LEVEL_FIELD, depth + 1);
	if (json_is_object(json_object_get(schema->value, "items")))
		check(FIELD(schema, "items"), LEVEL_ITEM, depth + 1);
}

void custom_schema_validate(const struct field *schema)
{
	check(schema, LEVEL_ROOT, 0);
	if (!field_errors_count(schema->errors))
		custom_rules_validate(schema);
}
