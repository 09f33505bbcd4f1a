/*
 * What a patch has made, as the text that a refusal quotes. An API server patches the text of the
 * object: what the patch went through has its keys sorted, all else is as it was written, in the
 * order of its struct's fields. Of a strategic merge patch it quotes the patch itself.
 */
#include "cluster/local/private.h"

#include "base/mem.h"
#include "object/json.h"

#include <stdlib.h>
#include <string.h>

struct member {
	const char *key;
	const json_t *value;
	uint32_t order;
};

/* Fields stand in their struct as they are numbered in protobuf; parts of a number are bytes. */
static uint32_t order_of(const struct schema_value *v, const char *key)
{
	const struct schema_field *f =
		v && v->kind == SCHEMA_STRUCT ? schema_field_find(v->type, key) : NULL;
	uint32_t order = f ? f->proto : 0;

	while (order && order < 1u << 24)
		order <<= 8;
	return order;
}

static int compare_members(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	return strcmp(x->key, y->key);
}

static void put_struct(const json_t *object, const struct schema_value *v, struct str *out);

static void put_value(const json_t *value, const struct schema_value *v, struct str *out)
{
	size_t i;
	json_t *e;

	if (json_is_object(value)) {
		put_struct(value, v, out);
	} else if (json_is_array(value)) {
		str_addc(out, '[');
		json_array_foreach ((json_t *)value, i, e) {
			if (i)
				str_addc(out, ',');
			put_value(e, schema_elem(v), out);
		}
		str_addc(out, ']');
	} else {
		json_write(value, out);
	}
}

static void put_key(const char *key, bool first, struct str *out)
{
	str_addc(out, first ? '{' : ',');
	json_write_string(key, strlen(key), out);
	str_addc(out, ':');
}

/* As the struct V has them, or by their keys where V is NULL. The caller frees. */
static struct member *sort_members(const json_t *object, const struct schema_value *v)
{
	size_t n = 0;
	struct member *members = xcalloc(json_object_size(object) + 1, sizeof(*members));
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)object, key, value)
		members[n++] = (struct member){key, value, order_of(v, key)};
	qsort(members, n, sizeof(*members), compare_members);
	return members;
}

static void put_struct(const json_t *object, const struct schema_value *v, struct str *out)
{
	struct member *members free_ptr = sort_members(object, v);

	for (struct member *m = members; m->key; m++) {
		put_key(m->key, m == members, out);
		put_value(m->value, schema_child(v, m->key), out);
	}
	str_adds(out, members->key ? "}" : "{}");
}

/* NOW, where the patch went through LIVE. */
static void put_patched(const json_t *now, const json_t *live, const struct schema_value *v,
			struct str *out)
{
	struct member *members free_ptr = NULL;

	if (!json_is_object(now) || !json_is_object(live)) {
		json_write(now, out);
		return;
	}
	members = sort_members(now, NULL);
	for (struct member *m = members; m->key; m++) {
		const json_t *old = json_object_get(live, m->key);
		const struct schema_value *child = schema_child(v, m->key);

		put_key(m->key, m == members, out);
		if (old && json_equal(old, m->value))
			put_value(m->value, child, out);
		else
			put_patched(m->value, old, child, out);
	}
	str_adds(out, members->key ? "}" : "{}");
}

char *patched_text(const json_t *now, const json_t *live, const struct schema_type *type)
{
	struct schema_value root = schema_root(type);
	struct str out CLEANUP(str_release) = STR_INIT;

	put_patched(now, live, &root, &out);
	return str_take(&out);
}

/* As Go prints what it read from JSON: map[a:[1 x] b:<nil>]. */
static void put_go(const json_t *value, struct str *out)
{
	struct member *members free_ptr = NULL;
	size_t i;
	json_t *e;

	if (json_is_object(value)) {
		members = sort_members(value, NULL);
		str_adds(out, "map[");
		for (struct member *m = members; m->key; m++) {
			str_addf(out, "%s%s:", m == members ? "" : " ", m->key);
			put_go(m->value, out);
		}
		str_addc(out, ']');
	} else if (json_is_array(value)) {
		str_addc(out, '[');
		json_array_foreach ((json_t *)value, i, e) {
			str_adds(out, i ? " " : "");
			put_go(e, out);
		}
		str_addc(out, ']');
	} else if (json_is_string(value)) {
		str_add(out, json_string_value(value), json_string_length(value));
	} else if (json_is_null(value)) {
		str_adds(out, "<nil>");
	} else {
		json_write(value, out);
	}
}

char *patch_text(const json_t *patch)
{
	struct str out CLEANUP(str_release) = STR_INIT;

	put_go(patch, &out);
	return str_take(&out);
}
