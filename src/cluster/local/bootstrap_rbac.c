/*
 * Roles and bindings of the cluster's own parts and the roles for its users. As kube-apiserver does
 * at each start: what is missing is made, and what somebody took from a role or a binding is added
 * to it again, unless its annotation rbac.authorization.kubernetes.io/autoupdate says "false". What
 * somebody added stays.
 */
#include "cluster/local/private.h"

#include "base/mem.h"
#include "cluster/local/rbac_table.h"
#include "kinds/rbac.h"
#include "object/json.h"

#include <string.h>

#define RBAC "rbac.authorization.k8s.io"

static bool is_protected(const json_t *tree)
{
	return strcmp(json_path_string(tree,
				       "metadata.annotations[rbac.authorization.kubernetes.io/"
				       "autoupdate]"),
		      "false") == 0;
}

/* The entries of the map at PATH that TREE lacks. */
static void add_entries(json_t *tree, const json_t *wanted, const char *path)
{
	json_t *have = json_path(tree, path), *merged = json_deep_copy(json_path(wanted, path));

	json_object_update(merged, have);
	json_path_set(tree, path, merged);
}

static void add_rules(json_t *tree, const json_t *wanted)
{
	struct arena arena CLEANUP(arena_release) = ARENA_INIT;
	struct rbac_rules have CLEANUP(rbac_rules_release) = {0};
	struct rbac_rules want CLEANUP(rbac_rules_release) = {0};
	struct rbac_rules missing CLEANUP(rbac_rules_release) = {0};

	if (json_equal(json_object_get(tree, "rules"), json_object_get(wanted, "rules")))
		return;
	rbac_read_rules(json_object_get(tree, "rules"), &arena, &have);
	rbac_read_rules(json_object_get(wanted, "rules"), &arena, &want);
	rbac_missing(&have, &want, &arena, &missing);
	if (missing.n && !json_is_array(json_object_get(tree, "rules")))
		json_object_set_new(tree, "rules", json_array());
	for (size_t i = 0; i < missing.n; i++)
		json_array_append_new(json_object_get(tree, "rules"),
				      rbac_rule_json(&missing.v[i]));
}

/* The elements of the list at PATH that TREE lacks. */
static void add_elements(json_t *tree, const json_t *wanted, const char *path)
{
	json_t *have = json_path(tree, path), *want = json_path(wanted, path), *a, *b;
	size_t i, k;

	if (!json_array_size(want))
		return;
	if (!json_is_array(have)) {
		json_path_set(tree, path, json_deep_copy(want));
		return;
	}
	json_array_foreach (want, i, a) {
		bool found = false;

		json_array_foreach (have, k, b)
			found = found || json_equal(a, b);
		if (!found)
			json_array_append(have, a);
	}
}

static void reconcile(json_t *tree, const json_t *wanted)
{
	add_entries(tree, wanted, "metadata.labels");
	add_entries(tree, wanted, "metadata.annotations");
	if (json_object_get(wanted, "aggregationRule"))
		add_elements(tree, wanted, "aggregationRule.clusterRoleSelectors");
	else if (!json_object_get(wanted, "roleRef"))
		add_rules(tree, wanted);
	else
		add_elements(tree, wanted, "subjects");
}

static int ensure(struct local *l, const struct rbac_default *d, struct commit *c,
		  struct error **err)
{
	const struct resource *r = catalog_find(l->catalog, RBAC, "v1", d->plural);
	struct object *o CLEANUP(object_unref_cleanup) =
		local_read(l, r, d->namespace, d->name, NULL);
	json_t *wanted json_auto = json_read(d->json, strlen(d->json), err);
	json_t *old json_auto = o ? object_tree(o) : NULL;
	json_t *tree json_auto = NULL;
	json_t *ref = json_object_get(wanted, "roleRef");

	if (!wanted)
		return -1;
	if (!old)
		return bootstrap_add(l, r, NULL, wanted, NULL, STORE_ABSENT, c, err);
	if (is_protected(old))
		return 0;
	/* A binding of another role is not this one: it is made anew. */
	if (ref && !json_equal(json_object_get(old, "roleRef"), ref))
		return bootstrap_add(l, r, NULL, wanted, NULL, o->revision, c, err);
	tree = json_deep_copy(old);
	reconcile(tree, wanted);
	return json_equal(old, tree) ? 0
				     : bootstrap_add(l, r, old, tree, NULL, o->revision, c, err);
}

int bootstrap_rbac(struct local *l, struct error **err)
{
	struct commit c CLEANUP(commit_release) = {0};
	size_t failed;

	for (const struct rbac_default *d = rbac_defaults; d->plural; d++)
		if (ensure(l, d, &c, err) < 0)
			return error_wrap(err, "%s \"%s\"", d->plural, d->name);
	return c.n ? commit_run(l, &c, NULL, &failed, err) : 0;
}
