/*
 * The types of a schema as CEL sees them, the rules compiled over them, and the walk over an object
 * that evaluates each rule wherever its part of the schema occurs.
 */
#include "kinds/custom_rules.h"

#include "base/arena.h"
#include "cel/cel.h"
#include "object/json.h"

#include <string.h>

#define DEPTH_MAX 100
/* What a request can carry at the most bounds what nothing else does. */
#define REQUEST_MAX (3u << 20)

struct rule {
	const json_t *source;
	struct cel_program *program, *message;
	bool transition; /* looks at oldSelf */
	bool optional;	 /* evaluated without an old value too */
};

struct node;
struct member {
	const char *key;
	struct node *node;
};

/* One level of a schema. */
struct node {
	const struct cel_type *type; /* NULL: nothing that expressions could speak of */
	uint64_t min_size;	     /* bytes of the shortest JSON of it */
	struct rule *rules;
	size_t n_rules;
	struct member *members;
	size_t n_members;
	struct node *elem;  /* of an array or a map */
	const json_t *keys; /* of an array of list type map */
	bool rules_below;   /* here or further down */
};

struct custom_rules {
	struct arena arena;
	struct node *root;
};

/* Where one builds: AT is the place in the definition, NULL when nobody is to be told. */
struct builder {
	struct arena *arena;
	uint64_t total;
};

static const char *word(const json_t *schema, const char *key)
{
	const char *s = json_string_value(json_object_get(schema, key));

	return s ? s : "";
}

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

static void string_type(struct builder *b, struct node *n, const json_t *schema)
{
	static const struct {
		const char *format;
		enum cel_kind kind;
		uint64_t size, min;
	} formats[] = {
		{"byte", CEL_BYTES, 0, 2},
		{"date", CEL_TIMESTAMP, 10, 12},
		{"date-time", CEL_TIMESTAMP, 20, 22},
		{"duration", CEL_DURATION, 32, 4},
	};
	uint64_t max = bound(schema, "maxLength", REQUEST_MAX - 2);
	enum cel_kind kind = CEL_STRING;

	n->min_size = 2;
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		if (strcmp(word(schema, "format"), formats[i].format))
			continue;
		kind = formats[i].kind;
		max = formats[i].size ? formats[i].size : max;
		n->min_size = formats[i].min;
	}
	n->type = new_type(b, kind, max);
}

static struct node *build(struct builder *b, const json_t *schema, const struct field *at,
			  uint64_t times, int depth);

/* CARDINALITY times N, without overflow. */
static uint64_t multiply(uint64_t a, uint64_t n)
{
	return n && a > UINT64_MAX / n ? UINT64_MAX : a * n;
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
	uint64_t max = most(schema, "maxItems", 3);
	struct cel_type *t;

	n->min_size = 2;
	if (!json_is_object(items))
		return;
	n->elem = build(b, items, at ? FIELD(at, "items") : NULL, multiply(times, max), depth);
	if (!n->elem->type)
		return;
	max = most(schema, "maxItems", n->elem->min_size + 1);
	t = cel_type_list(b->arena, n->elem->type);
	t->max_size = max;
	for (size_t i = 0; i < ARRAY_SIZE(list_types); i++)
		if (!strcmp(word(schema, "x-kubernetes-list-type"), list_types[i].name))
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
		n->keys = keys;
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
		uint64_t max = most(schema, "maxProperties", 8);

		n->elem = build(b, additional, at ? FIELD(at, "additionalProperties") : NULL,
				multiply(times, max), depth);
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
		if (requires(schema, key))
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
	const char *type = word(schema, "type");

	n->min_size = 1;
	if (flag(schema, "x-kubernetes-int-or-string"))
		n->type = new_type(b, CEL_DYN, REQUEST_MAX - 2);
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

static void check_cost(struct builder *b, const struct field *at, const struct cel_program *p,
		       uint64_t times)
{
	uint64_t cost = multiply(cel_program_cost(p).max, times);
	char *detail free_ptr = NULL;

	b->total = cost > UINT64_MAX - b->total ? UINT64_MAX : b->total + cost;
	if (!at || cost <= RULE_COST_MAX)
		return;
	detail = xasprintf("estimated rule cost exceeds budget by factor of %s%.1fx (try "
			   "simplifying the rule, or adding maxItems, maxProperties, and maxLength "
			   "where arrays, maps, and strings are declared)",
			   cost > 100 * (uint64_t)RULE_COST_MAX ? "more than " : "",
			   cost > 100 * (uint64_t)RULE_COST_MAX
				   ? 100.0
				   : (double)cost / (double)RULE_COST_MAX);
	field_forbidden(at, detail);
}

static void refuse_rule(const struct field *at, const char *name, const struct error *why)
{
	char *detail free_ptr = NULL;

	if (!at)
		return;
	detail = xasprintf("compilation failed: %s", error_message(why));
	if (strcmp(name, "rule")) {
		field_invalid(FIELD(at, name), detail);
	} else {
		struct field whole = *at;
		struct field rule = {
			.up = at, .name = name, .value = whole.value, .errors = at->errors};

		field_invalid(&rule, detail);
	}
}

static bool add_rule(struct builder *b, const struct node *n, const json_t *source,
		     const struct field *at, uint64_t times, struct rule *out)
{
	const char *text = word(source, "rule"), *message = word(source, "messageExpression");
	struct error *why CLEANUP(error_free_cleanup) = NULL;

	*out = (struct rule){.source = source, .optional = flag(source, "optionalOldSelf")};
	if (!text[strspn(text, " \t\r\n")]) {
		if (at)
			field_required(FIELD(at, "rule"), "rule is not specified");
		return false;
	}
	out->program = compile(b, n, text, out->optional, &why);
	if (out->program && cel_program_type(out->program)->kind != CEL_BOOL) {
		out->program = cel_program_free(out->program);
		error_set(&why, E_INVALID, "cel expression must evaluate to a bool");
	}
	if (!out->program) {
		refuse_rule(at, "rule", why);
		return false;
	}
	out->transition = cel_program_uses(out->program, "oldSelf");
	check_cost(b, at ? FIELD(at, "rule") : NULL, out->program, times);
	if (!*message)
		return true;
	out->message = compile(b, n, message, out->optional, &why);
	if (!out->message)
		refuse_rule(at, "messageExpression", why);
	else
		check_cost(b, at ? FIELD(at, "messageExpression") : NULL, out->message, times);
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

	if (!n->type || !json_array_size(list))
		return;
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

	free_node(build(&b, schema->value, schema, 1, 0));
	if (b.total > RULES_COST_MAX)
		field_forbidden(schema,
				"x-kubernetes-validations estimated rule cost total for "
				"entire OpenAPIv3 schema exceeds budget (try simplifying "
				"the rule, or adding maxItems, maxProperties, and maxLength "
				"where arrays, maps, and strings are declared)");
}

/* One object on its way through the rules. */
struct run {
	uint64_t budget;
	bool spent;
};

/* The complaint of a rule that failed: its own message, or the one it makes, or the rule. */
static char *message_of(const struct rule *rule, const struct cel_value *values, struct run *run,
			struct arena *a)
{
	const char *fixed = word(rule->source, "message");
	struct cel_value result;

	if (rule->message && cel_eval(rule->message, values, &run->budget, a, &result, NULL) == 0 &&
	    result.kind == CEL_STRING && result.text.len &&
	    !memchr(result.text.p, '\n', result.text.len))
		return xasprintf("%.*s", (int)result.text.len, result.text.p);
	if (*fixed)
		return xstrdup(fixed);
	return xasprintf("failed rule: %s", word(rule->source, "rule"));
}

static void complain_at(const struct field *f, const char *reason, const char *message)
{
	bool told = !json_is_object(f->value) && !json_is_array(f->value);

	if (!strcmp(reason, "FieldValueForbidden"))
		field_forbidden(f, message);
	else if (!strcmp(reason, "FieldValueRequired"))
		field_required(f, message);
	else if (!strcmp(reason, "FieldValueDuplicate"))
		field_duplicate(f);
	else if (told)
		field_invalid(f, message);
	else
		field_invalid_untold(f, message);
}

/* PATH (".a.b", ".a['b']") below F, one step a call. */
static void complain_below(const struct field *f, const char *path, const char *reason,
			   const char *message)
{
	struct field below = {.up = f, .errors = f->errors};
	char *name free_ptr = NULL;
	size_t len;

	if (*path != '.' && strncmp(path, "['", 2)) {
		complain_at(f, reason, message);
		return;
	}
	path += *path == '.' ? 1 : 2;
	len = path[-1] == '.' ? strcspn(path, ".[") : strcspn(path, "'");
	name = xasprintf("%.*s", (int)len, path);
	if (path[-1] == '.') {
		below.name = name;
	} else {
		below.key = name;
		len += strncmp(path + len, "']", 2) == 0 ? 2 : 0;
	}
	below.value = json_object_get(f->value, name);
	complain_below(&below, path + len, reason, message);
}

static void check_rule(const struct rule *rule, const struct node *n, const struct field *f,
		       const json_t *old, struct run *run)
{
	struct arena a CLEANUP(arena_release) = ARENA_INIT;
	struct cel_value values[2], before = {.kind = CEL_NULL}, result;
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	uint64_t budget = MIN(run->budget, (uint64_t)CEL_CALL_BUDGET), left = budget;
	char *message free_ptr = NULL;

	if (rule->transition ? !old && !rule->optional : old && json_equal(old, f->value))
		return;
	if (old)
		before = cel_from_json(&a, old, n->type);
	values[0] = cel_from_json(&a, f->value, n->type);
	values[1] = before;
	if (rule->optional)
		values[1] =
			(struct cel_value){.kind = CEL_OPTIONAL, .optional = old ? &before : NULL};
	if (cel_eval(rule->program, values, &left, &a, &result, &why) < 0) {
		run->budget -= budget - left;
		run->spent = error_code(why) == E_TOO_LARGE;
		message = run->spent ? xasprintf("validation failed due to running out of cost "
						 "budget, no further validation rules will be run")
				     : xasprintf("rule evaluation error: %s", error_message(why));
		field_invalid_untold(f, message);
		return;
	}
	run->budget -= budget - left;
	if (result.kind == CEL_BOOL && result.boolean)
		return;
	message = message_of(rule, values, run, &a);
	complain_below(f, word(rule->source, "fieldPath"), word(rule->source, "reason"), message);
}

/* The element of the old list with the same keys; NULL: none, or the list has no keys. */
static const json_t *old_element(const json_t *old, const json_t *keys, const json_t *item)
{
	size_t i, k;
	json_t *other, *key;

	if (!keys)
		return NULL;
	json_array_foreach ((json_t *)old, i, other) {
		bool same = true;

		json_array_foreach ((json_t *)keys, k, key) {
			const char *name = json_string_value(key);
			const json_t *x = name ? json_object_get(item, name) : NULL;
			const json_t *y = name ? json_object_get(other, name) : NULL;

			same = same && (x == y || (x && y && json_equal(x, y)));
		}
		if (same)
			return other;
	}
	return NULL;
}

static void walk(const struct node *n, const struct field *f, const json_t *old, struct run *run)
{
	const char *key;
	json_t *value;

	if (!n->rules_below || !f->value || json_is_null(f->value) || run->spent)
		return;
	for (size_t i = 0; i < n->n_rules && !run->spent; i++)
		check_rule(&n->rules[i], n, f, old, run);
	for (size_t i = 0; i < n->n_members; i++) {
		struct field m = {.up = f,
				  .name = n->members[i].key,
				  .value = json_object_get(f->value, n->members[i].key),
				  .errors = f->errors};

		walk(n->members[i].node, &m, json_object_get(old, n->members[i].key), run);
	}
	if (!n->elem || !n->elem->rules_below)
		return;
	if (json_is_array(f->value))
		field_each (f, item)
			walk(n->elem, &item, old_element(old, n->keys, item.value), run);
	else
		json_object_foreach ((json_t *)f->value, key, value) {
			struct field m = {
				.up = f, .name = key, .value = value, .errors = f->errors};

			walk(n->elem, &m, json_object_get(old, key), run);
		}
}

void custom_rules_check(const struct custom_rules *r, const struct field *object, const json_t *old)
{
	struct run run = {.budget = CEL_OBJECT_BUDGET};

	if (!r)
		return;
	if (field_errors_blocking(object->errors)) {
		struct field top = {.errors = object->errors};
		struct field nowhere = {.up = &top, .name = "<nil>", .errors = object->errors};

		field_invalid(&nowhere,
			      "some validation rules were not checked because the object was "
			      "invalid; correct the existing errors to complete validation");
		return;
	}
	walk(r->root, object, old, &run);
}
