/*
 * MutatingAdmissionWebhook: webhooks that may change the object, one after the other, each seeing
 * what those before it have made. Who wants to sees it once more when others changed it after him.
 */
#include "cluster/local/admission/plugins.h"
#include "cluster/local/admission/webhooks.h"

#include "base/mem.h"
#include "cluster/local/admission_request.h"
#include "object/base64.h"
#include "object/json.h"
#include "object/patch.h"

#include <string.h>

struct hook_round {
	struct hooks *hooks;
	/* Of each: it was asked and wants to be again after a change; there was one. */
	bool *asked, *due;
	json_t *last; /* the object as the first round left it */
};

void hook_round_free(struct hook_round *round)
{
	if (!round)
		return;
	hooks_unref(round->hooks);
	free(round->asked);
	free(round->due);
	json_decref(round->last);
	free(round);
}

/* Both rounds ask the same webhooks. */
static struct hook_round *round_of(struct admission *a, struct error **err)
{
	struct hooks *hooks;

	if (a->round)
		return a->round;
	hooks = hooks_get(a->local, HOOKS_MUTATING, err);
	if (!hooks)
		return NULL;
	a->round = xcalloc(1, sizeof(*a->round));
	a->round->hooks = hooks;
	a->round->asked = xcalloc(hooks->n + 1, sizeof(bool));
	a->round->due = xcalloc(hooks->n + 1, sizeof(bool));
	return a->round;
}

static void object_changed(struct hook_round *round)
{
	for (size_t i = 0; i < round->hooks->n; i++) {
		round->due[i] |= round->asked[i];
		round->asked[i] = false;
	}
}

/* The operations of an answer; NULL: none, or C has failed. */
static json_t *patch_of(struct hook_call *c)
{
	const char *text = json_path_string(c->answer, "patch");
	const char *type = json_path_string(c->answer, "patchType");
	struct str bytes CLEANUP(str_release) = STR_INIT;
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	json_t *patch json_auto = NULL;

	if (!*text)
		return NULL;
	if (!base64_decode(text, strlen(text), &bytes)) {
		hook_call_fail(c, "failed to call webhook: response.patch is no base64");
		return NULL;
	}
	patch = json_read(bytes.s, bytes.len, &why);
	if (!json_is_array(patch)) {
		hook_call_fail(c, "received undecodable patch in webhook response: %s",
			       patch ? "it is no list" : error_message(why));
		return NULL;
	}
	if (!json_array_size(patch))
		return NULL;
	if (strcmp(type, "JSONPatch") && strcmp(c->hook->version, "v1") == 0) {
		hook_call_fail(c, "unsupported patch type \"%s\"", type);
		return NULL;
	}
	return steal(&patch);
}

/* What a webhook makes of an object stays an object of its type. */
static int take(struct admission *a, const struct resource *as, const json_t *told, json_t *patched,
		struct error **err)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;

	if (!json_is_object(patched))
		return hook_internal(err, "the patch leaves no object");
	json_object_set(patched, "apiVersion", json_object_get(told, "apiVersion"));
	json_object_set(patched, "kind", json_object_get(told, "kind"));
	if (admission_take(a, patched, as, &why) < 0)
		return error_code(why) == E_CANCELLED
			       ? error_move(err, steal(&why))
			       : hook_internal(err, "%s", error_message(why));
	return 0;
}

/* *changed: the object is another one now. */
static int use_patch(struct admission *a, const struct resource *as, struct hook_call *c,
		     bool *changed, struct error **err)
{
	const json_t *told = json_path(c->review, "request.object");
	json_t *patch json_auto = patch_of(c);
	json_t *patched json_auto = NULL;
	json_t *before json_auto = NULL;
	struct error *why CLEANUP(error_free_cleanup) = NULL;

	if (!patch)
		return 0;
	if (!a->object)
		return hook_internal(err,
				     "admission webhook \"%s\" attempted to modify the object, "
				     "which is not supported for this operation",
				     c->hook->name);
	patched = patch_json(told, patch, &why);
	if (!patched)
		return hook_internal(err, "%s", error_message(why));
	before = json_deep_copy(a->object);
	if (take(a, as, told, patched, err) < 0)
		return -1;
	*changed = !json_equal(before, a->object);
	return 0;
}

static int ask(struct admission *a, struct hook_round *round, size_t i, const struct resource *as,
	       struct error **err)
{
	struct hook_call c CLEANUP(hook_call_release) = {0};
	bool changed = false;

	if (hook_call_prepare(&c, &round->hooks->v[i], a, as, err) < 0)
		return -1;
	hook_call_run(&c, a, true);
	if (!c.why && use_patch(a, as, &c, &changed, err) < 0)
		return -1;
	if (changed) {
		object_changed(round);
		a->admit_again = true;
	}
	round->asked[i] |= c.hook->again;
	return hook_call_finish(&c, a, err);
}

static int visit(struct admission *a, struct hook_round *round, size_t i, struct error **err)
{
	const struct resource *as = NULL;
	int result = hook_concerns(&round->hooks->v[i], a, &as, err);

	if (result <= 0)
		return result;
	result = a->readmitted && !round->due[i] ? 0 : ask(a, round, i, as, err);
	resource_unref(as);
	return result;
}

static int admit(struct admission *a, struct error **err)
{
	struct hook_round *round;

	if (!hooks_concern(a))
		return 0;
	round = round_of(a, err);
	if (!round)
		return -1;
	if (!round->hooks->n)
		return 0;
	/* Plugins that ran again have changed it. */
	if (a->readmitted && a->object && !json_equal(round->last, a->object))
		object_changed(round);
	for (size_t i = 0; i < round->hooks->n; i++)
		if (visit(a, round, i, err) < 0)
			return -1;
	json_decref(round->last);
	round->last = json_deep_copy(a->object);
	return 0;
}

const struct admission_plugin admission_mutating_webhook = {
	.name = "MutatingAdmissionWebhook",
	.operations = ADMIT_CREATE | ADMIT_UPDATE | ADMIT_DELETE | ADMIT_CONNECT,
	.resources = {"*"},
	.admit = admit,
};
