/*
 * Sets of fields, as metadata.managedFields keeps them (FieldsV1), for apply.c and typed.c.
 *
 * A set is a tree of JSON objects whose keys are path elements: "f:NAME" a field, "k:{...}" an
 * element of a list with map keys, "v:..." an element of a set. A node with the member "." is in
 * the set itself. FieldsV1 writes a leaf as {}; in memory it is {".":true}, so that the operations
 * have one form to work on.
 *
 * Sets are values: once made nobody changes one, and two may share nodes.
 *
 * Threads: pure functions over trees; a set belongs to one thread.
 */
#ifndef OBJECT_FIELDSET_H
#define OBJECT_FIELDSET_H

#include "base/str.h"

#include <jansson.h>
#include <stdbool.h>

#define FIELDSET_SELF "."

/* The set of which it is itself the only member: a new reference to one that all sets share. */
json_t *fieldset_leaf(void);
bool fieldset_is_leaf(const json_t *set);

json_t *fieldset_read(const json_t *fields_v1);
json_t *fieldset_write(const json_t *set);
/* New sets. */
json_t *fieldset_union(const json_t *a, const json_t *b);
json_t *fieldset_difference(const json_t *a, const json_t *b);
json_t *fieldset_intersection(const json_t *a, const json_t *b);
/* A new set of SET's members that are no members of BELOW, nor lie under one. */
json_t *fieldset_without(const json_t *set, const json_t *below);
/* A new set without what nobody may own: apiVersion, kind, metadata.name and its like. */
json_t *fieldset_strip(const json_t *set);
/* Calls EACH with the path of every member: .spec.containers[name="c"].image. */
void fieldset_each(const json_t *set, void (*each)(void *arg, const char *path), void *arg);
/* Appends a path element as kube-apiserver prints it. */
void fieldset_element(const char *element, struct str *out);

#endif
