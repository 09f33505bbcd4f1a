/*
 * POST of serviceaccounts/NAME/token: a token for an account, for some audiences and a while, that
 * ends with the object it is bound to.
 */
#include "cluster/local/tokens.h"

#include "base/mem.h"
#include "cluster/lifecycle.h"
#include "cluster/local/admission.h"
#include "kinds/field.h"
#include "object/json.h"
#include "object/time.h"

#include <string.h>

#define SECONDS_MIN 600
#define SECONDS_MAX (INT64_C(1) << 32)
/* What the token of a pod's volume is asked for; it is then valid for a year, so that a client that
 * never reads its file again is told (warnafter) before it is refused. */
#define SECONDS_OF_VOLUMES 3607
#define SECONDS_EXTENDED (INT64_C(365) * 24 * 3600)

/* What a request is about, as far as it is known. */
struct grant {
	const struct write *w;
	json_t *request;
	struct object *account, *pod, *node, *secret;
	char *node_name; /* of the pod, where the node is not there */
};

static void grant_release(struct grant *g)
{
	json_decref(g->request);
	object_unref(g->account);
	object_unref(g->pod);
	object_unref(g->node);
	object_unref(g->secret);
	free(g->node_name);
}

/* ---- what is asked for */

/* TokenRequest is the body of a subresource and has no path of its own. */
static const struct resource *request_type(void)
{
	static const char *const none[] = {NULL};
	const struct resource template = {
		.group = "authentication.k8s.io",
		.version = "v1",
		.storage_group = "authentication.k8s.io",
		.storage_version = "v1",
		.plural = "tokenrequests",
		.singular = "tokenrequest",
		.kind = "TokenRequest",
		.short_names = none,
		.categories = none,
		.namespaced = true,
		.type = schema_type_find("io.k8s.api.authentication.v1.TokenRequest"),
	};

	return resource_new(&template, NULL);
}

static int check_names(const struct grant *g, const struct resource *type, struct error **err)
{
	struct field_errors *errors CLEANUP(field_errors_free_cleanup) = field_errors_new();
	const struct field o = field_root(g->request, errors);
	const char *name = json_path_string(g->request, "metadata.name");
	const char *namespace = json_path_string(g->request, "metadata.namespace");

	if (*namespace && strcmp(namespace, g->w->namespace) != 0)
		return error_set(err, E_BAD_REQUEST,
				 "the namespace of the provided object does not match the "
				 "namespace sent on the request");
	if (*name && strcmp(name, g->w->name) != 0)
		field_invalid(FIELD(&o, "metadata.name"),
			      "must match the service account name if specified");
	return field_errors_finish(errors, type, g->w->name, err);
}

static int check_spec(const struct grant *g, const struct resource *type, struct error **err)
{
	struct field_errors *errors CLEANUP(field_errors_free_cleanup) = field_errors_new();
	const struct field o = field_root(g->request, errors);
	const struct field *seconds = FIELD(&o, "spec.expirationSeconds");

	if (field_int(seconds) < SECONDS_MIN)
		field_invalid(seconds, "may not specify a duration less than 10 minutes");
	if (field_int(seconds) > SECONDS_MAX)
		field_invalid(seconds, "may not specify a duration larger than 2^32 seconds");
	return field_errors_finish(errors, type, "", err);
}

/* Something else has the name by now: KIND is what the answer calls it. */
static int refuse_uid(const char *group, const char *kind, const char *name, const char *where,
		      const char *given, const char *real, struct error **err)
{
	const struct resource named = {.group = group, .plural = kind};
	char *why free_ptr =
		xasprintf("the UID in the %s (%s) does not match the UID %s", where, given, real);

	return refuse_conflict(&named, name, why, err);
}

/* What the request leaves out, its account says. */
static int complete(struct grant *g, int64_t now, struct error **err)
{
	const char *uid = json_path_string(g->request, "metadata.uid");
	char text[TIME_TEXT];

	if (*uid && strcmp(uid, g->account->uid) != 0) {
		char *real free_ptr = xasprintf("of the service account (%s)", g->account->uid);

		return refuse_uid("authentication.k8s.io", "TokenRequest", g->w->name,
				  "token request", uid, real, err);
	}
	if (!json_array_size(json_path(g->request, "spec.audiences")))
		json_path_set(g->request, "spec.audiences", json_pack("[s]", TOKEN_ISSUER));
	json_path_set(g->request, "metadata.name", json_string(g->account->name));
	json_path_set(g->request, "metadata.namespace", json_string(g->account->namespace));
	json_path_set(g->request, "metadata.uid", json_string(g->account->uid));
	json_path_set(g->request, "metadata.creationTimestamp",
		      json_string(time_format(now, text)));
	json_object_set_new(g->request, "status", json_object());
	return 0;
}

/* ---- what it is bound to */

static struct object *read_core(struct local *l, const char *plural, const char *namespace,
				const char *name, struct error **err)
{
	struct catalog *builtin CLEANUP(catalog_unref_cleanup) = catalog_builtin();

	return local_read(l, catalog_find(builtin, "", "v1", plural), namespace, name, err);
}

/* A pod's token also tells the node, if only its name. */
static int take_node_of_pod(struct grant *g, struct error **err)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;

	g->node_name = object_string(g->pod, "spec.nodeName");
	if (!g->node_name || !*g->node_name)
		return 0;
	g->node = read_core(g->w->l, "nodes", "", g->node_name, &why);
	return g->node || error_code(why) == E_NOT_FOUND ? 0 : error_move(err, steal(&why));
}

static int bind_pod(struct grant *g, const char *name, struct error **err)
{
	char *account free_ptr = NULL;

	g->pod = read_core(g->w->l, "pods", g->w->namespace, name, err);
	if (!g->pod)
		return -1;
	account = object_string(g->pod, "spec.serviceAccountName");
	if (!str_equal(account, g->w->name))
		return error_set(err, E_BAD_REQUEST,
				 "cannot bind token for serviceaccount \"%s\" to pod running with "
				 "different serviceaccount name.",
				 g->w->name);
	return take_node_of_pod(g, err);
}

static int bind_node(struct grant *g, const char *name, struct error **err)
{
	g->node = read_core(g->w->l, "nodes", "", name, err);
	return g->node ? 0 : -1;
}

static int bind_secret(struct grant *g, const char *name, struct error **err)
{
	g->secret = read_core(g->w->l, "secrets", g->w->namespace, name, err);
	return g->secret ? 0 : -1;
}

static const struct {
	const char *kind;
	int (*bind)(struct grant *g, const char *name, struct error **err);
} bindings[] = {
	{"Pod", bind_pod},
	{"Node", bind_node},
	{"Secret", bind_secret},
};

/* A group and a version; with more than one slash it is neither. */
static bool has_group(const char *api_version)
{
	const char *slash = strchr(api_version, '/');

	return slash && slash != api_version && !strchr(slash + 1, '/');
}

static int refuse_kind(const char *api_version, const char *kind, struct error **err)
{
	const char *slash = strchr(api_version, '/');
	bool neither = slash && strchr(slash + 1, '/');

	return error_set(err, E_BAD_REQUEST, "cannot bind token to object of type %s%s, Kind=%s",
			 slash && !neither ? "" : "/", neither ? "" : api_version, kind);
}

static int bind(struct grant *g, struct error **err)
{
	const json_t *ref = json_path(g->request, "spec.boundObjectRef");
	const char *api_version = json_path_string(ref, "apiVersion");
	const char *kind = json_path_string(ref, "kind"), *uid = json_path_string(ref, "uid");
	const char *name = json_path_string(ref, "name");
	const struct object *bound;
	size_t i = 0;

	if (!json_is_object(ref))
		return 0;
	while (i < ARRAY_SIZE(bindings) && strcmp(bindings[i].kind, kind) != 0)
		i++;
	if (i == ARRAY_SIZE(bindings) || has_group(api_version))
		return refuse_kind(api_version, kind, err);
	if (!*name)
		return error_set(err, E_BAD_REQUEST, "Name parameter required.");
	if (bindings[i].bind(g, name, err) < 0)
		return -1;
	bound = g->pod ? g->pod : g->secret ? g->secret : g->node;
	if (*uid && strcmp(uid, bound->uid) != 0)
		return refuse_uid(
			"", kind, name, "bound object reference", uid,
			"in record. The object might have been deleted and then recreated", err);
	return 0;
}

/* ---- the token */

static json_t *reference(const struct object *o)
{
	return json_pack("{s:s,s:s}", "name", o->name, "uid", o->uid);
}

static void add_references(const struct grant *g, json_t *private)
{
	if (g->pod)
		json_object_set_new(private, "pod", reference(g->pod));
	if (g->secret)
		json_object_set_new(private, "secret", reference(g->secret));
	if (g->node)
		json_object_set_new(private, "node", reference(g->node));
	else if (g->node_name && *g->node_name)
		json_object_set_new(private, "node", json_pack("{s:s}", "name", g->node_name));
}

static bool only_for_us(const json_t *audiences)
{
	const json_t *audience;
	size_t i;

	json_array_foreach ((json_t *)audiences, i, audience)
		if (strcmp(json_string_value(audience), TOKEN_ISSUER) != 0)
			return false;
	return true;
}

static json_t *claims_of(const struct grant *g, int64_t now_s)
{
	json_t *audiences = json_path(g->request, "spec.audiences");
	int64_t seconds = json_path_int(g->request, "spec.expirationSeconds", 0);
	char *subject free_ptr =
		xasprintf("system:serviceaccount:%s:%s", g->account->namespace, g->account->name);
	json_t *private = json_pack("{s:s,s:o}", "namespace", g->account->namespace,
				    "serviceaccount", reference(g->account));
	char id[UID_TEXT];

	add_references(g, private);
	if (g->pod && seconds == SECONDS_OF_VOLUMES && only_for_us(audiences)) {
		json_object_set_new(private, "warnafter", json_integer(now_s + seconds));
		seconds = SECONDS_EXTENDED;
	}
	return json_pack("{s:O,s:I,s:I,s:s,s:s,s:o,s:I,s:s}", "aud", audiences, "exp",
			 (json_int_t)(now_s + seconds), "iat", (json_int_t)now_s, "iss",
			 TOKEN_ISSUER, "jti", lifecycle_uid(id), "kubernetes.io", private, "nbf",
			 (json_int_t)now_s, "sub", subject);
}

static int issue(struct grant *g, int64_t now, struct error **err)
{
	const struct jwt_key *key = token_authority_key(g->w->l->tokens, err);
	int64_t seconds = json_path_int(g->request, "spec.expirationSeconds", 0);
	json_t *claims json_auto = claims_of(g, now / NS_PER_S);
	struct str token CLEANUP(str_wipe) = STR_INIT;
	char until[TIME_TEXT];

	if (!key || jwt_sign(key, claims, &token, err) < 0)
		return -1;
	json_path_set(g->request, "status.token", json_string(token.s));
	json_path_set(g->request, "status.expirationTimestamp",
		      json_string(time_format(now + seconds * NS_PER_S, until)));
	return 0;
}

/* The admission of what is created is that of the account's subresource. */
static int admit(const struct grant *g, int (*ask)(struct admission *a, struct error **err),
		 struct error **err)
{
	struct admission a CLEANUP(admission_release);

	admission_begin(&a, g->w, NULL, g->request);
	return ask(&a, err);
}

int token_request(const struct write *w, const char *json, size_t len, struct object **out,
		  struct error **err)
{
	const struct resource *type CLEANUP(resource_unref_cleanup) = request_type();
	struct grant g CLEANUP(grant_release) = {.w = w};
	struct write asked = *w;
	struct schema_value root = schema_root(type->type);
	int64_t now = clock_wall(w->l->clock);

	asked.r = asked.storage = type;
	g.request = pipeline_decode(&asked, json, len, err);
	if (!g.request || check_names(&g, type, err) < 0 ||
	    track_update(&asked, NULL, g.request, err) < 0 || admit(&g, admission_admit, err) < 0)
		return -1;
	g.account = local_read(w->l, w->r, w->namespace, w->name, err);
	if (!g.account || complete(&g, now, err) < 0 || check_spec(&g, type, err) < 0 ||
	    admit(&g, admission_validate, err) < 0 || bind(&g, err) < 0 || issue(&g, now, err) < 0)
		return -1;
	schema_fill_present(g.request, &root);
	*out = object_from_tree(g.request);
	return 0;
}
