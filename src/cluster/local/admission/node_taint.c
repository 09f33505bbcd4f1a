/*
 * A new node takes no pods before somebody has seen that it is ready.
 */
#include "cluster/local/admission/plugins.h"

#include "object/json.h"

#include <string.h>

#define NOT_READY "node.kubernetes.io/not-ready"

static int admit(struct admission *a, struct error **err)
{
	json_t *taints = admission_array(a->object, "spec.taints");
	json_t *taint;
	size_t i;

	json_array_foreach (taints, i, taint)
		if (strcmp(json_path_string(taint, "key"), NOT_READY) == 0 &&
		    strcmp(json_path_string(taint, "effect"), "NoSchedule") == 0)
			return 0;
	json_array_append_new(taints,
			      json_pack("{s:s, s:s}", "key", NOT_READY, "effect", "NoSchedule"));
	return 0;
}

const struct admission_plugin admission_node_taint = {
	.name = "TaintNodesByCondition",
	.operations = ADMIT_CREATE,
	.resources = {"nodes"},
	.admit = admit,
};
