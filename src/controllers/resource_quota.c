/*
 * Counts what a namespace holds against its quotas, and tells it in their status, which is what
 * admission enforces. Admission adds what is created by itself; here it is seen what has gone.
 *
 * Quota and objects are read from the cluster, the quota first, and the status is written for that
 * version: what was charged in between makes the write fail, and it is counted again.
 */
#include "controllers/common.h"
#include "controllers/controllers.h"

#include "kinds/quota.h"
#include "object/json.h"
#include "object/quantities.h"

#include <string.h>

/* Types that have no watch here are counted again after that. */
#define RESYNC_NS (300 * NS_PER_S)

static void map_used(struct controller *c, struct object *old, struct object *new_)
{
	struct object_list quotas CLEANUP(object_list_release) = {0};

	/* What came was charged as it came; what it uses changes at most when it ends. */
	if (!old)
		return;
	informer_list(controller_informer(c, "", "resourcequotas"), old->namespace, &quotas);
	vec_each (&quotas, q)
		controller_enqueue(c, (*q)->namespace, (*q)->name);
}

struct counting {
	const json_t *quota;
	const struct resource *type;
	json_t *used;
	int64_t now;
};

static bool count_object(void *arg, const char *json, size_t len)
{
	struct counting *n = arg;
	json_t *object json_auto = json_read(json, len, NULL);
	json_t *usage json_auto = NULL;
	json_t *counted json_auto = NULL;

	if (!object || !quota_in_scope(n->quota, n->type, object))
		return true;
	usage = quota_usage(n->type, object, n->now);
	counted = quantities_mask(usage, n->used);
	quantities_add(n->used, counted);
	return true;
}

/* Counts the objects of TYPE once, when NAME is the first of its kind that HARD has. */
static int count_type(struct controller *c, const json_t *quota, const char *name,
		      const char *namespace, json_t *used, struct error **err)
{
	struct catalog *catalog CLEANUP(catalog_unref_cleanup) = NULL;
	char group[QUOTA_TYPE], plural[QUOTA_TYPE];
	struct list_options opt = {0};
	struct list_meta meta CLEANUP(list_meta_release) = {0};
	struct counting n = {quota, NULL, used, clock_wall(controller_clock(c))};
	json_t *covered json_auto = NULL;

	if (!quota_type(name, group, plural))
		return 0;
	catalog = cluster_catalog(controller_cluster(c), controller_call(c), err);
	if (!catalog)
		return -1;
	n.type = catalog_find(catalog, group, NULL, plural);
	if (!n.type || !n.type->namespaced)
		return 0;
	covered = quota_covered(json_path(quota, "spec.hard"), n.type);
	if (strcmp(json_object_iter_key(json_object_iter(covered)), name))
		return 0;
	return cluster_list(controller_cluster(c), controller_call(c), n.type, namespace, &opt,
			    count_object, &n, &meta, err);
}

static json_t *count(struct controller *c, const json_t *quota, const char *namespace,
		     struct error **err)
{
	const json_t *hard = json_path(quota, "spec.hard");
	json_t *used json_auto = json_object();
	const char *name;
	json_t *v;

	json_object_foreach ((json_t *)hard, name, v)
		quantities_set_count(used, name, 0);
	json_object_foreach ((json_t *)hard, name, v)
		if (count_type(c, quota, name, namespace, used, err) < 0)
			return NULL;
	return steal(&used);
}

static int sync(struct controller *c, const char *key, struct error **err)
{
	char *namespace free_ptr = NULL, *name free_ptr = NULL;
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	json_t *quota json_auto = NULL;
	json_t *status json_auto = NULL;
	json_t *used;

	controller_split_key(key, &namespace, &name);
	if (cluster_get(controller_cluster(c), controller_call(c),
			controller_resource(c, "", "resourcequotas"), namespace, name, &o,
			&why) < 0)
		return error_code(why) == E_NOT_FOUND ? 0 : error_move(err, steal(&why));
	if (*o->deletion_timestamp)
		return 0;
	quota = object_tree(o);
	used = count(c, quota, namespace, err);
	if (!used)
		return -1;
	controller_enqueue_after(c, namespace, name, RESYNC_NS);
	status = json_pack("{s:o?, s:o}", "hard", json_deep_copy(json_path(quota, "spec.hard")),
			   "used", used);
	if (json_equal(status, json_object_get(quota, "status")))
		return 0;
	json_object_set(quota, "status", status);
	return status_write(c, "", "resourcequotas", quota, err);
}

const struct reconciler reconciler_resource_quota = {
	.name = "resourcequota-controller",
	.watches = {{.group = "", .plural = "resourcequotas"},
		    {.group = "", .plural = "pods", .map = map_used},
		    {.group = "", .plural = "services", .map = map_used},
		    {.group = "", .plural = "persistentvolumeclaims", .map = map_used},
		    {.group = "", .plural = "configmaps", .map = map_used},
		    {.group = "", .plural = "secrets", .map = map_used},
		    {.group = "", .plural = "replicationcontrollers", .map = map_used}},
	.workers = 2,
	.sync = sync,
};
