#include "base/str.h"
#include "cel/convert.h"
#include "cel/syntax.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool starts_name(char c)
{
	return isalpha((unsigned char)c) || c == '_';
}

static size_t skip_blank(const char *text, size_t at)
{
	while (true) {
		at += strspn(text + at, " \t\r\n\f");
		if (text[at] != '/' || text[at + 1] != '/')
			return at;
		at += strcspn(text + at, "\n");
	}
}

/* The value of N hexadecimal (or octal) digits at P, or -1. */
static long code_digits(const char *p, int n, int base)
{
	long code = 0;

	for (int i = 0; i < n; i++) {
		int c = tolower((unsigned char)p[i]);
		int digit = isdigit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;

		if (digit >= base)
			return -1;
		code = code * base + digit;
	}
	return code;
}

/* The escape at P, behind its backslash: adds what it stands for; its length, 0 when malformed. */
static size_t add_escape(struct str *out, const char *p, bool bytes)
{
	static const char plain[] = "abfnrtv\\'\"`?";
	static const char meant[] = "\a\b\f\n\r\t\v\\'\"`?";
	const char *found = *p ? strchr(plain, *p) : NULL;
	char utf8[4];
	long code = -1;
	size_t len = 0;

	if (found) {
		str_addc(out, meant[found - plain]);
		return 1;
	}
	if (*p == 'x' || *p == 'X')
		len = 3;
	else if (*p == 'u' && !bytes)
		len = 5;
	else if (*p == 'U' && !bytes)
		len = 9;
	if (len)
		code = code_digits(p + 1, (int)len - 1, 16);
	else if (*p >= '0' && *p <= '3')
		code = code_digits(p, (int)(len = 3), 8);
	if (code < 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	if (bytes)
		str_addc(out, (char)code);
	else
		str_add(out, utf8, utf8_encode((unsigned)code, utf8));
	return len;
}

/* A string at AT: prefixes r and b, quotes of one or three. */
static int lex_string(struct arena *a, const char *text, size_t at, struct token *out,
		      struct error **err)
{
	struct str s CLEANUP(str_release) = STR_INIT;
	bool raw = false, bytes = false;
	const char *p = text + at;
	char quote[4] = "";

	for (; *p != '"' && *p != '\''; p++) {
		raw = raw || tolower((unsigned char)*p) == 'r';
		bytes = bytes || tolower((unsigned char)*p) == 'b';
	}
	memset(quote, *p, p[1] == *p && p[2] == *p ? 3 : 1);
	p += strlen(quote);
	while (!str_has_prefix(p, quote)) {
		size_t len = 1;

		if (!*p || (!quote[1] && *p == '\n'))
			return cel_error_at(err, text, at, "Syntax error: a string without an end");
		if (*p == '\\' && !raw) {
			len = add_escape(&s, p + 1, bytes);
			if (!len)
				return cel_error_at(err, text, (size_t)(p - text),
						    "Syntax error: unable to unescape string");
			p += 1 + len;
			continue;
		}
		/* The quote that a raw string escapes stays in it with its backslash. */
		if (*p == '\\' && p[1])
			str_addc(&s, *p++);
		str_addc(&s, *p++);
	}
	p += strlen(quote);
	out->kind = TOKEN_LITERAL;
	out->len = (size_t)(p - text) - at;
	out->literal = cel_text(a, s.s, s.len);
	out->literal.kind = bytes ? CEL_BYTES : CEL_STRING;
	return 0;
}

static int lex_number(struct arena *a, const char *text, size_t at, struct token *out,
		      struct error **err)
{
	const char *p = text + at;
	bool hex = p[0] == '0' && (p[1] == 'x' || p[1] == 'X'), real = false;
	size_t n = hex ? 2 : 0;
	char *number;

	while (hex ? isxdigit((unsigned char)p[n]) : isdigit((unsigned char)p[n]))
		n++;
	if (!hex && p[n] == '.' && isdigit((unsigned char)p[n + 1]))
		for (real = true, n++; isdigit((unsigned char)p[n]);)
			n++;
	if (!hex && (p[n] == 'e' || p[n] == 'E')) {
		size_t sign = p[n + 1] == '+' || p[n + 1] == '-';

		if (isdigit((unsigned char)p[n + 1 + sign]))
			for (real = true, n += 1 + sign; isdigit((unsigned char)p[n]);)
				n++;
	}
	number = arena_copy(a, p, n);
	out->kind = TOKEN_LITERAL;
	out->len = n;
	errno = 0;
	if (real) {
		out->literal = cel_double(strtod(number, NULL));
	} else {
		out->literal = cel_uint(strtoull(number, NULL, hex ? 16 : 10));
		if (tolower((unsigned char)p[n]) == 'u')
			out->len++;
		else
			/* The parser makes an int of it, where it knows of a sign before it. */
			out->literal.kind = CEL_INT;
	}
	if (errno && !real)
		return cel_error_at(err, text, at, "Syntax error: invalid int literal");
	if (starts_name(text[at + out->len]))
		return cel_error_at(err, text, at, "Syntax error: a name right behind a number");
	return 0;
}

/* Whether the letters at P are the prefix of a string. */
static bool starts_string(const char *p)
{
	size_t n = strspn(p, "rRbB");

	if (n == 2 && tolower((unsigned char)p[0]) == tolower((unsigned char)p[1]))
		return false;
	return n <= 2 && (p[n] == '"' || p[n] == '\'');
}

int cel_lex(struct arena *a, const char *text, size_t at, struct token *out, struct error **err)
{
	static const char *const pairs[] = {"==", "!=", "<=", ">=", "&&", "||", ".?", "[?"};
	const char *p;

	at = skip_blank(text, at);
	p = text + at;
	*out = (struct token){.kind = TOKEN_END, .at = at};
	if (!*p)
		return 0;
	if (starts_string(p))
		return lex_string(a, text, at, out, err);
	if (isdigit((unsigned char)*p) || (*p == '.' && isdigit((unsigned char)p[1])))
		return lex_number(a, text, at, out, err);
	if (starts_name(*p)) {
		out->kind = TOKEN_NAME;
		while (starts_name(p[out->len]) || isdigit((unsigned char)p[out->len]))
			out->len++;
		return 0;
	}
	out->kind = TOKEN_OPERATOR;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		if (str_has_prefix(p, pairs[i]))
			out->len = 2;
	if (out->len)
		return 0;
	if (!strchr("+-*/%<>!?:.,()[]{}", *p))
		return cel_error_at(err, text, at, "Syntax error: token recognition error at: '%c'",
				    isprint((unsigned char)*p) ? *p : '?');
	out->len = 1;
	return 0;
}

/* What no one would want to see again as a whole. */
#define LINE_MAX_BYTES 16384

/* The line, and under it a mark at COLUMN; wide characters get wide dots. */
static void draw_line(struct str *out, const char *line, size_t len, size_t column)
{
	struct str under CLEANUP(str_release) = STR_INIT;
	size_t i = 0, size;

	for (size_t n = 0; n < column && i < len; n++, i += size) {
		size = MAX(utf8_length(line + i, len - i), (size_t)1);
		str_adds(&under, size > 1 ? "\uff0e" : ".");
	}
	size = i < len ? utf8_length(line + i, len - i) : 1;
	str_adds(&under, size > 1 ? "\uff3e" : "^");
	str_adds(out, "\n | ");
	for (i = 0; i < len; i++)
		str_addc(out, line[i] == '\t' ? ' ' : line[i]);
	str_addf(out, "\n | %s", under.s);
}

int cel_error_at(struct error **err, const char *text, size_t at, const char *format, ...)
{
	struct str said CLEANUP(str_release) = STR_INIT;
	char why[CEL_FAIL_TEXT];
	size_t line = 1, column = 0, begin = 0, len;
	va_list ap;

	for (size_t i = 0; i < at; i++) {
		/* Of a character of several bytes the first counts. */
		column += ((unsigned char)text[i] & 0xc0) != 0x80;
		if (text[i] != '\n')
			continue;
		line++;
		column = 0;
		begin = i + 1;
	}
	va_start(ap, format);
	vsnprintf(why, sizeof(why), format, ap);
	va_end(ap);
	str_addf(&said, "ERROR: <input>:%zu:%zu: %s", line, column + 1, why);
	len = strcspn(text + begin, "\n");
	if (len <= LINE_MAX_BYTES)
		draw_line(&said, text + begin, len, column);
	return error_set(err, E_INVALID, "%s", said.s);
}
