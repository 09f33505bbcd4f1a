/* Operators, conversions, sizes: the standard library of the language definition. */
#include "base/mem.h"
#include "base/str.h"
#include "cel/convert.h"
#include "cel/function.h"

#include <math.h>
#include <string.h>

static struct cel_value overflow(struct call *c, const char *what)
{
	return cel_fail(c->arena, "%s overflow", what);
}

#define ARITHMETIC(name, builtin)                                                        \
	static struct cel_value name##_int(struct call *c, const struct cel_value *arg)  \
	{                                                                                \
		int64_t out;                                                             \
                                                                                         \
		if (builtin(arg[0].i, arg[1].i, &out))                                   \
			return overflow(c, "integer");                                   \
		return cel_int(out);                                                     \
	}                                                                                \
	static struct cel_value name##_uint(struct call *c, const struct cel_value *arg) \
	{                                                                                \
		uint64_t out;                                                            \
                                                                                         \
		if (builtin(arg[0].u, arg[1].u, &out))                                   \
			return overflow(c, "unsigned integer");                          \
		return cel_uint(out);                                                    \
	}

ARITHMETIC(add, __builtin_add_overflow)
ARITHMETIC(subtract, __builtin_sub_overflow)
ARITHMETIC(multiply, __builtin_mul_overflow)

static struct cel_value add_double(struct call *c, const struct cel_value *arg)
{
	return cel_double(arg[0].d + arg[1].d);
}

static struct cel_value subtract_double(struct call *c, const struct cel_value *arg)
{
	return cel_double(arg[0].d - arg[1].d);
}

static struct cel_value multiply_double(struct call *c, const struct cel_value *arg)
{
	return cel_double(arg[0].d * arg[1].d);
}

static struct cel_value divide_double(struct call *c, const struct cel_value *arg)
{
	return cel_double(arg[0].d / arg[1].d);
}

/* Both of / and %: by zero, and of the least int by -1. */
static const char *division_fault(const struct cel_value *arg)
{
	if (!arg[1].i)
		return "by zero";
	return arg[0].kind == CEL_INT && arg[0].i == INT64_MIN && arg[1].i == -1 ? "overflow"
										 : NULL;
}

static struct cel_value divide(struct call *c, const struct cel_value *arg)
{
	const char *fault = division_fault(arg);

	if (fault)
		return cel_fail(c->arena, arg[1].i ? "integer %s" : "division %s", fault);
	return arg[0].kind == CEL_INT ? cel_int(arg[0].i / arg[1].i)
				      : cel_uint(arg[0].u / arg[1].u);
}

static struct cel_value modulo(struct call *c, const struct cel_value *arg)
{
	const char *fault = division_fault(arg);

	if (fault)
		return cel_fail(c->arena, arg[1].i ? "integer %s" : "modulus %s", fault);
	return arg[0].kind == CEL_INT ? cel_int(arg[0].i % arg[1].i)
				      : cel_uint(arg[0].u % arg[1].u);
}

static struct cel_value negate(struct call *c, const struct cel_value *arg)
{
	if (arg[0].kind == CEL_DOUBLE)
		return cel_double(-arg[0].d);
	return arg[0].i == INT64_MIN ? overflow(c, "integer") : cel_int(-arg[0].i);
}

static struct cel_value not(struct call * c, const struct cel_value *arg)
{
	return cel_bool(!arg[0].boolean);
}

static struct cel_value concat(struct call *c, const struct cel_value *arg)
{
	size_t n = arg[0].text.len, m = arg[1].text.len;
	char *text = arena_new(c->arena, n + m + 1);

	if (n)
		memcpy(text, arg[0].text.p, n);
	if (m)
		memcpy(text + n, arg[1].text.p, m);
	return (struct cel_value){.kind = arg[0].kind, .text = {text, n + m}};
}

static struct cel_value equal(struct call *c, const struct cel_value *arg)
{
	return cel_bool(cel_equal(c->arena, &arg[0], &arg[1]));
}

static struct cel_value not_equal(struct call *c, const struct cel_value *arg)
{
	return cel_bool(!cel_equal(c->arena, &arg[0], &arg[1]));
}

/* What has an order and what compares as no number does (NaN) are told apart by the kinds. */
static bool ordered(const struct cel_value *arg, int *order)
{
	bool numbers = arg[0].kind >= CEL_INT && arg[0].kind <= CEL_DOUBLE &&
		       arg[1].kind >= CEL_INT && arg[1].kind <= CEL_DOUBLE;

	*order = cel_compare(&arg[0], &arg[1]);
	return *order != -2 || numbers;
}

#define COMPARISON(name, test)                                                    \
	static struct cel_value name(struct call *c, const struct cel_value *arg) \
	{                                                                         \
		int order;                                                        \
                                                                                  \
		if (!ordered(arg, &order))                                        \
			return cel_no_overload();                                 \
		return cel_bool(order != -2 && order test 0);                     \
	}

COMPARISON(less, <)
COMPARISON(less_equal, <=)
COMPARISON(greater, >)
COMPARISON(greater_equal, >=)

static struct cel_value in_list(struct call *c, const struct cel_value *arg)
{
	for (size_t i = 0; i < arg[1].list->n; i++) {
		struct cel_value v = cel_list_at(c->arena, arg[1].list, i);

		if (cel_equal(c->arena, &v, &arg[0]))
			return cel_bool(true);
	}
	return cel_bool(false);
}

static struct cel_value in_map(struct call *c, const struct cel_value *arg)
{
	struct cel_value v;

	return cel_bool(cel_map_find(c->arena, arg[1].map, &arg[0], &v));
}

/* An index is an int, or a number that is one. */
static bool list_index(const struct cel_value *v, size_t n, size_t *i)
{
	int64_t at = v->i;

	if (v->kind == CEL_UINT && v->u > INT64_MAX)
		return false;
	if (v->kind == CEL_DOUBLE) {
		if (v->d != floor(v->d) || fabs(v->d) > 1e15)
			return false;
		at = (int64_t)v->d;
	} else if (v->kind != CEL_INT && v->kind != CEL_UINT) {
		return false;
	}
	*i = (size_t)at;
	return at >= 0 && *i < n;
}

/* OF[KEY]; false when it is not there. */
static bool look_up(struct call *c, const struct cel_value *of, const struct cel_value *key,
		    struct cel_value *out)
{
	size_t i;

	if (of->kind != CEL_LIST)
		return cel_map_find(c->arena, of->map, key, out);
	if (!list_index(key, of->list->n, &i))
		return false;
	*out = cel_list_at(c->arena, of->list, i);
	return true;
}

static struct cel_value element(struct call *c, const struct cel_value *arg)
{
	struct cel_value out, text;

	if (look_up(c, &arg[0], &arg[1], &out))
		return out;
	text = cel_write_text(c->arena, &arg[1]);
	return cel_fail(c->arena,
			arg[0].kind == CEL_LIST ? "index out of bounds: %.*s" : "no such key: %.*s",
			(int)MIN(text.text.len, (size_t)200), text.text.p);
}

static struct cel_value optional_element(struct call *c, const struct cel_value *arg)
{
	struct cel_value of = arg[0], out;

	if (of.kind == CEL_OPTIONAL) {
		if (!of.optional)
			return of;
		of = *of.optional;
	}
	if (of.kind != CEL_LIST && of.kind != CEL_MAP)
		return cel_no_overload();
	return look_up(c, &of, &arg[1], &out) ? cel_optional(c->arena, out) : cel_none();
}

static struct cel_value size(struct call *c, const struct cel_value *arg)
{
	return cel_int((int64_t)cel_size(&arg[0]));
}

static struct cel_value to_int(struct call *c, const struct cel_value *arg)
{
	const struct cel_value *v = &arg[0];

	switch (v->kind) {
	case CEL_INT:
		return *v;
	case CEL_UINT:
		return v->u > INT64_MAX ? overflow(c, "integer") : cel_int((int64_t)v->u);
	case CEL_DOUBLE:
		return !(v->d > -0x1p63 && v->d < 0x1p63) ? overflow(c, "integer")
							  : cel_int((int64_t)v->d);
	case CEL_TIMESTAMP:
		return cel_int(v->i / 1000000000 - (v->i % 1000000000 < 0));
	case CEL_DURATION:
		return cel_int(v->i);
	default:
		return cel_read_text(c->arena, CEL_INT, v->text.p, v->text.len);
	}
}

static struct cel_value to_uint(struct call *c, const struct cel_value *arg)
{
	const struct cel_value *v = &arg[0];

	switch (v->kind) {
	case CEL_UINT:
		return *v;
	case CEL_INT:
		return v->i < 0 ? overflow(c, "unsigned integer") : cel_uint((uint64_t)v->i);
	case CEL_DOUBLE:
		return !(v->d >= 0 && v->d < 0x1p64) ? overflow(c, "unsigned integer")
						     : cel_uint((uint64_t)v->d);
	default:
		return cel_read_text(c->arena, CEL_UINT, v->text.p, v->text.len);
	}
}

static struct cel_value to_double(struct call *c, const struct cel_value *arg)
{
	const struct cel_value *v = &arg[0];

	switch (v->kind) {
	case CEL_DOUBLE:
		return *v;
	case CEL_INT:
		return cel_double((double)v->i);
	case CEL_UINT:
		return cel_double((double)v->u);
	default:
		return cel_read_text(c->arena, CEL_DOUBLE, v->text.p, v->text.len);
	}
}

static struct cel_value to_string(struct call *c, const struct cel_value *arg)
{
	struct cel_value v = arg[0];

	if (v.kind != CEL_BYTES)
		return cel_write_text(c->arena, &v);
	for (size_t i = 0; i < v.text.len;) {
		size_t len = utf8_length(v.text.p + i, v.text.len - i);

		if (!len)
			return cel_fail(c->arena,
					"invalid UTF-8 in bytes, cannot convert to string");
		i += len;
	}
	v.kind = CEL_STRING;
	return v;
}

static struct cel_value to_bytes(struct call *c, const struct cel_value *arg)
{
	struct cel_value v = arg[0];

	v.kind = CEL_BYTES;
	return v;
}

static struct cel_value to_bool(struct call *c, const struct cel_value *arg)
{
	return cel_read_text(c->arena, CEL_BOOL, arg[0].text.p, arg[0].text.len);
}

static struct cel_value same(struct call *c, const struct cel_value *arg)
{
	return arg[0];
}

static struct cel_value type_of(struct call *c, const struct cel_value *arg)
{
	const char *name = cel_kind_name(arg[0].kind);

	return (struct cel_value){.kind = CEL_TYPE, .text = {name, strlen(name)}};
}

static bool at(struct span text, size_t i, struct span part)
{
	return i + part.len <= text.len && !memcmp(text.p + i, part.p, part.len);
}

static struct cel_value starts_with(struct call *c, const struct cel_value *arg)
{
	return cel_bool(at(arg[0].text, 0, arg[1].text));
}

static struct cel_value ends_with(struct call *c, const struct cel_value *arg)
{
	return cel_bool(arg[1].text.len <= arg[0].text.len &&
			at(arg[0].text, arg[0].text.len - arg[1].text.len, arg[1].text));
}

static struct cel_value contains(struct call *c, const struct cel_value *arg)
{
	return cel_bool(!arg[1].text.len ||
			memmem(arg[0].text.p, arg[0].text.len, arg[1].text.p, arg[1].text.len));
}

#define ORDERED(operator, body)                                                           \
	{operator, "(bool, bool) bool", body}, {operator, "(number, number) bool", body}, \
		{operator, "(string, string) bool", body, COST_LESSER},                   \
		{operator, "(bytes, bytes) bool", body, COST_LESSER},                     \
		{operator, "(timestamp, timestamp) bool", body},                          \
	{                                                                                 \
		operator, "(duration, duration) bool", body                               \
	}

static const struct function_row rows[] = {
	{"_+_", "(int, int) int", add_int},
	{"_+_", "(uint, uint) uint", add_uint},
	{"_+_", "(double, double) double", add_double},
	{"_+_", "(string, string) string", concat, COST_BOTH, SIZE_SUM},
	{"_+_", "(bytes, bytes) bytes", concat, COST_BOTH, SIZE_SUM},
	{"_-_", "(int, int) int", subtract_int},
	{"_-_", "(uint, uint) uint", subtract_uint},
	{"_-_", "(double, double) double", subtract_double},
	{"_*_", "(int, int) int", multiply_int},
	{"_*_", "(uint, uint) uint", multiply_uint},
	{"_*_", "(double, double) double", multiply_double},
	{"_/_", "(int, int) int", divide},
	{"_/_", "(uint, uint) uint", divide},
	{"_/_", "(double, double) double", divide_double},
	{"_%_", "(int, int) int", modulo},
	{"_%_", "(uint, uint) uint", modulo},
	{"-_", "(int) int", negate},
	{"-_", "(double) double", negate},
	{"!_", "(bool) bool", not },
	{"_==_", "(A, A) bool", equal, COST_LESSER},
	{"_!=_", "(A, A) bool", not_equal, COST_LESSER},
	ORDERED("_<_", less),
	ORDERED("_<=_", less_equal),
	ORDERED("_>_", greater),
	ORDERED("_>=_", greater_equal),
	{"@in", "(A, list<A>) bool", in_list, COST_SECOND_LIST},
	{"@in", "(A, map<A,B>) bool", in_map},
	{"_[_]", "(list<A>, int) A", element},
	{"_[_]", "(map<A,B>, A) B", element},
	{"_[_]", "(optional<list<A>>, int) optional<A>", optional_element},
	{"_[_]", "(optional<map<A,B>>, A) optional<B>", optional_element},
	{"_[?_]", "(list<A>, int) optional<A>", optional_element},
	{"_[?_]", "(map<A,B>, A) optional<B>", optional_element},
	{"_[?_]", "(optional<list<A>>, int) optional<A>", optional_element},
	{"_[?_]", "(optional<map<A,B>>, A) optional<B>", optional_element},
	{"size", "(string) int", size},
	{"size", "(bytes) int", size},
	{"size", "(list<A>) int", size},
	{"size", "(map<A,B>) int", size},
	{"size", "string.() int", size},
	{"size", "bytes.() int", size},
	{"size", "list<A>.() int", size},
	{"size", "map<A,B>.() int", size},
	{"int", "(int) int", to_int},
	{"int", "(uint) int", to_int},
	{"int", "(double) int", to_int},
	{"int", "(string) int", to_int},
	{"int", "(timestamp) int", to_int},
	{"int", "(duration) int", to_int},
	{"uint", "(uint) uint", to_uint},
	{"uint", "(int) uint", to_uint},
	{"uint", "(double) uint", to_uint},
	{"uint", "(string) uint", to_uint},
	{"double", "(double) double", to_double},
	{"double", "(int) double", to_double},
	{"double", "(uint) double", to_double},
	{"double", "(string) double", to_double},
	{"string", "(string) string", to_string},
	{"string", "(bool) string", to_string},
	{"string", "(int) string", to_string},
	{"string", "(uint) string", to_string},
	{"string", "(double) string", to_string},
	{"string", "(bytes) string", to_string, COST_TEXT, SIZE_UP_TO},
	{"string", "(timestamp) string", to_string},
	{"string", "(duration) string", to_string},
	{"string", "(ip) string", to_string},
	{"string", "(cidr) string", to_string},
	{"bytes", "(bytes) bytes", to_bytes},
	{"bytes", "(string) bytes", to_bytes, COST_TEXT},
	{"bool", "(bool) bool", same},
	{"bool", "(string) bool", to_bool},
	{"dyn", "(A) dyn", same},
	{"type", "(A) type", type_of},
	{"startsWith", "string.(string) bool", starts_with, COST_TEXT_SECOND},
	{"endsWith", "string.(string) bool", ends_with, COST_TEXT_SECOND},
	{"contains", "string.(string) bool", contains, COST_PRODUCT},
};
const struct function_library library_standard = {rows, ARRAY_SIZE(rows)};
