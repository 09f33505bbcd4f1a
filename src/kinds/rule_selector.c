/*
 * What picks pods and nodes: label selectors, node selectors, taints.
 */
#include "kinds/rules.h"
#include "object/json.h"

#include <string.h>

static void check_values_count(const struct field *f, const char *op)
{
	const struct field *values = FIELD(f, "values");

	if (strcmp(op, "In") == 0 || strcmp(op, "NotIn") == 0) {
		if (!field_size(values))
			field_required(values,
				       "must be specified when `operator` is 'In' or 'NotIn'");
	} else if (strcmp(op, "Exists") == 0 || strcmp(op, "DoesNotExist") == 0) {
		if (field_size(values))
			field_forbidden(values, "may not be specified when `operator` is 'Exists' "
						"or 'DoesNotExist'");
	}
}

static void check_values(const struct field *values)
{
	field_each (values, value)
		field_check(&value, name_label_value);
}

static void check_requirement(const struct field *f)
{
	static const char *const operators[] = {"In", "NotIn", "Exists", "DoesNotExist", NULL};
	const struct field *op = FIELD(f, "operator");

	check_values_count(f, field_text(op));
	if (!text_is_one_of(field_text(op), operators))
		field_invalid_text(op, field_text(op), "not a valid selector operator");
	field_check(FIELD(f, "key"), name_qualified);
	check_values(FIELD(f, "values"));
}

void rule_label_selector(const struct field *f)
{
	const struct field *expressions = FIELD(f, "matchExpressions");

	rule_labels(FIELD(f, "matchLabels"));
	field_each (expressions, e)
		check_requirement(&e);
}

bool label_selector_is_empty(const struct field *f)
{
	return !field_size(FIELD(f, "matchLabels")) && !field_size(FIELD(f, "matchExpressions"));
}

static void check_node_requirement(const struct field *f, bool preferred)
{
	static const char *const operators[] = {"In", "NotIn", "Exists", "DoesNotExist",
						"Gt", "Lt",    NULL};
	const struct field *op = FIELD(f, "operator"), *values = FIELD(f, "values");

	check_values_count(f, field_text(op));
	if ((field_is(op, "Gt") || field_is(op, "Lt")) && field_size(values) != 1)
		field_required(values,
			       "must be specified single value when `operator` is 'Lt' or 'Gt'");
	if (!text_is_one_of(field_text(op), operators))
		field_invalid_text(op, field_text(op), "not a valid selector operator");
	field_check(FIELD(f, "key"), name_qualified);
	if (!preferred)
		check_values(values);
}

static void check_node_field(const struct field *f)
{
	const struct field *op = FIELD(f, "operator"), *values = FIELD(f, "values");

	if (!field_is(op, "In") && !field_is(op, "NotIn"))
		field_invalid_text(op, field_text(op), "not a valid selector operator");
	else if (field_size(values) != 1)
		field_required(values, "must be only one value when `operator` is 'In' or 'NotIn' "
				       "for node field selector");
	if (!field_is(FIELD(f, "key"), "metadata.name")) {
		field_invalid_text(FIELD(f, "key"), field_text(FIELD(f, "key")),
				   "not a valid field selector key");
		return;
	}
	field_each (values, value)
		field_check(&value, name_dns_subdomain);
}

void rule_node_selector_term(const struct field *f, bool preferred)
{
	const struct field *expressions = FIELD(f, "matchExpressions");
	const struct field *fields = FIELD(f, "matchFields");

	field_each (expressions, e)
		check_node_requirement(&e, preferred);
	field_each (fields, e)
		check_node_field(&e);
}

void rule_node_selector(const struct field *f)
{
	const struct field *terms = FIELD(f, "nodeSelectorTerms");

	if (!field_size(terms))
		field_required(terms, "must have at least one node selector term");
	field_each (terms, term)
		rule_node_selector_term(&term, false);
}

static void check_label_keys(const struct field *keys, const struct field *selector)
{
	if (!field_size(keys))
		return;
	if (!field_set(selector)) {
		field_forbidden(keys, "must not be specified when labelSelector is not set");
		return;
	}
	field_each (keys, key)
		field_check(&key, name_qualified);
}

/* A key that the selector names may be put there by the server itself (as an expression), once. */
static void check_keys_in_selector(const struct field *f, const struct field *keys)
{
	const struct field *expressions = FIELD(f, "labelSelector.matchExpressions");
	const json_t *labels = json_path(f->value, "labelSelector.matchLabels");
	struct seen seen CLEANUP(seen_release) = SEEN_INIT;

	field_each (expressions, e) {
		const char *name = json_path_string(e.value, "key");
		bool known = seen_add(&seen, name) || json_object_get(labels, name);

		field_each (keys, key)
			if (known && field_is(&key, name))
				field_invalid_text(FIELD_INDEX(f, key.index), name,
						   "exists in both matchLabelKeys and "
						   "labelSelector");
	}
}

void rule_match_label_keys(const struct field *f)
{
	const struct field *keys = FIELD(f, "matchLabelKeys");
	const struct field *mismatch = FIELD(f, "mismatchLabelKeys");
	const struct field *selector = FIELD(f, "labelSelector");
	struct seen seen CLEANUP(seen_release) = SEEN_INIT;

	check_label_keys(keys, selector);
	check_label_keys(mismatch, selector);
	if (field_size(keys))
		check_keys_in_selector(f, keys);
	field_each (mismatch, key)
		seen_add(&seen, field_text(&key));
	field_each (keys, key)
		if (seen_has(&seen, field_text(&key)))
			field_invalid(&key, "exists in both matchLabelKeys and mismatchLabelKeys");
}

void rule_taint_effect(const struct field *f, bool required)
{
	static const char *const effects[] = {"NoSchedule", "PreferNoSchedule", "NoExecute", NULL};

	if (required)
		field_one_of_required(f, effects);
	else
		field_one_of_optional(f, effects);
}

void rule_conditions(const struct field *f)
{
	static const char *const statuses[] = {"False", "True", "Unknown", NULL};
	struct seen seen CLEANUP(seen_release) = SEEN_INIT;

	field_each (f, c) {
		const struct field *type = FIELD(&c, "type"), *reason = FIELD(&c, "reason");

		if (seen_add(&seen, field_text(type)))
			field_duplicate(type);
		field_check(type, name_qualified);
		field_one_of(FIELD(&c, "status"), statuses);
		if (field_int(FIELD(&c, "observedGeneration")) < 0)
			field_invalid(FIELD(&c, "observedGeneration"),
				      "must be greater than or equal to zero");
		if (!field_set(FIELD(&c, "lastTransitionTime")))
			field_required(FIELD(&c, "lastTransitionTime"), "must be set");
		if (!*field_text(reason))
			field_required(reason, "must be set");
		else if (strlen(field_text(reason)) > 1024)
			field_too_long(reason, 1024);
		if (strlen(field_text(FIELD(&c, "message"))) > 32768)
			field_too_long(FIELD(&c, "message"), 32768);
	}
}
