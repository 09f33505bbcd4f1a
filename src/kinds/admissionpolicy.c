/*
 * Admission policies written in CEL, and what binds them to parameters and requests. An expression
 * that is none is refused.
 */
#include "kinds/builtin.h"
#include "kinds/rules.h"
#include "object/json.h"

#include <string.h>

#define ANNOTATIONS_MAX 20
#define EXPRESSION_MAX (5 * 1024)

static void check_param_kind(const struct field *f)
{
	const struct field *version = FIELD(f, "apiVersion"), *kind = FIELD(f, "kind");
	const char *slash = strchr(field_text(version), '/');
	char *small free_ptr = xstrdup(field_text(kind));

	if (!field_set(f))
		return;
	if (field_require(version)) {
		char *group free_ptr = xstrndup(field_text(version),
						slash ? (size_t)(slash - field_text(version)) : 0);

		if (slash && strchr(slash + 1, '/'))
			field_invalid(version, "unexpected GroupVersion string");
		else if (*group)
			field_check_text(version, group, name_dns_subdomain);
		if (slash && !slash[1])
			field_invalid(version, "version must be specified");
		else if (!slash || !strchr(slash + 1, '/'))
			field_check_text(version, slash ? slash + 1 : field_text(version),
					 name_dns_1035);
	}
	for (char *p = small; *p; p++)
		*p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
	if (field_require(kind) && name_problem(name_dns_1035, small))
		field_invalid(kind, "may have mixed case, but should otherwise match a DNS-1035 "
				    "label");
}

static void define(const struct field *variable, struct expression_scope *scope)
{
	const struct field *text = FIELD(variable, "expression");
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	struct cel_program *p CLEANUP(cel_program_free_cleanup) = expression_define(
		scope, field_text(FIELD(variable, "name")), field_text(text), &why);

	if (!p)
		field_invalid(text, error_message(why));
}

/* Each variable may speak of those before it. */
static void check_variables(const struct field *f, struct expression_scope *scope)
{
	field_each (f, v) {
		const struct field *name = FIELD(&v, "name"), *text = FIELD(&v, "expression");

		if (text_is_blank(field_text(name)))
			field_required(name, "name is not specified");
		else if (name_problem(name_c_identifier, field_text(name)))
			field_invalid(name, "must be a valid CEL identifier");
		if (text_is_blank(field_text(text)))
			field_required(text, "expression is not specified");
		else
			define(&v, scope);
	}
}

static void check_validations(const struct field *f, const struct expression_scope *scope)
{
	static const char *const reasons[] = {"Forbidden", "Invalid", "RequestEntityTooLarge",
					      NULL};

	field_each (f, v) {
		const struct field *text = FIELD(&v, "expression"), *message = FIELD(&v, "message");
		const struct field *computed = FIELD(&v, "messageExpression");

		if (text_is_blank(field_text(text)))
			field_required(text, "expression is not specified");
		else
			rule_expression(text, scope, EXPRESSION_CONDITION, field_text(text));
		if (*field_text(computed) && text_is_blank(field_text(computed)))
			field_invalid(computed, "must be non-empty if specified");
		else if (*field_text(computed))
			rule_expression(computed, scope, EXPRESSION_MESSAGE, field_text(computed));
		if (*field_text(message) && text_is_blank(field_text(message)))
			field_invalid(message, "must be non-empty if specified");
		else if (strpbrk(field_text(message), "\n\r"))
			field_invalid(message, "must not contain line breaks");
		if (field_set(FIELD(&v, "reason")))
			field_one_of(FIELD(&v, "reason"), reasons);
	}
}

static void check_value(const struct field *text, const struct expression_scope *scope)
{
	char *trimmed free_ptr = text_trimmed(field_text(text));
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	struct cel_program *p CLEANUP(cel_program_free_cleanup) = NULL;

	if (!*trimmed) {
		field_required(text, "valueExpression is not specified");
	} else if (strlen(trimmed) > EXPRESSION_MAX) {
		field_required(text, "must not exceed 5120 bytes in length");
	} else {
		p = expression_compile(scope, EXPRESSION_ANNOTATION, trimmed, &why);
		if (!p)
			field_invalid(text, error_message(why));
	}
}

static void check_annotations(const struct field *f, const char *policy,
			      const struct expression_scope *scope)
{
	struct seen keys CLEANUP(seen_release) = SEEN_INIT;

	if (field_size(f) > ANNOTATIONS_MAX)
		field_invalid(f, "must not have more than 20 auditAnnotations");
	field_each (f, a) {
		const struct field *key = FIELD(&a, "key"), *text = FIELD(&a, "valueExpression");
		char *name free_ptr = xasprintf("%s/%s", policy, field_text(key));

		field_check_text(key, name, name_qualified);
		check_value(text, scope);
		if (seen_add(&keys, field_text(key)))
			field_duplicate(key);
	}
}

/* What was accepted once is not looked at again. */
static bool keeps_conditions(const struct field *spec, const struct field *old)
{
	static const char *const members[] = {"paramKind", "matchConditions"};
	const json_t *before = old ? json_object_get(old->value, "spec") : NULL;

	for (size_t i = 0; before && i < ARRAY_SIZE(members); i++)
		if (!rule_same_member(spec->value, before, members[i]))
			return false;
	return before != NULL;
}

static void check_constraints(const struct field *spec, const struct field *old,
			      struct expression_scope *scope, bool mutating)
{
	const struct field *f = FIELD(spec, "matchConstraints");

	field_one_of_required(FIELD(spec, "failurePolicy"), failure_policies);
	check_param_kind(FIELD(spec, "paramKind"));
	if (!field_set(f)) {
		field_required(f, NULL);
	} else {
		rule_match_resources(f, mutating);
		field_require(FIELD(f, "resourceRules"));
	}
	if (!keeps_conditions(spec, old))
		rule_match_conditions(FIELD(spec, "matchConditions"),
				      field_set(FIELD(spec, "paramKind")));
	check_variables(FIELD(spec, "variables"), scope);
}

static void validate_validating(const struct field *o, const struct field *old)
{
	static const char none[] = "validations or auditAnnotations must contain at least one item";
	const struct field *spec = FIELD(o, "spec"), *validations = FIELD(spec, "validations");
	const struct field *annotations = FIELD(spec, "auditAnnotations");
	struct expression_scope *scope CLEANUP(expression_scope_free_cleanup) =
		expression_scope_new(field_set(FIELD(spec, "paramKind")),
				     field_size(FIELD(spec, "variables")) > 0);

	check_constraints(spec, old, scope, false);
	if (!field_size(validations) && !field_size(annotations)) {
		field_required(validations, none);
		field_required(annotations, none);
	}
	check_validations(validations, scope);
	check_annotations(annotations, json_path_string(o->value, "metadata.name"), scope);
}

static void check_mutation_expression(const struct field *text, enum expression_use use,
				      const struct expression_scope *scope)
{
	char *trimmed free_ptr = text_trimmed(field_text(text));

	if (*trimmed)
		rule_expression(text, scope, use, trimmed);
	else
		field_required(text, NULL);
}

/* The value is not told, only which it is. */
static void refuse_member(const struct field *part, const char *name)
{
	char *told free_ptr = xasprintf("{%s}", name);

	field_invalid_text(part, told, "must not be given for this patchType");
}

static void check_mutations(const struct field *f, const struct expression_scope *scope)
{
	static const char *const types[] = {"ApplyConfiguration", "JSONPatch", NULL};
	static const char *const members[] = {"applyConfiguration", "jsonPatch"};
	static const enum expression_use made[] = {EXPRESSION_APPLY, EXPRESSION_PATCH};

	if (!field_size(f))
		field_required(f, "mutations must contain at least one item");
	field_each (f, m) {
		const struct field *type = FIELD(&m, "patchType");

		if (!field_one_of_required(type, types))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
			const struct field *part = FIELD(&m, members[i]);
			bool wanted = field_is(type, types[i]);

			if (wanted && !field_set(part))
				field_required(part, "must be given for this patchType");
			else if (wanted)
				check_mutation_expression(FIELD(part, "expression"), made[i],
							  scope);
			else if (field_set(part))
				refuse_member(part, members[i]);
		}
	}
}

static void validate_mutating(const struct field *o, const struct field *old)
{
	static const char *const reinvocations[] = {"IfNeeded", "Never", NULL};
	const struct field *spec = FIELD(o, "spec");
	struct expression_scope *scope CLEANUP(expression_scope_free_cleanup) =
		expression_scope_new(field_set(FIELD(spec, "paramKind")), true);

	check_constraints(spec, old, scope, true);
	field_one_of_required(FIELD(spec, "reinvocationPolicy"), reinvocations);
	check_mutations(FIELD(spec, "mutations"), scope);
}

static void check_param_ref(const struct field *f)
{
	static const char *const actions[] = {"Deny", "Allow", NULL};
	static const char both[] = "name and selector are mutually exclusive";
	const struct field *name = FIELD(f, "name"), *selector = FIELD(f, "selector");

	if (!field_set(f))
		return;
	field_check_optional(name, name_path_segment);
	if (*field_text(name) && field_set(selector)) {
		field_forbidden(name, both);
		field_forbidden(selector, both);
	}
	rule_label_selector(selector);
	if (!*field_text(name) && !field_set(selector))
		field_required(f, "one of name or selector must be specified");
	field_one_of_required(FIELD(f, "parameterNotFoundAction"), actions);
}

static void check_binding(const struct field *spec, bool mutating)
{
	field_check_required(FIELD(spec, "policyName"), name_dns_subdomain);
	check_param_ref(FIELD(spec, "paramRef"));
	rule_match_resources(FIELD(spec, "matchResources"), mutating);
}

static void validate_validating_binding(const struct field *o, const struct field *old)
{
	static const char *const known[] = {"Audit", "Deny", "Warn", NULL};
	const struct field *spec = FIELD(o, "spec"), *actions = FIELD(spec, "validationActions");
	struct seen seen CLEANUP(seen_release) = SEEN_INIT;

	(void)old;
	check_binding(spec, false);
	field_each (actions, action) {
		field_one_of(&action, known);
		if (seen_add(&seen, field_text(&action)))
			field_duplicate(&action);
	}
	if (seen_has(&seen, "Deny") && seen_has(&seen, "Warn"))
		field_invalid(actions, "must not contain both Deny and Warn");
	if (!field_size(actions))
		field_required(actions, "at least one validation action is required");
}

static void validate_mutating_binding(const struct field *o, const struct field *old)
{
	(void)old;
	check_binding(FIELD(o, "spec"), true);
}

static void validate_status(const struct field *o, const struct field *old, const char *name)
{
	const struct field *warnings = FIELD(o, "status.typeChecking.expressionWarnings");

	if (strcmp(name, "status")) {
		validate_validating(o, old);
		return;
	}
	field_each (warnings, w) {
		field_require(FIELD(&w, "warning"));
		field_require(FIELD(&w, "fieldRef"));
	}
	rule_conditions(FIELD(o, "status.conditions"));
}

const struct kind kind_validatingadmissionpolicy = {
	.group = "admissionregistration.k8s.io",
	.kind = "ValidatingAdmissionPolicy",
	.validate = validate_validating,
	.validate_subresource = validate_status,
	.metadata = METADATA_WHOLE | METADATA_NO_CHANGES | METADATA_PLAIN,
};
const struct kind kind_validatingadmissionpolicybinding = {
	.group = "admissionregistration.k8s.io",
	.kind = "ValidatingAdmissionPolicyBinding",
	.validate = validate_validating_binding,
	.metadata = METADATA_WHOLE | METADATA_NO_CHANGES | METADATA_PLAIN,
};
const struct kind kind_mutatingadmissionpolicy = {
	.group = "admissionregistration.k8s.io",
	.kind = "MutatingAdmissionPolicy",
	.validate = validate_mutating,
	.metadata = METADATA_WHOLE | METADATA_NO_CHANGES | METADATA_PLAIN,
};
const struct kind kind_mutatingadmissionpolicybinding = {
	.group = "admissionregistration.k8s.io",
	.kind = "MutatingAdmissionPolicyBinding",
	.validate = validate_mutating_binding,
	.metadata = METADATA_WHOLE | METADATA_NO_CHANGES | METADATA_PLAIN,
};
