#include "cluster/local/access.h"

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "cluster/lifecycle.h"
#include "object/json.h"

#include <stdatomic.h>
#include <string.h>

#define RBAC "rbac.authorization.k8s.io"

struct role {
	struct rbac_rules rules;
};

struct binding {
	const char *name, *ref_kind, *ref_name;
	struct rbac_subject *subjects;
	size_t n_subjects;
};

/* The bindings that name one subject, in the order of their names. */
struct grants {
	const struct binding **v;
	size_t n, cap;
};

/* Immutable once made. */
struct access_scope {
	_Atomic unsigned refs;
	char *namespace;
	struct arena arena;
	struct map *roles;    /* name -> struct role */
	struct map *subjects; /* rbac_subject_key -> struct grants */
};

enum { CLUSTER_ROLES, CLUSTER_BINDINGS, ROLES, BINDINGS, TYPES };

struct access_cache {
	const struct resource *types[TYPES];
	char keys[TYPES][TYPE_KEY_LEN];
	pthread_mutex_t lock; /* guards what follows */
	struct map *scopes;   /* namespace -> struct access_scope */
	uint64_t changes;
};

struct access_cache *access_cache_new(void)
{
	static const char *const plurals[TYPES] = {"clusterroles", "clusterrolebindings", "roles",
						   "rolebindings"};
	struct catalog *all CLEANUP(catalog_unref_cleanup) = catalog_builtin();
	struct access_cache *c = xcalloc(1, sizeof(*c));

	for (size_t i = 0; i < TYPES; i++) {
		c->types[i] = catalog_find(all, RBAC, "v1", plurals[i]);
		type_key(c->types[i], c->keys[i]);
	}
	pthread_mutex_init(&c->lock, NULL);
	c->scopes = map_new();
	return c;
}

static void free_role(void *p)
{
	struct role *role = p;

	rbac_rules_release(&role->rules);
	free(role);
}

static void free_grants(void *p)
{
	struct grants *g = p;

	vec_release(g);
	free(g);
}

static void scope_unref(struct access_scope *s)
{
	if (!s || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	map_free(s->roles, free_role);
	map_free(s->subjects, free_grants);
	arena_release(&s->arena);
	free(s->namespace);
	free(s);
}

static void unref_scope(void *p)
{
	scope_unref(p);
}

static struct access_scope *scope_ref(struct access_scope *s)
{
	if (s)
		atomic_fetch_add(&s->refs, 1);
	return s;
}

struct access_cache *access_cache_free(struct access_cache *c)
{
	if (!c)
		return NULL;
	map_free(c->scopes, unref_scope);
	pthread_mutex_destroy(&c->lock);
	free(c);
	return NULL;
}

void access_forget(struct local *l, const char *key, size_t len)
{
	struct access_cache *c = l->access;
	bool ours = false;
	const char *slash;

	for (size_t i = 0; i < TYPES; i++)
		ours = ours || key_has_type(key, len, c->keys[i]);
	slash = ours ? memchr(key + TYPE_KEY_LEN, '/', len - TYPE_KEY_LEN) : NULL;
	if (!slash)
		return;
	char *namespace free_ptr =
		xstrndup(key + TYPE_KEY_LEN, (size_t)(slash - key) - TYPE_KEY_LEN);

	pthread_mutex_lock(&c->lock);
	c->changes++;
	scope_unref(map_del(c->scopes, namespace));
	pthread_mutex_unlock(&c->lock);
}

static const char *keep(struct access_scope *s, const json_t *tree, const char *path)
{
	const char *text = json_path_string(tree, path);

	return arena_copy(&s->arena, text, strlen(text));
}

static void add_role(struct access_scope *s, const json_t *tree)
{
	struct role *role = xcalloc(1, sizeof(*role));

	rbac_read_rules(json_object_get(tree, "rules"), &s->arena, &role->rules);
	map_put(s->roles, json_path_string(tree, "metadata.name"), role);
}

static void add_grant(struct access_scope *s, const char *key, const struct binding *b)
{
	struct grants *g = map_get(s->subjects, key);

	if (!g) {
		g = xcalloc(1, sizeof(*g));
		map_put(s->subjects, key, g);
	}
	/* A subject that is named twice counts once. */
	if (!g->n || g->v[g->n - 1] != b)
		vec_push(g, b);
}

static void add_binding(struct access_scope *s, const json_t *tree)
{
	const json_t *list = json_object_get(tree, "subjects"), *entry;
	struct binding *b = arena_new(&s->arena, sizeof(*b));
	size_t i;

	b->name = keep(s, tree, "metadata.name");
	b->ref_kind = keep(s, tree, "roleRef.kind");
	b->ref_name = keep(s, tree, "roleRef.name");
	if (json_array_size(list))
		b->subjects = arena_new(&s->arena, json_array_size(list) * sizeof(*b->subjects));
	json_array_foreach ((json_t *)list, i, entry) {
		struct rbac_subject *subject = &b->subjects[b->n_subjects++];
		const char *key;

		subject->kind = keep(s, entry, "kind");
		subject->name = keep(s, entry, "name");
		subject->namespace = keep(s, entry, "namespace");
		key = rbac_subject_key(subject, s->namespace, &s->arena);
		if (key)
			add_grant(s, key, b);
	}
}

struct reading {
	struct access_scope *scope;
	void (*add)(struct access_scope *s, const json_t *tree);
};

static bool read_one(void *arg, const void *key, size_t key_len, const char *value, size_t len,
		     uint64_t revision)
{
	struct reading *r = arg;
	json_t *tree json_auto = json_read(value, len, NULL);

	if (tree)
		r->add(r->scope, tree);
	return true;
}

static int read_type(struct local *l, struct access_scope *s, size_t type,
		     void (*add)(struct access_scope *, const json_t *), struct error **err)
{
	struct str prefix CLEANUP(str_release) = STR_INIT;
	struct reading r = {s, add};
	uint64_t revision;

	object_key(l->access->types[type], *s->namespace ? s->namespace : NULL, NULL, &prefix);
	return store_list(l->store, prefix.s, prefix.len, NULL, 0, 0, read_one, &r, &revision, err);
}

static struct access_scope *scope_read(struct local *l, const char *namespace)
{
	struct access_scope *s = xcalloc(1, sizeof(*s));
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	bool own = *namespace;

	atomic_init(&s->refs, 1);
	s->namespace = xstrdup(namespace);
	s->roles = map_new();
	s->subjects = map_new();
	/* What cannot be read allows nothing. */
	if (read_type(l, s, own ? ROLES : CLUSTER_ROLES, add_role, &err) < 0 ||
	    read_type(l, s, own ? BINDINGS : CLUSTER_BINDINGS, add_binding, &err) < 0)
		log_error("roles cannot be read: %s", error_message(err));
	return s;
}

/* A ref; NULL for a namespace without roles and bindings: there may be any number of those. */
static struct access_scope *scope_of(struct local *l, const char *namespace)
{
	struct access_cache *c = l->access;
	struct access_scope *s;
	uint64_t before;

	pthread_mutex_lock(&c->lock);
	s = scope_ref(map_get(c->scopes, namespace));
	before = c->changes;
	pthread_mutex_unlock(&c->lock);
	if (s)
		return s;
	s = scope_read(l, namespace);
	if (!map_count(s->roles) && !map_count(s->subjects)) {
		scope_unref(s);
		return NULL;
	}
	pthread_mutex_lock(&c->lock);
	if (c->changes == before && !map_get(c->scopes, namespace))
		map_put(c->scopes, namespace, scope_ref(s));
	pthread_mutex_unlock(&c->lock);
	return s;
}

struct access_view access_view(struct local *l, const char *namespace)
{
	namespace = namespace ? namespace : "";
	return (struct access_view){
		.cluster = scope_of(l, ""),
		.own = *namespace ? scope_of(l, namespace) : NULL,
		.namespace = namespace,
	};
}

void access_view_release(struct access_view *view)
{
	scope_unref(view->cluster);
	scope_unref(view->own);
}

const struct rbac_rules *access_role(const struct access_view *view, const char *kind,
				     const char *name, struct error **err)
{
	bool cluster = strcmp(kind, "ClusterRole") == 0;
	const struct access_scope *s = cluster ? view->cluster : view->own;
	const struct role *role = s ? map_get(s->roles, name) : NULL;
	struct error *e;

	if (role)
		return &role->rules;
	e = error_new(E_NOT_FOUND, "%s." RBAC " \"%s\" not found", cluster ? "clusterrole" : "role",
		      name);
	error_set_details(e, RBAC, cluster ? "clusterrole" : "role", name);
	error_move(err, e);
	return NULL;
}

/* Called for each binding that means a user; false stops. */
typedef bool grant_visit(void *arg, const struct access_scope *scope, const struct binding *b);

static bool visit_key(const struct access_scope *s, const char *key, grant_visit *visit, void *arg)
{
	const struct grants *g = map_get(s->subjects, key);

	for (size_t i = 0; g && i < g->n; i++)
		if (!visit(arg, s, g->v[i]))
			return false;
	return true;
}

static bool visit_scope(const struct access_scope *s, const struct user *user, grant_visit *visit,
			void *arg)
{
	char *key free_ptr = xasprintf("u:%s", user->name);

	if (!visit_key(s, key, visit, arg))
		return false;
	for (const char *const *g = user->groups; g && *g; g++) {
		free(key);
		key = xasprintf("g:%s", *g);
		if (!visit_key(s, key, visit, arg))
			return false;
	}
	return true;
}

static void visit_grants(const struct access_view *view, const struct user *user,
			 grant_visit *visit, void *arg)
{
	if (view->cluster && !visit_scope(view->cluster, user, visit, arg))
		return;
	if (view->own)
		visit_scope(view->own, user, visit, arg);
}

static const struct rbac_subject *first_subject(const struct access_scope *s,
						const struct binding *b, const struct user *user)
{
	for (size_t i = 0; i < b->n_subjects; i++)
		if (rbac_subject_is(&b->subjects[i], s->namespace, user))
			return &b->subjects[i];
	return NULL;
}

struct question {
	const struct access_view *view;
	const struct access *access;
	struct str *reason, *problems;
	bool allowed;
};

static void add_problem(struct str *problems, const char *text)
{
	if (problems)
		str_addf(problems, "%s%s", problems->len ? ", " : "", text);
}

static void give_reason(const struct question *q, const struct access_scope *s,
			const struct binding *b)
{
	const struct rbac_subject *subject = first_subject(s, b, q->access->user);
	struct str name CLEANUP(str_release) = STR_INIT;

	str_adds(&name, b->name);
	if (*s->namespace)
		str_addf(&name, "/%s", s->namespace);
	str_addf(q->reason, "RBAC: allowed by %s ",
		 *s->namespace ? "RoleBinding" : "ClusterRoleBinding");
	str_add_quoted(q->reason, name.s);
	str_addf(q->reason, " of %s ", b->ref_kind);
	str_add_quoted(q->reason, b->ref_name);
	str_adds(q->reason, " to ");
	if (subject)
		rbac_subject_describe(subject, s->namespace, q->reason);
}

static bool ask_binding(void *arg, const struct access_scope *s, const struct binding *b)
{
	struct question *q = arg;
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	const struct rbac_rules *rules = access_role(q->view, b->ref_kind, b->ref_name, &err);

	if (!rules)
		add_problem(q->problems, error_message(err));
	for (size_t i = 0; rules && i < rules->n; i++) {
		if (!rbac_rule_allows(&rules->v[i], q->access))
			continue;
		q->allowed = true;
		if (q->reason)
			give_reason(q, s, b);
		return false;
	}
	return true;
}

bool access_allowed(struct local *l, const struct access *access, struct str *reason)
{
	struct str problems CLEANUP(str_release) = STR_INIT;

	if (rbac_user_in_group(access->user, "system:masters"))
		return true;
	struct access_view view CLEANUP(access_view_release) =
		access_view(l, access->resource ? access->namespace : NULL);
	struct question q = {
		.view = &view, .access = access, .reason = reason, .problems = &problems};

	visit_grants(&view, access->user, ask_binding, &q);
	if (!q.allowed && reason && problems.len)
		str_addf(reason, strchr(problems.s, ',') ? "RBAC: [%s]" : "RBAC: %s", problems.s);
	return q.allowed;
}

struct collecting {
	const struct access_view *view;
	const struct user *user;
	struct rbac_rules *out;
	struct str *problems;
	struct map *seen; /* "namespace/name" of bindings that mean the user more than once */
};

static bool collect_binding(void *arg, const struct access_scope *s, const struct binding *b)
{
	struct collecting *c = arg;
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	char *key free_ptr = xasprintf("%s/%s", s->namespace, b->name);
	const struct rbac_rules *rules;

	if (map_put(c->seen, key, c))
		return true;
	rules = access_role(c->view, b->ref_kind, b->ref_name, &err);
	if (!rules)
		add_problem(c->problems, error_message(err));
	for (size_t i = 0; rules && i < rules->n; i++)
		vec_push(c->out, rules->v[i]);
	return true;
}

void access_rules(const struct access_view *view, const struct user *user, struct rbac_rules *out,
		  struct str *problems)
{
	struct collecting c = {view, user, out, problems, map_new()};

	visit_grants(view, user, collect_binding, &c);
	map_free(c.seen, NULL);
}
