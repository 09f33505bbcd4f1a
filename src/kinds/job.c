#include "kinds/builtin.h"
#include "kinds/fill.h"
#include "kinds/rules.h"
#include "kinds/warn.h"
#include "object/json.h"

#include <stdlib.h>
#include <string.h>

#define PARALLELISM_INDEXED_MAX 100000
#define FAILED_INDEXES_MAX 100000
#define COMPLETIONS_SOFT_LIMIT 100000
#define PARALLELISM_HIGH_MAX 10000
#define FAILED_INDEXES_HIGH_MAX 10000

void job_fill_conditions(json_t *spec)
{
	json_t *rule, *pattern;
	size_t i, j;

	json_array_foreach (json_path(spec, "podFailurePolicy.rules"), i, rule)
		json_array_foreach (json_object_get(rule, "onPodConditions"), j, pattern)
			if (json_is_object(pattern))
				fill_text(pattern, "status", "True");
}

/* A job without labels has those of its pods. */
static void fill_labels(json_t *object)
{
	json_t *labels = json_path(object, "spec.template.metadata.labels");

	if (json_object_size(labels) && !json_object_size(json_path(object, "metadata.labels")))
		json_path_set(object, "metadata.labels", json_deep_copy(labels));
}

static void set_defaults(json_t *object)
{
	json_t *spec = fill_spec(object);

	fill_template(spec);
	fill_labels(object);
	job_fill_conditions(spec);
	if (!json_object_get(spec, "completions") && !json_object_get(spec, "parallelism"))
		fill_int(spec, "completions", 1);
	fill_int(spec, "parallelism", 1);
	fill_int(spec, "backoffLimit",
		 json_object_get(spec, "backoffLimitPerIndex") ? 0x7fffffff : 6);
	fill_optional(spec, "completionMode", "NonIndexed");
	fill_optional(spec, "podReplacementPolicy",
		      json_object_get(spec, "podFailurePolicy") ? "Failed" : "TerminatingOrFailed");
	fill_bool(spec, "suspend", false);
	fill_bool(spec, "manualSelector", false);
}

static void add_labels(json_t *object)
{
	static const struct {
		const char *label, *path;
	} added[] = {{"job-name", "metadata.name"},
		     {"batch.kubernetes.io/job-name", "metadata.name"},
		     {"controller-uid", "metadata.uid"},
		     {"batch.kubernetes.io/controller-uid", "metadata.uid"}};
	json_t *template = fill_object(fill_spec(object), "template");
	json_t *labels = fill_object(fill_object(template, "metadata"), "labels");

	for (size_t i = 0; i < ARRAY_SIZE(added); i++)
		if (!json_object_get(labels, added[i].label))
			json_object_set_new(labels, added[i].label,
					    json_string(json_path_string(object, added[i].path)));
}

/* A job's pods are found by its own uid. */
static void prepare(json_t *object, const json_t *old)
{
	json_t *selector;

	if (old)
		return;
	if (!json_path_bool(object, "spec.manualSelector", false)) {
		/* Labels that were filled in from the template are the template's. */
		if (json_equal(json_path(object, "metadata.labels"),
			       json_path(object, "spec.template.metadata.labels")))
			json_path_del(object, "metadata.labels");
		add_labels(object);
		selector = fill_object(fill_spec(object), "selector");
		fill_text(fill_object(selector, "matchLabels"),
			  "batch.kubernetes.io/controller-uid",
			  json_path_string(object, "metadata.uid"));
	}
	fill_labels(object);
}

/* "1,3-5,7": how many numbers below LIMIT, in order; -1 and *WHY otherwise. */
static json_int_t count_indexes(const char *text, json_int_t limit, const char **why)
{
	json_int_t last = -1, count = 0;
	const char *p = text;
	char *end;

	*why = "must be a list of indexes and intervals of them, in order and below completions";
	while (*p) {
		json_int_t from, to;

		if (!strchr("0123456789", *p))
			return -1;
		from = to = strtoll(p, &end, 10);
		p = end;
		if (*p == '-') {
			if (!p[1] || !strchr("0123456789", p[1]))
				return -1;
			to = strtoll(p + 1, &end, 10);
			p = end;
			if (to <= from)
				return -1;
		}
		if (from <= last || to >= limit)
			return -1;
		last = to;
		count += to - from + 1;
		if (*p == ',' && !*++p)
			return -1;
		else if (*p && p[-1] != ',')
			return -1;
	}
	return count;
}

static void check_exit_codes(const struct field *f, const struct field *spec)
{
	static const char *const operators[] = {"In", "NotIn", NULL};
	const struct field *op = FIELD(f, "operator"), *values = FIELD(f, "values");
	const struct field *name = FIELD(f, "containerName");
	struct seen seen CLEANUP(seen_release) = SEEN_INIT;
	bool ordered = true;

	if (!*field_text(op))
		field_required(op, "valid values: [\"In\" \"NotIn\"]");
	else
		field_one_of(op, operators);
	if (field_set(name) && !pod_has_container(FIELD(spec, "template.spec"), field_text(name)))
		field_invalid(name, "must be one of the container or initContainer names in the "
				    "pod template");
	if (!field_size(values))
		field_invalid(values, "at least one value is required");
	else if (field_size(values) > 255)
		field_too_many(values, field_size(values), 255);
	field_each (values, v) {
		char *text free_ptr = xasprintf("%lld", (long long)field_int(&v));

		if (field_is(op, "In") && !field_int(&v))
			field_invalid(&v, "must not be 0 for the In operator");
		if (seen_add(&seen, text))
			field_duplicate(&v);
		if (v.index &&
		    json_integer_value(json_array_get(values->value, v.index - 1)) > field_int(&v))
			ordered = false;
	}
	if (!ordered)
		field_invalid(values, "must be ordered");
}

static void check_pod_conditions(const struct field *f)
{
	static const char *const statuses[] = {"False", "True", "Unknown", NULL};

	if (field_size(f) > 20)
		field_too_many(f, field_size(f), 20);
	field_each (f, pattern) {
		field_check(FIELD(&pattern, "type"), name_qualified);
		field_one_of_required(FIELD(&pattern, "status"), statuses);
	}
}

static void check_failure_rule(const struct field *rule, const struct field *spec)
{
	static const char *const actions[] = {"Count", "FailIndex", "FailJob", "Ignore", NULL};
	const struct field *action = FIELD(rule, "action"), *codes = FIELD(rule, "onExitCodes");
	const struct field *conditions = FIELD(rule, "onPodConditions");

	if (!*field_text(action))
		field_required(action,
			       "valid values: [\"Count\" \"FailIndex\" \"FailJob\" \"Ignore\"]");
	else if (!field_is(action, "FailIndex"))
		field_one_of(action, actions);
	else if (!field_set(FIELD(spec, "backoffLimitPerIndex")))
		field_invalid(action, "requires the backoffLimitPerIndex to be set");
	if (field_set(codes))
		check_exit_codes(codes, spec);
	check_pod_conditions(conditions);
	if (field_set(codes) && field_size(conditions))
		field_invalid_untold(rule, "specifying both OnExitCodes and OnPodConditions is not "
					   "supported");
	if (!field_set(codes) && !field_size(conditions))
		field_invalid_untold(rule, "specifying one of OnExitCodes and OnPodConditions is "
					   "required");
}

static void check_failure_policy(const struct field *spec)
{
	const struct field *rules = FIELD(spec, "podFailurePolicy.rules");

	if (field_size(rules) > 20)
		field_too_many(rules, field_size(rules), 20);
	field_each (rules, rule)
		check_failure_rule(&rule, spec);
}

static void check_success_rule(const struct field *rule, json_int_t completions)
{
	const struct field *count = FIELD(rule, "succeededCount");
	const struct field *indexes = FIELD(rule, "succeededIndexes");
	json_int_t total = 0;
	const char *why;

	if (!field_set(count) && !field_set(indexes))
		field_required(rule, "at least one of succeededCount or succeededIndexes must be "
				     "specified");
	if (field_set(indexes)) {
		if (strlen(field_text(indexes)) > 64 << 10)
			field_too_long(indexes, 64 << 10);
		total = count_indexes(field_text(indexes), completions, &why);
		if (total < 0)
			field_invalid(indexes, why);
	}
	if (!field_set(count))
		return;
	field_not_negative(count);
	if (field_int(count) > completions)
		field_invalid(count, "must be less than or equal to the number of specified "
				     "completions");
	if (field_set(indexes) && field_int(count) > MAX(total, 0))
		field_invalid(count, "must be less than or equal to the number of indexes in the "
				     "specified succeededIndexes field");
}

static void check_success_policy(const struct field *spec, bool indexed)
{
	const struct field *f = FIELD(spec, "successPolicy"), *rules = FIELD(f, "rules");

	if (!field_set(f))
		return;
	if (!indexed) {
		field_invalid(f, "requires indexed completion mode");
		return;
	}
	if (!field_size(rules))
		field_required(rules, "at least one rules must be specified when the successPolicy "
				      "is specified");
	if (field_size(rules) > 20)
		field_too_many(rules, field_size(rules), 20);
	field_each (rules, rule)
		check_success_rule(&rule, field_int(FIELD(spec, "completions")));
}

static void check_above(const struct field *f, json_int_t limit, const char *why)
{
	if (field_set(f) && field_int(f) > limit)
		field_invalid(f, why);
}

static void check_indexed(const struct field *spec)
{
	const struct field *completions = FIELD(spec, "completions");
	const struct field *parallelism = FIELD(spec, "parallelism");
	const struct field *failed = FIELD(spec, "maxFailedIndexes");

	if (!field_set(completions))
		field_required(completions, "when completion mode is Indexed");
	check_above(parallelism, PARALLELISM_INDEXED_MAX,
		    "must be less than or equal to 100000 when completion mode is Indexed");
	if (field_set(completions))
		check_above(failed, field_int(completions),
			    "must be less than or equal to completions");
	check_above(failed, FAILED_INDEXES_MAX, "must be less than or equal to 100000");
	if (field_int(completions) <= COMPLETIONS_SOFT_LIMIT ||
	    !field_set(FIELD(spec, "backoffLimitPerIndex")))
		return;
	if (!field_set(failed))
		field_required(failed, "must be specified when completions is above 100000");
	check_above(
		parallelism, PARALLELISM_HIGH_MAX,
		"must be less than or equal to 10000 when completions are above 100000 and used "
		"with backoff limit per index");
	check_above(
		failed, FAILED_INDEXES_HIGH_MAX,
		"must be less than or equal to 10000 when completions are above 100000 and used "
		"with backoff limit per index");
}

static void check_mode(const struct field *spec)
{
	static const char *const modes[] = {"NonIndexed", "Indexed", NULL};
	const struct field *mode = FIELD(spec, "completionMode");
	const struct field *limit = FIELD(spec, "backoffLimitPerIndex");
	const struct field *failed = FIELD(spec, "maxFailedIndexes");

	if (field_set(failed) && !field_set(limit))
		field_required(limit, "when maxFailedIndexes is specified");
	if (field_set(mode))
		field_one_of(mode, modes);
	if (field_is(mode, "Indexed"))
		check_indexed(spec);
	if (field_set(mode) && !field_is(mode, "NonIndexed"))
		return;
	if (field_set(limit))
		field_invalid(limit, "requires indexed completion mode");
	if (field_set(failed))
		field_invalid(failed, "requires indexed completion mode");
}

static void check_replacement(const struct field *spec)
{
	static const char *const all[] = {"Failed", "TerminatingOrFailed", NULL};
	static const char *const failed[] = {"Failed", NULL};
	const struct field *f = FIELD(spec, "podReplacementPolicy");

	if (field_set(f))
		field_one_of(f, field_set(FIELD(spec, "podFailurePolicy")) ? failed : all);
}

static void check_restart(const struct field *spec)
{
	static const char *const valid[] = {"OnFailure", "Never", NULL};
	const struct field *f = FIELD(spec, "template.spec.restartPolicy");

	if (!*field_text(f) || field_is(f, "Always"))
		field_required(f, "valid values: \"OnFailure\", \"Never\"");
	else if (field_one_of(f, valid) && field_set(FIELD(spec, "podFailurePolicy")) &&
		 !field_is(f, "Never"))
		field_invalid(f, "only \"Never\" is supported when podFailurePolicy is specified");
}

void job_spec_validate(const struct field *spec)
{
	static const char *const counts[] = {"parallelism",
					     "completions",
					     "activeDeadlineSeconds",
					     "backoffLimit",
					     "ttlSecondsAfterFinished",
					     "backoffLimitPerIndex",
					     "maxFailedIndexes",
					     NULL};
	const struct field *manager = FIELD(spec, "managedBy");

	rule_counts(spec, counts);
	if (field_set(manager)) {
		rule_domain_prefixed_path(manager);
		if (strlen(field_text(manager)) > 63)
			field_too_long(manager, 63);
	}
	check_mode(spec);
	check_failure_policy(spec);
	check_success_policy(spec, field_is(FIELD(spec, "completionMode"), "Indexed"));
	check_replacement(spec);
	rule_pod_template(FIELD(spec, "template"));
	check_restart(spec);
}

static void check_with_selector(const struct field *spec)
{
	const struct field *selector = FIELD(spec, "selector");
	const struct field *labels = FIELD(spec, "template.metadata.labels");

	job_spec_validate(spec);
	if (field_set(selector))
		rule_label_selector(selector);
	else
		field_required(selector, NULL);
	if (!selector_picks(selector, labels))
		field_invalid(labels, "`selector` does not match template `labels`");
}

static void check_label(const struct field *labels, const char *key, const char *expected)
{
	const struct field *label = FIELD_KEY(labels, key);
	char *why free_ptr = NULL;

	if (label->value && field_is(label, expected))
		return;
	why = xasprintf("must be '%s'", expected);
	if (label->value)
		field_invalid_json(label, labels->value, why);
	else
		field_required(label, why);
}

static void check_generated(const struct field *o)
{
	const struct field *spec = FIELD(o, "spec"), *selector = FIELD(spec, "selector");
	const struct field *labels = FIELD(spec, "template.metadata.labels");
	const char *uid = json_path_string(o->value, "metadata.uid");
	const char *name = json_path_string(o->value, "metadata.name");
	json_t *expected json_auto = NULL;
	struct field at = *labels;

	if (field_bool(FIELD(spec, "manualSelector")) || !field_set(selector))
		return;
	expected = json_pack("{s:s,s:s,s:s,s:s}", "controller-uid", uid, "job-name", name,
			     "batch.kubernetes.io/controller-uid", uid,
			     "batch.kubernetes.io/job-name", name);
	check_label(labels, "controller-uid", uid);
	check_label(labels, "job-name", name);
	check_label(labels, "batch.kubernetes.io/controller-uid", uid);
	check_label(labels, "batch.kubernetes.io/job-name", name);
	at.value = expected;
	if (!selector_picks(selector, &at))
		field_invalid(selector, "`selector` not auto-generated");
}

static void check_whole(const struct field *o)
{
	const struct field *spec = FIELD(o, "spec");
	json_int_t completions = field_int(FIELD(spec, "completions"));
	char *host free_ptr = NULL;
	char *why free_ptr = NULL;

	check_generated(o);
	check_with_selector(spec);
	if (!field_is(FIELD(spec, "completionMode"), "Indexed") || completions < 1)
		return;
	host = xasprintf("%s-%lld", json_path_string(o->value, "metadata.name"),
			 (long long)completions - 1);
	if (!name_problem(name_dns_label, host))
		return;
	why = xasprintf("will not able to create pod with invalid DNS label: %s", host);
	field_invalid_text(FIELD(o, "metadata.name"), field_text(FIELD(o, "metadata.name")), why);
}

static bool condition_is(const struct field *status, const char *type, const char *value)
{
	const struct field *list = FIELD(status, "conditions");

	field_each (list, c)
		if (strcmp(json_path_string(c.value, "type"), type) == 0 &&
		    strcmp(json_path_string(c.value, "status"), value) == 0)
			return true;
	return false;
}

static bool is_true(const struct field *status, const char *type)
{
	return condition_is(status, type, "True");
}

/* Where pods of a suspended job go may still change, before the first of them. */
static json_t *template_as_free(const struct field *spec, const struct field *old, bool waiting)
{
	static const char *const paths[] = {"metadata.labels",	    "metadata.annotations",
					    "spec.nodeSelector",    "spec.tolerations",
					    "spec.schedulingGates", "spec.affinity.nodeAffinity"};
	static const char *const lists[] = {"spec.containers", "spec.initContainers"};
	json_t *copy = json_deep_copy(FIELD(old, "template")->value);
	const json_t *now = FIELD(spec, "template")->value;
	size_t j;
	json_t *c;

	for (size_t i = 0; i < ARRAY_SIZE(paths) && waiting; i++) {
		json_t *v = json_path(now, paths[i]);

		if (v)
			json_path_set(copy, paths[i], json_incref(v));
		else
			json_path_del(copy, paths[i]);
	}
	if (waiting && !json_path(now, "spec.affinity") &&
	    !json_object_size(json_path(copy, "spec.affinity")))
		json_path_del(copy, "spec.affinity");
	for (size_t i = 0; i < ARRAY_SIZE(lists) && waiting; i++)
		json_array_foreach (json_path(copy, lists[i]), j, c) {
			json_t *r = json_object_get(json_array_get(json_path(now, lists[i]), j),
						    "resources");

			if (r)
				json_object_set(c, "resources", r);
		}
	return copy;
}

static void check_template_change(const struct field *o, const struct field *old)
{
	const struct field *spec = FIELD(o, "spec"), *was = FIELD(old, "spec");
	bool suspended = field_bool(FIELD(was, "suspend"));
	bool waiting = suspended && !field_int(FIELD(old, "status.active")) &&
		       (!field_set(FIELD(old, "status.startTime")) ||
			is_true(FIELD(old, "status"), "Suspended"));
	json_t *before json_auto = template_as_free(spec, was, waiting);
	const struct field *template = FIELD(spec, "template");

	if (json_equal(before, template->value))
		return;
	if (waiting)
		field_invalid(FIELD(template, "spec"), "field is immutable");
	else
		field_invalid(template, "field is immutable");
}

static void check_completions(const struct field *f, const struct field *old,
			      const struct field *spec)
{
	if (field_is(FIELD(spec, "completionMode"), "Indexed") && field_set(f) && field_set(old)) {
		if (!field_same(f, old) && field_int(FIELD(spec, "parallelism")) != field_int(f))
			field_invalid(f, "can only be modified in tandem with parallelism");
		return;
	}
	field_immutable(f, old);
}

/* The server looks at the whole spec of an update twice. */
static void validate(const struct field *o, const struct field *old)
{
	static const char *const fixed[] = {"completionMode", "podFailurePolicy",
					    "backoffLimitPerIndex", "managedBy", "successPolicy"};
	const struct field *spec = FIELD(o, "spec"), *was;

	check_whole(o);
	if (!old)
		return;
	was = FIELD(old, "spec");
	if (field_errors_count(o->errors))
		check_with_selector(spec);
	check_completions(FIELD(spec, "completions"), FIELD(was, "completions"), spec);
	field_immutable(FIELD(spec, "selector"), FIELD(was, "selector"));
	check_template_change(o, old);
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		field_immutable(FIELD(spec, fixed[i]), FIELD(was, fixed[i]));
}

/* BY_POLICY: a success policy decides when the job is complete. */
static void check_end(const struct field *s, const struct field *old, bool by_policy)
{
	static const char *const terminal[] = {"Failed", "Complete", "FailureTarget"};
	const struct field *conditions = FIELD(s, "conditions"), *end = FIELD(s, "completionTime");
	bool complete = is_true(s, "Complete"), failed = is_true(s, "Failed");
	bool met = is_true(s, "SuccessCriteriaMet"), target = is_true(s, "FailureTarget");

	if (complete && failed)
		field_invalid_untold(conditions,
				     "cannot set Complete=True and Failed=true conditions");
	if (complete && target)
		field_invalid_untold(conditions,
				     "cannot set Complete=True and FailureTarget=true conditions");
	if (field_set(end) && !complete)
		field_invalid(end, "cannot set completionTime when there is no Complete=True "
				   "condition");
	if (!field_set(end) && complete)
		field_required(end, "completionTime is required for Complete jobs");
	if (failed && !target)
		field_invalid_untold(conditions, "cannot set Failed=True condition without the "
						 "FailureTarget=true condition");
	if (complete && !met)
		field_invalid_untold(conditions, "cannot set Complete=True condition without the "
						 "SuccessCriteriaMet=true condition");
	if (met && failed)
		field_invalid_untold(conditions, "cannot set SuccessCriteriaMet=True and "
						 "Failed=true conditions");
	if (met && target)
		field_invalid_untold(conditions, "cannot set SuccessCriteriaMet=True and "
						 "FailureTarget=true conditions");
	for (size_t i = 0; i < ARRAY_SIZE(terminal); i++)
		if (is_true(old, terminal[i]) && !is_true(s, terminal[i]))
			field_invalid_untold(conditions,
					     "cannot disable a terminal condition that is True");
	if (by_policy && complete && !met)
		field_invalid_untold(conditions, "cannot set Complete=True for Job with "
						 "SuccessPolicy unless SuccessCriteriaMet=True");
	if (is_true(old, "Complete") && !is_true(old, "SuccessCriteriaMet") && met)
		field_invalid_untold(conditions, "cannot set SuccessCriteriaMet=True for Job "
						 "already has Complete=true conditions");
	if (is_true(old, "SuccessCriteriaMet") && !met)
		field_invalid_untold(conditions,
				     "cannot disable the SuccessCriteriaMet=True condition");
}

/* A pod that has ended is counted once. */
static void check_uncounted(const struct field *f)
{
	static const char *const lists[] = {"succeeded", "failed"};
	struct seen seen CLEANUP(seen_release) = SEEN_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const struct field *list = FIELD(f, lists[i]);

		field_each (list, uid)
			if (!*field_text(&uid))
				field_invalid(&uid, "must not be empty");
			else if (seen_add(&seen, field_text(&uid)))
				field_duplicate(&uid);
	}
}

/* STARTS: a job that asks for nothing ends before it began. */
static void check_finished(const struct field *s, bool starts)
{
	const struct field *active = FIELD(s, "active"), *start = FIELD(s, "startTime");
	const struct field *uncounted = FIELD(s, "uncountedTerminatedPods");

	if (field_int(active) > 0)
		field_invalid(active, "active>0 is invalid for finished job");
	if (!field_set(start) && starts)
		field_required(start, "startTime is required for finished job");
	if (field_size(FIELD(uncounted, "failed")) + field_size(FIELD(uncounted, "succeeded")))
		field_invalid(uncounted, "must be empty for finished job");
	if (field_int(FIELD(s, "terminating")) > 0)
		field_invalid(FIELD(s, "terminating"), "terminating>0 is invalid for finished job");
}

static void check_times(const struct field *s, const struct field *old, bool suspended)
{
	const struct field *start = FIELD(s, "startTime"), *end = FIELD(s, "completionTime");
	const struct field *was = FIELD(old, "startTime"), *ended = FIELD(old, "completionTime");

	if (field_set(start) && field_set(end) && strcmp(field_text(end), field_text(start)) < 0)
		field_invalid(end, "must be equal to or after `startTime`");
	if (field_set(end) && field_set(ended) && !field_same(end, ended))
		field_invalid(end, "field is immutable");
	if (field_set(was) && !field_same(start, was) && !suspended)
		field_invalid(start, "field is immutable for unsuspended job once set");
}

/* The interval at *P, which moves behind the comma after it; false: there is none. */
static bool next_interval(const char **p, json_int_t *from, json_int_t *to)
{
	char *end;

	if (!**p)
		return false;
	*from = *to = strtoll(*p, &end, 10);
	if (*end == '-')
		*to = strtoll(end + 1, &end, 10);
	*p = *end ? end + 1 : end;
	return true;
}

/* Of two lists that are right. */
static bool overlap(const char *a, const char *b)
{
	json_int_t a_from, a_to, b_from, b_to;
	bool more = next_interval(&a, &a_from, &a_to) && next_interval(&b, &b_from, &b_to);

	while (more) {
		if (a_from <= b_to && b_from <= a_to)
			return true;
		more = a_from <= b_from ? next_interval(&a, &a_from, &a_to)
					: next_interval(&b, &b_from, &b_to);
	}
	return false;
}

static void check_index_lists(const struct field *o)
{
	const struct field *s = FIELD(o, "status"), *spec = FIELD(o, "spec");
	const struct field *done = FIELD(s, "completedIndexes"),
			   *failed = FIELD(s, "failedIndexes");
	const struct field *completions = FIELD(spec, "completions");
	json_int_t limit = field_int(completions);
	const char *why;
	bool bad = field_set(completions) && count_indexes(field_text(done), limit, &why) < 0;

	if (bad)
		field_invalid(done, why);
	if (*field_text(done) && !field_is(FIELD(spec, "completionMode"), "Indexed"))
		field_invalid(done, "cannot set non-empty completedIndexes when non-indexed "
				    "completion mode");
	if (!field_set(failed))
		return;
	if (!field_set(FIELD(spec, "backoffLimitPerIndex")))
		field_invalid(failed, "cannot set non-null failedIndexes when backoffLimitPerIndex "
				      "is null");
	if (!field_set(completions))
		return;
	if (count_indexes(field_text(failed), limit, &why) < 0) {
		if (field_set(FIELD(spec, "backoffLimitPerIndex")))
			field_invalid(failed, why);
	} else if (!bad && overlap(field_text(done), field_text(failed))) {
		field_invalid(failed, "failedIndexes and completedIndexes overlap");
	}
}

static void validate_subresource(const struct field *o, const struct field *old, const char *name)
{
	static const char *const counts[] = {"active", "succeeded",   "failed",
					     "ready",  "terminating", NULL};
	const struct field *s = FIELD(o, "status"), *was = FIELD(old, "status");
	const struct field *spec = FIELD(o, "spec"), *completions = FIELD(spec, "completions");
	bool suspended = field_bool(FIELD(spec, "suspend"));
	bool resumes = is_true(was, "Suspended") && condition_is(s, "Suspended", "False");
	bool shrinks = field_is(FIELD(spec, "completionMode"), "Indexed") &&
		       field_same(completions, FIELD(spec, "parallelism"));

	if (strcmp(name, "status")) {
		validate(o, old);
		return;
	}
	rule_counts(s, counts);
	check_uncounted(FIELD(s, "uncountedTerminatedPods"));
	check_end(s, was, field_set(FIELD(spec, "successPolicy")));
	if (is_true(s, "Complete") || is_true(s, "Failed"))
		check_finished(s,
			       !(suspended && field_set(completions) && !field_int(completions)));
	check_times(s, was, suspended || resumes);
	check_index_lists(o);
	rule_at_most(s, "ready", "active", "cannot set more ready pods than active");
	if (field_int(FIELD(s, "failed")) < field_int(FIELD(was, "failed")))
		field_invalid_int(FIELD(s, "failed"), field_int(FIELD(s, "failed")),
				  "cannot decrease the failed counter");
	if (!shrinks && field_int(FIELD(s, "succeeded")) < field_int(FIELD(was, "succeeded")))
		field_invalid_int(FIELD(s, "succeeded"), field_int(FIELD(s, "succeeded")),
				  "cannot decrease the succeeded counter");
}

void job_warn(const struct field *spec)
{
	if (field_is(FIELD(spec, "completionMode"), "Indexed") &&
	    field_int(FIELD(spec, "completions")) > COMPLETIONS_SOFT_LIMIT &&
	    field_int(FIELD(spec, "parallelism")) > PARALLELISM_HIGH_MAX)
		field_warn(spec, "In Indexed Jobs with a number of completions higher than 10^5 "
				 "and a parallelism higher than 10^4, Kubernetes might not be able "
				 "to track completedIndexes when a big number of indexes fail");
	warn_pod(FIELD(spec, "template"), true);
}

static void warn(const struct field *o, const struct field *old)
{
	if (!old)
		warn_name(o, "this is used in Pod names and hostnames, which can result in "
			     "surprising behavior; a DNS label is recommended");
	if (!old || is_new_generation(o, old))
		job_warn(FIELD(o, "spec"));
}

static const struct selectable selectable[] = {
	{.field = "status.successful", .path = "status.succeeded", .zero = "0"},
	{0},
};

const struct kind kind_job = {
	.group = "batch",
	.kind = "Job",
	.set_defaults = set_defaults,
	.prepare = prepare,
	.validate = validate,
	.warn = warn,
	.validate_subresource = validate_subresource,
	.metadata = METADATA_WHOLE,
	.selectable = selectable,
	.deletion_warning = "child pods are preserved by default when jobs are deleted; set "
			    "propagationPolicy=Background to remove them or set "
			    "propagationPolicy=Orphan to suppress this warning",
};
