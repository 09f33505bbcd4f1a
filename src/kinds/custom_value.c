/*
 * Values of custom resources against their schema. Every keyword that applies to what stands there
 * is checked and complains for itself, as kube-openapi does; what concerns several schemas at once
 * (anyOf and its like) has no field there, which reads "<nil>". What an update leaves as it was is
 * let be.
 */
#include "kinds/custom.h"

#include "object/json.h"
#include "object/pattern.h"
#include "object/schema.h"
#include "object/unicode.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define DEPTH_MAX 200

/*
 * A value on its way: complaints name its fields from ROOT on, as if nothing was above it. How much
 * of it was right is counted as kube-openapi does, which of several schemas that do not fit tells
 * of the one that fits best.
 */
struct check {
	size_t root; /* bytes of the path above */
};

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

/* Adds F's path below the root. */
static void add_path(const struct check *c, const struct field *f, struct str *out)
{
	struct str path CLEANUP(str_release) = STR_INIT;
	const char *below;

	field_path(f, &path);
	if (!path.s)
		return;
	below = path.s + MIN(c->root, path.len);
	str_adds(out, below + (*below == '.'));
}

/* A complaint that belongs to no field: BEFORE, the path, AFTER. */
static void complain(const struct check *c, const struct field *f, const char *before,
		     const char *after)
{
	struct field top = {.errors = f->errors};
	struct field nowhere = {.up = &top, .name = "<nil>", .errors = f->errors};
	struct str detail CLEANUP(str_release) = STR_INIT;

	str_adds(&detail, before);
	add_path(c, f, &detail);
	str_adds(&detail, after);
	field_invalid_text(&nowhere, "", detail.s);
}

static bool is_whole(const json_t *v)
{
	return json_is_integer(v) ||
	       (json_is_real(v) && floor(json_real_value(v)) == json_real_value(v));
}

static bool type_fits(const json_t *v, const char *type)
{
	if (!strcmp(type, "number"))
		return json_is_number(v);
	if (!strcmp(type, "integer"))
		return is_whole(v);
	return !strcmp(type_of(v), type);
}

/* The format of a schema; "" where its type knows none of that name. */
static const char *format_of(const json_t *schema)
{
	static const struct {
		const char *type, *formats[2];
	} numbers[] = {{"integer", {"int32", "int64"}}, {"number", {"float", "double"}}};
	const char *type = json_word(schema, "type"), *format = json_word(schema, "format");

	if (!*type || !strcmp(type, "string"))
		return custom_format_known(format) ? format : "";
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (!strcmp(type, numbers[i].type) && (!strcmp(format, numbers[i].formats[0]) ||
						       !strcmp(format, numbers[i].formats[1])))
			return format;
	return "";
}

static void wrong_type(const struct check *c, const struct field *f, const char *want,
		       const char *is)
{
	struct str detail CLEANUP(str_release) = STR_INIT;

	add_path(c, f, &detail);
	str_addf(&detail, " in body must be of type %s: \"%s\"", want, is);
	field_type_invalid(f, is, detail.s);
}

/* How the format of a number is called that stands for another. */
static const char *own_format(const json_t *v)
{
	return json_is_integer(v) ? "int64" : json_is_real(v) ? "float64" : "";
}

/* Whether the value is of its schema's type. */
static bool check_type(const struct check *c, const struct field *f, const json_t *schema)
{
	const char *type = json_word(schema, "type"), *format = format_of(schema);
	bool either = flag(schema, "x-kubernetes-int-or-string"), fits;
	bool number = !strcmp(type, "integer") || !strcmp(type, "number");

	if (either)
		type = "integer,string";
	else if (!*type && !*format)
		return true;
	if (json_is_null(f->value)) {
		if (*type && !flag(schema, "nullable")) {
			wrong_type(c, f, type, "null");
			return false;
		}
		return true;
	}
	fits = either ? is_whole(f->value) || json_is_string(f->value) : type_fits(f->value, type);
	if (!fits && *format && !json_is_string(f->value) && !json_is_array(f->value)) {
		wrong_type(c, f, format, own_format(f->value));
		return false;
	}
	if (fits || (*format && !number && json_is_array(f->value)) ||
	    (*format && !*type && json_is_string(f->value)))
		return true;
	wrong_type(c, f, type, type_of(f->value));
	return false;
}

/* Whether N is a number that the schema's type and format have; WHAT it is. */
static bool check_range(const struct check *c, const struct field *f, const json_t *schema,
			const json_t *n, const char *what)
{
	const char *type = json_word(schema, "type"), *format = format_of(schema);
	struct str before CLEANUP(str_release) = STR_INIT;
	double number = json_number_value(n);
	bool fits = true;

	if (!strcmp(type, "integer")) {
		fits = json_is_integer(n) || (is_whole(n) && fabs(number) < 0x1p63);
		if (fits && !strcmp(format, "int32"))
			fits = number >= INT32_MIN && number <= INT32_MAX;
	} else if (!strcmp(format, "float")) {
		fits = fabs(number) <= FLT_MAX;
	}
	if (fits)
		return true;
	str_addf(&before, "%s value must be of type %s %s%s in ", what, type,
		 *format ? "with format " : "(default format)", format);
	complain(c, f, before.s, "");
	return false;
}

static void should(const struct check *c, const struct field *f, const char *what,
		   const char *number, const char *after)
{
	struct str detail CLEANUP(str_release) = STR_INIT;

	add_path(c, f, &detail);
	str_addf(&detail, " in body should %s %s%s", what, number, after);
	field_invalid(f, detail.s);
}

/* A bound as it is compared: with an integer only its whole part is. */
static double bound_of(const struct check *c, const struct field *f, const json_t *schema,
		       const json_t *bound, const char *name)
{
	double n = json_number_value(bound);

	return check_range(c, f, schema, bound, name) && json_is_integer(f->value) ? trunc(n) : n;
}

static void bound_broken(const struct check *c, const struct field *f, const char *what, double n)
{
	json_t *bound json_auto =
		n == trunc(n) && fabs(n) < 0x1p53 ? json_integer((json_int_t)n) : json_real(n);
	struct str text CLEANUP(str_release) = STR_INIT;

	json_write(bound, &text);
	should(c, f, what, text.s, "");
}

static void check_multiple(const struct check *c, const struct field *f, const json_t *schema,
			   const json_t *step)
{
	double n = json_number_value(f->value);
	double by = bound_of(c, f, schema, step, "MultipleOf"), times;
	struct str detail CLEANUP(str_release) = STR_INIT;

	if (by <= 0) {
		str_adds(&detail, "factor MultipleOf declared for ");
		add_path(c, f, &detail);
		str_adds(&detail, " must be positive: 0");
		field_invalid_int(f, (json_int_t)by, detail.s);
		return;
	}
	times = by < 1 ? 1 / by * n : n / by;
	if (fabs(times - round(times)) > 1e-9 * fmax(1, fabs(times)))
		bound_broken(c, f, "be a multiple of", by);
}

static void check_number(const struct check *c, const struct field *f, const json_t *schema)
{
	const json_t *min = json_object_get(schema, "minimum");
	const json_t *max = json_object_get(schema, "maximum");
	const json_t *step = json_object_get(schema, "multipleOf");
	bool above = flag(schema, "exclusiveMinimum"), below = flag(schema, "exclusiveMaximum");
	double n = json_number_value(f->value), bound;

	check_range(c, f, schema, f->value, "Checked");
	if (json_is_number(step))
		check_multiple(c, f, schema, step);
	if (json_is_number(min)) {
		bound = bound_of(c, f, schema, min, "Minimum boundary");
		if (above ? n <= bound : n < bound)
			bound_broken(c, f,
				     above ? "be greater than" : "be greater than or equal to",
				     bound);
	}
	if (json_is_number(max)) {
		bound = bound_of(c, f, schema, max, "Maximum boundary");
		if (below ? n >= bound : n > bound)
			bound_broken(c, f, below ? "be less than" : "be less than or equal to",
				     bound);
	}
}

static bool matches(const json_t *pattern, const json_t *text)
{
	struct pattern *p CLEANUP(pattern_free_cleanup) =
		pattern_new(json_string_value(pattern), json_string_length(pattern), NULL);

	return p && pattern_find(p, json_string_value(text), json_string_length(text), 0, NULL,
				 NULL) == 1;
}

static json_int_t count_runes(const json_t *text)
{
	const char *s = json_string_value(text);
	json_int_t n = 0;

	for (size_t i = 0; i < json_string_length(text); i++)
		n += ((unsigned char)s[i] & 0xc0) != 0x80;
	return n;
}

/* Length and pattern: what is wrong first is told. */
static void check_string(const struct check *c, const struct field *f, const json_t *schema)
{
	const json_t *min = json_object_get(schema, "minLength");
	const json_t *max = json_object_get(schema, "maxLength");
	const json_t *pattern = json_object_get(schema, "pattern");
	json_int_t length = count_runes(f->value);
	char *text free_ptr = NULL;

	if (json_is_integer(max) && length > json_integer_value(max)) {
		field_too_long(f, (size_t)MAX(json_integer_value(max), 0));
	} else if (json_is_integer(min) && length < json_integer_value(min)) {
		text = xasprintf("%lld", (long long)json_integer_value(min));
		should(c, f, "be at least", text, " chars long");
	} else if (json_is_string(pattern) && !matches(pattern, f->value)) {
		text = xasprintf("'%s'", json_string_value(pattern));
		should(c, f, "match", text, "");
	}
}

static void check_format(const struct check *c, const struct field *f, const char *format)
{
	struct str detail CLEANUP(str_release) = STR_INIT;

	if (custom_format_matches(format, json_string_value(f->value)))
		return;
	add_path(c, f, &detail);
	str_addf(&detail, " in body must be of type %s: ", format);
	json_write(f->value, &detail);
	field_type_invalid(f, json_string_value(f->value), detail.s);
}

/* Equal, and an integer equals the same number with a fraction. */
static bool is_enumerated(const json_t *e, const json_t *v)
{
	if (json_is_null(e))
		return false;
	return json_equal(e, v) || (json_is_number(e) && json_is_number(v) &&
				    json_number_value(e) == json_number_value(v));
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
		valid[i] = texts[i].s ? texts[i].s : "";
		found = found || is_enumerated(e, f->value);
	}
	if (!found)
		field_not_supported_json(f, f->value, valid);
	for (i = 0; i < n; i++)
		str_release(&texts[i]);
}

static size_t validate(const struct check *c, const struct field *f, const json_t *schema,
		       const json_t *old, int depth);

/* The same, where nothing is said of what stood there before. */
static size_t validate_new(const struct check *c, const struct field *f, const json_t *schema,
			   const json_t *old, int depth)
{
	return old && json_equal(old, f->value) ? 1 : validate(c, f, schema, old, depth);
}

static void count_broken(const struct check *c, const struct field *f, const json_t *schema,
			 const char *min_key, const char *max_key, const char *what, size_t n)
{
	const json_t *min = json_object_get(schema, min_key);
	const json_t *max = json_object_get(schema, max_key);
	struct str detail CLEANUP(str_release) = STR_INIT;

	if (json_is_integer(max) && (json_int_t)n > json_integer_value(max))
		field_too_many(f, n, (size_t)MAX(json_integer_value(max), 0));
	if (!json_is_integer(min) || (json_int_t)n >= json_integer_value(min))
		return;
	add_path(c, f, &detail);
	str_addf(&detail, " in body should have at least %lld %s",
		 (long long)json_integer_value(min), what);
	field_invalid_int(f, (json_int_t)n, detail.s);
}

const json_t *custom_old_element(const json_t *old, const json_t *schema, const json_t *item)
{
	const json_t *keys = json_object_get(schema, "x-kubernetes-list-map-keys");
	size_t i, k;
	json_t *other, *key;

	if (strcmp(json_word(schema, "x-kubernetes-list-type"), "map"))
		return NULL;
	json_array_foreach ((json_t *)old, i, other) {
		bool same = true;

		json_array_foreach ((json_t *)keys, k, key) {
			const char *name = json_string_value(key);
			const json_t *x = name ? json_object_get(item, name) : NULL;
			const json_t *y = name ? json_object_get(other, name) : NULL;

			same = same && (x == y || (x && y && json_equal(x, y)));
		}
		if (same)
			return other;
	}
	return NULL;
}

static size_t check_array(const struct check *c, const struct field *f, const json_t *schema,
			  const json_t *old, int depth)
{
	const json_t *items = json_object_get(schema, "items");
	size_t right = 1;

	if (json_is_object(items))
		field_each (f, item)
			right += validate_new(c, &item, items,
					      custom_old_element(old, schema, item.value), depth);
	count_broken(c, f, schema, "minItems", "maxItems", "items", json_array_size(f->value));
	return right;
}

/* A member whose name may hold dots. */
static struct field member(const struct field *up, const char *key)
{
	return (struct field){.up = up,
			      .name = key,
			      .value = json_object_get(up->value, key),
			      .errors = up->errors};
}

static void refuse_property(const struct check *c, const struct field *f, const char *key)
{
	struct str detail CLEANUP(str_release) = STR_INIT;

	add_path(c, f, &detail);
	str_addf(&detail, ".%s in body is a forbidden property", key);
	field_invalid_text(f, key, detail.s);
}

static size_t check_object(const struct check *c, const struct field *f, const json_t *schema,
			   const json_t *old, int depth)
{
	const json_t *properties = json_object_get(schema, "properties");
	const json_t *additional = json_object_get(schema, "additionalProperties");
	const char *key;
	json_t *value, *name;
	size_t i, right = 0;

	count_broken(c, f, schema, "minProperties", "maxProperties", "properties",
		     json_object_size(f->value));
	json_object_foreach ((json_t *)f->value, key, value) {
		const json_t *of = json_object_get(properties, key);
		struct field m = member(f, key);

		if (!of && json_is_false(additional))
			refuse_property(c, f, key);
		of = of ? of : additional;
		if (json_is_object(of))
			right += validate_new(c, &m, of, json_object_get(old, key), depth);
	}
	json_array_foreach (json_object_get(schema, "required"), i, name) {
		struct field missing = member(f, json_string_value(name));

		if (!missing.value)
			field_required(&missing, NULL);
	}
	return right;
}

/* What is said of a value under one of several schemas. */
struct outcome {
	struct field_errors *errors;
	size_t right;
};

/* OUT's errors are the caller's. */
static bool attempt(const struct check *c, const struct field *f, const json_t *schema,
		    const json_t *old, int depth, struct outcome *out)
{
	struct field own = *f;

	out->errors = own.errors = field_errors_new();
	out->right = validate(c, &own, schema, old, depth);
	return !field_errors_count(out->errors);
}

/* Of SCHEMAS how many fit, at most ENOUGH. BEST: the first that fits, or else what is told. */
static size_t count_fitting(const struct check *c, const struct field *f, const json_t *schemas,
			    const json_t *old, int depth, size_t enough, struct outcome *best)
{
	size_t fitting = 0, i;
	json_t *schema;

	json_array_foreach ((json_t *)schemas, i, schema) {
		struct outcome one;
		bool fits = attempt(c, f, schema, old, depth, &one);

		if (fits ? !fitting : !fitting && (!best->errors || one.right > best->right)) {
			field_errors_free(best->errors);
			*best = one;
		} else {
			field_errors_free(one.errors);
		}
		fitting += fits;
		if (fitting == enough)
			break;
	}
	return fitting;
}

static size_t check_any_of(const struct check *c, const struct field *f, const json_t *schemas,
			   const json_t *old, int depth)
{
	struct outcome best = {0};
	size_t right;

	if (!json_array_size(schemas))
		return 0;
	if (!count_fitting(c, f, schemas, old, depth, 1, &best))
		complain(c, f, "\"", "\" must validate at least one schema (anyOf)");
	right = best.right;
	field_errors_move(f->errors, best.errors);
	return right;
}

static size_t check_one_of(const struct check *c, const struct field *f, const json_t *schemas,
			   const json_t *old, int depth)
{
	struct outcome best = {0};
	size_t fitting, right;
	char *after free_ptr = NULL;

	if (!json_array_size(schemas))
		return 0;
	fitting = count_fitting(c, f, schemas, old, depth, SIZE_MAX, &best);
	after = fitting ? xasprintf("Found %zu valid alternatives", fitting)
			: xstrdup("Found none valid");
	if (fitting != 1) {
		char *text free_ptr = xasprintf("\" must validate one and only one schema (oneOf). "
						"%s",
						after);

		complain(c, f, "\"", text);
	}
	right = fitting > 1 ? 0 : best.right;
	field_errors_move(f->errors, best.errors);
	return right;
}

static size_t check_all_of(const struct check *c, const struct field *f, const json_t *schemas,
			   const json_t *old, int depth)
{
	size_t fitting = 0, right = 0, i;
	json_t *schema;

	json_array_foreach ((json_t *)schemas, i, schema) {
		struct outcome one;

		fitting += attempt(c, f, schema, old, depth, &one);
		right += one.right;
		field_errors_move(f->errors, one.errors);
	}
	if (fitting != json_array_size(schemas))
		complain(c, f, "\"",
			 fitting ? "\" must validate all the schemas (allOf)"
				 : "\" must validate all the schemas (allOf). None validated");
	return right;
}

static size_t check_combined(const struct check *c, const struct field *f, const json_t *schema,
			     const json_t *old, int depth)
{
	const json_t *not = json_object_get(schema, "not");
	size_t right = 1;

	right += check_any_of(c, f, json_object_get(schema, "anyOf"), old, depth);
	right += check_one_of(c, f, json_object_get(schema, "oneOf"), old, depth);
	right += check_all_of(c, f, json_object_get(schema, "allOf"), old, depth);
	if (json_is_object(not )) {
		struct outcome out;

		if (attempt(c, f, not, old, depth, &out))
			complain(c, f, "\"", "\" must not validate the schema (not)");
		field_errors_free(out.errors);
	}
	return right;
}

static size_t validate(const struct check *c, const struct field *f, const json_t *schema,
		       const json_t *old, int depth)
{
	bool typed = *json_word(schema, "type") || flag(schema, "x-kubernetes-int-or-string");
	const char *format = format_of(schema);
	size_t right;

	if (++depth > DEPTH_MAX)
		return 0;
	right = check_type(c, f, schema);
	if (json_is_null(f->value)) {
		check_enum(f, schema);
		return right;
	}
	/* One for each validator that looks at the value, and one for all. */
	right += typed + 3 + check_combined(c, f, schema, old, depth);
	if (json_is_string(f->value)) {
		check_string(c, f, schema);
		if (*format && strcmp(json_word(schema, "type"), "integer") &&
		    strcmp(json_word(schema, "type"), "number"))
			check_format(c, f, format);
		right += 1 + (*format != 0);
	} else if (json_is_number(f->value)) {
		check_number(c, f, schema);
		right += 2;
	}
	check_enum(f, schema);
	if (json_is_array(f->value))
		right += 1 + check_array(c, f, schema, old, depth);
	else if (json_is_object(f->value))
		right += 1 + check_object(c, f, schema, old, depth);
	return right;
}

void custom_value_validate(const struct field *value, const json_t *schema, const json_t *old)
{
	struct str path CLEANUP(str_release) = STR_INIT;
	size_t before = field_errors_count(value->errors);
	struct check c;

	field_path(value, &path);
	c.root = path.len;
	validate_new(&c, value, schema, old, 0);
	field_errors_unique(value->errors, before);
}
