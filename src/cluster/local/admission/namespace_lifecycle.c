/*
 * Nothing new comes into a namespace that is not there, or is on its way out; three namespaces
 * stay for ever.
 */
#include "cluster/local/admission/plugins.h"

#include "base/mem.h"
#include "object/json.h"

#include <string.h>

static int keep_immortal(const struct admission *a, struct error **err)
{
	static const char *const immortal[] = {"default", "kube-system", "kube-public"};

	if (strcmp(a->target.s, "namespaces"))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(immortal); i++)
		if (strcmp(a->name, immortal[i]) == 0)
			return admission_forbid(a, err, "this namespace may not be deleted");
	return 0;
}

static int refuse_terminating(const struct admission *a, struct error **err)
{
	struct error *refusal = NULL;

	admission_forbid(a, &refusal,
			 "unable to create new content in namespace %s because it is being "
			 "terminated",
			 a->namespace);
	error_add_cause(refusal, "NamespaceTerminating", "metadata.namespace",
			"namespace %s is being terminated", a->namespace);
	return error_move(err, refusal);
}

static int admit(struct admission *a, struct error **err)
{
	const json_t *namespace;

	if (a->operation == ADMIT_DELETE)
		return keep_immortal(a, err);
	/* A review of access asks about a namespace, it makes nothing in it. */
	if (!*a->namespace || strcmp(a->resource->group, "authorization.k8s.io") == 0)
		return 0;
	namespace = admission_get(a, "", "namespaces", "", a->namespace, err);
	if (!namespace)
		return -1;
	if (json_path(namespace, "metadata.deletionTimestamp"))
		return refuse_terminating(a, err);
	return 0;
}

const struct admission_plugin admission_namespace_lifecycle = {
	.name = "NamespaceLifecycle",
	.operations = ADMIT_CREATE | ADMIT_DELETE,
	.resources = {"*"},
	.admit = admit,
};
