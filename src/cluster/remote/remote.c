#include "cluster/remote/remote.h"

#include "base/log.h"
#include "cluster/backends.h"
#include "cluster/listeners.h"

static void remote_close(struct cluster *cluster)
{
	struct remote *c = remote_of(cluster);

	remote_catalog_close(c);
	remote_stop_all(c);
	http_free(c->http);
	auth_free(c->auth);
	kubeconfig_release(&c->kubeconfig);
	cancel_unref(c->closed);
	catalog_unref(c->catalog);
	free(c->fingerprint);
	listeners_free(cluster->listeners);
	vec_release(&c->lives);
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->wake);
	free(c->base.default_namespace);
	free(c->base.description);
	free(c);
}

static const struct cluster_ops ops = {
	.name = "remote",
	.close = remote_close,
	.catalog = remote_catalog,
	.follow_catalog = remote_follow_catalog,
	.get = remote_get,
	.list = remote_list,
	.create = remote_create,
	.update = remote_update,
	.patch = remote_patch,
	.delete = remote_delete,
	.delete_collection = remote_delete_collection,
	.watch = remote_watch,
	.watch_stop = remote_watch_stop,
	.stream = remote_stream,
	.stream_stop = remote_stream_stop,
	.raw = remote_raw,
};

static int connect_to(struct remote *c, struct error **err)
{
	struct kubeconfig *k = &c->kubeconfig;
	struct http_config http = {
		.url = k->server,
		.ca = k->ca,
		.cert = k->cert,
		.key = k->key,
		.tls_server_name = k->tls_server_name,
		.insecure = k->insecure,
		.proxy = k->proxy,
		.headers = k->headers.v,
		.clock = c->clock,
		.authorize = auth_authorize,
	};

	if (k->headers.n)
		vec_push(&k->headers, NULL);
	c->auth = auth_new(k, c->clock);
	http.authorize_arg = c->auth;
	c->http = http_new(&http, err);
	if (!c->http)
		return -1;
	c->base.description = xstrdup(http_server(c->http));
	if (k->insecure)
		log_warn("%s: its certificate is not checked (insecure-skip-tls-verify)",
			 c->base.description);
	return 0;
}

struct cluster *remote_cluster_open(const char *where, const struct cluster_config *config,
				    struct error **err)
{
	struct kubeconfig k CLEANUP(kubeconfig_release) = {0};
	struct remote *c;

	if (*where) {
		error_set(err, E_BAD_REQUEST,
			  "\"remote:\" takes nothing after the colon: the kubeconfig says which");
		return NULL;
	}
	if (kubeconfig_load(config->kubeconfig, config->context, &k, err) < 0)
		return NULL;
	c = xcalloc(1, sizeof(*c));
	c->base.ops = &ops;
	c->base.listeners = listeners_new();
	c->base.default_namespace = xstrdup(k.namespace ? k.namespace : "default");
	c->kubeconfig = k;
	k = (struct kubeconfig){0};
	c->clock = config->clock ? config->clock : clock_system();
	c->changed_ns = CLOCK_NEVER;
	c->closed = cancel_new();
	pthread_mutex_init(&c->lock, NULL);
	clock_cond_init(&c->wake);
	if (connect_to(c, err) < 0) {
		remote_close(&c->base);
		return NULL;
	}
	return &c->base;
}
