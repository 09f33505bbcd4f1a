/*
 * Types of what a ValidatingAdmissionPolicy speaks of: where its rules name types, its expressions
 * are checked against their schemas, and what does not fit is a warning in its status. The policy
 * is asked all the same.
 */
#include "controllers/common.h"
#include "controllers/controllers.h"

#include "base/str.h"
#include "kinds/expression.h"
#include "object/json.h"

#include <string.h>

#define GROUP "admissionregistration.k8s.io"
#define PLURAL "validatingadmissionpolicies"
#define NAME "validatingadmissionpolicy-status"
#define TYPES_MAX 10

struct types {
	const struct resource *v[TYPES_MAX];
	size_t n;
};

static bool is_plain(const json_t *list)
{
	const json_t *item;
	size_t i;

	json_array_foreach ((json_t *)list, i, item)
		if (!json_is_string(item) || strchr(json_string_value(item), '*'))
			return false;
	return json_array_size(list) > 0;
}

static void add_type(struct types *out, const struct resource *r)
{
	for (size_t i = 0; i < out->n; i++)
		if (out->v[i] == r)
			return;
	if (r && r->type && out->n < TYPES_MAX)
		out->v[out->n++] = r;
}

/* What one rule names; nothing where it says "any". */
static void add_rule(struct types *out, const struct catalog *catalog, const json_t *rule)
{
	const json_t *groups = json_object_get(rule, "apiGroups"), *group;
	const json_t *versions = json_object_get(rule, "apiVersions"), *version;
	const json_t *resources = json_object_get(rule, "resources"), *resource;
	size_t i, k, l;

	if (!is_plain(groups) || !is_plain(versions))
		return;
	json_array_foreach ((json_t *)groups, i, group)
		json_array_foreach ((json_t *)versions, k, version)
			json_array_foreach ((json_t *)resources, l, resource)
				add_type(out, catalog_find(catalog, json_string_value(group),
							   json_string_value(version),
							   json_string_value(resource)));
}

static int by_kind(const void *a, const void *b)
{
	const struct resource *x = *(const struct resource *const *)a;
	const struct resource *y = *(const struct resource *const *)b;
	int order = strcmp(x->group, y->group);

	if (!order)
		order = strcmp(x->version, y->version);
	return order ? order : strcmp(x->kind, y->kind);
}

static void find_types(struct types *out, const struct catalog *catalog, const json_t *spec)
{
	const json_t *rule;
	size_t i;

	json_array_foreach (json_path(spec, "matchConstraints.resourceRules"), i, rule)
		add_rule(out, catalog, rule);
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), by_kind);
}

static struct expression_scope *typed_scope(const json_t *spec, const struct resource *object,
					    const struct resource *params)
{
	struct expression_scope *s =
		expression_scope_new(json_object_get(spec, "paramKind") != NULL, true);
	const json_t *variable;
	size_t i;

	expression_scope_type(s, object->type, params ? params->type : NULL);
	json_array_foreach (json_object_get(spec, "variables"), i, variable)
		cel_program_free(expression_define(s, json_path_string(variable, "name"),
						   json_path_string(variable, "expression"), NULL));
	return s;
}

/* TEXT for each of the types; a warning at FIELD tells of those that it does not fit. */
static void check(json_t *warnings, const json_t *spec, const struct types *types,
		  const struct resource *params, const char *field, const char *text)
{
	struct str told CLEANUP(str_release) = STR_INIT;

	for (size_t i = 0; i < types->n; i++) {
		const struct resource *r = types->v[i];
		struct expression_scope *s CLEANUP(expression_scope_free_cleanup) =
			typed_scope(spec, r, params);
		struct error *why CLEANUP(error_free_cleanup) = NULL;
		struct cel_program *p CLEANUP(cel_program_free_cleanup) =
			expression_compile(s, EXPRESSION_DEFINITION, text, &why);
		const char *message = error_message(why);

		if (str_has_prefix(message, "compilation failed: "))
			message += strlen("compilation failed: ");
		if (!p)
			str_addf(&told, "%s%s/%s, Kind=%s: %s\n", told.len ? "\n" : "", r->group,
				 r->version, r->kind, message);
	}
	if (told.len)
		json_array_append_new(warnings,
				      json_pack("{s:s,s:s}", "fieldRef", field, "warning", told.s));
}

static json_t *check_all(const json_t *spec, const struct catalog *catalog)
{
	static const char *const members[] = {"expression", "messageExpression"};
	const json_t *kind = json_object_get(spec, "paramKind"), *validation;
	const struct resource *params =
		kind ? catalog_find_kind(catalog, json_path_string(kind, "apiVersion"),
					 json_path_string(kind, "kind"))
		     : NULL;
	json_t *warnings = json_array();
	struct types types = {.n = 0};
	size_t i;

	find_types(&types, catalog, spec);
	json_array_foreach (json_object_get(spec, "validations"), i, validation)
		for (size_t k = 0; k < ARRAY_SIZE(members); k++) {
			const char *text = json_path_string(validation, members[k]);
			char *field free_ptr = xasprintf("spec.validations[%zu].%s", i, members[k]);

			if (*text)
				check(warnings, spec, &types, params, field, text);
		}
	return warnings;
}

static int write_status(struct controller *c, const struct object *policy, json_t *warnings,
			struct error **err)
{
	static const struct write_options options = {.field_manager = NAME, .force = true};
	struct informer *policies = controller_informer(c, GROUP, PLURAL);
	struct object *written CLEANUP(object_unref_cleanup) = NULL;
	json_t *config json_auto =
		json_pack("{s:s,s:s,s:{s:s},s:{s:I,s:{}}}", "apiVersion", GROUP "/v1", "kind",
			  "ValidatingAdmissionPolicy", "metadata", "name", policy->name, "status",
			  "observedGeneration", (json_int_t)policy->generation, "typeChecking");

	if (json_array_size(warnings))
		json_path_set(config, "status.typeChecking.expressionWarnings",
			      json_incref(warnings));
	if (cluster_patch_tree(controller_cluster(c), controller_call(c),
			       informer_resource(policies), "", policy->name, "status", PATCH_APPLY,
			       config, &options, &written, err) < 0)
		return -1;
	informer_observe(policies, written);
	return 0;
}

static int sync(struct controller *c, const char *key, struct error **err)
{
	struct object *policy CLEANUP(object_unref_cleanup) =
		informer_get(controller_informer(c, GROUP, PLURAL), "", key);
	struct catalog *catalog CLEANUP(catalog_unref_cleanup) = NULL;
	json_t *tree json_auto = NULL;
	json_t *warnings json_auto = NULL;

	if (!policy || policy->generation <= object_int(policy, "status.observedGeneration", 0))
		return 0;
	catalog = cluster_catalog(controller_cluster(c), controller_call(c), err);
	if (!catalog)
		return -1;
	tree = object_tree(policy);
	warnings = check_all(json_object_get(tree, "spec"), catalog);
	return write_status(c, policy, warnings, err);
}

const struct reconciler reconciler_policy_status = {
	.name = NAME,
	.watches = {{.group = GROUP, .plural = PLURAL}},
	.workers = 1,
	.sync = sync,
};
