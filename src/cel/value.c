#include "cel/value.h"
#include "base/mem.h"
#include "base/str.h"
#include "cel/convert.h"
#include "object/quantity.h"
#include "object/time.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct cel_value cel_fail(struct arena *a, const char *format, ...)
{
	char text[CEL_FAIL_TEXT];
	va_list ap;
	int len;

	va_start(ap, format);
	len = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	len = MAX(0, MIN(len, CEL_FAIL_TEXT - 1));
	return (struct cel_value){
		.kind = CEL_ERROR,
		.text = {arena_copy(a, text, (size_t)len), (size_t)len},
	};
}

struct cel_value cel_no_overload(void)
{
	static const char text[] = "no such overload";

	return (struct cel_value){.kind = CEL_ERROR, .text = {text, sizeof(text) - 1}};
}

struct cel_value cel_string(const char *text, size_t len)
{
	return (struct cel_value){.kind = CEL_STRING, .text = {text, len}};
}

struct cel_value cel_text(struct arena *a, const char *text, size_t len)
{
	return cel_string(arena_copy(a, text, len), len);
}

struct cel_value cel_optional(struct arena *a, struct cel_value v)
{
	struct cel_value *kept;

	if (v.kind == CEL_ERROR)
		return v;
	kept = arena_new(a, sizeof(*kept));
	*kept = v;
	return (struct cel_value){.kind = CEL_OPTIONAL, .optional = kept};
}

struct cel_value cel_none(void)
{
	return (struct cel_value){.kind = CEL_OPTIONAL};
}

struct cel_value cel_list_new(struct arena *a, const struct cel_value *v, size_t n,
			      const struct cel_type *type)
{
	struct cel_list *l = arena_new(a, sizeof(*l));

	/* An empty list needs a place to point at: v == NULL says that it is a view. */
	*l = (struct cel_list){.n = n, .v = v ? v : arena_new(a, sizeof(*v)), .type = type};
	return (struct cel_value){.kind = CEL_LIST, .list = l};
}

/* The order in which a map keeps its keys: by kind, then by value; numbers are one kind. */
static int key_order(const struct cel_value *x, const struct cel_value *y)
{
	int order = cel_compare(x, y);

	return order == -2 ? (x->kind > y->kind) - (x->kind < y->kind) : order;
}

static int entry_order(const void *x, const void *y)
{
	return key_order(&((const struct cel_entry *)x)->key, &((const struct cel_entry *)y)->key);
}

struct cel_value cel_map_new(struct arena *a, struct cel_entry *v, size_t n)
{
	struct cel_map *m = arena_new(a, sizeof(*m));

	if (n)
		qsort(v, n, sizeof(*v), entry_order);
	for (size_t i = 1; i < n; i++)
		if (!entry_order(&v[i - 1], &v[i]))
			return cel_fail(a, "Failed with repeated key");
	*m = (struct cel_map){.n = n, .v = v ? v : arena_new(a, sizeof(*v))};
	return (struct cel_value){.kind = CEL_MAP, .map = m};
}

struct cel_value cel_object_new(struct arena *a, const struct cel_type *type, struct cel_entry *v,
				size_t n)
{
	struct cel_value made = cel_map_new(a, v, n);
	struct cel_map *m;

	if (made.kind == CEL_ERROR)
		return made;
	m = arena_new(a, sizeof(*m));
	*m = *made.map;
	m->type = type;
	return (struct cel_value){.kind = CEL_OBJECT, .map = m};
}

struct cel_value cel_lazy_object(struct arena *a, const struct cel_type *type,
				 const struct cel_lazy *lazy)
{
	struct cel_map *m = arena_new(a, sizeof(*m));

	*m = (struct cel_map){.v = arena_new(a, sizeof(*m->v)), .type = type, .lazy = lazy};
	return (struct cel_value){.kind = CEL_OBJECT, .map = m};
}

const char *cel_object_name(const struct cel_value *v)
{
	return v->kind == CEL_OBJECT && v->map->type ? v->map->type->name : NULL;
}

static struct cel_value view_list(struct arena *a, const json_t *tree, const struct cel_type *type)
{
	struct cel_list *l = arena_new(a, sizeof(*l));

	*l = (struct cel_list){.n = json_array_size(tree), .json = tree, .type = type};
	return (struct cel_value){.kind = CEL_LIST, .list = l};
}

static struct cel_value view_map(struct arena *a, const json_t *tree, const struct cel_type *type)
{
	struct cel_map *m = arena_new(a, sizeof(*m));
	bool object = type && type->kind == CEL_OBJECT;

	*m = (struct cel_map){.n = json_object_size(tree), .json = tree, .type = type};
	return (struct cel_value){.kind = object ? CEL_OBJECT : CEL_MAP, .map = m};
}

static struct cel_value by_form(struct arena *a, const json_t *tree)
{
	switch (json_typeof(tree)) {
	case JSON_OBJECT:
		return view_map(a, tree, NULL);
	case JSON_ARRAY:
		return view_list(a, tree, NULL);
	case JSON_STRING:
		return cel_string(json_string_value(tree), json_string_length(tree));
	case JSON_INTEGER:
		return cel_int(json_integer_value(tree));
	case JSON_REAL:
		return cel_double(json_real_value(tree));
	case JSON_TRUE:
	case JSON_FALSE:
		return cel_bool(json_is_true(tree));
	default:
		return (struct cel_value){.kind = CEL_NULL};
	}
}

struct cel_value cel_from_json(struct arena *a, const json_t *tree, const struct cel_type *type)
{
	enum cel_kind kind = type ? type->kind : CEL_DYN;

	if (!tree)
		return (struct cel_value){.kind = CEL_NULL};
	if (kind == CEL_LIST && json_is_array(tree))
		return view_list(a, tree, type);
	if ((kind == CEL_MAP || kind == CEL_OBJECT) && json_is_object(tree))
		return view_map(a, tree, type);
	if (kind == CEL_DOUBLE && json_is_number(tree))
		return cel_double(json_number_value(tree));
	if (kind == CEL_INT && json_is_real(tree) &&
	    floor(json_real_value(tree)) == json_real_value(tree) &&
	    fabs(json_real_value(tree)) < 9.2e18)
		return cel_int((int64_t)json_real_value(tree));
	if (json_is_string(tree) &&
	    (kind == CEL_BYTES || kind == CEL_TIMESTAMP || kind == CEL_DURATION))
		return cel_read_text(a, kind, json_string_value(tree), json_string_length(tree));
	return by_form(a, tree);
}

struct cel_value cel_list_at(struct arena *a, const struct cel_list *l, size_t i)
{
	if (l->v)
		return l->v[i];
	return cel_from_json(a, json_array_get(l->json, i), l->type ? l->type->elem : NULL);
}

static const struct cel_field *object_field(const struct cel_type *t, const char *name)
{
	for (size_t i = 0; i < t->n_fields; i++)
		if (!strcmp(t->fields[i].name, name))
			return &t->fields[i];
	return NULL;
}

static bool find_json(struct arena *a, const struct cel_map *m, const char *key, size_t len,
		      struct cel_value *value)
{
	const json_t *found = json_object_getn(m->json, key, len);

	if (!found)
		return false;
	*value = cel_from_json(a, found, m->type ? m->type->elem : NULL);
	return true;
}

bool cel_map_find(struct arena *a, const struct cel_map *m, const struct cel_value *key,
		  struct cel_value *value)
{
	size_t low = 0, high = m->n;

	if (!m->v)
		return key->kind == CEL_STRING &&
		       find_json(a, m, key->text.p, key->text.len, value);
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = key_order(key, &m->v[mid].key);

		if (!order) {
			*value = m->v[mid].value;
			return true;
		}
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return false;
}

static bool lazy_field(const struct cel_map *m, const char *name, struct cel_value *value)
{
	const struct cel_field *f = object_field(m->type, name);

	if (f)
		*value = m->lazy->get(m->lazy->arg, (size_t)(f - m->type->fields));
	return f != NULL;
}

bool cel_map_field(struct arena *a, const struct cel_map *m, const char *name,
		   struct cel_value *value)
{
	struct cel_value key = cel_string(name, strlen(name));
	const struct cel_field *f;
	const json_t *found;

	if (m->lazy)
		return lazy_field(m, name, value);
	if (m->v || !m->type || m->type->kind != CEL_OBJECT)
		return cel_map_find(a, m, &key, value);
	f = object_field(m->type, name);
	found = f ? json_object_get(m->json, f->key) : NULL;
	if (!found)
		return false;
	*value = cel_from_json(a, found, f->type);
	return true;
}

const struct cel_entry *cel_map_entries(struct arena *a, const struct cel_map *m, size_t *n)
{
	struct cel_entry *v;
	const char *key;
	size_t i = 0, len;
	json_t *value;

	*n = m->n;
	if (m->v)
		return m->v;
	v = arena_new(a, (m->n + 1) * sizeof(*v));
	json_object_keylen_foreach((json_t *)m->json, key, len, value) v[i++] = (struct cel_entry){
		cel_string(key, len),
		cel_from_json(a, value, m->type ? m->type->elem : NULL),
	};
	if (i)
		qsort(v, i, sizeof(*v), entry_order);
	return v;
}

static bool is_number(const struct cel_value *v)
{
	return v->kind == CEL_INT || v->kind == CEL_UINT || v->kind == CEL_DOUBLE;
}

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

/* An integer and a double: exact, although not every int64 has a double. */
static int compare_mixed(__int128 whole, double d)
{
	if (isnan(d))
		return -2;
	if (d >= 0x1p64)
		return -1;
	if (d < -0x1p63)
		return 1;
	if (whole != (__int128)d)
		return ORDER(whole, (__int128)d);
	return ORDER(0.0, d - trunc(d));
}

static int compare_numbers(const struct cel_value *x, const struct cel_value *y)
{
	__int128 i = x->kind == CEL_UINT ? (__int128)x->u : x->i;
	__int128 j = y->kind == CEL_UINT ? (__int128)y->u : y->i;
	int order;

	if (x->kind == CEL_DOUBLE && y->kind == CEL_DOUBLE)
		return isnan(x->d) || isnan(y->d) ? -2 : ORDER(x->d, y->d);
	if (y->kind == CEL_DOUBLE)
		return compare_mixed(i, y->d);
	if (x->kind == CEL_DOUBLE) {
		order = compare_mixed(j, x->d);
		return order == -2 ? -2 : -order;
	}
	return ORDER(i, j);
}

int cel_compare(const struct cel_value *x, const struct cel_value *y)
{
	size_t common;
	int order;

	if (is_number(x) && is_number(y))
		return compare_numbers(x, y);
	if (x->kind != y->kind)
		return -2;
	switch (x->kind) {
	case CEL_BOOL:
		return ORDER(x->boolean, y->boolean);
	case CEL_TIMESTAMP:
	case CEL_DURATION:
		return ORDER(x->i, y->i);
	case CEL_QUANTITY:
		return quantity_compare(x->quantity, y->quantity);
	case CEL_STRING:
	case CEL_BYTES:
	case CEL_TYPE:
		common = MIN(x->text.len, y->text.len);
		order = common ? memcmp(x->text.p, y->text.p, common) : 0;
		return order ? ORDER(order, 0) : ORDER(x->text.len, y->text.len);
	case CEL_SEMVER:
		return cel_semver_compare(x->semver, y->semver);
	default:
		return -2;
	}
}

/* Every element of X has an equal one in Y. */
static bool list_within(struct arena *a, const struct cel_list *x, const struct cel_list *y)
{
	for (size_t i = 0; i < x->n; i++) {
		struct cel_value element = cel_list_at(a, x, i);
		bool found = false;

		for (size_t j = 0; !found && j < y->n; j++) {
			struct cel_value other = cel_list_at(a, y, j);

			found = cel_equal(a, &element, &other);
		}
		if (!found)
			return false;
	}
	return true;
}

static bool lists_equal(struct arena *a, const struct cel_list *x, const struct cel_list *y)
{
	if (x->n != y->n)
		return false;
	if (x->type && x->type->list_type != CEL_LIST_ATOMIC)
		return list_within(a, x, y) && list_within(a, y, x);
	for (size_t i = 0; i < x->n; i++) {
		struct cel_value v = cel_list_at(a, x, i), w = cel_list_at(a, y, i);

		if (!cel_equal(a, &v, &w))
			return false;
	}
	return true;
}

static bool objects_equal(struct arena *a, const struct cel_map *x, const struct cel_map *y)
{
	for (size_t i = 0; i < x->type->n_fields; i++) {
		const char *name = x->type->fields[i].name;
		struct cel_value v, w;
		bool in_x = cel_map_field(a, x, name, &v), in_y = cel_map_field(a, y, name, &w);

		if (in_x != in_y || (in_x && !cel_equal(a, &v, &w)))
			return false;
	}
	return true;
}

static bool maps_equal(struct arena *a, const struct cel_map *x, const struct cel_map *y)
{
	const struct cel_entry *v;
	size_t n;

	if (x->lazy || y->lazy)
		return x == y;
	if (x->type && x->type->kind == CEL_OBJECT && x->json)
		return objects_equal(a, x, y);
	if (x->n != y->n)
		return false;
	v = cel_map_entries(a, x, &n);
	for (size_t i = 0; i < n; i++) {
		struct cel_value other;

		if (!cel_map_find(a, y, &v[i].key, &other) || !cel_equal(a, &v[i].value, &other))
			return false;
	}
	return true;
}

static bool optionals_equal(struct arena *a, const struct cel_value *x, const struct cel_value *y)
{
	if (!x->optional || !y->optional)
		return !x->optional && !y->optional;
	return cel_equal(a, x->optional, y->optional);
}

bool cel_equal(struct arena *a, const struct cel_value *x, const struct cel_value *y)
{
	if (is_number(x) && is_number(y))
		return cel_compare(x, y) == 0;
	if (x->kind != y->kind)
		return false;
	switch (x->kind) {
	case CEL_NULL:
		return true;
	case CEL_LIST:
		return lists_equal(a, x->list, y->list);
	case CEL_OBJECT:
		/* Of a schema's objects the checker knows that they are alike. */
		return (x->map->json || str_equal(cel_object_name(x), cel_object_name(y))) &&
		       maps_equal(a, x->map, y->map);
	case CEL_MAP:
		return maps_equal(a, x->map, y->map);
	case CEL_OPTIONAL:
		return optionals_equal(a, x, y);
	case CEL_IP:
	case CEL_CIDR:
		return x->ip->len == y->ip->len && x->ip->prefix == y->ip->prefix &&
		       !memcmp(x->ip->bytes, y->ip->bytes, (size_t)x->ip->len);
	case CEL_URL:
		return cel_url_equal(x->url, y->url);
	case CEL_FORMAT:
		return x->text.len == y->text.len && !memcmp(x->text.p, y->text.p, x->text.len);
	default:
		return cel_compare(x, y) == 0;
	}
}

static uint64_t code_points(struct span text)
{
	uint64_t n = 0;

	for (size_t i = 0; i < text.len; i++)
		n += ((unsigned char)text.p[i] & 0xc0) != 0x80;
	return n;
}

uint64_t cel_size(const struct cel_value *v)
{
	switch (v->kind) {
	case CEL_STRING:
		return code_points(v->text);
	case CEL_BYTES:
		return v->text.len;
	case CEL_LIST:
		return v->list->n;
	case CEL_MAP:
		return v->map->n;
	case CEL_IP:
	case CEL_CIDR:
		return (uint64_t)v->ip->len;
	case CEL_OPTIONAL:
		return v->optional ? cel_size(v->optional) : 1;
	default:
		return 1;
	}
}

static uint64_t json_weight(const json_t *tree)
{
	uint64_t n = 1;
	const char *key;
	json_t *part;
	size_t i;

	if (json_is_array(tree))
		json_array_foreach ((json_t *)tree, i, part)
			n += json_weight(part);
	else
		json_object_foreach ((json_t *)tree, key, part)
			n += json_weight(part);
	return n;
}

uint64_t cel_weight(const struct cel_value *v)
{
	uint64_t n = 1;

	if (v->kind == CEL_OPTIONAL)
		return v->optional ? cel_weight(v->optional) : 1;
	if (v->kind == CEL_LIST && v->list->json)
		return json_weight(v->list->json);
	if ((v->kind == CEL_MAP || v->kind == CEL_OBJECT) && v->map->json)
		return json_weight(v->map->json);
	if (v->kind == CEL_LIST)
		for (size_t i = 0; i < v->list->n && n < CEL_WEIGHT_MAX; i++)
			n += cel_weight(&v->list->v[i]);
	else if (v->kind == CEL_MAP || v->kind == CEL_OBJECT)
		for (size_t i = 0; i < v->map->n && n < CEL_WEIGHT_MAX; i++)
			n += cel_weight(&v->map->v[i].value);
	return n;
}

bool cel_fits(const struct cel_type *t, const struct cel_value *v)
{
	if (t->kind == CEL_DYN || t->kind == CEL_PARAM)
		return true;
	/* An object of a schema is a map where the type is not known. */
	if (t->kind == CEL_MAP)
		return v->kind == CEL_MAP || v->kind == CEL_OBJECT;
	return t->kind == v->kind;
}

static json_t *list_to_json(struct arena *a, const struct cel_list *l, struct error **err)
{
	json_t *out = json_array();

	for (size_t i = 0; i < l->n; i++) {
		struct cel_value v = cel_list_at(a, l, i);
		json_t *element = cel_to_json(a, &v, err);

		if (!element) {
			json_decref(out);
			return NULL;
		}
		json_array_append_new(out, element);
	}
	return out;
}

static json_t *map_to_json(struct arena *a, const struct cel_map *m, struct error **err)
{
	const struct cel_entry *v;
	json_t *out;
	size_t n;

	if (m->json)
		return json_deep_copy(m->json);
	out = json_object();
	v = cel_map_entries(a, m, &n);
	for (size_t i = 0; i < n; i++) {
		json_t *value = NULL;

		if (v[i].key.kind != CEL_STRING)
			error_set(err, E_BAD_REQUEST, "a map key that is no string");
		else
			value = cel_to_json(a, &v[i].value, err);
		if (!value) {
			json_decref(out);
			return NULL;
		}
		json_object_setn_new_nocheck(out, v[i].key.text.p, v[i].key.text.len, value);
	}
	return out;
}

json_t *cel_to_json(struct arena *a, const struct cel_value *v, struct error **err)
{
	struct cel_value text;

	switch (v->kind) {
	case CEL_NULL:
		return json_null();
	case CEL_BOOL:
		return json_boolean(v->boolean);
	case CEL_INT:
		return json_integer(v->i);
	case CEL_UINT:
		return json_integer((json_int_t)v->u);
	case CEL_DOUBLE:
		return json_real(v->d);
	case CEL_STRING:
		return json_stringn_nocheck(v->text.p, v->text.len);
	case CEL_LIST:
		return list_to_json(a, v->list, err);
	case CEL_MAP:
	case CEL_OBJECT:
		return map_to_json(a, v->map, err);
	default:
		text = cel_write_text(a, v);
		if (text.kind == CEL_STRING)
			return json_stringn_nocheck(text.text.p, text.text.len);
		error_set(err, E_BAD_REQUEST, "%s has no form in JSON", cel_kind_name(v->kind));
		return NULL;
	}
}
