/* Lists: adding, searching, ordering, cutting; sets.contains() and its kin. */
#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"
#include "cel/function.h"

#include <string.h>

/* Of lists.range() and of what flatten() makes. */
#define MAX_ELEMENTS 100000

/* The elements of L, in the arena. */
static struct cel_value *elements(struct call *c, const struct cel_list *l)
{
	struct cel_value *v = arena_new(c->arena, (l->n + 1) * sizeof(*v));

	for (size_t i = 0; i < l->n; i++)
		v[i] = cel_list_at(c->arena, l, i);
	return v;
}

/* The first element of V that equals X (KEYS NULL), or agrees with it in KEYS; N when none does. */
static size_t find(struct call *c, const struct cel_value *v, size_t n, const struct cel_value *x,
		   const char *const *keys)
{
	for (size_t i = 0; i < n; i++) {
		bool same = keys ? v[i].kind == x->kind : cel_equal(c->arena, &v[i], x);

		for (size_t k = 0; same && keys && keys[k]; k++) {
			struct cel_value p, q;
			bool in_p = cel_map_field(c->arena, v[i].map, keys[k], &p);
			bool in_q = cel_map_field(c->arena, x->map, keys[k], &q);

			same = in_p == in_q && (!in_p || cel_equal(c->arena, &p, &q));
		}
		if (same)
			return i;
	}
	return n;
}

static bool are_maps(const struct cel_value *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].kind != CEL_MAP && v[i].kind != CEL_OBJECT)
			return false;
	return true;
}

/*
 * Lists of a schema add up by their list type: a set takes what it does not have, a map list
 * replaces the element with the same keys, all others are put behind each other.
 */
static struct cel_value concat(struct call *c, const struct cel_value *arg)
{
	const struct cel_list *x = arg[0].list, *y = arg[1].list;
	const struct cel_type *type = x->type;
	struct cel_value *v = arena_new(c->arena, (x->n + y->n + 1) * sizeof(*v));
	struct cel_value *added = elements(c, y);
	const char *const *keys = NULL;
	size_t n = x->n;

	for (size_t i = 0; i < n; i++)
		v[i] = cel_list_at(c->arena, x, i);
	if (type && type->list_type == CEL_LIST_MAP && are_maps(v, n) && are_maps(added, y->n))
		keys = type->list_keys;
	for (size_t i = 0; i < y->n; i++) {
		size_t at = n;

		if (keys || (type && type->list_type == CEL_LIST_SET))
			at = find(c, v, n, &added[i], keys);
		v[at] = added[i];
		n += at == n;
	}
	return cel_list_new(c->arena, v, n, type);
}

static struct cel_value index_of(struct call *c, const struct cel_value *arg)
{
	const struct cel_list *l = arg[0].list;
	size_t i = find(c, elements(c, l), l->n, &arg[1], NULL);

	return cel_int(i == l->n ? -1 : (int64_t)i);
}

static struct cel_value last_index_of(struct call *c, const struct cel_value *arg)
{
	const struct cel_value *v = elements(c, arg[0].list);

	for (size_t i = arg[0].list->n; i-- > 0;)
		if (cel_equal(c->arena, &v[i], &arg[1]))
			return cel_int((int64_t)i);
	return cel_int(-1);
}

static struct cel_value is_sorted(struct call *c, const struct cel_value *arg)
{
	const struct cel_value *v = elements(c, arg[0].list);

	for (size_t i = 1; i < arg[0].list->n; i++) {
		int order = cel_compare(&v[i - 1], &v[i]);

		if (order == -2)
			return cel_no_overload();
		if (order > 0)
			return cel_bool(false);
	}
	return cel_bool(true);
}

/* The least (SIGN 1) or the greatest (-1). */
static struct cel_value extreme(struct call *c, const struct cel_list *l, int sign)
{
	const struct cel_value *v = elements(c, l), *best = v;

	if (!l->n)
		return cel_fail(c->arena, "%s called on empty list", sign > 0 ? "min" : "max");
	for (size_t i = 1; i < l->n; i++) {
		int order = cel_compare(&v[i], best);

		if (order == -2)
			return cel_no_overload();
		if (order * sign < 0)
			best = &v[i];
	}
	return *best;
}

static struct cel_value least(struct call *c, const struct cel_value *arg)
{
	return extreme(c, arg[0].list, 1);
}

static struct cel_value greatest(struct call *c, const struct cel_value *arg)
{
	return extreme(c, arg[0].list, -1);
}

static bool add_up(struct cel_value *total, const struct cel_value *v)
{
	if (v->kind != total->kind)
		return false;
	if (v->kind == CEL_DOUBLE) {
		total->d += v->d;
		return true;
	}
	if (v->kind == CEL_UINT)
		return !__builtin_add_overflow(total->u, v->u, &total->u);
	return !__builtin_add_overflow(total->i, v->i, &total->i);
}

static struct cel_value sum_from(struct call *c, const struct cel_list *l, enum cel_kind kind)
{
	struct cel_value total = {.kind = kind};

	for (size_t i = 0; i < l->n; i++) {
		struct cel_value v = cel_list_at(c->arena, l, i);

		if (!add_up(&total, &v))
			return v.kind == kind ? cel_fail(c->arena, "integer overflow")
					      : cel_no_overload();
	}
	return total;
}

/* Of what the list holds; of an empty one whose type is not known, of ints. */
static struct cel_value sum(struct call *c, const struct cel_value *arg)
{
	const struct cel_list *l = arg[0].list;
	enum cel_kind kind = l->n      ? cel_list_at(c->arena, l, 0).kind
			     : l->type ? l->type->elem->kind
				       : CEL_INT;

	if (kind != CEL_INT && kind != CEL_UINT && kind != CEL_DOUBLE && kind != CEL_DURATION)
		return cel_no_overload();
	return sum_from(c, l, kind);
}

static struct cel_value cut(struct call *c, const struct cel_value *arg)
{
	const struct cel_list *l = arg[0].list;
	int64_t from = arg[1].i, to = arg[2].i;

	if (from < 0 || to < from || (uint64_t)to > l->n)
		return cel_fail(c->arena, "cannot slice(%lld, %lld), list is length %zu",
				(long long)from, (long long)to, l->n);
	return cel_list_new(c->arena, elements(c, l) + from, (size_t)(to - from), l->type);
}

static struct cel_value flatten_to(struct call *c, const struct cel_list *l, int64_t depth)
{
	VEC(struct cel_value) out = VEC_INIT;
	struct cel_value *v;
	size_t n;

	for (size_t i = 0; i < l->n && out.n <= MAX_ELEMENTS; i++) {
		struct cel_value element = cel_list_at(c->arena, l, i);

		if (element.kind != CEL_LIST || depth < 1) {
			vec_push(&out, element);
			continue;
		}
		element = flatten_to(c, element.list, depth - 1);
		for (size_t j = 0; j < element.list->n; j++)
			vec_push(&out, element.list->v[j]);
	}
	n = out.n;
	v = (struct cel_value *)arena_copy(c->arena, (char *)out.v, n * sizeof(*v));
	vec_release(&out);
	return cel_list_new(c->arena, v, n, NULL);
}

static struct cel_value flattened(struct call *c, const struct cel_list *l, int64_t depth)
{
	struct cel_value out = flatten_to(c, l, depth);

	if (out.list->n > MAX_ELEMENTS)
		return cel_fail(c->arena, "a list of more than %d elements", MAX_ELEMENTS);
	return out;
}

static struct cel_value flatten(struct call *c, const struct cel_value *arg)
{
	return flattened(c, arg[0].list, 1);
}

static struct cel_value flatten_deep(struct call *c, const struct cel_value *arg)
{
	if (arg[1].i < 0)
		return cel_fail(c->arena, "level must be non-negative");
	return flattened(c, arg[0].list, MIN(arg[1].i, CEL_MAX_DEPTH));
}

static int by_value(const void *x, const void *y)
{
	return cel_compare(x, y);
}

static struct cel_value sort(struct call *c, const struct cel_value *arg)
{
	size_t n = arg[0].list->n;
	struct cel_value *v = elements(c, arg[0].list);

	for (size_t i = 0; i < n; i++)
		if (cel_compare(&v[0], &v[i]) == -2)
			return cel_fail(c->arena, "list elements must have the same type");
	qsort(v, n, sizeof(*v), by_value);
	return cel_list_new(c->arena, v, n, NULL);
}

static struct cel_value distinct(struct call *c, const struct cel_value *arg)
{
	const struct cel_list *l = arg[0].list;
	struct cel_value *v = arena_new(c->arena, (l->n + 1) * sizeof(*v));
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		v[n] = cel_list_at(c->arena, l, i);
		n += find(c, v, n, &v[n], NULL) == n;
	}
	return cel_list_new(c->arena, v, n, NULL);
}

static struct cel_value reverse(struct call *c, const struct cel_value *arg)
{
	const struct cel_list *l = arg[0].list;
	struct cel_value *v = arena_new(c->arena, (l->n + 1) * sizeof(*v));

	for (size_t i = 0; i < l->n; i++)
		v[i] = cel_list_at(c->arena, l, l->n - 1 - i);
	return cel_list_new(c->arena, v, l->n, NULL);
}

static struct cel_value range(struct call *c, const struct cel_value *arg)
{
	int64_t n = MAX(arg[0].i, 0);
	struct cel_value *v;

	if (n > MAX_ELEMENTS)
		return cel_fail(c->arena, "a list of more than %d elements", MAX_ELEMENTS);
	v = arena_new(c->arena, ((size_t)n + 1) * sizeof(*v));
	for (int64_t i = 0; i < n; i++)
		v[i] = cel_int(i);
	return cel_list_new(c->arena, v, (size_t)n, NULL);
}

static bool within(struct call *c, const struct cel_list *x, const struct cel_list *y, bool any)
{
	const struct cel_value *v = elements(c, x), *w = elements(c, y);

	for (size_t i = 0; i < x->n; i++)
		if ((find(c, w, y->n, &v[i], NULL) < y->n) == any)
			return any;
	return !any;
}

static struct cel_value contains(struct call *c, const struct cel_value *arg)
{
	return cel_bool(within(c, arg[1].list, arg[0].list, false));
}

static struct cel_value intersects(struct call *c, const struct cel_value *arg)
{
	return cel_bool(within(c, arg[0].list, arg[1].list, true));
}

static struct cel_value equivalent(struct call *c, const struct cel_value *arg)
{
	return cel_bool(within(c, arg[0].list, arg[1].list, false) &&
			within(c, arg[1].list, arg[0].list, false));
}

static const struct function_row rows[] = {
	{"_+_", "(list<A>, list<A>) list<A>", concat, COST_ONE, SIZE_SUM},
	{"indexOf", "list<A>.(A) int", index_of, COST_LIST},
	{"lastIndexOf", "list<A>.(A) int", last_index_of, COST_LIST},
	{"isSorted", "list<A>.() bool", is_sorted, COST_LIST},
	{"min", "list<A>.() A", least, COST_LIST},
	{"max", "list<A>.() A", greatest, COST_LIST},
	{"sum", "list<A>.() A", sum, COST_LIST},
	{"slice", "list<A>.(int, int) list<A>", cut, COST_LIST, SIZE_UP_TO},
	{"flatten", "list<A>.() list<dyn>", flatten, COST_LIST},
	{"flatten", "list<A>.(int) list<dyn>", flatten_deep, COST_LIST},
	{"sort", "list<A>.() list<A>", sort, COST_LIST, SIZE_SAME},
	{"distinct", "list<A>.() list<A>", distinct, COST_LISTS, SIZE_UP_TO},
	{"reverse", "list<A>.() list<A>", reverse, COST_LIST, SIZE_SAME},
	{"lists.range", "(int) list<int>", range},
	{"sets.contains", "(list<A>, list<A>) bool", contains, COST_LISTS},
	{"sets.intersects", "(list<A>, list<A>) bool", intersects, COST_LISTS},
	{"sets.equivalent", "(list<A>, list<A>) bool", equivalent, COST_LISTS},
};
const struct function_library library_lists = {rows, ARRAY_SIZE(rows)};
