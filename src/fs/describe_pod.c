/* Pods, and the templates of pods. */
#include "fs/describe.h"

#include "object/json.h"

/* "a b" of a list, one a line. */
static void words(struct describe *d, int level, const char *name, const json_t *list)
{
	json_t *word;
	size_t i;

	if (!json_array_size(list))
		return;
	describe_line(d, level, "%s:", name);
	json_array_foreach (list, i, word) {
		struct str text CLEANUP(str_release) = STR_INIT;

		describe_value(word, &text);
		describe_line(d, level + 1, "%s", text.s);
	}
}

static void amounts(struct describe *d, int level, const char *name, const json_t *map)
{
	const char *key;
	json_t *value;

	if (!json_object_size(map))
		return;
	describe_line(d, level, "%s:", name);
	json_object_foreach ((json_t *)map, key, value) {
		struct str text CLEANUP(str_release) = STR_INIT;

		describe_value(value, &text);
		describe_line(d, level + 1, "%s:\t%s", key, text.s);
	}
}

static void ports(struct describe *d, int level, const json_t *container, const char *member,
		  const char *one, const char *many)
{
	json_t *list = json_object_get(container, "ports"), *port;
	struct str text CLEANUP(str_release) = STR_INIT;
	size_t i;

	json_array_foreach (list, i, port) {
		const char *protocol = json_path_string(port, "protocol");

		str_addf(&text, "%s%jd/%s", i ? ", " : "", (intmax_t)json_path_int(port, member, 0),
			 *protocol ? protocol : "TCP");
		if (*json_path_string(port, "name"))
			str_addf(&text, " (%s)", json_path_string(port, "name"));
	}
	describe_line(d, level, "%s:\t%s", i > 1 ? many : one, text.len ? text.s : "<none>");
}

static void state_time(struct describe *d, int level, const char *name, const json_t *state,
		       const char *member)
{
	struct str text CLEANUP(str_release) = STR_INIT;

	describe_time(json_path_string(state, member), &text);
	describe_line(d, level, "%s:\t%s", name, text.s);
}

static void reason(struct describe *d, int level, const json_t *state)
{
	struct str text CLEANUP(str_release) = STR_INIT;

	if (*json_path_string(state, "reason"))
		describe_line(d, level, "Reason:\t%s", json_path_string(state, "reason"));
	describe_value(json_object_get(state, "message"), &text);
	if (text.len)
		describe_line(d, level, "Message:\t%s", text.s);
}

static void state(struct describe *d, int level, const char *name, const json_t *s)
{
	const json_t *running = json_object_get(s, "running");
	const json_t *waiting = json_object_get(s, "waiting");
	const json_t *terminated = json_object_get(s, "terminated");

	if (running) {
		describe_line(d, level, "%s:\tRunning", name);
		state_time(d, level + 1, "Started", running, "startedAt");
	} else if (terminated) {
		describe_line(d, level, "%s:\tTerminated", name);
		reason(d, level + 1, terminated);
		describe_line(d, level + 1, "Exit Code:\t%jd",
			      (intmax_t)json_path_int(terminated, "exitCode", 0));
		state_time(d, level + 1, "Started", terminated, "startedAt");
		state_time(d, level + 1, "Finished", terminated, "finishedAt");
	} else {
		describe_line(d, level, "%s:\tWaiting", name);
		reason(d, level + 1, waiting);
	}
}

static void probe_action(const json_t *probe, struct str *out)
{
	const json_t *http = json_object_get(probe, "httpGet");
	const json_t *tcp = json_object_get(probe, "tcpSocket");
	const json_t *grpc = json_object_get(probe, "grpc");

	if (http) {
		struct str port CLEANUP(str_release) = STR_INIT;
		const char *scheme = json_path_string(http, "scheme");

		describe_value(json_object_get(http, "port"), &port);
		str_addf(out, "http-get %s://%s:%s%s", strcmp(scheme, "HTTPS") ? "http" : "https",
			 json_path_string(http, "host"), port.s, json_path_string(http, "path"));
	} else if (tcp) {
		str_adds(out, "tcp-socket :");
		describe_value(json_object_get(tcp, "port"), out);
	} else if (grpc) {
		str_addf(out, "grpc <pod>:%jd %s", (intmax_t)json_path_int(grpc, "port", 0),
			 json_path_string(grpc, "service"));
	} else {
		str_adds(out, "exec ");
		describe_value(json_path(probe, "exec.command"), out);
	}
}

static void probe(struct describe *d, int level, const char *name, const json_t *p)
{
	struct str text CLEANUP(str_release) = STR_INIT;

	if (!p)
		return;
	probe_action(p, &text);
	describe_line(d, level,
		      "%s:\t%s delay=%jds timeout=%jds period=%jds #success=%jd #failure=%jd", name,
		      text.s, (intmax_t)json_path_int(p, "initialDelaySeconds", 0),
		      (intmax_t)json_path_int(p, "timeoutSeconds", 1),
		      (intmax_t)json_path_int(p, "periodSeconds", 10),
		      (intmax_t)json_path_int(p, "successThreshold", 1),
		      (intmax_t)json_path_int(p, "failureThreshold", 3));
}

/* Where a value of the environment comes from, when it is not in the text. */
static void variable_source(const json_t *from, struct str *out)
{
	static const struct {
		const char *member, *name, *what;
	} keys[] = {{"secretKeyRef", "name", "in secret"},
		    {"configMapKeyRef", "name", "of config map"}};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const json_t *ref = json_object_get(from, keys[i].member);

		if (ref)
			str_addf(out, "<set to the key '%s' %s '%s'>\tOptional: %s",
				 json_path_string(ref, "key"), keys[i].what,
				 json_path_string(ref, keys[i].name),
				 json_path_bool(ref, "optional", false) ? "true" : "false");
	}
	if (json_object_get(from, "fieldRef"))
		str_addf(out, " (%s:%s)", json_path_string(from, "fieldRef.apiVersion"),
			 json_path_string(from, "fieldRef.fieldPath"));
	if (json_object_get(from, "resourceFieldRef"))
		str_addf(out, " (%s)", json_path_string(from, "resourceFieldRef.resource"));
}

static void environment(struct describe *d, int level, const json_t *container)
{
	json_t *list = json_object_get(container, "env"), *from, *v;
	size_t i;

	from = json_object_get(container, "envFrom");
	if (json_array_size(from)) {
		describe_line(d, level, "Environment Variables from:");
		json_array_foreach (from, i, v) {
			bool secret = json_object_get(v, "secretRef") != NULL;

			describe_line(d, level + 1, "%s\t%s\tOptional: %s",
				      json_path_string(v, secret ? "secretRef.name"
								 : "configMapRef.name"),
				      secret ? "Secret" : "ConfigMap",
				      json_path_bool(v,
						     secret ? "secretRef.optional"
							    : "configMapRef.optional",
						     false)
					      ? "true"
					      : "false");
		}
	}
	describe_line(d, level, json_array_size(list) ? "Environment:%s" : "Environment:\t<none>%s",
		      "");
	json_array_foreach (list, i, v) {
		struct str text CLEANUP(str_release) = STR_INIT;

		describe_value(json_object_get(v, "value"), &text);
		variable_source(json_object_get(v, "valueFrom"), &text);
		describe_line(d, level + 1, "%s:\t%s", json_path_string(v, "name"), text.s);
	}
}

static void mounts(struct describe *d, int level, const json_t *container)
{
	json_t *list = json_object_get(container, "volumeMounts"), *m;
	size_t i;

	if (!json_array_size(list))
		describe_line(d, level, "Mounts:\t<none>");
	else
		describe_line(d, level, "Mounts:");
	json_array_foreach (list, i, m) {
		const char *sub = json_path_string(m, "subPath");

		describe_line(d, level + 1, "%s from %s (%s%s%s)", json_path_string(m, "mountPath"),
			      json_path_string(m, "name"),
			      json_path_bool(m, "readOnly", false) ? "ro" : "rw",
			      *sub ? ",path=" : "", *sub ? sub : "");
	}
}

static const json_t *status_of(const json_t *statuses, const char *name)
{
	json_t *s;
	size_t i;

	json_array_foreach (statuses, i, s) {
		if (strcmp(json_path_string(s, "name"), name) == 0)
			return s;
	}
	return NULL;
}

static void container_status(struct describe *d, int level, const json_t *s)
{
	state(d, level, "State", json_object_get(s, "state"));
	if (json_object_size(json_object_get(s, "lastState")))
		state(d, level, "Last State", json_object_get(s, "lastState"));
	describe_line(d, level, "Ready:\t%s", json_path_bool(s, "ready", false) ? "True" : "False");
	describe_line(d, level, "Restart Count:\t%jd",
		      (intmax_t)json_path_int(s, "restartCount", 0));
}

/* In a template the name stands one space further in, what is below it does not. */
static void container(struct describe *d, const char *indent, const json_t *c, const json_t *status)
{
	const int level = 2;

	describe_line(d, 1, "%s%s:", indent, json_path_string(c, "name"));
	if (status)
		describe_line(d, level, "Container ID:\t%s",
			      json_path_string(status, "containerID"));
	describe_line(d, level, "Image:\t%s", json_path_string(c, "image"));
	if (status)
		describe_line(d, level, "Image ID:\t%s", json_path_string(status, "imageID"));
	ports(d, level, c, "containerPort", "Port", "Ports");
	ports(d, level, c, "hostPort", "Host Port", "Host Ports");
	words(d, level, "Command", json_object_get(c, "command"));
	words(d, level, "Args", json_object_get(c, "args"));
	if (status)
		container_status(d, level, status);
	amounts(d, level, "Limits", json_path(c, "resources.limits"));
	amounts(d, level, "Requests", json_path(c, "resources.requests"));
	probe(d, level, "Liveness", json_object_get(c, "livenessProbe"));
	probe(d, level, "Readiness", json_object_get(c, "readinessProbe"));
	probe(d, level, "Startup", json_object_get(c, "startupProbe"));
	environment(d, level, c);
	mounts(d, level, c);
}

static void containers(struct describe *d, int level, const char *name, const json_t *list,
		       const json_t *statuses)
{
	json_t *c;
	size_t i;

	if (!json_array_size(list))
		return;
	describe_line(d, level, "%s:", name);
	json_array_foreach (list, i, c)
		container(d, level ? " " : "", c, status_of(statuses, json_path_string(c, "name")));
}

/* What a volume is, in kubectl's words, and which members of its source are told. */
static const struct {
	const char *member, *type;
	const char *fields[5][2];
} volumes[] = {
	{"hostPath",
	 "HostPath (bare host directory volume)",
	 {{"Path", "path"}, {"HostPathType", "type"}}},
	{"emptyDir",
	 "EmptyDir (a temporary directory that shares a pod's lifetime)",
	 {{"Medium", "medium"}, {"SizeLimit", "sizeLimit"}}},
	{"configMap",
	 "ConfigMap (a volume populated by a ConfigMap)",
	 {{"Name", "name"}, {"Optional", "optional"}}},
	{"secret",
	 "Secret (a volume populated by a Secret)",
	 {{"SecretName", "secretName"}, {"Optional", "optional"}}},
	{"persistentVolumeClaim",
	 "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)",
	 {{"ClaimName", "claimName"}, {"ReadOnly", "readOnly"}}},
	{"nfs",
	 "NFS (an NFS mount that lasts the lifetime of a pod)",
	 {{"Server", "server"}, {"Path", "path"}, {"ReadOnly", "readOnly"}}},
	{"csi",
	 "CSI (a Container Storage Interface (CSI) volume source)",
	 {{"Driver", "driver"}, {"FSType", "fsType"}, {"ReadOnly", "readOnly"}}},
	{"image",
	 "Image (a container image or OCI artifact)",
	 {{"Reference", "reference"}, {"PullPolicy", "pullPolicy"}}},
	{"downwardAPI", "DownwardAPI (a volume populated by information about the pod)", {{0}}},
	{"ephemeral",
	 "EphemeralVolume (an inline specification for a volume that gets created and deleted with "
	 "the pod)",
	 {{0}}},
	{"projected",
	 "Projected (a volume that contains injected data from multiple sources)",
	 {{0}}},
};

static void projected_sources(struct describe *d, int level, const json_t *source)
{
	json_t *s;
	size_t i;

	json_array_foreach (json_object_get(source, "sources"), i, s) {
		if (json_object_get(s, "serviceAccountToken"))
			describe_line(d, level, "TokenExpirationSeconds:\t%jd",
				      (intmax_t)json_path_int(
					      s, "serviceAccountToken.expirationSeconds", 3600));
		if (json_object_get(s, "configMap")) {
			describe_line(d, level, "ConfigMapName:\t%s",
				      json_path_string(s, "configMap.name"));
			describe_line(d, level, "Optional:\t%s",
				      json_path_bool(s, "configMap.optional", false) ? "true"
										     : "false");
		}
		if (json_object_get(s, "secret"))
			describe_line(d, level, "SecretName:\t%s",
				      json_path_string(s, "secret.name"));
		if (json_object_get(s, "downwardAPI"))
			describe_line(d, level, "DownwardAPI:\ttrue");
	}
}

static void volume(struct describe *d, const char *indent, const json_t *v)
{
	const int level = 2;
	const json_t *source = NULL;
	size_t i;

	describe_line(d, 1, "%s%s:", indent, json_path_string(v, "name"));
	for (i = 0; i < ARRAY_SIZE(volumes) && !source; i++)
		source = json_object_get(v, volumes[i].member);
	if (!source) {
		describe_line(d, level, "<unknown>");
		return;
	}
	i--;
	describe_line(d, level, "Type:\t%s", volumes[i].type);
	for (size_t k = 0; k < 5 && volumes[i].fields[k][0]; k++) {
		const char *name = volumes[i].fields[k][0];
		struct str text CLEANUP(str_release) = STR_INIT;

		describe_value(json_object_get(source, volumes[i].fields[k][1]), &text);
		if (!text.len && strcmp(name, "SizeLimit") == 0)
			str_adds(&text, "<unset>");
		if (!text.len && (strcmp(name, "Optional") == 0 || strcmp(name, "ReadOnly") == 0))
			str_adds(&text, "false");
		describe_line(d, level, "%s:\t%s", name, text.s);
	}
	projected_sources(d, level, source);
}

static void toleration(const json_t *t, struct str *out)
{
	const char *effect = json_path_string(t, "effect");
	const char *value = json_path_string(t, "value");
	const json_t *seconds = json_object_get(t, "tolerationSeconds");

	str_adds(out, json_path_string(t, "key"));
	if (*value)
		str_addf(out, "=%s", value);
	if (*effect)
		str_addf(out, ":%s", effect);
	if (strcmp(json_path_string(t, "operator"), "Exists") == 0 && !*value)
		str_adds(out, *json_path_string(t, "key") || *effect ? " op=Exists" : "op=Exists");
	if (seconds)
		str_addf(out, " for %jds", (intmax_t)json_integer_value(seconds));
}

static void tolerations(struct describe *d, int level, const json_t *list)
{
	json_t *t;
	size_t i;

	json_array_foreach (list, i, t) {
		struct str text CLEANUP(str_release) = STR_INIT;

		toleration(t, &text);
		describe_line(d, level, "%s\t%s", i ? "" : "Tolerations:", text.s);
	}
	if (!json_array_size(list))
		describe_line(d, level, "Tolerations:\t<none>");
}

static void volumes_of(struct describe *d, int level, const json_t *spec)
{
	json_t *list = json_object_get(spec, "volumes"), *v;
	size_t i;

	if (!json_array_size(list)) {
		describe_line(d, level, "Volumes:\t<none>");
		return;
	}
	describe_line(d, level, "Volumes:");
	json_array_foreach (list, i, v)
		volume(d, level ? " " : "", v);
}

void describe_pod_spec(struct describe *d, int level, const json_t *spec, const json_t *status)
{
	containers(d, level, "Init Containers", json_object_get(spec, "initContainers"),
		   json_object_get(status, "initContainerStatuses"));
	containers(d, level, "Containers", json_object_get(spec, "containers"),
		   json_object_get(status, "containerStatuses"));
	containers(d, level, "Ephemeral Containers", json_object_get(spec, "ephemeralContainers"),
		   json_object_get(status, "ephemeralContainerStatuses"));
}

void describe_template(struct describe *d, const json_t *template)
{
	const json_t *spec = json_object_get(template, "spec");

	describe_line(d, 0, "Pod Template:");
	describe_map(d, 1, "Labels", json_path(template, "metadata.labels"), "=");
	if (json_object_size(json_path(template, "metadata.annotations")))
		describe_map(d, 1, "Annotations", json_path(template, "metadata.annotations"),
			     ": ");
	if (*json_path_string(spec, "serviceAccountName"))
		describe_line(d, 1, "Service Account:\t%s",
			      json_path_string(spec, "serviceAccountName"));
	describe_pod_spec(d, 1, spec, NULL);
	volumes_of(d, 1, spec);
	if (*json_path_string(spec, "priorityClassName"))
		describe_line(d, 1, "Priority Class Name:\t%s",
			      json_path_string(spec, "priorityClassName"));
	describe_map(d, 1, "Node-Selectors", json_object_get(spec, "nodeSelector"), "=");
	tolerations(d, 1, json_object_get(spec, "tolerations"));
}

static void pod_where(struct describe *d)
{
	const char *node = json_path_string(d->object, "spec.nodeName");
	const char *ip = json_path_string(d->object, "status.hostIP");
	struct str started CLEANUP(str_release) = STR_INIT;

	describe_text(d, 0, "Name", "metadata.name", "");
	describe_text(d, 0, "Namespace", "metadata.namespace", "");
	describe_text(d, 0, "Priority", "spec.priority", "0");
	if (*json_path_string(d->object, "spec.priorityClassName"))
		describe_text(d, 0, "Priority Class Name", "spec.priorityClassName", "");
	if (*json_path_string(d->object, "spec.runtimeClassName"))
		describe_text(d, 0, "Runtime Class Name", "spec.runtimeClassName", "");
	if (*json_path_string(d->object, "spec.serviceAccountName"))
		describe_text(d, 0, "Service Account", "spec.serviceAccountName", "");
	describe_line(d, 0, *node ? "Node:\t%s%s%s" : "Node:\t<none>%s%s%s", node, *node ? "/" : "",
		      *node ? ip : "");
	describe_time(json_path_string(d->object, "status.startTime"), &started);
	if (started.len)
		describe_line(d, 0, "Start Time:\t%s", started.s);
}

static void pod_addresses(struct describe *d)
{
	json_t *list = json_path(d->object, "status.podIPs"), *ip;
	size_t i;

	describe_text(d, 0, "IP", "status.podIP", "");
	describe_line(d, 0, json_array_size(list) ? "IPs:%s" : "IPs:\t<none>%s", "");
	json_array_foreach (list, i, ip)
		describe_line(d, 1, "IP:\t%s", json_path_string(ip, "ip"));
}

static void pod_conditions(struct describe *d)
{
	json_t *list = json_path(d->object, "status.conditions"), *c;
	size_t i;

	if (!json_array_size(list))
		return;
	describe_line(d, 0, "Conditions:");
	describe_line(d, 1, "Type\tStatus");
	json_array_foreach (list, i, c)
		describe_line(d, 1, "%s \t%s ", json_path_string(c, "type"),
			      json_path_string(c, "status"));
}

void describe_pod(struct describe *d)
{
	const json_t *spec = json_object_get(d->object, "spec");

	pod_where(d);
	describe_labels(d);
	describe_annotations(d);
	if (*json_path_string(d->object, "metadata.deletionTimestamp"))
		describe_line(d, 0, "Status:\tTerminating");
	else
		describe_text(d, 0, "Status", "status.phase", "");
	if (*json_path_string(d->object, "status.reason"))
		describe_text(d, 0, "Reason", "status.reason", "");
	if (*json_path_string(d->object, "status.message"))
		describe_text(d, 0, "Message", "status.message", "");
	pod_addresses(d);
	describe_controller(d);
	describe_pod_spec(d, 0, spec, json_object_get(d->object, "status"));
	pod_conditions(d);
	volumes_of(d, 0, spec);
	describe_text(d, 0, "QoS Class", "status.qosClass", "");
	describe_map(d, 0, "Node-Selectors", json_object_get(spec, "nodeSelector"), "=");
	tolerations(d, 0, json_object_get(spec, "tolerations"));
}
