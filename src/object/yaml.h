/*
 * YAML out, as kubectl prints it; YAML in, as kubectl reads it.
 *
 * Writing goes from canonical JSON bytes (object.h) to text in one pass, byte for byte what
 * `kubectl get -o yaml` prints: sigs.k8s.io/yaml over go-yaml v2 (indentation 2, sequences not
 * indented below their key, folding at 80 columns, its quoting rules). The oracle for the bytes is
 * tests/vectors/; for the meaning, parse(write(x)) = x.
 *
 * Reading uses libyaml: several documents, anchors and merge keys, YAML 1.1 scalars. Bounds:
 * YAML_MAX_BYTES of text, YAML_MAX_DEPTH, and YAML_MAX_NODES nodes after aliases are expanded.
 */
#ifndef OBJECT_YAML_H
#define OBJECT_YAML_H

#include "base/error.h"
#include "base/str.h"
#include "object/object.h"

#include <jansson.h>

#define YAML_MAX_BYTES (16u << 20)
#define YAML_MAX_DEPTH 100
#define YAML_MAX_NODES 2000000u

enum yaml_flags {
	YAML_OMIT_MANAGED_FIELDS = 1, /* leave out metadata.managedFields, as kubectl does */
};

/* Appends the YAML of canonical JSON bytes. Of bytes that are none, as much as they make sense.
 * Where kubectl loses or refuses a character (U+0085, controls), it stands as an escape. */
void yaml_write(const char *json, size_t len, unsigned flags, struct str *out);
/* How many bytes yaml_write would append, without writing them. */
size_t yaml_size(const char *json, size_t len, unsigned flags);

/* One document of a stream. */
struct yaml_document {
	json_t *tree;	   /* NULL for an empty document (nothing but comments) */
	size_t line;	   /* of its first line in the stream, from 1 */
	size_t begin, end; /* its bytes in the text */
};
struct yaml_stream {
	struct yaml_document *v;
	size_t n, cap;
};
/*
 * All documents of TEXT. E_BAD_REQUEST ("line 3, column 7: ...") or E_TOO_LARGE; duplicate keys are
 * refused. The caller releases; after an error there is nothing to release. JSON is read too: it is
 * YAML.
 */
int yaml_read(const char *text, size_t len, struct yaml_stream *out, struct error **err);
void yaml_stream_release(struct yaml_stream *s);
/* The only document of TEXT; more than one, or none, is E_BAD_REQUEST. */
json_t *yaml_read_one(const char *text, size_t len, struct error **err);
/* The same as a server reads: of several documents the first counts, of duplicate keys the last,
 * and a note of each ("line 4: key "a" already set in map") is appended to the array DUPLICATES. */
json_t *yaml_read_noting(const char *text, size_t len, json_t *duplicates, struct error **err);

#endif
