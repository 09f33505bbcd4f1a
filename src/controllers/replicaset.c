/*
 * As many pods as spec.replicas says.
 *
 * kube-controller-manager keeps expectations because its cache may not show yet what it has just
 * created or deleted. Here every answer of a write goes into the informer at once
 * (informer_observe), before the next sync of the key, and older events cannot undo it: the count
 * that a sync sees includes all that earlier syncs did. Pods are created one by one and the first
 * refusal ends the round, so a quota that is used up costs one refused request, not a batch.
 */
#include "controllers/replicaset.h"

#include "cache/recorder.h"
#include "controllers/common.h"
#include "controllers/controllers.h"
#include "object/json.h"

#include <string.h>

#define BURST 500 /* pods one sync creates or deletes at most */
#define MAX_GENERATE_NAME 58

struct state {
	struct recorder *recorder;
};

static void *start(struct controller *c)
{
	struct state *s = xcalloc(1, sizeof(*s));

	s->recorder = recorder_new(controller_cluster(c), "replicaset-controller", NULL,
				   controller_clock(c));
	return s;
}

static void stop(struct controller *c, void *state)
{
	struct state *s = state;

	(void)c;
	recorder_free(s->recorder);
	free(s);
}

static struct recorder *recorder_of(struct controller *c)
{
	return ((struct state *)controller_state(c))->recorder;
}

static json_t *pod_tree(const struct object *set, const json_t *tree)
{
	static const char *const copied[] = {"labels", "annotations", "finalizers"};
	json_t *template = json_path(tree, "spec.template");
	json_t *meta = json_object();
	char *prefix free_ptr = xasprintf("%.*s-", MAX_GENERATE_NAME, set->name);

	for (size_t k = 0; k < ARRAY_SIZE(copied); k++) {
		json_t *value = json_object_get(json_object_get(template, "metadata"), copied[k]);

		if (value)
			json_object_set_new(meta, copied[k], json_deep_copy(value));
	}
	json_object_set_new(meta, "generateName", json_string(prefix));
	json_object_set_new(meta, "namespace", json_string(set->namespace));
	json_object_set_new(meta, "ownerReferences", json_pack("[o]", controller_reference(set)));
	return json_pack("{s:s, s:s, s:o, s:o}", "apiVersion", "v1", "kind", "Pod", "metadata",
			 meta, "spec", json_deep_copy(json_object_get(template, "spec")));
}

/* A namespace that goes away takes no pods, and needs none. */
static bool is_namespace_ending(const struct error *e)
{
	for (size_t k = 0; k < e->n_causes; k++)
		if (str_equal(e->causes[k].reason, "NamespaceTerminating"))
			return true;
	return false;
}

static int create_pods(struct controller *c, const struct object *set, const json_t *tree,
		       size_t count, struct object_list *pods, struct error **err)
{
	struct informer *informer = controller_informer(c, "", "pods");
	json_t *pod json_auto = pod_tree(set, tree);
	struct error *why = NULL;

	for (size_t k = 0; k < MIN(count, (size_t)BURST); k++) {
		struct object *made = NULL;

		if (cluster_create_tree(controller_cluster(c), controller_call(c),
					informer_resource(informer), set->namespace, pod, NULL,
					&made, &why) < 0) {
			if (is_namespace_ending(why)) {
				error_free(why);
				return 0;
			}
			recorder_event(recorder_of(c), set, EVENT_WARNING, "FailedCreate",
				       "Error creating: %s", error_message(why));
			return error_move(err, why);
		}
		informer_observe(informer, made);
		recorder_event(recorder_of(c), set, EVENT_NORMAL, "SuccessfulCreate",
			       "Created pod: %s", made->name);
		vec_push(pods, made);
	}
	if (count > BURST)
		controller_enqueue(c, set->namespace, set->name);
	return 0;
}

static int delete_pods(struct controller *c, const struct object *set, size_t count,
		       struct object_list *pods, struct error **err)
{
	replicaset_rank(pods);
	for (size_t k = 0; k < MIN(count, (size_t)BURST); k++) {
		struct object *pod CLEANUP(object_unref_cleanup) = pods->v[0];
		struct error *why = NULL;

		vec_remove(pods, 0);
		if (object_remove(c, "", "pods", pod, &why) < 0) {
			recorder_event(recorder_of(c), set, EVENT_WARNING, "FailedDelete",
				       "Error deleting: %s", error_message(why));
			return error_move(err, why);
		}
		recorder_event(recorder_of(c), set, EVENT_NORMAL, "SuccessfulDelete",
			       "Deleted pod: %s", pod->name);
	}
	if (count > BURST)
		controller_enqueue(c, set->namespace, set->name);
	return 0;
}

static int manage(struct controller *c, const struct object *set, const json_t *tree,
		  struct object_list *pods, struct error **err)
{
	size_t wanted = (size_t)MAX(json_path_int(tree, "spec.replicas", 1), 0);

	if (*set->deletion_timestamp || pods->n == wanted)
		return 0;
	if (pods->n < wanted)
		return create_pods(c, set, tree, wanted - pods->n, pods, err);
	return delete_pods(c, set, pods->n - wanted, pods, err);
}

static bool has_labels(const struct object *pod, const json_t *labels)
{
	struct selector *s CLEANUP(selector_free_cleanup) = selector_from_map(labels);

	return selector_matches(s, pod);
}

static void set_count(json_t *status, const char *key, size_t count)
{
	if (count)
		json_object_set_new(status, key, json_integer((json_int_t)count));
	else
		json_object_del(status, key);
}

static void count_pods(struct controller *c, const struct object *set, const json_t *tree,
		       const struct object_list *pods, json_t *status)
{
	int64_t min_ready = json_path_int(tree, "spec.minReadySeconds", 0);
	int64_t now = clock_wall(controller_clock(c)), soonest = INT64_MAX;
	json_t *labels = json_path(tree, "spec.template.metadata.labels");
	size_t labelled = 0, ready = 0, available = 0;

	vec_each (pods, pod) {
		int64_t wait;

		labelled += has_labels(*pod, labels);
		ready += pod_is_ready(*pod, NULL);
		available += pod_is_available(*pod, min_ready, now, &wait);
		if (wait > 0)
			soonest = MIN(soonest, wait);
	}
	if (soonest != INT64_MAX)
		controller_enqueue_after(c, set->namespace, set->name, soonest);
	json_object_set_new(status, "replicas", json_integer((json_int_t)pods->n));
	set_count(status, "fullyLabeledReplicas", labelled);
	set_count(status, "readyReplicas", ready);
	set_count(status, "availableReplicas", available);
	json_object_set_new(status, "observedGeneration", json_integer(set->generation));
}

static void set_failure(struct controller *c, const struct error *why, json_t *status)
{
	json_t *conditions = json_object_get(status, "conditions");

	if (why && !json_is_array(conditions)) {
		conditions = json_array();
		json_object_set_new(status, "conditions", conditions);
	}
	if (why)
		condition_set(conditions, "ReplicaFailure", "True", "FailedCreate",
			      error_message(why), clock_wall(controller_clock(c)), false);
	else if (condition_remove(conditions, "ReplicaFailure") && !json_array_size(conditions))
		json_object_del(status, "conditions");
}

static int write_status(struct controller *c, const struct object *set, json_t *tree,
			const struct object_list *pods, const struct error *failure,
			struct error **err)
{
	json_t *now = json_object_get(tree, "status");
	json_t *status = now ? json_deep_copy(now) : json_object();
	int r = 0;

	count_pods(c, set, tree, pods, status);
	set_failure(c, failure, status);
	if (json_equal(now, status)) {
		json_decref(status);
		return 0;
	}
	json_object_set_new(tree, "status", status);
	r = status_write(c, "apps", "replicasets", tree, err);
	return r;
}

static void keep_active(struct object_list *pods)
{
	for (size_t k = pods->n; k-- > 0;)
		if (!pod_is_active(pods->v[k])) {
			object_unref(pods->v[k]);
			vec_remove(pods, k);
		}
}

static int sync_set(struct controller *c, const struct object *set, struct error **err)
{
	json_t *tree json_auto = object_tree(set);
	struct selector *selector CLEANUP(selector_free_cleanup) =
		selector_from_label_selector(json_path(tree, "spec.selector"), err);
	struct object_list pods CLEANUP(object_list_release) = {0};
	struct error *failure = NULL, *status_failure = NULL;

	if (!selector || claim_owned(c, set, selector, "", "pods", &pods, err) < 0)
		return -1;
	keep_active(&pods);
	manage(c, set, tree, &pods, &failure);
	if (write_status(c, set, tree, &pods, failure, &status_failure) < 0 && !failure)
		return error_move(err, status_failure);
	error_free(status_failure);
	return failure ? error_move(err, failure) : 0;
}

static int sync(struct controller *c, const char *key, struct error **err)
{
	char *namespace free_ptr = NULL, *name free_ptr = NULL;
	struct object *set CLEANUP(object_unref_cleanup) = NULL;
	struct error *why = NULL;

	controller_split_key(key, &namespace, &name);
	set = informer_get(controller_informer(c, "apps", "replicasets"), namespace, name);
	if (!set || sync_set(c, set, &why) == 0)
		return 0;
	/* Deleted while we worked on it: its event is on the way. */
	return error_unless(E_NOT_FOUND, err, why);
}

/* A pod without a controller may belong to any ReplicaSet of its namespace. */
static void map_pod(struct controller *c, struct object *old, struct object *new_)
{
	struct object_list sets CLEANUP(object_list_release) = {0};
	struct owner owner;

	enqueue_owner(c, old, new_, "ReplicaSet");
	if (!new_ || !new_->labels.p)
		return;
	if (object_controller(new_, &owner)) {
		owner_release(&owner);
		return;
	}
	informer_list(controller_informer(c, "apps", "replicasets"), new_->namespace, &sets);
	vec_each (&sets, set)
		controller_enqueue(c, (*set)->namespace, (*set)->name);
}

const struct reconciler reconciler_replicaset = {
	.name = "replicaset-controller",
	.watches = {{.group = "apps", .plural = "replicasets"},
		    {.group = "",
		     .plural = "pods",
		     .map = map_pod,
		     .index = INDEX_OWNER,
		     .index_keys = index_by_owner_or_orphan}},
	.workers = 4,
	.start = start,
	.stop = stop,
	.sync = sync,
};
