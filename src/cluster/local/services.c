/*
 * Cluster IPs and node ports. Each that is in use is a key of its own, "a/ip/10.96.0.7" or
 * "a/port/30080", that must be absent when a service takes it: allocation and service are one
 * transaction, and two services never get the same.
 */
#include "cluster/local/private.h"

#include "base/mem.h"
#include "cluster/lifecycle.h"
#include "object/json.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/random.h>

#define NODE_PORT_MIN 30000
#define NODE_PORT_MAX 32767

static bool is_service(const struct resource *r)
{
	return !*r->group && strcmp(r->plural, "services") == 0;
}

static bool type_is(const json_t *tree, const char *type)
{
	return strcmp(json_path_string(tree, "spec.type"), type) == 0;
}

static char *ip_key(const char *ip)
{
	return xasprintf("a/ip/%s", ip);
}

static bool is_taken(struct local *l, const char *key)
{
	struct store_value v = {0};
	bool taken = store_get(l->store, key, strlen(key), 0, &v, NULL) == 0;

	store_value_release(&v);
	return taken;
}

static uint32_t random_below(uint32_t n)
{
	uint32_t r;

	if (getrandom(&r, sizeof(r), 0) != (ssize_t)sizeof(r))
		abort();
	return r % n;
}

static char *pick_ip(struct local *l)
{
	uint32_t size = 1u << (32 - l->service_bits);
	uint32_t start = random_below(size - 2);

	for (uint32_t i = 0; i < size - 2; i++) {
		uint32_t offset = 1 + (start + i) % (size - 2);
		struct in_addr a = {.s_addr = htonl(l->service_network + offset)};
		char text[INET_ADDRSTRLEN];
		char *key free_ptr = NULL;

		inet_ntop(AF_INET, &a, text, sizeof(text));
		key = ip_key(text);
		/* .1 is the API server's own. */
		if (offset != 1 && !is_taken(l, key))
			return xstrdup(text);
	}
	return NULL;
}

static json_int_t pick_port(struct local *l, const struct commit *c)
{
	uint32_t n = NODE_PORT_MAX - NODE_PORT_MIN + 1, start = random_below(n);

	for (uint32_t i = 0; i < n; i++) {
		json_int_t port = NODE_PORT_MIN + (start + i) % n;
		char *key free_ptr = xasprintf("a/port/%lld", (long long)port);
		bool used = is_taken(l, key);

		for (size_t j = 0; j < c->n && !used; j++)
			used = strcmp(c->v[j].key.s, key) == 0;
		if (!used)
			return port;
	}
	return 0;
}

static int refuse(const struct write *w, const json_t *tree, const char *field, const char *value,
		  const char *detail, struct error **err)
{
	const char *name = json_path_string(tree, "metadata.name");
	struct error *e =
		error_new(E_INVALID, "Service \"%s\" is invalid: %s: Invalid value: %s: %s", name,
			  field, value, detail);

	error_set_details(e, "", "Service", name);
	error_add_cause(e, "FieldValueInvalid", field, "Invalid value: %s: %s", value, detail);
	return error_move(err, e);
}

static int take_ip(const struct write *w, json_t *tree, struct commit *c, struct error **err)
{
	const char *asked = json_path_string(tree, "spec.clusterIP");
	char *ip free_ptr = *asked ? xstrdup(asked) : pick_ip(w->l);
	char *key free_ptr = NULL;
	struct in_addr a;

	if (!ip)
		return error_set(err, E_INTERNAL, "the service range is full");
	if (strcmp(ip, "None") == 0) {
		json_path_set(tree, "spec.clusterIPs", json_pack("[s]", "None"));
		return 0;
	}
	if (*asked) {
		char *value free_ptr = xasprintf("[\"%s\"]", ip);

		if (inet_pton(AF_INET, ip, &a) == 1 &&
		    (ntohl(a.s_addr) >> (32 - w->l->service_bits)) !=
			    (w->l->service_network >> (32 - w->l->service_bits)))
			return refuse(w, tree, "spec.clusterIPs", value,
				      "failed to allocate IP: the provided IP is not in the valid "
				      "range",
				      err);
		key = ip_key(ip);
		if (is_taken(w->l, key))
			return refuse(w, tree, "spec.clusterIPs", value,
				      "failed to allocate IP: provided IP is already allocated",
				      err);
	}
	json_path_set(tree, "spec.clusterIP", json_string(ip));
	json_path_set(tree, "spec.clusterIPs", json_pack("[s]", ip));
	if (!key)
		key = ip_key(ip);
	commit_key(c, key, json_path_string(tree, "metadata.name"), STORE_ABSENT);
	return 0;
}

/* That of its ports which has PORT as MEMBER ("port", "nodePort"), or NULL. */
static const json_t *find_port(const json_t *service, const char *member, json_int_t port)
{
	size_t i;
	json_t *p;

	json_array_foreach (json_path(service, "spec.ports"), i, p)
		if (json_path_int(p, member, 0) == port)
			return p;
	return NULL;
}

const json_t *service_port(const json_t *service, json_int_t port, struct error **err)
{
	const json_t *p = find_port(service, "port", port);

	if (!p)
		error_set(err, E_UNAVAILABLE,
			  "no service port %" JSON_INTEGER_FORMAT " found for service \"%s\"", port,
			  json_path_string(service, "metadata.name"));
	return p;
}

static int refuse_port(const struct write *w, const json_t *tree, const char *field,
		       json_int_t port, const char *detail, struct error **err)
{
	char *value free_ptr = xasprintf("%lld", (long long)port);

	return refuse(w, tree, field, value, detail, err);
}

/* Takes *PORT, or any when it is 0. FIELD: where it was asked for. */
static int take_port(const struct write *w, const json_t *tree, const char *field, json_int_t *port,
		     struct commit *c, struct error **err)
{
	char *key free_ptr = NULL;

	if (*port && (*port < NODE_PORT_MIN || *port > NODE_PORT_MAX))
		return refuse_port(w, tree, field, *port,
				   "provided port is not in the valid range. The range of valid "
				   "ports is 30000-32767",
				   err);
	if (!*port)
		*port = pick_port(w->l, c);
	if (!*port)
		return error_set(err, E_INTERNAL, "the node port range is full");
	key = xasprintf("a/port/%lld", (long long)*port);
	/* Two protocols of one service may share a port. */
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->v[i].key.s, key) == 0)
			return 0;
	if (is_taken(w->l, key))
		return refuse_port(w, tree, field, *port, "provided port is already allocated",
				   err);
	commit_key(c, key, json_path_string(tree, "metadata.name"), STORE_ABSENT);
	return 0;
}

/* The node port of an earlier port with the same number and another protocol; 0: there is none. */
static json_int_t port_beside(const json_t *tree, size_t index)
{
	const json_t *ports = json_path(tree, "spec.ports");
	json_int_t number = json_path_int(json_array_get(ports, index), "port", 0);

	for (size_t i = 0; i < index; i++)
		if (json_path_int(json_array_get(ports, i), "port", 0) == number)
			return json_path_int(json_array_get(ports, i), "nodePort", 0);
	return 0;
}

/* A load balancer may do without node ports but for those it asks for. */
static bool takes_all_ports(const json_t *tree)
{
	return type_is(tree, "NodePort") ||
	       (type_is(tree, "LoadBalancer") &&
		json_path_bool(tree, "spec.allocateLoadBalancerNodePorts", true));
}

static int take_ports(const struct write *w, const json_t *old, json_t *tree, struct commit *c,
		      struct error **err)
{
	bool all = takes_all_ports(tree);
	size_t i;
	json_t *p;

	json_array_foreach (json_path(tree, "spec.ports"), i, p) {
		json_int_t asked = json_path_int(p, "nodePort", 0);
		json_int_t port = asked ? asked : port_beside(tree, i);
		char *field free_ptr = xasprintf("spec.ports[%zu].nodePort", i);

		if (asked ? find_port(old, "nodePort", asked) != NULL : !all)
			continue;
		if (!(port && find_port(old, "nodePort", port)) &&
		    take_port(w, tree, field, &port, c, err) < 0)
			return -1;
		json_object_set_new(p, "nodePort", json_integer(port));
	}
	return 0;
}

static bool needs_health_port(const json_t *tree)
{
	return type_is(tree, "LoadBalancer") &&
	       strcmp(json_path_string(tree, "spec.externalTrafficPolicy"), "Local") == 0;
}

static int take_health_port(const struct write *w, const json_t *old, json_t *tree,
			    struct commit *c, struct error **err)
{
	json_int_t port = json_path_int(tree, "spec.healthCheckNodePort", 0);

	if (!needs_health_port(tree) ||
	    (port && port == json_path_int(old, "spec.healthCheckNodePort", 0)))
		return 0;
	if (take_port(w, tree, "spec.healthCheckNodePort", &port, c, err) < 0)
		return -1;
	json_path_set(tree, "spec.healthCheckNodePort", json_integer(port));
	return 0;
}

static void release_port(struct commit *c, json_int_t port)
{
	char *key free_ptr = xasprintf("a/port/%lld", (long long)port);

	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->v[i].key.s, key) == 0)
			return;
	commit_key(c, key, NULL, STORE_ANY);
}

static void release_ports(const json_t *old, const json_t *tree, struct commit *c)
{
	json_int_t health = json_path_int(old, "spec.healthCheckNodePort", 0);
	size_t i;
	json_t *p;

	json_array_foreach (json_path(old, "spec.ports"), i, p) {
		json_int_t port = json_path_int(p, "nodePort", 0);

		if (port && !(tree && find_port(tree, "nodePort", port)))
			release_port(c, port);
	}
	if (health && health != json_path_int(tree, "spec.healthCheckNodePort", 0))
		release_port(c, health);
}

/* A service that is a name elsewhere, or headless, gives its address back. */
static void release_ip(const json_t *old, const json_t *tree, struct commit *c)
{
	const char *was = json_path_string(old, "spec.clusterIP");
	char *key free_ptr = ip_key(was);

	if (*was && strcmp(was, "None") && strcmp(was, json_path_string(tree, "spec.clusterIP")))
		commit_key(c, key, NULL, STORE_ANY);
}

/* A dry run takes nothing: the first address of the range and ports from behind it stand in. */
void services_pretend(const struct write *w, json_t *tree)
{
	struct in_addr a = {.s_addr = htonl(w->l->service_network)};
	char text[INET_ADDRSTRLEN];
	json_int_t port = NODE_PORT_MAX + 1;
	size_t i;
	json_t *p;

	if (!is_service(w->storage) || type_is(tree, "ExternalName"))
		return;
	inet_ntop(AF_INET, &a, text, sizeof(text));
	if (!*json_path_string(tree, "spec.clusterIP"))
		json_path_set(tree, "spec.clusterIP", json_string(text));
	json_path_set(tree, "spec.clusterIPs",
		      json_pack("[s]", json_path_string(tree, "spec.clusterIP")));
	json_array_foreach (json_path(tree, "spec.ports"), i, p)
		port = MAX(port, json_path_int(p, "nodePort", 0));
	json_array_foreach (json_path(tree, "spec.ports"), i, p)
		if (takes_all_ports(tree) && !json_path_int(p, "nodePort", 0))
			json_object_set_new(p, "nodePort", json_integer(++port));
	if (needs_health_port(tree) && !json_path_int(tree, "spec.healthCheckNodePort", 0))
		json_path_set(tree, "spec.healthCheckNodePort", json_integer(port + 1));
}

int services_allocate(const struct write *w, const json_t *old, json_t *tree, struct commit *c,
		      struct error **err)
{
	bool external = type_is(tree, "ExternalName");

	if (!is_service(w->storage))
		return 0;
	if (!external && (!old || !*json_path_string(old, "spec.clusterIP")) &&
	    take_ip(w, tree, c, err) < 0)
		return -1;
	if ((type_is(tree, "NodePort") || type_is(tree, "LoadBalancer")) &&
	    take_ports(w, old, tree, c, err) < 0)
		return -1;
	if (take_health_port(w, old, tree, c, err) < 0)
		return -1;
	if (old) {
		release_ports(old, tree, c);
		release_ip(old, tree, c);
	}
	return 0;
}

void services_release(const json_t *tree, struct commit *c)
{
	const char *ip = json_path_string(tree, "spec.clusterIP");
	char *key free_ptr = ip_key(ip);

	if (strcmp(json_path_string(tree, "kind"), "Service") ||
	    strcmp(json_path_string(tree, "apiVersion"), "v1"))
		return;
	if (*ip && strcmp(ip, "None"))
		commit_key(c, key, NULL, STORE_ANY);
	release_ports(tree, NULL, c);
}
