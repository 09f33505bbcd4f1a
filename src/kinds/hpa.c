#include "kinds/builtin.h"
#include "kinds/rules.h"
#include "object/json.h"

#include <string.h>

static void hpa_defaults(json_t *object)
{
	if (!json_path(object, "spec.metrics"))
		json_path_set(object, "spec.metrics",
			      json_pack("[{s:s,s:{s:s,s:{s:s,s:i}}}]", "type", "Resource",
					"resource", "name", "cpu", "target", "type", "Utilization",
					"averageUtilization", 80));
}

static void hpa_prepare(json_t *object, const json_t *old)
{
	if (!old)
		json_path_set(object, "status",
			      json_pack("{s:i,s:n}", "desiredReplicas", 0, "currentMetrics"));
}

const struct kind kind_hpa = {
	.group = "autoscaling",
	.kind = "HorizontalPodAutoscaler",
	.set_defaults = hpa_defaults,
	.prepare = hpa_prepare,
	.no_generation = true,
};
