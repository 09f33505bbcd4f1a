/* spec.nodeName: pods that have one are never queued; this keeps the rule where others are. */
#include "scheduler/plugin.h"

#include "object/json.h"

#include <string.h>

static void filter(const struct pod_info *pod, const struct node_info *node, struct reasons *why)
{
	const char *name = json_path_string(pod->spec, "nodeName");

	if (name && *name && strcmp(name, node->name) != 0)
		reasons_add(why, "node(s) didn't match the requested node name");
}

const struct plugin plugin_node_name = {.name = "NodeName", .filter = filter};
