/*
 * A Kubernetes object: refcounted, immutable, kept as compact canonical JSON bytes.
 *
 * Canonical means: no white space, and the keys of every map in the order in which kubectl
 * prints them as YAML (json.h: json_key_compare), so that YAML is written from these bytes in
 * one pass. An object is parsed once, when it arrives; the few facts that everything asks for
 * stand beside the bytes. A tree (json_t) exists only where something edits the object.
 *
 *	struct object *o CLEANUP(object_unref_cleanup) = object_parse(text, len, &err);
 *	printf("%s/%s at %s\n", o->namespace, o->name, o->resource_version);
 *
 * Threads: an object may be shared by any number of threads; the count is atomic.
 */
#ifndef OBJECT_OBJECT_H
#define OBJECT_OBJECT_H

#include "base/error.h"
#include "base/mem.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A part of somebody's bytes. NULL: not there. */
struct span {
	const char *p;
	size_t len;
};

struct object {
	/* All borrowed from the object; "" where the object has none. NUL-terminated. */
	const char *api_version, *kind, *name, *namespace, *uid, *resource_version;
	const char *creation_timestamp, *deletion_timestamp;
	int64_t generation;
	uint64_t revision; /* resource_version as a number, 0 when it is none */
	/* Canonical JSON, LEN bytes and a NUL. */
	const char *json;
	size_t len;
	/* Raw JSON of the parts that selectors, garbage collection and the tree ask for. */
	struct span labels, annotations, owner_references, managed_fields;
	/* Private. */
	_Atomic unsigned refs;
	_Atomic uint32_t yaml_size;
};

/*
 * Parses any JSON (bounded: json.h) into canonical form. NULL and *err on failure; a NUL character
 * in one of the strings above is one.
 */
struct object *object_parse(const char *json, size_t len, struct error **err);
/* From bytes that are canonical already, as the store keeps them: copied, not re-ordered. */
struct object *object_from_canonical(const char *json, size_t len, struct error **err);
/*
 * An object that is complete but for its revision: JSON, that json_write has written and is not
 * checked, has the resourceVersion "0". *AT: where in it that digit stands.
 */
struct object *object_draft(const char *json, size_t len, size_t *at);
/* DRAFT, which stays, as REVISION: a new object. */
struct object *object_at_revision(const struct object *draft, size_t at, uint64_t revision);
/* From a tree, which stays the caller's. Never NULL: a tree is valid by construction. */
struct object *object_from_tree(const json_t *tree);
/* A new tree that the caller may change. Empty when bytes given as canonical were no JSON. */
json_t *object_tree(const struct object *o);
struct object *object_ref(struct object *o);
void object_unref(struct object *o);
DEFINE_CLEANUP(struct object *, object_unref)

/* Both are one version of one object. */
bool object_same_version(const struct object *a, const struct object *b);
/* The value at PATH (json.h: json_find) as raw JSON. */
struct span object_find(const struct object *o, const char *path);
/* The string at PATH, unescaped, or NULL. The caller frees. */
char *object_string(const struct object *o, const char *path);
/* The integer at PATH, or FALLBACK. */
int64_t object_int(const struct object *o, const char *path, int64_t fallback);
/* The value of label KEY, or NULL. The caller frees. */
char *object_label(const struct object *o, const char *key);
/* The owner reference with controller: true, as strings the caller frees; false: none. */
struct owner {
	char *api_version, *kind, *name, *uid;
};
bool object_controller(const struct object *o, struct owner *out);
void owner_release(struct owner *o);

/* Bytes of the object as kubectl get -o yaml prints it (yaml.h), computed once. */
size_t object_yaml_size(struct object *o);

#endif
