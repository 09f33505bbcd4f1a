/*
 * ValidatingAdmissionWebhook: webhooks that may refuse a request, all asked at once.
 */
#include "cluster/local/admission/plugins.h"
#include "cluster/local/admission/webhooks.h"

#include "base/mem.h"

#include <stdatomic.h>

/* So many are asked at a time, for one request. */
#define THREADS_MAX 16

struct round {
	const struct admission *admission;
	struct hook_call *v;
	size_t n, cap;
	atomic_size_t next;
};

static void round_release(struct round *round)
{
	vec_each (round, c)
		hook_call_release(c);
	vec_release(round);
}

/* Takes the next question until there is none. */
static void *ask_some(void *arg)
{
	struct round *round = arg;
	size_t i;

	while ((i = atomic_fetch_add(&round->next, 1)) < round->n)
		hook_call_run(&round->v[i], round->admission, false);
	return NULL;
}

/* This thread asks as well: one webhook needs no other, and without any other it asks them all. */
static void ask_all(struct round *round)
{
	pthread_t threads[THREADS_MAX];
	size_t n = 0;

	while (n + 1 < MIN(round->n, THREADS_MAX) &&
	       pthread_create(&threads[n], NULL, ask_some, round) == 0)
		n++;
	ask_some(round);
	while (n)
		pthread_join(threads[--n], NULL);
}

static int add_call(struct round *round, const struct hook *h, struct admission *a,
		    struct error **err)
{
	const struct resource *as = NULL;
	struct hook_call c = {0};
	int result = hook_concerns(h, a, &as, err);

	if (result <= 0)
		return result;
	result = hook_call_prepare(&c, h, a, as, err);
	if (result == 0)
		vec_push(round, c);
	resource_unref(as);
	return result;
}

static int validate_by(const struct hooks *hooks, struct admission *a, struct error **err)
{
	struct round round CLEANUP(round_release) = {.admission = a};
	int result = 0;

	for (size_t i = 0; i < hooks->n; i++)
		if (add_call(&round, &hooks->v[i], a, err) < 0)
			return -1;
	if (!round.n)
		return 0;
	ask_all(&round);
	/* All warnings are told, and the first reason. */
	for (size_t i = 0; i < round.n; i++)
		if (hook_call_finish(&round.v[i], a, result ? NULL : err) < 0)
			result = -1;
	return result;
}

static int validate(struct admission *a, struct error **err)
{
	struct hooks *hooks;
	int result;

	if (!hooks_concern(a))
		return 0;
	hooks = hooks_get(a->local, HOOKS_VALIDATING, err);
	if (!hooks)
		return -1;
	result = validate_by(hooks, a, err);
	hooks_unref(hooks);
	return result;
}

const struct admission_plugin admission_validating_webhook = {
	.name = "ValidatingAdmissionWebhook",
	.operations = ADMIT_CREATE | ADMIT_UPDATE | ADMIT_DELETE | ADMIT_CONNECT,
	.resources = {"*"},
	.validate = validate,
};
