#include "object/json.h"

/* One step of a path: a key, or the number of a list's element. */
struct step {
	const char *key;
	size_t len;
	bool bracket;
};

/* Takes the next step off *PATH; false at the end. */
static bool next_step(const char **path, struct step *step)
{
	const char *p = *path;

	if (*p == '.')
		p++;
	if (!*p)
		return false;
	step->bracket = *p == '[';
	if (step->bracket) {
		step->key = ++p;
		step->len = strcspn(p, "]");
		p += step->len;
		*path = *p ? p + 1 : p;
	} else {
		step->key = p;
		step->len = strcspn(p, ".[");
		*path = p + step->len;
	}
	return true;
}

/* STEP as the number of an element; SIZE_MAX when it is none. */
static size_t step_index(const struct step *step)
{
	size_t index = 0;

	if (!step->bracket || !step->len || step->len > 9)
		return SIZE_MAX;
	for (size_t i = 0; i < step->len; i++) {
		if (step->key[i] < '0' || step->key[i] > '9')
			return SIZE_MAX;
		index = index * 10 + (size_t)(step->key[i] - '0');
	}
	return index;
}

static const char *skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'))
		p++;
	return p;
}

/* Past the string literal at P, or NULL. */
static const char *skip_string(const char *p, const char *end)
{
	const char *quote;

	p++;
	quote = memchr(p, '"', (size_t)(end - p));
	while (quote) {
		const char *escape = memchr(p, '\\', (size_t)(quote - p));

		if (!escape)
			return quote + 1;
		p = escape + 2;
		if (p > quote) /* a quote that is escaped itself */
			quote = memchr(p, '"', (size_t)(end - p));
	}
	return NULL;
}

/* What a byte outside of strings is to somebody who looks for the end of a value. */
enum byte_class { PLAIN, SPACE, QUOTE, OPENS, CLOSES, PARTS, NUL };
static const unsigned char byte_class[256] = {
	[0] = NUL,     [' '] = SPACE, ['\t'] = SPACE, ['\n'] = SPACE, ['\r'] = SPACE, ['"'] = QUOTE,
	['{'] = OPENS, ['['] = OPENS, ['}'] = CLOSES, [']'] = CLOSES, [','] = PARTS,  [':'] = PARTS,
};

/* Past the object or array at P. What stands between its brackets is not looked at. */
static const char *skip_nested(const char *p, const char *end)
{
	size_t depth = 0;

	while (p < end) {
		switch (byte_class[(unsigned char)*p]) {
		case QUOTE:
			p = skip_string(p, end);
			if (!p)
				return NULL;
			continue;
		case OPENS:
			depth++;
			break;
		case CLOSES:
			if (!--depth)
				return p + 1;
			break;
		case NUL: /* no JSON holds one */
			return NULL;
		}
		p++;
	}
	return NULL;
}

/* Past a number or one of JSON's three words. */
static const char *skip_word(const char *p, const char *end)
{
	while (p < end && byte_class[(unsigned char)*p] == PLAIN)
		p++;
	return p < end && !*p ? NULL : p;
}

const char *json_skip(const char *p, const char *end)
{
	p = skip_space(p, end);
	if (p == end)
		return NULL;
	switch (byte_class[(unsigned char)*p]) {
	case QUOTE:
		return skip_string(p, end);
	case OPENS:
		return skip_nested(p, end);
	case PLAIN:
		return skip_word(p, end);
	default:
		return NULL;
	}
}

/* The members of an object, or the elements of an array, one after the other. */
struct cursor {
	const char *p, *end;
	bool object;
};

static bool cursor_open(struct cursor *c, struct span json)
{
	if (!json.p)
		return false;
	c->end = json.p + json.len;
	c->p = skip_space(json.p, c->end);
	if (c->p == c->end || (*c->p != '{' && *c->p != '['))
		return false;
	c->object = *c->p++ == '{';
	return true;
}

/* Up to the next one's value; its key literal (NULL in an array). False at the end or when
 * malformed. */
static bool cursor_key(struct cursor *c, struct span *key)
{
	const char *p = skip_space(c->p, c->end), *after;

	*key = (struct span){NULL, 0};
	if (p < c->end && *p == ',')
		p = skip_space(p + 1, c->end);
	if (c->object) {
		if (p == c->end || *p != '"')
			return false;
		after = skip_string(p, c->end);
		if (!after)
			return false;
		*key = (struct span){p, (size_t)(after - p)};
		p = skip_space(after, c->end);
		if (p == c->end || *p != ':')
			return false;
		p = skip_space(p + 1, c->end);
	}
	c->p = p;
	return p < c->end;
}

/* Past the value at the cursor. */
static bool cursor_value(struct cursor *c, struct span *value)
{
	const char *after = json_skip(c->p, c->end);

	if (!after || after == c->p)
		return false;
	*value = (struct span){c->p, (size_t)(after - c->p)};
	c->p = after;
	return true;
}

static bool is_string(struct span literal)
{
	return literal.p && literal.len >= 2 && literal.p[0] == '"' &&
	       literal.p[literal.len - 1] == '"';
}

/* The text of LITERAL into OUT, which has literal.len bytes. SIZE_MAX: malformed. */
static size_t unquote(struct span literal, char *out)
{
	const char *p = literal.p + 1, *end = literal.p + literal.len - 1;
	size_t n = 0;

	while (p < end) {
		if (*p != '\\') {
			out[n++] = *p++;
			continue;
		}
		char bytes[4];
		size_t len = json_unescape(&p, end, bytes);

		if (!len)
			return SIZE_MAX;
		memcpy(out + n, bytes, len);
		n += len;
	}
	return n;
}

bool json_literal_equal(struct span literal, const char *text, size_t len)
{
	const char *p, *end;

	if (!is_string(literal))
		return false;
	p = literal.p + 1;
	end = literal.p + literal.len - 1;
	while (p < end) {
		char bytes[4];
		size_t n = 1;

		if (*p == '\\')
			n = json_unescape(&p, end, bytes);
		else
			bytes[0] = *p++;
		if (!n || n > len || memcmp(bytes, text, n))
			return false;
		text += n;
		len -= n;
	}
	return !len;
}

/* To the value of STEP in the object or array at *P. What lies behind it is not looked at. */
static bool enter(const char **p, const char *end, const struct step *step)
{
	struct span key, skipped;
	size_t index, i = 0;
	struct cursor c;

	if (!cursor_open(&c, (struct span){*p, (size_t)(end - *p)}))
		return false;
	index = c.object ? SIZE_MAX : step_index(step);
	while (cursor_key(&c, &key)) {
		if (c.object ? json_literal_equal(key, step->key, step->len) : i++ == index) {
			*p = c.p;
			return true;
		}
		if (!cursor_value(&c, &skipped))
			break;
	}
	return false;
}

struct span json_find(const char *json, size_t len, const char *path)
{
	const struct span none = {NULL, 0};
	struct cursor c = {.p = json, .end = json + len};
	struct span value = {json, len};
	struct step step;

	if (!*path)
		return value;
	while (next_step(&path, &step))
		if (!enter(&c.p, c.end, &step))
			return none;
	return cursor_value(&c, &value) ? value : none;
}

bool json_each_until(struct span json, const char *until, json_each_fn *each, void *arg,
		     struct span *rest)
{
	struct span literal, value;
	struct cursor c;

	if (!cursor_open(&c, json))
		return false;
	while (cursor_key(&c, &literal)) {
		char *copy free_ptr = NULL;
		struct span key = {NULL, 0};

		if (literal.p && memchr(literal.p, '\\', literal.len)) {
			copy = xmalloc(literal.len);
			key = (struct span){copy, unquote(literal, copy)};
			if (key.len == SIZE_MAX)
				return false;
		} else if (literal.p) {
			key = (struct span){literal.p + 1, literal.len - 2};
		}
		if (until && json_span_equal(key, until)) {
			*rest = (struct span){c.p, (size_t)(c.end - c.p)};
			return true;
		}
		if (!cursor_value(&c, &value))
			break;
		if (!each(arg, key, value))
			return false;
	}
	return !until;
}

bool json_each(struct span json, json_each_fn *each, void *arg)
{
	return json_each_until(json, NULL, each, arg, NULL);
}

char *json_unquote(struct span literal)
{
	char *text free_ptr = NULL;
	size_t n;

	if (!is_string(literal))
		return NULL;
	text = xmalloc(literal.len);
	n = unquote(literal, text);
	if (n == SIZE_MAX)
		return NULL;
	text[n] = '\0';
	return steal(&text);
}

bool json_span_equal(struct span a, const char *text)
{
	return a.p && a.len == strlen(text) && !memcmp(a.p, text, a.len);
}

static json_t *step_into(const json_t *tree, const struct step *step)
{
	if (json_is_array(tree))
		return json_array_get(tree, step_index(step));
	return json_object_getn(tree, step->key, step->len);
}

json_t *json_path_walk(const json_t *tree, const char *path)
{
	json_t *at = (json_t *)(uintptr_t)tree;
	struct step step;

	while (at && next_step(&path, &step))
		at = step_into(at, &step);
	return at;
}

const char *json_word(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

const char *json_go_type(const json_t *value)
{
	static const char *const names[] = {
		[JSON_OBJECT] = "map[string]interface {}",
		[JSON_ARRAY] = "[]interface {}",
		[JSON_STRING] = "string",
		[JSON_INTEGER] = "int64",
		[JSON_REAL] = "float64",
		[JSON_TRUE] = "bool",
		[JSON_FALSE] = "bool",
		[JSON_NULL] = "<nil>",
	};

	return names[json_typeof(value)];
}

/* Walks to what holds the last step of PATH, making maps on the way when MAKE is set. */
static json_t *holder_of(json_t *tree, const char *path, struct step *last, bool make)
{
	struct step step;
	json_t *child;

	if (!next_step(&path, last))
		return NULL;
	while (tree && next_step(&path, &step)) {
		child = step_into(tree, last);
		if (make && json_is_object(tree) && !json_is_object(child) &&
		    !json_is_array(child)) {
			child = json_object();
			json_object_setn_new_nocheck(tree, last->key, last->len, child);
		}
		tree = child;
		*last = step;
	}
	return tree;
}

void json_path_set(json_t *tree, const char *path, json_t *value)
{
	struct step last;
	json_t *holder = holder_of(tree, path, &last, true);

	if (json_is_array(holder) && step_index(&last) < json_array_size(holder))
		json_array_set_new(holder, step_index(&last), value);
	else if (json_is_object(holder))
		json_object_setn_new_nocheck(holder, last.key, last.len, value);
	else
		json_decref(value);
}

void json_path_del(json_t *tree, const char *path)
{
	struct step last;
	json_t *holder = holder_of(tree, path, &last, false);

	if (json_is_array(holder))
		json_array_remove(holder, step_index(&last));
	else if (json_is_object(holder))
		json_object_deln(holder, last.key, last.len);
}
