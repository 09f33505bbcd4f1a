/*
 * The types that hold a pod template: apps/v1, batch/v1 and replication controllers.
 */
#include "kinds/cells.h"
#include "object/json.h"

#include <string.h>

static json_t *spec_of(json_t *object)
{
	json_t *spec = json_object_get(object, "spec");

	if (!json_is_object(spec)) {
		spec = json_object();
		json_object_set_new(object, "spec", spec);
	}
	return spec;
}

static void only_template(json_t *object)
{
	template_set_defaults(spec_of(object));
}

static void rolling(json_t *object, const char *field, const char *first, json_t *a,
		    const char *second, json_t *b)
{
	json_t *strategy = json_object_get(spec_of(object), field);
	json_t *r = json_object_get(strategy, "rollingUpdate");

	if (strcmp(json_path_string(strategy, "type"), "RollingUpdate") == 0) {
		if (!r) {
			r = json_object();
			json_object_set_new(strategy, "rollingUpdate", r);
		}
		if (!json_object_get(r, first))
			json_object_set(r, first, a);
		if (second && !json_object_get(r, second))
			json_object_set(r, second, b);
	}
	json_decref(a);
	json_decref(b);
}

static void deployment_defaults(json_t *object)
{
	only_template(object);
	rolling(object, "strategy", "maxSurge", json_string("25%"), "maxUnavailable",
		json_string("25%"));
}

static void daemonset_defaults(json_t *object)
{
	only_template(object);
	rolling(object, "updateStrategy", "maxUnavailable", json_integer(1), "maxSurge",
		json_integer(0));
}

static void statefulset_defaults(json_t *object)
{
	only_template(object);
	rolling(object, "updateStrategy", "partition", json_integer(0), NULL, NULL);
}

/* The status counts available replicas even when there are none. */
static void statefulset_prepare(json_t *object, const json_t *old)
{
	if (!old)
		json_path_set(object, "status.availableReplicas", json_integer(0));
}

/* The generation of the template, kept where releases before apps/v1 looked for it. */
static void daemonset_prepare(json_t *object, const json_t *old)
{
	if (!old)
		json_path_set(object,
			      "metadata.annotations[deprecated.daemonset.template.generation]",
			      json_string("1"));
}

static void rc_defaults(json_t *object)
{
	json_t *spec = spec_of(object), *labels;

	only_template(object);
	labels = json_path(spec, "template.metadata.labels");
	if (labels && !json_object_get(spec, "selector"))
		json_object_set(spec, "selector", labels);
	if (labels && !json_path(object, "metadata.labels"))
		json_path_set(object, "metadata.labels", json_incref(labels));
}

static void default_int(json_t *object, const char *key, json_int_t value)
{
	if (!json_object_get(object, key))
		json_object_set_new(object, key, json_integer(value));
}

static void default_text(json_t *object, const char *key, const char *value)
{
	if (!json_object_get(object, key))
		json_object_set_new(object, key, json_string(value));
}

static void job_spec_defaults(json_t *spec)
{
	bool counted = json_object_get(spec, "completions") || json_object_get(spec, "parallelism");

	template_set_defaults(spec);
	if (!counted) {
		default_int(spec, "completions", 1);
		default_int(spec, "parallelism", 1);
	}
	default_int(spec, "parallelism", 1);
	default_int(spec, "backoffLimit", 6);
	default_text(spec, "completionMode", "NonIndexed");
	default_text(spec, "podReplacementPolicy",
		     json_object_get(spec, "podFailurePolicy") ? "Failed" : "TerminatingOrFailed");
	if (!json_object_get(spec, "suspend"))
		json_object_set_new(spec, "suspend", json_false());
	if (!json_object_get(spec, "manualSelector"))
		json_object_set_new(spec, "manualSelector", json_false());
}

static void job_defaults(json_t *object)
{
	job_spec_defaults(spec_of(object));
}

/* A job's pods are found by its own uid. */
static void job_prepare(json_t *object, const json_t *old)
{
	const char *uid = json_path_string(object, "metadata.uid");
	const char *name = json_path_string(object, "metadata.name");
	json_t *labels;

	if (old || json_path_bool(object, "spec.manualSelector", false))
		return;
	json_path_set(object, "spec.selector.matchLabels[batch.kubernetes.io/controller-uid]",
		      json_string(uid));
	if (!json_path(object, "spec.template.metadata.labels"))
		json_path_set(object, "spec.template.metadata.labels", json_object());
	labels = json_path(object, "spec.template.metadata.labels");
	json_object_set_new(labels, "batch.kubernetes.io/controller-uid", json_string(uid));
	json_object_set_new(labels, "batch.kubernetes.io/job-name", json_string(name));
	json_object_set_new(labels, "controller-uid", json_string(uid));
	json_object_set_new(labels, "job-name", json_string(name));
}

static void cronjob_defaults(json_t *object)
{
	json_t *spec = spec_of(object);
	json_t *job = json_object_get(spec, "jobTemplate");

	if (!json_is_object(job)) {
		job = json_object();
		json_object_set_new(spec, "jobTemplate", job);
	}
	if (!json_object_get(job, "metadata"))
		json_object_set_new(job, "metadata", json_object());
	template_set_defaults(spec_of(job));
}

static void validate_deployment(const json_t *o, const json_t *old, struct field_errors *e)
{
	selector_validate(o, "deployment", e);
}

static void validate_replicaset(const json_t *o, const json_t *old, struct field_errors *e)
{
	selector_validate(o, "replicaset", e);
}

static void validate_daemonset(const json_t *o, const json_t *old, struct field_errors *e)
{
	selector_validate(o, "daemonset", e);
}

static void validate_statefulset(const json_t *o, const json_t *old, struct field_errors *e)
{
	selector_validate(o, "statefulset", e);
}

static void validate_job(const json_t *o, const json_t *old, struct field_errors *e)
{
	const char *policy = json_path_string(o, "spec.template.spec.restartPolicy");
	static const char *const valid[] = {"OnFailure", "Never", NULL};

	validate_not_negative(o, "spec.parallelism", e);
	validate_not_negative(o, "spec.completions", e);
	validate_not_negative(o, "spec.backoffLimit", e);
	pod_spec_validate(json_path(o, "spec.template.spec"), "spec.template.spec", e);
	if (strcmp(policy, "Always") == 0)
		field_required(e, "valid values: \"OnFailure\", \"Never\"",
			       "spec.template.spec.restartPolicy");
	else if (strcmp(policy, "OnFailure") && strcmp(policy, "Never"))
		field_not_supported(e, policy, valid, "spec.template.spec.restartPolicy");
}

const struct kind kind_deployment = {
	.group = "apps",
	.kind = "Deployment",
	.set_defaults = deployment_defaults,
	.validate = validate_deployment,
};
const struct kind kind_replicaset = {
	.group = "apps",
	.kind = "ReplicaSet",
	.set_defaults = only_template,
	.validate = validate_replicaset,
};
const struct kind kind_daemonset = {
	.group = "apps",
	.kind = "DaemonSet",
	.set_defaults = daemonset_defaults,
	.prepare = daemonset_prepare,
	.validate = validate_daemonset,
};
const struct kind kind_statefulset = {
	.group = "apps",
	.kind = "StatefulSet",
	.set_defaults = statefulset_defaults,
	.prepare = statefulset_prepare,
	.validate = validate_statefulset,
};
const struct kind kind_rc = {
	.group = "",
	.kind = "ReplicationController",
	.set_defaults = rc_defaults,
};
const struct kind kind_job = {
	.group = "batch",
	.kind = "Job",
	.set_defaults = job_defaults,
	.prepare = job_prepare,
	.validate = validate_job,
};
const struct kind kind_cronjob = {
	.group = "batch",
	.kind = "CronJob",
	.set_defaults = cronjob_defaults,
};
