/*
 * Where a path goes: one table, first match wins.
 */
#include "config.h"

#include "base/mem.h"
#include "base/vec.h"
#include "object/json.h"
#include "serve/access.h"
#include "serve/discovery.h"
#include "serve/kubelet.h"
#include "serve/openapi.h"
#include "serve/openid.h"
#include "serve/resource.h"
#include "serve/server.h"

#include <stdlib.h>
#include <string.h>

static void send_text(struct request *r, int status, const char *type, const char *text)
{
	struct str body CLEANUP(str_release) = STR_INIT;

	str_adds(&body, text);
	answer_send(r, status, type, &body);
}

#define PLAIN "text/plain; charset=utf-8"

/* What answers that the program is well: it answers, it logs, its store is open. */
static const char *const health_checks[] = {"ping", "log", "etcd"};

/* Every check, a line each, and the verdict. */
static void tell_health(struct request *r, const char *name)
{
	const char *excluded = request_query(r, "exclude");
	struct str text CLEANUP(str_release) = STR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(health_checks); i++)
		str_addf(&text, "[+]%s %sok\n", health_checks[i],
			 excluded && !strcmp(excluded, health_checks[i]) ? "excluded: " : "");
	str_addf(&text, "%s check passed\n", name);
	answer_send(r, 200, PLAIN, &text);
}

/* "/livez", or one check: "/livez/ping". */
static void handle_health(struct request *r)
{
	const char *below = strchr(r->path + 1, '/');
	char *name free_ptr = xasprintf("%.*s", (int)strcspn(r->path + 1, "/"), r->path + 1);
	bool known = !below || !below[1];

	for (size_t i = 0; i < ARRAY_SIZE(health_checks) && !known; i++)
		known = strcmp(below + 1, health_checks[i]) == 0;
	if (!known)
		send_text(r, 404, PLAIN, "404 page not found\n");
	else if (request_query(r, "verbose") && (!below || !below[1]))
		tell_health(r, name);
	else
		send_text(r, 200, PLAIN, "ok");
}

static void handle_version(struct request *r)
{
	json_t *tree json_auto =
		json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "major", "1", "minor", "36",
			  "gitVersion", "v1.36.0+kubefs-" PACKAGE_VERSION, "gitCommit", "",
			  "gitTreeState", "clean", "buildDate", "1970-01-01T00:00:00Z", "goVersion",
			  "", "compiler", "cc", "platform", "linux/amd64");
	struct str text CLEANUP(str_release) = STR_INIT;

	json_write(tree, &text);
	answer_send(r, 200, "application/json", &text);
}

static void handle_metrics(struct request *r)
{
	struct str text CLEANUP(str_release) = STR_INIT;

	metrics_write(&r->server->metrics, &text);
	answer_send(r, 200, "text/plain; version=0.0.4; charset=utf-8", &text);
}

/* Whether R asks to be told something; else it has been refused. */
static bool reads(struct request *r)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	if (r->method == METHOD_GET || r->method == METHOD_HEAD)
		return true;
	resource_no_method(&err);
	answer_error(r, err);
	return false;
}

static void handle_resources(struct request *r)
{
	struct target t CLEANUP(target_release) = {0};

	if (target_parse(r->path, &t) && t.plural)
		resource_handle(r, &t);
	else if (t.version) {
		if (reads(r))
			discovery_resources(r, &t);
	} else if (str_has_prefix(r->path, "/apis/"))
		discovery_group(r, r->path + strlen("/apis/"));
	else
		send_text(r, 404, PLAIN, "404 page not found\n");
}

static void handle_root(struct request *r);

struct route {
	const char *path; /* with "/" at its end: all paths below; NULL: the last */
	void (*handle)(struct request *r);
	bool read_only; /* other methods than GET are refused, where kube-apiserver does it */
};

static const struct route kubelet_routes[] = {
	{"/healthz", handle_health},
	{"/containerLogs/", kubelet_logs, true},
	{NULL},
};

static const struct route routes[] = {
	{"/livez", handle_health},
	{"/readyz", handle_health},
	{"/healthz", handle_health},
	{"/livez/", handle_health},
	{"/readyz/", handle_health},
	{"/healthz/", handle_health},
	{"/version", handle_version, true},
	{"/metrics", handle_metrics},
	{"/.well-known/openid-configuration", openid_configuration, true},
	{"/openid/v1/jwks", openid_keys, true},
	{"/openapi/v2", openapi_v2},
	{"/openapi/v3", openapi_v3_index},
	{"/openapi/v3/", openapi_v3_document},
	{"/api", discovery_core, true},
	{"/apis", discovery_groups},
	{"/api/", handle_resources},
	{"/apis/", handle_resources},
	{"/", handle_root},
	{NULL},
};

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct paths {
	char **v;
	size_t n, cap;
};

static void add_group_paths(const struct request *r, struct paths *out)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct catalog *c CLEANUP(catalog_unref_cleanup) =
		cluster_catalog(r->server->cluster, &r->call, &err);

	for (size_t i = 0; c && i < catalog_count(c); i++) {
		const struct resource *one = catalog_at(c, i);

		if (*one->group)
			vec_push(out, xasprintf("/apis/%s", one->group));
		vec_push(out, xasprintf("%s/%s", *one->group ? "/apis" : "/api", one->api_version));
	}
}

/* Sorted, each once. */
static json_t *list_paths(const struct request *r)
{
	struct paths all = {0};
	json_t *list = json_array();

	for (const struct route *route = routes; route->path; route++)
		if (!str_has_suffix(route->path, "/") || !strcmp(route->path, "/apis/"))
			vec_push(&all, xstrdup(route->path));
	add_group_paths(r, &all);
	qsort(all.v, all.n, sizeof(*all.v), compare_paths);
	for (size_t i = 0; i < all.n; i++)
		if (!i || strcmp(all.v[i], all.v[i - 1]))
			json_array_append_new(list, json_string(all.v[i]));
	vec_each (&all, path)
		free(*path);
	vec_release(&all);
	return list;
}

static void handle_root(struct request *r)
{
	json_t *tree json_auto = NULL;
	struct str text CLEANUP(str_release) = STR_INIT;

	if (strcmp(r->path, "/") != 0) {
		send_text(r, 404, PLAIN, "404 page not found\n");
		return;
	}
	tree = json_pack("{s:o}", "paths", list_paths(r));
	json_write(tree, &text);
	answer_send(r, 200, "application/json", &text);
}

static bool matches(const char *pattern, const char *path)
{
	size_t len = strlen(pattern);

	if (pattern[len - 1] == '/')
		return strncmp(path, pattern, len) == 0 && (path[len] || len == 1);
	/* A slash too many at the end does no harm. */
	return strncmp(path, pattern, len) == 0 && (!path[len] || strcmp(path + len, "/") == 0);
}

void server_dispatch(struct request *r)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	if (access_check(r, &err) < 0) {
		answer_error(r, err);
		return;
	}
	for (const struct route *route = r->server->kubelet ? kubelet_routes : routes; route->path;
	     route++)
		if (matches(route->path, r->path)) {
			if (!route->read_only || reads(r))
				route->handle(r);
			return;
		}
	send_text(r, 404, PLAIN, "404 page not found\n");
}
