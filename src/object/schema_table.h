/*
 * What tools/schema-compile makes from schema/, for schema.c alone: everyone else asks schema.h.
 * Sorted by strcmp of the name. Read only.
 */
#ifndef OBJECT_SCHEMA_TABLE_H
#define OBJECT_SCHEMA_TABLE_H

#include "object/schema.h"

extern const struct schema_type *const schema_table_types;
extern const size_t schema_table_n_types;

#endif
