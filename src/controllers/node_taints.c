/*
 * A node's conditions, and that it is cordoned, as taints: so the scheduler and the pods'
 * tolerations see them. Admission puts the first one on a new node (TaintNodesByCondition).
 */
#include "controllers/common.h"
#include "controllers/controllers.h"

#include "object/json.h"

#include <string.h>

static const struct {
	const char *condition, *status, *taint;
} by_condition[] = {
	{"Ready", "False", "node.kubernetes.io/not-ready"},
	{"Ready", "Unknown", "node.kubernetes.io/unreachable"},
	{"MemoryPressure", "True", "node.kubernetes.io/memory-pressure"},
	{"DiskPressure", "True", "node.kubernetes.io/disk-pressure"},
	{"PIDPressure", "True", "node.kubernetes.io/pid-pressure"},
	{"NetworkUnavailable", "True", "node.kubernetes.io/network-unavailable"},
};
#define UNSCHEDULABLE "node.kubernetes.io/unschedulable"

/* Whether NODE is to have the taint of row I. A node that has said nothing yet is not ready. */
static bool is_due(const json_t *node, size_t i)
{
	const json_t *condition =
		condition_find(json_path(node, "status.conditions"), by_condition[i].condition);

	if (!condition)
		return i == 0;
	return strcmp(text_at(condition, "status"), by_condition[i].status) == 0;
}

static bool is_ours(const json_t *taint)
{
	const char *key = text_at(taint, "key");

	if (strcmp(text_at(taint, "effect"), "NoSchedule"))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(by_condition); i++)
		if (strcmp(key, by_condition[i].taint) == 0)
			return true;
	return strcmp(key, UNSCHEDULABLE) == 0;
}

static void add(json_t *taints, const json_t *before, const char *key)
{
	json_t *taint;
	size_t i;

	/* One that is there keeps its time. */
	json_array_foreach (before, i, taint)
		if (is_ours(taint) && strcmp(text_at(taint, "key"), key) == 0) {
			json_array_append(taints, taint);
			return;
		}
	json_array_append_new(taints, json_pack("{s:s, s:s}", "key", key, "effect", "NoSchedule"));
}

static json_t *taints_of(const json_t *node)
{
	const json_t *before = json_path(node, "spec.taints");
	json_t *taints = json_array(), *taint;
	size_t i;

	json_array_foreach (before, i, taint)
		if (!is_ours(taint))
			json_array_append(taints, taint);
	for (i = 0; i < ARRAY_SIZE(by_condition); i++)
		if (is_due(node, i))
			add(taints, before, by_condition[i].taint);
	if (json_path_bool(node, "spec.unschedulable", false))
		add(taints, before, UNSCHEDULABLE);
	return taints;
}

static int sync(struct controller *c, const char *key, struct error **err)
{
	struct object *o CLEANUP(object_unref_cleanup) =
		informer_get(controller_informer(c, "", "nodes"), "", key);
	json_t *node json_auto = o ? object_tree(o) : NULL;
	json_t *taints json_auto = o ? taints_of(node) : NULL;
	const json_t *before = json_path(node, "spec.taints");

	if (!o || json_equal(before, taints) || (!before && !json_array_size(taints)))
		return 0;
	if (json_array_size(taints))
		json_path_set(node, "spec.taints", json_incref(taints));
	else
		json_path_del(node, "spec.taints");
	return object_write(c, "", "nodes", node, err);
}

const struct reconciler reconciler_node_taints = {
	.name = "node-lifecycle-controller",
	.watches = {{.group = "", .plural = "nodes"}},
	.workers = 1,
	.sync = sync,
};
