/* Recreate: all old pods end before the first new one begins. */
#include "controllers/deployment.h"

#include "controllers/common.h"

static int stop_old(struct rollout *r, bool *scaled, struct error **err)
{
	for (size_t k = 0; k < r->n_sets; k++)
		if (rollout_is_old(r, &r->sets[k]) && set_replicas(&r->sets[k]) > 0 &&
		    set_scale(r, &r->sets[k], 0, scaled, err) < 0)
			return -1;
	return 0;
}

static bool has_old_pods(const struct rollout *r)
{
	struct informer *pods = controller_informer(r->controller, "", "pods");
	size_t running = 0;

	for (size_t k = 0; k < r->n_sets; k++) {
		struct object_list owned CLEANUP(object_list_release) = {0};

		if (!rollout_is_old(r, &r->sets[k]))
			continue;
		informer_by_index(pods, INDEX_OWNER, r->sets[k].object->uid, &owned);
		for (size_t p = 0; p < owned.n; p++)
			running += pod_is_active(owned.v[p]) || *owned.v[p]->deletion_timestamp;
	}
	return running > 0;
}

int recreate_step(struct rollout *r, struct error **err)
{
	bool scaled = false;

	if (stop_old(r, &scaled, err) < 0)
		return -1;
	if (scaled || has_old_pods(r))
		return 0;
	if (revision_sync(r, true, err) < 0)
		return -1;
	return set_scale(r, rollout_new(r), rollout_replicas(r), &scaled, err);
}
