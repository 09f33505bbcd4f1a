/*
 * Types over the same objects: events in two groups, autoscaling v1 and v2. Fields that only have
 * another name are a table; what has another form has a function.
 */
#include "cluster/local/private.h"

#include "base/mem.h"
#include "kinds/kind.h"
#include "object/json.h"

#include <string.h>

struct rename {
	const char *stored, *shown;
};

static const struct rename event_fields[] = {
	{"involvedObject", "regarding"},
	{"message", "note"},
	{"source", "deprecatedSource"},
	{"firstTimestamp", "deprecatedFirstTimestamp"},
	{"lastTimestamp", "deprecatedLastTimestamp"},
	{"count", "deprecatedCount"},
	{"reportingComponent", "reportingController"},
	{NULL, NULL},
};
static const struct rename no_fields[] = {{NULL, NULL}};

static const struct conversion {
	const char *group, *version, *kind;
	const struct rename *renames;
	void (*to_storage)(json_t *tree);
	void (*from_storage)(json_t *tree);
} conversions[] = {
	{"events.k8s.io", "v1", "Event", event_fields, NULL, NULL},
	{"autoscaling", "v1", "HorizontalPodAutoscaler", no_fields, hpa_to_storage,
	 hpa_from_storage},
};

static const struct conversion *find(const struct resource *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(conversions); i++)
		if (strcmp(conversions[i].group, r->group) == 0 &&
		    strcmp(conversions[i].version, r->version) == 0 &&
		    strcmp(conversions[i].kind, r->kind) == 0)
			return &conversions[i];
	return NULL;
}

static void move(json_t *tree, const char *from, const char *to)
{
	json_t *value = json_incref(json_object_get(tree, from));

	if (!value)
		return;
	json_object_del(tree, from);
	json_object_set_new(tree, to, value);
}

/* TREE in API_VERSION, with the fields of TYPE and their defaults: conversion "None". */
static void convert_custom(const struct resource *r, const struct schema_type *type,
			   const char *version, json_t *tree)
{
	struct field_errors *errors CLEANUP(field_errors_free_cleanup) = field_errors_new();
	char *api_version free_ptr = xasprintf("%s/%s", r->group, version);
	struct resource row = *r;

	row.type = type;
	json_object_set_new(tree, "apiVersion", json_string(api_version));
	object_check_schema(tree, &row, NULL, errors, NULL);
	object_set_defaults(tree, &row);
}

/* What is written of the stored type and not of the one that is shown. */
static void leave_out(const struct schema_type *type, json_t *tree)
{
	const char *key;
	json_t *value;
	void *tmp;

	json_object_foreach_safe (tree, tmp, key, value) {
		const struct schema_field *f = schema_field_find(type, key);

		if (f && !json_is_null(value) && schema_leaves_out(f, value))
			json_object_del(tree, key);
	}
}

void convert_to_storage(const struct resource *r, json_t *tree)
{
	const struct conversion *c = r->custom ? NULL : find(r);
	const struct custom *custom = r->custom ? r->priv : NULL;
	const struct resource *storage = storage_of(r);

	if (custom && custom->storage_type) {
		convert_custom(r, custom->storage_type, r->storage_version, tree);
		return;
	}
	json_object_set_new(tree, "apiVersion", json_string(storage->api_version));
	if (!c)
		return;
	for (const struct rename *f = c->renames; f->stored; f++)
		move(tree, f->shown, f->stored);
	if (c->to_storage)
		c->to_storage(tree);
}

void convert_from_storage(const struct resource *r, json_t *tree)
{
	const struct conversion *c = r->custom ? NULL : find(r);

	if (r->custom && strcmp(json_path_string(tree, "apiVersion"), r->api_version)) {
		convert_custom(r, r->type, r->version, tree);
		return;
	}
	json_object_set_new(tree, "apiVersion", json_string(r->api_version));
	if (!c)
		return;
	for (const struct rename *f = c->renames; f->stored; f++)
		move(tree, f->stored, f->shown);
	if (c->from_storage)
		c->from_storage(tree);
	leave_out(r->type, tree);
}

bool converts(const struct resource *r)
{
	const struct custom *custom = r->custom ? r->priv : NULL;

	return custom ? custom->several : storage_of(r) != r;
}

struct object *convert_object(const struct resource *r, struct object *o)
{
	json_t *tree json_auto = NULL;
	struct object *shown;

	if (strcmp(o->api_version, r->api_version) == 0)
		return o;
	tree = object_tree(o);
	convert_from_storage(r, tree);
	shown = object_from_tree(tree);
	object_unref(o);
	return shown;
}
