/*
 * The syntax of CEL: text to a tree of nodes, with the macros (has, all, exists, map, ...) already
 * told apart from calls. The checker fills in types and overloads; the evaluator walks it.
 */
#ifndef CEL_SYNTAX_H
#define CEL_SYNTAX_H

#include "cel/value.h"

struct function;

enum node_op {
	NODE_LITERAL,
	NODE_IDENT,
	NODE_SELECT, /* arg[0].name */
	NODE_HAS,    /* has(arg[0].name) */
	NODE_CALL,   /* name(args), or arg[0].name(others) with METHOD; operators too: "_+_" */
	NODE_AND,
	NODE_OR,
	NODE_COND, /* arg[0] ? arg[1] : arg[2] */
	NODE_LIST,
	NODE_MAP,     /* key, value, key, value ... */
	NODE_STRUCT,  /* name{field: arg, ...} */
	NODE_FOLD,    /* a loop over arg[0]; see enum fold */
	NODE_OPT_MAP, /* arg[0].optMap(var, arg[1]); with METHOD false: optFlatMap */
};

/* What a loop makes of its range: arg[1] is evaluated for each element, arg[2] after it. */
enum fold {
	FOLD_ALL,
	FOLD_EXISTS,
	FOLD_EXISTS_ONE,
	FOLD_FILTER,
	FOLD_MAP,	      /* arg[1]: the element; with arg[2]: arg[1] is the filter */
	FOLD_TRANSFORM_MAP,   /* the same, into a map with the same keys */
	FOLD_TRANSFORM_ENTRY, /* the same, arg is a map of one entry */
};

struct node {
	enum node_op op;
	enum fold fold;
	bool method;
	bool optional; /* ".?" and "[?": the result is an optional */
	size_t at;     /* byte of the text it stands at */
	int depth;
	const char *name;
	struct node **arg;
	size_t n;
	const bool *optional_arg; /* of literals, one an element or entry; or NULL */
	const char **field;	  /* of NODE_STRUCT, one an argument */
	const char *var[2];	  /* of loops; var[1] NULL: one variable */
	struct cel_value literal;

	/* By the checker. */
	const struct cel_type *type;
	size_t slot; /* of NODE_IDENT; of loops: the first of their variables */
	const struct function *const *overloads;
	size_t n_overloads;
	void *prepared; /* a compiled regular expression, of "matches" with a literal */
	struct cel_range cost, size, entry_size; /* size of a value, of its elements */
};

/* NULL and *err (E_INVALID). The tree lives in A. */
struct node *cel_parse(struct arena *a, const char *text, struct error **err);

/* "ERROR: <input>:LINE:COLUMN: why", the line and a mark below it; returns -1. */
int cel_error_at(struct error **err, const char *text, size_t at, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Lexing, for the parser. */
enum token_kind {
	TOKEN_END,
	TOKEN_NAME,
	TOKEN_LITERAL,
	TOKEN_OPERATOR, /* one or two characters, in text */
};
struct token {
	enum token_kind kind;
	size_t at, len;
	struct cel_value literal;
};
/* The token at or after AT; -1 and *err. */
int cel_lex(struct arena *a, const char *text, size_t at, struct token *out, struct error **err);

#endif
