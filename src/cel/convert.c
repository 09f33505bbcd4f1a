#include "cel/convert.h"
#include "base/str.h"
#include "object/base64.h"
#include "object/json.h"
#include "object/quantity.h"
#include "object/time.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <string.h>

/* Go's units of a duration, longest names first where one begins another. */
static const struct {
	const char *name;
	double ns;
} units[] = {
	{"ns", 1},   {"us", 1e3}, {"\xc2\xb5s", 1e3}, {"\xce\xbcs", 1e3},
	{"ms", 1e6}, {"s", 1e9},  {"m", 60e9},	      {"h", 3600e9},
};

/* "1h30m", "-1.5s", "0". */
static bool read_duration(const char *text, int64_t *ns)
{
	const char *p = text;
	bool negative = *p == '-';
	long double total = 0;

	if (*p == '-' || *p == '+')
		p++;
	if (!strcmp(p, "0")) {
		*ns = 0;
		return true;
	}
	if (!*p)
		return false;
	while (*p) {
		long double number = 0, scale = 1;
		size_t digits = 0, i = 0;

		for (; *p >= '0' && *p <= '9'; p++, digits++)
			number = number * 10 + (*p - '0');
		if (*p == '.')
			for (p++; *p >= '0' && *p <= '9'; p++, digits++)
				number += (*p - '0') * (scale /= 10);
		/* "m" must not take the "m" of "ms": the table has the longer name first. */
		while (i < ARRAY_SIZE(units) && !str_has_prefix(p, units[i].name))
			i++;
		if (!digits || i == ARRAY_SIZE(units))
			return false;
		p += strlen(units[i].name);
		total += number * units[i].ns;
	}
	total = negative ? -total : total;
	if (fabsl(total) >= 0x1p63L)
		return false;
	*ns = (int64_t)roundl(total);
	return true;
}

static struct cel_value read_base64(struct arena *a, const char *text, size_t len)
{
	struct str bytes CLEANUP(str_release) = STR_INIT;
	char *out;

	if (!base64_decode(text, len, &bytes))
		return cel_fail(a, "illegal base64 data");
	out = arena_new(a, bytes.len + 1);
	memcpy(out, bytes.s, bytes.len);
	return (struct cel_value){.kind = CEL_BYTES, .text = {out, bytes.len}};
}

static struct cel_value read_number(struct arena *a, enum cel_kind kind, const char *text)
{
	char *end;

	errno = 0;
	/* strto* skips white space and takes hexadecimal; CEL does neither. */
	if (!*text || strspn(text, "+-0123456789.eEinfINFatyATYN") != strlen(text))
		goto bad;
	if (kind == CEL_DOUBLE) {
		double d = strtod(text, &end);

		if (!*end && end != text)
			return cel_double(d);
	} else if (kind == CEL_INT) {
		long long i = strtoll(text, &end, 10);

		if (!*end && !errno)
			return cel_int(i);
	} else if (*text != '-') {
		unsigned long long u = strtoull(text, &end, 10);

		if (!*end && !errno)
			return cel_uint(u);
	}
bad:
	return cel_fail(a, "type conversion error from 'string' to '%s'", cel_kind_name(kind));
}

static struct cel_value read_bool(struct arena *a, const char *text)
{
	static const char *const yes[] = {"1", "t", "T", "TRUE", "true", "True"};
	static const char *const no[] = {"0", "f", "F", "FALSE", "false", "False"};

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		if (!strcmp(text, yes[i]))
			return cel_bool(true);
		if (!strcmp(text, no[i]))
			return cel_bool(false);
	}
	return cel_fail(a, "type conversion error from 'string' to 'bool'");
}

/* A date alone is a timestamp in schemas with format: date. */
static bool read_time(struct arena *a, const char *text, int64_t *ns)
{
	return time_parse(text, ns) == 0 ||
	       (strlen(text) == 10 && time_parse(arena_printf(a, "%sT00:00:00Z", text), ns) == 0);
}

struct cel_value cel_read_text(struct arena *a, enum cel_kind kind, const char *bytes, size_t len)
{
	const char *text = arena_copy(a, bytes, len);
	struct cel_value v = {.kind = kind};

	if (strlen(text) != len)
		return cel_fail(a, "a text with a NUL in it");
	switch (kind) {
	case CEL_BOOL:
		return read_bool(a, text);
	case CEL_INT:
	case CEL_UINT:
	case CEL_DOUBLE:
		return read_number(a, kind, text);
	case CEL_BYTES:
		return read_base64(a, text, len);
	case CEL_TIMESTAMP:
		return read_time(a, text, &v.i) ? v : cel_fail(a, "invalid timestamp: %s", text);
	case CEL_DURATION:
		return read_duration(text, &v.i) ? v : cel_fail(a, "invalid duration: %s", text);
	default:
		return cel_no_overload();
	}
}

/* A number without an exponent and without idle zeros: "1.5". */
static struct cel_value write_seconds(struct arena *a, int64_t ns)
{
	uint64_t size = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	char *text = arena_printf(a, "%s%llu.%09llu", ns < 0 ? "-" : "",
				  (unsigned long long)(size / 1000000000),
				  (unsigned long long)(size % 1000000000));
	size_t len = strlen(text);

	while (text[len - 1] == '0')
		len--;
	if (text[len - 1] == '.')
		len--;
	text[len] = 's';
	return cel_string(text, len + 1);
}

static struct cel_value write_time(struct arena *a, int64_t ns)
{
	int64_t fraction = ((ns % 1000000000) + 1000000000) % 1000000000;
	char buffer[TIME_TEXT], *text;
	size_t len;

	time_format(ns - fraction, buffer);
	if (!fraction)
		return cel_text(a, buffer, strlen(buffer));
	text = arena_printf(a, "%.*s.%09lld", (int)strlen(buffer) - 1, buffer, (long long)fraction);
	len = strlen(text);
	while (text[len - 1] == '0')
		len--;
	text[len] = 'Z';
	return cel_string(text, len + 1);
}

static struct cel_value write_double(struct arena *a, double d)
{
	char digits[JSON_REAL_DIGITS + 1];
	struct str s CLEANUP(str_release) = STR_INIT;
	int exponent;
	size_t n;

	if (isnan(d) || isinf(d)) {
		const char *text = isnan(d) ? "NaN" : d < 0 ? "-Inf" : "+Inf";

		return cel_string(text, strlen(text));
	}
	n = json_shortest_digits(fabs(d), digits, &exponent);
	if (signbit(d))
		str_addc(&s, '-');
	if (exponent < -4 || exponent >= 21) {
		str_addc(&s, digits[0]);
		if (n > 1)
			str_addf(&s, ".%.*s", (int)n - 1, digits + 1);
		str_addf(&s, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
	} else if (exponent < 0) {
		str_adds(&s, "0.");
		str_addn(&s, '0', (size_t)(-exponent - 1));
		str_add(&s, digits, n);
	} else {
		for (size_t i = 0; i < MAX(n, (size_t)exponent + 1); i++) {
			if (i == (size_t)exponent + 1)
				str_addc(&s, '.');
			str_addc(&s, i < n ? digits[i] : '0');
		}
	}
	return cel_text(a, s.s, s.len);
}

static struct cel_value write_ip(struct arena *a, const struct cel_value *v)
{
	char buffer[INET6_ADDRSTRLEN];
	char *text;

	inet_ntop(v->ip->len == 4 ? AF_INET : AF_INET6, v->ip->bytes, buffer, sizeof(buffer));
	text = v->kind == CEL_CIDR ? arena_printf(a, "%s/%d", buffer, v->ip->prefix)
				   : arena_printf(a, "%s", buffer);
	return cel_string(text, strlen(text));
}

struct cel_value cel_write_text(struct arena *a, const struct cel_value *v)
{
	char buffer[QUANTITY_TEXT], *text;

	switch (v->kind) {
	case CEL_STRING:
		return *v;
	case CEL_BOOL:
		text = arena_printf(a, "%s", v->boolean ? "true" : "false");
		break;
	case CEL_INT:
		text = arena_printf(a, "%lld", (long long)v->i);
		break;
	case CEL_UINT:
		text = arena_printf(a, "%llu", (unsigned long long)v->u);
		break;
	case CEL_DOUBLE:
		return write_double(a, v->d);
	case CEL_TIMESTAMP:
		return write_time(a, v->i);
	case CEL_DURATION:
		return write_seconds(a, v->i);
	case CEL_QUANTITY:
		text = arena_printf(a, "%s", quantity_format(v->quantity, buffer));
		break;
	case CEL_IP:
	case CEL_CIDR:
		return write_ip(a, v);
	default:
		return cel_no_overload();
	}
	return cel_string(text, strlen(text));
}
