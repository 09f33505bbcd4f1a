#include "serve/exchange.h"

#include "base/mem.h"

#include <string.h>

/* libwebsockets sends at most so much in one writable callback; an HTTP/2 frame with its header
 * fills one TLS record. */
#define WRITE_BYTES 65536u
#define FRAME_BYTES (16384u - 9u)
#define CHUNK_HEAD 10u /* "ffffffff\r\n" */
#define CHUNK_TAIL 16u /* "\r\n0\r\n\r\n" */
#define ANSWER_HEADERS 8192u
#define SCRATCH_BYTES (LWS_PRE + ANSWER_HEADERS + CHUNK_HEAD + WRITE_BYTES + CHUNK_TAIL)

unsigned char *exchange_scratch(void)
{
	return xmalloc(SCRATCH_BYTES);
}

static bool put_status(struct lws *wsi, struct request *r, unsigned char **p, unsigned char *end)
{
	struct lws_protocol_vhost_options *name = r->server->name_header;
	bool failed;

	name->value = EXCHANGE_SERVER;
	failed = lws_add_http_header_status(wsi, (unsigned)r->answer.status, p, end);
	name->value = r->server->unasked;
	return !failed;
}

/* The headers of R's answer at *P. */
static bool put_headers(struct lws *wsi, struct request *r, unsigned char **p, unsigned char *end)
{
	struct answer *a = &r->answer;
	bool h2 = lws_get_network_wsi(wsi) != wsi;

	if (!put_status(wsi, r, p, end))
		return false;
	if (a->content_type && lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE,
							    (const unsigned char *)a->content_type,
							    (int)strlen(a->content_type), p, end))
		return false;
	vec_each (&a->headers, h)
		if (lws_add_http_header_by_name(wsi, (const unsigned char *)h->name,
						(const unsigned char *)h->value,
						(int)strlen(h->value), p, end))
			break; /* hundreds of warnings: those that fit */
	if (a->length >= 0) {
		if (lws_add_http_header_content_length(wsi, (lws_filepos_t)a->length, p, end))
			return false;
	} else if (!h2) {
		r->chunked = true;
		if (lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING,
						 (const unsigned char *)"chunked", 7, p, end))
			return false;
	}
	if (r->close_after && !h2 &&
	    lws_add_http_header_by_token(wsi, WSI_TOKEN_CONNECTION, (const unsigned char *)"close",
					 5, p, end))
		return false;
	return !lws_finalize_http_header(wsi, p, end);
}

/* Moves up to LIMIT bytes of the queue to P; *last: nothing will follow them. Under the lock. */
static size_t take(struct answer *a, unsigned char *p, size_t limit, bool *last)
{
	size_t n = 0;

	while (a->head < a->queue.n && n < limit) {
		struct piece *piece = &a->queue.v[a->head];
		size_t part = MIN(limit - n, piece->len - a->head_offset);

		memcpy(p + n, piece->bytes + a->head_offset, part);
		n += part;
		a->head_offset += part;
		if (a->head_offset < piece->len)
			break;
		if (piece->release)
			piece->release(piece->owner);
		a->head++;
		a->head_offset = 0;
	}
	if (a->head == a->queue.n) {
		a->head = a->queue.n = 0;
		*last = a->ended;
	} else if (a->head > 1024) {
		a->queue.n -= a->head;
		memmove(a->queue.v, a->queue.v + a->head, a->queue.n * sizeof(*a->queue.v));
		a->head = 0;
	}
	a->queued -= n;
	a->sent += n;
	pthread_cond_broadcast(&a->drained);
	return n;
}

/* HTTP/1.1: headers, chunk head, bytes and chunk tail leave in one write. */
static int write_h1(struct lws *wsi, struct request *r)
{
	unsigned char *start = r->server->scratch + LWS_PRE, *p = start;
	unsigned char *body;
	bool last = false;
	size_t n;

	if (!r->headers_sent && !put_headers(wsi, r, &p, start + ANSWER_HEADERS))
		return -1;
	r->headers_sent = true;
	body = p + (r->chunked ? CHUNK_HEAD : 0);
	n = take(&r->answer, body, WRITE_BYTES, &last);
	if (r->chunked && n) {
		char head[CHUNK_HEAD + 1];

		snprintf(head, sizeof(head), "%08x\r\n", (unsigned)n);
		memcpy(p, head, CHUNK_HEAD);
		memcpy(body + n, "\r\n", 2);
		p = body + n + 2;
	} else {
		p += n;
	}
	if (r->chunked && last) {
		memcpy(p, "0\r\n\r\n", 5);
		p += 5;
	}
	r->final_sent = last;
	atomic_fetch_add(&r->server->metrics.bytes_sent, n);
	if (p == start)
		return 0;
	return lws_write(wsi, start, (size_t)(p - start), LWS_WRITE_HTTP) < 0 ? -1 : 0;
}

static int write_h2_headers(struct lws *wsi, struct request *r)
{
	unsigned char *start = r->server->scratch + LWS_PRE, *p = start;

	if (!put_headers(wsi, r, &p, start + ANSWER_HEADERS))
		return -1;
	r->headers_sent = true;
	return lws_write(wsi, start, (size_t)(p - start), LWS_WRITE_HTTP_HEADERS) < 0 ? -1 : 0;
}

/* HTTP/2: DATA frames as far as the peer's windows and the socket go. */
static int write_h2(struct lws *wsi, struct request *r)
{
	unsigned char *start = r->server->scratch + LWS_PRE;

	if (!r->headers_sent && write_h2_headers(wsi, r) < 0)
		return -1;
	for (size_t sent = 0; sent < WRITE_BYTES && !r->final_sent;) {
		lws_fileofs_t allowance = lws_get_peer_write_allowance(wsi);
		size_t limit = allowance > 0 ? MIN((size_t)allowance, FRAME_BYTES) : 0;
		bool last = false;
		size_t n;

		if (lws_partial_buffered(wsi) || lws_partial_buffered(lws_get_network_wsi(wsi)))
			break;
		n = take(&r->answer, start, limit, &last);
		if (!n && !last)
			break;
		if (lws_write(wsi, start, n, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < 0)
			return -1;
		r->final_sent = last;
		sent += n;
		atomic_fetch_add(&r->server->metrics.bytes_sent, n);
	}
	return 0;
}

static int finish(struct lws *wsi, struct request *r, struct exchange *x)
{
	bool close = r->close_after;

	exchange_closed(x);
	/* The rest of an HTTP/2 body that nobody reads would block the connection's window. */
	if (close && lws_get_network_wsi(wsi) != wsi)
		lws_set_timeout(lws_get_network_wsi(wsi), PENDING_TIMEOUT_USER_OK, 2);
	if (close)
		return -1;
	/* What libwebsockets still holds of the answer has its patience too. */
	if (lws_partial_buffered(wsi))
		lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, EXCHANGE_STALL_S);
	return lws_http_transaction_completed(wsi) ? -1 : 0;
}

/* Ends the connection below: HTTP/2 has no other way here to break a stream off. */
static int break_off(struct lws *wsi)
{
	struct lws *network = lws_get_network_wsi(wsi);

	if (network != wsi)
		lws_set_timeout(network, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
	return -1;
}

int exchange_writable(struct lws *wsi, struct exchange *x)
{
	struct request *r = x->request;
	struct answer *a = &r->answer;
	int result = 0;
	bool more;

	pthread_mutex_lock(&a->lock);
	if (a->aborted) {
		pthread_mutex_unlock(&a->lock);
		return break_off(wsi);
	}
	if (a->begun && !r->final_sent && !lws_partial_buffered(wsi))
		result = lws_get_network_wsi(wsi) != wsi ? write_h2(wsi, r) : write_h1(wsi, r);
	more = a->begun && !r->final_sent && (a->queued || a->ended);
	if (result == 0)
		exchange_watch_over(x);
	pthread_mutex_unlock(&a->lock);
	if (result < 0)
		return -1;
	if (r->final_sent)
		return finish(wsi, r, x);
	if (more)
		lws_callback_on_writable(wsi);
	return 0;
}
