#include "cluster/local/admission_request.h"

#include "base/mem.h"
#include "base/vec.h"
#include "cluster/lifecycle.h"
#include "cluster/patching.h"
#include "kinds/kind.h"
#include "object/json.h"
#include "object/user.h"

#include <string.h>

struct admission_facts {
	const json_t *namespace; /* borrowed of the admission */
	json_t *notes;
	struct catalog *catalog;
	VEC(const struct resource *) equivalents;
};

static struct admission_facts *facts_of(struct admission *a)
{
	if (!a->facts)
		a->facts = xcalloc(1, sizeof(*a->facts));
	return a->facts;
}

void admission_facts_free(struct admission_facts *facts)
{
	if (!facts)
		return;
	json_decref(facts->notes);
	if (facts->catalog)
		catalog_unref(facts->catalog);
	vec_release(&facts->equivalents);
	free(facts);
}

struct admission_kind admission_kind_of(const struct resource *r, const char *subresource)
{
	const struct subresource *s = *subresource ? resource_subresource(r, subresource) : NULL;

	if (!s)
		return (struct admission_kind){r->group, r->version, r->kind};
	return (struct admission_kind){
		s->group ? s->group : r->group,
		s->version ? s->version : r->version,
		s->kind ? s->kind : r->kind,
	};
}

const char *admission_request_name(const struct admission *a)
{
	return *a->name ? a->name : json_path_string(a->object, "metadata.name");
}

const char *admission_request_namespace(const struct admission *a)
{
	bool itself = !*a->resource->group && strcmp(a->resource->plural, "namespaces") == 0;

	return itself ? admission_request_name(a) : a->namespace;
}

const char *admission_operation_name(enum admission_operation operation)
{
	switch (operation) {
	case ADMIT_CREATE:
		return "CREATE";
	case ADMIT_UPDATE:
		return "UPDATE";
	case ADMIT_DELETE:
		return "DELETE";
	case ADMIT_CONNECT:
		return "CONNECT";
	}
	return "";
}

static json_t *kind_tree(const struct resource *r, const char *subresource)
{
	struct admission_kind k = admission_kind_of(r, subresource);

	return json_pack("{s:s,s:s,s:s}", "group", k.group, "version", k.version, "kind", k.kind);
}

static json_t *resource_tree(const struct resource *r)
{
	return json_pack("{s:s,s:s,s:s}", "group", r->group, "version", r->version, "resource",
			 r->plural);
}

static void set_dry_run(json_t *options, bool dry_run)
{
	if (dry_run)
		json_object_set_new(options, "dryRun", json_pack("[s]", "All"));
}

static json_t *write_options_tree(const struct admission *a)
{
	static const char *const validations[] = {"Warn", "Ignore", "Strict"};
	const struct write_options *opt = a->write_options;
	json_t *out = json_pack("{s:s,s:s}", "kind",
				a->operation == ADMIT_CREATE ? "CreateOptions" : "UpdateOptions",
				"apiVersion", "meta.k8s.io/v1");

	set_dry_run(out, a->dry_run);
	if (opt->field_manager)
		json_object_set_new(out, "fieldManager", json_string(opt->field_manager));
	json_object_set_new(out, "fieldValidation", json_string(validations[opt->validation]));
	return out;
}

static json_t *delete_options_tree(const struct admission *a)
{
	static const char *const policies[] = {NULL, "Background", "Foreground", "Orphan"};
	const struct delete_options *opt = a->delete_options;
	json_t *out =
		json_pack("{s:s,s:s}", "kind", "DeleteOptions", "apiVersion", "meta.k8s.io/v1");

	set_dry_run(out, a->dry_run);
	if (opt->grace_period_s >= 0)
		json_object_set_new(out, "gracePeriodSeconds", json_integer(opt->grace_period_s));
	if (policies[opt->propagation])
		json_object_set_new(out, "propagationPolicy",
				    json_string(policies[opt->propagation]));
	if (opt->uid)
		json_path_set(out, "preconditions.uid", json_string(opt->uid));
	if (opt->resource_version)
		json_path_set(out, "preconditions.resourceVersion",
			      json_string(opt->resource_version));
	return out;
}

json_t *admission_request(const struct admission *a, const struct resource *as)
{
	json_t *out = json_object();

	json_object_set_new(out, "kind", kind_tree(as, a->subresource));
	json_object_set_new(out, "resource", resource_tree(as));
	json_object_set_new(out, "requestKind", kind_tree(a->resource, a->subresource));
	json_object_set_new(out, "requestResource", resource_tree(a->resource));
	if (*a->subresource) {
		json_object_set_new(out, "subResource", json_string(a->subresource));
		json_object_set_new(out, "requestSubResource", json_string(a->subresource));
	}
	if (*admission_request_name(a))
		json_object_set_new(out, "name", json_string(admission_request_name(a)));
	if (*admission_request_namespace(a))
		json_object_set_new(out, "namespace", json_string(admission_request_namespace(a)));
	json_object_set_new(out, "operation", json_string(admission_operation_name(a->operation)));
	json_object_set_new(out, "userInfo", user_info(admission_user(a)));
	json_object_set_new(out, "dryRun", json_boolean(a->dry_run));
	json_object_set_new(out, "options",
			    a->write_options	? write_options_tree(a)
			    : a->delete_options ? delete_options_tree(a)
						: json_null());
	return out;
}

/* Of a pod that has been given its node. */
static json_t *binding_of(const json_t *pod)
{
	return json_pack("{s:s,s:s,s:{s:s,s:s},s:{s:s,s:s}}", "kind", "Binding", "apiVersion", "v1",
			 "metadata", "name", json_path_string(pod, "metadata.name"), "namespace",
			 json_path_string(pod, "metadata.namespace"), "target", "kind", "Node",
			 "name", json_path_string(pod, "spec.nodeName"));
}

/* The subresources that are another object, made from the one they belong to. */
static bool is_of(const struct admission *a, const char *subresource)
{
	return strcmp(a->subresource, subresource) == 0;
}

static bool has_own_object(const struct admission *a)
{
	return is_of(a, "token") || is_of(a, "eviction");
}

json_t *admission_shown(const struct admission *a, const json_t *tree, const struct resource *as,
			struct error **err)
{
	json_t *copy json_auto = NULL;

	if (!tree)
		return NULL;
	if (is_of(a, "scale"))
		return scale_get(tree, as, err);
	if (is_of(a, "binding"))
		return binding_of(tree);
	if (has_own_object(a) || strcmp(json_path_string(tree, "apiVersion"), as->api_version) == 0)
		return json_incref((json_t *)tree);
	copy = json_deep_copy(tree);
	return convert_from_storage(&a->errand, as, copy, err) < 0 ? NULL : steal(&copy);
}

static void replace(json_t *object, json_t *with)
{
	json_object_clear(object);
	json_object_update(object, with);
}

int admission_take(struct admission *a, json_t *shown, const struct resource *as,
		   struct error **err)
{
	struct field_errors *errors CLEANUP(field_errors_free_cleanup) = field_errors_new();

	if (is_of(a, "scale"))
		return scale_set(a->object, a->resource, shown, err);
	if (is_of(a, "binding")) {
		json_path_set(a->object, "spec.nodeName",
			      json_string(json_path_string(shown, "target.name")));
		return 0;
	}
	if (!has_own_object(a)) {
		if (object_check_schema(shown, as, NULL, errors, err) < 0 ||
		    field_errors_finish(errors, as, admission_request_name(a), err) < 0)
			return -1;
		if ((as->custom ? convert_from_storage(&a->errand, a->resource, shown, err)
				: convert_to_storage(&a->errand, as, shown, err)) < 0)
			return -1;
		object_set_defaults(shown, a->storage);
	}
	replace(a->object, shown);
	return 0;
}

const json_t *admission_namespace(struct admission *a, struct error **err)
{
	struct admission_facts *facts = facts_of(a);

	if (*a->namespace && !facts->namespace)
		facts->namespace = admission_get(a, "", "namespaces", "", a->namespace, err);
	return facts->namespace;
}

const struct schema_type *admission_schema(const struct admission *a, const struct resource *as)
{
	struct admission_kind k = admission_kind_of(as, a->subresource);
	const struct schema_type *types;
	size_t n;

	if (str_equal(k.kind, as->kind) && str_equal(k.group, as->group))
		return as->type;
	types = schema_types(&n);
	for (size_t i = 0; i < n; i++)
		if (types[i].kind && str_equal(types[i].kind, k.kind) &&
		    str_equal(types[i].group, k.group) && str_equal(types[i].version, k.version))
			return &types[i];
	return NULL;
}

json_t *admission_notes(struct admission *a)
{
	struct admission_facts *facts = facts_of(a);

	if (!facts->notes)
		facts->notes = json_object();
	return facts->notes;
}

static bool same_objects(const struct resource *x, const struct resource *y)
{
	if (strcmp(x->plural, y->plural))
		return false;
	if (x->custom || y->custom)
		return x->custom && y->custom && strcmp(x->group, y->group) == 0;
	return storage_of(x) == storage_of(y);
}

const struct resource *const *admission_equivalents(struct admission *a)
{
	struct admission_facts *facts = facts_of(a);

	if (facts->catalog)
		return facts->equivalents.v;
	facts->catalog = cluster_catalog(&a->local->base, NULL, NULL);
	for (size_t i = 0; i < catalog_count(facts->catalog); i++) {
		const struct resource *r = catalog_at(facts->catalog, i);

		if (same_objects(r, a->resource) &&
		    (!*a->subresource || resource_subresource(r, a->subresource)))
			vec_push(&facts->equivalents, r);
	}
	vec_push(&facts->equivalents, NULL);
	return facts->equivalents.v;
}
