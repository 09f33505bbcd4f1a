/*
 * Who may do what: the roles and bindings in the store, asked.
 *
 * They are kept parsed and indexed by subject, a scope for each namespace (and "" for the cluster's
 * own), made when somebody asks and dropped when a commit touches one of its objects. So a question
 * costs microseconds, and a change what its own namespace holds.
 *
 *	struct access_view view CLEANUP(access_view_release) = access_view(l, "shop");
 *	struct rbac_rules rules = {0};
 *	access_rules(&view, user, &rules, NULL);	// borrowed from the view
 *
 * Threads: any.
 */
#ifndef CLUSTER_LOCAL_ACCESS_H
#define CLUSTER_LOCAL_ACCESS_H

#include "cluster/local/private.h"
#include "kinds/rbac.h"

struct access_cache;
struct access_cache *access_cache_new(void);
struct access_cache *access_cache_free(struct access_cache *c);
/* A commit has written KEY. */
void access_forget(struct local *l, const char *key, size_t len);

/* cluster_authorize. */
bool access_allowed(struct local *l, const struct access *access, struct str *reason);

/* What holds in one namespace ("": cluster-wide only) at one moment. */
struct access_view {
	struct access_scope *cluster, *own; /* OWN NULL: no namespace, or nothing in it */
	const char *namespace;
};
struct access_view access_view(struct local *l, const char *namespace);
void access_view_release(struct access_view *view);
/*
 * Appends every rule that holds for USER. PROBLEMS (may be NULL) gets what is wrong with bindings
 * that mean the user.
 */
void access_rules(const struct access_view *view, const struct user *user, struct rbac_rules *out,
		  struct str *problems);
/* The rules of a role that a binding in the view's namespace may name; NULL and *err (E_NOT_FOUND)
 * when there is none. */
const struct rbac_rules *access_role(const struct access_view *view, const char *kind,
				     const char *name, struct error **err);

/* escalation.c: who may not do it himself gives nobody else the right to. OLD NULL: a creation. */
int access_check_grant(const struct write *w, const json_t *old, const json_t *tree,
		       struct error **err);

#endif
