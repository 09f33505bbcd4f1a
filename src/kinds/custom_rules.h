/*
 * x-kubernetes-validations of a custom resource: rules in CEL beside its schema.
 *
 *	struct custom_rules *r = custom_rules_new(schema);	// NULL: there are none
 *	custom_rules_check(r, &object, old);
 *
 * Bounds: what one rule and all rules of an object may cost (cel.h); what a definition's rules may
 * cost by estimate (RULE_COST_MAX each, RULES_COST_MAX together).
 *
 * Threads: rules are immutable once made.
 */
#ifndef KINDS_CUSTOM_RULES_H
#define KINDS_CUSTOM_RULES_H

#include "kinds/field.h"

#include <jansson.h>

#define RULE_COST_MAX 10000000u
#define RULES_COST_MAX 100000000u

struct custom_rules;
/* The rules of SCHEMA, which has to outlive them; NULL when it has none. One that is no expression
 * is left out. */
struct custom_rules *custom_rules_new(const json_t *schema);
struct custom_rules *custom_rules_free(struct custom_rules *r);
/* R may be NULL. OLD: the object before, or NULL. */
void custom_rules_check(const struct custom_rules *r, const struct field *object,
			const json_t *old);
/* Complains of each rule of the schema that is no expression, or costs too much. */
void custom_rules_validate(const struct field *schema);

#endif
