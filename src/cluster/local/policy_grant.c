/*
 * Whoever lets a policy read objects as its parameters has to be allowed to read them himself: what
 * a policy says of a request may tell what is in them.
 */
#include "cluster/local/access.h"
#include "cluster/local/admission.h"
#include "cluster/local/policies.h"

#include "base/mem.h"
#include "kinds/rules.h"
#include "object/json.h"

#include <string.h>

#define GROUP "admissionregistration.k8s.io"

static const struct grant {
	const char *plural;
	const char *policies; /* NULL: it is a policy itself */
	const char *member;   /* what of its spec leads to parameters */
} grants[] = {
	{"validatingadmissionpolicies", NULL, "paramKind"},
	{"mutatingadmissionpolicies", NULL, "paramKind"},
	{"validatingadmissionpolicybindings", "validatingadmissionpolicies", "paramRef"},
	{"mutatingadmissionpolicybindings", "mutatingadmissionpolicies", "paramRef"},
};

static const struct grant *find(const struct resource *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(grants) && strcmp(r->group, GROUP) == 0; i++)
		if (strcmp(r->plural, grants[i].plural) == 0)
			return &grants[i];
	return NULL;
}

/* Where nothing has changed nobody is asked. */
static bool same(const struct grant *g, const json_t *spec, const json_t *old)
{
	const json_t *before = json_object_get(old, "spec");

	return before && rule_same_member(spec, before, g->member) &&
	       rule_same_member(spec, before, "policyName");
}

/* The kind of the parameters of the policy that a binding names; borrowed of A, or NULL. */
static const json_t *kind_of(struct admission *a, const struct grant *g, const json_t *spec)
{
	if (!g->policies)
		return json_object_get(spec, "paramKind");
	return json_path(admission_get(a, GROUP, g->policies, "",
				       json_path_string(spec, "policyName"), NULL),
			 "spec.paramKind");
}

static bool may_read(const struct admission *a, const struct grant *g, const json_t *spec,
		     const json_t *kind, const char *verb)
{
	struct catalog *catalog CLEANUP(catalog_unref_cleanup) =
		cluster_catalog(&a->local->base, a->call, NULL);
	const char *version = json_path_string(kind, "apiVersion"), *slash = strchr(version, '/');
	char *group free_ptr = xstrndup(version, slash ? (size_t)(slash - version) : 0);
	const struct resource *r =
		catalog_find_kind(catalog, version, json_path_string(kind, "kind"));
	const struct access access = {
		.user = admission_user(a),
		.verb = verb,
		.group = kind ? group : "*",
		.version = slash ? slash + 1 : version,
		.resource = r ? r->plural : "*",
		.namespace = g->policies ? json_path_string(spec, "paramRef.namespace") : "",
		.name = g->policies ? json_path_string(spec, "paramRef.name") : "",
	};

	return access_allowed(a->local, &access, NULL);
}

void policies_check_grant(const struct write *w, const struct field *object, const json_t *old)
{
	const struct grant *g = find(w->storage);
	struct admission a CLEANUP(admission_release) = {
		.local = w->l, .call = w->call, .target = STR_INIT};
	const json_t *spec = json_object_get(object->value, "spec");
	const char *verb =
		*json_path_string(spec, "paramRef.name") || !g || !g->policies ? "get" : "list";
	const json_t *kind;
	char *why free_ptr = NULL;

	if (!g || w->subresource || !json_is_object(json_object_get(spec, g->member)) ||
	    same(g, spec, old) || rbac_user_in_group(admission_user(&a), "system:masters"))
		return;
	kind = kind_of(&a, g, spec);
	if (may_read(&a, g, spec, kind, verb))
		return;
	why = xasprintf("user %s must have \"%s\" permission on the parameters",
			admission_user(&a)->name, verb);
	field_forbidden(FIELD(FIELD(object, "spec"), g->member), why);
}
