/*
 * JSON: reading with bounds, canonical writing, and looking into bytes without a tree.
 *
 * Bounds on what is read: JSON_MAX_BYTES, JSON_MAX_DEPTH; past them E_TOO_LARGE or E_BAD_REQUEST.
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

#define JSON_MAX_BYTES (64u << 20)
#define JSON_MAX_DEPTH 512

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

/* A tree, or NULL and *err (E_BAD_REQUEST with line and column, E_TOO_LARGE). */
json_t *json_read(const char *text, size_t len, struct error **err);
/* Canonical bytes of a tree, appended. */
void json_write(const json_t *tree, struct str *out);
/* S as a JSON string literal, quotes included, appended. */
void json_write_string(const char *s, size_t len, struct str *out);

/*
 * Looking into canonical or any valid JSON bytes. PATH is dotted: "metadata.labels"; a key that
 * holds dots stands in brackets: "metadata.labels[app.kubernetes.io/name]"; list elements by
 * number: "spec.containers[0].image".
 */
struct span json_find(const char *json, size_t len, const char *path);
/* Calls EACH for every member of an object (KEY unescaped) or element of an array (KEY NULL)
 * until it returns false. Returns false when it did, or when JSON is neither. */
bool json_each(struct span json, bool (*each)(void *arg, struct span key, struct span value),
	       void *arg);
/* The text of a JSON string literal, unescaped; NULL when SPAN is no string. The caller frees. */
char *json_unquote(struct span literal);
bool json_span_equal(struct span a, const char *text);

/* The same paths in a tree. Borrowed; NULL, "", fallback when not there or of another type. */
json_t *json_path(const json_t *tree, const char *path);
const char *json_path_string(const json_t *tree, const char *path);
json_int_t json_path_int(const json_t *tree, const char *path, json_int_t fallback);
bool json_path_bool(const json_t *tree, const char *path, bool fallback);
/* Sets PATH, making the maps on the way; takes VALUE over. Lists are not made. */
void json_path_set(json_t *tree, const char *path, json_t *value);
/* Removes PATH; what stands above it stays. */
void json_path_del(json_t *tree, const char *path);

#endif
