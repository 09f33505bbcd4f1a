#include "node/nodes.h"

#include "node/agent.h"

#include <string.h>

struct node *nodes_find(struct nodes *n, const char *name)
{
	for (size_t k = 0; k < n->n; k++)
		if (!strcmp(n->v[k].name, name))
			return &n->v[k];
	return NULL;
}

static struct nodes *nodes_of(struct controller *c)
{
	return controller_state(c);
}

static void map_pod(struct controller *c, struct object *old, struct object *new_)
{
	struct object *o = new_ ? new_ : old;

	controller_enqueue(c, o->namespace, o->name);
	streams_wake(nodes_of(c));
}

static void wake_readers(struct controller *c, const struct object *o, bool secret)
{
	char *key free_ptr = config_key(secret, o->namespace, o->name);
	struct object_list pods CLEANUP(object_list_release) = {0};

	informer_by_index(controller_informer(c, "", "pods"), INDEX_CONFIG, key, &pods);
	for (size_t k = 0; k < pods.n; k++)
		controller_enqueue(c, pods.v[k]->namespace, pods.v[k]->name);
}

static void map_secret(struct controller *c, struct object *old, struct object *new_)
{
	wake_readers(c, new_ ? new_ : old, true);
}

static void map_config_map(struct controller *c, struct object *old, struct object *new_)
{
	wake_readers(c, new_ ? new_ : old, false);
}

static void map_node(struct controller *c, struct object *old, struct object *new_)
{
	const char *name = (new_ ? new_ : old)->name;

	if (nodes_find(nodes_of(c), name))
		controller_enqueue(c, "", name);
}

static int sync(struct controller *c, const char *key, struct error **err)
{
	struct nodes *n = nodes_of(c);
	char *namespace free_ptr = NULL, *name free_ptr = NULL;
	struct node *node;

	controller_split_key(key, &namespace, &name);
	if (*namespace)
		return pod_sync(n, namespace, name, err);
	node = nodes_find(n, name);
	return node ? node_sync(n, node, err) : 0;
}

static const struct reconciler agent = {
	.name = "kubefs-node",
	.watches = {{.group = "",
		     .plural = "pods",
		     .map = map_pod,
		     .index = INDEX_CONFIG,
		     .index_keys = index_by_config},
		    {.group = "", .plural = "secrets", .map = map_secret},
		    {.group = "", .plural = "configmaps", .map = map_config_map},
		    {.group = "", .plural = "nodes", .map = map_node}},
	.workers = 4,
	.sync = sync,
};

static void init_nodes(struct nodes *n, const struct nodes_options *o)
{
	const char *prefix = o->name_prefix ? o->name_prefix : "node-";

	n->kubelet_port = o->address ? o->port : 0;
	n->n = o->count ? o->count : 3;
	n->v = xcalloc(n->n, sizeof(*n->v));
	for (size_t k = 0; k < n->n; k++) {
		struct node *node = &n->v[k];

		node->number = (unsigned)k + 1;
		node->name = xasprintf("%s%u", prefix, node->number);
		node->address = o->address ? xstrdup(o->address) : node_address(node->number);
		node->recorder = recorder_new(informers_cluster(n->informers), "kubefs-simulated",
					      node->name, n->clock);
	}
}

static int start(struct nodes *n, struct error **err)
{
	n->reconciler = agent;
	n->reconciler.arg = n;
	n->controller = controller_prepare(&n->reconciler, n->informers, n->clock, err);
	if (!n->controller)
		return -1;
	pod_addresses_load(n);
	for (size_t k = 0; k < n->n; k++)
		controller_enqueue(n->controller, "", n->v[k].name);
	streams_start(n);
	controller_run(n->controller);
	return 0;
}

struct nodes *nodes_start(struct informers *informers, const struct nodes_options *options,
			  struct clock *clock, struct error **err)
{
	const struct engine *engine =
		engine_find(options->engine ? options->engine : engine_simulated.name);
	struct nodes *n;

	if (!engine) {
		error_set(err, E_INVALID, "no engine \"%s\"", options->engine);
		return NULL;
	}
	if (options->count > NODES_MAX) {
		error_set(err, E_INVALID, "%u nodes; at most %d", options->count, NODES_MAX);
		return NULL;
	}
	n = xcalloc(1, sizeof(*n));
	n->informers = informers;
	n->clock = clock ? clock : clock_system();
	n->engine = engine;
	pthread_mutex_init(&n->lock, NULL);
	clock_cond_init(&n->stream_work);
	n->address_of = map_new();
	n->pod_at = map_new();
	init_nodes(n, options);
	if (start(n, err) < 0) {
		nodes_stop(n);
		return NULL;
	}
	return n;
}

void nodes_stop(struct nodes *n)
{
	if (!n)
		return;
	streams_stop(n);
	controller_stop(n->controller);
	for (size_t k = 0; k < n->n; k++) {
		recorder_free(n->v[k].recorder);
		free(n->v[k].name);
		free(n->v[k].address);
	}
	free(n->v);
	map_free(n->address_of, free);
	map_free(n->pod_at, NULL);
	pthread_cond_destroy(&n->stream_work);
	pthread_mutex_destroy(&n->lock);
	free(n);
}
