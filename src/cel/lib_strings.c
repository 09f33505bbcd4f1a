/* The string extensions. Positions count code points; a string is valid UTF-8. */
#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"
#include "cel/format.h"
#include "cel/function.h"

#include <string.h>

/* The byte at which code point AT begins; the length of S for the one behind its last. */
static size_t byte_of(struct span s, uint64_t at)
{
	size_t i = 0;

	for (; at && i < s.len; at--)
		i += MAX(utf8_length(s.p + i, s.len - i), (size_t)1);
	return i;
}

static uint64_t count(struct span s)
{
	struct cel_value v = cel_string(s.p, s.len);

	return cel_size(&v);
}

static struct cel_value out_of_range(struct call *c, int64_t i)
{
	return cel_fail(c->arena, "index out of range: %lld", (long long)i);
}

static struct cel_value char_at(struct call *c, const struct cel_value *arg)
{
	struct span s = arg[0].text;
	size_t i;

	if (arg[1].i < 0 || (uint64_t)arg[1].i > count(s))
		return out_of_range(c, arg[1].i);
	i = byte_of(s, (uint64_t)arg[1].i);
	return cel_string(s.p + i, i < s.len ? utf8_length(s.p + i, s.len - i) : 0);
}

static struct cel_value index_from(struct call *c, const struct cel_value *arg, int64_t from)
{
	struct span s = arg[0].text, part = arg[1].text;
	const char *found;
	size_t i;

	if (from < 0 || (uint64_t)from > count(s))
		return part.len ? out_of_range(c, from) : cel_int(from);
	i = byte_of(s, (uint64_t)from);
	found = part.len ? memmem(s.p + i, s.len - i, part.p, part.len) : s.p + i;
	if (!found)
		return cel_int(-1);
	return cel_int((int64_t)count((struct span){s.p, (size_t)(found - s.p)}));
}

static struct cel_value index_of(struct call *c, const struct cel_value *arg)
{
	return index_from(c, arg, 0);
}

static struct cel_value index_of_from(struct call *c, const struct cel_value *arg)
{
	return index_from(c, arg, arg[2].i);
}

/* The last occurrence that begins at byte LIMIT or before it. */
static struct cel_value last_before(const struct cel_value *arg, size_t limit)
{
	struct span s = arg[0].text, part = arg[1].text;

	if (part.len > s.len)
		return cel_int(-1);
	for (size_t i = MIN(limit, s.len - part.len) + 1; i-- > 0;)
		if (!part.len || !memcmp(s.p + i, part.p, part.len))
			return cel_int((int64_t)count((struct span){s.p, i}));
	return cel_int(-1);
}

static struct cel_value last_index_of(struct call *c, const struct cel_value *arg)
{
	return last_before(arg, arg[0].text.len);
}

static struct cel_value last_index_of_from(struct call *c, const struct cel_value *arg)
{
	if (arg[2].i < 0 || (uint64_t)arg[2].i > count(arg[0].text))
		return out_of_range(c, arg[2].i);
	return last_before(arg, byte_of(arg[0].text, (uint64_t)arg[2].i));
}

static struct cel_value change_case(struct call *c, struct span s, char from, char to)
{
	char *text = arena_copy(c->arena, s.p, s.len);

	for (size_t i = 0; i < s.len; i++)
		if (text[i] >= from && text[i] <= from + 25)
			text[i] = (char)(text[i] + to - from);
	return cel_string(text, s.len);
}

static struct cel_value lower(struct call *c, const struct cel_value *arg)
{
	return change_case(c, arg[0].text, 'A', 'a');
}

static struct cel_value upper(struct call *c, const struct cel_value *arg)
{
	return change_case(c, arg[0].text, 'a', 'A');
}

/* A copy of S in the arena, S emptied. */
static struct cel_value take(struct call *c, struct str *s)
{
	struct cel_value v = cel_text(c->arena, s->s, s->len);

	str_release(s);
	return v;
}

static struct cel_value too_long(struct call *c, struct str *s)
{
	str_release(s);
	return cel_fail(c->arena, "a string of more than %u bytes", CEL_MAX_BYTES);
}

static struct cel_value replace_up_to(struct call *c, const struct cel_value *arg, int64_t limit)
{
	struct span s = arg[0].text, old = arg[1].text, new = arg[2].text;
	struct str out = STR_INIT;
	size_t i = 0;

	/* An empty text is found before each character and at the end, as strings.Replace has it.
	 */
	for (; limit; limit--) {
		const char *found = old.len ? memmem(s.p + i, s.len - i, old.p, old.len) : s.p + i;
		size_t next;

		if (!found)
			break;
		if (out.len > CEL_MAX_BYTES)
			return too_long(c, &out);
		str_add(&out, s.p + i, (size_t)(found - s.p) - i);
		str_add(&out, new.p, new.len);
		i = (size_t)(found - s.p) + old.len;
		if (old.len)
			continue;
		if (i >= s.len)
			break;
		next = MAX(utf8_length(s.p + i, s.len - i), (size_t)1);
		str_add(&out, s.p + i, next);
		i += next;
	}
	str_add(&out, s.p + i, s.len - i);
	return take(c, &out);
}

static struct cel_value replace(struct call *c, const struct cel_value *arg)
{
	return replace_up_to(c, arg, -1);
}

static struct cel_value replace_some(struct call *c, const struct cel_value *arg)
{
	return replace_up_to(c, arg, arg[3].i);
}

static struct cel_value split_up_to(struct call *c, const struct cel_value *arg, int64_t limit)
{
	struct span s = arg[0].text, by = arg[1].text;
	VEC(struct cel_value) parts = VEC_INIT;
	struct cel_value *v;
	size_t i = 0, n;

	while (limit < 0 || (int64_t)parts.n < limit - 1) {
		size_t one = i < s.len ? MAX(utf8_length(s.p + i, s.len - i), (size_t)1) : 0;
		const char *found;

		/* Split by nothing: into characters. */
		if (!by.len && i + one >= s.len)
			break;
		found = by.len ? memmem(s.p + i, s.len - i, by.p, by.len) : s.p + i + one;
		if (!found)
			break;
		vec_push(&parts, cel_string(s.p + i, (size_t)(found - s.p) - i));
		i = (size_t)(found - s.p) + by.len;
	}
	if (limit && (by.len || s.len))
		vec_push(&parts, cel_string(s.p + i, s.len - i));
	n = parts.n;
	v = (struct cel_value *)arena_copy(c->arena, (char *)parts.v, n * sizeof(*v));
	vec_release(&parts);
	return cel_list_new(c->arena, v, n, NULL);
}

static struct cel_value split(struct call *c, const struct cel_value *arg)
{
	return split_up_to(c, arg, -1);
}

static struct cel_value split_some(struct call *c, const struct cel_value *arg)
{
	return split_up_to(c, arg, arg[2].i);
}

static struct cel_value slice(struct call *c, struct span s, int64_t from, int64_t to)
{
	uint64_t n = count(s);
	size_t i, j;

	if (from < 0 || (uint64_t)from > n)
		return out_of_range(c, from);
	if (to < 0 || (uint64_t)to > n)
		return out_of_range(c, to);
	if (from > to)
		return cel_fail(c->arena, "invalid substring range. start: %lld, end: %lld",
				(long long)from, (long long)to);
	i = byte_of(s, (uint64_t)from);
	j = byte_of(s, (uint64_t)to);
	return cel_string(s.p + i, j - i);
}

static struct cel_value substring_from(struct call *c, const struct cel_value *arg)
{
	return slice(c, arg[0].text, arg[1].i, (int64_t)count(arg[0].text));
}

static struct cel_value substring(struct call *c, const struct cel_value *arg)
{
	return slice(c, arg[0].text, arg[1].i, arg[2].i);
}

/* What Unicode calls white space. */
static bool is_space(unsigned code)
{
	return (code >= 9 && code <= 13) || code == ' ' || code == 0x85 || code == 0xa0 ||
	       code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 ||
	       code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x3000;
}

static struct cel_value trim(struct call *c, const struct cel_value *arg)
{
	struct span s = arg[0].text;
	size_t first = s.len, end = 0;

	for (size_t i = 0; i < s.len;) {
		size_t len = MAX(utf8_length(s.p + i, s.len - i), (size_t)1);

		if (!is_space(utf8_decode(s.p + i, len))) {
			first = MIN(first, i);
			end = i + len;
		}
		i += len;
	}
	return cel_string(s.p + (end ? first : 0), end ? end - first : 0);
}

static struct cel_value join_by(struct call *c, const struct cel_list *l, struct span separator)
{
	struct str out = STR_INIT;

	for (size_t i = 0; i < l->n; i++) {
		struct cel_value v = cel_list_at(c->arena, l, i);

		if (v.kind != CEL_STRING) {
			str_release(&out);
			return cel_no_overload();
		}
		if (out.len > CEL_MAX_BYTES)
			return too_long(c, &out);
		if (i)
			str_add(&out, separator.p, separator.len);
		str_add(&out, v.text.p, v.text.len);
	}
	return take(c, &out);
}

static struct cel_value join(struct call *c, const struct cel_value *arg)
{
	return join_by(c, arg[0].list, (struct span){"", 0});
}

static struct cel_value join_with(struct call *c, const struct cel_value *arg)
{
	return join_by(c, arg[0].list, arg[1].text);
}

static struct cel_value quote(struct call *c, const struct cel_value *arg)
{
	static const char special[] = "\a\b\f\n\r\t\v\\\"", letters[] = "abfnrtv\\\"";
	struct str out = STR_INIT;

	str_addc(&out, '"');
	for (size_t i = 0; i < arg[0].text.len; i++) {
		char ch = arg[0].text.p[i];
		const char *found = ch ? strchr(special, ch) : NULL;

		if (found)
			str_addc(&out, '\\');
		str_addc(&out, found ? letters[found - special] : ch);
	}
	str_addc(&out, '"');
	return take(c, &out);
}

static struct cel_value format(struct call *c, const struct cel_value *arg)
{
	return cel_format(c->arena, arg[0].text, arg[1].list);
}

static const struct function_row rows[] = {
	{"charAt", "string.(int) string", char_at},
	{"indexOf", "string.(string) int", index_of, COST_TEXT},
	{"indexOf", "string.(string, int) int", index_of_from, COST_TEXT},
	{"lastIndexOf", "string.(string) int", last_index_of, COST_TEXT},
	{"lastIndexOf", "string.(string, int) int", last_index_of_from, COST_TEXT},
	{"lowerAscii", "string.() string", lower, COST_TEXT, SIZE_SAME},
	{"upperAscii", "string.() string", upper, COST_TEXT, SIZE_SAME},
	{"replace", "string.(string, string) string", replace, COST_TEXT_TWICE},
	{"replace", "string.(string, string, int) string", replace_some, COST_TEXT_TWICE},
	{"split", "string.(string) list<string>", split, COST_TEXT_TWICE, SIZE_UP_TO},
	{"split", "string.(string, int) list<string>", split_some, COST_TEXT_TWICE, SIZE_UP_TO},
	{"substring", "string.(int) string", substring_from, COST_TEXT, SIZE_UP_TO},
	{"substring", "string.(int, int) string", substring, COST_TEXT, SIZE_UP_TO},
	{"trim", "string.() string", trim, COST_TEXT, SIZE_UP_TO},
	{"join", "list<string>.() string", join, COST_LIST},
	{"join", "list<string>.(string) string", join_with, COST_LIST},
	{"strings.quote", "(string) string", quote, COST_TEXT},
	{"format", "string.(list<dyn>) string", format, COST_TEXT},
};
const struct function_library library_strings = {rows, ARRAY_SIZE(rows)};
