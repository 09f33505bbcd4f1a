#include "kinds/names.h"

#include "object/label.h"

#include <string.h>
#include <strings.h>

#define FORM_SUBDOMAIN "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
#define SUBDOMAIN_MAX 253
#define LABEL_MAX 63

static const char dns_label[] =
	"a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
	"must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex "
	"used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
static const char dns_1035[] =
	"a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
	"alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or "
	"'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
static const char dns_subdomain[] =
	"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
	"'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex "
	"used for validation is '" FORM_SUBDOMAIN "')";
static const char dns_subdomain_any[] =
	"an RFC 1123 subdomain must consist of alphanumeric characters, '-' or '.', and must start "
	"and end with an alphanumeric character (e.g. 'Example.com', regex used for validation is "
	"'" FORM_SUBDOMAIN "')";
static const char subdomain_underscore[] =
	"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', "
	"'-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', "
	"regex used for validation is "
	"'_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*')";
static const char wildcard[] =
	"a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, "
	"which must consist of lower case alphanumeric characters, '-' or '.' and end with an "
	"alphanumeric character (e.g. '*.example.com', regex used for validation is "
	"'\\*\\." FORM_SUBDOMAIN "')";

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
	return is_lower(c) || (c >= 'A' && c <= 'Z');
}

static char lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

/* Of letters, digits and what OTHER holds, and not empty. */
static bool consists_of(const char *s, const char *other)
{
	for (const char *p = s; *p; p++)
		if (!is_alpha(*p) && !is_digit(*p) && !strchr(other, *p))
			return false;
	return *s;
}

size_t name_dns_subdomain(const char *s, const char *why[NAME_PROBLEMS])
{
	size_t n = 0, len = strlen(s);

	if (len > SUBDOMAIN_MAX)
		why[n++] = "must be no more than 253 characters";
	if (!label_is_subdomain(s, len))
		why[n++] = dns_subdomain;
	return n;
}

size_t name_dns_subdomain_any(const char *s, const char *why[NAME_PROBLEMS])
{
	char small[SUBDOMAIN_MAX + 1];
	size_t n = 0, len = strlen(s);

	if (len > SUBDOMAIN_MAX) {
		why[n++] = "must be no more than 253 bytes";
		return n;
	}
	for (size_t i = 0; i < len; i++)
		small[i] = lower(s[i]);
	if (!label_is_subdomain(small, len))
		why[n++] = dns_subdomain_any;
	return n;
}

size_t name_dns_label(const char *s, const char *why[NAME_PROBLEMS])
{
	size_t n = 0, len = strlen(s);

	if (len > LABEL_MAX)
		why[n++] = "must be no more than 63 characters";
	if (!label_is_dns_label(s, len))
		why[n++] = label_is_subdomain(s, len) ? "must not contain dots" : dns_label;
	return n;
}

size_t name_dns_1035(const char *s, const char *why[NAME_PROBLEMS])
{
	size_t n = 0, len = strlen(s);

	if (len > LABEL_MAX)
		why[n++] = "must be no more than 63 characters";
	if (!is_lower(*s) || !label_is_dns_label(s, len))
		why[n++] = dns_1035;
	return n;
}

size_t name_wildcard_subdomain(const char *s, const char *why[NAME_PROBLEMS])
{
	size_t n = 0, len = strlen(s);

	if (len > SUBDOMAIN_MAX)
		why[n++] = "must be no more than 253 characters";
	if (strncmp(s, "*.", 2) || !label_is_subdomain(s + 2, len - 2))
		why[n++] = wildcard;
	return n;
}

static bool is_underscore_label(const char *s, size_t len)
{
	if (len && *s == '_')
		s++, len--;
	if (!len || !(is_lower(s[0]) || is_digit(s[0])) ||
	    !(is_lower(s[len - 1]) || is_digit(s[len - 1])))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_lower(s[i]) && !is_digit(s[i]) && s[i] != '-' && s[i] != '_')
			return false;
	return true;
}

size_t name_subdomain_underscore(const char *s, const char *why[NAME_PROBLEMS])
{
	size_t n = 0, start = 0, len = strlen(s);
	bool good = true;

	for (size_t i = 0; i <= len; i++) {
		if (i < len && s[i] != '.')
			continue;
		good = good && is_underscore_label(s + start, i - start);
		start = i + 1;
	}
	if (len > SUBDOMAIN_MAX)
		why[n++] = "must be no more than 253 characters";
	if (!good)
		why[n++] = subdomain_underscore;
	return n;
}

size_t name_path_segment(const char *s, const char *why[NAME_PROBLEMS])
{
	size_t n = 0;

	if (strcmp(s, ".") == 0)
		why[n++] = "may not be '.'";
	else if (strcmp(s, "..") == 0)
		why[n++] = "may not be '..'";
	if (strchr(s, '/'))
		why[n++] = "may not contain '/'";
	if (strchr(s, '%'))
		why[n++] = "may not contain '%'";
	return n;
}

size_t name_qualified(const char *s, const char *why[NAME_PROBLEMS])
{
	return label_key_problems(s, why);
}

size_t name_label_value(const char *s, const char *why[NAME_PROBLEMS])
{
	return label_value_problems(s, why);
}

size_t name_port(const char *s, const char *why[NAME_PROBLEMS])
{
	size_t n = 0, len = strlen(s);
	bool letter = false, charset = len > 0;

	for (const char *p = s; *p; p++) {
		letter = letter || is_lower(*p);
		charset = charset && (is_lower(*p) || is_digit(*p) || *p == '-');
	}
	if (len > 15)
		why[n++] = "must be no more than 15 characters";
	if (!charset)
		why[n++] = "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)";
	if (!letter)
		why[n++] = "must contain at least one letter (a-z)";
	if (strstr(s, "--"))
		why[n++] = "must not contain consecutive hyphens";
	if (len && (s[0] == '-' || s[len - 1] == '-'))
		why[n++] = "must not begin or end with a hyphen";
	return n;
}

size_t name_env_var(const char *s, const char *why[NAME_PROBLEMS])
{
	size_t n = 0;

	if (!*s)
		why[n++] = "environment variable name must be non-empty";
	for (const char *p = s; *p && !n; p++)
		if (*p < ' ' || *p > '~' || *p == '=')
			why[n++] = "a valid environment variable name must consist only of "
				   "printable ASCII characters other than '='";
	return n;
}

/* ".", ".." and what begins with ".." would leave the directory they are put in. */
static size_t leaves_directory(const char *s, const char **why)
{
	if (strcmp(s, ".") == 0)
		*why = "must not be '.'";
	else if (strcmp(s, "..") == 0)
		*why = "must not be '..'";
	else if (strncmp(s, "..", 2) == 0)
		*why = "must not start with '..'";
	else
		return 0;
	return 1;
}

size_t name_env_var_strict(const char *s, const char *why[NAME_PROBLEMS])
{
	size_t n = 0;

	if (!consists_of(s, "-._") || is_digit(*s))
		why[n++] = "a valid environment variable name must consist of alphabetic "
			   "characters, digits, '_', '-', or '.', and must not start with a digit "
			   "(e.g. 'my.env-name',  or 'MY_ENV.NAME',  or 'MyEnvName1', regex used "
			   "for validation is '[-._a-zA-Z][-._a-zA-Z0-9]*')";
	return n + leaves_directory(s, why + n);
}

size_t name_config_key(const char *s, const char *why[NAME_PROBLEMS])
{
	size_t n = 0;

	if (strlen(s) > SUBDOMAIN_MAX)
		why[n++] = "must be no more than 253 characters";
	if (!consists_of(s, "-._"))
		why[n++] = "a valid config key must consist of alphanumeric characters, '-', '_' "
			   "or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used "
			   "for validation is '[-._a-zA-Z0-9]+')";
	return n + leaves_directory(s, why + n);
}

size_t name_http_header(const char *s, const char *why[NAME_PROBLEMS])
{
	if (consists_of(s, "-"))
		return 0;
	why[0] = "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. "
		 "'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')";
	return 1;
}

size_t name_c_identifier(const char *s, const char *why[NAME_PROBLEMS])
{
	if (consists_of(s, "_") && !is_digit(*s))
		return 0;
	why[0] = "a valid C identifier must start with alphabetic character or '_', followed by a "
		 "string of alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or "
		 "'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')";
	return 1;
}

size_t name_decimal_integer(const char *s, const char *why[NAME_PROBLEMS])
{
	const char *digits = *s == '-' ? s + 1 : s;
	size_t n = strspn(digits, "0123456789");

	if (n && !digits[n] && !(*digits == '0' && (n > 1 || digits != s)))
		return 0;
	why[0] = "must be a valid decimal integer in canonical form";
	return 1;
}

const char *name_problem(name_rule *rule, const char *s)
{
	const char *why[NAME_PROBLEMS];

	return rule(s, why) ? why[0] : NULL;
}

bool name_in_kubernetes_domain(const char *domain)
{
	static const char *const ours[] = {"kubernetes.io", "k8s.io"};
	size_t len = strlen(domain);

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		size_t n = strlen(ours[i]);

		if (len >= n && strcasecmp(domain + len - n, ours[i]) == 0 &&
		    (len == n || domain[len - n - 1] == '.'))
			return true;
	}
	return false;
}
