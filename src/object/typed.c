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

/*
 * The last structs whose sets were made: the probes, variables and mounts of a pod mostly have the
 * same fields, and what has the same fields of the same type has the same set.
 */
struct seen {
	struct {
		const struct schema_type *type;
		const json_t *value;
		json_t *set;
	} v[16];
	size_t n; /* in all */
};

static void seen_release(struct seen *seen)
{
	for (size_t i = 0; i < MIN(seen->n, ARRAY_SIZE(seen->v)); i++)
		json_decref(seen->v[i].set);
}

static void seen_add(struct seen *seen, const json_t *value, const struct schema_value *v,
		     json_t *set)
{
	size_t at = seen->n++ % ARRAY_SIZE(seen->v);

	json_decref(seen->v[at].set);
	seen->v[at].type = v->type;
	seen->v[at].value = value;
	seen->v[at].set = json_incref(set);
}

/* Whether A and B have the same fields in the same order, and so on; not where a list has items. */
static bool same_fields(const json_t *a, const json_t *b)
{
	void *at = json_object_iter((json_t *)b);
	const char *key;
	json_t *child, *other;

	if (json_object_size(a) != json_object_size(b))
		return false;
	json_object_foreach ((json_t *)a, key, child) {
		other = json_object_iter_value(at);
		if (strcmp(key, json_object_iter_key(at)) || has_parts(child) != has_parts(other))
			return false;
		if (has_parts(child) && (!json_is_object(child) || !json_is_object(other) ||
					 !same_fields(child, other)))
			return false;
		at = json_object_iter_next((json_t *)b, at);
	}
	return true;
}

/* A new reference, or NULL. */
static json_t *seen_find(const struct seen *seen, const json_t *value, const struct schema_value *v)
{
	for (size_t i = 0; i < MIN(seen->n, ARRAY_SIZE(seen->v)); i++)
		if (seen->v[i].type == v->type && same_fields(value, seen->v[i].value))
			return json_incref(seen->v[i].set);
	return NULL;
}

static json_t *whole_below(const json_t *value, const struct schema_value *v, struct seen *seen);

static json_t *whole_map(const json_t *value, const struct schema_value *v, struct seen *seen)
{
	json_t *node = NULL, *child;
	const char *key;

	json_object_foreach ((json_t *)value, key, child)
		fieldset_add_field(
			&node, key,
			whole_below(child, has_parts(child) ? schema_child(v, key) : NULL, seen));
	return node;
}

/* Of elements that occur twice only that they are there is known. */
static json_t *whole_list(const json_t *value, const struct schema_value *v, struct seen *seen)
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
			below = whole_below(item, v->elem, seen);
		fieldset_add(&node, element.s, below);
	}
	return node;
}

static json_t *whole_struct(const json_t *value, const struct schema_value *v, struct seen *seen)
{
	json_t *node = seen_find(seen, value, v);

	if (node)
		return node;
	node = whole_map(value, v, seen);
	fieldset_add_self(&node);
	seen_add(seen, value, v, node);
	return node;
}

/* All of VALUE, each node of it a member: what is new, or gone, as a whole. */
static json_t *whole_below(const json_t *value, const struct schema_value *v, struct seen *seen)
{
	json_t *node = NULL;

	if (has_parts(value)) {
		if (is_map(value, v) && v && v->kind == SCHEMA_STRUCT)
			return whole_struct(value, v, seen);
		if (is_map(value, v))
			node = whole_map(value, v, seen);
		else if (is_list(value, v))
			node = whole_list(value, v, seen);
	}
	fieldset_add_self(&node);
	return node;
}

static json_t *whole(const json_t *value, const struct schema_value *v)
{
	struct seen seen CLEANUP(seen_release) = {.n = 0};

	return value ? whole_below(value, v, &seen) : NULL;
}

/* The same without the list itself. */
static json_t *whole_items(const json_t *list, const struct schema_value *v)
{
	struct seen seen CLEANUP(seen_release) = {.n = 0};

	return whole_list(list, v, &seen);
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
		return (struct difference){.changed = whole_items(after, v),
					   .removed = whole_items(before, v)};
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
		return (struct difference){.changed = whole(after, v), .removed = whole(before, v)};
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
