/* The Node object, its conditions and its Lease. */
#include "node/agent.h"

#include "object/json.h"
#include "object/time.h"

#include <string.h>
#include <sys/utsname.h>

#define LEASE_NAMESPACE "kube-node-lease"
#define LEASE_EVERY_NS (10 * NS_PER_S)
#define LEASE_DURATION_S 40
#define STATUS_EVERY_NS (300 * NS_PER_S)
#define CPUS "16"
#define MEMORY "64Gi"
#define PODS "250"

char *node_address(unsigned number)
{
	return xasprintf("192.168.244.%u", number);
}

static const char *machine(void)
{
#if defined(__aarch64__)
	return "arm64";
#elif defined(__x86_64__)
	return "amd64";
#else
	return "unknown";
#endif
}

static json_t *node_tree(const struct nodes *n, const struct node *node)
{
	char *cidr free_ptr = xasprintf("10.244.%u.0/24", node->number);

	return json_pack("{s:s, s:s, s:{s:s, s:{s:s, s:s, s:s, s:s}, s:{s:s}}, s:{s:s, s:[s]}}",
			 "apiVersion", "v1", "kind", "Node", "metadata", "name", node->name,
			 "labels", "kubernetes.io/hostname", node->name, "kubernetes.io/os",
			 "linux", "kubernetes.io/arch", machine(), "node.kubefs.io/engine",
			 n->engine->name, "annotations", "node.kubefs.io/runtime",
			 n->engine->runtime_version, "spec", "podCIDR", cidr, "podCIDRs", cidr);
}

static json_t *condition(const char *type, const char *status, const char *reason,
			 const char *message, const json_t *before, const char *now)
{
	json_t *old = NULL, *c;
	const char *since = now;
	size_t k;

	json_array_foreach (before, k, c)
		if (str_equal(json_path_string(c, "type"), type) &&
		    str_equal(json_path_string(c, "status"), status))
			old = c;
	if (old && json_path_string(old, "lastTransitionTime"))
		since = json_path_string(old, "lastTransitionTime");
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "type", type, "status", status, "reason",
			 reason, "message", message, "lastHeartbeatTime", now, "lastTransitionTime",
			 since);
}

static json_t *conditions(const json_t *before, const char *now)
{
	return json_pack("[o, o, o, o]",
			 condition("MemoryPressure", "False", "KubeletHasSufficientMemory",
				   "kubelet has sufficient memory available", before, now),
			 condition("DiskPressure", "False", "KubeletHasNoDiskPressure",
				   "kubelet has no disk pressure", before, now),
			 condition("PIDPressure", "False", "KubeletHasSufficientPID",
				   "kubelet has sufficient PID available", before, now),
			 condition("Ready", "True", "KubeletReady",
				   "kubelet is posting ready status", before, now));
}

static json_t *resources(void)
{
	return json_pack("{s:s, s:s, s:s}", "cpu", CPUS, "memory", MEMORY, "pods", PODS);
}

/* An API server asks kubelet at the node's name first, where it has one: nobody resolves ours. */
static json_t *addresses(const struct nodes *n, const struct node *node)
{
	json_t *list = json_pack("[{s:s, s:s}]", "type", "InternalIP", "address", node->address);

	if (!n->kubelet_port)
		json_array_append_new(
			list, json_pack("{s:s, s:s}", "type", "Hostname", "address", node->name));
	return list;
}

static json_t *status_tree(const struct nodes *n, const struct node *node, const json_t *before)
{
	struct utsname u;
	char now[TIME_TEXT];

	uname(&u);
	time_format(clock_wall(n->clock), now);
	return json_pack("{s:o, s:o, s:o, s:o, s:{s:{s:i}}, s:{s:s, s:s, s:s, s:s, "
			 "s:s, s:s, s:s, s:s, s:s, s:s}}",
			 "capacity", resources(), "allocatable", resources(), "addresses",
			 addresses(n, node), "conditions",
			 conditions(json_object_get(before, "conditions"), now), "daemonEndpoints",
			 "kubeletEndpoint", "Port", n->kubelet_port, "nodeInfo", "machineID", "",
			 "systemUUID", "", "bootID", "", "kernelVersion", u.release, "osImage",
			 "kubefs simulated node", "containerRuntimeVersion",
			 n->engine->runtime_version, "kubeletVersion", "v1.36.0",
			 "kubeProxyVersion", "", "operatingSystem", "linux", "architecture",
			 machine());
}

static int create_node(struct nodes *n, struct node *node, struct object **out, struct error **err)
{
	struct informer *i = controller_informer(n->controller, "", "nodes");
	json_t *tree json_auto = node_tree(n, node);
	struct error *why = NULL;

	if (cluster_create_tree(informers_cluster(n->informers), controller_call(n->controller),
				informer_resource(i), "", tree, NULL, out, &why) < 0) {
		if (why->code != E_EXISTS)
			return error_move(err, why);
		error_free(why);
		if (cluster_get(informers_cluster(n->informers), controller_call(n->controller),
				informer_resource(i), "", node->name, out, err) < 0)
			return -1;
	} else {
		recorder_event(node->recorder, *out, EVENT_NORMAL, "RegisteredNode",
			       "Node %s is registered (engine %s)", node->name, n->engine->name);
	}
	informer_observe(i, *out);
	return 0;
}

static int write_status(struct nodes *n, struct node *node, const struct object *o,
			struct error **err)
{
	struct informer *i = controller_informer(n->controller, "", "nodes");
	json_t *tree json_auto = object_tree(o);
	struct object *out CLEANUP(object_unref_cleanup) = NULL;
	json_t *before = json_object_get(tree, "status"), *status;

	status = status_tree(n, node, before);
	json_object_update_missing(status, before);
	json_object_set_new(tree, "status", status);
	if (cluster_update_tree(informers_cluster(n->informers), controller_call(n->controller),
				informer_resource(i), "status", tree, NULL, &out, err) < 0)
		return -1;
	informer_observe(i, out);
	node->status_due = clock_mono(n->clock) + STATUS_EVERY_NS;
	return 0;
}

static const struct resource *resource_of(struct nodes *n, const char *group, const char *plural,
					  struct catalog **catalog, struct error **err)
{
	const struct resource *r;

	*catalog = cluster_catalog(informers_cluster(n->informers), controller_call(n->controller),
				   err);
	r = *catalog ? catalog_find(*catalog, group, NULL, plural) : NULL;
	if (*catalog && !r)
		error_set(err, E_NOT_FOUND, "the cluster serves no %s", plural);
	return r;
}

static int create_lease_namespace(struct nodes *n, struct error **err)
{
	struct catalog *catalog CLEANUP(catalog_unref_cleanup) = NULL;
	const struct resource *r = resource_of(n, "", "namespaces", &catalog, err);
	json_t *tree json_auto = json_pack("{s:s, s:s, s:{s:s}}", "apiVersion", "v1", "kind",
					   "Namespace", "metadata", "name", LEASE_NAMESPACE);
	struct error *why = NULL;

	if (!r)
		return -1;
	if (cluster_create_tree(informers_cluster(n->informers), controller_call(n->controller), r,
				"", tree, NULL, NULL, &why) == 0)
		return 0;
	if (why->code != E_EXISTS)
		return error_move(err, why);
	error_free(why);
	return 0;
}

static int create_lease(struct nodes *n, const struct node *node, const struct object *o,
			const struct resource *leases, const char *now, struct error **err)
{
	json_t *tree json_auto = json_pack(
		"{s:s, s:s, s:{s:s, s:s, s:[{s:s, s:s, s:s, s:s}]}, s:{s:s, s:i, s:s}}",
		"apiVersion", leases->api_version, "kind", "Lease", "metadata", "name", node->name,
		"namespace", LEASE_NAMESPACE, "ownerReferences", "apiVersion", "v1", "kind", "Node",
		"name", node->name, "uid", o->uid, "spec", "holderIdentity", node->name,
		"leaseDurationSeconds", LEASE_DURATION_S, "renewTime", now);
	struct error *why = NULL;

	if (cluster_create_tree(informers_cluster(n->informers), controller_call(n->controller),
				leases, LEASE_NAMESPACE, tree, NULL, NULL, &why) == 0)
		return 0;
	if (why->code != E_NOT_FOUND)
		return error_move(err, why);
	error_free(why);
	if (create_lease_namespace(n, err) < 0)
		return -1;
	return cluster_create_tree(informers_cluster(n->informers), controller_call(n->controller),
				   leases, LEASE_NAMESPACE, tree, NULL, NULL, err);
}

static int renew_lease(struct nodes *n, struct node *node, const struct object *o,
		       struct error **err)
{
	struct catalog *catalog CLEANUP(catalog_unref_cleanup) = NULL;
	const struct resource *leases =
		resource_of(n, "coordination.k8s.io", "leases", &catalog, err);
	json_t *patch json_auto = NULL;
	struct error *why = NULL;
	char now[TIME_TEXT];

	if (!leases)
		return -1;
	time_format_micro(clock_wall(n->clock), now);
	patch = json_pack("{s:{s:s, s:s, s:i}}", "spec", "renewTime", now, "holderIdentity",
			  node->name, "leaseDurationSeconds", LEASE_DURATION_S);
	if (cluster_patch_tree(informers_cluster(n->informers), controller_call(n->controller),
			       leases, LEASE_NAMESPACE, node->name, NULL, PATCH_MERGE, patch, NULL,
			       NULL, &why) < 0) {
		if (why->code != E_NOT_FOUND)
			return error_move(err, why);
		error_free(why);
		if (create_lease(n, node, o, leases, now, err) < 0)
			return -1;
	}
	node->lease_due = clock_mono(n->clock) + LEASE_EVERY_NS;
	return 0;
}

static bool is_ready(const struct object *o)
{
	struct span list = object_find(o, "status.conditions");
	json_t *all json_auto = list.p ? json_read(list.p, list.len, NULL) : NULL;
	json_t *c;
	size_t k;

	json_array_foreach (all, k, c)
		if (str_equal(json_path_string(c, "type"), "Ready"))
			return str_equal(json_path_string(c, "status"), "True");
	return false;
}

int node_sync(struct nodes *n, struct node *node, struct error **err)
{
	struct object *o CLEANUP(object_unref_cleanup) =
		informer_get(controller_informer(n->controller, "", "nodes"), "", node->name);
	int64_t now = clock_mono(n->clock);

	if (!o && create_node(n, node, &o, err) < 0)
		return -1;
	if ((now >= node->status_due || !is_ready(o)) && write_status(n, node, o, err) < 0)
		return -1;
	if (now >= node->lease_due && renew_lease(n, node, o, err) < 0)
		return -1;
	controller_enqueue_at(n->controller, "", node->name, node->lease_due);
	return 0;
}
