/*
 * Roles and their bindings, in a namespace and for the whole cluster.
 */
#include "kinds/builtin.h"
#include "kinds/fill.h"
#include "kinds/rules.h"
#include "object/json.h"

#include <string.h>

#define GROUP "rbac.authorization.k8s.io"

static void check_rules(const struct field *rules, bool namespaced)
{
	field_each (rules, rule) {
		const struct field *urls = FIELD(&rule, "nonResourceURLs");
		const struct field *groups = FIELD(&rule, "apiGroups");
		const struct field *resources = FIELD(&rule, "resources");

		if (!field_size(FIELD(&rule, "verbs")))
			field_required(FIELD(&rule, "verbs"),
				       "verbs must contain at least one value");
		if (field_size(urls)) {
			if (namespaced)
				field_invalid(urls,
					      "namespaced rules cannot apply to non-resource URLs");
			if (field_size(groups) || field_size(resources) ||
			    field_size(FIELD(&rule, "resourceNames")))
				field_invalid(urls, "rules cannot apply to both regular resources "
						    "and non-resource URLs");
			continue;
		}
		if (!field_size(groups))
			field_required(groups, "resource rules must supply at least one api group");
		if (!field_size(resources))
			field_required(resources,
				       "resource rules must supply at least one resource");
	}
}

static void validate_role(const struct field *o, const struct field *old)
{
	(void)old;
	check_rules(FIELD(o, "rules"), true);
}

static void validate_cluster_role(const struct field *o, const struct field *old)
{
	const struct field *rule = FIELD(o, "aggregationRule");
	const struct field *selectors = FIELD(rule, "clusterRoleSelectors");

	(void)old;
	check_rules(FIELD(o, "rules"), false);
	if (field_set(rule) && !field_size(selectors))
		field_required(selectors, "at least one clusterRoleSelector required if "
					  "aggregationRule is non-nil");
	field_each (selectors, s) {
		size_t before = field_errors_count(s.errors);

		rule_label_selector(&s);
		if (field_errors_count(s.errors) > before)
			field_invalid_json(&s, NULL, "invalid label selector.");
	}
}

static void binding_defaults(json_t *object)
{
	json_t *s;
	size_t i;

	fill_text(fill_object(object, "roleRef"), "apiGroup", GROUP);
	json_array_foreach (json_object_get(object, "subjects"), i, s)
		if (strcmp(json_path_string(s, "kind"), "User") == 0 ||
		    strcmp(json_path_string(s, "kind"), "Group") == 0)
			fill_text(s, "apiGroup", GROUP);
}

static void check_subjects(const struct field *subjects, bool namespaced)
{
	static const char *const kinds[] = {"ServiceAccount", "User", "Group", NULL};
	static const char *const core[] = {"", NULL};
	static const char *const rbac[] = {GROUP, NULL};

	field_each (subjects, s) {
		const struct field *kind = FIELD(&s, "kind"), *name = FIELD(&s, "name");
		bool account = field_is(kind, "ServiceAccount");

		field_require(name);
		if (!text_is_one_of(field_text(kind), kinds)) {
			field_not_supported(kind, kinds);
			continue;
		}
		if (account)
			field_check_optional(name, name_dns_subdomain);
		field_one_of(FIELD(&s, "apiGroup"), account ? core : rbac);
		if (account && !namespaced && !*field_text(FIELD(&s, "namespace")))
			field_required(FIELD(&s, "namespace"), NULL);
	}
}

/* The reference is shown by the names that its fields have in Go. */
static void refuse_change(const struct field *ref)
{
	json_t *shown =
		json_pack("{s:s,s:s,s:s}", "APIGroup", field_text(FIELD(ref, "apiGroup")), "Kind",
			  field_text(FIELD(ref, "kind")), "Name", field_text(FIELD(ref, "name")));

	field_invalid_json(ref, shown, "cannot change roleRef");
	json_decref(shown);
}

static void check_binding(const struct field *o, const struct field *old, const char *const *kinds,
			  bool namespaced)
{
	static const char *const groups[] = {GROUP, NULL};
	const struct field *ref = FIELD(o, "roleRef");

	field_one_of(FIELD(ref, "apiGroup"), groups);
	field_one_of(FIELD(ref, "kind"), kinds);
	field_check_required(FIELD(ref, "name"), name_path_segment);
	check_subjects(FIELD(o, "subjects"), namespaced);
	if (old && !field_same(ref, FIELD(old, "roleRef")))
		refuse_change(ref);
}

static void validate_binding(const struct field *o, const struct field *old)
{
	static const char *const kinds[] = {"Role", "ClusterRole", NULL};

	check_binding(o, old, kinds, true);
}

static void validate_cluster_binding(const struct field *o, const struct field *old)
{
	static const char *const kinds[] = {"ClusterRole", NULL};

	check_binding(o, old, kinds, false);
}

const struct kind kind_role = {
	.group = GROUP,
	.kind = "Role",
	.validate = validate_role,
	.name_rule = name_path_segment,
	.metadata = METADATA_WHOLE,
	.no_generation = true,
};
const struct kind kind_clusterrole = {
	.group = GROUP,
	.kind = "ClusterRole",
	.validate = validate_cluster_role,
	.name_rule = name_path_segment,
	.metadata = METADATA_WHOLE,
	.no_generation = true,
};
const struct kind kind_rolebinding = {
	.group = GROUP,
	.kind = "RoleBinding",
	.set_defaults = binding_defaults,
	.validate = validate_binding,
	.name_rule = name_path_segment,
	.metadata = METADATA_WHOLE,
	.no_generation = true,
};
const struct kind kind_clusterrolebinding = {
	.group = GROUP,
	.kind = "ClusterRoleBinding",
	.set_defaults = binding_defaults,
	.validate = validate_cluster_binding,
	.name_rule = name_path_segment,
	.metadata = METADATA_WHOLE,
	.no_generation = true,
};
