#include "cluster/local/admission_match.h"
#include "cluster/local/admission_request.h"

#include "base/arena.h"
#include "base/mem.h"
#include "kinds/field.h"
#include "object/json.h"
#include "object/selector.h"

#include <string.h>

enum scope { SCOPE_ANY, SCOPE_CLUSTER, SCOPE_NAMESPACED };

/* The lists end with NULL. */
struct rule {
	unsigned operations; /* enum admission_operation */
	enum scope scope;
	const char *const *groups, *const *versions, *const *resources;
	const char *const *names; /* NULL: any */
};

struct rules {
	struct rule *v;
	size_t n;
};

struct label_test {
	struct selector *selector; /* NULL: WHY */
	struct error *why;
};

struct admission_match {
	struct arena arena;
	struct rules rules, excluded;
	enum match_default none;
	bool equivalent;
	struct label_test namespaces, objects;
};

static const struct {
	const char *name;
	unsigned operations;
} operations[] = {
	{"*", ADMIT_CREATE | ADMIT_UPDATE | ADMIT_DELETE | ADMIT_CONNECT},
	{"CREATE", ADMIT_CREATE},
	{"UPDATE", ADMIT_UPDATE},
	{"DELETE", ADMIT_DELETE},
	{"CONNECT", ADMIT_CONNECT},
};

static const char *const *read_list(struct arena *arena, const json_t *list)
{
	const char **out = arena_new(arena, (json_array_size(list) + 1) * sizeof(*out));
	const json_t *item;
	size_t i;

	json_array_foreach ((json_t *)list, i, item) {
		const char *text = json_is_string(item) ? json_string_value(item) : "";

		out[i] = arena_copy(arena, text, strlen(text));
	}
	return out;
}

static unsigned read_operations(const json_t *list)
{
	unsigned out = 0;
	const json_t *item;
	size_t i;

	json_array_foreach ((json_t *)list, i, item)
		for (size_t k = 0; k < ARRAY_SIZE(operations); k++)
			if (str_equal(json_string_value(item), operations[k].name))
				out |= operations[k].operations;
	return out;
}

static enum scope read_scope(const char *text)
{
	if (strcmp(text, "Cluster") == 0)
		return SCOPE_CLUSTER;
	return strcmp(text, "Namespaced") == 0 ? SCOPE_NAMESPACED : SCOPE_ANY;
}

static void read_rules(struct arena *arena, const json_t *list, struct rules *out)
{
	const json_t *rule;
	size_t i;

	out->n = json_array_size(list);
	out->v = arena_new(arena, (out->n + 1) * sizeof(*out->v));
	json_array_foreach ((json_t *)list, i, rule) {
		const json_t *names = json_object_get(rule, "resourceNames");

		out->v[i] = (struct rule){
			.operations = read_operations(json_object_get(rule, "operations")),
			.scope = read_scope(json_path_string(rule, "scope")),
			.groups = read_list(arena, json_object_get(rule, "apiGroups")),
			.versions = read_list(arena, json_object_get(rule, "apiVersions")),
			.resources = read_list(arena, json_object_get(rule, "resources")),
			.names = json_array_size(names) ? read_list(arena, names) : NULL,
		};
	}
}

/* No selector selects all, as an empty one does: defaults make one of it. */
static void read_selector(const json_t *from, const char *key, struct label_test *out)
{
	json_t *all json_auto = json_object();
	const json_t *given = json_object_get(from, key);

	out->selector =
		selector_from_label_selector(json_is_object(given) ? given : all, &out->why);
}

struct admission_match *admission_match_new(const json_t *from, const char *rules,
					    enum match_default none)
{
	struct admission_match *m = xcalloc(1, sizeof(*m));

	m->none = from ? none : MATCH_EVERYTHING;
	m->equivalent = strcmp(json_path_string(from, "matchPolicy"), "Equivalent") == 0;
	read_rules(&m->arena, json_object_get(from, rules), &m->rules);
	read_rules(&m->arena, json_object_get(from, "excludeResourceRules"), &m->excluded);
	read_selector(from, "namespaceSelector", &m->namespaces);
	read_selector(from, "objectSelector", &m->objects);
	return m;
}

struct admission_match *admission_match_free(struct admission_match *m)
{
	if (!m)
		return NULL;
	selector_free(m->namespaces.selector);
	selector_free(m->objects.selector);
	error_free(m->namespaces.why);
	error_free(m->objects.why);
	arena_release(&m->arena);
	free(m);
	return NULL;
}

static bool lists(const char *const *list, const char *text)
{
	for (; *list; list++)
		if (strcmp(*list, "*") == 0 || strcmp(*list, text) == 0)
			return true;
	return false;
}

/* "pods", "pods/" "*", "*" "/scale": what is not said of subresources means the object itself. */
static bool names_resource(const char *pattern, const char *plural, const char *subresource)
{
	const char *slash = strchr(pattern, '/');
	size_t len = slash ? (size_t)(slash - pattern) : strlen(pattern);
	const char *sub = slash ? slash + 1 : "";
	bool any = len == 1 && *pattern == '*';

	if (!any && (strlen(plural) != len || memcmp(pattern, plural, len)))
		return false;
	return strcmp(sub, "*") == 0 || strcmp(sub, subresource) == 0;
}

static bool lists_resource(const char *const *list, const struct resource *r,
			   const char *subresource)
{
	for (; *list; list++)
		if (names_resource(*list, r->plural, subresource))
			return true;
	return false;
}

static bool rule_covers(const struct rule *rule, const struct admission *a,
			const struct resource *r)
{
	if (!(rule->operations & a->operation))
		return false;
	if (rule->scope != SCOPE_ANY && (rule->scope == SCOPE_NAMESPACED) != (*a->namespace != 0))
		return false;
	if (!lists(rule->groups, r->group) || !lists(rule->versions, r->version) ||
	    !lists_resource(rule->resources, r, a->subresource))
		return false;
	return !rule->names || lists(rule->names, admission_request_name(a));
}

/* The resource that one of RULES covers, borrowed, or NULL: first the one asked for. */
static const struct resource *covered(const struct admission_match *m, const struct rules *rules,
				      struct admission *a)
{
	for (size_t i = 0; i < rules->n; i++)
		if (rule_covers(&rules->v[i], a, a->resource))
			return a->resource;
	for (size_t i = 0; m->equivalent && i < rules->n; i++)
		for (const struct resource *const *r = admission_equivalents(a); *r; r++)
			if (*r != a->resource && rule_covers(&rules->v[i], a, *r))
				return *r;
	return NULL;
}

/* What is selected of a Namespace that is written is its own labels. */
static const json_t *namespace_labels(struct admission *a, struct error **err)
{
	bool itself = strcmp(a->target.s, "namespaces") == 0;
	const json_t *namespace;

	if (itself && a->object)
		return json_path(a->object, "metadata.labels");
	if (!*a->namespace)
		return json_path(a->old, "metadata.labels");
	namespace = admission_namespace(a, err);
	return namespace ? json_path(namespace, "metadata.labels") : NULL;
}

/* Whether it is selected; *why: that cannot be told. */
static bool selects_namespace(const struct admission_match *m, struct admission *a,
			      struct error **why)
{
	const struct label_test *t = &m->namespaces;
	bool is_namespace = !*a->resource->group && strcmp(a->resource->plural, "namespaces") == 0;
	const json_t *labels;

	if (!*a->namespace && !is_namespace)
		return true;
	if (t->why)
		*why = error_dup(t->why);
	else if (selector_empty(t->selector))
		return true;
	if (*why)
		return false;
	labels = namespace_labels(a, why);
	return !*why && selector_matches_tree(t->selector, labels);
}

static bool selects_object(const struct admission_match *m, const struct admission *a,
			   struct error **why)
{
	const struct label_test *t = &m->objects;

	if (t->why) {
		*why = error_dup(t->why);
		return false;
	}
	if (selector_empty(t->selector))
		return true;
	return (a->object &&
		selector_matches_tree(t->selector, json_path(a->object, "metadata.labels"))) ||
	       (a->old && selector_matches_tree(t->selector, json_path(a->old, "metadata.labels")));
}

int admission_matches(const struct admission_match *m, struct admission *a,
		      const struct resource **as, struct error **err)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	const struct resource *r = a->resource;

	/* What no rule covers is no matter, whatever goes wrong with the selectors. */
	if (m->rules.n || m->none == MATCH_NOTHING)
		r = covered(m, &m->rules, a);
	if (!r || (m->excluded.n && covered(m, &m->excluded, a)))
		return 0;
	if (!selects_namespace(m, a, &why) && !why)
		return 0;
	if (!selects_object(m, a, &why) && !why)
		return 0;
	if (why)
		return error_move(err, steal(&why));
	if (as)
		*as = resource_ref(r);
	return 1;
}

static bool is_one_of(const struct admission *a, const char *const *plurals)
{
	return strcmp(a->resource->group, "admissionregistration.k8s.io") == 0 &&
	       text_is_one_of(a->resource->plural, plurals);
}

bool admission_is_policy(const struct admission *a)
{
	static const char *const plurals[] = {
		"validatingadmissionpolicies", "validatingadmissionpolicybindings",
		"mutatingadmissionpolicies", "mutatingadmissionpolicybindings", NULL};

	return is_one_of(a, plurals);
}

bool admission_is_configuration(const struct admission *a)
{
	static const char *const plurals[] = {"validatingwebhookconfigurations",
					      "mutatingwebhookconfigurations", NULL};

	return admission_is_policy(a) || is_one_of(a, plurals);
}

bool admission_is_review(const struct admission *a)
{
	return strcmp(a->resource->group, "authentication.k8s.io") == 0 ||
	       strcmp(a->resource->group, "authorization.k8s.io") == 0;
}
