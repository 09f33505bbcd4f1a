/*
 * The rules of a custom resource as custom_rules.c builds them and custom_rules_check.c walks them:
 * a tree of the shape of its schema.
 *
 * Ownership: everything lies in the arena of the rules, but the schema.
 */
#ifndef KINDS_CUSTOM_RULES_TREE_H
#define KINDS_CUSTOM_RULES_TREE_H

#include "base/arena.h"
#include "cel/cel.h"

#include <jansson.h>

struct rule {
	const json_t *source;
	struct cel_program *program, *message;
	bool transition; /* looks at oldSelf */
	bool optional;	 /* evaluated without an old value too */
};

struct node;
struct member {
	const char *key;
	struct node *node;
};

/* One level of a schema. */
struct node {
	const json_t *schema;
	const struct cel_type *type; /* NULL: nothing that expressions could speak of */
	uint64_t min_size;	     /* bytes of the shortest JSON of it */
	struct rule *rules;
	size_t n_rules;
	struct member *members;
	size_t n_members;
	struct node *elem; /* of an array or a map */
	bool rules_below;  /* here or further down */
};

struct custom_rules {
	struct arena arena;
	struct node *root;
};

#endif
