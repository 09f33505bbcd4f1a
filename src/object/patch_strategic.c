/*
 * Strategic merge patch, with the order of operations of apimachinery's strategicpatch: directives
 * of a map first ($patch, $retainKeys, $setElementOrder), then its fields.
 *
 * The order of a merged list: what the patch names stands in the patch's order (or in that of
 * $setElementOrder), what only the server has in the server's; the two are merged so that a
 * server-only item goes first only where the server already had it before the other.
 *
 * API servers call few of the things that may be wrong with a patch the client's mistake: the
 * others are E_UNKNOWN.
 */
#include "object/patch.h"

#include "object/json.h"

#include <string.h>

#define ORDER "$setElementOrder/"
#define DELETE_FROM "$deleteFromPrimitiveList/"
#define DIRECTIVE "$patch"
#define RETAIN "$retainKeys"
/* Elements are looked up one by one: fine for what people write, bounded for what they might. */
#define MERGE_MAX 5000

static bool is_directive(const char *key)
{
	return !strcmp(key, DIRECTIVE) || !strcmp(key, RETAIN) || str_has_prefix(key, ORDER) ||
	       str_has_prefix(key, DELETE_FROM);
}

/* PATCH as a value that was not there before: a new tree without nulls and directives. A map in it
 * that says what is to become of it has nothing to become of, whatever else it holds. */
static json_t *clean_value(const json_t *patch)
{
	json_t *result, *value;
	const char *key;
	size_t i;

	if (json_is_object(patch)) {
		result = json_object();
		json_object_foreach ((json_t *)patch, key, value)
			if (!json_is_null(value) && !is_directive(key) &&
			    !json_object_get(value, DIRECTIVE))
				json_object_set_new(result, key, clean_value(value));
		return result;
	}
	if (json_is_array(patch)) {
		result = json_array();
		json_array_foreach ((json_t *)patch, i, value)
			if (!json_object_get(value, DIRECTIVE))
				json_array_append_new(result, clean_value(value));
		return result;
	}
	return json_deep_copy(patch);
}

/* How the elements of one list are told apart: by a field, or (KEY NULL) as scalars. */
static bool same_item(const json_t *a, const json_t *b, const char *key)
{
	if (!key)
		return json_equal(a, b);
	a = json_object_get(a, key);
	b = json_object_get(b, key);
	return a && b && json_equal(a, b);
}

static ssize_t find_item(const json_t *list, const json_t *item, const char *key)
{
	size_t i;
	json_t *other;

	json_array_foreach ((json_t *)list, i, other)
		if (same_item(other, item, key))
			return (ssize_t)i;
	return -1;
}

struct ranked {
	json_t *item; /* borrowed */
	ssize_t rank; /* in the list that orders */
	size_t at;    /* keeps the sort stable */
};

static int compare_ranked(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* The items of LIST that are (WANTED) or are not in NAMED, in the order of ORDER_LIST. */
static size_t select_items(const json_t *list, const json_t *named, bool wanted,
			   const json_t *order, const char *key, struct ranked *out)
{
	size_t n = 0, i;
	json_t *item;

	json_array_foreach ((json_t *)list, i, item)
		if ((find_item(named, item, key) >= 0) == wanted) {
			out[n] = (struct ranked){item, find_item(order, item, key), n};
			n++;
		}
	qsort(out, n, sizeof(*out), compare_ranked);
	return n;
}

/* MERGED put in order: see the head of this file. NAMED: the patch's list or $setElementOrder. */
static json_t *order_list(const json_t *merged, const json_t *named, const json_t *server,
			  const char *key)
{
	size_t size = json_array_size(merged), i = 0, j = 0;
	struct ranked *left free_ptr = xcalloc(size + 1, sizeof(*left));
	struct ranked *right free_ptr = xcalloc(size + 1, sizeof(*right));
	size_t n_left = select_items(merged, named, false, server, key, left);
	size_t n_right = select_items(merged, named, true, named, key, right);
	json_t *result = json_array();

	while (i < n_left || j < n_right) {
		bool take_left = j == n_right;

		if (i < n_left && j < n_right) {
			ssize_t at = find_item(server, right[j].item, key);

			take_left = left[i].rank >= 0 && at >= 0 && left[i].rank < at;
		}
		json_array_append(result, take_left ? left[i++].item : right[j++].item);
	}
	return result;
}

static json_t *merge_map(const json_t *original, const json_t *patch, const struct schema_value *v,
			 struct error **err);

static json_t *fail(struct error **err, enum error_code code, const char *message)
{
	error_set(err, code, "%s", message);
	return NULL;
}

/* The scalars of both lists, each once. */
static json_t *merge_scalars(const json_t *original, const json_t *patch)
{
	json_t *result = json_array(), *item;
	size_t i;

	json_array_foreach ((json_t *)original, i, item)
		if (find_item(result, item, NULL) < 0)
			json_array_append(result, item);
	json_array_foreach ((json_t *)patch, i, item)
		if (find_item(result, item, NULL) < 0)
			json_array_append(result, item);
	return result;
}

static void delete_items(json_t *list, const json_t *item, const char *key)
{
	for (size_t i = json_array_size(list); i-- > 0;)
		if (same_item(json_array_get(list, i), item, key))
			json_array_remove(list, i);
}

/*
 * Does what the $patch elements of a list say. ITEMS gets the other elements. True when the list
 * is to be replaced by them.
 */
static int special_items(json_t *result, const json_t *patch, const char *key, json_t *items,
			 struct error **err)
{
	int replace = 0;
	size_t i;
	json_t *item;

	json_array_foreach ((json_t *)patch, i, item) {
		const char *directive = json_string_value(json_object_get(item, DIRECTIVE));

		if (!json_is_object(item))
			return error_set(err, E_UNKNOWN, "a list of maps has another element");
		if (!json_object_get(item, DIRECTIVE)) {
			json_array_append(items, item);
		} else if (directive && !strcmp(directive, "replace")) {
			replace = 1;
		} else if (directive && !strcmp(directive, "delete")) {
			if (!json_object_get(item, key))
				return error_set(err, E_UNKNOWN,
						 "map does not contain declared merge key: %s",
						 key);
			delete_items(result, item, key);
		} else {
			return error_set(err, E_UNKNOWN, "unknown patch type in a list");
		}
	}
	return replace;
}

static int merge_item(json_t *result, const json_t *item, const char *key,
		      const struct schema_value *elem, struct error **err)
{
	ssize_t at = find_item(result, item, key);
	json_t *merged;

	if (!json_object_get(item, key))
		return error_set(err, E_UNKNOWN, "map does not contain declared merge key: %s",
				 key);
	if (at < 0) {
		json_array_append_new(result, clean_value(item));
		return 0;
	}
	merged = merge_map(json_array_get(result, (size_t)at), item, elem, err);
	if (!merged)
		return -1;
	json_array_set_new(result, (size_t)at, merged);
	return 0;
}

static json_t *merge_maps(const json_t *original, const json_t *patch, const struct schema_value *v,
			  struct error **err)
{
	const char *key = v->patch_merge_key;
	json_auto json_t *result = json_copy((json_t *)original);
	json_auto json_t *items = json_array();
	json_auto json_t *server = NULL;
	int replace = special_items(result, patch, key, items, err);
	size_t i;
	json_t *item;

	if (replace < 0)
		return NULL;
	if (replace)
		return clean_value(items);
	server = json_copy(result);
	json_array_foreach (items, i, item)
		if (merge_item(result, item, key, v->elem, err) < 0)
			return NULL;
	return order_list(result, items, server, key);
}

static bool holds_maps(const json_t *list)
{
	return json_is_object(json_array_get(list, 0));
}

static bool merges(const struct schema_value *v)
{
	return v && v->kind == SCHEMA_LIST && v->patch & SCHEMA_PATCH_MERGE;
}

/* A list over a list: merged where the schema says so, else replaced. */
static json_t *merge_list(const json_t *original, const json_t *patch, const struct schema_value *v,
			  struct error **err)
{
	json_auto json_t *merged = NULL;

	if (!merges(v))
		return json_deep_copy(patch);
	if (json_array_size(original) > MERGE_MAX || json_array_size(patch) > MERGE_MAX)
		return fail(err, E_BAD_REQUEST, "the list is too long to be merged");
	if (holds_maps(original) || holds_maps(patch))
		return v->patch_merge_key ? merge_maps(original, patch, v, err)
					  : fail(err, E_UNKNOWN,
						 "cannot merge a list of maps without a merge key");
	merged = merge_scalars(original, patch);
	return order_list(merged, patch, original, NULL);
}

static int apply_retain_keys(json_t *result, const json_t *patch, struct error **err)
{
	json_t *list = json_object_get(patch, RETAIN), *value;
	const char *key;
	void *next;

	if (!list)
		return 0;
	if (!json_is_array(list))
		return error_set(err, E_BAD_REQUEST,
				 "invalid patch format of retainKeys directive");
	json_object_foreach ((json_t *)patch, key, value) {
		json_auto json_t *name = json_string(key);

		if (!json_is_null(value) && !is_directive(key) && find_item(list, name, NULL) < 0)
			return error_set(
				err, E_BAD_REQUEST,
				"invalid patch format of retainKeys directive: it does not "
				"name %s",
				key);
	}
	json_object_foreach_safe (result, next, key, value) {
		json_auto json_t *name = json_string(key);

		if (find_item(list, name, NULL) < 0)
			json_object_del(result, key);
	}
	return 0;
}

/* The elements that a patch changes must be named, in the same order, by $setElementOrder. */
static int check_order(const json_t *patch, const json_t *order, const char *key, const char *name,
		       struct error **err)
{
	ssize_t last = -1;
	size_t i;
	json_t *item;

	json_array_foreach ((json_t *)patch, i, item) {
		ssize_t at = find_item(order, item, key);

		if (key && json_object_get(item, DIRECTIVE))
			continue;
		if (at < 0 || at < last)
			return error_set(err, E_UNKNOWN,
					 "The order in patch list doesn't match $setElementOrder "
					 "list of %s",
					 name);
		last = at;
	}
	return 0;
}

/* $setElementOrder/NAME and the list NAME of the same patch, together. */
static int apply_order(json_t *result, const json_t *patch, const json_t *order, const char *name,
		       const struct schema_value *v, struct error **err)
{
	json_t *original = json_object_get(result, name), *change = json_object_get(patch, name);
	const char *key = v ? v->patch_merge_key : NULL;
	json_auto json_t *merged = NULL;

	if (!json_is_array(order) || (change && !json_is_array(change)) ||
	    json_array_size(order) > MERGE_MAX || json_array_size(original) > MERGE_MAX)
		return error_set(err, E_UNKNOWN,
				 "invalid patch format of setElementOrder directive of %s", name);
	if ((!original && !change) || (original && !json_is_array(original)))
		return 0;
	if (check_order(change, order, key, name, err) < 0)
		return -1;
	if (original && change)
		merged = merge_list(original, change, v, err);
	else
		merged = change ? clean_value(change) : json_incref(original);
	if (!merged)
		return -1;
	json_object_set_new(result, name, order_list(merged, order, original, key));
	return 0;
}

static void delete_scalars(json_t *result, const char *name, const json_t *patch)
{
	json_t *list = json_object_get(result, name), *item;
	json_auto json_t *copy = NULL;
	size_t i;

	if (!json_is_array(patch) || !json_is_array(list))
		return;
	copy = json_copy(list);
	json_array_foreach ((json_t *)patch, i, item)
		delete_items(copy, item, NULL);
	json_object_set(result, name, copy);
}

static int merge_field(json_t *result, const char *key, const json_t *change,
		       const struct schema_value *v, struct error **err)
{
	json_t *original = json_object_get(result, key), *merged;

	if (json_is_null(change)) {
		json_object_del(result, key);
		return 0;
	}
	if (json_is_object(original) && json_is_object(change))
		merged = v && v->patch & SCHEMA_PATCH_REPLACE ? clean_value(change)
							      : merge_map(original, change, v, err);
	else if (json_is_array(original) && json_is_array(change))
		merged = merge_list(original, change, v, err);
	else if (json_object_get(change, DIRECTIVE))
		return 0;
	else
		merged = clean_value(change);
	if (!merged)
		return -1;
	json_object_set_new(result, key, merged);
	return 0;
}

static json_t *handle_map_directive(const json_t *directive, const json_t *patch,
				    struct error **err)
{
	const char *word = json_string_value(directive);

	if (word && !strcmp(word, "replace"))
		return clean_value(patch);
	if (word && !strcmp(word, "delete"))
		return json_object();
	error_set(err, E_UNKNOWN, "unknown patch type: %s", word ? word : "not a string");
	return NULL;
}

static json_t *merge_map(const json_t *original, const json_t *patch, const struct schema_value *v,
			 struct error **err)
{
	json_auto json_t *result = NULL;
	json_t *directive = json_object_get(patch, DIRECTIVE), *change;
	const char *key;

	if (directive)
		return handle_map_directive(directive, patch, err);
	result = json_copy((json_t *)original);
	if (apply_retain_keys(result, patch, err) < 0)
		return NULL;
	json_object_foreach ((json_t *)patch, key, change)
		if (str_has_prefix(key, ORDER) &&
		    apply_order(result, patch, change, key + strlen(ORDER),
				schema_child(v, key + strlen(ORDER)), err) < 0)
			return NULL;
	json_object_foreach ((json_t *)patch, key, change) {
		if (str_has_prefix(key, DELETE_FROM)) {
			delete_scalars(result, key + strlen(DELETE_FROM), change);
			continue;
		}
		if (is_directive(key))
			continue;
		char *order free_ptr = xasprintf(ORDER "%s", key);

		/* Done together with its order. */
		if (json_is_array(change) && json_object_get(patch, order))
			continue;
		if (merge_field(result, key, change, schema_child(v, key), err) < 0)
			return NULL;
	}
	return steal(&result);
}

json_t *patch_strategic(const json_t *target, const json_t *patch, const struct schema_type *type,
			struct error **err)
{
	struct schema_value root = schema_root(type);
	json_auto json_t *merged = NULL;

	if (!json_is_object(patch) || !json_is_object(target))
		return fail(err, E_BAD_REQUEST, "a strategic merge patch must be a map");
	merged = merge_map(target, patch, &root, err);
	/* Parts that nothing changed are the target's own until here. */
	return merged ? json_deep_copy(merged) : NULL;
}
