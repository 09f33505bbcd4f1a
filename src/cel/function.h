/*
 * Functions and operators: what a library declares, one row an overload.
 *
 *	{"startsWith", "string.(string) bool", starts_with, COST_TEXT_SECOND},
 *
 * The signature: for a method the receiver's type and a dot, the arguments in parentheses, the
 * result. Types are written bool, int, uint, double, string, bytes, timestamp, duration, null,
 * dyn, type, list<T>, map<K,V>, optional<T>, quantity, ip, cidr, url, semver, format, authorizer,
 * pathCheck, groupCheck, resourceCheck, decision; A and B stand for any type, the same wherever
 * they occur, number for int, uint or double.
 *
 * Where do I add one more? A row in a library's table; a new library is one line in libraries[]
 * of function.c.
 */
#ifndef CEL_FUNCTION_H
#define CEL_FUNCTION_H

#include "cel/value.h"

#define FUNCTION_MAX_ARGS 4

struct call {
	struct arena *arena;
	/* The pattern of a regular expression that is written in the expression itself. */
	const struct pattern *pattern;
};

/* How the cost of a call follows from the sizes of its arguments; "text" is a tenth a character. */
enum cost_rule {
	COST_ONE,
	COST_TEXT,	   /* the first argument read once */
	COST_TEXT_TWICE,   /* read, and written anew */
	COST_TEXT_SECOND,  /* the second argument read once */
	COST_LESSER,	   /* the shorter of two texts */
	COST_BOTH,	   /* both texts copied */
	COST_PRODUCT,	   /* one text sought in another */
	COST_PATTERN,	   /* a text searched for a regular expression */
	COST_PATTERN_LONG, /* the same for the expressions of named formats */
	COST_SECOND_LIST,  /* every element of the second argument */
	COST_LIST,	   /* every element of the first argument */
	COST_LISTS,	   /* every pair of elements */
	COST_CHECK,	   /* a question to an authorizer: two are about what one expression may */
};

/* What is known of the result's size. */
enum size_rule {
	SIZE_BY_TYPE,
	SIZE_SAME,  /* the first argument's */
	SIZE_UP_TO, /* at most that */
	SIZE_SUM,
};

typedef struct cel_value function_body(struct call *c, const struct cel_value *arg);

struct function_row {
	const char *name, *signature;
	function_body *body;
	enum cost_rule cost;
	enum size_rule size;
};

struct function_library {
	const struct function_row *rows;
	size_t n;
	unsigned feature; /* enum cel_features: only expressions with it know of them */
};

extern const struct function_library library_standard, library_time, library_strings, library_lists,
	library_regex, library_net, library_kubernetes, library_optional, library_authorizer,
	library_patch;

struct function {
	const struct function_row *row;
	unsigned feature;
	bool method;
	size_t n; /* arguments, the receiver of a method among them */
	const struct cel_type *arg[FUNCTION_MAX_ARGS], *result;
};

/* The overloads of NAME as a method or not, *n of them; NULL when there is none. They live for
 * ever. */
const struct function *const *functions_find(const char *name, bool method, size_t *n);
/* Whether TEXT (a CEL_STRING) keeps the named format: "dns1123Label". */
bool format_keeps(const char *format, const struct cel_value *text);
/* The cost of a call for sizes of its arguments. */
struct cel_range function_cost(enum cost_rule rule, const struct cel_range *size, size_t n);

/* Sums and products that stay at CEL_UNBOUNDED. */
uint64_t cost_add(uint64_t a, uint64_t b);
uint64_t cost_multiply(uint64_t a, uint64_t b);

#endif
