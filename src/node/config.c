#include "node/agent.h"

#include "object/json.h"

#include <string.h>

/* Calls EACH for every reference to a Secret or ConfigMap in a container's environment. KEY NULL:
 * all of it (envFrom). False ends the walk. */
struct config_ref {
	bool secret, optional;
	const char *name, *key;
};
typedef bool each_ref(void *arg, const struct config_ref *ref);

static bool walk_ref(const json_t *ref, bool secret, bool with_key, each_ref *each, void *arg)
{
	struct config_ref r = {secret, json_path_bool(ref, "optional", false),
			       json_path_string(ref, "name"),
			       with_key ? json_path_string(ref, "key") : NULL};

	return !ref || !*r.name || each(arg, &r);
}

static bool walk_container(const json_t *container, each_ref *each, void *arg)
{
	json_t *e;
	size_t k;

	json_array_foreach (json_object_get(container, "envFrom"), k, e)
		if (!walk_ref(json_object_get(e, "secretRef"), true, false, each, arg) ||
		    !walk_ref(json_object_get(e, "configMapRef"), false, false, each, arg))
			return false;
	json_array_foreach (json_object_get(container, "env"), k, e)
		if (!walk_ref(json_path(e, "valueFrom.secretKeyRef"), true, true, each, arg) ||
		    !walk_ref(json_path(e, "valueFrom.configMapKeyRef"), false, true, each, arg))
			return false;
	return true;
}

/* A secret volume has secretName, all others name. */
static bool walk_source(const json_t *source, bool secret, each_ref *each, void *arg)
{
	const char *name = json_path_string(source, "secretName");
	struct config_ref r = {secret, json_path_bool(source, "optional", false),
			       *name ? name : json_path_string(source, "name"), NULL};

	return !source || !*r.name || each(arg, &r);
}

static bool walk_volume(const json_t *volume, each_ref *each, void *arg)
{
	json_t *source;
	size_t k;

	if (!walk_source(json_object_get(volume, "secret"), true, each, arg) ||
	    !walk_source(json_object_get(volume, "configMap"), false, each, arg))
		return false;
	json_array_foreach (json_path(volume, "projected.sources"), k, source)
		if (!walk_source(json_object_get(source, "secret"), true, each, arg) ||
		    !walk_source(json_object_get(source, "configMap"), false, each, arg))
			return false;
	return true;
}

char *config_key(bool secret, const char *namespace, const char *name)
{
	return xasprintf("%s %s/%s", secret ? "secret" : "configmap", namespace, name);
}

struct emitting {
	const struct object *pod;
	index_emit *emit;
	void *arg;
};

static bool emit_ref(void *arg, const struct config_ref *ref)
{
	struct emitting *e = arg;
	char *key free_ptr = config_key(ref->secret, e->pod->namespace, ref->name);

	e->emit(e->arg, key);
	return true;
}

/* Only pods that may still wait for it: what runs has read its environment. */
void index_by_config(const struct object *pod, index_emit *emit, void *emit_arg)
{
	static const char *const lists[] = {"initContainers", "containers"};
	struct span phase = object_find(pod, "status.phase"), text = object_find(pod, "spec");
	struct emitting e = {pod, emit, emit_arg};
	json_t *spec json_auto = NULL, *item;
	size_t k;

	if (phase.p && !json_span_equal(phase, "\"Pending\""))
		return;
	spec = text.p ? json_read(text.p, text.len, NULL) : NULL;
	for (size_t l = 0; l < ARRAY_SIZE(lists); l++)
		json_array_foreach (json_object_get(spec, lists[l]), k, item)
			walk_container(item, emit_ref, &e);
	json_array_foreach (json_object_get(spec, "volumes"), k, item)
		walk_volume(item, emit_ref, &e);
}

struct checking {
	struct nodes *nodes;
	const char *namespace;
	char *missing;
};

static bool has_key(const struct object *o, const char *key)
{
	char *data free_ptr = xasprintf("data[%s]", key);
	char *binary free_ptr = xasprintf("binaryData[%s]", key);

	return object_find(o, data).p || object_find(o, binary).p;
}

static bool check_ref(void *arg, const struct config_ref *ref)
{
	struct checking *c = arg;
	struct informer *i = controller_informer(c->nodes->controller, "",
						 ref->secret ? "secrets" : "configmaps");
	struct object *o CLEANUP(object_unref_cleanup) = informer_get(i, c->namespace, ref->name);

	if (ref->optional || (o && (!ref->key || has_key(o, ref->key))))
		return true;
	if (!o)
		c->missing = xasprintf("%s \"%s\" not found", ref->secret ? "secret" : "configmap",
				       ref->name);
	else
		c->missing =
			xasprintf("couldn't find key %s in %s %s/%s", ref->key,
				  ref->secret ? "Secret" : "ConfigMap", c->namespace, ref->name);
	return false;
}

char *config_missing(struct nodes *n, const char *namespace, const json_t *container)
{
	struct checking c = {n, namespace, NULL};

	walk_container(container, check_ref, &c);
	return c.missing;
}

char *config_missing_volume(struct nodes *n, const char *namespace, const json_t *spec)
{
	json_t *volume;
	size_t k;

	json_array_foreach (json_object_get(spec, "volumes"), k, volume) {
		struct checking c = {n, namespace, NULL};
		char *text;

		if (walk_volume(volume, check_ref, &c))
			continue;
		text = xasprintf("MountVolume.SetUp failed for volume \"%s\" : %s",
				 json_path_string(volume, "name"), c.missing);
		free(c.missing);
		return text;
	}
	return NULL;
}
