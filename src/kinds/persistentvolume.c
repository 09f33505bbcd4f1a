#include "kinds/builtin.h"
#include "kinds/rules.h"
#include "kinds/warn.h"
#include "object/json.h"
#include "object/time.h"

#include <string.h>

/* When the phase changed, unless the writer knows better. */
static void prepare_status(json_t *object, const json_t *old, int64_t now)
{
	json_t *status = json_object_get(object, "status");
	json_t *time = json_object_get(status, "lastPhaseTransitionTime");
	const json_t *before = json_object_get(old, "status");
	json_t *was = json_object_get(before, "lastPhaseTransitionTime");
	bool same =
		strcmp(json_path_string(status, "phase"), json_path_string(before, "phase")) == 0;
	char text[TIME_TEXT];

	if (same && !time && was)
		json_object_set(status, "lastPhaseTransitionTime", was);
	else if (!same && (!time || (was && json_equal(time, was))))
		json_object_set_new(status, "lastPhaseTransitionTime",
				    json_string(time_format(now, text)));
}

static void prepare(json_t *object, const json_t *old, const struct write_facts *facts)
{
	const char *now = json_path_string(object, "metadata.creationTimestamp");

	if (!old)
		json_object_set_new(
			object, "status",
			json_pack("{s:s,s:s}", "phase", "Pending", "lastPhaseTransitionTime", now));
	else if (facts->subresource && strcmp(facts->subresource, "status") == 0)
		prepare_status(object, old, facts->now);
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
	field_each_key (f, amount) {
		rule_quantity_valid(&amount);
		rule_quantity_positive(&amount);
	}
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

/* Options to mount with are for volumes that are mounted by name of a file system or share. */
static void check_mount_options(const struct field *o)
{
	static const char *const kinds[] = {"gcePersistentDisk",
					    "awsElasticBlockStore",
					    "glusterfs",
					    "nfs",
					    "rbd",
					    "quobyte",
					    "iscsi",
					    "cinder",
					    "cephfs",
					    "azureFile",
					    "vsphereVolume",
					    "azureDisk",
					    "photonPersistentDisk"};
	static const char key[] = "volume.beta.kubernetes.io/mount-options";
	const struct field *spec = FIELD(o, "spec");
	struct field told = field_member(FIELD(o, "metadata.annotations"), "");

	if (!json_object_get(FIELD(o, "metadata.annotations")->value, key))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (field_set(FIELD(spec, kinds[i])))
			return;
	told.name = key;
	field_forbidden(&told, "may not specify mount options for this volume type");
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

/* Labels of nodes that came of age, where AFFINITY has them as LATER has; its own copy. */
static void rename_labels(json_t *affinity, const json_t *later)
{
	static const struct {
		const char *was, *is;
	} labels[] = {{"failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"},
		      {"failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"},
		      {"beta.kubernetes.io/os", "kubernetes.io/os"},
		      {"beta.kubernetes.io/arch", "kubernetes.io/arch"},
		      {"beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type"}};
	const json_t *new_terms = json_path(later, "required.nodeSelectorTerms");
	json_t *term, *e;
	size_t t, i;

	json_array_foreach (json_path(affinity, "required.nodeSelectorTerms"), t, term)
		json_array_foreach (json_object_get(term, "matchExpressions"), i, e) {
			const json_t *now = json_array_get(
				json_object_get(json_array_get(new_terms, t), "matchExpressions"),
				i);

			for (size_t l = 0; l < ARRAY_SIZE(labels); l++)
				if (!strcmp(json_path_string(e, "key"), labels[l].was) &&
				    !strcmp(json_path_string(now, "key"), labels[l].is))
					json_object_set(e, "key", json_object_get(now, "key"));
		}
}

static bool same_affinity(const struct field *now, const struct field *old)
{
	json_t *renamed json_auto = json_deep_copy(old->value);
	struct field was = *old;

	rename_labels(renamed, now->value);
	was.value = renamed;
	return field_same(now, &was);
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
	    !same_affinity(&affinity, FIELD(was, "nodeAffinity")))
		field_invalid(&affinity,
			      "field is immutable, except for updating from beta label to GA");
	if (field_set(FIELD(was, "volumeAttributesClassName")) && !field_set(attributes))
		field_forbidden(attributes, "update from non-nil value to nil is forbidden");
}

static void validate(const struct field *o, const struct field *old)
{
	check_whole(o);
	check_mount_options(o);
	if (!old)
		return;
	/* An API server does so, and the causes tell. */
	check_whole(o);
	check_changes(o, old);
}

static void warn(const struct field *o, const struct field *old)
{
	static const struct {
		const char *name, *text, *told_as;
	} gone[] = {
		{"photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"},
		{"scaleIO", "deprecated in v1.16, non-functional in v1.22+"},
		{"storageos", "deprecated in v1.22, non-functional in v1.25+", "storageOS"},
		{"glusterfs", "deprecated in v1.25, non-functional in v1.26+"},
		{"cephfs", "deprecated in v1.28, non-functional in v1.31+"},
		{"rbd", "deprecated in v1.28, non-functional in v1.31+"},
	};
	const struct field *spec = FIELD(o, "spec");
	const struct field *policy = FIELD(spec, "persistentVolumeReclaimPolicy");
	const struct field *annotations = FIELD(o, "metadata.annotations");
	const struct field *class =
		FIELD_KEY(annotations, "volume.beta.kubernetes.io/storage-class");
	const struct field *options =
		FIELD_KEY(annotations, "volume.beta.kubernetes.io/mount-options");
	const struct field *terms = FIELD(spec, "nodeAffinity.required.nodeSelectorTerms");

	(void)old;
	if (class->value)
		field_warn(class,
			   "deprecated since v1.8; use \"storageClassName\" attribute instead");
	if (options->value)
		field_warn(options,
			   "deprecated since v1.31; use \"mountOptions\" attribute instead");
	field_each (terms, term)
		warn_node_selector_term(&term, false);
	if (field_is(policy, "Recycle"))
		field_warn(policy, "The Recycle reclaim policy is deprecated. Instead, the "
				   "recommended approach is to use dynamic provisioning.");
	for (size_t i = 0; i < ARRAY_SIZE(gone); i++) {
		struct field f = *FIELD(spec, gone[i].name);

		if (gone[i].told_as)
			f.name = gone[i].told_as;
		if (field_set(&f))
			field_warn(&f, gone[i].text);
	}
}

const struct kind kind_pv = {
	.group = "",
	.kind = "PersistentVolume",
	.prepare_write = prepare,
	.validate = validate,
	.warn = warn,
	.no_generation = true,
	.metadata = METADATA_WHOLE | METADATA_TWICE | METADATA_NO_CHANGES,
	.shown_empty = {"spec.capacity"},
};
