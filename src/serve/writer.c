#include "serve/writer.h"
#include "base/log.h"
#include "serve/media.h"

#define HOLD_BYTES (128u << 10)
#define CHUNK_BYTES (64u << 10)

void writer_init(struct writer *w, struct request *r, const char *content_type)
{
	*w = (struct writer){.request = r, .content_type = content_type, .text = STR_INIT};
}

/* Packs the text; the end of the stream with LAST. */
static void compress_text(struct writer *w, bool last)
{
	struct str packed = STR_INIT;
	int result;

	w->z.next_in = (Bytef *)w->text.s;
	w->z.avail_in = (uInt)w->text.len;
	do {
		str_grow(&packed, CHUNK_BYTES);
		w->z.next_out = (Bytef *)packed.s + packed.len;
		w->z.avail_out = CHUNK_BYTES;
		result = deflate(&w->z, last ? Z_FINISH : Z_NO_FLUSH);
		packed.len += CHUNK_BYTES - w->z.avail_out;
		packed.s[packed.len] = '\0';
	} while (w->z.avail_out == 0 && result != Z_STREAM_END);
	str_release(&w->text);
	w->text = packed;
}

static int send_text(struct writer *w, bool last)
{
	struct piece piece;

	audit_body_answered(&w->request->bodies, w->text.s, w->text.len);
	if (w->gzip)
		compress_text(w, last);
	if (!w->text.len)
		return 0;
	piece = piece_take(&w->text);
	return answer_write(w->request, &piece, ANSWER_WAIT);
}

/* gzip's own header: window 15, and 16 for gzip rather than zlib. Level 1, as kube-apiserver. */
static void begin(struct writer *w)
{
	w->streaming = true;
	w->gzip = media_accepts_gzip(w->request->accept_encoding) &&
		  deflateInit2(&w->z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK;
	answer_header(w->request, "vary:", "Accept-Encoding");
	if (w->gzip)
		answer_header(w->request, "content-encoding:", "gzip");
	answer_begin(w->request, 200, w->content_type);
}

int writer_flush(struct writer *w)
{
	if (w->text.len < (w->streaming ? CHUNK_BYTES : HOLD_BYTES))
		return 0;
	if (!w->streaming)
		begin(w);
	return send_text(w, false);
}

void writer_finish(struct writer *w, int status)
{
	if (!w->streaming && w->text.len >= HOLD_BYTES && status == 200)
		begin(w);
	if (!w->streaming) {
		answer_send(w->request, status, w->content_type, &w->text);
		return;
	}
	if (send_text(w, true) == 0)
		answer_end(w->request);
}

void writer_fail(struct writer *w, const struct error *e)
{
	if (!w->streaming) {
		answer_error(w->request, e);
		return;
	}
	log_warn("%s broke off: %s", w->request->path, error_message(e));
	answer_abort(w->request);
}

void writer_release(struct writer *w)
{
	if (w->gzip)
		deflateEnd(&w->z);
	str_release(&w->text);
}
