#include "object/yaml_scalar.h"
#include "base/mem.h"
#include "object/json.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const struct word {
	const char *text;
	enum yaml_scalar_kind kind;
	double value;
} words[] = {
	{"y", YAML_BOOL, 1},
	{"Y", YAML_BOOL, 1},
	{"yes", YAML_BOOL, 1},
	{"Yes", YAML_BOOL, 1},
	{"YES", YAML_BOOL, 1},
	{"true", YAML_BOOL, 1},
	{"True", YAML_BOOL, 1},
	{"TRUE", YAML_BOOL, 1},
	{"on", YAML_BOOL, 1},
	{"On", YAML_BOOL, 1},
	{"ON", YAML_BOOL, 1},
	{"n", YAML_BOOL, 0},
	{"N", YAML_BOOL, 0},
	{"no", YAML_BOOL, 0},
	{"No", YAML_BOOL, 0},
	{"NO", YAML_BOOL, 0},
	{"false", YAML_BOOL, 0},
	{"False", YAML_BOOL, 0},
	{"FALSE", YAML_BOOL, 0},
	{"off", YAML_BOOL, 0},
	{"Off", YAML_BOOL, 0},
	{"OFF", YAML_BOOL, 0},
	{"~", YAML_NULL, 0},
	{"null", YAML_NULL, 0},
	{"Null", YAML_NULL, 0},
	{"NULL", YAML_NULL, 0},
	{".nan", YAML_FLOAT, NAN},
	{".NaN", YAML_FLOAT, NAN},
	{".NAN", YAML_FLOAT, NAN},
	{".inf", YAML_FLOAT, INFINITY},
	{".Inf", YAML_FLOAT, INFINITY},
	{".INF", YAML_FLOAT, INFINITY},
	{"+.inf", YAML_FLOAT, INFINITY},
	{"+.Inf", YAML_FLOAT, INFINITY},
	{"+.INF", YAML_FLOAT, INFINITY},
	{"-.inf", YAML_FLOAT, -INFINITY},
	{"-.Inf", YAML_FLOAT, -INFINITY},
	{"-.INF", YAML_FLOAT, -INFINITY},
};

static bool resolve_word(const char *text, size_t len, struct yaml_scalar *out)
{
	for (size_t i = 0; len <= 5 && i < ARRAY_SIZE(words); i++)
		if (words[i].text[0] == text[0] && strlen(words[i].text) == len &&
		    !memcmp(words[i].text, text, len)) {
			out->kind = words[i].kind;
			out->boolean = words[i].value != 0;
			out->real = words[i].value;
			return true;
		}
	return false;
}

/* Takes one or two digits off *P (exactly FIXED when that is not 0); -1 when there are none. */
static int take_number(const char **p, const char *end, int fixed)
{
	int value = 0, n = 0, most = fixed ? fixed : 2;

	while (n < most && *p < end && is_digit(**p)) {
		value = value * 10 + (**p - '0');
		(*p)++;
		n++;
	}
	return n && (!fixed || n == fixed) ? value : -1;
}

static bool take_char(const char **p, const char *end, char c)
{
	if (*p == end || **p != c)
		return false;
	(*p)++;
	return true;
}

static bool valid_day(int year, int month, int day)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return month >= 1 && month <= 12 && day >= 1 &&
	       day <= days[month - 1] + (month == 2 && leap);
}

/* "15:4:5.999": the part of a timestamp behind its date. */
static bool take_time_of_day(const char **p, const char *end)
{
	static const int most[] = {23, 59, 59};

	for (int i = 0; i < 3; i++) {
		int value;

		if (i && !take_char(p, end, ':'))
			return false;
		value = take_number(p, end, 0);
		if (value < 0 || value > most[i])
			return false;
	}
	if (end - *p >= 2 && (**p == '.' || **p == ',') && is_digit((*p)[1]))
		for ((*p)++; *p < end && is_digit(**p); (*p)++)
			;
	return true;
}

static bool take_zone(const char **p, const char *end)
{
	int hours, minutes;

	if (take_char(p, end, 'Z'))
		return true;
	if (!take_char(p, end, '+') && !take_char(p, end, '-'))
		return false;
	hours = take_number(p, end, 2);
	if (hours < 0 || hours > 24 || !take_char(p, end, ':'))
		return false;
	minutes = take_number(p, end, 2);
	return minutes >= 0 && minutes <= 60;
}

static bool is_timestamp(const char *p, size_t len)
{
	const char *end = p + len;
	int year, month, day;

	year = take_number(&p, end, 4);
	if (year < 0 || !take_char(&p, end, '-'))
		return false;
	month = take_number(&p, end, 0);
	if (!take_char(&p, end, '-'))
		return false;
	day = take_number(&p, end, 0);
	if (!valid_day(year, month, day))
		return false;
	if (p == end)
		return true;
	if (take_char(&p, end, 'T') || take_char(&p, end, 't'))
		return take_time_of_day(&p, end) && take_zone(&p, end) && p == end;
	if (!take_char(&p, end, ' '))
		return false;
	while (take_char(&p, end, ' '))
		;
	return take_time_of_day(&p, end) && p == end;
}

/* TEXT, NUL-terminated, as Go's ParseInt reads it in BASE; false when it is no such number. */
static bool parse_integer(const char *text, int base, struct yaml_scalar *out)
{
	const char *digits = text + (*text == '+' || *text == '-');
	char *end;

	if (!base && digits[0] == '0' && digits[1]) {
		char letter = (char)(digits[1] | 0x20);

		base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
		digits += base ? 2 : 1;
		base = base ? base : 8;
	}
	base = base ? base : 10;
	/* strtoull takes a sign, white space and 0x itself: Go does not, at this place. */
	if (!is_digit(*digits) &&
	    (base != 16 || !((*digits | 0x20) >= 'a' && (*digits | 0x20) <= 'f')))
		return false;
	if (base == 16 && digits[0] == '0' && (digits[1] | 0x20) == 'x')
		return false;
	errno = 0;
	out->natural = strtoull(digits, &end, base);
	if (*end || errno)
		return false;
	if (*text == '-') {
		if (out->natural > (uint64_t)INT64_MAX + 1)
			return false;
		out->integer = (int64_t)(0 - out->natural);
	} else {
		out->integer = (int64_t)out->natural;
	}
	out->kind = *text == '-' || out->natural <= INT64_MAX ? YAML_INT : YAML_UINT;
	/* ParseUint takes no sign. */
	return out->kind == YAML_INT || *text != '+';
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static bool has_float_form(const char *p)
{
	size_t before, after = 0;

	if (*p == '+' || *p == '-')
		p++;
	before = strspn(p, "0123456789");
	p += before;
	if (*p == '.') {
		after = strspn(++p, "0123456789");
		p += after;
	}
	if (!before && !after)
		return false;
	if (*p == 'e' || *p == 'E') {
		p++;
		if (*p == '+' || *p == '-')
			p++;
		if (!is_digit(*p))
			return false;
		p += strspn(p, "0123456789");
	}
	return !*p;
}

static bool parse_float(const char *text, struct yaml_scalar *out)
{
	if (!has_float_form(text))
		return false;
	out->real = strtod(text, NULL);
	if (!isfinite(out->real))
		return false;
	out->kind = YAML_FLOAT;
	return true;
}

static bool is_between_digits(const char *text, size_t len, size_t i)
{
	return i && i + 1 < len && is_digit(text[i - 1]) && is_digit(text[i + 1]);
}

/* TEXT begins with a digit, a sign or a point. Longer than any number worth a copy is a string. */
static void resolve_number(const char *text, size_t len, struct yaml_scalar *out)
{
	char plain[512];
	size_t n = 0;

	if (len >= sizeof(plain))
		return;
	for (size_t i = 0; i < len; i++) {
		if (!text[i])
			return;
		if (text[i] != '_')
			plain[n++] = text[i];
		else if (text[0] == '.' && !is_between_digits(text, len, i))
			return;
	}
	plain[n] = '\0';
	if (text[0] != '.' && parse_integer(plain, 0, out))
		return;
	if (parse_float(plain, out))
		return;
	/* A sign behind the prefix is what go-yaml lets pass for binary numbers only. */
	if (!strncmp(plain, "0b", 2) && parse_integer(plain + 2, 2, out))
		return;
	out->kind = YAML_STRING;
}

struct yaml_scalar yaml_scalar_resolve(const char *text, size_t len)
{
	struct yaml_scalar out = {.kind = YAML_STRING};

	if (!len) {
		out.kind = YAML_NULL;
		return out;
	}
	if (!memchr("+-.0123456789yYnNtTfFoO~", text[0], 24) || resolve_word(text, len, &out))
		return out;
	if (is_digit(text[0]) && is_timestamp(text, len))
		out.kind = YAML_TIME;
	else if (is_digit(text[0]) || strchr("+-.", text[0]))
		resolve_number(text, len, &out);
	return out;
}

bool yaml_scalar_is_base60(const char *p, size_t len)
{
	const char *end = p + len;
	bool colon = false;

	if (p < end && (*p == '+' || *p == '-'))
		p++;
	if (p == end || !is_digit(*p))
		return false;
	while (p < end && (is_digit(*p) || *p == '_'))
		p++;
	while (take_char(&p, end, ':')) {
		if (p == end || !is_digit(*p))
			return false;
		colon = true;
		p++;
		if (p < end && is_digit(*p) && p[-1] <= '5')
			p++;
	}
	if (take_char(&p, end, '.'))
		while (p < end && (is_digit(*p) || *p == '_'))
			p++;
	return colon && p == end;
}

/* The shortest decimal that is nearest to the same float32. */
static double round_to_single(double value)
{
	char text[32];

	for (int precision = 0; precision < FLT_DECIMAL_DIG; precision++) {
		snprintf(text, sizeof(text), "%.*e", precision, value);
		if (strtof(text, NULL) == (float)value)
			break;
	}
	return strtod(text, NULL);
}

/* An exponent, of two digits at least, below -4 and above 5. */
char *yaml_scalar_format_float(double value, bool single, char *text)
{
	const char *sign = signbit(value) ? "-" : "";
	char digits[JSON_REAL_DIGITS + 1];
	int exponent;
	size_t count;

	if (!isfinite(value) || (single && !isfinite((float)value))) {
		snprintf(text, YAML_FLOAT_TEXT, "%s",
			 isnan(value) ? ".nan"
			 : *sign      ? "-.inf"
				      : ".inf");
		return text;
	}
	count = json_shortest_digits(single ? round_to_single(value) : value, digits, &exponent);
	if (exponent < -4 || exponent > 5)
		snprintf(text, YAML_FLOAT_TEXT, "%s%c%s%se%c%02d", sign, digits[0],
			 count > 1 ? "." : "", digits + 1, exponent < 0 ? '-' : '+', abs(exponent));
	else if (exponent < 0)
		snprintf(text, YAML_FLOAT_TEXT, "%s0.%.*s%s", sign, -exponent - 1, "0000", digits);
	else if ((size_t)exponent + 1 >= count)
		snprintf(text, YAML_FLOAT_TEXT, "%s%s%.*s", sign, digits, exponent + 1 - (int)count,
			 "00000");
	else
		snprintf(text, YAML_FLOAT_TEXT, "%s%.*s.%s", sign, exponent + 1, digits,
			 digits + exponent + 1);
	return text;
}
