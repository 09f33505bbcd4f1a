#include "object/quantity.h"

#include <stdbool.h>
#include <string.h>

#define NANO 1000000000
/* The largest value that a number too long for the short form keeps: 2^63 - 1 units. */
#define CAP ((__int128)INT64_MAX * NANO)
/* Digits that always fit into 64 bits: up to here Kubernetes keeps a number as it stands. */
#define SHORT_DIGITS 18
#define NANO_MAX ((__int128)(((unsigned __int128)1 << 127) - 1))

static const struct suffix {
	const char *text;
	int format, base, exponent;
} suffixes[] = {
	{"", QUANTITY_DECIMAL_SI, 10, 0},   {"n", QUANTITY_DECIMAL_SI, 10, -9},
	{"u", QUANTITY_DECIMAL_SI, 10, -6}, {"m", QUANTITY_DECIMAL_SI, 10, -3},
	{"k", QUANTITY_DECIMAL_SI, 10, 3},  {"M", QUANTITY_DECIMAL_SI, 10, 6},
	{"G", QUANTITY_DECIMAL_SI, 10, 9},  {"T", QUANTITY_DECIMAL_SI, 10, 12},
	{"P", QUANTITY_DECIMAL_SI, 10, 15}, {"E", QUANTITY_DECIMAL_SI, 10, 18},
	{"Ki", QUANTITY_BINARY_SI, 2, 10},  {"Mi", QUANTITY_BINARY_SI, 2, 20},
	{"Gi", QUANTITY_BINARY_SI, 2, 30},  {"Ti", QUANTITY_BINARY_SI, 2, 40},
	{"Pi", QUANTITY_BINARY_SI, 2, 50},  {"Ei", QUANTITY_BINARY_SI, 2, 60},
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* An exponent form, "e3" or "E-6"; larger ones than any number needs are cut, not refused. */
static bool parse_exponent(const char *text, struct suffix *out)
{
	const char *p = text + 1;
	bool negative = *p == '-';
	int exponent = 0;

	if (*p == '-' || *p == '+')
		p++;
	if ((*text != 'e' && *text != 'E') || !is_digit(*p))
		return false;
	for (; is_digit(*p); p++)
		exponent = MIN(exponent * 10 + (*p - '0'), 1000000);
	*out = (struct suffix){text, QUANTITY_DECIMAL_EXPONENT, 10,
			       negative ? -exponent : exponent};
	return *p == '\0';
}

static bool parse_suffix(const char *text, struct suffix *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		if (suffixes[i].text[0] != text[0] || strcmp(suffixes[i].text, text))
			continue;
		*out = suffixes[i];
		return true;
	}
	return parse_exponent(text, out);
}

/* A number as it stands in the text: digits before and after the point, leading zeros skipped. */
struct digits {
	const char *whole, *fraction;
	size_t n_whole, n_fraction;
};

static const char *scan_digits(const char *p, struct digits *d)
{
	while (*p == '0')
		p++;
	d->whole = p;
	while (is_digit(*p))
		p++;
	d->n_whole = (size_t)(p - d->whole);
	d->fraction = p;
	d->n_fraction = 0;
	if (*p != '.')
		return p;
	d->fraction = ++p;
	while (is_digit(*p))
		p++;
	d->n_fraction = (size_t)(p - d->fraction);
	return p;
}

/* Does SUFFIX have the form [letters][sign][digits] of the published expression? */
static bool suffix_well_formed(const char *p)
{
	p += strspn(p, "eEinumkKMGTP");
	if (*p == '+' || *p == '-')
		p++;
	p += strspn(p, "0123456789");
	return *p == '\0';
}

/* a * b for a >= 0 and b > 0, at most NANO_MAX. What is small is not divided to know that. */
static __int128 multiply(__int128 a, __int128 b)
{
	if (a <= INT64_MAX && b <= INT64_MAX)
		return a * b;
	return a > NANO_MAX / b ? NANO_MAX : a * b;
}

static __int128 power10(int n)
{
	static const int64_t small[] = {1,
					10,
					100,
					1000,
					10000,
					100000,
					1000000,
					10000000,
					100000000,
					1000000000,
					10000000000,
					100000000000,
					1000000000000,
					10000000000000,
					100000000000000,
					1000000000000000,
					10000000000000000,
					100000000000000000,
					1000000000000000000};
	int known = MIN(n, (int)ARRAY_SIZE(small) - 1);
	__int128 p = small[known];

	while (n-- > known)
		p = multiply(p, 10);
	return p;
}

/*
 * The digits times 10^EXPONENT times MULTIPLIER, in nano-units, rounded up. Digits below a nano
 * only tell whether to round; a value that grows past the range stays at its end.
 */
static __int128 scale(const struct digits *d, int exponent, __int128 multiplier)
{
	__int128 value = 0, fraction = 0, unit;
	int below = 0;
	bool more = false;

	for (size_t i = 0; i < d->n_whole; i++)
		value = multiply(value, 10) > NANO_MAX - 9 ? NANO_MAX
							   : value * 10 + (d->whole[i] - '0');
	/* 19 digits of the fraction are exact for every suffix; of the rest, whether it is zero. */
	for (size_t i = 0; i < d->n_fraction; i++) {
		if (i < 19) {
			fraction = fraction * 10 + (d->fraction[i] - '0');
			below++;
		} else if (d->fraction[i] != '0') {
			more = true;
		}
	}
	if (exponent > 40)
		return value || fraction ? NANO_MAX : 0;
	if (exponent < -60)
		return value || fraction || more ? 1 : 0;
	/* Both parts as counts of 10^-9: whole = value * m * 10^(9+e), fraction one BELOW finer. */
	if (9 + exponent >= 0) {
		unit = multiply(power10(9 + exponent), multiplier);
		value = multiply(value, unit);
	} else {
		unit = power10(-(9 + exponent));
		value = multiply(value, multiplier);
		more = more || value % unit;
		value /= unit;
	}
	if (fraction) {
		int shift = below - 9 - exponent;
		__int128 part = multiply(fraction, multiplier);

		if (shift <= 0) {
			part = multiply(part, power10(-shift));
		} else {
			unit = power10(shift);
			more = more || part % unit;
			part /= unit;
		}
		value = value > NANO_MAX - part ? NANO_MAX : value + part;
	}
	return more && value < NANO_MAX ? value + 1 : value;
}

/* Kubernetes caps what does not fit its short form; which form a number takes is told by its
 * digits and suffix, not by its value. */
static bool is_short(const struct digits *d, const struct suffix *s)
{
	int digits = (int)(MAX(d->n_whole, (size_t)1) + d->n_fraction);

	if (d->n_whole + d->n_fraction > SHORT_DIGITS)
		return false;
	if (s->base == 2)
		return !d->n_fraction && 15 - digits - (int)((float)s->exponent * 3 / 10) - 1 >= 0;
	return digits <= SHORT_DIGITS && s->exponent - (int)d->n_fraction >= -9;
}

static int refuse_form(const char *text, const char *suffix, struct error **err)
{
	if (*text && suffix_well_formed(suffix))
		return error_set(err, E_BAD_REQUEST, "unable to parse quantity's suffix");
	return error_set(err, E_BAD_REQUEST,
			 "quantities must match the regular expression "
			 "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
}

int quantity_parse(const char *text, struct quantity *out, struct error **err)
{
	const char *p = text;
	bool negative = *p == '-';
	struct digits d;
	struct suffix s;
	__int128 value;

	if (*p == '-' || *p == '+')
		p++;
	p = scan_digits(p, &d);
	if (!*text || !parse_suffix(p, &s))
		return refuse_form(text, p, err);
	value = scale(&d, s.base == 10 ? s.exponent : 0,
		      s.base == 2 ? (__int128)1 << s.exponent : 1);
	if (value == NANO_MAX || (!is_short(&d, &s) && value > CAP))
		value = CAP;
	/* Less than one of a binary unit reads better as a decimal. */
	if (s.format == QUANTITY_BINARY_SI && !is_short(&d, &s) && value > 0 && value < NANO)
		s.format = QUANTITY_DECIMAL_SI;
	out->nano = negative ? -value : value;
	out->format = (__typeof__(out->format))s.format;
	return 0;
}

static char *format_number(__int128 n, const char *suffix, char *buffer)
{
	char digits[QUANTITY_TEXT];
	char *p = digits + sizeof(digits) - 1;
	size_t len;
	unsigned __int128 left = n < 0 ? -(unsigned __int128)n : (unsigned __int128)n;

	*p = '\0';
	for (; left > UINT64_MAX; left /= 10)
		*--p = (char)('0' + (int)(left % 10));
	for (uint64_t small = (uint64_t)left; small; small /= 10)
		*--p = (char)('0' + (int)(small % 10));
	if (n < 0)
		*--p = '-';
	len = (size_t)(digits + sizeof(digits) - 1 - p);
	memcpy(buffer, p, len);
	memcpy(buffer + len, suffix, strlen(suffix) + 1);
	return buffer;
}

static char *format_decimal(__int128 nano, bool exponent_form, char *buffer)
{
	char suffix[16] = "";
	int exponent = -9;

	while (nano % 1000 == 0 && (exponent_form || exponent < 18)) {
		nano /= 1000;
		exponent += 3;
	}
	if (exponent_form && exponent)
		snprintf(suffix, sizeof(suffix), "e%d", exponent);
	for (size_t i = 0; !exponent_form && i < ARRAY_SIZE(suffixes); i++)
		if (suffixes[i].base == 10 && suffixes[i].exponent == exponent)
			snprintf(suffix, sizeof(suffix), "%s", suffixes[i].text);
	return format_number(nano, suffix, buffer);
}

char *quantity_format(const struct quantity *q, char *buffer)
{
	static const char *const binary[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
	__int128 units = q->nano / NANO;
	size_t i = 0;

	if (!q->nano)
		return memcpy(buffer, "0", 2);
	/* A binary quantity that is small or has a fraction is shown as a decimal one. */
	if (q->format != QUANTITY_BINARY_SI || q->nano % NANO || (units > -1024 && units < 1024))
		return format_decimal(q->nano, q->format == QUANTITY_DECIMAL_EXPONENT, buffer);
	while (units % 1024 == 0 && i + 1 < ARRAY_SIZE(binary)) {
		units /= 1024;
		i++;
	}
	return format_number(units, binary[i], buffer);
}

int quantity_compare(const struct quantity *a, const struct quantity *b)
{
	return (a->nano > b->nano) - (a->nano < b->nano);
}

void quantity_add(struct quantity *a, const struct quantity *b)
{
	if (!a->nano)
		a->format = b->format;
	if (__builtin_add_overflow(a->nano, b->nano, &a->nano))
		a->nano = b->nano > 0 ? NANO_MAX : -NANO_MAX;
}

void quantity_sub(struct quantity *a, const struct quantity *b)
{
	if (!a->nano)
		a->format = b->format;
	if (__builtin_sub_overflow(a->nano, b->nano, &a->nano))
		a->nano = b->nano < 0 ? NANO_MAX : -NANO_MAX;
}

/* N / DIVISOR, away from zero, in the range of 64 bits. */
static int64_t divide_up(__int128 n, int64_t divisor)
{
	__int128 result = n / divisor;

	if (n % divisor)
		result += n > 0 ? 1 : -1;
	if (result > INT64_MAX)
		return INT64_MAX;
	return result < INT64_MIN ? INT64_MIN : (int64_t)result;
}

int64_t quantity_value(const struct quantity *q)
{
	return divide_up(q->nano, NANO);
}

int64_t quantity_milli_value(const struct quantity *q)
{
	return divide_up(q->nano, NANO / 1000);
}
