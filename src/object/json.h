/*
 * JSON: reading with bounds, canonical writing, and looking into bytes without a tree.
 *
 * Bounds on what is read: JSON_MAX_BYTES, JSON_MAX_DEPTH, JSON_MAX_NODES; past them E_TOO_LARGE.
 * Threads: any; jansson's hash seed is set before the first thread (object_init).
 */
#ifndef OBJECT_JSON_H
#define OBJECT_JSON_H

#include "base/error.h"
#include "base/str.h"
#include "object/object.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#define JSON_MAX_BYTES (64u << 20)
#define JSON_MAX_DEPTH 512
#define JSON_MAX_NODES 4000000u

/* Once, before the first thread of a program. */
void object_init(void);

static inline void json_decref_cleanup(json_t **p)
{
	json_decref(*p);
}
#define json_auto CLEANUP(json_decref_cleanup)

/*
 * The order of kubectl's YAML keys: go-yaml's natural order, where letters come before digits'
 * values and numbers compare as numbers. <0, 0, >0.
 */
int json_key_compare(const char *a, size_t a_len, const char *b, size_t b_len);

/*
 * A tree, or NULL and *err (E_BAD_REQUEST "line L, column C: ...", E_TOO_LARGE). Reads as Go does:
 * the last of duplicate keys counts, an integer beyond int64 is a float, half of a surrogate pair
 * is U+FFFD. Refused are text that is no UTF-8 and keys that hold NUL. A string may hold NUL
 * (json_string_length).
 */
json_t *json_read(const char *text, size_t len, struct error **err);
/* The same; the path of each key that is there twice ("data.a") is appended to the array
 * DUPLICATES, JSON_MAX_DUPLICATES at most. */
#define JSON_MAX_DUPLICATES 100
json_t *json_read_noting(const char *text, size_t len, json_t *duplicates, struct error **err);
/* Canonical bytes of a tree, appended. Floats as Go's encoding/json writes a float64. */
void json_write(const json_t *tree, struct str *out);
/* As json_dumps(), with its FLAGS, in memory of malloc(): the caller frees it. */
char *json_to_text(const json_t *tree, size_t flags);
/* S as a JSON string literal, quotes included, appended. */
void json_write_string(const char *s, size_t len, struct str *out);

/* A number from text that has the form of one (INTEGER: of an integer); NULL: out of range. */
json_t *json_number(const char *text, size_t len, bool integer);
/*
 * The fewest decimal digits that read back as VALUE's size: d.ddd times ten to EXPONENT. Returns
 * how many.
 */
#define JSON_REAL_DIGITS 17
size_t json_shortest_digits(double value, char digits[JSON_REAL_DIGITS + 1], int *exponent);

/*
 * Looking into canonical or any valid JSON bytes. PATH is dotted: "metadata.labels"; a key that
 * holds dots stands in brackets: "metadata.labels[app.kubernetes.io/name]"; list elements by
 * number: "spec.containers[0].image". Of bytes that are no JSON some part comes back, or nothing;
 * nothing outside of them is ever read.
 */
struct span json_find(const char *json, size_t len, const char *path);
/* Calls EACH for every member of an object (KEY unescaped, valid during the call) or element of
 * an array (KEY NULL) until it returns false. Returns false when it did, or when JSON is neither.
 */
typedef bool json_each_fn(void *arg, struct span key, struct span value);
bool json_each(struct span json, json_each_fn *each, void *arg);
/*
 * Up to the member UNTIL, whose value is not looked for the end of: it begins at *REST, which ends
 * with JSON. False where there is no such member.
 */
bool json_each_until(struct span json, const char *until, json_each_fn *each, void *arg,
		     struct span *rest);
/* Past the value at P (white space before it included), or NULL when it has no end before END. */
const char *json_skip(const char *p, const char *end);
/* The text of a JSON string literal, unescaped; NULL when SPAN is no string. The caller frees. */
char *json_unquote(struct span literal);
/* Whether LITERAL is a JSON string whose text, unescaped, is TEXT. */
bool json_literal_equal(struct span literal, const char *text, size_t len);
/*
 * Takes the escape at *P (a backslash) off and writes the bytes it stands for. Returns how many,
 * 0 when it is malformed.
 */
size_t json_unescape(const char **p, const char *end, char out[4]);
/* Whether the bytes of A, as they are, equal TEXT. */
bool json_span_equal(struct span a, const char *text);

/* The same paths in a tree. Borrowed; NULL, "", fallback when not there or of another type. Inline,
 * so that of a PATH that stands in the source and is one name nothing is left to parse. */
json_t *json_path_walk(const json_t *tree, const char *path);
static inline json_t *json_path(const json_t *tree, const char *path)
{
	size_t n = strcspn(path, ".[");

	return n && !path[n] ? json_object_getn(tree, path, n) : json_path_walk(tree, path);
}
static inline const char *json_path_string(const json_t *tree, const char *path)
{
	const char *text = json_string_value(json_path(tree, path));

	return text ? text : "";
}
/* Of one member, whose name may hold dots. */
const char *json_word(const json_t *object, const char *name);
/* What kube-apiserver calls the type of VALUE in complaints: "map[string]interface {}". */
const char *json_go_type(const json_t *value);
static inline json_int_t json_path_int(const json_t *tree, const char *path, json_int_t fallback)
{
	const json_t *value = json_path(tree, path);

	return json_is_integer(value) ? json_integer_value(value) : fallback;
}
static inline bool json_path_bool(const json_t *tree, const char *path, bool fallback)
{
	const json_t *value = json_path(tree, path);

	return json_is_boolean(value) ? json_is_true(value) : fallback;
}
/* Sets PATH, making the maps on the way; takes VALUE over. Lists are not made; an element that is
 * not there is not set. */
void json_path_set(json_t *tree, const char *path, json_t *value);
/* Removes PATH; what stands above it stays. */
void json_path_del(json_t *tree, const char *path);

#endif
