/*
 * libwebsockets keeps all headers of a request in one buffer. One that it has no token for lies
 * there as
 *
 *	16 bits: length of the name, colon included     16 bits: length of the value
 *	32 bits: where the next one begins, 0: none     the name, in lower case     the value
 *
 * (big-endian, positions counted from the buffer's beginning). There is no way to be told of them
 * all, and no promise that this stays. So nothing here is believed unseen: the walk begins at a
 * place from which every link leads to a header whose name the library itself confirms, up to the
 * last; where there is no such place the request is refused, not misread.
 *
 * A name that is the beginning of one it has a token for ("X-F") goes wrong in libwebsockets 4.1:
 * the name then runs on to the next colon that is no part of a token, line ends included, and may
 * hold the name of the next header. Somebody who asks through a proxy that adds Impersonate-User
 * could so make it unseen; a request that has it there is refused.
 */
#include "serve/headers.h"

#include "base/mem.h"
#include "base/str.h"

#include <ctype.h>
#include <libwebsockets.h>
#include <string.h>

#define HEAD 8u
#define NAME_MAX_LEN 1024u
/* The request line begins near the buffer's beginning. */
#define LINE_MAX_OFFSET 64u
/* More than any client sends, and so few that no request keeps the server busy. */
#define RECORDS_MAX 256u
#define CANDIDATES_MAX 64u

/* What may be looked at: LEN bytes that begin OFFSET bytes into the buffer. */
struct area {
	unsigned char *bytes;
	size_t offset, len;
};

struct record {
	char *name;
	const char *value;
	size_t name_len, value_len, next;
};

static size_t read16(const unsigned char *p)
{
	return (size_t)p[0] << 8 | p[1];
}

/* What may be a record AT bytes into the buffer; false: nothing there can be. */
static bool is_record(const struct area *a, size_t at, struct record *out)
{
	unsigned char *p = a->bytes + (at - a->offset);

	if (at < a->offset || at - a->offset > a->len || a->len - (at - a->offset) < HEAD)
		return false;
	*out = (struct record){.name_len = read16(p),
			       .value_len = read16(p + 2),
			       .next = read16(p + 4) << 16 | read16(p + 6),
			       .name = (char *)p + HEAD};
	if (out->name_len < 2 || out->name_len > NAME_MAX_LEN ||
	    out->name_len + out->value_len + HEAD > a->len - (at - a->offset))
		return false;
	out->value = out->name + out->name_len;
	return out->value[-1] == ':';
}

static bool has_good_name(const struct record *r)
{
	for (size_t i = 0; i + 1 < r->name_len; i++)
		if (!isgraph((unsigned char)r->name[i]) || r->name[i] == ':')
			return false;
	return true;
}

/* Whether the library knows a header of that name. */
static bool is_known(struct lws *wsi, const struct record *r)
{
	char name[NAME_MAX_LEN + 1];

	memcpy(name, r->name, r->name_len);
	name[r->name_len] = '\0';
	return lws_hdr_custom_length(wsi, name, (int)r->name_len) >= 0;
}

/* A known record whose next one stands behind it. */
static bool read_record(struct lws *wsi, const struct area *a, size_t at, struct record *out)
{
	return is_record(a, at, out) && (!out->next || out->next > at) && is_known(wsi, out);
}

/* Whether all links from AT on hold. */
static bool chain_holds(struct lws *wsi, const struct area *a, size_t at)
{
	struct record r;

	for (size_t n = 0; n < RECORDS_MAX; n++) {
		if (!read_record(wsi, a, at, &r))
			return false;
		if (!(at = r.next))
			return true;
	}
	return false;
}

/*
 * The first record, AT bytes behind the request line. How far that lies in the buffer is found with
 * it: only of the right distance do the links hold. (Of a record without links any does.)
 */
static bool find_first(struct lws *wsi, struct area *a, size_t *first)
{
	struct record r;
	size_t tried = 0;

	for (size_t at = 0; at + HEAD < a->len && tried < CANDIDATES_MAX; at++) {
		a->offset = 0;
		if (!is_record(a, at, &r) || !has_good_name(&r) || !is_known(wsi, &r))
			continue;
		tried++;
		for (a->offset = 1; a->offset <= LINE_MAX_OFFSET; a->offset++)
			if (chain_holds(wsi, a, *first = at + a->offset))
				return true;
	}
	return false;
}

#define PREFIX "impersonate-"
#define USER "impersonate-user:"
#define GROUP "impersonate-group:"
#define UID "impersonate-uid:"
#define EXTRA "impersonate-extra-"

struct wanted {
	char *name, *uid;
	struct identity *id; /* its groups and extra */
	bool any;
};

static bool is(const struct record *r, const char *name)
{
	return r->name_len == strlen(name) && memcmp(r->name, name, r->name_len) == 0;
}

/* Of several the first counts. */
static void take_first(char **slot, const struct record *r)
{
	if (!*slot)
		*slot = xstrndup(r->value, r->value_len);
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* KEY's %XX are the bytes they stand for; a KEY that has others is as it is. */
static char *unescape(const char *key, size_t len)
{
	struct str out = STR_INIT;

	for (size_t i = 0; i < len; i++) {
		int byte = key[i];

		if (key[i] == '%') {
			if (i + 2 >= len || hex(key[i + 1]) < 0 || hex(key[i + 2]) < 0) {
				str_release(&out);
				return xstrndup(key, len);
			}
			byte = hex(key[i + 1]) << 4 | hex(key[i + 2]);
			i += 2;
		}
		str_addc(&out, (char)byte);
	}
	return str_take(&out);
}

static void take_header(struct wanted *w, const struct record *r)
{
	size_t prefix = strlen(EXTRA);

	if (is(r, USER)) {
		take_first(&w->name, r);
	} else if (is(r, UID)) {
		take_first(&w->uid, r);
	} else if (is(r, GROUP)) {
		identity_add_group(w->id, r->value, r->value_len);
		w->any = true;
	} else if (r->name_len > prefix && memcmp(r->name, EXTRA, prefix) == 0) {
		char *key free_ptr = unescape(r->name + prefix, r->name_len - prefix - 1);
		char *text free_ptr = xstrndup(r->value, r->value_len);

		identity_add_extra(w->id, key, text);
		w->any = true;
	}
}

/* Reads and overwrites; false: the headers cannot be found. */
static bool take_headers(struct lws *wsi, char *path, size_t len, struct wanted *w)
{
	struct area a = {(unsigned char *)path, 0, len};
	struct record r;
	size_t at;

	if (!find_first(wsi, &a, &at))
		return false;
	for (; at && is_record(&a, at, &r); at = r.next) {
		take_header(w, &r);
		if (r.name_len > strlen(PREFIX) && memcmp(r.name, PREFIX, strlen(PREFIX)) == 0)
			*r.name = 'x';
	}
	return true;
}

static struct identity *make(const struct wanted *w)
{
	struct identity *id = identity_new(w->name, w->uid);
	const struct user *rest = &w->id->user;

	for (const char *const *g = rest->groups; *g; g++)
		identity_add_group(id, *g, SIZE_MAX);
	for (const struct user_extra *e = rest->extra; e->key; e++)
		for (const char *const *v = e->values; *v; v++)
			identity_add_extra(id, e->key, *v);
	return id;
}

/*
 * Whether a name ran on into that of an Impersonate header: there is one behind a line's end that
 * is no record of this request. What is found or has been read is overwritten, for the buffer keeps
 * what it held when its next request comes. (Lengths and links may hold a line's end too.)
 */
static bool hides(struct lws *wsi, char *bytes, size_t len)
{
	const struct area a = {(unsigned char *)bytes, 0, len};
	char *end = bytes + len, *p = bytes;
	struct record r;
	bool found = false;

	while ((p = memchr(p, '\n', (size_t)(end - p)))) {
		p++;
		if ((size_t)(end - p) < strlen(PREFIX) || memcmp(p, PREFIX, strlen(PREFIX)) != 0)
			continue;
		if ((size_t)(p - bytes) >= HEAD && is_record(&a, (size_t)(p - bytes) - HEAD, &r) &&
		    has_good_name(&r) && is_known(wsi, &r))
			continue;
		found = true;
		*p = 'x';
	}
	return found;
}

static bool asks(struct lws *wsi)
{
	static const char *const names[] = {USER, GROUP, UID};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (lws_hdr_custom_length(wsi, names[i], (int)strlen(names[i])) >= 0)
			return true;
	return false;
}

int headers_wanted_user(struct lws *wsi, char *path, size_t limit, struct identity **out,
			struct error **err)
{
	size_t len = limit - LINE_MAX_OFFSET;
	struct wanted w = {.id = NULL};
	int result = 0;

	if (hides(wsi, path, len))
		return error_set(err, E_BAD_REQUEST, "a header's name is malformed");
	if (!asks(wsi))
		return 0;
	w.id = identity_new("", NULL);
	if (!take_headers(wsi, path, len, &w))
		result = error_set(err, E_BAD_REQUEST, "the Impersonate headers cannot be read");
	else if (w.name && *w.name)
		*out = make(&w);
	else if (w.any || (w.uid && *w.uid))
		result = error_set(err, E_BAD_REQUEST,
				   "requested to act as somebody without a user name");
	free(w.name);
	free(w.uid);
	identity_unref(w.id);
	return result;
}
