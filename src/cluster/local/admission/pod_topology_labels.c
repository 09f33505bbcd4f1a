/*
 * A pod that has a node carries the node's zone and region as labels.
 */
#include "cluster/local/admission/plugins.h"

#include "base/mem.h"
#include "object/json.h"

static int admit(struct admission *a, struct error **err)
{
	static const char *const keys[] = {"topology.kubernetes.io/zone",
					   "topology.kubernetes.io/region"};
	const char *name = json_path_string(a->object, "spec.nodeName");
	const json_t *node;

	node = *name ? admission_get(a, "", "nodes", "", name, NULL) : NULL;
	for (size_t i = 0; node && i < ARRAY_SIZE(keys); i++) {
		json_t *value = json_object_get(json_path(node, "metadata.labels"), keys[i]);

		if (!value)
			continue;
		if (!json_path(a->object, "metadata.labels"))
			json_path_set(a->object, "metadata.labels", json_object());
		json_object_set_new(json_path(a->object, "metadata.labels"), keys[i],
				    json_copy(value));
	}
	return 0;
}

const struct admission_plugin admission_pod_topology_labels = {
	.name = "PodTopologyLabels",
	.operations = ADMIT_CREATE,
	.resources = {"pods", "pods/binding"},
	.admit = admit,
};
