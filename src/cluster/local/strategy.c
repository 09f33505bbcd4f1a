/*
 * What types differ in when they are written by PUT: whether it makes an object that is not there,
 * and whether it must name the version it replaces.
 */
#include "cluster/local/private.h"

#include "base/mem.h"
#include "cluster/lifecycle.h"

#include <string.h>

#define CREATES 1u
#define NEEDS_VERSION 2u

static const struct {
	const char *group, *plural;
	unsigned flags;
} rules[] = {
	{"", "endpoints", CREATES},
	{"", "events", CREATES},
	{"", "limitranges", CREATES},
	{"", "services", CREATES},
	{"admissionregistration.k8s.io", "mutatingadmissionpolicies", NEEDS_VERSION},
	{"admissionregistration.k8s.io", "mutatingadmissionpolicybindings", NEEDS_VERSION},
	{"admissionregistration.k8s.io", "mutatingwebhookconfigurations", NEEDS_VERSION},
	{"admissionregistration.k8s.io", "validatingadmissionpolicies", NEEDS_VERSION},
	{"admissionregistration.k8s.io", "validatingadmissionpolicybindings", NEEDS_VERSION},
	{"admissionregistration.k8s.io", "validatingwebhookconfigurations", NEEDS_VERSION},
	{"apiextensions.k8s.io", "customresourcedefinitions", NEEDS_VERSION},
	{"apiregistration.k8s.io", "apiservices", NEEDS_VERSION},
	{"coordination.k8s.io", "leases", CREATES | NEEDS_VERSION},
	{"events.k8s.io", "events", CREATES},
	{"node.k8s.io", "runtimeclasses", CREATES | NEEDS_VERSION},
	{"policy", "poddisruptionbudgets", NEEDS_VERSION},
	{"rbac.authorization.k8s.io", "clusterrolebindings", CREATES},
	{"rbac.authorization.k8s.io", "clusterroles", CREATES},
	{"rbac.authorization.k8s.io", "rolebindings", CREATES},
	{"rbac.authorization.k8s.io", "roles", CREATES},
	{"storage.k8s.io", "csidrivers", NEEDS_VERSION},
	{"storage.k8s.io", "csinodes", NEEDS_VERSION},
	{"storage.k8s.io", "csistoragecapacities", NEEDS_VERSION},
	{"storage.k8s.io", "volumeattachments", NEEDS_VERSION},
};

static unsigned flags_of(const struct resource *r)
{
	if (r->custom)
		return NEEDS_VERSION;
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (!strcmp(rules[i].group, r->group) && !strcmp(rules[i].plural, r->plural))
			return rules[i].flags;
	return 0;
}

bool update_creates(const struct resource *r)
{
	return flags_of(r) & CREATES;
}

int check_update_version(const struct write *w, const char *version, struct error **err)
{
	struct str type CLEANUP(str_release) = STR_INIT;
	struct error *e;

	if ((*version && strcmp(version, "0")) || !(flags_of(w->r) & NEEDS_VERSION))
		return 0;
	resource_format(w->r, &type);
	e = error_new(E_INVALID,
		      "%s \"%s\" is invalid: metadata.resourceVersion: Invalid value: 0: must be "
		      "specified for an update",
		      type.s, w->name);
	error_set_details(e, w->r->group, w->r->plural, w->name);
	error_add_cause(e, "FieldValueInvalid", "metadata.resourceVersion",
			"Invalid value: 0: must be specified for an update");
	return error_move(err, e);
}
