/*
 * The body of an answer whose length is not known: held back up to 128 KB, so that a short one has
 * a length and an early failure a status; then streamed, in gzip where the client takes it.
 *
 *	struct writer w CLEANUP(writer_release);
 *	writer_init(&w, request, "application/json");
 *	str_add(&w.text, ...);
 *	if (writer_flush(&w) < 0)	// whenever some text has come together
 *		return;			// the client is gone
 *	writer_finish(&w, 200);
 *
 * Threads: one.
 */
#ifndef SERVE_WRITER_H
#define SERVE_WRITER_H

#include "base/str.h"
#include "serve/request.h"

#include <stdbool.h>
#include <zlib.h>

struct writer {
	struct request *request;
	const char *content_type;
	struct str text; /* append here */
	bool streaming, gzip;
	z_stream z;
};

void writer_init(struct writer *w, struct request *r, const char *content_type);
/* Sends what has come together when it is enough. -1: the client is gone. */
int writer_flush(struct writer *w);
/* Sends the rest. STATUS is used when nothing was sent before; else it was 200. */
void writer_finish(struct writer *w, int status);
/* After an error: a status when nothing was sent yet, else the connection breaks off. */
void writer_fail(struct writer *w, const struct error *e);
void writer_release(struct writer *w);

#endif
