#include "object/schema.h"
#include "object/json.h"
#include "object/schema_table.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

static int compare_type(const void *key, const void *row)
{
	return strcmp(key, ((const struct schema_type *)row)->name);
}

const struct schema_type *schema_type_find(const char *name)
{
	return bsearch(name, schema_table_types, schema_table_n_types, sizeof(*schema_table_types),
		       compare_type);
}

const struct schema_type *schema_types(size_t *n)
{
	*n = schema_table_n_types;
	return schema_table_types;
}

uint64_t schema_name_head(const char *name)
{
	uint64_t head = 0;

	memcpy(&head, name, strnlen(name, sizeof(head)));
	return be64toh(head);
}

/* NAME among the fields from FIRST on that have its head. */
static const struct schema_field *find_among(const struct schema_type *t, size_t first,
					     const char *name)
{
	for (size_t i = first; i < t->n_fields && t->heads[i] == t->heads[first]; i++)
		if (!strcmp(t->fields[i].name, name))
			return &t->fields[i];
	return NULL;
}

const struct schema_field *schema_field_find(const struct schema_type *t, const char *name)
{
	uint64_t head = schema_name_head(name);
	size_t first = 0, end = t->n_fields;

	while (first < end) {
		size_t middle = (first + end) / 2;

		if (t->heads[middle] < head)
			first = middle + 1;
		else
			end = middle;
	}
	if (first == t->n_fields || t->heads[first] != head)
		return NULL;
	/* A head that ends with NUL is the whole name. */
	return head & 0xff ? find_among(t, first, name) : &t->fields[first];
}

const struct schema_type *schema_object_meta(void)
{
	return schema_type_find("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
}

struct schema_value schema_root(const struct schema_type *t)
{
	return (struct schema_value){
		.kind = t ? SCHEMA_STRUCT : SCHEMA_ANY,
		.atomic = t && t->atomic,
		.type = t,
	};
}

const struct schema_value *schema_child(const struct schema_value *v, const char *key)
{
	const struct schema_field *field;

	if (v && v->kind == SCHEMA_MAP)
		return v->elem;
	if (!v || v->kind != SCHEMA_STRUCT)
		return NULL;
	field = schema_field_find(v->type, key);
	return field ? &field->value : NULL;
}

const struct schema_value *schema_elem(const struct schema_value *v)
{
	return v && v->kind == SCHEMA_LIST ? v->elem : NULL;
}

json_t *schema_field_default(const struct schema_field *f)
{
	const char *text = f->default_json;
	size_t len = text ? strlen(text) : 0;

	if (!text)
		return NULL;
	/* Nearly all are plain strings, counts or structs. */
	if (text[0] == '"' && strcspn(text + 1, "\\\"") == len - 2)
		return json_stringn_nocheck(text + 1, len - 2);
	if (text[0] > '0' && text[0] <= '9' && strspn(text, "0123456789") == len)
		return json_number(text, len, true);
	if (strcmp(text, "{}") == 0)
		return json_object();
	return json_loads(text, JSON_DECODE_ANY, NULL);
}

static json_t *key_default(const struct schema_value *elem, const char *key)
{
	const struct schema_field *field =
		elem && elem->kind == SCHEMA_STRUCT ? schema_field_find(elem->type, key) : NULL;

	if (field && !field->default_json && field->presence == SCHEMA_PRESENT &&
	    field->value.kind == SCHEMA_STRING)
		return json_string("");
	return field ? schema_field_default(field) : NULL;
}

/* Whichever of NEXT (NULL: none yet) and NAME follows LAST (NULL: nothing) sooner, bytewise. */
static const char *sooner(const char *name, const char *last, const char *next)
{
	bool follows = !last || strcmp(name, last) > 0;

	return follows && (!next || strcmp(name, next) < 0) ? name : next;
}

/* The first key of OBJECT behind LAST (NULL: of all); NULL: none. */
static const char *next_key(const json_t *object, const char *last)
{
	const char *key, *next = NULL;
	json_t *value;

	json_object_foreach ((json_t *)object, key, value)
		next = sooner(key, last, next);
	return next;
}

void schema_key_write(const json_t *key, struct str *out)
{
	const char *name = next_key(key, NULL);

	if (!json_is_object(key)) {
		json_write(key, out);
		return;
	}
	str_addc(out, '{');
	while (name) {
		json_write_string(name, strlen(name), out);
		str_addc(out, ':');
		json_write(json_object_get(key, name), out);
		name = next_key(key, name);
		if (name)
			str_addc(out, ',');
	}
	str_addc(out, '}');
}

/* The same of NAMES, NULL-terminated. */
static const char *next_name(const char *const *names, const char *last)
{
	const char *next = NULL;

	for (; *names; names++)
		next = sooner(*names, last, next);
	return next;
}

/* What schema_key_write would write of ITEM's keys. */
static bool map_item_key(const struct schema_value *v, const char *const *keys, const json_t *item,
			 struct str *out)
{
	char separator = '{';

	for (const char *key = next_name(keys, NULL); key; key = next_name(keys, key)) {
		json_t *value = json_object_get(item, key), *fallback = NULL;

		if (!value)
			value = fallback = key_default(v->elem, key);
		if (!value)
			continue;
		str_addc(out, separator);
		json_write_string(key, strlen(key), out);
		str_addc(out, ':');
		json_write(value, out);
		json_decref(fallback);
		separator = ',';
	}
	if (separator == '{')
		return false;
	str_addc(out, '}');
	return true;
}

bool schema_item_key(const struct schema_value *v, const json_t *item, struct str *out)
{
	const char *merge_key[] = {v ? v->patch_merge_key : NULL, NULL};

	if (!v || v->kind != SCHEMA_LIST || !item)
		return false;
	if (v->list_type == SCHEMA_LIST_MAP)
		return json_is_object(item) && map_item_key(v, v->list_map_keys, item, out);
	if (v->patch_merge_key)
		return json_is_object(item) && map_item_key(v, merge_key, item, out);
	if (v->list_type != SCHEMA_LIST_SET && !(v->patch & SCHEMA_PATCH_MERGE))
		return false;
	if (json_is_object(item) || json_is_array(item))
		return false;
	schema_key_write(item, out);
	return true;
}
