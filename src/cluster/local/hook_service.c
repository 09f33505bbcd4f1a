/*
 * Where a service answers: what kube-apiserver finds with aggregator routing, from the service's
 * EndpointSlices. Cluster IPs lead nowhere here, and neither do the addresses of simulated pods:
 * an endpoint that somebody has written by hand, or an external name, is a real place.
 */
#include "cluster/local/hook.h"

#include "base/mem.h"
#include "object/json.h"

#include <string.h>

static json_t *read_service(struct local *l, const struct hook_target *t, struct error **err)
{
	struct catalog *builtin CLEANUP(catalog_unref_cleanup) = catalog_builtin();
	struct object *o CLEANUP(object_unref_cleanup) = local_read(
		l, catalog_find(builtin, "", "v1", "services"), t->namespace, t->service, err);

	return o ? object_tree(o) : NULL;
}

static bool append(void *arg, const char *json, size_t len)
{
	json_t *slice = json_read(json, len, NULL);

	return slice && json_array_append_new(arg, slice) == 0;
}

static json_t *read_slices(struct local *l, const struct hook_target *t, struct error **err)
{
	struct catalog *builtin CLEANUP(catalog_unref_cleanup) = catalog_builtin();
	struct list_meta meta CLEANUP(list_meta_release) = {0};
	char *selector free_ptr = xasprintf("kubernetes.io/service-name=%s", t->service);
	struct list_options opt = {.label_selector = selector};
	json_t *slices json_auto = json_array();

	if (local_list(&l->base, NULL,
		       catalog_find(builtin, "discovery.k8s.io", "v1", "endpointslices"),
		       t->namespace, &opt, append, slices, &meta, err) < 0)
		return NULL;
	return steal(&slices);
}

/* The port of the slice that has that name, or 0. */
static int slice_port(const json_t *slice, const char *name)
{
	size_t i;
	json_t *p;

	json_array_foreach (json_path(slice, "ports"), i, p)
		if (!strcmp(json_path_string(p, "name"), name))
			return (int)json_path_int(p, "port", 0);
	return 0;
}

/* The first endpoint that is ready and real. *SIMULATED: there was one of a pod. */
static const char *find_address(const json_t *slice, bool *simulated)
{
	size_t i;
	json_t *e;

	json_array_foreach (json_path(slice, "endpoints"), i, e) {
		const char *address = json_path_string(e, "addresses[0]");

		if (!json_path_bool(e, "conditions.ready", true) || !*address)
			continue;
		if (strcmp(json_path_string(e, "targetRef.kind"), "Pod") == 0)
			*simulated = true;
		else
			return address;
	}
	return NULL;
}

static char *join(const char *address, int port)
{
	return strchr(address, ':') ? xasprintf("https://[%s]:%d", address, port)
				    : xasprintf("https://%s:%d", address, port);
}

static char *find_endpoint(const json_t *slices, const char *name, const struct hook_target *t,
			   struct error **err)
{
	bool simulated = false;
	size_t i;
	json_t *slice;

	json_array_foreach ((json_t *)slices, i, slice) {
		int port = slice_port(slice, name);
		const char *address = port ? find_address(slice, &simulated) : NULL;

		if (address)
			return join(address, port);
	}
	error_set(err, E_UNAVAILABLE, "no endpoints available for service \"%s\"%s", t->service,
		  simulated ? ": its pods are simulated, they answer nothing" : "");
	return NULL;
}

char *hook_resolve(struct local *l, const struct hook_target *t, struct error **err)
{
	json_t *service json_auto = read_service(l, t, err);
	json_t *slices json_auto = NULL;
	const json_t *port;

	if (!service)
		return NULL;
	if (!strcmp(json_path_string(service, "spec.type"), "ExternalName"))
		return join(json_path_string(service, "spec.externalName"), t->port);
	port = service_port(service, t->port, err);
	slices = port ? read_slices(l, t, err) : NULL;
	return slices ? find_endpoint(slices, json_path_string(port, "name"), t, err) : NULL;
}
