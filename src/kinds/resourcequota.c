#include "kinds/builtin.h"
#include "kinds/rules.h"
#include "object/json.h"

#include <string.h>

static const char *const pods[] = {"pods", NULL};
static const char *const compute[] = {
	"pods",		 "cpu",		 "memory",	    "limits.cpu",
	"limits.memory", "requests.cpu", "requests.memory", NULL};
static const char *const claims[] = {"persistentvolumeclaims", "requests.storage", NULL};

/* What a scope can count. */
static const struct scope {
	const char *name;
	const char *const *resources;
	bool exists_only; /* a selector can only ask for it */
} scopes[] = {
	{"Terminating", compute, true},
	{"NotTerminating", compute, true},
	{"BestEffort", pods, true},
	{"NotBestEffort", compute, true},
	{"PriorityClass", compute, false},
	{"CrossNamespacePodAffinity", compute, true},
	{"VolumeAttributesClass", claims, false},
};

static const struct scope *find_scope(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(scopes); i++)
		if (strcmp(scopes[i].name, name) == 0)
			return &scopes[i];
	return NULL;
}

static bool is_standard(const char *name)
{
	struct field_errors *e CLEANUP(field_errors_free_cleanup) = field_errors_new();
	struct field at = field_root(NULL, e);

	rule_quota_resource_name(&at, name);
	return !strchr(name, '/') && !field_errors_count(e);
}

static void check_amounts(const struct field *f)
{
	field_each_key (f, a) {
		rule_quota_resource_name(&a, a.key);
		rule_resource_amount(&a, a.key);
	}
}

/* TOLD: where and of what it is said that the scope does not count what is limited. */
static void check_scope_resources(const char *name, const struct field *spec,
				  const struct field *told, const json_t *value)
{
	const struct field *hard = FIELD(spec, "hard");
	const struct scope *s = find_scope(name);

	field_each_key (hard, a)
		if (s && is_standard(a.key) && !text_is_one_of(a.key, s->resources))
			field_invalid_json(told, value, "unsupported scope applied to resource");
}

static void check_conflicts(const struct seen *met, const struct field *told, const json_t *value)
{
	if (seen_has(met, "BestEffort") && seen_has(met, "NotBestEffort"))
		field_invalid_json(told, value, "conflicting scopes");
	if (seen_has(met, "Terminating") && seen_has(met, "NotTerminating"))
		field_invalid_json(told, value, "conflicting scopes");
}

static void check_scopes(const struct field *spec)
{
	const struct field *f = FIELD(spec, "scopes");
	struct seen met CLEANUP(seen_release) = SEEN_INIT;

	field_each (f, scope) {
		if (!find_scope(field_text(&scope)))
			field_invalid(f, "unsupported scope");
		check_scope_resources(field_text(&scope), spec, f, f->value);
		seen_add(&met, field_text(&scope));
	}
	check_conflicts(&met, f, f->value);
}

static void check_operator(const struct field *f, const struct field *req, const struct scope *s)
{
	const char *op = json_path_string(req->value, "operator");
	const struct field *values = FIELD(f, "values");
	const json_t *given = json_object_get(req->value, "values");
	static const char *const operators[] = {"In", "NotIn", "Exists", "DoesNotExist", NULL};

	if (s && s->exists_only && strcmp(op, "Exists"))
		field_invalid_text(
			FIELD(f, "operator"), op,
			"must be 'Exists' when scope is any of "
			"ResourceQuotaScopeTerminating, "
			"ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, "
			"ResourceQuotaScopeNotBestEffort or "
			"ResourceQuotaScopeCrossNamespacePodAffinity");
	if (!text_is_one_of(op, operators))
		field_invalid_text(FIELD(f, "operator"), op, "not a valid selector operator");
	else if (strstr(op, "In") && !json_array_size(given))
		field_required(values, "must be at least one value when `operator` is 'In' or "
				       "'NotIn' for scope selector");
	else if (strstr(op, "Exist") && json_array_size(given))
		field_invalid_json(values, given,
				   "must be no value when `operator` is 'Exist' or "
				   "'DoesNotExist' for scope selector");
}

static void check_selector(const struct field *spec)
{
	const struct field *selector = FIELD(spec, "scopeSelector");
	const struct field *f = FIELD(selector, "matchExpressions");
	const json_t *named = json_object_get(spec->value, "scopes");
	struct seen met CLEANUP(seen_release) = SEEN_INIT;

	field_each (f, req) {
		const char *name = json_path_string(req.value, "scopeName");
		const struct scope *s = find_scope(name);

		if (!s)
			field_invalid_text(FIELD(f, "scopeName"), name, "unsupported scope");
		check_scope_resources(name, spec, f, selector->value);
		check_operator(f, &req, s);
		seen_add(&met, name);
	}
	check_conflicts(&met, f, named);
}

static bool same_set(const struct field *a, const struct field *b)
{
	struct seen in_a CLEANUP(seen_release) = SEEN_INIT;
	struct seen in_b CLEANUP(seen_release) = SEEN_INIT;

	field_each (a, s)
		seen_add(&in_a, field_text(&s));
	field_each (b, s) {
		if (!seen_has(&in_a, field_text(&s)))
			return false;
		seen_add(&in_b, field_text(&s));
	}
	field_each (a, s)
		if (!seen_has(&in_b, field_text(&s)))
			return false;
	return true;
}

static void validate(const struct field *o, const struct field *old)
{
	const struct field *spec = FIELD(o, "spec");

	check_amounts(FIELD(spec, "hard"));
	check_scopes(spec);
	check_selector(spec);
	if (old && !same_set(FIELD(spec, "scopes"), FIELD(old, "spec.scopes")))
		field_invalid(FIELD(spec, "scopes"), "field is immutable");
}

static void validate_subresource(const struct field *o, const struct field *old, const char *name)
{
	if (strcmp(name, "status")) {
		validate(o, old);
		return;
	}
	check_amounts(FIELD(o, "status.hard"));
	check_amounts(FIELD(o, "status.used"));
}

/* What may be asked for is more than what may be used. */
static void warn_pair(const struct field *o, const char *name, bool bare)
{
	const struct field *hard = FIELD(o, "spec.hard");
	char *request free_ptr = xasprintf("requests.%s", name);
	char *limit free_ptr = xasprintf("limits.%s", name);
	const char *asked = json_object_get(hard->value, request) || !bare ? request : name;
	const struct field *r = FIELD_KEY(hard, asked), *l = FIELD_KEY(hard, limit);
	struct quantity a, b;
	char *text free_ptr = NULL;

	if (!field_quantity(r, &a) || !field_quantity(l, &b) || quantity_compare(&a, &b) <= 0)
		return;
	text = xasprintf("ResourceQuota %s (%s) should be less than %s (%s)", asked, field_text(r),
			 limit, field_text(l));
	field_warn(o, text);
}

static void warn(const struct field *o, const struct field *old)
{
	if (old)
		return;
	warn_pair(o, "cpu", true);
	warn_pair(o, "memory", true);
	warn_pair(o, "storage", false);
	warn_pair(o, "ephemeral-storage", false);
}

const struct kind kind_resourcequota = {
	.group = "",
	.kind = "ResourceQuota",
	.validate = validate,
	.warn = warn,
	.validate_subresource = validate_subresource,
	.no_generation = true,
};
