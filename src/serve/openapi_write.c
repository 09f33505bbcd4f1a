/*
 * From schema table to OpenAPI text. A document holds the paths of its resources and every type
 * that can be reached from them, each once.
 */
#include "base/map.h"
#include "base/mem.h"
#include "base/vec.h"
#include "object/json.h"
#include "serve/openapi.h"

#include <string.h>

struct document {
	struct str *out;
	enum openapi_version version;
	const struct catalog *catalog;
	const char *api_version;
	struct map *seen; /* names of types that were queued */
	VEC(const struct schema_type *) todo;
	VEC(char *) names; /* of todo, owned */
};

static void add_string(struct document *d, const char *text)
{
	json_write_string(text, strlen(text), d->out);
}

static bool in_document(const struct document *d, const struct resource *r)
{
	return !d->api_version || strcmp(r->api_version, d->api_version) == 0;
}

/* The key of a type: its own name, or for a custom resource the group reversed. */
static char *custom_name(const struct resource *r)
{
	struct str name = STR_INIT;
	const char *end = r->group + strlen(r->group);

	while (end > r->group) {
		const char *start = end;

		while (start > r->group && start[-1] != '.')
			start--;
		str_add(&name, start, (size_t)(end - start));
		str_addc(&name, '.');
		end = start > r->group ? start - 1 : start;
	}
	str_addf(&name, "%s.%s", r->version, r->kind);
	return str_take(&name);
}

static void queue_type(struct document *d, const struct schema_type *type, const char *name)
{
	if (map_put(d->seen, name, (void *)type))
		return;
	vec_push(&d->todo, type);
	vec_push(&d->names, xstrdup(name));
}

static void add_ref(struct document *d, const char *name)
{
	str_addf(d->out, "{\"$ref\":\"#/%s/%s\"}",
		 d->version == OPENAPI_V3 ? "components/schemas" : "definitions", name);
}

static void write_fields(struct document *d, const struct schema_type *type);

/* Scalars, by schema_kind. */
static const char *const scalars[] = {
	[SCHEMA_ANY] = "\"type\":\"object\"",
	[SCHEMA_STRING] = "\"type\":\"string\"",
	[SCHEMA_BOOL] = "\"type\":\"boolean\"",
	[SCHEMA_INT32] = "\"type\":\"integer\",\"format\":\"int32\"",
	[SCHEMA_INT64] = "\"type\":\"integer\",\"format\":\"int64\"",
	[SCHEMA_NUMBER] = "\"type\":\"number\",\"format\":\"double\"",
	[SCHEMA_BYTES] = "\"type\":\"string\",\"format\":\"byte\"",
	[SCHEMA_TIME] = "\"type\":\"string\",\"format\":\"date-time\"",
	[SCHEMA_MICRO_TIME] = "\"type\":\"string\",\"format\":\"date-time\"",
	[SCHEMA_QUANTITY] = "\"type\":\"string\"",
	[SCHEMA_INT_OR_STRING] = "\"type\":\"string\",\"format\":\"int-or-string\"",
	[SCHEMA_MAP] = "\"type\":\"object\"",
	[SCHEMA_LIST] = "\"type\":\"array\"",
};

static const char *const list_types[] = {
	[SCHEMA_LIST_ATOMIC] = "atomic",
	[SCHEMA_LIST_SET] = "set",
	[SCHEMA_LIST_MAP] = "map",
};

static void add_words(struct document *d, const char *key, const char *const *words)
{
	str_addf(d->out, ",\"%s\":[", key);
	for (size_t i = 0; words[i]; i++) {
		str_adds(d->out, i ? "," : "");
		add_string(d, words[i]);
	}
	str_addc(d->out, ']');
}

static void add_patch_meta(struct document *d, const struct schema_value *v)
{
	const char *strategy = NULL;

	if ((v->patch & SCHEMA_PATCH_MERGE) && (v->patch & SCHEMA_PATCH_RETAIN_KEYS))
		strategy = "merge,retainKeys";
	else if (v->patch & SCHEMA_PATCH_MERGE)
		strategy = "merge";
	else if (v->patch & SCHEMA_PATCH_RETAIN_KEYS)
		strategy = "retainKeys";
	else if (v->patch & SCHEMA_PATCH_REPLACE)
		strategy = "replace";
	if (strategy)
		str_addf(d->out, ",\"x-kubernetes-patch-strategy\":\"%s\"", strategy);
	if (v->patch_merge_key)
		str_addf(d->out, ",\"x-kubernetes-patch-merge-key\":\"%s\"", v->patch_merge_key);
}

static void write_value(struct document *d, const struct schema_value *v, const char *preset);

static void write_struct(struct document *d, const struct schema_value *v)
{
	const char *name = v->type->name;

	if (!name || schema_type_find(name) != v->type) {
		/* A type of a custom resource stands where it is used. */
		write_fields(d, v->type);
		return;
	}
	queue_type(d, v->type, name);
	if (d->version == OPENAPI_V3) {
		str_adds(d->out, "\"allOf\":[");
		add_ref(d, name);
		str_addc(d->out, ']');
	} else {
		str_addf(d->out, "\"$ref\":\"#/definitions/%s\"", name);
	}
}

static void write_value(struct document *d, const struct schema_value *v, const char *preset)
{
	str_addc(d->out, '{');
	if (v->kind == SCHEMA_STRUCT)
		write_struct(d, v);
	else
		str_adds(d->out, scalars[v->kind]);
	if (v->kind == SCHEMA_LIST) {
		str_adds(d->out, ",\"items\":");
		write_value(d, v->elem, NULL);
		str_addf(d->out, ",\"x-kubernetes-list-type\":\"%s\"", list_types[v->list_type]);
		if (v->list_map_keys && v->list_type == SCHEMA_LIST_MAP)
			add_words(d, "x-kubernetes-list-map-keys", v->list_map_keys);
	} else if (v->kind == SCHEMA_MAP) {
		str_adds(d->out, ",\"additionalProperties\":");
		write_value(d, v->elem, NULL);
	}
	if (v->atomic)
		str_adds(d->out, ",\"x-kubernetes-map-type\":\"atomic\"");
	if (v->enums)
		add_words(d, "enum", v->enums);
	add_patch_meta(d, v);
	if (preset)
		str_addf(d->out, ",\"default\":%s", preset);
	str_addc(d->out, '}');
}

/* The members of a struct's schema, without the braces around them. */
static void write_fields(struct document *d, const struct schema_type *type)
{
	bool any = false;

	str_adds(d->out, "\"type\":\"object\"");
	if (type->n_fields)
		str_adds(d->out, ",\"properties\":{");
	for (size_t i = 0; i < type->n_fields; i++) {
		str_adds(d->out, i ? "," : "");
		add_string(d, type->fields[i].name);
		str_addc(d->out, ':');
		write_value(d, &type->fields[i].value, type->fields[i].default_json);
	}
	if (type->n_fields)
		str_addc(d->out, '}');
	for (size_t i = 0; i < type->n_fields; i++)
		if (type->fields[i].required) {
			str_adds(d->out, any ? "," : ",\"required\":[");
			add_string(d, type->fields[i].name);
			any = true;
		}
	if (any)
		str_addc(d->out, ']');
	if (type->atomic)
		str_adds(d->out, ",\"x-kubernetes-map-type\":\"atomic\"");
	if (type->preserve_unknown)
		str_adds(d->out, ",\"x-kubernetes-preserve-unknown-fields\":true");
}

static void add_gvk(struct document *d, const struct resource *r)
{
	str_addf(d->out, "{\"group\":\"%s\",\"kind\":\"%s\",\"version\":\"%s\"}", r->group, r->kind,
		 r->version);
}

/* ---- paths */

struct parameter_row {
	const char *name, *type;
};

static const struct parameter_row write_parameters[] = {
	{"dryRun", "string"}, {"fieldManager", "string"}, {"fieldValidation", "string"},
	{"pretty", "string"}, {"force", "boolean"}, /* of a patch alone */
};
static const struct parameter_row read_parameters[] = {
	{"allowWatchBookmarks", "boolean"},
	{"continue", "string"},
	{"fieldSelector", "string"},
	{"labelSelector", "string"},
	{"limit", "integer"},
	{"pretty", "string"},
	{"resourceVersion", "string"},
	{"resourceVersionMatch", "string"},
	{"sendInitialEvents", "boolean"},
	{"timeoutSeconds", "integer"},
	{"watch", "boolean"},
};
static const struct parameter_row delete_parameters[] = {
	{"dryRun", "string"},
	{"gracePeriodSeconds", "integer"},
	{"propagationPolicy", "string"},
	{"pretty", "string"},
};
static const struct parameter_row get_parameters[] = {{"pretty", "string"}};

static void add_parameters(struct document *d, const struct parameter_row *rows, size_t n)
{
	str_adds(d->out, "\"parameters\":[");
	for (size_t i = 0; i < n; i++)
		str_addf(d->out,
			 d->version == OPENAPI_V3
				 ? "%s{\"name\":\"%s\",\"in\":\"query\",\"schema\":"
				   "{\"type\":\"%s\",\"uniqueItems\":true}}"
				 : "%s{\"name\":\"%s\",\"in\":\"query\",\"type\":\"%s\","
				   "\"uniqueItems\":true}",
			 i ? "," : "", rows[i].name, rows[i].type);
	str_addc(d->out, ']');
}

static const struct {
	const char *method, *action;
	enum verb verb;
	bool item;
	const struct parameter_row *parameters;
	size_t n_parameters;
} path_operations[] = {
	{"get", "list", VERB_LIST, false, read_parameters, ARRAY_SIZE(read_parameters)},
	{"post", "post", VERB_CREATE, false, write_parameters, ARRAY_SIZE(write_parameters) - 1},
	{"delete", "deletecollection", VERB_DELETE_COLLECTION, false, delete_parameters,
	 ARRAY_SIZE(delete_parameters)},
	{"get", "get", VERB_GET, true, get_parameters, ARRAY_SIZE(get_parameters)},
	{"put", "put", VERB_UPDATE, true, write_parameters, ARRAY_SIZE(write_parameters) - 1},
	{"patch", "patch", VERB_PATCH, true, write_parameters, ARRAY_SIZE(write_parameters)},
	{"delete", "delete", VERB_DELETE, true, delete_parameters, ARRAY_SIZE(delete_parameters)},
};

static void write_path(struct document *d, const struct resource *r, bool item, bool *any)
{
	bool first = true;

	str_addf(d->out, "%s\"/%s/%s%s/%s%s\":{", *any ? "," : "", *r->group ? "apis" : "api",
		 r->api_version, r->namespaced ? "/namespaces/{namespace}" : "", r->plural,
		 item ? "/{name}" : "");
	*any = true;
	for (size_t i = 0; i < ARRAY_SIZE(path_operations); i++) {
		if (path_operations[i].item != item || !(r->verbs & path_operations[i].verb))
			continue;
		str_addf(d->out, "%s\"%s\":{\"x-kubernetes-action\":\"%s\",", first ? "" : ",",
			 path_operations[i].method, path_operations[i].action);
		first = false;
		str_adds(d->out, "\"x-kubernetes-group-version-kind\":");
		add_gvk(d, r);
		str_addc(d->out, ',');
		add_parameters(d, path_operations[i].parameters, path_operations[i].n_parameters);
		str_adds(d->out, ",\"responses\":{\"200\":{\"description\":\"OK\"}}}");
	}
	str_addc(d->out, '}');
}

static void write_paths(struct document *d)
{
	bool any = false;

	str_adds(d->out, "\"paths\":{");
	for (size_t i = 0; i < catalog_count(d->catalog); i++) {
		const struct resource *r = catalog_at(d->catalog, i);

		if (!in_document(d, r))
			continue;
		write_path(d, r, false, &any);
		if (r->verbs & (VERB_GET | VERB_UPDATE | VERB_PATCH | VERB_DELETE))
			write_path(d, r, true, &any);
	}
	str_addc(d->out, '}');
}

/* ---- types */

static void queue_resources(struct document *d)
{
	for (size_t i = 0; i < catalog_count(d->catalog); i++) {
		const struct resource *r = catalog_at(d->catalog, i);
		char *name free_ptr = NULL;

		if (!in_document(d, r) || !r->type)
			continue;
		name = r->custom ? custom_name(r) : xstrdup(r->type->name);
		queue_type(d, r->type, name);
	}
}

/* Which kinds a type is: x-kubernetes-group-version-kind of the definition. */
static void add_kinds(struct document *d, const struct schema_type *type)
{
	bool any = false;

	for (size_t i = 0; i < catalog_count(d->catalog); i++) {
		const struct resource *r = catalog_at(d->catalog, i);

		if (r->type != type || !in_document(d, r))
			continue;
		str_adds(d->out, any ? "," : ",\"x-kubernetes-group-version-kind\":[");
		add_gvk(d, r);
		any = true;
	}
	if (any)
		str_addc(d->out, ']');
}

static void write_types(struct document *d)
{
	queue_resources(d);
	/* Writing a type may queue others behind it. */
	for (size_t i = 0; i < d->todo.n; i++) {
		str_adds(d->out, i ? "," : "");
		add_string(d, d->names.v[i]);
		str_adds(d->out, ":{");
		write_fields(d, d->todo.v[i]);
		add_kinds(d, d->todo.v[i]);
		str_addc(d->out, '}');
	}
}

void openapi_write(const struct catalog *c, const char *api_version, enum openapi_version version,
		   struct str *out)
{
	struct document d = {.out = out,
			     .version = version,
			     .catalog = c,
			     .api_version = api_version,
			     .seen = map_new()};

	str_addf(out, "{\"%s\":\"%s\",\"info\":{\"title\":\"Kubernetes\",\"version\":\"v1.36.0\"},",
		 version == OPENAPI_V3 ? "openapi" : "swagger",
		 version == OPENAPI_V3 ? "3.0.0" : "2.0");
	write_paths(&d);
	str_adds(out,
		 version == OPENAPI_V3 ? ",\"components\":{\"schemas\":{" : ",\"definitions\":{");
	write_types(&d);
	str_adds(out, version == OPENAPI_V3 ? "}}}" : "}}");
	map_free(d.seen, NULL);
	vec_each (&d.names, name)
		free(*name);
	vec_release(&d.names);
	vec_release(&d.todo);
}
