/*
 * Sets of fields, as metadata.managedFields keeps them (FieldsV1), for apply.c alone.
 *
 * A set is a tree of JSON objects whose keys are path elements: "f:NAME" a field, "k:{...}" an
 * element of a list with map keys, "v:..." an element of a set. A node with the member "." is in
 * the set itself. FieldsV1 writes a leaf as {}; in memory it is {".":{}}, so that the operations
 * have one form to work on.
 *
 * Threads: pure functions over trees; a set belongs to one owner.
 */
#ifndef OBJECT_FIELDSET_H
#define OBJECT_FIELDSET_H

#include "base/str.h"
#include "object/schema.h"

#include <jansson.h>
#include <stdbool.h>

json_t *fieldset_read(const json_t *fields_v1);
json_t *fieldset_write(const json_t *set);
/* New sets. */
json_t *fieldset_union(const json_t *a, const json_t *b);
json_t *fieldset_difference(const json_t *a, const json_t *b);
json_t *fieldset_intersection(const json_t *a, const json_t *b);
/* Drops what nobody may own: apiVersion, kind, metadata.name and its like. */
void fieldset_strip(json_t *set);
/* Adds every leaf of VALUE below NODE; CONTAINERS: also maps and lists themselves. */
void fieldset_collect(json_t *node, const json_t *value, const struct schema_value *v,
		      bool containers);
/* What was added or changed from BEFORE to AFTER (either may be NULL), and what went. */
void fieldset_compare(const json_t *before, const json_t *after, const struct schema_value *v,
		      json_t *changed, json_t *removed);
/* Calls EACH with the path of every member: .spec.containers[name="c"].image. */
void fieldset_each(const json_t *set, void (*each)(void *arg, const char *path), void *arg);
/* Appends a path element as kube-apiserver prints it. */
void fieldset_element(const char *element, struct str *out);

/* Is VALUE a map whose fields, or a list whose elements, are owned one by one? */
bool fieldset_is_map(const json_t *value, const struct schema_value *v);
bool fieldset_is_list(const json_t *value, const struct schema_value *v);
/* A list's elements by their path element, in order; borrowed values in a new object. *DUPLICATE
 * (may be NULL) gets the first element that occurs twice, to be freed by the caller. */
json_t *fieldset_items(const json_t *list, const struct schema_value *v, char **duplicate);

#endif
