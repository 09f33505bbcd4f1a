#include "object/typed.h"

#include "object/fieldset.h"
#include "object/json.h"

#include <string.h>

static bool is_map(const json_t *value, const struct schema_value *v)
{
	return json_is_object(value) && !(v && v->atomic);
}

static bool is_list(const json_t *value, const struct schema_value *v)
{
	return json_is_array(value) && v && v->kind == SCHEMA_LIST &&
	       v->list_type != SCHEMA_LIST_ATOMIC;
}

static bool is_empty(const json_t *value)
{
	return !value || json_is_null(value) ||
	       (json_is_object(value) && !json_object_size(value)) ||
	       (json_is_array(value) && !json_array_size(value));
}

/* What VALUE consists of may be owned one by one. */
static bool has_parts(const json_t *value)
{
	return (json_is_object(value) && json_object_size(value)) ||
	       (json_is_array(value) && json_array_size(value));
}

/* Whether KEY is named by the schema of V, not merely an entry of a map. */
static bool is_named(const struct schema_value *v, const char *key)
{
	return v && v->kind == SCHEMA_STRUCT && schema_field_find(v->type, key);
}

/* The path element of a list's item; of one that has no key at all: k:{}. */
static void item_element(const struct schema_value *v, const json_t *item, struct str *out)
{
	str_adds(out, v->list_type == SCHEMA_LIST_SET ? "v:" : "k:");
	if (!schema_item_key(v, item, out))
		str_adds(out, "{}");
}

/* The items of LIST by path element, in order; each an array, of one item but for duplicates. */
static json_t *group_items(const json_t *list, const struct schema_value *v)
{
	json_t *groups = json_object(), *item, *group;
	size_t i;

	json_array_foreach ((json_t *)list, i, item) {
		struct str element CLEANUP(str_release) = STR_INIT;

		item_element(v, item, &element);
		group = json_object_get(groups, element.s);
		if (!group) {
			group = json_array();
			json_object_set_new(groups, element.s, group);
		}
		json_array_append(group, item);
	}
	return groups;
}

static json_t *only(const json_t *group)
{
	return json_array_size(group) == 1 ? json_array_get(group, 0) : NULL;
}

static json_t *collect(const json_t *value, const struct schema_value *v);

static json_t *collect_map(const json_t *value, const struct schema_value *v)
{
	json_t *node = NULL, *child;
	const char *key;

	json_object_foreach ((json_t *)value, key, child) {
		json_t *below = collect(child, schema_child(v, key));

		if (json_is_null(child) || (json_is_object(child) && !json_object_size(child)) ||
		    !is_named(v, key))
			fieldset_add_self(&below);
		fieldset_add_field(&node, key, below);
	}
	return node;
}

static json_t *collect_list(const json_t *value, const struct schema_value *v)
{
	json_auto json_t *groups = group_items(value, v);
	json_t *node = NULL, *group;
	const char *element;

	json_object_foreach (groups, element, group) {
		json_t *below = only(group) ? collect(only(group), v->elem) : NULL;

		fieldset_add_self(&below);
		fieldset_add(&node, element, below);
	}
	return node;
}

/* NULL: there is nothing in it. */
static json_t *collect(const json_t *value, const struct schema_value *v)
{
	json_t *node = NULL;

	if (is_map(value, v))
		return collect_map(value, v);
	if (is_list(value, v))
		return collect_list(value, v);
	if (!json_is_null(value))
		fieldset_add_self(&node);
	return node;
}

json_t *typed_set(const json_t *value, const struct schema_value *v)
{
	json_t *set = collect(value, v);

	return set ? set : json_object();
}

static json_t *whole(const json_t *value, const struct schema_value *v);

static json_t *whole_map(const json_t *value, const struct schema_value *v)
{
	json_t *node = NULL, *child;
	const char *key;

	json_object_foreach ((json_t *)value, key, child)
		fieldset_add_field(&node, key,
				   whole(child, has_parts(child) ? schema_child(v, key) : NULL));
	return node;
}

/* Of elements that occur twice only that they are there is known. */
static json_t *whole_list(const json_t *value, const struct schema_value *v)
{
	struct str element CLEANUP(str_release) = STR_INIT;
	json_t *node = NULL, *item;
	size_t i;

	json_array_foreach ((json_t *)value, i, item) {
		json_t *below = NULL;

		str_reset(&element);
		item_element(v, item, &element);
		if (node && json_object_get(node, element.s))
			fieldset_add_self(&below);
		else
			below = whole(item, v->elem);
		fieldset_add(&node, element.s, below);
	}
	return node;
}

/* All of VALUE, each node of it a member: what is new, or gone, as a whole. */
static json_t *whole(const json_t *value, const struct schema_value *v)
{
	json_t *node = NULL;

	if (has_parts(value)) {
		if (is_map(value, v))
			node = whole_map(value, v);
		else if (is_list(value, v))
			node = whole_list(value, v);
	}
	fieldset_add_self(&node);
	return node;
}

/* What changed and what went; NULL: nothing. */
struct difference {
	json_t *changed, *removed;
};

static struct difference compare(const json_t *before, const json_t *after,
				 const struct schema_value *v);

static void add_difference(struct difference *d, const char *element, struct difference below)
{
	fieldset_add(&d->changed, element, below.changed);
	fieldset_add(&d->removed, element, below.removed);
}

/* Of the field KEY of V. */
static void compare_fields(struct difference *d, const char *key, const json_t *before,
			   const json_t *after, const struct schema_value *v)
{
	bool leaves = !has_parts(before) && !has_parts(after);
	struct difference below = compare(before, after, leaves ? NULL : schema_child(v, key));

	fieldset_add_field(&d->changed, key, below.changed);
	fieldset_add_field(&d->removed, key, below.removed);
}

static struct difference compare_maps(const json_t *before, const json_t *after,
				      const struct schema_value *v)
{
	struct difference d = {NULL};
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)after, key, value)
		compare_fields(&d, key, json_object_get(before, key), value, v);
	json_object_foreach ((json_t *)before, key, value)
		if (!json_object_get(after, key))
			compare_fields(&d, key, value, NULL, v);
	return d;
}

/* Elements that occur twice are owned, and compared, as one. */
static struct difference compare_groups(const json_t *old, const json_t *new,
					const struct schema_value *v)
{
	bool twice = json_array_size(old) > 1, twice_now = json_array_size(new) > 1;
	struct difference d = {NULL};

	if (twice && twice_now) {
		if (!json_equal(old, new))
			fieldset_add_self(&d.changed);
		return d;
	}
	if (only(old) || only(new))
		d = compare(only(old), only(new), v->elem);
	if (twice || twice_now)
		fieldset_add_self(twice ? &d.removed : &d.changed);
	return d;
}

static struct difference compare_lists(const json_t *before, const json_t *after,
				       const struct schema_value *v)
{
	json_auto json_t *old = NULL, *new = NULL;
	struct difference d = {NULL};
	const char *element;
	json_t *group;

	if (is_empty(before) || is_empty(after))
		return (struct difference){.changed = whole_list(after, v),
					   .removed = whole_list(before, v)};
	old = group_items(before, v);
	new = group_items(after, v);
	json_object_foreach (new, element, group)
		add_difference(&d, element,
			       compare_groups(json_object_get(old, element), group, v));
	json_object_foreach (old, element, group)
		if (!json_object_get(new, element))
			add_difference(&d, element, compare_groups(group, NULL, v));
	return d;
}

static struct difference compare_leaves(const json_t *before, const json_t *after)
{
	struct difference d = {NULL};

	if (!json_equal(before, after))
		fieldset_add_self(&d.changed);
	return d;
}

static struct difference compare(const json_t *before, const json_t *after,
				 const struct schema_value *v)
{
	const json_t *one = is_empty(after) ? before : after;
	const json_t *other = is_empty(after) ? after : before;
	bool alike = is_empty(other) || json_typeof(one) == json_typeof(other);

	if (!before || !after)
		return (struct difference){.changed = after ? whole(after, v) : NULL,
					   .removed = before ? whole(before, v) : NULL};
	if (!alike || is_empty(one) || (!is_map(one, v) && !is_list(one, v)))
		return compare_leaves(before, after);
	return is_map(one, v) ? compare_maps(before, after, v) : compare_lists(before, after, v);
}

void typed_compare(const json_t *before, const json_t *after, const struct schema_value *v,
		   json_t **changed, json_t **removed)
{
	struct difference d = compare(before, after, v);

	*changed = d.changed ? d.changed : json_object();
	*removed = d.removed ? d.removed : json_object();
}

static json_t *merge_maps(const json_t *live, const json_t *config, const struct schema_value *v)
{
	json_t *result = json_copy((json_t *)live), *value;
	const char *key;

	json_object_foreach ((json_t *)config, key, value) {
		json_t *merged =
			typed_merge(json_object_get(live, key), value, schema_child(v, key));

		if (merged)
			json_object_set_new(result, key, merged);
	}
	return result;
}

/* The configuration's next element that the live list has too, from AT on; NULL: none. */
static const char *next_shared(json_t *new, void *at, const json_t *old)
{
	for (; at; at = json_object_iter_next(new, at))
		if (json_object_get(old, json_object_iter_key(at)))
			return json_object_iter_key(at);
	return NULL;
}

/*
 * The configuration's order; what only the live list has stays behind the shared elements that
 * stood before it, as far as their order is still the same.
 */
static json_t *merge_lists(const json_t *live, const json_t *config, const struct schema_value *v)
{
	json_auto json_t *old = group_items(live, v), *new = group_items(config, v);
	json_t *result = json_array(), *item;
	void *at = json_object_iter(new);
	size_t i;

	for (i = 0; at || i < json_array_size(live); i++) {
		struct str element CLEANUP(str_release) = STR_INIT;
		const char *shared = next_shared(new, at, old), *key;

		item = json_array_get(live, i);
		if (item)
			item_element(v, item, &element);
		if (item && !json_object_get(new, element.s)) {
			json_array_append(result, item);
			continue;
		}
		if (item && (!shared || strcmp(shared, element.s)))
			continue;
		/* Everything of the configuration up to this element, or all that is left. */
		do {
			json_t *mine, *merged;

			key = json_object_iter_key(at);
			mine = json_array_get(json_object_iter_value(at), 0);
			merged = typed_merge(only(json_object_get(old, key)), mine, v->elem);
			if (merged)
				json_array_append_new(result, merged);
			at = json_object_iter_next(new, at);
		} while (at && (!item || strcmp(key, element.s)));
	}
	return result;
}

json_t *typed_merge(const json_t *live, const json_t *config, const struct schema_value *v)
{
	const json_t *one = is_empty(config) ? live : config;
	const json_t *other = is_empty(config) ? config : live;

	if (!config)
		return json_incref((json_t *)live);
	if (is_empty(one) || (!is_map(one, v) && !is_list(one, v)))
		return json_incref((json_t *)config);
	if (is_empty(other))
		return json_incref((json_t *)one);
	if (json_typeof(live) != json_typeof(config))
		return json_incref((json_t *)config);
	return is_map(one, v) ? merge_maps(live, config, v) : merge_lists(live, config, v);
}

static bool is_member(const json_t *set, const char *element)
{
	return fieldset_has_self(json_object_get(set, element));
}

static void remove_items(json_t *list, const json_t *set, const struct schema_value *v)
{
	for (size_t i = json_array_size(list); i-- > 0;) {
		struct str element CLEANUP(str_release) = STR_INIT;
		json_t *item = json_array_get(list, i);

		item_element(v, item, &element);
		if (is_member(set, element.s))
			json_array_remove(list, i);
		else if (json_object_get(set, element.s))
			typed_remove(item, json_object_get(set, element.s), v->elem);
	}
}

void typed_remove(json_t *value, const json_t *set, const struct schema_value *v)
{
	const char *element;
	json_t *below, *child;

	if (is_list(value, v)) {
		remove_items(value, set, v);
		return;
	}
	if (!is_map(value, v))
		return;
	json_object_foreach ((json_t *)set, element, below) {
		if (element[0] != 'f')
			continue;
		child = json_object_get(value, element + 2);
		if (is_member(set, element))
			json_object_del(value, element + 2);
		else if (child)
			typed_remove(child, below, schema_child(v, element + 2));
	}
}

/* NULL: none. */
static json_t *members_below(const json_t *set, const struct schema_value *v)
{
	json_t *out = NULL, *child;
	const char *element;

	if (fieldset_has_self(set))
		fieldset_add_self(&out);
	json_object_foreach ((json_t *)set, element, child) {
		const struct schema_value *below = NULL;
		json_t *node;

		if (!strcmp(element, FIELDSET_SELF))
			continue;
		if (element[0] == 'f')
			below = schema_child(v, element + 2);
		else if (element[0] == 'k')
			below = schema_elem(v);
		node = members_below(child, below);
		if (element[0] == 'f' && is_named(v, element + 2))
			fieldset_add_self(&node);
		fieldset_add(&out, element, node);
	}
	return out;
}

json_t *typed_members(const json_t *set, const struct schema_value *v)
{
	json_t *out = members_below(set, v);

	return out ? out : json_object();
}

static int check(const json_t *value, const struct schema_value *v, struct str *path,
		 struct error **err);

static const char *form_wanted(const struct schema_value *v)
{
	switch (v->kind) {
	case SCHEMA_STRUCT:
	case SCHEMA_MAP:
		return "map";
	case SCHEMA_LIST:
		return "list";
	case SCHEMA_BOOL:
		return "boolean";
	case SCHEMA_INT32:
	case SCHEMA_INT64:
	case SCHEMA_NUMBER:
		return "numeric (int or float)";
	case SCHEMA_STRING:
	case SCHEMA_BYTES:
		return "string";
	default:
		return "any scalar";
	}
}

static bool has_form(const json_t *value, const struct schema_value *v)
{
	switch (v->kind) {
	case SCHEMA_ANY:
		return true;
	case SCHEMA_STRUCT:
	case SCHEMA_MAP:
		return json_is_object(value);
	case SCHEMA_LIST:
		return json_is_array(value);
	case SCHEMA_BOOL:
		return json_is_boolean(value);
	case SCHEMA_INT32:
	case SCHEMA_INT64:
	case SCHEMA_NUMBER:
		return json_is_number(value);
	case SCHEMA_STRING:
	case SCHEMA_BYTES:
		return json_is_string(value);
	default:
		return !json_is_object(value) && !json_is_array(value);
	}
}

static const char *form_of(const json_t *value)
{
	static const char *const forms[] = {
		[JSON_OBJECT] = "map",	  [JSON_ARRAY] = "list", [JSON_STRING] = "string",
		[JSON_INTEGER] = "int64", [JSON_REAL] = "float", [JSON_TRUE] = "true",
		[JSON_FALSE] = "false",	  [JSON_NULL] = "null",
	};

	return forms[json_typeof(value)];
}

static int check_map(const json_t *value, const struct schema_value *v, struct str *path,
		     struct error **err)
{
	size_t len = path->len;
	const char *key;
	json_t *child;
	int result = 0;

	json_object_foreach ((json_t *)value, key, child) {
		str_addf(path, ".%s", key);
		if (v && v->kind == SCHEMA_STRUCT && !is_named(v, key) &&
		    !v->type->preserve_unknown)
			result = error_set(err, E_MISFIT, "%s: field not declared in schema",
					   path->s);
		else
			result = check(child, schema_child(v, key), path, err);
		str_truncate(path, len);
		if (result < 0)
			break;
	}
	return result;
}

/* Elements of a set or map list must be told apart. */
static int check_item(const json_t *item, const struct schema_value *v, size_t i, json_t *seen,
		      struct str *path, struct error **err)
{
	struct str element CLEANUP(str_release) = STR_INIT;
	struct str text CLEANUP(str_release) = STR_INIT;

	str_adds(&element, v->list_type == SCHEMA_LIST_SET ? "v:" : "k:");
	if (!schema_item_key(v, item, &element))
		return error_set(err, E_MISFIT,
				 v->list_type == SCHEMA_LIST_SET
					 ? "%s: element %zu: associative list without keys has an "
					   "element that is no scalar"
					 : "%s: element %zu: associative list with keys has an "
					   "element that omits all key fields",
				 path->s, i);
	fieldset_element(element.s, &text);
	if (json_object_get(seen, element.s))
		return error_set(err, E_MISFIT, "%s: duplicate entries for key %s", path->s,
				 text.s);
	json_object_set_new(seen, element.s, json_true());
	str_adds(path, text.s);
	return check(item, v->elem, path, err);
}

static int check_list(const json_t *value, const struct schema_value *v, struct str *path,
		      struct error **err)
{
	json_auto json_t *seen = json_object();
	size_t len = path->len, i;
	json_t *item;

	json_array_foreach ((json_t *)value, i, item) {
		int result;

		if (is_list(value, v)) {
			result = check_item(item, v, i, seen, path, err);
		} else {
			str_addf(path, "[%zu]", i);
			result = check(item, schema_elem(v), path, err);
		}
		str_truncate(path, len);
		if (result < 0)
			return -1;
	}
	return 0;
}

static int check(const json_t *value, const struct schema_value *v, struct str *path,
		 struct error **err)
{
	if (json_is_null(value))
		return 0;
	if (v && !has_form(value, v))
		return error_set(err, E_MISFIT, "%s: expected %s, got %s", path->s, form_wanted(v),
				 form_of(value));
	if (json_is_object(value))
		return check_map(value, v, path, err);
	return json_is_array(value) ? check_list(value, v, path, err) : 0;
}

int typed_check(const json_t *config, const struct schema_value *v, struct error **err)
{
	struct str path CLEANUP(str_release) = STR_INIT;

	return check(config, v, &path, err);
}
