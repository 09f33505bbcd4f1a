#include "kinds/builtin.h"
#include "kinds/rules.h"
#include "object/json.h"

#include <string.h>

static void pdb_prepare(json_t *object, const json_t *old)
{
	if (!old)
		json_path_set(object, "status",
			      json_pack("{s:i,s:i,s:i,s:i}", "disruptionsAllowed", 0,
					"currentHealthy", 0, "desiredHealthy", 0, "expectedPods",
					0));
}

const struct kind kind_pdb = {
	.group = "policy",
	.kind = "PodDisruptionBudget",
	.prepare = pdb_prepare,
};
