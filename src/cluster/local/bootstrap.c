/*
 * What a cluster has from its beginning: kube-apiserver makes these by itself, and makes them again
 * when they are missing at a start.
 */
#include "cluster/local/private.h"

#include "base/mem.h"
#include "object/json.h"

#include <string.h>

/* The description and value of a system class are fixed: validation knows them too. */
static const struct {
	const char *group, *plural, *name;
	const char *json; /* beside the name; NULL: nothing */
} objects[] = {
	{"", "namespaces", "default", NULL},
	{"", "namespaces", "kube-system", NULL},
	{"", "namespaces", "kube-public", NULL},
	{"", "namespaces", "kube-node-lease", NULL},
	{"scheduling.k8s.io", "priorityclasses", "system-node-critical",
	 "{\"value\":2000001000,\"preemptionPolicy\":\"PreemptLowerPriority\",\"description\":"
	 "\"Used for system critical pods that must not be moved from their current node.\"}"},
	{"scheduling.k8s.io", "priorityclasses", "system-cluster-critical",
	 "{\"value\":2000000000,\"preemptionPolicy\":\"PreemptLowerPriority\",\"description\":"
	 "\"Used for system critical pods that must run in the cluster, but can be moved to "
	 "another node if necessary.\"}"},
};

int bootstrap_add(struct local *l, const struct resource *r, const json_t *old, json_t *tree,
		  const char *manager, uint64_t expect, struct commit *c, struct error **err)
{
	static const struct call self = {.user_agent = "kube-apiserver"};
	const struct write_options options = {.field_manager = manager};
	char *namespace free_ptr = xstrdup(json_path_string(tree, "metadata.namespace"));
	struct write w = {.l = l,
			  .errand = errand_begin(l, NULL),
			  .call = &self,
			  .own = true,
			  .r = r,
			  .storage = storage_of(r),
			  .namespace = namespace,
			  .opt = &options};

	if (pipeline_admit_tree(&w, tree, NULL, err) < 0 || track_update(&w, old, tree, err) < 0)
		return -1;
	if (old && pipeline_merge_old(&w, old, tree, err) < 0)
		return -1;
	if (pipeline_finish(&w, old, tree, err) < 0)
		return -1;
	commit_also(c, w.storage, tree, expect);
	return 0;
}

int bootstrap_missing(struct local *l, const char *group, const char *plural, const char *manager,
		      json_t *tree, struct commit *c, struct error **err)
{
	const struct resource *r = catalog_find(l->catalog, group, NULL, plural);
	struct object *o CLEANUP(object_unref_cleanup) =
		local_read(l, r, "", json_path_string(tree, "metadata.name"), NULL);

	return o ? 0 : bootstrap_add(l, r, NULL, tree, manager, STORE_ABSENT, c, err);
}

static int make(struct local *l, size_t i, struct commit *c, struct error **err)
{
	const char *json = objects[i].json ? objects[i].json : "{}";
	json_t *tree json_auto = json_read(json, strlen(json), err);

	if (!tree)
		return -1;
	json_path_set(tree, "metadata.name", json_string(objects[i].name));
	return bootstrap_missing(l, objects[i].group, objects[i].plural, NULL, tree, c, err);
}

int bootstrap(struct local *l, struct error **err)
{
	struct commit c CLEANUP(commit_release) = {0};
	size_t failed;

	for (size_t i = 0; i < ARRAY_SIZE(objects); i++)
		if (make(l, i, &c, err) < 0)
			return -1;
	if (bootstrap_self(l, &c, err) < 0)
		return -1;
	if (c.n && commit_run(l, &c, NULL, &failed, err) < 0)
		return -1;
	return bootstrap_rbac(l, err);
}
