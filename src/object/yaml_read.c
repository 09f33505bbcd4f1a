#include "object/yaml.h"
#include "base/map.h"
#include "base/vec.h"
#include "object/json.h"
#include "object/yaml_scalar.h"

#include <inttypes.h>
#include <math.h>
#include <yaml.h>

/* An anchored value; aliases copy it, and each copy counts as NODES nodes. */
struct anchor {
	json_t *value; /* NULL while it is being read */
	size_t nodes;
};

struct reader {
	yaml_parser_t parser;
	yaml_event_t event; /* the one at hand */
	const char *text;
	size_t len;
	struct map *anchors; /* of the document at hand */
	size_t nodes;
	unsigned depth;
	bool final;	    /* the error would be one for a JSON reader too */
	json_t *duplicates; /* takes note of keys that are there twice; NULL: they are refused */
	/* Where a mark of libyaml, which counts characters, stands in bytes. */
	size_t at_char, at_byte;
	struct error **err;
};

static bool fail_at(struct reader *r, enum error_code code, yaml_mark_t mark, const char *format,
		    ...) __attribute__((format(printf, 4, 5)));

static bool fail_at(struct reader *r, enum error_code code, yaml_mark_t mark, const char *format,
		    ...)
{
	struct str message CLEANUP(str_release) = STR_INIT;
	va_list ap;

	va_start(ap, format);
	str_addv(&message, format, ap);
	va_end(ap);
	error_set(r->err, code, "line %zu, column %zu: %s", mark.line + 1, mark.column + 1,
		  message.s);
	r->final |= code == E_TOO_LARGE;
	return false;
}

static bool fail_parser(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;

	if (p->error == YAML_MEMORY_ERROR || !p->problem) {
		r->final = true;
		error_set(r->err, E_INTERNAL, "out of memory while reading YAML");
		return false;
	}
	return fail_at(r, E_BAD_REQUEST, p->problem_mark, "%s%s%s", p->context ? p->context : "",
		       p->context ? ": " : "", p->problem);
}

static bool next_event(struct reader *r)
{
	yaml_event_delete(&r->event);
	return yaml_parser_parse(&r->parser, &r->event) ? true : fail_parser(r);
}

static const char *event_anchor(const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_SCALAR_EVENT:
		return (const char *)e->data.scalar.anchor;
	case YAML_SEQUENCE_START_EVENT:
		return (const char *)e->data.sequence_start.anchor;
	case YAML_MAPPING_START_EVENT:
		return (const char *)e->data.mapping_start.anchor;
	case YAML_ALIAS_EVENT:
		return (const char *)e->data.alias.anchor;
	default:
		return NULL;
	}
}

static void anchor_free(void *p)
{
	struct anchor *a = p;

	json_decref(a->value);
	free(a);
}

static bool count_nodes(struct reader *r, size_t n)
{
	r->nodes += n;
	if (r->nodes <= YAML_MAX_NODES)
		return true;
	return fail_at(r, E_TOO_LARGE, r->event.start_mark, "more than %u values, aliases expanded",
		       YAML_MAX_NODES);
}

static json_t *read_alias(struct reader *r)
{
	const char *name = event_anchor(&r->event);
	const struct anchor *a = map_get(r->anchors, name);

	if (!a)
		fail_at(r, E_BAD_REQUEST, r->event.start_mark, "unknown anchor \"%.100s\"", name);
	else if (!a->value)
		fail_at(r, E_BAD_REQUEST, r->event.start_mark,
			"the value of anchor \"%.100s\" contains itself", name);
	else if (count_nodes(r, a->nodes))
		return json_deep_copy(a->value);
	return NULL;
}

/* --- scalars ------------------------------------------------------------------------------- */

static const struct tag {
	const char *name;
	enum yaml_scalar_kind kind;
} tags[] = {
	{YAML_NULL_TAG, YAML_NULL},   {YAML_BOOL_TAG, YAML_BOOL},      {YAML_INT_TAG, YAML_INT},
	{YAML_FLOAT_TAG, YAML_FLOAT}, {YAML_TIMESTAMP_TAG, YAML_TIME},
};

/* What an explicit tag makes of a resolved scalar: false when it is none of that kind. */
static bool apply_tag(const char *name, struct yaml_scalar *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
		if (strcmp(tags[i].name, name))
			continue;
		if (tags[i].kind == YAML_FLOAT && s->kind == YAML_INT) {
			s->kind = YAML_FLOAT;
			s->real = (double)s->integer;
		}
		return tags[i].kind == s->kind ||
		       (tags[i].kind == YAML_INT && s->kind == YAML_UINT);
	}
	s->kind = YAML_STRING; /* !!str, and tags of applications */
	return true;
}

static bool resolve(struct reader *r, struct yaml_scalar *s)
{
	const char *text = (const char *)r->event.data.scalar.value;
	const char *tag = (const char *)r->event.data.scalar.tag;

	*s = (struct yaml_scalar){.kind = YAML_STRING};
	if (!tag && !r->event.data.scalar.plain_implicit)
		return true;
	if (tag && !strcmp(tag, "tag:yaml.org,2002:binary"))
		return fail_at(r, E_BAD_REQUEST, r->event.start_mark,
			       "!!binary is not supported: write the base64 text as a string");
	*s = yaml_scalar_resolve(text, r->event.data.scalar.length);
	if (tag && !apply_tag(tag, s))
		return fail_at(r, E_BAD_REQUEST, r->event.start_mark,
			       "the value does not have the form that its tag asks for");
	return true;
}

static json_t *read_scalar(struct reader *r)
{
	struct yaml_scalar s;

	if (!resolve(r, &s))
		return NULL;
	switch (s.kind) {
	case YAML_NULL:
		return json_null();
	case YAML_BOOL:
		return json_boolean(s.boolean);
	case YAML_INT:
		return json_integer(s.integer);
	case YAML_UINT:
		return json_real((double)s.natural);
	case YAML_FLOAT:
		if (isfinite(s.real))
			return json_real(s.real);
		fail_at(r, E_BAD_REQUEST, r->event.start_mark,
			"infinity and not-a-number have no form in JSON");
		return NULL;
	default:
		return json_stringn_nocheck((const char *)r->event.data.scalar.value,
					    r->event.data.scalar.length);
	}
}

/* The scalar at hand as the string that becomes a key. */
static bool read_key(struct reader *r, struct str *key)
{
	char text[YAML_FLOAT_TEXT];
	struct yaml_scalar s;

	if (r->event.type != YAML_SCALAR_EVENT)
		return fail_at(r, E_BAD_REQUEST, r->event.start_mark,
			       "a key must be a string, a number or a bool");
	if (!resolve(r, &s))
		return false;
	str_reset(key);
	if (s.kind == YAML_BOOL)
		str_adds(key, s.boolean ? "true" : "false");
	else if (s.kind == YAML_INT)
		str_addf(key, "%" PRId64, s.integer);
	else if (s.kind == YAML_FLOAT)
		str_adds(key, yaml_scalar_format_float(s.real, true, text));
	else if (s.kind == YAML_STRING || s.kind == YAML_TIME)
		str_add(key, (const char *)r->event.data.scalar.value, r->event.data.scalar.length);
	else
		return fail_at(r, E_BAD_REQUEST, r->event.start_mark,
			       s.kind == YAML_NULL ? "a key is null"
						   : "a key is a number out of range");
	if (memchr(key->s, '\0', key->len))
		return fail_at(r, E_BAD_REQUEST, r->event.start_mark,
			       "a key holds a NUL character");
	return count_nodes(r, 1);
}

/* --- collections --------------------------------------------------------------------------- */

static json_t *read_node(struct reader *r);

static bool is_merge_key(const struct reader *r)
{
	const char *tag = (const char *)r->event.data.scalar.tag;

	return r->event.type == YAML_SCALAR_EVENT && r->event.data.scalar.length == 2 &&
	       !memcmp(r->event.data.scalar.value, "<<", 2) &&
	       (r->event.data.scalar.plain_implicit ||
		(tag && !strcmp(tag, "tag:yaml.org,2002:merge")));
}

struct mapping {
	json_t *members;
	json_t *merged; /* names that only a merge has set so far; NULL: none */
};

static bool merge_one(struct reader *r, struct mapping *m, json_t *source, yaml_mark_t mark)
{
	const char *key;
	json_t *value;

	if (!json_is_object(source))
		return fail_at(r, E_BAD_REQUEST, mark, "a merge key takes a map or a list of maps");
	if (!m->merged)
		m->merged = json_object();
	json_object_foreach (source, key, value) {
		json_object_set_nocheck(m->members, key, value);
		json_object_set_new_nocheck(m->merged, key, json_null());
	}
	return true;
}

/* As go-yaml: a merge counts at its place, the first map of a list before the others. */
static bool read_merge(struct reader *r, struct mapping *m)
{
	yaml_mark_t mark = r->event.start_mark;
	json_t *source json_auto = NULL;

	if (!next_event(r))
		return false;
	source = read_node(r);
	if (!source)
		return false;
	if (!json_is_array(source))
		return merge_one(r, m, source, mark);
	for (size_t i = json_array_size(source); i > 0; i--)
		if (!merge_one(r, m, json_array_get(source, i - 1), mark))
			return false;
	return true;
}

static bool note_duplicate(struct reader *r, const struct str *key)
{
	char *note free_ptr = NULL;

	if (!r->duplicates) {
		r->final = true;
		return fail_at(r, E_BAD_REQUEST, r->event.start_mark,
			       "the key \"%.100s\" is there twice", key->s);
	}
	note = xasprintf("line %zu: key \"%s\" already set in map", r->event.start_mark.line + 1,
			 key->s);
	if (json_array_size(r->duplicates) < JSON_MAX_DUPLICATES)
		json_array_append_new(r->duplicates, json_string(note));
	return true;
}

static bool read_member(struct reader *r, struct mapping *m, struct str *key)
{
	json_t *value;

	if (!read_key(r, key))
		return false;
	if (json_object_getn(m->members, key->s, key->len) &&
	    json_object_deln(m->merged, key->s, key->len) && !note_duplicate(r, key))
		return false;
	if (!next_event(r))
		return false;
	value = read_node(r);
	if (!value)
		return false;
	json_object_setn_new_nocheck(m->members, key->s, key->len, value);
	return true;
}

static json_t *read_mapping(struct reader *r)
{
	struct str key CLEANUP(str_release) = STR_INIT;
	json_t *members json_auto = json_object();
	struct mapping m = {.members = members};
	bool ok;

	while ((ok = next_event(r)) && r->event.type != YAML_MAPPING_END_EVENT) {
		ok = is_merge_key(r) ? read_merge(r, &m) : read_member(r, &m, &key);
		if (!ok)
			break;
	}
	json_decref(m.merged);
	return ok ? steal(&members) : NULL;
}

static json_t *read_sequence(struct reader *r)
{
	json_t *elements json_auto = json_array();

	for (;;) {
		json_t *value;

		if (!next_event(r))
			return NULL;
		if (r->event.type == YAML_SEQUENCE_END_EVENT)
			return steal(&elements);
		value = read_node(r);
		if (!value)
			return NULL;
		json_array_append_new(elements, value);
	}
}

static json_t *read_collection(struct reader *r)
{
	bool mapping = r->event.type == YAML_MAPPING_START_EVENT;
	json_t *value;

	if (r->depth == YAML_MAX_DEPTH) {
		fail_at(r, E_TOO_LARGE, r->event.start_mark, "nested deeper than %d levels",
			YAML_MAX_DEPTH);
		return NULL;
	}
	r->depth++;
	value = mapping ? read_mapping(r) : read_sequence(r);
	r->depth--;
	return value;
}

/* VALUE NULL: still being read. */
static void set_anchor(struct reader *r, const char *name, json_t *value, size_t nodes)
{
	struct anchor *a = xcalloc(1, sizeof(*a)), *old;

	a->value = json_incref(value);
	a->nodes = nodes;
	old = map_put(r->anchors, name, a);
	if (old)
		anchor_free(old);
}

/* The value whose first event is at hand; its last event is at hand afterwards. */
static json_t *read_node(struct reader *r)
{
	char *name free_ptr = NULL;
	size_t before = r->nodes;
	json_t *value;

	if (r->event.type == YAML_ALIAS_EVENT)
		return read_alias(r);
	if (!count_nodes(r, 1))
		return NULL;
	if (event_anchor(&r->event))
		name = xstrdup(event_anchor(&r->event));
	if (name)
		set_anchor(r, name, NULL, 0);
	value = r->event.type == YAML_SCALAR_EVENT ? read_scalar(r) : read_collection(r);
	if (name && value)
		set_anchor(r, name, value, r->nodes - before);
	return value;
}

/* --- documents ----------------------------------------------------------------------------- */

static size_t byte_of(struct reader *r, size_t index)
{
	while (r->at_char < index && r->at_byte < r->len) {
		size_t n = utf8_length(r->text + r->at_byte, r->len - r->at_byte);

		r->at_byte += n ? n : 1;
		r->at_char++;
	}
	return r->at_byte;
}

static bool is_nothing(const yaml_event_t *e)
{
	return e->type == YAML_SCALAR_EVENT && !e->data.scalar.length && !e->data.scalar.tag &&
	       !e->data.scalar.anchor && e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static bool read_document(struct reader *r, struct yaml_document *d)
{
	bool ok;

	d->line = r->event.start_mark.line + 1;
	d->begin = byte_of(r, r->event.start_mark.index);
	if (!next_event(r))
		return false;
	r->anchors = map_new();
	if (!is_nothing(&r->event)) {
		d->tree = read_node(r);
		ok = d->tree && next_event(r);
	} else {
		ok = next_event(r);
	}
	map_free(r->anchors, anchor_free);
	r->anchors = NULL;
	if (ok)
		d->end = byte_of(r, r->event.end_mark.index);
	return ok;
}

static bool read_documents(struct reader *r, struct yaml_stream *out)
{
	while (next_event(r)) {
		if (r->event.type == YAML_STREAM_END_EVENT)
			return true;
		if (r->event.type != YAML_DOCUMENT_START_EVENT)
			continue;
		vec_push(out, (struct yaml_document){0});
		if (!read_document(r, &out->v[out->n - 1]))
			return false;
	}
	return false;
}

/* libyaml reads what is no UTF-8 as an error without a place; and NUL as the end. */
static bool check_characters(struct reader *r)
{
	const char *p = r->text, *end = r->text + r->len;
	yaml_mark_t mark = {0};

	while (p < end) {
		size_t n = utf8_length(p, (size_t)(end - p));
		unsigned char c = (unsigned char)*p;

		if (!n)
			return fail_at(r, E_BAD_REQUEST, mark, "not UTF-8");
		if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f ||
		    (c == 0xc2 && (unsigned char)p[1] < 0xa0 && (unsigned char)p[1] != 0x85))
			return fail_at(r, E_BAD_REQUEST, mark,
				       "control character U+%04X is not allowed",
				       utf8_decode(p, n));
		mark.column++;
		if (c == '\n') {
			mark.line++;
			mark.column = 0;
		}
		p += n;
	}
	return true;
}

static bool read_yaml(struct reader *r, struct yaml_stream *out)
{
	bool ok;

	if (!check_characters(r))
		return false;
	if (!yaml_parser_initialize(&r->parser))
		return fail_parser(r);
	yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r->parser, (const unsigned char *)r->text, r->len);
	ok = read_documents(r, out);
	yaml_event_delete(&r->event);
	yaml_parser_delete(&r->parser);
	return ok;
}

/* JSON that is no YAML 1.1: surrogate pairs in escapes, keys of more than 1 KB. */
static bool read_json(const struct reader *r, struct yaml_stream *out)
{
	const char *p = r->text, *end = r->text + r->len;
	json_t *tree;

	while (p < end && strchr(" \t\r\n", *p) && *p)
		p++;
	if (r->final || p == end || *p != '{')
		return false;
	tree = json_read(r->text, r->len, NULL);
	if (!tree)
		return false;
	vec_push(out, (struct yaml_document){.tree = tree, .line = 1, .end = r->len});
	return true;
}

static int read_stream(const char *text, size_t len, json_t *duplicates, struct yaml_stream *out,
		       struct error **err)
{
	struct error *failure CLEANUP(error_free_cleanup) = NULL;
	size_t bom = len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;
	struct reader r = {
		.text = text + bom, .len = len - bom, .duplicates = duplicates, .err = &failure};

	*out = (struct yaml_stream){NULL};
	if (len > YAML_MAX_BYTES)
		return error_set(err, E_TOO_LARGE, "more than %u MB of YAML", YAML_MAX_BYTES >> 20);
	if (!read_yaml(&r, out)) {
		yaml_stream_release(out);
		if (!read_json(&r, out))
			return error_move(err, steal(&failure));
	}
	vec_each (out, d) {
		d->begin += bom;
		d->end += bom;
	}
	return 0;
}

int yaml_read(const char *text, size_t len, struct yaml_stream *out, struct error **err)
{
	return read_stream(text, len, NULL, out, err);
}

void yaml_stream_release(struct yaml_stream *s)
{
	vec_each (s, d)
		json_decref(d->tree);
	vec_release(s);
}

json_t *yaml_read_noting(const char *text, size_t len, json_t *duplicates, struct error **err)
{
	struct yaml_stream s CLEANUP(yaml_stream_release) = {NULL};
	json_t *only = NULL;
	size_t n = 0;

	if (read_stream(text, len, duplicates, &s, err))
		return NULL;
	vec_each (&s, d)
		if (d->tree && !n++)
			only = d->tree;
	if (!n || (n > 1 && !duplicates)) {
		error_set(err, E_BAD_REQUEST,
			  n ? "%zu documents where one is expected" : "no document in the text", n);
		return NULL;
	}
	return json_incref(only);
}

json_t *yaml_read_one(const char *text, size_t len, struct error **err)
{
	return yaml_read_noting(text, len, NULL, err);
}
