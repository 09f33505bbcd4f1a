#include "object/yaml.h"
#include "object/json.h"
#include "object/yaml_scalar.h"

#include <stdbool.h>
#include <string.h>

/*
 * One pass over the bytes. Layout follows libyaml's emitter, which go-yaml is a port of: column,
 * indent, whitespace and indention mean what they mean there, because where a line folds and
 * where a blank stands is decided by them. Columns count characters.
 */
enum { INDENT = 2, WIDTH = 80, SIMPLE_KEY = 128 };

struct writer {
	const char *p, *end;
	unsigned flags, depth;
	int column, indent;
	bool whitespace, indention;
	struct str text; /* the scalar at hand, when its literal holds escapes */
	/* The sink: room from o to limit. OUT NULL: bytes are only counted. */
	struct str *out;
	char *base, *o, *limit;
	size_t total;
};

static void spill(struct writer *w, size_t need)
{
	if (!w->out) {
		w->total += (size_t)(w->o - w->base);
		w->o = w->base;
		return;
	}
	w->out->len = (size_t)(w->o - w->out->s);
	str_grow(w->out, MAX(need, w->out->cap / 2));
	w->o = w->out->s + w->out->len;
	w->limit = w->out->s + w->out->cap - 1;
}

/* N bytes that are CHARS characters. */
static inline void put(struct writer *w, const char *p, size_t n, size_t chars)
{
	w->column += (int)chars;
	if ((size_t)(w->limit - w->o) < n)
		spill(w, n);
	if ((size_t)(w->limit - w->o) < n) {
		w->total += n; /* counting: more than the scratch holds */
		return;
	}
	memcpy(w->o, p, n);
	w->o += n;
}

static inline void putc1(struct writer *w, char c)
{
	if (w->o == w->limit)
		spill(w, 1);
	*w->o++ = c;
	w->column++;
}

static void put_break(struct writer *w)
{
	putc1(w, '\n');
	w->column = 0;
}

static void write_indent(struct writer *w)
{
	int indent = MAX(w->indent, 0);

	if (!w->indention || w->column > indent || (w->column == indent && !w->whitespace))
		put_break(w);
	while (w->column < indent)
		putc1(w, ' ');
	w->whitespace = true;
	w->indention = true;
}

static void write_indicator(struct writer *w, const char *text, size_t len, bool need_whitespace,
			    bool is_indention)
{
	if (need_whitespace && !w->whitespace)
		putc1(w, ' ');
	put(w, text, len, len);
	w->whitespace = false;
	w->indention = w->indention && is_indention;
}

/* --- what a scalar allows --------------------------------------------------------------- */

struct analysis {
	size_t chars;
	bool newline;	 /* has a \n */
	bool odd_breaks; /* has U+2028 or U+2029, which YAML 1.1 counts as line breaks */
	bool spaces, quotes;
	bool multiline, plain, single, block;
};

static size_t width_of(unsigned char c)
{
	return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

/* Bytes of the line break at P, 0 for none. */
static size_t break_at(const char *p, const char *end)
{
	if (*p == '\n' || *p == '\r')
		return 1;
	if (*p == '\xc2')
		return end - p >= 2 && p[1] == '\x85' ? 2 : 0;
	if (*p == '\xe2' && end - p >= 3 && p[1] == '\x80')
		return p[2] == '\xa8' || p[2] == '\xa9' ? 3 : 0;
	return 0;
}

/* No control character, and nothing beyond the basic plane: libyaml's idea of printable. */
static bool printable_at(const char *p, const char *end)
{
	const unsigned char *b = (const unsigned char *)p;

	if (b[0] < 0x80)
		return b[0] == '\n' || (b[0] >= 0x20 && b[0] <= 0x7e);
	if (end - p < 2 || (b[0] >= 0xe0 && end - p < 3))
		return false;
	switch (b[0]) {
	case 0xc2:
		return b[1] >= 0xa0;
	case 0xed:
		return b[1] < 0xa0;
	case 0xef:
		return !(b[1] == 0xbb && b[2] == 0xbf) &&
		       !(b[1] == 0xbf && (b[2] == 0xbe || b[2] == 0xbf));
	default:
		return b[0] > 0xc2 && b[0] < 0xef;
	}
}

/* Bytes that need no look at what stands around them. */
static bool is_ordinary(unsigned char c)
{
	return c > 0x20 && c < 0x7f && c != ':' && c != '#' && c != '\'';
}

static bool starts_plain(const char *p, const char *end)
{
	bool alone = end - p == 1 || p[1] == ' ' || p[1] == '\t';

	if (end - p >= 3 && (!memcmp(p, "---", 3) || !memcmp(p, "...", 3)))
		return false;
	if (*p == '-' || *p == '?' || *p == ':')
		return !alone;
	return !*p || !strchr("#,[]{}&*!|>'\"%@`", *p);
}

/* The kinds of character around a position, as the rules for styles ask for them. */
struct walk {
	bool special, indicators;
	bool leading, trailing; /* space or break at an end of the text */
	bool trailing_space, space_break, break_space;
	bool after_space, after_break, after_blank;
};

static void look_at(struct walk *k, struct analysis *a, const char *start, const char *p,
		    const char *end, size_t width)
{
	bool first = p == start, last = p + width >= end;
	size_t break_width = break_at(p, end);

	if (*p == ':' && (last || p[1] == ' ' || p[1] == '\t'))
		k->indicators = true;
	if (*p == '#' && k->after_blank)
		k->indicators = true;
	if (*p == '\'')
		a->quotes = true;
	if (!printable_at(p, end))
		k->special = true;
	if (*p == ' ') {
		a->spaces = true;
		k->leading |= first;
		k->trailing |= last;
		k->trailing_space |= last;
		k->break_space |= k->after_break;
	} else if (break_width) {
		a->multiline = true;
		a->newline |= *p == '\n';
		a->odd_breaks |= break_width == 3;
		k->leading |= first;
		k->trailing |= last;
		k->space_break |= k->after_space;
	}
	k->after_space = *p == ' ';
	k->after_break = break_width;
	k->after_blank = *p == ' ' || *p == '\t' || !*p || break_width;
}

static struct analysis analyze(struct span text)
{
	const char *p = text.p, *end = text.p + text.len;
	struct analysis a = {.plain = true, .single = true};
	struct walk k = {.after_blank = true};

	if (!text.len)
		return a;
	k.indicators = !starts_plain(p, end);
	while (p < end) {
		size_t width;

		a.chars++;
		if (is_ordinary((unsigned char)*p)) {
			k.after_space = k.after_break = k.after_blank = false;
			p++;
			continue;
		}
		width = width_of((unsigned char)*p);
		look_at(&k, &a, text.p, p, end, width);
		p += MIN(width, (size_t)(end - p));
	}
	a.block = !k.trailing_space && !k.space_break && !k.special;
	a.single = !k.break_space && !k.space_break && !k.special;
	a.plain = a.single && !k.leading && !k.trailing && !a.multiline && !k.indicators;
	return a;
}

/* --- the styles --------------------------------------------------------------------------- */

static bool space_at(const char *p, const char *end)
{
	return p < end && *p == ' ';
}

/* A break of the text itself. */
static void write_break(struct writer *w, const char *p, size_t width)
{
	if (*p == '\n') {
		put_break(w);
	} else {
		put(w, p, width, 1);
		w->column = 0;
	}
}

/* Plain and single-quoted text, folded at spaces beyond column 80, quotes doubled. */
static void write_folded(struct writer *w, struct span text, bool quoted, bool fold)
{
	const char *p = text.p, *end = text.p + text.len;
	bool spaces = false, breaks = false;

	while (p < end) {
		size_t width = MIN(width_of((unsigned char)*p), (size_t)(end - p));

		if (*p == ' ') {
			bool inside = !quoted || (p > text.p && p < end - 1);

			if (fold && !spaces && w->column > WIDTH && inside && !space_at(p + 1, end))
				write_indent(w);
			else
				putc1(w, ' ');
			spaces = true;
		} else if (break_at(p, end)) {
			if (!breaks && *p == '\n')
				put_break(w);
			write_break(w, p, width);
			w->indention = true;
			breaks = true;
		} else {
			if (breaks)
				write_indent(w);
			if (*p == '\'' && quoted)
				putc1(w, '\'');
			put(w, p, width, 1);
			w->indention = false;
			spaces = breaks = false;
		}
		p += width;
	}
}

/* The same when nothing folds, breaks or doubles: most scalars there are. */
static void write_text(struct writer *w, struct span text, const struct analysis *a, bool quoted,
		       bool fold)
{
	bool folds = fold && a->spaces && (size_t)w->column + a->chars > WIDTH;

	if (folds || a->multiline || (quoted && a->quotes)) {
		write_folded(w, text, quoted, fold);
	} else {
		put(w, text.p, text.len, a->chars);
		w->indention = false;
	}
}

static void write_plain(struct writer *w, struct span text, const struct analysis *a, bool fold)
{
	if (!w->whitespace)
		putc1(w, ' ');
	write_text(w, text, a, false, fold);
	w->whitespace = false;
	w->indention = false;
}

static void write_single_quoted(struct writer *w, struct span text, const struct analysis *a,
				bool fold)
{
	write_indicator(w, "'", 1, true, false);
	write_text(w, text, a, true, fold);
	write_indicator(w, "'", 1, false, false);
	w->indention = false;
}

static void write_escape(struct writer *w, unsigned rune)
{
	static const struct {
		unsigned rune;
		char letter;
	} letters[] = {
		{0, '0'},     {7, 'a'},	   {8, 'b'},	{9, 't'},      {10, 'n'},
		{11, 'v'},    {12, 'f'},   {13, 'r'},	{27, 'e'},     {'"', '"'},
		{'\\', '\\'}, {0x85, 'N'}, {0xa0, '_'}, {0x2028, 'L'}, {0x2029, 'P'},
	};
	char text[12];
	int n;

	for (size_t i = 0; i < ARRAY_SIZE(letters); i++)
		if (letters[i].rune == rune) {
			putc1(w, '\\');
			putc1(w, letters[i].letter);
			return;
		}
	if (rune <= 0xff)
		n = snprintf(text, sizeof(text), "\\x%02X", rune);
	else if (rune <= 0xffff)
		n = snprintf(text, sizeof(text), "\\u%04X", rune);
	else
		n = snprintf(text, sizeof(text), "\\U%08X", rune);
	put(w, text, (size_t)n, (size_t)n);
}

static void write_double_quoted(struct writer *w, struct span text, bool fold)
{
	const char *p = text.p, *end = text.p + text.len;
	/* The emitter looks for a byte order mark at the start only, and then escapes all. */
	bool bom = text.len >= 3 && !memcmp(p, "\xef\xbb\xbf", 3);
	bool spaces = false;

	write_indicator(w, "\"", 1, true, false);
	while (p < end) {
		size_t width = MIN(width_of((unsigned char)*p), (size_t)(end - p));

		if (bom || *p == '"' || *p == '\\' || !printable_at(p, end) || break_at(p, end)) {
			write_escape(w, utf8_decode(p, width));
			spaces = false;
		} else if (*p == ' ') {
			if (fold && !spaces && w->column > WIDTH && p > text.p && p < end - 1) {
				write_indent(w);
				if (space_at(p + 1, end))
					putc1(w, '\\');
			} else {
				putc1(w, ' ');
			}
			spaces = true;
		} else {
			put(w, p, width, 1);
			spaces = false;
		}
		p += width;
	}
	write_indicator(w, "\"", 1, false, false);
	w->indention = false;
}

/* Whether the text ends in a line break, and in two. */
static int breaks_at_end(struct span text)
{
	const char *end = text.p + text.len, *p = end;
	int n = 0;

	while (n < 2 && p > text.p) {
		const char *before = p - 1;

		while (before > text.p && ((unsigned char)*before & 0xc0) == 0x80)
			before--;
		if (!break_at(before, end))
			break;
		p = before;
		n++;
	}
	return n == 1 && p == text.p ? 2 : n;
}

static void write_literal_lines(struct writer *w, struct span text)
{
	const char *p = text.p, *end = text.p + text.len;

	while (p < end) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));

		stop = stop ? stop : end;
		if (stop > p) {
			write_indent(w);
			put(w, p, (size_t)(stop - p), 1);
			w->indention = false;
		}
		if (stop < end) {
			put_break(w);
			w->indention = true;
			stop++;
		}
		p = stop;
	}
}

static void write_literal_characters(struct writer *w, struct span text)
{
	const char *p = text.p, *end = text.p + text.len;
	bool breaks = true;

	while (p < end) {
		size_t width = MIN(width_of((unsigned char)*p), (size_t)(end - p));

		if (break_at(p, end)) {
			write_break(w, p, width);
			w->indention = true;
			breaks = true;
		} else {
			if (breaks)
				write_indent(w);
			put(w, p, width, 1);
			w->indention = false;
			breaks = false;
		}
		p += width;
	}
}

static void write_literal(struct writer *w, struct span text, const struct analysis *a)
{
	static const char *const chomp[] = {"-", "", "+"};
	const char *hint = chomp[breaks_at_end(text)];

	write_indicator(w, "|", 1, true, false);
	if (*text.p == ' ' || break_at(text.p, text.p + text.len))
		write_indicator(w, "2", 1, false, false);
	put(w, hint, strlen(hint), strlen(hint));
	put_break(w);
	w->indention = true;
	w->whitespace = true;
	if (a->odd_breaks)
		write_literal_characters(w, text);
	else
		write_literal_lines(w, text);
}

static bool means_itself(struct span text)
{
	return yaml_scalar_resolve(text.p, text.len).kind == YAML_STRING &&
	       !yaml_scalar_is_base60(text.p, text.len);
}

static void write_string(struct writer *w, struct span text, const struct analysis *a,
			 bool simple_key)
{
	bool itself = a->newline || means_itself(text);

	w->indent += INDENT;
	if (a->newline && a->block && !simple_key)
		write_literal(w, text, a);
	else if (a->newline || !itself)
		write_double_quoted(w, text, !simple_key);
	else if (a->plain)
		write_plain(w, text, a, !simple_key);
	else if (a->single)
		write_single_quoted(w, text, a, !simple_key);
	else
		write_double_quoted(w, text, !simple_key);
	w->indent -= INDENT;
}

/* --- numbers ------------------------------------------------------------------------------- */

static void write_number(struct writer *w, struct span number)
{
	struct yaml_scalar scalar = {.kind = YAML_INT};
	char text[YAML_FLOAT_TEXT];

	if (!w->whitespace)
		putc1(w, ' ');
	if (number.len > 18 || memchr(number.p, '.', number.len) ||
	    memchr(number.p, 'e', number.len) || json_span_equal(number, "-0"))
		scalar = yaml_scalar_resolve(number.p, number.len);
	if (scalar.kind == YAML_FLOAT) {
		yaml_scalar_format_float(scalar.real, false, text);
		put(w, text, strlen(text), strlen(text));
	} else if (json_span_equal(number, "-0")) {
		putc1(w, '0');
	} else {
		put(w, number.p, number.len, number.len);
	}
	w->whitespace = false;
	w->indention = false;
}

/* --- the walk ------------------------------------------------------------------------------ */

/* The bytes are no JSON: what is written so far stays, nothing more is read. */
static bool fail(struct writer *w)
{
	w->p = w->end;
	return false;
}

static bool take(struct writer *w, char c)
{
	if (w->p == w->end || *w->p != c)
		return false;
	w->p++;
	return true;
}

/* The text of the string at w->p: a part of the bytes, or w->text when it holds escapes. */
static bool take_string(struct writer *w, struct span *text)
{
	const char *start = w->p + 1, *end;
	bool escaped = false;

	if (w->p == w->end || *w->p != '"')
		return fail(w);
	end = memchr(start, '"', (size_t)(w->end - start));
	if (end && !memchr(start, '\\', (size_t)(end - start))) {
		*text = (struct span){start, (size_t)(end - start)};
		w->p = end + 1;
		return true;
	}
	str_reset(&w->text);
	for (w->p = start; w->p < w->end && *w->p != '"';) {
		char bytes[4];
		size_t n;

		if (*w->p != '\\') {
			w->p++;
			continue;
		}
		str_add(&w->text, start, (size_t)(w->p - start));
		n = json_unescape(&w->p, w->end, bytes);
		if (!n)
			return fail(w);
		str_add(&w->text, bytes, n);
		start = w->p;
		escaped = true;
	}
	if (w->p == w->end || !escaped)
		return fail(w);
	str_add(&w->text, start, (size_t)(w->p - start));
	*text = (struct span){w->text.s, w->text.len};
	w->p++;
	return true;
}

/* Where a map stands: only metadata of the whole document has managedFields to leave out. */
enum place { ROOT, METADATA, ELSEWHERE };

static void write_node(struct writer *w, bool in_mapping, enum place place);

static bool at_key(const struct writer *w, const char *literal)
{
	size_t n = strlen(literal);

	return (size_t)(w->end - w->p) > n && !memcmp(w->p, literal, n);
}

/* Moves to the next member that is written; false at the end of the map. */
static bool next_member(struct writer *w, enum place place, bool first)
{
	bool omit = place == METADATA && w->flags & YAML_OMIT_MANAGED_FIELDS;
	const char *after;

	for (;;) {
		if (take(w, '}'))
			return false;
		if (!first && !take(w, ','))
			return fail(w);
		if (!omit || !at_key(w, "\"managedFields\":"))
			return true;
		after = json_skip(w->p + strlen("\"managedFields\":"), w->end);
		if (!after)
			return fail(w);
		w->p = after;
		if (first)
			take(w, ',');
	}
}

static void write_member(struct writer *w, enum place place)
{
	enum place below = place == ROOT && at_key(w, "\"metadata\":") ? METADATA : ELSEWHERE;
	struct analysis a;
	struct span key;
	bool simple;

	if (!take_string(w, &key))
		return;
	a = analyze(key);
	simple = !a.multiline && key.len <= SIMPLE_KEY;
	write_indent(w);
	if (!simple)
		write_indicator(w, "?", 1, true, true);
	write_string(w, key, &a, simple);
	if (!simple)
		write_indent(w);
	write_indicator(w, ":", 1, !simple, !simple);
	if (take(w, ':'))
		write_node(w, true, below);
	else
		fail(w);
}

static void write_mapping(struct writer *w, enum place place)
{
	int indent = w->indent;

	w->p++;
	if (!next_member(w, place, true)) {
		write_indicator(w, "{}", 2, true, false);
		return;
	}
	w->indent = indent < 0 ? 0 : indent + INDENT;
	do
		write_member(w, place);
	while (next_member(w, place, false));
	w->indent = indent;
}

static void write_sequence(struct writer *w, bool in_mapping)
{
	int indent = w->indent;

	w->p++;
	if (take(w, ']')) {
		write_indicator(w, "[]", 2, true, false);
		return;
	}
	if (indent < 0)
		w->indent = 0;
	else if (!in_mapping || w->indention)
		w->indent += INDENT;
	do {
		write_indent(w);
		write_indicator(w, "-", 1, true, true);
		write_node(w, false, ELSEWHERE);
	} while (take(w, ','));
	if (!take(w, ']'))
		fail(w);
	w->indent = indent;
}

static void write_scalar(struct writer *w)
{
	struct analysis a;
	struct span text;

	if (*w->p == '"') {
		if (!take_string(w, &text))
			return;
		a = analyze(text);
		write_string(w, text, &a, false);
		return;
	}
	text.p = w->p;
	while (w->p < w->end && *w->p != ',' && *w->p != '}' && *w->p != ']')
		w->p++;
	text.len = (size_t)(w->p - text.p);
	write_number(w, text); /* true, false and null go through it as they are */
}

static void write_node(struct writer *w, bool in_mapping, enum place place)
{
	if (w->p == w->end || w->depth == JSON_MAX_DEPTH) {
		fail(w);
		return;
	}
	w->depth++;
	if (*w->p == '{')
		write_mapping(w, place);
	else if (*w->p == '[')
		write_sequence(w, in_mapping);
	else
		write_scalar(w);
	w->depth--;
}

static void write_document(struct writer *w, const char *json, size_t len, unsigned flags)
{
	w->p = json;
	w->end = json + len;
	w->flags = flags;
	w->indent = -1;
	w->whitespace = w->indention = true;
	str_init(&w->text);
	write_node(w, false, ROOT);
	write_indent(w);
	str_release(&w->text);
}

void yaml_write(const char *json, size_t len, unsigned flags, struct str *out)
{
	struct writer w = {.out = out};

	str_grow(out, len + len / 4 + 64);
	w.o = out->s + out->len;
	w.limit = out->s + out->cap - 1;
	write_document(&w, json, len, flags);
	out->len = (size_t)(w.o - out->s);
	out->s[out->len] = '\0';
}

size_t yaml_size(const char *json, size_t len, unsigned flags)
{
	char scratch[1024];
	struct writer w = {.base = scratch, .o = scratch, .limit = scratch + sizeof(scratch)};

	write_document(&w, json, len, flags);
	return w.total + (size_t)(w.o - scratch);
}
