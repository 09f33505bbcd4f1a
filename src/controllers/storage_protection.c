/*
 * Volumes, claims and classes of attributes that are being deleted stay until nobody uses them:
 * their finalizer, which admission put there (StorageObjectInUseProtection), goes then. What came
 * without one gets it.
 */
#include "controllers/common.h"
#include "controllers/controllers.h"

#include "object/json.h"

#include <string.h>

#define VOLUMES "persistentvolumes"
#define CLAIMS "persistentvolumeclaims"
#define CLASSES "volumeattributesclasses"
#define STORAGE "storage.k8s.io"

/* The list without FINALIZER, or with it. A new array. */
static json_t *finalizers_of(const json_t *tree, const char *finalizer, bool with)
{
	json_t *out = json_array(), *f;
	size_t i;

	json_array_foreach (json_path(tree, "metadata.finalizers"), i, f)
		if (!json_is_string(f) || strcmp(json_string_value(f), finalizer))
			json_array_append(out, f);
	if (with)
		json_array_append_new(out, json_string(finalizer));
	return out;
}

typedef bool in_use(struct controller *c, const struct object *o);

static int protect(struct controller *c, const char *group, const char *plural, const char *key,
		   const char *finalizer, in_use *used, struct error **err)
{
	char *namespace free_ptr = NULL, *name free_ptr = NULL;
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	json_t *tree json_auto = NULL;
	json_t *next json_auto = NULL;

	controller_split_key(key, &namespace, &name);
	o = informer_get(controller_informer(c, group, plural), namespace, name);
	if (!o || (*o->deletion_timestamp && used(c, o)))
		return 0;
	tree = object_tree(o);
	next = finalizers_of(tree, finalizer, !*o->deletion_timestamp);
	if (json_array_size(next) == json_array_size(json_path(tree, "metadata.finalizers")))
		return 0;
	json_path_set(tree, "metadata.finalizers", json_incref(next));
	return object_write(c, group, plural, tree, err);
}

/* The claim that volume V of POD means, or NULL: its own, or one made for the pod. */
static char *claim_of(const struct object *pod, const json_t *v)
{
	const char *claim = json_path_string(v, "persistentVolumeClaim.claimName");

	if (*claim)
		return xstrdup(claim);
	return json_path(v, "ephemeral")
		       ? xasprintf("%s-%s", pod->name, json_path_string(v, "name"))
		       : NULL;
}

static void each_claim(const struct object *pod, void (*each)(void *arg, const char *claim),
		       void *arg)
{
	struct span volumes = object_find(pod, "spec.volumes");
	json_t *list json_auto = volumes.p ? json_read(volumes.p, volumes.len, NULL) : NULL;
	json_t *v;
	size_t i;

	json_array_foreach (list, i, v) {
		char *claim free_ptr = claim_of(pod, v);

		if (claim)
			each(arg, claim);
	}
}

struct emitting {
	const struct object *pod;
	index_emit *emit;
	void *arg;
};

static void emit_claim(void *arg, const char *claim)
{
	const struct emitting *e = arg;
	char *key free_ptr = xasprintf("%s/%s", e->pod->namespace, claim);

	e->emit(e->arg, key);
}

/* A pod that has no node yet does not use its claims: no node will start it with one that goes. */
static void index_by_claim(const struct object *pod, index_emit *emit, void *emit_arg)
{
	char *node free_ptr = object_string(pod, "spec.nodeName");
	struct emitting e = {pod, emit, emit_arg};

	if (node && *node)
		each_claim(pod, emit_claim, &e);
}

static bool claim_used(struct controller *c, const struct object *claim)
{
	struct object_list pods CLEANUP(object_list_release) = {0};
	char *key free_ptr = xasprintf("%s/%s", claim->namespace, claim->name);

	informer_by_index(controller_informer(c, "", "pods"), "claim", key, &pods);
	return pods.n > 0;
}

struct enqueuing {
	struct controller *c;
	const char *namespace;
};

static void enqueue_claim(void *arg, const char *claim)
{
	const struct enqueuing *e = arg;

	controller_enqueue(e->c, e->namespace, claim);
}

static void map_pod(struct controller *c, struct object *old, struct object *new_)
{
	const struct object *pod = new_ ? new_ : old;
	struct enqueuing e = {c, pod->namespace};

	each_claim(pod, enqueue_claim, &e);
}

static int sync_claim(struct controller *c, const char *key, struct error **err)
{
	return protect(c, "", CLAIMS, key, "kubernetes.io/pvc-protection", claim_used, err);
}

const struct reconciler reconciler_claim_protection = {
	.name = "persistentvolumeclaim-protection-controller",
	.watches = {{.group = "", .plural = CLAIMS},
		    {.group = "",
		     .plural = "pods",
		     .map = map_pod,
		     .index = "claim",
		     .index_keys = index_by_claim}},
	.workers = 1,
	.sync = sync_claim,
};

static bool volume_used(struct controller *c, const struct object *volume)
{
	char *phase free_ptr = object_string(volume, "status.phase");

	return phase && strcmp(phase, "Bound") == 0;
}

static int sync_volume(struct controller *c, const char *key, struct error **err)
{
	return protect(c, "", VOLUMES, key, "kubernetes.io/pv-protection", volume_used, err);
}

const struct reconciler reconciler_volume_protection = {
	.name = "persistentvolume-protection-controller",
	.watches = {{.group = "", .plural = VOLUMES}},
	.workers = 1,
	.sync = sync_volume,
};

static const char *const class_fields[] = {
	"spec.volumeAttributesClassName", "status.currentVolumeAttributesClassName",
	"status.modifyVolumeStatus.targetVolumeAttributesClassName"};

static void index_by_class(const struct object *o, index_emit *emit, void *emit_arg)
{
	for (size_t i = 0; i < ARRAY_SIZE(class_fields); i++) {
		char *class free_ptr = object_string(o, class_fields[i]);

		if (class && *class)
			emit(emit_arg, class);
	}
}

static bool class_used(struct controller *c, const struct object *class)
{
	static const char *const users[] = {CLAIMS, VOLUMES};

	for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
		struct object_list found CLEANUP(object_list_release) = {0};

		informer_by_index(controller_informer(c, "", users[i]), "class", class->name,
				  &found);
		if (found.n)
			return true;
	}
	return false;
}

static void emit_enqueue(void *arg, const char *class)
{
	controller_enqueue(arg, "", class);
}

static void map_user(struct controller *c, struct object *old, struct object *new_)
{
	if (old)
		index_by_class(old, emit_enqueue, c);
}

static int sync_class(struct controller *c, const char *key, struct error **err)
{
	return protect(c, STORAGE, CLASSES, key, "kubernetes.io/vac-protection", class_used, err);
}

const struct reconciler reconciler_class_protection = {
	.name = "volumeattributesclass-protection-controller",
	.watches = {{.group = STORAGE, .plural = CLASSES},
		    {.group = "",
		     .plural = CLAIMS,
		     .map = map_user,
		     .index = "class",
		     .index_keys = index_by_class},
		    {.group = "",
		     .plural = VOLUMES,
		     .map = map_user,
		     .index = "class",
		     .index_keys = index_by_class}},
	.workers = 1,
	.sync = sync_class,
};
