#include "kinds/kind.h"

#include "kinds/builtin.h"
#include "kinds/custom.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

static const struct kind generic;
static const struct kind custom = {.warn = custom_warn, .metadata = METADATA_PLAIN};

/* The types that have particulars, in the order of their groups. */
static const struct kind *const kinds[] = {
	&kind_componentstatus,
	&kind_configmap,
	&kind_endpoints,
	&kind_event,
	&kind_event_new,
	&kind_limitrange,
	&kind_namespace,
	&kind_node,
	&kind_pv,
	&kind_pvc,
	&kind_pod,
	&kind_podtemplate,
	&kind_rc,
	&kind_resourcequota,
	&kind_secret,
	&kind_service,
	&kind_serviceaccount,
	&kind_mutatingadmissionpolicy,
	&kind_mutatingadmissionpolicybinding,
	&kind_mutatingwebhookconfiguration,
	&kind_validatingadmissionpolicy,
	&kind_validatingadmissionpolicybinding,
	&kind_validatingwebhookconfiguration,
	&kind_crd,
	&kind_apiservice,
	&kind_controllerrevision,
	&kind_daemonset,
	&kind_deployment,
	&kind_replicaset,
	&kind_statefulset,
	&kind_hpa,
	&kind_cronjob,
	&kind_job,
	&kind_localsubjectaccessreview,
	&kind_selfsubjectaccessreview,
	&kind_subjectaccessreview,
	&kind_csr,
	&kind_lease,
	&kind_endpointslice,
	&kind_flowschema,
	&kind_prioritylevel,
	&kind_ingress,
	&kind_ingressclass,
	&kind_ipaddress,
	&kind_networkpolicy,
	&kind_servicecidr,
	&kind_runtimeclass,
	&kind_pdb,
	&kind_clusterrole,
	&kind_clusterrolebinding,
	&kind_role,
	&kind_rolebinding,
	&kind_priorityclass,
	&kind_deviceclass,
	&kind_resourceclaim,
	&kind_resourceclaimtemplate,
	&kind_resourceslice,
	&kind_csidriver,
	&kind_csinode,
	&kind_csistoragecapacity,
	&kind_storageclass,
	&kind_volumeattachment,
	&kind_volumeattributesclass,
};

static void check_table(void)
{
	for (size_t i = 1; i < ARRAY_SIZE(kinds); i++)
		for (size_t j = 0; j < i; j++)
			assert(strcmp(kinds[i]->kind, kinds[j]->kind) ||
			       strcmp(kinds[i]->group, kinds[j]->group));
}

const struct kind *kind_generic(void)
{
	return &generic;
}

const struct kind *kind_custom(void)
{
	return &custom;
}

static bool is(const struct kind *k, const char *group, const char *kind)
{
	return strcmp(k->kind, kind) == 0 && strcmp(k->group, group) == 0;
}

const struct kind *kind_find(const char *group, const char *kind)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, check_table);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (is(kinds[i], group, kind))
			return kinds[i];
	return kind_generic();
}
