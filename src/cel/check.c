#include "cel/check.h"
#include "base/str.h"
#include "base/vec.h"
#include "cel/convert.h"
#include "cel/function.h"
#include "object/pattern.h"

#include <string.h>

/* A variable of a loop, and those around it. */
struct scope {
	const struct scope *outer;
	const char *name;
	const struct cel_type *type;
	size_t slot;
};

static int check(struct checker *c, struct node *n, const struct scope *scope, struct error **err);

static const struct cel_type *const dyn = &cel_types[CEL_DYN];
/* What an empty list is one of: it agrees with any other. */
static const struct cel_type anything = {.kind = CEL_PARAM, .name = "A"};

static bool is_dyn(const struct cel_type *t)
{
	return t->kind == CEL_DYN || t->kind == CEL_PARAM;
}

static const struct cel_type *optional_of(struct checker *c, const struct cel_type *t)
{
	struct cel_type *optional = cel_type_list(c->arena, t);

	optional->kind = CEL_OPTIONAL;
	return optional;
}

/* Names that stand for a type as a value: int, google.protobuf.Timestamp. */
static bool type_name(const char *name, enum cel_kind *kind)
{
	for (int k = CEL_NULL; k < CEL_KINDS; k++)
		if (k != CEL_OBJECT && !strcmp(cel_kind_name((enum cel_kind)k), name)) {
			*kind = (enum cel_kind)k;
			return true;
		}
	return false;
}

static bool find_variable(struct checker *c, const char *name, const struct scope *scope,
			  const struct cel_type **type, size_t *slot)
{
	for (; scope; scope = scope->outer)
		if (!strcmp(scope->name, name)) {
			*type = scope->type;
			*slot = scope->slot;
			return true;
		}
	for (size_t i = 0; i < c->n_vars; i++)
		if (!strcmp(c->vars[i].name, name)) {
			*type = c->vars[i].type;
			*slot = i;
			c->used[i] = true;
			return true;
		}
	return false;
}

static void make_type_literal(struct checker *c, struct node *n, const char *name)
{
	n->op = NODE_LITERAL;
	n->n = 0;
	n->literal = cel_text(c->arena, name, strlen(name));
	n->literal.kind = CEL_TYPE;
	n->type = &cel_types[CEL_TYPE];
}

/* A variable whose name is qualified: N is it. */
static bool check_qualified(struct checker *c, struct node *n, const char *name)
{
	for (size_t i = 0; name && i < c->n_vars; i++)
		if (!strcmp(c->vars[i].name, name)) {
			n->op = NODE_IDENT;
			n->n = 0;
			n->type = c->vars[i].type;
			n->slot = i;
			c->used[i] = true;
			return true;
		}
	return false;
}

static int check_ident(struct checker *c, struct node *n, const struct scope *scope,
		       struct error **err)
{
	enum cel_kind kind;

	if (find_variable(c, n->name, scope, &n->type, &n->slot))
		return 0;
	if (!type_name(n->name, &kind))
		return cel_error_at(err, c->text, n->at, "undeclared reference to '%s'", n->name);
	make_type_literal(c, n, n->name);
	return 0;
}

/* "a.b.c" of a chain of selections from a name, or NULL. *root: the name. */
static const char *qualified(struct checker *c, const struct node *n, const char **root)
{
	const char *outer;

	if (n->op == NODE_IDENT) {
		*root = n->name;
		return n->name;
	}
	if (n->op != NODE_SELECT || n->optional)
		return NULL;
	outer = qualified(c, n->arg[0], root);
	return outer ? arena_printf(c->arena, "%s.%s", outer, n->name) : NULL;
}

/* The same, when no variable has the name it begins with. */
static const char *free_name(struct checker *c, const struct node *n, const struct scope *scope)
{
	const struct cel_type *type;
	const char *root = NULL, *name = qualified(c, n, &root);
	size_t slot;

	return name && !find_variable(c, root, scope, &type, &slot) ? name : NULL;
}

static int field_type(struct checker *c, const struct node *n, const struct cel_type *of,
		      const struct cel_type **type, struct error **err)
{
	if (of->kind == CEL_MAP || is_dyn(of)) {
		*type = of->kind == CEL_MAP ? of->elem : dyn;
		return 0;
	}
	if (of->kind == CEL_OBJECT && of->open) {
		*type = dyn;
		return 0;
	}
	if (of->kind != CEL_OBJECT)
		return cel_error_at(err, c->text, n->at,
				    "type '%s' does not support field selection",
				    cel_type_text(c->arena, of));
	for (size_t i = 0; i < of->n_fields; i++)
		if (!strcmp(of->fields[i].name, n->name)) {
			*type = of->fields[i].type;
			return 0;
		}
	return cel_error_at(err, c->text, n->at, "undefined field '%s'", n->name);
}

static int check_select(struct checker *c, struct node *n, const struct scope *scope,
			struct error **err)
{
	const char *name = free_name(c, n, scope), *root = NULL;
	const struct cel_type *of;
	enum cel_kind kind;

	if (!name && n->op == NODE_SELECT && check_qualified(c, n, qualified(c, n, &root)))
		return 0;
	if (name && type_name(name, &kind)) {
		make_type_literal(c, n, name);
		return 0;
	}
	if (check(c, n->arg[0], scope, err) < 0)
		return -1;
	of = n->arg[0]->type;
	/* What is selected from an optional is optional. */
	if (of->kind == CEL_OPTIONAL) {
		n->optional = true;
		of = of->elem;
	}
	if (field_type(c, n, of, &n->type, err) < 0)
		return -1;
	if (n->op == NODE_HAS)
		n->type = &cel_types[CEL_BOOL];
	else if (n->optional)
		n->type = optional_of(c, n->type);
	return 0;
}

/* What A and B of one signature were found to be. */
struct bindings {
	const struct cel_type *a, *b;
};

static bool assign(struct bindings *b, const struct cel_type *want, const struct cel_type *have);

static bool assign_param(struct bindings *b, const char *name, const struct cel_type *have)
{
	const struct cel_type **bound = *name == 'A' ? &b->a : &b->b;

	if (!strcmp(name, "number"))
		return is_dyn(have) || have->kind == CEL_INT || have->kind == CEL_UINT ||
		       have->kind == CEL_DOUBLE;
	if (!*bound || is_dyn(*bound) || (*bound)->kind == CEL_NULL) {
		const struct cel_type *before = *bound;

		*bound = before && is_dyn(before) ? before : have;
		return !before || is_dyn(before) || assign(b, have, before);
	}
	return assign(b, *bound, have);
}

static bool nullable(enum cel_kind kind)
{
	return kind == CEL_OBJECT || kind == CEL_TIMESTAMP || kind == CEL_DURATION ||
	       kind >= CEL_OPTIONAL;
}

/* Whether a value of type HAVE may stand where WANT is asked for, as far as is known now. */
static bool assign(struct bindings *b, const struct cel_type *want, const struct cel_type *have)
{
	if (want->kind == CEL_PARAM)
		return assign_param(b, want->name, have);
	if (is_dyn(want) || is_dyn(have))
		return true;
	if (have->kind == CEL_NULL)
		return want->kind == CEL_NULL || nullable(want->kind);
	if (want->kind != have->kind)
		return false;
	switch (want->kind) {
	case CEL_LIST:
	case CEL_OPTIONAL:
		return assign(b, want->elem, have->elem);
	case CEL_MAP:
		return assign(b, want->key, have->key) && assign(b, want->elem, have->elem);
	case CEL_OBJECT:
		return want == have || str_equal(want->name, have->name);
	default:
		return true;
	}
}

static const struct cel_type *substitute(struct checker *c, const struct bindings *b,
					 const struct cel_type *t)
{
	struct cel_type *out;

	if (t->kind == CEL_PARAM) {
		const struct cel_type *bound = *t->name == 'A' ? b->a : b->b;

		return bound ? bound : dyn;
	}
	if (t->kind != CEL_LIST && t->kind != CEL_OPTIONAL && t->kind != CEL_MAP)
		return t;
	out = arena_new(c->arena, sizeof(*out));
	*out = *t;
	out->elem = substitute(c, b, t->elem);
	if (t->key)
		out->key = substitute(c, b, t->key);
	return out;
}

/* Whether two types may hold one value: a common type of branches and elements. */
static bool agree(const struct cel_type *x, const struct cel_type *y)
{
	struct bindings b = {NULL, NULL};

	return assign(&b, x, y) || assign(&b, y, x);
}

/* Of two that agree the one that says more is kept; of two that do not, nothing is known. */
static const struct cel_type *common(const struct cel_type *x, const struct cel_type *y)
{
	if (!x || x->kind == CEL_NULL ||
	    (x->kind == CEL_LIST && y->kind == CEL_LIST && x->elem->kind == CEL_PARAM))
		return y;
	return is_dyn(y) || !agree(x, y) ? dyn : x;
}

static int no_overload(struct checker *c, const struct node *n, struct error **err)
{
	struct str s CLEANUP(str_release) = STR_INIT;
	size_t first = n->method ? 1 : 0;

	if (n->method)
		str_addf(&s, "%s.", cel_type_text(c->arena, n->arg[0]->type));
	str_addc(&s, '(');
	for (size_t i = first; i < n->n; i++)
		str_addf(&s, "%s%s", i > first ? ", " : "",
			 cel_type_text(c->arena, n->arg[i]->type));
	str_addc(&s, ')');
	return cel_error_at(err, c->text, n->at,
			    "found no matching overload for '%s' applied to '%s'", n->name, s.s);
}

/* The overloads that N's arguments may have; the result's type is what they have in common. */
static int resolve(struct checker *c, struct node *n, struct error **err)
{
	size_t count;
	const struct function *const *all = functions_find(n->name, n->method, &count);
	const struct function **fit = arena_new(c->arena, (count + 1) * sizeof(struct function *));

	if (!all || (all[0]->feature & ~c->features))
		return cel_error_at(err, c->text, n->at,
				    "undeclared reference to '%s' (in container '')", n->name);
	for (size_t i = 0; i < count; i++) {
		struct bindings b = {NULL, NULL};
		bool fits = all[i]->n == n->n;
		const struct cel_type *result;

		for (size_t j = 0; fits && j < n->n; j++)
			fits = assign(&b, all[i]->arg[j], n->arg[j]->type);
		if (!fits)
			continue;
		result = substitute(c, &b, all[i]->result);
		n->type = n->n_overloads ? common(n->type, result) : result;
		fit[n->n_overloads++] = all[i];
	}
	if (!n->n_overloads)
		return no_overload(c, n, err);
	/* A list of a schema stays one of its kind when something is added. */
	if (!strcmp(n->name, "_+_") && n->arg[0]->type->kind == CEL_LIST)
		n->type = n->arg[0]->type->elem->kind == CEL_PARAM ? n->arg[1]->type
								   : n->arg[0]->type;
	n->overloads = fit;
	return 0;
}

/* What users write as text and Kubernetes looks at when it compiles. */
static int check_literals(struct checker *c, struct node *n, struct error **err)
{
	const struct node *text = n->n ? n->arg[n->n - 1] : NULL;
	struct error *why = NULL;
	struct cel_value v;

	if (!text || text->op != NODE_LITERAL || text->literal.kind != CEL_STRING)
		return 0;
	if (!strcmp(n->name, "duration") || !strcmp(n->name, "timestamp")) {
		enum cel_kind kind = *n->name == 'd' ? CEL_DURATION : CEL_TIMESTAMP;

		v = cel_read_text(c->arena, kind, text->literal.text.p, text->literal.text.len);
		if (v.kind == CEL_ERROR)
			return cel_error_at(err, c->text, text->at, "invalid %s argument", n->name);
	}
	if (strcmp(n->name, "matches") && strcmp(n->name, "find") && strcmp(n->name, "findAll"))
		return 0;
	n->prepared = pattern_new(text->literal.text.p, text->literal.text.len, &why);
	if (!n->prepared) {
		cel_error_at(err, c->text, text->at, "invalid matches argument: %s",
			     error_message(why));
		error_free(why);
		return -1;
	}
	vec_push(&c->patterns, n->prepared);
	return 0;
}

/* "sets.contains(a, b)" reads as a method of "sets"; it is a function when there is one. */
static bool make_function(struct checker *c, struct node *n, const struct scope *scope)
{
	const char *target = n->method ? free_name(c, n->arg[0], scope) : NULL, *name;
	size_t count;

	if (!target)
		return false;
	name = arena_printf(c->arena, "%s.%s", target, n->name);
	if (!functions_find(name, false, &count))
		return false;
	n->name = name;
	n->method = false;
	n->arg++;
	n->n--;
	return true;
}

static int check_call(struct checker *c, struct node *n, const struct scope *scope,
		      struct error **err)
{
	make_function(c, n, scope);
	for (size_t i = 0; i < n->n; i++)
		if (check(c, n->arg[i], scope, err) < 0)
			return -1;
	if (resolve(c, n, err) < 0)
		return -1;
	return check_literals(c, n, err);
}

static int check_logical(struct checker *c, struct node *n, const struct scope *scope,
			 struct error **err)
{
	n->type = &cel_types[CEL_BOOL];
	for (size_t i = 0; i < n->n; i++) {
		if (check(c, n->arg[i], scope, err) < 0)
			return -1;
		if (n->arg[i]->type->kind != CEL_BOOL && !is_dyn(n->arg[i]->type))
			return cel_error_at(err, c->text, n->arg[i]->at,
					    "expected type 'bool' but found '%s'",
					    cel_type_text(c->arena, n->arg[i]->type));
	}
	return 0;
}

static int check_conditional(struct checker *c, struct node *n, const struct scope *scope,
			     struct error **err)
{
	for (size_t i = 0; i < n->n; i++)
		if (check(c, n->arg[i], scope, err) < 0)
			return -1;
	if ((n->arg[0]->type->kind != CEL_BOOL && !is_dyn(n->arg[0]->type)) ||
	    !agree(n->arg[1]->type, n->arg[2]->type))
		return no_overload(c, n, err);
	n->type = common(n->arg[1]->type, n->arg[2]->type);
	return 0;
}

/* The type of elements, one of which is OPTIONAL; Kubernetes wants them alike. */
static int check_element(struct checker *c, const struct node *element, bool optional,
			 const struct cel_type **type, struct error **err)
{
	const struct cel_type *t = element->type;

	if (optional) {
		if (t->kind != CEL_OPTIONAL && !is_dyn(t))
			return cel_error_at(err, c->text, element->at,
					    "expected type 'optional_type' but found '%s'",
					    cel_type_text(c->arena, t));
		t = t->kind == CEL_OPTIONAL ? t->elem : t;
	}
	if (*type && !agree(*type, t))
		return cel_error_at(err, c->text, element->at, "expected type '%s' but found '%s'",
				    cel_type_text(c->arena, *type), cel_type_text(c->arena, t));
	*type = common(*type, t);
	return 0;
}

static int check_aggregate(struct checker *c, struct node *n, const struct scope *scope,
			   struct error **err)
{
	const struct cel_type *key = NULL, *elem = NULL;
	size_t step = n->op == NODE_MAP ? 2 : 1;

	for (size_t i = 0; i < n->n; i += step) {
		bool optional = n->optional_arg && n->optional_arg[i / step];
		struct node *value = n->arg[i + step - 1];

		for (size_t j = i; j < i + step; j++)
			if (check(c, n->arg[j], scope, err) < 0)
				return -1;
		if (n->op == NODE_MAP && check_element(c, n->arg[i], false, &key, err) < 0)
			return -1;
		if (check_element(c, value, optional, &elem, err) < 0)
			return -1;
	}
	n->type = n->op == NODE_MAP ? cel_type_map(c->arena, key ? key : dyn, elem ? elem : dyn)
				    : cel_type_list(c->arena, elem ? elem : &anything);
	return 0;
}

static const struct cel_field patch_fields[] = {
	{"op", "op", &cel_types[CEL_STRING]},
	{"path", "path", &cel_types[CEL_STRING]},
	{"from", "from", &cel_types[CEL_STRING]},
	{"value", "value", &cel_types[CEL_DYN]},
};
static const struct cel_type patch_type = {
	.kind = CEL_OBJECT,
	.name = "JSONPatch",
	.fields = patch_fields,
	.n_fields = 4,
};

/* Object, and Object.x for what stands at x of it: nothing is known of their fields. */
static const struct cel_type *struct_type(struct checker *c, const char *name)
{
	struct cel_type *t;

	if (!(c->features & CEL_PATCHES))
		return NULL;
	if (!strcmp(name, patch_type.name))
		return &patch_type;
	if (strcmp(name, "Object") && !str_has_prefix(name, "Object."))
		return NULL;
	t = arena_new(c->arena, sizeof(*t));
	*t = (struct cel_type){.kind = CEL_OBJECT, .name = name, .open = true};
	return t;
}

static int check_struct(struct checker *c, struct node *n, const struct scope *scope,
			struct error **err)
{
	n->type = struct_type(c, n->name);
	if (!n->type)
		return cel_error_at(err, c->text, n->at,
				    "undeclared reference to '%s' (in container '')", n->name);
	for (size_t i = 0; i < n->n; i++) {
		bool optional = n->optional_arg && n->optional_arg[i];
		const struct node named = {.name = n->field[i], .at = n->arg[i]->at};
		const struct cel_type *want, *elem = NULL;

		if (check(c, n->arg[i], scope, err) < 0 ||
		    field_type(c, &named, n->type, &want, err) < 0 ||
		    check_element(c, n->arg[i], optional, &elem, err) < 0)
			return -1;
		if (!agree(want, elem))
			return cel_error_at(err, c->text, n->arg[i]->at,
					    "expected type of field '%s' is '%s' but provided type "
					    "is '%s'",
					    n->field[i], cel_type_text(c->arena, want),
					    cel_type_text(c->arena, elem));
	}
	return 0;
}

static int expect_bool(struct checker *c, const struct node *n, struct error **err)
{
	if (n->type->kind == CEL_BOOL || is_dyn(n->type))
		return 0;
	return cel_error_at(err, c->text, n->at, "expected type 'bool' but found '%s'",
			    cel_type_text(c->arena, n->type));
}

/* The types of a loop's variables: one is the element or the key, two are key or index and value.
 */
static int loop_types(struct checker *c, const struct node *n, const struct cel_type *range,
		      const struct cel_type *out[2], struct error **err)
{
	bool two = n->var[1] != NULL;

	if (range->kind == CEL_LIST) {
		out[0] = two ? &cel_types[CEL_INT] : range->elem;
		out[1] = range->elem;
	} else if (range->kind == CEL_MAP) {
		out[0] = range->key;
		out[1] = range->elem;
	} else if (is_dyn(range)) {
		out[0] = out[1] = dyn;
	} else {
		return cel_error_at(err, c->text, n->arg[0]->at,
				    "expression of type '%s' cannot be range of a comprehension "
				    "(must be list, map, or dynamic)",
				    cel_type_text(c->arena, range));
	}
	return 0;
}

static const struct cel_type *loop_result(struct checker *c, const struct node *n,
					  const struct cel_type *vars[2])
{
	const struct cel_type *last = n->arg[n->n - 1]->type;
	const struct cel_type *range = n->arg[0]->type;

	switch (n->fold) {
	case FOLD_FILTER:
		return cel_type_list(c->arena, vars[0]);
	case FOLD_MAP:
		return cel_type_list(c->arena, last);
	case FOLD_TRANSFORM_MAP:
		return cel_type_map(c->arena,
				    range->kind == CEL_LIST ? &cel_types[CEL_INT] : vars[0], last);
	case FOLD_TRANSFORM_ENTRY:
		return last->kind == CEL_MAP ? last : &cel_types[CEL_MAP];
	default:
		return &cel_types[CEL_BOOL];
	}
}

static int check_fold(struct checker *c, struct node *n, const struct scope *scope,
		      struct error **err)
{
	size_t slot = scope ? scope->slot + 1 : c->n_vars;
	const struct cel_type *types[2] = {dyn, dyn};
	struct scope first, second;
	bool filter = n->n == 3 || n->fold <= FOLD_FILTER;

	if (check(c, n->arg[0], scope, err) < 0 ||
	    loop_types(c, n, n->arg[0]->type, types, err) < 0)
		return -1;
	first = (struct scope){scope, n->var[0], types[0], slot};
	second = (struct scope){&first, n->var[1] ? n->var[1] : "", types[1], slot + 1};
	n->slot = slot;
	c->n_slots = MAX(c->n_slots, slot + 2);
	for (size_t i = 1; i < n->n; i++)
		if (check(c, n->arg[i], &second, err) < 0)
			return -1;
	if (filter && expect_bool(c, n->arg[1], err) < 0)
		return -1;
	n->type = loop_result(c, n, types);
	return 0;
}

static int check_opt_map(struct checker *c, struct node *n, const struct scope *scope,
			 struct error **err)
{
	struct scope inner;
	const struct cel_type *of;

	if (check(c, n->arg[0], scope, err) < 0)
		return -1;
	of = n->arg[0]->type;
	if (of->kind != CEL_OPTIONAL && !is_dyn(of))
		return cel_error_at(err, c->text, n->at,
				    "found no matching overload for '%s' applied to '%s.()'",
				    n->name, cel_type_text(c->arena, of));
	n->slot = scope ? scope->slot + 1 : c->n_vars;
	c->n_slots = MAX(c->n_slots, n->slot + 1);
	inner = (struct scope){scope, n->var[0], is_dyn(of) ? dyn : of->elem, n->slot};
	if (check(c, n->arg[1], &inner, err) < 0)
		return -1;
	/* optMap wraps what its expression gives, optFlatMap has it give an optional. */
	n->type = n->method ? optional_of(c, n->arg[1]->type) : n->arg[1]->type;
	return 0;
}

static int check(struct checker *c, struct node *n, const struct scope *scope, struct error **err)
{
	switch (n->op) {
	case NODE_LITERAL:
		n->type = &cel_types[n->literal.kind];
		return 0;
	case NODE_IDENT:
		return check_ident(c, n, scope, err);
	case NODE_SELECT:
	case NODE_HAS:
		return check_select(c, n, scope, err);
	case NODE_CALL:
		return check_call(c, n, scope, err);
	case NODE_AND:
	case NODE_OR:
		return check_logical(c, n, scope, err);
	case NODE_COND:
		return check_conditional(c, n, scope, err);
	case NODE_LIST:
	case NODE_MAP:
		return check_aggregate(c, n, scope, err);
	case NODE_STRUCT:
		return check_struct(c, n, scope, err);
	case NODE_FOLD:
		return check_fold(c, n, scope, err);
	case NODE_OPT_MAP:
		return check_opt_map(c, n, scope, err);
	}
	return 0;
}

int cel_check(struct checker *c, struct node *tree, struct error **err)
{
	c->n_slots = c->n_vars;
	return check(c, tree, NULL, err);
}
