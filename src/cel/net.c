/*
 * Addresses as Go's net/netip reads them, URLs as a request line has them (RFC 3986), and semantic
 * versions (semver.org, 2.0.0).
 */
#include "base/str.h"
#include "cel/convert.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

const char *cel_ip_read(struct arena *a, struct span text, bool cidr, struct cel_ip *out)
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
	char *address = arena_copy(a, text.p, text.len);
	char *slash = cidr ? strchr(address, '/') : NULL;

	*out = (struct cel_ip){.len = strchr(address, ':') ? 16 : 4};
	if (strlen(address) != text.len || (cidr && !slash))
		return cidr ? "network address parse error" : "IP address parse error";
	if (slash) {
		const char *digits = slash + 1;
		size_t n = strspn(digits, "0123456789");

		*slash = '\0';
		out->prefix = n && n < 4 && !digits[n] ? atoi(digits) : -1;
		if (out->prefix < 0 || out->prefix > out->len * 8 || (n > 1 && *digits == '0'))
			return "network address parse error: prefix length out of range";
	}
	/* inet_pton() takes no zone and no leading zeros, as Kubernetes wants it. */
	if (inet_pton(out->len == 4 ? AF_INET : AF_INET6, address, out->bytes) != 1)
		return cidr ? "network address parse error" : "IP address parse error";
	if (out->len == 16 && !memcmp(out->bytes, mapped, sizeof(mapped)))
		return "IPv4-mapped IPv6 address is not allowed";
	return NULL;
}

static bool percent_ok(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] == '%' && (i + 2 >= s.len || !isxdigit((unsigned char)s.p[i + 1]) ||
				      !isxdigit((unsigned char)s.p[i + 2])))
			return false;
	return true;
}

static size_t scheme_length(struct span text)
{
	size_t i = 0;

	if (!text.len || !isalpha((unsigned char)text.p[0]))
		return 0;
	while (i < text.len && (isalnum((unsigned char)text.p[i]) || memchr("+-.", text.p[i], 3)))
		i++;
	return i < text.len && text.p[i] == ':' ? i : 0;
}

static bool host_ok(struct span host)
{
	const char *end = host.p + host.len, *port = NULL;

	if (host.len && *host.p == '[') {
		const char *close = memchr(host.p, ']', host.len);

		if (!close)
			return false;
		port = close + 1;
	} else {
		port = memchr(host.p, ':', host.len);
		for (const char *p = host.p; p < end; p++)
			if (memchr(" \"<>\\^`{|}[]", *p, 12))
				return false;
	}
	if (!port || port == end)
		return percent_ok(host);
	if (*port++ != ':')
		return false;
	for (; port < end; port++)
		if (!isdigit((unsigned char)*port))
			return false;
	return percent_ok(host);
}

/* The part of *rest before the first of STOP; *rest becomes what is from there on. */
static struct span take_until(struct span *rest, const char *stop)
{
	struct span part = {rest->p, 0};

	while (part.len < rest->len && !strchr(stop, rest->p[part.len]))
		part.len++;
	rest->p += part.len;
	rest->len -= part.len;
	return part;
}

const char *cel_url_read(struct span text, struct cel_url *out)
{
	size_t scheme = scheme_length(text);
	struct span rest = text;

	*out = (struct cel_url){.scheme = {text.p, scheme}};
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
			return "invalid control character in URL";
	if (scheme) {
		rest.p += scheme + 1;
		rest.len -= scheme + 1;
	} else if (!text.len || *text.p != '/') {
		return text.len ? "invalid URI for request" : "empty url";
	}
	if (scheme && rest.len > 1 && rest.p[0] == '/' && rest.p[1] == '/') {
		const char *user;

		rest.p += 2;
		rest.len -= 2;
		out->host = take_until(&rest, "/?");
		user = memrchr(out->host.p, '@', out->host.len);
		if (user) {
			out->host.len -= (size_t)(user + 1 - out->host.p);
			out->host.p = user + 1;
		}
		if (!host_ok(out->host))
			return "invalid host in URL";
	}
	out->path = take_until(&rest, "?");
	/* "mailto:x" has neither host nor path. */
	if (scheme && out->path.len && *out->path.p != '/')
		out->path.len = 0;
	if (rest.len) {
		out->query.p = rest.p + 1;
		out->query.len = rest.len - 1;
	}
	return percent_ok(out->path) ? NULL : "invalid URL escape";
}

static bool span_equal(struct span x, struct span y)
{
	return x.len == y.len && (!x.len || !memcmp(x.p, y.p, x.len));
}

bool cel_url_equal(const struct cel_url *x, const struct cel_url *y)
{
	return span_equal(x->scheme, y->scheme) && span_equal(x->host, y->host) &&
	       span_equal(x->path, y->path) && span_equal(x->query, y->query);
}

static bool read_part(struct span *rest, bool normalize, uint64_t *out)
{
	size_t n = 0;

	*out = 0;
	for (; n < rest->len && isdigit((unsigned char)rest->p[n]); n++)
		*out = *out * 10 + (uint64_t)(rest->p[n] - '0');
	if (!n || n > 19 || (n > 1 && *rest->p == '0' && !normalize))
		return false;
	rest->p += n;
	rest->len -= n;
	return true;
}

/* Dot-separated words of letters, digits and hyphens; ZEROS: numbers may begin with 0. */
static bool words_ok(struct span s, bool zeros)
{
	while (true) {
		struct span word = take_until(&s, ".");
		bool number = true;

		for (size_t i = 0; i < word.len; i++) {
			if (!isalnum((unsigned char)word.p[i]) && word.p[i] != '-')
				return false;
			number = number && isdigit((unsigned char)word.p[i]);
		}
		if (!word.len || (number && word.len > 1 && *word.p == '0' && !zeros))
			return false;
		if (!s.len)
			return true;
		s.p++;
		s.len--;
	}
}

bool cel_semver_read(struct span text, bool normalize, struct cel_semver *out)
{
	struct span rest = text;
	int parts = 0;

	*out = (struct cel_semver){.pre = {"", 0}};
	if (normalize && rest.len && *rest.p == 'v') {
		rest.p++;
		rest.len--;
	}
	while (parts < 3) {
		if (!read_part(&rest, normalize, &out->part[parts++]))
			return false;
		if (parts == 3 || !rest.len || *rest.p != '.')
			break;
		rest.p++;
		rest.len--;
	}
	if (parts < 3 && !normalize)
		return false;
	if (rest.len && *rest.p == '-') {
		rest.p++;
		rest.len--;
		out->pre = take_until(&rest, "+");
		if (!words_ok(out->pre, false))
			return false;
	}
	if (!rest.len)
		return true;
	return *rest.p == '+' && words_ok((struct span){rest.p + 1, rest.len - 1}, true);
}

static int compare_words(struct span x, struct span y)
{
	size_t digits_x = 0, digits_y = 0, common = MIN(x.len, y.len);
	int order;

	while (digits_x < x.len && isdigit((unsigned char)x.p[digits_x]))
		digits_x++;
	while (digits_y < y.len && isdigit((unsigned char)y.p[digits_y]))
		digits_y++;
	/* Numbers come before words, and compare by value: by length, then by digits. */
	if ((digits_x == x.len) != (digits_y == y.len))
		return digits_x == x.len ? -1 : 1;
	if (digits_x == x.len && x.len != y.len)
		return x.len < y.len ? -1 : 1;
	order = common ? memcmp(x.p, y.p, common) : 0;
	return order ? (order > 0) - (order < 0) : (x.len > y.len) - (x.len < y.len);
}

int cel_semver_compare(const struct cel_semver *x, const struct cel_semver *y)
{
	struct span p = x->pre, q = y->pre;

	for (int i = 0; i < 3; i++)
		if (x->part[i] != y->part[i])
			return x->part[i] < y->part[i] ? -1 : 1;
	/* A version without a pre-release comes after those that have one. */
	if (!p.len || !q.len)
		return (q.len > 0) - (p.len > 0);
	while (p.len && q.len) {
		struct span word = take_until(&p, "."), other = take_until(&q, ".");
		int order = compare_words(word, other);

		if (order)
			return order;
		if (p.len) {
			p.p++;
			p.len--;
		}
		if (q.len) {
			q.p++;
			q.len--;
		}
	}
	return (p.len > 0) - (q.len > 0);
}
