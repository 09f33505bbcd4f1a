/*
 * Places in an object: what stands there, and the simple rules.
 */
#include "kinds/field.h"

#include "base/map.h"
#include "object/json.h"

#include <string.h>

struct field field_root(const json_t *object, struct field_errors *errors)
{
	return (struct field){.value = object, .errors = errors};
}

struct field field_element(const struct field *up, size_t i)
{
	return (struct field){
		.up = up, .index = i, .value = json_array_get(up->value, i), .errors = up->errors};
}

struct field field_entry(const struct field *up, const char *key)
{
	return (struct field){.up = up,
			      .key = key,
			      .value = json_object_get(up->value, key),
			      .errors = up->errors};
}

struct field field_next_entry(const struct field *map, const struct field *before)
{
	json_t *o = (json_t *)map->value;
	void *iter = before ? json_object_iter_next(o, json_object_key_to_iter(before->key))
			    : json_object_iter(o);

	return (struct field){.up = map,
			      .key = iter ? json_object_iter_key(iter) : NULL,
			      .value = iter ? json_object_iter_value(iter) : NULL,
			      .errors = map->errors};
}

const char *field_text(const struct field *f)
{
	return json_is_string(f->value) ? json_string_value(f->value) : "";
}

json_int_t field_int(const struct field *f)
{
	return json_integer_value(f->value);
}

bool field_bool(const struct field *f)
{
	return json_is_true(f->value);
}

size_t field_size(const struct field *f)
{
	return json_is_array(f->value) ? json_array_size(f->value) : json_object_size(f->value);
}

bool field_is(const struct field *f, const char *text)
{
	return strcmp(field_text(f), text) == 0;
}

bool field_quantity(const struct field *f, struct quantity *out)
{
	memset(out, 0, sizeof(*out));
	return json_is_string(f->value) &&
	       quantity_parse(json_string_value(f->value), out, NULL) == 0;
}

void field_path(const struct field *f, struct str *out)
{
	if (!f->up)
		return;
	field_path(f->up, out);
	if (f->name) {
		if (out->len)
			str_addc(out, '.');
		str_adds(out, f->name);
		return;
	}
	str_addc(out, '[');
	if (f->key)
		str_adds(out, f->key);
	else
		str_addi(out, (int64_t)f->index);
	str_addc(out, ']');
}

/* Mostly the first letter tells. */
static bool is_word(const char *a, const char *b)
{
	return *a == *b && strcmp(a, b) == 0;
}

uint64_t field_members(const struct field *f, const char *const *first, size_t stride, size_t n)
{
	uint64_t there = 0;

	field_each_key (f, member) {
		const char *row = (const char *)first;

		if (!field_set(&member))
			continue;
		for (size_t i = 0; i < n; i++, row += stride)
			if (is_word(*(const char *const *)(const void *)row, member.key))
				there |= UINT64_C(1) << i;
	}
	return there;
}

bool field_has_key_of(const struct field *map, const char *prefix)
{
	field_each_key (map, entry)
		if (str_has_prefix(entry.key, prefix))
			return true;
	return false;
}

static bool is_empty(const json_t *v)
{
	return !v || json_is_null(v) || (json_is_array(v) && !json_array_size(v)) ||
	       (json_is_object(v) && !json_object_size(v));
}

bool field_same(const struct field *a, const struct field *b)
{
	if (is_empty(a->value) || is_empty(b->value))
		return is_empty(a->value) && is_empty(b->value);
	return json_equal(a->value, b->value);
}

#define SEEN_FEW 8

void seen_release(struct seen *s)
{
	str_release(&s->few);
	map_free(s->map, NULL);
	*s = (struct seen)SEEN_INIT;
}

static bool few_have(const struct seen *s, const char *text)
{
	const char *p = s->few.s;

	for (size_t i = 0; i < s->n; i++, p += strlen(p) + 1)
		if (strcmp(p, text) == 0)
			return true;
	return false;
}

bool seen_has(const struct seen *s, const char *text)
{
	return s->map ? map_get(s->map, text) != NULL : few_have(s, text);
}

static struct map *map_of_few(struct seen *s)
{
	struct map *map = map_new();
	const char *p = s->few.s;

	for (size_t i = 0; i < s->n; i++, p += strlen(p) + 1)
		map_put(map, p, s);
	return map;
}

bool seen_add(struct seen *s, const char *text)
{
	if (s->map)
		return map_put(s->map, text, s) != NULL;
	if (few_have(s, text))
		return true;
	if (s->n < SEEN_FEW) {
		str_add(&s->few, text, strlen(text) + 1);
		s->n++;
		return false;
	}
	s->map = map_of_few(s);
	map_put(s->map, text, s);
	return false;
}

void field_check_text(const struct field *f, const char *text, name_rule *rule)
{
	const char *why[NAME_PROBLEMS];
	size_t n = rule(text, why);

	for (size_t i = 0; i < n; i++)
		field_invalid_text(f, text, why[i]);
}

void field_check_joined(const struct field *f, const char *text, name_rule *rule,
			const char *before)
{
	const char *why[NAME_PROBLEMS];
	size_t n = rule(text, why);
	struct str detail CLEANUP(str_release) = STR_INIT;

	str_adds(&detail, before);
	for (size_t i = 0; i < n; i++)
		str_addf(&detail, "%s%s", i ? "," : "", why[i]);
	if (n)
		field_invalid_text(f, field_text(f), detail.s);
}

void field_check(const struct field *f, name_rule *rule)
{
	field_check_text(f, field_text(f), rule);
}

void field_check_required(const struct field *f, name_rule *rule)
{
	if (field_require(f))
		field_check(f, rule);
}

void field_check_optional(const struct field *f, name_rule *rule)
{
	if (*field_text(f))
		field_check(f, rule);
}

bool field_require(const struct field *f)
{
	bool there = json_is_string(f->value) ? *json_string_value(f->value) : !is_empty(f->value);

	if (!there)
		field_required(f, NULL);
	return there;
}

bool text_is_one_of(const char *text, const char *const *list)
{
	for (; *list; list++)
		if (is_word(*list, text))
			return true;
	return false;
}

bool field_one_of(const struct field *f, const char *const *valid)
{
	if (text_is_one_of(field_text(f), valid))
		return true;
	field_not_supported(f, valid);
	return false;
}

bool field_one_of_required(const struct field *f, const char *const *valid)
{
	return field_require(f) && field_one_of(f, valid);
}

bool field_one_of_optional(const struct field *f, const char *const *valid)
{
	return !*field_text(f) || field_one_of(f, valid);
}

void field_not_negative(const struct field *f)
{
	if (field_int(f) < 0)
		field_invalid(f, "must be greater than or equal to 0");
}

void field_positive(const struct field *f)
{
	if (field_int(f) <= 0)
		field_invalid_int(f, field_int(f), "must be greater than zero");
}

void field_in_range(const struct field *f, json_int_t low, json_int_t high)
{
	json_int_t n = field_int(f);
	char *why free_ptr = NULL;

	if (n >= low && n <= high)
		return;
	why = xasprintf("must be between %lld and %lld, inclusive", (long long)low,
			(long long)high);
	field_invalid_int(f, n, why);
}

void field_immutable(const struct field *f, const struct field *old)
{
	if (!field_same(f, old))
		field_invalid(f, "field is immutable");
}
