/*
 * Security contexts of pods and containers, and what goes with an operating system.
 */
#include "kinds/rules.h"
#include "object/json.h"

#include <string.h>

#define ID_MAX 0x7fffffff

static void check_id(const struct field *f)
{
	if (field_set(f))
		field_in_range(f, 0, ID_MAX);
}

static void check_seccomp(const struct field *f)
{
	static const char *const types[] = {"Localhost", "RuntimeDefault", "Unconfined", NULL};
	const struct field *type = FIELD(f, "type"), *profile = FIELD(f, "localhostProfile");

	if (!field_set(f))
		return;
	if (!*field_text(type))
		field_required(type, "type is required when seccompProfile is set");
	else
		field_one_of(type, types);
	if (field_is(type, "Localhost")) {
		if (field_set(profile))
			rule_relative_path(profile);
		else
			field_required(profile, "must be set when seccomp type is Localhost");
	} else if (field_set(profile)) {
		field_invalid_json(profile, f->value,
				   "can only be set when seccomp type is Localhost");
	}
}

static void check_app_armor_path(const struct field *profile)
{
	static const char missing[] = "must be set when AppArmor type is Localhost";
	const char *s = field_text(profile);
	size_t n = strlen(s);

	if (!field_set(profile) || !n)
		field_required(profile, missing);
	else if (strchr(" \t\n\r\f\v", s[0]) || strchr(" \t\n\r\f\v", s[n - 1]))
		field_invalid(profile, "must not be padded with whitespace");
	if (n > 4095)
		field_too_long(profile, 4095);
}

static void check_app_armor(const struct field *f)
{
	static const char *const types[] = {"Localhost", "RuntimeDefault", "Unconfined", NULL};
	const struct field *type = FIELD(f, "type"), *profile = FIELD(f, "localhostProfile");

	if (!field_set(f))
		return;
	if (field_is(type, "Localhost"))
		check_app_armor_path(profile);
	else if (!*field_text(type))
		field_required(type, "type is required when appArmorProfile is set");
	else if (field_one_of(type, types) && field_set(profile))
		field_invalid(profile, "can only be set when AppArmor type is Localhost");
}

static bool is_netbios(const char *s)
{
	return *s && *s != '.' && strlen(s) <= 15 && !strpbrk(s, "\\/:*?\"<>|");
}

static bool has_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return true;
	return false;
}

/* DOMAIN\USER or USER. */
static const char *windows_user_problem(const char *name)
{
	const char *slash = strchr(name, '\\');
	const char *user = slash ? slash + 1 : name;
	char *domain free_ptr = slash ? xstrndup(name, (size_t)(slash - name)) : NULL;

	if (!*name)
		return "runAsUserName cannot be an empty string";
	if (has_control(name))
		return "runAsUserName cannot contain control characters";
	if (strchr(user, '\\'))
		return "runAsUserName cannot contain more than one backslash";
	if (domain && strlen(domain) >= 256)
		return "runAsUserName's Domain length must be under 256 characters";
	if (domain && !is_netbios(domain) && name_problem(name_dns_subdomain_any, domain))
		return "runAsUserName's Domain doesn't match the NetBios nor the DNS format";
	if (!*user)
		return "runAsUserName's User cannot be empty";
	if (strlen(user) > 104)
		return "runAsUserName's User length must not be longer than 104 characters";
	if (strspn(user, ". ") == strlen(user))
		return "runAsUserName's User cannot contain only periods or spaces";
	if (strpbrk(user, "\"/\\:;|=,+*?<>@[]"))
		return "runAsUserName's User cannot contain the following characters: "
		       "\"/\\:;|=,+*?<>@[]";
	return NULL;
}

static void check_windows(const struct field *f)
{
	const struct field *name = FIELD(f, "gmsaCredentialSpecName");
	const struct field *spec = FIELD(f, "gmsaCredentialSpec");
	const struct field *user = FIELD(f, "runAsUserName");
	const char *why;

	if (!field_set(f))
		return;
	if (field_set(name))
		field_check(name, name_dns_subdomain);
	if (field_set(spec) && !*field_text(spec))
		field_invalid(spec, "gmsaCredentialSpec cannot be an empty string");
	if (strlen(field_text(spec)) > 64 << 10)
		field_invalid(spec, "gmsaCredentialSpec size must be under 64 KiB");
	why = field_set(user) ? windows_user_problem(field_text(user)) : NULL;
	if (why)
		field_invalid(user, why);
}

/* Letters, digits, '-' and '_', alphanumeric at both ends, in parts that '.' or '/' divides. */
static bool is_sysctl(const char *s)
{
	size_t len = strlen(s);

	for (size_t i = 0; i < len; i++) {
		bool alnum = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9');
		bool edge = !i || i + 1 == len || strchr("./", s[i - 1]) || strchr("./", s[i + 1]);

		if (alnum)
			continue;
		if (edge || !strchr("-_./", s[i]))
			return false;
	}
	return len && len <= 253;
}

static bool has_prefix_of(const char *s, const char *const *prefixes)
{
	for (; *prefixes; prefixes++)
		if (str_has_prefix(s, *prefixes))
			return true;
	return false;
}

static void check_sysctls(const struct field *f, const struct field *spec)
{
	static const char *const ipc[] = {"kernel.msg", "kernel.sem", "kernel.shm",
					  "fs.mqueue.", "kernel/msg", "kernel/sem",
					  "kernel/shm", "fs/mqueue/", NULL};
	static const char *const net[] = {"net.", "net/", NULL};
	struct seen seen CLEANUP(seen_release) = SEEN_INIT;

	field_each (f, s) {
		const struct field *name = FIELD(&s, "name");
		const char *text = field_text(name);

		if (!*text)
			field_required(name, NULL);
		else if (!is_sysctl(text))
			field_invalid(name, "must have at most 253 characters and match regex "
					    "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-"
					    "z0-9]*[a-z0-9])?$");
		else if (seen_has(&seen, text))
			field_duplicate(name);
		if (field_bool(FIELD(spec, "hostNetwork")) && has_prefix_of(text, net))
			field_invalid(name, "may not be specified when 'hostNetwork' is true");
		else if (field_bool(FIELD(spec, "hostIPC")) && has_prefix_of(text, ipc))
			field_invalid(name, "may not be specified when 'hostIPC' is true");
		seen_add(&seen, text);
	}
}

static void check_pod_policies(const struct field *f)
{
	static const char *const changes[] = {"Always", "OnRootMismatch", NULL};
	static const char *const groups[] = {"Merge", "Strict", NULL};
	static const char *const selinux[] = {"Recursive", NULL};

	if (field_set(FIELD(f, "fsGroupChangePolicy")))
		field_one_of(FIELD(f, "fsGroupChangePolicy"), changes);
	if (field_set(FIELD(f, "supplementalGroupsPolicy")))
		field_one_of(FIELD(f, "supplementalGroupsPolicy"), groups);
	if (field_set(FIELD(f, "seLinuxChangePolicy")))
		field_one_of(FIELD(f, "seLinuxChangePolicy"), selinux);
}

static void check_pod_context(const struct field *f, const struct field *spec)
{
	const struct field *groups = FIELD(f, "supplementalGroups");

	check_id(FIELD(f, "fsGroup"));
	check_id(FIELD(f, "runAsUser"));
	check_id(FIELD(f, "runAsGroup"));
	field_each (groups, g)
		check_id(&g);
	if (field_bool(FIELD(spec, "hostPID")) && field_bool(FIELD(spec, "shareProcessNamespace")))
		field_invalid_json(FIELD(f, "shareProcessNamespace"),
				   FIELD(spec, "shareProcessNamespace")->value,
				   "ShareProcessNamespace and HostPID cannot both be enabled");
	check_sysctls(FIELD(f, "sysctls"), spec);
	check_seccomp(FIELD(f, "seccompProfile"));
	check_windows(FIELD(f, "windowsOptions"));
	check_app_armor(FIELD(f, "appArmorProfile"));
	check_pod_policies(f);
}

static const char *const container_lists[] = {"initContainers", "containers",
					      "ephemeralContainers"};

/* With users of its own a pod cannot have its node's other namespaces. */
static void check_host_users(const struct field *spec)
{
	static const char why[] = "when `hostUsers` is false";

	if (!json_is_false(json_object_get(spec->value, "hostUsers")))
		return;
	if (field_bool(FIELD(spec, "hostNetwork")))
		field_forbidden(FIELD(spec, "hostNetwork"), why);
	if (field_bool(FIELD(spec, "hostPID")))
		field_forbidden(FIELD(spec, "HostPID"), why);
	if (field_bool(FIELD(spec, "hostIPC")))
		field_forbidden(FIELD(spec, "HostIPC"), why);
	for (size_t i = 0; i < ARRAY_SIZE(container_lists); i++) {
		const struct field *list = FIELD(spec, container_lists[i]);

		field_each (list, c)
			if (field_size(FIELD(&c, "volumeDevices")))
				field_forbidden(FIELD(&c, "volumeDevices"), why);
	}
}

static void check_host_process(const struct field *spec)
{
	static const char path[] = "securityContext.windowsOptions.hostProcess";
	const struct field *of_pod = FIELD(spec, path);
	size_t all = 0, host = 0;

	for (size_t i = 0; i < ARRAY_SIZE(container_lists); i++) {
		const struct field *list = FIELD(spec, container_lists[i]);

		field_each (list, c) {
			const struct field *own = FIELD(&c, path);

			all++;
			host += field_bool(field_set(own) ? own : of_pod);
			if (field_set(own) && field_set(of_pod) &&
			    field_bool(own) != field_bool(of_pod))
				field_invalid(own, "pod hostProcess value must be identical if "
						   "both are specified");
		}
	}
	if (!host)
		return;
	if (host != all)
		field_invalid_text(spec, "",
				   "If pod contains any hostProcess containers then all containers "
				   "must be HostProcess containers");
	if (!field_bool(FIELD(spec, "hostNetwork"))) {
		json_t *no = json_false();

		field_invalid_json(FIELD(spec, "hostNetwork"), no,
				   "hostNetwork must be true if pod contains any hostProcess "
				   "containers");
	}
}

void rule_pod_security(const struct field *spec)
{
	const struct field *f = FIELD(spec, "securityContext");

	check_pod_context(f, spec);
	check_host_process(spec);
	check_host_users(spec);
}

static bool adds_sys_admin(const struct field *f)
{
	const struct field *add = FIELD(f, "capabilities.add");

	field_each (add, capability)
		if (field_is(&capability, "CAP_SYS_ADMIN"))
			return true;
	return false;
}

static void check_proc_mount(const struct field *f, bool host_users)
{
	static const char *const types[] = {"Default", "Unmasked", NULL};

	if (!field_set(f))
		return;
	field_one_of(f, types);
	if (host_users && field_is(f, "Unmasked"))
		field_invalid(f, "`hostUsers` must be false to use `Unmasked`");
}

void rule_container_security(const struct field *f, bool host_users)
{
	if (!field_set(f))
		return;
	check_id(FIELD(f, "runAsUser"));
	check_id(FIELD(f, "runAsGroup"));
	check_proc_mount(FIELD(f, "procMount"), host_users);
	check_seccomp(FIELD(f, "seccompProfile"));
	if (json_is_false(json_object_get(f->value, "allowPrivilegeEscalation"))) {
		if (field_bool(FIELD(f, "privileged")))
			field_invalid(f, "cannot set `allowPrivilegeEscalation` to false and "
					 "`privileged` to true");
		if (adds_sys_admin(f))
			field_invalid(f, "cannot set `allowPrivilegeEscalation` to false and "
					 "`capabilities.Add` CAP_SYS_ADMIN");
	}
	check_windows(FIELD(f, "windowsOptions"));
	check_app_armor(FIELD(f, "appArmorProfile"));
}

static void forbid_set(const struct field *f, const char *const *members, const char *why)
{
	for (; *members; members++) {
		const struct field *m = FIELD(f, *members);

		if (field_set(m) && !(json_is_array(m->value) && !field_size(m)))
			field_forbidden(m, why);
	}
}

static void forbid_in_contexts(const struct field *spec, const char *const *of_pod,
			       const char *const *of_container, const char *why)
{
	forbid_set(FIELD(spec, "securityContext"), of_pod, why);
	for (size_t i = 0; i < ARRAY_SIZE(container_lists); i++) {
		const struct field *list = FIELD(spec, container_lists[i]);

		field_each (list, c)
			forbid_set(FIELD(&c, "securityContext"), of_container, why);
	}
}

void rule_pod_os(const struct field *spec)
{
	static const char *const systems[] = {"linux", "windows", NULL};
	static const char *const windows[] = {"windowsOptions", NULL};
	static const char *const of_pod[] = {"appArmorProfile",	    "seLinuxOptions",
					     "seccompProfile",	    "fsGroup",
					     "fsGroupChangePolicy", "sysctls",
					     "runAsUser",	    "runAsGroup",
					     "supplementalGroups",  "supplementalGroupsPolicy",
					     "seLinuxChangePolicy", NULL};
	static const char *const of_container[] = {"appArmorProfile",
						   "seLinuxOptions",
						   "seccompProfile",
						   "capabilities",
						   "readOnlyRootFilesystem",
						   "privileged",
						   "allowPrivilegeEscalation",
						   "procMount",
						   "runAsUser",
						   "runAsGroup",
						   NULL};
	static const char *const of_spec[] = {"hostUsers", "shareProcessNamespace", NULL};
	static const char no_windows[] = "cannot be set for a windows pod";
	const struct field *os = FIELD(spec, "os"), *name = FIELD(os, "name");

	if (!field_set(os) || !field_require(name))
		return;
	if (!text_is_one_of(field_text(name), systems)) {
		field_not_supported_text(os, field_text(name), systems);
	} else if (field_is(name, "linux")) {
		forbid_in_contexts(spec, windows, windows,
				   "windows options cannot be set for a linux pod");
	} else {
		forbid_in_contexts(spec, of_pod, of_container, no_windows);
		forbid_set(spec, of_spec, no_windows);
		if (field_bool(FIELD(spec, "hostPID")))
			field_forbidden(FIELD(spec, "hostPID"), no_windows);
		if (field_bool(FIELD(spec, "hostIPC")))
			field_forbidden(FIELD(spec, "hostIPC"), no_windows);
	}
}
