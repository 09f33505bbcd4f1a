/*
 * Asking webhooks. A client is a connection pool with a thread of its own (http.h): one for each
 * server and set of authorities, made when it is first asked; when there are too many, those that
 * were asked longest ago go.
 */
#include "cluster/local/hook.h"

#include "base/map.h"
#include "base/mem.h"
#include "http/http.h"
#include "object/base64.h"
#include "object/json.h"
#include "object/status.h"

#include <string.h>

#define CLIENTS_MAX 32

struct hook_client {
	struct http *http;
	unsigned users;
	uint64_t used; /* a count of questions */
};

struct hook_clients {
	struct clock *clock;
	pthread_mutex_t lock;
	struct map *map; /* "URL\nPEM" to client */
	uint64_t questions;
};

struct hook_clients *hook_clients_new(struct clock *clock)
{
	struct hook_clients *c = xcalloc(1, sizeof(*c));

	c->clock = clock;
	c->map = map_new();
	pthread_mutex_init(&c->lock, NULL);
	return c;
}

static void free_client(void *arg)
{
	struct hook_client *client = arg;

	http_free(client->http);
	free(client);
}

void hook_clients_free(struct hook_clients *c)
{
	if (!c)
		return;
	map_free(c->map, free_client);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* Under the lock: takes out the client that was asked longest ago, if somebody has to go. */
static struct hook_client *evict(struct hook_clients *c)
{
	struct map_entry *oldest = NULL;

	if (map_count(c->map) <= CLIENTS_MAX)
		return NULL;
	map_each (c->map, e) {
		struct hook_client *client = e->value;

		if (!client->users &&
		    (!oldest || client->used < ((struct hook_client *)oldest->value)->used))
			oldest = e;
	}
	return oldest ? map_del(c->map, oldest->key) : NULL;
}

static struct hook_client *client_take(struct hook_clients *c, const struct http_config *config,
				       struct error **err)
{
	char *key free_ptr = xasprintf("%s\n%s\n%s", config->url,
				       config->tls_server_name ? config->tls_server_name : "",
				       config->ca ? config->ca : "");
	struct hook_client *client, *old = NULL;

	pthread_mutex_lock(&c->lock);
	client = map_get(c->map, key);
	if (!client) {
		struct http *http = http_new(config, err);

		if (!http) {
			pthread_mutex_unlock(&c->lock);
			return NULL;
		}
		client = xcalloc(1, sizeof(*client));
		client->http = http;
		map_put(c->map, key, client);
	}
	client->users++;
	client->used = ++c->questions;
	old = evict(c);
	pthread_mutex_unlock(&c->lock);
	if (old)
		free_client(old);
	return client;
}

static void client_give_back(struct hook_clients *c, struct hook_client *client)
{
	pthread_mutex_lock(&c->lock);
	client->users--;
	pthread_mutex_unlock(&c->lock);
}

static char *text_or_null(const json_t *tree, const char *path)
{
	const json_t *text = json_path(tree, path);

	return json_is_string(text) ? xstrdup(json_string_value(text)) : NULL;
}

/* PEM from base64; NULL: none, or nothing but white space. */
static char *read_bundle(const json_t *config)
{
	const char *text = json_path_string(config, "caBundle");
	struct str pem CLEANUP(str_release) = STR_INIT;

	if (!base64_decode(text, strlen(text), &pem) || memchr(pem.s, '\0', pem.len) ||
	    !pem.s[strspn(pem.s, " \t\r\n")])
		return NULL;
	return str_take(&pem);
}

struct hook_target *hook_target_new(const json_t *config)
{
	struct hook_target *t = xcalloc(1, sizeof(*t));

	t->url = text_or_null(config, "url");
	t->namespace = text_or_null(config, "service.namespace");
	t->service = text_or_null(config, "service.name");
	t->path = xstrdup(json_path_string(config, "service.path"));
	t->port = (int)json_path_int(config, "service.port", 443);
	t->ca = read_bundle(config);
	return t;
}

void hook_target_free(struct hook_target *t)
{
	if (!t)
		return;
	free(t->url);
	free(t->namespace);
	free(t->service);
	free(t->path);
	free(t->ca);
	free(t);
}

/* Where a question goes: what is connected to, and what the certificate has to say. */
struct route {
	char *url;  /* https://host:port, or with the path of a URL */
	char *path; /* "" or "/convert", and the query */
	char *name; /* of a service's certificate; NULL: the URL's host */
	char *told; /* the URL as errors tell it */
};

static void route_release(struct route *route)
{
	free(route->url);
	free(route->path);
	free(route->name);
	free(route->told);
}

/* "/convert/" is asked as "/convert": Go cleans its paths. */
static char *path_of(const char *path, int timeout_s)
{
	size_t n = strlen(path);

	while (n && path[n - 1] == '/')
		n--;
	return timeout_s ? xasprintf("%.*s?timeout=%ds", (int)n, path, timeout_s)
			 : xasprintf("%.*s%s", (int)n, path, n ? "" : "/");
}

static int find_route(struct local *l, const struct hook_question *q, struct route *route,
		      struct error **err)
{
	const struct hook_target *t = q->target;

	if (t->url) {
		const char *path;

		if (strncmp(t->url, "https://", 8))
			return error_set(err, E_BAD_REQUEST,
					 "\"%s\" is no URL of a webhook: only https is", t->url);
		path = t->url + 8 + strcspn(t->url + 8, "/?#");
		route->url = xstrndup(t->url, (size_t)(path - t->url));
		route->path = path_of(*path == '/' ? path : "", q->timeout_s);
		route->told = xasprintf("%s%s", route->url, route->path);
		return 0;
	}
	if (!t->service || !t->namespace)
		return error_set(err, E_BAD_REQUEST,
				 "webhook configuration must have either service or URL");
	route->name = xasprintf("%s.%s.svc", t->service, t->namespace);
	route->path = path_of(t->path, q->timeout_s);
	route->told = xasprintf("https://%s:%d%s", route->name, t->port, route->path);
	route->url = hook_resolve(l, t, err);
	return route->url ? 0 : error_wrap(err, "Post \"%s\"", route->told);
}

/* What an answer without a Status says, in client-go's words. */
static int refuse_answer(const struct http_response *response, struct error **err)
{
	static const struct {
		int status;
		const char *text;
	} words[] = {
		{400, "the server rejected our request for an unknown reason"},
		{401, "the server has asked for the client to provide credentials"},
		{403, "the server does not allow access to the requested resource"},
		{404, "the server could not find the requested resource"},
		{405, "the server does not allow this method on the requested resource"},
		{409, "the server reported a conflict"},
		{429, "the server has received too many requests and has asked us to try again "
		      "later"},
		{503, "the server is currently unable to handle the request"},
		{504, "the server was unable to return a response in the time allotted, but may "
		      "still be processing the request"},
	};
	json_t *body json_auto = json_read(response->body.s, response->body.len, NULL);
	struct error *e = status_to_error(response->status, response->body.s, response->body.len);

	if (str_equal(json_path_string(body, "kind"), "Status"))
		return error_move(err, e);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i].status == response->status) {
			error_free(e);
			return error_set(err, E_UNAVAILABLE, "%s", words[i].text);
		}
	error_set(err, E_UNAVAILABLE,
		  response->status >= 500 ? "an error on the server (\"%s\") has prevented the "
					    "request from succeeding"
					  : "the server responded with a status that is no answer "
					    "(\"%s\")",
		  error_message(e));
	error_free(e);
	return -1;
}

static json_t *read_answer(const struct http_response *response, struct error **err)
{
	json_t *answer;

	if (response->status < 200 || response->status >= 300) {
		refuse_answer(response, err);
		return NULL;
	}
	answer = json_read(response->body.s, response->body.len, err);
	if (answer && !json_is_object(answer)) {
		json_decref(answer);
		answer = NULL;
		error_set(err, E_BAD_REQUEST, "a value that is no object");
	}
	if (!answer)
		error_wrap(err, "couldn't get version/kind; json parse error");
	return answer;
}

/* Without what http.h puts before its reasons: the URL says it already. */
static int tell_failure(const struct route *route, const char *server, struct error *why,
			struct error **err)
{
	const char *text = error_message(why);
	size_t n = strlen(server);
	enum error_code code = error_code(why);

	if (!strncmp(text, server, n) && !strncmp(text + n, ": ", 2))
		text += n + 2;
	if (code == E_TIMEOUT)
		text = "context deadline exceeded";
	else if (code == E_CANCELLED)
		text = "context canceled";
	return error_set(err, code, "Post \"%s\": %s", route->told, text);
}

static json_t *ask(const struct errand *e, struct http *http, const struct route *route,
		   const struct hook_question *q, struct error **err)
{
	struct http_response response CLEANUP(http_response_release) = HTTP_RESPONSE_INIT;
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	struct str body CLEANUP(str_release) = STR_INIT;
	struct call call = {.cancel = e->call ? e->call->cancel : NULL,
			    .timeout_ms = errand_left_ms(e),
			    .user_agent = "kube-apiserver-admission"};
	struct http_request request = {.method = "POST",
				       .path = route->path,
				       .content_type = "application/json",
				       .max_body = q->max_answer};

	if (q->timeout_s && (call.timeout_ms < 0 || call.timeout_ms > q->timeout_s * 1000))
		call.timeout_ms = q->timeout_s * 1000;
	json_write(q->body, &body);
	request.body = body.s;
	request.len = body.len;
	if (http_do(http, &call, &request, &response, &why) < 0) {
		tell_failure(route, http_server(http), why, err);
		return NULL;
	}
	return read_answer(&response, err);
}

json_t *hook_ask(const struct errand *e, const struct hook_question *q, struct error **err)
{
	struct hook_clients *clients = e->l->hooks;
	struct route route CLEANUP(route_release) = {0};
	struct http_config config = {.clock = clients->clock, .ca = q->target->ca};
	struct hook_client *client;
	json_t *answer;

	if (find_route(e->l, q, &route, err) < 0)
		return NULL;
	config.url = route.url;
	config.tls_server_name = route.name;
	/* An endpoint of the cluster is where it says; the way to it leads through no proxy. */
	config.proxy = route.name ? "" : NULL;
	client = client_take(clients, &config, err);
	if (!client)
		return NULL;
	answer = ask(e, client->http, &route, q, err);
	client_give_back(clients, client);
	return answer;
}
