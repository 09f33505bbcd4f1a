/*
 * Acting as somebody else. What is asked for must be allowed piece by piece: the name, each group,
 * the uid, each extra value. There are several ways to be allowed it, tried in order: by the narrow
 * verbs "impersonate:MODE", which say what kind of user may be acted as and for which verbs
 * ("impersonate-on:MODE:VERB"), and by the old verb "impersonate", which says neither. A refusal
 * tells of the first way that could have been.
 */
#include "serve/access.h"

#include "base/mem.h"
#include "kinds/names.h"
#include "kinds/rbac.h"
#include "serve/server.h"

#include <string.h>

#define AUTHENTICATION "authentication.k8s.io"
#define ACCOUNT_PREFIX "system:serviceaccount:"
#define NODE_PREFIX "system:node:"
#define NODE_NAME_KEY "authentication.kubernetes.io/node-name"

/* NAMESPACE is cut out of USER, and NAME points into it; false: no service account's name. */
static bool split_account(const char *user, char **namespace, const char **name)
{
	const char *colon;

	if (!str_has_prefix(user, ACCOUNT_PREFIX))
		return false;
	user += strlen(ACCOUNT_PREFIX);
	colon = strchr(user, ':');
	if (!colon || colon == user || !colon[1] || strchr(colon + 1, ':'))
		return false;
	*namespace = xstrndup(user, (size_t)(colon - user));
	*name = colon + 1;
	return !name_problem(name_dns_label, *namespace) &&
	       !name_problem(name_dns_subdomain, *name);
}

static bool is_account(const char *user)
{
	char *namespace free_ptr = NULL;
	const char *name;

	return split_account(user, &namespace, &name);
}

static const char *node_of(const char *user)
{
	const char *name = str_has_prefix(user, NODE_PREFIX) ? user + strlen(NODE_PREFIX) : NULL;

	return name && !name_problem(name_dns_subdomain, name) ? name : NULL;
}

static bool only_named(const struct user *u)
{
	return !*u->uid && !*u->groups && !u->extra->key;
}

static const char *only_value(const struct user *u, const char *key)
{
	for (const struct user_extra *e = u->extra; e && e->key; e++)
		if (strcmp(e->key, key) == 0 && e->values[0] && !e->values[1])
			return e->values[0];
	return "";
}

static bool own_node(const struct user *asker, const struct user *wanted)
{
	const char *node = node_of(wanted->name);

	return only_named(wanted) && node && is_account(asker->name) &&
	       strcmp(only_value(asker, NODE_NAME_KEY), node) == 0;
}

static bool any_node(const struct user *asker, const struct user *wanted)
{
	return only_named(wanted) && node_of(wanted->name);
}

static bool account(const struct user *asker, const struct user *wanted)
{
	return only_named(wanted) && is_account(wanted->name);
}

static bool plain_user(const struct user *asker, const struct user *wanted)
{
	return !node_of(wanted->name) && !is_account(wanted->name);
}

/* The last one, without a name, is the old verb. */
static const struct mode {
	const char *name;
	bool (*fits)(const struct user *asker, const struct user *wanted);
	bool any_name; /* asked for all names at once, not for the one */
} modes[] = {
	{"associated-node", own_node, true},
	{"arbitrary-node", any_node, false},
	{"serviceaccount", account, false},
	{"user-info", plain_user, false},
	{NULL, NULL, false},
};

/* One check of a piece. */
struct asking {
	struct server *server;
	const struct mode *mode;
	struct access access; /* with user, verb */
};

static int ask(struct asking *q, const char *resource, const char *namespace, const char *name,
	       const char *subresource, struct error **err)
{
	bool old = !q->mode->name && strcmp(resource, "uids") != 0 &&
		   strcmp(resource, "userextras") != 0;

	q->access.group = old ? "" : AUTHENTICATION;
	q->access.version = "v1";
	q->access.resource = resource;
	q->access.namespace = namespace;
	q->access.name = name;
	q->access.subresource = subresource;
	return access_ask(q->server, &q->access, err);
}

static int ask_name(struct asking *q, const struct user *wanted, struct error **err)
{
	char *namespace free_ptr = NULL;
	const char *name, *node = q->mode->name ? node_of(wanted->name) : NULL;

	if (node)
		return ask(q, "nodes", "", q->mode->any_name ? "*" : node, "", err);
	if (split_account(wanted->name, &namespace, &name))
		return ask(q, "serviceaccounts", namespace, name, "", err);
	return ask(q, "users", "", wanted->name, "", err);
}

static int refuse(struct asking *q, const char *resource, const char *name, const char *why,
		  struct error **err)
{
	q->access.group = AUTHENTICATION;
	q->access.resource = resource;
	q->access.namespace = q->access.subresource = "";
	q->access.name = name;
	return access_forbidden(&q->access, why, err);
}

static int ask_groups(struct asking *q, const struct user *wanted, struct error **err)
{
	for (const char *const *g = wanted->groups; q->mode->name && *g; g++) {
		if (!**g)
			return refuse(q, "groups", "",
				      "impersonating the empty string group is not allowed", err);
		if (strcmp(*g, "system:masters") == 0)
			return refuse(q, "groups", *g,
				      "impersonating the system:masters group is not allowed", err);
	}
	for (const char *const *g = wanted->groups; *g; g++)
		if (ask(q, "groups", "", *g, "", err) < 0)
			return -1;
	return 0;
}

static int ask_extra(struct asking *q, const struct user *wanted, struct error **err)
{
	for (const struct user_extra *e = wanted->extra; e->key; e++)
		for (const char *const *v = e->values; *v; v++) {
			if (q->mode->name && (!*e->key || !**v))
				return refuse(q, "userextras", "",
					      "impersonating the empty string key or value in "
					      "extra is not allowed",
					      err);
			if (ask(q, "userextras", "", *v, e->key, err) < 0)
				return -1;
		}
	return 0;
}

static int try_mode(struct server *s, const struct mode *mode, const struct access *a,
		    const struct user *wanted, struct error **err)
{
	char *on free_ptr =
		mode->name ? xasprintf("impersonate-on:%s:%s", mode->name, a->verb) : NULL;
	char *verb free_ptr =
		mode->name ? xasprintf("impersonate:%s", mode->name) : xstrdup("impersonate");
	struct asking q = {s, mode, {.user = a->user, .verb = verb}};
	struct access first = *a;

	first.verb = on;
	if (mode->name && access_ask(s, &first, err) < 0)
		return -1;
	if (ask_name(&q, wanted, err) < 0)
		return -1;
	if (*wanted->uid && ask(&q, "uids", "", wanted->uid, "", err) < 0)
		return -1;
	return ask_groups(&q, wanted, err) < 0 ? -1 : ask_extra(&q, wanted, err);
}

/* The groups that go with a name when none are asked for. */
static void add_fixed_groups(struct identity *id, const struct mode *mode,
			     const struct user *wanted)
{
	char *namespace free_ptr = NULL, *of_namespace free_ptr = NULL;
	const char *name;

	if (*wanted->groups)
		return;
	if (mode->name && node_of(wanted->name))
		identity_add_group(id, "system:nodes", SIZE_MAX);
	if (!split_account(wanted->name, &namespace, &name))
		return;
	of_namespace = xasprintf("system:serviceaccounts:%s", namespace);
	identity_add_group(id, "system:serviceaccounts", SIZE_MAX);
	identity_add_group(id, of_namespace, SIZE_MAX);
}

static struct identity *become(const struct mode *mode, const struct user *wanted)
{
	struct identity *id = identity_new(wanted->name, wanted->uid);

	for (const char *const *g = wanted->groups; *g; g++)
		identity_add_group(id, *g, SIZE_MAX);
	add_fixed_groups(id, mode, wanted);
	for (const struct user_extra *e = wanted->extra; e->key; e++)
		for (const char *const *v = e->values; *v; v++)
			identity_add_extra(id, e->key, *v);
	if (strcmp(wanted->name, "system:anonymous") == 0)
		identity_add_group(id, "system:unauthenticated", SIZE_MAX);
	else if (!rbac_user_in_group(&id->user, "system:unauthenticated"))
		identity_authenticated(id);
	return id;
}

struct identity *impersonate(struct server *s, const struct access *a, const struct user *wanted,
			     struct error **err)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if ((!modes[i].fits || modes[i].fits(a->user, wanted)) &&
		    try_mode(s, &modes[i], a, wanted, &why) == 0)
			return become(&modes[i], wanted);
	error_move(err, steal(&why));
	return NULL;
}
