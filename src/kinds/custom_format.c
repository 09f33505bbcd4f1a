/*
 * The formats of strings that kube-openapi knows. What it does not know is not checked.
 */
#include "kinds/custom.h"

#include "object/pattern.h"
#include "object/time.h"

#include <arpa/inet.h>
#include <string.h>

static bool is_date_time(const char *s)
{
	int64_t ns;

	return time_parse(s, &ns) == 0;
}

static bool is_date(const char *s)
{
	char *text free_ptr = xasprintf("%sT00:00:00Z", s);

	return strlen(s) == 10 && is_date_time(text);
}

static bool is_ipv4(const char *s)
{
	struct in_addr a;

	return inet_pton(AF_INET, s, &a) == 1;
}

static bool is_ipv6(const char *s)
{
	struct in6_addr a;

	return inet_pton(AF_INET6, s, &a) == 1;
}

static bool is_cidr(const char *s)
{
	const char *slash = strchr(s, '/');
	char *address free_ptr = slash ? xasprintf("%.*s", (int)(slash - s), s) : NULL;
	char *end;
	long bits;

	if (!slash || slash[1] < '0' || slash[1] > '9')
		return false;
	bits = strtol(slash + 1, &end, 10);
	return !*end && ((is_ipv4(address) && bits <= 32) || (is_ipv6(address) && bits <= 128));
}

static bool is_byte(const char *s)
{
	size_t len = strlen(s), n = strcspn(s, "=");
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	return len % 4 == 0 && strspn(s, alphabet) == n && len - n <= 2 &&
	       strspn(s + n, "=") == len - n;
}

/* Formats that are one expression each. */
static const struct {
	const char *format, *pattern;
} expressions[] = {
	{"uuid", "^(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$"},
	{"uuid3", "^(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$"},
	{"uuid4", "^(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$"},
	{"uuid5", "^(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$"},
	{"hostname", "^([a-zA-Z0-9]([a-zA-Z0-9-]{0,62}[a-zA-Z0-9])?)"
		     "(\\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,62}[a-zA-Z0-9])?)*\\.?$"},
	{"email", "^[^@\\s]+@[^@\\s]+$"},
	{"mac", "^([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}$"},
	{"isbn10", "^(?:[0-9]{9}X|[0-9]{10})$"},
	{"isbn13", "^(?:[0-9]{13})$"},
	{"creditcard", "^[0-9 -]{12,23}$"},
	{"ssn", "^[0-9]{3}[ -]?[0-9]{2}[ -]?[0-9]{4}$"},
	{"hexcolor", "^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"},
	{"rgbcolor", "^rgb\\(\\s*[0-9]{1,3}\\s*,\\s*[0-9]{1,3}\\s*,\\s*[0-9]{1,3}\\s*\\)$"},
	{"bsonobjectid", "^[0-9a-fA-F]{24}$"},
	{"uri", "^[a-zA-Z][a-zA-Z0-9+.-]*:\\S+$"},
	{"k8s-short-name", "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"},
	{"duration", "^[+-]?(([0-9]+(\\.[0-9]*)?|\\.[0-9]+)\\s*(ns|us|µs|ms|s|m|h|d|w|"
		     "seconds?|minutes?|hours?|days?|weeks?))+$"},
};

static const struct {
	const char *format;
	bool (*matches)(const char *s);
} scanners[] = {
	{"date-time", is_date_time}, {"datetime", is_date_time}, {"date", is_date},
	{"ipv4", is_ipv4},	     {"ipv6", is_ipv6},		 {"cidr", is_cidr},
	{"byte", is_byte},
};

bool custom_format_matches(const char *format, const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(scanners); i++)
		if (!strcmp(scanners[i].format, format))
			return scanners[i].matches(text);
	for (size_t i = 0; i < ARRAY_SIZE(expressions); i++) {
		struct pattern *p CLEANUP(pattern_free_cleanup) = NULL;

		if (strcmp(expressions[i].format, format))
			continue;
		p = pattern_new(expressions[i].pattern, strlen(expressions[i].pattern), NULL);
		return p && pattern_find(p, text, strlen(text), 0, NULL, NULL) == 1;
	}
	return true;
}
