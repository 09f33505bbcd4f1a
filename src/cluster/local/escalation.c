/*
 * Nobody gives rights that he does not have: who writes a role must hold all that it allows, who
 * writes a binding all that its role allows. Members of system:masters may, and so may whoever has
 * the verb "escalate" on the role, or "bind" on the role that is bound.
 */
#include "cluster/local/access.h"

#include "base/mem.h"
#include "cluster/lifecycle.h"
#include "cluster/local/admission.h"
#include "object/json.h"

#include <string.h>

#define RBAC "rbac.authorization.k8s.io"

static int refuse(const struct write *w, const json_t *tree, const char *why, struct error **err)
{
	return refuse_forbidden(w->r, json_path_string(tree, "metadata.name"), why, err);
}

/* Collectors of garbage write nothing else. */
static bool only_collects(const json_t *old, const json_t *tree)
{
	static const char *const collected[] = {"metadata.ownerReferences", "metadata.finalizers",
						"metadata.managedFields"};
	json_t *a json_auto = json_deep_copy(old);
	json_t *b json_auto = json_deep_copy(tree);

	for (size_t i = 0; i < ARRAY_SIZE(collected); i++) {
		json_path_del(a, collected[i]);
		json_path_del(b, collected[i]);
	}
	return json_equal(a, b);
}

static void describe_missing(const struct user *user, const struct rbac_rules *missing,
			     struct str *out)
{
	str_adds(out, "user ");
	str_add_quoted(out, user->name);
	str_adds(out, " (groups=[");
	for (const char *const *g = user->groups; g && *g; g++) {
		if (g > user->groups)
			str_addc(out, ' ');
		str_add_quoted(out, *g);
	}
	str_adds(out, "]) is attempting to grant RBAC permissions not currently held:\n");
	rbac_describe(missing, out);
}

/* What USER lacks of WANTED, told in WHY; false: nothing. */
static bool lacks(const struct access_view *view, const struct user *user,
		  const struct rbac_rules *wanted, struct str *why)
{
	struct arena arena CLEANUP(arena_release) = ARENA_INIT;
	struct rbac_rules held CLEANUP(rbac_rules_release) = {0};
	struct rbac_rules missing CLEANUP(rbac_rules_release) = {0};
	struct str problems CLEANUP(str_release) = STR_INIT;

	access_rules(view, user, &held, &problems);
	rbac_missing(&held, wanted, &arena, &missing);
	if (!missing.n)
		return false;
	describe_missing(user, &missing, why);
	if (problems.len)
		str_addf(why, "; resolution errors: [%s]", problems.s);
	return true;
}

static bool aggregates(const json_t *tree)
{
	return json_array_size(json_path(tree, "aggregationRule.clusterRoleSelectors"));
}

static int check_role(const struct write *w, const struct access_view *view,
		      const struct user *user, const json_t *old, const json_t *tree,
		      struct error **err)
{
	static const char *const all[] = {"*"};
	static const struct rbac_words any = {all, 1};
	struct rbac_rule everything[] = {{.verbs = any, .groups = any, .resources = any},
					 {.verbs = any, .urls = any}};
	struct arena arena CLEANUP(arena_release) = ARENA_INIT;
	struct rbac_rules rules CLEANUP(rbac_rules_release) = {0};
	struct str why CLEANUP(str_release) = STR_INIT;
	const struct access escalate = {.user = user,
					.verb = "escalate",
					.group = RBAC,
					.resource = w->r->plural,
					.namespace = w->namespace,
					.name = w->name};

	if (access_allowed(w->l, &escalate, NULL))
		return 0;
	rbac_read_rules(json_object_get(tree, "rules"), &arena, &rules);
	if (lacks(view, user, &rules, &why))
		return refuse(w, tree, why.s, err);
	if ((aggregates(tree) || aggregates(old)) &&
	    lacks(view, user, &(struct rbac_rules){.v = everything, .n = 2}, &why))
		return refuse(w, tree,
			      "must have cluster-admin privileges to use the aggregationRule", err);
	return 0;
}

static int check_binding(const struct write *w, const struct access_view *view,
			 const struct user *user, const json_t *tree, struct error **err)
{
	const char *kind = json_path_string(tree, "roleRef.kind");
	const char *name = json_path_string(tree, "roleRef.name");
	const char *plural = strcmp(kind, "ClusterRole") == 0 ? "clusterroles" : "roles";
	struct str why CLEANUP(str_release) = STR_INIT;
	const struct rbac_rules *rules;
	const struct access bind = {.user = user,
				    .verb = "bind",
				    .group = RBAC,
				    .resource = plural,
				    .namespace = w->namespace,
				    .name = name};

	if (strcmp(kind, "ClusterRole") != 0 && strcmp(kind, "Role") != 0)
		return error_set(err, E_UNKNOWN, "unsupported role reference kind: \"%s\"", kind);
	if (access_allowed(w->l, &bind, NULL))
		return 0;
	rules = access_role(view, kind, name, NULL);
	/* As kube-apiserver has it: in the words of the type that is written. */
	if (!rules)
		return refuse_not_found(w->r, name, err);
	return lacks(view, user, rules, &why) ? refuse(w, tree, why.s, err) : 0;
}

int access_check_grant(const struct write *w, const json_t *old, const json_t *tree,
		       struct error **err)
{
	const struct admission a = {.call = w->call};
	const struct user *user = admission_user(&a);
	bool binding;

	if (strcmp(w->r->group, RBAC) != 0 || w->r->custom ||
	    rbac_user_in_group(user, "system:masters") || (old && only_collects(old, tree)))
		return 0;
	struct access_view view CLEANUP(access_view_release) = access_view(w->l, w->namespace);

	binding = strcmp(w->r->plural, "rolebindings") == 0 ||
		  strcmp(w->r->plural, "clusterrolebindings") == 0;
	return binding ? check_binding(w, &view, user, tree, err)
		       : check_role(w, &view, user, old, tree, err);
}
