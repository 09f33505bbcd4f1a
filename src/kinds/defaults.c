/*
 * Defaulting: what the schema table says wherever a type occurs, then the kind's own rules.
 */
#include "kinds/kind.h"
#include "object/quantity.h"

#include <string.h>

#define DEPTH_MAX 100

static void fill_value(json_t *v, const struct schema_value *s, int depth);

/* Amounts of resources are kept to a thousandth, rounded up. */
static void round_amounts(json_t *list)
{
	const __int128 milli = 1000000;
	const char *name;
	void *tmp;
	json_t *v;

	json_object_foreach_safe (list, tmp, name, v) {
		char text[QUANTITY_TEXT];
		struct quantity q;
		__int128 rest;

		if (quantity_parse(json_string_value(v) ?: "", &q, NULL) < 0)
			continue;
		rest = q.nano % milli;
		if (!rest)
			continue;
		q.nano += rest > 0 ? milli - rest : -milli - rest;
		json_object_set_new(list, name, json_string(quantity_format(&q, text)));
	}
}

static void fill_type(json_t *object, const struct schema_type *t, int depth)
{
	for (size_t i = 0; i < t->n_fields; i++) {
		const struct schema_field *f = &t->fields[i];
		json_t *v;

		if (!(f->reaches & SCHEMA_REACHES_DEFAULT))
			continue;
		v = json_object_get(object, f->name);
		if ((!v || (json_is_null(v) && !f->value.nullable)) && f->default_json) {
			v = schema_field_default(f);
			json_object_set_new_nocheck(object, f->name, v);
		}
		if (v)
			fill_value(v, &f->value, depth);
		if (f->value.kind == SCHEMA_MAP && f->value.elem->kind == SCHEMA_QUANTITY &&
		    strncmp(t->name, "resource.", strlen("resource.")))
			round_amounts(v);
	}
}

static void fill_value(json_t *v, const struct schema_value *s, int depth)
{
	const char *key;
	size_t i;
	json_t *e;

	if (depth > DEPTH_MAX)
		return;
	if (s->kind == SCHEMA_STRUCT && json_is_object(v)) {
		fill_type(v, s->type, depth + 1);
	} else if (s->kind == SCHEMA_LIST && json_is_array(v)) {
		json_array_foreach (v, i, e)
			fill_value(e, s->elem, depth + 1);
	} else if (s->kind == SCHEMA_MAP && json_is_object(v)) {
		json_object_foreach (v, key, e)
			fill_value(e, s->elem, depth + 1);
	}
}

void object_set_defaults(json_t *object, const struct resource *r)
{
	if (r->type)
		fill_type(object, r->type, 0);
	if (r->particulars->set_defaults)
		r->particulars->set_defaults(object);
}
