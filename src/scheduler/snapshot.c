#include "scheduler/snapshot.h"

#include "base/vec.h"
#include "object/json.h"
#include "object/quantity.h"

#include <string.h>

void amounts_release(struct amounts *a)
{
	vec_each (a, amount)
		free(amount->resource);
	vec_release(a);
}

int64_t amounts_get(const struct amounts *a, const char *resource)
{
	vec_each (a, amount)
		if (!strcmp(amount->resource, resource))
			return amount->value;
	return 0;
}

static int64_t *amount_of(struct amounts *a, const char *resource)
{
	vec_each (a, amount)
		if (!strcmp(amount->resource, resource))
			return &amount->value;
	vec_push(a, (struct amount){xstrdup(resource), 0});
	return &a->v[a->n - 1].value;
}

static void amounts_add(struct amounts *a, const struct amounts *b, int sign)
{
	vec_each (b, amount)
		*amount_of(a, amount->resource) += sign * amount->value;
}

static void amounts_max(struct amounts *a, const struct amounts *b)
{
	vec_each (b, amount) {
		int64_t *value = amount_of(a, amount->resource);

		*value = MAX(*value, amount->value);
	}
}

/* A map of quantities, as in resources.requests and status.allocatable. */
static void amounts_add_list(struct amounts *a, json_t *list)
{
	const char *resource;
	json_t *value;

	json_object_foreach (list, resource, value) {
		struct quantity q;

		if (!json_is_string(value) ||
		    quantity_parse(json_string_value(value), &q, NULL) < 0)
			continue;
		*amount_of(a, resource) +=
			strcmp(resource, "cpu") ? quantity_value(&q) : quantity_milli_value(&q);
	}
}

/*
 * All containers run at once; init containers one after the other, each beside those sidecars
 * (restartPolicy Always) that began before it.
 */
static void add_requests(struct amounts *out, json_t *spec)
{
	struct amounts sidecars CLEANUP(amounts_release) = {0}, peak CLEANUP(amounts_release) = {0};
	json_t *c;
	size_t k;

	json_array_foreach (json_object_get(spec, "containers"), k, c)
		amounts_add_list(out, json_path(c, "resources.requests"));
	json_array_foreach (json_object_get(spec, "initContainers"), k, c) {
		struct amounts step CLEANUP(amounts_release) = {0};
		const char *policy = json_path_string(c, "restartPolicy");

		amounts_add_list(&step, json_path(c, "resources.requests"));
		if (policy && !strcmp(policy, "Always")) {
			amounts_add(&sidecars, &step, 1);
			amounts_max(&peak, &sidecars);
		} else {
			amounts_add(&step, &sidecars, 1);
			amounts_max(&peak, &step);
		}
	}
	amounts_add(out, &sidecars, 1);
	amounts_max(out, &peak);
	amounts_add_list(out, json_object_get(spec, "overhead"));
}

static void add_ports(struct host_ports *out, json_t *spec)
{
	json_t *c, *p;
	size_t k, m;

	json_array_foreach (json_object_get(spec, "containers"), k, c)
		json_array_foreach (json_object_get(c, "ports"), m, p) {
			const char *protocol = json_path_string(p, "protocol");
			const char *ip = json_path_string(p, "hostIP");
			int64_t port = json_path_int(p, "hostPort", 0);

			if (port > 0)
				vec_push(out,
					 (struct host_port){xstrdup(*protocol ? protocol : "TCP"),
							    xstrdup(ip), port});
		}
}

struct pod_info *pod_info_new(struct object *pod)
{
	struct pod_info *p = xcalloc(1, sizeof(*p));

	p->object = object_ref(pod);
	pod_info_wake(p);
	p->priority = json_path_int(p->spec, "priority", 0);
	add_requests(&p->requests, p->spec);
	*amount_of(&p->requests, "pods") += 1;
	add_ports(&p->ports, p->spec);
	return p;
}

void pod_info_rest(struct pod_info *p)
{
	json_decref(p->spec);
	p->spec = NULL;
}

void pod_info_wake(struct pod_info *p)
{
	struct span spec = object_find(p->object, "spec");

	if (!p->spec && spec.p)
		p->spec = json_read(spec.p, spec.len, NULL);
}

struct pod_info *pod_info_free(struct pod_info *p)
{
	if (!p)
		return NULL;
	vec_each (&p->ports, port) {
		free(port->protocol);
		free(port->ip);
	}
	vec_release(&p->ports);
	amounts_release(&p->requests);
	json_decref(p->spec);
	object_unref(p->object);
	free(p);
	return NULL;
}

static void free_pod(void *p)
{
	pod_info_free(p);
}

static void node_free(void *p)
{
	struct node_info *n = p;

	map_free(n->pods, free_pod);
	amounts_release(&n->allocatable);
	amounts_release(&n->requested);
	json_decref(n->tree);
	object_unref(n->object);
	free(n->name);
	free(n);
}

void snapshot_init(struct snapshot *s)
{
	*s = (struct snapshot){map_new(), map_new(), 0};
}

void snapshot_release(struct snapshot *s)
{
	map_free(s->placed_at, NULL);
	map_free(s->nodes, node_free);
}

static struct node_info *node_of(struct snapshot *s, const char *name)
{
	struct node_info *n = map_get(s->nodes, name);

	if (n)
		return n;
	n = xcalloc(1, sizeof(*n));
	n->name = xstrdup(name);
	n->pods = map_new();
	map_put(s->nodes, name, n);
	return n;
}

static void drop_if_empty(struct snapshot *s, struct node_info *n)
{
	if (!n->object && !map_count(n->pods)) {
		map_del(s->nodes, n->name);
		node_free(n);
	}
}

void snapshot_node(struct snapshot *s, const char *name, struct object *node)
{
	struct node_info *n = node_of(s, name);

	s->n_nodes += (node != NULL);
	s->n_nodes -= (n->object != NULL);
	object_unref(n->object);
	json_decref(n->tree);
	amounts_release(&n->allocatable);
	n->object = node ? object_ref(node) : NULL;
	n->tree = node ? object_tree(node) : NULL;
	amounts_add_list(&n->allocatable, json_path(n->tree, "status.allocatable"));
	drop_if_empty(s, n);
}

void snapshot_place(struct snapshot *s, const char *name, struct pod_info *pod)
{
	struct node_info *n;

	pod_info_rest(pod);
	snapshot_remove(s, pod->object->uid);
	n = node_of(s, name);
	map_put(n->pods, pod->object->uid, pod);
	map_put(s->placed_at, pod->object->uid, n);
	amounts_add(&n->requested, &pod->requests, 1);
}

bool snapshot_remove(struct snapshot *s, const char *uid)
{
	struct node_info *n = map_del(s->placed_at, uid);
	struct pod_info *pod;

	if (!n)
		return false;
	pod = map_del(n->pods, uid);
	amounts_add(&n->requested, &pod->requests, -1);
	pod_info_free(pod);
	drop_if_empty(s, n);
	return true;
}
