#include "object/label.h"

#include <stdbool.h>
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

static bool is_subdomain(const char *s, size_t len)
{
	if (!len || !is_lower_alnum(s[0]) || !is_lower_alnum(s[len - 1]))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '.' && (!is_lower_alnum(s[i - 1]) || !is_lower_alnum(s[i + 1])))
			return false;
		if (!is_lower_alnum(s[i]) && s[i] != '-' && s[i] != '.')
			return false;
	}
	return true;
}

static const char *prefix_problem(const char *prefix, size_t len)
{
	if (!len)
		return "prefix part must be non-empty";
	if (len > PREFIX_MAX_BYTES)
		return "prefix part must be no more than 253 characters";
	return is_subdomain(prefix, len) ? NULL : "prefix part " SUBDOMAIN_FORM;
}

const char *label_key_problem(const char *key)
{
	const char *slash = strchr(key, '/');
	const char *name = slash ? slash + 1 : key;
	const char *problem = slash ? prefix_problem(key, (size_t)(slash - key)) : NULL;

	if (strchr(name, '/'))
		return "a valid label key " NAME_FORM
		       " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
	if (problem)
		return problem;
	if (!*name)
		return "name part must be non-empty";
	if (strlen(name) > NAME_MAX_BYTES)
		return "name part must be no more than 63 bytes";
	return is_name(name, strlen(name)) ? NULL : "name part " NAME_FORM;
}

const char *label_value_problem(const char *value)
{
	if (strlen(value) > NAME_MAX_BYTES)
		return "must be no more than 63 bytes";
	if (!*value || is_name(value, strlen(value)))
		return NULL;
	return "a valid label must be an empty string or consist of alphanumeric characters, '-', "
	       "'_' or '.', and must start and end with an alphanumeric character (e.g. "
	       "'MyValue',  or 'my_value',  or '12345', regex used for validation is "
	       "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
}
