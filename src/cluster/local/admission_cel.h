/*
 * Expressions about a request, evaluated: matchConditions of webhooks and policies, and whatever
 * else policies say (kinds/expression.h tells what they may speak of).
 *
 *	struct admission_conditions *c = admission_conditions_new(conditions, NULL, NULL);
 *	struct admission_input in CLEANUP(admission_input_release);
 *
 *	if (admission_input_init(&in, a, as, &err) < 0)
 *		return -1;
 *	switch (admission_conditions_hold(c, &in, &err)) ...
 *
 * What is compiled is made once a version of its webhook or policy and shared; an input belongs to
 * one request.
 *
 * Threads: what is compiled is immutable; an input is its thread's.
 */
#ifndef CLUSTER_LOCAL_ADMISSION_CEL_H
#define CLUSTER_LOCAL_ADMISSION_CEL_H

#include "cluster/local/admission.h"
#include "kinds/expression.h"

/* What all conditions, and all validations or mutations, of one policy may cost. */
#define ADMISSION_CONDITIONS_BUDGET 2500000u
#define ADMISSION_POLICY_BUDGET CEL_OBJECT_BUDGET

struct admission_expression {
	char *name; /* of a variable or a condition; may be NULL */
	char *text;
	struct cel_program *program; /* NULL: */
	char *problem;		     /* why it is none */
};
struct admission_expressions {
	struct admission_expression *v;
	size_t n, cap;
};
/* TEXT as it is used for; what is no expression fails when it is evaluated. */
void admission_expression_init(struct admission_expression *e, const struct expression_scope *scope,
			       enum expression_use use, const char *name, const char *text);
void admission_expression_release(struct admission_expression *e);
void admission_expressions_release(struct admission_expressions *list);
/* The variables of a policy, in order: LIST of {name, expression}. */
void admission_expressions_define(struct admission_expressions *out, struct expression_scope *scope,
				  const json_t *list);

/* The values of an evaluation. */
struct admission_input {
	struct admission *admission;
	const struct resource *as; /* a ref */
	struct arena arena;
	json_t *object, *old, *request, *params, *namespace; /* NULL: null */
	struct cel_value values[EXPRESSION_VALUES];
	struct cel_authorizer authorizer;
	struct cel_lazy lazy;
	uint64_t budget;
	/* The variables of the policy at hand, each made when somebody looks at it, once between
	 * two admission_input_begin. */
	const struct admission_expressions *variables;
	struct cel_value *made;
	bool *is_made;
	uint64_t spent; /* by variables, since the last evaluation began */
	int depth;
};
/* A as the resource AS shows it. -1 and *err: it has no such form. */
int admission_input_init(struct admission_input *in, struct admission *a, const struct resource *as,
			 struct error **err);
void admission_input_release(struct admission_input *in);
/* The same for one that may be of A and AS already (AS NULL: of nothing yet), with PARAMS: NULL or
 * an object, a ref of which is kept. */
int admission_input_aim(struct admission_input *in, struct admission *a, const struct resource *as,
			json_t *params, struct error **err);
/* The object has changed. */
int admission_input_update(struct admission_input *in, struct error **err);
/*
 * Before some expressions that share BUDGET: those of a policy whose "variables" has type TYPE and
 * VARIABLES behind it (both NULL: none). NAMESPACE: they see the namespace of the request.
 */
int admission_input_begin(struct admission_input *in, uint64_t budget, const struct cel_type *type,
			  const struct admission_expressions *variables, bool namespace,
			  struct error **err);

/* 0 and *result, which lives as long as the input; -1 and *err: E_INVALID when it failed,
 * E_TOO_LARGE when the budget is spent, and nothing after it is to be evaluated. */
int admission_evaluate(const struct admission_expression *e, struct admission_input *in,
		       struct cel_value *result, struct error **err);

struct admission_conditions;
/* LIST: matchConditions. SCOPE and VARIABLES: those of their policy, which outlive them, or NULL.
 * NULL when there are none. */
struct admission_conditions *
admission_conditions_new(const json_t *list, const struct expression_scope *scope,
			 const struct admission_expressions *variables);
/* Takes NULL, returns NULL. */
struct admission_conditions *admission_conditions_free(struct admission_conditions *c);
/*
 * 1: all of them hold, or there are none (NULL). 0: one does not. -1 and *err: none is false and
 * one of them failed, which the failure policy is for.
 */
int admission_conditions_hold(const struct admission_conditions *c, struct admission_input *in,
			      struct error **err);

#endif
