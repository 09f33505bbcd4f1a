#include "http/http.h"

#include <ctype.h>
#include <string.h>

#define MAX_WARNINGS 100

static const char *skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p;
}

/* A quoted-string at P: its text to OUT, and what follows it. NULL when there is none. */
static const char *read_quoted(const char *p, const char *end, struct str *out)
{
	if (p == end || *p != '"')
		return NULL;
	for (p++; p < end && *p != '"'; p++) {
		if (*p == '\\' && p + 1 < end)
			p++;
		str_addc(out, *p);
	}
	return p < end ? p + 1 : NULL;
}

static const char *skip_word(const char *p, const char *end)
{
	while (p < end && *p != ' ' && *p != '\t')
		p++;
	return skip_space(p, end);
}

/* Only code 299 concerns an API client; the rest is about caches. */
void http_parse_warning(const char *value, size_t len, struct warnings *out)
{
	const char *p = value, *end = value + len;

	while (p && p < end && out->n < MAX_WARNINGS) {
		struct str text CLEANUP(str_release) = STR_INIT;
		struct str date CLEANUP(str_release) = STR_INIT;
		bool relevant;

		p = skip_space(p, end);
		relevant = end - p > 4 && !memcmp(p, "299 ", 4);
		p = skip_word(p, end);
		p = skip_word(p, end);
		p = read_quoted(p, end, &text);
		if (p && relevant)
			warnings_add(out, "%s", text.s);
		if (!p)
			return;
		p = skip_space(p, end);
		if (p < end && *p == '"')
			p = read_quoted(p, end, &date);
		p = p ? memchr(p, ',', (size_t)(end - p)) : NULL;
		if (p)
			p++;
	}
}

int http_parse_retry_after(const char *value, size_t len)
{
	const char *p = skip_space(value, value + len), *end = value + len;
	int seconds = 0;

	if (p == end || !isdigit((unsigned char)*p))
		return 0;
	for (; p < end && isdigit((unsigned char)*p); p++)
		seconds = MIN(seconds * 10 + (*p - '0'), 3600);
	return seconds;
}

void http_encode(const char *text, struct str *out)
{
	for (const char *p = text; *p; p++) {
		unsigned char c = (unsigned char)*p;

		if (isalnum(c) || strchr("-._~", c))
			str_addc(out, *p);
		else
			str_addf(out, "%%%02X", c);
	}
}
