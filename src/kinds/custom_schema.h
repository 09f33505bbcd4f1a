/*
 * The parts of validating the schema of a definition (custom_schema.c), each a rule of its own.
 * Private to kinds/.
 *
 * Threads: pure functions.
 */
#ifndef KINDS_CUSTOM_SCHEMA_H
#define KINDS_CUSTOM_SCHEMA_H

#include "kinds/field.h"

#include <jansson.h>

/* What is nested deeper is refused. */
#define SCHEMA_DEPTH_MAX 100

/* That the schema is structural. */
void custom_structural_validate(const struct field *schema);
/* That each default is a value of its own schema; the schema is structural. */
void custom_defaults_validate(const struct field *schema);
/* The schema at PATH (".spec.size", ".spec['size']", the brackets only with BRACKETS) below SCHEMA,
 * borrowed; NULL and *WHY (a new text): nothing is there. */
const json_t *custom_path_find(const json_t *schema, const char *path, bool brackets, char **why);

#endif
