/*
 * RollingUpdate: one step a sync. First the new set grows as far as maxSurge lets it; where it
 * cannot, old sets shrink as far as maxUnavailable lets them, those pods first that are not
 * available anyway.
 */
#include "controllers/deployment.h"

#include "base/mem.h"

static int grow_new(struct rollout *r, bool *scaled, struct error **err)
{
	struct rollout_set *set = rollout_new(r);
	int64_t wanted = rollout_replicas(r);

	if (set_replicas(set) == wanted)
		return 0;
	return set_scale(r, set, set_replicas(set) > wanted ? wanted : rollout_new_replicas(r, set),
			 scaled, err);
}

/* Old pods that are not available: removing them costs nobody anything. */
static int drop_unavailable(struct rollout *r, int64_t limit, int64_t *dropped, bool *scaled,
			    struct error **err)
{
	for (size_t k = 0; k < r->n_sets && *dropped < limit; k++) {
		struct rollout_set *set = &r->sets[k];
		int64_t down;

		if (!rollout_is_old(r, set) || !set_replicas(set))
			continue;
		down = MIN(limit - *dropped, set_replicas(set) - set_available(set));
		if (down <= 0)
			continue;
		if (set_scale(r, set, set_replicas(set) - down, scaled, err) < 0)
			return -1;
		*dropped += down;
	}
	return 0;
}

static int shrink_available(struct rollout *r, int64_t min_available, bool *scaled,
			    struct error **err)
{
	int64_t spare = rollout_available(r) - min_available;

	for (size_t k = 0; k < r->n_sets && spare > 0; k++) {
		struct rollout_set *set = &r->sets[k];
		int64_t down = MIN(spare, set_replicas(set));

		if (!rollout_is_old(r, set) || !down)
			continue;
		if (set_scale(r, set, set_replicas(set) - down, scaled, err) < 0)
			return -1;
		spare -= down;
	}
	return 0;
}

static int shrink_old(struct rollout *r, bool *scaled, struct error **err)
{
	struct rollout_set *new_set = rollout_new(r);
	int64_t surge, unavailable, min_available, limit, dropped = 0;

	rollout_bounds(r, &surge, &unavailable);
	min_available = rollout_replicas(r) - unavailable;
	limit = rollout_total(r) - min_available - (set_replicas(new_set) - set_available(new_set));
	if (limit <= 0 || rollout_total(r) == set_replicas(new_set))
		return 0;
	if (drop_unavailable(r, limit, &dropped, scaled, err) < 0)
		return -1;
	return shrink_available(r, min_available, scaled, err);
}

int rolling_step(struct rollout *r, bool *scaled, struct error **err)
{
	if (grow_new(r, scaled, err) < 0)
		return -1;
	return *scaled ? 0 : shrink_old(r, scaled, err);
}
