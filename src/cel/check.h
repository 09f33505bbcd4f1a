/* Types, overloads and estimated costs: what happens to a tree before it is ever evaluated. */
#ifndef CEL_CHECK_H
#define CEL_CHECK_H

#include "cel/syntax.h"

struct checker {
	struct arena *arena;
	const char *text;
	const struct cel_variable *vars;
	size_t n_vars;
	unsigned features; /* enum cel_features */
	bool *used;	   /* one a variable */
	size_t n_slots;	   /* the most places that variables need, those of loops among them */
	struct patterns {  /* the regular expressions that the tree refers to */
		struct pattern **v;
		size_t n, cap;
	} patterns;
};

/* 0, or -1 and *err (E_INVALID). */
int cel_check(struct checker *c, struct node *tree, struct error **err);
/* Fills in cost and size of every node of a checked tree. */
void cel_estimate(struct node *tree);
/* What a loop costs beside its parts: once, and for each turn. */
struct fold_cost {
	uint64_t once, turn_min, turn_max;
};
extern const struct fold_cost fold_costs[];
#define COST_LIST_LITERAL 10
#define COST_MAP_LITERAL 30
#define COST_STRUCT_LITERAL 40

#endif
