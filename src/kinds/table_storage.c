/*
 * Rows of volumes, claims, and the classes and drivers they come from.
 */
#include "base/mem.h"
#include "kinds/tables.h"
#include "object/json.h"

#include <string.h>

static json_t *phase_cell(const json_t *object, const char *path, int64_t now)
{
	if (*json_path_string(object, "metadata.deletionTimestamp"))
		return json_string("Terminating");
	return cell_text(object, "status.phase", now);
}

/* An old annotation goes before the field. */
static json_t *class_cell(const json_t *object, const char *path, int64_t now)
{
	static const char old[] = "metadata.annotations[volume.beta.kubernetes.io/storage-class]";

	return cell_text(object, json_path(object, old) ? old : "spec.storageClassName", now);
}

/* The short forms of access modes, each once, in a fixed order. */
static json_t *modes_cell(const json_t *object, const char *path, int64_t now)
{
	static const struct {
		const char *mode, *brief;
	} modes[] = {
		{"ReadWriteOnce", "RWO"},
		{"ReadOnlyMany", "ROX"},
		{"ReadWriteMany", "RWX"},
		{"ReadWriteOncePod", "RWOP"},
	};
	struct str text CLEANUP(str_release) = STR_INIT;
	bool seen[ARRAY_SIZE(modes)] = {false};
	json_t *v;
	size_t j;

	json_array_foreach (json_path(object, path), j, v)
		for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
			seen[i] |= strcmp(json_string_value(v) ?: "", modes[i].mode) == 0;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (seen[i])
			cells_join(&text, ",", modes[i].brief);
	return cell_of(&text);
}

static json_t *size_cell(const json_t *object, const char *path, int64_t now)
{
	const char *size = json_path_string(object, path);

	return json_string(*size ? size : "0");
}

/* "namespace/name" of the claim it is bound to. */
static json_t *claim_cell(const json_t *object, const char *path, int64_t now)
{
	const json_t *claim = json_path(object, path);
	struct str text CLEANUP(str_release) = STR_INIT;

	if (claim)
		str_addf(&text, "%s/%s", json_path_string(claim, "namespace"),
			 json_path_string(claim, "name"));
	return cell_of(&text);
}

static const struct table_column pv_columns[] = {
	COLUMN_NAME,
	COLUMN("Capacity", size_cell, "spec.capacity.storage", "How much it holds"),
	COLUMN("Access Modes", modes_cell, "spec.accessModes", "How it may be mounted"),
	COLUMN("Reclaim Policy", cell_text, "spec.persistentVolumeReclaimPolicy",
	       "What becomes of it when its claim is gone"),
	COLUMN("Status", phase_cell, NULL, "Whether it is bound"),
	COLUMN("Claim", claim_cell, "spec.claimRef", "The claim it is bound to"),
	COLUMN("StorageClass", class_cell, NULL, "The class it came from"),
	COLUMN("VolumeAttributesClass", cell_or_unset, "spec.volumeAttributesClassName",
	       "The class of its attributes"),
	COLUMN("Reason", cell_text, "status.reason", "Why it is in this state"),
	COLUMN_AGE,
	COLUMN_WIDE("VolumeMode", cell_or_unset, "spec.volumeMode", "File system or block device"),
};

/* What a claim got counts once it is bound to a volume. */
static bool is_bound(const json_t *claim)
{
	return *json_path_string(claim, "spec.volumeName");
}

static json_t *claim_size(const json_t *claim, const char *path, int64_t now)
{
	return is_bound(claim) ? size_cell(claim, path, now) : json_string("");
}

static json_t *claim_modes(const json_t *claim, const char *path, int64_t now)
{
	return is_bound(claim) ? modes_cell(claim, path, now) : json_string("");
}

static const struct table_column pvc_columns[] = {
	COLUMN_NAME,
	COLUMN("Status", phase_cell, NULL, "Whether it is bound"),
	COLUMN("Volume", cell_text, "spec.volumeName", "The volume it is bound to"),
	COLUMN("Capacity", claim_size, "status.capacity.storage", "How much it got"),
	COLUMN("Access Modes", claim_modes, "status.accessModes", "How it may be mounted"),
	COLUMN("StorageClass", class_cell, NULL, "The class it asks for"),
	COLUMN("VolumeAttributesClass", cell_or_unset, "spec.volumeAttributesClassName",
	       "The class of its attributes"),
	COLUMN_AGE,
	COLUMN_WIDE("VolumeMode", cell_or_unset, "spec.volumeMode", "File system or block device"),
};

static json_t *with_default(const json_t *object, bool is_default)
{
	struct str text CLEANUP(str_release) = STR_INIT;

	str_addf(&text, "%s%s", json_path_string(object, "metadata.name"),
		 is_default ? " (default)" : "");
	return cell_of(&text);
}

static bool is_true(const json_t *object, const char *path)
{
	return strcmp(json_path_string(object, path), "true") == 0;
}

static json_t *class_name(const json_t *object, const char *path, int64_t now)
{
	return with_default(
		object,
		is_true(object,
			"metadata.annotations[storageclass.kubernetes.io/is-default-class]") ||
			is_true(object, "metadata.annotations[storageclass.beta.kubernetes.io/"
					"is-default-class]"));
}

static json_t *attributes_class_name(const json_t *object, const char *path, int64_t now)
{
	return with_default(object, is_true(object, "metadata.annotations[volumeattributesclass."
						    "alpha.kubernetes.io/is-default-class]"));
}

#define COLUMN_NAME_BY(cell)                                                                     \
	{                                                                                        \
		"Name", "string", "name", 0, "The object's name, and whether it is the default", \
			cell, NULL                                                               \
	}

static json_t *reclaim_cell(const json_t *object, const char *path, int64_t now)
{
	const char *policy = json_path_string(object, path);

	return json_string(*policy ? policy : "Delete");
}

static json_t *binding_cell(const json_t *object, const char *path, int64_t now)
{
	const char *mode = json_path_string(object, path);

	return json_string(*mode ? mode : "Immediate");
}

static const struct table_column class_columns[] = {
	COLUMN_NAME_BY(class_name),
	COLUMN("Provisioner", cell_text, "provisioner", "What makes its volumes"),
	COLUMN("ReclaimPolicy", reclaim_cell, "reclaimPolicy",
	       "What becomes of its volumes when their claims are gone"),
	COLUMN("VolumeBindingMode", binding_cell, "volumeBindingMode", "When claims are bound"),
	COLUMN("AllowVolumeExpansion", cell_boolean, "allowVolumeExpansion",
	       "Whether its volumes can grow"),
	COLUMN_AGE,
};

static const struct table_column attributes_class_columns[] = {
	COLUMN_NAME_BY(attributes_class_name),
	COLUMN("DriverName", cell_text, "driverName", "The driver it is for"),
	COLUMN_AGE,
};

static const struct table_column attachment_columns[] = {
	COLUMN_NAME,
	{"Attacher", "string", "name", 0, "What attaches it", cell_text, "spec.attacher"},
	COLUMN("PV", cell_text, "spec.source.persistentVolumeName", "The volume"),
	COLUMN("Node", cell_text, "spec.nodeName", "The node it is attached to"),
	COLUMN_BOOLEAN("Attached", cell_boolean, "status.attached", "Whether it is attached"),
	COLUMN_AGE,
};

static const struct table_column csinode_columns[] = {
	COLUMN_NAME,
	COLUMN_INTEGER("Drivers", cell_count, "spec.drivers", "How many drivers the node has"),
	COLUMN_AGE,
};

static json_t *attach_cell(const json_t *object, const char *path, int64_t now)
{
	return json_boolean(json_path_bool(object, path, true));
}

static json_t *audiences_cell(const json_t *object, const char *path, int64_t now)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	const json_t *requests = json_path(object, path);
	json_t *r;
	size_t i;

	if (!requests)
		return json_string("<unset>");
	json_array_foreach (requests, i, r)
		cells_join(&text, ",", json_path_string(r, "audience"));
	return cell_of(&text);
}

static json_t *lifecycle_cell(const json_t *object, const char *path, int64_t now)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	json_t *v;
	size_t i;

	json_array_foreach (json_path(object, path), i, v)
		cells_join(&text, ",", json_string_value(v) ?: "");
	return text.len ? cell_of(&text) : json_string("<none>");
}

static const struct table_column csidriver_columns[] = {
	COLUMN_NAME,
	COLUMN_BOOLEAN("AttachRequired", attach_cell, "spec.attachRequired",
		       "Whether volumes are attached before they are mounted"),
	COLUMN_BOOLEAN("PodInfoOnMount", cell_boolean, "spec.podInfoOnMount",
		       "Whether it is told of the pod"),
	COLUMN_BOOLEAN("StorageCapacity", cell_boolean, "spec.storageCapacity",
		       "Whether it tells how much is left"),
	COLUMN("TokenRequests", audiences_cell, "spec.tokenRequests",
	       "The audiences of the tokens it wants"),
	COLUMN_BOOLEAN("RequiresRepublish", cell_boolean, "spec.requiresRepublish",
		       "Whether it is called again and again"),
	COLUMN("Modes", lifecycle_cell, "spec.volumeLifecycleModes", "The lives its volumes have"),
	COLUMN_AGE,
};

const struct kind_table tables_storage[] = {
	TABLE("", "PersistentVolumeClaim", pvc_columns),
	TABLE("", "PersistentVolume", pv_columns),
	TABLE("storage.k8s.io", "StorageClass", class_columns),
	TABLE("storage.k8s.io", "VolumeAttributesClass", attributes_class_columns),
	TABLE("storage.k8s.io", "VolumeAttachment", attachment_columns),
	TABLE("storage.k8s.io", "CSINode", csinode_columns),
	TABLE("storage.k8s.io", "CSIDriver", csidriver_columns),
	TABLES_END,
};
