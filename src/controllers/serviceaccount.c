/* Every namespace has a ServiceAccount "default". */
#include "controllers/common.h"
#include "controllers/controllers.h"

#include "object/json.h"

#include <string.h>

#define DEFAULT_NAME "default"

static void map_account(struct controller *c, struct object *old, struct object *new_)
{
	if (!new_ && !strcmp(old->name, DEFAULT_NAME))
		controller_enqueue(c, "", old->namespace);
}

static int sync(struct controller *c, const char *key, struct error **err)
{
	struct object *namespace CLEANUP(object_unref_cleanup) =
		informer_get(controller_informer(c, "", "namespaces"), "", key);
	struct informer *accounts = controller_informer(c, "", "serviceaccounts");
	struct object *account CLEANUP(object_unref_cleanup) =
		informer_get(accounts, key, DEFAULT_NAME);
	json_t *tree json_auto = NULL;
	struct error *why = NULL;

	if (!namespace || *namespace->deletion_timestamp || account)
		return 0;
	tree = json_pack("{s:s, s:s, s:{s:s, s:s}}", "apiVersion", "v1", "kind", "ServiceAccount",
			 "metadata", "name", DEFAULT_NAME, "namespace", key);
	if (cluster_create_tree(controller_cluster(c), controller_call(c),
				informer_resource(accounts), key, tree, NULL, &account, &why) < 0) {
		if (why->code != E_EXISTS)
			return error_move(err, why);
		error_free(why);
		return 0;
	}
	informer_observe(accounts, account);
	return 0;
}

const struct reconciler reconciler_serviceaccount = {
	.name = "service-account-controller",
	.watches = {{.group = "", .plural = "namespaces"},
		    {.group = "", .plural = "serviceaccounts", .map = map_account}},
	.workers = 1,
	.sync = sync,
};
