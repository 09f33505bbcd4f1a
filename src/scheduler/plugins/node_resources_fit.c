#include "scheduler/plugin.h"

#include "base/vec.h"

#include <string.h>

static void filter(const struct pod_info *pod, const struct node_info *node, struct reasons *why)
{
	vec_each (&pod->requests, wanted) {
		int64_t free_now = amounts_get(&node->allocatable, wanted->resource) -
				   amounts_get(&node->requested, wanted->resource);

		if (!wanted->value || wanted->value <= free_now)
			continue;
		if (!strcmp(wanted->resource, "pods"))
			reasons_add(why, "Too many pods");
		else
			reasons_add(why, "Insufficient %s", wanted->resource);
	}
}

/* LeastAllocated: the part of cpu and memory that stays free, in the middle of both. */
static int64_t score(const struct pod_info *pod, const struct node_info *node)
{
	static const char *const counted[] = {"cpu", "memory"};
	int64_t total = 0;

	for (size_t k = 0; k < ARRAY_SIZE(counted); k++) {
		int64_t all = amounts_get(&node->allocatable, counted[k]);
		int64_t used = amounts_get(&node->requested, counted[k]) +
			       amounts_get(&pod->requests, counted[k]);

		if (all > 0 && used < all)
			total += (int64_t)((double)(all - used) / (double)all * SCORE_MAX);
	}
	return total / (int64_t)ARRAY_SIZE(counted);
}

const struct plugin plugin_node_resources_fit = {
	.name = "NodeResourcesFit", .filter = filter, .score = score};
