#include "cluster/local/admission/pod_security.h"

#include "cluster/local/admission/plugins.h"

#include "base/mem.h"
#include "object/json.h"

#include <string.h>

/* Lists of names, as JSON arrays of strings. */

static void add(json_t *list, const char *name)
{
	json_array_append_new(list, json_string(name));
}

/* Keeps LIST sorted and each name once. */
static void add_to_set(json_t *list, const char *name)
{
	json_t *v;
	size_t i;

	json_array_foreach (list, i, v) {
		int order = strcmp(name, json_string_value(v));

		if (order == 0)
			return;
		if (order < 0)
			break;
	}
	json_array_insert_new(list, i, json_string(name));
}

static void join(const json_t *list, const char *quote, struct str *out)
{
	json_t *v;
	size_t i;

	json_array_foreach (list, i, v)
		str_addf(out, "%s%s%s%s", i ? ", " : "", quote, json_string_value(v), quote);
}

/* "container \"a\"", "containers \"a\", \"b\"" */
static void tell(const json_t *list, const char *one, const char *many, struct str *out)
{
	str_addf(out, "%s ", json_array_size(list) == 1 ? one : many);
	join(list, "\"", out);
}

static void tell_containers(const json_t *list, struct str *out)
{
	tell(list, "container", "containers", out);
}

/* "pod and containers \"a\", \"b\"": what set something wrong. */
static void tell_setters(bool pod, const json_t *containers, struct str *out)
{
	if (pod)
		str_adds(out, "pod");
	if (pod && json_array_size(containers))
		str_adds(out, " and ");
	if (json_array_size(containers))
		tell_containers(containers, out);
}

/*
 * Whether a container, or the pod itself, has something wrong in it; the values that are wrong are
 * added to VALUES.
 */
typedef bool is_bad(const json_t *holder, json_t *values, const struct pod_security_subject *s);

struct collecting {
	is_bad *bad;
	json_t *names, *values;
	const struct pod_security_subject *s;
};

static bool collect_one(void *arg, json_t *container, const char *list, size_t index)
{
	struct collecting *c = arg;

	if (c->bad(container, c->values, c->s))
		add(c->names, json_path_string(container, "name"));
	return true;
}

/* The names of the containers for which BAD holds. A new list. */
static json_t *collect(const struct pod_security_subject *s, is_bad *bad, json_t *values)
{
	struct collecting c = {bad, json_array(), values, s};

	admission_each_container(s->spec, collect_one, &c);
	return c.names;
}

/* A rule about containers alone: those that break it, and with which values. */
struct broken {
	json_t *containers, *values;
};

static void broken_release(struct broken *b)
{
	json_decref(b->containers);
	json_decref(b->values);
}

static struct broken find_broken(const struct pod_security_subject *s, is_bad *bad)
{
	struct broken b = {.values = json_array()};

	b.containers = collect(s, bad, b.values);
	return b;
}

static bool any(const struct broken *b)
{
	return json_array_size(b->containers) > 0;
}

static bool is_windows(const struct pod_security_subject *s)
{
	return s->minor >= 25 && strcmp(json_path_string(s->spec, "os.name"), "windows") == 0;
}

/* From 1.35 on a pod in a user namespace of its own may more. */
static bool has_own_users(const struct pod_security_subject *s)
{
	return s->minor >= 35 && !json_path_bool(s->spec, "hostUsers", true);
}

static bool has_prefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static bool is_one_of(const char *s, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(s, list[i]) == 0)
			return true;
	return false;
}

/* Baseline. */

static bool profile_is_bad(const json_t *holder, const char *path, json_t *values)
{
	const json_t *profile = json_path(holder, path);
	const char *type = json_path_string(profile, "type");

	if (!profile || strcmp(type, "RuntimeDefault") == 0 || strcmp(type, "Localhost") == 0)
		return false;
	add_to_set(values, type);
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

		if (has_prefix(key, "container.apparmor.security.beta.kubernetes.io/") && *value &&
		    strcmp(value, "runtime/default") && !has_prefix(value, "localhost/"))
			add_to_set(bad, text);
	}
	return bad;
}

static const char *app_armor(const struct pod_security_subject *s, struct str *detail)
{
	struct broken b CLEANUP(broken_release) = find_broken(s, bad_app_armor);
	bool pod = profile_is_bad(s->spec, "securityContext.appArmorProfile", b.values);
	json_t *annotations json_auto = bad_app_armor_annotations(s);
	size_t n = json_array_size(annotations);

	if (!pod && !any(&b) && !n)
		return NULL;
	tell_setters(pod, b.containers, detail);
	if (n)
		str_addf(detail, "%s%s", detail->len && (pod || any(&b)) ? " and " : "",
			 n == 1 ? "annotation" : "annotations");
	json_array_extend(b.values, annotations);
	str_adds(detail, " must not set AppArmor profile type to ");
	join(b.values, "\"", detail);
	return json_array_size(b.values) == 1 ? "forbidden AppArmor profile"
					      : "forbidden AppArmor profiles";
}

static bool bad_capabilities(const json_t *c, json_t *values, const struct pod_security_subject *s)
{
	static const char *const allowed[] = {
		"AUDIT_WRITE", "CHOWN",	 "DAC_OVERRIDE",     "FOWNER",	"FSETID",
		"KILL",	       "MKNOD",	 "NET_BIND_SERVICE", "SETFCAP", "SETGID",
		"SETPCAP",     "SETUID", "SYS_CHROOT",
	};
	bool bad = false;
	json_t *v;
	size_t i;

	json_array_foreach (json_path(c, "securityContext.capabilities.add"), i, v)
		if (json_is_string(v) &&
		    !is_one_of(json_string_value(v), allowed, ARRAY_SIZE(allowed))) {
			add_to_set(values, json_string_value(v));
			bad = true;
		}
	return bad;
}

static void tell_added(const struct broken *b, struct str *detail)
{
	tell_containers(b->containers, detail);
	str_adds(detail, " must not include ");
	join(b->values, "\"", detail);
	str_adds(detail, " in securityContext.capabilities.add");
}

static const char *capabilities_baseline(const struct pod_security_subject *s, struct str *detail)
{
	struct broken b CLEANUP(broken_release) = find_broken(s, bad_capabilities);

	if (!any(&b))
		return NULL;
	tell_added(&b, detail);
	return "non-default capabilities";
}

static const char *host_namespaces(const struct pod_security_subject *s, struct str *detail)
{
	static const char *const fields[] = {"hostNetwork", "hostPID", "hostIPC"};
	json_t *set json_auto = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		char *text free_ptr = xasprintf("%s=true", fields[i]);

		if (json_path_bool(s->spec, fields[i], false))
			add(set, text);
	}
	if (!json_array_size(set))
		return NULL;
	join(set, "", detail);
	return "host namespaces";
}

static const char *host_path_volumes(const struct pod_security_subject *s, struct str *detail)
{
	json_t *bad json_auto = json_array();
	json_t *v;
	size_t i;

	json_array_foreach (json_object_get(s->spec, "volumes"), i, v)
		if (json_object_get(v, "hostPath"))
			add(bad, json_path_string(v, "name"));
	if (!json_array_size(bad))
		return NULL;
	tell(bad, "volume", "volumes", detail);
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
		add_to_set(values, text);
		bad = true;
	}
	return bad;
}

/* "containers \"a\", \"b\" use hostPorts ": one or many of each. */
static void tell_use(const struct broken *b, const char *one, const char *many, struct str *out)
{
	str_addf(out, " %s %s ", json_array_size(b->containers) == 1 ? "uses" : "use",
		 json_array_size(b->values) == 1 ? one : many);
}

static const char *host_ports(const struct pod_security_subject *s, struct str *detail)
{
	struct broken b CLEANUP(broken_release) = find_broken(s, bad_ports);

	if (!any(&b))
		return NULL;
	tell_containers(b.containers, detail);
	tell_use(&b, "hostPort", "hostPorts", detail);
	join(b.values, "", detail);
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
			add_to_set(values, host);
			bad = true;
		}
	return bad;
}

static const char *probe_hosts(const struct pod_security_subject *s, struct str *detail)
{
	struct broken b CLEANUP(broken_release) = find_broken(s, bad_hosts);
	json_t *sorted json_auto = json_array();
	json_t *v;
	size_t i;

	if (!any(&b))
		return NULL;
	json_array_foreach (b.containers, i, v)
		add_to_set(sorted, json_string_value(v));
	tell_containers(sorted, detail);
	tell_use(&b, "probe or lifecycle host", "probe or lifecycle hosts", detail);
	join(b.values, "\"", detail);
	return "probe or lifecycle host";
}

static bool bad_privileged(const json_t *c, json_t *values, const struct pod_security_subject *s)
{
	return json_path_bool(c, "securityContext.privileged", false);
}

static const char *privileged(const struct pod_security_subject *s, struct str *detail)
{
	struct broken b CLEANUP(broken_release) = find_broken(s, bad_privileged);

	if (!any(&b))
		return NULL;
	tell_containers(b.containers, detail);
	str_adds(detail, " must not set securityContext.privileged=true");
	return "privileged";
}

static bool bad_proc_mount(const json_t *c, json_t *values, const struct pod_security_subject *s)
{
	const char *type = json_path_string(c, "securityContext.procMount");

	if (!*type || strcmp(type, "Default") == 0)
		return false;
	add_to_set(values, type);
	return true;
}

static const char *proc_mount_restricted(const struct pod_security_subject *s, struct str *detail)
{
	struct broken b CLEANUP(broken_release) = find_broken(s, bad_proc_mount);

	if (!any(&b))
		return NULL;
	tell_containers(b.containers, detail);
	str_adds(detail, " must not set securityContext.procMount to ");
	join(b.values, "\"", detail);
	return "procMount";
}

static const char *proc_mount(const struct pod_security_subject *s, struct str *detail)
{
	return has_own_users(s) ? NULL : proc_mount_restricted(s, detail);
}

/* What is wrong in SELinux options beside the types, which go to VALUES. */
struct se_linux {
	bool user, role;
};

static bool se_linux_is_bad(const json_t *holder, json_t *values, unsigned minor,
			    struct se_linux *found)
{
	static const char *const allowed[] = {"", "container_t", "container_init_t",
					      "container_kvm_t", "container_engine_t"};
	const json_t *o = json_path(holder, "securityContext.seLinuxOptions");
	size_t n = ARRAY_SIZE(allowed) - (minor < 31);
	const char *type = json_path_string(o, "type");
	bool bad_type = !is_one_of(type, allowed, n);
	bool user = *json_path_string(o, "user"), role = *json_path_string(o, "role");

	if (bad_type)
		add_to_set(values, type);
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
	struct broken b CLEANUP(broken_release) = find_broken(s, bad_se_linux);
	struct se_linux found = {0};
	bool pod = se_linux_is_bad(s->spec, b.values, s->minor, &found);
	const char *separator = "";

	if (!pod && !any(&b))
		return NULL;
	admission_each_container(s->spec, note_se_linux, &found);
	tell_setters(pod, b.containers, detail);
	str_adds(detail, " set forbidden securityContext.seLinuxOptions: ");
	if (json_array_size(b.values)) {
		tell(b.values, "type", "types", detail);
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
	    !has_prefix(value, "localhost/"))
		add_to_set(bad, text);
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
	join(bad, "", detail);
	return "seccompProfile";
}

/* What is set is set to something that is allowed. */
static const char *seccomp_set(const struct pod_security_subject *s, struct str *detail)
{
	struct broken b CLEANUP(broken_release) = find_broken(s, bad_seccomp);
	bool pod = bad_seccomp(s->spec, b.values, s);

	if (!pod && !any(&b))
		return NULL;
	tell_setters(pod, b.containers, detail);
	str_adds(detail, " must not set securityContext.seccompProfile.type to ");
	join(b.values, "\"", detail);
	return "seccompProfile";
}

static const char *seccomp_baseline(const struct pod_security_subject *s, struct str *detail)
{
	return s->minor < 19 ? seccomp_annotations(s, detail) : seccomp_set(s, detail);
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
			add(bad, name);
	}
	if (!json_array_size(bad))
		return NULL;
	join(bad, "", detail);
	return "forbidden sysctls";
}

static bool bad_host_process(const json_t *c, json_t *values, const struct pod_security_subject *s)
{
	return json_path_bool(c, "securityContext.windowsOptions.hostProcess", false);
}

static const char *windows_host_process(const struct pod_security_subject *s, struct str *detail)
{
	struct broken b CLEANUP(broken_release) = find_broken(s, bad_host_process);
	bool pod = bad_host_process(s->spec, b.values, s);

	if (!pod && !any(&b))
		return NULL;
	tell_setters(pod, b.containers, detail);
	str_adds(detail, " must not set securityContext.windowsOptions.hostProcess=true");
	return "hostProcess";
}

/* Restricted. */

static bool may_escalate(const json_t *c, json_t *values, const struct pod_security_subject *s)
{
	return json_path_bool(c, "securityContext.allowPrivilegeEscalation", true);
}

static const char *privilege_escalation(const struct pod_security_subject *s, struct str *detail)
{
	struct broken b CLEANUP(broken_release) = find_broken(s, may_escalate);

	if (is_windows(s) || !any(&b))
		return NULL;
	tell_containers(b.containers, detail);
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
			add_to_set(values, json_string_value(v));
			bad = true;
		}
	return bad;
}

static const char *capabilities_restricted(const struct pod_security_subject *s, struct str *detail)
{
	struct broken kept CLEANUP(broken_release) = find_broken(s, keeps_capabilities);
	struct broken added CLEANUP(broken_release) = find_broken(s, adds_capabilities);

	if (is_windows(s) || (!any(&kept) && !any(&added)))
		return NULL;
	if (any(&kept)) {
		tell_containers(kept.containers, detail);
		str_adds(detail, " must set securityContext.capabilities.drop=[\"ALL\"]");
	}
	if (any(&kept) && any(&added))
		str_adds(detail, "; ");
	if (any(&added))
		tell_added(&added, detail);
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
		add(bad, json_path_string(v, "name"));
		add_to_set(types, source ? source : "unknown");
	}
	if (!any(&b))
		return NULL;
	tell(bad, "volume", "volumes", detail);
	tell_use(&b, "restricted volume type", "restricted volume types", detail);
	join(types, "\"", detail);
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
	struct broken b CLEANUP(broken_release) = find_broken(s, says_root);
	struct broken silent CLEANUP(broken_release) = find_broken(s, says_nothing_of_root);
	bool pod = says_root(s->spec, b.values, s);

	if (has_own_users(s))
		return NULL;
	if (pod || any(&b)) {
		tell_setters(pod, b.containers, detail);
		str_adds(detail, " must not set securityContext.runAsNonRoot=false");
		return reason;
	}
	if (json_path_bool(s->spec, "securityContext.runAsNonRoot", false) || !any(&silent))
		return NULL;
	str_adds(detail, "pod or ");
	tell_containers(silent.containers, detail);
	str_adds(detail, " must set securityContext.runAsNonRoot=true");
	return reason;
}

static bool is_root(const json_t *holder, json_t *values, const struct pod_security_subject *s)
{
	return json_path_int(holder, "securityContext.runAsUser", 1) == 0;
}

static const char *run_as_user(const struct pod_security_subject *s, struct str *detail)
{
	struct broken b CLEANUP(broken_release) = find_broken(s, is_root);
	bool pod = is_root(s->spec, b.values, s);

	if (has_own_users(s) || (!pod && !any(&b)))
		return NULL;
	tell_setters(pod, b.containers, detail);
	str_adds(detail, " must not set runAsUser=0");
	return "runAsUser=0";
}

static bool has_no_seccomp(const json_t *c, json_t *values, const struct pod_security_subject *s)
{
	return !json_path(c, "securityContext.seccompProfile");
}

static const char *seccomp_restricted(const struct pod_security_subject *s, struct str *detail)
{
	struct broken silent CLEANUP(broken_release) = find_broken(s, has_no_seccomp);
	const char *reason = is_windows(s) ? NULL : seccomp_set(s, detail);

	if (reason || is_windows(s) || json_path(s->spec, "securityContext.seccompProfile") ||
	    !any(&silent))
		return reason;
	str_adds(detail, "pod or ");
	tell_containers(silent.containers, detail);
	str_adds(detail, " must set securityContext.seccompProfile.type to \"RuntimeDefault\" or "
			 "\"Localhost\"");
	return "seccompProfile";
}

const struct pod_security_check pod_security_checks[] = {
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
	{"allowPrivilegeEscalation", LEVEL_RESTRICTED, 8, privilege_escalation, NULL},
	{"capabilities_restricted", LEVEL_RESTRICTED, 22, capabilities_restricted,
	 "capabilities_baseline"},
	{"procMount_restricted", LEVEL_RESTRICTED, 35, proc_mount_restricted, "procMount"},
	{"restrictedVolumes", LEVEL_RESTRICTED, 0, restricted_volumes, "hostPathVolumes"},
	{"runAsNonRoot", LEVEL_RESTRICTED, 0, run_as_non_root, NULL},
	{"runAsUser", LEVEL_RESTRICTED, 23, run_as_user, NULL},
	{"seccompProfile_restricted", LEVEL_RESTRICTED, 19, seccomp_restricted,
	 "seccompProfile_baseline"},
	{0},
};

static bool applies(const struct pod_security_check *c, const struct pod_security *p)
{
	return c->level <= p->level && c->since <= p->minor;
}

static bool is_replaced(const struct pod_security_check *c, const struct pod_security *p)
{
	for (const struct pod_security_check *o = pod_security_checks; o->id; o++)
		if (o->instead_of && applies(o, p) && strcmp(o->instead_of, c->id) == 0)
			return true;
	return false;
}

bool pod_security_allows(const struct pod_security *p, const json_t *metadata, const json_t *spec,
			 struct str *reasons, struct str *details)
{
	const struct pod_security_subject s = {metadata, spec, p->minor};
	bool allowed = true;

	for (const struct pod_security_check *c = pod_security_checks; c->id; c++) {
		struct str detail CLEANUP(str_release) = STR_INIT;
		const char *reason;

		if (!applies(c, p) || is_replaced(c, p) || !(reason = c->run(&s, &detail)))
			continue;
		if (reasons)
			str_addf(reasons, "%s%s", allowed ? "" : ", ", reason);
		if (details)
			str_addf(details, "%s%s (%s)", allowed ? "" : ", ", reason, detail.s);
		allowed = false;
	}
	return allowed;
}
