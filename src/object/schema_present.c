/*
 * Fields that are in every answer, whether anybody gave them a value or not: on an API server a
 * struct inside a struct, and what its encoder is not told to leave out.
 */
#include "object/schema.h"

#define DEPTH_MAX 100

static json_t *zero_value(const struct schema_field *f)
{
	if (f->presence == SCHEMA_PRESENT_NULL)
		return json_null();
	switch (f->value.kind) {
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
		return json_null();
	}
}

static void fill(json_t *value, const struct schema_value *v, int depth);

static void fill_struct(json_t *object, const struct schema_type *t, int depth)
{
	for (size_t i = 0; i < t->n_fields; i++) {
		const struct schema_field *f = &t->fields[i];
		json_t *value;

		if (f->presence == SCHEMA_OPTIONAL && f->value.kind < SCHEMA_STRUCT)
			continue;
		value = json_object_get(object, f->name);
		if (f->presence != SCHEMA_OPTIONAL &&
		    (!value || (json_is_null(value) && f->value.kind == SCHEMA_STRUCT))) {
			value = zero_value(f);
			json_object_set_new(object, f->name, value);
		}
		if (value)
			fill(value, &f->value, depth);
	}
}

static void fill(json_t *value, const struct schema_value *v, int depth)
{
	const char *key;
	size_t i;
	json_t *e;

	if (depth > DEPTH_MAX)
		return;
	if (v->kind == SCHEMA_STRUCT && json_is_object(value)) {
		fill_struct(value, v->type, depth + 1);
	} else if (v->kind == SCHEMA_LIST && json_is_array(value)) {
		json_array_foreach (value, i, e)
			fill(e, v->elem, depth + 1);
	} else if (v->kind == SCHEMA_MAP && json_is_object(value)) {
		json_object_foreach (value, key, e)
			fill(e, v->elem, depth + 1);
	}
}

void schema_fill_present(json_t *value, const struct schema_value *v)
{
	fill(value, v, 0);
}
