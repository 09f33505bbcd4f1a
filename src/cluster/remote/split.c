#include "cluster/remote/split.h"

#include "object/json.h"

#include <string.h>

void splitter_init(struct splitter *s, enum split_mode mode)
{
	memset(s, 0, sizeof(*s));
	str_init(&s->envelope);
	str_init(&s->value);
	s->mode = mode;
}

void splitter_release(struct splitter *s)
{
	str_release(&s->envelope);
	str_release(&s->value);
}

/* The depth inside a value: of a list below its object and its array. */
static size_t value_depth(const struct splitter *s)
{
	return s->mode == SPLIT_LIST ? 3 : 1;
}

static bool in_value(const struct splitter *s)
{
	return s->depth >= value_depth(s) && (s->in_items || s->mode == SPLIT_SEQUENCE);
}

/* The depth whose keys matter now. */
static size_t key_depth(const struct splitter *s)
{
	return in_value(s) ? value_depth(s) : 1;
}

static int keep(struct splitter *s, const char *from, const char *to, struct error **err)
{
	size_t len = (size_t)(to - from);

	if (in_value(s)) {
		if (len > JSON_MAX_BYTES - s->value.len)
			return error_set(err, E_TOO_LARGE, "an object is larger than %u MB",
					 JSON_MAX_BYTES >> 20);
		str_add(&s->value, from, len);
	} else if (s->mode == SPLIT_LIST && !s->in_items) {
		if (len > SPLIT_MAX_ENVELOPE - s->envelope.len)
			return error_set(err, E_TOO_LARGE,
					 "a list with more than %u MB beside its items",
					 SPLIT_MAX_ENVELOPE >> 20);
		str_add(&s->envelope, from, len);
	}
	return 0;
}

static void end_key(struct splitter *s)
{
	static const struct {
		const char *key;
		unsigned flag;
	} keys[] = {{"kind", SPLIT_HAS_KIND}, {"apiVersion", SPLIT_HAS_API_VERSION}};

	s->in_key = false;
	s->key[s->key_len] = '\0';
	if (!in_value(s)) {
		s->items_next = !strcmp(s->key, "items");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (!strcmp(s->key, keys[i].key))
			s->keys |= keys[i].flag;
}

static void add_key(struct splitter *s, char c)
{
	/* A key too long for the buffer is none of those looked for; so is one with a NUL. */
	if (s->key_len < sizeof(s->key) - 1)
		s->key[s->key_len++] = c ? c : '?';
}

/* In a string at P: past its end, or END. */
static const char *scan_string(struct splitter *s, const char *p, const char *end)
{
	for (; p < end; p++) {
		if (s->in_key && (*p != '"' || s->escaped))
			add_key(s, *p);
		if (s->escaped) {
			s->escaped = false;
		} else if (*p == '\\') {
			s->escaped = true;
		} else if (*p == '"') {
			s->in_string = false;
			if (s->in_key)
				end_key(s);
			return p + 1;
		}
	}
	return p;
}

static int begin_string(struct splitter *s, struct error **err)
{
	if (s->depth == 0 || (s->in_items && s->depth == 2))
		return error_set(err, E_BAD_REQUEST, "a string where an object belongs");
	s->in_string = true;
	s->in_key = s->key_next && s->depth == key_depth(s);
	s->key_len = 0;
	return 0;
}

static int open_bracket(struct splitter *s, char c, struct error **err)
{
	if (s->depth == JSON_MAX_DEPTH)
		return error_set(err, E_BAD_REQUEST, "more than %d levels of JSON", JSON_MAX_DEPTH);
	if (c == '[' && (s->depth == 0 || (s->in_items && s->depth == 2)))
		return error_set(err, E_BAD_REQUEST, "a list where an object belongs");
	s->depth++;
	if (in_value(s) && s->depth == value_depth(s)) {
		s->keys = 0;
		str_reset(&s->value);
	}
	if (s->depth == key_depth(s))
		s->key_next = c == '{';
	return 0;
}

/*
 * One character outside strings. *RUN is where the bytes not yet kept begin; they are kept before
 * what they belong to changes.
 */
static int step(struct splitter *s, const char *p, const char **run, split_sink *sink, void *arg,
		struct error **err)
{
	bool at_items = s->mode == SPLIT_LIST && s->in_items && s->depth == 2;

	switch (*p) {
	case '"':
		return begin_string(s, err);
	case '{':
	case '[':
		if (keep(s, *run, p, err) < 0)
			return -1;
		*run = p;
		if (*p == '[' && s->mode == SPLIT_LIST && s->depth == 1 && s->items_next) {
			s->depth++;
			if (keep(s, p, p + 1, err) < 0)
				return -1;
			s->in_items = true;
			*run = p + 1;
			return 0;
		}
		return open_bracket(s, *p, err);
	case '}':
	case ']':
		if (!s->depth || (at_items && *p == '}'))
			return error_set(err, E_BAD_REQUEST,
					 "a bracket closes what was not opened");
		if (at_items) {
			s->in_items = s->items_next = false;
			s->depth = 1;
			*run = p;
			return 0;
		}
		if (in_value(s) && s->depth == value_depth(s)) {
			if (keep(s, *run, p + 1, err) < 0)
				return -1;
			*run = p + 1;
			s->depth--;
			return sink(arg, s->value.s, s->value.len, s->keys, err);
		}
		s->depth--;
		return 0;
	case ',':
	case ':':
		if (s->depth == key_depth(s))
			s->key_next = *p == ',';
		return 0;
	case ' ':
	case '\t':
	case '\n':
	case '\r':
		return 0;
	default:
		if (s->depth == 0 || at_items)
			return error_set(err, E_BAD_REQUEST, "no JSON object");
		return 0;
	}
}

int splitter_feed(struct splitter *s, const char *bytes, size_t len, split_sink *sink, void *arg,
		  struct error **err)
{
	const char *p = bytes, *end = bytes + len, *run = bytes;

	while (p < end) {
		if (s->in_string) {
			p = scan_string(s, p, end);
			continue;
		}
		if (step(s, p, &run, sink, arg, err) < 0)
			return -1;
		p++;
	}
	return keep(s, run, end, err);
}

int splitter_finish(const struct splitter *s, struct error **err)
{
	if (s->depth || (s->mode == SPLIT_LIST && !s->envelope.len))
		return error_set(err, E_UNREACHABLE, "the answer ended in the middle");
	return 0;
}
