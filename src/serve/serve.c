#include "serve/serve.h"
#include "base/log.h"
#include "base/mem.h"
#include "serve/announce.h"
#include "serve/http.h"
#include "serve/pki.h"
#include "serve/server.h"

#include <arpa/inet.h>
#include <libwebsockets.h>
#include <string.h>

#define WORKERS 64

struct serve {
	struct server server;
	char *address;
};

/* "127.0.0.1:6443", "[::1]:6443", ":6443" */
static int parse_listen(const char *text, char **host, int *port, struct error **err)
{
	const char *colon = strrchr(text, ':');
	bool brackets = *text == '[';
	char *end;
	long number;

	if (!colon || (brackets && (colon == text || colon[-1] != ']')) ||
	    (!brackets && memchr(text, ':', (size_t)(colon - text))))
		return error_set(err, E_BAD_REQUEST, "%s: want HOST:PORT", text);
	number = strtol(colon + 1, &end, 10);
	if (!colon[1] || *end || number < 0 || number > 65535)
		return error_set(err, E_BAD_REQUEST, "%s: want a port from 0 to 65535", text);
	*host = brackets ? xstrndup(text + 1, (size_t)(colon - text) - 2)
			 : xstrndup(text, (size_t)(colon - text));
	*port = (int)number;
	return 0;
}

/* Whether nobody but this machine reaches HOST; what is no literal address is not trusted to be. */
static bool is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	if (inet_pton(AF_INET6, host, &v6) == 1)
		return IN6_IS_ADDR_LOOPBACK(&v6);
	return strcmp(host, "localhost") == 0;
}

static int check_listen(const struct serve_options *opt, const char *host, struct error **err)
{
	if (opt->allow_remote || is_loopback(host))
		return 0;
	return error_set(err, E_BAD_REQUEST,
			 "--listen=%s would be reached from other machines: say --allow-remote to "
			 "let them",
			 opt->listen);
}

/* The address a client on this machine dials. */
static char *format_address(const char *host, int port)
{
	if (!*host || strcmp(host, "0.0.0.0") == 0)
		host = "127.0.0.1";
	else if (strcmp(host, "::") == 0)
		host = "::1";
	return xasprintf(strchr(host, ':') ? "[%s]:%d" : "%s:%d", host, port);
}

static void *run(void *arg)
{
	http_run(arg);
	return NULL;
}

static int start(struct serve *s, const struct serve_options *opt, struct error **err)
{
	struct pki pki CLEANUP(pki_release) = {0};
	char *host free_ptr = NULL, *url free_ptr = NULL;
	int port = 0, failed;

	if (parse_listen(opt->listen, &host, &port, err) < 0 || check_listen(opt, host, err) < 0)
		return -1;
	if (opt->audit_log &&
	    !(s->server.audit = audit_open(opt->audit_log, opt->audit_policy, s->server.clock,
					   &s->server.metrics, err)))
		return -1;
	if (pki_ensure(opt->dir, host, clock_wall(s->server.clock), &pki, err) < 0)
		return -1;
	if (opt->client_ca) {
		free(pki.ca_cert);
		pki.ca_cert = xstrdup(opt->client_ca);
	}
	if (http_listen(&s->server, host, &port, &pki, err) < 0)
		return -1;
	s->address = format_address(host, port);
	s->server.address = s->address;
	url = xasprintf("https://%s", s->address);
	if ((!opt->client_ca && pki_write_kubeconfig(opt->dir, &pki, url, err) < 0) ||
	    (opt->announce &&
	     announce(s->server.cluster, &pki, clock_wall(s->server.clock), err) < 0))
		return -1;
	s->server.wakes = true;
	failed = pthread_create(&s->server.thread, NULL, run, &s->server);
	if (failed)
		return error_set_errno(err, failed, "starting the service thread");
	return 0;
}

static void release(struct serve *s)
{
	pthread_mutex_lock(&s->server.ready_lock);
	s->server.wakes = false;
	pthread_mutex_unlock(&s->server.ready_lock);
	if (s->server.context)
		lws_context_destroy(s->server.context);
	serve_pool_free(s->server.pool);
	while (s->server.ready) {
		struct request *r = s->server.ready;

		s->server.ready = r->next_ready;
		request_unref(r);
	}
	audit_close(s->server.audit);
	render_cache_free(s->server.rendered);
	openapi_cache_free(s->server.openapi);
	pthread_mutex_destroy(&s->server.ready_lock);
	free(s->server.scratch);
	free(s->server.name_header);
	free(s->server.unasked);
	free(s->address);
	free(s);
}

struct serve *serve_start(struct cluster *cluster, const struct serve_options *options,
			  struct error **err)
{
	struct serve *s = xcalloc(1, sizeof(*s));

	s->server.cluster = cluster;
	s->server.kubelet = options->client_ca != NULL;
	s->server.clock = options->clock ? options->clock : clock_system();
	s->server.pool = serve_pool_new(options->workers ? options->workers : WORKERS);
	s->server.rendered = render_cache_new();
	s->server.openapi = openapi_cache_new();
	pthread_mutex_init(&s->server.ready_lock, NULL);
	if (start(s, options, err) < 0) {
		release(s);
		return NULL;
	}
	log_info("serving %s on https://%s", cluster->description, s->address);
	return s;
}

struct serve *serve_stop(struct serve *s)
{
	if (!s)
		return NULL;
	atomic_store(&s->server.stopping, true);
	lws_cancel_service(s->server.context);
	pthread_join(s->server.thread, NULL);
	release(s);
	return NULL;
}

void serve_reopen_audit(struct serve *s)
{
	if (s->server.audit)
		audit_reopen(s->server.audit);
}

const char *serve_address(const struct serve *s)
{
	return s->address;
}
