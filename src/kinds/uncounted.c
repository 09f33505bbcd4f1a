/*
 * Types that have no rules of their own yet do not count generations.
 */
#include "kinds/builtin.h"

#define UNCOUNTED(g, k)                                      \
	{                                                    \
		.group = g, .kind = k, .no_generation = true \
	}
const struct kind kinds_uncounted[] = {
	UNCOUNTED("resource.k8s.io", "ResourceClaim"),
	UNCOUNTED("resource.k8s.io", "ResourceClaimTemplate"),
};
const size_t n_kinds_uncounted = ARRAY_SIZE(kinds_uncounted);
