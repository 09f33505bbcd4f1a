/* Cordoned nodes take only pods that tolerate the taint that stands for it. */
#include "scheduler/plugin.h"
#include "scheduler/toleration.h"

#include "object/json.h"

static void filter(const struct pod_info *pod, const struct node_info *node, struct reasons *why)
{
	if (json_path_bool(node->tree, "spec.unschedulable", false) &&
	    !tolerates(pod->spec, "node.kubernetes.io/unschedulable", "", "NoSchedule"))
		reasons_add(why, "node(s) were unschedulable");
}

const struct plugin plugin_node_unschedulable = {.name = "NodeUnschedulable", .filter = filter};
