/*
 * What admission_plugins[] lists: one plugin a file. And what several of them ask of objects.
 *
 * Threads: any; the plugins have no state of their own.
 */
#ifndef CLUSTER_LOCAL_ADMISSION_PLUGINS_H
#define CLUSTER_LOCAL_ADMISSION_PLUGINS_H

#include "cluster/local/admission.h"

extern const struct admission_plugin admission_namespace_lifecycle;
extern const struct admission_plugin admission_limit_ranger;
extern const struct admission_plugin admission_service_account;
extern const struct admission_plugin admission_node_taint;
extern const struct admission_plugin admission_pod_security;
extern const struct admission_plugin admission_priority;
extern const struct admission_plugin admission_default_toleration_seconds;
extern const struct admission_plugin admission_extended_resource_toleration;
extern const struct admission_plugin admission_default_storage_class;
extern const struct admission_plugin admission_storage_protection;
extern const struct admission_plugin admission_owner_references;
extern const struct admission_plugin admission_volume_claim_resize;
extern const struct admission_plugin admission_runtime_class;
extern const struct admission_plugin admission_certificate_approval;
extern const struct admission_plugin admission_certificate_signing;
extern const struct admission_plugin admission_certificate_subject_restriction;
extern const struct admission_plugin admission_default_ingress_class;
extern const struct admission_plugin admission_pod_resize;
extern const struct admission_plugin admission_pod_topology_labels;
extern const struct admission_plugin admission_mutating_policy;
extern const struct admission_plugin admission_validating_policy;
extern const struct admission_plugin admission_mutating_webhook;
extern const struct admission_plugin admission_validating_webhook;
extern const struct admission_plugin admission_resource_quota;

/*
 * Of the objects of a cluster-wide type the one that is marked as default by ANNOTATION "true": the
 * newest, of equally new ones the first by name. *out NULL: none is. Borrowed until
 * admission_release.
 */
int admission_default_class(struct admission *a, const char *group, const char *plural,
			    const char *annotation, const json_t **out, struct error **err);
/* The array at PATH of OBJECT, made when it is not there. Borrowed. */
json_t *admission_array(json_t *object, const char *path);

#endif
