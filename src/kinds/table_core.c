/*
 * Rows of namespaces, nodes, events, and what holds data or bounds in a namespace.
 */
#include "base/vec.h"
#include "kinds/tables.h"
#include "object/json.h"

#include <string.h>

static const struct table_column namespace_columns[] = {
	COLUMN_NAME,
	COLUMN("Status", cell_text, "status.phase", "Whether it lives or goes away"),
	COLUMN_AGE,
};

static json_t *config_count(const json_t *object, const char *path, int64_t now)
{
	return json_integer((json_int_t)(json_object_size(json_path(object, "data")) +
					 json_object_size(json_path(object, "binaryData"))));
}

static const struct table_column configmap_columns[] = {
	COLUMN_NAME,
	COLUMN("Data", config_count, NULL, "How many keys it has"),
	COLUMN_AGE,
};

static const struct table_column secret_columns[] = {
	COLUMN_NAME,
	COLUMN("Type", cell_text, "type", "What its keys are meant for"),
	COLUMN("Data", cell_count, "data", "How many keys it has"),
	COLUMN_AGE,
};

static const struct table_column age_only_columns[] = {COLUMN_NAME, COLUMN_AGE};

static json_t *node_status(const json_t *node, const char *path, int64_t now)
{
	const char *ready = cells_condition(node, "status.conditions", "Ready");
	struct str text CLEANUP(str_release) = STR_INIT;

	str_adds(&text, !*ready ? "Unknown" : strcmp(ready, "True") == 0 ? "Ready" : "NotReady");
	if (json_path_bool(node, "spec.unschedulable", false))
		str_adds(&text, ",SchedulingDisabled");
	return cell_of(&text);
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct roles {
	const char **v;
	size_t n, cap;
};

static json_t *roles_cell(const struct roles *roles)
{
	struct str text CLEANUP(str_release) = STR_INIT;

	for (size_t i = 0; i < roles->n; i++)
		if (!i || strcmp(roles->v[i], roles->v[i - 1]))
			cells_join(&text, ",", roles->v[i]);
	return text.len ? cell_of(&text) : json_string("<none>");
}

/* A role is told by either of two labels. */
static json_t *node_roles(const json_t *node, const char *path, int64_t now)
{
	static const char prefix[] = "node-role.kubernetes.io/";
	struct roles roles = {0};
	const char *key;
	json_t *v, *cell;

	json_object_foreach (json_path(node, "metadata.labels"), key, v) {
		const char *value = json_string_value(v) ?: "";

		if (strncmp(key, prefix, sizeof(prefix) - 1) == 0 && key[sizeof(prefix) - 1])
			vec_push(&roles, key + sizeof(prefix) - 1);
		else if (strcmp(key, "kubernetes.io/role") == 0 && *value)
			vec_push(&roles, value);
	}
	if (roles.n)
		qsort(roles.v, roles.n, sizeof(*roles.v), compare_text);
	cell = roles_cell(&roles);
	vec_release(&roles);
	return cell;
}

/* PATH: the type of address. */
static json_t *node_address(const json_t *node, const char *path, int64_t now)
{
	json_t *a;
	size_t i;

	json_array_foreach (json_path(node, "status.addresses"), i, a)
		if (strcmp(json_path_string(a, "type"), path) == 0)
			return cell_text(a, "address", now);
	return json_string("<none>");
}

/* With the machine's architecture, where it is known. */
static json_t *node_kernel(const json_t *node, const char *path, int64_t now)
{
	const char *kernel = json_path_string(node, "status.nodeInfo.kernelVersion");
	const char *machine = json_path_string(node, "status.nodeInfo.architecture");
	struct str text CLEANUP(str_release) = STR_INIT;

	str_adds(&text, *kernel ? kernel : "<unknown>");
	if (*machine)
		str_addf(&text, " (%s)", machine);
	return cell_of(&text);
}

static const struct table_column node_columns[] = {
	COLUMN_NAME,
	COLUMN("Status", node_status, NULL, "Whether it is ready and takes pods"),
	COLUMN("Roles", node_roles, NULL, "What it is for, by its labels"),
	COLUMN_AGE,
	COLUMN("Version", cell_text, "status.nodeInfo.kubeletVersion", "The version of its agent"),
	COLUMN_WIDE("Internal-IP", node_address, "InternalIP", "Its address inside the cluster"),
	COLUMN_WIDE("External-IP", node_address, "ExternalIP", "Its address outside"),
	COLUMN_WIDE("OS-Image", cell_or_unknown, "status.nodeInfo.osImage", "Its system"),
	COLUMN_WIDE("Kernel-Version", node_kernel, NULL, "Its kernel and architecture"),
	COLUMN_WIDE("Container-Runtime", cell_or_unknown, "status.nodeInfo.containerRuntimeVersion",
		    "What runs its containers"),
};

/* Fields have other names in events.k8s.io: the one of A and B that EVENT has. */
static const char *either(const json_t *event, const char *a, const char *b)
{
	const char *text = json_path_string(event, a);

	return *text ? text : json_path_string(event, b);
}

static const char *present(const json_t *event, const char *a, const char *b, const char *otherwise)
{
	return *json_path_string(event, a) ? a : *json_path_string(event, b) ? b : otherwise;
}

static json_t *event_first(const json_t *event, const char *path, int64_t now)
{
	return cell_age(event,
			present(event, "firstTimestamp", "deprecatedFirstTimestamp", "eventTime"),
			now);
}

static json_t *event_last(const json_t *event, const char *path, int64_t now)
{
	const char *last = present(event, "lastTimestamp", "deprecatedLastTimestamp", NULL);

	if (json_path(event, "series"))
		return cell_age(event, "series.lastObservedTime", now);
	return last ? cell_age(event, last, now) : event_first(event, path, now);
}

static json_t *event_count(const json_t *event, const char *path, int64_t now)
{
	json_int_t count =
		json_path_int(event, "count", json_path_int(event, "deprecatedCount", 0));

	if (json_path(event, "series"))
		return cell_integer(event, "series.count", now);
	return json_integer(count ? count : 1);
}

static json_t *event_object(const json_t *event, const char *path, int64_t now)
{
	const char *name = either(event, "involvedObject.name", "regarding.name");
	struct str text CLEANUP(str_release) = STR_INIT;

	cells_add_lower(&text, either(event, "involvedObject.kind", "regarding.kind"));
	if (*name)
		str_addf(&text, "/%s", name);
	return cell_of(&text);
}

static json_t *event_subobject(const json_t *event, const char *path, int64_t now)
{
	return json_string(either(event, "involvedObject.fieldPath", "regarding.fieldPath"));
}

static json_t *event_source(const json_t *event, const char *path, int64_t now)
{
	const char *component = either(event, "source.component", "deprecatedSource.component");
	const char *host = either(event, "source.host", "deprecatedSource.host");
	struct str text CLEANUP(str_release) = STR_INIT;

	if (!*component)
		component = either(event, "reportingComponent", "reportingController");
	if (!*host)
		host = json_path_string(event, "reportingInstance");
	str_adds(&text, component);
	if (*host)
		str_addf(&text, ", %s", host);
	return cell_of(&text);
}

static json_t *event_message(const json_t *event, const char *path, int64_t now)
{
	static const char white[] = " \t\n\v\f\r";
	const char *text = either(event, "message", "note");
	size_t len;

	text += strspn(text, white);
	for (len = strlen(text); len && strchr(white, text[len - 1]);)
		len--;
	return json_stringn(text, len);
}

static const struct table_column event_columns[] = {
	COLUMN("Last Seen", event_last, NULL, "Time since it last happened"),
	COLUMN("Type", cell_text, "type", "Normal or Warning"),
	COLUMN("Reason", cell_text, "reason", "One word for why"),
	COLUMN("Object", event_object, NULL, "What it is about"),
	COLUMN_WIDE("Subobject", event_subobject, NULL, "The part of that object"),
	COLUMN_WIDE("Source", event_source, NULL, "Who reported it, and where"),
	COLUMN("Message", event_message, NULL, "What happened, for people"),
	COLUMN_WIDE("First Seen", event_first, NULL, "Time since it first happened"),
	COLUMN_WIDE("Count", event_count, NULL, "How often it happened"),
	{"Name", "string", "name", 1, "The event's own name", cell_text, "metadata.name"},
};

/* PATH: "limits" for what counts limits, NULL for the rest. */
static json_t *quota_cell(const json_t *quota, const char *path, int64_t now)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	const json_t *used = json_path(quota, "status.used");
	struct roles names = {0};
	const char *key;
	json_t *v;

	json_object_foreach (json_path(quota, "status.hard"), key, v)
		if ((strncmp(key, "limits.", 7) == 0) == (path != NULL))
			vec_push(&names, key);
	if (names.n)
		qsort(names.v, names.n, sizeof(*names.v), compare_text);
	for (size_t i = 0; i < names.n; i++) {
		const char *n = json_string_value(json_object_get(used, names.v[i]));

		cells_join(&text, ", ", names.v[i]);
		str_addf(&text, ": %s/%s", n ? n : "0",
			 json_string_value(
				 json_object_get(json_path(quota, "status.hard"), names.v[i]))
				 ?: "0");
	}
	vec_release(&names);
	return cell_of(&text);
}

static const struct table_column quota_columns[] = {
	COLUMN_NAME,
	COLUMN("Request", quota_cell, NULL, "What is used of what may be, of requests and counts"),
	COLUMN("Limit", quota_cell, "limits", "What is used of what may be, of limits"),
	COLUMN_AGE,
};

static json_t *component_status(const json_t *object, const char *path, int64_t now)
{
	const char *healthy = cells_condition(object, "conditions", "Healthy");

	return json_string(!*healthy			  ? "Unknown"
			   : strcmp(healthy, "True") == 0 ? "Healthy"
							  : "Unhealthy");
}

/* PATH: a field of the condition that tells of health. */
static json_t *component_text(const json_t *object, const char *path, int64_t now)
{
	json_t *c;
	size_t i;

	json_array_foreach (json_path(object, "conditions"), i, c)
		if (strcmp(json_path_string(c, "type"), "Healthy") == 0)
			return cell_text(c, path, now);
	return json_string("");
}

static const struct table_column component_columns[] = {
	COLUMN_NAME,
	COLUMN("Status", component_status, NULL, "Whether it is healthy"),
	COLUMN("Message", component_text, "message", "What it says of its health"),
	COLUMN("Error", component_text, "error", "Why its health is not known"),
};

const struct kind_table tables_core[] = {
	TABLE("", "Event", event_columns),
	TABLE("", "Node", node_columns),
	TABLE("", "Namespace", namespace_columns),
	TABLE("", "ConfigMap", configmap_columns),
	TABLE("", "Secret", secret_columns),
	TABLE("", "ServiceAccount", age_only_columns),
	TABLE("", "ResourceQuota", quota_columns),
	TABLE("", "ComponentStatus", component_columns),
	TABLE("events.k8s.io", "Event", event_columns),
	TABLE("resource.k8s.io", "DeviceClass", age_only_columns),
	TABLE("resource.k8s.io", "ResourceClaimTemplate", age_only_columns),
	TABLES_END,
};
