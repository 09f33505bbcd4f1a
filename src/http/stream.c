#include "http/http_private.h"

#include <string.h>
#include <strings.h>

struct http_stream *stream_ref(struct http_stream *s)
{
	atomic_fetch_add(&s->refs, 1);
	return s;
}

void stream_unref(struct http_stream *s)
{
	if (atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	curl_easy_cleanup(s->easy);
	curl_slist_free_all(s->headers);
	curl_slist_free_all(s->connect_to);
	free(s->body);
	http_response_release(&s->response);
	warnings_release(&s->warnings);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->idle);
	free(s);
}

void http_response_release(struct http_response *r)
{
	free(r->content_type);
	free(r->etag);
	str_release(&r->body);
	r->content_type = r->etag = NULL;
}

/*
 * The owner's handler runs between enter and leave, never with the lock held: that is what lets
 * http_stream_stop wait for it, and lets it call back into this file.
 */
static bool enter(struct http_stream *s)
{
	bool run;

	pthread_mutex_lock(&s->lock);
	run = s->in_handler = !s->stopped;
	pthread_mutex_unlock(&s->lock);
	return run;
}

static bool leave(struct http_stream *s)
{
	bool go_on;

	pthread_mutex_lock(&s->lock);
	s->in_handler = false;
	go_on = !s->stopped;
	pthread_cond_broadcast(&s->idle);
	pthread_mutex_unlock(&s->lock);
	return go_on;
}

static bool success(const struct http_stream *s)
{
	return s->response.status >= 200 && s->response.status < 300;
}

static bool tell_head(struct http_stream *s)
{
	bool go_on = true;

	if (s->head_told)
		return true;
	s->head_told = true;
	if (!enter(s))
		return false;
	if (s->handler->head)
		go_on = s->handler->head(s->arg, &s->response);
	return leave(s) && go_on;
}

static enum http_flow tell_data(struct http_stream *s, const char *bytes, size_t len)
{
	enum http_flow flow;

	if (!enter(s))
		return HTTP_STOP;
	flow = s->handler->data(s->arg, bytes, len);
	return leave(s) ? flow : HTTP_STOP;
}

static void tell_closed(struct http_stream *s, const struct error *why)
{
	if (!enter(s))
		return;
	s->handler->closed(s->arg, &s->response, why);
	leave(s);
}

static size_t give_up(struct http_stream *s)
{
	pthread_mutex_lock(&s->lock);
	s->stopped = true;
	pthread_mutex_unlock(&s->lock);
	return CURL_WRITEFUNC_ERROR;
}

/* What goes on too long has stopped explaining: the rest is read and dropped. */
static void keep_error_body(struct http_stream *s, const char *bytes, size_t len)
{
	str_add(&s->response.body, bytes, MIN(len, HTTP_MAX_ERROR_BODY - s->response.body.len));
}

/* CURLOPT_WRITEFUNCTION */
static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct http_stream *s = arg;
	enum http_flow flow = HTTP_MORE;

	n *= size;
	if (success(s))
		flow = tell_data(s, bytes, n);
	else
		keep_error_body(s, bytes, n);
	if (flow == HTTP_PAUSE)
		return CURL_WRITEFUNC_PAUSE;
	return flow == HTTP_MORE ? n : give_up(s);
}

/* The value of header NAME in a line, trimmed; NULL when the line is another. */
static const char *header_value(const char *line, size_t len, const char *name, size_t *value_len)
{
	size_t n = strlen(name);
	const char *p = line + n + 1, *end = line + len;

	if (len <= n || line[n] != ':' || strncasecmp(line, name, n))
		return NULL;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	while (p < end && strchr(" \t\r\n", end[-1]))
		end--;
	*value_len = (size_t)(end - p);
	return p;
}

static void replace(char **slot, const char *value, size_t len)
{
	free(*slot);
	*slot = xstrndup(value, len);
}

static void read_header(struct http_stream *s, const char *line, size_t n)
{
	size_t len;
	const char *v;

	if ((v = header_value(line, n, "Content-Type", &len)))
		replace(&s->response.content_type, v, len);
	else if ((v = header_value(line, n, "ETag", &len)))
		replace(&s->response.etag, v, len);
	else if ((v = header_value(line, n, "Warning", &len)))
		http_parse_warning(v, len, &s->warnings);
	else if ((v = header_value(line, n, "Retry-After", &len)))
		s->retry_after = http_parse_retry_after(v, len);
}

/* "HTTP/1.1 200 OK", "HTTP/2 200" */
static int read_status(const char *line, size_t n)
{
	const char *p = memchr(line, ' ', n);
	int status = 0;

	for (p = p ? p + 1 : line + n; p < line + n && *p >= '0' && *p <= '9'; p++)
		status = MIN(status * 10 + (*p - '0'), 999);
	return status;
}

/*
 * CURLOPT_HEADERFUNCTION. The head is told at the empty line that ends it, not with the first byte
 * of the body: a watch of a quiet type has none for minutes. Interim answers (100) have such a
 * line too.
 */
static size_t on_header(char *line, size_t size, size_t n, void *arg)
{
	struct http_stream *s = arg;

	n *= size;
	if (n > 5 && !memcmp(line, "HTTP/", 5)) {
		s->response.status = read_status(line, n);
		return n;
	}
	pthread_mutex_lock(&s->lock);
	read_header(s, line, n);
	pthread_mutex_unlock(&s->lock);
	if (n <= 2 && s->response.status >= 200 && !tell_head(s))
		return give_up(s);
	return n;
}

/*
 * What kept the answer from coming. The text is curl's: it names hosts, ports and certificates, no
 * credentials.
 */
static struct error *transfer_error(struct http_stream *s, CURLcode code)
{
	const char *text = s->error[0] ? s->error : curl_easy_strerror(code);
	struct str safe CLEANUP(str_release) = STR_INIT;

	str_add_escaped(&safe, text, strlen(text));
	if (code == CURLE_OUT_OF_MEMORY || code == CURLE_FAILED_INIT)
		return error_new(E_INTERNAL, "%s: %s", s->http->server, safe.s);
	if (code == CURLE_SSL_CERTPROBLEM)
		return error_new(E_UNREACHABLE, "%s: the client certificate or key: %s",
				 s->http->server, safe.s);
	return error_new(E_UNREACHABLE, "%s: %s", s->http->server, safe.s);
}

void stream_finish(struct http_stream *s, CURLcode code)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;

	if (code)
		why = transfer_error(s, code);
	tell_closed(s, why);
}

void stream_finish_error(struct http_stream *s, struct error *why)
{
	tell_closed(s, why);
	error_free(why);
}

void http_credentials_release(struct http_credentials *c)
{
	char **texts[] = {&c->cert, &c->key};

	str_wipe(&c->authorization);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (*texts[i])
			explicit_bzero(*texts[i], strlen(*texts[i]));
		free(*texts[i]);
		*texts[i] = NULL;
	}
}

static void set_pem(CURL *easy, CURLoption option, char *pem, unsigned flags)
{
	struct curl_blob blob = {.data = pem, .len = strlen(pem), .flags = flags};

	curl_easy_setopt(easy, option, &blob);
}

/* With a CA of its own a server is trusted by that alone: the system's directory is switched off.
 */
static void set_tls(struct http_stream *s)
{
	struct http *h = s->http;

	if (h->ca) {
		curl_easy_setopt(s->easy, CURLOPT_CAINFO, NULL);
		curl_easy_setopt(s->easy, CURLOPT_CAPATH, NULL);
		set_pem(s->easy, CURLOPT_CAINFO_BLOB, h->ca, CURL_BLOB_NOCOPY);
	}
	if (h->cert)
		set_pem(s->easy, CURLOPT_SSLCERT_BLOB, h->cert, CURL_BLOB_NOCOPY);
	if (h->key)
		set_pem(s->easy, CURLOPT_SSLKEY_BLOB, h->key, CURL_BLOB_NOCOPY);
	curl_easy_setopt(s->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (h->insecure) {
		curl_easy_setopt(s->easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(s->easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
}

static void set_connection(struct http_stream *s)
{
	struct http *h = s->http;

	curl_easy_setopt(s->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(s->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(s->easy, CURLOPT_PIPEWAIT, 1L);
	curl_easy_setopt(s->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(s->easy, CURLOPT_NOSIGNAL, 1L);
	/* A name server that does not answer is not waited for when a request is given up. */
	curl_easy_setopt(s->easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(s->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)HTTP_CONNECT_TIMEOUT_MS);
	curl_easy_setopt(s->easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(s->easy, CURLOPT_TCP_KEEPIDLE, 30L);
	curl_easy_setopt(s->easy, CURLOPT_TCP_KEEPINTVL, 10L);
	/* NO_PROXY is about the environment's proxy, not about one that is named. */
	if (h->proxy) {
		curl_easy_setopt(s->easy, CURLOPT_PROXY, h->proxy);
		curl_easy_setopt(s->easy, CURLOPT_NOPROXY, "");
	} else if (h->loopback) {
		curl_easy_setopt(s->easy, CURLOPT_PROXY, "");
	}
	if (h->connect_to) {
		s->connect_to = curl_slist_append(NULL, h->connect_to);
		curl_easy_setopt(s->easy, CURLOPT_CONNECT_TO, s->connect_to);
	}
}

static void add_header(struct http_stream *s, const char *name, const char *value)
{
	char *line free_ptr = value ? xasprintf("%s: %s", name, value) : NULL;

	if (line)
		s->headers = curl_slist_append(s->headers, line);
}

static int add_credentials(struct http_stream *s, const struct call *call, struct error **err)
{
	struct http_credentials c CLEANUP(http_credentials_release) = HTTP_CREDENTIALS_INIT;

	if (!s->http->authorize)
		return 0;
	if (s->http->authorize(s->http->authorize_arg, call, 0, &c, err) < 0)
		return -1;
	if (memchr(c.authorization.s, '\r', c.authorization.len) ||
	    memchr(c.authorization.s, '\n', c.authorization.len))
		return error_set(err, E_UNAUTHORIZED, "the credentials hold a line break");
	if (c.authorization.len)
		add_header(s, "Authorization", c.authorization.s);
	/* A connection is used again only by requests with the same certificate. */
	if (c.cert)
		set_pem(s->easy, CURLOPT_SSLCERT_BLOB, c.cert, CURL_BLOB_COPY);
	if (c.key)
		set_pem(s->easy, CURLOPT_SSLKEY_BLOB, c.key, CURL_BLOB_COPY);
	s->generation = c.generation;
	return 0;
}

static int set_headers(struct http_stream *s, const struct call *call, const struct http_request *q,
		       struct error **err)
{
	if (s->http->host_header)
		s->headers = curl_slist_append(s->headers, s->http->host_header);
	add_header(s, "Accept", q->accept ? q->accept : "application/json");
	add_header(s, "Content-Type", q->content_type);
	add_header(s, "If-None-Match", q->if_none_match);
	/* No "Expect: 100-continue": bodies are small beside a round trip. */
	s->headers = curl_slist_append(s->headers, "Expect:");
	for (char **line = s->http->headers; *line; line++)
		s->headers = curl_slist_append(s->headers, *line);
	if (add_credentials(s, call, err) < 0)
		return -1;
	curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, s->headers);
	curl_easy_setopt(s->easy, CURLOPT_USERAGENT,
			 call && call->user_agent ? call->user_agent : "kubefs");
	return 0;
}

static void set_request(struct http_stream *s, const struct http_request *q)
{
	char *url free_ptr = xasprintf("%s%s", s->http->base, q->path);

	curl_easy_setopt(s->easy, CURLOPT_URL, url);
	curl_easy_setopt(s->easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(s->easy, CURLOPT_ACCEPT_ENCODING, "gzip");
	if (q->body) {
		s->body = xmemdup(q->body, q->len);
		curl_easy_setopt(s->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->len);
		curl_easy_setopt(s->easy, CURLOPT_POSTFIELDS, s->body);
	}
	curl_easy_setopt(s->easy, CURLOPT_CUSTOMREQUEST, q->method);
	curl_easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(s->easy, CURLOPT_WRITEDATA, s);
	curl_easy_setopt(s->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(s->easy, CURLOPT_HEADERDATA, s);
	curl_easy_setopt(s->easy, CURLOPT_ERRORBUFFER, s->error);
	curl_easy_setopt(s->easy, CURLOPT_PRIVATE, s);
}

struct http_stream *http_stream_start(struct http *h, const struct call *call,
				      const struct http_request *q,
				      const struct http_handler *handler, void *arg,
				      struct error **err)
{
	struct http_stream *s = xcalloc(1, sizeof(*s));

	s->refs = 1;
	s->http = h;
	s->handler = handler;
	s->arg = arg;
	str_init(&s->response.body);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->idle, NULL);
	s->easy = curl_easy_init();
	set_connection(s);
	set_tls(s);
	set_request(s, q);
	if (set_headers(s, call, q, err)) {
		stream_unref(s);
		return NULL;
	}
	http_submit(s);
	return s;
}

void http_stream_resume(struct http_stream *s)
{
	pthread_mutex_lock(&s->lock);
	s->resume = true;
	pthread_mutex_unlock(&s->lock);
	http_submit(s);
}

void http_stream_stop(struct http_stream *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->stopped = true;
	while (s->in_handler && !http_on_network_thread(s->http))
		pthread_cond_wait(&s->idle, &s->lock);
	pthread_mutex_unlock(&s->lock);
	http_submit(s);
	stream_unref(s);
}

int http_stream_other_credentials(struct http_stream *s, const struct call *call,
				  struct error **err)
{
	struct http_credentials c CLEANUP(http_credentials_release) = HTTP_CREDENTIALS_INIT;
	struct http *h = s->http;

	return h->authorize ? h->authorize(h->authorize_arg, call, s->generation, &c, err) : 0;
}

void http_stream_warnings(struct http_stream *s, struct warnings *out)
{
	pthread_mutex_lock(&s->lock);
	vec_each (&s->warnings, w)
		warnings_add(out, "%s", *w);
	pthread_mutex_unlock(&s->lock);
}

int http_stream_retry_after(struct http_stream *s)
{
	int seconds;

	pthread_mutex_lock(&s->lock);
	seconds = s->retry_after;
	pthread_mutex_unlock(&s->lock);
	return seconds;
}
