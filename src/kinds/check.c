/*
 * The shape of an object by the schema table.
 *
 * For built-in types a value of the wrong type never reaches validation on a real server: it fails
 * to decode (400). Unknown fields are dropped, as are nulls and empty lists and maps of optional
 * fields, which Go's encoder would not write. Custom resources are the other way round but for
 * their metadata: wrong types are causes of a 422, and what is empty stays.
 */
#include "base/vec.h"
#include "kinds/field.h"
#include "kinds/custom.h"
#include "kinds/custom_rules.h"
#include "kinds/kind.h"
#include "object/base64.h"
#include "object/json.h"
#include "object/quantity.h"
#include "object/time.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

struct check {
	const struct resource *r;
	const json_t *object;
	struct unknown_fields *unknown;
	struct error **err;
};

/* The member of the object itself in which AT lies; "" of the object. */
static const char *top_name(const struct field *at)
{
	const char *name = "";

	for (; at->up; at = at->up)
		name = at->name;
	return name;
}

static bool in_metadata(const struct field *at)
{
	return str_has_prefix(top_name(at), "metadata");
}

/* "spec.containers.name", as Go's decoder names "spec.containers[0].name". */
static void add_go_path(const struct field *at, struct str *out)
{
	if (!at->up)
		return;
	add_go_path(at->up, out);
	if (!at->name || at->key)
		return;
	if (out->len)
		str_addc(out, '.');
	str_adds(out, at->name);
}

void unknown_fields_release(struct unknown_fields *u)
{
	vec_each (u, path)
		free(*path);
	vec_release(u);
}

static const char *json_type_word(const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return "object";
	case JSON_ARRAY:
		return "array";
	case JSON_STRING:
		return "string";
	case JSON_INTEGER:
		return "integer";
	case JSON_REAL:
		return "number";
	case JSON_TRUE:
	case JSON_FALSE:
		return "boolean";
	default:
		return "null";
	}
}

/* The word of Go's decoder, which knows "number" and "bool". */
static const char *go_type_word(const json_t *v)
{
	return json_is_number(v) ? "number" : json_is_boolean(v) ? "bool" : json_type_word(v);
}

/* What Go calls the types of fields. */
static const char *const go_types[] = {
	[SCHEMA_ANY] = "interface {}",
	[SCHEMA_STRING] = "string",
	[SCHEMA_BOOL] = "bool",
	[SCHEMA_INT32] = "int32",
	[SCHEMA_INT64] = "int64",
	[SCHEMA_NUMBER] = "float64",
	[SCHEMA_BYTES] = "[]uint8",
	[SCHEMA_TIME] = "string",
	[SCHEMA_MICRO_TIME] = "string",
	[SCHEMA_QUANTITY] = "string",
	[SCHEMA_INT_OR_STRING] = "int32",
	[SCHEMA_STRUCT] = "struct",
	[SCHEMA_MAP] = "map[string]string",
	[SCHEMA_LIST] = "[]string",
};

static int refuse_decode(struct check *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static int refuse_decode(struct check *c, const char *format, ...)
{
	struct str why CLEANUP(str_release) = STR_INIT;
	va_list ap;

	va_start(ap, format);
	str_addv(&why, format, ap);
	va_end(ap);
	return error_set(c->err, E_BAD_REQUEST,
			 "%s in version \"%s\" cannot be handled as a %s: %s", c->r->kind,
			 c->r->version, c->r->kind, why.s);
}

/* V, which should be as S says: a value of a field of T at AT. */
static int wrong_type(struct check *c, const struct field *at, const json_t *v,
		      const struct schema_value *s, const struct schema_type *t)
{
	struct str path CLEANUP(str_release) = STR_INIT;
	const char *dot = strrchr(t->name, '.');

	/* Its own fields are checked against its definition, with everything else. */
	if (c->r->custom && c->r->open_api && !in_metadata(at))
		return 0;
	add_go_path(at, &path);
	return refuse_decode(c, "%sjson: cannot unmarshal %s into Go struct field %s.%s of type %s",
			     c->r->custom ? "metadata: Invalid value: " : "", go_type_word(v),
			     dot ? dot + 1 : t->name, path.s, go_types[s->kind]);
}

/* The integers of a custom resource may be written as other numbers are. */
static bool int_fits(const struct check *c, const json_t *v, enum schema_kind kind)
{
	json_int_t n = json_integer_value(v);

	if (json_is_real(v))
		return c->r->custom && kind == SCHEMA_INT64 &&
		       floor(json_real_value(v)) == json_real_value(v);
	return json_is_integer(v) &&
	       (kind == SCHEMA_INT64 || c->r->custom || (n >= INT32_MIN && n <= INT32_MAX));
}

/* Bytes are kept as an encoder writes them: without the line breaks that a decoder passes over. */
static int check_bytes(struct check *c, json_t *v)
{
	struct str bytes CLEANUP(str_wipe) = STR_INIT, text CLEANUP(str_wipe) = STR_INIT;

	if (!base64_decode(json_string_value(v), json_string_length(v), &bytes))
		return refuse_decode(c, "illegal base64 data at input byte 0");
	base64_encode(bytes.s, bytes.len, &text);
	if (strcmp(text.s, json_string_value(v)) != 0)
		json_string_setn_nocheck(v, text.s, text.len);
	return 0;
}

static int check_time(struct check *c, json_t *v, bool micro)
{
	char buffer[TIME_TEXT], *why free_ptr = NULL;

	if (time_canonical(json_string_value(v), micro, buffer, &why) < 0)
		return refuse_decode(c, "%s", why);
	if (strcmp(buffer, json_string_value(v)) != 0)
		json_string_set(v, buffer);
	return 0;
}

/* What a scalar's text must be beyond being a string. */
static int check_text(struct check *c, json_t *v, const struct schema_value *s)
{
	const char *text = json_string_value(v);
	struct quantity q;
	size_t len;

	if (c->r->custom || !text)
		return 0;
	if (s->kind == SCHEMA_BYTES)
		return check_bytes(c, v);
	if (s->kind == SCHEMA_TIME || s->kind == SCHEMA_MICRO_TIME)
		return check_time(c, v, s->kind == SCHEMA_MICRO_TIME);
	if (s->kind == SCHEMA_QUANTITY) {
		char buffer[QUANTITY_TEXT];

		if (quantity_parse(text, &q, NULL) < 0)
			return refuse_decode(c, "quantities must match the regular expression "
						"'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
		len = strlen(quantity_format(&q, buffer));
		if (len != json_string_length(v) || memcmp(buffer, text, len) != 0)
			json_string_setn_nocheck(v, buffer, len);
	}
	return 0;
}

static bool scalar_fits(const struct check *c, const json_t *v, const struct schema_value *s)
{
	switch (s->kind) {
	case SCHEMA_BOOL:
		return json_is_boolean(v);
	case SCHEMA_INT32:
	case SCHEMA_INT64:
		return int_fits(c, v, s->kind);
	case SCHEMA_NUMBER:
		return json_is_number(v);
	case SCHEMA_QUANTITY:
		return json_is_string(v) || json_is_number(v);
	case SCHEMA_INT_OR_STRING:
		return json_is_string(v) || int_fits(c, v, s->kind);
	default:
		return json_is_string(v);
	}
}

static void check_enum(struct check *c, const struct field *at, const struct schema_value *s)
{
	const char *text = json_string_value(at->value);

	if (!s->enums || !text || (!*text && !c->r->custom))
		return;
	if (!text_is_one_of(text, s->enums))
		field_not_supported_text(at, text, s->enums);
}

static int check_value(struct check *c, const struct field *at, json_t *v,
		       const struct schema_value *s, const struct schema_type *t);

/* A number where a quantity stands becomes its text: the caller replaces it. */
static json_t *as_quantity(const json_t *v)
{
	struct str text CLEANUP(str_release) = STR_INIT;

	json_write(v, &text);
	return json_string(text.s);
}

static void note_unknown(struct check *c, const struct field *at)
{
	struct str path = STR_INIT;

	if (!c->unknown)
		return;
	field_path(at, &path);
	vec_push(c->unknown, str_take(&path));
}

static bool is_shown_empty(const struct check *c, const struct field *at)
{
	const char *pattern = c->r->particulars->shown_empty.path;
	const char *unless = c->r->particulars->shown_empty.unless;
	struct str path CLEANUP(str_release) = STR_INIT;

	if (!pattern)
		return false;
	field_path(at, &path);
	return fnmatch(pattern, path.s, 0) == 0 && !(unless && json_path(c->object, unless));
}

/* Go's zero time is none. */
static bool is_no_time(const struct check *c, const struct schema_field *f, const json_t *v)
{
	const char *text = json_string_value(v);

	if (c->r->custom || !text)
		return false;
	return f->value.kind == SCHEMA_TIME
		       ? strcmp(text, "0001-01-01T00:00:00Z") == 0
		       : f->value.kind == SCHEMA_MICRO_TIME &&
				 strcmp(text, "0001-01-01T00:00:00.000000Z") == 0;
}

/* Of a custom resource only what is null and may not be, but for metadata, its own and that of
 * objects in it, which is of the program's own types. */
static bool left_out(const struct check *c, const struct field *at, const struct schema_type *t,
		     const struct schema_field *f)
{
	const json_t *v = at->value;

	if (c->r->custom && json_is_null(v))
		return !f->value.nullable;
	if (!schema_leaves_out(f, v))
		return false;
	if (c->r->custom)
		return schema_type_find(t->name) == t;
	return json_is_null(v) || !is_shown_empty(c, at);
}

static void check_required(struct check *c, const struct field *at, const struct schema_type *t)
{
	if (str_has_prefix(top_name(at), "status"))
		return;
	for (size_t i = 0; i < t->n_fields; i++) {
		const struct schema_field *f = &t->fields[i];
		const json_t *v;
		bool empty;

		if (!f->required)
			continue;
		v = json_object_get(at->value, f->name);
		empty = !v || (json_is_null(v) && !f->value.nullable);
		if (!c->r->custom && v)
			empty = empty || (json_is_string(v) && !*json_string_value(v));
		if (!c->r->custom &&
		    (f->value.kind == SCHEMA_INT32 || f->value.kind == SCHEMA_INT64 ||
		     f->value.kind == SCHEMA_BOOL || f->value.kind == SCHEMA_INT_OR_STRING ||
		     f->value.kind == SCHEMA_ANY))
			continue;
		if (empty)
			field_required(
				&(struct field){.up = at, .name = f->name, .errors = at->errors},
				NULL);
	}
}

/* What Go's decoder reads F of OBJECT as, in place of V where that is another value. */
static json_t *read_field(const struct check *c, json_t *object, const struct schema_field *f,
			  json_t *v)
{
	json_t *other = NULL;

	if (is_no_time(c, f, v))
		other = json_null();
	else if (f->value.kind == SCHEMA_QUANTITY && json_is_number(v))
		other = as_quantity(v);
	if (other)
		json_object_set_new(object, f->name, other);
	return other ? other : v;
}

static int check_struct(struct check *c, const struct field *at, json_t *object,
			const struct schema_type *t)
{
	const char *key;
	json_t *v;
	void *tmp;

	json_object_foreach_safe (object, tmp, key, v) {
		const struct schema_field *f = schema_field_find(t, key);
		struct field member = {.up = at, .name = key, .errors = at->errors};

		if (!f && t->preserve_unknown)
			continue;
		if (!f) {
			note_unknown(c, &member);
			json_object_del(object, key);
			continue;
		}
		member.name = f->name;
		member.value = v = read_field(c, object, f, v);
		if (left_out(c, &member, t, f)) {
			json_object_del(object, key);
			continue;
		}
		if (!json_is_null(v) && check_value(c, &member, v, &f->value, t) < 0)
			return -1;
	}
	return 0;
}

/* E, an element or a map's value, as Go reads it where that is another value: new; else NULL. */
static json_t *read_otherwise(const struct check *c, const struct field *at, const json_t *e,
			      const struct schema_value *s)
{
	bool in_go = !c->r->custom || in_metadata(at);

	if (s->kind == SCHEMA_QUANTITY && json_is_number(e))
		return as_quantity(e);
	if (!json_is_null(e) || !in_go)
		return NULL;
	return s->kind == SCHEMA_BYTES ? json_string("") : schema_zero(s);
}

/* A custom resource keeps no null in a map whose values may not be null. */
static bool is_pruned(const struct check *c, const json_t *e, const struct schema_value *s)
{
	return c->r->custom && json_is_null(e) && s->kind != SCHEMA_ANY && !s->nullable;
}

static int check_list(struct check *c, const struct field *at, json_t *v,
		      const struct schema_value *s, const struct schema_type *t)
{
	size_t i;
	json_t *e, *other;

	json_array_foreach (v, i, e) {
		struct field element = {.up = at, .index = i, .errors = at->errors};

		other = read_otherwise(c, at, e, s->elem);
		if (other)
			json_array_set_new(v, i, other);
		if (check_value(c, &element, other ? other : e, s->elem, t) < 0)
			return -1;
	}
	return 0;
}

/* An entry is named as a member is. */
static int check_map(struct check *c, const struct field *at, json_t *v,
		     const struct schema_value *s, const struct schema_type *t)
{
	const char *key;
	json_t *e, *other;
	void *tmp;

	json_object_foreach_safe (v, tmp, key, e) {
		struct field entry = {.up = at, .name = key, .key = key, .errors = at->errors};

		other = read_otherwise(c, at, e, s->elem);
		if (!other && is_pruned(c, e, s->elem)) {
			json_object_del(v, key);
			continue;
		}
		if (other)
			json_object_set_new(v, key, other);
		if (check_value(c, &entry, other ? other : e, s->elem, t) < 0)
			return -1;
	}
	return 0;
}

/* T: the type of the struct in which V stands. */
static int check_value(struct check *c, const struct field *at, json_t *v,
		       const struct schema_value *s, const struct schema_type *t)
{
	switch (s->kind) {
	case SCHEMA_ANY:
		return 0;
	case SCHEMA_STRUCT:
		return json_is_object(v) ? check_struct(c, at, v, s->type)
					 : wrong_type(c, at, v, s, t);
	case SCHEMA_LIST:
		return json_is_array(v) ? check_list(c, at, v, s, t) : wrong_type(c, at, v, s, t);
	case SCHEMA_MAP:
		return json_is_object(v) ? check_map(c, at, v, s, t) : wrong_type(c, at, v, s, t);
	default:
		if (!scalar_fits(c, v, s))
			return wrong_type(c, at, v, s, t);
		return check_text(c, v, s);
	}
}

int object_check_schema(json_t *object, const struct resource *r, struct unknown_fields *unknown,
			struct field_errors *errors, struct error **err)
{
	struct check c = {.r = r, .object = object, .unknown = unknown, .err = err};
	const struct field root = field_root(object, errors);

	return r->type ? check_struct(&c, &root, object, r->type) : 0;
}

static void rules_of_value(struct check *c, const struct field *at, const struct schema_value *s);

static void rules_of_struct(struct check *c, const struct field *at, const struct schema_type *t)
{
	check_required(c, at, t);
	for (size_t i = 0; i < t->n_fields; i++) {
		const struct schema_value *s = &t->fields[i].value;
		const char *name = t->fields[i].name;

		if (!s->enums && s->kind < SCHEMA_STRUCT) /* a scalar without rules */
			continue;
		if (!at->up && strcmp(name, "metadata") == 0)
			continue;
		rules_of_value(c, FIELD(at, name), s);
	}
}

static void rules_of_value(struct check *c, const struct field *at, const struct schema_value *s)
{
	if (s->kind == SCHEMA_STRUCT && json_is_object(at->value)) {
		rules_of_struct(c, at, s->type);
	} else if (s->kind == SCHEMA_LIST && json_is_array(at->value)) {
		field_each (at, e)
			rules_of_value(c, &e, s->elem);
	} else if (s->kind == SCHEMA_MAP && json_is_object(at->value)) {
		field_each_key (at, e)
			rules_of_value(c, &e, s->elem);
	} else {
		check_enum(c, at, s);
	}
}

/* Required fields and enums by the schema table, of an object that has its defaults. */
static void check_rules(const struct field *object, const struct resource *r)
{
	struct check c = {.r = r};

	if (r->type)
		rules_of_struct(&c, object, r->type);
}

/* A write to the status asks the schema of the status alone. */
static void check_custom_schema(const struct field *object, const json_t *old,
				const struct resource *r, const char *subresource)
{
	const json_t *status = json_path(r->open_api, "properties.status");

	if (!subresource || strcmp(subresource, "status"))
		custom_value_validate(object, r->open_api, old);
	else if (status && json_object_get(object->value, "status"))
		custom_value_validate(FIELD(object, "status"), status,
				      json_object_get(old, "status"));
}

static void custom_validate(const struct field *object, const struct field *old,
			    const struct resource *r, const char *subresource)
{
	const json_t *was = old ? old->value : NULL;
	bool status = subresource && !strcmp(subresource, "status");

	if (r->open_api) {
		check_custom_schema(object, was, r, subresource);
		custom_scale_validate(object, r, status);
		if (!status)
			custom_embedded_validate(object, r->open_api);
		custom_lists_validate(object, r->open_api, was);
	}
	custom_rules_check(r->rules, object, was);
}

void object_validate(const struct field *object, const struct field *old, const struct resource *r,
		     const struct resource *asked, const char *subresource)
{
	const struct kind *kind = r->particulars;

	if (r->custom) {
		custom_validate(object, old, r, subresource);
		return;
	}
	if (subresource && kind->validate_subresource) {
		kind->validate_subresource(object, old, subresource);
		return;
	}
	if (subresource && strcmp(subresource, "status") == 0)
		return;
	if (kind->validate_asked)
		kind->validate_asked(object, old, asked);
	else if (kind->validate)
		kind->validate(object, old);
	else
		check_rules(object, r);
}
