/*
 * A pod's life, one step a sync. All that is known of it stands in its status, so a sync needs
 * nothing from the one before and a new process goes on where the old one ended.
 */
#include "node/agent.h"

#include "node/container.h"
#include "object/json.h"
#include "object/time.h"

#include <string.h>

static char *assign_address(struct nodes *n, const struct node *node, const char *key)
{
	char *address = NULL;

	pthread_mutex_lock(&n->lock);
	if (map_get(n->address_of, key))
		address = xstrdup(map_get(n->address_of, key));
	for (unsigned host = 2; !address && host < 255; host++) {
		char *tried = xasprintf("10.244.%u.%u", node->number, host);

		if (map_get(n->pod_at, tried)) {
			free(tried);
			continue;
		}
		map_put(n->pod_at, tried, n);
		free(map_put(n->address_of, key, xstrdup(tried)));
		address = tried;
	}
	pthread_mutex_unlock(&n->lock);
	return address;
}

static void release_address(struct nodes *n, const char *key)
{
	char *address;

	pthread_mutex_lock(&n->lock);
	address = map_del(n->address_of, key);
	if (address)
		map_del(n->pod_at, address);
	free(address);
	pthread_mutex_unlock(&n->lock);
}

void pod_addresses_load(struct nodes *n)
{
	struct object_list pods CLEANUP(object_list_release) = {0};

	informer_list(controller_informer(n->controller, "", "pods"), "", &pods);
	for (size_t k = 0; k < pods.n; k++) {
		char *address = object_string(pods.v[k], "status.podIP");
		char *node free_ptr = object_string(pods.v[k], "spec.nodeName");
		char *key free_ptr = xasprintf("%s/%s", pods.v[k]->namespace, pods.v[k]->name);

		if (!address || !node || !nodes_find(n, node)) {
			free(address);
			continue;
		}
		map_put(n->pod_at, address, n);
		free(map_put(n->address_of, key, address));
	}
}

static void set_string(json_t *tree, const char *key, const char *value)
{
	json_object_set_new(tree, key, json_string(value));
}

static bool set_addresses(struct pass *p, const char *key)
{
	bool host = json_path_bool(p->spec, "hostNetwork", false);
	char *address free_ptr = NULL;

	if (!json_object_get(p->status, "startTime"))
		set_string(p->status, "startTime", p->now_text);
	set_string(p->status, "hostIP", p->node->address);
	json_object_set_new(p->status, "hostIPs", json_pack("[{s:s}]", "ip", p->node->address));
	if (json_object_get(p->status, "podIP"))
		return true;
	address = host ? xstrdup(p->node->address) : assign_address(p->nodes, p->node, key);
	if (!address)
		return false;
	set_string(p->status, "podIP", address);
	json_object_set_new(p->status, "podIPs", json_pack("[{s:s}]", "ip", address));
	return true;
}

static void set_condition(struct pass *p, const char *type, bool holds, const char *reason,
			  const char *message)
{
	json_t *list = json_object_get(p->status, "conditions"), *c, *found = NULL;
	const char *status = holds ? "True" : "False";
	size_t k;

	if (!list) {
		list = json_array();
		json_object_set_new(p->status, "conditions", list);
	}
	json_array_foreach (list, k, c)
		if (str_equal(json_path_string(c, "type"), type))
			found = c;
	if (!found) {
		found = json_pack("{s:s}", "type", type);
		json_array_append_new(list, found);
	}
	if (!str_equal(json_path_string(found, "status"), status)) {
		set_string(found, "status", status);
		set_string(found, "lastTransitionTime", p->now_text);
	}
	json_object_del(found, "reason");
	json_object_del(found, "message");
	if (!holds && reason) {
		set_string(found, "reason", reason);
		set_string(found, "message", message);
	}
}

static void add_unready(struct str *names, json_t *statuses)
{
	json_t *status;
	size_t k;

	json_array_foreach (statuses, k, status)
		if (!json_path_bool(status, "ready", false))
			str_addf(names, "%s%s", names->len ? " " : "",
				 json_path_string(status, "name"));
}

static void set_conditions(struct pass *p, bool initialized)
{
	struct str names CLEANUP(str_release) = STR_INIT;
	char *message free_ptr = NULL;
	const char *reason = "ContainersNotReady";

	add_unready(&names, json_object_get(p->status, "containerStatuses"));
	message = xasprintf("containers with unready status: [%s]", names.s);
	if (p->phase && !strcmp(p->phase, "Succeeded"))
		reason = "PodCompleted";
	set_condition(p, "PodReadyToStartContainers", true, NULL, NULL);
	set_condition(p, "Initialized", initialized, "ContainersNotInitialized",
		      "containers with incomplete status");
	set_condition(p, "ContainersReady", !names.len, reason, message);
	set_condition(p, "Ready", !names.len, reason, message);
	set_condition(p, "PodScheduled", true, NULL, NULL);
}

static int write_status(struct pass *p, struct error **err)
{
	struct informer *i = controller_informer(p->nodes->controller, "", "pods");
	struct object *out CLEANUP(object_unref_cleanup) = NULL;

	if (json_equal(json_object_get(p->tree, "status"), p->status))
		return 0;
	json_object_set(p->tree, "status", p->status);
	if (cluster_update_tree(informers_cluster(p->nodes->informers),
				controller_call(p->nodes->controller), informer_resource(i),
				"status", p->tree, NULL, &out, err) < 0)
		return -1;
	informer_observe(i, out);
	return 0;
}

static int end_pod(struct pass *p, struct error **err)
{
	struct delete_options opt = {.grace_period_s = 0, .uid = p->pod->uid};
	struct informer *i = controller_informer(p->nodes->controller, "", "pods");
	struct error *why = NULL;
	bool gone = false;

	if (containers_stop(p)) {
		set_conditions(p, true);
		if (write_status(p, err) < 0)
			return -1;
	}
	if (cluster_delete(informers_cluster(p->nodes->informers),
			   controller_call(p->nodes->controller), informer_resource(i),
			   p->pod->namespace, p->pod->name, &opt, NULL, &gone, &why) < 0) {
		if (why->code != E_NOT_FOUND && why->code != E_CONFLICT)
			return error_move(err, why);
		error_free(why);
	} else if (gone) {
		informer_observe_deleted(i, p->pod->namespace, p->pod->name, p->pod->uid);
	}
	return 0;
}

static int live(struct pass *p, const char *key, struct error **err)
{
	bool initialized;

	if (!set_addresses(p, key))
		return error_set(err, E_UNAVAILABLE, "no address is left on %s", p->node->name);
	initialized = containers_advance(p);
	if (p->phase)
		set_string(p->status, "phase", p->phase);
	set_conditions(p, initialized);
	if (write_status(p, err) < 0)
		return -1;
	if (p->wake != CLOCK_NEVER)
		controller_enqueue_at(p->nodes->controller, p->pod->namespace, p->pod->name,
				      p->begun + (p->wake - p->now));
	return 0;
}

static bool is_over(const json_t *status)
{
	const char *phase = json_path_string(status, "phase");

	return phase && (!strcmp(phase, "Succeeded") || !strcmp(phase, "Failed"));
}

static int run_pass(struct nodes *n, struct node *node, struct object *pod, const char *key,
		    struct error **err)
{
	json_t *tree json_auto = object_tree(pod);
	json_t *status json_auto = NULL;
	struct pass p = {.nodes = n,
			 .node = node,
			 .pod = pod,
			 .tree = tree,
			 .spec = json_object_get(tree, "spec"),
			 .begun = clock_mono(n->clock),
			 .wake = CLOCK_NEVER};

	p.now = clock_wall(n->clock);
	time_format(p.now, p.now_text);
	status = json_object_get(tree, "status") ? json_deep_copy(json_object_get(tree, "status"))
						 : json_object();
	p.status = status;
	if (*pod->deletion_timestamp)
		return end_pod(&p, err);
	return is_over(status) ? 0 : live(&p, key, err);
}

int pod_sync(struct nodes *n, const char *namespace, const char *name, struct error **err)
{
	struct object *pod CLEANUP(object_unref_cleanup) =
		informer_get(controller_informer(n->controller, "", "pods"), namespace, name);
	char *key free_ptr = xasprintf("%s/%s", namespace, name);
	char *on free_ptr = pod ? object_string(pod, "spec.nodeName") : NULL;
	struct node *node = on ? nodes_find(n, on) : NULL;
	struct error *why = NULL;

	if (!pod)
		release_address(n, key);
	if (!node || run_pass(n, node, pod, key, &why) == 0)
		return 0;
	/* It went away while we worked on it. */
	if (why->code != E_NOT_FOUND)
		return error_move(err, why);
	error_free(why);
	return 0;
}
