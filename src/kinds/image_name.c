#include "kinds/image_name.h"

#include "base/mem.h"

#include <string.h>

#define LOWER "abcdefghijklmnopqrstuvwxyz0123456789"
#define ALNUM LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define HEX "0123456789abcdef"
#define PATH_MAX_BYTES 255
#define TAG_MAX_BYTES 128

/* Words of lower case letters and digits, between them a '.', one or two '_' or any number of '-'.
 */
static bool take_component(const char **p)
{
	for (;;) {
		size_t n = strspn(*p, LOWER), dashes;

		if (!n)
			return false;
		*p += n;
		dashes = strspn(*p, "-");
		if (**p == '.' || dashes)
			*p += dashes ? dashes : 1;
		else if (**p == '_')
			*p += (*p)[1] == '_' ? 2 : 1;
		else
			return true;
	}
}

static bool take_path(const char **p)
{
	const char *start = *p;

	do {
		if (!take_component(p))
			return false;
	} while (*(*p)++ == '/');
	(*p)--;
	return *p - start <= PATH_MAX_BYTES;
}

/* The first N bytes of S are a host, and maybe its port. */
static bool is_host(const char *s, size_t n)
{
	const char *colon = memchr(s, ':', n), *end = colon && *s != '[' ? colon : s + n;

	if (*s == '[') {
		end = memchr(s, ']', n);
		if (!end || strspn(s + 1, HEX "ABCDEF:") != (size_t)(end - s) - 1)
			return false;
		colon = ++end < s + n ? end : NULL;
	} else {
		for (const char *p = s; p <= end; p += strcspn(p, ".") + 1) {
			size_t len = MIN(strcspn(p, "."), (size_t)(end - p));

			if (!len || strspn(p, ALNUM "-") < len || *p == '-' || p[len - 1] == '-')
				return false;
			if (p + len == end)
				break;
		}
	}
	if (!colon)
		return end == s + n;
	return *colon == ':' && colon + 1 < s + n &&
	       strspn(colon + 1, "0123456789") >= (size_t)(s + n - colon) - 1;
}

/* What stands before the first slash, unless that is a part of a path at Docker Hub. */
static bool take_host(const char **p)
{
	size_t n = strcspn(*p, "/");
	bool host = false;

	if (!(*p)[n])
		return true;
	for (size_t i = 0; i < n; i++)
		host = host || strchr(".:ABCDEFGHIJKLMNOPQRSTUVWXYZ", (*p)[i]);
	if (!host && !(n == strlen("localhost") && strncmp(*p, "localhost", n) == 0))
		return true;
	if (!is_host(*p, n))
		return false;
	*p += n + 1;
	return true;
}

static bool is_digest(const char *s)
{
	static const struct {
		const char *name;
		size_t digits;
	} kinds[] = {{"sha256:", 64}, {"sha384:", 96}, {"sha512:", 128}};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		size_t n = strlen(kinds[i].name);

		if (strncmp(s, kinds[i].name, n) == 0)
			return strspn(s + n, HEX) == kinds[i].digits && !s[n + kinds[i].digits];
	}
	return false;
}

bool image_is_latest(const char *image)
{
	const char *slash = strrchr(image, '/'), *colon = strchr(slash ? slash : image, ':');
	const char *p = image, *tag = NULL;
	size_t n = 0;

	/* Nearly all have a tag of their own, or a digest. */
	if (colon && strncmp(colon, ":latest", strlen(":latest")) != 0)
		return false;
	/* An image's own number is no name. */
	if (strspn(image, HEX) == 64 && !image[64])
		return false;
	if (!take_host(&p) || !take_path(&p))
		return false;
	if (*p == ':') {
		tag = ++p;
		n = strspn(p, ALNUM "_.-");
		if (!n || n > TAG_MAX_BYTES || strchr(".-", *tag))
			return false;
		p += n;
	}
	if (*p && (*p != '@' || !is_digest(p + 1)))
		return false;
	return tag ? n == strlen("latest") && strncmp(tag, "latest", n) == 0 : !*p;
}
