#include "cluster/local/admission/pod_security_checks.h"

#include "base/mem.h"
#include "object/json.h"

#include <string.h>

static bool may_escalate(const json_t *c, json_t *values, const struct pod_security_subject *s)
{
	return json_path_bool(c, "securityContext.allowPrivilegeEscalation", true);
}

static const char *privilege_escalation(const struct pod_security_subject *s, struct str *detail)
{
	struct broken b CLEANUP(broken_release) = broken_find(s, may_escalate);

	if (subject_is_windows(s) || !broken_any(&b))
		return NULL;
	broken_tell(b.containers, detail);
	str_adds(detail, " must set securityContext.allowPrivilegeEscalation=false");
	return "allowPrivilegeEscalation != false";
}

static bool keeps_capabilities(const json_t *c, json_t *values,
			       const struct pod_security_subject *s)
{
	json_t *v;
	size_t i;

	json_array_foreach (json_path(c, "securityContext.capabilities.drop"), i, v)
		if (json_is_string(v) && strcmp(json_string_value(v), "ALL") == 0)
			return false;
	return true;
}

static bool adds_capabilities(const json_t *c, json_t *values, const struct pod_security_subject *s)
{
	bool bad = false;
	json_t *v;
	size_t i;

	json_array_foreach (json_path(c, "securityContext.capabilities.add"), i, v)
		if (json_is_string(v) && strcmp(json_string_value(v), "NET_BIND_SERVICE")) {
			names_insert(values, json_string_value(v));
			bad = true;
		}
	return bad;
}

static const char *capabilities_restricted(const struct pod_security_subject *s, struct str *detail)
{
	struct broken kept CLEANUP(broken_release) = broken_find(s, keeps_capabilities);
	struct broken added CLEANUP(broken_release) = broken_find(s, adds_capabilities);

	if (subject_is_windows(s) || (!broken_any(&kept) && !broken_any(&added)))
		return NULL;
	if (broken_any(&kept)) {
		broken_tell(kept.containers, detail);
		str_adds(detail, " must set securityContext.capabilities.drop=[\"ALL\"]");
	}
	if (broken_any(&kept) && broken_any(&added))
		str_adds(detail, "; ");
	if (broken_any(&added))
		broken_tell_added(&added, detail);
	return "unrestricted capabilities";
}

/* The source that a volume has, where it is one of LIST. */
static const char *source_of(const json_t *volume, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (json_object_get(volume, list[i]))
			return list[i];
	return NULL;
}

static const char *restricted_volumes(const struct pod_security_subject *s, struct str *detail)
{
	static const char *const allowed[] = {"configMap", "csi",	"downwardAPI",
					      "emptyDir",  "ephemeral", "image",
					      "projected", "secret",	"persistentVolumeClaim"};
	static const char *const known[] = {
		"hostPath",
		"gcePersistentDisk",
		"awsElasticBlockStore",
		"gitRepo",
		"nfs",
		"iscsi",
		"glusterfs",
		"rbd",
		"cinder",
		"flexVolume",
		"cephfs",
		"flocker",
		"fc",
		"azureFile",
		"vsphereVolume",
		"quobyte",
		"azureDisk",
		"photonPersistentDisk",
		"portworxVolume",
		"scaleIO",
		"storageos",
	};
	json_t *bad json_auto = json_array();
	json_t *types json_auto = json_array();
	struct broken b = {bad, types};
	json_t *v;
	size_t i;

	json_array_foreach (json_object_get(s->spec, "volumes"), i, v) {
		const char *source;

		if (source_of(v, allowed, ARRAY_SIZE(allowed)))
			continue;
		source = source_of(v, known, ARRAY_SIZE(known));
		names_add(bad, json_path_string(v, "name"));
		names_insert(types, source ? source : "unknown");
	}
	if (!broken_any(&b))
		return NULL;
	names_tell(bad, "volume", "volumes", detail);
	broken_tell_use(&b, "restricted volume type", "restricted volume types", detail);
	names_join(types, "\"", detail);
	return "restricted volume types";
}

static bool says_root(const json_t *holder, json_t *values, const struct pod_security_subject *s)
{
	return !json_path_bool(holder, "securityContext.runAsNonRoot", true);
}

static bool says_nothing_of_root(const json_t *c, json_t *values,
				 const struct pod_security_subject *s)
{
	return !json_path(c, "securityContext.runAsNonRoot");
}

static const char *run_as_non_root(const struct pod_security_subject *s, struct str *detail)
{
	static const char reason[] = "runAsNonRoot != true";
	struct broken b CLEANUP(broken_release) = broken_find(s, says_root);
	struct broken silent CLEANUP(broken_release) = broken_find(s, says_nothing_of_root);
	bool pod = says_root(s->spec, b.values, s);

	if (subject_has_own_users(s))
		return NULL;
	if (pod || broken_any(&b)) {
		broken_tell_setters(pod, b.containers, detail);
		str_adds(detail, " must not set securityContext.runAsNonRoot=false");
		return reason;
	}
	if (json_path_bool(s->spec, "securityContext.runAsNonRoot", false) || !broken_any(&silent))
		return NULL;
	str_adds(detail, "pod or ");
	broken_tell(silent.containers, detail);
	str_adds(detail, " must set securityContext.runAsNonRoot=true");
	return reason;
}

static bool is_root(const json_t *holder, json_t *values, const struct pod_security_subject *s)
{
	return json_path_int(holder, "securityContext.runAsUser", 1) == 0;
}

static const char *run_as_user(const struct pod_security_subject *s, struct str *detail)
{
	struct broken b CLEANUP(broken_release) = broken_find(s, is_root);
	bool pod = is_root(s->spec, b.values, s);

	if (subject_has_own_users(s) || (!pod && !broken_any(&b)))
		return NULL;
	broken_tell_setters(pod, b.containers, detail);
	str_adds(detail, " must not set runAsUser=0");
	return "runAsUser=0";
}

static bool has_no_seccomp(const json_t *c, json_t *values, const struct pod_security_subject *s)
{
	return !json_path(c, "securityContext.seccompProfile");
}

static const char *seccomp_restricted(const struct pod_security_subject *s, struct str *detail)
{
	struct broken silent CLEANUP(broken_release) = broken_find(s, has_no_seccomp);
	const char *reason = subject_is_windows(s) ? NULL : pod_security_seccomp(s, detail);

	if (reason || subject_is_windows(s) ||
	    json_path(s->spec, "securityContext.seccompProfile") || !broken_any(&silent))
		return reason;
	str_adds(detail, "pod or ");
	broken_tell(silent.containers, detail);
	str_adds(detail, " must set securityContext.seccompProfile.type to \"RuntimeDefault\" or "
			 "\"Localhost\"");
	return "seccompProfile";
}

const struct pod_security_check pod_security_restricted[] = {
	{"allowPrivilegeEscalation", LEVEL_RESTRICTED, 8, privilege_escalation, NULL},
	{"capabilities_restricted", LEVEL_RESTRICTED, 22, capabilities_restricted,
	 "capabilities_baseline"},
	{"procMount_restricted", LEVEL_RESTRICTED, 35, pod_security_proc_mount, "procMount"},
	{"restrictedVolumes", LEVEL_RESTRICTED, 0, restricted_volumes, "hostPathVolumes"},
	{"runAsNonRoot", LEVEL_RESTRICTED, 0, run_as_non_root, NULL},
	{"runAsUser", LEVEL_RESTRICTED, 23, run_as_user, NULL},
	{"seccompProfile_restricted", LEVEL_RESTRICTED, 19, seccomp_restricted,
	 "seccompProfile_baseline"},
	{0},
};
