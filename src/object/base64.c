#include "object/base64.h"
#include "base/mem.h"

#include <stdint.h>
#include <string.h>

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

struct alphabet {
	const char *letters;
	bool padded, breaks;
};
static const struct alphabet standard = {LETTERS "+/", true, true};
static const struct alphabet url = {LETTERS "-_", false, false};

/* The six bits of C, or -1. */
static int value_of(const struct alphabet *a, char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == a->letters[62] ? 62 : c == a->letters[63] ? 63 : -1;
}

static size_t skip_breaks(const struct alphabet *a, const char *text, size_t len, size_t i)
{
	while (a->breaks && i < len && (text[i] == '\n' || text[i] == '\r'))
		i++;
	return i;
}

/* What follows the last letter, of which there were IN_GROUP in its group of four. */
static bool ends_well(const struct alphabet *a, const char *text, size_t len, size_t i,
		      unsigned in_group)
{
	if (in_group == 1)
		return false;
	for (; a->padded && in_group % 4; in_group++) {
		i = skip_breaks(a, text, len, i);
		if (i == len || text[i++] != '=')
			return false;
	}
	return skip_breaks(a, text, len, i) == len;
}

static bool decode(const struct alphabet *a, const char *text, size_t len, struct str *out)
{
	size_t before = out->len, i;
	uint32_t bits = 0;
	unsigned in_group = 0;

	str_grow(out, len / 4 * 3 + 3);
	for (i = 0; (i = skip_breaks(a, text, len, i)) < len; i++) {
		int v = value_of(a, text[i]);

		if (v < 0)
			break;
		bits = bits << 6 | (uint32_t)v;
		if (in_group)
			str_addc(out, (char)(bits >> (6 - 2 * in_group) & 0xff));
		in_group = (in_group + 1) % 4;
	}
	if (ends_well(a, text, len, i, in_group))
		return true;
	str_truncate(out, before);
	return false;
}

static void encode(const struct alphabet *a, const unsigned char *p, size_t len, struct str *out)
{
	str_grow(out, (len + 2) / 3 * 4);
	for (; len; p += MIN(len, 3), len -= MIN(len, 3)) {
		uint32_t bits = (uint32_t)p[0] << 16 | (uint32_t)(len > 1 ? p[1] : 0) << 8 |
				(len > 2 ? p[2] : 0);
		unsigned letters = len > 2 ? 4 : (unsigned)len + 1;

		for (unsigned i = 0; i < letters; i++)
			str_addc(out, a->letters[bits >> (18 - 6 * i) & 63]);
		str_addn(out, '=', a->padded ? 4 - letters : 0);
	}
}

bool base64_decode(const char *text, size_t len, struct str *out)
{
	return decode(&standard, text, len, out);
}

void base64_encode(const void *bytes, size_t len, struct str *out)
{
	encode(&standard, bytes, len, out);
}

bool base64url_decode(const char *text, size_t len, struct str *out)
{
	return decode(&url, text, len, out);
}

void base64url_encode(const void *bytes, size_t len, struct str *out)
{
	encode(&url, bytes, len, out);
}
