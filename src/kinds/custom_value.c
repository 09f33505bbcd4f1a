/*
 * Values of custom resources against their schema. Every keyword that applies to what stands there
 * is checked and complains for itself, as kube-openapi does; what concerns several schemas at once
 * (anyOf and its like) has no field there, which reads "<nil>".
 */
#include "kinds/custom.h"

#include "object/json.h"
#include "object/pattern.h"
#include "object/schema.h"
#include "object/unicode.h"

#include <math.h>
#include <string.h>

#define DEPTH_MAX 200

static const char *word(const json_t *schema, const char *key)
{
	const char *s = json_string_value(json_object_get(schema, key));

	return s ? s : "";
}

static bool flag(const json_t *schema, const char *key)
{
	return json_is_true(json_object_get(schema, key));
}

static const char *type_of(const json_t *v)
{
	static const char *const types[] = {
		[JSON_OBJECT] = "object",   [JSON_ARRAY] = "array", [JSON_STRING] = "string",
		[JSON_INTEGER] = "integer", [JSON_REAL] = "number", [JSON_TRUE] = "boolean",
		[JSON_FALSE] = "boolean",   [JSON_NULL] = "null",
	};

	return types[json_typeof(v)];
}

static char *path_of(const struct field *f)
{
	struct str path = STR_INIT;

	field_path(f, &path);
	return str_take(&path);
}

/* A complaint that belongs to no field. */
static void complain(const struct field *f, const char *detail)
{
	struct field top = {.errors = f->errors};
	struct field nowhere = {.up = &top, .name = "<nil>", .errors = f->errors};

	field_invalid_text(&nowhere, "", detail);
}

static bool type_fits(const json_t *v, const char *type)
{
	if (!strcmp(type, "number"))
		return json_is_number(v);
	if (!strcmp(type, "integer"))
		return json_is_integer(v) ||
		       (json_is_real(v) && floor(json_real_value(v)) == json_real_value(v));
	return !strcmp(type_of(v), type);
}

static void check_type(const struct field *f, const json_t *schema)
{
	const char *type = word(schema, "type"), *is = type_of(f->value);
	bool either = flag(schema, "x-kubernetes-int-or-string");
	char *path free_ptr = NULL;
	char *detail free_ptr = NULL;

	if (either ? type_fits(f->value, "integer") || json_is_string(f->value)
		   : !*type || type_fits(f->value, type))
		return;
	path = path_of(f);
	detail = xasprintf("%s in body must be of type %s: \"%s\"", path,
			   either ? "integer,string" : type, is);
	field_type_invalid(f, is, detail);
}

/* Bounds of a format, or of a type without one. */
static void check_range(const struct field *f, const json_t *schema)
{
	const char *type = word(schema, "type"), *format = word(schema, "format");
	double number = json_number_value(f->value);
	bool integer = !strcmp(type, "integer"), fits = true;
	char *path free_ptr = NULL;
	char *detail free_ptr = NULL;

	if (integer && !type_fits(f->value, "integer"))
		fits = false;
	else if (!strcmp(format, "int32"))
		fits = number >= INT32_MIN && number <= INT32_MAX;
	else if (!strcmp(format, "uint32"))
		fits = number >= 0 && number <= UINT32_MAX;
	else if (!strcmp(format, "uint64"))
		fits = number >= 0;
	if (fits)
		return;
	path = path_of(f);
	detail = *format && (!integer || type_fits(f->value, "integer"))
			 ? xasprintf("Checked value must be of type %s with format %s in %s", type,
				     format, path)
			 : xasprintf("Checked value must be of type %s (default format) in %s",
				     type, path);
	complain(f, detail);
}

static void number_text(const json_t *n, struct str *out)
{
	json_write(n, out);
}

static void bound_broken(const struct field *f, const char *what, const json_t *bound,
			 const char *after)
{
	struct str detail CLEANUP(str_release) = STR_INIT;

	field_path(f, &detail);
	str_addf(&detail, " in body should %s ", what);
	number_text(bound, &detail);
	str_adds(&detail, after);
	field_invalid(f, detail.s);
}

static void check_number(const struct field *f, const json_t *schema)
{
	const json_t *min = json_object_get(schema, "minimum");
	const json_t *max = json_object_get(schema, "maximum");
	const json_t *step = json_object_get(schema, "multipleOf");
	bool above = flag(schema, "exclusiveMinimum"), below = flag(schema, "exclusiveMaximum");
	double n = json_number_value(f->value);

	check_range(f, schema);
	if (json_is_number(step) && json_number_value(step) > 0) {
		double times = n / json_number_value(step);

		if (floor(times) != times)
			bound_broken(f, "be a multiple of", step, "");
	}
	if (json_is_number(max) &&
	    (below ? n >= json_number_value(max) : n > json_number_value(max)))
		bound_broken(f, below ? "be less than" : "be less than or equal to", max, "");
	if (json_is_number(min) &&
	    (above ? n <= json_number_value(min) : n < json_number_value(min)))
		bound_broken(f, above ? "be greater than" : "be greater than or equal to", min, "");
}

static bool matches(const json_t *pattern, const json_t *text)
{
	struct pattern *p CLEANUP(pattern_free_cleanup) =
		pattern_new(json_string_value(pattern), json_string_length(pattern), NULL);

	return p && pattern_find(p, json_string_value(text), json_string_length(text), 0, NULL,
				 NULL) == 1;
}

static size_t count_runes(const json_t *text)
{
	const char *s = json_string_value(text);
	size_t n = 0;

	for (size_t i = 0; i < json_string_length(text); i++)
		n += ((unsigned char)s[i] & 0xc0) != 0x80;
	return n;
}

static void check_string(const struct field *f, const json_t *schema)
{
	const json_t *min = json_object_get(schema, "minLength");
	const json_t *max = json_object_get(schema, "maxLength");
	const json_t *pattern = json_object_get(schema, "pattern");
	const char *format = word(schema, "format");
	json_int_t length = (json_int_t)count_runes(f->value);
	struct str detail CLEANUP(str_release) = STR_INIT;

	if (json_is_integer(max) && length > json_integer_value(max))
		field_too_long(f, (size_t)json_integer_value(max));
	if (json_is_integer(min) && length < json_integer_value(min))
		bound_broken(f, "be at least", min, " chars long");
	if (json_is_string(pattern) && !matches(pattern, f->value)) {
		field_path(f, &detail);
		str_addf(&detail, " in body should match '%s'", json_string_value(pattern));
		field_invalid(f, detail.s);
	}
	if (!*format || custom_format_matches(format, json_string_value(f->value)))
		return;
	str_reset(&detail);
	field_path(f, &detail);
	str_addf(&detail, " in body must be of type %s: ", format);
	json_write(f->value, &detail);
	field_type_invalid(f, json_string_value(f->value), detail.s);
}

static void check_enum(const struct field *f, const json_t *schema)
{
	const json_t *list = json_object_get(schema, "enum");
	size_t n = json_array_size(list), i;
	const char **valid free_ptr = xcalloc(n + 1, sizeof(*valid));
	struct str *texts free_ptr = xcalloc(n + 1, sizeof(*texts));
	bool found = !n;
	json_t *e;

	json_array_foreach ((json_t *)list, i, e) {
		str_init(&texts[i]);
		if (json_is_string(e))
			str_adds(&texts[i], json_string_value(e));
		else
			json_write(e, &texts[i]);
		valid[i] = texts[i].s;
		found = found || json_equal(e, f->value) ||
			(json_is_number(e) && json_is_number(f->value) &&
			 json_number_value(e) == json_number_value(f->value));
	}
	if (!found)
		field_not_supported(f, valid);
	for (i = 0; i < n; i++)
		str_release(&texts[i]);
}

static void validate(const struct field *f, const json_t *schema, int depth);

static void count_broken(const struct field *f, const char *at_least, const json_t *min,
			 const json_t *max, const char *what, size_t n)
{
	struct str detail CLEANUP(str_release) = STR_INIT;

	if (json_is_integer(max) && (json_int_t)n > json_integer_value(max))
		field_too_many(f, n, (size_t)json_integer_value(max));
	if (!json_is_integer(min) || (json_int_t)n >= json_integer_value(min))
		return;
	field_path(f, &detail);
	str_addf(&detail, " in body should have %s %lld %s", at_least,
		 (long long)json_integer_value(min), what);
	field_invalid_int(f, (json_int_t)n, detail.s);
}

/* Elements that a list of type set or map has twice. */
static void check_unique(const struct field *f, const json_t *schema)
{
	const char *type = word(schema, "x-kubernetes-list-type");
	const json_t *keys = json_object_get(schema, "x-kubernetes-list-map-keys");
	struct seen seen CLEANUP(seen_release) = SEEN_INIT;

	if (strcmp(type, "set") && strcmp(type, "map"))
		return;
	field_each (f, item) {
		struct str text CLEANUP(str_release) = STR_INIT;
		json_t *key json_auto = json_object();
		json_t *name;
		size_t i;

		json_array_foreach ((json_t *)keys, i, name) {
			const char *k = json_string_value(name);

			if (k && json_object_get(item.value, k))
				json_object_set(key, k, json_object_get(item.value, k));
		}
		json_write(strcmp(type, "map") ? item.value : key, &text);
		if (!seen_add(&seen, text.s))
			continue;
		if (strcmp(type, "map")) {
			field_duplicate(&item);
		} else {
			struct field shown = item;

			shown.value = key;
			field_duplicate(&shown);
		}
	}
}

static void check_array(const struct field *f, const json_t *schema, int depth)
{
	const json_t *items = json_object_get(schema, "items");

	count_broken(f, "at least", json_object_get(schema, "minItems"),
		     json_object_get(schema, "maxItems"), "items", json_array_size(f->value));
	if (json_is_object(items))
		field_each (f, item)
			validate(&item, items, depth);
	check_unique(f, schema);
}

/* A member whose name may hold dots. */
static struct field member(const struct field *up, const char *key)
{
	return (struct field){.up = up,
			      .name = key,
			      .value = json_object_get(up->value, key),
			      .errors = up->errors};
}

void custom_embedded_validate(const struct field *value)
{
	static const char *const fields[] = {"apiVersion", "kind"};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (!*field_text(FIELD(value, fields[i])))
			field_required(FIELD(value, fields[i]), "must not be empty");
}

static void check_object(const struct field *f, const json_t *schema, int depth)
{
	const json_t *properties = json_object_get(schema, "properties");
	const json_t *additional = json_object_get(schema, "additionalProperties");
	const char *key;
	json_t *value, *name;
	size_t i;

	count_broken(f, "at least", json_object_get(schema, "minProperties"),
		     json_object_get(schema, "maxProperties"), "properties",
		     json_object_size(f->value));
	json_array_foreach (json_object_get(schema, "required"), i, name) {
		struct field missing = member(f, json_string_value(name));

		if (!missing.value)
			field_required(&missing, NULL);
	}
	json_object_foreach ((json_t *)f->value, key, value) {
		const json_t *of = json_object_get(properties, key);
		struct field m = member(f, key);

		of = of ? of : additional;
		if (json_is_object(of))
			validate(&m, of, depth);
	}
	if (flag(schema, "x-kubernetes-embedded-resource"))
		custom_embedded_validate(f);
}

/* How many complaints F has under SCHEMA by itself; they go to *ERRORS, which the caller frees. */
static size_t trial(const struct field *f, const json_t *schema, int depth,
		    struct field_errors **errors)
{
	struct field own = *f;

	*errors = own.errors = field_errors_new();
	validate(&own, schema, depth);
	return field_errors_count(*errors);
}

static size_t count_valid(const struct field *f, const json_t *list, int depth, const json_t **best)
{
	size_t valid = 0, fewest = SIZE_MAX, i;
	json_t *schema;

	json_array_foreach ((json_t *)list, i, schema) {
		struct field_errors *errors CLEANUP(field_errors_free_cleanup) = NULL;
		size_t n = trial(f, schema, depth, &errors);

		valid += !n;
		if (n < fewest) {
			fewest = n;
			*best = schema;
		}
	}
	return valid;
}

static void check_combined(const struct field *f, const json_t *schema, int depth)
{
	static const char *const keywords[] = {"anyOf", "oneOf", "allOf"};
	const json_t *not = json_object_get(schema, "not");
	char *path free_ptr = path_of(f);

	for (size_t i = 0; i < ARRAY_SIZE(keywords); i++) {
		const json_t *list = json_object_get(schema, keywords[i]), *best = NULL;
		char *detail free_ptr = NULL;
		size_t n = json_array_size(list), valid;

		if (!n)
			continue;
		valid = count_valid(f, list, depth, &best);
		if (i == 0 && !valid)
			detail =
				xasprintf("\"%s\" must validate at least one schema (anyOf)", path);
		if (i == 1 && valid != 1)
			detail = xasprintf("\"%s\" must validate one and only one schema (oneOf). "
					   "Found %s valid",
					   path, valid ? "more than one" : "none");
		if (i == 2 && valid != n)
			detail = xasprintf("\"%s\" must validate all the schemas (allOf)%s", path,
					   valid ? "" : ". None validated");
		if (!detail)
			continue;
		complain(f, detail);
		if (i == 2) {
			size_t k;
			json_t *one;

			json_array_foreach ((json_t *)list, k, one)
				validate(f, one, depth);
		} else if (!valid && best) {
			validate(f, best, depth);
		}
	}
	if (json_is_object(not )) {
		struct field_errors *errors CLEANUP(field_errors_free_cleanup) = NULL;
		char *detail free_ptr = NULL;

		if (trial(f, not, depth, &errors))
			return;
		detail = xasprintf("\"%s\" must not validate the schema (not)", path);
		complain(f, detail);
	}
}

static void validate(const struct field *f, const json_t *schema, int depth)
{
	if (++depth > DEPTH_MAX || (json_is_null(f->value) && flag(schema, "nullable")))
		return;
	check_type(f, schema);
	check_combined(f, schema, depth);
	if (json_is_string(f->value))
		check_string(f, schema);
	else if (json_is_number(f->value))
		check_number(f, schema);
	check_enum(f, schema);
	if (json_is_array(f->value))
		check_array(f, schema, depth);
	else if (json_is_object(f->value))
		check_object(f, schema, depth);
}

void custom_value_validate(const struct field *value, const json_t *schema)
{
	validate(value, schema, 0);
}
