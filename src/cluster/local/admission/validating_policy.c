/*
 * ValidatingAdmissionPolicy: what policies say of a request. The first that denies is told; what
 * only warns or is for the audit log is told of each.
 */
#include "cluster/local/admission/plugins.h"
#include "cluster/local/admission/policy.h"

#include "base/vec.h"
#include "cluster/local/admission_request.h"
#include "kinds/rules.h"
#include "object/json.h"

#include <string.h>

#define MESSAGE_MAX (5 * 1024)
#define ANNOTATION_MAX (10 * 1024)

/* What one policy noted, by key: each value once. */
struct note {
	const char *key; /* of the policy's rule */
	struct str values;
	json_t *seen;
};

struct asking {
	struct admission *a;
	struct admission_input input; /* of the last resource; AS NULL: none yet */
	const struct policy *policy;  /* whose notes these are */
	struct {
		struct note *v;
		size_t n, cap;
	} notes;
	char *denial; /* the first; NULL: none */
	char *reason;
};

static void deny(struct asking *q, const struct policy_invocation *i, const char *message,
		 const char *reason)
{
	if (q->denial)
		return;
	q->denial = i->binding
			    ? xasprintf("ValidatingAdmissionPolicy '%s' with binding '%s' denied "
					"request: %s",
					i->policy->name, i->binding->name, message)
			    : xasprintf("ValidatingAdmissionPolicy '%s' denied request: %s",
					i->policy->name, message);
	q->reason = xstrdup(*reason ? reason : "Invalid");
}

static void note_failure(struct asking *q, const struct policy_invocation *i, size_t index,
			 const char *message)
{
	json_t *list json_auto =
		json_pack("[{s:s,s:s,s:s,s:I,s:O}]", "message", message, "policy",
			  i->binding->policy, "binding", i->binding->name, "expressionIndex",
			  (json_int_t)index, "validationActions", i->binding->action_list);
	char *text free_ptr = list ? json_to_text(list, JSON_COMPACT) : NULL;

	if (text)
		admission_annotate(q->a, "validation.policy.admission.k8s.io/validation_failure",
				   text);
}

/* The INDEX-th validation does not hold: each of the binding's actions has its say. */
static void refuse(struct asking *q, const struct policy_invocation *i, size_t index,
		   const char *message, const char *reason)
{
	if (i->binding->actions & POLICY_DENY)
		deny(q, i, message, reason);
	if (i->binding->actions & POLICY_AUDIT)
		note_failure(q, i, index, message);
	if (i->binding->actions & POLICY_WARN)
		admission_warn(q->a,
			       "Validation failed for ValidatingAdmissionPolicy '%s' with binding "
			       "'%s': %s",
			       i->policy->name, i->binding->name, message);
}

/* What went wrong is as bad as a validation that does not hold, unless it does not count. */
static void fail(struct asking *q, const struct policy_invocation *i, size_t index,
		 const char *message)
{
	if (!i->policy->ignore)
		refuse(q, i, index, message, "");
}

/* What messageExpression makes, or "" where it is of no use. */
static char *computed_message(const struct cel_value *v)
{
	char *raw free_ptr = NULL;
	char *text;

	if (v->kind != CEL_STRING)
		return xstrdup("");
	raw = xstrndup(v->text.p, v->text.len);
	text = text_trimmed(raw);
	if (strlen(text) > MESSAGE_MAX || strchr(text, '\n'))
		*text = '\0';
	return text;
}

static char *message_of(const struct policy_rule *r, const struct cel_value *computed)
{
	char *text = computed ? computed_message(computed) : xstrdup("");

	if (!*text) {
		free(text);
		text = text_trimmed(r->message);
	}
	if (!*text) {
		char *expression free_ptr = text_trimmed(r->expression.text);

		free(text);
		text = xasprintf("failed expression: %s", expression);
	}
	return text;
}

/* How a validation came out, until all have and messages are made. */
struct result {
	bool holds;
	char *problem; /* NULL: it was evaluated */
	struct cel_value message;
	bool has_message;
};

static void results_free(struct result *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(v[i].problem);
	free(v);
}

/* 0, or -1 and *err when the budget is spent. */
static int evaluate_all(struct asking *q, const struct policy *p, struct result *out,
			struct error **err)
{
	for (size_t i = 0; i < p->validations.n; i++) {
		struct error *why CLEANUP(error_free_cleanup) = NULL;
		struct cel_value v;

		if (admission_evaluate(&p->validations.v[i].expression, &q->input, &v, &why) == 0)
			out[i].holds = v.boolean;
		else if (error_code(why) == E_TOO_LARGE)
			return error_move(err, steal(&why));
		else
			out[i].problem = xstrdup(error_message(why));
	}
	return 0;
}

/* Messages of all validations, of those that hold too: they share what is left of the budget. */
static int make_messages(struct asking *q, const struct policy *p, struct result *out,
			 struct error **err)
{
	if (admission_input_begin(&q->input, q->input.budget, expression_variables(p->scope),
				  &p->variables, p->sees_namespace, err) < 0)
		return -1;
	for (size_t i = 0; i < p->validations.n; i++) {
		const struct admission_expression *e = &p->validations.v[i].computed;
		struct error *why CLEANUP(error_free_cleanup) = NULL;

		if (!e->text)
			continue;
		out[i].has_message = admission_evaluate(e, &q->input, &out[i].message, &why) == 0;
		if (error_code(why) == E_TOO_LARGE)
			return error_move(err, steal(&why));
	}
	return 0;
}

static void decide(struct asking *q, const struct policy_invocation *i, struct result *results,
		   const struct error *no_messages)
{
	for (size_t k = 0; k < i->policy->validations.n; k++) {
		const struct policy_rule *rule = &i->policy->validations.v[k];
		const struct result *r = &results[k];
		char *message free_ptr = NULL;

		if (r->problem) {
			fail(q, i, k, r->problem);
		} else if (no_messages) {
			message = xasprintf("failed messageExpression: %s",
					    error_message(no_messages));
			fail(q, i, k, message);
		} else if (!r->holds) {
			message = message_of(rule, r->has_message ? &r->message : NULL);
			refuse(q, i, k, message, rule->reason);
		}
	}
}

static int begin(struct asking *q, const struct policy *p, struct error **err)
{
	return admission_input_begin(&q->input, ADMISSION_POLICY_BUDGET,
				     expression_variables(p->scope), &p->variables,
				     p->sees_namespace, err);
}

static int validate_all(struct asking *q, const struct policy_invocation *i, struct error **err)
{
	const struct policy *p = i->policy;
	struct result *results = xcalloc(p->validations.n + 1, sizeof(*results));
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	struct error *no_messages CLEANUP(error_free_cleanup) = NULL;
	int rc = begin(q, p, err);

	if (rc == 0 && evaluate_all(q, p, results, &why) < 0) {
		fail(q, i, 0, error_message(why));
	} else if (rc == 0) {
		make_messages(q, p, results, &no_messages);
		decide(q, i, results, no_messages);
	}
	results_free(results, p->validations.n);
	return rc;
}

static void add_note(struct asking *q, const char *key, const char *value)
{
	struct note *note = NULL;

	vec_each (&q->notes, n)
		if (strcmp(n->key, key) == 0)
			note = n;
	if (!note) {
		vec_push(&q->notes, (struct note){key, STR_INIT, json_object()});
		note = &q->notes.v[q->notes.n - 1];
	}
	if (json_object_get(note->seen, value))
		return;
	json_object_set_new(note->seen, value, json_true());
	str_addf(&note->values, "%s%.*s", note->values.len ? ", " : "", ANNOTATION_MAX, value);
}

/* The notes of a policy are one annotation a key, whatever its bindings and parameters. */
static void publish_notes(struct asking *q)
{
	vec_each (&q->notes, n) {
		char *key free_ptr = xasprintf("%s/%s", q->policy->name, n->key);

		admission_annotate(q->a, key, n->values.s);
		str_release(&n->values);
		json_decref(n->seen);
	}
	q->notes.n = 0;
}

/* 0, or -1 when the budget is spent. */
static int annotate(struct asking *q, const struct policy_invocation *i,
		    const struct admission_expression *e)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	struct cel_value v;
	char *raw free_ptr = NULL;
	char *text free_ptr = NULL;

	if (admission_evaluate(e, &q->input, &v, &why) < 0) {
		/* Whatever the binding's actions are. */
		if (!i->policy->ignore)
			deny(q, i, error_message(why), "");
		return error_code(why) == E_TOO_LARGE ? -1 : 0;
	}
	if (v.kind != CEL_STRING)
		return 0;
	raw = xstrndup(v.text.p, v.text.len);
	text = text_trimmed(raw);
	if (*text)
		add_note(q, e->name, text);
	return 0;
}

static int annotate_all(struct asking *q, const struct policy_invocation *i, struct error **err)
{
	const struct policy_rules *rules = &i->policy->annotations;

	if (rules->n && begin(q, i->policy, err) < 0)
		return -1;
	for (size_t k = 0; k < rules->n; k++)
		if (annotate(q, i, &rules->v[k].expression) < 0)
			break;
	return 0;
}

static int ask(void *arg, const struct policy_invocation *i, const char *problem,
	       struct error **err)
{
	struct asking *q = arg;
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	int holds;

	if (q->policy != i->policy)
		publish_notes(q);
	q->policy = i->policy;
	if (problem) {
		deny(q, i, problem, "");
		return 0;
	}
	if (admission_input_aim(&q->input, q->a, i->as, i->params, err) < 0)
		return -1;
	holds = admission_conditions_hold(i->policy->conditions, &q->input, &why);
	if (holds < 0)
		fail(q, i, 0, error_message(why));
	if (holds < 1)
		return 0;
	return validate_all(q, i, err) < 0 ? -1 : annotate_all(q, i, err);
}

/* "pods \"a\" is forbidden: ..." with the status that the policy asks for. */
static int tell_denial(const struct asking *q, struct error **err)
{
	static const struct {
		const char *reason;
		int status;
	} statuses[] = {{"Forbidden", 403}, {"Unauthorized", 401}, {"RequestEntityTooLarge", 413}};
	struct error *e = NULL;

	admission_forbid(q->a, &e, "%s", q->denial);
	error_add_cause(e, NULL, NULL, "%s", q->denial);
	e->code = E_INVALID;
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
		if (strcmp(q->reason, statuses[i].reason) == 0)
			e->code = error_code_from_status(statuses[i].status, q->reason);
	return error_move(err, e);
}

static int validate(struct admission *a, struct error **err)
{
	struct policy_set *set CLEANUP(policy_set_unref_cleanup) = NULL;
	struct asking q = {.a = a};
	int rc;

	if (!policy_applies(a))
		return 0;
	set = policy_set(a->local, POLICY_VALIDATING, err);
	if (!set)
		return -1;
	rc = policy_visit(set, a, ask, &q, err);
	publish_notes(&q);
	if (rc == 0 && q.denial)
		rc = tell_denial(&q, err);
	vec_release(&q.notes);
	admission_input_release(&q.input);
	free(q.denial);
	free(q.reason);
	return rc;
}

const struct admission_plugin admission_validating_policy = {
	.name = "ValidatingAdmissionPolicy",
	.operations = ADMIT_CREATE | ADMIT_UPDATE | ADMIT_DELETE | ADMIT_CONNECT,
	.resources = {"*"},
	.validate = validate,
};
