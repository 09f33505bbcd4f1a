#include "cluster/remote/remote.h"

#include "object/json.h"
#include "object/status.h"

#include <inttypes.h>
#include <string.h>

static void add_segment(struct str *out, const char *text)
{
	str_addc(out, '/');
	http_encode(text, out);
}

void remote_path(const struct resource *r, const char *namespace, const char *name,
		 const char *subresource, struct str *out)
{
	str_adds(out, *r->group ? "/apis" : "/api");
	if (*r->group)
		add_segment(out, r->group);
	add_segment(out, r->version);
	if (r->namespaced && namespace && *namespace) {
		str_adds(out, "/namespaces");
		add_segment(out, namespace);
	}
	add_segment(out, r->plural);
	if (name)
		add_segment(out, name);
	if (subresource)
		add_segment(out, subresource);
}

void remote_query(struct str *path, const char *key, const char *value)
{
	if (!value)
		return;
	str_addc(path, memchr(path->s, '?', path->len) ? '&' : '?');
	str_addf(path, "%s=", key);
	http_encode(value, path);
}

void remote_query_int(struct str *path, const char *key, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	remote_query(path, key, text);
}

int remote_check(const struct http_response *response, struct error **err)
{
	struct error *e;

	if (response->status >= 200 && response->status < 300)
		return 0;
	e = status_to_error(response->status, response->body.s, response->body.len);
	if (response->retry_after_s)
		e->retry_after_s = response->retry_after_s;
	return error_move(err, e);
}

int remote_ask(struct remote *c, const struct call *call, const struct http_request *q,
	       struct http_response *out, struct error **err)
{
	if (http_do(c->http, call, q, out, err) < 0)
		return -1;
	return remote_check(out, err);
}

struct call remote_call_until(struct remote *c, const struct call *call, int64_t deadline_ns)
{
	struct call until = call ? *call : (struct call){0};
	int64_t left_ms;

	until.timeout_ms = -1;
	if (deadline_ns == CLOCK_NEVER)
		return until;
	left_ms = (deadline_ns - clock_mono(c->clock)) / NS_PER_MS;
	until.timeout_ms = (int)MAX(left_ms, 1);
	return until;
}

/* An empty name would make the path of the collection out of that of an object. */
static int check_name(const struct resource *r, const char *name, struct error **err)
{
	if (!name || !*name || !strcmp(name, ".") || !strcmp(name, ".."))
		return error_set(err, E_BAD_REQUEST, "%s \"%s\" is no name", r->kind,
				 name ? name : "");
	return 0;
}

static int take_object(struct remote *c, const struct http_response *response, struct object **out,
		       struct error **err)
{
	*out = object_parse(response->body.s, response->body.len, err);
	if (*out)
		return 0;
	return error_wrap(err, "%s answers what is no object", c->base.description);
}

struct exact {
	struct object *object;
};

static bool take_exact(void *arg, const char *json, size_t len)
{
	struct exact *e = arg;

	e->object = object_from_canonical(json, len, NULL);
	return false;
}

/* Only lists can be asked for a version of the past. */
static int get_at(struct cluster *c, const struct call *call, const struct resource *r,
		  const char *namespace, const char *name, const char *resource_version,
		  struct object **out, struct error **err)
{
	char *selector free_ptr = xasprintf("metadata.name=%s", name);
	struct list_options opt = {.field_selector = selector,
				   .resource_version = resource_version,
				   .match = RV_MATCH_EXACT,
				   .limit = 1};
	struct list_meta meta CLEANUP(list_meta_release) = {.remaining = -1};
	struct error *why = NULL;
	struct exact exact = {0};

	if (remote_list(c, call, r, namespace, &opt, take_exact, &exact, &meta, &why) < 0) {
		object_unref(exact.object);
		if (why->code == E_BAD_REQUEST || why->code == E_INVALID)
			why->code = E_NOT_SUPPORTED;
		return error_move(err, why);
	}
	if (!exact.object) {
		struct error *e = error_new(E_NOT_FOUND, "%s%s%s \"%s\" not found", r->plural,
					    *r->group ? "." : "", r->group, name);

		error_set_details(e, r->group, r->plural, name);
		return error_move(err, e);
	}
	*out = exact.object;
	return 0;
}

int remote_get(struct cluster *c, const struct call *call, const struct resource *r,
	       const char *namespace, const char *name, const char *subresource,
	       const char *resource_version, struct object **out, struct error **err)
{
	struct str path CLEANUP(str_release) = STR_INIT;
	struct http_response a CLEANUP(http_response_release) = HTTP_RESPONSE_INIT;
	struct http_request q = {.method = "GET"};

	if (check_name(r, name, err) < 0)
		return -1;
	if (resource_version)
		return get_at(c, call, r, namespace, name, resource_version, out, err);
	remote_path(r, namespace, name, subresource, &path);
	q.path = path.s;
	if (remote_ask(remote_of(c), call, &q, &a, err) < 0)
		return -1;
	return take_object(remote_of(c), &a, out, err);
}

static void write_query(struct str *path, const struct write_options *opt)
{
	static const char *const validations[] = {
		[FIELD_VALIDATION_WARN] = "Warn",
		[FIELD_VALIDATION_IGNORE] = "Ignore",
		[FIELD_VALIDATION_STRICT] = "Strict",
	};

	remote_query(path, "dryRun", opt->dry_run ? "All" : NULL);
	remote_query(path, "fieldManager", opt->field_manager);
	remote_query(path, "fieldValidation", validations[opt->validation]);
}

static int send_object(struct remote *c, const struct call *call, const struct resource *r,
		       const struct http_request *q, struct object **out, bool *created,
		       struct error **err)
{
	struct http_response a CLEANUP(http_response_release) = HTTP_RESPONSE_INIT;

	if (remote_ask(c, call, q, &a, err) < 0)
		return -1;
	remote_catalog_written(c, r);
	if (created)
		*created = a.status == 201;
	return take_object(c, &a, out, err);
}

/* The string at metadata.KEY of what is about to be sent, which is checked here. */
static char *own_text(const char *json, size_t len, const char *key, struct error **err)
{
	struct object *o CLEANUP(object_unref_cleanup) = object_parse(json, len, err);

	return o ? xstrdup(!strcmp(key, "name") ? o->name : o->namespace) : NULL;
}

/* NAMESPACE, or the object's own where none was given to a type that has one. */
static int fill_namespace(const struct resource *r, const char **namespace, const char *json,
			  size_t len, char **own, struct error **err)
{
	if (!r->namespaced || (*namespace && **namespace))
		return 0;
	*own = own_text(json, len, "namespace", err);
	if (!*own)
		return -1;
	if (!**own)
		return error_set(err, E_BAD_REQUEST,
				 "an object of a namespaced type needs a namespace");
	*namespace = *own;
	return 0;
}

int remote_create(struct cluster *c, const struct call *call, const struct resource *r,
		  const char *namespace, const char *name, const char *subresource,
		  const char *json, size_t len, const struct write_options *opt,
		  struct object **out, struct error **err)
{
	struct str path CLEANUP(str_release) = STR_INIT;
	char *own free_ptr = NULL;
	struct http_request q = {
		.method = "POST", .content_type = "application/json", .body = json, .len = len};

	if (subresource && check_name(r, name, err) < 0)
		return -1;
	if (fill_namespace(r, &namespace, json, len, &own, err) < 0)
		return -1;
	remote_path(r, namespace, subresource ? name : NULL, subresource, &path);
	write_query(&path, opt);
	q.path = path.s;
	return send_object(remote_of(c), call, r, &q, out, NULL, err);
}

int remote_update(struct cluster *c, const struct call *call, const struct resource *r,
		  const char *namespace, const char *name, const char *subresource,
		  const char *json, size_t len, const struct write_options *opt,
		  struct object **out, struct error **err)
{
	struct str path CLEANUP(str_release) = STR_INIT;
	char *own_name free_ptr = NULL, *own_namespace free_ptr = NULL;
	struct http_request q = {
		.method = "PUT", .content_type = "application/json", .body = json, .len = len};

	if (!name) {
		name = own_name = own_text(json, len, "name", err);
		if (!name)
			return -1;
	}
	if (check_name(r, name, err) < 0 ||
	    fill_namespace(r, &namespace, json, len, &own_namespace, err) < 0)
		return -1;
	remote_path(r, namespace, name, subresource, &path);
	write_query(&path, opt);
	q.path = path.s;
	return send_object(remote_of(c), call, r, &q, out, NULL, err);
}

int remote_patch(struct cluster *c, const struct call *call, const struct resource *r,
		 const char *namespace, const char *name, const char *subresource,
		 enum patch_type type, const char *patch, size_t len,
		 const struct write_options *opt, struct object **out, bool *created,
		 struct error **err)
{
	static const char *const types[] = {
		[PATCH_JSON] = "application/json-patch+json",
		[PATCH_MERGE] = "application/merge-patch+json",
		[PATCH_STRATEGIC] = "application/strategic-merge-patch+json",
		/* The one type of an apply that every version takes; JSON is YAML. */
		[PATCH_APPLY] = "application/apply-patch+yaml",
	};
	struct write_options full = *opt;
	struct str path CLEANUP(str_release) = STR_INIT;
	struct http_request q = {
		.method = "PATCH", .content_type = types[type], .body = patch, .len = len};

	if (check_name(r, name, err) < 0)
		return -1;
	if (type == PATCH_APPLY && !full.field_manager)
		full.field_manager = "kubefs";
	remote_path(r, namespace, name, subresource, &path);
	write_query(&path, &full);
	remote_query(&path, "force", type == PATCH_APPLY && opt->force ? "true" : NULL);
	q.path = path.s;
	return send_object(remote_of(c), call, r, &q, out, created, err);
}

static char *delete_body(const struct delete_options *opt)
{
	static const char *const policies[] = {
		[PROPAGATE_BACKGROUND] = "Background",
		[PROPAGATE_FOREGROUND] = "Foreground",
		[PROPAGATE_ORPHAN] = "Orphan",
	};
	json_t *body json_auto =
		json_pack("{s:s, s:s}", "kind", "DeleteOptions", "apiVersion", "v1");
	struct str text = STR_INIT;

	if (opt->dry_run)
		json_object_set_new(body, "dryRun", json_pack("[s]", "All"));
	if (opt->grace_period_s >= 0)
		json_object_set_new(body, "gracePeriodSeconds", json_integer(opt->grace_period_s));
	if (opt->propagation != PROPAGATE_DEFAULT)
		json_object_set_new(body, "propagationPolicy",
				    json_string(policies[opt->propagation]));
	if (opt->uid)
		json_path_set(body, "preconditions.uid", json_string(opt->uid));
	if (opt->resource_version)
		json_path_set(body, "preconditions.resourceVersion",
			      json_string(opt->resource_version));
	json_write(body, &text);
	return str_take(&text);
}

/*
 * A server answers with a Status when the object is no more, and for some types with the object
 * as it was; with one that waits, for its finalizers or its grace period, it answers with that.
 */
static bool is_gone(const struct http_response *a, const struct object *o)
{
	struct span finalizers = object_find(o, "metadata.finalizers[0]");

	if (a->status == 202)
		return false;
	if (!strcmp(o->kind, "Status") || !*o->deletion_timestamp)
		return true;
	return !finalizers.p && object_int(o, "metadata.deletionGracePeriodSeconds", 0) <= 0;
}

int remote_delete(struct cluster *c, const struct call *call, const struct resource *r,
		  const char *namespace, const char *name, const struct delete_options *opt,
		  struct object **out, bool *gone, struct error **err)
{
	struct str path CLEANUP(str_release) = STR_INIT;
	struct http_response a CLEANUP(http_response_release) = HTTP_RESPONSE_INIT;
	char *body free_ptr = delete_body(opt);
	struct http_request q = {.method = "DELETE",
				 .content_type = "application/json",
				 .body = body,
				 .len = strlen(body)};

	if (check_name(r, name, err) < 0)
		return -1;
	remote_path(r, namespace, name, NULL, &path);
	q.path = path.s;
	if (remote_ask(remote_of(c), call, &q, &a, err) < 0 ||
	    take_object(remote_of(c), &a, out, err) < 0)
		return -1;
	remote_catalog_written(remote_of(c), r);
	*gone = !opt->dry_run && is_gone(&a, *out);
	return 0;
}

int remote_delete_collection(struct cluster *c, const struct call *call, const struct resource *r,
			     const char *namespace, const struct list_options *which,
			     const struct delete_options *opt, struct error **err)
{
	struct str path CLEANUP(str_release) = STR_INIT;
	struct http_response a CLEANUP(http_response_release) = HTTP_RESPONSE_INIT;
	char *body free_ptr = delete_body(opt);
	struct http_request q = {.method = "DELETE",
				 .content_type = "application/json",
				 .body = body,
				 .len = strlen(body)};

	remote_path(r, namespace, NULL, NULL, &path);
	remote_query(&path, "labelSelector", which->label_selector);
	remote_query(&path, "fieldSelector", which->field_selector);
	q.path = path.s;
	return remote_ask(remote_of(c), call, &q, &a, err);
}

char *remote_raw(struct cluster *c, const struct call *call, const char *path, struct error **err)
{
	struct http_response a CLEANUP(http_response_release) = HTTP_RESPONSE_INIT;
	struct http_request q = {.method = "GET", .path = path, .accept = "application/json, */*"};

	if (*path != '/') {
		error_set(err, E_BAD_REQUEST, "a path begins with \"/\"");
		return NULL;
	}
	if (remote_ask(remote_of(c), call, &q, &a, err) < 0)
		return NULL;
	return str_take(&a.body);
}
