#include "http/http_private.h"

#include <assert.h>
#include <string.h>

#define MAX_WAIT_MS (3600 * 1000)

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void curl_init(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

void http_submit(struct http_stream *s)
{
	struct http *h = s->http;

	pthread_mutex_lock(&h->lock);
	if (!s->dirty) {
		s->dirty = true;
		vec_push(&h->dirty, stream_ref(s));
	}
	pthread_mutex_unlock(&h->lock);
	curl_multi_wakeup(h->multi);
}

bool http_on_network_thread(struct http *h)
{
	return pthread_equal(pthread_self(), h->thread);
}

static void remove_running(struct http *h, struct http_stream *s)
{
	for (size_t i = 0; i < h->running.n; i++)
		if (h->running.v[i] == s) {
			vec_remove(&h->running, i);
			break;
		}
	curl_multi_remove_handle(h->multi, s->easy);
	s->added = false;
	stream_unref(s);
}

static void begin(struct http *h, struct http_stream *s)
{
	if (s->begun)
		return;
	s->begun = true;
	if (curl_multi_add_handle(h->multi, s->easy)) {
		stream_finish_error(s, error_new(E_INTERNAL, "cannot start a transfer"));
		return;
	}
	s->added = true;
	vec_push(&h->running, stream_ref(s));
}

static void attend(struct http *h, struct http_stream *s)
{
	bool stopped, resume;

	pthread_mutex_lock(&s->lock);
	stopped = s->stopped;
	resume = s->resume;
	s->resume = false;
	pthread_mutex_unlock(&s->lock);
	if (stopped && s->added)
		remove_running(h, s);
	else if (!stopped && resume && s->added)
		curl_easy_pause(s->easy, CURLPAUSE_CONT);
	else if (!stopped)
		begin(h, s);
}

/* Takes the news out under the lock and attends to it without: handlers may make more. */
static bool attend_all(struct http *h)
{
	struct http_stream **v;
	size_t n;
	bool quit;

	pthread_mutex_lock(&h->lock);
	v = h->dirty.v;
	n = h->dirty.n;
	memset(&h->dirty, 0, sizeof(h->dirty));
	for (size_t i = 0; i < n; i++)
		v[i]->dirty = false;
	quit = h->quit;
	pthread_mutex_unlock(&h->lock);
	for (size_t i = 0; i < n; i++) {
		attend(h, v[i]);
		stream_unref(v[i]);
	}
	free(v);
	return !quit;
}

static void collect_finished(struct http *h)
{
	int left;

	for (CURLMsg *m; (m = curl_multi_info_read(h->multi, &left));) {
		struct http_stream *s;
		CURLcode code = m->data.result;

		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&s);
		stream_ref(s);
		remove_running(h, s);
		stream_finish(s, code);
		stream_unref(s);
	}
}

static void *network_thread(void *arg)
{
	struct http *h = arg;
	int busy;

	while (attend_all(h)) {
		curl_multi_perform(h->multi, &busy);
		collect_finished(h);
		curl_multi_poll(h->multi, NULL, 0, MAX_WAIT_MS, NULL);
	}
	return NULL;
}

static char *dup_or_null(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

/*
 * A certificate name other than the URL's host: the URL names what the certificate must say, and
 * the connection goes to the real host.
 */
static void set_server_name(struct http *h, const char *scheme, const char *host, const char *port,
			    const char *path, const char *name)
{
	h->connect_to = xasprintf("::%s:%s", host, port);
	h->host_header = xasprintf("Host: %s:%s", host, port);
	free(h->base);
	h->base = xasprintf("%s://%s:%s%s", scheme, name, port, path);
}

struct url_parts {
	CURLU *u;
	char *scheme, *host, *port, *path;
};

static void url_parts_release(struct url_parts *p)
{
	curl_free(p->scheme);
	curl_free(p->host);
	curl_free(p->port);
	curl_free(p->path);
	curl_url_cleanup(p->u);
}

static int split_url(const char *url, struct url_parts *p, struct error **err)
{
	CURLUcode rc;

	p->u = curl_url();
	rc = curl_url_set(p->u, CURLUPART_URL, url, 0);
	if (!rc)
		rc = curl_url_get(p->u, CURLUPART_SCHEME, &p->scheme, 0);
	if (!rc)
		rc = curl_url_get(p->u, CURLUPART_HOST, &p->host, 0);
	if (!rc)
		rc = curl_url_get(p->u, CURLUPART_PORT, &p->port, CURLU_DEFAULT_PORT);
	if (!rc)
		rc = curl_url_get(p->u, CURLUPART_PATH, &p->path, 0);
	if (rc)
		return error_set(err, E_BAD_REQUEST, "server URL: %s", curl_url_strerror(rc));
	if (strcmp(p->scheme, "https") && strcmp(p->scheme, "http"))
		return error_set(err, E_BAD_REQUEST,
				 "server URL: its scheme is neither https nor http");
	while (*p->path && p->path[strlen(p->path) - 1] == '/')
		p->path[strlen(p->path) - 1] = '\0';
	return 0;
}

static bool is_loopback(const char *host)
{
	return !strcmp(host, "localhost") || str_has_prefix(host, "127.") || !strcmp(host, "[::1]");
}

static int set_url(struct http *h, const struct http_config *config, struct error **err)
{
	struct url_parts p CLEANUP(url_parts_release) = {0};

	if (split_url(config->url, &p, err))
		return -1;
	/* Put together from the parts: a user and password in the URL are not for messages. */
	h->server = xasprintf("%s://%s:%s", p.scheme, p.host, p.port);
	h->base = xasprintf("%s%s", h->server, p.path);
	h->loopback = is_loopback(p.host);
	if (config->tls_server_name && strcmp(config->tls_server_name, p.host))
		set_server_name(h, p.scheme, p.host, p.port, p.path, config->tls_server_name);
	return 0;
}

static char **dup_lines(char *const *lines)
{
	size_t n = 0;
	char **copy;

	while (lines && lines[n])
		n++;
	copy = xcalloc(n + 1, sizeof(*copy));
	for (size_t i = 0; i < n; i++)
		copy[i] = xstrdup(lines[i]);
	return copy;
}

static void free_lines(char **lines)
{
	for (char **line = lines; line && *line; line++)
		free(*line);
	free(lines);
}

static void release(struct http *h)
{
	if (h->multi)
		curl_multi_cleanup(h->multi);
	vec_release(&h->dirty);
	vec_release(&h->running);
	pthread_mutex_destroy(&h->lock);
	free(h->base);
	free(h->server);
	free(h->host_header);
	free(h->connect_to);
	free(h->ca);
	free(h->cert);
	if (h->key)
		explicit_bzero(h->key, strlen(h->key));
	free(h->key);
	free(h->proxy);
	free_lines(h->headers);
	free(h);
}

struct http *http_new(const struct http_config *config, struct error **err)
{
	struct http *h = xcalloc(1, sizeof(*h));

	pthread_once(&curl_once, curl_init);
	pthread_mutex_init(&h->lock, NULL);
	if (set_url(h, config, err)) {
		release(h);
		return NULL;
	}
	h->ca = dup_or_null(config->ca);
	h->cert = dup_or_null(config->cert);
	h->key = dup_or_null(config->key);
	h->proxy = dup_or_null(config->proxy);
	h->headers = dup_lines(config->headers);
	h->insecure = config->insecure;
	h->clock = config->clock ? config->clock : clock_system();
	h->authorize = config->authorize;
	h->authorize_arg = config->authorize_arg;
	h->multi = curl_multi_init();
	curl_multi_setopt(h->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
	if (pthread_create(&h->thread, NULL, network_thread, h)) {
		error_set(err, E_INTERNAL, "cannot start the network thread");
		release(h);
		return NULL;
	}
	return h;
}

struct http *http_free(struct http *h)
{
	if (!h)
		return NULL;
	pthread_mutex_lock(&h->lock);
	h->quit = true;
	pthread_mutex_unlock(&h->lock);
	curl_multi_wakeup(h->multi);
	pthread_join(h->thread, NULL);
	assert(!h->running.n && !h->dirty.n);
	release(h);
	return NULL;
}

const char *http_server(const struct http *h)
{
	return h->server;
}
