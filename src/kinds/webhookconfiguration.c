/*
 * Webhooks that see every request, those that change objects and those that only look.
 */
#include "kinds/builtin.h"
#include "kinds/rules.h"
#include "object/json.h"

#include <string.h>

static const char *const effects[] = {"None", "NoneOnDryRun", NULL};
static const char *const review_versions[] = {"v1", "v1beta1", NULL};

static void check_versions(const struct field *f)
{
	struct seen seen CLEANUP(seen_release) = SEEN_INIT;
	bool known = false;

	if (!field_size(f)) {
		field_required(f, "must specify one of v1, v1beta1");
		return;
	}
	field_each (f, v) {
		if (seen_add(&seen, field_text(&v))) {
			field_invalid(&v, "duplicate version");
			continue;
		}
		field_check(&v, name_dns_1035);
		known = known || text_is_one_of(field_text(&v), review_versions);
	}
	if (!known)
		field_invalid(f, "must include at least one of v1, v1beta1");
}

static void check_hook(const struct field *hook, bool mutating, bool same_conditions)
{
	static const char *const reinvocations[] = {"IfNeeded", "Never", NULL};
	const struct field *rules = FIELD(hook, "rules"), *side = FIELD(hook, "sideEffects");
	const struct field *seconds = FIELD(hook, "timeoutSeconds");
	const struct field *again = FIELD(hook, "reinvocationPolicy");

	rule_fully_qualified_name(FIELD(hook, "name"));
	field_each (rules, rule)
		rule_admission_rule(&rule);
	rule_policy_of_match(hook);
	if (!field_set(side))
		field_required(side, "must specify one of None, NoneOnDryRun");
	else
		field_one_of(side, effects);
	if (field_set(seconds) && (field_int(seconds) < 1 || field_int(seconds) > 30))
		field_invalid(seconds, "the timeout value must be between 1 and 30 seconds");
	rule_label_selector(FIELD(hook, "namespaceSelector"));
	rule_label_selector(FIELD(hook, "objectSelector"));
	if (mutating && field_set(again))
		field_one_of(again, reinvocations);
	rule_webhook_client(FIELD(hook, "clientConfig"));
	if (!same_conditions)
		rule_match_conditions(FIELD(hook, "matchConditions"), false);
	check_versions(FIELD(hook, "admissionReviewVersions"));
}

/* What was accepted once is not looked at again. */
static bool keeps_conditions(const struct field *hooks, const struct field *old)
{
	const json_t *before = old ? json_object_get(old->value, "webhooks") : NULL;

	if (!before || json_array_size(before) != field_size(hooks))
		return false;
	field_each (hooks, hook)
		if (!rule_same_member(hook.value, json_array_get(before, hook.index),
				      "matchConditions"))
			return false;
	return true;
}

static void check_hooks(const struct field *o, const struct field *old, bool mutating)
{
	const struct field *hooks = FIELD(o, "webhooks");
	struct seen names CLEANUP(seen_release) = SEEN_INIT;
	bool same_conditions = keeps_conditions(hooks, old);

	field_each (hooks, hook) {
		const struct field *name = FIELD(&hook, "name");

		check_hook(&hook, mutating, same_conditions);
		if (*field_text(name) && seen_add(&names, field_text(name)))
			field_duplicate(name);
	}
}

static void validate_mutating(const struct field *o, const struct field *old)
{
	check_hooks(o, old, true);
}

static void validate_validating(const struct field *o, const struct field *old)
{
	check_hooks(o, old, false);
}

const struct kind kind_mutatingwebhookconfiguration = {
	.group = "admissionregistration.k8s.io",
	.kind = "MutatingWebhookConfiguration",
	.validate = validate_mutating,
	.metadata = METADATA_WHOLE | METADATA_NO_CHANGES | METADATA_PLAIN,
};
const struct kind kind_validatingwebhookconfiguration = {
	.group = "admissionregistration.k8s.io",
	.kind = "ValidatingWebhookConfiguration",
	.validate = validate_validating,
	.metadata = METADATA_WHOLE | METADATA_NO_CHANGES | METADATA_PLAIN,
};
