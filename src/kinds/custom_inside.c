/*
 * What a custom resource holds beyond its fields: objects inside of it, which have metadata of
 * their own, and lists whose elements are told apart by themselves or by keys.
 */
#include "kinds/custom.h"
#include "kinds/resource.h"
#include "kinds/rules.h"
#include "object/json.h"

#include <string.h>

#define DEPTH_MAX 200

/* What looks at a value before what is below. */
typedef void look_fn(const struct field *f, const json_t *schema);

static void walk(const struct field *f, const json_t *schema, look_fn *look, int depth)
{
	const json_t *properties = json_object_get(schema, "properties");
	const json_t *additional = json_object_get(schema, "additionalProperties");
	const json_t *items = json_object_get(schema, "items");
	const char *key;
	json_t *value;

	if (depth > DEPTH_MAX || !json_is_object(schema))
		return;
	look(f, schema);
	if (json_is_array(f->value) && json_is_object(items))
		field_each (f, item)
			walk(&item, items, look, depth + 1);
	if (!json_is_object(f->value))
		return;
	json_object_foreach ((json_t *)f->value, key, value) {
		const json_t *of = json_object_get(properties, key);
		struct field m = {.up = f, .value = value, .errors = f->errors};

		m.name = of ? key : NULL;
		m.key = of ? NULL : key;
		walk(&m, of ? of : additional, look, depth + 1);
	}
}

static void check_version(const struct field *version)
{
	const char *text = field_text(version), *slash = strchr(text, '/');
	char *why free_ptr = NULL;

	if (!json_is_string(version->value)) {
		field_invalid(version, "must be a string");
	} else if (!*text) {
		field_invalid(version, "must not be empty");
	} else if (slash && strchr(slash + 1, '/')) {
		why = xasprintf("unexpected GroupVersion string: %s", text);
		field_invalid(version, why);
	}
}

static void check_kind(const struct field *kind)
{
	if (!json_is_string(kind->value))
		field_invalid(kind, "must be a string");
	else if (!*field_text(kind))
		field_invalid(kind, "must not be empty");
	else
		rule_kind_name(kind);
}

static void look_at_embedded(const struct field *f, const json_t *schema)
{
	static const struct {
		const char *name;
		void (*check)(const struct field *f);
	} fields[] = {{"apiVersion", check_version}, {"kind", check_kind}};

	if (!json_is_object(f->value) ||
	    !json_is_true(json_object_get(schema, "x-kubernetes-embedded-resource")))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const struct field *at = FIELD(f, fields[i].name);

		if (!at->value)
			field_required(at, NULL);
		else
			fields[i].check(at);
	}
	if (json_is_object(json_object_get(f->value, "metadata")))
		rule_embedded_metadata(FIELD(f, "metadata"));
}

void custom_embedded_validate(const struct field *object, const json_t *schema)
{
	walk(object, schema, look_at_embedded, 0);
}

/* The members of ITEM that are keys; a new value. */
static json_t *key_of(const json_t *item, const json_t *keys)
{
	json_t *key = json_object(), *name;
	size_t i;

	json_array_foreach ((json_t *)keys, i, name) {
		const char *k = json_string_value(name);

		if (k && json_object_get(item, k))
			json_object_set(key, k, json_object_get(item, k));
	}
	return key;
}

/* Each value that is there more than once is told of once. */
static void check_unique(const struct field *f, const json_t *keys)
{
	struct seen once CLEANUP(seen_release) = SEEN_INIT;
	struct seen twice CLEANUP(seen_release) = SEEN_INIT;

	field_each (f, item) {
		json_t *key json_auto =
			keys ? key_of(item.value, keys) : json_incref((json_t *)item.value);
		struct str text CLEANUP(str_release) = STR_INIT;
		struct field shown = item;

		shown.value = key;
		json_write(key, &text);
		if (seen_add(&once, text.s) && !seen_add(&twice, text.s))
			field_duplicate(&shown);
	}
}

static void look_at_list(const struct field *f, const json_t *schema)
{
	const char *type = json_word(schema, "x-kubernetes-list-type");

	if (!json_is_array(f->value))
		return;
	if (!strcmp(type, "set")) {
		check_unique(f, NULL);
		return;
	}
	if (strcmp(type, "map"))
		return;
	field_each (f, item)
		if (!json_is_object(item.value) && !json_is_null(item.value)) {
			field_invalid(&item, "must be an object for an array of list-type map");
			return;
		}
	check_unique(f, json_object_get(schema, "x-kubernetes-list-map-keys"));
}

void custom_lists_validate(const struct field *object, const json_t *schema, const json_t *old)
{
	if (old) {
		struct field_errors *errors CLEANUP(field_errors_free_cleanup) = field_errors_new();
		struct field before = field_root(old, errors);

		walk(&before, schema, look_at_list, 0);
		if (field_errors_count(errors))
			return;
	}
	walk(object, schema, look_at_list, 0);
}

/* What stands at PATH ("spec.replicas"), if it is of TYPE; else NULL, and a complaint unless
 * nothing stands there. SHOWN: what is told as the value. */
static const json_t *at_path(const struct field *place, const json_t *object, const char *path,
			     const char *type, const json_t *shown)
{
	const json_t *v = object;
	struct str detail CLEANUP(str_release) = STR_INIT;
	const char *want = "map[string]interface{}";

	for (const char *p = path; v && json_is_object(v);) {
		size_t n = strcspn(p, ".");

		v = json_object_getn(v, p, n);
		p += n + (p[n] == '.');
		want = *p ? want : type;
		if (!*p)
			break;
	}
	if (!v || !strcmp(json_go_type(v), want))
		return v;
	str_addf(&detail, ".%s accessor error: ", path);
	if (json_is_string(v))
		str_adds(&detail, json_string_value(v));
	else
		json_write(v, &detail);
	str_addf(&detail, " is of the type %s, expected %s", json_go_type(v), want);
	field_invalid_json(place, shown, detail.s);
	return NULL;
}

static void check_scale_number(const struct field *object, const char *path)
{
	char *name free_ptr = path ? xasprintf(".%s", path) : NULL;
	struct field place = {.name = name, .errors = object->errors};
	struct field root = {.errors = object->errors};
	json_t *zero json_auto = json_integer(0);
	const json_t *n;

	if (!path)
		return;
	place.up = &root;
	n = at_path(&place, object->value, path, "int64", zero);
	if (!n)
		return;
	place.value = n;
	if (json_integer_value(n) < 0)
		field_invalid(&place, "should be a non-negative integer");
	else if (json_integer_value(n) > INT32_MAX)
		field_invalid(&place, "should be less than or equal to 2147483647");
}

void custom_scale_validate(const struct field *object, const struct resource *r, bool status)
{
	struct field root = {.errors = object->errors};
	char *name free_ptr = r->scale_selector ? xasprintf(".%s", r->scale_selector) : NULL;
	struct field place = {.up = &root, .name = name, .errors = object->errors};
	json_t *nothing json_auto = json_string("");

	if (!status)
		check_scale_number(object, r->scale_replicas);
	check_scale_number(object, r->scale_status_replicas);
	if (name)
		at_path(&place, object->value, r->scale_selector, "string", nothing);
}

void custom_warn(const struct field *object, const struct field *old)
{
	static const char *const standard[] = {"orphan", "foregroundDeletion", "kubernetes", NULL};
	const struct field *finalizers = FIELD(FIELD(object, "metadata"), "finalizers");
	struct seen seen CLEANUP(seen_release) = SEEN_INIT;

	if (old)
		field_each (FIELD(FIELD(old, "metadata"), "finalizers"), f)
			seen_add(&seen, field_text(&f));
	field_each (finalizers, f) {
		const char *name = field_text(&f);
		char *text free_ptr = NULL;

		if (seen_add(&seen, name) || strchr(name, '/') || text_is_one_of(name, standard))
			continue;
		text = xasprintf("\"%s\": prefer a domain-qualified finalizer name %sto avoid "
				 "accidental conflicts with other finalizer writers",
				 name, strchr(name, '.') ? "including a path (/) " : "");
		field_warn(finalizers, text);
	}
}
