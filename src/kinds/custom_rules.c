/*
 * The types of a schema as CEL sees them, and the rules compiled over them.
 */
#include "kinds/custom.h"
#include "kinds/custom_rules.h"
#include "kinds/custom_rules_tree.h"

#include "object/json.h"

#include <string.h>

#define DEPTH_MAX 100
/* What a request can carry at the most bounds what nothing else does. */
#define REQUEST_MAX (3u << 20)
/* How often something can be there: UNBOUNDED, as often as it fits in a request. */
#define UNBOUNDED UINT64_MAX

struct costly {
	char *path;
	uint64_t cost;
};
/* Of what is too much together the worst are told. */
#define COSTLY_MAX 4

/* Where one builds: AT is the place in the definition, NULL when nobody is to be told. */
struct builder {
	struct arena *arena;
	uint64_t total;
	struct costly costly[COSTLY_MAX];
	const struct field *loose; /* the list above whose elements are not found again, or NULL */
};

static bool flag(const json_t *schema, const char *key)
{
	return json_is_true(json_object_get(schema, key));
}

static uint64_t bound(const json_t *schema, const char *key, uint64_t otherwise)
{
	const json_t *n = json_object_get(schema, key);

	return json_is_integer(n) && json_integer_value(n) >= 0 ? (uint64_t)json_integer_value(n)
								: otherwise;
}

static struct cel_type *new_type(struct builder *b, enum cel_kind kind, uint64_t max_size)
{
	struct cel_type *t = arena_new(b->arena, sizeof(*t));

	*t = cel_types[kind];
	t->kind = kind;
	t->max_size = max_size;
	return t;
}

/* A times N, without overflow. */
static uint64_t multiply(uint64_t a, uint64_t n)
{
	return n && a > UINT64_MAX / n ? UINT64_MAX : a * n;
}

static uint64_t longest(const json_t *words)
{
	size_t i;
	json_t *e;
	uint64_t most = 0;

	json_array_foreach ((json_t *)words, i, e)
		if (json_is_string(e))
			most = MAX(most, json_string_length(e));
	return most;
}

static void string_type(struct builder *b, struct node *n, const json_t *schema)
{
	static const struct {
		const char *format;
		enum cel_kind kind;
		uint64_t size, min;
	} formats[] = {
		{"date", CEL_TIMESTAMP, 12, 12},
		{"date-time", CEL_TIMESTAMP, 32, 21},
		{"duration", CEL_DURATION, 32, 3},
	};
	const json_t *words = json_object_get(schema, "enum");
	bool bytes = !strcmp(json_word(schema, "format"), "byte");
	uint64_t max = bound(schema, "maxLength", UINT64_MAX);
	enum cel_kind kind = bytes ? CEL_BYTES : CEL_STRING;

	if (max != UINT64_MAX) /* a letter takes at most four bytes */
		max = bytes ? max : multiply(max, 4);
	else
		max = json_array_size(words) && !bytes ? longest(words) : REQUEST_MAX - 2;
	n->min_size = 2;
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		if (strcmp(json_word(schema, "format"), formats[i].format))
			continue;
		kind = formats[i].kind;
		max = formats[i].size;
		n->min_size = formats[i].min;
	}
	n->type = new_type(b, kind, max);
}

static struct node *build(struct builder *b, const json_t *schema, const struct field *at,
			  uint64_t times, int depth);

/* How often what is below can be there. */
static uint64_t times_below(uint64_t times, const json_t *schema, const char *key)
{
	uint64_t max = bound(schema, key, UNBOUNDED);

	return times == UNBOUNDED || max == UNBOUNDED ? UNBOUNDED : multiply(times, max);
}

/* How many elements there can be when each takes at least SIZE bytes. */
static uint64_t most(const json_t *schema, const char *key, uint64_t size)
{
	return bound(schema, key, (REQUEST_MAX - 2) / (size ? size : 1));
}

static void array_type(struct builder *b, struct node *n, const json_t *schema,
		       const struct field *at, uint64_t times, int depth)
{
	static const struct {
		const char *name;
		int list_type;
	} list_types[] = {{"set", CEL_LIST_SET}, {"map", CEL_LIST_MAP}};
	const json_t *items = json_object_get(schema, "items");
	const struct field *loose = b->loose;
	struct cel_type *t;

	n->min_size = 2;
	if (!json_is_object(items))
		return;
	if (!loose && strcmp(json_word(schema, "x-kubernetes-list-type"), "map"))
		b->loose = at;
	n->elem = build(b, items, at ? FIELD(at, "items") : NULL,
			times_below(times, schema, "maxItems"), depth);
	b->loose = loose;
	if (!n->elem->type)
		return;
	t = cel_type_list(b->arena, n->elem->type);
	t->max_size = most(schema, "maxItems", n->elem->min_size + 1);
	for (size_t i = 0; i < ARRAY_SIZE(list_types); i++)
		if (!strcmp(json_word(schema, "x-kubernetes-list-type"), list_types[i].name))
			t->list_type = list_types[i].list_type;
	if (t->list_type == CEL_LIST_MAP) {
		const json_t *keys = json_object_get(schema, "x-kubernetes-list-map-keys");
		const char **names =
			arena_new(b->arena, (json_array_size(keys) + 1) * sizeof(*names));
		size_t i, count = 0;
		json_t *key;

		json_array_foreach ((json_t *)keys, i, key)
			if (json_is_string(key))
				names[count++] = json_string_value(key);
		t->list_keys = names;
	}
	n->type = t;
}

static bool requires(const json_t *schema, const char *name)
{
	size_t i;
	json_t *s;

	json_array_foreach (json_object_get(schema, "required"), i, s)
		if (json_is_string(s) && !strcmp(json_string_value(s), name))
			return true;
	return false;
}

static int compare_fields(const void *a, const void *b)
{
	return strcmp(((const struct cel_field *)a)->name, ((const struct cel_field *)b)->name);
}

/* apiVersion, kind and the part of metadata that rules may look at. */
static size_t object_fields(struct builder *b, struct cel_field *out)
{
	struct cel_type *text = new_type(b, CEL_STRING, 253);
	struct cel_type *metadata = new_type(b, CEL_OBJECT, 0);
	struct cel_field *fields = arena_new(b->arena, 2 * sizeof(*fields));

	fields[0] = (struct cel_field){"generateName", "generateName", text};
	fields[1] = (struct cel_field){"name", "name", text};
	metadata->name = "object.metadata";
	metadata->fields = fields;
	metadata->n_fields = 2;
	out[0] = (struct cel_field){"apiVersion", "apiVersion", text};
	out[1] = (struct cel_field){"kind", "kind", text};
	out[2] = (struct cel_field){"metadata", "metadata", metadata};
	return 3;
}

static bool is_object_field(const char *name)
{
	return !strcmp(name, "apiVersion") || !strcmp(name, "kind") || !strcmp(name, "metadata");
}

static void object_type(struct builder *b, struct node *n, const json_t *schema,
			const struct field *at, uint64_t times, int depth)
{
	const struct field *all = at ? FIELD(at, "properties") : NULL;
	const json_t *properties = json_object_get(schema, "properties");
	const json_t *additional = json_object_get(schema, "additionalProperties");
	bool whole = depth == 1 || flag(schema, "x-kubernetes-embedded-resource");
	struct cel_field *fields;
	struct cel_type *t;
	size_t count = 0;
	const char *key;
	json_t *property;

	n->min_size = 2;
	if (json_is_object(additional)) {
		n->elem = build(b, additional, at ? FIELD(at, "additionalProperties") : NULL,
				times_below(times, schema, "maxProperties"), depth);
		if (!n->elem->type)
			return;
		t = cel_type_map(b->arena, &cel_types[CEL_STRING], n->elem->type);
		t->max_size = most(schema, "maxProperties", n->elem->min_size + 6);
		n->type = t;
		return;
	}
	fields = arena_new(b->arena, (json_object_size(properties) + 3) * sizeof(*fields));
	n->members = arena_new(b->arena, (json_object_size(properties) + 1) * sizeof(*n->members));
	if (whole)
		count = object_fields(b, fields);
	json_object_foreach ((json_t *)properties, key, property) {
		struct field place = at ? field_entry(all, key) : (struct field){0};
		struct node *below;
		char *name;

		if (whole && is_object_field(key))
			continue;
		below = build(b, property, at ? &place : NULL, times, depth);
		n->members[n->n_members++] = (struct member){key, below};
		n->rules_below = n->rules_below || below->rules_below;
		name = cel_escape_name(b->arena, key);
		if (below->type && name)
			fields[count++] = (struct cel_field){name, key, below->type};
		if (requires(schema, key) && below->type && !json_object_get(property, "default"))
			n->min_size += strlen(key) + below->min_size + 4;
	}
	qsort(fields, count, sizeof(*fields), compare_fields);
	t = new_type(b, CEL_OBJECT, 0);
	t->name = "object";
	t->fields = fields;
	t->n_fields = count;
	n->type = t;
}

static void set_type(struct builder *b, struct node *n, const json_t *schema,
		     const struct field *at, uint64_t times, int depth)
{
	const char *type = json_word(schema, "type");

	n->min_size = !strcmp(type, "boolean") ? 4 : 1;
	if (flag(schema, "x-kubernetes-int-or-string"))
		n->type = new_type(b, CEL_DYN,
				   multiply(bound(schema, "maxLength", (REQUEST_MAX - 2) / 4), 4));
	else if (!strcmp(type, "string"))
		string_type(b, n, schema);
	else if (!strcmp(type, "boolean"))
		n->type = &cel_types[CEL_BOOL];
	else if (!strcmp(type, "integer"))
		n->type = &cel_types[CEL_INT];
	else if (!strcmp(type, "number"))
		n->type = &cel_types[CEL_DOUBLE];
	else if (!strcmp(type, "array"))
		array_type(b, n, schema, at, times, depth);
	else if (!strcmp(type, "object"))
		object_type(b, n, schema, at, times, depth);
}

static struct cel_program *compile(struct builder *b, const struct node *n, const char *text,
				   bool optional, struct error **err)
{
	struct cel_variable *vars = arena_new(b->arena, 2 * sizeof(*vars));
	const struct cel_type *old = n->type;

	if (optional) {
		struct cel_type *t = new_type(b, CEL_OPTIONAL, 0);

		t->elem = n->type;
		old = t;
	}
	vars[0] = (struct cel_variable){"self", n->type};
	vars[1] = (struct cel_variable){"oldSelf", old};
	return cel_compile(vars, 2, text, err);
}

/* Notes a cost that counts among the worst. */
static void note_cost(struct builder *b, const struct field *at, uint64_t cost)
{
	struct costly *least = &b->costly[0];
	struct str path = STR_INIT;

	b->total = cost > UINT64_MAX - b->total ? UINT64_MAX : b->total + cost;
	if (cost < RULES_COST_MAX / 100)
		return;
	for (size_t i = 1; i < COSTLY_MAX; i++)
		if (b->costly[i].cost < least->cost)
			least = &b->costly[i];
	if (least->cost >= cost)
		return;
	free(least->path);
	field_path(at, &path);
	*least = (struct costly){str_take(&path), cost};
}

static void too_costly(const struct field *at, const char *what, uint64_t cost, uint64_t max)
{
	double times = (double)cost / (double)max;
	char *detail free_ptr = NULL;
	char *factor free_ptr = times > 100   ? xstrdup("more than 100x")
				: times < 1.5 ? xasprintf("%fx", times)
					      : xasprintf("%.1fx", times);

	detail = xasprintf("%s exceeds budget by factor of %s (try simplifying the rule, or adding "
			   "maxItems, maxProperties, and maxLength where arrays, maps, and strings "
			   "are declared)",
			   what, factor);
	field_forbidden(at, detail);
}

static void check_cost(struct builder *b, const struct field *at, const char *what, uint64_t cost)
{
	if (cost > RULE_COST_MAX)
		too_costly(at, what, cost, RULE_COST_MAX);
	note_cost(b, at, cost);
}

/* The rule as a whole is what is refused, as an API server holds it. */
static void refuse_rule(const struct field *at, const char *name, const char *before,
			const char *why)
{
	static const char *const members[][2] = {{"Rule", "rule"},
						 {"Message", "message"},
						 {"MessageExpression", "messageExpression"},
						 {"Reason", "reason"},
						 {"FieldPath", "fieldPath"},
						 {"OptionalOldSelf", "optionalOldSelf"}};
	json_t *shown json_auto = json_object();
	struct field place = {.up = at, .name = name, .errors = at->errors};
	char *detail free_ptr = xasprintf("%s%s", before, why);

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		const json_t *v = json_object_get(at->value, members[i][1]);
		bool pointer = i == 3 || i == 5;

		json_object_set_new(shown, members[i][0],
				    v	      ? json_incref((json_t *)v)
				    : pointer ? json_null()
					      : json_string(""));
	}
	field_invalid_json(&place, shown, detail);
}

/* What a rule may say of the value before: only where that can be found. */
static void check_old(struct builder *b, const struct rule *rule, const struct field *at)
{
	struct str path CLEANUP(str_release) = STR_INIT;
	char *detail free_ptr = NULL;

	if (!rule->transition) {
		if (field_set(FIELD(at, "optionalOldSelf")))
			field_invalid(FIELD(at, "optionalOldSelf"),
				      "may not be set if oldSelf is not used in rule");
		return;
	}
	if (!b->loose)
		return;
	field_path(b->loose, &path);
	detail = xasprintf("oldSelf cannot be used on the uncorrelatable portion of the schema "
			   "within %s",
			   path.s);
	field_invalid(FIELD(at, "rule"), detail);
}

static struct cel_program *compile_as(struct builder *b, const struct node *n, const char *text,
				      bool optional, enum cel_kind kind, const struct field *at,
				      const char *name)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	struct cel_program *p = compile(b, n, text, optional, &why);
	bool message = kind == CEL_STRING;

	if (p && cel_program_type(p)->kind == kind)
		return p;
	if (at && p)
		refuse_rule(at, name,
			    message ? "messageExpression must evaluate to a "
				    : "cel expression must evaluate to a ",
			    message ? "string" : "bool");
	else if (at)
		refuse_rule(at, name,
			    message ? "messageExpression compilation failed: "
				    : "compilation failed: ",
			    error_message(why));
	return cel_program_free(p);
}

static bool add_rule(struct builder *b, const struct node *n, const json_t *source,
		     const struct field *at, uint64_t times, struct rule *out)
{
	const char *text = json_word(source, "rule"),
		   *message = json_word(source, "messageExpression");

	*out = (struct rule){.source = source, .optional = flag(source, "optionalOldSelf")};
	if (!text[strspn(text, " \t\r\n")])
		return false;
	out->program = compile_as(b, n, text, out->optional, CEL_BOOL, at, "rule");
	if (!out->program)
		return false;
	out->transition = cel_program_uses(out->program, "oldSelf");
	if (times == UNBOUNDED)
		times = REQUEST_MAX / (n->min_size + 1);
	if (at)
		check_cost(b, FIELD(at, "rule"), "estimated rule cost",
			   multiply(cel_program_cost(out->program).max, times));
	if (*message)
		out->message = compile_as(b, n, message, out->optional, CEL_STRING, at,
					  "messageExpression");
	if (at && out->message)
		check_cost(b, FIELD(at, "messageExpression"), "estimated messageExpression cost",
			   cel_program_cost(out->message).max);
	if (at)
		check_old(b, out, at);
	return true;
}

static void add_rules(struct builder *b, struct node *n, const json_t *schema,
		      const struct field *at, uint64_t times)
{
	static const char key[] = "x-kubernetes-validations";
	const struct field *all = at ? FIELD(at, key) : NULL;
	const json_t *list = json_object_get(schema, key);
	size_t i;
	json_t *source;

	if (!json_array_size(list))
		return;
	if (!n->type) {
		if (at)
			field_internal(all, "internal error: failed to construct type information "
					    "for x-kubernetes-validations rules: unable to convert "
					    "structural schema to CEL declarations");
		return;
	}
	n->rules = arena_new(b->arena, json_array_size(list) * sizeof(*n->rules));
	json_array_foreach ((json_t *)list, i, source) {
		struct field place = {0};

		if (at)
			place = field_element(all, i);
		if (add_rule(b, n, source, at ? &place : NULL, times, &n->rules[n->n_rules]))
			n->n_rules++;
	}
}

static struct node *build(struct builder *b, const json_t *schema, const struct field *at,
			  uint64_t times, int depth)
{
	struct node *n = arena_new(b->arena, sizeof(*n));

	n->schema = schema;
	if (++depth > DEPTH_MAX || !json_is_object(schema))
		return n;
	set_type(b, n, schema, at, times, depth);
	add_rules(b, n, schema, at, times);
	n->rules_below = n->rules_below || n->n_rules || (n->elem && n->elem->rules_below);
	return n;
}

static void free_node(struct node *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->n_rules; i++) {
		cel_program_free(n->rules[i].program);
		cel_program_free(n->rules[i].message);
	}
	for (size_t i = 0; i < n->n_members; i++)
		free_node(n->members[i].node);
	free_node(n->elem);
}

struct custom_rules *custom_rules_new(const json_t *schema)
{
	struct custom_rules *r = xcalloc(1, sizeof(*r));
	struct builder b = {.arena = &r->arena};

	r->root = build(&b, schema, NULL, 1, 0);
	return r->root->rules_below ? r : custom_rules_free(r);
}

struct custom_rules *custom_rules_free(struct custom_rules *r)
{
	if (!r)
		return NULL;
	free_node(r->root);
	arena_release(&r->arena);
	free(r);
	return NULL;
}

void custom_rules_validate(const struct field *schema)
{
	struct arena arena CLEANUP(arena_release) = ARENA_INIT;
	struct builder b = {.arena = &arena};
	struct field top = {.errors = schema->errors};

	free_node(build(&b, schema->value, schema, 1, 0));
	for (size_t i = 0; i < COSTLY_MAX; i++) {
		struct field place = {
			.up = &top, .name = b.costly[i].path, .errors = schema->errors};

		if (place.name && b.total > RULES_COST_MAX)
			field_forbidden(&place,
					"contributed to estimated rule cost total exceeding "
					"cost limit for entire OpenAPIv3 schema");
		free(b.costly[i].path);
	}
	if (b.total > RULES_COST_MAX)
		too_costly(
			schema,
			"x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 "
			"schema",
			b.total, RULES_COST_MAX);
}
