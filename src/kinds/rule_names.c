/*
 * Names with a form of their own.
 */
#include "kinds/rules.h"

#include <ctype.h>
#include <string.h>

static size_t count(const char *s, char c)
{
	size_t n = 0;

	for (; *s; s++)
		n += *s == c;
	return n;
}

void rule_fully_qualified_name(const struct field *f)
{
	const char *why;

	if (!field_require(f))
		return;
	why = name_problem(name_dns_subdomain, field_text(f));
	if (!why && count(field_text(f), '.') < 2)
		why = "should be a domain with at least three segments separated by dots";
	if (why)
		field_invalid(f, why);
}

/* example.com/name: a domain of two labels or more, and a path. */
void rule_signer_name(const struct field *f)
{
	static const char form[] =
		"must be a fully qualified domain and path of the form 'example.com/signer-name'";
	const char *name = field_text(f), *slash = strchr(name, '/');
	char *domain free_ptr = NULL;
	const char *why;

	if (!field_require(f))
		return;
	if (!slash || strchr(slash + 1, '/')) {
		field_invalid(f, form);
		return;
	}
	if (strlen(name) > 571) {
		field_too_long(f, 571);
		return;
	}
	domain = xstrndup(name, (size_t)(slash - name));
	why = name_problem(name_dns_subdomain, domain);
	if (why)
		field_invalid_text(f, domain, why);
	else if (count(domain, '.') < 1)
		field_invalid_text(f, domain,
				   "should be a domain with at least two segments separated by "
				   "dots");
	field_check_text(f, slash + 1, name_dns_subdomain);
}

/* A kind is a label but for its case. */
void rule_kind_name(const struct field *f)
{
	char *lower free_ptr = xstrdup(field_text(f));

	for (char *c = lower; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	field_check_joined(f, lower, name_dns_1035,
			   "may have mixed case, but should otherwise match: ");
}

void rule_domain_prefixed_path(const struct field *f)
{
	const char *text = field_text(f), *slash = strchr(text, '/');
	char *domain free_ptr = NULL;

	if (!field_require(f))
		return;
	if (!slash || slash == text || !slash[1]) {
		field_invalid(f, "must be a domain-prefixed path (such as \"acme.io/foo\")");
		return;
	}
	domain = xstrndup(text, (size_t)(slash - text));
	field_check_text(f, domain, name_dns_subdomain);
	if (strspn(slash + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-._~"
			      "%!$&'()*+,;=:") != strlen(slash + 1))
		field_invalid_text(f, slash + 1,
				   "Invalid path (regex used for validation is "
				   "'[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')");
}

void rule_domain_name(const struct field *f)
{
	char *name free_ptr = xstrdup(field_text(f));
	size_t n = strlen(name);
	const char *why;

	if (!field_require(f))
		return;
	if (name[n - 1] == '.')
		name[n - 1] = '\0';
	why = name_problem(name_dns_subdomain, name);
	if (!why && count(name, '.') < 1)
		why = "should be a domain with at least two segments separated by dots";
	if (why)
		field_invalid_text(f, name, why);
}

void rule_named_object(const struct field *f)
{
	const struct field *group = FIELD(f, "apiGroup");

	if (field_set(group))
		field_check(group, name_dns_subdomain);
	field_check_required(FIELD(f, "kind"), name_path_segment);
	field_check_required(FIELD(f, "name"), name_path_segment);
}
