/*
 * Fields that are in every answer, whether anybody gave them a value or not: on an API server a
 * struct inside a struct, and what its encoder is not told to leave out.
 */
#include "object/schema.h"

#define DEPTH_MAX 100

bool schema_leaves_out(const struct schema_field *f, const json_t *v)
{
	if (json_is_null(v))
		return !f->value.nullable;
	if (f->presence == SCHEMA_OFF)
		return true;
	if (!f->proto || f->proto_keeps_zero || f->presence != SCHEMA_OPTIONAL)
		return false;
	switch (f->value.kind) {
	case SCHEMA_STRING:
	case SCHEMA_BYTES:
		return json_is_string(v) && !json_string_length(v);
	case SCHEMA_BOOL:
		return json_is_false(v);
	case SCHEMA_INT32:
	case SCHEMA_INT64:
		return json_is_integer(v) && !json_integer_value(v);
	case SCHEMA_NUMBER:
		return json_is_number(v) && json_number_value(v) == 0;
	case SCHEMA_LIST:
		return json_is_array(v) && !json_array_size(v);
	case SCHEMA_MAP:
		return json_is_object(v) && !json_object_size(v);
	default:
		return false;
	}
}

json_t *schema_zero(const struct schema_value *v)
{
	switch (v->kind) {
	case SCHEMA_STRING:
		return json_string("");
	case SCHEMA_BOOL:
		return json_false();
	case SCHEMA_INT32:
	case SCHEMA_INT64:
	case SCHEMA_INT_OR_STRING:
	case SCHEMA_NUMBER:
		return json_integer(0);
	case SCHEMA_QUANTITY:
		return json_string("0");
	case SCHEMA_STRUCT:
		return json_object();
	default:
		return NULL;
	}
}

static json_t *zero_value(const struct schema_field *f)
{
	json_t *zero = f->presence == SCHEMA_PRESENT_NULL ? NULL : schema_zero(&f->value);

	return zero ? zero : json_null();
}

/* What is done to each struct found in a value. */
typedef void visitor(json_t *object, const struct schema_type *t);

/* REACHES: what a field must reach to be looked at. */
struct walk {
	visitor *visit;
	enum schema_reach reaches;
};

static void walk(const struct walk *w, json_t *value, const struct schema_value *v, int depth);

/* By what OBJECT has: a type may have many more fields, and scalars hold nothing. */
static void walk_struct(const struct walk *w, json_t *object, const struct schema_type *t,
			int depth)
{
	const char *key;
	json_t *value;

	w->visit(object, t);
	json_object_foreach (object, key, value) {
		const struct schema_field *f;

		if (!json_is_object(value) && !json_is_array(value))
			continue;
		f = schema_field_find(t, key);
		if (f && f->reaches & w->reaches)
			walk(w, value, &f->value, depth);
	}
}

static void walk(const struct walk *w, json_t *value, const struct schema_value *v, int depth)
{
	const char *key;
	size_t i;
	json_t *e;

	if (depth > DEPTH_MAX)
		return;
	if (v->kind == SCHEMA_STRUCT && json_is_object(value)) {
		walk_struct(w, value, v->type, depth + 1);
	} else if (v->kind == SCHEMA_LIST && json_is_array(value)) {
		json_array_foreach (value, i, e)
			walk(w, e, v->elem, depth + 1);
	} else if (v->kind == SCHEMA_MAP && json_is_object(value)) {
		json_object_foreach (value, key, e)
			walk(w, e, v->elem, depth + 1);
	}
}

static void fill_struct(json_t *object, const struct schema_type *t)
{
	for (size_t i = 0; i < t->n_fields; i++) {
		const struct schema_field *f = &t->fields[i];
		json_t *value;

		if (f->presence < SCHEMA_PRESENT)
			continue;
		value = json_object_get(object, f->name);
		if (!value || (json_is_null(value) && f->value.kind == SCHEMA_STRUCT))
			json_object_set_new_nocheck(object, f->name, zero_value(f));
	}
}

void schema_fill_present(json_t *value, const struct schema_value *v)
{
	static const struct walk fill = {fill_struct, SCHEMA_REACHES_PRESENT};

	walk(&fill, value, v, 0);
}

static bool is_empty(const struct schema_field *f, const json_t *value)
{
	return f->value.kind == SCHEMA_LIST  ? json_is_array(value) && !json_array_size(value)
	       : f->value.kind == SCHEMA_MAP ? json_is_object(value) && !json_object_size(value)
					     : false;
}

static void forget_empty(json_t *object, const struct schema_type *t)
{
	for (size_t i = 0; i < t->n_fields; i++) {
		const struct schema_field *f = &t->fields[i];

		if (f->presence >= SCHEMA_PRESENT && f->value.kind > SCHEMA_STRUCT &&
		    is_empty(f, json_object_get(object, f->name)))
			json_object_set_new(object, f->name, json_null());
	}
}

void schema_forget_empty(json_t *value, const struct schema_value *v)
{
	static const struct walk forget = {forget_empty, SCHEMA_REACHES_LIST};

	walk(&forget, value, v, 0);
}
