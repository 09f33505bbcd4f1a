/* Deployments and Jobs. */
#include "fs/describe.h"

#include "object/json.h"
#include "object/time.h"

#define REVISION "metadata.annotations[deployment.kubernetes.io/revision]"

static void created(struct describe *d)
{
	struct str text CLEANUP(str_release) = STR_INIT;

	describe_time(json_path_string(d->object, "metadata.creationTimestamp"), &text);
	describe_line(d, 0, "CreationTimestamp:\t%s", text.s);
}

static void selector(struct describe *d)
{
	struct str text CLEANUP(str_release) = STR_INIT;

	describe_selector(json_path(d->object, "spec.selector"), &text);
	describe_line(d, 0, "Selector:\t%s", text.s);
}

static intmax_t status_count(struct describe *d, const char *member)
{
	char *path free_ptr = xasprintf("status.%s", member);

	return (intmax_t)json_path_int(d->object, path, 0);
}

static void strategy(struct describe *d)
{
	const json_t *rolling = json_path(d->object, "spec.strategy.rollingUpdate");
	struct str unavailable CLEANUP(str_release) = STR_INIT;
	struct str surge CLEANUP(str_release) = STR_INIT;

	describe_text(d, 0, "StrategyType", "spec.strategy.type", "");
	describe_text(d, 0, "MinReadySeconds", "spec.minReadySeconds", "0");
	if (!rolling)
		return;
	describe_value(json_object_get(rolling, "maxUnavailable"), &unavailable);
	describe_value(json_object_get(rolling, "maxSurge"), &surge);
	describe_line(d, 0, "RollingUpdateStrategy:\t%s max unavailable, %s max surge",
		      unavailable.s, surge.s);
}

static void add_set(struct str *out, const json_t *set)
{
	str_addf(out, "%s%s (%jd/%jd replicas created)", out->len ? ", " : "",
		 json_path_string(set, "metadata.name"),
		 (intmax_t)json_path_int(set, "status.replicas", 0),
		 (intmax_t)json_path_int(set, "spec.replicas", 0));
}

/* The new one has the deployment's revision. */
static void replica_sets(struct describe *d)
{
	const char *revision = json_path_string(d->object, REVISION);
	json_t *sets json_auto = describe_related(
		d, "apps", "replicasets", json_path_string(d->object, "metadata.namespace"), NULL);
	struct str old CLEANUP(str_release) = STR_INIT, new_ CLEANUP(str_release) = STR_INIT;
	json_t *set;
	size_t i;

	json_array_foreach (sets, i, set) {
		if (!describe_is_owned(set, json_path_string(d->object, "metadata.uid")))
			continue;
		add_set(strcmp(json_path_string(set, REVISION), revision) ? &old : &new_, set);
	}
	describe_line(d, 0, "OldReplicaSets:\t%s", old.len ? old.s : "<none>");
	describe_line(d, 0, "NewReplicaSet:\t%s", new_.len ? new_.s : "<none>");
}

void describe_deployment(struct describe *d)
{
	static const char *const columns[][2] = {
		{"Type", "type"}, {"Status", "status"}, {"Reason", "reason"}, {0}};

	describe_text(d, 0, "Name", "metadata.name", "");
	describe_text(d, 0, "Namespace", "metadata.namespace", "");
	created(d);
	describe_labels(d);
	describe_annotations(d);
	selector(d);
	describe_line(d, 0,
		      "Replicas:\t%jd desired | %jd updated | %jd total | %jd available | %jd "
		      "unavailable",
		      (intmax_t)json_path_int(d->object, "spec.replicas", 1),
		      status_count(d, "updatedReplicas"), status_count(d, "replicas"),
		      status_count(d, "availableReplicas"), status_count(d, "unavailableReplicas"));
	strategy(d);
	describe_template(d, json_path(d->object, "spec.template"));
	describe_conditions(d, columns, "status.conditions");
	replica_sets(d);
}

static void job_times(struct describe *d)
{
	const char *from = json_path_string(d->object, "status.startTime");
	const char *to = json_path_string(d->object, "status.completionTime");
	struct str begun CLEANUP(str_release) = STR_INIT, ended CLEANUP(str_release) = STR_INIT;
	char buffer[TIME_TEXT];
	int64_t start, end;

	describe_time(from, &begun);
	describe_time(to, &ended);
	if (begun.len)
		describe_line(d, 0, "Start Time:\t%s", begun.s);
	if (ended.len)
		describe_line(d, 0, "Completed At:\t%s", ended.s);
	if (time_parse(from, &start) == 0 && time_parse(to, &end) == 0)
		describe_line(d, 0, "Duration:\t%s", time_human_duration(end - start, buffer));
}

void describe_job(struct describe *d)
{
	struct str ready CLEANUP(str_release) = STR_INIT;

	describe_text(d, 0, "Name", "metadata.name", "");
	describe_text(d, 0, "Namespace", "metadata.namespace", "");
	selector(d);
	describe_labels(d);
	describe_annotations(d);
	describe_controller(d);
	describe_text(d, 0, "Parallelism", "spec.parallelism", "<unset>");
	describe_text(d, 0, "Completions", "spec.completions", "<unset>");
	if (*json_path_string(d->object, "spec.completionMode"))
		describe_text(d, 0, "Completion Mode", "spec.completionMode", "");
	if (json_path(d->object, "spec.suspend"))
		describe_text(d, 0, "Suspend", "spec.suspend", "");
	if (json_path(d->object, "spec.backoffLimit"))
		describe_text(d, 0, "Backoff Limit", "spec.backoffLimit", "");
	if (json_path(d->object, "spec.ttlSecondsAfterFinished"))
		describe_text(d, 0, "TTL Seconds After Finished", "spec.ttlSecondsAfterFinished",
			      "");
	job_times(d);
	if (json_path(d->object, "spec.activeDeadlineSeconds"))
		describe_text(d, 0, "Active Deadline Seconds", "spec.activeDeadlineSeconds", "");
	if (json_path(d->object, "status.ready"))
		str_addf(&ready, " (%jd Ready)", status_count(d, "ready"));
	describe_line(d, 0, "Pods Statuses:\t%jd Active%s / %jd Succeeded / %jd Failed",
		      status_count(d, "active"), ready.s, status_count(d, "succeeded"),
		      status_count(d, "failed"));
	if (strcmp(json_path_string(d->object, "spec.completionMode"), "Indexed") == 0)
		describe_text(d, 0, "Completed Indexes", "status.completedIndexes", "<none>");
	describe_template(d, json_path(d->object, "spec.template"));
}
