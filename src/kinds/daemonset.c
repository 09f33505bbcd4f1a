#include "kinds/builtin.h"
#include "kinds/fill.h"
#include "kinds/rules.h"
#include "kinds/warn.h"
#include "object/json.h"

#include <stdlib.h>
#include <string.h>

/* The generation of the template, kept where releases before apps/v1 looked for it. */
#define TEMPLATE_GENERATION "deprecated.daemonset.template.generation"
static const char generation[] = "metadata.annotations[" TEMPLATE_GENERATION "]";

static void set_defaults(json_t *object)
{
	json_t *spec = fill_spec(object);
	json_t *strategy = fill_object(spec, "updateStrategy"), *r;

	if (!json_path(object, generation))
		json_path_set(object, generation, json_string("0"));
	fill_template(spec);
	if (strcmp(json_path_string(strategy, "type"), "RollingUpdate"))
		return;
	r = fill_object(strategy, "rollingUpdate");
	fill_int(r, "maxUnavailable", 1);
	fill_int(r, "maxSurge", 0);
}

static void prepare(json_t *object, const json_t *old)
{
	long long n = old ? strtoll(json_path_string(old, generation), NULL, 10) : 1;
	json_t *now = json_path(object, "spec.template"), *was = json_path(old, "spec.template");
	char *text free_ptr = NULL;

	if (old && now && was && !json_equal(now, was))
		n++;
	text = xasprintf("%lld", n < 1 ? 1 : n);
	json_path_set(object, generation, json_string(text));
}

static void check_rolling(const struct field *f)
{
	const struct field *unavailable = FIELD(f, "maxUnavailable"), *surge = FIELD(f, "maxSurge");
	bool has_unavailable = count_or_percent(unavailable), has_surge = count_or_percent(surge);

	rule_count_or_percent(unavailable);
	rule_count_or_percent(surge);
	rule_not_more_than_100_percent(unavailable);
	rule_not_more_than_100_percent(surge);
	if (has_unavailable && has_surge)
		field_invalid(surge, "may not be set when maxUnavailable is non-zero");
	else if (!has_unavailable && !has_surge)
		field_required(unavailable, "cannot be 0 when maxSurge is 0");
}

static void check_strategy(const struct field *f)
{
	static const char *const types[] = {"RollingUpdate", "OnDelete", NULL};
	const struct field *type = FIELD(f, "type"), *rolling = FIELD(f, "rollingUpdate");

	if (field_is(type, "RollingUpdate")) {
		if (field_set(rolling))
			check_rolling(rolling);
		else
			field_required(rolling, NULL);
	} else if (!field_is(type, "OnDelete")) {
		field_not_supported_json(f, f->value, types);
	}
}

static void check_selector(const struct field *spec)
{
	const struct field *selector = FIELD(spec, "selector");
	const struct field *labels = FIELD(spec, "template.metadata.labels");

	rule_label_selector(selector);
	if (!selector_picks(selector, labels))
		field_invalid(labels, "`selector` does not match template `labels`");
	if (field_set(selector) && label_selector_is_empty(selector))
		field_invalid(selector, "empty selector is invalid for daemonset");
}

static void validate(const struct field *o, const struct field *old)
{
	static const char *const counts[] = {"minReadySeconds", "revisionHistoryLimit", NULL};
	const struct field *spec = FIELD(o, "spec");

	if (old)
		field_immutable(FIELD(spec, "selector"), FIELD(old, "spec.selector"));
	check_selector(spec);
	rule_lasting_template(FIELD(spec, "template"), "DaemonSet");
	rule_counts(spec, counts);
	check_strategy(FIELD(spec, "updateStrategy"));
}

static void validate_subresource(const struct field *o, const struct field *old, const char *name)
{
	static const char *const counts[] = {"currentNumberScheduled",
					     "numberMisscheduled",
					     "desiredNumberScheduled",
					     "numberReady",
					     "observedGeneration",
					     "updatedNumberScheduled",
					     "numberAvailable",
					     "numberUnavailable",
					     NULL};

	if (strcmp(name, "status")) {
		validate(o, old);
		return;
	}
	rule_counts(FIELD(o, "status"), counts);
	rule_collision_count(FIELD(o, "status"), FIELD(old, "status"));
}

static void warn(const struct field *o, const struct field *old)
{
	if (!old || !field_same(FIELD(o, generation), FIELD(old, generation)))
		warn_pod(FIELD(FIELD(o, "spec"), "template"), true);
}

const struct kind kind_daemonset = {
	.group = "apps",
	.kind = "DaemonSet",
	.set_defaults = set_defaults,
	.prepare = prepare,
	.validate = validate,
	.warn = warn,
	.validate_subresource = validate_subresource,
	.hidden_annotation = TEMPLATE_GENERATION,
	.empty = "{\"metadata\":{\"annotations\":{\"" TEMPLATE_GENERATION "\":\"0\"}}}",
	.shown_empty = {"spec.template.metadata.labels"},
};
