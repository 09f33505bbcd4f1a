/*
 * Types of custom resources, from the openAPIV3Schema of their definition.
 *
 * All of a type lies in one chain of blocks that starts with the root, so that freeing is a walk
 * over the chain and nobody has to know which string belongs to what.
 */
#include "object/json.h"
#include "object/schema.h"

#include <stdlib.h>
#include <string.h>

struct block {
	struct block *next;
	_Alignas(max_align_t) char bytes[];
};

/* What schema_type_new hands out: the type first, its memory behind it. */
struct custom_type {
	struct schema_type type;
	struct block *blocks;
};

static void *arena_alloc(struct custom_type *c, size_t size)
{
	struct block *b = xcalloc(1, sizeof(*b) + size);

	b->next = c->blocks;
	c->blocks = b;
	return b->bytes;
}

static const char *arena_strdup(struct custom_type *c, const char *s)
{
	size_t len = strlen(s) + 1;

	return memcpy(arena_alloc(c, len), s, len);
}

/* The strings of a JSON array, NULL-terminated; NULL when there are none or one is no string. */
static const char *const *arena_strings(struct custom_type *c, const json_t *array)
{
	size_t n = json_array_size(array);
	const char **list;

	for (size_t i = 0; i < n; i++)
		if (!json_is_string(json_array_get(array, i)))
			return NULL;
	if (!n)
		return NULL;
	list = arena_alloc(c, (n + 1) * sizeof(*list));
	for (size_t i = 0; i < n; i++)
		list[i] = arena_strdup(c, json_string_value(json_array_get(array, i)));
	return list;
}

static bool flag(const json_t *schema, const char *key)
{
	return json_is_true(json_object_get(schema, key));
}

static bool names(const json_t *array, const char *name)
{
	size_t i;
	json_t *s;

	json_array_foreach ((json_t *)array, i, s)
		if (json_is_string(s) && !strcmp(json_string_value(s), name))
			return true;
	return false;
}

static int value_init(struct custom_type *c, struct schema_value *v, const json_t *schema,
		      const char *path, struct error **err);

static int compare_fields(const void *a, const void *b)
{
	const struct schema_field *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* What is below is not looked at: it may be anything. */
static unsigned field_reaches(const struct schema_field *f)
{
	if (f->value.kind >= SCHEMA_STRUCT)
		return SCHEMA_REACHES_DEFAULT | SCHEMA_REACHES_PRESENT | SCHEMA_REACHES_LIST;
	return f->default_json ? SCHEMA_REACHES_DEFAULT : 0;
}

static int field_init(struct custom_type *c, struct schema_field *f, const char *name,
		      const json_t *schema, const char *path, struct error **err)
{
	char *below free_ptr = xasprintf("%s.%s", path, name);
	json_t *fallback = json_object_get(schema, "default");

	f->name = arena_strdup(c, name);
	if (fallback) {
		char *text free_ptr = json_to_text(fallback, JSON_COMPACT);

		f->default_json = arena_strdup(c, text);
	}
	if (value_init(c, &f->value, schema, below, err) < 0)
		return -1;
	f->reaches = field_reaches(f);
	return 0;
}

/* The fields every object has, whatever its schema says of them. */
static size_t object_fields(struct custom_type *c, struct schema_field *f)
{
	f[0] = (struct schema_field){.name = "apiVersion", .value.kind = SCHEMA_STRING};
	f[1] = (struct schema_field){.name = "kind", .value.kind = SCHEMA_STRING};
	f[2] = (struct schema_field){
		.name = "metadata",
		.value = {.kind = SCHEMA_STRUCT, .type = schema_object_meta()},
	};
	f[2].reaches = field_reaches(&f[2]);
	return 3;
}

static bool is_object_field(const char *name)
{
	return !strcmp(name, "apiVersion") || !strcmp(name, "kind") || !strcmp(name, "metadata");
}

/* Fills T from the properties of SCHEMA; OBJECT: it is an object of its own, or holds one. */
static int type_init(struct custom_type *c, struct schema_type *t, const json_t *schema,
		     bool object, const char *path, struct error **err)
{
	json_t *properties = json_object_get(schema, "properties");
	json_t *required = json_object_get(schema, "required");
	size_t room = json_object_size(properties) + 3;
	struct schema_field *fields = arena_alloc(c, room * sizeof(*fields));
	uint64_t *heads = arena_alloc(c, room * sizeof(*heads));
	size_t n = object ? object_fields(c, fields) : 0;
	const char *name;
	json_t *property;

	json_object_foreach (properties, name, property) {
		if (object && is_object_field(name))
			continue;
		fields[n].required = names(required, name);
		if (field_init(c, &fields[n], name, property, path, err) < 0)
			return -1;
		n++;
	}
	qsort(fields, n, sizeof(*fields), compare_fields);
	for (size_t i = 0; i < n; i++)
		heads[i] = schema_name_head(fields[i].name);
	t->fields = fields;
	t->heads = heads;
	t->n_fields = n;
	t->atomic = !strcmp(json_word(schema, "x-kubernetes-map-type"), "atomic");
	/* What is not allowed is refused by validation, which has to see it. */
	t->preserve_unknown = flag(schema, "x-kubernetes-preserve-unknown-fields") ||
			      json_is_false(json_object_get(schema, "additionalProperties"));
	return 0;
}

static int elem_init(struct custom_type *c, struct schema_value *v, const json_t *schema,
		     const char *path, struct error **err)
{
	struct schema_value *elem = arena_alloc(c, sizeof(*elem));

	v->elem = elem;
	if (json_is_object(schema))
		return value_init(c, elem, schema, path, err);
	elem->kind = SCHEMA_ANY;
	return 0;
}

static int object_init_value(struct custom_type *c, struct schema_value *v, const json_t *schema,
			     const char *path, struct error **err)
{
	json_t *additional = json_object_get(schema, "additionalProperties");
	bool embedded = flag(schema, "x-kubernetes-embedded-resource");
	struct schema_type *t;

	v->atomic = !strcmp(json_word(schema, "x-kubernetes-map-type"), "atomic");
	if (!json_object_get(schema, "properties") && !embedded) {
		if (json_is_object(additional) || json_is_true(additional)) {
			v->kind = SCHEMA_MAP;
			return elem_init(c, v, additional, path, err);
		}
		if (flag(schema, "x-kubernetes-preserve-unknown-fields")) {
			v->kind = SCHEMA_ANY;
			return 0;
		}
	}
	t = arena_alloc(c, sizeof(*t));
	t->name = arena_strdup(c, path);
	v->kind = SCHEMA_STRUCT;
	v->type = t;
	return type_init(c, t, schema, embedded, path, err);
}

static int list_init(struct custom_type *c, struct schema_value *v, const json_t *schema,
		     const char *path, struct error **err)
{
	const char *type = json_word(schema, "x-kubernetes-list-type");

	v->kind = SCHEMA_LIST;
	if (!strcmp(type, "set"))
		v->list_type = SCHEMA_LIST_SET;
	if (!strcmp(type, "map")) {
		v->list_map_keys =
			arena_strings(c, json_object_get(schema, "x-kubernetes-list-map-keys"));
		if (!v->list_map_keys)
			return error_set(err, E_INVALID, "%s: a list of type map has no keys",
					 path);
		v->list_type = SCHEMA_LIST_MAP;
	}
	return elem_init(c, v, json_object_get(schema, "items"), path, err);
}

static int integer_init(struct custom_type *c, struct schema_value *v, const json_t *schema,
			const char *path, struct error **err)
{
	v->kind = strcmp(json_word(schema, "format"), "int32") ? SCHEMA_INT64 : SCHEMA_INT32;
	return 0;
}

static const struct {
	const char *type;
	enum schema_kind kind;
	int (*init)(struct custom_type *c, struct schema_value *v, const json_t *schema,
		    const char *path, struct error **err);
} types[] = {
	{"", SCHEMA_ANY, NULL},
	{"string", SCHEMA_STRING, NULL},
	{"boolean", SCHEMA_BOOL, NULL},
	{"number", SCHEMA_NUMBER, NULL},
	{"integer", SCHEMA_INT64, integer_init},
	{"array", SCHEMA_LIST, list_init},
	{"object", SCHEMA_STRUCT, object_init_value},
};

static int value_init(struct custom_type *c, struct schema_value *v, const json_t *schema,
		      const char *path, struct error **err)
{
	const char *type = json_word(schema, "type");

	if (!json_is_object(schema))
		return error_set(err, E_INVALID, "%s: a schema must be an object", path);
	v->nullable = flag(schema, "nullable");
	v->enums = arena_strings(c, json_object_get(schema, "enum"));
	if (flag(schema, "x-kubernetes-int-or-string")) {
		v->kind = SCHEMA_INT_OR_STRING;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (strcmp(types[i].type, type))
			continue;
		v->kind = types[i].kind;
		return types[i].init ? types[i].init(c, v, schema, path, err) : 0;
	}
	return error_set(err, E_INVALID, "%s: unknown type \"%s\"", path, type);
}

struct schema_type *schema_type_new(const char *name, const json_t *open_api_v3_schema,
				    struct error **err)
{
	struct custom_type *c = xcalloc(1, sizeof(*c));

	c->type.name = arena_strdup(c, name);
	if (open_api_v3_schema && !json_is_object(open_api_v3_schema)) {
		error_set(err, E_INVALID, "%s: a schema must be an object", name);
		return schema_type_free(&c->type);
	}
	if (type_init(c, &c->type, open_api_v3_schema, true, name, err) < 0)
		return schema_type_free(&c->type);
	return &c->type;
}

struct schema_type *schema_type_free(struct schema_type *t)
{
	struct custom_type *c = (struct custom_type *)t;

	if (!c)
		return NULL;
	for (struct block *b = c->blocks, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	free(c);
	return NULL;
}
