#include "cel/check.h"
#include "base/vec.h"
#include "cel/convert.h"
#include "cel/function.h"
#include "object/pattern.h"

#include <string.h>

struct cel_program {
	struct arena arena;
	struct node *tree;
	struct checker checker;
};

/* One evaluation. The slots hold the variables, then those of the loops that run. */
struct run {
	struct arena *arena;
	struct cel_value *slots;
	uint64_t cost, limit;
	size_t before; /* what the arena held at the start */
};

static struct cel_value eval(struct run *r, const struct node *n);

static const struct cel_value exhausted = {
	.kind = CEL_ERROR,
	.text = {"operation cancelled: actual cost limit exceeded", 47},
};

/* Counts COST; false when the budget is spent, or the memory, which nothing absorbs. */
static bool charge(struct run *r, uint64_t cost)
{
	if (r->arena->total - r->before > CEL_MAX_MEMORY)
		cost = CEL_UNBOUNDED;
	r->cost = cost_add(r->cost, cost);
	return r->cost <= r->limit;
}

static bool spent(const struct run *r)
{
	return r->cost > r->limit;
}

static struct cel_value no_such_key(struct run *r, const char *name)
{
	return cel_fail(r->arena, "no such key: %s", name);
}

/* The field NAME of OF; FOUND tells whether it is there, where that is a question. */
static struct cel_value get_field(struct run *r, const struct cel_value *of, const char *name,
				  bool *found)
{
	struct cel_value v;

	*found = false;
	if (of->kind == CEL_ERROR)
		return *of;
	/* What has no fields, null as well, has none of this name. */
	if (of->kind == CEL_MAP || of->kind == CEL_OBJECT)
		*found = cel_map_field(r->arena, of->map, name, &v);
	return *found ? v : no_such_key(r, name);
}

static struct cel_value eval_select(struct run *r, const struct node *n)
{
	struct cel_value of = eval(r, n->arg[0]), v;
	bool found;

	if (!charge(r, n->op == NODE_HAS ? 0 : 1))
		return exhausted;
	if (of.kind == CEL_OPTIONAL) {
		if (!of.optional)
			return n->op == NODE_HAS ? cel_bool(false) : of;
		of = *of.optional;
	}
	v = get_field(r, &of, n->name, &found);
	if (of.kind == CEL_ERROR)
		return of;
	if (n->op == NODE_HAS)
		return cel_bool(found);
	if (!n->optional)
		return v;
	if (!found)
		return cel_none();
	return cel_optional(r->arena, v);
}

static bool overload_fits(const struct function *f, const struct cel_value *arg)
{
	for (size_t i = 0; i < f->n; i++)
		if (!cel_fits(f->arg[i], &arg[i]))
			return false;
	return true;
}

/* An element of what has none is one that is not there. */
static struct cel_value no_overload(struct run *r, const struct node *n,
				    const struct cel_value *arg)
{
	struct cel_value key;

	if (strcmp(n->name, "_[_]") || arg[0].kind == CEL_LIST || arg[0].kind == CEL_MAP ||
	    arg[0].kind == CEL_OBJECT || arg[0].kind == CEL_OPTIONAL)
		return cel_no_overload();
	key = cel_write_text(r->arena, &arg[1]);
	return key.kind == CEL_STRING
		       ? cel_fail(r->arena, "no such key: %.*s",
				  (int)MIN(key.text.len, (size_t)CEL_FAIL_TEXT), key.text.p)
		       : cel_no_overload();
}

static struct cel_value eval_call(struct run *r, const struct node *n)
{
	struct cel_value arg[FUNCTION_MAX_ARGS];
	struct call c = {.arena = r->arena, .pattern = n->prepared};
	const struct function *f = NULL;

	for (size_t i = 0; i < n->n; i++) {
		arg[i] = eval(r, n->arg[i]);
		if (arg[i].kind == CEL_ERROR)
			return arg[i];
	}
	for (size_t i = 0; !f && i < n->n_overloads; i++)
		if (overload_fits(n->overloads[i], arg))
			f = n->overloads[i];
	if (!f)
		return no_overload(r, n, arg);
	if (f->row->cost == COST_ONE) {
		charge(r, 1);
	} else {
		struct cel_range size[FUNCTION_MAX_ARGS];

		for (size_t i = 0; i < n->n; i++)
			size[i].min = size[i].max = cel_size(&arg[i]);
		charge(r, function_cost(f->row->cost, size, n->n).max);
		/* Comparing goes into what is nested, which sizes do not tell. */
		if (f->row->cost == COST_LESSER)
			charge(r, MIN(cel_weight(&arg[0]), cel_weight(&arg[1])) / CEL_WEIGHT_FREE);
	}
	/* Before the work, so that nothing is done that was not paid for. */
	if (spent(r))
		return exhausted;
	return f->row->body(&c, arg);
}

/* && and ||: the operand that decides counts, even where another one failed. */
static struct cel_value eval_logical(struct run *r, const struct node *n)
{
	bool decides = n->op == NODE_OR;
	struct cel_value failure = {.kind = CEL_NULL};

	for (size_t i = 0; i < n->n; i++) {
		struct cel_value v = eval(r, n->arg[i]);

		if (spent(r))
			return exhausted;
		if (v.kind == CEL_BOOL && v.boolean == decides)
			return v;
		if (v.kind != CEL_BOOL && failure.kind == CEL_NULL)
			failure = v.kind == CEL_ERROR ? v : cel_no_overload();
	}
	return failure.kind == CEL_NULL ? cel_bool(!decides) : failure;
}

static struct cel_value eval_conditional(struct run *r, const struct node *n)
{
	struct cel_value condition = eval(r, n->arg[0]);

	if (condition.kind == CEL_ERROR)
		return condition;
	if (condition.kind != CEL_BOOL)
		return cel_no_overload();
	return eval(r, n->arg[condition.boolean ? 1 : 2]);
}

/* Element I of a literal; false when it is optional and not there. */
static bool element_value(struct run *r, const struct node *n, size_t i, bool optional,
			  struct cel_value *v)
{
	*v = eval(r, n->arg[i]);
	if (!optional || v->kind == CEL_ERROR)
		return true;
	if (v->kind != CEL_OPTIONAL) {
		*v = cel_no_overload();
		return true;
	}
	if (v->optional)
		*v = *v->optional;
	else
		return false;
	return true;
}

static struct cel_value eval_list(struct run *r, const struct node *n)
{
	struct cel_value *v = arena_new(r->arena, (n->n + 1) * sizeof(*v));
	size_t count = 0;

	for (size_t i = 0; i < n->n; i++) {
		if (!element_value(r, n, i, n->optional_arg && n->optional_arg[i], &v[count]))
			continue;
		if (v[count].kind == CEL_ERROR)
			return v[count];
		count++;
	}
	return charge(r, COST_LIST_LITERAL) ? cel_list_new(r->arena, v, count, NULL) : exhausted;
}

static struct cel_value eval_map(struct run *r, const struct node *n)
{
	struct cel_entry *v = arena_new(r->arena, (n->n / 2 + 1) * sizeof(*v));
	size_t count = 0;

	for (size_t i = 0; i < n->n; i += 2) {
		struct cel_entry *e = &v[count];
		bool optional = n->optional_arg && n->optional_arg[i / 2];

		e->key = eval(r, n->arg[i]);
		if (e->key.kind == CEL_ERROR)
			return e->key;
		if (!element_value(r, n, i + 1, optional, &e->value))
			continue;
		if (e->value.kind == CEL_ERROR)
			return e->value;
		count++;
	}
	return charge(r, COST_MAP_LITERAL) ? cel_map_new(r->arena, v, count) : exhausted;
}

/* Values of fields whose types nobody knew before. */
static struct cel_value check_field(struct run *r, const struct node *n, size_t i,
				    struct cel_value v)
{
	const struct cel_type *t = n->type;

	for (size_t k = 0; k < t->n_fields; k++)
		if (!strcmp(t->fields[k].name, n->field[i]) && !cel_fits(t->fields[k].type, &v))
			return cel_fail(r->arena, "unexpected type %s for %s '%s' field",
					cel_kind_name(v.kind), t->name, n->field[i]);
	return v;
}

static struct cel_value eval_struct(struct run *r, const struct node *n)
{
	struct cel_entry *v = arena_new(r->arena, (n->n + 1) * sizeof(*v));
	size_t count = 0;

	for (size_t i = 0; i < n->n; i++) {
		struct cel_entry *e = &v[count];

		if (!element_value(r, n, i, n->optional_arg && n->optional_arg[i], &e->value))
			continue;
		if (e->value.kind != CEL_ERROR)
			e->value = check_field(r, n, i, e->value);
		if (e->value.kind == CEL_ERROR)
			return e->value;
		e->key = cel_string(n->field[i], strlen(n->field[i]));
		count++;
	}
	return charge(r, COST_STRUCT_LITERAL) ? cel_object_new(r->arena, n->type, v, count)
					      : exhausted;
}

/* What a loop has gathered. */
struct gathered {
	bool decided;
	size_t matches;
	struct cel_value failure; /* CEL_NULL: none */
	struct {
		struct cel_value *v;
		size_t n, cap;
	} list;
	struct {
		struct cel_entry *v;
		size_t n, cap;
	} map;
};

/* all and exists: as && and || over the elements. True: no more need be asked. */
static bool decide(struct gathered *g, bool decides, struct cel_value v)
{
	if (v.kind == CEL_BOOL) {
		g->decided = v.boolean == decides;
		return g->decided;
	}
	if (g->failure.kind == CEL_NULL)
		g->failure = v.kind == CEL_ERROR ? v : cel_no_overload();
	return false;
}

/* True: the loop ends, with g->failure. */
static bool stop(struct gathered *g, struct cel_value why)
{
	g->failure = why.kind == CEL_ERROR ? why : cel_no_overload();
	return true;
}

static bool gather_entries(struct run *r, struct gathered *g, const struct cel_value *v)
{
	const struct cel_entry *entries;
	size_t n;

	if (v->kind != CEL_MAP)
		return stop(g, *v);
	entries = cel_map_entries(r->arena, v->map, &n);
	for (size_t i = 0; i < n; i++)
		vec_push(&g->map, entries[i]);
	return false;
}

/* One turn with the variables in their slots; KEY is the first of them. True: the loop ends. */
static bool turn(struct run *r, const struct node *n, struct gathered *g)
{
	const struct cel_value *vars = &r->slots[n->slot];
	struct cel_value v = eval(r, n->arg[1]);

	if (!charge(r, fold_costs[n->fold].turn_min) || spent(r))
		return stop(g, exhausted);
	if (n->fold == FOLD_ALL || n->fold == FOLD_EXISTS)
		return decide(g, n->fold == FOLD_EXISTS, v);
	if (v.kind == CEL_ERROR)
		return stop(g, v);
	if (n->fold <= FOLD_FILTER || n->n == 3) {
		if (v.kind != CEL_BOOL)
			return stop(g, v);
		if (!v.boolean)
			return false;
		if (!charge(r, fold_costs[n->fold].turn_max - fold_costs[n->fold].turn_min))
			return stop(g, exhausted);
		g->matches++;
		if (n->fold == FOLD_FILTER)
			vec_push(&g->list, vars[0]);
		if (n->fold <= FOLD_FILTER)
			return false;
		v = eval(r, n->arg[2]);
		if (v.kind == CEL_ERROR)
			return stop(g, v);
	}
	if (n->fold == FOLD_MAP)
		vec_push(&g->list, v);
	else if (n->fold == FOLD_TRANSFORM_MAP)
		vec_push(&g->map, (struct cel_entry){vars[0], v});
	else
		return gather_entries(r, g, &v);
	return false;
}

static void run_loop(struct run *r, const struct node *n, const struct cel_value *range,
		     struct gathered *g)
{
	struct cel_value *vars = &r->slots[n->slot];
	bool two = n->var[1] != NULL;

	if (range->kind == CEL_LIST) {
		for (size_t i = 0; i < range->list->n; i++) {
			struct cel_value element = cel_list_at(r->arena, range->list, i);

			vars[0] = two ? cel_int((int64_t)i) : element;
			vars[1] = element;
			if (turn(r, n, g))
				return;
		}
	} else {
		size_t count;
		const struct cel_entry *v = cel_map_entries(r->arena, range->map, &count);

		for (size_t i = 0; i < count; i++) {
			vars[0] = v[i].key;
			vars[1] = v[i].value;
			if (turn(r, n, g))
				return;
		}
	}
}

static struct cel_value loop_value(struct run *r, const struct node *n, struct gathered *g)
{
	size_t n_list = g->list.n, n_map = g->map.n;

	if (g->decided)
		return cel_bool(n->fold == FOLD_EXISTS);
	if (g->failure.kind == CEL_ERROR)
		return g->failure;
	switch (n->fold) {
	case FOLD_ALL:
	case FOLD_EXISTS:
		return cel_bool(n->fold == FOLD_ALL);
	case FOLD_EXISTS_ONE:
		return cel_bool(g->matches == 1);
	case FOLD_FILTER:
	case FOLD_MAP:
		return cel_list_new(r->arena,
				    (struct cel_value *)arena_copy(r->arena, (char *)g->list.v,
								   n_list * sizeof(*g->list.v)),
				    n_list, NULL);
	default:
		return cel_map_new(r->arena,
				   (struct cel_entry *)arena_copy(r->arena, (char *)g->map.v,
								  n_map * sizeof(*g->map.v)),
				   n_map);
	}
}

static struct cel_value eval_fold(struct run *r, const struct node *n)
{
	struct gathered g = {.failure = {.kind = CEL_NULL}, .list = VEC_INIT, .map = VEC_INIT};
	struct cel_value range = eval(r, n->arg[0]), out;

	if (range.kind == CEL_ERROR)
		return range;
	if (range.kind != CEL_LIST && range.kind != CEL_MAP && range.kind != CEL_OBJECT)
		return cel_no_overload();
	if (!charge(r, fold_costs[n->fold].once))
		return exhausted;
	run_loop(r, n, &range, &g);
	out = spent(r) ? exhausted : loop_value(r, n, &g);
	vec_release(&g.list);
	vec_release(&g.map);
	return out;
}

static struct cel_value eval_opt_map(struct run *r, const struct node *n)
{
	struct cel_value of = eval(r, n->arg[0]), v;

	if (of.kind == CEL_ERROR)
		return of;
	if (of.kind != CEL_OPTIONAL)
		return cel_no_overload();
	if (!of.optional)
		return of;
	r->slots[n->slot] = *of.optional;
	v = eval(r, n->arg[1]);
	if (v.kind == CEL_ERROR)
		return v;
	if (n->method)
		return cel_optional(r->arena, v);
	return v.kind == CEL_OPTIONAL ? v : cel_no_overload();
}

static struct cel_value eval(struct run *r, const struct node *n)
{
	if (spent(r))
		return exhausted;
	switch (n->op) {
	case NODE_LITERAL:
		return n->literal;
	case NODE_IDENT:
		return charge(r, 1) ? r->slots[n->slot] : exhausted;
	case NODE_SELECT:
	case NODE_HAS:
		return eval_select(r, n);
	case NODE_CALL:
		return eval_call(r, n);
	case NODE_AND:
	case NODE_OR:
		return eval_logical(r, n);
	case NODE_COND:
		return eval_conditional(r, n);
	case NODE_LIST:
		return eval_list(r, n);
	case NODE_MAP:
		return eval_map(r, n);
	case NODE_STRUCT:
		return eval_struct(r, n);
	case NODE_FOLD:
		return eval_fold(r, n);
	case NODE_OPT_MAP:
		return eval_opt_map(r, n);
	}
	return cel_no_overload();
}

struct cel_program *cel_compile(const struct cel_variable *vars, size_t n_vars, const char *text,
				struct error **err)
{
	return cel_compile_with(vars, n_vars, 0, text, err);
}

struct cel_program *cel_compile_with(const struct cel_variable *vars, size_t n_vars,
				     unsigned features, const char *text, struct error **err)
{
	struct cel_program *p = xcalloc(1, sizeof(*p));

	p->checker = (struct checker){
		.arena = &p->arena,
		.text = arena_copy(&p->arena, text, strlen(text)),
		.vars = vars,
		.n_vars = n_vars,
		.features = features,
		.used = arena_new(&p->arena, n_vars + 1),
	};
	p->tree = cel_parse(&p->arena, p->checker.text, err);
	if (!p->tree || cel_check(&p->checker, p->tree, err) < 0)
		return cel_program_free(p);
	cel_estimate(p->tree);
	return p;
}

struct cel_program *cel_program_free(struct cel_program *p)
{
	if (!p)
		return NULL;
	vec_each (&p->checker.patterns, pattern)
		pattern_free(*pattern);
	vec_release(&p->checker.patterns);
	arena_release(&p->arena);
	free(p);
	return NULL;
}

const struct cel_type *cel_program_type(const struct cel_program *p)
{
	return p->tree->type;
}

struct cel_range cel_program_cost(const struct cel_program *p)
{
	return p->tree->cost;
}

bool cel_program_uses(const struct cel_program *p, const char *variable)
{
	for (size_t i = 0; i < p->checker.n_vars; i++)
		if (!strcmp(p->checker.vars[i].name, variable))
			return p->checker.used[i];
	return false;
}

int cel_program_depth(const struct cel_program *p)
{
	return p->tree->depth;
}

int cel_eval(const struct cel_program *p, const struct cel_value *values, uint64_t *budget,
	     struct arena *a, struct cel_value *result, struct error **err)
{
	struct run r = {.arena = a, .limit = *budget, .before = a->total};
	struct cel_value v;

	r.slots = arena_new(a, (p->checker.n_slots + 1) * sizeof(*r.slots));
	memcpy(r.slots, values, p->checker.n_vars * sizeof(*values));
	v = eval(&r, p->tree);
	*budget -= MIN(*budget, r.cost);
	if (spent(&r))
		return error_set(err, E_TOO_LARGE, "%s", exhausted.text.p);
	if (v.kind == CEL_ERROR)
		return error_set(err, E_INVALID, "%.*s", (int)v.text.len, v.text.p);
	*result = v;
	return 0;
}
