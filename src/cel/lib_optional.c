/* optional.of(x), .orValue(y) and their kin. */
#include "base/mem.h"
#include "cel/function.h"

static struct cel_value of(struct call *c, const struct cel_value *arg)
{
	return cel_optional(c->arena, arg[0]);
}

static bool is_zero(const struct cel_value *v)
{
	switch (v->kind) {
	case CEL_NULL:
		return true;
	case CEL_BOOL:
		return !v->boolean;
	case CEL_DOUBLE:
		return v->d == 0;
	case CEL_INT:
	case CEL_UINT:
	case CEL_DURATION:
		return !v->u;
	case CEL_STRING:
	case CEL_BYTES:
		return !v->text.len;
	case CEL_LIST:
		return !v->list->n;
	case CEL_MAP:
	case CEL_OBJECT:
		return !v->map->n;
	default:
		return false;
	}
}

static struct cel_value of_non_zero(struct call *c, const struct cel_value *arg)
{
	return is_zero(&arg[0]) ? cel_none() : cel_optional(c->arena, arg[0]);
}

static struct cel_value none(struct call *c, const struct cel_value *arg)
{
	return cel_none();
}

static struct cel_value has_value(struct call *c, const struct cel_value *arg)
{
	return cel_bool(arg[0].optional != NULL);
}

static struct cel_value value(struct call *c, const struct cel_value *arg)
{
	return arg[0].optional ? *arg[0].optional
			       : cel_fail(c->arena, "optional.none() dereference");
}

static struct cel_value either(struct call *c, const struct cel_value *arg)
{
	return arg[0].optional ? arg[0] : arg[1];
}

static struct cel_value or_value(struct call *c, const struct cel_value *arg)
{
	return arg[0].optional ? *arg[0].optional : arg[1];
}

static const struct function_row rows[] = {
	{"optional.of", "(A) optional<A>", of},
	{"optional.ofNonZeroValue", "(A) optional<A>", of_non_zero},
	{"optional.none", "() optional<A>", none},
	{"hasValue", "optional<A>.() bool", has_value},
	{"value", "optional<A>.() A", value},
	{"or", "optional<A>.(optional<A>) optional<A>", either},
	{"orValue", "optional<A>.(A) A", or_value},
};
const struct function_library library_optional = {rows, ARRAY_SIZE(rows)};
