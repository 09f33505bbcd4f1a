/* IP addresses, CIDRs and URLs. */
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"
#include "cel/convert.h"
#include "cel/function.h"

#include <string.h>

static struct cel_value read_ip(struct call *c, struct span text, bool cidr)
{
	struct cel_ip *ip = arena_new(c->arena, sizeof(*ip));
	const char *why = cel_ip_read(c->arena, text, cidr, ip);

	if (why)
		return cel_fail(c->arena, "%s: %.*s", why, (int)MIN(text.len, (size_t)200), text.p);
	return (struct cel_value){.kind = cidr ? CEL_CIDR : CEL_IP, .ip = ip};
}

static struct cel_value ip(struct call *c, const struct cel_value *arg)
{
	return read_ip(c, arg[0].text, false);
}

static struct cel_value cidr(struct call *c, const struct cel_value *arg)
{
	return read_ip(c, arg[0].text, true);
}

static struct cel_value is_ip(struct call *c, const struct cel_value *arg)
{
	return cel_bool(read_ip(c, arg[0].text, false).kind == CEL_IP);
}

static struct cel_value is_cidr(struct call *c, const struct cel_value *arg)
{
	return cel_bool(read_ip(c, arg[0].text, true).kind == CEL_CIDR);
}

static struct cel_value is_canonical(struct call *c, const struct cel_value *arg)
{
	struct cel_value v = read_ip(c, arg[0].text, false), text;

	if (v.kind == CEL_ERROR)
		return v;
	text = cel_write_text(c->arena, &v);
	return cel_bool(cel_compare(&text, &arg[0]) == 0);
}

static struct cel_value family(struct call *c, const struct cel_value *arg)
{
	return cel_int(arg[0].ip->len == 4 ? 4 : 6);
}

static bool all_zero(const unsigned char *p, int n)
{
	while (n > 0 && !p[n - 1])
		n--;
	return n == 0;
}

static bool unspecified(const struct cel_ip *a)
{
	return all_zero(a->bytes, a->len);
}

static bool loopback(const struct cel_ip *a)
{
	return a->len == 4 ? a->bytes[0] == 127 : all_zero(a->bytes, 15) && a->bytes[15] == 1;
}

static bool link_local_multicast(const struct cel_ip *a)
{
	return a->len == 4 ? a->bytes[0] == 224 && !a->bytes[1] && !a->bytes[2]
			   : a->bytes[0] == 0xff && (a->bytes[1] & 0x0f) == 2;
}

static bool link_local_unicast(const struct cel_ip *a)
{
	return a->len == 4 ? a->bytes[0] == 169 && a->bytes[1] == 254
			   : a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
}

static bool multicast(const struct cel_ip *a)
{
	return a->len == 4 ? (a->bytes[0] & 0xf0) == 0xe0 : a->bytes[0] == 0xff;
}

static bool global_unicast(const struct cel_ip *a)
{
	bool broadcast = a->len == 4 && !memcmp(a->bytes, "\xff\xff\xff\xff", 4);

	return !broadcast && !unspecified(a) && !loopback(a) && !multicast(a) &&
	       !link_local_unicast(a);
}

#define PREDICATE(name)                                                                \
	static struct cel_value is_##name(struct call *c, const struct cel_value *arg) \
	{                                                                              \
		return cel_bool(name(arg[0].ip));                                      \
	}
PREDICATE(unspecified)
PREDICATE(loopback)
PREDICATE(link_local_multicast)
PREDICATE(link_local_unicast)
PREDICATE(global_unicast)

static void mask(struct cel_ip *a, int prefix)
{
	for (int i = 0; i < a->len; i++) {
		int bits = MIN(MAX(prefix - i * 8, 0), 8);

		a->bytes[i] &= (unsigned char)(0xff00 >> bits);
	}
}

static bool contains(const struct cel_ip *net, const struct cel_ip *a)
{
	struct cel_ip x = *net, y = *a;

	mask(&x, net->prefix);
	mask(&y, net->prefix);
	return x.len == y.len && !memcmp(x.bytes, y.bytes, (size_t)x.len);
}

/* The argument of containsIP() and containsCIDR() may be text. */
static struct cel_value contains_address(struct call *c, const struct cel_value *arg, bool net)
{
	struct cel_value v = arg[1];

	if (v.kind == CEL_STRING)
		v = read_ip(c, v.text, net);
	if (v.kind == CEL_ERROR)
		return v;
	return cel_bool((!net || v.ip->prefix >= arg[0].ip->prefix) && contains(arg[0].ip, v.ip));
}

static struct cel_value contains_ip(struct call *c, const struct cel_value *arg)
{
	return contains_address(c, arg, false);
}

static struct cel_value contains_cidr(struct call *c, const struct cel_value *arg)
{
	return contains_address(c, arg, true);
}

static struct cel_value ip_of(struct call *c, const struct cel_value *arg)
{
	struct cel_ip *a = arena_new(c->arena, sizeof(*a));

	*a = *arg[0].ip;
	a->prefix = 0;
	return (struct cel_value){.kind = CEL_IP, .ip = a};
}

static struct cel_value masked(struct call *c, const struct cel_value *arg)
{
	struct cel_ip *a = arena_new(c->arena, sizeof(*a));

	*a = *arg[0].ip;
	mask(a, a->prefix);
	return (struct cel_value){.kind = CEL_CIDR, .ip = a};
}

static struct cel_value prefix_length(struct call *c, const struct cel_value *arg)
{
	return cel_int(arg[0].ip->prefix);
}

static struct cel_value url(struct call *c, const struct cel_value *arg)
{
	struct cel_url *u = arena_new(c->arena, sizeof(*u));
	const char *why = cel_url_read(arg[0].text, u);

	if (why)
		return cel_fail(c->arena, "URL parse error during conversion from string: %s", why);
	return (struct cel_value){.kind = CEL_URL, .url = u};
}

static struct cel_value is_url(struct call *c, const struct cel_value *arg)
{
	return cel_bool(url(c, arg).kind == CEL_URL);
}

static struct cel_value text_of(struct span s)
{
	return cel_string(s.len ? s.p : "", s.len);
}

static struct cel_value get_scheme(struct call *c, const struct cel_value *arg)
{
	return text_of(arg[0].url->scheme);
}

static struct cel_value get_host(struct call *c, const struct cel_value *arg)
{
	return text_of(arg[0].url->host);
}

/* The host without brackets and port, or what is behind its colon. */
static struct cel_value host_part(struct span host, bool port)
{
	size_t end = 0;

	if (host.len && *host.p == '[') {
		while (end < host.len && host.p[end] != ']')
			end++;
		if (!port)
			return text_of((struct span){host.p + 1, end - 1});
		end++;
	} else {
		while (end < host.len && host.p[end] != ':')
			end++;
	}
	if (!port)
		return text_of((struct span){host.p, end});
	return end < host.len ? text_of((struct span){host.p + end + 1, host.len - end - 1})
			      : text_of((struct span){"", 0});
}

static struct cel_value get_hostname(struct call *c, const struct cel_value *arg)
{
	return host_part(arg[0].url->host, false);
}

static struct cel_value get_port(struct call *c, const struct cel_value *arg)
{
	return host_part(arg[0].url->host, true);
}

static struct cel_value get_path(struct call *c, const struct cel_value *arg)
{
	return text_of(arg[0].url->path);
}

static int hex(char c)
{
	return c >= '0' && c <= '9'			? c - '0'
	       : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
							: -1;
}

/* A part of a query, its escapes undone. */
static struct cel_value unescape(struct call *c, struct span s)
{
	char *out = arena_new(c->arena, s.len + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '%' && i + 2 < s.len && hex(s.p[i + 1]) >= 0 &&
		    hex(s.p[i + 2]) >= 0) {
			out[n++] = (char)(hex(s.p[i + 1]) * 16 + hex(s.p[i + 2]));
			i += 2;
		} else {
			out[n++] = s.p[i] == '+' ? ' ' : s.p[i];
		}
	}
	return cel_string(out, n);
}

struct query_values {
	struct cel_value *v;
	size_t n, cap;
};

static void query_values_free(void *p)
{
	struct query_values *values = p;

	vec_release(values);
	free(values);
}

/* Every key with all its values, in their order. */
static struct cel_value get_query(struct call *c, const struct cel_value *arg)
{
	struct map *by_key = map_new();
	struct span left = arg[0].url->query;
	struct cel_entry *entries;
	size_t n = 0;

	while (left.len) {
		const char *end = memchr(left.p, '&', left.len), *equals;
		struct span pair = {left.p, end ? (size_t)(end - left.p) : left.len};
		struct query_values *values;
		struct cel_value key, value;

		left.p += MIN(pair.len + 1, left.len);
		left.len -= MIN(pair.len + 1, left.len);
		if (!pair.len)
			continue;
		equals = memchr(pair.p, '=', pair.len);
		key = unescape(
			c, (struct span){pair.p, equals ? (size_t)(equals - pair.p) : pair.len});
		value = equals ? unescape(c, (struct span){equals + 1, (size_t)(pair.p + pair.len -
										equals - 1)})
			       : cel_string("", 0);
		values = map_get(by_key, key.text.p);
		if (!values) {
			values = xcalloc(1, sizeof(*values));
			map_put(by_key, key.text.p, values);
		}
		vec_push(values, value);
	}
	entries = arena_new(c->arena, (map_count(by_key) + 1) * sizeof(*entries));
	map_each (by_key, e) {
		struct query_values *values = e->value;
		struct cel_value *v = (struct cel_value *)arena_copy(c->arena, (char *)values->v,
								     values->n * sizeof(*v));

		entries[n++] = (struct cel_entry){cel_text(c->arena, e->key, strlen(e->key)),
						  cel_list_new(c->arena, v, values->n, NULL)};
	}
	map_free(by_key, query_values_free);
	return cel_map_new(c->arena, entries, n);
}

static const struct function_row rows[] = {
	{"ip", "(string) ip", ip, COST_TEXT},
	{"ip", "cidr.() ip", ip_of},
	{"isIP", "(string) bool", is_ip, COST_TEXT},
	{"ip.isCanonical", "(string) bool", is_canonical, COST_TEXT_TWICE},
	{"family", "ip.() int", family},
	{"isUnspecified", "ip.() bool", is_unspecified},
	{"isLoopback", "ip.() bool", is_loopback},
	{"isLinkLocalMulticast", "ip.() bool", is_link_local_multicast},
	{"isLinkLocalUnicast", "ip.() bool", is_link_local_unicast},
	{"isGlobalUnicast", "ip.() bool", is_global_unicast},
	{"cidr", "(string) cidr", cidr, COST_TEXT},
	{"isCIDR", "(string) bool", is_cidr, COST_TEXT},
	{"containsIP", "cidr.(ip) bool", contains_ip, COST_BOTH},
	{"containsIP", "cidr.(string) bool", contains_ip, COST_BOTH},
	{"containsCIDR", "cidr.(cidr) bool", contains_cidr, COST_BOTH},
	{"containsCIDR", "cidr.(string) bool", contains_cidr, COST_BOTH},
	{"masked", "cidr.() cidr", masked},
	{"prefixLength", "cidr.() int", prefix_length},
	{"url", "(string) url", url, COST_TEXT},
	{"isURL", "(string) bool", is_url, COST_TEXT},
	{"getScheme", "url.() string", get_scheme},
	{"getHost", "url.() string", get_host},
	{"getHostname", "url.() string", get_hostname},
	{"getPort", "url.() string", get_port},
	{"getEscapedPath", "url.() string", get_path},
	{"getQuery", "url.() map<string,list<string>>", get_query},
};
const struct function_library library_net = {rows, ARRAY_SIZE(rows)};
