/*
 * Paths into JSON: those of printer columns, selectable fields and the scale subresource. The input
 * is a path, a line's end, and what it leads into. Bytes and tree are looked into alike.
 */
#include "fuzz/fuzz.h"
#include "base/str.h"
#include "object/json.h"

#include <assert.h>
#include <string.h>

static bool count(void *arg, struct span key, struct span value)
{
	json_find(value.p, value.len, "a");
	return ++*(size_t *)arg < 1000;
}

/* Canonical bytes, which is what paths lead into: the same value by both ways. */
static void check_same(const json_t *tree, const char *path)
{
	struct str text CLEANUP(str_release) = STR_INIT, got CLEANUP(str_release) = STR_INIT;
	const json_t *in_tree = json_path(tree, path);
	struct span found;

	json_write(tree, &text);
	found = json_find(text.s, text.len, path);
	assert(!in_tree == !found.p);
	if (!in_tree)
		return;
	json_write(in_tree, &got);
	assert(got.len == found.len && !memcmp(got.s, found.p, got.len));
}

/* What is removed is not found. "" and "." are the whole, which stays. */
static void check_change(json_t *tree, const char *path)
{
	json_path_set(tree, path, json_string("set"));
	json_path_string(tree, path);
	json_path_int(tree, path, 0);
	json_path_del(tree, path);
	assert(!json_path(tree, path) || !path[*path == '.'] || strchr(path, '['));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *line = size ? memchr(text, '\n', size) : NULL;
	size_t len = line ? (size_t)(line - text) : size, n = 0;
	char *path free_ptr = xstrndup(text, len);
	struct span rest = {text + len + !!line, size - len - !!line};
	json_t *tree json_auto = json_read(rest.p, rest.len, NULL);

	json_find(rest.p, rest.len, path);
	json_each(json_find(rest.p, rest.len, path), count, &n);
	free(json_unquote(json_find(rest.p, rest.len, path)));
	if (tree) {
		check_same(tree, path);
		check_change(tree, path);
	}
	return 0;
}
