/*
 * Rules that several kinds share: addresses, ports, selectors, amounts of resources, pod templates.
 * Each looks at a place (field.h) and complains there. Private to kinds/.
 */
#ifndef KINDS_RULES_H
#define KINDS_RULES_H

#include "base/map.h"
#include "kinds/expression.h"
#include "kinds/field.h"
#include "kinds/kind.h"
#include "kinds/pod_resources.h"

/* meta.c */

/* The metadata of an object inside of another; it need not have a name. */
void rule_embedded_metadata(const struct field *meta);

/* rule_net.c: addresses and ports. */

enum ip_family { IP_NONE, IP_V4, IP_V6 };
/* The family of TEXT as an address ("10.0.0.1", "::1"), leading zeros let pass; IP_NONE: it is
 * none. */
enum ip_family ip_family_of(const char *text);
enum ip_family cidr_family_of(const char *text);
/* An address in whatever form, without leading zeros and not a mapped IPv4 address. */
void rule_ip_legacy(const struct field *f);
/* An address in its canonical form. */
void rule_ip(const struct field *f);
void rule_cidr_legacy(const struct field *f);
void rule_cidr(const struct field *f);
/* An address and the length of its network's prefix. */
void rule_interface_address(const struct field *f);
/* Whether all addresses of CIDR are in WIDER, and not all of WIDER's in CIDR. Both are valid. */
bool cidr_is_strictly_within(const char *cidr, const char *wider);
/* An address that others can reach: not unspecified, loopback or link local. */
void rule_endpoint_ip(const struct field *f);
/* 1 to 65535. */
void rule_port(const struct field *f);
/* The same, or a port's name. */
void rule_port_or_name(const struct field *f);
extern const char *const port_protocols[]; /* SCTP, TCP, UDP */

/* rule_selector.c: what picks pods and nodes. */

void rule_label_selector(const struct field *f);
bool label_selector_is_empty(const struct field *f);
void rule_node_selector(const struct field *f);
/* PREFERRED: of a term that only weighs, label values may be anything. */
void rule_node_selector_term(const struct field *f, bool preferred);
/* The values of matchLabelKeys and mismatchLabelKeys, members of F, beside F's labelSelector. */
void rule_match_label_keys(const struct field *f);
void rule_taint_effect(const struct field *f, bool required);
/* metav1.Condition[]. */
void rule_conditions(const struct field *f);

/* rule_resource.c: resource names and amounts. */

bool resource_is_native(const char *name);   /* cpu, kubernetes.io/x */
bool resource_is_hugepage(const char *name); /* hugepages-2Mi */
bool resource_may_overcommit(const char *name);
void rule_resource_name(const struct field *f, const char *name);
void rule_container_resource_name(const struct field *f, const char *name);
void rule_quota_resource_name(const struct field *f, const char *name);
/* A quantity of the resource NAME. */
void rule_resource_amount(const struct field *f, const char *name);
void rule_quantity_not_negative(const struct field *f);
void rule_quantity_positive(const struct field *f);
/* Not below zero when counted in whole numbers, as which it is told. */
void rule_quantity_valid(const struct field *f);
/* A container's resources; CLAIMS: spec.resourceClaims of its pod. POD_LEVEL: those of a pod. */
void rule_resource_requirements(const struct field *f, const struct field *claims, bool pod_level);

/* rule_amount.c: numbers that may be percentages. */

/* An integer of 0 and more, or "25%". False: neither. */
bool rule_count_or_percent(const struct field *f);
/* The same, at most 100%. */
void rule_not_more_than_100_percent(const struct field *f);
/* The number that stands there, of "25%" 25. */
json_int_t count_or_percent(const struct field *f);

/* rule_volume.c */

/* Checks a pod's volumes. OWNER: the metadata of the pod, NULL in a template. GOOD gets those that
 * are right: name to tree, borrowed. */
void rule_volumes(const struct field *f, const struct field *owner, struct map *good);
/* Checks what a persistent volume is made of. */
void rule_pv_source(const struct field *spec, const char *name);
/* The spec of a persistent volume that no object has: of an attachment. */
void rule_inline_volume(const struct field *spec);
void rule_relative_path(const struct field *f);
void rule_no_backsteps(const struct field *f);
void rule_claim_spec(const struct field *spec, bool relaxed_group);
void rule_claim_template(const struct field *f);
/* Metadata of what is made of a template: labels and annotations and nothing else. */
void rule_template_metadata(const struct field *meta);
void rule_access_modes(const struct field *f);
void rule_csi_driver_name(const struct field *f);

/* rule_env.c */

void rule_env(const struct field *f);
void rule_env_from(const struct field *f);
/* fieldRef and resourceFieldRef, members of F. IN_VOLUME: of a file in a volume. */
void rule_downward_refs(const struct field *f, bool in_volume);

/* rule_security.c */

void rule_pod_security(const struct field *spec);
/* HOST_USERS: the pod has the users of its node. */
void rule_container_security(const struct field *f, bool host_users);
/* What contradicts spec.os. */
void rule_pod_os(const struct field *spec);

/* rule_probe.c */

void rule_probes(const struct field *container);
void rule_lifecycle(const struct field *f, const struct field *spec);

/* rule_container.c */

extern const char *const pull_policies[];
/* All containers of a pod's spec. VOLUMES: from rule_volumes. */
void rule_containers(const struct field *spec, struct map *volumes);
/* What a template leaves open: an image without white space around it. */
void rule_container_image(const struct field *container);
/* Whether one of the containers (initContainers too) is called NAME. */
bool pod_has_container(const struct field *spec, const char *name);
bool container_restarts_always(const json_t *container);

/* rule_scheduling.c: where a pod may go. */

void rule_affinity(const struct field *f);
void rule_tolerations(const struct field *f);
void rule_topology_spread(const struct field *f);
void rule_scheduling_gates(const struct field *f);

/* rule_pod.c */

/* The spec of a pod (OWNER: its metadata) or of a template (NULL). */
void rule_pod_spec(const struct field *spec, const struct field *owner);
/* Labels, annotations and spec of a template. */
void rule_pod_template(const struct field *template);
/* A pod that stands for one that its node was given by other means has this annotation. */
#define MIRROR_ANNOTATION "kubernetes.io/config.mirror"
/* How annotations of old begin that name a container's profiles, and that of a pod's. */
#define APP_ARMOR_PREFIX "container.apparmor.security.beta.kubernetes.io/"
#define SECCOMP_PREFIX "container.seccomp.security.alpha.kubernetes.io/"
#define SECCOMP_OF_POD "seccomp.security.alpha.kubernetes.io/pod"
/* Whether any annotation of old says how the pod or its containers are confined. */
bool pod_has_profile_annotations(const struct field *annotations);
/* What a pod's annotations say of it. */
void rule_pod_annotations(const struct field *annotations, const struct field *spec);
/* That annotations and fields name the same seccomp and AppArmor profiles. */
void rule_profile_annotations(const struct field *annotations, const struct field *spec);

/* rule_workload.c: what kinds that make pods of a template share. */

/* SPEC's selector, and that it picks the template's labels. False: the template is not to be
 * looked at. WORD: "deployment". */
bool rule_workload_selector(const struct field *spec, const char *word);
/* A template whose pods run until somebody ends them. KIND: "ReplicaSet". */
void rule_lasting_template(const struct field *template, const char *kind);
/* Whether the label selector picks LABELS; one that is not there picks nothing. */
bool selector_picks(const struct field *selector, const struct field *labels);
/* Members (NULL-terminated) that are counts. */
void rule_counts(const struct field *f, const char *const *members);
/* F's member NAME is at most its member LIMIT; WHY: what is said otherwise. */
void rule_at_most(const struct field *f, const char *name, const char *limit, const char *why);
/* status.collisionCount only grows. */
void rule_collision_count(const struct field *status, const struct field *old);
/* A status that counts replicas: what its members are and which of them (NULL-terminated) are at
 * most all. */
struct replicas_status {
	const char *const *counts, *const *parts;
	const char *above_ready; /* said of more available than ready */
	bool collisions;
};
void rule_replicas_status(const struct field *status, const struct field *old,
			  const struct replicas_status *rule);

/* rule_admission.c: what webhook configurations and admission policies share. */

extern const char *const failure_policies[];
/* operations, apiGroups, apiVersions, resources and scope, members of F. */
void rule_admission_rule(const struct field *f);
void rule_match_resources(const struct field *f, bool mutating_policy);
/* PARAMS: they may speak of params. */
void rule_match_conditions(const struct field *f, bool params);
/* Whether the two objects have the same in their member NAME, or nothing. */
bool rule_same_member(const json_t *x, const json_t *y, const char *name);
/* TEXT, of F, is an expression of SCOPE. */
void rule_expression(const struct field *f, const struct expression_scope *scope,
		     enum expression_use use, const char *text);
/* F's failurePolicy and matchPolicy. */
void rule_policy_of_match(const struct field *f);
/* Where a webhook is: a URL or a service. */
void rule_webhook_client(const struct field *f);
bool text_is_blank(const char *s);
/* A copy without the blanks around it. */
char *text_trimmed(const char *s);

/* rule_device.c: what types of dynamic resource allocation share. */

/* At most MAX elements; false and a complaint: more. */
bool rule_count_limit(const struct field *list, size_t max);
/* NAME of an attribute or capacity, complained about at F. WHOLE: with its domain. */
void rule_device_attribute_name(const struct field *f, const char *name, bool whole);
void rule_device_pool(const struct field *f);
void rule_device_selectors(const struct field *list);
void rule_device_taint(const struct field *f);
void rule_device_tolerations(const struct field *list);
/* JSON of a driver's own, which must be an object. */
void rule_raw_object(const struct field *f);
/* opaque, a member of F: JSON for a driver. */
void rule_device_config(const struct field *f);
/* bindingConditions and bindingFailureConditions, members of F. */
void rule_device_bindings(const struct field *f);

/* rule_names.c: names with a form of their own. */

void rule_kind_name(const struct field *f);
void rule_signer_name(const struct field *f);
/* At least three labels: "hook.example.com". */
void rule_fully_qualified_name(const struct field *f);
void rule_domain_prefixed_path(const struct field *f);
/* At least two labels, and perhaps a dot at the end. */
void rule_domain_name(const struct field *f);
/* If something is there: a UUID in lower case. */
void rule_uid(const struct field *f);
/* A reference: apiGroup, kind and name. */
void rule_named_object(const struct field *f);

#endif
