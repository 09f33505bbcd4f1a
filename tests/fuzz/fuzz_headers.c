/*
 * The walk over libwebsockets' buffer of headers, over any bytes. The first two bytes of the input
 * say where the library's own list begins; what it tells of that list is told here as it does.
 */
#include "fuzz/fuzz.h"
#include "base/identity.h"
#include "serve/headers.h"

#include <libwebsockets.h>
#include <string.h>

#define LIMIT 32768u
#define HEAD 8u

/* As in the library: room for the request line comes first. */
static struct {
	unsigned char bytes[LIMIT];
	size_t first;
} buffer;

static size_t read16(const unsigned char *p)
{
	return (size_t)p[0] << 8 | p[1];
}

/* The library's list: each link leads to the next header; here it may lead anywhere. */
int lws_hdr_custom_length(struct lws *wsi, const char *name, int len)
{
	size_t at = buffer.first;

	for (int n = 0; at && at + HEAD < LIMIT && n < 300; n++) {
		const unsigned char *p = buffer.bytes + at;

		if (read16(p) == (size_t)len && at + HEAD + (size_t)len <= LIMIT &&
		    !memcmp(p + HEAD, name, (size_t)len))
			return (int)read16(p + 2);
		at = read16(p + 4) << 16 | read16(p + 6);
	}
	return -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct identity *who = NULL;
	size_t line;

	if (size < 3)
		return 0;
	memset(buffer.bytes, 0, sizeof(buffer.bytes));
	memcpy(buffer.bytes, data + 3, size - 3 < LIMIT ? size - 3 : LIMIT);
	buffer.first = read16(data);
	line = data[2] % 64;
	headers_wanted_user(NULL, (char *)buffer.bytes + line, LIMIT, &who, NULL);
	identity_unref(who);
	return 0;
}
