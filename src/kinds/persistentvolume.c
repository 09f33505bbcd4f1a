#include "kinds/builtin.h"
#include "kinds/rules.h"
#include "object/json.h"

#include <string.h>

static void prepare(json_t *object, const json_t *old)
{
	const char *now = json_path_string(object, "metadata.creationTimestamp");

	if (old)
		return;
	json_object_set_new(
		object, "status",
		json_pack("{s:s,s:s}", "phase", "Pending", "lastPhaseTransitionTime", now));
}

void rule_access_modes(const struct field *f)
{
	static const char *const modes[] = {"ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce",
					    "ReadWriteOncePod", NULL};
	bool alone = false, other = false;

	field_each (f, mode) {
		bool known = text_is_one_of(field_text(&mode), modes);

		if (!known)
			field_not_supported_text(f, field_text(&mode), modes);
		if (field_is(&mode, "ReadWriteOncePod"))
			alone = true;
		else
			other = other || known;
	}
	if (alone && other)
		field_forbidden(f, "may not use ReadWriteOncePod with other access modes");
}

static void check_capacity(const struct field *f)
{
	static const char *const storage[] = {"storage", NULL};

	if (!field_size(f))
		field_required(f, NULL);
	if (!json_object_get(f->value, "storage") || field_size(f) > 1)
		field_not_supported_json(f, f->value, storage);
	field_each_key (f, amount)
		rule_quantity_positive(&amount);
}

static void check_classes(const struct field *spec)
{
	const struct field *attributes = FIELD(spec, "volumeAttributesClassName");

	field_check_optional(FIELD(spec, "storageClassName"), name_dns_subdomain);
	if (!field_set(attributes))
		return;
	if (*field_text(attributes))
		field_check(attributes, name_dns_subdomain);
	else
		field_required(attributes, "an empty string is disallowed");
	if (!field_set(FIELD(spec, "csi")))
		field_required(FIELD(spec, "csi"),
			       "has to be specified when using volumeAttributesClassName");
}

static void check_affinity(const struct field *f)
{
	const struct field *required = FIELD(f, "required");

	if (!field_set(f))
		return;
	if (field_set(required))
		rule_node_selector(required);
	else
		field_required(required, "must specify required node constraints");
}

static bool is_root(const char *path)
{
	return *path && strspn(path, "/") == strlen(path);
}

static void check_whole(const struct field *o)
{
	static const char *const policies[] = {"Delete", "Recycle", "Retain", NULL};
	static const char *const modes[] = {"Block", "Filesystem", NULL};
	const struct field *spec = FIELD(o, "spec");
	const struct field *policy = FIELD(spec, "persistentVolumeReclaimPolicy");

	field_require(FIELD(spec, "accessModes"));
	rule_access_modes(FIELD(spec, "accessModes"));
	check_capacity(FIELD(spec, "capacity"));
	field_one_of_optional(policy, policies);
	check_affinity(FIELD(spec, "nodeAffinity"));
	rule_pv_source(spec, json_path_string(o->value, "metadata.name"));
	if (is_root(field_text(FIELD(spec, "hostPath.path"))) && field_is(policy, "Recycle"))
		field_forbidden(policy, "may not be 'recycle' for a hostPath mount of '/'");
	if (field_set(FIELD(spec, "volumeMode")))
		field_one_of(FIELD(spec, "volumeMode"), modes);
	check_classes(spec);
}

void rule_inline_volume(const struct field *spec)
{
	static const char *const not_here[] = {"claimRef", "capacity", "nodeAffinity",
					       "storageClassName"};
	static const char inline_only[] = "may not be specified in the context of inline volumes";
	const struct field *policy = FIELD(spec, "persistentVolumeReclaimPolicy");
	const struct field *mode = FIELD(spec, "volumeMode");

	for (size_t i = 0; i < ARRAY_SIZE(not_here); i++) {
		const struct field *f = FIELD(spec, not_here[i]);

		if (field_size(f) || *field_text(f))
			field_forbidden(f, inline_only);
	}
	if (!field_set(FIELD(spec, "csi")))
		field_required(FIELD(spec, "csi"),
			       "has to be specified in the context of inline volumes");
	field_require(FIELD(spec, "accessModes"));
	rule_access_modes(FIELD(spec, "accessModes"));
	if (*field_text(policy) && !field_is(policy, "Retain"))
		field_forbidden(policy, "may only be Retain in the context of inline volumes");
	if (field_set(mode) && !field_is(mode, "Filesystem"))
		field_forbidden(mode, "may not specify volumeMode other than Filesystem in the "
				      "context of inline volumes");
	rule_pv_source(spec, "");
}

/* The spec without what is no part of the volume's source. */
static json_t *source_of(const struct field *spec)
{
	static const char *const other[] = {"capacity",
					    "accessModes",
					    "claimRef",
					    "persistentVolumeReclaimPolicy",
					    "storageClassName",
					    "mountOptions",
					    "volumeMode",
					    "nodeAffinity",
					    "volumeAttributesClassName"};
	json_t *copy = json_copy((json_t *)spec->value);

	for (size_t i = 0; i < ARRAY_SIZE(other); i++)
		json_object_del(copy, other[i]);
	return copy;
}

static bool same_source(const struct field *spec, const struct field *was)
{
	json_t *a json_auto = source_of(spec);
	json_t *b json_auto = source_of(was);
	json_t *csi = json_object_get(a, "csi"), *old = json_object_get(b, "csi");

	if (csi && old && !json_object_get(old, "controllerExpandSecretRef")) {
		csi = json_copy(csi);
		json_object_del(csi, "controllerExpandSecretRef");
		json_object_set_new(a, "csi", csi);
	}
	return json_equal(a, b);
}

static void check_changes(const struct field *o, const struct field *old)
{
	const struct field *spec = FIELD(o, "spec"), *was = FIELD(old, "spec");
	const struct field *attributes = FIELD(spec, "volumeAttributesClassName");
	struct field mode = *FIELD(spec, "volumeMode"), affinity = *FIELD(spec, "nodeAffinity");

	if (!same_source(spec, was))
		field_forbidden(FIELD(spec, "persistentvolumesource"),
				"spec.persistentvolumesource is immutable after creation");
	mode.up = affinity.up = o;
	field_immutable(&mode, FIELD(was, "volumeMode"));
	if (field_set(FIELD(was, "nodeAffinity")) &&
	    !field_same(&affinity, FIELD(was, "nodeAffinity")))
		field_invalid(&affinity,
			      "field is immutable, except for updating from beta label to GA");
	if (field_set(FIELD(was, "volumeAttributesClassName")) && !field_set(attributes))
		field_forbidden(attributes, "update from non-nil value to nil is forbidden");
}

static void validate(const struct field *o, const struct field *old)
{
	check_whole(o);
	if (!old)
		return;
	/* An API server does so, and the causes tell. */
	check_whole(o);
	check_changes(o, old);
}

static void warn(const struct field *o, const struct field *old)
{
	static const struct {
		const char *name, *text;
	} gone[] = {
		{"photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"},
		{"scaleIO", "deprecated in v1.16, non-functional in v1.22+"},
		{"storageos", "deprecated in v1.22, non-functional in v1.25+"},
		{"glusterfs", "deprecated in v1.25, non-functional in v1.26+"},
		{"cephfs", "deprecated in v1.28, non-functional in v1.31+"},
		{"rbd", "deprecated in v1.28, non-functional in v1.31+"},
	};
	const struct field *spec = FIELD(o, "spec");
	const struct field *policy = FIELD(spec, "persistentVolumeReclaimPolicy");
	const struct field *class = FIELD_KEY(FIELD(o, "metadata.annotations"),
					      "volume.beta.kubernetes.io/storage-class");

	(void)old;
	if (class->value)
		field_warn(class,
			   "deprecated since v1.8; use \"storageClassName\" attribute instead");
	if (field_is(policy, "Recycle"))
		field_warn(policy, "The Recycle reclaim policy is deprecated. Instead, the "
				   "recommended approach is to use dynamic provisioning.");
	for (size_t i = 0; i < ARRAY_SIZE(gone); i++)
		if (field_set(FIELD(spec, gone[i].name)))
			field_warn(FIELD(spec, gone[i].name), gone[i].text);
}

const struct kind kind_pv = {
	.group = "",
	.kind = "PersistentVolume",
	.prepare = prepare,
	.validate = validate,
	.warn = warn,
	.no_generation = true,
	.metadata = METADATA_WHOLE | METADATA_TWICE | METADATA_NO_CHANGES,
};
