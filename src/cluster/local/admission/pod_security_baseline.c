#include "cluster/local/admission/pod_security_checks.h"

#include "cluster/local/admission/plugins.h"

#include "base/mem.h"
#include "kinds/field.h"
#include "object/json.h"

#include <string.h>

static bool profile_is_bad(const json_t *holder, const char *path, json_t *values)
{
	const json_t *profile = json_path(holder, path);
	const char *type = json_path_string(profile, "type");

	if (!profile || strcmp(type, "RuntimeDefault") == 0 || strcmp(type, "Localhost") == 0)
		return false;
	names_insert(values, type);
	return true;
}

static bool bad_app_armor(const json_t *holder, json_t *values,
			  const struct pod_security_subject *s)
{
	return profile_is_bad(holder, "securityContext.appArmorProfile", values);
}

static json_t *bad_app_armor_annotations(const struct pod_security_subject *s)
{
	json_t *bad = json_array(), *v;
	const char *key;

	json_object_foreach (json_object_get(s->metadata, "annotations"), key, v) {
		const char *value = json_is_string(v) ? json_string_value(v) : "";
		char *text free_ptr = xasprintf("%s=\"%s\"", key, value);

		if (str_has_prefix(key, "container.apparmor.security.beta.kubernetes.io/") &&
		    *value && strcmp(value, "runtime/default") &&
		    !str_has_prefix(value, "localhost/"))
			names_insert(bad, text);
	}
	return bad;
}

static const char *app_armor(const struct pod_security_subject *s, struct str *detail)
{
	struct broken b CLEANUP(broken_release) = broken_find(s, bad_app_armor);
	bool pod = profile_is_bad(s->spec, "securityContext.appArmorProfile", b.values);
	json_t *annotations json_auto = bad_app_armor_annotations(s);
	size_t n = json_array_size(annotations);

	if (!pod && !broken_any(&b) && !n)
		return NULL;
	broken_tell_setters(pod, b.containers, detail);
	if (n)
		str_addf(detail, "%s%s", detail->len && (pod || broken_any(&b)) ? " and " : "",
			 n == 1 ? "annotation" : "annotations");
	json_array_extend(b.values, annotations);
	str_adds(detail, " must not set AppArmor profile type to ");
	names_join(b.values, "\"", detail);
	return json_array_size(b.values) == 1 ? "forbidden AppArmor profile"
					      : "forbidden AppArmor profiles";
}

static bool bad_capabilities(const json_t *c, json_t *values, const struct pod_security_subject *s)
{
	static const char *const allowed[] = {
		"AUDIT_WRITE", "CHOWN",	 "DAC_OVERRIDE",     "FOWNER",	"FSETID",
		"KILL",	       "MKNOD",	 "NET_BIND_SERVICE", "SETFCAP", "SETGID",
		"SETPCAP",     "SETUID", "SYS_CHROOT",	     NULL,
	};
	bool bad = false;
	json_t *v;
	size_t i;

	json_array_foreach (json_path(c, "securityContext.capabilities.add"), i, v)
		if (json_is_string(v) && !text_is_one_of(json_string_value(v), allowed)) {
			names_insert(values, json_string_value(v));
			bad = true;
		}
	return bad;
}

static const char *capabilities_baseline(const struct pod_security_subject *s, struct str *detail)
{
	struct broken b CLEANUP(broken_release) = broken_find(s, bad_capabilities);

	if (!broken_any(&b))
		return NULL;
	broken_tell_added(&b, detail);
	return "non-default capabilities";
}

static const char *host_namespaces(const struct pod_security_subject *s, struct str *detail)
{
	static const char *const fields[] = {"hostNetwork", "hostPID", "hostIPC"};
	json_t *set json_auto = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		char *text free_ptr = xasprintf("%s=true", fields[i]);

		if (json_path_bool(s->spec, fields[i], false))
			names_add(set, text);
	}
	if (!json_array_size(set))
		return NULL;
	names_join(set, "", detail);
	return "host namespaces";
}

static const char *host_path_volumes(const struct pod_security_subject *s, struct str *detail)
{
	json_t *bad json_auto = json_array();
	json_t *v;
	size_t i;

	json_array_foreach (json_object_get(s->spec, "volumes"), i, v)
		if (json_object_get(v, "hostPath"))
			names_add(bad, json_path_string(v, "name"));
	if (!json_array_size(bad))
		return NULL;
	names_tell(bad, "volume", "volumes", detail);
	return "hostPath volumes";
}

static bool bad_ports(const json_t *c, json_t *values, const struct pod_security_subject *s)
{
	bool bad = false;
	json_t *p;
	size_t i;

	json_array_foreach (json_object_get(c, "ports"), i, p) {
		json_int_t port = json_path_int(p, "hostPort", 0);
		char *text free_ptr = xasprintf("%lld", (long long)port);

		if (!port)
			continue;
		names_insert(values, text);
		bad = true;
	}
	return bad;
}

static const char *host_ports(const struct pod_security_subject *s, struct str *detail)
{
	struct broken b CLEANUP(broken_release) = broken_find(s, bad_ports);

	if (!broken_any(&b))
		return NULL;
	broken_tell(b.containers, detail);
	broken_tell_use(&b, "hostPort", "hostPorts", detail);
	names_join(b.values, "", detail);
	return "hostPort";
}

static bool bad_hosts(const json_t *c, json_t *values, const struct pod_security_subject *s)
{
	static const char *const handlers[] = {"livenessProbe", "readinessProbe", "startupProbe",
					       "lifecycle.postStart", "lifecycle.preStop"};
	static const char *const ways[] = {"httpGet.host", "tcpSocket.host"};
	bool bad = false;

	for (size_t i = 0; i < ARRAY_SIZE(handlers); i++)
		for (size_t k = 0; k < ARRAY_SIZE(ways); k++) {
			const char *host = json_path_string(json_path(c, handlers[i]), ways[k]);

			if (!*host)
				continue;
			names_insert(values, host);
			bad = true;
		}
	return bad;
}

static const char *probe_hosts(const struct pod_security_subject *s, struct str *detail)
{
	struct broken b CLEANUP(broken_release) = broken_find(s, bad_hosts);
	json_t *sorted json_auto = json_array();
	json_t *v;
	size_t i;

	if (!broken_any(&b))
		return NULL;
	json_array_foreach (b.containers, i, v)
		names_insert(sorted, json_string_value(v));
	broken_tell(sorted, detail);
	broken_tell_use(&b, "probe or lifecycle host", "probe or lifecycle hosts", detail);
	names_join(b.values, "\"", detail);
	return "probe or lifecycle host";
}

static bool bad_privileged(const json_t *c, json_t *values, const struct pod_security_subject *s)
{
	return json_path_bool(c, "securityContext.privileged", false);
}

static const char *privileged(const struct pod_security_subject *s, struct str *detail)
{
	struct broken b CLEANUP(broken_release) = broken_find(s, bad_privileged);

	if (!broken_any(&b))
		return NULL;
	broken_tell(b.containers, detail);
	str_adds(detail, " must not set securityContext.privileged=true");
	return "privileged";
}

static bool bad_proc_mount(const json_t *c, json_t *values, const struct pod_security_subject *s)
{
	const char *type = json_path_string(c, "securityContext.procMount");

	if (!*type || strcmp(type, "Default") == 0)
		return false;
	names_insert(values, type);
	return true;
}

const char *pod_security_proc_mount(const struct pod_security_subject *s, struct str *detail)
{
	struct broken b CLEANUP(broken_release) = broken_find(s, bad_proc_mount);

	if (!broken_any(&b))
		return NULL;
	broken_tell(b.containers, detail);
	str_adds(detail, " must not set securityContext.procMount to ");
	names_join(b.values, "\"", detail);
	return "procMount";
}

static const char *proc_mount(const struct pod_security_subject *s, struct str *detail)
{
	return subject_has_own_users(s) ? NULL : pod_security_proc_mount(s, detail);
}

/* What is wrong in SELinux options beside the types, which go to VALUES. */
struct se_linux {
	bool user, role;
};

static bool se_linux_is_bad(const json_t *holder, json_t *values, unsigned minor,
			    struct se_linux *found)
{
	/* The first one since 1.31. */
	static const char *const allowed[] = {"container_engine_t", "",
					      "container_t",	    "container_init_t",
					      "container_kvm_t",    NULL};
	const json_t *o = json_path(holder, "securityContext.seLinuxOptions");
	const char *type = json_path_string(o, "type");
	bool bad_type = !text_is_one_of(type, allowed + (minor < 31));
	bool user = *json_path_string(o, "user"), role = *json_path_string(o, "role");

	if (bad_type)
		names_insert(values, type);
	if (found) {
		found->user |= user;
		found->role |= role;
	}
	return bad_type || user || role;
}

static bool bad_se_linux(const json_t *c, json_t *values, const struct pod_security_subject *s)
{
	return se_linux_is_bad(c, values, s->minor, NULL);
}

static bool note_se_linux(void *arg, json_t *container, const char *list, size_t index)
{
	json_t *unused json_auto = json_array();

	se_linux_is_bad(container, unused, POD_SECURITY_LATEST, arg);
	return true;
}

static const char *se_linux_options(const struct pod_security_subject *s, struct str *detail)
{
	struct broken b CLEANUP(broken_release) = broken_find(s, bad_se_linux);
	struct se_linux found = {0};
	bool pod = se_linux_is_bad(s->spec, b.values, s->minor, &found);
	const char *separator = "";

	if (!pod && !broken_any(&b))
		return NULL;
	admission_each_container(s->spec, note_se_linux, &found);
	broken_tell_setters(pod, b.containers, detail);
	str_adds(detail, " set forbidden securityContext.seLinuxOptions: ");
	if (json_array_size(b.values)) {
		names_tell(b.values, "type", "types", detail);
		separator = "; ";
	}
	if (found.user) {
		str_addf(detail, "%suser may not be set", separator);
		separator = "; ";
	}
	if (found.role)
		str_addf(detail, "%srole may not be set", separator);
	return "seLinuxOptions";
}

static bool bad_seccomp(const json_t *holder, json_t *values, const struct pod_security_subject *s)
{
	return profile_is_bad(holder, "securityContext.seccompProfile", values);
}

/* Before 1.19 the profile was an annotation. */
static void check_seccomp_annotation(const struct pod_security_subject *s, const char *key,
				     json_t *bad)
{
	const json_t *v = json_object_get(json_object_get(s->metadata, "annotations"), key);
	const char *value = json_is_string(v) ? json_string_value(v) : "";
	char *text free_ptr = xasprintf("%s=\"%s\"", key, value);

	if (v && strcmp(value, "runtime/default") && strcmp(value, "docker/default") &&
	    !str_has_prefix(value, "localhost/"))
		names_insert(bad, text);
}

struct annotated {
	const struct pod_security_subject *s;
	json_t *bad;
};

static bool check_seccomp_container(void *arg, json_t *container, const char *list, size_t index)
{
	struct annotated *a = arg;
	char *key free_ptr = xasprintf("container.seccomp.security.alpha.kubernetes.io/%s",
				       json_path_string(container, "name"));

	check_seccomp_annotation(a->s, key, a->bad);
	return true;
}

static const char *seccomp_annotations(const struct pod_security_subject *s, struct str *detail)
{
	json_t *bad json_auto = json_array();
	struct annotated a = {s, bad};

	check_seccomp_annotation(s, "seccomp.security.alpha.kubernetes.io/pod", bad);
	admission_each_container(s->spec, check_seccomp_container, &a);
	if (!json_array_size(bad))
		return NULL;
	str_addf(detail, "forbidden %s ", json_array_size(bad) == 1 ? "annotation" : "annotations");
	names_join(bad, "", detail);
	return "seccompProfile";
}

/* What is set is set to something that is allowed. */
const char *pod_security_seccomp(const struct pod_security_subject *s, struct str *detail)
{
	struct broken b CLEANUP(broken_release) = broken_find(s, bad_seccomp);
	bool pod = bad_seccomp(s->spec, b.values, s);

	if (!pod && !broken_any(&b))
		return NULL;
	broken_tell_setters(pod, b.containers, detail);
	str_adds(detail, " must not set securityContext.seccompProfile.type to ");
	names_join(b.values, "\"", detail);
	return "seccompProfile";
}

static const char *seccomp_baseline(const struct pod_security_subject *s, struct str *detail)
{
	return s->minor < 19 ? seccomp_annotations(s, detail) : pod_security_seccomp(s, detail);
}

static const char *sysctls(const struct pod_security_subject *s, struct str *detail)
{
	static const struct {
		const char *name;
		unsigned since;
	} allowed[] = {
		{"kernel.shm_rmid_forced", 0},
		{"net.ipv4.ip_local_port_range", 0},
		{"net.ipv4.tcp_syncookies", 0},
		{"net.ipv4.ping_group_range", 0},
		{"net.ipv4.ip_unprivileged_port_start", 0},
		{"net.ipv4.ip_local_reserved_ports", 27},
		{"net.ipv4.tcp_keepalive_time", 29},
		{"net.ipv4.tcp_fin_timeout", 29},
		{"net.ipv4.tcp_keepalive_intvl", 29},
		{"net.ipv4.tcp_keepalive_probes", 29},
		{"net.ipv4.tcp_rmem", 32},
		{"net.ipv4.tcp_wmem", 32},
	};
	json_t *bad json_auto = json_array();
	json_t *v;
	size_t i, k;

	json_array_foreach (json_path(s->spec, "securityContext.sysctls"), i, v) {
		const char *name = json_path_string(v, "name");

		for (k = 0; k < ARRAY_SIZE(allowed); k++)
			if (s->minor >= allowed[k].since && strcmp(allowed[k].name, name) == 0)
				break;
		if (k == ARRAY_SIZE(allowed))
			names_add(bad, name);
	}
	if (!json_array_size(bad))
		return NULL;
	names_join(bad, "", detail);
	return "forbidden sysctls";
}

static bool bad_host_process(const json_t *c, json_t *values, const struct pod_security_subject *s)
{
	return json_path_bool(c, "securityContext.windowsOptions.hostProcess", false);
}

static const char *windows_host_process(const struct pod_security_subject *s, struct str *detail)
{
	struct broken b CLEANUP(broken_release) = broken_find(s, bad_host_process);
	bool pod = bad_host_process(s->spec, b.values, s);

	if (!pod && !broken_any(&b))
		return NULL;
	broken_tell_setters(pod, b.containers, detail);
	str_adds(detail, " must not set securityContext.windowsOptions.hostProcess=true");
	return "hostProcess";
}

const struct pod_security_check pod_security_baseline[] = {
	{"appArmorProfile", LEVEL_BASELINE, 0, app_armor, NULL},
	{"capabilities_baseline", LEVEL_BASELINE, 0, capabilities_baseline, NULL},
	{"hostNamespaces", LEVEL_BASELINE, 0, host_namespaces, NULL},
	{"hostPathVolumes", LEVEL_BASELINE, 0, host_path_volumes, NULL},
	{"hostPorts", LEVEL_BASELINE, 0, host_ports, NULL},
	{"hostProbesAndHostLifecycle", LEVEL_BASELINE, 34, probe_hosts, NULL},
	{"privileged", LEVEL_BASELINE, 0, privileged, NULL},
	{"procMount", LEVEL_BASELINE, 0, proc_mount, NULL},
	{"seLinuxOptions", LEVEL_BASELINE, 0, se_linux_options, NULL},
	{"seccompProfile_baseline", LEVEL_BASELINE, 0, seccomp_baseline, NULL},
	{"sysctls", LEVEL_BASELINE, 0, sysctls, NULL},
	{"windowsHostProcess", LEVEL_BASELINE, 0, windows_host_process, NULL},
	{0},
};
