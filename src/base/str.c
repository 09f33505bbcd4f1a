#include "base/str.h"
#include "base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

char str_empty[1];

void str_init(struct str *s)
{
	*s = (struct str)STR_INIT;
}

void str_release(struct str *s)
{
	if (s->cap)
		free(s->s);
	str_init(s);
}

void str_wipe(struct str *s)
{
	explicit_bzero(s->s, s->cap);
	str_release(s);
}

void str_reset(struct str *s)
{
	s->len = 0;
	if (s->cap)
		s->s[0] = '\0';
}

void str_enlarge(struct str *s, size_t extra)
{
	size_t need = s->len + extra + 1;
	size_t cap = MAX(need, 32);

	assert(need > extra);
	cap = MAX(cap, s->cap * 2);
	s->s = xrealloc(s->cap ? s->s : NULL, cap);
	s->cap = cap;
	s->s[s->len] = '\0';
}

void str_add(struct str *s, const char *bytes, size_t len)
{
	if (!len)
		return;
	str_grow(s, len);
	memcpy(s->s + s->len, bytes, len);
	s->len += len;
	s->s[s->len] = '\0';
}

void str_addn(struct str *s, char c, size_t count)
{
	str_grow(s, count);
	memset(s->s + s->len, c, count);
	s->len += count;
	s->s[s->len] = '\0';
}

void str_addv(struct str *s, const char *format, va_list ap)
{
	va_list again;
	int n;

	str_grow(s, 64);
	va_copy(again, ap);
	n = vsnprintf(s->s + s->len, s->cap - s->len, format, ap);
	if (n > 0 && (size_t)n >= s->cap - s->len) {
		str_grow(s, (size_t)n);
		n = vsnprintf(s->s + s->len, s->cap - s->len, format, again);
	}
	va_end(again);
	if (n > 0)
		s->len += (size_t)n;
}

void str_addi(struct str *s, int64_t value)
{
	uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
	char text[20], *p = text + sizeof(text);

	do
		*--p = (char)('0' + rest % 10);
	while (rest /= 10);
	if (value < 0)
		*--p = '-';
	str_add(s, p, (size_t)(text + sizeof(text) - p));
}

void str_addf(struct str *s, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	str_addv(s, format, ap);
	va_end(ap);
}

/* No overlong forms, no surrogates. */
size_t utf8_length(const char *text, size_t left)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned lo = 0x80, hi = 0xbf;
	size_t n, i;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		n = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (left < n)
		return 0;
	if (p[0] == 0xe0)
		lo = 0xa0;
	else if (p[0] == 0xed)
		hi = 0x9f;
	else if (p[0] == 0xf0)
		lo = 0x90;
	else if (p[0] == 0xf4)
		hi = 0x8f;
	for (i = 1; i < n; i++, lo = 0x80, hi = 0xbf)
		if (p[i] < lo || p[i] > hi)
			return 0;
	return n;
}

unsigned utf8_decode(const char *p, size_t len)
{
	static const unsigned char first_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	unsigned code_point = (unsigned char)p[0] & first_bits[len];

	for (size_t i = 1; i < len; i++)
		code_point = code_point << 6 | ((unsigned char)p[i] & 0x3f);
	return code_point;
}

size_t utf8_encode(unsigned code_point, char *p)
{
	size_t n = code_point < 0x80 ? 1 : code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
	static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = n - 1; i > 0; i--, code_point >>= 6)
		p[i] = (char)(0x80 | (code_point & 0x3f));
	p[0] = (char)(first[n] | code_point);
	return n;
}

void str_add_quoted(struct str *s, const char *text)
{
	static const char named[] = "\a\b\f\n\r\t\v\"\\", names[] = "abfnrtv\"\\";

	str_addc(s, '"');
	for (; *text; text++) {
		const char *at = strchr(named, *text);

		if (at)
			str_addf(s, "\\%c", names[at - named]);
		else if ((unsigned char)*text < ' ' || *text == 0x7f)
			str_addf(s, "\\x%02x", (unsigned char)*text);
		else
			str_addc(s, *text);
	}
	str_addc(s, '"');
}

void str_add_escaped(struct str *s, const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + len;

	while (p < end) {
		size_t n = utf8_length((const char *)p, (size_t)(end - p));
		/* C1 controls (U+0080 to U+009F) reach some terminals as commands. */
		int c1 = n == 2 && p[0] == 0xc2 && p[1] < 0xa0;

		if (!n || c1 || *p < 0x20 || *p == 0x7f || *p == '\\') {
			str_addf(s, "\\x%02x", *p);
			p++;
		} else {
			str_add(s, (const char *)p, n);
			p += n;
		}
	}
}

void str_truncate(struct str *s, size_t len)
{
	assert(len <= s->len);
	s->len = len;
	if (s->cap)
		s->s[len] = '\0';
}

char *str_take(struct str *s)
{
	char *bytes = s->cap ? s->s : xcalloc(1, 1);

	str_init(s);
	return bytes;
}
