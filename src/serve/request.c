#include "serve/request.h"
#include "base/clock.h"
#include "base/mem.h"
#include "object/json.h"
#include "object/status.h"
#include "object/yaml.h"
#include "serve/server.h"

#include <string.h>

/* A list may be this far ahead of its reader; a watch this far behind its events. */
#define QUEUE_WAIT_BYTES (2u << 20)
#define QUEUE_DROP_BYTES (16u << 20)
/* So long an answer may take, as with kube-apiserver; one second more for so many bytes. */
#define ANSWER_S 60
#define SLOWEST_BYTES_S 65536u

static const char *const names[METHODS] = {"GET",    "POST", "PUT",    "PATCH",
					   "DELETE", "HEAD", "OPTIONS"};

const char *method_name(enum method m)
{
	return names[m];
}

struct request *request_new(struct server *s, enum method method, const char *path, size_t len)
{
	struct request *r = xcalloc(1, sizeof(*r));

	atomic_init(&r->refs, 1);
	r->server = s;
	r->method = method;
	r->path = xstrndup(path, len);
	str_init(&r->body);
	audit_bodies_init(&r->bodies);
	r->cancel = cancel_new();
	r->answer.length = -1;
	pthread_mutex_init(&r->answer.lock, NULL);
	clock_cond_init(&r->answer.drained);
	r->started_ns = clock_mono(s->clock);
	r->received_ns = clock_wall(s->clock);
	return r;
}

struct request *request_ref(struct request *r)
{
	atomic_fetch_add(&r->refs, 1);
	return r;
}

static void piece_release(struct piece *p)
{
	if (p->release)
		p->release(p->owner);
}

void request_unref(struct request *r)
{
	if (atomic_fetch_sub(&r->refs, 1) != 1)
		return;
	vec_each (&r->query, q) {
		free(q->name);
		free(q->value);
	}
	vec_release(&r->query);
	vec_each (&r->answer.headers, h) {
		free(h->name);
		free(h->value);
	}
	vec_release(&r->answer.headers);
	for (size_t i = r->answer.head; i < r->answer.queue.n; i++)
		piece_release(&r->answer.queue.v[i]);
	vec_release(&r->answer.queue);
	pthread_mutex_destroy(&r->answer.lock);
	pthread_cond_destroy(&r->answer.drained);
	identity_unref(r->who);
	identity_unref(r->wanted);
	identity_unref(r->impersonator);
	error_free(r->refused);
	error_free(r->told);
	warnings_release(&r->warnings);
	annotations_release(&r->annotations);
	audit_bodies_release(&r->bodies);
	cancel_unref(r->cancel);
	str_release(&r->body);
	free(r->path);
	free(r->accept);
	free(r->accept_encoding);
	free(r->content_type);
	free(r->if_none_match);
	free(r->user_agent);
	free(r->forwarded_for);
	free(r->real_ip);
	free(r->object_name);
	free(r->object_uid);
	free(r);
}

void request_finish(struct request *r)
{
	/* A reader may take his time over the answer: the log's copy does not wait for him. */
	audit_bodies_release(&r->bodies);
	request_unref(r);
}

const char *request_query(const struct request *r, const char *name)
{
	vec_each (&r->query, q)
		if (strcmp(q->name, name) == 0)
			return q->value;
	return NULL;
}

bool request_flag(const struct request *r, const char *name)
{
	const char *value = request_query(r, name);

	return value && strcmp(value, "false") != 0 && strcmp(value, "0") != 0;
}

/* PLAIN: what stands for itself beside letters, digits and "-._~". */
static void add_encoded(struct str *out, const char *text, const char *plain)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    strchr("-._~", c) || strchr(plain, c))
			str_addc(out, *text);
		else
			str_addf(out, "%%%02X", c);
	}
}

void request_query_encoded(const struct request *r, struct str *out)
{
	for (size_t i = 0; i < r->query.n; i++) {
		const struct parameter *q = &r->query.v[i];

		str_adds(out, i ? "&" : "");
		add_encoded(out, q->name, ":");
		str_addc(out, '=');
		add_encoded(out, q->value, ":");
	}
}

void request_uri(const struct request *r, struct str *out)
{
	add_encoded(out, r->path, "/:@!$&'()*+,;=");
	if (!r->query.n)
		return;
	str_addc(out, '?');
	request_query_encoded(r, out);
}

void answer_header(struct request *r, const char *name, const char *value)
{
	struct header h = {.name = xstrdup(name), .value = xstrdup(value)};

	pthread_mutex_lock(&r->answer.lock);
	vec_push(&r->answer.headers, h);
	pthread_mutex_unlock(&r->answer.lock);
}

/* Warning: 299 - "text": quotes and backslashes escaped, control characters gone (RFC 7234). */
static void add_warnings(struct request *r)
{
	for (size_t i = 0; i < r->warnings.n; i++) {
		struct str value CLEANUP(str_release) = STR_INIT;

		str_adds(&value, "299 - \"");
		for (const char *s = r->warnings.v[i]; *s; s++) {
			if (*s == '"' || *s == '\\')
				str_addc(&value, '\\');
			str_addc(&value, (unsigned char)*s < ' ' ? ' ' : *s);
		}
		str_addc(&value, '"');
		answer_header(r, "warning:", value.s);
	}
}

static void begin(struct request *r, int status, const char *content_type, int64_t length)
{
	add_warnings(r);
	metrics_answer(&r->server->metrics, r->method, status);
	pthread_mutex_lock(&r->answer.lock);
	r->answer.status = status;
	r->answer.content_type = content_type;
	r->answer.length = length;
	r->answer.begun = true;
	pthread_mutex_unlock(&r->answer.lock);
}

void answer_begin(struct request *r, int status, const char *content_type)
{
	begin(r, status, content_type, -1);
	server_wake(r);
}

void answer_send_piece(struct request *r, int status, const char *content_type,
		       const struct piece *piece)
{
	begin(r, status, content_type, (int64_t)piece->len);
	audit_body_answered(&r->bodies, piece->bytes, piece->len);
	pthread_mutex_lock(&r->answer.lock);
	vec_push(&r->answer.queue, *piece);
	r->answer.queued += piece->len;
	r->answer.ended = true;
	pthread_mutex_unlock(&r->answer.lock);
	server_wake(r);
}

void answer_send(struct request *r, int status, const char *content_type, struct str *body)
{
	struct piece piece = piece_take(body);

	answer_send_piece(r, status, content_type, &piece);
}

void answer_error_as(struct request *r, const struct error *e, bool yaml)
{
	json_t *tree json_auto = status_from_error(e);
	struct str json CLEANUP(str_release) = STR_INIT, text CLEANUP(str_release) = STR_INIT;

	if (r->server->audit && !r->told)
		r->told = error_dup(e);
	json_write(tree, &json);
	if (e->retry_after_s > 0) {
		char *seconds free_ptr = xasprintf("%d", e->retry_after_s);

		answer_header(r, "retry-after:", seconds);
	}
	if (yaml)
		yaml_write(json.s, json.len, 0, &text);
	answer_send(r, error_http_status(e), yaml ? "application/yaml" : "application/json",
		    yaml ? &text : &json);
}

void answer_error(struct request *r, const struct error *e)
{
	answer_error_as(r, e, false);
}

struct piece piece_copy(const char *bytes, size_t len)
{
	char *copy = xmemdup(bytes, len);

	return (struct piece){.bytes = copy, .len = len, .owner = copy, .release = free};
}

struct piece piece_take(struct str *s)
{
	size_t len = s->len;
	char *bytes = str_take(s);

	return (struct piece){.bytes = bytes, .len = len, .owner = bytes, .release = free};
}

struct piece piece_static(const char *text)
{
	return (struct piece){.bytes = text, .len = strlen(text)};
}

int64_t request_patience_ns(const struct request *r)
{
	return r->started_ns + ANSWER_S * NS_PER_S +
	       (int64_t)(r->answer.sent / SLOWEST_BYTES_S * NS_PER_S);
}

static bool is_ahead(const struct answer *a, size_t len)
{
	return a->queued && a->queued + len > QUEUE_WAIT_BYTES && !a->closed && !a->aborted;
}

/*
 * Until the reader has come closer. A wait holds a snapshot of the store: it does not last, however
 * little the reader takes at a time. Under the lock.
 */
static void wait_for_reader(struct request *r, size_t len)
{
	struct answer *a = &r->answer;

	if (!serve_pool_begin_wait(r->server->pool)) {
		a->aborted = true;
		return;
	}
	while (is_ahead(a, len) && clock_mono(r->server->clock) < request_patience_ns(r))
		clock_wait(r->server->clock, &a->drained, &a->lock, request_patience_ns(r));
	a->aborted |= is_ahead(a, len);
	serve_pool_end_wait(r->server->pool);
}

/* Room for LEN bytes, waited for or refused. Under the lock. */
static bool make_room(struct request *r, size_t len, enum answer_mode mode)
{
	struct answer *a = &r->answer;

	if (mode == ANSWER_WAIT && is_ahead(a, len))
		wait_for_reader(r, len);
	if (a->closed || a->aborted || a->ended)
		return false;
	if (mode == ANSWER_WAIT || !a->queued || a->queued + len <= QUEUE_DROP_BYTES)
		return true;
	/* The reader is too slow: its stream ends where it is. */
	a->ended = true;
	return false;
}

int answer_writev(struct request *r, const struct piece *pieces, size_t n, enum answer_mode mode)
{
	struct answer *a = &r->answer;
	size_t len = 0;
	bool room;

	for (size_t i = 0; i < n; i++)
		len += pieces[i].len;
	pthread_mutex_lock(&a->lock);
	room = make_room(r, len, mode);
	for (size_t i = 0; room && i < n; i++)
		vec_push(&a->queue, pieces[i]);
	a->queued += room ? len : 0;
	pthread_mutex_unlock(&a->lock);
	for (size_t i = 0; !room && i < n; i++)
		if (pieces[i].release)
			pieces[i].release(pieces[i].owner);
	server_wake(r);
	return room ? 0 : -1;
}

int answer_write(struct request *r, const struct piece *piece, enum answer_mode mode)
{
	return answer_writev(r, piece, 1, mode);
}

void answer_end(struct request *r)
{
	pthread_mutex_lock(&r->answer.lock);
	r->answer.ended = true;
	pthread_mutex_unlock(&r->answer.lock);
	server_wake(r);
}

void answer_abort(struct request *r)
{
	pthread_mutex_lock(&r->answer.lock);
	r->answer.aborted = true;
	pthread_cond_broadcast(&r->answer.drained);
	pthread_mutex_unlock(&r->answer.lock);
	server_wake(r);
}

void answer_end_after(struct request *r, int64_t seconds)
{
	pthread_mutex_lock(&r->answer.lock);
	r->answer.end_at_ns = clock_mono(r->server->clock) + seconds * NS_PER_S;
	pthread_mutex_unlock(&r->answer.lock);
	server_wake(r);
}

void answer_on_close(struct request *r, void (*close)(void *), void *arg)
{
	bool closed;

	pthread_mutex_lock(&r->answer.lock);
	closed = r->answer.closed;
	if (!closed) {
		r->answer.on_close = close;
		r->answer.on_close_arg = arg;
	}
	pthread_mutex_unlock(&r->answer.lock);
	if (closed)
		close(arg);
}
