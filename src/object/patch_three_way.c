/*
 * What a user changed in a file, carried over to an object that has changed since.
 *
 * At each place there are three values: BASE, which the user saw, USER's and LIVE. Where two of
 * them are equal the answer is plain; where all differ, maps are merged by key, lists by what tells
 * their elements apart, and anything else is a conflict. NULL stands for "not there".
 */
#include "base/vec.h"
#include "object/json.h"
#include "object/patch.h"

#include <string.h>

struct merge {
	struct str path;
	struct error *conflicts;
};

static bool equal(const json_t *a, const json_t *b)
{
	return a && b ? json_equal(a, b) : a == b;
}

static void add_conflict(struct merge *m)
{
	const char *path = m->path.len ? m->path.s + 1 : ".";

	if (!m->conflicts)
		m->conflicts = error_new(E_CONFLICT, "both changed %s", path);
	error_add_cause(m->conflicts, "Conflict", path, "changed here and on the server");
}

static json_t *merge_values(struct merge *m, const json_t *base, const json_t *user,
			    const json_t *live, const struct schema_value *v);

static void merge_key(struct merge *m, json_t *result, const char *key, const json_t *base,
		      const json_t *user, const json_t *live, const struct schema_value *v)
{
	size_t len = m->path.len;
	json_t *value;

	str_addf(&m->path, strpbrk(key, "./[") ? "[%s]" : ".%s", key);
	value = merge_values(m, json_object_get(base, key), json_object_get(user, key),
			     json_object_get(live, key), schema_child(v, key));
	if (value)
		json_object_set_new(result, key, value);
	str_truncate(&m->path, len);
}

static json_t *merge_maps(struct merge *m, const json_t *base, const json_t *user,
			  const json_t *live, const struct schema_value *v)
{
	json_t *result = json_object(), *value;
	const char *key;

	json_object_foreach ((json_t *)live, key, value)
		merge_key(m, result, key, base, user, live, v);
	json_object_foreach ((json_t *)user, key, value)
		if (!json_object_get(live, key))
			merge_key(m, result, key, base, user, live, v);
	return result;
}

/* A list with the key of each element: what the merge of lists works on. */
struct keyed {
	json_t *by_key; /* key text to element, in order */
	bool usable;	/* every element has a key, none twice */
};

static void keyed_release(struct keyed *k)
{
	json_decref(k->by_key);
}

static struct keyed keyed_list(const json_t *list, const struct schema_value *v)
{
	struct keyed k = {json_object(), true};
	size_t i;
	json_t *item;

	json_array_foreach ((json_t *)list, i, item) {
		struct str key CLEANUP(str_release) = STR_INIT;

		if (!schema_item_key(v, item, &key) || json_object_get(k.by_key, key.s)) {
			k.usable = false;
			break;
		}
		json_object_set(k.by_key, key.s, item);
	}
	return k;
}

/* Are the keys that A and B share in the same order in both? */
static bool same_order(const json_t *a, const json_t *b)
{
	void *at = json_object_iter((json_t *)b);
	const char *key;
	json_t *item;

	json_object_foreach ((json_t *)a, key, item) {
		if (!json_object_get(b, key))
			continue;
		while (at && !json_object_get(a, json_object_iter_key(at)))
			at = json_object_iter_next((json_t *)b, at);
		if (!at || strcmp(json_object_iter_key(at), key))
			return false;
		at = json_object_iter_next((json_t *)b, at);
	}
	return true;
}

/* Where KEY stands in the list of KEYS, or -1. */
static ssize_t position(const json_t *keys, const char *key)
{
	size_t i;
	json_t *other;

	json_array_foreach ((json_t *)keys, i, other)
		if (!strcmp(json_string_value(other), key))
			return (ssize_t)i;
	return -1;
}

/* All keys: FIRST's in its order, and each of SECOND's others behind the one it follows there. */
static json_t *merge_order(const json_t *first, const json_t *second)
{
	json_t *keys = json_array(), *item;
	const char *key;
	ssize_t after = -1;

	json_object_foreach ((json_t *)first, key, item)
		json_array_append_new(keys, json_string(key));
	json_object_foreach ((json_t *)second, key, item) {
		if (json_object_get(first, key)) {
			after = position(keys, key);
			continue;
		}
		json_array_insert_new(keys, (size_t)++after, json_string(key));
	}
	return keys;
}

static void path_add_item(struct merge *m, const char *key)
{
	json_auto json_t *fields = json_loads(key, JSON_DECODE_ANY, NULL);
	const char *name;
	json_t *value;
	char separator = '[';

	if (!json_is_object(fields)) {
		str_addf(&m->path, "[%s]", key);
		return;
	}
	json_object_foreach (fields, name, value) {
		char *text free_ptr = json_to_text(value, JSON_COMPACT);

		str_addf(&m->path, "%c%s=%s", separator, name, text);
		separator = ',';
	}
	str_addc(&m->path, ']');
}

static json_t *merge_keyed(struct merge *m, const json_t *base, const json_t *user,
			   const json_t *live, const struct schema_value *v)
{
	/* Whoever moved elements decides their order; the user, when both did. */
	json_auto json_t *keys =
		same_order(user, base) ? merge_order(live, user) : merge_order(user, live);
	json_t *result = json_array(), *key;
	size_t i;

	json_array_foreach (keys, i, key) {
		const char *k = json_string_value(key);
		size_t len = m->path.len;
		json_t *value;

		path_add_item(m, k);
		value = merge_values(m, json_object_get(base, k), json_object_get(user, k),
				     json_object_get(live, k), schema_elem(v));
		if (value)
			json_array_append_new(result, value);
		str_truncate(&m->path, len);
	}
	return result;
}

/* NULL where the elements cannot be told apart. */
static json_t *merge_lists(struct merge *m, const json_t *base, const json_t *user,
			   const json_t *live, const struct schema_value *v)
{
	struct keyed b CLEANUP(keyed_release) = keyed_list(base, v);
	struct keyed u CLEANUP(keyed_release) = keyed_list(user, v);
	struct keyed l CLEANUP(keyed_release) = keyed_list(live, v);

	if (!b.usable || !u.usable || !l.usable)
		return NULL;
	return merge_keyed(m, b.by_key, u.by_key, l.by_key, v);
}

/* A new reference, or NULL for "not there". */
static json_t *merge_values(struct merge *m, const json_t *base, const json_t *user,
			    const json_t *live, const struct schema_value *v)
{
	json_t *result = NULL;

	if (equal(user, base) || equal(user, live))
		return json_incref((json_t *)live);
	if (equal(live, base))
		return json_incref((json_t *)user);
	if (json_is_object(user) && json_is_object(live))
		return merge_maps(m, base, user, live, v);
	if (json_is_array(user) && json_is_array(live))
		result = merge_lists(m, base, user, live, v);
	if (result)
		return result;
	add_conflict(m);
	return json_incref((json_t *)live);
}

json_t *patch_three_way(const json_t *base, const json_t *user, const json_t *live,
			const struct schema_type *type, struct error **err)
{
	struct schema_value root = schema_root(type);
	struct merge m = {.path = STR_INIT};
	json_auto json_t *merged = merge_values(&m, base, user, live, &root);

	str_release(&m.path);
	if (m.conflicts) {
		error_move(err, m.conflicts);
		return NULL;
	}
	/* Parts are shared with the arguments until here. */
	return json_deep_copy(merged);
}
