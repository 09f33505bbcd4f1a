#include "cluster/local/admission/policy.h"

#include "base/map.h"
#include "base/vec.h"
#include "cluster/local/admission_request.h"
#include "cluster/local/policies.h"
#include "object/json.h"

#include <stdatomic.h>
#include <string.h>

#define GROUP "admissionregistration.k8s.io"

enum role { ROLE_POLICY, ROLE_BINDING, ROLES };

/* All of one type of policies, and what of them has changed since the set was made. */
struct family {
	const struct resource *types[ROLES];
	char keys[ROLES][TYPE_KEY_LEN];
	struct map *objects[ROLES]; /* name -> struct policy, struct policy_binding */
	bool loaded;
	struct map *changed[ROLES]; /* names; not in OBJECTS yet */
	struct policy_set *set;	    /* NULL: to be made */
};

/* What a commit touches has a lock of its own: the store is not read under it (store_done). */
struct policy_cache {
	pthread_mutex_t refreshing; /* guards the objects and LOADED; taken first */
	pthread_mutex_t lock;	    /* guards what has changed and the sets */
	struct family families[POLICY_TYPES];
};

static const char *const plurals[POLICY_TYPES][ROLES] = {
	[POLICY_VALIDATING] = {"validatingadmissionpolicies", "validatingadmissionpolicybindings"},
	[POLICY_MUTATING] = {"mutatingadmissionpolicies", "mutatingadmissionpolicybindings"},
};

/* Policies. */

static void rules_release(struct policy_rules *rules)
{
	vec_each (rules, r) {
		admission_expression_release(&r->expression);
		admission_expression_release(&r->computed);
		free(r->message);
		free(r->reason);
	}
	vec_release(rules);
}

static void policy_unref(struct policy *p)
{
	if (!p || atomic_fetch_sub(&p->refs, 1) != 1)
		return;
	rules_release(&p->validations);
	rules_release(&p->annotations);
	rules_release(&p->mutations);
	admission_conditions_free(p->conditions);
	admission_expressions_release(&p->variables);
	expression_scope_free(p->scope);
	admission_match_free(p->match);
	free(p->param_version);
	free(p->param_kind);
	free(p->name);
	free(p);
}

static struct policy_rule *add_rule(struct policy *p, struct policy_rules *rules,
				    enum expression_use use, const char *name, const char *text)
{
	struct policy_rule *r;

	vec_push(rules, (struct policy_rule){.use = use});
	r = &rules->v[rules->n - 1];
	admission_expression_init(&r->expression, p->scope, use, name, text);
	return r;
}

static void read_rules(struct policy *p, const json_t *spec)
{
	const json_t *rule;
	size_t i;

	json_array_foreach (json_object_get(spec, "validations"), i, rule) {
		const char *computed = json_path_string(rule, "messageExpression");
		struct policy_rule *r = add_rule(p, &p->validations, EXPRESSION_CONDITION, NULL,
						 json_path_string(rule, "expression"));

		r->message = xstrdup(json_path_string(rule, "message"));
		r->reason = xstrdup(json_path_string(rule, "reason"));
		if (*computed)
			admission_expression_init(&r->computed, p->scope, EXPRESSION_MESSAGE, NULL,
						  computed);
	}
	json_array_foreach (json_object_get(spec, "auditAnnotations"), i, rule)
		add_rule(p, &p->annotations, EXPRESSION_ANNOTATION, json_path_string(rule, "key"),
			 json_path_string(rule, "valueExpression"));
	json_array_foreach (json_object_get(spec, "mutations"), i, rule) {
		bool patch = strcmp(json_path_string(rule, "patchType"), "JSONPatch") == 0;

		add_rule(p, &p->mutations, patch ? EXPRESSION_PATCH : EXPRESSION_APPLY, NULL,
			 json_path_string(rule, patch ? "jsonPatch.expression"
						      : "applyConfiguration.expression"));
	}
}

static bool looks_at_namespace(const struct admission_expression *e)
{
	return e->program && cel_program_uses(e->program, "namespaceObject");
}

static bool rules_look_at_namespace(const struct policy_rules *rules)
{
	for (size_t i = 0; i < rules->n; i++)
		if (looks_at_namespace(&rules->v[i].expression) ||
		    looks_at_namespace(&rules->v[i].computed))
			return true;
	return false;
}

/* Reading it takes longer than most policies do. */
static bool sees_namespace(const struct policy *p)
{
	for (size_t i = 0; i < p->variables.n; i++)
		if (looks_at_namespace(&p->variables.v[i]))
			return true;
	return rules_look_at_namespace(&p->validations) ||
	       rules_look_at_namespace(&p->annotations) || rules_look_at_namespace(&p->mutations);
}

static void *policy_read(const json_t *tree)
{
	const json_t *spec = json_object_get(tree, "spec");
	const json_t *kind = json_object_get(spec, "paramKind");
	struct policy *p = xcalloc(1, sizeof(*p));

	atomic_init(&p->refs, 1);
	p->name = xstrdup(json_path_string(tree, "metadata.name"));
	p->ignore = strcmp(json_path_string(spec, "failurePolicy"), "Ignore") == 0;
	p->reinvocable = strcmp(json_path_string(spec, "reinvocationPolicy"), "IfNeeded") == 0;
	p->match = admission_match_new(json_object_get(spec, "matchConstraints"), "resourceRules",
				       MATCH_EVERYTHING);
	if (json_is_object(kind)) {
		p->param_version = xstrdup(json_path_string(kind, "apiVersion"));
		p->param_kind = xstrdup(json_path_string(kind, "kind"));
	}
	p->scope = expression_scope_new(p->param_kind != NULL, true);
	admission_expressions_define(&p->variables, p->scope, json_object_get(spec, "variables"));
	p->conditions = admission_conditions_new(json_object_get(spec, "matchConditions"), p->scope,
						 &p->variables);
	read_rules(p, spec);
	p->sees_namespace = sees_namespace(p);
	return p;
}

/* Bindings. */

static void binding_unref(struct policy_binding *b)
{
	if (!b || atomic_fetch_sub(&b->refs, 1) != 1)
		return;
	admission_match_free(b->match);
	selector_free(b->selector);
	json_decref(b->action_list);
	free(b->param_name);
	free(b->param_namespace);
	free(b->policy);
	free(b->name);
	free(b);
}

static unsigned read_actions(const json_t *list)
{
	static const struct {
		const char *name;
		enum policy_action action;
	} actions[] = {{"Deny", POLICY_DENY}, {"Warn", POLICY_WARN}, {"Audit", POLICY_AUDIT}};
	const json_t *item;
	unsigned out = 0;
	size_t i;

	json_array_foreach ((json_t *)list, i, item)
		for (size_t k = 0; k < ARRAY_SIZE(actions); k++)
			if (str_equal(json_string_value(item), actions[k].name))
				out |= actions[k].action;
	return out;
}

static void *binding_read(const json_t *tree)
{
	const json_t *spec = json_object_get(tree, "spec"),
		     *ref = json_object_get(spec, "paramRef");
	const json_t *selector = json_object_get(ref, "selector");
	struct policy_binding *b = xcalloc(1, sizeof(*b));

	atomic_init(&b->refs, 1);
	b->name = xstrdup(json_path_string(tree, "metadata.name"));
	b->policy = xstrdup(json_path_string(spec, "policyName"));
	b->match = admission_match_new(json_object_get(spec, "matchResources"), "resourceRules",
				       MATCH_EVERYTHING);
	b->has_params = json_is_object(ref);
	b->deny_without = strcmp(json_path_string(ref, "parameterNotFoundAction"), "Deny") == 0;
	b->param_name = xstrdup(json_path_string(ref, "name"));
	b->param_namespace = xstrdup(json_path_string(ref, "namespace"));
	if (json_is_object(selector))
		b->selector = selector_from_label_selector(selector, NULL);
	b->action_list = json_deep_copy(json_object_get(spec, "validationActions"));
	b->actions = read_actions(b->action_list);
	return b;
}

/* The sets. */

static void *(*const readers[ROLES])(const json_t *tree) = {policy_read, binding_read};

static void unref_object(enum role role, void *object)
{
	if (role == ROLE_POLICY)
		policy_unref(object);
	else
		binding_unref(object);
}

void policy_set_unref(struct policy_set *set)
{
	if (!set || atomic_fetch_sub(&set->refs, 1) != 1)
		return;
	vec_each (&set->hooks, h) {
		for (size_t i = 0; i < h->n; i++)
			binding_unref(h->bindings[i]);
		free(h->bindings);
		policy_unref(h->policy);
	}
	vec_release(&set->hooks);
	free(set);
}

struct policy_cache *policy_cache_new(void)
{
	struct catalog *all CLEANUP(catalog_unref_cleanup) = catalog_builtin();
	struct policy_cache *c = xcalloc(1, sizeof(*c));

	pthread_mutex_init(&c->refreshing, NULL);
	pthread_mutex_init(&c->lock, NULL);
	for (size_t i = 0; i < POLICY_TYPES; i++)
		for (size_t k = 0; k < ROLES; k++) {
			struct family *f = &c->families[i];

			f->types[k] = storage_of(catalog_find(all, GROUP, NULL, plurals[i][k]));
			type_key(f->types[k], f->keys[k]);
			f->objects[k] = map_new();
			f->changed[k] = map_new();
		}
	return c;
}

static void free_policy(void *p)
{
	policy_unref(p);
}

static void free_binding(void *b)
{
	binding_unref(b);
}

struct policy_cache *policy_cache_free(struct policy_cache *c)
{
	if (!c)
		return NULL;
	for (size_t i = 0; i < POLICY_TYPES; i++) {
		struct family *f = &c->families[i];

		policy_set_unref(f->set);
		map_free(f->objects[ROLE_POLICY], free_policy);
		map_free(f->objects[ROLE_BINDING], free_binding);
		map_free(f->changed[ROLE_POLICY], NULL);
		map_free(f->changed[ROLE_BINDING], NULL);
	}
	pthread_mutex_destroy(&c->refreshing);
	pthread_mutex_destroy(&c->lock);
	free(c);
	return NULL;
}

void policies_forget(struct local *l, const char *key, size_t len)
{
	struct policy_cache *c = l->policies;

	for (size_t i = 0; c && i < POLICY_TYPES; i++)
		for (size_t k = 0; k < ROLES; k++) {
			struct family *f = &c->families[i];
			const char *name;

			if (!key_has_type(key, len, f->keys[k]))
				continue;
			name = memrchr(key, '/', len);
			char *copy free_ptr = xstrndup(name + 1, len - (size_t)(name + 1 - key));

			pthread_mutex_lock(&c->lock);
			map_put(f->changed[k], copy, f);
			policy_set_unref(steal(&f->set));
			pthread_mutex_unlock(&c->lock);
		}
}

static void keep_object(struct family *f, enum role role, const json_t *tree)
{
	const char *name = json_path_string(tree, "metadata.name");

	unref_object(role, map_put(f->objects[role], name, readers[role](tree)));
}

struct loading {
	struct family *family;
	enum role role;
};

static bool load_one(void *arg, const void *key, size_t key_len, const char *value, size_t len,
		     uint64_t revision)
{
	struct loading *loading = arg;
	json_t *tree json_auto = json_read(value, len, NULL);

	if (tree)
		keep_object(loading->family, loading->role, tree);
	return true;
}

static int load(struct local *l, struct family *f, struct error **err)
{
	for (size_t k = 0; k < ROLES; k++) {
		struct str prefix CLEANUP(str_release) = STR_INIT;
		struct loading loading = {f, (enum role)k};
		uint64_t revision;

		object_key(f->types[k], NULL, NULL, &prefix);
		if (store_list(l->store, prefix.s, prefix.len, NULL, 0, 0, load_one, &loading,
			       &revision, err) < 0)
			return -1;
	}
	f->loaded = true;
	return 0;
}

/* What has CHANGED is read again; what is no more is forgotten. */
static int refresh(struct local *l, struct family *f, struct map *const changed[ROLES],
		   struct error **err)
{
	if (!f->loaded)
		return load(l, f, err);
	for (size_t k = 0; k < ROLES; k++)
		map_each (changed[k], e) {
			struct error *why CLEANUP(error_free_cleanup) = NULL;
			struct object *o CLEANUP(object_unref_cleanup) =
				local_read(l, f->types[k], "", e->key, &why);
			json_t *tree json_auto = o ? object_tree(o) : NULL;

			if (!o && error_code(why) != E_NOT_FOUND)
				return error_move(err, steal(&why));
			if (tree)
				keep_object(f, (enum role)k, tree);
			else
				unref_object((enum role)k, map_del(f->objects[k], e->key));
		}
	return 0;
}

static int by_policy(const void *a, const void *b)
{
	return strcmp(((const struct policy_hook *)a)->policy->name,
		      ((const struct policy_hook *)b)->policy->name);
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct policy_binding *const *)a)->name,
		      (*(struct policy_binding *const *)b)->name);
}

static void bind(struct policy_hook *h, struct policy_binding *b)
{
	if (h->n == h->cap) {
		h->cap = h->cap * 2 + 4;
		h->bindings = xreallocarray(h->bindings, h->cap, sizeof(*h->bindings));
	}
	atomic_fetch_add(&b->refs, 1);
	h->bindings[h->n++] = b;
}

static struct policy_set *set_new(const struct family *f)
{
	struct policy_set *set = xcalloc(1, sizeof(*set));
	struct map *places = map_new(); /* of a policy's hook, from 1 on */

	atomic_init(&set->refs, 1);
	map_each (f->objects[ROLE_BINDING], e) {
		struct policy_binding *b = e->value;
		struct policy *p = map_get(f->objects[ROLE_POLICY], b->policy);
		uintptr_t place = (uintptr_t)map_get(places, b->policy);

		if (!p)
			continue;
		if (!place) {
			atomic_fetch_add(&p->refs, 1);
			vec_push(&set->hooks, (struct policy_hook){.policy = p});
			place = set->hooks.n;
			map_put(places, b->policy, (void *)place);
		}
		bind(&set->hooks.v[place - 1], b);
	}
	map_free(places, NULL);
	vec_each (&set->hooks, h)
		qsort(h->bindings, h->n, sizeof(*h->bindings), by_name);
	if (set->hooks.n)
		qsort(set->hooks.v, set->hooks.n, sizeof(*set->hooks.v), by_policy);
	return set;
}

static struct policy_set *set_ref(struct policy_cache *c, struct family *f)
{
	struct policy_set *set;

	pthread_mutex_lock(&c->lock);
	set = f->set;
	if (set)
		atomic_fetch_add(&set->refs, 1);
	pthread_mutex_unlock(&c->lock);
	return set;
}

static void take_changed(struct policy_cache *c, struct family *f, struct map *changed[ROLES])
{
	pthread_mutex_lock(&c->lock);
	for (size_t k = 0; k < ROLES; k++) {
		changed[k] = f->changed[k];
		f->changed[k] = map_new();
	}
	pthread_mutex_unlock(&c->lock);
}

/* They have not been read. */
static void put_changed_back(struct policy_cache *c, struct family *f,
			     struct map *const changed[ROLES])
{
	pthread_mutex_lock(&c->lock);
	for (size_t k = 0; k < ROLES; k++)
		map_each (changed[k], e)
			map_put(f->changed[k], e->key, f);
	pthread_mutex_unlock(&c->lock);
}

/* It is kept, where there was none, unless something has changed since it was read. */
static void keep_set(struct policy_cache *c, struct family *f, struct policy_set *set)
{
	pthread_mutex_lock(&c->lock);
	if (!map_count(f->changed[ROLE_POLICY]) && !map_count(f->changed[ROLE_BINDING])) {
		atomic_fetch_add(&set->refs, 1);
		f->set = set;
	}
	pthread_mutex_unlock(&c->lock);
}

/* Under REFRESHING. */
static struct policy_set *set_anew(struct local *l, struct family *f, struct error **err)
{
	struct policy_cache *c = l->policies;
	struct policy_set *set = set_ref(c, f);
	struct map *changed[ROLES];

	if (set)
		return set;
	take_changed(c, f, changed);
	if (refresh(l, f, changed, err)) {
		put_changed_back(c, f, changed);
	} else {
		set = set_new(f);
		keep_set(c, f, set);
	}
	for (size_t k = 0; k < ROLES; k++)
		map_free(changed[k], NULL);
	return set;
}

struct policy_set *policy_set(struct local *l, enum policy_type type, struct error **err)
{
	struct policy_cache *c = l->policies;
	struct family *f = &c->families[type];
	struct policy_set *set = set_ref(c, f);

	if (set)
		return set;
	pthread_mutex_lock(&c->refreshing);
	set = set_anew(l, f, err);
	pthread_mutex_unlock(&c->refreshing);
	return set;
}
