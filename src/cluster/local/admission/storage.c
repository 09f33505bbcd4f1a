/*
 * Storage that is in use does not go away: a finalizer stands on it from the beginning. And a claim
 * grows only where its class lets it.
 */
#include "cluster/local/admission/plugins.h"

#include "object/json.h"
#include "object/quantity.h"

#include <string.h>

static const struct {
	const char *resource, *finalizer;
} protections[] = {
	{"persistentvolumes", "kubernetes.io/pv-protection"},
	{"persistentvolumeclaims", "kubernetes.io/pvc-protection"},
	{"volumeattributesclasses.storage.k8s.io", "kubernetes.io/vac-protection"},
};

static void add_finalizer(json_t *object, const char *finalizer)
{
	json_t *finalizers = admission_array(object, "metadata.finalizers"), *f;
	size_t i;

	json_array_foreach (finalizers, i, f)
		if (json_is_string(f) && strcmp(json_string_value(f), finalizer) == 0)
			return;
	json_array_append_new(finalizers, json_string(finalizer));
}

static int admit(struct admission *a, struct error **err)
{
	for (size_t i = 0; i < ARRAY_SIZE(protections); i++)
		if (strcmp(protections[i].resource, a->target.s) == 0)
			add_finalizer(a->object, protections[i].finalizer);
	return 0;
}

const struct admission_plugin admission_storage_protection = {
	.name = "StorageObjectInUseProtection",
	.operations = ADMIT_CREATE,
	.resources = {"persistentvolumes", "persistentvolumeclaims",
		      "volumeattributesclasses.storage.k8s.io"},
	.admit = admit,
};

static bool grows(const json_t *old, const json_t *claim)
{
	struct quantity before = {0}, after = {0};

	quantity_parse(json_path_string(old, "spec.resources.requests.storage"), &before, NULL);
	quantity_parse(json_path_string(claim, "spec.resources.requests.storage"), &after, NULL);
	return quantity_compare(&after, &before) > 0;
}

static const char *class_of(const json_t *claim)
{
	const char *old_way = json_path_string(
		claim, "metadata.annotations[volume.beta.kubernetes.io/storage-class]");

	return *old_way ? old_way : json_path_string(claim, "spec.storageClassName");
}

static bool may_grow(struct admission *a)
{
	const char *class = class_of(a->object);
	const json_t *found;

	if (!*class || strcmp(class, class_of(a->old)))
		return false;
	found = admission_get(a, "storage.k8s.io", "storageclasses", "", class, NULL);
	return json_path_bool(found, "allowVolumeExpansion", false);
}

static int validate(struct admission *a, struct error **err)
{
	if (!grows(a->old, a->object))
		return 0;
	if (strcmp(json_path_string(a->old, "status.phase"), "Bound"))
		return admission_forbid(a, err,
					"Only bound persistent volume claims can be expanded");
	if (!may_grow(a))
		return admission_forbid(a, err,
					"only dynamically provisioned pvc can be resized and the "
					"storageclass that provisions the pvc must support resize");
	return 0;
}

const struct admission_plugin admission_volume_claim_resize = {
	.name = "PersistentVolumeClaimResize",
	.operations = ADMIT_UPDATE,
	.resources = {"persistentvolumeclaims"},
	.validate = validate,
};
