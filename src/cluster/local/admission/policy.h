/*
 * Admission policies as they are asked: compiled once a version, with what binds them.
 *
 * The set of all policies of a type is kept with the cluster and made anew when one of them, or one
 * of their bindings, has changed: by the next request, which compiles what changed and nothing
 * else. A request without policies costs a look at a pointer.
 *
 *	struct policy_set *set = policy_set(a->local, POLICY_VALIDATING, &err);
 *	rc = policy_visit(set, a, visit, arg, &err);
 *	policy_set_unref(set);
 *
 * Threads: any; a set and what it holds are immutable and counted.
 */
#ifndef CLUSTER_LOCAL_ADMISSION_POLICY_H
#define CLUSTER_LOCAL_ADMISSION_POLICY_H

#include "cluster/local/admission_cel.h"
#include "cluster/local/admission_match.h"

enum policy_type { POLICY_VALIDATING, POLICY_MUTATING, POLICY_TYPES };

/* A validation, an audit annotation or a mutation. */
struct policy_rule {
	struct admission_expression expression;
	struct admission_expression computed; /* messageExpression; text NULL: none */
	char *message, *reason;		      /* of a validation, "" for none */
	enum expression_use use;
};
struct policy_rules {
	struct policy_rule *v;
	size_t n, cap;
};

struct policy {
	_Atomic unsigned refs;
	char *name;
	bool ignore;	  /* failurePolicy: what fails does not count */
	bool reinvocable; /* reinvocationPolicy: IfNeeded */
	struct admission_match *match;
	char *param_version, *param_kind; /* NULL: no parameters */
	bool sees_namespace;		  /* namespaceObject */
	struct expression_scope *scope;
	struct admission_expressions variables;
	struct admission_conditions *conditions; /* NULL: none */
	struct policy_rules validations, annotations, mutations;
};

enum policy_action { POLICY_DENY = 1, POLICY_WARN = 2, POLICY_AUDIT = 4 };

struct policy_binding {
	_Atomic unsigned refs;
	char *name, *policy;
	struct admission_match *match;
	bool has_params, deny_without;
	char *param_name, *param_namespace; /* "": none */
	struct selector *selector;	    /* of parameters; NULL: by name */
	unsigned actions;		    /* enum policy_action */
	json_t *action_list;
};

struct policy_hook {
	struct policy *policy;
	struct policy_binding **bindings; /* in order of their names */
	size_t n, cap;
};

struct policy_set {
	_Atomic unsigned refs;
	struct {
		struct policy_hook *v;
		size_t n, cap;
	} hooks; /* policies that are bound, in order of their names */
};
struct policy_set *policy_set(struct local *l, enum policy_type type, struct error **err);
void policy_set_unref(struct policy_set *set);
DEFINE_CLEANUP(struct policy_set *, policy_set_unref)

/* A policy that is to be asked, for one binding and one of its parameters. */
struct policy_invocation {
	const struct policy *policy;
	const struct policy_binding *binding; /* NULL: the policy itself is at fault */
	const struct resource *as;
	json_t *params; /* NULL: none */
};
/*
 * Calls VISIT for everything that A is to be asked, in order of names. PROBLEM: instead of asking,
 * it is to be taken for failed ("failed to configure binding: ..."); policies to whom a failure
 * does not count are left out. -1 ends the visit.
 */
typedef int policy_visitor(void *arg, const struct policy_invocation *i, const char *problem,
			   struct error **err);
int policy_visit(const struct policy_set *set, struct admission *a, policy_visitor *visit,
		 void *arg, struct error **err);
/* Whether policies see the request at all. What the cluster itself makes at its start they do not.
 */
bool policy_applies(const struct admission *a);

#endif
