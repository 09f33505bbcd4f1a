/*
 * Containers of a pod: the usual ones, those that run first, those that come later.
 */
#include "kinds/rules.h"
#include "object/json.h"

#include <string.h>

/* What the checks of one container know of its pod. */
struct pod_context {
	const struct field *spec;
	struct map *volumes;
	bool host_users;
};

const char *const pull_policies[] = {"Always", "IfNotPresent", "Never", NULL};

static void check_ports(const struct field *ports)
{
	struct seen names CLEANUP(seen_release) = SEEN_INIT;

	field_each (ports, p) {
		const struct field *name = FIELD(&p, "name"), *port = FIELD(&p, "containerPort");
		const struct field *host = FIELD(&p, "hostPort");

		if (*field_text(name)) {
			if (name_problem(name_port, field_text(name)))
				field_check(name, name_port);
			else if (seen_add(&names, field_text(name)))
				field_duplicate(name);
		}
		if (field_int(port))
			rule_port(port);
		else
			field_required(port, NULL);
		if (field_int(host))
			rule_port(host);
		field_one_of_required(FIELD(&p, "protocol"), port_protocols);
	}
}

/* Of one container alone, or of all that run side by side. */
static void check_host_ports(const struct field *container, struct seen *used)
{
	const struct field *ports = FIELD(container, "ports");

	field_each (ports, p) {
		json_int_t port = json_path_int(p.value, "hostPort", 0);
		char *key free_ptr = NULL;

		if (!port)
			continue;
		key = xasprintf("%s/%s/%lld", json_path_string(p.value, "protocol"),
				json_path_string(p.value, "hostIP"), (long long)port);
		if (seen_add(used, key))
			field_duplicate_text(FIELD(&p, "hostPort"), key);
	}
}

static bool has(const struct field *list, const char *member, const char *text)
{
	field_each (list, item)
		if (strcmp(json_path_string(item.value, member), text) == 0)
			return true;
	return false;
}

static void check_propagation(const struct field *mount, const struct field *told_at,
			      const struct field *container)
{
	static const char *const valid[] = {"Bidirectional", "HostToContainer", "None", NULL};
	struct field f = *FIELD(mount, "mountPropagation");

	if (!field_set(&f))
		return;
	f.up = told_at;
	field_one_of(&f, valid);
	if (field_is(&f, "Bidirectional") &&
	    !field_bool(FIELD(container, "securityContext.privileged")))
		field_forbidden(&f, "Bidirectional mount propagation is available only to "
				    "privileged containers");
}

static void check_recursive(const struct field *mount, const struct field *told_at)
{
	static const char *const valid[] = {"Disabled", "Enabled", "IfPossible", NULL};
	const struct field *propagation = FIELD(mount, "mountPropagation");
	struct field f = *FIELD(mount, "recursiveReadOnly");

	f.up = told_at;
	if (!field_set(&f) || !field_one_of(&f, valid) || field_is(&f, "Disabled"))
		return;
	if (!field_bool(FIELD(mount, "readOnly")))
		field_forbidden(&f, "may only be specified when readOnly is true");
	if (field_set(propagation) && !field_is(propagation, "None"))
		field_forbidden(&f, "may only be specified when mountPropagation is None or not "
				    "specified");
}

/* Complaints about these are made at the list, as the server does. */
static void check_sub_paths(const struct field *mount, const struct field *told_at)
{
	struct field path = *FIELD(mount, "subPath"), expr = *FIELD(mount, "subPathExpr");

	if (*field_text(&path) && *field_text(&expr))
		field_invalid(&expr, "subPathExpr and subPath are mutually exclusive");
	path.up = expr.up = told_at;
	if (*field_text(&path))
		rule_relative_path(&path);
	if (*field_text(&expr))
		rule_relative_path(&expr);
}

static void check_mounts(const struct field *container, const struct pod_context *pod)
{
	const struct field *mounts = FIELD(container, "volumeMounts");
	const struct field *devices = FIELD(container, "volumeDevices");
	struct seen paths CLEANUP(seen_release) = SEEN_INIT;

	field_each (mounts, m) {
		const struct field *name = FIELD(&m, "name"), *path = FIELD(&m, "mountPath");

		field_require(name);
		if (!map_get(pod->volumes, field_text(name)))
			field_not_found(name, field_text(name));
		field_require(path);
		if (seen_add(&paths, field_text(path)))
			field_invalid_text(path, field_text(path), "must be unique");
		if (field_size(devices) && has(devices, "name", field_text(name)))
			field_invalid(name, "must not already exist in volumeDevices");
		if (field_size(devices) && has(devices, "devicePath", field_text(path)))
			field_invalid(path, "must not already exist as a path in volumeDevices");
		check_sub_paths(&m, mounts);
		check_propagation(&m, mounts, container);
		check_recursive(&m, mounts);
	}
}

static void check_device_name(const struct field *name, const struct field *mounts,
			      const struct pod_context *pod, struct seen *names)
{
	const char *text = field_text(name);
	const json_t *volume = map_get(pod->volumes, text);

	field_require(name);
	if (*text && seen_add(names, text))
		field_invalid(name, "must be unique");
	if (!volume)
		field_not_found(name, text);
	else if (!json_object_get(volume, "persistentVolumeClaim") &&
		 !json_object_get(volume, "ephemeral"))
		field_invalid(name, "can only use volume source type of PersistentVolumeClaim or "
				    "Ephemeral for block mode");
	if (has(mounts, "name", text))
		field_invalid(name, "must not already exist in volumeMounts");
}

static void check_devices(const struct field *container, const struct pod_context *pod)
{
	const struct field *devices = FIELD(container, "volumeDevices");
	const struct field *mounts = FIELD(container, "volumeMounts");
	struct seen names CLEANUP(seen_release) = SEEN_INIT;
	struct seen paths CLEANUP(seen_release) = SEEN_INIT;

	field_each (devices, d) {
		const struct field *path = FIELD(&d, "devicePath");

		check_device_name(FIELD(&d, "name"), mounts, pod, &names);
		field_require(path);
		if (seen_add(&paths, field_text(path)))
			field_invalid_text(path, field_text(path), "must be unique");
		rule_no_backsteps(path);
		if (has(mounts, "mountPath", field_text(path)))
			field_invalid(path, "must not already exist as a path in volumeMounts");
	}
}

static void check_resize_policies(const struct field *f, const struct field *spec)
{
	static const char *const resources[] = {"cpu", "memory", NULL};
	static const char *const policies[] = {"NotRequired", "RestartContainer", NULL};
	bool never = field_is(FIELD(spec, "restartPolicy"), "Never");
	struct seen seen CLEANUP(seen_release) = SEEN_INIT;

	field_each (f, p) {
		const char *resource = json_path_string(p.value, "resourceName");
		const char *policy = json_path_string(p.value, "restartPolicy");

		if (seen_add(&seen, resource))
			field_duplicate_text(&p, resource);
		if (!*resource || !*policy)
			field_required(f, NULL);
		if (*resource && !text_is_one_of(resource, resources))
			field_not_supported_text(f, resource, resources);
		if (*policy && !text_is_one_of(policy, policies))
			field_not_supported_text(f, policy, policies);
		if (never && strcmp(policy, "NotRequired"))
			field_invalid_text(f, policy,
					   "must be 'NotRequired' when pod "
					   "`restartPolicy` is 'Never'");
	}
}

static void check_restart_rules(const struct field *container)
{
	static const char *const actions[] = {"Restart", "RestartAllContainers", NULL};
	static const char *const operators[] = {"In", "NotIn", NULL};
	const struct field *rules = FIELD(container, "restartPolicyRules");

	if (field_size(rules) > 20)
		field_too_many(rules, field_size(rules), 20);
	field_each (rules, r) {
		const struct field *codes = FIELD(&r, "exitCodes");

		field_one_of(FIELD(&r, "action"), actions);
		if (!field_set(codes)) {
			field_required(codes, "must be specified");
			continue;
		}
		field_one_of(FIELD(codes, "operator"), operators);
		if (field_size(FIELD(codes, "values")) > 255)
			field_too_many(FIELD(codes, "values"), field_size(FIELD(codes, "values")),
				       255);
	}
}

/* INIT: of a container that runs before others, whose rules without a policy are not looked at. */
static void check_restart_policy(const struct field *container, bool init)
{
	static const char *const policies[] = {"Always", "Never", "OnFailure", NULL};
	const struct field *policy = FIELD(container, "restartPolicy");

	if (field_set(policy))
		field_one_of(policy, policies);
	else if (field_size(FIELD(container, "restartPolicyRules")))
		field_required(policy, "must specify restartPolicy when restart rules are used");
	if (field_set(policy) || !init)
		check_restart_rules(container);
}

static void check_common(const struct field *c, const struct pod_context *pod)
{
	static const char *const message_policies[] = {"File", "FallbackToLogsOnError", NULL};

	field_check_required(FIELD(c, "name"), name_dns_label);
	field_require(FIELD(c, "image"));
	field_one_of_required(FIELD(c, "terminationMessagePolicy"), message_policies);
	check_ports(FIELD(c, "ports"));
	rule_env(FIELD(c, "env"));
	rule_env_from(FIELD(c, "envFrom"));
	check_mounts(c, pod);
	check_devices(c, pod);
	field_one_of_required(FIELD(c, "imagePullPolicy"), pull_policies);
	rule_resource_requirements(FIELD(c, "resources"), FIELD(pod->spec, "resourceClaims"),
				   false);
	check_resize_policies(FIELD(c, "resizePolicy"), pod->spec);
	rule_container_security(FIELD(c, "securityContext"), pod->host_users);
}

static void check_usual(const struct field *list, const struct pod_context *pod, struct seen *names)
{
	struct seen ports CLEANUP(seen_release) = SEEN_INIT;

	if (!field_size(list))
		field_required(list, NULL);
	field_each (list, c) {
		const struct field *name = FIELD(&c, "name");

		check_common(&c, pod);
		if (seen_add(names, field_text(name)))
			field_duplicate_text(name, field_text(name));
		rule_lifecycle(FIELD(&c, "lifecycle"), pod->spec);
		rule_probes(&c);
		check_restart_policy(&c, false);
		check_host_ports(&c, &ports);
	}
}

bool container_restarts_always(const json_t *container)
{
	return strcmp(json_path_string(container, "restartPolicy"), "Always") == 0;
}

/* What only a container that stays can have. */
static void check_not_staying(const struct field *c)
{
	static const char *const members[] = {"lifecycle", "livenessProbe", "readinessProbe",
					      "startupProbe"};
	const struct field *policies = FIELD(c, "resizePolicy");

	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (field_set(FIELD(c, members[i])))
			field_forbidden(FIELD(c, members[i]), "may not be set for init containers "
							      "without restartPolicy=Always");
	field_each (policies, p)
		if (field_is(FIELD(&p, "restartPolicy"), "RestartContainer"))
			field_invalid(FIELD(&p, "restartPolicy"),
				      "must not be set to 'RestartContainer' for non-sidecar "
				      "initContainers");
}

static void check_init(const struct field *list, const struct pod_context *pod, struct seen *names)
{
	field_each (list, c) {
		struct seen ports CLEANUP(seen_release) = SEEN_INIT;
		const struct field *name = FIELD(&c, "name");
		struct field alone = *FIELD_INDEX(list, 0);

		check_common(&c, pod);
		check_restart_policy(&c, true);
		if (seen_has(names, field_text(name)))
			field_duplicate_text(name, field_text(name));
		else if (*field_text(name))
			seen_add(names, field_text(name));
		/* An API server asks each alone, and tells of the first of a list. */
		alone.value = c.value;
		check_host_ports(&alone, &ports);
		if (container_restarts_always(c.value)) {
			rule_lifecycle(FIELD(&c, "lifecycle"), pod->spec);
			rule_probes(&c);
		} else {
			check_not_staying(&c);
		}
	}
}

static void check_ephemeral_mounts(const struct field *c)
{
	static const char why[] = "cannot be set for an Ephemeral Container";
	const struct field *mounts = FIELD(c, "volumeMounts");

	field_each (mounts, m) {
		if (*field_text(FIELD(&m, "subPath")))
			field_forbidden(FIELD(&m, "subPath"), why);
		if (*field_text(FIELD(&m, "subPathExpr")))
			field_forbidden(FIELD(&m, "subPathExpr"), why);
	}
}

static void check_ephemeral(const struct field *list, const struct pod_context *pod,
			    struct seen *names)
{
	static const char *const not_here[] = {
		"ports",     "resources",     "livenessProbe", "readinessProbe",    "startupProbe",
		"lifecycle", "restartPolicy", "resizePolicy",  "restartPolicyRules"};

	field_each (list, c) {
		const struct field *name = FIELD(&c, "name");
		const struct field *target = FIELD(&c, "targetContainerName");

		check_common(&c, pod);
		rule_container_image(&c);
		if (*field_text(target) &&
		    !has(FIELD(pod->spec, "containers"), "name", field_text(target)) &&
		    !has(FIELD(pod->spec, "initContainers"), "name", field_text(target)))
			field_not_found(target, field_text(target));
		if (seen_add(names, field_text(name)))
			field_duplicate_text(name, field_text(name));
		for (size_t i = 0; i < ARRAY_SIZE(not_here); i++) {
			const struct field *f = FIELD(&c, not_here[i]);

			if (field_set(f) && !(json_is_object(f->value) && !field_size(f)))
				field_forbidden(f, "cannot be set for an Ephemeral Container");
		}
		check_ephemeral_mounts(&c);
	}
}

void rule_containers(const struct field *spec, struct map *volumes)
{
	struct seen names CLEANUP(seen_release) = SEEN_INIT;
	struct pod_context pod = {
		.spec = spec,
		.volumes = volumes,
		.host_users = !json_is_false(json_object_get(spec->value, "hostUsers")),
	};

	check_usual(FIELD(spec, "containers"), &pod, &names);
	check_init(FIELD(spec, "initContainers"), &pod, &names);
	check_ephemeral(FIELD(spec, "ephemeralContainers"), &pod, &names);
}

void rule_container_image(const struct field *container)
{
	const struct field *image = FIELD(container, "image");
	const char *s = field_text(image);
	size_t n = strlen(s);

	if (n && (strchr(" \t\n\r\f\v", s[0]) || strchr(" \t\n\r\f\v", s[n - 1])))
		field_invalid(image, "must not have leading or trailing whitespace");
}
