/*
 * Between values and their text: numbers, times, durations, base64, versions, addresses, URLs.
 */
#ifndef CEL_CONVERT_H
#define CEL_CONVERT_H

#include "cel/value.h"

struct cel_semver {
	uint64_t part[3]; /* major, minor, patch */
	struct span pre;  /* without its hyphen; build data are not kept, as they do not count */
};

struct cel_url {
	struct span scheme, host, path, query; /* as they were written */
};

/* TEXT as a value of KIND (bool, numbers, bytes from base64, timestamp, duration); CEL_ERROR when
 * it is none. */
struct cel_value cel_read_text(struct arena *a, enum cel_kind kind, const char *text, size_t len);
/* The text of V as string(V) gives it; CEL_ERROR for kinds that have none. */
struct cel_value cel_write_text(struct arena *a, const struct cel_value *v);

/* False when TEXT is none. NORMALIZE takes a leading v, a missing minor or patch, leading zeros. */
bool cel_semver_read(struct span text, bool normalize, struct cel_semver *out);
int cel_semver_compare(const struct cel_semver *x, const struct cel_semver *y);

/* An address, or with CIDR an address and a prefix length; NULL or what is wrong. */
const char *cel_ip_read(struct arena *a, struct span text, bool cidr, struct cel_ip *out);

/* An absolute URI, or an absolute path, as a request line holds it; NULL or what is wrong. */
const char *cel_url_read(struct span text, struct cel_url *out);
bool cel_url_equal(const struct cel_url *x, const struct cel_url *y);

#endif
