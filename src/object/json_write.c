#include "object/json.h"
#include "object/unicode.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>

/* A key, read rune by rune. Bytes that are no UTF-8 stand for themselves. */
static size_t rune_at(const char *p, size_t left, unsigned *rune)
{
	size_t n = utf8_length(p, left);

	*rune = n ? utf8_decode(p, n) : 0x110000u + (unsigned char)*p;
	return n ? n : 1;
}

/* The value of the run of digits at P; wraps around as Go's int64 does. */
static uint64_t digits_value(const char *p, size_t left, uint64_t value, size_t *runes)
{
	unsigned rune;

	for (*runes = 0; left; (*runes)++) {
		size_t n = rune_at(p, left, &rune);

		if (!unicode_is_digit(rune))
			break;
		value = value * 10 + rune - '0';
		p += n;
		left -= n;
	}
	return value;
}

/* Whether the digits that end before POS of A hold one that is not '0'. */
static bool after_nonzero_digit(const char *a, size_t pos)
{
	unsigned rune;

	while (pos) {
		size_t start = pos - 1;

		while (start && pos - start < 4 && ((unsigned char)a[start] & 0xc0) == 0x80)
			start--;
		rune_at(a + start, pos - start, &rune);
		if (!unicode_is_digit(rune))
			return false;
		if (rune != '0')
			return true;
		pos = start;
	}
	return false;
}

/* A and B differ in the runes at POS, and neither of these is a letter. */
static int compare_digits(const char *a, size_t a_len, const char *b, size_t b_len, size_t pos,
			  unsigned a_rune, unsigned b_rune)
{
	bool tail = (a_rune == '0' || b_rune == '0') && after_nonzero_digit(a, pos);
	size_t a_runes, b_runes;
	int64_t a_value = (int64_t)digits_value(a + pos, a_len - pos, tail, &a_runes);
	int64_t b_value = (int64_t)digits_value(b + pos, b_len - pos, tail, &b_runes);

	if (a_value != b_value)
		return a_value < b_value ? -1 : 1;
	if (a_runes != b_runes)
		return a_runes < b_runes ? -1 : 1;
	return a_rune < b_rune ? -1 : 1;
}

/* Nearly all keys differ in two letters of ASCII. */
static bool is_plain_letter(char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

int json_key_compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t n = MIN(a_len, b_len), i = 0;
	unsigned a_rune, b_rune;
	bool a_letter, b_letter;

	while (i < n && a[i] == b[i])
		i++;
	if (i < n && is_plain_letter(a[i]) && is_plain_letter(b[i]))
		return a[i] < b[i] ? -1 : 1;
	if (i < n)
		while (i && ((unsigned char)a[i] & 0xc0) == 0x80)
			i--;
	if (i == a_len || i == b_len)
		return a_len < b_len ? -1 : a_len > b_len;
	rune_at(a + i, a_len - i, &a_rune);
	rune_at(b + i, b_len - i, &b_rune);
	if (a_rune == b_rune)
		return a_len < b_len ? -1 : 1;
	a_letter = unicode_is_letter(a_rune);
	b_letter = unicode_is_letter(b_rune);
	if (a_letter && b_letter)
		return a_rune < b_rune ? -1 : 1;
	if (a_letter || b_letter)
		return b_letter ? -1 : 1;
	return compare_digits(a, a_len, b, b_len, i, a_rune, b_rune);
}

/* What a byte of a string needs: 0 nothing, 'u' a \u00xx, else the letter after the backslash. */
static const char escapes[256] = {
	['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r',
	['\t'] = 't', [0] = 'u',     [1] = 'u',	   [2] = 'u',	 [3] = 'u',    [4] = 'u',
	[5] = 'u',    [6] = 'u',     [7] = 'u',	   [11] = 'u',	 [14] = 'u',   [15] = 'u',
	[16] = 'u',   [17] = 'u',    [18] = 'u',   [19] = 'u',	 [20] = 'u',   [21] = 'u',
	[22] = 'u',   [23] = 'u',    [24] = 'u',   [25] = 'u',	 [26] = 'u',   [27] = 'u',
	[28] = 'u',   [29] = 'u',    [30] = 'u',   [31] = 'u',
};

/* The rest of a string, from the first byte on that needs an escape. */
static void write_escaped(const char *s, const char *end, struct str *out)
{
	const char *start = s;

	for (; s < end; s++) {
		char escape = escapes[(unsigned char)*s];

		if (!escape)
			continue;
		str_add(out, start, (size_t)(s - start));
		start = s + 1;
		if (escape == 'u') {
			str_addf(out, "\\u%04x", (unsigned char)*s);
		} else {
			str_addc(out, '\\');
			str_addc(out, escape);
		}
	}
	str_add(out, start, (size_t)(s - start));
	str_addc(out, '"');
}

/* With LEAD, where it is not 0, before the quote, and TAIL behind the other one. */
static void write_string(char lead, const char *s, size_t len, char tail, struct str *out)
{
	size_t plain = 0;
	char *p;

	str_grow(out, len + 4);
	p = out->s + out->len;
	if (lead)
		*p++ = lead;
	*p++ = '"';
	for (; plain < len && !escapes[(unsigned char)s[plain]]; plain++)
		p[plain] = s[plain];
	p += plain;
	if (plain < len) {
		*p = '\0';
		out->len = (size_t)(p - out->s);
		write_escaped(s + plain, s + len, out);
		if (tail)
			str_addc(out, tail);
		return;
	}
	*p++ = '"';
	if (tail)
		*p++ = tail;
	*p = '\0';
	out->len = (size_t)(p - out->s);
}

void json_write_string(const char *s, size_t len, struct str *out)
{
	write_string('\0', s, len, '\0', out);
}

size_t json_shortest_digits(double value, char digits[JSON_REAL_DIGITS + 1], int *exponent)
{
	char text[40];
	size_t n = 0;

	/* The fewest digits that read back as the same number. */
	for (int precision = 0; precision < JSON_REAL_DIGITS; precision++) {
		snprintf(text, sizeof(text), "%.*e", precision, fabs(value));
		if (strtod(text, NULL) == fabs(value))
			break;
	}
	*exponent = atoi(strchr(text, 'e') + 1);
	for (const char *p = text; *p != 'e'; p++)
		if (*p >= '0' && *p <= '9')
			digits[n++] = *p;
	digits[n] = '\0';
	return n;
}

/* Positional notation up to 1e21, as Go's encoding/json writes a float64. */
static void write_real(double value, struct str *out)
{
	char digits[JSON_REAL_DIGITS + 1];
	double size = fabs(value);
	int exponent;
	size_t n;

	if (value < 0) /* minus zero is the integer 0 to whoever reads it back */
		str_addc(out, '-');
	n = json_shortest_digits(value, digits, &exponent);
	if (size != 0 && (size < 1e-6 || size >= 1e21)) {
		str_addc(out, digits[0]);
		if (n > 1)
			str_addf(out, ".%s", digits + 1);
		str_addf(out, "e%c%d", exponent < 0 ? '-' : '+', abs(exponent));
	} else if (exponent < 0) {
		str_adds(out, "0.");
		str_addn(out, '0', (size_t)(-exponent - 1));
		str_adds(out, digits);
	} else if ((size_t)exponent + 1 >= n) {
		str_adds(out, digits);
		str_addn(out, '0', (size_t)exponent + 1 - n);
	} else {
		str_add(out, digits, (size_t)exponent + 1);
		str_addf(out, ".%s", digits + exponent + 1);
	}
}

static void write_value(const json_t *value, struct str *out);

struct member {
	const char *key;
	size_t len;
	const json_t *value;
};

static int compare_members(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	return json_key_compare(x->key, x->len, y->key, y->len);
}

static bool in_order(const struct member *m, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (compare_members(&m[i - 1], &m[i]) > 0)
			return false;
	return true;
}

/*
 * Most maps are small, or in order already because they came from canonical bytes. The order has
 * cycles ("991" < "9a" < "11" < "991"), so a map whose neighbours are in order must be left alone:
 * sorting it once more could give another sequence. Merging, as glibc's qsort does, ends in such a
 * map too.
 */
static void sort_members(struct member *m, size_t n)
{
	if (n > 32) {
		if (!in_order(m, n))
			qsort(m, n, sizeof(*m), compare_members);
		return;
	}
	for (size_t i = 1; i < n; i++) {
		struct member moved = m[i];
		size_t j = i;

		for (; j && compare_members(&m[j - 1], &moved) > 0; j--)
			m[j] = m[j - 1];
		m[j] = moved;
	}
}

static void write_object(const json_t *object, struct str *out)
{
	struct member few[32], *m = few;
	size_t n = json_object_size(object), i = 0;
	json_t *unlocked = (json_t *)(uintptr_t)object; /* jansson's iterators take no const */

	if (!n) {
		str_add(out, "{}", 2);
		return;
	}
	if (n > ARRAY_SIZE(few))
		m = xreallocarray(NULL, n, sizeof(*m));
	for (void *it = json_object_iter(unlocked); it; it = json_object_iter_next(unlocked, it))
		m[i++] = (struct member){json_object_iter_key(it), json_object_iter_key_len(it),
					 json_object_iter_value(it)};
	sort_members(m, n);
	for (i = 0; i < n; i++) {
		write_string(i ? ',' : '{', m[i].key, m[i].len, ':', out);
		write_value(m[i].value, out);
	}
	str_addc(out, '}');
	if (m != few)
		free(m);
}

static void write_array(const json_t *array, struct str *out)
{
	str_addc(out, '[');
	for (size_t i = 0; i < json_array_size(array); i++) {
		if (i)
			str_addc(out, ',');
		write_value(json_array_get(array, i), out);
	}
	str_addc(out, ']');
}

static void write_value(const json_t *value, struct str *out)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		write_object(value, out);
		break;
	case JSON_ARRAY:
		write_array(value, out);
		break;
	case JSON_STRING:
		json_write_string(json_string_value(value), json_string_length(value), out);
		break;
	case JSON_INTEGER:
		str_addi(out, json_integer_value(value));
		break;
	case JSON_REAL:
		write_real(json_real_value(value), out);
		break;
	case JSON_TRUE:
		str_adds(out, "true");
		break;
	case JSON_FALSE:
		str_adds(out, "false");
		break;
	case JSON_NULL:
		str_adds(out, "null");
		break;
	}
}

void json_write(const json_t *tree, struct str *out)
{
	write_value(tree, out);
}

static int add_text(const char *text, size_t len, void *out)
{
	str_add(out, text, len);
	return 0;
}

char *json_to_text(const json_t *tree, size_t flags)
{
	struct str out = STR_INIT;

	json_dump_callback(tree, add_text, &out, flags | JSON_ENCODE_ANY);
	return str_take(&out);
}
