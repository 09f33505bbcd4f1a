/*
 * Every namespace has the certificates that its pods check servers with: the config maps which the
 * token volume of a pod names (admission ServiceAccount). Their source is what the API server tells
 * of its own authority; while it tells nothing they are there and empty, for a pod cannot start
 * without them.
 */
#include "controllers/common.h"
#include "controllers/controllers.h"

#include "object/json.h"

#include <string.h>

#define SOURCE_NAMESPACE "kube-system"
#define SOURCE_NAME "extension-apiserver-authentication"
#define SOURCE_KEY "client-ca-file"

static const struct {
	const char *name, *key;
} published[] = {
	{"kube-root-ca.crt", "ca.crt"},
	{"openshift-service-ca.crt", "service-ca.crt"},
};

static void enqueue_all(struct controller *c)
{
	struct object_list all CLEANUP(object_list_release) = {0};

	informer_list(controller_informer(c, "", "namespaces"), "", &all);
	vec_each (&all, namespace)
		controller_enqueue(c, "", (*namespace)->name);
}

static void map_config_map(struct controller *c, struct object *old, struct object *new_)
{
	const struct object *o = new_ ? new_ : old;

	if (!strcmp(o->namespace, SOURCE_NAMESPACE) && !strcmp(o->name, SOURCE_NAME)) {
		enqueue_all(c);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(published); i++)
		if (!strcmp(o->name, published[i].name))
			controller_enqueue(c, "", o->namespace);
}

static json_t *wanted(const char *namespace, size_t i, const char *certificates)
{
	return json_pack("{s:s, s:s, s:{s:s, s:s, s:{s:s}}, s:{s:s}}", "apiVersion", "v1", "kind",
			 "ConfigMap", "metadata", "name", published[i].name, "namespace", namespace,
			 "annotations", "kubernetes.io/description",
			 "Certificates with which pods check the servers of this cluster.", "data",
			 published[i].key, certificates);
}

static int publish(struct controller *c, const char *namespace, size_t i, const char *certificates,
		   struct error **err)
{
	struct informer *maps = controller_informer(c, "", "configmaps");
	struct object *have CLEANUP(object_unref_cleanup) =
		informer_get(maps, namespace, published[i].name);
	json_t *tree json_auto = have ? object_tree(have) : NULL;
	json_t *data json_auto = json_pack("{s:s}", published[i].key, certificates);
	struct error *why CLEANUP(error_free_cleanup) = NULL;

	if (have && json_equal(json_object_get(tree, "data"), data))
		return 0;
	if (have) {
		json_object_set(tree, "data", data);
		return object_write(c, "", "configmaps", tree, err);
	}
	tree = wanted(namespace, i, certificates);
	if (cluster_create_tree(controller_cluster(c), controller_call(c), informer_resource(maps),
				namespace, tree, NULL, &have, &why) == 0) {
		informer_observe(maps, have);
		return 0;
	}
	/* It came, or the namespace began to go: either is looked at again with its event. */
	if (error_code(why) == E_EXISTS || error_code(why) == E_FORBIDDEN)
		return 0;
	return error_move(err, steal(&why));
}

static int sync(struct controller *c, const char *key, struct error **err)
{
	struct object *namespace CLEANUP(object_unref_cleanup) =
		informer_get(controller_informer(c, "", "namespaces"), "", key);
	struct object *source CLEANUP(object_unref_cleanup) = informer_get(
		controller_informer(c, "", "configmaps"), SOURCE_NAMESPACE, SOURCE_NAME);
	char *certificates free_ptr = source ? object_string(source, "data." SOURCE_KEY) : NULL;

	if (!namespace || *namespace->deletion_timestamp)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(published); i++)
		if (publish(c, key, i, certificates ? certificates : "", err) < 0)
			return -1;
	return 0;
}

const struct reconciler reconciler_root_ca = {
	.name = "root-ca-certificate-publisher-controller",
	.watches = {{.group = "", .plural = "namespaces"},
		    {.group = "", .plural = "configmaps", .map = map_config_map}},
	.workers = 1,
	.sync = sync,
};
