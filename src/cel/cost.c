/*
 * What an expression may cost at the most, before it has seen a value: each node from the sizes of
 * what it is made of, which in the end come from the bounds of the variables' types.
 */
#include "cel/check.h"
#include "base/mem.h"
#include "cel/function.h"

/* By enum fold: the loops as cel-go writes them out, with their accumulator. */
const struct fold_cost fold_costs[] = {
	[FOLD_ALL] = {1, 3, 3},
	[FOLD_EXISTS] = {1, 4, 4},
	[FOLD_EXISTS_ONE] = {2, 1, 2},
	[FOLD_FILTER] = {COST_LIST_LITERAL + 1, 1, COST_LIST_LITERAL + 3},
	[FOLD_MAP] = {COST_LIST_LITERAL + 1, COST_LIST_LITERAL + 2, COST_LIST_LITERAL + 2},
	[FOLD_TRANSFORM_MAP] = {COST_MAP_LITERAL + 1, 3, 3},
	[FOLD_TRANSFORM_ENTRY] = {COST_MAP_LITERAL + 1, 3, 3},
};

static struct cel_range add(struct cel_range a, struct cel_range b)
{
	return (struct cel_range){cost_add(a.min, b.min), cost_add(a.max, b.max)};
}

static struct cel_range either(struct cel_range a, struct cel_range b)
{
	return (struct cel_range){MIN(a.min, b.min), MAX(a.max, b.max)};
}

static struct cel_range multiply(struct cel_range a, struct cel_range b)
{
	return (struct cel_range){cost_multiply(a.min, b.min), cost_multiply(a.max, b.max)};
}

static struct cel_range size_of_type(const struct cel_type *t)
{
	switch (t->kind) {
	case CEL_STRING:
	case CEL_BYTES:
	case CEL_LIST:
	case CEL_MAP:
	case CEL_DYN:
	case CEL_PARAM:
	case CEL_OPTIONAL:
		return (struct cel_range){0, t->max_size ? t->max_size : CEL_UNBOUNDED};
	default:
		return (struct cel_range){1, 1};
	}
}

static void estimate_call(struct node *n)
{
	struct cel_range size[FUNCTION_MAX_ARGS], own = {CEL_UNBOUNDED, 0};

	for (size_t i = 0; i < n->n; i++) {
		size[i] = n->arg[i]->size;
		n->cost = add(n->cost, n->arg[i]->cost);
	}
	n->size = size_of_type(n->type);
	for (size_t i = 0; i < n->n_overloads; i++) {
		const struct function_row *row = n->overloads[i]->row;

		own = either(own, function_cost(row->cost, size, n->n));
		if (n->n_overloads > 1)
			continue;
		if (row->size == SIZE_SAME)
			n->size = size[0];
		else if (row->size == SIZE_UP_TO)
			n->size = (struct cel_range){0, size[0].max};
		else if (row->size == SIZE_SUM)
			n->size = add(size[0], size[1]);
	}
	n->cost = add(n->cost, own);
}

static void estimate_fold(struct node *n)
{
	const struct fold_cost *f = &fold_costs[n->fold];
	struct cel_range turn = {f->turn_min, f->turn_max}, body = {0, 0};
	const struct node *range = n->arg[0];

	for (size_t i = 1; i < n->n; i++)
		body = add(body, n->arg[i]->cost);
	/* all and exists may end before their predicate was asked. */
	if (n->fold == FOLD_ALL || n->fold == FOLD_EXISTS)
		body.min = 0;
	n->cost = add(range->cost, (struct cel_range){f->once, f->once});
	n->cost = add(n->cost, multiply(range->size, add(turn, body)));
	n->size = n->fold >= FOLD_FILTER ? (struct cel_range){0, range->size.max}
					 : (struct cel_range){1, 1};
}

void cel_estimate(struct node *n)
{
	struct cel_range one = {1, 1};

	for (size_t i = 0; i < n->n; i++)
		cel_estimate(n->arg[i]);
	n->size = size_of_type(n->type);
	switch (n->op) {
	case NODE_LITERAL:
		n->size.min = n->size.max = cel_size(&n->literal);
		break;
	case NODE_IDENT:
		n->cost = one;
		break;
	case NODE_SELECT:
		n->cost = add(n->arg[0]->cost, one);
		break;
	case NODE_HAS:
		n->cost = n->arg[0]->cost;
		break;
	case NODE_CALL:
		estimate_call(n);
		break;
	case NODE_AND:
	case NODE_OR:
		for (size_t i = 0; i < n->n; i++)
			n->cost.max = cost_add(n->cost.max, n->arg[i]->cost.max);
		n->cost.min = n->arg[0]->cost.min;
		break;
	case NODE_COND:
		n->cost = add(n->arg[0]->cost, either(n->arg[1]->cost, n->arg[2]->cost));
		n->size = either(n->arg[1]->size, n->arg[2]->size);
		break;
	case NODE_STRUCT:
		n->cost.min = n->cost.max = COST_STRUCT_LITERAL;
		for (size_t i = 0; i < n->n; i++)
			n->cost = add(n->cost, n->arg[i]->cost);
		break;
	case NODE_LIST:
	case NODE_MAP:
		for (size_t i = 0; i < n->n; i++)
			n->cost = add(n->cost, n->arg[i]->cost);
		n->cost = add(n->cost,
			      n->op == NODE_MAP
				      ? (struct cel_range){COST_MAP_LITERAL, COST_MAP_LITERAL}
				      : (struct cel_range){COST_LIST_LITERAL, COST_LIST_LITERAL});
		n->size.min = n->size.max = n->op == NODE_MAP ? n->n / 2 : n->n;
		break;
	case NODE_FOLD:
		estimate_fold(n);
		break;
	case NODE_OPT_MAP:
		n->cost = add(n->arg[0]->cost, n->arg[1]->cost);
		break;
	}
}
