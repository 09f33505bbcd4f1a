#include "controllers/controllers.h"

#include "base/mem.h"

static const struct reconciler *const controllers[] = {
	&reconciler_claim_protection,  &reconciler_class_protection,  &reconciler_deployment,
	&reconciler_garbage_collector, &reconciler_namespace,	      &reconciler_node_taints,
	&reconciler_replicaset,	       &reconciler_resource_quota,    &reconciler_root_ca,
	&reconciler_serviceaccount,    &reconciler_volume_protection,
};

struct controllers {
	struct controller *running[ARRAY_SIZE(controllers)];
};

struct controllers *controllers_start(struct informers *informers, struct clock *clock,
				      struct error **err)
{
	struct controllers *all = xcalloc(1, sizeof(*all));

	for (size_t k = 0; k < ARRAY_SIZE(controllers); k++) {
		all->running[k] = controller_start(controllers[k], informers, clock, err);
		if (!all->running[k]) {
			controllers_stop(all);
			return NULL;
		}
	}
	return all;
}

void controllers_stop(struct controllers *all)
{
	if (!all)
		return;
	for (size_t k = ARRAY_SIZE(controllers); k-- > 0;)
		controller_stop(all->running[k]);
	free(all);
}
