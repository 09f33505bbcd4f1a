/*
 * Names with a form of their own.
 */
#include "kinds/rules.h"

#include <ctype.h>
#include <string.h>

#define DOMAIN_MAX 253
#define SIGNER_MAX 571

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

/* The first of TEXT's labels, between dots, that breaks RULE: all of TEXT is told of it. */
static void check_labels(const struct field *f, const char *text, name_rule *rule)
{
	const char *why[NAME_PROBLEMS], *p = text;
	size_t n = 0, len = 0;

	do {
		char *label free_ptr = NULL;

		len = strcspn(p, ".");
		label = xstrndup(p, len);
		n = rule(label, why);
		p += len;
	} while (!n && *p++ == '.');
	for (size_t i = 0; i < n; i++)
		field_invalid_text(f, text, why[i]);
}

/* example.com/name: a domain of two labels or more, and a path. */
void rule_signer_name(const struct field *f)
{
	const char *name = field_text(f), *slash = strchr(name, '/');
	char *domain free_ptr = NULL;

	if (!field_require(f))
		return;
	if (!slash || strchr(slash + 1, '/')) {
		field_invalid(f, "must be a fully qualified domain and path of the form "
				 "'example.com/signer-name'");
		return;
	}
	domain = xstrndup(name, (size_t)(slash - name));
	if (strlen(domain) > DOMAIN_MAX)
		field_too_long(f, DOMAIN_MAX);
	check_labels(f, domain, name_dns_label);
	if (!strchr(domain, '.'))
		field_invalid_text(f, domain,
				   "should be a domain with at least two segments separated by "
				   "dots");
	check_labels(f, slash + 1, name_dns_subdomain);
	if (strlen(name) > SIGNER_MAX)
		field_too_long(f, SIGNER_MAX);
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

void rule_uid(const struct field *f)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	const char *text = field_text(f);
	size_t i = 0;

	if (!field_set(f))
		return;
	while (form[i] &&
	       (form[i] == '-' ? text[i] == '-' : text[i] && strchr("0123456789abcdef", text[i])))
		i++;
	if (form[i] || text[i])
		field_invalid(f, "uid must be in RFC 4122 normalized form, "
				 "`xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase "
				 "hexadecimal characters");
}

void rule_named_object(const struct field *f)
{
	const struct field *group = FIELD(f, "apiGroup");

	if (field_set(group))
		field_check(group, name_dns_subdomain);
	field_check_required(FIELD(f, "kind"), name_path_segment);
	field_check_required(FIELD(f, "name"), name_path_segment);
}
