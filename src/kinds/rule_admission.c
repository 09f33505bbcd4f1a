/*
 * What webhook configurations and admission policies share: which requests they are about, and
 * where webhooks are.
 */
#include "kinds/expression.h"
#include "kinds/rules.h"
#include "object/json.h"

#include <string.h>

#define CONDITIONS_MAX 64

const char *const failure_policies[] = {"Fail", "Ignore", NULL};
static const char *const match_policies[] = {"Equivalent", "Exact", NULL};

static bool has_wildcard(const struct field *list)
{
	field_each (list, item)
		if (field_is(&item, "*"))
			return true;
	return false;
}

static void check_list(const struct field *f, const char *what)
{
	char *why free_ptr = NULL;

	field_require(f);
	if (field_size(f) < 2 || !has_wildcard(f))
		return;
	why = xasprintf("if '*' is present, must not specify other %s", what);
	field_invalid(f, why);
}

/* "pods/status" after "pods/" "*", or after "*" "/status". */
static void check_covered(const struct field *f, struct seen *whole, struct seen *all)
{
	const char *text = field_text(f), *slash = strchr(text, '/');
	char *resource free_ptr = xstrndup(text, (size_t)(slash - text));
	char *why free_ptr = NULL;

	if (seen_has(whole, resource)) {
		why = xasprintf("if '%s/*' is present, must not specify %s", resource, text);
		field_invalid(f, why);
	}
	if (seen_has(all, slash + 1)) {
		free(why);
		why = xasprintf("if '*%s' is present, must not specify %s", slash, text);
		field_invalid(f, why);
	}
	if (strcmp(slash + 1, "*") == 0)
		seen_add(whole, resource);
	if (strcmp(resource, "*") == 0)
		seen_add(all, slash + 1);
}

static void check_resources(const struct field *f)
{
	struct seen whole CLEANUP(seen_release) = SEEN_INIT;
	struct seen all CLEANUP(seen_release) = SEEN_INIT;
	bool everything = false, any = false, plain = false;

	field_require(f);
	field_each (f, r) {
		if (!field_require(&r))
			continue;
		everything = everything || field_is(&r, "*/*");
		any = any || field_is(&r, "*");
		if (strchr(field_text(&r), '/'))
			check_covered(&r, &whole, &all);
		else
			plain = !field_is(&r, "*");
	}
	if (field_size(f) > 1 && everything)
		field_invalid(f, "if '*/*' is present, must not specify other resources");
	if (any && plain)
		field_invalid(f, "if '*' is present, must not specify other resources without "
				 "subresources");
}

static void check_operations(const struct field *f, const char *const *operations)
{
	check_list(f, "operations");
	field_each (f, op)
		field_one_of(&op, operations);
}

void rule_admission_rule(const struct field *f)
{
	static const char *const all[] = {"*", "CONNECT", "CREATE", "DELETE", "UPDATE", NULL};
	static const char *const scopes[] = {"*", "Cluster", "Namespaced", NULL};
	const struct field *versions = FIELD(f, "apiVersions");

	check_operations(FIELD(f, "operations"), all);
	check_list(FIELD(f, "apiGroups"), "API groups");
	check_list(versions, "API versions");
	field_each (versions, v)
		field_require(&v);
	check_resources(FIELD(f, "resources"));
	if (field_set(FIELD(f, "scope")))
		field_one_of(FIELD(f, "scope"), scopes);
}

static void check_named_rules(const struct field *rules)
{
	field_each (rules, rule) {
		const struct field *names = FIELD(&rule, "resourceNames");
		struct seen seen CLEANUP(seen_release) = SEEN_INIT;

		field_each (names, name) {
			field_check(&name, name_path_segment);
			if (seen_add(&seen, field_text(&name)))
				field_duplicate(&name);
		}
		rule_admission_rule(&rule);
	}
}

/* What goes cannot be changed; this is told of the rules as a whole. */
static void check_mutable(const struct field *rules)
{
	static const char *const mutable[] = {"*", "CONNECT", "CREATE", "UPDATE", NULL};

	field_each (rules, rule) {
		const struct field *operations = FIELD(&rule, "operations");

		field_each (operations, op)
			if (!text_is_one_of(field_text(&op), mutable))
				field_not_supported_text(FIELD(rules, "operations"),
							 field_text(&op), mutable);
	}
}

void rule_match_resources(const struct field *f, bool mutating)
{
	static const char *const selectors[] = {"namespaceSelector", "objectSelector"};

	if (!field_set(f))
		return;
	field_one_of_required(FIELD(f, "matchPolicy"), match_policies);
	for (size_t i = 0; i < ARRAY_SIZE(selectors); i++) {
		const struct field *s = FIELD(f, selectors[i]);

		if (field_set(s))
			rule_label_selector(s);
		else
			field_required(s, NULL);
	}
	check_named_rules(FIELD(f, "resourceRules"));
	check_named_rules(FIELD(f, "excludeResourceRules"));
	if (mutating)
		check_mutable(FIELD(f, "resourceRules"));
}

#define BLANKS " \t\n\r\f\v"

bool text_is_blank(const char *s)
{
	return strspn(s, BLANKS) == strlen(s);
}

char *text_trimmed(const char *s)
{
	size_t len;

	s += strspn(s, BLANKS);
	for (len = strlen(s); len && strchr(BLANKS, s[len - 1]);)
		len--;
	return xstrndup(s, len);
}

void rule_expression(const struct field *f, const struct expression_scope *scope,
		     enum expression_use use, const char *text)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	struct cel_program *p CLEANUP(cel_program_free_cleanup) =
		expression_compile(scope, use, text, &why);

	if (!p)
		field_invalid_text(f, text, error_message(why));
}

bool rule_same_member(const json_t *x, const json_t *y, const char *name)
{
	const json_t *a = json_object_get(x, name), *b = json_object_get(y, name);

	return a == b || json_equal(a, b);
}

static void check_condition(const struct field *text, const struct expression_scope *scope)
{
	char *trimmed free_ptr = text_trimmed(field_text(text));

	if (*trimmed)
		rule_expression(text, scope, EXPRESSION_CONDITION, trimmed);
	else
		field_required(text, NULL);
}

void rule_match_conditions(const struct field *f, bool params)
{
	struct expression_scope *scope CLEANUP(expression_scope_free_cleanup) =
		expression_scope_new(params, false);
	struct seen names CLEANUP(seen_release) = SEEN_INIT;

	if (field_size(f) > CONDITIONS_MAX)
		field_too_many(f, field_size(f), CONDITIONS_MAX);
	field_each (f, c) {
		const struct field *name = FIELD(&c, "name"), *text = FIELD(&c, "expression");

		check_condition(text, scope);
		if (!field_require(name))
			continue;
		field_check(name, name_qualified);
		if (seen_add(&names, field_text(name)))
			field_duplicate(name);
	}
}

static const char url_form[] = "desired format: https://host[/path]";

static void check_url(const struct field *f)
{
	const char *url = field_text(f), *colon = strstr(url, "://");
	char *scheme free_ptr = xstrndup(url, colon ? (size_t)(colon - url) : 0);
	const char *host = colon ? colon + 3 : url;
	char *authority free_ptr = xstrndup(host, strcspn(host, "/?#"));
	const char *rest = host + strcspn(host, "?#");
	char *at = strrchr(authority, '@');

	if (strcmp(scheme, "https"))
		field_invalid_text(f, scheme,
				   "'https' is the only allowed URL scheme; desired format: "
				   "https://host[/path]");
	if (!colon || !*authority) {
		char *why free_ptr = xasprintf("host must be specified; %s", url_form);

		field_invalid_text(f, "", why);
	}
	if (at) {
		*at = '\0';
		field_invalid_text(f, authority, "user information is not permitted in the URL");
	}
	if (*rest == '?') {
		char *query free_ptr = xstrndup(rest + 1, strcspn(rest + 1, "#"));

		if (*query)
			field_invalid_text(f, query,
					   "query parameters are not permitted in the URL");
		rest += strcspn(rest, "#");
	}
	if (*rest == '#' && rest[1])
		field_invalid_text(f, rest + 1, "fragments are not permitted in the URL");
}

static void check_service_path(const struct field *f)
{
	char *copy free_ptr = xstrdup(field_text(f));
	size_t i = 0;

	if (!*copy || strcmp(copy, "/") == 0)
		return;
	if (*copy != '/') {
		field_invalid(f, "must start with a '/'");
		return;
	}
	for (char *p = copy + 1; p; i++) {
		char *end = strchr(p, '/');
		const char *why;

		if (end)
			*end = '\0';
		why = *p ? name_problem(name_dns_subdomain, p) : end ? "may not be empty" : NULL;
		if (why) {
			char *text free_ptr = xasprintf("segment[%zu]: %s", i, why);

			field_invalid(f, text);
		}
		p = end ? end + 1 : NULL;
	}
}

void rule_webhook_client(const struct field *f)
{
	const struct field *url = FIELD(f, "url"), *service = FIELD(f, "service");

	if (field_set(url) == field_set(service)) {
		field_required(f, "exactly one of url or service is required");
	} else if (field_set(url)) {
		check_url(url);
	} else {
		const struct field *port = FIELD(service, "port");

		field_require(FIELD(service, "name"));
		field_require(FIELD(service, "namespace"));
		if (field_int(port) < 1 || field_int(port) > 65535)
			field_invalid_int(port, field_int(port),
					  "port is not valid: must be between 1 and 65535, "
					  "inclusive");
		check_service_path(FIELD(service, "path"));
	}
}

void rule_policy_of_match(const struct field *f)
{
	if (field_set(FIELD(f, "failurePolicy")))
		field_one_of(FIELD(f, "failurePolicy"), failure_policies);
	if (field_set(FIELD(f, "matchPolicy")))
		field_one_of(FIELD(f, "matchPolicy"), match_policies);
}
