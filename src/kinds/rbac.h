/*
 * Role based access control: what the rules of roles allow, and whom bindings mean.
 *
 * Rules are read once from a role's JSON and are immutable from then on; their memory is an
 * arena's, which outlives them.
 *
 *	struct arena a CLEANUP(arena_release) = ARENA_INIT;
 *	struct rbac_rules rules = {0};
 *	rbac_read_rules(json_object_get(role, "rules"), &a, &rules);
 *	for (size_t i = 0; i < rules.n; i++)
 *		if (rbac_rule_allows(&rules.v[i], &access)) ...
 *	rbac_rules_release(&rules);
 *
 * Threads: pure functions.
 */
#ifndef KINDS_RBAC_H
#define KINDS_RBAC_H

#include "base/arena.h"
#include "base/str.h"
#include "kinds/access.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct rbac_words {
	const char *const *v;
	size_t n;
};

/* rbac.authorization.k8s.io/v1 PolicyRule. */
struct rbac_rule {
	struct rbac_words verbs, groups, resources, names, urls;
};
struct rbac_rules {
	struct rbac_rule *v;
	size_t n, cap;
};
/* Appends the rules of the array JSON (NULL: none). What is no rule is left out. */
void rbac_read_rules(const json_t *json, struct arena *arena, struct rbac_rules *out);
void rbac_rules_release(struct rbac_rules *rules);
/* The rule as JSON, in the fields' order; a new value. */
json_t *rbac_rule_json(const struct rbac_rule *rule);

bool rbac_rule_allows(const struct rbac_rule *rule, const struct access *access);

/*
 * Appends to MISSING what WANTED allows and OWNED does not, taken apart into single verbs of
 * single resources and put together again by resource. MISSING borrows from ARENA and WANTED.
 */
void rbac_missing(const struct rbac_rules *owned, const struct rbac_rules *wanted,
		  struct arena *arena, struct rbac_rules *missing);
/* {APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]} a line each, sorted. */
void rbac_describe(const struct rbac_rules *rules, struct str *out);

/* rbac.authorization.k8s.io/v1 Subject. */
struct rbac_subject {
	const char *kind, *name, *namespace;
};
/* Whether SUBJECT of a binding in NAMESPACE ("": of the cluster) means USER. */
bool rbac_subject_is(const struct rbac_subject *subject, const char *namespace,
		     const struct user *user);
/*
 * The one name under which SUBJECT is looked up: "u:jane", "g:admins"; NULL for what can be
 * nobody. Of ARENA.
 */
const char *rbac_subject_key(const struct rbac_subject *subject, const char *namespace,
			     struct arena *arena);
/* Group "jane", ServiceAccount "robot/shop", as the reasons of decisions name it. */
void rbac_subject_describe(const struct rbac_subject *subject, const char *namespace,
			   struct str *out);

bool rbac_user_in_group(const struct user *user, const char *group);

#endif
