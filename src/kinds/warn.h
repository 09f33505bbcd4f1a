/*
 * What is right and yet to be warned of: what several kinds share. The texts are those of
 * kube-apiserver, word by word, since that is all that a warning is. Private to kinds/.
 */
#ifndef KINDS_WARN_H
#define KINDS_WARN_H

#include "kinds/field.h"

/* Of a pod (the object itself) or of a template (the place that has metadata and spec). */
void warn_pod(const struct field *holder, bool is_template);
/* A workload with a template at spec.template: of a new one its name, and its template whenever
 * what it wants has changed. */
void warn_workload(const struct field *o, const struct field *old);
/* A name that becomes part of host names and is no DNS label. */
void warn_name(const struct field *o, const char *why);
/* An IPv6 address, or a range of them, that others would write otherwise. */
void warn_ip(const struct field *f);
void warn_cidr(const struct field *f);
/* Volumes that write at one path, or one below the other: something is lost or fails. */
void warn_overlaps(const struct field *volumes);
/* The amount of storage that a claim asks for. */
void warn_claim_spec(const struct field *spec);
/* A label of nodes that has another name now; NULL: it is not old. */
const char *old_node_label(const char *key);
/* Of such labels in a label selector that picks nodes. */
void warn_node_label_selector(const struct field *f);
void warn_node_selector_term(const struct field *term, bool values);
/* Whether the generation of the object has grown. */
bool is_new_generation(const struct field *o, const struct field *old);

#endif
