/*
 * The formats of strings that kube-openapi knows, dashes in their names left out. What it does not
 * know is not checked.
 */
#include "kinds/custom.h"
#include "kinds/rules.h"

#include "object/pattern.h"
#include "object/time.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

static bool is_date(const char *s)
{
	char *text free_ptr = xasprintf("%sT00:00:00Z", s);
	int64_t ns;

	return strlen(s) == 10 && time_parse(text, &ns) == 0;
}

/* Whether the first match of PATTERN is in TEXT; patterns here say where they begin and end. */
static bool matches(const char *pattern, const char *text)
{
	struct pattern *p CLEANUP(pattern_free_cleanup) =
		pattern_new(pattern, strlen(pattern), NULL);

	return p && pattern_find(p, text, strlen(text), 0, NULL, NULL) == 1;
}

/* Of the time only its digits are looked at; the letters may be small. */
static bool is_date_time(const char *s)
{
	const char *t = s + strcspn(s, "Tt");
	char *date free_ptr = xasprintf("%.*s", (int)(t - s), s);
	char *time free_ptr = *t ? xasprintf("%.*s", (int)strcspn(t + 1, "Tt"), t + 1) : NULL;

	return time && is_date(date) &&
	       matches("^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](.[0-9]+)?"
		       "([zZ]|([+-][0-9]{2}:[0-9]{2}))$",
		       time);
}

static bool is_ipv4(const char *s)
{
	return ip_family_of(s) != IP_NONE && strchr(s, '.');
}

static bool is_ipv6(const char *s)
{
	struct in6_addr a;

	return inet_pton(AF_INET6, s, &a) == 1;
}

static bool is_cidr(const char *s)
{
	return cidr_family_of(s) != IP_NONE;
}

/* S without what CLASS picks, or without all but that. */
static char *strip(const char *s, int (*class)(int), bool keep)
{
	char *out = xstrdup(s), *to = out;

	for (; *s; s++)
		if ((class((unsigned char)*s) != 0) == keep)
			*to++ = *s;
	*to = '\0';
	return out;
}

/* Luhn's sum of the digits, whatever stands between them. */
static bool is_credit_card(const char *s)
{
	char *digits free_ptr = strip(s, isdigit, true);
	int sum = 0;

	if (!matches(
		    "^(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}|"
		    "3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35\\d{3})\\d{11})$",
		    digits))
		return false;
	for (size_t n = strlen(digits), i = 0; i < n; i++) {
		int d = digits[n - 1 - i] - '0';

		d = i % 2 ? 2 * d : d;
		sum += d > 9 ? d - 9 : d;
	}
	return sum % 10 == 0;
}

static int is_blank_or_dash(int c)
{
	return isspace(c) || c == '-';
}

static bool is_isbn10(const char *s)
{
	char *digits free_ptr = strip(s, is_blank_or_dash, false);
	int sum = 0;

	if (!matches("^(?:[0-9]{9}X|[0-9]{10})$", digits))
		return false;
	for (int i = 0; i < 10; i++)
		sum += (i + 1) * (digits[i] == 'X' ? 10 : digits[i] - '0');
	return sum % 11 == 0;
}

static bool is_isbn13(const char *s)
{
	char *digits free_ptr = strip(s, is_blank_or_dash, false);
	int sum = 0;

	if (!matches("^[0-9]{13}$", digits))
		return false;
	for (int i = 0; i < 13; i++)
		sum += (i % 2 ? 3 : 1) * (digits[i] - '0');
	return sum % 10 == 0;
}

static bool is_isbn(const char *s)
{
	return is_isbn10(s) || is_isbn13(s);
}

static bool is_hostname(const char *s)
{
	size_t label = 0;

	for (const char *p = s; *p; p++) {
		label = *p == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return strlen(s) <= 255 &&
	       matches("^([a-zA-Z0-9\\p{S}\\p{L}]((-?[a-zA-Z0-9\\p{S}\\p{L}]{0,62})?)|"
		       "([a-zA-Z0-9\\p{S}\\p{L}](([a-zA-Z0-9-\\p{S}\\p{L}]{0,61}"
		       "[a-zA-Z0-9\\p{S}\\p{L}])?)(\\.)){1,}([a-zA-Z\\p{L}]){2,63})$",
		       s);
}

static bool is_short_name(const char *s)
{
	return strlen(s) <= 63 && matches("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", s);
}

static bool is_long_name(const char *s)
{
	return strlen(s) <= 253 &&
	       matches("^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$", s);
}

static bool is_ssn(const char *s)
{
	return strlen(s) == 11 && matches("^\\d{3}[- ]?\\d{2}[- ]?\\d{4}$", s);
}

static bool is_anything(const char *s)
{
	return true;
}

#define UUID(third, fourth)                                                            \
	"(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?" third "[0-9a-f]{3}-?" fourth "[0-9a-f]{3}-?" \
	"[0-9a-f]{12}$"
#define OCTET "\\s*(0|[1-9]\\d?|1\\d\\d?|2[0-4]\\d|25[0-5])\\s*"

/* Each by a function or by one expression. */
static const struct {
	const char *format;
	bool (*matches)(const char *s);
	const char *pattern;
} formats[] = {
	{"bsonobjectid", NULL, "^[0-9a-fA-F]{24}$"},
	{"byte", NULL,
	 "^(?:[A-Za-z0-9+\\/]{4})*(?:[A-Za-z0-9+\\/]{2}==|[A-Za-z0-9+\\/]{3}=|"
	 "[A-Za-z0-9+\\/]{4})$"},
	{"cidr", is_cidr, NULL},
	{"creditcard", is_credit_card, NULL},
	{"date", is_date, NULL},
	{"datetime", is_date_time, NULL},
	/* Go's own form, or words: "3 days". */
	{"duration", NULL,
	 "^[+-]?(0|([0-9]+(\\.[0-9]*)?|\\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$|"
	 "(?i)[0-9]+\\s*(ns|us|µs|ms|s|m|h|d|w|hr|wk|(nano|micro|milli|sec|min|hour|day|week)"
	 "[a-zµ]*)([^a-zµ]|$)"},
	{"email", NULL, "^([^<>]*<)?[^@\\s<>,;:\\[\\]()]+@[^@\\s<>,;:()]+>?$"},
	{"hexcolor", NULL, "^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"},
	{"hostname", is_hostname, NULL},
	{"ipv4", is_ipv4, NULL},
	{"ipv6", is_ipv6, NULL},
	{"isbn", is_isbn, NULL},
	{"isbn10", is_isbn10, NULL},
	{"isbn13", is_isbn13, NULL},
	{"k8slongname", is_long_name, NULL},
	{"k8sshortname", is_short_name, NULL},
	{"mac", NULL,
	 "^[0-9A-Fa-f]{2}((:[0-9A-Fa-f]{2}){5}|(:[0-9A-Fa-f]{2}){7}|(:[0-9A-Fa-f]{2}){19}|"
	 "(-[0-9A-Fa-f]{2}){5}|(-[0-9A-Fa-f]{2}){7}|(-[0-9A-Fa-f]{2}){19})$|"
	 "^[0-9A-Fa-f]{4}((\\.[0-9A-Fa-f]{4}){2}|(\\.[0-9A-Fa-f]{4}){3}|"
	 "(\\.[0-9A-Fa-f]{4}){9})$"},
	{"password", is_anything, NULL},
	{"rgbcolor", NULL, "^rgb\\(" OCTET "," OCTET "," OCTET "\\)$"},
	{"ssn", is_ssn, NULL},
	/* Absolute, or a path. */
	{"uri", NULL, "^([a-zA-Z][a-zA-Z0-9+.-]*:[^\\x00-\\x20\\x7f]*|/[^\\x00-\\x1f\\x7f]*|\\*)$"},
	{"uuid", NULL, UUID("[0-9a-f]", "[0-9a-f]")},
	{"uuid3", NULL, UUID("3", "[0-9a-f]")},
	{"uuid4", NULL, UUID("4", "[89ab]")},
	{"uuid5", NULL, UUID("5", "[89ab]")},
};

/* Which row; ARRAY_SIZE(formats): none. */
static size_t row_of(const char *format)
{
	char plain[32];
	size_t n = 0, i;

	for (; *format; format++)
		if (*format != '-' && n < sizeof(plain) - 1)
			plain[n++] = *format;
	plain[n] = '\0';
	for (i = 0; i < ARRAY_SIZE(formats); i++)
		if (!strcmp(formats[i].format, plain))
			break;
	return i;
}

bool custom_format_known(const char *format)
{
	return row_of(format) < ARRAY_SIZE(formats);
}

bool custom_format_matches(const char *format, const char *text)
{
	size_t i = row_of(format);

	if (i == ARRAY_SIZE(formats))
		return true;
	return formats[i].matches ? formats[i].matches(text) : matches(formats[i].pattern, text);
}
