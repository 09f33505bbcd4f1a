/*
 * Bodies of requests and answers, as far as the audit log's policy asks for them (levels Request
 * and RequestResponse): taken down while a request is handled, told with its last event.
 *
 * A request's body is told as it was sent, an answer's as it left, before it was compressed. What
 * is in none of the forms of an object is not told, and neither is an answer beyond
 * AUDIT_BODY_BYTES: the event then has the annotation audit.k8s.io/truncated, as kube-apiserver's
 * have.
 *
 * Threads: one at a time, the worker that has the request.
 */
#ifndef SERVE_AUDIT_BODY_H
#define SERVE_AUDIT_BODY_H

#include "base/str.h"

#include <jansson.h>
#include <stdbool.h>

#define AUDIT_BODY_BYTES (8u << 20)

struct audit_bodies {
	bool wants_asked, wants_answered; /* what the policy asks for */
	struct str asked, answered;
	bool truncated; /* of the answer */
};

void audit_bodies_init(struct audit_bodies *b);
/* Takes down LEN more bytes of the request or the answer, where they are wanted. */
void audit_body_asked(struct audit_bodies *b, const char *bytes, size_t len);
void audit_body_answered(struct audit_bodies *b, const char *bytes, size_t len);
/* Adds requestObject and responseObject to EVENT, of what has been taken down. */
void audit_bodies_write(const struct audit_bodies *b, bool omit_managed_fields, json_t *event);
void audit_bodies_release(struct audit_bodies *b);

#endif
