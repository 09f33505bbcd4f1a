/*
 * A ClusterRole with an aggregationRule has the rules of all ClusterRoles that its selectors pick,
 * selector by selector and then by name, each rule once.
 */
#include "controllers/common.h"
#include "controllers/controllers.h"

#include "object/json.h"
#include "object/selector.h"

#include <string.h>

#define RBAC "rbac.authorization.k8s.io"
#define NAME "clusterrole-aggregation-controller"

static bool aggregates(const struct object *role)
{
	return json_find(role->json, role->len, "aggregationRule.clusterRoleSelectors").len > 0;
}

/* Any role may be part of any that aggregates; those are few. */
static void map_role(struct controller *c, struct object *old, struct object *new_)
{
	struct object_list all CLEANUP(object_list_release) = {0};

	informer_list(controller_informer(c, RBAC, "clusterroles"), "", &all);
	vec_each (&all, role)
		if (aggregates(*role))
			controller_enqueue(c, "", (*role)->name);
}

static void add_rules(json_t *rules, const struct object *part)
{
	json_t *tree json_auto = object_tree(part);
	json_t *rule, *known;
	size_t i, k;

	json_array_foreach (json_object_get(tree, "rules"), i, rule) {
		bool there = false;

		json_array_foreach (rules, k, known)
			there = there || json_equal(known, rule);
		if (!there)
			json_array_append(rules, rule);
	}
}

/* The rules that ROLE should have; NULL and *err: a selector cannot be understood. */
static json_t *gather(struct controller *c, const json_t *role, struct error **err)
{
	struct object_list all CLEANUP(object_list_release) = {0};
	json_t *rules json_auto = json_array();
	json_t *wanted;
	size_t i;

	informer_list(controller_informer(c, RBAC, "clusterroles"), "", &all);
	json_array_foreach (json_path(role, "aggregationRule.clusterRoleSelectors"), i, wanted) {
		struct selector *s CLEANUP(selector_free_cleanup) =
			selector_from_label_selector(wanted, err);

		if (!s)
			return NULL;
		vec_each (&all, part)
			if (strcmp((*part)->name, json_path_string(role, "metadata.name")) != 0 &&
			    selector_matches(s, *part))
				add_rules(rules, *part);
	}
	return json_incref(rules);
}

static int write_rules(struct controller *c, const char *name, const json_t *rules,
		       struct error **err)
{
	static const struct write_options options = {.field_manager = NAME, .force = true};
	struct informer *roles = controller_informer(c, RBAC, "clusterroles");
	struct object *written CLEANUP(object_unref_cleanup) = NULL;
	json_t *config json_auto =
		json_pack("{s:s,s:s,s:{s:s},s:O}", "apiVersion", RBAC "/v1", "kind", "ClusterRole",
			  "metadata", "name", name, "rules", rules);

	if (cluster_patch_tree(controller_cluster(c), controller_call(c), informer_resource(roles),
			       "", name, NULL, PATCH_APPLY, config, &options, &written, err) < 0)
		return -1;
	informer_observe(roles, written);
	return 0;
}

static int sync(struct controller *c, const char *key, struct error **err)
{
	struct object *role CLEANUP(object_unref_cleanup) =
		informer_get(controller_informer(c, RBAC, "clusterroles"), "", key);
	json_t *tree json_auto = NULL;
	json_t *rules json_auto = NULL;
	json_t *now;

	if (!role || !aggregates(role))
		return 0;
	tree = object_tree(role);
	rules = gather(c, tree, err);
	if (!rules)
		return -1;
	now = json_object_get(tree, "rules");
	if (json_equal(rules, now) || (!json_array_size(rules) && !json_array_size(now)))
		return 0;
	return write_rules(c, key, rules, err);
}

const struct reconciler reconciler_clusterrole_aggregation = {
	.name = NAME,
	.watches = {{.group = RBAC, .plural = "clusterroles", .map = map_role}},
	.workers = 1,
	.sync = sync,
};
