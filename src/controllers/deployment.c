/*
 * Deployments: one ReplicaSet a template, and the way from the old ones to the new one.
 * Source: Kubernetes' documentation of Deployments, and the behaviour of kube-controller-manager.
 */
#include "controllers/deployment.h"

#include "base/vec.h"
#include "controllers/common.h"
#include "controllers/controllers.h"
#include "object/json.h"

#include <string.h>

void rollout_release(struct rollout *r)
{
	for (size_t k = 0; k < r->n_sets; k++) {
		json_decref(r->sets[k].tree);
		object_unref(r->sets[k].object);
	}
	free(r->sets);
	json_decref(r->tree);
	object_unref(r->object);
}

/* Takes the ref. */
void rollout_add(struct rollout *r, struct object *set)
{
	if (r->n_sets == r->cap_sets) {
		r->cap_sets = r->cap_sets * 2 + 4;
		r->sets = xreallocarray(r->sets, r->cap_sets, sizeof(*r->sets));
	}
	r->sets[r->n_sets++] = (struct rollout_set){object_tree(set), set};
}

struct rollout_set *rollout_new(const struct rollout *r)
{
	return r->newest < 0 ? NULL : &r->sets[r->newest];
}

bool rollout_is_old(const struct rollout *r, const struct rollout_set *set)
{
	return set != rollout_new(r);
}

int64_t rollout_replicas(const struct rollout *r)
{
	return json_path_int(r->tree, "spec.replicas", 1);
}

int64_t set_replicas(const struct rollout_set *set)
{
	return json_path_int(set->tree, "spec.replicas", 1);
}

/*
 * A set's status lags behind its spec: after it was scaled down its status still counts the pods
 * that are on their way out. They are available to nobody's plans.
 */
int64_t set_available(const struct rollout_set *set)
{
	return MIN(json_path_int(set->tree, "status.availableReplicas", 0), set_replicas(set));
}

int64_t rollout_total(const struct rollout *r)
{
	int64_t total = 0;

	for (size_t k = 0; k < r->n_sets; k++)
		total += set_replicas(&r->sets[k]);
	return total;
}

int64_t rollout_available(const struct rollout *r)
{
	int64_t total = 0;

	for (size_t k = 0; k < r->n_sets; k++)
		total += set_available(&r->sets[k]);
	return total;
}

/* An int or a percentage of WHOLE, rounded up or down; 25% where nothing is said. */
static int64_t int_or_percent(const json_t *value, int64_t whole, bool up)
{
	const char *text = value ? json_string_value(value) : "25%";

	if (json_is_integer(value))
		return json_integer_value(value);
	if (!text || !str_has_suffix(text, "%"))
		return 0;
	return (strtol(text, NULL, 10) * whole + (up ? 99 : 0)) / 100;
}

void rollout_bounds(const struct rollout *r, int64_t *max_surge, int64_t *max_unavailable)
{
	int64_t replicas = rollout_replicas(r);

	*max_surge = *max_unavailable = 0;
	if (strcmp(text_at(r->tree, "spec.strategy.type"), "Recreate") == 0) {
		*max_unavailable = replicas;
		return;
	}
	*max_surge = int_or_percent(json_path(r->tree, "spec.strategy.rollingUpdate.maxSurge"),
				    replicas, true);
	*max_unavailable = int_or_percent(
		json_path(r->tree, "spec.strategy.rollingUpdate.maxUnavailable"), replicas, false);
	if (*max_surge == 0 && *max_unavailable == 0)
		*max_unavailable = 1;
	*max_unavailable = MIN(*max_unavailable, replicas);
}

/* By the ReplicaSets' statuses, as the Deployment's own status will tell it. */
bool rollout_complete(const struct rollout *r)
{
	struct rollout_set *set = rollout_new(r);
	int64_t wanted = rollout_replicas(r), all = 0;

	for (size_t k = 0; k < r->n_sets; k++)
		all += json_path_int(r->sets[k].tree, "status.replicas", 0);
	return set && json_path_int(set->tree, "status.replicas", 0) == wanted && all == wanted &&
	       json_path_int(set->tree, "status.availableReplicas", 0) == wanted &&
	       rollout_total(r) == wanted;
}

static void *start(struct controller *c)
{
	return recorder_new(controller_cluster(c), "deployment-controller", NULL,
			    controller_clock(c));
}

static void stop(struct controller *c, void *state)
{
	(void)c;
	recorder_free(state);
}

static int by_creation(const void *x, const void *y)
{
	const struct object *a = *(struct object *const *)x, *b = *(struct object *const *)y;
	int order = strcmp(a->creation_timestamp, b->creation_timestamp);

	return order ? order : strcmp(a->name, b->name);
}

static int load_sets(struct rollout *r, struct error **err)
{
	struct selector *selector CLEANUP(selector_free_cleanup) =
		selector_from_label_selector(json_path(r->tree, "spec.selector"), err);
	struct object_list sets CLEANUP(object_list_release) = {0};

	if (!selector ||
	    claim_owned(r->controller, r->object, selector, "apps", "replicasets", &sets, err) < 0)
		return -1;
	if (sets.n)
		qsort(sets.v, sets.n, sizeof(*sets.v), by_creation);
	vec_each (&sets, set)
		if (!*(*set)->deletion_timestamp)
			rollout_add(r, object_ref(*set));
	return 0;
}

static int roll_out(struct rollout *r, struct error **err)
{
	bool scaled = false;

	if (strcmp(text_at(r->tree, "spec.strategy.type"), "Recreate") == 0) {
		if (recreate_step(r, err) < 0)
			return -1;
	} else if (revision_sync(r, true, err) < 0 || rolling_step(r, &scaled, err) < 0) {
		return -1;
	}
	if (!scaled && rollout_complete(r) && revision_cleanup(r, err) < 0)
		return -1;
	return rollout_status(r, err);
}

static void note_pause(struct rollout *r, bool paused)
{
	json_t *progress = condition_find(json_path(r->tree, "status.conditions"), "Progressing");
	const char *reason = progress ? text_at(progress, "reason") : "";

	if (!strcmp(reason, "ProgressDeadlineExceeded"))
		return;
	if (paused && strcmp(reason, "DeploymentPaused"))
		rollout_progress(r, "Unknown", "DeploymentPaused", "Deployment is paused");
	else if (!paused && !strcmp(reason, "DeploymentPaused"))
		rollout_progress(r, "Unknown", "DeploymentResumed", "Deployment is resumed");
}

static int sync_rollout(struct rollout *r, struct error **err)
{
	bool paused = json_path_bool(r->tree, "spec.paused", false);

	if (load_sets(r, err) < 0)
		return -1;
	note_pause(r, paused);
	if (*r->object->deletion_timestamp) {
		if (revision_sync(r, false, err) < 0)
			return -1;
		return rollout_status(r, err);
	}
	if (revision_sync(r, false, err) < 0)
		return -1;
	if (paused || rollout_needs_scale(r)) {
		if (rollout_scale(r, err) < 0)
			return -1;
		return rollout_status(r, err);
	}
	return roll_out(r, err);
}

static int sync(struct controller *c, const char *key, struct error **err)
{
	struct rollout r CLEANUP(rollout_release) = {
		.controller = c, .recorder = controller_state(c), .newest = -1};
	char *namespace free_ptr = NULL, *name free_ptr = NULL;
	struct error *why = NULL;

	controller_split_key(key, &namespace, &name);
	r.object = informer_get(controller_informer(c, "apps", "deployments"), namespace, name);
	if (!r.object)
		return 0;
	r.tree = object_tree(r.object);
	if (sync_rollout(&r, &why) == 0)
		return 0;
	/* Deleted while we worked on it: its event is on the way. */
	return error_unless(E_NOT_FOUND, err, why);
}

static void map_set(struct controller *c, struct object *old, struct object *new_)
{
	struct object_list all CLEANUP(object_list_release) = {0};
	struct owner owner;

	enqueue_owner(c, old, new_, "Deployment");
	if (!new_)
		return;
	if (object_controller(new_, &owner)) {
		owner_release(&owner);
		return;
	}
	informer_list(controller_informer(c, "apps", "deployments"), new_->namespace, &all);
	vec_each (&all, d)
		controller_enqueue(c, (*d)->namespace, (*d)->name);
}

/* Recreate waits for the last old pod to be gone. */
static void map_pod(struct controller *c, struct object *old, struct object *new_)
{
	struct object *set CLEANUP(object_unref_cleanup) = NULL;
	struct owner owner;

	if (new_ && !(old && pod_is_active(old) && !pod_is_active(new_)))
		return;
	if (!object_controller(old, &owner))
		return;
	if (!strcmp(owner.kind, "ReplicaSet"))
		set = informer_get(controller_informer(c, "apps", "replicasets"), old->namespace,
				   owner.name);
	owner_release(&owner);
	if (set)
		enqueue_owner(c, NULL, set, "Deployment");
}

const struct reconciler reconciler_deployment = {
	.name = "deployment-controller",
	.watches = {{.group = "apps", .plural = "deployments"},
		    {.group = "apps",
		     .plural = "replicasets",
		     .map = map_set,
		     .index = INDEX_OWNER,
		     .index_keys = index_by_owner_or_orphan},
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
