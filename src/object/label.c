#include "object/label.h"

#include <string.h>

#define NAME_FORM                                                                                 \
	"must consist of alphanumeric characters, '-', '_' or '.', and must start and end with "  \
	"an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for " \
	"validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
#define SUBDOMAIN_FORM                                                                            \
	"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' " \
	"or '.', and must start and end with an alphanumeric character (e.g. 'example.com', "     \
	"regex used for validation is "                                                           \
	"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
#define NAME_MAX_BYTES 63
#define PREFIX_MAX_BYTES 253

static bool is_lower_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alnum(char c)
{
	return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

static bool is_name(const char *s, size_t len)
{
	if (!len || !is_alnum(s[0]) || !is_alnum(s[len - 1]))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_alnum(s[i]) && !strchr("-_.", s[i]))
			return false;
	return true;
}

bool label_is_dns_label(const char *s, size_t len)
{
	if (!len || !is_lower_alnum(s[0]) || !is_lower_alnum(s[len - 1]))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_lower_alnum(s[i]) && s[i] != '-')
			return false;
	return true;
}

bool label_is_subdomain(const char *s, size_t len)
{
	size_t start = 0;

	for (size_t i = 0; i <= len; i++) {
		if (i < len && s[i] != '.')
			continue;
		if (!label_is_dns_label(s + start, i - start))
			return false;
		start = i + 1;
	}
	return true;
}

static size_t prefix_problems(const char *prefix, size_t len, const char **why)
{
	size_t n = 0;

	if (!len)
		why[n++] = "prefix part must be non-empty";
	if (len > PREFIX_MAX_BYTES)
		why[n++] = "prefix part must be no more than 253 bytes";
	if (len && !label_is_subdomain(prefix, len))
		why[n++] = "prefix part " SUBDOMAIN_FORM;
	return n;
}

size_t label_key_problems(const char *key, const char *why[LABEL_PROBLEMS])
{
	const char *slash = strchr(key, '/');
	const char *name = slash ? slash + 1 : key;
	size_t n, len = strlen(name);

	if (strchr(name, '/')) {
		why[0] = "a valid label key " NAME_FORM
			 " with an optional DNS subdomain prefix and '/' (e.g. "
			 "'example.com/MyName')";
		return 1;
	}
	n = slash ? prefix_problems(key, (size_t)(slash - key), why) : 0;
	if (!len)
		why[n++] = "name part must be non-empty";
	else if (len > NAME_MAX_BYTES)
		why[n++] = "name part must be no more than 63 bytes";
	if (!is_name(name, len))
		why[n++] = "name part " NAME_FORM;
	return n;
}

size_t label_value_problems(const char *value, const char *why[LABEL_PROBLEMS])
{
	size_t n = 0, len = strlen(value);

	if (len > NAME_MAX_BYTES)
		why[n++] = "must be no more than 63 bytes";
	if (len && !is_name(value, len))
		why[n++] = "a valid label must be an empty string or consist of alphanumeric "
			   "characters, '-', '_' or '.', and must start and end with an "
			   "alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', "
			   "regex used for validation is "
			   "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
	return n;
}

const char *label_key_problem(const char *key)
{
	const char *why[LABEL_PROBLEMS];

	return label_key_problems(key, why) ? why[0] : NULL;
}

const char *label_value_problem(const char *value)
{
	const char *why[LABEL_PROBLEMS];

	return label_value_problems(value, why) ? why[0] : NULL;
}
