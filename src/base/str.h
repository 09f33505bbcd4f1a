/*
 * A growing byte string, always NUL-terminated, that may hold NUL bytes.
 *
 *	struct str s CLEANUP(str_release) = STR_INIT;
 *	str_addf(&s, "%s/%s", namespace, name);
 *
 * Invariant: s.s[s.len] == '\0' and s.s is never NULL. Threads: one owner at a time.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	char *s;
	size_t len;
	size_t cap; /* 0 while s points at the shared empty string */
};

extern char str_empty[];
#define STR_INIT               \
	{                      \
		.s = str_empty \
	}

void str_init(struct str *s);
void str_release(struct str *s);
/* The same for a secret: its bytes are overwritten first. */
void str_wipe(struct str *s);
/* Empties S and keeps its memory. */
void str_reset(struct str *s);
/* What str_grow does where there is not enough. */
void str_enlarge(struct str *s, size_t extra);
/* Room for EXTRA more bytes and the NUL. Nearly always there is, so that the question is inline, as
 * appending a word or a sign of punctuation is. */
static inline void str_grow(struct str *s, size_t extra)
{
	if (extra >= s->cap - s->len)
		str_enlarge(s, extra);
}
void str_add(struct str *s, const char *bytes, size_t len);
static inline void str_adds(struct str *s, const char *text)
{
	str_add(s, text, strlen(text));
}
static inline void str_addc(struct str *s, char c)
{
	str_grow(s, 1);
	s->s[s->len++] = c;
	s->s[s->len] = '\0';
}
void str_addn(struct str *s, char c, size_t count);
/* VALUE in decimal. */
void str_addi(struct str *s, int64_t value);
void str_addf(struct str *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void str_addv(struct str *s, const char *format, va_list ap) __attribute__((format(printf, 2, 0)));
/* TEXT with control characters, backslash and invalid UTF-8 as \xNN: safe to print. */
void str_add_escaped(struct str *s, const char *text, size_t len);
/* TEXT in double quotes, escaped as Go's %q does for what is no letter. */
void str_add_quoted(struct str *s, const char *text);
/* Length of the valid UTF-8 sequence at P (LEFT bytes, at least 1), or 0 (RFC 3629). */
size_t utf8_length(const char *p, size_t left);
/* The code point of the sequence at P, which utf8_length found to be LEN bytes long. */
unsigned utf8_decode(const char *p, size_t len);
/* Writes CODE_POINT at P (4 bytes of room); returns how many bytes. */
size_t utf8_encode(unsigned code_point, char *p);
/* Shortens S to LEN bytes. */
void str_truncate(struct str *s, size_t len);
/* Takes the bytes out, to be freed by the caller; S is empty afterwards. */
char *str_take(struct str *s);

#endif
