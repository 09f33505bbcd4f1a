#include "controllers/deployment.h"

#include "controllers/common.h"
#include "object/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int64_t annotation_int(const json_t *tree, const char *path, int64_t fallback)
{
	const char *text = text_at(tree, path);

	return *text ? strtoll(text, NULL, 10) : fallback;
}

static int64_t desired_of(const struct rollout_set *set)
{
	return annotation_int(set->tree, "metadata.annotations[" ANNOTATION_DESIRED "]", -1);
}

static bool set_number(json_t *tree, const char *path, int64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIi64, number);
	if (!strcmp(text_at(tree, path), text))
		return false;
	json_path_set(tree, path, json_string(text));
	return true;
}

int set_scale(struct rollout *r, struct rollout_set *set, int64_t replicas, bool *scaled,
	      struct error **err)
{
	struct informer *i = controller_informer(r->controller, "apps", "replicasets");
	int64_t before = set_replicas(set), surge, unavailable;
	struct object *out = NULL;
	bool changed;

	rollout_bounds(r, &surge, &unavailable);
	changed = set_number(set->tree, "metadata.annotations[" ANNOTATION_DESIRED "]",
			     rollout_replicas(r));
	changed |= set_number(set->tree, "metadata.annotations[" ANNOTATION_MAX "]",
			      rollout_replicas(r) + surge);
	if (before == replicas && !changed)
		return 0;
	json_path_set(set->tree, "spec.replicas", json_integer(replicas));
	if (cluster_update_tree(controller_cluster(r->controller), controller_call(r->controller),
				informer_resource(i), NULL, set->tree, NULL, &out, err) < 0)
		return -1;
	informer_observe(i, out);
	object_unref(set->object);
	set->object = out;
	json_decref(set->tree);
	set->tree = object_tree(out);
	if (before == replicas)
		return 0;
	*scaled = true;
	recorder_event(r->recorder, r->object, EVENT_NORMAL, "ScalingReplicaSet",
		       "Scaled %s replica set %s from %" PRIi64 " to %" PRIi64,
		       before < replicas ? "up" : "down", out->name, before, replicas);
	return 0;
}

bool rollout_needs_scale(const struct rollout *r)
{
	for (size_t k = 0; k < r->n_sets; k++) {
		int64_t desired = desired_of(&r->sets[k]);

		if (set_replicas(&r->sets[k]) > 0 && desired >= 0 && desired != rollout_replicas(r))
			return true;
	}
	return false;
}

/* Pods that are, and those that are to be: a set that was scaled down has its pods a little longer.
 */
static int64_t pods_at_most(const struct rollout *r)
{
	int64_t total = 0;

	for (size_t k = 0; k < r->n_sets; k++)
		total += MAX(set_replicas(&r->sets[k]),
			     json_path_int(r->sets[k].tree, "status.replicas", 0));
	return total;
}

int64_t rollout_new_replicas(const struct rollout *r, const struct rollout_set *set)
{
	int64_t wanted = rollout_replicas(r), surge, unavailable, room;

	if (!strcmp(text_at(r->tree, "spec.strategy.type"), "Recreate"))
		return wanted;
	rollout_bounds(r, &surge, &unavailable);
	room = wanted + surge - pods_at_most(r);
	if (room <= 0)
		return set_replicas(set);
	return set_replicas(set) + MIN(room, wanted - set_replicas(set));
}

static size_t count_active(const struct rollout *r, struct rollout_set **only)
{
	size_t n = 0;

	for (size_t k = 0; k < r->n_sets; k++)
		if (set_replicas(&r->sets[k]) > 0) {
			*only = &r->sets[k];
			n++;
		}
	return n;
}

/* SET's share of DELTA pods, by its size: larger sets take more, all of them together at most
 * DELTA. */
static int64_t share(const struct rollout *r, const struct rollout_set *set, int64_t delta,
		     int64_t given)
{
	int64_t size = set_replicas(set), surge, unavailable, max_before, max_now, part;

	rollout_bounds(r, &surge, &unavailable);
	max_now = rollout_replicas(r) + surge;
	max_before = annotation_int(set->tree, "metadata.annotations[" ANNOTATION_MAX "]",
				    rollout_replicas(r));
	if (max_before <= 0)
		max_before = MAX(rollout_total(r), 1);
	/* Rounded to the nearest. */
	part = (2 * size * max_now + max_before) / (2 * max_before) - size;
	return delta > 0 ? MIN(MAX(part, 0), delta - given) : MAX(MIN(part, 0), delta - given);
}

static int bigger_first(const void *x, const void *y)
{
	int64_t a = set_replicas(*(struct rollout_set *const *)x);
	int64_t b = set_replicas(*(struct rollout_set *const *)y);

	return (a < b) - (a > b);
}

/* In the middle of a rollout: the change is spread over all sets by their sizes. */
static int scale_in_proportion(struct rollout *r, struct error **err)
{
	struct rollout_set **active free_ptr = xcalloc(r->n_sets + 1, sizeof(*active));
	int64_t surge, unavailable, delta, given = 0, *parts free_ptr = NULL;
	size_t n = 0;
	bool scaled;

	for (size_t k = 0; k < r->n_sets; k++)
		if (set_replicas(&r->sets[k]) > 0)
			active[n++] = &r->sets[k];
	if (!n)
		return 0;
	qsort(active, n, sizeof(*active), bigger_first);
	rollout_bounds(r, &surge, &unavailable);
	delta = (rollout_replicas(r) ? rollout_replicas(r) + surge : 0) - rollout_total(r);
	parts = xcalloc(n, sizeof(*parts));
	for (size_t k = 0; k < n && delta; k++) {
		parts[k] = share(r, active[k], delta, given);
		given += parts[k];
	}
	parts[0] += delta - given; /* what rounding left goes to the largest */
	for (size_t k = 0; k < n; k++)
		if (set_scale(r, active[k], MAX(set_replicas(active[k]) + parts[k], 0), &scaled,
			      err) < 0)
			return -1;
	return 0;
}

int rollout_scale(struct rollout *r, struct error **err)
{
	struct rollout_set *new_set = rollout_new(r), *only = new_set;
	size_t active = count_active(r, &only);
	bool scaled = false;

	if (active <= 1)
		return only ? set_scale(r, only, rollout_replicas(r), &scaled, err) : 0;
	if (new_set && set_replicas(new_set) == rollout_replicas(r) &&
	    json_path_int(new_set->tree, "status.availableReplicas", 0) == rollout_replicas(r)) {
		for (size_t k = 0; k < r->n_sets; k++)
			if (rollout_is_old(r, &r->sets[k]) && set_replicas(&r->sets[k]) > 0 &&
			    set_scale(r, &r->sets[k], 0, &scaled, err) < 0)
				return -1;
		return 0;
	}
	if (!strcmp(text_at(r->tree, "spec.strategy.type"), "Recreate"))
		return 0;
	return scale_in_proportion(r, err);
}
