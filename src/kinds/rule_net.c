/*
 * Addresses and ports.
 */
#include "kinds/rules.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

struct address {
	enum ip_family family;
	bool leading_zeros, mapped;
	unsigned char bytes[16]; /* of IPv4 the first four */
	unsigned prefix;	 /* of a CIDR */
};

const char *const port_protocols[] = {"SCTP", "TCP", "UDP", NULL};

/* Four decimal numbers; Go's old parser took leading zeros for nothing. */
static bool parse_v4(const char *s, size_t len, struct address *a)
{
	size_t i = 0;

	for (int part = 0; part < 4; part++) {
		unsigned n = 0;
		size_t start = i;

		if (part && (i >= len || s[i++] != '.'))
			return false;
		start = i;
		for (; i < len && s[i] >= '0' && s[i] <= '9' && n < 1000; i++)
			n = n * 10 + (unsigned)(s[i] - '0');
		if (i == start || n > 255)
			return false;
		a->leading_zeros = a->leading_zeros || (s[start] == '0' && i - start > 1);
		a->bytes[part] = (unsigned char)n;
	}
	a->family = IP_V4;
	return i == len;
}

static bool parse_v6(const char *s, size_t len, struct address *a)
{
	static const unsigned char prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	char text[INET6_ADDRSTRLEN];

	if (len >= sizeof(text))
		return false;
	memcpy(text, s, len);
	text[len] = '\0';
	if (inet_pton(AF_INET6, text, a->bytes) != 1)
		return false;
	a->family = IP_V6;
	a->mapped = memcmp(a->bytes, prefix, sizeof(prefix)) == 0;
	return true;
}

static bool parse_address(const char *s, size_t len, struct address *a)
{
	memset(a, 0, sizeof(*a));
	return memchr(s, ':', len) ? parse_v6(s, len, a) : parse_v4(s, len, a);
}

static bool parse_cidr(const char *s, struct address *a)
{
	const char *slash = strchr(s, '/');
	unsigned n = 0;

	if (!slash || !parse_address(s, (size_t)(slash - s), a) || !slash[1])
		return false;
	for (const char *p = slash + 1; *p; p++) {
		if (*p < '0' || *p > '9' || n > 128)
			return false;
		n = n * 10 + (unsigned)(*p - '0');
	}
	a->leading_zeros = a->leading_zeros || (slash[1] == '0' && slash[2]);
	a->prefix = n;
	return n <= (a->family == IP_V4 ? 32 : 128);
}

static void format(const struct address *a, char out[INET6_ADDRSTRLEN])
{
	bool v4 = a->family == IP_V4 || a->mapped;

	inet_ntop(v4 ? AF_INET : AF_INET6, a->mapped ? a->bytes + 12 : a->bytes, out,
		  INET6_ADDRSTRLEN);
}

enum ip_family ip_family_of(const char *text)
{
	struct address a;

	if (!parse_address(text, strlen(text), &a))
		return IP_NONE;
	return a.mapped ? IP_V4 : a.family;
}

enum ip_family cidr_family_of(const char *text)
{
	struct address a;

	return parse_cidr(text, &a) ? a.family : IP_NONE;
}

static bool address_or_complain(const struct field *f, struct address *a)
{
	const char *text = field_text(f);

	if (parse_address(text, strlen(text), a))
		return true;
	field_invalid_text(f, text,
			   "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
	return false;
}

/* Whether the address is written as everybody reads it. */
static bool ip_is_strict(const struct field *f, const struct address *a)
{
	if (a->leading_zeros)
		field_invalid(f, "must not have leading 0s");
	if (a->mapped)
		field_invalid(f, "must not be an IPv4-mapped IPv6 address");
	return !a->leading_zeros && !a->mapped;
}

void rule_ip_legacy(const struct field *f)
{
	struct address a;

	if (address_or_complain(f, &a))
		ip_is_strict(f, &a);
}

static void complain_of_form(const struct field *f, const char *canonical)
{
	char *why free_ptr = NULL;

	if (field_is(f, canonical))
		return;
	why = xasprintf("must be in canonical form (\"%s\")", canonical);
	field_invalid(f, why);
}

void rule_ip(const struct field *f)
{
	char text[INET6_ADDRSTRLEN];
	struct address a;

	if (!address_or_complain(f, &a) || !ip_is_strict(f, &a))
		return;
	format(&a, text);
	complain_of_form(f, text);
}

static bool cidr_or_complain(const struct field *f, struct address *a)
{
	if (parse_cidr(field_text(f), a))
		return true;
	field_invalid_text(f, field_text(f),
			   "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
	return false;
}

static bool has_bits_beyond_prefix(const struct address *a)
{
	unsigned bits = a->family == IP_V4 ? 32 : 128;

	for (unsigned i = a->prefix; i < bits; i++)
		if (a->bytes[i / 8] & (0x80 >> i % 8))
			return true;
	return false;
}

static bool cidr_is_strict(const struct field *f, const struct address *a)
{
	const char *why = NULL;

	if (a->leading_zeros)
		why = "must not have leading 0s in IP or prefix length";
	else if (a->mapped)
		why = "must not have an IPv4-mapped IPv6 address";
	else if (has_bits_beyond_prefix(a))
		why = "must not have bits set beyond the prefix length";
	if (why)
		field_invalid(f, why);
	return !why;
}

void rule_cidr_legacy(const struct field *f)
{
	struct address a;

	if (cidr_or_complain(f, &a))
		cidr_is_strict(f, &a);
}

bool cidr_is_strictly_within(const char *cidr, const char *wider)
{
	struct address in, out;

	if (!parse_cidr(cidr, &in) || !parse_cidr(wider, &out) || in.family != out.family ||
	    in.prefix <= out.prefix)
		return false;
	for (unsigned i = 0; i < out.prefix; i++)
		if ((in.bytes[i / 8] ^ out.bytes[i / 8]) & (0x80 >> i % 8))
			return false;
	return true;
}

static void cidr_is_canonical(const struct field *f, const struct address *a)
{
	char text[INET6_ADDRSTRLEN];
	char *canonical free_ptr = NULL;

	format(a, text);
	canonical = xasprintf("%s/%u", text, a->prefix);
	complain_of_form(f, canonical);
}

void rule_cidr(const struct field *f)
{
	struct address a;

	if (cidr_or_complain(f, &a) && cidr_is_strict(f, &a))
		cidr_is_canonical(f, &a);
}

void rule_interface_address(const struct field *f)
{
	struct address a;

	if (cidr_or_complain(f, &a))
		cidr_is_canonical(f, &a);
}

static bool all_zero(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

void rule_endpoint_ip(const struct field *f)
{
	const unsigned char *b;
	struct address a;
	bool v4;

	if (!parse_address(field_text(f), strlen(field_text(f)), &a))
		return;
	b = a.mapped ? a.bytes + 12 : a.bytes;
	v4 = a.family == IP_V4 || a.mapped;
	if (all_zero(b, v4 ? 4 : 16))
		field_invalid(f, "may not be unspecified (0.0.0.0 or ::)");
	if (v4 ? b[0] == 127 : all_zero(b, 15) && b[15] == 1)
		field_invalid(f, "may not be in the loopback range (127.0.0.0/8, ::1/128)");
	if (v4 ? b[0] == 169 && b[1] == 254 : b[0] == 0xfe && (b[1] & 0xc0) == 0x80)
		field_invalid(f, "may not be in the link-local range (169.254.0.0/16, fe80::/10)");
	if (v4 ? b[0] == 224 && !b[1] && !b[2] : b[0] == 0xff && (b[1] & 0x0f) == 2)
		field_invalid(f, "may not be in the link-local multicast range (224.0.0.0/24, "
				 "ff02::/10)");
}

void rule_port(const struct field *f)
{
	field_in_range(f, 1, 65535);
}

void rule_port_or_name(const struct field *f)
{
	if (json_is_string(f->value))
		field_check(f, name_port);
	else
		rule_port(f);
}
