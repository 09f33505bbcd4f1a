/*
 * What names no class gets the one that is marked as default: claims a StorageClass, ingresses an
 * IngressClass.
 */
#include "cluster/local/admission/plugins.h"

#include "object/json.h"

/* Sets PATH to the name of the default class, where there is one. */
static int fill_in(struct admission *a, const char *group, const char *plural,
		   const char *annotation, const char *path, struct error **err)
{
	const json_t *class;

	if (admission_default_class(a, group, plural, annotation, &class, err) < 0)
		return -1;
	if (class)
		json_path_set(a->object, path, json_copy(json_path(class, "metadata.name")));
	return 0;
}

/* Empty is a class too: none. The annotation is the older way to name one. */
static bool names_storage_class(const json_t *claim)
{
	return json_path(claim, "spec.storageClassName") ||
	       json_path(claim, "metadata.annotations[volume.beta.kubernetes.io/storage-class]");
}

static int admit_claim(struct admission *a, struct error **err)
{
	if (names_storage_class(a->object))
		return 0;
	return fill_in(a, "storage.k8s.io", "storageclasses",
		       "storageclass.kubernetes.io/is-default-class", "spec.storageClassName", err);
}

const struct admission_plugin admission_default_storage_class = {
	.name = "DefaultStorageClass",
	.operations = ADMIT_CREATE,
	.resources = {"persistentvolumeclaims"},
	.admit = admit_claim,
};

static int admit_ingress(struct admission *a, struct error **err)
{
	if (json_path(a->object, "spec.ingressClassName") ||
	    json_path(a->object, "metadata.annotations[kubernetes.io/ingress.class]"))
		return 0;
	return fill_in(a, "networking.k8s.io", "ingressclasses",
		       "ingressclass.kubernetes.io/is-default-class", "spec.ingressClassName", err);
}

const struct admission_plugin admission_default_ingress_class = {
	.name = "DefaultIngressClass",
	.operations = ADMIT_CREATE,
	.resources = {"ingresses.networking.k8s.io"},
	.admit = admit_ingress,
};
