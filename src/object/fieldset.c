#include "object/fieldset.h"

#include "base/mem.h"
#include "object/json.h"
#include "object/schema.h"

#include <pthread.h>
#include <string.h>

#define SELF FIELDSET_SELF

static json_t *leaf;

__attribute__((constructor)) static void make_leaf(void)
{
	leaf = json_pack("{s:b}", SELF, 1);
	/* Not counted, as jansson's own true and null: every thread has it. */
	leaf->refcount = (size_t)-1;
}

json_t *fieldset_leaf(void)
{
	return json_incref(leaf);
}

bool fieldset_is_leaf(const json_t *set)
{
	return set == leaf;
}

static bool is_element(const char *key)
{
	return *key && strchr("fkvi", *key) && key[1] == ':';
}

/* The element as we write it: compact JSON with sorted keys. */
static char *normal_element(const char *key)
{
	json_t *value = *key == 'f' ? NULL : json_loads(key + 2, JSON_DECODE_ANY, NULL);
	struct str text = STR_INIT;

	if (!value)
		return xstrdup(key);
	str_add(&text, key, 2);
	schema_key_write(value, &text);
	json_decref(value);
	return str_take(&text);
}

/* Keys that are no path elements are dropped: everything after relies on their form. */
json_t *fieldset_read(const json_t *fields_v1)
{
	json_t *set, *child;
	const char *key;

	if (!json_object_size(fields_v1))
		return fieldset_leaf();
	set = json_object();
	json_object_foreach ((json_t *)fields_v1, key, child) {
		char *element free_ptr = is_element(key) ? normal_element(key) : NULL;

		if (element)
			json_object_set_new(set, element, fieldset_read(child));
		else if (!strcmp(key, SELF))
			json_object_set_new(set, key, json_true());
	}
	if (!json_object_size(set))
		json_object_set_new(set, SELF, json_true());
	return set;
}

static json_t *write_below(const json_t *set, json_t *empty)
{
	json_t *out, *child;
	const char *key;

	if (set == leaf || (json_object_size(set) == 1 && json_object_get(set, SELF)))
		return json_incref(empty);
	out = json_object();
	json_object_foreach ((json_t *)set, key, child)
		json_object_set_new(out, key,
				    strcmp(key, SELF) ? write_below(child, empty)
						      : json_incref(empty));
	return out;
}

json_t *fieldset_write(const json_t *set)
{
	json_auto json_t *empty = json_object();

	return write_below(set, empty);
}

json_t *fieldset_union(const json_t *a, const json_t *b)
{
	json_t *set, *child, *mine;
	const char *key;

	if (!json_object_size(b))
		return a ? json_incref((json_t *)a) : json_object();
	if (!json_object_size(a))
		return json_incref((json_t *)b);
	set = json_copy((json_t *)a);
	json_object_foreach ((json_t *)b, key, child) {
		mine = json_object_get(set, key);
		if (!mine)
			json_object_set(set, key, child);
		else if (strcmp(key, SELF))
			json_object_set_new(set, key, fieldset_union(mine, child));
	}
	return set;
}

/* The members of A that are (IN) or are not in B; no node without members stays. */
static json_t *select_members(const json_t *a, const json_t *b, bool in)
{
	json_t *set, *child, *other, *sub;
	const char *key;

	if (!in && a && !json_object_size(b))
		return json_incref((json_t *)a);
	set = json_object();
	json_object_foreach ((json_t *)a, key, child) {
		other = json_object_get(b, key);
		if (!strcmp(key, SELF)) {
			if ((other != NULL) == in)
				json_object_set(set, key, child);
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

/* Members of SET that are neither in BELOW nor under one of its members. */
json_t *fieldset_without(const json_t *set, const json_t *below)
{
	json_t *out = json_object(), *child, *other;
	const char *key;

	json_object_foreach ((json_t *)set, key, child) {
		other = json_object_get(below, key);
		if (!other) {
			json_object_set(out, key, child);
		} else if (strcmp(key, SELF) && !json_object_get(other, SELF)) {
			json_auto json_t *sub = fieldset_without(child, other);

			if (json_object_size(sub))
				json_object_set(out, key, sub);
		}
	}
	return out;
}

static json_t *unowned;

static void make_unowned(void)
{
	static const char *const top[] = {"f:apiVersion", "f:kind"};
	static const char *const meta[] = {
		"f:name",	 "f:namespace",	    "f:uid",	  "f:resourceVersion",
		"f:generation",	 "f:managedFields", "f:selfLink", "f:creationTimestamp",
		"f:clusterName",
	};

	json_t *below = json_copy(leaf);

	for (size_t i = 0; i < ARRAY_SIZE(meta); i++)
		json_object_set_new(below, meta[i], fieldset_leaf());
	unowned = json_object();
	for (size_t i = 0; i < ARRAY_SIZE(top); i++)
		json_object_set_new(unowned, top[i], fieldset_leaf());
	json_object_set_new(unowned, "f:metadata", below);
}

json_t *fieldset_strip(const json_t *set)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_unowned);
	return fieldset_difference(set, unowned);
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
		char *text free_ptr = json_to_text(value, JSON_COMPACT);

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
