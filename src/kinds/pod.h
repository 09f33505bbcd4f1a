/*
 * Parts of a pod's kind that have files of their own. Private to kinds/.
 */
#ifndef KINDS_POD_H
#define KINDS_POD_H

#include "kinds/field.h"
#include "kinds/kind.h"

/* pod_write.c: for struct kind. */
void pod_set_defaults(json_t *object);
void pod_prepare_write(json_t *object, const json_t *old, const struct write_facts *facts);
/* The class that what a spec asks for puts it in: "Burstable". */
const char *pod_qos_class(const json_t *spec);

/* Annotations of OLD that no update may change. */
void pod_check_annotation_changes(const struct field *o, const struct field *old);
/* The first of a list whose "name" is NAME, or NULL. */
const json_t *field_named(const struct field *list, const char *name);

/* pod_status.c */
void pod_check_status(const struct field *o, const struct field *old);

#endif
