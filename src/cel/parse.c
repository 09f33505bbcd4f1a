#include "base/vec.h"
#include "cel/syntax.h"

#include <string.h>

struct parser {
	struct arena *arena;
	const char *text;
	struct token token; /* the one not yet taken */
	int depth;
	struct error **err;
};

struct nodes {
	struct node **v;
	size_t n, cap;
};

static struct node *parse_expr(struct parser *p);

static void nodes_release(struct nodes *list)
{
	vec_release(list);
}

static struct node *fail(struct parser *p, const char *why)
{
	cel_error_at(p->err, p->text, p->token.at, "Syntax error: %s", why);
	return NULL;
}

static bool next(struct parser *p)
{
	return cel_lex(p->arena, p->text, p->token.at + p->token.len, &p->token, p->err) == 0;
}

static bool is(const struct parser *p, const char *operator)
{
	return p->token.kind == TOKEN_OPERATOR && p->token.len == strlen(operator) &&
	       !memcmp(p->text + p->token.at, operator, p->token.len);
}

static bool is_word(const struct parser *p, const char *word)
{
	return p->token.kind == TOKEN_NAME && p->token.len == strlen(word) &&
	       !memcmp(p->text + p->token.at, word, p->token.len);
}

/* Takes OPERATOR, or fails. */
static bool expect(struct parser *p, const char *operator)
{
	char why[32];

	if (is(p, operator))
		return next(p);
	snprintf(why, sizeof(why), "expected '%s'", operator);
	return fail(p, why);
}

/* A node over ARG (N of them, copied); NULL when it would be too deep, or one of them is NULL. */
static struct node *node_new(struct parser *p, enum node_op op, const char *name, size_t at,
			     struct node **arg, size_t n)
{
	struct node *node = arena_new(p->arena, sizeof(*node));

	*node = (struct node){.op = op, .name = name, .at = at, .n = n, .depth = 1};
	node->arg = arena_new(p->arena, (n + 1) * sizeof(*arg));
	for (size_t i = 0; i < n; i++) {
		if (!arg[i])
			return NULL;
		node->arg[i] = arg[i];
		node->depth = MAX(node->depth, arg[i]->depth + 1);
	}
	return node->depth > CEL_MAX_DEPTH ? fail(p, "expression nests too deep") : node;
}

static char *take_name(struct parser *p)
{
	char *name;

	if (p->token.kind != TOKEN_NAME) {
		fail(p, "expected a name");
		return NULL;
	}
	name = arena_copy(p->arena, p->text + p->token.at, p->token.len);
	return next(p) ? name : NULL;
}

static struct node *literal(struct parser *p, size_t at, struct cel_value v)
{
	struct node *node = node_new(p, NODE_LITERAL, NULL, at, NULL, 0);

	node->literal = v;
	return node;
}

/* The number at hand, with the sign before it: only so is the least int64 a number. */
static struct node *number(struct parser *p, size_t at, bool negative)
{
	struct cel_value v = p->token.literal;

	if (v.kind == CEL_INT) {
		if (v.u > (uint64_t)INT64_MAX + negative)
			return fail(p, "invalid int literal");
		v.i = negative ? (int64_t)(0 - v.u) : (int64_t)v.u;
	} else if (v.kind == CEL_DOUBLE) {
		v.d = negative ? -v.d : v.d;
	}
	return next(p) ? literal(p, at, v) : NULL;
}

/* Expressions up to CLOSE, which is taken; OPTIONAL (may be NULL): "?" may stand before each. */
static bool parse_list(struct parser *p, const char *close, struct nodes *out, bool **optional)
{
	while (!is(p, close)) {
		bool is_optional = optional && is(p, "?");
		struct node *element;

		if (is_optional && !next(p))
			return false;
		element = parse_expr(p);
		if (!element)
			return false;
		vec_push(out, element);
		if (optional) {
			bool *grown = arena_new(p->arena, out->n);

			if (*optional)
				memcpy(grown, *optional, out->n - 1);
			grown[out->n - 1] = is_optional;
			*optional = grown;
		}
		if (is(p, close))
			break;
		/* A list may end with a comma, a call may not. */
		if (!expect(p, ",") || (!optional && is(p, close)))
			return optional ? false : (fail(p, "expected an expression"), false);
	}
	return next(p);
}

static struct node *list_literal(struct parser *p)
{
	struct nodes elements CLEANUP(nodes_release) = VEC_INIT;
	size_t at = p->token.at;
	bool *optional = NULL;
	struct node *node;

	if (is(p, "[?")) {
		/* One token here as in "a[?0]": the first element is optional. */
		p->token.len = 1;
	}
	if (!next(p) || !parse_list(p, "]", &elements, &optional))
		return NULL;
	node = node_new(p, NODE_LIST, NULL, at, elements.v, elements.n);
	if (node)
		node->optional_arg = optional;
	return node;
}

static struct node *map_literal(struct parser *p)
{
	struct nodes parts CLEANUP(nodes_release) = VEC_INIT;
	struct {
		bool *v;
		size_t n, cap;
	} optional = VEC_INIT;
	size_t at = p->token.at;
	struct node *node = NULL;

	if (!next(p))
		return NULL;
	while (!is(p, "}")) {
		bool is_optional = is(p, "?");
		struct node *key, *value;

		if (is_optional && !next(p))
			goto out;
		key = parse_expr(p);
		if (!key || !expect(p, ":"))
			goto out;
		value = parse_expr(p);
		if (!value)
			goto out;
		vec_push(&parts, key);
		vec_push(&parts, value);
		vec_push(&optional, is_optional);
		if (!is(p, "}") && !expect(p, ","))
			goto out;
	}
	if (!next(p))
		goto out;
	node = node_new(p, NODE_MAP, NULL, at, parts.v, parts.n);
	if (node)
		node->optional_arg = (bool *)arena_copy(p->arena, (char *)optional.v, optional.n);
out:
	vec_release(&optional);
	return node;
}

/* "Object.spec" of a name, or of names selected from one; NULL for anything else. */
static const char *type_path(struct parser *p, const struct node *n)
{
	const char *outer;

	if (n->op == NODE_IDENT)
		return n->name;
	if (n->op != NODE_SELECT || n->optional)
		return NULL;
	outer = type_path(p, n->arg[0]);
	return outer ? arena_printf(p->arena, "%s.%s", outer, n->name) : NULL;
}

/* NAME{field: value, ...}, its brace at hand. */
static struct node *struct_literal(struct parser *p, const char *name, size_t at)
{
	struct nodes values CLEANUP(nodes_release) = VEC_INIT;
	VEC(const char *) fields = VEC_INIT;
	VEC(bool) optional = VEC_INIT;
	struct node *node = NULL;

	if (!next(p))
		return NULL;
	while (!is(p, "}")) {
		bool is_optional = is(p, "?");
		const char *field;
		struct node *value;

		if (is_optional && !next(p))
			goto out;
		field = take_name(p);
		if (!field || !expect(p, ":"))
			goto out;
		value = parse_expr(p);
		if (!value)
			goto out;
		vec_push(&fields, field);
		vec_push(&values, value);
		vec_push(&optional, is_optional);
		if (!is(p, "}") && !expect(p, ","))
			goto out;
	}
	if (!next(p))
		goto out;
	node = node_new(p, NODE_STRUCT, name, at, values.v, values.n);
	if (node && values.n) {
		node->field = (const char **)arena_copy(p->arena, (const char *)fields.v,
							fields.n * sizeof(*fields.v));
		node->optional_arg = (bool *)arena_copy(p->arena, (char *)optional.v, optional.n);
	}
out:
	vec_release(&fields);
	vec_release(&optional);
	return node;
}

/*
 * The macros that loop: RANGE.name(var, [var2,] [filter,] body). COUNT: how many expressions
 * follow the variables, at least and at most.
 */
static const struct macro {
	const char *name;
	int vars, min, max;
	enum fold fold;
} macros[] = {
	{"all", 1, 1, 1, FOLD_ALL},
	{"exists", 1, 1, 1, FOLD_EXISTS},
	{"exists_one", 1, 1, 1, FOLD_EXISTS_ONE},
	{"existsOne", 1, 1, 1, FOLD_EXISTS_ONE},
	{"filter", 1, 1, 1, FOLD_FILTER},
	{"map", 1, 1, 2, FOLD_MAP},
	{"all", 2, 1, 1, FOLD_ALL},
	{"exists", 2, 1, 1, FOLD_EXISTS},
	{"exists_one", 2, 1, 1, FOLD_EXISTS_ONE},
	{"existsOne", 2, 1, 1, FOLD_EXISTS_ONE},
	{"transformList", 2, 1, 2, FOLD_MAP},
	{"transformMap", 2, 1, 2, FOLD_TRANSFORM_MAP},
	{"transformMapEntry", 2, 1, 2, FOLD_TRANSFORM_ENTRY},
};

static const struct macro *macro_find(const char *name, size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(macros); i++)
		if (!strcmp(macros[i].name, name) &&
		    n >= (size_t)(macros[i].vars + macros[i].min) &&
		    n <= (size_t)(macros[i].vars + macros[i].max))
			return &macros[i];
	return NULL;
}

static struct node *loop(struct parser *p, const struct macro *m, struct node *range,
			 const struct nodes *args, size_t at)
{
	struct node *arg[4] = {range}, *node;

	for (size_t i = (size_t)m->vars; i < args->n; i++)
		arg[1 + i - (size_t)m->vars] = args->v[i];
	node = node_new(p, NODE_FOLD, m->name, at, arg, 1 + args->n - (size_t)m->vars);
	if (!node)
		return NULL;
	node->fold = m->fold;
	for (size_t i = 0; i < (size_t)m->vars; i++) {
		if (args->v[i]->op != NODE_IDENT)
			return fail(p, "argument must be a simple name");
		node->var[i] = args->v[i]->name;
	}
	return node;
}

static struct node *opt_map(struct parser *p, const char *name, struct node *target,
			    const struct nodes *args, size_t at)
{
	struct node *arg[2] = {target, args->v[1]};
	struct node *node = node_new(p, NODE_OPT_MAP, name, at, arg, 2);

	if (!node)
		return NULL;
	if (args->v[0]->op != NODE_IDENT)
		return fail(p, "optMap() variable name must be a simple identifier");
	node->var[0] = args->v[0]->name;
	node->method = !strcmp(name, "optMap");
	return node;
}

static struct node *method_call(struct parser *p, struct node *target, const char *name, size_t at)
{
	struct nodes args CLEANUP(nodes_release) = VEC_INIT;
	struct nodes all CLEANUP(nodes_release) = VEC_INIT;
	const struct macro *m;
	struct node *node;

	if (!parse_list(p, ")", &args, NULL))
		return NULL;
	m = macro_find(name, args.n);
	if (m)
		return loop(p, m, target, &args, at);
	if (args.n == 2 && (!strcmp(name, "optMap") || !strcmp(name, "optFlatMap")))
		return opt_map(p, name, target, &args, at);
	vec_push(&all, target);
	vec_each (&args, arg)
		vec_push(&all, *arg);
	node = node_new(p, NODE_CALL, name, at, all.v, all.n);
	if (node)
		node->method = true;
	return node;
}

static struct node *call(struct parser *p, const char *name, size_t at)
{
	struct nodes args CLEANUP(nodes_release) = VEC_INIT;
	struct node *select;

	if (!parse_list(p, ")", &args, NULL))
		return NULL;
	if (strcmp(name, "has") || args.n != 1)
		return node_new(p, NODE_CALL, name, at, args.v, args.n);
	select = args.v[0];
	if (select->op != NODE_SELECT)
		return fail(p, "invalid argument to has() macro");
	select->op = NODE_HAS;
	return select;
}

/* Words that no variable may be called by. */
static bool is_reserved(const char *name)
{
	static const char *const words[] = {
		"as",	     "break",  "const",	 "continue", "else",  "for",
		"function",  "if",     "import", "let",	     "loop",  "package",
		"namespace", "return", "var",	 "void",     "while", "in",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(words[i], name))
			return true;
	return false;
}

static struct node *name_or_call(struct parser *p)
{
	size_t at = p->token.at;
	char *name;

	if (is_word(p, "true") || is_word(p, "false")) {
		bool yes = is_word(p, "true");

		return next(p) ? literal(p, at, cel_bool(yes)) : NULL;
	}
	if (is_word(p, "null"))
		return next(p) ? literal(p, at, (struct cel_value){.kind = CEL_NULL}) : NULL;
	name = take_name(p);
	if (!name)
		return NULL;
	if (is_reserved(name)) {
		cel_error_at(p->err, p->text, at, "Syntax error: reserved identifier: %s", name);
		return NULL;
	}
	if (!is(p, "("))
		return node_new(p, NODE_IDENT, name, at, NULL, 0);
	return next(p) ? call(p, name, at) : NULL;
}

static struct node *primary(struct parser *p)
{
	size_t at = p->token.at;
	struct node *node;

	if (p->token.kind == TOKEN_LITERAL) {
		struct cel_value v = p->token.literal;

		if (v.kind == CEL_INT)
			return number(p, at, false);
		return next(p) ? literal(p, at, v) : NULL;
	}
	if (p->token.kind == TOKEN_NAME)
		return name_or_call(p);
	if (is(p, "."))
		return next(p) ? name_or_call(p) : NULL;
	if (is(p, "[") || is(p, "[?"))
		return list_literal(p);
	if (is(p, "{"))
		return map_literal(p);
	if (!is(p, "("))
		return fail(p, p->token.kind == TOKEN_END ? "unexpected end of the expression"
							  : "unexpected token");
	if (!next(p))
		return NULL;
	node = parse_expr(p);
	return node && expect(p, ")") ? node : NULL;
}

static struct node *select_or_method(struct parser *p, struct node *target)
{
	bool optional = is(p, ".?");
	size_t at = p->token.at;
	struct node *node;
	char *name;

	if (!next(p))
		return NULL;
	name = take_name(p);
	if (!name)
		return NULL;
	if (is(p, "(") && !optional)
		return next(p) ? method_call(p, target, name, at) : NULL;
	node = node_new(p, NODE_SELECT, name, at, &target, 1);
	if (node)
		node->optional = optional;
	return node;
}

/* "[" at hand. */
static struct node *index_of(struct parser *p, struct node *target)
{
	bool optional = is(p, "[?");
	size_t at = p->token.at;
	struct node *arg[2] = {target};

	if (!next(p))
		return NULL;
	arg[1] = parse_expr(p);
	if (!arg[1] || !expect(p, "]"))
		return NULL;
	return node_new(p, NODE_CALL, optional ? "_[?_]" : "_[_]", at, arg, 2);
}

static struct node *member(struct parser *p)
{
	struct node *node = primary(p);

	while (node) {
		const char *name = is(p, "{") ? type_path(p, node) : NULL;

		if (is(p, ".") || is(p, ".?"))
			node = select_or_method(p, node);
		else if (is(p, "[") || is(p, "[?"))
			node = index_of(p, node);
		else if (name)
			node = struct_literal(p, name, node->at);
		else
			break;
	}
	return node;
}

static struct node *unary(struct parser *p)
{
	size_t at = p->token.at;
	bool minus = is(p, "-");
	struct node *node;

	if (!minus && !is(p, "!"))
		return member(p);
	if (p->depth >= CEL_MAX_DEPTH)
		return fail(p, "expression nests too deep");
	if (!next(p))
		return NULL;
	if (minus && p->token.kind == TOKEN_LITERAL && p->token.literal.kind != CEL_STRING &&
	    p->token.literal.kind != CEL_BYTES && p->token.literal.kind != CEL_UINT)
		return number(p, at, true);
	p->depth++;
	node = unary(p);
	p->depth--;
	return node_new(p, NODE_CALL, minus ? "-_" : "!_", at, &node, 1);
}

/* Binary operators that bind alike, weakest first; all to the left. */
static const struct {
	const char *operator, * name;
	int level;
} binary[] = {
	{"<", "_<_", 0},   {"<=", "_<=_", 0}, {">", "_>_", 0},	{">=", "_>=_", 0},
	{"==", "_==_", 0}, {"!=", "_!=_", 0}, {"in", "@in", 0}, {"+", "_+_", 1},
	{"-", "_-_", 1},   {"*", "_*_", 2},   {"/", "_/_", 2},	{"%", "_%_", 2},
};
#define LEVELS 3

static const char *operator_at(const struct parser *p, int level)
{
	for (size_t i = 0; i < ARRAY_SIZE(binary); i++)
		if (binary[i].level == level &&
		    (is(p, binary[i].operator) ||
		     (!strcmp(binary[i].operator, "in") && is_word(p, "in"))))
			return binary[i].name;
	return NULL;
}

static struct node *operation(struct parser *p, int level)
{
	struct node *arg[2] = {level == LEVELS ? unary(p) : operation(p, level + 1)};
	const char *name;

	while (level < LEVELS && arg[0] && (name = operator_at(p, level))) {
		size_t at = p->token.at;

		if (!next(p))
			return NULL;
		arg[1] = operation(p, level + 1);
		arg[0] = node_new(p, NODE_CALL, name, at, arg, 2);
	}
	return arg[0];
}

/* A chain of && is one node of many arguments, so that a long one is not a deep one. */
static struct node *logical(struct parser *p, enum node_op op)
{
	const char *operator= op == NODE_OR ? "||" : "&&";
	struct nodes terms CLEANUP(nodes_release) = VEC_INIT;
	size_t at = p->token.at;

	while (true) {
		struct node *term = op == NODE_OR ? logical(p, NODE_AND) : operation(p, 0);

		if (!term)
			return NULL;
		vec_push(&terms, term);
		if (!is(p, operator))
			break;
		at = p->token.at;
		if (!next(p))
			return NULL;
	}
	return terms.n == 1 ? terms.v[0] : node_new(p, op, operator, at, terms.v, terms.n);
}

static struct node *conditional(struct parser *p)
{
	struct node *arg[3] = {logical(p, NODE_OR)};
	size_t at = p->token.at;

	if (!arg[0] || !is(p, "?"))
		return arg[0];
	if (!next(p))
		return NULL;
	arg[1] = logical(p, NODE_OR);
	if (!arg[1] || !expect(p, ":"))
		return NULL;
	arg[2] = parse_expr(p);
	return node_new(p, NODE_COND, "_?_:_", at, arg, 3);
}

static struct node *parse_expr(struct parser *p)
{
	struct node *node;

	if (p->depth >= CEL_MAX_DEPTH)
		return fail(p, "expression nests too deep");
	p->depth++;
	node = conditional(p);
	p->depth--;
	return node;
}

struct node *cel_parse(struct arena *a, const char *text, struct error **err)
{
	struct parser p = {.arena = a, .text = text, .err = err};
	struct node *node;

	if (strlen(text) > CEL_MAX_TEXT) {
		error_set(err, E_INVALID, "expression code point size exceeds limit: %u",
			  CEL_MAX_TEXT);
		return NULL;
	}
	if (!next(&p))
		return NULL;
	node = parse_expr(&p);
	return node && p.token.kind != TOKEN_END ? fail(&p, "unexpected token") : node;
}
