/* PersistentVolumeClaims. */
#include "fs/describe.h"

#include "object/json.h"

static const char *short_mode(const char *mode)
{
	static const char *const modes[][2] = {{"ReadWriteOnce", "RWO"},
					       {"ReadOnlyMany", "ROX"},
					       {"ReadWriteMany", "RWX"},
					       {"ReadWriteOncePod", "RWOP"}};

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		if (strcmp(modes[i][0], mode) == 0)
			return modes[i][1];
	}
	return mode;
}

/* What is bound has a capacity and modes; before, they are only wished for. */
static void access_modes(struct describe *d)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	json_t *mode;
	size_t i;

	json_array_foreach (json_path(d->object, "status.accessModes"), i, mode)
		str_addf(&text, "%s%s", i ? "," : "", short_mode(json_string_value(mode)));
	describe_text(d, 0, "Capacity", "status.capacity.storage", "");
	describe_line(d, 0, "Access Modes:\t%s", text.s);
}

static bool uses(const json_t *pod, const char *claim)
{
	json_t *volume;
	size_t i;

	json_array_foreach (json_path(pod, "spec.volumes"), i, volume) {
		if (str_equal(json_path_string(volume, "persistentVolumeClaim.claimName"), claim))
			return true;
	}
	return false;
}

static void used_by(struct describe *d)
{
	json_t *pods json_auto = describe_related(
		d, "", "pods", json_path_string(d->object, "metadata.namespace"), NULL);
	bool first = true;
	json_t *pod;
	size_t i;

	json_array_foreach (pods, i, pod) {
		if (!uses(pod, json_path_string(d->object, "metadata.name")))
			continue;
		describe_line(d, 0, "%s\t%s", first ? "Used By:" : "",
			      json_path_string(pod, "metadata.name"));
		first = false;
	}
	if (first)
		describe_line(d, 0, "Used By:\t<none>");
}

void describe_claim(struct describe *d)
{
	static const char *const columns[][2] = {{"Type", "type"},
						 {"Status", "status"},
						 {"LastProbeTime", "lastProbeTime"},
						 {"LastTransitionTime", "lastTransitionTime"},
						 {"Reason", "reason"},
						 {"Message", "message"},
						 {0}};
	struct str finalizers CLEANUP(str_release) = STR_INIT;
	json_t *f;
	size_t i;

	describe_text(d, 0, "Name", "metadata.name", "");
	describe_text(d, 0, "Namespace", "metadata.namespace", "");
	describe_text(d, 0, "StorageClass", "spec.storageClassName", "");
	if (*json_path_string(d->object, "metadata.deletionTimestamp"))
		describe_line(d, 0, "Status:\tTerminating");
	else
		describe_text(d, 0, "Status", "status.phase", "");
	describe_text(d, 0, "Volume", "spec.volumeName", "");
	describe_labels(d);
	describe_annotations(d);
	json_array_foreach (json_path(d->object, "metadata.finalizers"), i, f) {
		str_adds(&finalizers, i ? " " : "");
		describe_value(f, &finalizers);
	}
	describe_line(d, 0, "Finalizers:\t[%s]", finalizers.s);
	access_modes(d);
	describe_text(d, 0, "VolumeMode", "spec.volumeMode", "");
	if (json_path(d->object, "spec.dataSource")) {
		describe_line(d, 0, "DataSource:");
		describe_text(d, 1, "APIGroup", "spec.dataSource.apiGroup", "");
		describe_text(d, 1, "Kind", "spec.dataSource.kind", "");
		describe_text(d, 1, "Name", "spec.dataSource.name", "");
	}
	used_by(d);
	describe_conditions(d, columns, "status.conditions");
}
