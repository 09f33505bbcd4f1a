#include "node/kubelets.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/map.h"
#include "http/feed.h"
#include "node/agent.h"
#include "object/json.h"

#include <string.h>

#define PEM_MAX 65536

struct kubelets {
	struct cluster *cluster;
	struct str cert, key;
	pthread_mutex_t lock;
	struct map *clients; /* "10.0.0.1:10250" -> struct client */
};

/* A kubelet that is being read from. Under the lock of struct kubelets. */
struct client {
	struct http *http;
	unsigned users;
};

struct kubelets *kubelets_new(struct cluster *cluster, const char *cert, const char *key,
			      struct error **err)
{
	struct kubelets *k = xcalloc(1, sizeof(*k));

	k->cluster = cluster;
	k->cert = k->key = (struct str)STR_INIT;
	k->clients = map_new();
	pthread_mutex_init(&k->lock, NULL);
	if (file_read(cert, PEM_MAX, &k->cert, err) == 0 &&
	    file_read(key, PEM_MAX, &k->key, err) == 0)
		return k;
	kubelets_free(k);
	return NULL;
}

static void free_client(void *arg)
{
	struct client *client = arg;

	http_free(client->http);
	free(client);
}

void kubelets_free(struct kubelets *k)
{
	if (!k)
		return;
	map_free(k->clients, free_client);
	str_release(&k->cert);
	str_wipe(&k->key);
	pthread_mutex_destroy(&k->lock);
	free(k);
}

/* "192.0.2.7:10250" of the node that POD is bound to. The caller frees. */
static char *find_kubelet(struct kubelets *k, const struct object *pod, struct error **err)
{
	struct catalog *catalog CLEANUP(catalog_unref_cleanup) = catalog_builtin();
	char *node free_ptr = object_string(pod, "spec.nodeName");
	struct object *o CLEANUP(object_unref_cleanup) = NULL;

	if (cluster_get(k->cluster, NULL, catalog_find(catalog, "", "v1", "nodes"), "", node, &o,
			err) < 0)
		return NULL;
	int64_t port = object_int(o, "status.daemonEndpoints.kubeletEndpoint.Port", 0);
	json_t *tree json_auto = object_tree(o);
	json_t *first = json_array_get(json_path(tree, "status.addresses"), 0);
	const char *address = json_path_string(first, "address");

	if (address && port > 0)
		return xasprintf(strchr(address, ':') ? "[%s]:%d" : "%s:%d", address, (int)port);
	error_set(err, E_UNAVAILABLE, "node %s does not tell where its kubelet is", node);
	return NULL;
}

static struct client *client_new(struct kubelets *k, const char *at, struct error **err)
{
	char *url free_ptr = xasprintf("https://%s", at);
	const struct http_config config = {
		.url = url, .cert = k->cert.s, .key = k->key.s, .insecure = true, .proxy = ""};
	struct http *http = http_new(&config, err);
	struct client *client;

	if (!http)
		return NULL;
	client = xcalloc(1, sizeof(*client));
	client->http = http;
	map_put(k->clients, at, client);
	return client;
}

static struct client *client_get(struct kubelets *k, const char *at, struct error **err)
{
	struct client *client;

	pthread_mutex_lock(&k->lock);
	client = map_get(k->clients, at);
	if (!client)
		client = client_new(k, at, err);
	if (client)
		client->users++;
	pthread_mutex_unlock(&k->lock);
	return client;
}

/*
 * Ends the threads of those that nobody reads from any more, but not the one that this runs on:
 * that one's turn comes with the next stream that ends. Without the lock, which they may be waiting
 * for.
 */
static void drop_idle(struct kubelets *k)
{
	VEC(struct client *) idle = VEC_INIT;

	pthread_mutex_lock(&k->lock);
	map_each (k->clients, e) {
		struct client *client = e->value;

		if (!client->users && !http_on_network_thread(client->http))
			vec_push(&idle, map_del(k->clients, e->key));
	}
	pthread_mutex_unlock(&k->lock);
	vec_each (&idle, client)
		free_client(*client);
	vec_release(&idle);
}

static void client_put(struct kubelets *k, struct client *client)
{
	pthread_mutex_lock(&k->lock);
	client->users--;
	pthread_mutex_unlock(&k->lock);
	drop_idle(k);
}

/* One log that is read. */
struct reading {
	struct stream base;
	struct kubelets *kubelets;
	struct client *client;
	struct http_feed *feed;
	struct stream_handler handler;
	void *arg;
};

static enum http_flow on_data(void *arg, const char *bytes, size_t len)
{
	struct reading *r = arg;

	return r->handler.data(r->arg, bytes, len) ? HTTP_MORE : HTTP_STOP;
}

/* Kubelet refuses in plain text; the line end is the text's, not the reason's. */
static struct error *refusal(void *arg, const struct http_response *a)
{
	size_t len = a->body.len;

	(void)arg;
	while (len && a->body.s[len - 1] == '\n')
		len--;
	return error_new(error_code_from_status(a->status, NULL), "%.*s", (int)len, a->body.s);
}

static void on_closed(void *arg, const struct error *why)
{
	struct reading *r = arg;

	r->handler.closed(r->arg, why);
}

static const struct http_feed_handler handler = {refusal, on_data, on_closed, free};

static void stop_reading(struct stream *base)
{
	struct reading *r = container_of(base, struct reading, base);
	struct kubelets *k = r->kubelets;
	struct client *client = r->client;

	http_feed_stop(r->feed);
	client_put(k, client);
}

/* Takes over a use of CLIENT. */
static struct stream *begin(struct kubelets *k, struct client *client, const char *path,
			    const struct stream_handler *to, void *arg, struct error **err)
{
	const struct http_request q = {.method = "GET", .path = path, .accept = "*/*"};
	struct reading *r = xcalloc(1, sizeof(*r));
	struct http_feed *feed;

	*r = (struct reading){.kubelets = k, .client = client, .handler = *to, .arg = arg};
	feed = http_feed_open(client->http, NULL, &q, &handler, r, err);
	if (!feed) {
		client_put(k, client);
		return NULL;
	}
	r->feed = feed;
	return &r->base;
}

static struct stream *open_log(void *arg, struct cluster *c, const struct object *pod,
			       const char *subresource, const char *query,
			       const struct stream_handler *to, void *to_arg, struct error **err)
{
	struct kubelets *k = arg;
	struct str path CLEANUP(str_release) = STR_INIT;
	char *at free_ptr = NULL, *container free_ptr = NULL;
	struct client *client;

	if (nodes_stream_begins(pod, subresource, query, &container, err) <= 0)
		return NULL;
	if (strcmp(subresource, "log") != 0) {
		error_set(err, E_NOT_SUPPORTED, "%s is not passed on to kubelet", subresource);
		return NULL;
	}
	at = find_kubelet(k, pod, err);
	client = at ? client_get(k, at, err) : NULL;
	if (!client)
		return NULL;
	str_addf(&path, "/containerLogs/%s/%s/%s", pod->namespace, pod->name, container);
	if (query && *query)
		str_addf(&path, "?%s", query);
	return begin(k, client, path.s, to, to_arg, err);
}

const struct pod_streamer *kubelets_streamer(void)
{
	static const struct pod_streamer streamer = {open_log, stop_reading};

	return &streamer;
}
