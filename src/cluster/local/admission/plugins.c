/*
 * The plugins in the order in which kube-apiserver runs its own.
 */
#include "cluster/local/admission/plugins.h"

#include <stddef.h>

const struct admission_plugin *const admission_plugins[] = {
	&admission_namespace_lifecycle,
	&admission_limit_ranger,
	&admission_service_account,
	&admission_node_taint,
	&admission_pod_security,
	&admission_priority,
	&admission_default_toleration_seconds,
	&admission_extended_resource_toleration,
	&admission_default_storage_class,
	&admission_storage_protection,
	&admission_owner_references,
	&admission_volume_claim_resize,
	&admission_runtime_class,
	&admission_certificate_approval,
	&admission_certificate_signing,
	&admission_certificate_subject_restriction,
	&admission_default_ingress_class,
	&admission_pod_topology_labels,
	&admission_pod_resize,
	&admission_mutating_policy,
	&admission_mutating_webhook,
	&admission_validating_policy,
	&admission_validating_webhook,
	&admission_resource_quota,
	NULL,
};
