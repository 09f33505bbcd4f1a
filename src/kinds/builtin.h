/*
 * The kinds that have particulars, one file each; kind.c lists them. What few of them share.
 * Private to kinds/.
 */
#ifndef KINDS_BUILTIN_H
#define KINDS_BUILTIN_H

#include "kinds/kind.h"

extern const struct kind kind_componentstatus, kind_configmap, kind_endpoints, kind_event,
	kind_event_new, kind_limitrange, kind_namespace, kind_node, kind_pv, kind_pvc, kind_pod,
	kind_podtemplate, kind_rc, kind_resourcequota, kind_secret, kind_service,
	kind_serviceaccount, kind_mutatingadmissionpolicy, kind_mutatingadmissionpolicybinding,
	kind_mutatingwebhookconfiguration, kind_validatingadmissionpolicy,
	kind_validatingadmissionpolicybinding, kind_validatingwebhookconfiguration, kind_crd,
	kind_apiservice, kind_controllerrevision, kind_daemonset, kind_deployment, kind_replicaset,
	kind_statefulset, kind_hpa, kind_cronjob, kind_job, kind_csr, kind_lease,
	kind_endpointslice, kind_flowschema, kind_prioritylevel, kind_ingress, kind_ingressclass,
	kind_ipaddress, kind_networkpolicy, kind_servicecidr, kind_runtimeclass, kind_pdb,
	kind_clusterrole, kind_clusterrolebinding, kind_role, kind_rolebinding, kind_priorityclass,
	kind_csidriver, kind_csinode, kind_csistoragecapacity, kind_storageclass,
	kind_volumeattachment, kind_volumeattributesclass, kind_localsubjectaccessreview,
	kind_selfsubjectaccessreview, kind_subjectaccessreview, kind_resourceclaim,
	kind_resourceclaimtemplate, kind_deviceclass, kind_resourceslice;

/* A job's spec, without its selector: of a Job, and of a CronJob's template. */
void job_spec_validate(const struct field *spec);
void job_warn(const struct field *spec);
/* Defaults of a job's spec that a template of jobs has too. */
void job_fill_conditions(json_t *spec);
/* Keys of a ConfigMap or Secret; returns how many bytes the values are. */
size_t config_keys_validate(const struct field *data, bool base64);
/* Nothing changes once `immutable` is set; MEMBERS (NULL-terminated) are those that hold data. */
void config_immutable_validate(const struct field *o, const struct field *old,
			       const char *const *members);
/* status.loadBalancer.ingress of a Service (IP_MODES) or Ingress. */
void load_balancer_status_validate(const struct field *ingress, bool ip_modes);

#endif
