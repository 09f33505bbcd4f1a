/*
 * Rows of the types that hold a pod template, and of pod templates.
 */
#include "kinds/tables.h"
#include "object/json.h"
#include "object/selector.h"
#include "object/time.h"

#include <string.h>

#define COLUMNS_OF_TEMPLATE(path)                                                \
	COLUMN_WIDE("Containers", cell_container_names, path ".containers",      \
		    "The names of the template's containers"),                   \
		COLUMN_WIDE("Images", cell_container_images, path ".containers", \
			    "The images of the template's containers")
#define COLUMN_SELECTOR \
	COLUMN_WIDE("Selector", cell_selector, "spec.selector", "What picks its pods")

static json_t *ready_of_replicas(const json_t *object, const char *path, int64_t now)
{
	struct str text CLEANUP(str_release) = STR_INIT;

	str_addf(&text, "%lld/%lld", (long long)json_path_int(object, "status.readyReplicas", 0),
		 (long long)json_path_int(object, "spec.replicas", 0));
	return cell_of(&text);
}

/* A deployment's selector is shown as it is, also where it selects everything. */
static json_t *deployment_selector(const json_t *object, const char *path, int64_t now)
{
	const json_t *map = json_path(object, path);
	struct selector *s CLEANUP(selector_free_cleanup) =
		map ? selector_from_label_selector(map, NULL) : NULL;
	struct str text CLEANUP(str_release) = STR_INIT;

	if (map && !s)
		return json_string("<invalid>");
	selector_format(s, &text);
	return cell_of(&text);
}

static const struct table_column deployment_columns[] = {
	COLUMN_NAME,
	COLUMN("Ready", ready_of_replicas, NULL, "Ready pods of those wanted"),
	COLUMN("Up-to-date", cell_integer, "status.updatedReplicas",
	       "Pods made from the present template"),
	COLUMN("Available", cell_integer, "status.availableReplicas",
	       "Pods that were ready for long enough"),
	COLUMN_AGE,
	COLUMNS_OF_TEMPLATE("spec.template.spec"),
	COLUMN_WIDE("Selector", deployment_selector, "spec.selector", "What picks its pods"),
};

#define COLUMNS_OF_REPLICAS                                                                    \
	COLUMN_NAME, COLUMN_INTEGER("Desired", cell_integer, "spec.replicas", "Pods wanted"),  \
		COLUMN_INTEGER("Current", cell_integer, "status.replicas", "Pods that exist"), \
		COLUMN_INTEGER("Ready", cell_integer, "status.readyReplicas",                  \
			       "Pods that are ready"),                                         \
		COLUMN_AGE, COLUMNS_OF_TEMPLATE("spec.template.spec")

static const struct table_column replicaset_columns[] = {COLUMNS_OF_REPLICAS, COLUMN_SELECTOR};

/* Its selector is a plain map. */
static const struct table_column rc_columns[] = {
	COLUMNS_OF_REPLICAS,
	COLUMN_WIDE("Selector", cell_labels, "spec.selector", "The labels of its pods"),
};

static const struct table_column statefulset_columns[] = {
	COLUMN_NAME,
	COLUMN("Ready", ready_of_replicas, NULL, "Ready pods of those wanted"),
	COLUMN_AGE,
	COLUMNS_OF_TEMPLATE("spec.template.spec"),
};

static const struct table_column daemonset_columns[] = {
	COLUMN_NAME,
	COLUMN_INTEGER("Desired", cell_integer, "status.desiredNumberScheduled",
		       "Nodes that should run its pod"),
	COLUMN_INTEGER("Current", cell_integer, "status.currentNumberScheduled",
		       "Those of them that have its pod"),
	COLUMN_INTEGER("Ready", cell_integer, "status.numberReady", "Pods that are ready"),
	COLUMN_INTEGER("Up-to-date", cell_integer, "status.updatedNumberScheduled",
		       "Pods made from the present template"),
	COLUMN_INTEGER("Available", cell_integer, "status.numberAvailable",
		       "Pods that were ready for long enough"),
	COLUMN("Node Selector", cell_labels, "spec.template.spec.nodeSelector",
	       "The labels of the nodes it is for"),
	COLUMN_AGE,
	COLUMNS_OF_TEMPLATE("spec.template.spec"),
	COLUMN_SELECTOR,
};

static bool job_is(const json_t *job, const char *condition)
{
	return strcmp(cells_condition(job, "status.conditions", condition), "True") == 0;
}

static json_t *job_status(const json_t *job, const char *path, int64_t now)
{
	const char *status = "Running";

	if (job_is(job, "Complete"))
		status = "Complete";
	else if (job_is(job, "Failed"))
		status = "Failed";
	else if (*json_path_string(job, "metadata.deletionTimestamp"))
		status = "Terminating";
	else if (job_is(job, "Suspended"))
		status = "Suspended";
	else if (job_is(job, "FailureTarget"))
		status = "FailureTarget";
	else if (job_is(job, "SuccessCriteriaMet"))
		status = "SuccessCriteriaMet";
	return json_string(status);
}

static json_t *job_completions(const json_t *job, const char *path, int64_t now)
{
	json_int_t done = json_path_int(job, "status.succeeded", 0);
	json_int_t parallelism = json_path_int(job, "spec.parallelism", 0);
	struct str text CLEANUP(str_release) = STR_INIT;

	if (json_path(job, "spec.completions"))
		str_addf(&text, "%lld/%lld", (long long)done,
			 (long long)json_path_int(job, "spec.completions", 0));
	else if (parallelism > 1)
		str_addf(&text, "%lld/1 of %lld", (long long)done, (long long)parallelism);
	else
		str_addf(&text, "%lld/1", (long long)done);
	return cell_of(&text);
}

static json_t *job_duration(const json_t *job, const char *path, int64_t now)
{
	int64_t began, ended;
	char text[TIME_TEXT];

	if (time_parse(json_path_string(job, "status.startTime"), &began) < 0)
		return json_string("");
	if (time_parse(json_path_string(job, "status.completionTime"), &ended) < 0)
		ended = now;
	return json_string(time_human_duration(ended - began, text));
}

static const struct table_column job_columns[] = {
	COLUMN_NAME,
	COLUMN("Status", job_status, NULL, "How far it is"),
	COLUMN("Completions", job_completions, NULL, "Pods that succeeded of those wanted"),
	COLUMN("Duration", job_duration, NULL, "How long it took, or takes so far"),
	COLUMN_AGE,
	COLUMNS_OF_TEMPLATE("spec.template.spec"),
	COLUMN_SELECTOR,
};

static json_t *cronjob_suspend(const json_t *object, const char *path, int64_t now)
{
	const json_t *v = json_path(object, path);

	return json_string(!v ? "<unset>" : json_is_true(v) ? "True" : "False");
}

static json_t *cronjob_last(const json_t *object, const char *path, int64_t now)
{
	return json_path(object, path) ? cell_age(object, path, now) : json_string("<none>");
}

static const struct table_column cronjob_columns[] = {
	COLUMN_NAME,
	COLUMN("Schedule", cell_text, "spec.schedule", "When its jobs start, in cron's form"),
	COLUMN("Timezone", cell_or_none, "spec.timeZone", "Where the schedule's clock stands"),
	COLUMN_BOOLEAN("Suspend", cronjob_suspend, "spec.suspend", "Whether no job is started"),
	COLUMN_INTEGER("Active", cell_count, "status.active", "Jobs that run"),
	COLUMN("Last Schedule", cronjob_last, "status.lastScheduleTime",
	       "Time since a job was last started"),
	COLUMN_AGE,
	COLUMNS_OF_TEMPLATE("spec.jobTemplate.spec.template.spec"),
	COLUMN_WIDE("Selector", cell_selector, "spec.jobTemplate.spec.selector",
		    "What picks its jobs' pods"),
};

static const struct table_column podtemplate_columns[] = {
	COLUMN_NAME,
	COLUMN("Containers", cell_container_names, "template.spec.containers",
	       "The names of its containers"),
	COLUMN("Images", cell_container_images, "template.spec.containers",
	       "The images of its containers"),
	COLUMN("Pod Labels", cell_labels, "template.metadata.labels", "The labels of its pods"),
};

/* "statefulset.apps/web" of the owner that controls the object. */
static json_t *controller_cell(const json_t *object, const char *path, int64_t now)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	json_t *owner;
	size_t i;

	json_array_foreach (json_path(object, "metadata.ownerReferences"), i, owner) {
		const char *version = json_path_string(owner, "apiVersion");
		const char *slash = strchr(version, '/');

		if (!json_path_bool(owner, "controller", false))
			continue;
		cells_add_lower(&text, json_path_string(owner, "kind"));
		if (slash)
			str_addf(&text, ".%.*s", (int)(slash - version), version);
		str_addf(&text, "/%s", json_path_string(owner, "name"));
		return cell_of(&text);
	}
	return json_string("<none>");
}

static const struct table_column revision_columns[] = {
	COLUMN_NAME,
	COLUMN("Controller", controller_cell, NULL, "What it is a revision of"),
	COLUMN("Revision", cell_integer, "revision", "Its number"),
	COLUMN_AGE,
};

const struct kind_table tables_workloads[] = {
	TABLE("apps", "Deployment", deployment_columns),
	TABLE("apps", "ReplicaSet", replicaset_columns),
	TABLE("apps", "DaemonSet", daemonset_columns),
	TABLE("apps", "StatefulSet", statefulset_columns),
	TABLE("batch", "Job", job_columns),
	TABLE("batch", "CronJob", cronjob_columns),
	TABLE("", "ReplicationController", rc_columns),
	TABLE("", "PodTemplate", podtemplate_columns),
	TABLE("apps", "ControllerRevision", revision_columns),
	TABLES_END,
};
