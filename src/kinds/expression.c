#include "kinds/expression.h"

#include "base/mem.h"
#include "base/vec.h"

#include <string.h>

static const struct cel_type string_list = {.kind = CEL_LIST, .elem = &cel_types[CEL_STRING]};
static const struct cel_type string_map = {
	.kind = CEL_MAP,
	.key = &cel_types[CEL_STRING],
	.elem = &cel_types[CEL_STRING],
};
static const struct cel_type extra_map = {
	.kind = CEL_MAP,
	.key = &cel_types[CEL_STRING],
	.elem = &string_list,
};

/* A field NAME of the type VAR, and of one of the types without parts. */
#define PART(name, type)            \
	{                           \
		name, name, &(type) \
	}
#define PLAIN(name, kind) PART(name, cel_types[kind])
#define TEXT(name) PLAIN(name, CEL_STRING)
#define OBJECT_TYPE(var, type_name, ...)                                    \
	static const struct cel_field var##_fields[] = {__VA_ARGS__};       \
	static const struct cel_type var = {                                \
		.kind = CEL_OBJECT,                                         \
		.name = type_name,                                          \
		.fields = var##_fields,                                     \
		.n_fields = sizeof(var##_fields) / sizeof(var##_fields[0]), \
	}

OBJECT_TYPE(kind_type, "kubernetes.GroupVersionKind", TEXT("group"), TEXT("version"), TEXT("kind"));
OBJECT_TYPE(resource_type, "kubernetes.GroupVersionResource", TEXT("group"), TEXT("version"),
	    TEXT("resource"));
OBJECT_TYPE(user_type, "kubernetes.UserInfo", TEXT("username"), TEXT("uid"),
	    PART("groups", string_list), PART("extra", extra_map));
OBJECT_TYPE(request_type, "kubernetes.AdmissionRequest", PART("kind", kind_type),
	    PART("resource", resource_type), TEXT("subResource"), PART("requestKind", kind_type),
	    PART("requestResource", resource_type), TEXT("requestSubResource"), TEXT("name"),
	    TEXT("namespace"), TEXT("operation"), PART("userInfo", user_type),
	    PLAIN("dryRun", CEL_BOOL), PLAIN("options", CEL_DYN));

OBJECT_TYPE(condition_type, "kubernetes.NamespaceCondition", TEXT("status"), TEXT("type"),
	    PLAIN("lastTransitionTime", CEL_TIMESTAMP), TEXT("message"), TEXT("reason"));
static const struct cel_type condition_list = {.kind = CEL_LIST, .elem = &condition_type};
OBJECT_TYPE(spec_type, "kubernetes.NamespaceSpec", PART("finalizers", string_list));
OBJECT_TYPE(status_type, "kubernetes.NamespaceStatus", PART("conditions", condition_list),
	    TEXT("phase"));
OBJECT_TYPE(metadata_type, "kubernetes.NamespaceMetadata", TEXT("name"), TEXT("generateName"),
	    TEXT("namespace"), PART("labels", string_map), PART("annotations", string_map),
	    TEXT("UID"), PLAIN("creationTimestamp", CEL_TIMESTAMP),
	    PLAIN("deletionGracePeriodSeconds", CEL_INT), PLAIN("deletionTimestamp", CEL_TIMESTAMP),
	    PLAIN("generation", CEL_INT), TEXT("resourceVersion"), PART("finalizers", string_list));
OBJECT_TYPE(namespace_type, "kubernetes.Namespace", PART("metadata", metadata_type),
	    PART("spec", spec_type), PART("status", status_type));

static const struct cel_variable variables[EXPRESSION_VALUES] = {
	[EXPRESSION_OBJECT] = {"object", &cel_types[CEL_DYN]},
	[EXPRESSION_OLD_OBJECT] = {"oldObject", &cel_types[CEL_DYN]},
	[EXPRESSION_REQUEST] = {"request", &request_type},
	[EXPRESSION_NAMESPACE] = {"namespaceObject", &namespace_type},
	[EXPRESSION_PARAMS] = {"params", &cel_types[CEL_DYN]},
	[EXPRESSION_AUTHORIZER] = {"authorizer", &cel_types[CEL_AUTHORIZER]},
	[EXPRESSION_REQUEST_RESOURCE] = {"authorizer.requestResource",
					 &cel_types[CEL_RESOURCE_CHECK]},
	[EXPRESSION_VARIABLES] = {"variables", NULL},
};

static const struct {
	bool authorizer;
	unsigned features;
	enum cel_kind kind;	 /* of the result; CEL_DYN: any */
	enum cel_kind or_else;	 /* CEL_ERROR: no other */
	const char *object, *is; /* the name of an object, or of a list's; how the type is told */
} uses[] = {
	[EXPRESSION_CONDITION] = {true, 0, CEL_BOOL, CEL_ERROR, NULL, "bool"},
	[EXPRESSION_MESSAGE] = {false, 0, CEL_STRING, CEL_ERROR, NULL, "string"},
	[EXPRESSION_ANNOTATION] = {true, 0, CEL_STRING, CEL_NULL, NULL,
				   "one of [string null_type]"},
	[EXPRESSION_DEFINITION] = {true, 0, CEL_DYN, CEL_ERROR, NULL, NULL},
	[EXPRESSION_APPLY] = {true, CEL_PATCHES, CEL_OBJECT, CEL_ERROR, "Object", "Object"},
	[EXPRESSION_PATCH] = {true, CEL_PATCHES, CEL_LIST, CEL_ERROR, "JSONPatch",
			      "list(JSONPatch)"},
};

struct expression_scope {
	struct arena arena;
	/* What is not declared has a name that nobody can write. */
	struct cel_variable with_authorizer[EXPRESSION_VALUES];
	struct cel_variable without[EXPRESSION_VALUES];
	struct cel_type own;
	struct {
		struct cel_field *v;
		size_t n, cap;
	} fields;
};

struct expression_scope *expression_scope_new(bool params, bool own)
{
	struct expression_scope *s = xcalloc(1, sizeof(*s));

	s->own = (struct cel_type){.kind = CEL_OBJECT, .name = "kubernetes.variables"};
	memcpy(s->with_authorizer, variables, sizeof(variables));
	s->with_authorizer[EXPRESSION_VARIABLES].type = &s->own;
	if (!params)
		s->with_authorizer[EXPRESSION_PARAMS].name = "";
	if (!own)
		s->with_authorizer[EXPRESSION_VARIABLES].name = "";
	memcpy(s->without, s->with_authorizer, sizeof(s->without));
	s->without[EXPRESSION_AUTHORIZER].name = "";
	s->without[EXPRESSION_REQUEST_RESOURCE].name = "";
	return s;
}

struct expression_scope *expression_scope_free(struct expression_scope *s)
{
	if (!s)
		return NULL;
	vec_release(&s->fields);
	arena_release(&s->arena);
	free(s);
	return NULL;
}

/* The types of a schema as expressions see them, each made once: they may refer to each other. */
struct typing {
	struct arena *arena;
	struct {
		struct {
			const struct schema_type *schema;
			struct cel_type *type;
		} * v;
		size_t n, cap;
	} known;
};

static const struct cel_type *struct_type(struct typing *t, const struct schema_type *schema);

static const struct cel_type *value_type(struct typing *t, const struct schema_value *v)
{
	switch (v ? v->kind : SCHEMA_ANY) {
	case SCHEMA_STRING:
	case SCHEMA_QUANTITY:
		return &cel_types[CEL_STRING];
	case SCHEMA_BOOL:
		return &cel_types[CEL_BOOL];
	case SCHEMA_INT32:
	case SCHEMA_INT64:
		return &cel_types[CEL_INT];
	case SCHEMA_NUMBER:
		return &cel_types[CEL_DOUBLE];
	case SCHEMA_BYTES:
		return &cel_types[CEL_BYTES];
	case SCHEMA_TIME:
	case SCHEMA_MICRO_TIME:
		return &cel_types[CEL_TIMESTAMP];
	case SCHEMA_STRUCT:
		return struct_type(t, v->type);
	case SCHEMA_MAP:
		return cel_type_map(t->arena, &cel_types[CEL_STRING], value_type(t, v->elem));
	case SCHEMA_LIST:
		return cel_type_list(t->arena, value_type(t, v->elem));
	default:
		return &cel_types[CEL_DYN];
	}
}

static const struct cel_type *struct_type(struct typing *t, const struct schema_type *schema)
{
	struct cel_type *type;
	struct cel_field *fields;

	if (schema->preserve_unknown)
		return &cel_types[CEL_DYN];
	vec_each (&t->known, k)
		if (k->schema == schema)
			return k->type;
	type = arena_new(t->arena, sizeof(*type));
	fields = arena_new(t->arena, (schema->n_fields + 1) * sizeof(*fields));
	*type = (struct cel_type){.kind = CEL_OBJECT, .name = schema->name, .fields = fields};
	vec_grow(&t->known, 1);
	t->known.v[t->known.n].schema = schema;
	t->known.v[t->known.n++].type = type;
	for (size_t i = 0; i < schema->n_fields; i++) {
		const struct schema_field *f = &schema->fields[i];
		const char *name = cel_escape_name(t->arena, f->name);

		if (name)
			fields[type->n_fields++] =
				(struct cel_field){name, f->name, value_type(t, &f->value)};
	}
	return type;
}

void expression_scope_type(struct expression_scope *s, const struct schema_type *object,
			   const struct schema_type *params)
{
	struct typing t = {.arena = &s->arena};
	struct cel_variable *const sets[] = {s->with_authorizer, s->without};
	const struct cel_type *of_object = object ? struct_type(&t, object) : &cel_types[CEL_DYN];
	const struct cel_type *of_params = params ? struct_type(&t, params) : &cel_types[CEL_DYN];

	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		sets[i][EXPRESSION_OBJECT].type = of_object;
		sets[i][EXPRESSION_OLD_OBJECT].type = of_object;
		sets[i][EXPRESSION_PARAMS].type = of_params;
	}
	vec_release(&t.known);
}

const struct cel_type *expression_variables(const struct expression_scope *s)
{
	return &s->own;
}

static bool results_in(enum expression_use use, const struct cel_type *t)
{
	const struct cel_type *part = t->kind == CEL_LIST ? t->elem : t;

	if (uses[use].kind == CEL_DYN)
		return true;
	if (t->kind != uses[use].kind &&
	    (uses[use].or_else == CEL_ERROR || t->kind != uses[use].or_else))
		return false;
	return !uses[use].object ||
	       (part->kind == CEL_OBJECT && str_equal(part->name, uses[use].object));
}

struct cel_program *expression_compile(const struct expression_scope *s, enum expression_use use,
				       const char *text, struct error **err)
{
	const struct cel_variable *vars = uses[use].authorizer ? s->with_authorizer : s->without;
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	struct arena a CLEANUP(arena_release) = ARENA_INIT;
	struct cel_program *p =
		cel_compile_with(vars, EXPRESSION_VALUES, uses[use].features, text, &why);

	if (!p) {
		error_set(err, E_INVALID, "compilation failed: %s", error_message(why));
		return NULL;
	}
	if (results_in(use, cel_program_type(p)))
		return p;
	error_set(err, E_INVALID, "must evaluate to %s but got %s", uses[use].is,
		  cel_type_text(&a, cel_program_type(p)));
	return cel_program_free(p);
}

/* Types live with their program: of one that is kept no more is known than what it has none of. */
static const struct cel_type *lasting(struct expression_scope *s, const struct cel_type *t)
{
	if (t->kind == CEL_LIST)
		return cel_type_list(&s->arena, lasting(s, t->elem));
	if (t->kind == CEL_MAP)
		return cel_type_map(&s->arena, lasting(s, t->key), lasting(s, t->elem));
	if (t->kind >= CEL_NULL && t->kind <= CEL_DURATION)
		return &cel_types[t->kind];
	return &cel_types[CEL_DYN];
}

struct cel_program *expression_define(struct expression_scope *s, const char *name,
				      const char *text, struct error **err)
{
	struct cel_program *p = expression_compile(s, EXPRESSION_DEFINITION, text, err);
	const char *kept = arena_copy(&s->arena, name, strlen(name));

	vec_push(&s->fields,
		 (struct cel_field){kept, kept,
				    p ? lasting(s, cel_program_type(p)) : &cel_types[CEL_DYN]});
	s->own.fields = s->fields.v;
	s->own.n_fields = s->fields.n;
	return p;
}
