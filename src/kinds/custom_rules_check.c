/*
 * The walk over an object that evaluates each rule wherever its part of the schema occurs.
 */
#include "kinds/custom.h"
#include "kinds/custom_rules.h"
#include "kinds/custom_rules_tree.h"

#include "object/json.h"

#include <string.h>

/* Bytes of a message that a rule makes. */
#define MESSAGE_MAX 5120

/* One object on its way through the rules. */
struct run {
	uint64_t budget;
	bool spent;
};

/* What a value was before: OLD, or NULL where that cannot be found; then what is around it. */
struct before {
	const json_t *old;
	const json_t *around_old, *around;
};

/* Nothing has changed here. */
static bool unchanged(const struct before *before, const json_t *value)
{
	if (before->old)
		return json_equal(before->old, value);
	return before->around_old && json_equal(before->around_old, before->around);
}

/* A value inside of AROUND, which itself was BEFORE; OLD: what it was. */
static struct before before_below(const struct before *before, const json_t *around,
				  const json_t *old)
{
	if (!before->old)
		return *before;
	return (struct before){old, before->old, around};
}

/* TEXT without the blanks around it. */
static char *trim(const char *text, size_t len)
{
	static const char blanks[] = " \t\r\n\v\f";

	for (; len && strchr(blanks, *text); len--)
		text++;
	while (len && strchr(blanks, text[len - 1]))
		len--;
	return xstrndup(text, len);
}

/* How a rule is called in complaints. */
static char *name_of(const struct rule *rule)
{
	const char *message = json_word(rule->source, "message"),
		   *text = json_word(rule->source, "rule");

	return *message ? trim(message, strlen(message)) : trim(text, strlen(text));
}

/* The complaint of a rule that failed: its own message, or the one it makes, or the rule. */
static char *message_of(const struct rule *rule, const struct cel_value *values, struct run *run,
			struct arena *a)
{
	char *name = NULL, *made = NULL, *whole;
	struct cel_value result;

	if (rule->message && cel_eval(rule->message, values, &run->budget, a, &result, NULL) == 0 &&
	    result.kind == CEL_STRING)
		made = trim(result.text.p, result.text.len);
	if (made && *made && strlen(made) <= MESSAGE_MAX && !strchr(made, '\n'))
		return made;
	free(made);
	name = name_of(rule);
	if (*json_word(rule->source, "message"))
		return name;
	whole = xasprintf("failed rule: %s", name);
	free(name);
	return whole;
}

/* VALUE NULL: it is not told. */
static void complain_at(const struct field *f, const char *reason, const json_t *value,
			const char *message)
{
	struct field told = *f;

	told.value = value;
	if (!strcmp(reason, "FieldValueForbidden"))
		field_forbidden(f, message);
	else if (!strcmp(reason, "FieldValueRequired"))
		field_required(f, message);
	else if (!strcmp(reason, "FieldValueDuplicate"))
		(value ? field_duplicate : field_duplicate_untold)(&told);
	else if (value)
		field_invalid(&told, message);
	else
		field_invalid_untold(f, message);
}

/* PATH (".a.b", ".a['b']") below F, one step a call. */
static void complain_below(const struct field *f, const json_t *schema, const char *path,
			   const char *reason, const json_t *value, const char *message)
{
	struct field below = {.up = f, .errors = f->errors};
	const json_t *properties = json_object_get(schema, "properties");
	char *name free_ptr = NULL;
	size_t len;

	if (*path != '.' && strncmp(path, "['", 2)) {
		complain_at(f, reason, value, message);
		return;
	}
	path += *path == '.' ? 1 : 2;
	len = path[-1] == '.' ? strcspn(path, ".[") : strcspn(path, "'");
	name = xstrndup(path, len);
	if (json_object_size(properties))
		below.name = name;
	else
		below.key = name;
	if (path[-1] != '.')
		len += strncmp(path + len, "']", 2) == 0 ? 2 : 0;
	schema = below.name ? json_object_get(properties, name)
			    : json_object_get(schema, "additionalProperties");
	complain_below(&below, schema, path + len, reason, value, message);
}

/* What cannot be evaluated is told of the type of the value. */
static void fail(const struct rule *rule, const struct node *n, const struct field *f,
		 const struct error *why, struct run *run)
{
	char *name free_ptr = name_of(rule);
	char *message free_ptr = NULL;
	bool call = error_code(why) == E_TOO_LARGE;

	run->spent = call;
	if (call && !run->budget)
		message = xstrdup("validation failed due to running out of cost budget, no further "
				  "validation rules will be run");
	else if (call)
		message = xasprintf("'%s': no further validation rules will be run due to call "
				    "cost exceeds limit for rule: %s",
				    error_message(why), name);
	else if (strstr(error_message(why), "no such overload"))
		message = xasprintf("'%s': call arguments did not match a supported operator, "
				    "function or macro signature for rule: %s",
				    error_message(why), name);
	else
		message = xasprintf("%s evaluating rule: %s", error_message(why), name);
	field_invalid_text(f, json_word(n->schema, "type"), message);
}

static void check_rule(const struct rule *rule, const struct node *n, const struct field *f,
		       const json_t *old, const struct before *was, struct run *run)
{
	struct arena a CLEANUP(arena_release) = ARENA_INIT;
	struct cel_value values[2], before = {.kind = CEL_NULL}, result;
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	uint64_t budget = MIN(run->budget, (uint64_t)CEL_CALL_BUDGET), left = budget;
	bool told = !json_is_object(f->value) && !json_is_array(f->value);
	struct field at = *f;
	char *message free_ptr = NULL;
	int evaluated;

	if (rule->transition && !old && !rule->optional)
		return;
	if (old)
		before = cel_from_json(&a, old, n->type);
	values[0] = cel_from_json(&a, f->value, n->type);
	values[1] = before;
	if (rule->optional)
		values[1] =
			(struct cel_value){.kind = CEL_OPTIONAL, .optional = old ? &before : NULL};
	evaluated = cel_eval(rule->program, values, &left, &a, &result, &why);
	run->budget -= budget - left;
	if (evaluated < 0) {
		fail(rule, n, f, why, run);
		return;
	}
	if (result.kind == CEL_BOOL && result.boolean)
		return;
	message = message_of(rule, values, run, &a);
	/* What was wrong before is let be, and told. */
	if (!rule->transition && unchanged(was, f->value))
		at.errors = field_errors_new();
	complain_below(&at, n->schema, json_word(rule->source, "fieldPath"),
		       json_word(rule->source, "reason"), told ? f->value : NULL, message);
	if (at.errors != f->errors)
		field_errors_warn(f->errors, at.errors);
}

static void walk(const struct node *n, const struct field *f, const json_t *old,
		 const struct before *was, struct run *run);

static void walk_below(const struct node *n, const struct field *f, const struct field *m,
		       const json_t *old, const struct before *was, struct run *run)
{
	struct before below = before_below(was, f->value, old);

	walk(n, m, old, &below, run);
}

static void walk(const struct node *n, const struct field *f, const json_t *old,
		 const struct before *was, struct run *run)
{
	const char *key;
	json_t *value;

	if (!n->rules_below || !f->value || json_is_null(f->value) || run->spent)
		return;
	for (size_t i = 0; i < n->n_rules && !run->spent; i++)
		check_rule(&n->rules[i], n, f, old, was, run);
	for (size_t i = 0; i < n->n_members; i++) {
		struct field m = {.up = f,
				  .name = n->members[i].key,
				  .value = json_object_get(f->value, n->members[i].key),
				  .errors = f->errors};

		walk_below(n->members[i].node, f, &m, json_object_get(old, n->members[i].key), was,
			   run);
	}
	if (!n->elem || !n->elem->rules_below)
		return;
	if (json_is_array(f->value))
		field_each (f, item)
			walk_below(n->elem, f, &item,
				   custom_old_element(old, n->schema, item.value), was, run);
	else
		json_object_foreach ((json_t *)f->value, key, value) {
			struct field m = {.up = f, .key = key, .value = value, .errors = f->errors};

			walk_below(n->elem, f, &m, json_object_get(old, key), was, run);
		}
}

void custom_rules_check(const struct custom_rules *r, const struct field *object, const json_t *old)
{
	struct run run = {.budget = CEL_OBJECT_BUDGET};
	struct before was = {.old = old};

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
	walk(r->root, object, old, &was, &run);
}
