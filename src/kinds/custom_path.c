/*
 * Paths of fields in a definition: ".spec.size", ".spec['size']".
 */
#include "base/mem.h"
#include "base/str.h"
#include "kinds/custom_schema.h"

#include <string.h>

static const json_t *fail(char **why, char *text)
{
	*why = text;
	return NULL;
}

/* The length of a word: up to the next '.', '[' or ']', or all that is quoted. */
static size_t word_length(const char *s)
{
	size_t n = 1;

	if (*s != '\'')
		return *s && strchr(".[]", *s) ? 1 : strcspn(s, ".[]");
	while (s[n] && (s[n] != '\'' || s[n - 1] == '\\'))
		n++;
	return n + (s[n] != '\0');
}

/* The text between quotes; NULL: an escape that is none. */
static char *unquote(const char *s, size_t n)
{
	static const char escapes[] = "abfnrtv'\\", plain[] = "\a\b\f\n\r\t\v'\\";
	char *out = xcalloc(1, n + 1), *to = out;

	for (size_t i = 0; i < n; i++) {
		const char *e;

		if (s[i] != '\\') {
			*to++ = s[i];
			continue;
		}
		e = i + 1 < n ? strchr(escapes, s[++i]) : NULL;
		if (!e) {
			free(out);
			return NULL;
		}
		*to++ = plain[e - escapes];
	}
	return out;
}

/* What NAME leads to: a property, or one of those that have no names of their own. */
static const json_t *step(const json_t *schema, const char *name, char **why)
{
	const json_t *properties = json_object_get(schema, "properties");
	const json_t *next = json_object_size(properties)
				     ? json_object_get(properties, name)
				     : json_object_get(schema, "additionalProperties");

	return next ? next : fail(why, xstrdup("does not refer to a valid field"));
}

static const json_t *step_in_brackets(const json_t *schema, const char **path, char **why)
{
	const char *word = *path;
	size_t n = word_length(word);
	char *name free_ptr = NULL;

	if (!*word)
		return fail(why, xstrdup("unexpected end of JSON path"));
	if (n < 2 || word[0] != '\'' || word[n - 1] != '\'')
		return fail(why,
			    xasprintf("expected single quoted string but got %.*s", (int)n, word));
	name = unquote(word + 1, n - 2);
	if (!name)
		return fail(why, xstrdup("invalid string literal"));
	schema = step(schema, name, why);
	word += n;
	*path = word + 1;
	if (!schema || *word == ']')
		return schema;
	return fail(why, *word ? xasprintf("expected ] but got %.*s", (int)word_length(word), word)
			       : xstrdup("unexpected end of JSON path"));
}

const json_t *custom_path_find(const json_t *schema, const char *path, bool brackets, char **why)
{
	while (schema && *path) {
		size_t n = word_length(path);
		char *name free_ptr = NULL;

		if (*path == '[' && !brackets)
			return fail(why, xstrdup("array notation is not allowed"));
		if (*path != '.' && *path != '[')
			return fail(why, xasprintf("expected [ or . but got: %.*s", (int)n, path));
		if (*path++ == '[') {
			schema = step_in_brackets(schema, &path, why);
			continue;
		}
		if (!*path)
			return fail(why, xstrdup("unexpected end of JSON path"));
		n = word_length(path);
		name = xstrndup(path, n);
		schema = step(schema, name, why);
		path += n;
	}
	return schema;
}
