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

/*
 * Every keyword of SCHEMA (a JSON object) that a structural schema may have. OLD: what stood there
 * before, NULL for nothing; what is as it was is let be.
 */
void custom_value_validate(const struct field *value, const json_t *schema, const json_t *old);
/* The element of the list OLD with the same keys as ITEM; NULL: none, or SCHEMA's lists have none.
 */
const json_t *custom_old_element(const json_t *old, const json_t *schema, const json_t *item);
/* SCHEMA, at its place in a definition: structural, and made of what is allowed. STATUS_APART: the
 * definition has the subresource. */
void custom_schema_validate(const struct field *schema, bool status_apart);
/* Warnings: finalizers that OBJECT has and OLD (NULL: nothing) had not, and that nobody owns. */
void custom_warn(const struct field *object, const struct field *old);
/* What stands inside of OBJECT and is more than its fields are: objects of their own
 * (x-kubernetes-embedded-resource), and lists that hold nothing twice, unless they did in OLD. */
void custom_embedded_validate(const struct field *object, const json_t *schema);
void custom_lists_validate(const struct field *object, const json_t *schema, const json_t *old);
/* What R's scale shows of OBJECT are numbers, and a text. STATUS: what its status shows alone. */
void custom_scale_validate(const struct field *object, const struct resource *r, bool status);
/* Whether TEXT has the form that FORMAT ("date-time") names; of an unknown format it has. */
bool custom_format_known(const char *format);
bool custom_format_matches(const char *format, const char *text);

#endif
