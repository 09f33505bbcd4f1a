#include "cel/format.h"
#include "base/str.h"
#include "cel/convert.h"

#include <math.h>
#include <string.h>

#define MAX_PRECISION 100

/* A value as "%s" shows it; lists and maps nest, at most so deep. */
static bool add_text(struct arena *a, struct str *out, const struct cel_value *v, int depth)
{
	struct cel_value text;
	size_t n;

	if (depth > CEL_MAX_DEPTH || out->len > CEL_MAX_BYTES)
		return false;
	if (v->kind == CEL_NULL) {
		str_adds(out, "null");
	} else if (v->kind == CEL_BYTES || v->kind == CEL_TYPE) {
		str_add(out, v->text.p, v->text.len);
	} else if (v->kind == CEL_LIST) {
		str_addc(out, '[');
		for (size_t i = 0; i < v->list->n; i++) {
			struct cel_value element = cel_list_at(a, v->list, i);

			str_adds(out, i ? ", " : "");
			if (!add_text(a, out, &element, depth + 1))
				return false;
		}
		str_addc(out, ']');
	} else if (v->kind == CEL_MAP || v->kind == CEL_OBJECT) {
		const struct cel_entry *entries = cel_map_entries(a, v->map, &n);

		str_addc(out, '{');
		for (size_t i = 0; i < n; i++) {
			str_adds(out, i ? ", " : "");
			if (!add_text(a, out, &entries[i].key, depth + 1))
				return false;
			str_adds(out, ": ");
			if (!add_text(a, out, &entries[i].value, depth + 1))
				return false;
		}
		str_addc(out, '}');
	} else {
		text = cel_write_text(a, v);
		if (text.kind != CEL_STRING)
			return false;
		str_add(out, text.text.p, text.text.len);
	}
	return true;
}

static bool add_integer(struct str *out, const struct cel_value *v, unsigned base, bool upper)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	uint64_t left = v->kind == CEL_BOOL ? v->boolean : v->u;
	char buffer[72], *p = buffer + sizeof(buffer);

	if (v->kind == CEL_INT && v->i < 0) {
		str_addc(out, '-');
		left = 0 - left;
	}
	do
		*--p = digits[left % base];
	while (left /= base);
	str_add(out, p, (size_t)(buffer + sizeof(buffer) - p));
	return true;
}

static void add_hex(struct str *out, struct span bytes, bool upper)
{
	for (size_t i = 0; i < bytes.len; i++)
		str_addf(out, upper ? "%02X" : "%02x", (unsigned char)bytes.p[i]);
}

static bool add_real(struct str *out, const struct cel_value *v, char verb, int precision)
{
	double d = v->kind == CEL_INT ? (double)v->i : v->kind == CEL_UINT ? (double)v->u : v->d;

	if (v->kind != CEL_INT && v->kind != CEL_UINT && v->kind != CEL_DOUBLE)
		return false;
	if (isnan(d))
		str_adds(out, "NaN");
	else if (isinf(d))
		str_adds(out, d < 0 ? "-Infinity" : "Infinity");
	else if (verb == 'e')
		str_addf(out, "%.*e", precision < 0 ? 6 : precision, d);
	else
		str_addf(out, "%.*f", precision < 0 ? 6 : precision, d);
	return true;
}

static bool add_clause(struct arena *a, struct str *out, char verb, int precision,
		       const struct cel_value *v)
{
	bool whole = v->kind == CEL_INT || v->kind == CEL_UINT;
	bool text = v->kind == CEL_STRING || v->kind == CEL_BYTES;

	switch (verb) {
	case 's':
		return add_text(a, out, v, 0);
	case 'd':
		if (v->kind == CEL_DOUBLE && (isnan(v->d) || isinf(v->d)))
			return add_real(out, v, 'f', 0);
		return whole && add_integer(out, v, 10, false);
	case 'f':
	case 'e':
		return add_real(out, v, verb, precision);
	case 'b':
		return (whole || v->kind == CEL_BOOL) && add_integer(out, v, 2, false);
	case 'o':
		return whole && add_integer(out, v, 8, false);
	case 'x':
	case 'X':
		if (text)
			add_hex(out, v->text, verb == 'X');
		return text || (whole && add_integer(out, v, 16, verb == 'X'));
	default:
		return false;
	}
}

/* ".3" at *P, or -1; false when it is too much. */
static bool read_precision(const char **p, const char *end, int *precision)
{
	*precision = -1;
	if (*p == end || **p != '.')
		return true;
	*precision = 0;
	for (++*p; *p < end && **p >= '0' && **p <= '9'; ++*p) {
		*precision = *precision * 10 + (**p - '0');
		if (*precision > MAX_PRECISION)
			return false;
	}
	return true;
}

struct cel_value cel_format(struct arena *a, struct span format, const struct cel_list *args)
{
	struct str out CLEANUP(str_release) = STR_INIT;
	const char *p = format.p, *end = p + format.len;
	size_t used = 0;

	while (p < end) {
		struct cel_value v;
		int precision;

		if (*p != '%') {
			str_addc(&out, *p++);
			continue;
		}
		p++;
		if (p < end && *p == '%') {
			str_addc(&out, *p++);
			continue;
		}
		if (!read_precision(&p, end, &precision) || p == end)
			return cel_fail(a, "could not parse formatting clause");
		if (used >= args->n)
			return cel_fail(a, "index %zu out of range", used);
		v = cel_list_at(a, args, used++);
		if (!add_clause(a, &out, *p, precision, &v))
			return cel_fail(a, "no formatting clause %%%c for type '%s'", *p,
					cel_kind_name(v.kind));
		p++;
	}
	return cel_text(a, out.s, out.len);
}
