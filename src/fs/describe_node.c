/* Nodes, with what the pods on them have asked for. */
#include "fs/describe.h"

#include "kinds/pod_resources.h"
#include "object/json.h"
#include "object/quantity.h"
#include "object/time.h"

#define ROLE_LABEL "node-role.kubernetes.io/"

static void roles(struct describe *d)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	const char *key;
	json_t *value;

	json_object_foreach (json_path(d->object, "metadata.labels"), key, value) {
		if (str_has_prefix(key, ROLE_LABEL) && key[strlen(ROLE_LABEL)])
			str_addf(&text, "%s%s", text.len ? "," : "", key + strlen(ROLE_LABEL));
	}
	describe_line(d, 0, "Roles:\t%s", text.len ? text.s : "<none>");
}

static void taints(struct describe *d)
{
	json_t *list = json_path(d->object, "spec.taints"), *t;
	size_t i;

	json_array_foreach (list, i, t) {
		const char *value = json_path_string(t, "value");

		describe_line(d, 0, "%s\t%s%s%s:%s", i ? "" : "Taints:", json_path_string(t, "key"),
			      *value ? "=" : "", value, json_path_string(t, "effect"));
	}
	if (!json_array_size(list))
		describe_line(d, 0, "Taints:\t<none>");
}

static void lease(struct describe *d)
{
	char *which free_ptr =
		xasprintf("metadata.name=%s", json_path_string(d->object, "metadata.name"));
	json_t *leases json_auto =
		describe_related(d, "coordination.k8s.io", "leases", "kube-node-lease", which);
	const json_t *l = json_array_get(leases, 0);
	struct str when CLEANUP(str_release) = STR_INIT;
	const char *holder = json_path_string(l, "spec.holderIdentity");

	describe_line(d, 0, "Lease:");
	describe_line(d, 1, "HolderIdentity:\t%s", *holder ? holder : "<unset>");
	describe_line(d, 1, "AcquireTime:\t<unset>");
	describe_time(json_path_string(l, "spec.renewTime"), &when);
	describe_line(d, 1, "RenewTime:\t%s", when.len ? when.s : "<unset>");
}

static void amounts(struct describe *d, const char *name, const char *path)
{
	json_t *value;
	const char *key;

	describe_line(d, 0, "%s:", name);
	json_object_foreach (json_path(d->object, path), key, value) {
		struct str text CLEANUP(str_release) = STR_INIT;

		describe_value(value, &text);
		describe_line(d, 1, "%s:\t%s", key, text.s);
	}
}

static void addresses(struct describe *d)
{
	json_t *a;
	size_t i;

	describe_line(d, 0, "Addresses:");
	json_array_foreach (json_path(d->object, "status.addresses"), i, a)
		describe_line(d, 1, "%s:\t%s", json_path_string(a, "type"),
			      json_path_string(a, "address"));
}

static void system_info(struct describe *d)
{
	static const char *const lines[][2] = {
		{"Machine ID", "machineID"},
		{"System UUID", "systemUUID"},
		{"Boot ID", "bootID"},
		{"Kernel Version", "kernelVersion"},
		{"OS Image", "osImage"},
		{"Operating System", "operatingSystem"},
		{"Architecture", "architecture"},
		{"Container Runtime Version", "containerRuntimeVersion"},
		{"Kubelet Version", "kubeletVersion"},
		{"Kube-Proxy Version", "kubeProxyVersion"},
	};

	describe_line(d, 0, "System Info:");
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		char *path free_ptr = xasprintf("status.nodeInfo.%s", lines[i][1]);

		describe_text(d, 1, lines[i][0], path, "");
	}
	if (json_path(d->object, "spec.podCIDR"))
		describe_text(d, 0, "PodCIDR", "spec.podCIDR", "");
	if (json_path(d->object, "spec.podCIDRs"))
		describe_text(d, 0, "PodCIDRs", "spec.podCIDRs[0]", "");
	if (*json_path_string(d->object, "spec.providerID"))
		describe_text(d, 0, "ProviderID", "spec.providerID", "");
}

static struct quantity amount_of(const json_t *map, const char *name)
{
	struct quantity q = {0};
	struct str text CLEANUP(str_release) = STR_INIT;

	describe_value(json_object_get(map, name), &text);
	if (text.len && quantity_parse(text.s, &q, NULL) < 0)
		return (struct quantity){0};
	return q;
}

/* "250m (12%)" of what the node has to give. */
static void add_share(struct str *out, const struct quantity *q, const struct quantity *whole)
{
	char text[QUANTITY_TEXT];
	intmax_t percent = 0;

	if (whole->nano > 0)
		percent = (intmax_t)(q->nano * 100 / whole->nano);
	str_addf(out, "\t%s (%jd%%)", quantity_format(q, text), percent);
}

struct totals {
	struct describe *d;
	const json_t *allocatable;
	json_t *requests, *limits; /* resource -> quantity text, of all pods */
};

static void add_amounts(json_t *sum, const json_t *map)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)map, key, value) {
		struct quantity a = amount_of(sum, key), b = amount_of(map, key);
		char text[QUANTITY_TEXT];

		if (a.nano == 0)
			a.format = b.format;
		quantity_add(&a, &b);
		json_object_set_new(sum, key, json_string(quantity_format(&a, text)));
	}
}

static void pod_row(struct totals *t, const json_t *pod)
{
	static const char *const names[] = {"cpu", "memory"};
	json_t *requests json_auto = pod_requests_with_overhead(json_object_get(pod, "spec"));
	json_t *limits json_auto = pod_limits_with_overhead(json_object_get(pod, "spec"));
	struct str line CLEANUP(str_release) = STR_INIT;
	char age[TIME_TEXT];
	int64_t made = t->d->now;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct quantity whole = amount_of(t->allocatable, names[i]);
		struct quantity r = amount_of(requests, names[i]);
		struct quantity l = amount_of(limits, names[i]);

		add_share(&line, &r, &whole);
		add_share(&line, &l, &whole);
	}
	time_parse(json_path_string(pod, "metadata.creationTimestamp"), &made);
	describe_line(t->d, 1, "%s\t%s\t%s\t%s", json_path_string(pod, "metadata.namespace"),
		      json_path_string(pod, "metadata.name"), line.s + 1,
		      time_human_duration(t->d->now - made, age));
	add_amounts(t->requests, requests);
	add_amounts(t->limits, limits);
}

static void allocated(struct totals *t)
{
	static const char *const first[] = {"cpu", "memory", "ephemeral-storage"};
	struct describe *d = t->d;

	describe_line(d, 0, "Allocated resources:");
	describe_line(d, 1, "(Total limits may be over 100 percent, i.e., overcommitted.)");
	describe_line(d, 1, "Resource\tRequests\tLimits");
	describe_line(d, 1, "--------\t--------\t------");
	for (size_t i = 0; i < ARRAY_SIZE(first); i++) {
		struct str line CLEANUP(str_release) = STR_INIT;
		struct quantity whole = amount_of(t->allocatable, first[i]);
		struct quantity r = amount_of(t->requests, first[i]);
		struct quantity l = amount_of(t->limits, first[i]);

		add_share(&line, &r, &whole);
		add_share(&line, &l, &whole);
		describe_line(d, 1, "%s%s", first[i], line.s);
	}
}

static void pods(struct describe *d)
{
	char *which free_ptr =
		xasprintf("spec.nodeName=%s,status.phase!=Failed,status.phase!=Succeeded",
			  json_path_string(d->object, "metadata.name"));
	json_t *list json_auto = describe_related(d, "", "pods", "", which);
	json_t *requests json_auto = json_object(), *limits json_auto = json_object(), *pod;
	struct totals t = {d, json_path(d->object, "status.allocatable"), requests, limits};
	size_t i;

	if (!t.allocatable)
		t.allocatable = json_path(d->object, "status.capacity");
	describe_line(d, 0, "Non-terminated Pods:\t(%zu in total)", json_array_size(list));
	describe_line(d, 1,
		      "Namespace\tName\tCPU Requests\tCPU Limits\tMemory Requests\tMemory "
		      "Limits\tAge");
	describe_line(d, 1,
		      "---------\t----\t------------\t----------\t---------------\t-------------"
		      "\t---");
	json_array_foreach (list, i, pod)
		pod_row(&t, pod);
	allocated(&t);
}

void describe_node(struct describe *d)
{
	static const char *const columns[][2] = {{"Type", "type"},
						 {"Status", "status"},
						 {"LastHeartbeatTime", "lastHeartbeatTime"},
						 {"LastTransitionTime", "lastTransitionTime"},
						 {"Reason", "reason"},
						 {"Message", "message"},
						 {0}};
	struct str created CLEANUP(str_release) = STR_INIT;

	describe_text(d, 0, "Name", "metadata.name", "");
	roles(d);
	describe_labels(d);
	describe_annotations(d);
	describe_time(json_path_string(d->object, "metadata.creationTimestamp"), &created);
	describe_line(d, 0, "CreationTimestamp:\t%s", created.s);
	taints(d);
	describe_text(d, 0, "Unschedulable", "spec.unschedulable", "false");
	lease(d);
	describe_conditions(d, columns, "status.conditions");
	addresses(d);
	amounts(d, "Capacity", "status.capacity");
	amounts(d, "Allocatable", "status.allocatable");
	system_info(d);
	pods(d);
}
