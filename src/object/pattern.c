#define PCRE2_CODE_UNIT_WIDTH 8
#include "object/pattern.h"

#include <pcre2.h>
#include <stdbool.h>
#include <string.h>

/* Steps of one search, and KiB of its memory: a second or so at the worst. */
#define MAX_STEPS 2000000
#define MAX_HEAP_KIB 20000

struct pattern {
	pcre2_code *code;
	pcre2_match_context *limits;
};

/* Escapes that RE2 has, beside punctuation. */
static const char escapes[] = "AbBdDsSwWpPQEzaftnrvx01234567";
static const char class_escapes[] = "dDsSwWpPQEaftnrvx01234567";

static int refuse(struct error **err, const char *text, size_t at, const char *why)
{
	return error_set(err, E_BAD_REQUEST, "at byte %zu of \"%.200s\": %s", at, text, why);
}

/* The letters of "(?ims-U:" or "(?i)"; what follows them, or NULL. */
static const char *skip_flags(const char *p, const char *end)
{
	while (p < end && strchr("imsU-", *p))
		p++;
	return p < end && (*p == ':' || *p == ')') ? p + 1 : NULL;
}

/* "(?": named groups and flags are RE2's, all the rest is not. */
static bool group_known(const char *p, const char *end)
{
	if (p < end && *p == 'P')
		return end - p > 1 && p[1] == '<';
	if (p < end && *p == '<')
		return end - p > 1 && p[1] != '=' && p[1] != '!';
	return skip_flags(p, end) != NULL;
}

static int check_escape(const char *text, const char *p, const char *end, bool in_class,
			struct error **err)
{
	char c = p + 1 < end ? p[1] : '\0';
	bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
	/* \1 to \7 are octal only when more digits follow; alone they would refer back. */
	bool octal = c >= '1' && c <= '7';

	if (!c || (word && !strchr(in_class ? class_escapes : escapes, c)))
		return refuse(err, text, (size_t)(p - text), "invalid escape sequence");
	if (octal && !(p + 2 < end && p[2] >= '0' && p[2] <= '7'))
		return refuse(err, text, (size_t)(p - text), "invalid escape sequence");
	return 0;
}

/* Past a character class that begins at P, or NULL when it does not end. */
static const char *skip_class(const char *text, const char *p, const char *end, struct error **err)
{
	const char *first = p + 1;

	if (first < end && *first == '^')
		first++;
	for (p = first; p < end; p++) {
		if (*p == ']' && p > first)
			return p + 1;
		if (*p == '[' && p + 1 < end && p[1] == ':') {
			const char *close = memmem(p, (size_t)(end - p), ":]", 2);

			p = close ? close + 1 : p;
		} else if (*p == '\\') {
			if (check_escape(text, p, end, true, err) < 0)
				return NULL;
			p++;
		}
	}
	refuse(err, text, (size_t)(first - text), "missing closing ]");
	return NULL;
}

/* Past the repeat operator at P ("*", "+?", "{2,3}"), or P when there is none. */
static const char *skip_repeat(const char *p, const char *end)
{
	const char *q = p;

	if (p < end && strchr("*+?", *p)) {
		q = p + 1;
	} else if (p < end && *p == '{') {
		for (q = p + 1; q < end && strchr("0123456789,", *q);)
			q++;
		q = q < end && *q == '}' && q > p + 1 && p[1] != ',' ? q + 1 : p;
	}
	return q > p && q < end && *q == '?' ? q + 1 : q;
}

/* What PCRE2 takes and RE2 does not. */
static int check_syntax(const char *text, size_t len, struct error **err)
{
	const char *p = text, *end = text + len;

	while (p < end) {
		const char *item = p, *after;

		if (*p == '\\') {
			if (check_escape(text, p, end, false, err) < 0)
				return -1;
			p += 2;
			if (item[1] == 'Q') {
				const char *close = memmem(p, (size_t)(end - p), "\\E", 2);

				p = close ? close + 2 : end;
			}
		} else if (*p == '[') {
			p = skip_class(text, p, end, err);
			if (!p)
				return -1;
		} else if (*p == '(' && p + 1 < end && p[1] == '*') {
			return refuse(err, text, (size_t)(p + 1 - text),
				      "missing argument to repetition operator");
		} else if (*p == '(' && p + 1 < end && p[1] == '?') {
			if (!group_known(p + 2, end))
				return refuse(err, text, (size_t)(p - text),
					      "invalid or unsupported Perl syntax");
			p += 2;
			after = skip_flags(p, end);
			p = after ? after : p + 1;
			continue;
		} else {
			p++;
			if (strchr("(|", *item))
				continue;
		}
		after = skip_repeat(p, end);
		if (after > p && skip_repeat(after, end) > after)
			return refuse(err, text, (size_t)(p - text),
				      "invalid nested repetition operator");
		p = after;
	}
	return 0;
}

struct pattern *pattern_new(const char *text, size_t len, struct error **err)
{
	pcre2_compile_context *options;
	struct pattern *p;
	PCRE2_SIZE at = 0;
	int code = 0;

	if (len > PATTERN_MAX_BYTES) {
		error_set(err, E_TOO_LARGE, "a regular expression of more than %d bytes",
			  PATTERN_MAX_BYTES);
		return NULL;
	}
	if (check_syntax(text, len, err) < 0)
		return NULL;
	p = xcalloc(1, sizeof(*p));
	options = pcre2_compile_context_create(NULL);
	pcre2_set_newline(options, PCRE2_NEWLINE_LF);
	p->code = pcre2_compile((PCRE2_SPTR)text, len,
				PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C, &code,
				&at, options);
	pcre2_compile_context_free(options);
	if (!p->code) {
		char why[256] = "";

		pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof(why));
		refuse(err, text, at, why);
		return pattern_free(p);
	}
	p->limits = pcre2_match_context_create(NULL);
	pcre2_set_match_limit(p->limits, MAX_STEPS);
	pcre2_set_heap_limit(p->limits, MAX_HEAP_KIB);
	return p;
}

struct pattern *pattern_free(struct pattern *p)
{
	if (!p)
		return NULL;
	pcre2_code_free(p->code);
	pcre2_match_context_free(p->limits);
	free(p);
	return NULL;
}

int pattern_find(const struct pattern *p, const char *text, size_t len, size_t from,
		 struct pattern_match *match, struct error **err)
{
	pcre2_match_data *found = pcre2_match_data_create(1, NULL);
	int rc = pcre2_match(p->code, (PCRE2_SPTR)text, len, from, 0, found, p->limits);
	PCRE2_SIZE *at = pcre2_get_ovector_pointer(found);

	if (rc >= 0 && match)
		*match = (struct pattern_match){at[0], at[1]};
	pcre2_match_data_free(found);
	if (rc >= 0)
		return 1;
	if (rc == PCRE2_ERROR_NOMATCH)
		return 0;
	if (rc <= PCRE2_ERROR_UTF8_ERR1 && rc >= PCRE2_ERROR_UTF8_ERR21)
		return error_set(err, E_BAD_REQUEST, "the text to search is not UTF-8");
	return error_set(err, E_TOO_LARGE, "the search for a regular expression took too long");
}
