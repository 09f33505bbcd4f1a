/*
 * What form an answer takes (Accept), and what form a body has (Content-Type).
 *
 * Threads: pure functions.
 */
#ifndef SERVE_MEDIA_H
#define SERVE_MEDIA_H

#include "base/error.h"

#include <stdbool.h>

/* Transformations asked for with ";as=". A set of bits says which a path offers. */
enum media_as {
	MEDIA_AS_OBJECT = 0,
	MEDIA_AS_TABLE = 1,
	MEDIA_AS_PARTIAL = 2,
	MEDIA_AS_PARTIAL_LIST = 4,
	MEDIA_AS_DISCOVERY = 8,
};

struct media {
	bool yaml;
	enum media_as as;
	const char *content_type; /* static */
};

/*
 * The best of ACCEPT (NULL: anything) among JSON, YAML and the OFFERED transformations. STREAM: the
 * path can be watched too, which the message of E_NOT_ACCEPTABLE tells.
 */
int media_negotiate(const char *accept, unsigned offered, bool stream, struct media *out,
		    struct error **err);

/* Whether ACCEPT (NULL: anything) lets TYPE through, of a document that has one form; else -1 and
 * E_NOT_ACCEPTABLE. */
int media_accepts(const char *accept, const char *type, struct error **err);

enum body_form { BODY_JSON, BODY_YAML, BODY_PROTOBUF };
/* Of a create or update. E_MEDIA_TYPE names what is read. */
int media_body(const char *content_type, enum body_form *out, struct error **err);
/* "application/json;charset=utf-8" is TYPE "application/json". */
bool media_is(const char *content_type, const char *type);
/* Whether an Accept-Encoding lets gzip through. */
bool media_accepts_gzip(const char *accept_encoding);

#endif
