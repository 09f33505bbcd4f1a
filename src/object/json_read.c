#include "object/json.h"

#include <errno.h>
#include <math.h>

/*
 * Our own parser over jansson's trees: jansson's refuses integers that Go reads as floats, has no
 * bound on nodes, and names no reason that a user could act on.
 */
struct reader {
	const char *text, *p, *end;
	unsigned depth;
	size_t nodes;
	struct str buffer;  /* of a string with escapes */
	json_t *duplicates; /* NULL: nobody asks */
	const struct place *place;
	struct error **err;
};

/* Where the reader is, innermost first. */
struct place {
	const struct place *outer;
	const char *key; /* NULL: an element */
	size_t len, index;
};

static void place_write(const struct place *place, struct str *out)
{
	if (!place)
		return;
	place_write(place->outer, out);
	if (place->key)
		str_addf(out, "%s%.*s", out->len ? "." : "", (int)place->len, place->key);
	else
		str_addf(out, "[%zu]", place->index);
}

static json_t *fail(struct reader *r, enum error_code code, const char *what)
{
	size_t line = 1, column = 1;

	for (const char *p = r->text; p < r->p && p < r->end; p++) {
		column = *p == '\n' ? 1 : column + 1;
		line += *p == '\n';
	}
	error_set(r->err, code, "line %zu, column %zu: %s", line, column, what);
	return NULL;
}

static void skip_space(struct reader *r)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\t' || *r->p == '\r'))
		r->p++;
}

static bool take(struct reader *r, char c)
{
	skip_space(r);
	if (r->p == r->end || *r->p != c)
		return false;
	r->p++;
	return true;
}

/* The code unit of the \uXXXX at P, which has its backslash and u; -1: malformed. */
static int hex4(const char *p, const char *end)
{
	int value = 0;

	if (end - p < 6)
		return -1;
	for (int i = 2; i < 6; i++) {
		char c = p[i];

		if (c >= '0' && c <= '9')
			value = value << 4 | (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			value = value << 4 | ((c | 0x20) - 'a' + 10);
		else
			return -1;
	}
	return value;
}

size_t json_unescape(const char **p, const char *end, char out[4])
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *s = *p, *simple;
	int high, low;

	if (end - s < 2)
		return 0;
	if (s[1] != 'u') {
		simple = s[1] ? strchr(from, s[1]) : NULL;
		if (!simple)
			return 0;
		out[0] = to[simple - from];
		*p += 2;
		return 1;
	}
	high = hex4(s, end);
	if (high < 0)
		return 0;
	*p += 6;
	if (high < 0xd800 || high > 0xdfff)
		return utf8_encode((unsigned)high, out);
	low = end - *p >= 2 && (*p)[0] == '\\' && (*p)[1] == 'u' ? hex4(*p, end) : -1;
	if (high > 0xdbff || low < 0xdc00 || low > 0xdfff)
		return utf8_encode(0xfffd, out); /* half of a pair, as Go reads it */
	*p += 6;
	return utf8_encode(0x10000 + ((unsigned)(high - 0xd800) << 10) + (unsigned)(low - 0xdc00),
			   out);
}

/* What does not stand for itself in a string. */
static const bool special[256] = {
	[0x00 ... 0x1f] = true,
	['"'] = true,
	['\\'] = true,
	[0x80 ... 0xff] = true,
};

static const char *skip_plain(const char *p, const char *end)
{
	while (p < end && !special[(unsigned char)*p])
		p++;
	return p;
}

/* The text of a string with escapes or beyond ASCII: START is behind its opening quote. */
static bool read_mixed(struct reader *r, const char *start, struct span *text)
{
	const char *after = start;
	bool escaped = false;
	size_t n;

	str_reset(&r->buffer);
	while ((r->p = skip_plain(r->p, r->end)) < r->end && *r->p != '"') {
		unsigned char c = (unsigned char)*r->p;

		if (c == '\\') {
			char out[4];

			str_add(&r->buffer, after, (size_t)(r->p - after));
			n = json_unescape(&r->p, r->end, out);
			if (!n)
				return fail(r, E_BAD_REQUEST, "invalid escape in a string");
			str_add(&r->buffer, out, n);
			after = r->p;
			escaped = true;
		} else if (c < 0x20) {
			return fail(r, E_BAD_REQUEST, "control character in a string");
		} else {
			n = utf8_length(r->p, (size_t)(r->end - r->p));
			if (!n)
				return fail(r, E_BAD_REQUEST, "not UTF-8");
			r->p += n;
		}
	}
	if (r->p == r->end)
		return fail(r, E_BAD_REQUEST, "a string has no end");
	if (escaped)
		str_add(&r->buffer, after, (size_t)(r->p - after));
	*text = escaped ? (struct span){r->buffer.s, r->buffer.len}
			: (struct span){start, (size_t)(r->p - start)};
	r->p++;
	return true;
}

/* The text of the string whose opening quote is at r->p: borrowed until the next string. */
static bool read_string(struct reader *r, struct span *text)
{
	const char *start = r->p + 1, *p = skip_plain(start, r->end);

	if (p == r->end || *p != '"') {
		r->p = p;
		return read_mixed(r, start, text);
	}
	*text = (struct span){start, (size_t)(p - start)};
	r->p = p + 1;
	return true;
}

static const char *skip_digits(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

/* The end of the number at P, or NULL; *INTEGER when it has no fraction and no exponent. */
static const char *number_end(const char *p, const char *end, bool *integer)
{
	const char *digits;

	*integer = true;
	if (p < end && *p == '-')
		p++;
	digits = p;
	p = skip_digits(p, end);
	if (p == digits || (*digits == '0' && p - digits > 1))
		return NULL;
	if (p < end && *p == '.') {
		*integer = false;
		digits = ++p;
		p = skip_digits(p, end);
		if (p == digits)
			return NULL;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		*integer = false;
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		digits = p;
		p = skip_digits(p, end);
		if (p == digits)
			return NULL;
	}
	return p;
}

/* Of less than 19 digits: they fit. */
static json_int_t small_integer(const char *text, size_t len)
{
	bool negative = *text == '-';
	json_int_t value = 0;

	for (size_t i = negative; i < len; i++)
		value = value * 10 + (text[i] - '0');
	return negative ? -value : value;
}

json_t *json_number(const char *text, size_t len, bool integer)
{
	char few[64], *copy = few;
	json_t *number = NULL;
	long long value;
	double real;

	if (integer && len < 19)
		return json_integer(small_integer(text, len));
	if (len >= sizeof(few))
		copy = xmalloc(len + 1);
	memcpy(copy, text, len);
	copy[len] = '\0';
	errno = 0;
	if (integer && (value = strtoll(copy, NULL, 10), !errno)) {
		number = json_integer(value);
	} else {
		real = strtod(copy, NULL);
		if (isfinite(real))
			number = json_real(real);
	}
	if (copy != few)
		free(copy);
	return number;
}

static json_t *read_number(struct reader *r)
{
	bool integer;
	const char *end = number_end(r->p, r->end, &integer);
	json_t *number;

	if (!end)
		return fail(r, E_BAD_REQUEST, "not a JSON value");
	number = json_number(r->p, (size_t)(end - r->p), integer);
	if (!number)
		return fail(r, E_BAD_REQUEST, "a number is out of range");
	r->p = end;
	return number;
}

static json_t *read_value(struct reader *r);

static json_t *read_value_at(struct reader *r, const struct place *place)
{
	const struct place *outer = r->place;
	json_t *value;

	r->place = place;
	value = read_value(r);
	r->place = outer;
	return value;
}

/* PLACE is there twice. AT: before what was noted in its value. */
static void note_duplicate(struct reader *r, const struct place *place, size_t at)
{
	struct str path CLEANUP(str_release) = STR_INIT;

	if (at == JSON_MAX_DUPLICATES)
		return;
	place_write(place, &path);
	json_array_insert_new(r->duplicates, at, json_stringn_nocheck(path.s, path.len));
	json_array_remove(r->duplicates, JSON_MAX_DUPLICATES);
}

/* Borrowed from the text, or from *COPY, which the caller frees. */
static bool read_key(struct reader *r, struct place *place, char **copy)
{
	struct span key;

	skip_space(r);
	if (r->p == r->end || *r->p != '"')
		return fail(r, E_BAD_REQUEST, "expected a key in quotes");
	if (!read_string(r, &key))
		return false;
	/* Reading the value uses the buffer that a key with escapes lies in. */
	if (key.p == r->buffer.s) {
		if (memchr(key.p, '\0', key.len))
			return fail(r, E_BAD_REQUEST, "a key holds a NUL character");
		key.p = *copy = xmemdup(key.p, key.len);
	}
	place->key = key.p;
	place->len = key.len;
	return take(r, ':') || fail(r, E_BAD_REQUEST, "expected ':' after a key");
}

static bool read_member(struct reader *r, json_t *object)
{
	size_t members = json_object_size(object), noted = json_array_size(r->duplicates);
	struct place place = {.outer = r->place};
	char *copy free_ptr = NULL;
	json_t *value;

	if (!read_key(r, &place, &copy))
		return false;
	value = read_value_at(r, &place);
	if (!value)
		return false;
	json_object_setn_new_nocheck(object, place.key, place.len, value);
	if (r->duplicates && json_object_size(object) == members)
		note_duplicate(r, &place, noted);
	return true;
}

static json_t *read_members(struct reader *r)
{
	json_t *object json_auto = json_object();

	if (take(r, '}'))
		return steal(&object);
	do {
		if (!read_member(r, object))
			return NULL;
	} while (take(r, ','));
	if (!take(r, '}'))
		return fail(r, E_BAD_REQUEST, "expected ',' or '}' in an object");
	return steal(&object);
}

static json_t *read_elements(struct reader *r)
{
	json_t *array json_auto = json_array();
	struct place place = {.outer = r->place};

	if (take(r, ']'))
		return steal(&array);
	do {
		json_t *value = read_value_at(r, &place);

		if (!value)
			return NULL;
		json_array_append_new(array, value);
		place.index++;
	} while (take(r, ','));
	if (!take(r, ']'))
		return fail(r, E_BAD_REQUEST, "expected ',' or ']' in an array");
	return steal(&array);
}

static json_t *read_nested(struct reader *r)
{
	bool object = *r->p == '{';
	json_t *value;

	if (r->depth == JSON_MAX_DEPTH)
		return fail(r, E_TOO_LARGE, "nested too deeply");
	r->p++;
	r->depth++;
	value = object ? read_members(r) : read_elements(r);
	r->depth--;
	return value;
}

static bool take_word(struct reader *r, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n))
		return false;
	r->p += n;
	return true;
}

static json_t *read_value(struct reader *r)
{
	struct span text;

	skip_space(r);
	if (r->p == r->end)
		return fail(r, E_BAD_REQUEST, "unexpected end");
	if (++r->nodes > JSON_MAX_NODES)
		return fail(r, E_TOO_LARGE, "too many values");
	if (*r->p == '{' || *r->p == '[')
		return read_nested(r);
	if (*r->p == '"')
		return read_string(r, &text) ? json_stringn_nocheck(text.p, text.len) : NULL;
	if (take_word(r, "true"))
		return json_true();
	if (take_word(r, "false"))
		return json_false();
	if (take_word(r, "null"))
		return json_null();
	return read_number(r);
}

json_t *json_read(const char *text, size_t len, struct error **err)
{
	return json_read_noting(text, len, NULL, err);
}

json_t *json_read_noting(const char *text, size_t len, json_t *duplicates, struct error **err)
{
	struct reader r = {
		.text = text, .p = text, .end = text + len, .duplicates = duplicates, .err = err};
	json_t *tree;

	if (len > JSON_MAX_BYTES) {
		error_set(err, E_TOO_LARGE, "more than %u MB of JSON", JSON_MAX_BYTES >> 20);
		return NULL;
	}
	str_init(&r.buffer);
	tree = read_value(&r);
	skip_space(&r);
	if (tree && r.p < r.end) {
		json_decref(tree);
		tree = fail(&r, E_BAD_REQUEST, "more text after the JSON value");
	}
	str_release(&r.buffer);
	return tree;
}
