#include "serve/resource.h"
#include "base/mem.h"
#include "cluster/lifecycle.h"
#include "kinds/field.h"
#include "kinds/kind.h"
#include "object/json.h"
#include "object/yaml.h"
#include "serve/query.h"
#include "serve/server.h"

#include <string.h>

int resource_not_found(struct error **err)
{
	struct error *e =
		error_new(E_NOT_FOUND, "the server could not find the requested resource");

	error_set_details(e, "", "", "");
	return error_move(err, e);
}

int resource_no_method(struct error **err)
{
	struct error *e = error_new(
		E_METHOD, "the server does not allow this method on the requested resource");

	error_set_details(e, "", "", "");
	return error_move(err, e);
}

/* Canonical JSON as the client wants it. */
static void send_text(const struct ask *a, int status, struct str *json)
{
	struct str yaml CLEANUP(str_release) = STR_INIT;

	if (a->media.yaml) {
		yaml_write(json->s, json->len, 0, &yaml);
		answer_send(a->request, status, a->media.content_type, &yaml);
	} else {
		answer_send(a->request, status, a->media.content_type, json);
	}
}

static void release_object(void *o)
{
	object_unref(o);
}

/* The object's own bytes go out, not a copy of them. O is taken over. */
static void send_bytes(struct request *r, int status, const char *content_type, struct object *o)
{
	struct piece piece = {
		.bytes = o->json, .len = o->len, .owner = o, .release = release_object};

	answer_send_piece(r, status, content_type, &piece);
}

static void send_as_is(const struct ask *a, int status, struct object *o)
{
	send_bytes(a->request, status, a->media.content_type, object_ref(o));
}

static const struct subresource *subresource_of(const struct ask *a)
{
	const char *name = a->target->subresource;

	return name ? resource_subresource(a->resource, name) : NULL;
}

/*
 * What the table of the answer is one of. A built-in type's subresource of another kind (a Scale)
 * has columns of its own, a custom resource's has the columns of that.
 */
static struct resource tabled(const struct ask *a)
{
	const struct subresource *sub = subresource_of(a);
	struct resource r = *a->resource;

	if (sub && sub->group && !r.custom) {
		r.group = sub->group;
		r.kind = sub->kind;
	}
	return r;
}

static void send_object(const struct ask *a, int status, struct object *o)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	int64_t now = clock_wall(a->request->server->clock);
	struct resource shown = tabled(a);

	if (a->media.as == MEDIA_AS_OBJECT && !a->media.yaml) {
		send_as_is(a, status, o);
		return;
	}
	if (a->media.as == MEDIA_AS_TABLE && strcmp(o->kind, "Status") != 0) {
		render_table_head(&shown, &text);
		render_row(&shown, o->json, o->len, a->include, now, &text);
		str_adds(&text, "],\"metadata\":{\"resourceVersion\":");
		json_write_string(o->resource_version, strlen(o->resource_version), &text);
		str_adds(&text, "}}");
	} else if (a->media.as == MEDIA_AS_PARTIAL) {
		render_partial(a->resource, o->json, o->len, &text);
	} else {
		str_add(&text, o->json, o->len);
	}
	send_text(a, status, &text);
}

/* Who asks for none of a list stops it: then nothing is counted either. */
static bool stop(void *arg, const char *json, size_t len)
{
	(void)arg;
	(void)json;
	(void)len;
	return false;
}

/* An object not older than a revision: a list knows whether there is one yet. */
static int check_revision(const struct ask *a, struct error **err)
{
	struct list_options opt = {
		.resource_version = request_query(a->request, "resourceVersion"),
		.limit = 1,
	};
	struct list_meta meta CLEANUP(list_meta_release) = {0};
	struct error *why = NULL;

	if (!opt.resource_version || !*opt.resource_version ||
	    strcmp(opt.resource_version, "0") == 0)
		return 0;
	if (cluster_list(a->request->server->cluster, &a->request->call, a->resource,
			 a->target->namespace, &opt, stop, NULL, &meta, &why) == 0)
		return 0;
	/* What is a list's bad request is here called nobody's mistake. */
	if (error_code(why) == E_BAD_REQUEST)
		error_set(err, E_UNKNOWN, "%s", error_message(why));
	else
		error_move(err, steal(&why));
	error_clear(&why);
	return -1;
}

static int handle_get(const struct ask *a, struct error **err)
{
	const struct target *t = a->target;
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	int result;

	if (!t->subresource && check_revision(a, err) < 0)
		return -1;
	result = t->subresource
			 ? cluster_get_subresource(a->request->server->cluster, &a->request->call,
						   a->resource, t->namespace, t->name,
						   t->subresource, &o, err)
			 : cluster_get(a->request->server->cluster, &a->request->call, a->resource,
				       t->namespace, t->name, &o, err);
	if (result == 0)
		send_object(a, 200, o);
	return result;
}

/* An answer that the cluster's thread gives. */
struct creation {
	struct cluster_later later;
	struct request *request;
	const char *content_type;
};

static void on_created(struct cluster_later *later, struct object *o, const struct error *why)
{
	struct creation *c = (struct creation *)later;
	struct serve_pool *pool = c->request->server->pool;

	if (o)
		send_bytes(c->request, 201, c->content_type, o);
	else
		answer_error(c->request, why);
	request_finish(c->request);
	free(c);
	serve_pool_return(pool);
}

/* What is to be rendered or logged keeps a thread of the endpoint's own. */
static struct creation *creation_new(const struct ask *a)
{
	struct creation *c;

	if (a->media.as != MEDIA_AS_OBJECT || a->media.yaml || a->request->server->audit)
		return NULL;
	c = xmalloc(sizeof(*c));
	*c = (struct creation){
		.later.done = on_created,
		.request = request_ref(a->request),
		.content_type = a->media.content_type,
	};
	serve_pool_lend(a->request->server->pool);
	return c;
}

/* Nobody has taken it. */
static void creation_drop(struct creation *c)
{
	if (!c)
		return;
	serve_pool_return(c->request->server->pool);
	request_unref(c->request);
	free(c);
}

static int handle_create(const struct ask *a, struct error **err)
{
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	struct str body CLEANUP(str_release) = STR_INIT;
	json_t *findings json_auto = NULL;
	struct write_options opt;
	struct creation *c;
	int result;

	if (query_write(a->request, "CreateOptions", &opt, err) < 0 ||
	    query_body(a->request, a->resource->custom, &body, &findings, err) < 0)
		return -1;
	opt.findings = findings;
	c = creation_new(a);
	opt.later = c ? &c->later : NULL;
	result = cluster_create(a->request->server->cluster, &a->request->call, a->resource,
				a->target->namespace, a->target->name, a->target->subresource,
				body.s, body.len, &opt, &o, err);
	if (result == CLUSTER_LATER) {
		a->request->lent = true;
		return 0;
	}
	creation_drop(c);
	if (result < 0)
		return -1;
	if (a->request->server->audit) {
		a->request->object_name = xstrdup(o->name);
		a->request->object_uid = xstrdup(o->uid);
	}
	send_object(a, 201, o);
	return 0;
}

static int handle_update(const struct ask *a, struct error **err)
{
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	struct str body CLEANUP(str_release) = STR_INIT;
	json_t *findings json_auto = NULL;
	struct write_options opt;
	bool created = false;

	if (query_write(a->request, "UpdateOptions", &opt, err) < 0 ||
	    query_body(a->request, a->resource->custom, &body, &findings, err) < 0)
		return -1;
	opt.findings = findings;
	opt.created = &created;
	if (cluster_update(a->request->server->cluster, &a->request->call, a->resource,
			   a->target->namespace, a->target->name, a->target->subresource, body.s,
			   body.len, &opt, &o, err) < 0)
		return -1;
	send_object(a, created ? 201 : 200, o);
	return 0;
}

static const struct {
	const char *content_type;
	enum patch_type type;
} patch_types[] = {
	{"application/json-patch+json", PATCH_JSON},
	{"application/merge-patch+json", PATCH_MERGE},
	{"application/strategic-merge-patch+json", PATCH_STRATEGIC},
	{"application/apply-patch+yaml", PATCH_APPLY},
};

static int patch_type(const struct ask *a, enum patch_type *out, struct error **err)
{
	const char *type = a->request->content_type;
	struct error *e;

	for (size_t i = 0; type && i < ARRAY_SIZE(patch_types); i++)
		if (media_is(type, patch_types[i].content_type)) {
			*out = patch_types[i].type;
			return 0;
		}
	e = error_new(E_MEDIA_TYPE, "415: Unsupported Media Type");
	error_set_details(e, "", "", "");
	return error_move(err, e);
}

/* An apply's configuration is YAML; JSON, which kubectl sends, is read as such. */
static int apply_body(struct request *r, struct str *out, struct error **err)
{
	json_t *tree json_auto = NULL;
	size_t space = strspn(r->body.s, " \t\r\n");

	if (r->body.s[space] == '{') {
		*out = r->body;
		str_init(&r->body);
		return 0;
	}
	tree = yaml_read_one(r->body.s, r->body.len, err);
	if (!tree)
		return error_wrap(err, "error decoding YAML");
	json_write(tree, out);
	return 0;
}

static int handle_patch(const struct ask *a, struct error **err)
{
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	struct str body CLEANUP(str_release) = STR_INIT;
	struct write_options opt;
	enum patch_type type = PATCH_MERGE;
	bool created = false;

	if (patch_type(a, &type, err) < 0 ||
	    query_patch(a->request, type == PATCH_APPLY, &opt, err) < 0)
		return -1;
	if (type == PATCH_APPLY && apply_body(a->request, &body, err) < 0)
		return -1;
	if (type != PATCH_APPLY) {
		body = a->request->body;
		str_init(&a->request->body);
	}
	if (cluster_patch(a->request->server->cluster, &a->request->call, a->resource,
			  a->target->namespace, a->target->name, a->target->subresource, type,
			  body.s, body.len, &opt, &o, &created, err) < 0)
		return -1;
	send_object(a, created ? 201 : 200, o);
	return 0;
}

/* Types whose deletion is answered with the object that was deleted, not with a Status. */
static const struct {
	const char *group, *plural;
} answers_deleted[] = {
	{"", "persistentvolumeclaims"},
	{"", "persistentvolumes"},
	{"", "pods"},
	{"", "podtemplates"},
	{"", "resourcequotas"},
	{"", "serviceaccounts"},
	{"", "services"},
	{"resource.k8s.io", "deviceclasses"},
	{"resource.k8s.io", "resourceclaims"},
	{"resource.k8s.io", "resourceclaimtemplates"},
	{"resource.k8s.io", "resourceslices"},
	{"storage.k8s.io", "csidrivers"},
	{"storage.k8s.io", "csinodes"},
	{"storage.k8s.io", "storageclasses"},
	{"storage.k8s.io", "volumeattachments"},
	{"storage.k8s.io", "volumeattributesclasses"},
};

static bool answers_object(const struct resource *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(answers_deleted); i++)
		if (strcmp(r->group, answers_deleted[i].group) == 0 &&
		    strcmp(r->plural, answers_deleted[i].plural) == 0)
			return true;
	return false;
}

static json_t *deleted_status(const struct ask *a, const struct object *o)
{
	json_t *status = json_pack("{s:s,s:s,s:{},s:s,s:{s:s,s:s}}", "kind", "Status", "apiVersion",
				   "v1", "metadata", "status", "Success", "details", "name",
				   a->target->name, "kind", a->resource->plural);

	if (*a->resource->group)
		json_path_set(status, "details.group", json_string(a->resource->group));
	if (o && *o->uid)
		json_path_set(status, "details.uid", json_string(o->uid));
	return status;
}

static void send_tree(const struct ask *a, int status, const json_t *tree)
{
	struct str text CLEANUP(str_release) = STR_INIT;

	json_write(tree, &text);
	send_text(a, status, &text);
}

static int handle_delete(const struct ask *a, struct error **err)
{
	struct delete_request d CLEANUP(delete_request_release);
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	json_t *status json_auto = NULL;
	bool gone = true;

	if (query_delete(a->request, &d, err) < 0 ||
	    cluster_delete(a->request->server->cluster, &a->request->call, a->resource,
			   a->target->namespace, a->target->name, &d.options, &o, &gone, err) < 0)
		return -1;
	if (o && (!gone || answers_object(a->resource))) {
		send_object(a, !gone && d.orphan_told && !d.orphan ? 202 : 200, o);
		return 0;
	}
	status = deleted_status(a, o);
	send_tree(a, 200, status);
	return 0;
}

static bool keep_item(void *arg, const char *json, size_t len)
{
	VEC(struct object *) *items = arg;
	struct object *o = object_from_canonical(json, len, NULL);

	if (o)
		vec_push(items, o);
	return true;
}

/* Answers with the list of what was deleted, as it was. */
static int handle_delete_collection(const struct ask *a, struct error **err)
{
	struct server *s = a->request->server;
	struct delete_request d CLEANUP(delete_request_release);
	struct list_meta meta CLEANUP(list_meta_release) = {0};
	struct str text CLEANUP(str_release) = STR_INIT;
	struct list_options which;
	VEC(struct object *) items = VEC_INIT;
	int result;

	if (query_delete(a->request, &d, err) < 0 || query_list(a->request, &which, err) < 0)
		return -1;
	result = cluster_list(s->cluster, &a->request->call, a->resource, a->target->namespace,
			      &which, keep_item, &items, &meta, err);
	if (result == 0)
		result = cluster_delete_collection(s->cluster, &a->request->call, a->resource,
						   a->target->namespace, &which, &d.options, err);
	str_addf(&text, "{\"apiVersion\":\"%s\",\"items\":[", a->resource->api_version);
	for (size_t i = 0; i < items.n; i++) {
		if (i)
			str_addc(&text, ',');
		render_item(a->resource, items.v[i]->json, items.v[i]->len, &text);
		object_unref(items.v[i]);
	}
	vec_release(&items);
	if (result < 0)
		return -1;
	str_addf(&text, "],\"kind\":\"%s\",\"metadata\":", a->resource->list_kind);
	render_list_meta(&meta, a->resource->custom, &text);
	str_addc(&text, '}');
	send_text(a, 200, &text);
	return 0;
}

/* A verb is a method on a collection or on one object. */
static const struct operation {
	enum method method;
	bool named, watch;
	enum verb verb;
	const char *name;
	int (*handle)(const struct ask *a, struct error **err);
} operations[] = {
	{METHOD_GET, true, false, VERB_GET, "get", handle_get},
	{METHOD_GET, false, false, VERB_LIST, "list", resource_list},
	{METHOD_GET, false, true, VERB_WATCH, "watch", resource_watch},
	{METHOD_POST, false, false, VERB_CREATE, "create", handle_create},
	{METHOD_PUT, true, false, VERB_UPDATE, "update", handle_update},
	{METHOD_PATCH, true, false, VERB_PATCH, "patch", handle_patch},
	{METHOD_DELETE, true, false, VERB_DELETE, "delete", handle_delete},
	{METHOD_DELETE, false, false, VERB_DELETE_COLLECTION, "deletecollection",
	 handle_delete_collection},
};

/* Of one object too, where the path says that it is a watch. */
static const struct operation *find_watch(const struct request *r, const struct target *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++)
		if (operations[i].watch && r->method == operations[i].method && !t->subresource)
			return &operations[i];
	return NULL;
}

static const struct operation *find_operation(const struct request *r, const struct target *t)
{
	bool watch = r->method == METHOD_GET && !t->name && request_flag(r, "watch");

	if (t->watch)
		return find_watch(r, t);

	for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
		const struct operation *o = &operations[i];
		/* A subresource is created by a POST to the object's path. */
		bool named = o->named || (t->subresource && o->verb == VERB_CREATE);

		if (o->method == r->method && named == (t->name != NULL) && o->watch == watch)
			return o;
	}
	return NULL;
}

/* Whether the path exists for the resource, and OP on it. */
static int check_path(const struct resource *r, const struct target *t, const struct operation *op,
		      struct error **err)
{
	const struct subresource *sub = NULL;
	bool placed = r->namespaced ? *t->namespace || !t->name : !*t->namespace;

	if (!placed)
		return resource_not_found(err);
	/* A definition's objects are asked for what they do not have. */
	if (t->subresource && r->custom && !resource_subresource(r, t->subresource))
		return refuse_not_found(r, t->name, err);
	if (t->subresource && !(sub = resource_subresource(r, t->subresource)))
		return resource_not_found(err);
	/* One object's path exists when something can be done with one object. */
	if (t->name && !sub && !(r->verbs & (VERB_GET | VERB_UPDATE | VERB_PATCH | VERB_DELETE)))
		return resource_not_found(err);
	if (!op || !((sub ? sub->verbs : r->verbs) & op->verb))
		return resource_no_method(err);
	/* All namespaces can be read together, nothing else. */
	if (r->namespaced && !*t->namespace && op->verb != VERB_LIST && op->verb != VERB_WATCH &&
	    op->verb != VERB_CREATE)
		return resource_no_method(err);
	if (op->verb == VERB_CREATE && r->namespaced && !*t->namespace &&
	    (r->verbs & (VERB_LIST | VERB_GET)))
		return resource_no_method(err);
	return 0;
}

/* Metadata of a list was asked of one object, or the other way round; or events in a form that
 * has no stream. */
static int check_form(const struct ask *a, const struct operation *op, struct error **err)
{
	bool list = op->verb == VERB_LIST || op->verb == VERB_DELETE_COLLECTION;
	const struct resource *r = a->resource;

	if (op->verb == VERB_WATCH && a->media.yaml)
		return error_set(err, E_NOT_ACCEPTABLE,
				 "only the following media types are accepted: "
				 "application/json;stream=watch");
	if (a->media.as == MEDIA_AS_PARTIAL && list)
		return error_set(err, E_NOT_ACCEPTABLE,
				 "you requested PartialObjectMetadata, but the requested object is "
				 "a list (%s)",
				 r->list_kind);
	if (a->media.as == MEDIA_AS_PARTIAL_LIST && !list)
		return error_set(err, E_NOT_ACCEPTABLE,
				 "you requested PartialObjectMetadataList, but the requested "
				 "object is not a list (%s)",
				 r->kind);
	return 0;
}

/* What can be made and not read, a question or a request, has no table. What does not fit the verb
 * is refused in words of its own (check_form). */
static unsigned transforms_of(const struct ask *a)
{
	const struct subresource *sub = subresource_of(a);
	unsigned verbs = sub ? sub->verbs : a->resource->verbs;

	return MEDIA_AS_PARTIAL | MEDIA_AS_PARTIAL_LIST |
	       (verbs == VERB_CREATE ? 0 : MEDIA_AS_TABLE);
}

/* What is no object, but bytes as long as they come: whoever runs the pod has them or not. */
static bool is_stream(const struct target *t)
{
	static const char *const streams[] = {"log",	     "exec",  "attach",
					      "portforward", "proxy", NULL};

	return t->subresource && text_is_one_of(t->subresource, streams);
}

static int handle(struct ask *a, struct error **err)
{
	const struct operation *op = find_operation(a->request, a->target);

	if (check_path(a->resource, a->target, op, err) < 0)
		return -1;
	a->request->verb = op->name;
	if (a->resource->deprecation_warning)
		warnings_add(&a->request->warnings, "%s", a->resource->deprecation_warning);
	if (is_stream(a->target))
		return resource_stream(a, err);
	if (media_negotiate(a->request->accept, transforms_of(a), a->resource->verbs & VERB_WATCH,
			    &a->media, err) < 0 ||
	    ((a->media.as & MEDIA_AS_TABLE) && query_include(a->request, &a->include, err) < 0) ||
	    check_form(a, op, err) < 0)
		return -1;
	return op->handle(a, err);
}

/* Whether the group is one of the program's own, whose other paths are JSON too. */
static bool is_builtin(const struct target *t)
{
	struct catalog *builtin CLEANUP(catalog_unref_cleanup) = catalog_builtin();

	for (size_t i = 0; i < catalog_count(builtin); i++) {
		const struct resource *r = catalog_at(builtin, i);

		if (!strcmp(r->group, t->group))
			return true;
	}
	return false;
}

static void page_not_found(struct request *r)
{
	struct str text CLEANUP(str_release) = STR_INIT;

	str_adds(&text, "404 page not found\n");
	answer_send(r, 404, "text/plain; charset=utf-8", &text);
}

void resource_handle(struct request *r, const struct target *t)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct catalog *catalog CLEANUP(catalog_unref_cleanup) =
		cluster_catalog(r->server->cluster, &r->call, &err);
	const struct resource *resource CLEANUP(resource_unref_cleanup) = NULL;
	struct ask a = {.request = r, .target = t};
	int result = -1;

	if (catalog && t->plural)
		resource = catalog_find(catalog, t->group, t->version, t->plural);
	if (resource) {
		a.resource = resource_ref(resource);
		result = handle(&a, &err);
	} else if (catalog && !is_builtin(t)) {
		page_not_found(r);
		return;
	} else if (catalog) {
		resource_not_found(&err);
	}
	if (result < 0)
		answer_error_as(r, err, a.media.yaml);
}
