/*
 * Conversion by webhook: ConversionReview. A webhook changes what it likes of an object but its
 * identity: of the metadata only labels and annotations are taken from its answer.
 */
#include "cluster/local/hook.h"

#include "base/mem.h"
#include "cluster/lifecycle.h"
#include "http/http.h"
#include "kinds/kind.h"
#include "object/json.h"

#include <string.h>

#define REVIEW "apiextensions.k8s.io/"

struct hook_conversion {
	struct hook_target *target;
	const char *version; /* of ConversionReview; NULL: none that we know */
};

struct hook_conversion *hook_conversion_new(const json_t *conversion)
{
	static const char *const known[] = {"v1", "v1beta1", NULL};
	struct hook_conversion *c;
	size_t i;
	json_t *version;

	if (strcmp(json_path_string(conversion, "strategy"), "Webhook"))
		return NULL;
	c = xcalloc(1, sizeof(*c));
	c->target = hook_target_new(json_path(conversion, "webhook.clientConfig"));
	json_array_foreach (json_path(conversion, "webhook.conversionReviewVersions"), i, version)
		for (size_t k = 0; known[k] && !c->version; k++)
			if (str_equal(json_string_value(version), known[k]))
				c->version = known[k];
	return c;
}

void hook_conversion_free(struct hook_conversion *c)
{
	if (!c)
		return;
	hook_target_free(c->target);
	free(c);
}

/* One question on its way, for what errors tell of it. */
struct asked {
	const struct hook_conversion *conversion;
	const struct resource *r;
	const char *api_version;
	char uid[UID_TEXT];
	json_t **trees;
	size_t n;
};

static int refuse(const struct asked *a, struct error **err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int refuse(const struct asked *a, struct error **err, const char *format, ...)
{
	struct str why CLEANUP(str_release) = STR_INIT;
	va_list ap;

	va_start(ap, format);
	str_addv(&why, format, ap);
	va_end(ap);
	return error_set(err, E_UNKNOWN, "conversion webhook for %s, Kind=%s %s",
			 json_path_string(a->trees[0], "apiVersion"),
			 json_path_string(a->trees[0], "kind"), why.s);
}

/* Of one object its place is not told: "invalid object: ...". */
static int refuse_object(const struct asked *a, size_t i, const char *what, struct error **err)
{
	return a->n == 1 ? refuse(a, err, "returned invalid object: %s", what)
			 : refuse(a, err, "returned invalid converted object at index %zu: %s", i,
				  what);
}

static json_t *question(const struct asked *a)
{
	char *version free_ptr = xasprintf(REVIEW "%s", a->conversion->version);
	json_t *objects = json_array();

	for (size_t i = 0; i < a->n; i++)
		json_array_append(objects, a->trees[i]);
	return json_pack("{s:s,s:s,s:{s:s,s:s,s:o}}", "kind", "ConversionReview", "apiVersion",
			 version, "request", "uid", a->uid, "desiredAPIVersion", a->api_version,
			 "objects", objects);
}

/* "apiextensions.k8s.io/v1, Kind=ConversionReview", as Go prints what an answer is. */
static char *kind_text(const json_t *answer)
{
	const char *version = json_path_string(answer, "apiVersion");

	return xasprintf("%s%s, Kind=%s", strchr(version, '/') ? "" : "/", version,
			 json_path_string(answer, "kind"));
}

/* v1beta1 leaves open what kind an answer is and which question it belongs to. */
static int check_identity(const struct asked *a, const json_t *answer, struct error **err)
{
	char *kind free_ptr = kind_text(answer);
	const char *uid = json_path_string(answer, "response.uid");

	if (strcmp(a->conversion->version, "v1"))
		return 0;
	if (strcmp(kind, REVIEW "v1, Kind=ConversionReview"))
		return refuse(a, err,
			      "failed: expected webhook response of " REVIEW
			      "v1, Kind=ConversionReview, got %s",
			      kind);
	if (strcmp(uid, a->uid))
		return refuse(a, err, "failed: expected response.uid=\"%s\", got \"%s\"", a->uid,
			      uid);
	return 0;
}

static int check_answer(const struct asked *a, const json_t *answer, struct error **err)
{
	const char *status = json_path_string(answer, "response.result.status");
	const char *message = json_path_string(answer, "response.result.message");
	size_t n = json_array_size(json_path(answer, "response.convertedObjects"));

	if (!json_is_object(json_path(answer, "response")))
		return refuse(a, err, "failed: no response provided");
	if (check_identity(a, answer, err) < 0)
		return -1;
	if (strcmp(status, "Success"))
		return *message ? refuse(a, err, "failed: %s", message)
				: refuse(a, err,
					 "failed: response.result.status was '%s', not 'Success'",
					 status);
	if (n != a->n)
		return refuse(a, err, "returned %zu objects, expected %zu", n, a->n);
	return 0;
}

static int check_same(const struct asked *a, size_t i, const json_t *object, struct error **err)
{
	static const struct {
		const char *path, *word;
	} same[] = {
		{"metadata.name", "name"},
		{"metadata.namespace", "namespace"},
		{"metadata.uid", "UID"},
	};

	for (size_t k = 0; k < ARRAY_SIZE(same); k++) {
		const char *old = json_path_string(a->trees[i], same[k].path);
		const char *new = json_path_string(object, same[k].path);

		if (strcmp(old, new)) {
			char *what free_ptr = xasprintf("must have the same %s: %s != %s",
							same[k].word, old, new);

			return refuse_object(a, i, what, err);
		}
	}
	return 0;
}

static int check_type(const struct asked *a, size_t i, const json_t *object, struct error **err)
{
	const char *version = json_path_string(object, "apiVersion");
	const char *kind = json_path_string(object, "kind");
	const char *wanted = json_path_string(a->trees[i], "kind");
	const char *which = a->n == 1 ? "object" : "converted object";

	if (!json_is_object(object) || !*kind)
		return refuse(a, err,
			      "returned invalid converted object at index %zu: Object 'Kind' is "
			      "missing",
			      i);
	if (strcmp(version, a->api_version))
		return refuse(a, err,
			      "returned invalid %s at index %zu: invalid groupVersion (expected "
			      "%s, received %s)",
			      which, i, a->api_version, version);
	if (strcmp(kind, wanted))
		return refuse(a, err,
			      "returned invalid %s at index %zu: invalid kind (expected %s, "
			      "received %s)",
			      which, i, wanted, kind);
	return 0;
}

static int refuse_metadata(const struct asked *a, size_t i, const char *what, struct error **err)
{
	return a->n == 1 ? refuse(a, err, "returned invalid metadata: %s", what)
			 : refuse(a, err, "returned invalid metadata in object at index %zu: %s", i,
				  what);
}

/* What is wrong with FIELD of METADATA, which the webhook has changed, or NULL. The caller frees.
 */
static char *problem_of(const json_t *metadata, const char *name)
{
	struct field_errors *errors CLEANUP(field_errors_free_cleanup) = field_errors_new();
	json_t *root json_auto = json_pack("{s:O}", "metadata", metadata);
	const struct field object = field_root(root, errors);
	const struct field *values = FIELD(FIELD(&object, "metadata"), name);
	struct str all CLEANUP(str_release) = STR_INIT;
	size_t n;

	field_each_key (values, v)
		if (!json_is_string(v.value))
			return xasprintf("metadata.%s[%s] must be a string, but is %s in converted "
					 "object",
					 name, v.key, json_go_type(v.value));
	strcmp(name, "labels") ? rule_annotations(values) : rule_labels(values);
	n = field_errors_count(errors);
	for (size_t i = 0; i < n; i++) {
		char *text free_ptr = field_errors_text(errors, i);

		str_addf(&all, "%s%s", i ? ", " : n > 1 ? "[" : "", text);
	}
	if (n > 1)
		str_addc(&all, ']');
	return n ? str_take(&all) : NULL;
}

/* KEPT, a copy of the metadata as they were, gets NAME as METADATA have it. */
static int take_texts(const struct asked *a, size_t i, const json_t *metadata, json_t *kept,
		      const char *name, struct error **err)
{
	json_t *values = json_object_get(metadata, name);
	char *why free_ptr = NULL;

	if (!values || json_is_null(values)) {
		json_object_del(kept, name);
		return 0;
	}
	if (!json_is_object(values))
		why = xasprintf("invalid metadata.%s of type %s in converted object", name,
				json_go_type(values));
	else if (!json_equal(values, json_object_get(kept, name)))
		why = problem_of(metadata, name);
	if (why)
		return refuse_metadata(a, i, why, err);
	json_object_set(kept, name, values);
	return 0;
}

/* OBJECT, an answer, gets the metadata of the one that was sent. */
static int restore_metadata(const struct asked *a, size_t i, json_t *object, struct error **err)
{
	json_t *metadata = json_object_get(object, "metadata");
	json_t *kept json_auto = json_deep_copy(json_object_get(a->trees[i], "metadata"));

	if (!metadata)
		return refuse_metadata(a, i, "missing metadata in converted object", err);
	if (!json_is_object(metadata)) {
		char *why free_ptr = xasprintf("invalid metadata of type %s in converted object",
					       json_go_type(metadata));

		return refuse_metadata(a, i, why, err);
	}
	if (!kept)
		kept = json_object();
	if (take_texts(a, i, metadata, kept, "labels", err) < 0 ||
	    take_texts(a, i, metadata, kept, "annotations", err) < 0)
		return -1;
	json_object_set(object, "metadata", kept);
	return 0;
}

int hook_convert(const struct errand *e, const struct hook_conversion *c, const struct resource *r,
		 const char *api_version, json_t **trees, size_t n, struct error **err)
{
	struct asked a = {
		.conversion = c, .r = r, .api_version = api_version, .trees = trees, .n = n};
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	json_t *review json_auto = NULL;
	json_t *answer json_auto = NULL;
	json_t *objects;

	if (!n)
		return 0;
	if (!c->version)
		return error_set(err, E_UNKNOWN, "no supported conversion review versions");
	lifecycle_uid(a.uid);
	review = question(&a);
	answer = hook_ask(e,
			  &(struct hook_question){
				  .target = c->target, .body = review, .max_answer = HTTP_MAX_BODY},
			  &why);
	if (!answer)
		return error_code(why) == E_CANCELLED
			       ? error_move(err, steal(&why))
			       : refuse(&a, err, "failed: %s", error_message(why));
	if (check_answer(&a, answer, err) < 0)
		return -1;
	objects = json_path(answer, "response.convertedObjects");
	for (size_t i = 0; i < n; i++) {
		json_t *object = json_array_get(objects, i);

		if (check_type(&a, i, object, err) < 0 || check_same(&a, i, object, err) < 0 ||
		    restore_metadata(&a, i, object, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < n; i++) {
		json_t *object = json_incref(json_array_get(objects, i));

		json_object_set_new(object, "apiVersion", json_string(api_version));
		json_object_set(object, "kind", json_object_get(trees[i], "kind"));
		json_decref(trees[i]);
		trees[i] = object;
	}
	return 0;
}
