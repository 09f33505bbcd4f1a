#include "controllers/deployment.h"

#include "base/str.h"
#include "controllers/common.h"
#include "object/json.h"
#include "object/time.h"

#include <stdarg.h>
#include <string.h>

static json_t *conditions_of(struct rollout *r)
{
	json_t *conditions = json_path(r->tree, "status.conditions");

	if (!json_is_array(conditions)) {
		conditions = json_array();
		json_path_set(r->tree, "status.conditions", conditions);
	}
	return conditions;
}

void rollout_progress(struct rollout *r, const char *status, const char *reason, const char *format,
		      ...)
{
	struct str message CLEANUP(str_release) = STR_INIT;
	va_list ap;

	va_start(ap, format);
	str_addv(&message, format, ap);
	va_end(ap);
	condition_set(conditions_of(r), "Progressing", status, reason, message.s,
		      clock_wall(controller_clock(r->controller)), true);
}

static void set_count(json_t *status, const char *key, int64_t count)
{
	if (count)
		json_object_set_new(status, key, json_integer(count));
	else
		json_object_del(status, key);
}

static int64_t sum(const struct rollout *r, const char *path)
{
	int64_t total = 0;

	for (size_t k = 0; k < r->n_sets; k++)
		total += json_path_int(r->sets[k].tree, path, 0);
	return total;
}

static void count(struct rollout *r, json_t *status)
{
	int64_t available = sum(r, "status.availableReplicas");
	struct rollout_set *set = rollout_new(r);

	set_count(status, "replicas", sum(r, "status.replicas"));
	set_count(status, "readyReplicas", sum(r, "status.readyReplicas"));
	set_count(status, "availableReplicas", available);
	set_count(status, "updatedReplicas",
		  set ? json_path_int(set->tree, "status.replicas", 0) : 0);
	set_count(status, "unavailableReplicas", MAX(rollout_total(r) - available, 0));
	json_object_set_new(status, "observedGeneration", json_integer(r->object->generation));
}

static void set_availability(struct rollout *r)
{
	int64_t surge, unavailable;
	bool enough;

	rollout_bounds(r, &surge, &unavailable);
	enough = sum(r, "status.availableReplicas") >= rollout_replicas(r) - unavailable;
	condition_set(conditions_of(r), "Available", enough ? "True" : "False",
		      enough ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
		      enough ? "Deployment has minimum availability."
			     : "Deployment does not have minimum availability.",
		      clock_wall(controller_clock(r->controller)), true);
}

static bool made_progress(const json_t *before, const json_t *after)
{
	static const char *const counts[] = {"updatedReplicas", "readyReplicas",
					     "availableReplicas"};
	int64_t old_before =
		json_path_int(before, "replicas", 0) - json_path_int(before, "updatedReplicas", 0);
	int64_t old_after =
		json_path_int(after, "replicas", 0) - json_path_int(after, "updatedReplicas", 0);

	for (size_t k = 0; k < ARRAY_SIZE(counts); k++)
		if (json_path_int(after, counts[k], 0) > json_path_int(before, counts[k], 0))
			return true;
	return old_after < old_before;
}

/* How long until the deadline; negative: it has passed. */
static int64_t time_left(struct rollout *r, const json_t *progress)
{
	int64_t deadline = json_path_int(r->tree, "spec.progressDeadlineSeconds", 600), from;

	if (time_parse(text_at(progress, "lastUpdateTime"), &from) < 0)
		return 0;
	return from + deadline * NS_PER_S - clock_wall(controller_clock(r->controller));
}

/* The time of the last progress counts, also where the words stay the same. */
static void note_progress(struct rollout *r, const char *kind, const char *name)
{
	char now[TIME_TEXT];

	rollout_progress(r, "True", "ReplicaSetUpdated", "%s \"%s\" is progressing.", kind, name);
	json_object_set_new(
		condition_find(conditions_of(r), "Progressing"), "lastUpdateTime",
		json_string(time_format(clock_wall(controller_clock(r->controller)), now)));
}

static void check_deadline(struct rollout *r, const json_t *progress, const char *kind,
			   const char *name)
{
	int64_t left = time_left(r, progress);

	if (left > 0)
		controller_enqueue_after(r->controller, r->object->namespace, r->object->name,
					 left);
	else
		rollout_progress(r, "False", "ProgressDeadlineExceeded",
				 "%s \"%s\" has timed out progressing.", kind, name);
}

static bool has_reason(const json_t *progress, const char *reason)
{
	return progress && !strcmp(text_at(progress, "reason"), reason);
}

static void set_progress(struct rollout *r, const json_t *before, const json_t *after)
{
	json_t *progress = condition_find(conditions_of(r), "Progressing");
	struct rollout_set *set = rollout_new(r);
	const char *name = set ? set->object->name : r->object->name;
	const char *kind = set ? "ReplicaSet" : "Deployment";

	/* Pods that come and go after the rollout are no rollout. */
	if (has_reason(progress, "NewReplicaSetAvailable") &&
	    json_path_int(after, "replicas", 0) == json_path_int(after, "updatedReplicas", 0))
		return;
	if (rollout_complete(r))
		rollout_progress(r, "True", "NewReplicaSetAvailable",
				 "%s \"%s\" has successfully progressed.", kind, name);
	else if (made_progress(before, after))
		note_progress(r, kind, name);
	else if (progress && !has_reason(progress, "DeploymentPaused") &&
		 !has_reason(progress, "NewReplicaSetAvailable") &&
		 !has_reason(progress, "ProgressDeadlineExceeded"))
		check_deadline(r, progress, kind, name);
}

/* Why a set cannot make pods is the Deployment's news too. */
static void set_replica_failure(struct rollout *r)
{
	struct rollout_set *set = rollout_new(r);
	json_t *failure =
		set ? condition_find(json_path(set->tree, "status.conditions"), "ReplicaFailure")
		    : NULL;

	if (failure)
		condition_set(conditions_of(r), "ReplicaFailure", text_at(failure, "status"),
			      text_at(failure, "reason"), text_at(failure, "message"),
			      clock_wall(controller_clock(r->controller)), true);
	else
		condition_remove(conditions_of(r), "ReplicaFailure");
}

int rollout_status(struct rollout *r, struct error **err)
{
	struct object *latest CLEANUP(object_unref_cleanup) =
		informer_get(controller_informer(r->controller, "apps", "deployments"),
			     r->object->namespace, r->object->name);
	json_t *read json_auto = latest ? object_tree(latest) : NULL;
	json_t *before json_auto = json_incref(json_object_get(read, "status"));
	json_t *status;

	if (!json_object_get(r->tree, "status"))
		json_object_set_new(r->tree, "status", json_object());
	status = json_object_get(r->tree, "status");
	count(r, status);
	set_availability(r);
	set_progress(r, before, status);
	set_replica_failure(r);
	if (json_equal(before, status))
		return 0;
	return status_write(r->controller, "apps", "deployments", r->tree, err);
}
