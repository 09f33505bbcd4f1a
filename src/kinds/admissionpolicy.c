/*
 * Admission policies written in CEL, and what binds them to parameters and requests. The
 * expressions themselves are compiled where they are used.
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

static void check_variables(const struct field *f)
{
	field_each (f, v) {
		const struct field *name = FIELD(&v, "name"), *text = FIELD(&v, "expression");

		if (text_is_blank(field_text(name)))
			field_required(name, "name is not specified");
		else if (name_problem(name_c_identifier, field_text(name)))
			field_invalid(name, "must be a valid CEL identifier");
		if (text_is_blank(field_text(text)))
			field_required(text, "expression is not specified");
	}
}

static void check_validations(const struct field *f)
{
	static const char *const reasons[] = {"Forbidden", "Invalid", "RequestEntityTooLarge",
					      "Unauthorized", NULL};

	field_each (f, v) {
		const struct field *text = FIELD(&v, "expression"), *message = FIELD(&v, "message");
		const struct field *computed = FIELD(&v, "messageExpression");

		if (text_is_blank(field_text(text)))
			field_required(text, "expression is not specified");
		if (*field_text(computed) && text_is_blank(field_text(computed)))
			field_invalid(computed, "must be non-empty if specified");
		if (*field_text(message) && text_is_blank(field_text(message)))
			field_invalid(message, "must be non-empty if specified");
		else if (strpbrk(field_text(message), "\n\r"))
			field_invalid(message, "must not contain line breaks");
		if (field_set(FIELD(&v, "reason")))
			field_one_of(FIELD(&v, "reason"), reasons);
	}
}

static void check_annotations(const struct field *f, const char *policy)
{
	struct seen keys CLEANUP(seen_release) = SEEN_INIT;

	if (field_size(f) > ANNOTATIONS_MAX)
		field_invalid(f, "must not have more than 20 auditAnnotations");
	field_each (f, a) {
		const struct field *key = FIELD(&a, "key"), *text = FIELD(&a, "valueExpression");
		char *name free_ptr = xasprintf("%s/%s", policy, field_text(key));

		field_check_text(key, name, name_qualified);
		if (text_is_blank(field_text(text)))
			field_required(text, "valueExpression is not specified");
		else if (strlen(field_text(text)) > EXPRESSION_MAX)
			field_required(text, "must not exceed 5120 bytes in length");
		if (seen_add(&keys, field_text(key)))
			field_duplicate(key);
	}
}

static void check_constraints(const struct field *spec, bool mutating)
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
	rule_match_conditions(FIELD(spec, "matchConditions"));
	check_variables(FIELD(spec, "variables"));
}

static void validate_validating(const struct field *o, const struct field *old)
{
	static const char none[] = "validations or auditAnnotations must contain at least one item";
	const struct field *spec = FIELD(o, "spec"), *validations = FIELD(spec, "validations");
	const struct field *annotations = FIELD(spec, "auditAnnotations");

	(void)old;
	check_constraints(spec, false);
	if (!field_size(validations) && !field_size(annotations)) {
		field_required(validations, none);
		field_required(annotations, none);
	}
	check_validations(validations);
	check_annotations(annotations, json_path_string(o->value, "metadata.name"));
}

static void check_mutations(const struct field *f)
{
	static const char *const types[] = {"ApplyConfiguration", "JSONPatch", NULL};
	static const char *const members[] = {"applyConfiguration", "jsonPatch"};

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
				field_required(part, NULL);
			else if (!wanted && field_set(part))
				field_forbidden(part, "may only be set for its own patchType");
			else if (wanted &&
				 text_is_blank(json_path_string(part->value, "expression")))
				field_required(FIELD(part, "expression"), NULL);
		}
	}
}

static void validate_mutating(const struct field *o, const struct field *old)
{
	static const char *const reinvocations[] = {"IfNeeded", "Never", NULL};
	const struct field *spec = FIELD(o, "spec");

	(void)old;
	check_constraints(spec, true);
	field_one_of_required(FIELD(spec, "reinvocationPolicy"), reinvocations);
	check_mutations(FIELD(spec, "mutations"));
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
