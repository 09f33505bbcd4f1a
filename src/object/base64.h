/*
 * Base64 (RFC 4648), as Go's encoding/base64 reads and writes it, which is what bytes in
 * Kubernetes' JSON are.
 *
 *	struct str pem CLEANUP(str_release) = STR_INIT;
 *	if (!base64_decode(text, strlen(text), &pem))
 *		return error_set(err, E_BAD_REQUEST, "not base64");
 *
 * OUT gets all its room at once, so that no copy of a secret is left behind in freed memory; who
 * decodes one wipes OUT. Threads: pure functions.
 */
#ifndef OBJECT_BASE64_H
#define OBJECT_BASE64_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

/* Go's StdEncoding: padding must be there, line breaks are passed over. Appends; on false OUT is as
 * it was. */
bool base64_decode(const char *text, size_t len, struct str *out);
void base64_encode(const void *bytes, size_t len, struct str *out);
/* RawURLEncoding without line breaks: "-" and "_", no padding. Of JSON Web Tokens and keys. */
bool base64url_decode(const char *text, size_t len, struct str *out);
void base64url_encode(const void *bytes, size_t len, struct str *out);

#endif
