/*
 * What the files of single kinds share, and the rows that kinds[] lists. Private to kinds/.
 */
#ifndef KINDS_CELLS_H
#define KINDS_CELLS_H

#include "kinds/kind.h"

#include <jansson.h>
#include <stdint.h>

/* What a pod template under PARENT (the object that has "template") always has, and defaults that
 * depend on more than one field. */
void template_set_defaults(json_t *parent);
void pod_spec_set_defaults(json_t *spec);
/* A selector and the labels it must pick, for workloads of apps/v1. WORD: "deployment". */
void selector_validate(const json_t *object, const char *word, struct field_errors *errors);
void pod_spec_validate(const json_t *spec, const char *path, struct field_errors *errors);
/* An integer at PATH that may not be negative. */
void validate_not_negative(const json_t *object, const char *path, struct field_errors *errors);

extern const struct kind kind_configmap, kind_cronjob, kind_daemonset, kind_deployment, kind_event,
	kind_hpa, kind_job, kind_limitrange, kind_namespace, kind_networkpolicy, kind_node,
	kind_pod, kind_pv, kind_pvc, kind_replicaset, kind_rc, kind_secret, kind_service,
	kind_statefulset, kind_crd, kind_pdb;
/* Types whose only particular is that they do not count generations. */
extern const struct kind kinds_uncounted[];
extern const size_t n_kinds_uncounted;

#endif
