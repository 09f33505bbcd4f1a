/*
 * Immutable bytes that several answers share. Threads: any; the count is atomic.
 */
#ifndef SERVE_BYTES_H
#define SERVE_BYTES_H

#include "base/str.h"

#include <stdatomic.h>
#include <stddef.h>

struct bytes {
	_Atomic unsigned refs;
	size_t len;
	char data[];
};

struct bytes *bytes_new(const char *data, size_t len);
struct bytes *bytes_ref(struct bytes *b);
/* For a piece's release. */
void bytes_unref(void *b);

#endif
