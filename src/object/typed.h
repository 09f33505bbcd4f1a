/*
 * Values seen through their schema, as server-side apply sees them: what of a value is owned one by
 * one, how two of them differ, how they merge. For apply.c alone.
 *
 * A map is owned field by field unless its schema says atomic; a list element by element where its
 * schema tells elements apart (list type map or set). Everything else is a leaf. A value without a
 * schema (V NULL, or SCHEMA_ANY) goes by its form: maps field by field, lists as leaves.
 *
 * Source: sigs.k8s.io/structured-merge-diff, package typed, for what is a member of which set.
 *
 * Threads: pure functions over trees and sets (fieldset.h).
 */
#ifndef OBJECT_TYPED_H
#define OBJECT_TYPED_H

#include "base/error.h"
#include "object/schema.h"

#include <jansson.h>

/* The set of a configuration: its leaves, the elements of its lists and the entries of its maps. */
json_t *typed_set(const json_t *value, const struct schema_value *v);
/* What was added or changed from BEFORE to AFTER (either may be NULL), and what went: new sets. */
void typed_compare(const json_t *before, const json_t *after, const struct schema_value *v,
		   json_t **changed, json_t **removed);
/* CONFIG over LIVE; a new value that shares what it did not have to build. NULL: nothing is left.
 */
json_t *typed_merge(const json_t *live, const json_t *config, const struct schema_value *v);
/* Takes the members of SET out of VALUE, in place; a map or list emptied by that stays. */
void typed_remove(json_t *value, const json_t *set, const struct schema_value *v);
/* SET and the named fields on the way to its members; a new set. */
json_t *typed_members(const json_t *set, const struct schema_value *v);
/* 0 when CONFIG fits its schema and names no list element twice; else E_MISFIT that says where. */
int typed_check(const json_t *config, const struct schema_value *v, struct error **err);

#endif
