/*
 * Label selectors. The text form is read with Kubernetes' own grammar, one token of look-ahead;
 * the words in and notin are operators only where an operator may stand, else plain identifiers.
 */
#include "object/selector.h"
#include "base/vec.h"
#include "object/json.h"
#include "object/label.h"

#include <errno.h>
#include <string.h>

enum operator{
	OP_EXISTS,
	OP_DOES_NOT_EXIST,
	OP_EQUALS,
	OP_DOUBLE_EQUALS,
	OP_NOT_EQUALS,
	OP_IN,
	OP_NOT_IN,
	OP_GREATER,
	OP_LESS,
};

struct strings {
	char **v;
	size_t n, cap;
};

struct requirement {
	char *key;
	enum operator op;
	struct strings values; /* sorted, distinct */
	int64_t bound;	       /* of OP_GREATER and OP_LESS */
};

struct selector {
	struct requirement *v; /* sorted by key */
	size_t n, cap;
};

enum token {
	TOKEN_END,
	TOKEN_IDENTIFIER,
	TOKEN_COMMA,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_NOT,
	TOKEN_OPERATOR, /* binary: OP says which */
};

struct parser {
	const char *p;
	enum token token; /* the one looked at */
	enum operator op;
	bool word_operator; /* in or notin: an identifier as well */
	char *text;	    /* of the token, owned */
};

static const struct {
	const char *text;
	enum token token;
	enum operator op;
} symbols[] = {
	/* Longer ones first. */
	{"==", TOKEN_OPERATOR, OP_DOUBLE_EQUALS},
	{"!=", TOKEN_OPERATOR, OP_NOT_EQUALS},
	{"=", TOKEN_OPERATOR, OP_EQUALS},
	{">", TOKEN_OPERATOR, OP_GREATER},
	{"<", TOKEN_OPERATOR, OP_LESS},
	{"!", TOKEN_NOT, OP_DOES_NOT_EXIST},
	{",", TOKEN_COMMA, OP_EXISTS},
	{"(", TOKEN_OPEN, OP_EXISTS},
	{")", TOKEN_CLOSE, OP_EXISTS},
};

static void set_token(struct parser *ps, enum token token, enum operator op, size_t len)
{
	free(ps->text);
	ps->text = xstrndup(ps->p, len);
	ps->p += len;
	ps->token = token;
	ps->op = op;
}

static void next(struct parser *ps)
{
	ps->p += strspn(ps->p, " \t\r\n");
	ps->word_operator = false;
	for (size_t i = 0; i < ARRAY_SIZE(symbols); i++) {
		size_t len = strlen(symbols[i].text);

		if (strncmp(ps->p, symbols[i].text, len))
			continue;
		set_token(ps, symbols[i].token, symbols[i].op, len);
		return;
	}
	set_token(ps, *ps->p ? TOKEN_IDENTIFIER : TOKEN_END, OP_EXISTS,
		  strcspn(ps->p, "=!(),>< \t\r\n"));
	ps->word_operator = !strcmp(ps->text, "in") || !strcmp(ps->text, "notin");
	if (ps->word_operator)
		ps->op = *ps->text == 'i' ? OP_IN : OP_NOT_IN;
}

static void strings_insert(struct strings *s, const char *text)
{
	size_t i = 0;

	while (i < s->n && strcmp(s->v[i], text) < 0)
		i++;
	if (i < s->n && !strcmp(s->v[i], text))
		return;
	vec_push(s, NULL);
	memmove(s->v + i + 1, s->v + i, (s->n - 1 - i) * sizeof(*s->v));
	s->v[i] = xstrdup(text);
}

static void requirement_release(struct requirement *r)
{
	free(r->key);
	vec_each (&r->values, v)
		free(*v);
	vec_release(&r->values);
}

static int unexpected(struct parser *ps, const char *expected, struct error **err)
{
	return error_set(err, E_BAD_REQUEST, "found '%s', expected: %s", ps->text, expected);
}

/* "a,b,": commas with nothing between them stand for the empty string. */
static int parse_list(struct parser *ps, struct strings *out, struct error **err)
{
	if (ps->token != TOKEN_OPEN)
		return error_set(err, E_BAD_REQUEST, "found '%s' expected: '('", ps->text);
	next(ps);
	/* "()" is the list of the empty string, as in Kubernetes. */
	if (ps->token == TOKEN_CLOSE) {
		strings_insert(out, "");
		next(ps);
		return 0;
	}
	if (ps->token != TOKEN_IDENTIFIER && ps->token != TOKEN_COMMA)
		return unexpected(ps, "',', ')' or identifier", err);
	for (;;) {
		strings_insert(out, ps->token == TOKEN_IDENTIFIER ? ps->text : "");
		if (ps->token == TOKEN_IDENTIFIER)
			next(ps);
		if (ps->token == TOKEN_CLOSE) {
			next(ps);
			return 0;
		}
		if (ps->token != TOKEN_COMMA)
			return unexpected(ps, "',' or ')'", err);
		next(ps);
	}
}

static int parse_value(struct parser *ps, struct strings *out, struct error **err)
{
	if (ps->token == TOKEN_END || ps->token == TOKEN_COMMA) {
		strings_insert(out, "");
		return 0;
	}
	if (ps->token != TOKEN_IDENTIFIER)
		return unexpected(ps, "identifier", err);
	strings_insert(out, ps->text);
	next(ps);
	return 0;
}

static int parse_bound(const char *text, int64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoll(text, &end, 10);
	return errno || end == text || *end || strchr(" \t", *text) ? -1 : 0;
}

/* What Kubernetes' NewRequirement checks. */
static int requirement_check(struct requirement *r, struct error **err)
{
	if ((r->op == OP_IN || r->op == OP_NOT_IN) && !r->values.n)
		return error_set(err, E_BAD_REQUEST,
				 "values: Invalid value: []: for 'in', 'notin' operators, values "
				 "set can't be empty");
	if ((r->op == OP_GREATER || r->op == OP_LESS) && parse_bound(r->values.v[0], &r->bound) < 0)
		return error_set(err, E_BAD_REQUEST,
				 "values[0]: Invalid value: \"%s\": for 'Gt', 'Lt' operators, the "
				 "value must be an integer",
				 r->values.v[0]);
	for (size_t i = 0; i < r->values.n; i++) {
		const char *problem = label_value_problem(r->values.v[i]);

		if (problem)
			return error_set(err, E_BAD_REQUEST,
					 "values[%zu][%s]: Invalid value: \"%s\": %s", i, r->key,
					 r->values.v[i], problem);
	}
	return 0;
}

static int parse_key(struct parser *ps, struct requirement *r, struct error **err)
{
	const char *problem;

	if (ps->token == TOKEN_NOT) {
		r->op = OP_DOES_NOT_EXIST;
		next(ps);
	}
	if (ps->token != TOKEN_IDENTIFIER)
		return unexpected(ps, "identifier", err);
	problem = label_key_problem(ps->text);
	if (problem)
		return error_set(err, E_BAD_REQUEST, "<nil>: Invalid value: \"%s\": %s", ps->text,
				 problem);
	r->key = xstrdup(ps->text);
	next(ps);
	return 0;
}

static int parse_requirement(struct parser *ps, struct requirement *r, struct error **err)
{
	if (parse_key(ps, r, err) < 0)
		return -1;
	if (r->op == OP_DOES_NOT_EXIST || ps->token == TOKEN_END || ps->token == TOKEN_COMMA)
		return 0;
	if (ps->token != TOKEN_OPERATOR && !ps->word_operator)
		return unexpected(ps, "in, notin, =, ==, !=, gt, lt", err);
	r->op = ps->op;
	next(ps);
	if ((r->op == OP_IN || r->op == OP_NOT_IN ? parse_list(ps, &r->values, err)
						  : parse_value(ps, &r->values, err)) < 0)
		return -1;
	return requirement_check(r, err);
}

static int parse_all(struct parser *ps, struct selector *s, struct error **err)
{
	next(ps);
	while (ps->token != TOKEN_END) {
		struct requirement *r;

		if (ps->token != TOKEN_IDENTIFIER && ps->token != TOKEN_NOT)
			return unexpected(ps, "!, identifier, or 'end of string'", err);
		vec_push(s, (struct requirement){0});
		r = &s->v[s->n - 1];
		if (parse_requirement(ps, r, err) < 0)
			return error_wrap(err, "unable to parse requirement");
		if (ps->token == TOKEN_END)
			return 0;
		if (ps->token != TOKEN_COMMA)
			return unexpected(ps, "',' or 'end of string'", err);
		next(ps);
		if (ps->token != TOKEN_IDENTIFIER && ps->token != TOKEN_NOT)
			return unexpected(ps, "identifier after ','", err);
	}
	return 0;
}

static int compare_requirements(const void *a, const void *b)
{
	return strcmp(((const struct requirement *)a)->key, ((const struct requirement *)b)->key);
}

static struct selector *selector_sort(struct selector *s)
{
	if (s->n > 1)
		qsort(s->v, s->n, sizeof(*s->v), compare_requirements);
	return s;
}

struct selector *selector_parse(const char *text, struct error **err)
{
	struct selector *s CLEANUP(selector_free_cleanup) = xcalloc(1, sizeof(*s));
	struct parser ps = {.p = text};
	int result = parse_all(&ps, s, err);

	free(ps.text);
	return result < 0 ? NULL : selector_sort(steal(&s));
}

static void add_equals(struct selector *s, const char *key, const json_t *value)
{
	struct requirement r = {.key = xstrdup(key), .op = OP_IN};

	/* A value that is no string is not equal to any label. */
	if (json_is_string(value)) {
		r.op = OP_EQUALS;
		strings_insert(&r.values, json_string_value(value));
	}
	vec_push(s, r);
}

struct selector *selector_from_map(const json_t *labels)
{
	struct selector *s = xcalloc(1, sizeof(*s));
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)labels, key, value)
		add_equals(s, key, value);
	return selector_sort(s);
}

static int add_expression(struct selector *s, const json_t *expression, struct error **err)
{
	static const struct {
		const char *text;
		enum operator op;
	} operators[] = {
		{"In", OP_IN},
		{"NotIn", OP_NOT_IN},
		{"Exists", OP_EXISTS},
		{"DoesNotExist", OP_DOES_NOT_EXIST},
	};
	const char *name = json_path_string(expression, "operator");
	const char *key = json_path_string(expression, "key");
	const char *problem = label_key_problem(key);
	struct requirement r = {0};
	size_t i;
	json_t *value;

	for (i = 0; i < ARRAY_SIZE(operators) && strcmp(operators[i].text, name); i++)
		;
	if (i == ARRAY_SIZE(operators))
		return error_set(err, E_BAD_REQUEST,
				 "\"%s\" is not a valid label selector operator", name);
	if (problem)
		return error_set(err, E_BAD_REQUEST, "key: Invalid value: \"%s\": %s", key,
				 problem);
	r.op = operators[i].op;
	r.key = xstrdup(key);
	json_array_foreach (json_object_get(expression, "values"), i, value)
		if (json_is_string(value))
			strings_insert(&r.values, json_string_value(value));
	vec_push(s, r);
	if ((r.op == OP_EXISTS || r.op == OP_DOES_NOT_EXIST) && r.values.n)
		return error_set(err, E_BAD_REQUEST,
				 "values: Invalid value: values set must be empty for exists and "
				 "does not exist");
	return requirement_check(&s->v[s->n - 1], err);
}

struct selector *selector_from_label_selector(const json_t *label_selector, struct error **err)
{
	struct selector *s CLEANUP(selector_free_cleanup) =
		selector_from_map(json_object_get(label_selector, "matchLabels"));
	json_t *expression;
	size_t i;

	json_array_foreach (json_object_get(label_selector, "matchExpressions"), i, expression)
		if (add_expression(s, expression, err) < 0)
			return NULL;
	return selector_sort(steal(&s));
}

void selector_free(struct selector *s)
{
	if (!s)
		return;
	vec_each (s, r)
		requirement_release(r);
	vec_release(s);
	free(s);
}

bool selector_empty(const struct selector *s)
{
	return s && !s->n;
}

static bool has_value(const struct requirement *r, const char *value)
{
	for (size_t i = 0; i < r->values.n; i++)
		if (!strcmp(r->values.v[i], value))
			return true;
	return false;
}

/* VALUE NULL: the object does not have the label. */
static bool requirement_matches(const struct requirement *r, const char *value)
{
	int64_t number;

	switch (r->op) {
	case OP_EXISTS:
		return value;
	case OP_DOES_NOT_EXIST:
		return !value;
	case OP_EQUALS:
	case OP_DOUBLE_EQUALS:
	case OP_IN:
		return value && has_value(r, value);
	case OP_NOT_EQUALS:
	case OP_NOT_IN:
		return !value || !has_value(r, value);
	case OP_GREATER:
		return value && !parse_bound(value, &number) && number > r->bound;
	case OP_LESS:
		return value && !parse_bound(value, &number) && number < r->bound;
	}
	return false;
}

bool selector_matches_tree(const struct selector *s, const json_t *labels)
{
	if (!s)
		return false;
	vec_each (s, r)
		if (!requirement_matches(r, json_string_value(json_object_get(labels, r->key))))
			return false;
	return true;
}

bool selector_matches(const struct selector *s, const struct object *o)
{
	return selector_matches_span(s, o->labels);
}

/* The search for one label in the bytes of a map. */
struct search {
	const char *key;
	char *value; /* what was found, owned */
};

static bool find_label(void *arg, struct span key, struct span value)
{
	struct search *search = arg;

	if (key.len != strlen(search->key) || memcmp(key.p, search->key, key.len))
		return true;
	search->value = json_unquote(value);
	return false;
}

bool selector_matches_span(const struct selector *s, struct span labels)
{
	if (!s)
		return false;
	vec_each (s, r) {
		struct search search = {.key = r->key};
		bool matches;

		if (labels.p)
			json_each(labels, find_label, &search);
		matches = requirement_matches(r, search.value);
		free(search.value);
		if (!matches)
			return false;
	}
	return true;
}

static void requirement_format(const struct requirement *r, struct str *out)
{
	static const char *const texts[] = {
		[OP_EXISTS] = "",	   [OP_DOES_NOT_EXIST] = "", [OP_EQUALS] = "=",
		[OP_DOUBLE_EQUALS] = "==", [OP_NOT_EQUALS] = "!=",   [OP_IN] = " in (",
		[OP_NOT_IN] = " notin (",  [OP_GREATER] = ">",	     [OP_LESS] = "<",
	};
	bool list = r->op == OP_IN || r->op == OP_NOT_IN;

	str_addf(out, "%s%s%s", r->op == OP_DOES_NOT_EXIST ? "!" : "", r->key, texts[r->op]);
	for (size_t i = 0; i < r->values.n; i++)
		str_addf(out, "%s%s", i ? "," : "", r->values.v[i]);
	if (list)
		str_addc(out, ')');
}

void selector_format(const struct selector *s, struct str *out)
{
	if (!s)
		return;
	vec_each (s, r) {
		if (r != s->v)
			str_addc(out, ',');
		requirement_format(r, out);
	}
}
