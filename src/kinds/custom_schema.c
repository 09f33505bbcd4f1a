/*
 * The schema of a definition: only what the API allows. What is wrong with it as a structural
 * schema (custom_structural.c) and with its defaults is told as well; its rules in CEL are looked
 * at when nothing else is wrong.
 */
#include "kinds/custom_schema.h"

#include "kinds/custom.h"
#include "kinds/custom_rules.h"
#include "object/json.h"

#include <string.h>

static const char *const types[] = {"array",  "boolean", "integer", "number",
				    "object", "string",	 NULL};

static bool is_true(const struct field *schema, const char *key)
{
	return json_is_true(json_object_get(schema->value, key));
}

static const char *word(const struct field *schema, const char *key)
{
	return json_word(schema->value, key);
}

/* What a place inherits from those above. */
struct place {
	bool in_metadata;	/* of the object, or of one inside of it */
	const char *no_default; /* why there may be none */
	int depth;
};

static void forbid_keywords(const struct field *schema, const struct place *p)
{
	static const char *const unsupported[] = {"id",	  "additionalItems", "patternProperties",
						  "$ref", "dependencies",    "definitions"};
	const char *type = word(schema, "type");
	char *no_default free_ptr =
		xasprintf("must not be set %s", p->no_default ? p->no_default : "");

	if (*type)
		field_one_of(FIELD(schema, "type"), types);
	if (!strcmp(type, "null"))
		field_forbidden(FIELD(schema, "type"),
				"type cannot be set to null, use nullable as an alternative");
	if (field_set(FIELD(schema, "default")) && p->no_default)
		field_forbidden(FIELD(schema, "default"), no_default);
	for (size_t i = 0; i < ARRAY_SIZE(unsupported); i++) {
		char *detail free_ptr = xasprintf("%s is not supported", unsupported[i]);

		if (field_set(FIELD(schema, unsupported[i])))
			field_forbidden(FIELD(schema, unsupported[i]), detail);
	}
	if (field_size(FIELD(schema, "items")) && json_is_array(FIELD(schema, "items")->value))
		field_forbidden(FIELD(schema, "items"),
				"items must be a schema object and not an array");
	if (p->in_metadata && is_true(schema, "x-kubernetes-embedded-resource"))
		field_forbidden(FIELD(schema, "x-kubernetes-embedded-resource"),
				"must not be used inside of resource meta");
	if (is_true(schema, "uniqueItems"))
		field_forbidden(FIELD(schema, "uniqueItems"),
				"uniqueItems cannot be set to true since the runtime complexity "
				"becomes quadratic");
	if (json_is_false(FIELD(schema, "x-kubernetes-preserve-unknown-fields")->value))
		field_invalid(FIELD(schema, "x-kubernetes-preserve-unknown-fields"),
			      "must be true or undefined");
}

static void check_additional(const struct field *schema)
{
	const json_t *additional = json_object_get(schema->value, "additionalProperties");

	if ((json_is_object(additional) || json_is_false(additional)) &&
	    json_object_size(json_object_get(schema->value, "properties")))
		field_forbidden(FIELD(schema, "additionalProperties"),
				"additionalProperties and properties are mutual exclusive");
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

/* Keys are scalars that each element has. */
static void check_keys(const struct field *keys, const struct field *items)
{
	struct seen seen CLEANUP(seen_release) = SEEN_INIT;

	field_each (keys, key) {
		const json_t *property = json_object_get(
			json_object_get(items->value, "properties"), field_text(&key));
		const struct field *at = FIELD_KEY(FIELD(items, "properties"), field_text(&key));
		const char *type = json_word(property, "type");

		if (!property)
			field_invalid(keys, "entries must all be names of item properties");
		else if (!strcmp(type, "array") || !strcmp(type, "object"))
			field_invalid_text(FIELD(at, "type"), "object",
					   "must be a scalar type if parent array's "
					   "x-kubernetes-list-type is map");
		if (seen_add(&seen, field_text(&key)))
			field_invalid(keys, "must not contain duplicate entries");
	}
}

static void check_list_map(const struct field *schema)
{
	const struct field *keys = FIELD(schema, "x-kubernetes-list-map-keys");
	const struct field *items = FIELD(schema, "items");

	if (!field_size(keys))
		field_required(keys, "must not be empty if x-kubernetes-list-type is map");
	if (!field_set(items)) {
		field_required(items, "must have a schema if x-kubernetes-list-type is map");
	} else if (!json_is_object(items->value)) {
		field_invalid(items, "must only have a single schema if x-kubernetes-list-type is "
				     "map");
	} else if (strcmp(json_word(items->value, "type"), "object")) {
		field_invalid_text(
			FIELD(items, "type"), json_word(items->value, "type"),
			"must be object if parent array's x-kubernetes-list-type is map");
	} else {
		check_keys(keys, items);
	}
}

/* Elements that are told apart, by themselves or by keys, are there, and so are the keys. */
static void check_told_apart(const struct field *schema, const char *list_type)
{
	const struct field *items = FIELD(schema, "items");
	char *detail free_ptr =
		xasprintf("cannot be nullable when x-kubernetes-list-type is %s", list_type);

	if (!json_is_object(items->value))
		return;
	if (is_true(items, "nullable"))
		field_forbidden(FIELD(items, "nullable"), detail);
	if (strcmp(list_type, "map"))
		return;
	field_each (FIELD(schema, "x-kubernetes-list-map-keys"), key) {
		const struct field *at = FIELD_KEY(FIELD(items, "properties"), field_text(&key));

		if (!at->value)
			continue;
		if (!names(json_object_get(items->value, "required"), field_text(&key)) &&
		    !field_set(FIELD(at, "default")))
			field_required(FIELD(at, "default"),
				       "this property is in x-kubernetes-list-map-keys, so it must "
				       "have a default or be a required property");
		if (is_true(at, "nullable"))
			field_forbidden(FIELD(at, "nullable"),
					"this property is in x-kubernetes-list-map-keys, so it "
					"cannot be nullable");
	}
}

/* Elements of a set are whole. */
static void check_set(const struct field *schema)
{
	static const char why[] =
		"must be atomic as item of a list with x-kubernetes-list-type=set";
	const struct field *items = FIELD(schema, "items");
	const struct field *list = FIELD(items, "x-kubernetes-list-type");
	const struct field *map = FIELD(items, "x-kubernetes-map-type");

	if (!strcmp(word(items, "type"), "array") && field_set(list) && !field_is(list, "atomic"))
		field_invalid(list, why);
	else if (!strcmp(word(items, "type"), "object") && !field_is(map, "atomic"))
		field_invalid_json(map, list->value, why);
}

/* Whether the schema is of TYPE, as KEYWORD asks for. */
static bool must_be(const struct field *schema, const char *type, const char *keyword)
{
	char *detail free_ptr = xasprintf("must be %s if %s is specified", type, keyword);
	const char *is = word(schema, "type");

	if (!strcmp(is, type))
		return true;
	if (*is)
		field_invalid(FIELD(schema, "type"), detail);
	else
		field_required(FIELD(schema, "type"), detail);
	return false;
}

static void check_list_type(const struct field *schema)
{
	static const char *const list_types[] = {"atomic", "set", "map", NULL};
	const struct field *list = FIELD(schema, "x-kubernetes-list-type");

	if (field_set(list)) {
		if (must_be(schema, "array", "x-kubernetes-list-type") && field_is(list, "set"))
			check_set(schema);
		field_one_of(list, list_types);
	}
	if (field_size(FIELD(schema, "x-kubernetes-list-map-keys")) && !field_is(list, "map")) {
		if (field_set(list))
			field_invalid(list,
				      "must be map if x-kubernetes-list-map-keys is non-empty");
		else
			field_required(list,
				       "must be map if x-kubernetes-list-map-keys is non-empty");
	}
	if (field_is(list, "map"))
		check_list_map(schema);
	if (field_is(list, "map") || field_is(list, "set"))
		check_told_apart(schema, field_text(list));
}

static void check_map_type(const struct field *schema)
{
	static const char *const map_types[] = {"atomic", "granular", NULL};
	const struct field *map = FIELD(schema, "x-kubernetes-map-type");

	if (!field_set(map))
		return;
	must_be(schema, "object", "x-kubernetes-map-type");
	field_one_of(map, map_types);
}

static bool is_blank(const char *s)
{
	return !s[strspn(s, " \t\r\n\v\f")];
}

/* Whether a line ends inside of S. */
static bool has_lines(const char *s)
{
	s += strspn(s, " \t\r\n\v\f");
	s += strcspn(s, "\r\n");
	return !is_blank(s);
}

static void check_rule_text(const struct field *rule)
{
	const struct field *message = FIELD(rule, "message"), *text = FIELD(rule, "rule");

	if (is_blank(field_text(text)))
		field_required(text, "rule is not specified");
	else if (*field_text(message) && is_blank(field_text(message)))
		field_invalid(message, "must be non-empty if specified");
	else if (has_lines(field_text(message)))
		field_invalid(message, "must not contain line breaks");
	else if (has_lines(field_text(text)) && !*field_text(message))
		field_required(message, "message must be specified if rule contains line breaks");
}

static void check_rule(const struct field *rule, const struct field *schema)
{
	static const char *const reasons[] = {"FieldValueDuplicate", "FieldValueForbidden",
					      "FieldValueInvalid", "FieldValueRequired", NULL};
	const struct field *path = FIELD(rule, "fieldPath");
	const struct field *expression = FIELD(rule, "messageExpression");
	char *why free_ptr = NULL;

	check_rule_text(rule);
	if (*field_text(expression) && is_blank(field_text(expression)))
		field_required(expression, "messageExpression must be non-empty if specified");
	if (field_set(FIELD(rule, "reason")))
		field_one_of(FIELD(rule, "reason"), reasons);
	if (!*field_text(path))
		return;
	if (is_blank(field_text(path)))
		field_invalid(path, "must be non-empty if specified");
	if (strpbrk(field_text(path), "\r\n"))
		field_invalid(path, "must not contain line breaks");
	if (!custom_path_find(schema->value, field_text(path), true, &why))
		field_invalid(path, "must be a valid path");
}

static bool is_object_field(const char *name)
{
	return !strcmp(name, "apiVersion") || !strcmp(name, "kind") || !strcmp(name, "metadata");
}

static void check(const struct field *schema, const struct place *p);

static void check_below(const struct field *schema, const struct place *p)
{
	if (json_is_object(schema->value)) {
		struct place below = *p;

		below.depth++;
		check(schema, &below);
	}
}

static void check_properties(const struct field *schema, const struct place *p)
{
	field_each_key (FIELD(schema, "properties"), one) {
		struct place below = *p;
		char *why free_ptr = xasprintf("in top-level %s", one.key);

		if ((!p->depth || is_true(schema, "x-kubernetes-embedded-resource")) &&
		    is_object_field(one.key)) {
			below.in_metadata = true;
			below.no_default = p->depth ? below.no_default : why;
		}
		check_below(&one, &below);
	}
}

static void check_parts(const struct field *schema, const struct place *p)
{
	static const char *const lists[] = {"allOf", "oneOf", "anyOf", "items"};
	static const char *const maps[] = {"definitions", "dependencies"};
	static const char *const single[] = {"not", "items"};
	struct place additional = *p;

	if (p->in_metadata)
		additional.no_default = "inside additionalProperties applying to object metadata";
	check_below(FIELD(schema, "additionalProperties"), &additional);
	check_properties(schema, p);
	for (size_t i = 0; i < ARRAY_SIZE(single); i++)
		check_below(FIELD(schema, single[i]), p);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		if (json_is_array(FIELD(schema, lists[i])->value))
			field_each (FIELD(schema, lists[i]), one)
				check_below(&one, p);
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++)
		field_each_key (FIELD(schema, maps[i]), one)
			check_below(&one, p);
}

static void check(const struct field *schema, const struct place *p)
{
	if (p->depth > SCHEMA_DEPTH_MAX)
		return;
	forbid_keywords(schema, p);
	check_additional(schema);
	check_parts(schema, p);
	check_map_type(schema);
	check_list_type(schema);
	field_each (FIELD(schema, "x-kubernetes-validations"), rule)
		check_rule(&rule, schema);
}

/* What a schema may say at its root when the status is written apart. */
static void check_root_with_status(const struct field *schema)
{
	static const char *const allowed[] = {"description",
					      "type",
					      "format",
					      "title",
					      "maximum",
					      "exclusiveMaximum",
					      "minimum",
					      "exclusiveMinimum",
					      "maxLength",
					      "minLength",
					      "pattern",
					      "maxItems",
					      "minItems",
					      "uniqueItems",
					      "multipleOf",
					      "required",
					      "items",
					      "properties",
					      "externalDocs",
					      "example",
					      "x-kubernetes-preserve-unknown-fields",
					      "x-kubernetes-validations",
					      NULL};

	if (*word(schema, "type") && strcmp(word(schema, "type"), "object")) {
		field_invalid(FIELD(schema, "type"),
			      "only \"object\" is allowed as the type at the root of the schema if "
			      "the status subresource is enabled");
		return;
	}
	field_each_key (schema, one)
		if (!text_is_one_of(one.key, allowed) && !json_is_false(one.value) &&
		    !json_is_null(one.value)) {
			field_invalid(schema, "only some fields are allowed at the root of the "
					      "schema if the status subresource is enabled");
			return;
		}
}

/* Keywords without which a schema cannot even be read as structural. */
static bool is_readable(const json_t *schema, int depth)
{
	static const char *const unread[] = {
		"id",	       "$schema",	    "$ref",	      "dependencies",
		"definitions", "patternProperties", "additionalItems"};
	const char *key;
	json_t *v, *one;
	size_t i;

	if (depth > SCHEMA_DEPTH_MAX)
		return true;
	for (i = 0; i < ARRAY_SIZE(unread); i++)
		if (json_object_get(schema, unread[i]))
			return false;
	if (json_is_array(json_object_get(schema, "items")) ||
	    json_is_false(json_object_get(schema, "x-kubernetes-preserve-unknown-fields")))
		return false;
	json_object_foreach (json_object_get(schema, "properties"), key, v)
		if (!is_readable(v, depth + 1))
			return false;
	json_object_foreach ((json_t *)schema, key, v) {
		if (json_is_object(v) && strcmp(key, "properties") && strcmp(key, "default") &&
		    strcmp(key, "example") && !is_readable(v, depth + 1))
			return false;
		json_array_foreach (v, i, one)
			if (strstr(key, "Of") && !is_readable(one, depth + 1))
				return false;
	}
	return true;
}

void custom_schema_validate(const struct field *schema, bool status_apart)
{
	const struct place root = {.depth = 0};
	struct field_errors *own = field_errors_new();
	struct field s = *schema;
	bool readable = is_readable(schema->value, 0);

	s.errors = own;
	if (status_apart)
		check_root_with_status(&s);
	if (is_true(&s, "nullable"))
		field_forbidden(FIELD(&s, "nullable"), "nullable cannot be true at the root");
	if (readable) {
		size_t before = field_errors_count(own);

		custom_structural_validate(&s);
		if (field_errors_count(own) == before)
			custom_defaults_validate(&s);
	}
	check(&s, &root);
	if (!readable && !field_errors_count(own))
		field_invalid_text(&s, "", "OpenAPIV3Schema has keywords that must not be set");
	if (!field_errors_count(own))
		custom_rules_validate(&s);
	field_errors_move(schema->errors, own);
}
