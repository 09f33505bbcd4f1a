/*
 * The eviction subresource: a pod goes, and its status says why before it does.
 */
#include "cluster/local/admission.h"

#include "base/mem.h"
#include "cluster/lifecycle.h"
#include "object/json.h"
#include "object/time.h"

#include <string.h>

#define CONDITION "DisruptionTarget"

/* Of a pod that has the condition already only what is said changes. */
static void set_condition(json_t *pod, int64_t now)
{
	json_t *list = json_path(pod, "status.conditions"), *condition = NULL, *c;
	char text[TIME_TEXT];
	size_t i;

	if (!json_is_array(list)) {
		list = json_array();
		json_path_set(pod, "status.conditions", list);
	}
	json_array_foreach (list, i, c)
		if (!strcmp(json_path_string(c, "type"), CONDITION))
			condition = c;
	if (!condition) {
		condition = json_pack("{s:s,s:n}", "type", CONDITION, "lastProbeTime");
		json_array_append_new(list, condition);
	}
	if (strcmp(json_path_string(condition, "status"), "True"))
		json_object_set_new(condition, "lastTransitionTime",
				    json_string(time_format(now, text)));
	json_object_set_new(condition, "status", json_string("True"));
	json_object_set_new(condition, "reason", json_string("EvictionByEvictionAPI"));
	json_object_set_new(condition, "message", json_string("Eviction API: evicting"));
}

/* Tells in the pod's status why it goes. A pod that somebody writes meanwhile is read again. */
static int mark(const struct write *w, struct delete_options *opt, struct error **err)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;

	for (int i = 0; i < TRIES; i++) {
		struct object *old CLEANUP(object_unref_cleanup) =
			local_read(w->l, w->storage, w->namespace, w->name, err);
		struct commit c CLEANUP(commit_release) = {0};
		json_t *tree json_auto = NULL;
		size_t failed;

		if (!old)
			return -1;
		tree = object_tree(old);
		if (lifecycle_preconditions(tree, w->r, opt, err) < 0)
			return -1;
		if (opt->dry_run)
			return 0;
		set_condition(tree, clock_wall(w->l->clock));
		commit_put(&c, w->storage, tree, old->revision);
		error_clear(&why);
		if (commit_run(w->l, &c, NULL, &failed, &why) == 0) {
			opt->resource_version = NULL; /* the one asked for was this one's last */
			return 0;
		}
		if (error_code(why) != E_CONFLICT)
			break;
	}
	return error_move(err, steal(&why));
}

/* What is admitted is the eviction: the deletion that it leads to is not asked about. */
static int admit(const struct write *w, const json_t *body, struct error **err)
{
	json_t *eviction json_auto = json_deep_copy(body);
	struct admission a CLEANUP(admission_release);

	admission_begin(&a, w, NULL, eviction);
	return admission_admit(&a, err) < 0 ? -1 : admission_validate(&a, err);
}

struct object *created_status(void)
{
	json_t *status json_auto =
		json_pack("{s:s,s:s,s:{},s:s,s:i}", "kind", "Status", "apiVersion", "v1",
			  "metadata", "status", "Success", "code", 201);

	return object_from_tree(status);
}

/* A pod goes as a deletion asks it to, and the answer says no more than that. */
int evict_pod(const struct write *w, const json_t *body, struct object **out, struct error **err)
{
	const char *uid = json_path_string(body, "deleteOptions.preconditions.uid");
	const char *rv = json_path_string(body, "deleteOptions.preconditions.resourceVersion");
	struct delete_options opt = {
		.dry_run = w->opt->dry_run || *json_path_string(body, "deleteOptions.dryRun[0]"),
		.grace_period_s = json_path_int(body, "deleteOptions.gracePeriodSeconds", -1),
		.uid = *uid ? uid : NULL,
		.resource_version = *rv ? rv : NULL,
	};
	struct object *pod CLEANUP(object_unref_cleanup) = NULL;

	if (strcmp(json_path_string(body, "metadata.name"), w->name) != 0)
		return error_set(err, E_BAD_REQUEST,
				 "name in URL does not match name in Eviction object");
	if (admit(w, body, err) < 0 || mark(w, &opt, err) < 0 ||
	    delete_evicted(w, &opt, &pod, err) < 0)
		return -1;
	*out = created_status();
	return 0;
}
