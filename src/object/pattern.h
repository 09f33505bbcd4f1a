/*
 * Regular expressions, as the Kubernetes API takes them: RE2's syntax (RE2 "Syntax", Go's
 * regexp/syntax), searched from the left, unanchored.
 *
 * The engine is PCRE2: kept with care, in every distribution, and with the same meaning for what
 * both know. What only PCRE2 knows (back references, lookaround, atomic groups, possessive
 * repeats, verbs, recursion) is refused, so that nothing is accepted here that a real API server
 * refuses. RE2 is linear in the text; PCRE2 is not, so a search has a bound on its steps and ends
 * with E_TOO_LARGE past it.
 *
 * Threads: a compiled pattern may be used by any number of threads at a time.
 */
#ifndef OBJECT_PATTERN_H
#define OBJECT_PATTERN_H

#include "base/error.h"

#include <stddef.h>

/* Longer ones are refused. */
#define PATTERN_MAX_BYTES 65536

struct pattern;
/* Bytes [start, end) of the text. */
struct pattern_match {
	size_t start, end;
};

/* NULL and *err (E_BAD_REQUEST, what is wrong and where) when TEXT is no expression. */
struct pattern *pattern_new(const char *text, size_t len, struct error **err);
struct pattern *pattern_free(struct pattern *p);
DEFINE_CLEANUP(struct pattern *, pattern_free)

/*
 * The first match at FROM or behind it. 1 and *match (may be NULL), 0 when there is none, -1 and
 * *err: TEXT is not UTF-8 (E_BAD_REQUEST) or the search took too many steps (E_TOO_LARGE).
 */
int pattern_find(const struct pattern *p, const char *text, size_t len, size_t from,
		 struct pattern_match *match, struct error **err);

#endif
