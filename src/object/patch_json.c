/*
 * RFC 6902. Two bounds beside those of the reader: what copy operations may add together, and how
 * deep a value may come to lie, since a short patch can double either with each operation.
 */
#include "object/json.h"
#include "object/patch.h"

#include <errno.h>
#include <string.h>

#define MAX_OPERATIONS 10000
#define MAX_COPIED_BYTES ((size_t)3 << 20)

struct json_patch {
	json_t *document;
	size_t copied;
	bool test_failed;
};

/* A pointer split at its last token. */
struct location {
	json_t *parent; /* borrowed; NULL: the pointer is "" */
	char *last;	/* owned, unescaped */
	size_t n_tokens;
};

static void location_release(struct location *l)
{
	free(l->last);
}

/* The next token of a pointer that begins with '/', unescaped; *p moves behind it. NULL: ~x. */
static char *next_token(const char **p)
{
	size_t len = strcspn(*p + 1, "/");
	char *token = xstrndup(*p + 1, len), *to = token;

	for (const char *from = token; *from; from++) {
		if (*from != '~') {
			*to++ = *from;
		} else if (from[1] == '0' || from[1] == '1') {
			*to++ = *++from == '0' ? '~' : '/';
		} else {
			free(token);
			return NULL;
		}
	}
	*to = '\0';
	*p += 1 + len;
	return token;
}

/*
 * An array index as API servers read it, or -1: beyond RFC 6901 it may have zeros before it, and a
 * sign; a negative one counts from the end of the N elements.
 */
static ssize_t index_of(const char *token, size_t n)
{
	bool negative = *token == '-';
	const char *digits = token + (negative || *token == '+');
	size_t len = strlen(digits);
	ssize_t i;

	if (!len || len > 9 || strspn(digits, "0123456789") != len)
		return -1;
	i = (ssize_t)strtol(digits, NULL, 10);
	if (negative && i)
		i = (ssize_t)n - i;
	return i >= 0 && (size_t)i < n ? i : -1;
}

static json_t *child_of(const json_t *parent, const char *token)
{
	ssize_t i;

	if (json_is_object(parent))
		return json_object_get(parent, token);
	i = json_is_array(parent) ? index_of(token, json_array_size(parent)) : -1;
	return i < 0 ? NULL : json_array_get(parent, (size_t)i);
}

static int no_path(const char *pointer, struct error **err)
{
	return error_set(err, E_INVALID, "path %s does not exist", pointer);
}

static int locate(const json_t *document, const char *pointer, struct location *l,
		  struct error **err)
{
	const char *p = pointer;

	*l = (struct location){0};
	if (*p && *p != '/')
		return error_set(err, E_INVALID, "path %s does not begin with /", pointer);
	while (*p) {
		json_t *parent = l->parent ? child_of(l->parent, l->last) : (json_t *)document;

		if (!parent)
			return no_path(pointer, err);
		free(l->last);
		l->last = next_token(&p);
		if (!l->last)
			return error_set(err, E_INVALID, "path %s has a bad escape", pointer);
		l->parent = parent;
		l->n_tokens++;
	}
	return 0;
}

/* The value at POINTER, borrowed. */
static json_t *get(const struct json_patch *p, const char *pointer, struct error **err)
{
	struct location l CLEANUP(location_release) = {0};
	json_t *value;

	if (locate(p->document, pointer, &l, err) < 0)
		return NULL;
	value = l.parent ? child_of(l.parent, l.last) : p->document;
	if (!value)
		no_path(pointer, err);
	return value;
}

static void deepest(size_t *depth, size_t other)
{
	*depth = MAX(*depth, other);
}

static size_t depth_of(const json_t *value)
{
	size_t depth = 0, i;
	const char *key;
	json_t *child;

	json_object_foreach ((json_t *)value, key, child)
		deepest(&depth, depth_of(child));
	json_array_foreach ((json_t *)value, i, child)
		deepest(&depth, depth_of(child));
	return depth + 1;
}

/* Takes VALUE over, also on failure. */
static int add(struct json_patch *p, const char *pointer, json_t *value, struct error **err)
{
	json_auto json_t *owned = value;
	struct location l CLEANUP(location_release) = {0};
	ssize_t i;
	size_t n;

	if (locate(p->document, pointer, &l, err) < 0)
		return -1;
	if (l.n_tokens + depth_of(value) > JSON_MAX_DEPTH)
		return error_set(err, E_INVALID, "path %s: nested too deep", pointer);
	if (!l.parent) {
		json_decref(p->document);
		p->document = steal(&owned);
		return 0;
	}
	if (json_is_object(l.parent)) {
		json_object_set(l.parent, l.last, owned);
		return 0;
	}
	if (!json_is_array(l.parent))
		return no_path(pointer, err);
	n = json_array_size(l.parent);
	i = strcmp(l.last, "-") ? index_of(l.last, n + 1) : (ssize_t)n;
	if (i < 0)
		return no_path(pointer, err);
	json_array_insert(l.parent, (size_t)i, owned);
	return 0;
}

static int remove_at(struct json_patch *p, const char *pointer, struct error **err)
{
	struct location l CLEANUP(location_release) = {0};

	if (locate(p->document, pointer, &l, err) < 0)
		return -1;
	if (!l.parent || !child_of(l.parent, l.last))
		return no_path(pointer, err);
	if (json_is_object(l.parent))
		json_object_del(l.parent, l.last);
	else
		json_array_remove(l.parent, (size_t)index_of(l.last, json_array_size(l.parent)));
	return 0;
}

/* One operation with its members read. */
struct operation {
	const char *path, *from;
	const json_t *value;
};

static int op_add(struct json_patch *p, const struct operation *op, struct error **err)
{
	return add(p, op->path, json_deep_copy(op->value), err);
}

static int op_remove(struct json_patch *p, const struct operation *op, struct error **err)
{
	return remove_at(p, op->path, err);
}

static int op_replace(struct json_patch *p, const struct operation *op, struct error **err)
{
	struct location l CLEANUP(location_release) = {0};

	if (locate(p->document, op->path, &l, err) < 0)
		return -1;
	/* A map need not have the key: API servers take that for an add. */
	if (l.parent && json_is_object(l.parent))
		return add(p, op->path, json_deep_copy(op->value), err);
	if (!get(p, op->path, err))
		return -1;
	if (*op->path && remove_at(p, op->path, err) < 0)
		return -1;
	return add(p, op->path, json_deep_copy(op->value), err);
}

static int op_move(struct json_patch *p, const struct operation *op, struct error **err)
{
	json_t *value = get(p, op->from, err);
	size_t len = strlen(op->from);

	if (!value)
		return -1;
	if (!strcmp(op->from, op->path))
		return 0;
	if (!strncmp(op->path, op->from, len) && op->path[len] == '/')
		return error_set(err, E_INVALID, "path %s lies inside what is moved", op->path);
	json_incref(value);
	if (remove_at(p, op->from, err) < 0) {
		json_decref(value);
		return -1;
	}
	return add(p, op->path, value, err);
}

static int op_copy(struct json_patch *p, const struct operation *op, struct error **err)
{
	struct location l CLEANUP(location_release) = {0};
	json_t *value;

	if (locate(p->document, op->from, &l, err) < 0)
		return -1;
	/* As of replace, a map need not have the key. */
	if (l.parent && json_is_object(l.parent) && !json_object_get(l.parent, l.last))
		return add(p, op->path, json_null(), err);
	value = get(p, op->from, err);
	if (!value)
		return -1;
	p->copied += json_dumpb(value, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
	if (p->copied > MAX_COPIED_BYTES)
		return error_set(err, E_TOO_LARGE, "the copies of the patch are too large");
	return add(p, op->path, json_deep_copy(value), err);
}

static int op_test(struct json_patch *p, const struct operation *op, struct error **err)
{
	struct location l CLEANUP(location_release) = {0};
	json_t *value;

	if (locate(p->document, op->path, &l, err) < 0)
		return -1;
	value = l.parent ? child_of(l.parent, l.last) : p->document;
	/* What is not there counts as null. */
	if (value ? json_equal(value, op->value) : json_is_null(op->value))
		return 0;
	p->test_failed = true;
	return error_set(err, E_INVALID, "the value at %s is another", op->path);
}

static const struct {
	const char *name;
	bool needs_from;
	int (*apply)(struct json_patch *p, const struct operation *op, struct error **err);
} operations_table[] = {
	{"add", false, op_add},	 {"remove", false, op_remove}, {"replace", false, op_replace},
	{"move", true, op_move}, {"copy", true, op_copy},      {"test", false, op_test},
};

static int apply_one(struct json_patch *p, const json_t *operation, struct error **err)
{
	const char *name = json_string_value(json_object_get(operation, "op"));
	struct operation op = {
		.path = json_string_value(json_object_get(operation, "path")),
		.from = json_string_value(json_object_get(operation, "from")),
		.value = json_object_get(operation, "value") ?: json_null(),
	};

	for (size_t i = 0; name && i < ARRAY_SIZE(operations_table); i++) {
		if (strcmp(operations_table[i].name, name))
			continue;
		if (!op.path || (operations_table[i].needs_from && !op.from))
			return error_set(err, E_INVALID, "path or from is missing");
		return operations_table[i].apply(p, &op, err);
	}
	return error_set(err, E_INVALID, "not an operation");
}

json_t *patch_json(const json_t *target, const json_t *operations, struct error **err)
{
	bool ignored;

	return patch_json_tested(target, operations, &ignored, err);
}

json_t *patch_json_tested(const json_t *target, const json_t *operations, bool *test_failed,
			  struct error **err)
{
	struct json_patch p = {0};
	size_t i;
	json_t *operation;

	if (!json_is_array(operations)) {
		error_set(err, E_BAD_REQUEST, "error decoding patch: a JSON patch must be a list");
		return NULL;
	}
	if (json_array_size(operations) > MAX_OPERATIONS) {
		error_set(err, E_TOO_LARGE,
			  "The allowed maximum operations in a JSON patch is %d, got %zu",
			  MAX_OPERATIONS, json_array_size(operations));
		return NULL;
	}
	p.document = json_deep_copy(target);
	json_array_foreach ((json_t *)operations, i, operation) {
		if (apply_one(&p, operation, err) == 0)
			continue;
		error_wrap(err,
			   "the server rejected our request due to an error in our request: "
			   "operation %zu",
			   i);
		if (err && error_code(*err) == E_INVALID)
			error_set_details(*err, "", "", "");
		*test_failed = p.test_failed;
		json_decref(p.document);
		return NULL;
	}
	return p.document;
}
