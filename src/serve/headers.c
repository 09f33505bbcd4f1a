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

/* What may be looked at: LEN bytes that begin OFFSET bytes into the buffer. */
struct area {
	const unsigned char *bytes;
	size_t offset, len;
};

struct record {
	const char *name, *value;
	size_t name_len, value_len, next;
};

static size_t read16(const unsigned char *p)
{
	return (size_t)p[0] << 8 | p[1];
}

/* What looks like a record AT bytes into the buffer; false: nothing there does. */
static bool is_record(const struct area *a, size_t at, struct record *out)
{
	const unsigned char *p = a->bytes + (at - a->offset);

	if (at < a->offset || at - a->offset > a->len || a->len - (at - a->offset) < HEAD)
		return false;
	*out = (struct record){.name_len = read16(p),
			       .value_len = read16(p + 2),
			       .next = read16(p + 4) << 16 | read16(p + 6),
			       .name = (const char *)p + HEAD};
	if (out->name_len < 2 || out->name_len > NAME_MAX_LEN ||
	    out->name_len + out->value_len + HEAD > a->len - (at - a->offset) ||
	    out->name[out->name_len - 1] != ':')
		return false;
	for (size_t i = 0; i < out->name_len; i++)
		if (!isgraph((unsigned char)out->name[i]) ||
		    (out->name[i] == ':' && i + 1 < out->name_len))
			return false;
	out->value = out->name + out->name_len;
	return true;
}

/* The same, and the library knows the name and the next one stands behind. */
static bool read_record(struct lws *wsi, const struct area *a, size_t at, struct record *out)
{
	char name[NAME_MAX_LEN + 1];

	if (!is_record(a, at, out) || (out->next && out->next <= at))
		return false;
	memcpy(name, out->name, out->name_len);
	name[out->name_len] = '\0';
	return lws_hdr_custom_length(wsi, name, (int)out->name_len) >= 0;
}

/* Whether all links from AT on hold. */
static bool chain_holds(struct lws *wsi, const struct area *a, size_t at)
{
	struct record r;

	do {
		if (!read_record(wsi, a, at, &r))
			return false;
	} while ((at = r.next));
	return true;
}

/*
 * The first record, AT bytes behind the request line. How far that lies in the buffer is found with
 * it: only of the right distance do the links hold. (Of a record without links any does.)
 */
static bool find_first(struct lws *wsi, struct area *a, size_t *first)
{
	struct record r;

	for (size_t at = 0; at + HEAD < a->len; at++) {
		a->offset = 0;
		if (!is_record(a, at, &r))
			continue;
		for (a->offset = 1; a->offset <= LINE_MAX_OFFSET; a->offset++)
			if (chain_holds(wsi, a, *first = at + a->offset))
				return true;
	}
	return false;
}

bool headers_each(struct lws *wsi, const char *path, size_t limit, header_visit *visit, void *arg)
{
	struct area a = {(const unsigned char *)path, 0, limit - LINE_MAX_OFFSET};
	struct record r;
	size_t at;

	if (!find_first(wsi, &a, &at))
		return false;
	for (; at && read_record(wsi, &a, at, &r); at = r.next)
		visit(arg, r.name, r.name_len, r.value, r.value_len);
	return true;
}

#define USER "impersonate-user:"
#define GROUP "impersonate-group:"
#define UID "impersonate-uid:"
#define EXTRA "impersonate-extra-"

struct wanted {
	char *name, *uid;
	struct identity *id; /* its groups and extra */
	bool any;
};

static bool is(const char *name, size_t len, const char *header)
{
	return len == strlen(header) && memcmp(name, header, len) == 0;
}

/* Of several the first counts. */
static void take_first(char **slot, const char *value, size_t len)
{
	if (!*slot)
		*slot = xstrndup(value, len);
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

static void take_header(void *arg, const char *name, size_t name_len, const char *value,
			size_t value_len)
{
	struct wanted *w = arg;
	size_t prefix = strlen(EXTRA);

	if (is(name, name_len, USER)) {
		take_first(&w->name, value, value_len);
	} else if (is(name, name_len, UID)) {
		take_first(&w->uid, value, value_len);
	} else if (is(name, name_len, GROUP)) {
		identity_add_group(w->id, value, value_len);
		w->any = true;
	} else if (name_len > prefix && memcmp(name, EXTRA, prefix) == 0) {
		char *key free_ptr = unescape(name + prefix, name_len - prefix - 1);
		char *text free_ptr = xstrndup(value, value_len);

		identity_add_extra(w->id, key, text);
		w->any = true;
	}
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

static bool asks(struct lws *wsi)
{
	static const char *const names[] = {USER, GROUP, UID};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (lws_hdr_custom_length(wsi, names[i], (int)strlen(names[i])) >= 0)
			return true;
	return false;
}

int headers_wanted_user(struct lws *wsi, const char *path, size_t limit, struct identity **out,
			struct error **err)
{
	struct wanted w = {.id = NULL};
	int result = 0;

	if (!asks(wsi))
		return 0;
	w.id = identity_new("", NULL);
	if (!headers_each(wsi, path, limit, take_header, &w))
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
