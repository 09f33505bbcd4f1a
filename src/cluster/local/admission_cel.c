#include "cluster/local/admission_cel.h"
#include "cluster/local/admission_request.h"

#include "base/vec.h"
#include "object/json.h"

#include <string.h>

/* What the syntax trees of variables that lead to each other may nest together: evaluating them
 * takes the stack. */
#define DEPTH_MAX 2000

static const char no_budget[] = "validation failed due to running out of cost budget, no further "
				"validation rules will be run";

void admission_expression_init(struct admission_expression *e, const struct expression_scope *scope,
			       enum expression_use use, const char *name, const char *text)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;

	*e = (struct admission_expression){
		.name = name ? xstrdup(name) : NULL,
		.text = xstrdup(text),
		.program = expression_compile(scope, use, text, &why),
	};
	if (!e->program)
		e->problem = xstrdup(error_message(why));
}

void admission_expression_release(struct admission_expression *e)
{
	free(e->name);
	free(e->text);
	free(e->problem);
	cel_program_free(e->program);
}

void admission_expressions_release(struct admission_expressions *list)
{
	vec_each (list, e)
		admission_expression_release(e);
	vec_release(list);
}

void admission_expressions_define(struct admission_expressions *out, struct expression_scope *scope,
				  const json_t *list)
{
	const json_t *variable;
	size_t i;

	json_array_foreach ((json_t *)list, i, variable) {
		struct error *why CLEANUP(error_free_cleanup) = NULL;
		const char *name = json_path_string(variable, "name");
		const char *text = json_path_string(variable, "expression");
		struct cel_program *p = expression_define(scope, name, text, &why);

		vec_push(out, (struct admission_expression){
				      .name = xstrdup(name),
				      .text = xstrdup(text),
				      .program = p,
				      .problem = p ? NULL : xstrdup(error_message(why)),
			      });
	}
}

/* Who is asked about: the one whose request it is, or a service account. */
static bool allowed(void *arg, const struct cel_check *check, struct arena *arena,
		    const char **reason)
{
	const struct admission_input *in = arg;
	const char *groups[3] = {"system:serviceaccounts"};
	struct user account = {.uid = "", .groups = groups};
	struct str why CLEANUP(str_release) = STR_INIT;
	struct access access = {
		.user = admission_user(in->admission),
		.verb = check->verb,
		.path = check->path,
		.group = check->group,
		.resource = check->path ? NULL : check->resource,
		.subresource = check->subresource,
		.namespace = check->namespace,
		.name = check->name,
	};
	bool answer;

	if (check->account_name) {
		account.name = arena_printf(arena, "system:serviceaccount:%s:%s",
					    check->account_namespace, check->account_name);
		groups[1] =
			arena_printf(arena, "system:serviceaccounts:%s", check->account_namespace);
		access.user = &account;
	}
	answer = cluster_authorize(&in->admission->local->base, &access, &why);
	*reason = arena_copy(arena, why.s, why.len);
	return answer;
}

static struct cel_value null_or(struct admission_input *in, const json_t *tree)
{
	return cel_from_json(&in->arena, tree, NULL);
}

static void ask_with(struct admission_input *in)
{
	const struct admission *a = in->admission;
	struct cel_check check = {
		.authorizer = &in->authorizer,
		.group = a->resource->group,
		.resource = a->resource->plural,
		.subresource = a->subresource,
		.namespace = admission_request_namespace(a),
		.name = admission_request_name(a),
	};

	in->authorizer = (struct cel_authorizer){allowed, in};
	in->values[EXPRESSION_AUTHORIZER] = cel_authorizer_value(&in->arena, &in->authorizer);
	in->values[EXPRESSION_REQUEST_RESOURCE] = cel_check_value(&in->arena, &check);
}

int admission_input_update(struct admission_input *in, struct error **err)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;

	json_decref(in->object);
	in->object = admission_shown(in->admission, in->admission->object, in->as, &why);
	if (why)
		return error_move(err, steal(&why));
	in->values[EXPRESSION_OBJECT] = null_or(in, in->object);
	return 0;
}

int admission_input_init(struct admission_input *in, struct admission *a, const struct resource *as,
			 struct error **err)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;

	*in = (struct admission_input){.admission = a, .as = resource_ref(as)};
	/* What is created under another object has nothing before it. */
	in->old = admission_shown(a, a->operation == ADMIT_CREATE ? NULL : a->old, as, &why);
	in->request = admission_request(a, as);
	in->values[EXPRESSION_OLD_OBJECT] = null_or(in, in->old);
	in->values[EXPRESSION_REQUEST] = null_or(in, in->request);
	in->values[EXPRESSION_PARAMS] = null_or(in, NULL);
	ask_with(in);
	if (why || admission_input_update(in, &why) < 0) {
		admission_input_release(in);
		return error_move(err, steal(&why));
	}
	return 0;
}

void admission_input_release(struct admission_input *in)
{
	json_decref(in->object);
	json_decref(in->old);
	json_decref(in->request);
	json_decref(in->params);
	json_decref(in->namespace);
	arena_release(&in->arena);
	if (in->as)
		resource_unref(in->as);
	*in = (struct admission_input){0};
}

int admission_input_aim(struct admission_input *in, struct admission *a, const struct resource *as,
			json_t *params, struct error **err)
{
	if (in->as != as) {
		admission_input_release(in);
		if (admission_input_init(in, a, as, err) < 0)
			return -1;
	}
	json_decref(in->params);
	in->params = json_incref(params);
	in->values[EXPRESSION_PARAMS] = null_or(in, params);
	return 0;
}

/* The namespace without what policies have no business with. */
static int read_namespace(struct admission_input *in, struct error **err)
{
	static const char *const left_out[] = {"managedFields", "ownerReferences", "selfLink"};
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	const json_t *namespace = in->namespace ? NULL : admission_namespace(in->admission, &why);
	json_t *metadata;

	if (why)
		return error_move(err, steal(&why));
	if (!namespace)
		return 0;
	metadata = json_copy(json_object_get(namespace, "metadata"));
	for (size_t i = 0; i < ARRAY_SIZE(left_out); i++)
		json_object_del(metadata, left_out[i]);
	in->namespace = json_copy((json_t *)namespace);
	json_object_set_new(in->namespace, "metadata", metadata);
	json_object_del(in->namespace, "kind");
	json_object_del(in->namespace, "apiVersion");
	return 0;
}

/* The I-th variable of the policy: what it costs counts, and not for the expression that looks. */
static struct cel_value make_variable(void *arg, size_t i)
{
	struct admission_input *in = arg;
	const struct admission_expression *e = &in->variables->v[i];
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	uint64_t budget = CEL_CALL_BUDGET;
	int depth = e->program ? cel_program_depth(e->program) : 0;

	if (in->is_made[i])
		return in->made[i];
	in->is_made[i] = true;
	in->depth += depth;
	if (!e->program)
		in->made[i] =
			cel_fail(&in->arena, "composited variable \"%s\" fails to compile: %s",
				 e->name, e->problem);
	else if (in->depth > DEPTH_MAX)
		in->made[i] =
			cel_fail(&in->arena, "composited variable \"%s\" nests too deep", e->name);
	else if (cel_eval(e->program, in->values, &budget, &in->arena, &in->made[i], &why) < 0)
		in->made[i] =
			cel_fail(&in->arena, "composited variable \"%s\" fails to evaluate: %s",
				 e->name, error_message(why));
	in->depth -= depth;
	in->spent += CEL_CALL_BUDGET - budget;
	return in->made[i];
}

int admission_input_begin(struct admission_input *in, uint64_t budget, const struct cel_type *type,
			  const struct admission_expressions *variables, bool namespace,
			  struct error **err)
{
	if (namespace && read_namespace(in, err) < 0)
		return -1;
	in->values[EXPRESSION_NAMESPACE] = null_or(in, namespace ? in->namespace : NULL);
	in->budget = budget;
	in->spent = 0;
	in->variables = variables;
	in->values[EXPRESSION_VARIABLES] = null_or(in, NULL);
	if (!variables)
		return 0;
	in->made = arena_new(&in->arena, (variables->n + 1) * sizeof(*in->made));
	in->is_made = arena_new(&in->arena, variables->n + 1);
	in->lazy = (struct cel_lazy){make_variable, in};
	in->values[EXPRESSION_VARIABLES] = cel_lazy_object(&in->arena, type, &in->lazy);
	return 0;
}

int admission_evaluate(const struct admission_expression *e, struct admission_input *in,
		       struct cel_value *result, struct error **err)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	uint64_t call = CEL_CALL_BUDGET, cost;
	int rc;

	if (!e->program)
		return error_set(err, E_INVALID, "compilation error: %s", e->problem);
	in->spent = 0;
	in->depth = cel_program_depth(e->program);
	rc = cel_eval(e->program, in->values, &call, &in->arena, result, &why);
	cost = CEL_CALL_BUDGET - call + in->spent;
	if (cost > in->budget)
		return error_set(err, E_TOO_LARGE, "%s", no_budget);
	in->budget -= cost;
	if (rc < 0)
		return error_set(err, E_INVALID, "expression '%s' resulted in error: %s", e->text,
				 error_message(why));
	return 0;
}

struct admission_conditions {
	struct expression_scope *own; /* NULL: that of a policy */
	const struct cel_type *type;
	const struct admission_expressions *variables;
	struct admission_expressions list;
};

struct admission_conditions *admission_conditions_new(const json_t *list,
						      const struct expression_scope *scope,
						      const struct admission_expressions *variables)
{
	struct admission_conditions *c;
	const json_t *condition;
	size_t i;

	if (!json_array_size(list))
		return NULL;
	c = xcalloc(1, sizeof(*c));
	c->own = scope ? NULL : expression_scope_new(false, false);
	c->type = expression_variables(scope ? scope : c->own);
	c->variables = variables;
	json_array_foreach ((json_t *)list, i, condition) {
		vec_push(&c->list, (struct admission_expression){0});
		admission_expression_init(&c->list.v[i], scope ? scope : c->own,
					  EXPRESSION_CONDITION, json_path_string(condition, "name"),
					  json_path_string(condition, "expression"));
	}
	return c;
}

struct admission_conditions *admission_conditions_free(struct admission_conditions *c)
{
	if (!c)
		return NULL;
	admission_expressions_release(&c->list);
	expression_scope_free(c->own);
	free(c);
	return NULL;
}

/* As several errors are told as one: "[a, b]". */
static int fail_together(const struct str *all, size_t n, struct error **err)
{
	return error_set(err, E_INVALID, n > 1 ? "[%s]" : "%s", all->s);
}

int admission_conditions_hold(const struct admission_conditions *c, struct admission_input *in,
			      struct error **err)
{
	struct str all CLEANUP(str_release) = STR_INIT;
	size_t failed = 0;

	if (!c)
		return 1;
	if (admission_input_begin(in, ADMISSION_CONDITIONS_BUDGET, c->type, c->variables, false,
				  err) < 0)
		return -1;
	for (size_t i = 0; i < c->list.n; i++) {
		struct error *why CLEANUP(error_free_cleanup) = NULL;
		struct cel_value v;

		if (admission_evaluate(&c->list.v[i], in, &v, &why) == 0) {
			if (!v.boolean)
				return 0;
			continue;
		}
		if (error_code(why) == E_TOO_LARGE)
			return error_move(err, steal(&why));
		str_addf(&all, "%s%s", failed++ ? ", " : "", error_message(why));
	}
	return failed ? fail_together(&all, failed, err) : 1;
}
