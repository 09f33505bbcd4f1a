/*
 * Custom resources: values against the openAPIV3Schema of their definition, and that schema itself.
 *
 * Source: apiextensions-apiserver (structural schemas) and kube-openapi's validation as observed
 * from outside: same fields, reasons and values. Private to kinds/.
 *
 * Threads: pure functions; a schema is only read.
 */
#ifndef KINDS_CUSTOM_H
#define KINDS_CUSTOM_H

#include "kinds/field.h"

#include <jansson.h>

/* Every keyword of SCHEMA (a JSON object) that a structural schema may have. */
void custom_value_validate(const struct field *value, const json_t *schema);
/* SCHEMA, at its place in a definition: structural, and made of what is allowed. */
void custom_schema_validate(const struct field *schema);
/* An object's apiVersion and kind inside of another (x-kubernetes-embedded-resource). */
void custom_embedded_validate(const struct field *value);
/* Whether TEXT has the form that FORMAT ("date-time") names; of an unknown format it has. */
bool custom_format_matches(const char *format, const char *text);

#endif
