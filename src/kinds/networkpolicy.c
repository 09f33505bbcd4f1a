#include "kinds/builtin.h"
#include "kinds/rules.h"
#include "object/json.h"

#include <string.h>

static void networkpolicy_defaults(json_t *object)
{
	json_t *types;

	if (json_path(object, "spec.policyTypes"))
		return;
	types = json_pack("[s]", "Ingress");
	if (json_path(object, "spec.egress"))
		json_array_append_new(types, json_string("Egress"));
	json_path_set(object, "spec.policyTypes", types);
}

const struct kind kind_networkpolicy = {
	.group = "networking.k8s.io",
	.kind = "NetworkPolicy",
	.set_defaults = networkpolicy_defaults,
};
