/*
 * MutatingAdmissionPolicy: policies that change the object of a request, with a configuration to be
 * applied or a JSON Patch. What they change nobody gets to own.
 *
 * When one has changed the object, all plugins run once more; of the policies those that are to be
 * reinvoked and that ran before the change.
 */
#include "cluster/local/admission/plugins.h"
#include "cluster/local/admission/policy.h"

#include "base/vec.h"
#include "cel/value.h"
#include "cluster/local/admission_request.h"
#include "kinds/kind.h"
#include "object/apply.h"
#include "object/json.h"
#include "object/patch.h"

#include <string.h>

struct invocations {
	struct policy_invocation *v;
	size_t n, cap;
};

/* What policies whose failures count have failed with. */
struct failures {
	struct {
		char *message;
		bool invalid; /* of a policy that was asked */
	} * v;
	size_t n, cap;
};

struct mutating {
	struct admission *a;
	struct admission_input input; /* of the last resource; AS NULL: none yet */
	struct invocations invocations;
	struct failures failures;
	bool changed;
};

static void mutating_release(struct mutating *m)
{
	vec_each (&m->invocations, i) {
		json_decref(i->params);
		resource_unref(i->as);
	}
	vec_each (&m->failures, f)
		free(f->message);
	vec_release(&m->invocations);
	vec_release(&m->failures);
	admission_input_release(&m->input);
}

static void add_failure(struct mutating *m, const struct policy_invocation *i, const char *why,
			bool invalid)
{
	char *message;

	if (i->policy->ignore)
		return;
	message = i->binding ? xasprintf("policy '%s' with binding '%s' denied request: %s",
					 i->policy->name, i->binding->name, why)
			     : xasprintf("policy \"%s\" denied request: %s", i->policy->name, why);
	vec_grow(&m->failures, 1);
	m->failures.v[m->failures.n].message = message;
	m->failures.v[m->failures.n++].invalid = invalid;
}

static int collect(void *arg, const struct policy_invocation *i, const char *problem,
		   struct error **err)
{
	struct mutating *m = arg;

	if (problem) {
		add_failure(m, i, problem, false);
		return 0;
	}
	vec_push(&m->invocations, *i);
	resource_ref(i->as);
	json_incref(i->params);
	return 0;
}

/* "Object.spec" must stand at spec: literals are not checked against a schema when they are
 * compiled. PATH is where V stands. */
static int check_names(struct arena *a, const struct cel_value *v, const char *path,
		       struct error **err)
{
	const char *name = cel_object_name(v);
	const struct cel_entry *entries;
	size_t n;

	if (v->kind == CEL_LIST) {
		for (size_t i = 0; i < v->list->n; i++) {
			struct cel_value element = cel_list_at(a, v->list, i);

			if (check_names(a, &element, path, err) < 0)
				return -1;
		}
		return 0;
	}
	if ((v->kind != CEL_MAP && v->kind != CEL_OBJECT) || v->map->json)
		return 0;
	if (name && strcmp(name, path))
		return error_set(err, E_INVALID,
				 "type mismatch: unexpected type name \"%s\", expected \"%s\", "
				 "which matches field name path from root Object type",
				 name, path);
	entries = cel_map_entries(a, v->map, &n);
	for (size_t i = 0; i < n; i++) {
		const char *below =
			name ? arena_printf(a, "%s.%.*s", path, (int)entries[i].key.text.len,
					    entries[i].key.text.p)
			     : path;

		if (check_names(a, &entries[i].value, below, err) < 0)
			return -1;
	}
	return 0;
}

/* The object with what the configuration V says. */
static json_t *apply(struct mutating *m, const struct cel_value *v, struct error **err)
{
	struct admission_input *in = &m->input;
	json_t *config json_auto = NULL;
	json_t *result;

	if (check_names(&in->arena, v, "Object", err) < 0)
		return NULL;
	config = cel_to_json(&in->arena, v, err);
	if (!config)
		return NULL;
	json_object_set(config, "apiVersion", json_object_get(in->object, "apiVersion"));
	json_object_set(config, "kind", json_object_get(in->object, "kind"));
	result = apply_merge(in->object, config, admission_schema(m->a, in->as), err);
	if (!result)
		error_wrap(err, "error applying patch");
	return result;
}

static void add_text(struct arena *a, json_t *op, const struct cel_value *v, const char *key)
{
	struct cel_value text;

	if (cel_map_field(a, v->map, key, &text) && text.text.len)
		json_object_set_new_nocheck(op, key,
					    json_stringn_nocheck(text.text.p, text.text.len));
}

/* A value in an operation may be an object of any place, as its own name says. */
static json_t *operation(struct arena *a, const struct cel_value *v, struct error **err)
{
	json_t *op json_auto = json_object();
	struct cel_value value;
	json_t *tree;

	add_text(a, op, v, "op");
	add_text(a, op, v, "path");
	add_text(a, op, v, "from");
	if (!cel_map_field(a, v->map, "value", &value))
		return steal(&op);
	if (cel_object_name(&value) && check_names(a, &value, cel_object_name(&value), err) < 0)
		return NULL;
	tree = cel_to_json(a, &value, err);
	if (!tree)
		return NULL;
	json_object_set_new(op, "value", tree);
	return steal(&op);
}

/* The object after the patch V; unchanged when one of its tests fails. */
static json_t *patch(struct mutating *m, const struct cel_value *v, struct error **err)
{
	struct admission_input *in = &m->input;
	json_t *operations json_auto = json_array();
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	bool test_failed = false;
	json_t *result;

	for (size_t i = 0; i < v->list->n; i++) {
		struct cel_value element = cel_list_at(&in->arena, v->list, i);
		json_t *op =
			element.kind == CEL_OBJECT ? operation(&in->arena, &element, &why) : NULL;

		if (!op) {
			error_set(&why, E_INVALID, "an element that is no JSONPatch");
			error_move(err, steal(&why));
			return NULL;
		}
		json_array_append_new(operations, op);
	}
	result = patch_json_tested(in->object, operations, &test_failed, &why);
	if (result)
		return result;
	if (test_failed)
		return json_incref(in->object);
	error_move(err, steal(&why));
	error_wrap(err, "JSON Patch");
	return NULL;
}

/* What is no object of its type is nobody's fault but the policy's: the request fails. */
static int take(struct mutating *m, json_t *shown, struct error **err)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;

	if (admission_take(m->a, shown, m->input.as, &why) == 0)
		return 0;
	return error_set(err, E_INTERNAL, "Internal error occurred: %s", error_message(why));
}

/* 0: the object is changed; -1 and *WHY, or *err when the request as a whole fails. */
static int mutate(struct mutating *m, const struct policy *p, const struct policy_rule *rule,
		  struct error **why, struct error **err)
{
	struct admission_input *in = &m->input;
	json_t *shown json_auto = NULL;
	json_t *copy json_auto = NULL;
	struct cel_value v;

	if (!rule->expression.program)
		return error_set(why, E_INVALID, "%s", rule->expression.problem);
	if (admission_input_begin(in, ADMISSION_POLICY_BUDGET, expression_variables(p->scope),
				  &p->variables, p->sees_namespace, err) < 0 ||
	    admission_evaluate(&rule->expression, in, &v, why) < 0)
		return -1;
	shown = rule->use == EXPRESSION_PATCH ? patch(m, &v, why) : apply(m, &v, why);
	if (!shown)
		return -1;
	if (shown == in->object || json_equal(shown, in->object))
		return 0;
	copy = json_deep_copy(shown);
	m->changed = true;
	return take(m, copy, err) < 0 ? -1 : admission_input_update(in, err);
}

/* The policies of this request that ran, and those that are to run again. */

static json_t *members(json_t *notes, const char *key)
{
	if (!json_object_get(notes, key))
		json_object_set_new(notes, key, json_object());
	return json_object_get(notes, key);
}

static char *key_of(const struct policy_invocation *i)
{
	return xasprintf("%s/%s/%s/%s", i->policy->name, i->binding->name,
			 json_path_string(i->params, "metadata.namespace"),
			 json_path_string(i->params, "metadata.name"));
}

static void run_again(json_t *notes)
{
	json_object_update(members(notes, "again"), members(notes, "ran"));
	json_object_clear(members(notes, "ran"));
}

static int run(struct mutating *m, const struct policy_invocation *i, json_t *notes,
	       struct error **err)
{
	char *key free_ptr = key_of(i);
	bool before = m->changed;

	m->changed = false;
	for (size_t k = 0; k < i->policy->mutations.n; k++) {
		struct error *why CLEANUP(error_free_cleanup) = NULL;

		if (mutate(m, i->policy, &i->policy->mutations.v[k], &why, err) == 0)
			continue;
		if (!why)
			return -1;
		add_failure(m, i, error_message(why), true);
	}
	if (m->changed)
		run_again(notes);
	m->changed = m->changed || before;
	if (i->policy->reinvocable)
		json_object_set_new(members(notes, "ran"), key, json_true());
	return 0;
}

static int invoke(struct mutating *m, const struct policy_invocation *i, json_t *notes,
		  struct error **err)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	char *key free_ptr = key_of(i);
	int holds;

	if (admission_input_aim(&m->input, m->a, i->as, i->params, err) < 0)
		return -1;
	holds = admission_conditions_hold(i->policy->conditions, &m->input, &why);
	if (holds < 0)
		add_failure(m, i, error_message(why), true);
	if (holds < 1 || (m->a->readmitted && !json_object_get(members(notes, "again"), key)))
		return 0;
	return run(m, i, notes, err);
}

static int invoke_all(struct mutating *m, struct error **err)
{
	json_t *notes = members(admission_notes(m->a), "MutatingAdmissionPolicy");
	json_t *last = json_object_get(notes, "last");

	if (m->a->readmitted && !json_equal(last, m->a->object))
		run_again(notes);
	vec_each (&m->invocations, i)
		if (invoke(m, i, notes, err) < 0)
			return -1;
	if (m->changed)
		m->a->admit_again = true;
	json_object_set_new(notes, "last", json_deep_copy(m->a->object));
	return 0;
}

/* In the words of the first; all are told. */
static int tell_failures(const struct mutating *m, struct error **err)
{
	struct error *e = error_new(E_FORBIDDEN, "%s", m->failures.v[0].message);

	error_set_details(e, m->a->resource->group, m->a->resource->plural, admission_name(m->a));
	if (m->failures.v[0].invalid)
		e->reason = xstrdup("Invalid");
	vec_each (&m->failures, f)
		error_add_cause(e, NULL, NULL, "%s", f->message);
	return error_move(err, e);
}

static int admit(struct admission *a, struct error **err)
{
	struct policy_set *set CLEANUP(policy_set_unref_cleanup) = NULL;
	struct mutating m CLEANUP(mutating_release) = {.a = a};
	int rc;

	if (!policy_applies(a) || !a->object)
		return 0;
	set = policy_set(a->local, POLICY_MUTATING, err);
	if (!set)
		return -1;
	rc = policy_visit(set, a, collect, &m, err);
	if (rc == 0 && m.invocations.n)
		rc = invoke_all(&m, err);
	return rc == 0 && m.failures.n ? tell_failures(&m, err) : rc;
}

const struct admission_plugin admission_mutating_policy = {
	.name = "MutatingAdmissionPolicy",
	.operations = ADMIT_CREATE | ADMIT_UPDATE | ADMIT_CONNECT,
	.resources = {"*"},
	.admit = admit,
};
