#include "scheduler/plugin.h"

#include "base/vec.h"

#include <string.h>

static bool is_any(const char *ip)
{
	return !*ip || !strcmp(ip, "0.0.0.0");
}

static bool clash(const struct host_port *a, const struct host_port *b)
{
	return a->port == b->port && !strcmp(a->protocol, b->protocol) &&
	       (is_any(a->ip) || is_any(b->ip) || !strcmp(a->ip, b->ip));
}

static bool is_taken(const struct host_port *wanted, const struct node_info *node)
{
	map_each (node->pods, e) {
		const struct pod_info *other = e->value;

		vec_each (&other->ports, used)
			if (clash(wanted, used))
				return true;
	}
	return false;
}

static void filter(const struct pod_info *pod, const struct node_info *node, struct reasons *why)
{
	vec_each (&pod->ports, wanted)
		if (is_taken(wanted, node)) {
			reasons_add(why, "node(s) didn't have free ports for the requested pod "
					 "ports");
			return;
		}
}

const struct plugin plugin_node_ports = {.name = "NodePorts", .filter = filter};
