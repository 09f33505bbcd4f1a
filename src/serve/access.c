#include "serve/access.h"

#include "base/mem.h"
#include "base/str.h"
#include "kinds/rbac.h"
#include "object/selector.h"
#include "serve/server.h"

#include <ctype.h>
#include <string.h>

bool access_is_open(const char *path)
{
	return str_has_prefix(path, "/livez") || str_has_prefix(path, "/readyz") ||
	       str_has_prefix(path, "/healthz");
}

/* The next segment of *P, cut off in place; NULL at the end. */
static char *segment(char **p)
{
	char *s = *p, *slash;

	if (!s)
		return NULL;
	slash = strchr(s, '/');
	if (slash)
		*slash = '\0';
	*p = slash ? slash + 1 : NULL;
	return s;
}

/* Verbs of resources; other methods have none. */
static const char *const verbs[METHODS] = {
	[METHOD_GET] = "get",	 [METHOD_HEAD] = "get",	   [METHOD_POST] = "create",
	[METHOD_PUT] = "update", [METHOD_PATCH] = "patch", [METHOD_DELETE] = "delete",
	[METHOD_OPTIONS] = "",
};

/* /{resource}/{name}/{subresource}, after /namespaces/{namespace} where that does not stand for the
 * namespace itself. */
static void read_resource(char *p, struct access *a)
{
	char *first = segment(&p), *second = segment(&p);

	if (strcmp(first, "namespaces") == 0 && second) {
		a->namespace = second;
		if (p && strcmp(p, "status") != 0 && strcmp(p, "finalize") != 0 &&
		    !str_has_prefix(p, "status/") && !str_has_prefix(p, "finalize/")) {
			first = segment(&p);
			second = segment(&p);
		}
	}
	a->resource = first;
	a->name = second ? second : "";
	a->subresource = p ? segment(&p) : "";
}

static bool wants_watch(const struct request *r)
{
	return request_query(r, "watch") && request_flag(r, "watch");
}

/* A list of one object by its name is about that object. */
static char *selected_name(const struct request *r)
{
	const char *text = request_query(r, "fieldSelector");
	const char *name;
	struct field_selector *s CLEANUP(field_selector_free_cleanup) =
		text ? field_selector_parse(text, NULL) : NULL;

	name = s ? field_selector_required(s, "metadata.name") : NULL;
	if (!name || !*name || strpbrk(name, "/%") || !strcmp(name, ".") || !strcmp(name, ".."))
		return NULL;
	return xstrdup(name);
}

/* The verb where no name says which object. */
static void read_nameless(const struct request *r, struct attributes *out)
{
	struct access *a = &out->access;

	if (strcmp(a->verb, "get") == 0) {
		a->verb = wants_watch(r) ? "watch" : "list";
		out->selected = selected_name(r);
		if (out->selected)
			a->name = out->selected;
	} else if (strcmp(a->verb, "delete") == 0) {
		a->verb = "deletecollection";
	}
}

static void read_path(const struct request *r, struct attributes *out)
{
	out->buffer = xstrdup(method_name(r->method));
	for (char *p = out->buffer; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	out->access.verb = out->buffer;
	out->access.path = r->path;
}

void attributes_read(const struct request *r, struct attributes *out)
{
	const char *path = r->path + strspn(r->path, "/");
	size_t len = strlen(path);
	char *p, *root, *group = NULL, *version;

	*out = (struct attributes){.access = {.user = &r->user}};
	while (len && path[len - 1] == '/')
		len--;
	p = out->buffer = xstrndup(path, len);
	root = segment(&p);
	if (strcmp(root, "apis") == 0)
		group = segment(&p);
	version = segment(&p);
	if ((strcmp(root, "api") != 0 && !group) || !version || !p) {
		attributes_release(out);
		*out = (struct attributes){.access = {.user = &r->user}};
		read_path(r, out);
		return;
	}
	out->access = (struct access){.user = &r->user,
				      .verb = verbs[r->method],
				      .group = group ? group : "",
				      .version = version,
				      .namespace = ""};
	/* The old way to watch names it in the path. */
	if (str_has_prefix(p, "watch/") || str_has_prefix(p, "proxy/"))
		out->access.verb = segment(&p);
	read_resource(p, &out->access);
	if (!*out->access.name)
		read_nameless(r, out);
}

void attributes_release(struct attributes *a)
{
	free(a->buffer);
	free(a->selected);
}

/* The text may come to stand in a page: nothing of it is to look like markup. */
static void add_sanitized(struct str *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '&')
			str_adds(out, "&amp;");
		else if (*text == '<')
			str_adds(out, "&lt;");
		else if (*text == '>')
			str_adds(out, "&gt;");
		else
			str_addc(out, *text);
	}
}

static void describe(const struct access *a, struct str *out)
{
	struct str name CLEANUP(str_release) = STR_INIT;

	str_adds(out, "User ");
	str_add_quoted(out, a->user->name);
	if (!a->resource) {
		str_addf(out, " cannot %s path ", a->verb);
		str_add_quoted(out, a->path);
		return;
	}
	str_addf(&name, "%s%s%s", a->resource, a->subresource && *a->subresource ? "/" : "",
		 a->subresource ? a->subresource : "");
	str_addf(out, " cannot %s resource ", a->verb);
	str_add_quoted(out, name.s);
	str_adds(out, " in API group ");
	str_add_quoted(out, a->group);
	if (!a->namespace || !*a->namespace) {
		str_adds(out, " at the cluster scope");
		return;
	}
	str_adds(out, " in the namespace ");
	str_add_quoted(out, a->namespace);
}

int access_forbidden(const struct access *a, const char *reason, struct error **err)
{
	struct str what CLEANUP(str_release) = STR_INIT, text CLEANUP(str_release) = STR_INIT;
	const char *dot = a->resource && *a->group ? "." : "";
	struct error *e;

	describe(a, &what);
	if (a->resource)
		str_addf(&text, "%s%s%s ", a->resource, dot, a->group);
	if (a->name && *a->name) {
		str_add_quoted(&text, a->name);
		str_addc(&text, ' ');
	}
	str_adds(&text, a->resource ? "is forbidden: " : "forbidden: ");
	add_sanitized(&text, what.s);
	if (*reason)
		str_addf(&text, ": %s", reason);
	e = error_new(E_FORBIDDEN, "%s", text.s);
	error_set_details(e, a->resource ? a->group : "", a->resource ? a->resource : "",
			  a->name ? a->name : "");
	return error_move(err, e);
}

int access_ask(struct server *s, const struct access *access, struct error **err)
{
	struct str reason CLEANUP(str_release) = STR_INIT;

	if (cluster_authorize(s->cluster, access, &reason))
		return 0;
	return access_forbidden(access, reason.s, err);
}

/* What the audit log gets to know of the decision. */
static void annotate(struct request *r, bool allowed, const char *reason)
{
	if (!r->server->audit)
		return;
	annotations_add(&r->annotations, "authorization.k8s.io/decision",
			allowed ? "allow" : "forbid");
	annotations_add(&r->annotations, "authorization.k8s.io/reason", reason);
}

static int decide(struct request *r, const struct access *access, struct error **err)
{
	struct str reason CLEANUP(str_release) = STR_INIT;
	bool allowed = cluster_authorize(r->server->cluster, access, &reason);

	annotate(r, allowed, reason.s);
	return allowed ? 0 : access_forbidden(access, reason.s, err);
}

int access_check(struct request *r, struct error **err)
{
	struct attributes a CLEANUP(attributes_release) = {.buffer = NULL};
	struct identity *as;

	if (!r->who && access_is_open(r->path))
		return 0;
	/* Who may do everything need not say what. */
	if (!r->wanted && rbac_user_in_group(&r->user, "system:masters")) {
		annotate(r, true, "");
		return 0;
	}
	attributes_read(r, &a);
	if (r->wanted) {
		as = impersonate(r->server, &a.access, &r->wanted->user, err);
		if (!as) {
			annotate(r, false, error_message(err ? *err : NULL));
			return -1;
		}
		r->impersonator = r->who;
		r->who = as;
		r->user = as->user;
	}
	return decide(r, &a.access, err);
}
