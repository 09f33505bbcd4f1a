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

static void check_hook(const struct field *hook, bool mutating)
{
	static const char *const reinvocations[] = {"IfNeeded", "Never", NULL};
	const struct field *rules = FIELD(hook, "rules"), *side = FIELD(hook, "sideEffects");
	const struct field *seconds = FIELD(hook, "timeoutSeconds");
	const struct field *again = FIELD(hook, "reinvocationPolicy");

	rule_fully_qualified_name(FIELD(hook, "name"));
	field_each (rules, rule)
		rule_admission_rule(&rule, false);
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
	rule_match_conditions(FIELD(hook, "matchConditions"));
	check_versions(FIELD(hook, "admissionReviewVersions"));
}

static void check_hooks(const struct field *o, bool mutating)
{
	const struct field *hooks = FIELD(o, "webhooks");
	struct seen names CLEANUP(seen_release) = SEEN_INIT;

	field_each (hooks, hook) {
		const struct field *name = FIELD(&hook, "name");

		check_hook(&hook, mutating);
		if (*field_text(name) && seen_add(&names, field_text(name)))
			field_duplicate(name);
	}
}

static void validate_mutating(const struct field *o, const struct field *old)
{
	(void)old;
	check_hooks(o, true);
}

static void validate_validating(const struct field *o, const struct field *old)
{
	(void)old;
	check_hooks(o, false);
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
