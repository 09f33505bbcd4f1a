/*
 * Expressions in CEL about requests to a cluster: the conditions of webhooks, and all that
 * admission policies say. What each of them may speak of, and what it has to result in.
 *
 *	struct expression_scope *s = expression_scope_new(true, true);
 *	struct cel_program *p;
 *
 *	expression_define(s, "limit", "int(params.data.limit)", &err);
 *	p = expression_compile(s, EXPRESSION_CONDITION, "object.spec.replicas <= variables.limit",
 *			       &err);
 *
 * They are compiled when they are written, to be refused, and once more by who evaluates them
 * (cluster/local/admission_cel.h).
 *
 * Threads: a scope belongs to one thread until all of its expressions are compiled.
 */
#ifndef KINDS_EXPRESSION_H
#define KINDS_EXPRESSION_H

#include "cel/cel.h"
#include "object/schema.h"

#include <stdbool.h>

/* The variables, in the order in which cel_eval takes their values. */
enum expression_variable {
	EXPRESSION_OBJECT,
	EXPRESSION_OLD_OBJECT,
	EXPRESSION_REQUEST,
	EXPRESSION_NAMESPACE,
	EXPRESSION_PARAMS,
	EXPRESSION_AUTHORIZER,
	EXPRESSION_REQUEST_RESOURCE,
	EXPRESSION_VARIABLES, /* what the policy defines itself */
	EXPRESSION_VALUES
};

enum expression_use {
	EXPRESSION_CONDITION,  /* bool */
	EXPRESSION_MESSAGE,    /* string; it may not ask the authorizer */
	EXPRESSION_ANNOTATION, /* string or null */
	EXPRESSION_DEFINITION, /* anything */
	EXPRESSION_APPLY,      /* Object */
	EXPRESSION_PATCH,      /* list(JSONPatch) */
};

struct expression_scope;
/* PARAMS: there is a variable params. VARIABLES: and one variables, to be defined. */
struct expression_scope *expression_scope_new(bool params, bool variables);
/* Takes NULL, returns NULL. Programs and values of it have to be gone. */
struct expression_scope *expression_scope_free(struct expression_scope *s);
DEFINE_CLEANUP(struct expression_scope *, expression_scope_free)
/* From now on object and oldObject are of the type OBJECT, and params of PARAMS; NULL: of any. */
void expression_scope_type(struct expression_scope *s, const struct schema_type *object,
			   const struct schema_type *params);
/* The type of "variables": its fields are those defined so far, in their order. */
const struct cel_type *expression_variables(const struct expression_scope *s);

/* NULL and *err (E_INVALID), as an API server tells: "compilation failed: ...", "must evaluate to
 * bool but got string". The scope has to outlive the program. */
struct cel_program *expression_compile(const struct expression_scope *s, enum expression_use use,
				       const char *text, struct error **err);
/* The same for variables.NAME, which expressions compiled after it may use even where it failed:
 * then nothing is known of its type. The program, the caller's. */
struct cel_program *expression_define(struct expression_scope *s, const char *name,
				      const char *text, struct error **err);

#endif
