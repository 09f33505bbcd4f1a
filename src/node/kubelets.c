#include "node/kubelets.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/map.h"
#include "http/http.h"
#include "node/agent.h"
#include "object/json.h"

#include <stdatomic.h>
#include <string.h>

#define PEM_MAX 65536

struct kubelets {
	struct cluster *cluster;
	struct str cert, key;
	pthread_mutex_t lock;
	struct map *clients; /* "10.0.0.1:10250" -> struct http */
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

static void free_client(void *client)
{
	http_free(client);
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

	if (!node || !*node) {
		error_set(err, E_BAD_REQUEST, "pod %s does not have a host assigned", pod->name);
		return NULL;
	}
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

static struct http *client_of(struct kubelets *k, const char *at, struct error **err)
{
	char *url free_ptr = xasprintf("https://%s", at);
	const struct http_config config = {
		.url = url, .cert = k->cert.s, .key = k->key.s, .insecure = true, .proxy = ""};
	struct http *h;

	pthread_mutex_lock(&k->lock);
	h = map_get(k->clients, at);
	if (!h) {
		h = http_new(&config, err);
		if (h)
			map_put(k->clients, at, h);
	}
	pthread_mutex_unlock(&k->lock);
	return h;
}

/* One log that is read. Its owner has a ref, and the network thread one while it tells the end: it
 * may be stopped from within. */
struct reading {
	struct stream base;
	_Atomic unsigned refs;
	struct http_stream *http;
	struct stream_handler handler;
	void *arg;
	pthread_mutex_t lock;
	pthread_cond_t news;
	bool begun;
	struct error *why; /* it did not begin */
};

static void reading_unref(struct reading *r)
{
	if (atomic_fetch_sub(&r->refs, 1) != 1)
		return;
	error_free(r->why);
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->news);
	free(r);
}
DEFINE_CLEANUP(struct reading *, reading_unref)

static bool on_head(void *arg, const struct http_response *a)
{
	struct reading *r = arg;

	if (a->status < 200 || a->status >= 300)
		return true; /* the body says why */
	pthread_mutex_lock(&r->lock);
	r->begun = true;
	pthread_cond_broadcast(&r->news);
	pthread_mutex_unlock(&r->lock);
	return true;
}

static enum http_flow on_data(void *arg, const char *bytes, size_t len)
{
	struct reading *r = arg;

	return r->handler.data(r->arg, bytes, len) ? HTTP_MORE : HTTP_STOP;
}

/* Kubelet refuses in plain text; the line end is the text's, not the reason's. */
static struct error *refusal(const struct http_response *a)
{
	size_t len = a->body.len;

	while (len && a->body.s[len - 1] == '\n')
		len--;
	return error_new(error_code_from_status(a->status, NULL), "%.*s", (int)len, a->body.s);
}

static void on_closed(void *arg, const struct http_response *a, const struct error *transport)
{
	struct reading *r CLEANUP(reading_unref_cleanup) = arg;
	struct error *why = transport ? error_dup(transport) : NULL;
	bool begun;

	atomic_fetch_add(&r->refs, 1);
	if (!why && (a->status < 200 || a->status >= 300))
		why = refusal(a);
	pthread_mutex_lock(&r->lock);
	begun = r->begun;
	if (!begun)
		r->why = why ? steal(&why) : error_new(E_INTERNAL, "kubelet answers nothing");
	pthread_cond_broadcast(&r->news);
	pthread_mutex_unlock(&r->lock);
	if (begun)
		r->handler.closed(r->arg, why);
	error_free(why);
}

static const struct http_handler handler = {on_head, on_data, on_closed};

static int wait_begun(struct reading *r, struct error **err)
{
	int64_t deadline = clock_mono(clock_system()) + CALL_TIMEOUT_MS * NS_PER_MS;
	int late = 0, rc = 0;

	pthread_mutex_lock(&r->lock);
	while (!r->begun && !r->why && !late)
		late = clock_wait(clock_system(), &r->news, &r->lock, deadline);
	if (r->why)
		rc = error_move(err, steal(&r->why));
	else if (!r->begun)
		rc = error_set(err, E_TIMEOUT, "no answer of kubelet within %d ms",
			       CALL_TIMEOUT_MS);
	pthread_mutex_unlock(&r->lock);
	return rc;
}

static void stop_reading(struct stream *base)
{
	struct reading *r = container_of(base, struct reading, base);

	http_stream_stop(r->http);
	reading_unref(r);
}

static struct stream *begin(struct http *http, const char *path, const struct stream_handler *to,
			    void *arg, struct error **err)
{
	const struct http_request q = {.method = "GET", .path = path, .accept = "*/*"};
	struct reading *r = xcalloc(1, sizeof(*r));

	r->refs = 1;
	r->handler = *to;
	r->arg = arg;
	pthread_mutex_init(&r->lock, NULL);
	clock_cond_init(&r->news);
	r->http = http_stream_start(http, NULL, &q, &handler, r, err);
	if (r->http && wait_begun(r, err) == 0)
		return &r->base;
	stop_reading(&r->base);
	return NULL;
}

static struct stream *open_log(void *arg, struct cluster *c, const struct object *pod,
			       const char *subresource, const char *query,
			       const struct stream_handler *to, void *to_arg, struct error **err)
{
	struct kubelets *k = arg;
	struct str path CLEANUP(str_release) = STR_INIT;
	char *at free_ptr = NULL, *container free_ptr = NULL;
	struct http *http;

	if (strcmp(subresource, "log") != 0) {
		error_set(err, E_NOT_SUPPORTED, "%s is not passed on to kubelet", subresource);
		return NULL;
	}
	container = nodes_log_container(pod, query, err);
	at = container ? find_kubelet(k, pod, err) : NULL;
	http = at ? client_of(k, at, err) : NULL;
	if (!http)
		return NULL;
	str_addf(&path, "/containerLogs/%s/%s/%s", pod->namespace, pod->name, container);
	if (query && *query)
		str_addf(&path, "?%s", query);
	return begin(http, path.s, to, to_arg, err);
}

const struct pod_streamer *kubelets_streamer(void)
{
	static const struct pod_streamer streamer = {open_log, stop_reading};

	return &streamer;
}
