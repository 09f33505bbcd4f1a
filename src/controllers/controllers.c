#include "controllers/controllers.h"

#include "base/mem.h"

static const struct reconciler *const controllers[] = {
	&reconciler_claim_protection, &reconciler_class_protection,
	&reconciler_csr_approving,    &reconciler_csr_cleaner,
	&reconciler_csr_signing,      &reconciler_clusterrole_aggregation,
	&reconciler_deployment,	      &reconciler_garbage_collector,
	&reconciler_namespace,	      &reconciler_node_taints,
	&reconciler_replicaset,	      &reconciler_resource_quota,
	&reconciler_root_ca,	      &reconciler_serviceaccount,
	&reconciler_token_secrets,    &reconciler_volume_protection,
	&reconciler_policy_status,
};

struct controllers {
	char *ca_cert, *ca_key, *token_key;
	struct controllers_options options; /* of those */
	struct reconciler rows[ARRAY_SIZE(controllers)];
	struct controller *running[ARRAY_SIZE(controllers)];
};

/* Whether R can do its work with OPTIONS. */
static bool wanted(const struct reconciler *r, const struct controllers_options *options)
{
	if (r == &reconciler_csr_signing)
		return options->ca_cert && options->ca_key;
	if (r == &reconciler_token_secrets)
		return options->token_key;
	return true;
}

static char *dup_or_null(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

static void take_options(struct controllers *all, const struct controllers_options *options)
{
	static const struct controllers_options none;

	if (!options)
		options = &none;
	all->ca_cert = dup_or_null(options->ca_cert);
	all->ca_key = dup_or_null(options->ca_key);
	all->token_key = dup_or_null(options->token_key);
	all->options = (struct controllers_options){
		.ca_cert = all->ca_cert, .ca_key = all->ca_key, .token_key = all->token_key};
}

struct controllers *controllers_start(struct informers *informers,
				      const struct controllers_options *options,
				      struct clock *clock, struct error **err)
{
	struct controllers *all = xcalloc(1, sizeof(*all));

	take_options(all, options);
	for (size_t k = 0; k < ARRAY_SIZE(controllers); k++) {
		if (!wanted(controllers[k], &all->options))
			continue;
		all->rows[k] = *controllers[k];
		if (!all->rows[k].arg)
			all->rows[k].arg = &all->options;
		all->running[k] = controller_start(&all->rows[k], informers, clock, err);
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
	free(all->ca_cert);
	free(all->ca_key);
	free(all->token_key);
	free(all);
}
