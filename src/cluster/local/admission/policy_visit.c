/*
 * What a request is to be asked: of the policies that are about it, each with its bindings, and
 * each of those with its parameters.
 */
#include "cluster/local/admission/policy.h"

#include "base/vec.h"
#include "cluster/local/admission_request.h"
#include "object/json.h"
#include "object/selector.h"

#include <string.h>

bool policy_applies(const struct admission *a)
{
	return a->local->policies && !admission_is_policy(a) && !admission_is_review(a);
}

/* The parameters of a binding. */

struct params {
	json_t **v; /* NULL: to be asked without */
	size_t n, cap;
};

static void params_release(struct params *list)
{
	vec_each (list, p)
		json_decref(*p);
	vec_release(list);
}

/* The type of P's parameters, or NULL when nobody serves it. */
static const struct resource *param_type(const struct policy *p, const struct catalog *catalog)
{
	return catalog_find_kind(catalog, p->param_version, p->param_kind);
}

struct selecting {
	struct params *out;
	const struct selector *selector;
};

static bool select_one(void *arg, const void *key, size_t key_len, const char *value, size_t len,
		       uint64_t revision)
{
	const struct selecting *s = arg;
	json_t *tree = NULL;

	if (selector_matches_span(s->selector, json_find(value, len, "metadata.labels")))
		tree = json_read(value, len, NULL);
	if (tree)
		vec_push(s->out, tree);
	return true;
}

static int select_params(struct local *l, const struct policy_binding *b, const struct resource *r,
			 const char *namespace, struct params *out, struct error **err)
{
	struct str prefix CLEANUP(str_release) = STR_INIT;
	struct selecting s = {out, b->selector};
	uint64_t revision;

	object_key(storage_of(r), r->namespaced ? namespace : NULL, NULL, &prefix);
	return store_list(l->store, prefix.s, prefix.len, NULL, 0, 0, select_one, &s, &revision,
			  err);
}

static int named_params(struct local *l, const struct policy_binding *b, const struct resource *r,
			const char *namespace, struct params *out, struct error **err)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	struct object *o CLEANUP(object_unref_cleanup) =
		local_read(l, r, r->namespaced ? namespace : "", b->param_name, &why);

	if (o)
		vec_push(out, object_tree(o));
	else if (error_code(why) != E_NOT_FOUND)
		return error_move(err, steal(&why));
	return 0;
}

/* After the store was read: a webhook may be what converts them. */
static int show_params(const struct admission *a, const struct resource *r,
		       const struct params *list, struct error **err)
{
	vec_each (list, p)
		if (convert_from_storage(&a->errand, r, *p, err) < 0)
			return -1;
	return 0;
}

/* Nothing in OUT, and no error: the binding is not to be asked. */
static int collect_params(struct admission *a, const struct policy *p,
			  const struct policy_binding *b, const struct resource *r,
			  struct params *out, struct error **err)
{
	const char *namespace =
		*b->param_namespace ? b->param_namespace : admission_request_namespace(a);
	int rc;

	if (!p->param_kind || !b->has_params) {
		vec_push(out, NULL);
		return 0;
	}
	if (r->namespaced && !*namespace)
		return error_set(err, E_INVALID,
				 "cannot use namespaced paramRef in policy binding that matches "
				 "cluster-scoped resources");
	if (!r->namespaced && *b->param_namespace)
		return error_set(err, E_INVALID,
				 "paramRef.namespace must not be provided for a cluster-scoped "
				 "`paramKind`");
	rc = b->selector ? select_params(a->local, b, r, namespace, out, err)
			 : named_params(a->local, b, r, namespace, out, err);
	if (rc == 0 && !out->n && b->deny_without)
		return error_set(err, E_INVALID,
				 "no params found for policy binding with `Deny` "
				 "parameterNotFoundAction");
	return rc < 0 ? -1 : show_params(a, r, out, err);
}

/* The visit. */

struct visiting {
	struct admission *a;
	policy_visitor *visit;
	void *arg;
	struct catalog *catalog;
};

static int visit_problem(const struct visiting *v, const struct policy *p,
			 const struct policy_binding *b, const struct error *why,
			 struct error **err)
{
	const struct policy_invocation i = {.policy = p, .binding = b};
	char *problem free_ptr = xasprintf("failed to configure %s: %s", b ? "binding" : "policy",
					   error_message(why));

	return p->ignore ? 0 : v->visit(v->arg, &i, problem, err);
}

static int visit_binding(const struct visiting *v, const struct policy *p,
			 const struct policy_binding *b, const struct resource *as,
			 const struct resource *param, struct error **err)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	struct params params CLEANUP(params_release) = {0};
	int matches = admission_matches(b->match, v->a, NULL, &why);

	if (!matches)
		return 0;
	if (matches < 0 || collect_params(v->a, p, b, param, &params, &why) < 0)
		return visit_problem(v, p, b, why, err);
	vec_each (&params, one) {
		const struct policy_invocation i = {p, b, as, *one};

		if (v->visit(v->arg, &i, NULL, err) < 0)
			return -1;
	}
	return 0;
}

static int visit_hook(const struct visiting *v, const struct policy_hook *h, struct error **err)
{
	const struct policy *p = h->policy;
	const struct resource *as CLEANUP(resource_unref_cleanup) = NULL;
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	int matches = admission_matches(p->match, v->a, &as, &why);
	const struct resource *param = NULL;

	if (!matches)
		return 0;
	if (matches > 0 && p->param_kind) {
		const char *slash = strchr(p->param_version, '/');

		param = param_type(p, v->catalog);
		if (!param)
			matches = error_set(&why, E_INVALID,
					    "failed to find resource referenced by paramKind: "
					    "'%s%s, Kind=%s'",
					    slash ? "" : "/", p->param_version, p->param_kind);
	}
	if (matches < 0)
		return visit_problem(v, p, NULL, why, err);
	for (size_t i = 0; i < h->n; i++)
		if (visit_binding(v, p, h->bindings[i], as, param, err) < 0)
			return -1;
	return 0;
}

int policy_visit(const struct policy_set *set, struct admission *a, policy_visitor *visit,
		 void *arg, struct error **err)
{
	struct catalog *catalog CLEANUP(catalog_unref_cleanup) =
		set->hooks.n ? cluster_catalog(&a->local->base, a->call, err) : NULL;
	const struct visiting v = {a, visit, arg, catalog};

	vec_each (&set->hooks, h)
		if (visit_hook(&v, h, err) < 0)
			return -1;
	return 0;
}
