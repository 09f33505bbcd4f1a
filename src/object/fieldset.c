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
	leaf = json_object();
	/* Not counted, as jansson's own true and null: every thread has it. */
	leaf->refcount = (size_t)-1;
}

bool fieldset_is_empty(const json_t *set)
{
	return set != leaf && !json_object_size(set);
}

bool fieldset_has_self(const json_t *node)
{
	return node == leaf || json_object_get(node, SELF);
}

/* The node as an object of its own. */
static json_t *opened(json_t **node)
{
	if (!*node || *node == leaf) {
		bool self = *node == leaf;

		*node = json_object();
		if (self)
			json_object_setn_new_nocheck(*node, SELF, 1, leaf);
	}
	return *node;
}

void fieldset_add(json_t **node, const char *element, json_t *child)
{
	if (child)
		json_object_set_new_nocheck(opened(node), element, child);
}

void fieldset_add_field(json_t **node, const char *name, json_t *child)
{
	size_t len = strlen(name) + 2;
	char *copy free_ptr = NULL;
	char few[64], *element = few;

	if (!child)
		return;
	if (len > sizeof(few))
		element = copy = xmalloc(len);
	memcpy(element, "f:", 2);
	memcpy(element + 2, name, len - 2);
	json_object_setn_new_nocheck(opened(node), element, len, child);
}

void fieldset_add_self(json_t **node)
{
	if (!*node)
		*node = leaf;
	else if (*node != leaf)
		json_object_setn_new_nocheck(*node, SELF, 1, leaf);
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
	json_t *set = NULL, *child;
	const char *key;

	json_object_foreach ((json_t *)fields_v1, key, child) {
		char *element free_ptr = is_element(key) ? normal_element(key) : NULL;

		if (element)
			fieldset_add(&set, element, fieldset_read(child));
		else if (!strcmp(key, SELF))
			fieldset_add_self(&set);
	}
	return set ? set : leaf;
}

static void add_path(json_t **node, char *path)
{
	char *name = strsep(&path, ".");
	char *element free_ptr = name ? xasprintf("f:%s", name) : NULL;
	json_t *child = element ? json_incref(json_object_get(*node, element)) : NULL;

	if (!element) {
		fieldset_add_self(node);
		return;
	}
	add_path(&child, path);
	fieldset_add(node, element, child);
}

json_t *fieldset_of_paths(const char *const *paths)
{
	json_t *set = NULL;

	for (; paths && *paths; paths++) {
		char *copy free_ptr = xstrdup(*paths);

		add_path(&set, copy);
	}
	return set ? set : json_object();
}

json_t *fieldset_union(const json_t *a, const json_t *b)
{
	json_t *set, *child, *mine;
	const char *key;

	if (fieldset_is_empty(b) || a == b)
		return a ? json_incref((json_t *)a) : json_object();
	if (fieldset_is_empty(a))
		return json_incref((json_t *)b);
	set = a == leaf ? leaf : json_copy((json_t *)a);
	if (fieldset_has_self(b))
		fieldset_add_self(&set);
	json_object_foreach ((json_t *)b, key, child) {
		mine = json_object_get(set, key);
		if (strcmp(key, SELF))
			fieldset_add(&set, key,
				     mine ? fieldset_union(mine, child) : json_incref(child));
	}
	return set;
}

/* The members of A that are (IN) or are not in B; NULL: none are. */
static json_t *select_members(const json_t *a, const json_t *b, bool in)
{
	json_t *set = NULL, *child;
	const char *key;

	if (!in && fieldset_is_empty(b))
		return json_incref((json_t *)a);
	if (fieldset_has_self(a) && fieldset_has_self(b) == in)
		fieldset_add_self(&set);
	json_object_foreach ((json_t *)a, key, child)
		if (strcmp(key, SELF))
			fieldset_add(&set, key, select_members(child, json_object_get(b, key), in));
	return set;
}

static json_t *selected(const json_t *a, const json_t *b, bool in)
{
	json_t *set = select_members(a, b, in);

	return set ? set : json_object();
}

json_t *fieldset_difference(const json_t *a, const json_t *b)
{
	return selected(a, b, false);
}

json_t *fieldset_intersection(const json_t *a, const json_t *b)
{
	return selected(a, b, true);
}

static json_t *without(const json_t *set, const json_t *below)
{
	json_t *out = NULL, *child;
	const char *key;

	if (fieldset_is_empty(below) || fieldset_is_empty(set))
		return json_incref((json_t *)set);
	if (fieldset_has_self(set) && !fieldset_has_self(below))
		fieldset_add_self(&out);
	json_object_foreach ((json_t *)set, key, child) {
		const json_t *other = json_object_get(below, key);

		if (strcmp(key, SELF) && !fieldset_has_self(other))
			fieldset_add(&out, key, without(child, other));
	}
	return out;
}

json_t *fieldset_without(const json_t *set, const json_t *below)
{
	json_t *out = without(set, below);

	return out ? out : json_object();
}

static json_t *unowned;

static void make_unowned(void)
{
	static const char *const paths[] = {
		"apiVersion",
		"kind",
		"metadata",
		"metadata.name",
		"metadata.namespace",
		"metadata.uid",
		"metadata.resourceVersion",
		"metadata.generation",
		"metadata.managedFields",
		"metadata.selfLink",
		"metadata.creationTimestamp",
		"metadata.clusterName",
		NULL,
	};

	unowned = fieldset_of_paths(paths);
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

	if (fieldset_has_self(set))
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
