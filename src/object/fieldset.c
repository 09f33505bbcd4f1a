#include "object/fieldset.h"

#include <string.h>

#define SELF "."

static bool is_element(const char *key)
{
	return *key && strchr("fkvi", *key) && key[1] == ':';
}

/* Keys that are no path elements are dropped: everything after relies on their form. */
json_t *fieldset_read(const json_t *fields_v1)
{
	json_t *set = json_object(), *child;
	const char *key;

	json_object_foreach ((json_t *)fields_v1, key, child) {
		if (is_element(key))
			json_object_set_new(set, key, fieldset_read(child));
		else if (!strcmp(key, SELF))
			json_object_set_new(set, key, json_object());
	}
	if (!json_object_size(set))
		json_object_set_new(set, SELF, json_object());
	return set;
}

json_t *fieldset_write(const json_t *set)
{
	json_t *out = json_object(), *child;
	const char *key;

	if (json_object_size(set) == 1 && json_object_get(set, SELF))
		return out;
	json_object_foreach ((json_t *)set, key, child)
		json_object_set_new(out, key,
				    strcmp(key, SELF) ? fieldset_write(child) : json_object());
	return out;
}

json_t *fieldset_union(const json_t *a, const json_t *b)
{
	json_t *set = json_object(), *child;
	const char *key;

	json_object_foreach ((json_t *)a, key, child)
		json_object_set_new(set, key, fieldset_union(child, json_object_get(b, key)));
	json_object_foreach ((json_t *)b, key, child)
		if (!json_object_get(set, key))
			json_object_set_new(set, key, json_deep_copy(child));
	return set;
}

/* The members of A that are (IN) or are not in B; no node without members stays. */
static json_t *select_members(const json_t *a, const json_t *b, bool in)
{
	json_t *set = json_object(), *child, *other, *sub;
	const char *key;

	json_object_foreach ((json_t *)a, key, child) {
		other = json_object_get(b, key);
		if (!strcmp(key, SELF)) {
			if ((other != NULL) == in)
				json_object_set_new(set, key, json_object());
			continue;
		}
		sub = select_members(child, other, in);
		if (json_object_size(sub))
			json_object_set(set, key, sub);
		json_decref(sub);
	}
	return set;
}

json_t *fieldset_difference(const json_t *a, const json_t *b)
{
	return select_members(a, b, false);
}

json_t *fieldset_intersection(const json_t *a, const json_t *b)
{
	return select_members(a, b, true);
}

void fieldset_strip(json_t *set)
{
	static const char *const top[] = {"f:apiVersion", "f:kind", SELF};
	static const char *const meta[] = {
		SELF,
		"f:name",
		"f:namespace",
		"f:uid",
		"f:resourceVersion",
		"f:creationTimestamp",
		"f:generation",
		"f:managedFields",
		"f:selfLink",
	};
	json_t *metadata = json_object_get(set, "f:metadata");

	for (size_t i = 0; i < ARRAY_SIZE(top); i++)
		json_object_del(set, top[i]);
	for (size_t i = 0; metadata && i < ARRAY_SIZE(meta); i++)
		json_object_del(metadata, meta[i]);
	if (metadata && !json_object_size(metadata))
		json_object_del(set, "f:metadata");
}

bool fieldset_is_map(const json_t *value, const struct schema_value *v)
{
	return json_is_object(value) && !(v && v->atomic);
}

bool fieldset_is_list(const json_t *value, const struct schema_value *v)
{
	return json_is_array(value) && v && v->kind == SCHEMA_LIST &&
	       v->list_type != SCHEMA_LIST_ATOMIC;
}

json_t *fieldset_items(const json_t *list, const struct schema_value *v, char **duplicate)
{
	json_t *items = json_object(), *item;
	size_t i;

	json_array_foreach ((json_t *)list, i, item) {
		struct str key CLEANUP(str_release) = STR_INIT;

		str_adds(&key, v->list_type == SCHEMA_LIST_SET ? "v:" : "k:");
		if (!schema_item_key(v, item, &key))
			str_adds(&key, "{}");
		if (json_object_get(items, key.s) && duplicate && !*duplicate)
			*duplicate = xstrdup(key.s);
		json_object_set(items, key.s, item);
	}
	return items;
}

/* The node below ELEMENT, made where it is missing. Borrowed. */
static json_t *node_below(json_t *node, const char *element)
{
	json_t *child = json_object_get(node, element);

	if (!child) {
		child = json_object();
		json_object_set_new(node, element, child);
	}
	return child;
}

static void add_self(json_t *node)
{
	json_object_set_new(node, SELF, json_object());
}

static char *field_element(const char *name)
{
	return xasprintf("f:%s", name);
}

void fieldset_collect(json_t *node, const json_t *value, const struct schema_value *v,
		      bool containers)
{
	const char *key;
	json_t *child;

	if (fieldset_is_map(value, v) && json_object_size(value)) {
		/* The server's structs are always there; maps come and go. */
		if (containers && !(v && v->kind == SCHEMA_STRUCT))
			add_self(node);
		json_object_foreach ((json_t *)value, key, child) {
			char *element free_ptr = field_element(key);

			fieldset_collect(node_below(node, element), child, schema_child(v, key),
					 containers);
		}
	} else if (fieldset_is_list(value, v) && json_array_size(value)) {
		json_t *items = fieldset_items(value, v, NULL);

		if (containers)
			add_self(node);
		json_object_foreach (items, key, child) {
			json_t *below = node_below(node, key);

			add_self(below);
			if (fieldset_is_map(child, v->elem) && json_object_size(child))
				fieldset_collect(below, child, v->elem, containers);
		}
		json_decref(items);
	} else {
		add_self(node);
	}
}

static void drop_if_empty(json_t *node, const char *element)
{
	if (!json_object_size(json_object_get(node, element)))
		json_object_del(node, element);
}

static void compare_below(const char *element, const json_t *before, const json_t *after,
			  const struct schema_value *v, json_t *changed, json_t *removed)
{
	fieldset_compare(before, after, v, node_below(changed, element),
			 node_below(removed, element));
	drop_if_empty(changed, element);
	drop_if_empty(removed, element);
}

static void compare_maps(const json_t *before, const json_t *after, const struct schema_value *v,
			 json_t *changed, json_t *removed)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)after, key, value) {
		char *element free_ptr = field_element(key);

		compare_below(element, json_object_get(before, key), value, schema_child(v, key),
			      changed, removed);
	}
	json_object_foreach ((json_t *)before, key, value) {
		char *element free_ptr = field_element(key);

		if (!json_object_get(after, key))
			compare_below(element, value, NULL, schema_child(v, key), changed, removed);
	}
}

static void compare_item(const char *element, const json_t *before, const json_t *after,
			 const struct schema_value *v, json_t *changed, json_t *removed)
{
	/* An element that comes or goes is a member itself, beside its fields. */
	if (!before)
		add_self(node_below(changed, element));
	if (!after)
		add_self(node_below(removed, element));
	compare_below(element, before, after, v, changed, removed);
}

static void compare_lists(const json_t *before, const json_t *after, const struct schema_value *v,
			  json_t *changed, json_t *removed)
{
	json_t *old = fieldset_items(before, v, NULL), *new = fieldset_items(after, v, NULL);
	const char *key;
	json_t *item;

	json_object_foreach (new, key, item)
		compare_item(key, json_object_get(old, key), item, v->elem, changed, removed);
	json_object_foreach (old, key, item)
		if (!json_object_get(new, key))
			compare_item(key, item, NULL, v->elem, changed, removed);
	json_decref(old);
	json_decref(new);
}

void fieldset_compare(const json_t *before, const json_t *after, const struct schema_value *v,
		      json_t *changed, json_t *removed)
{
	if (!before && after)
		fieldset_collect(changed, after, v, true);
	else if (before && !after)
		fieldset_collect(removed, before, v, true);
	else if (fieldset_is_map(before, v) && fieldset_is_map(after, v))
		compare_maps(before, after, v, changed, removed);
	else if (fieldset_is_list(before, v) && fieldset_is_list(after, v))
		compare_lists(before, after, v, changed, removed);
	else if (before && !json_equal(before, after))
		add_self(changed);
}

void fieldset_element(const char *element, struct str *out)
{
	json_t *keys, *value;
	const char *name;
	char separator = '[';

	if (element[0] == 'f') {
		str_addf(out, ".%s", element + 2);
		return;
	}
	keys = json_loads(element + 2, JSON_DECODE_ANY, NULL);
	if (element[0] != 'k' || !json_is_object(keys))
		str_addf(out, "[=%s", element + 2);
	json_object_foreach (keys, name, value) {
		char *text free_ptr = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

		str_addf(out, "%c%s=%s", separator, name, text);
		separator = ',';
	}
	str_addc(out, ']');
	json_decref(keys);
}

static void each_below(const json_t *set, struct str *path,
		       void (*each)(void *arg, const char *path), void *arg)
{
	const char *key;
	json_t *child;

	if (json_object_get(set, SELF))
		each(arg, path->s);
	json_object_foreach ((json_t *)set, key, child) {
		size_t len = path->len;

		if (!strcmp(key, SELF))
			continue;
		fieldset_element(key, path);
		each_below(child, path, each, arg);
		str_truncate(path, len);
	}
}

void fieldset_each(const json_t *set, void (*each)(void *arg, const char *path), void *arg)
{
	struct str path CLEANUP(str_release) = STR_INIT;

	each_below(set, &path, each, arg);
}
