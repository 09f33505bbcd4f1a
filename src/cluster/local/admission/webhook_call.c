/*
 * One question to a webhook of admission, an AdmissionReview, and what its answer means: in the
 * words of kube-apiserver, which clients show as they are.
 */
#include "cluster/local/admission/webhooks.h"

#include "base/log.h"
#include "base/mem.h"
#include "cluster/local/admission_request.h"
#include "object/base64.h"
#include "object/json.h"
#include "object/schema.h"
#include "object/status.h"

#include <string.h>

#define REVIEW "admission.k8s.io/"
/* A patch is no larger than two objects. */
#define MAX_ANSWER (16u << 20)

int hook_internal(struct error **err, const char *format, ...)
{
	struct str why CLEANUP(str_release) = STR_INIT;
	struct error *e;
	va_list ap;

	va_start(ap, format);
	str_addv(&why, format, ap);
	va_end(ap);
	e = error_new(E_INTERNAL, "Internal error occurred: %s", why.s);
	error_add_cause(e, NULL, NULL, "%s", why.s);
	return error_move(err, e);
}

void hook_call_fail(struct hook_call *c, const char *format, ...)
{
	struct str why CLEANUP(str_release) = STR_INIT;
	va_list ap;

	va_start(ap, format);
	str_addv(&why, format, ap);
	va_end(ap);
	error_clear(&c->why);
	c->failed = true;
	hook_internal(&c->why, "failed calling webhook \"%s\": %s", c->hook->name, why.s);
}

/* Whether what is shown is an object of AS itself, not of one of the subresources with a type of
 * their own. */
static bool is_whole(const struct admission *a, const struct resource *as, const json_t *shown)
{
	return as->type && !as->custom &&
	       strcmp(json_path_string(shown, "apiVersion"), as->api_version) == 0 &&
	       strcmp(json_path_string(shown, "kind"), as->kind) == 0;
}

/* TREE as the webhook gets to see it: with the fields that are always written. Null where there is
 * none; NULL and *err. */
static json_t *told(struct admission *a, const json_t *tree, const struct resource *as,
		    struct error **err)
{
	json_t *shown json_auto = NULL;
	struct schema_value root;
	json_t *copy;

	if (!tree)
		return json_null();
	shown = admission_shown(a, tree, as, err);
	if (!shown || !is_whole(a, as, shown))
		return steal(&shown);
	root = schema_root(as->type);
	copy = json_deep_copy(shown);
	schema_fill_present(copy, &root);
	return copy;
}

int hook_call_prepare(struct hook_call *c, const struct hook *h, struct admission *a,
		      const struct resource *as, struct error **err)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	json_t *object json_auto = told(a, a->object, as, &why);
	json_t *old json_auto = object ? told(a, a->old, as, &why) : NULL;
	char *version free_ptr = xasprintf(REVIEW "%s", h->version ? h->version : "v1");
	json_t *request;

	*c = (struct hook_call){.hook = h};
	if (!object || !old)
		return error_code(why) == E_CANCELLED
			       ? error_move(err, steal(&why))
			       : hook_internal(err, "%s", error_message(why));
	request = admission_request(a, as);
	json_object_set_new(request, "uid", json_string(lifecycle_uid(c->uid)));
	json_object_set(request, "object", object);
	json_object_set(request, "oldObject", old);
	c->review = json_pack("{s:s,s:s,s:o}", "kind", "AdmissionReview", "apiVersion", version,
			      "request", request);
	return 0;
}

void hook_call_release(struct hook_call *c)
{
	json_decref(c->review);
	json_decref(c->answer);
	error_free(c->why);
}

/* v1beta1 leaves open what kind an answer is and which question it belongs to. */
static bool is_ours(struct hook_call *c, const json_t *answer)
{
	const char *version = json_path_string(answer, "apiVersion");
	const char *kind = json_path_string(answer, "kind");
	const char *uid = json_path_string(answer, "response.uid");

	if (strcmp(c->hook->version, "v1"))
		return true;
	if (strcmp(uid, c->uid))
		hook_call_fail(c,
			       "received invalid webhook response: expected response.uid=\"%s\", "
			       "got \"%s\"",
			       c->uid, uid);
	else if (strcmp(version, REVIEW "v1") || strcmp(kind, "AdmissionReview"))
		hook_call_fail(
			c,
			"received invalid webhook response: expected webhook response of " REVIEW
			"v1, Kind=AdmissionReview, got %s%s, Kind=%s",
			strchr(version, '/') ? "" : "/", version, kind);
	return !c->failed;
}

/* What a response holds has the types that it should have. */
static bool is_well_formed(struct hook_call *c, const json_t *response)
{
	static const struct {
		const char *path;
		json_type type;
	} fields[] = {
		{"patch", JSON_STRING},
		{"patchType", JSON_STRING},
		{"status", JSON_OBJECT},
		{"warnings", JSON_ARRAY},
		{"auditAnnotations", JSON_OBJECT},
	};
	const json_t *allowed = json_object_get(response, "allowed");

	if (allowed && !json_is_boolean(allowed) && !json_is_null(allowed))
		hook_call_fail(c, "failed to call webhook: response.allowed is no boolean");
	for (size_t i = 0; i < ARRAY_SIZE(fields) && !c->failed; i++) {
		const json_t *value = json_object_get(response, fields[i].path);

		if (value && !json_is_null(value) && json_typeof(value) != fields[i].type)
			hook_call_fail(c, "failed to call webhook: response.%s is of another type",
				       fields[i].path);
	}
	return !c->failed;
}

static bool check_patch(struct hook_call *c, const json_t *response, bool mutating)
{
	bool patch = *json_path_string(response, "patch") != '\0';
	const json_t *type = json_object_get(response, "patchType");
	const char *what = NULL;

	if (json_is_null(type))
		type = NULL;
	if (!mutating && patch)
		what = "validating webhook may not return response.patch";
	else if (!mutating && type)
		what = "validating webhook may not return response.patchType";
	else if (mutating && patch && !type)
		what = "webhook returned response.patch but not response.patchType";
	else if (mutating && !patch && type)
		what = "webhook returned response.patchType but not response.patch";
	else if (type && !*json_string_value(type))
		what = "webhook returned invalid response.patchType of \"\"";
	if (what && strcmp(c->hook->version, "v1") == 0)
		hook_call_fail(c, "received invalid webhook response: %s", what);
	return !c->failed;
}

/* Codes by which this program's own retries would take a refusal for one of its own. */
static bool is_for_others(enum error_code code)
{
	return code == E_NOT_FOUND || code == E_EXISTS || code == E_CONFLICT || code == E_GONE ||
	       code == E_CANCELLED || code == E_UNAUTHORIZED || code == E_MISFIT;
}

/* The refusal as the webhook words it: a Status of its own, at least 400. */
static struct error *refusal(const struct hook *h, const json_t *status)
{
	json_t *copy json_auto = json_is_object(status) ? json_deep_copy(status) : json_object();
	const char *message = json_path_string(copy, "message");
	const char *reason = json_path_string(copy, "reason");
	json_int_t code = json_path_int(copy, "code", 0);
	char *text free_ptr = NULL;
	struct str json CLEANUP(str_release) = STR_INIT;
	struct error *e;

	if (*message || *reason)
		text = xasprintf("admission webhook \"%s\" denied the request: %s", h->name,
				 *message ? message : reason);
	else
		text = xasprintf("admission webhook \"%s\" denied the request without explanation",
				 h->name);
	code = code < 400 || code > 599 ? 400 : code;
	json_object_set_new(copy, "kind", json_string("Status"));
	json_object_set_new(copy, "message", json_string(text));
	json_object_set_new(copy, "code", json_integer(code));
	json_write(copy, &json);
	e = status_to_error((int)code, json.s, json.len);
	if (is_for_others(e->code))
		e->code = E_FORBIDDEN;
	e->http_status = (int)code;
	free(e->reason);
	e->reason = xstrdup(reason);
	return e;
}

static void read_answer(struct hook_call *c, const json_t *answer, bool mutating)
{
	json_t *response = json_path(answer, "response");

	if (!json_is_object(response)) {
		hook_call_fail(c, "received invalid webhook response: webhook response was absent");
		return;
	}
	if (!is_well_formed(c, response) || !is_ours(c, answer) ||
	    !check_patch(c, response, mutating))
		return;
	c->answer = json_incref(response);
	if (!json_path_bool(response, "allowed", false))
		c->why = refusal(c->hook, json_path(response, "status"));
}

/* The webhook's own time, within what is left of the request's; in seconds, rounded up. */
static int timeout_of(const struct hook *h, const struct errand *e)
{
	int left_ms = errand_left_ms(e);
	int left_s = left_ms < 0 ? 0 : (left_ms + 999) / 1000;

	if (!h->timeout_s || (left_s && left_s < h->timeout_s))
		return left_s;
	return h->timeout_s;
}

void hook_call_run(struct hook_call *c, const struct admission *a, bool mutating)
{
	const struct hook *h = c->hook;
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	json_t *answer json_auto = NULL;

	if (!h->version) {
		hook_call_fail(c, "could not create admission objects: webhook does not accept "
				  "known AdmissionReview versions (v1, v1beta1)");
		return;
	}
	answer = hook_ask(&a->errand,
			  &(struct hook_question){.target = h->target,
						  .body = c->review,
						  .timeout_s = timeout_of(h, &a->errand),
						  .max_answer = MAX_ANSWER},
			  &why);
	if (answer)
		read_answer(c, answer, mutating);
	else if (call_cancelled(a->call))
		c->why = steal(&why);
	else
		hook_call_fail(c, "failed to call webhook: %s", error_message(why));
}

int hook_call_finish(struct hook_call *c, const struct admission *a, struct error **err)
{
	char *const name = c->hook->name;
	json_t *warning, *note;
	const char *key;
	size_t i;

	json_object_foreach (json_path(c->answer, "auditAnnotations"), key, note) {
		char *whole free_ptr = xasprintf("%s/%s", name, key);

		if (json_is_string(note))
			admission_annotate(a, whole, json_string_value(note));
	}
	json_array_foreach (json_path(c->answer, "warnings"), i, warning)
		if (json_is_string(warning))
			admission_warn(a, "%s", json_string_value(warning));
	if (!c->why)
		return 0;
	if (!c->failed || !c->hook->ignore)
		return error_move(err, steal(&c->why));
	log_warn("admission goes on without it: %s", error_message(c->why));
	if (errand_over(&a->errand))
		return error_set(err, E_TIMEOUT,
				 "Timeout: request did not complete within requested timeout");
	return 0;
}
