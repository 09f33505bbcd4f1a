/*
 * Cells of tables, and what the files of single kinds share. Everything returned is a new value.
 */
#ifndef KINDS_CELLS_H
#define KINDS_CELLS_H

#include "kinds/kind.h"

#include <jansson.h>
#include <stdint.h>

/* How long ago the time at PATH was: "5m"; "<unknown>" without one. */
json_t *cell_age(const json_t *object, const char *path, int64_t now);
json_t *cell_text(const json_t *object, const char *path, const char *otherwise);
json_t *cell_int(const json_t *object, const char *path);

/* Columns that many kinds have. */
#define COLUMN_NAME                                                     \
	{                                                               \
		"Name", "string", "name", "Name of the object", 0, NULL \
	}
#define COLUMN_AGE                                                  \
	{                                                           \
		"Age", "string", "", "Time since creation", 0, NULL \
	}
#define COLUMN(name, type)                    \
	{                                     \
		name, type, "", name, 0, NULL \
	}
#define COLUMN_WIDE(name)                         \
	{                                         \
		name, "string", "", name, 1, NULL \
	}
#define COLUMNS(array) .columns = (array), .n_columns = sizeof(array) / sizeof((array)[0])

/* The three wide cells of a workload: containers, images, selector. */
void cells_of_template(const json_t *object, json_t *cells);

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
