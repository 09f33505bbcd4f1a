/*
 * What kinds that make pods of a template share.
 */
#include "kinds/rules.h"
#include "object/json.h"
#include "object/selector.h"

#include <string.h>

bool selector_picks(const struct field *selector, const struct field *labels)
{
	struct selector *s CLEANUP(selector_free_cleanup) = NULL;

	if (!field_set(selector))
		return false;
	s = selector_from_label_selector(selector->value, NULL);
	return s && selector_matches_tree(s, labels->value);
}

static bool selector_is_good(const struct field *selector)
{
	struct selector *s CLEANUP(selector_free_cleanup) =
		selector_from_label_selector(selector->value, NULL);

	return s;
}

bool rule_workload_selector(const struct field *spec, const char *word)
{
	const struct field *selector = FIELD(spec, "selector");
	const struct field *labels = FIELD(spec, "template.metadata.labels");

	if (field_set(selector)) {
		rule_label_selector(selector);
		if (label_selector_is_empty(selector)) {
			char *why free_ptr = xasprintf("empty selector is invalid for %s", word);

			field_invalid(selector, why);
			return true;
		}
		if (!selector_is_good(selector)) {
			field_invalid(selector, "invalid label selector");
			return false;
		}
	} else {
		field_required(selector, NULL);
	}
	/* A missing selector picks nothing, so it never matches the labels either. */
	if (!selector_picks(selector, labels))
		field_invalid(labels, "`selector` does not match template `labels`");
	return true;
}

void rule_lasting_template(const struct field *template, const char *kind)
{
	static const char *const always[] = {"Always", NULL};
	const struct field *deadline = FIELD(template, "spec.activeDeadlineSeconds");
	char *why free_ptr = NULL;

	rule_pod_template(template);
	field_one_of(FIELD(template, "spec.restartPolicy"), always);
	if (!field_set(deadline))
		return;
	why = xasprintf("activeDeadlineSeconds in %s is not Supported", kind);
	field_forbidden(deadline, why);
}

void rule_counts(const struct field *f, const char *const *members)
{
	for (; *members; members++)
		field_not_negative(FIELD(f, *members));
}

void rule_at_most(const struct field *f, const char *name, const char *limit, const char *why)
{
	if (field_int(FIELD(f, name)) > field_int(FIELD(f, limit)))
		field_invalid(FIELD(f, name), why);
}

void rule_collision_count(const struct field *status, const struct field *old)
{
	const struct field *f = FIELD(status, "collisionCount");
	const struct field *was = FIELD(old, "collisionCount");

	field_not_negative(f);
	if (field_set(was) && (!field_set(f) || field_int(f) < field_int(was)))
		field_invalid_int(f, field_int(f), "cannot be decremented");
}

void rule_replicas_status(const struct field *status, const struct field *old,
			  const struct replicas_status *rule)
{
	rule_counts(status, rule->counts);
	for (const char *const *part = rule->parts; *part; part++)
		rule_at_most(status, *part, "replicas", "cannot be greater than status.replicas");
	rule_at_most(status, "availableReplicas", "readyReplicas", rule->above_ready);
	if (rule->collisions)
		rule_collision_count(status, old);
}
