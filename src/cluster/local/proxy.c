/*
 * The proxy subresource of services, pods and nodes. kube-apiserver passes such a request on to
 * pods and kubelets alone, never to an endpoint that somebody has written by hand; those of this
 * cluster are simulated and answer nothing. So what is asked for is looked at as it is there, and
 * then refused.
 */
#include "cluster/local/private.h"

#include "base/mem.h"
#include "kinds/rules.h"
#include "object/json.h"

#include <stdlib.h>
#include <string.h>

/* "NAME", "NAME:PORT" or "SCHEME:NAME:PORT"; the texts point into BUFFER. */
struct place {
	char *buffer;
	const char *name, *port;
};

static void place_release(struct place *p)
{
	free(p->buffer);
}

static bool place_parse(const char *text, struct place *p)
{
	char *colon, *second;

	*p = (struct place){.buffer = xstrdup(text), .port = ""};
	p->name = p->buffer;
	colon = strchr(p->buffer, ':');
	if (!colon)
		return *text;
	*colon++ = '\0';
	second = strchr(colon, ':');
	if (!second) {
		p->port = colon;
		return *p->name;
	}
	*second++ = '\0';
	if (*p->buffer && strcmp(p->buffer, "http") && strcmp(p->buffer, "https"))
		return false;
	p->name = colon;
	p->port = second;
	return *p->name && !strchr(second, ':');
}

static int refuse_service(const struct object *o, const char *asked, const struct place *p,
			  struct error **err)
{
	json_t *service json_auto = object_tree(o);
	char *end;
	long port = strtol(p->port, &end, 10);

	if (*p->port && !*end && !service_port(service, port, err))
		return -1;
	return error_set(err, E_UNAVAILABLE,
			 "no endpoints available for service \"%s\": the pods of this cluster are "
			 "simulated, they answer nothing",
			 asked);
}

static bool has_address(const struct object *pod)
{
	json_t *tree json_auto = object_tree(pod);
	const json_t *first = json_array_get(json_path(tree, "status.podIPs"), 0);

	return ip_family_of(json_path_string(first, "ip")) != IP_NONE;
}

int proxy_refuse(struct local *l, const struct resource *r, const char *namespace, const char *name,
		 struct error **err)
{
	bool service = strcmp(r->plural, "services") == 0;
	struct place p CLEANUP(place_release) = {0};
	struct object *o CLEANUP(object_unref_cleanup) = NULL;

	if (!place_parse(name, &p))
		return error_set(err, E_BAD_REQUEST, "invalid %s request \"%s\"", r->singular,
				 name);
	o = local_read(l, r, namespace, p.name, err);
	if (!o)
		return -1;
	if (service)
		return refuse_service(o, name, &p, err);
	if (!strcmp(r->plural, "pods") && !has_address(o))
		return error_set(err, E_BAD_REQUEST, "address not allowed");
	return error_set(err, E_UNAVAILABLE,
			 "error trying to reach service: the %s \"%s\" is simulated, nothing "
			 "answers there",
			 r->singular, p.name);
}
