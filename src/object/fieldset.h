/*
 * Sets of fields, as metadata.managedFields keeps them (FieldsV1), for apply.c and typed.c.
 *
 * A set is a tree of JSON objects whose keys are path elements: "f:NAME" a field, "k:{...}" an
 * element of a list with map keys, "v:..." an element of a set. A node with the member "." is in
 * the set itself; one that is in it and has nothing below it is the leaf, an empty object that all
 * sets share: a set in memory is its own FieldsV1. No other node below a root is empty, or has "."
 * alone; the empty set is a root without members.
 *
 * Sets are values: once made nobody changes one, and two, or a set and an object's
 * managedFields, may share nodes.
 *
 * Threads: pure functions over trees; a set belongs to one thread.
 */
#ifndef OBJECT_FIELDSET_H
#define OBJECT_FIELDSET_H

#include "base/str.h"

#include <jansson.h>
#include <stdbool.h>

#define FIELDSET_SELF "."

/* SET may be NULL. */
bool fieldset_is_empty(const json_t *set);
/* Whether NODE (may be NULL) is in the set itself. */
bool fieldset_has_self(const json_t *node);

/*
 * For those who build a set from its leaves up: a node is NULL until something is in it. CHILD,
 * taken over, goes below it as ELEMENT (NULL: nothing does); the node itself.
 */
void fieldset_add(json_t **node, const char *element, json_t *child);
/* The same of the element "f:NAME". */
void fieldset_add_field(json_t **node, const char *name, json_t *child);
void fieldset_add_self(json_t **node);

json_t *fieldset_read(const json_t *fields_v1);
/* A new set whose members are the dotted PATHS; they end with NULL. */
json_t *fieldset_of_paths(const char *const *paths);
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
