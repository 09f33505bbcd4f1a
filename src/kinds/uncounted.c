/*
 * Types that have no rules of their own yet do not count generations.
 */
#include "kinds/builtin.h"

#define UNCOUNTED(g, k)                                      \
	{                                                    \
		.group = g, .kind = k, .no_generation = true \
	}
#define UNCOUNTED_RBAC(k)                                                                        \
	{                                                                                        \
		.group = "rbac.authorization.k8s.io", .kind = k, .name_rule = name_path_segment, \
		.no_generation = true                                                            \
	}

const struct kind kinds_uncounted[] = {
	UNCOUNTED("apiregistration.k8s.io", "APIService"),
	UNCOUNTED("certificates.k8s.io", "CertificateSigningRequest"),
	UNCOUNTED("coordination.k8s.io", "Lease"),
	UNCOUNTED("events.k8s.io", "Event"),
	UNCOUNTED("networking.k8s.io", "IPAddress"),
	UNCOUNTED("networking.k8s.io", "ServiceCIDR"),
	UNCOUNTED("node.k8s.io", "RuntimeClass"),
	UNCOUNTED_RBAC("ClusterRole"),
	UNCOUNTED_RBAC("ClusterRoleBinding"),
	UNCOUNTED_RBAC("Role"),
	UNCOUNTED_RBAC("RoleBinding"),
	UNCOUNTED("resource.k8s.io", "ResourceClaim"),
	UNCOUNTED("resource.k8s.io", "ResourceClaimTemplate"),
	UNCOUNTED("storage.k8s.io", "CSINode"),
	UNCOUNTED("storage.k8s.io", "CSIStorageCapacity"),
	UNCOUNTED("storage.k8s.io", "StorageClass"),
	UNCOUNTED("storage.k8s.io", "VolumeAttachment"),
	UNCOUNTED("storage.k8s.io", "VolumeAttributesClass"),
};
const size_t n_kinds_uncounted = ARRAY_SIZE(kinds_uncounted);
