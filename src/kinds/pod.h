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

/* Puts back what of the metadata only a write of the pod itself changes. */
void pod_keep_metadata(json_t *object, const json_t *old);

bool pod_has_annotation(const struct field *o, const char *key);
/* What holds of a pod at any time. */
void pod_check_whole(const struct field *o);
/* Annotations of OLD that no update may change. */
void pod_check_annotation_changes(const struct field *o, const struct field *old);
/* The first of a list whose "name" is NAME, or NULL. */
const json_t *field_named(const struct field *list, const char *name);

/* pod_resize.c: puts back what a resize does not change, and what it may. */
void pod_prepare_resize(json_t *object, const json_t *old);
void pod_check_resize(const struct field *o, const struct field *old);

/* pod_status.c */
void pod_check_status(const struct field *o, const struct field *old);

#endif
