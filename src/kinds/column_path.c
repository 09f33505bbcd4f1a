/*
 * JSONPath, as far as columns of custom resources use it (client-go's jsonpath): ".spec.size",
 * ".metadata.labels.app\.kubernetes\.io/name", ".a['b']", ".l[0]", ".l[-1]", ".l[*].x",
 * ".status.conditions[?(@.type=="Ready")].status". What several values match the first tells.
 */
#include "kinds/tables.h"

#include "base/mem.h"
#include "object/json.h"

#include <stdlib.h>
#include <string.h>

#define STEPS_MAX 64

static const json_t *find(const json_t *v, const char *path, int depth);

/* The first of V's elements or members from which PATH leads on. */
static const json_t *find_in_any(const json_t *v, const char *path, int depth)
{
	const json_t *found = NULL;
	const char *key;
	json_t *e;
	size_t i;

	json_array_foreach ((json_t *)v, i, e)
		if ((found = find(e, path, depth)))
			return found;
	json_object_foreach ((json_t *)v, key, e)
		if ((found = find(e, path, depth)))
			return found;
	return NULL;
}

/* A name up to the next unescaped '.' or '['; the caller frees. *END: behind it. */
static char *read_name(const char *p, const char **end)
{
	struct str name = STR_INIT;

	for (; *p && !strchr(".[", *p); p++) {
		if (*p == '\\' && p[1])
			p++;
		str_addc(&name, *p);
	}
	*end = p;
	return name.s ? str_take(&name) : xstrdup("");
}

static const json_t *find_named(const json_t *v, const char *path, int depth)
{
	const char *end;
	char *name free_ptr = read_name(path, &end);

	if (!*name)
		return *end == '[' ? find(v, end, depth) : NULL;
	if (!strcmp(name, "*"))
		return find_in_any(v, end, depth);
	v = json_object_get(v, name);
	return v ? find(v, end, depth) : NULL;
}

/* Where the bracket that opens before P closes; NULL: nowhere. */
static const char *closing(const char *p)
{
	char quote = '\0';

	for (int open = 1; *p; p++) {
		if (quote) {
			quote = *p == quote ? '\0' : quote;
		} else if (*p == '"' || *p == '\'') {
			quote = *p;
		} else if (*p == '[') {
			open++;
		} else if (*p == ']' && !--open) {
			return p;
		}
	}
	return NULL;
}

static const struct operator
{
	const char *text;
	/* Of what strcmp or a difference tells. */
	bool less, equal, more;
}
operators[] = {
	{"==", false, true, false}, {"!=", true, false, true}, {"<=", true, true, false},
	{">=", false, true, true},  {"<", true, false, false}, {">", false, false, true},
};

/* The operator of a filter, and where it stands; NULL: there is none. */
static const struct operator* find_operator(const char *filter, const char **at)
{
	for (const char *p = filter; *p && *p != '"' && *p != '\''; p++)
		for (size_t i = 0; i < ARRAY_SIZE(operators); i++)
			if (str_has_prefix(p, operators[i].text)) {
				*at = p;
				return &operators[i];
			}
	return NULL;
}

/* Whether V stands to the literal as OP says; what is of another type does not. */
static bool compares(const json_t *v, const struct operator* op, const char *literal)
{
	size_t n = strlen(literal);
	double order;
	char *end;

	if (json_is_string(v) && n >= 2 && (*literal == '"' || *literal == '\'')) {
		char *text free_ptr = xstrndup(literal + 1, n - 2);

		order = strcmp(json_string_value(v), text);
	} else if (json_is_number(v) && n) {
		order = json_number_value(v) - strtod(literal, &end);
		if (*end)
			return false;
	} else if (json_is_boolean(v)) {
		order = strcmp(json_is_true(v) ? "true" : "false", literal);
	} else {
		return false;
	}
	return order < 0 ? op->less : order > 0 ? op->more : op->equal;
}

/* S without blanks around it; the caller frees. */
static char *trimmed(const char *s, size_t n)
{
	for (; n && *s == ' '; n--)
		s++;
	while (n && s[n - 1] == ' ')
		n--;
	return xstrndup(s, n);
}

/* Whether an element is what the filter ("@.type=="Ready"") asks for. */
static bool passes(const json_t *element, const char *filter, int depth)
{
	const char *at = filter + strlen(filter);
	const struct operator* op = find_operator(filter, &at);
	char *left free_ptr = trimmed(filter, (size_t)(at - filter));
	const char *rest = op ? at + strlen(op->text) : "";
	char *literal free_ptr = trimmed(rest, strlen(rest));
	const json_t *v = *left == '@' ? find(element, left + 1, depth) : NULL;

	return v && (!op || compares(v, op, literal));
}

static const json_t *find_filtered(const json_t *v, const char *filter, const char *path, int depth)
{
	const json_t *found;
	json_t *e;
	size_t i;

	json_array_foreach ((json_t *)v, i, e)
		if (passes(e, filter, depth) && (found = find(e, path, depth)))
			return found;
	return NULL;
}

/* What stands in brackets: a name, '*', a filter, or the number of an element. */
static const json_t *find_in_brackets(const json_t *v, const char *path, int depth)
{
	const char *close = closing(path);
	char *inside free_ptr = close ? trimmed(path, (size_t)(close - path)) : NULL;
	size_t n = inside ? strlen(inside) : 0;
	char *end;
	long at;

	if (!n)
		return NULL;
	if (*inside == '"' || *inside == '\'') {
		inside[n - 1] = '\0';
		v = json_object_get(v, inside + 1);
		return v ? find(v, close + 1, depth) : NULL;
	}
	if (!strcmp(inside, "*"))
		return find_in_any(v, close + 1, depth);
	if (str_has_prefix(inside, "?(") && inside[n - 1] == ')') {
		inside[n - 1] = '\0';
		return find_filtered(v, inside + 2, close + 1, depth);
	}
	at = strtol(inside, &end, 10);
	at = at < 0 ? at + (long)json_array_size(v) : at;
	if (*end || at < 0 || (size_t)at >= json_array_size(v))
		return NULL;
	return find(json_array_get(v, (size_t)at), close + 1, depth);
}

static const json_t *find(const json_t *v, const char *path, int depth)
{
	if (!*path || ++depth > STEPS_MAX)
		return *path ? NULL : v;
	if (*path == '.')
		return path[1] ? find_named(v, path + 1, depth) : v;
	return *path == '[' ? find_in_brackets(v, path + 1, depth) : NULL;
}

const json_t *column_find(const json_t *object, const char *path)
{
	return find(object, path, 0);
}
