#include "controllers/common.h"

#include "object/json.h"
#include "object/time.h"

#include <string.h>

const char *text_at(const json_t *tree, const char *path)
{
	const char *s = json_path_string(tree, path);

	return s ? s : "";
}

bool pod_is_active(const struct object *pod)
{
	struct span phase = object_find(pod, "status.phase");

	return !*pod->deletion_timestamp && !json_span_equal(phase, "\"Succeeded\"") &&
	       !json_span_equal(phase, "\"Failed\"");
}

bool pod_is_ready(const struct object *pod, int64_t *since_ns)
{
	struct span list = object_find(pod, "status.conditions");
	json_t *conditions json_auto = list.p ? json_read(list.p, list.len, NULL) : NULL;
	json_t *ready = condition_find(conditions, "Ready");

	if (since_ns)
		*since_ns = 0;
	if (!ready || strcmp(text_at(ready, "status"), "True"))
		return false;
	if (since_ns)
		time_parse(text_at(ready, "lastTransitionTime"), since_ns);
	return true;
}

bool pod_is_available(const struct object *pod, int64_t min_ready_s, int64_t now_ns,
		      int64_t *wait_ns)
{
	int64_t since;

	*wait_ns = 0;
	if (!pod_is_ready(pod, &since))
		return false;
	if (min_ready_s <= 0 || since + min_ready_s * NS_PER_S <= now_ns)
		return true;
	*wait_ns = since + min_ready_s * NS_PER_S - now_ns;
	return false;
}

json_t *condition_find(const json_t *conditions, const char *type)
{
	size_t k;
	json_t *condition;

	json_array_foreach (conditions, k, condition)
		if (!strcmp(text_at(condition, "type"), type))
			return condition;
	return NULL;
}

static bool set_text(json_t *tree, const char *key, const char *value)
{
	if (!strcmp(text_at(tree, key), value))
		return false;
	json_object_set_new(tree, key, json_string(value));
	return true;
}

bool condition_set(json_t *conditions, const char *type, const char *status, const char *reason,
		   const char *message, int64_t now_ns, bool update_time)
{
	json_t *condition = condition_find(conditions, type);
	char now[TIME_TEXT];
	bool changed;

	time_format(now_ns, now);
	if (!condition) {
		condition = json_pack("{s:s}", "type", type);
		json_array_append_new(conditions, condition);
	}
	changed = set_text(condition, "status", status);
	if (changed)
		set_text(condition, "lastTransitionTime", now);
	changed |= set_text(condition, "reason", reason);
	changed |= set_text(condition, "message", message);
	if (changed && update_time)
		set_text(condition, "lastUpdateTime", now);
	return changed;
}

bool condition_remove(json_t *conditions, const char *type)
{
	for (size_t k = 0; k < json_array_size(conditions); k++)
		if (!strcmp(text_at(json_array_get(conditions, k), "type"), type))
			return json_array_remove(conditions, k) == 0;
	return false;
}

static char *orphan_key(const char *namespace)
{
	return xasprintf("orphans of %s", namespace);
}

void index_by_owner_or_orphan(const struct object *o, index_emit *emit, void *emit_arg)
{
	struct owner owner;
	char *key free_ptr = NULL;

	if (object_controller(o, &owner)) {
		emit(emit_arg, owner.uid);
		owner_release(&owner);
		return;
	}
	key = orphan_key(o->namespace);
	emit(emit_arg, key);
}

json_t *controller_reference(const struct object *owner)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:b, s:b}", "apiVersion", owner->api_version, "kind",
			 owner->kind, "name", owner->name, "uid", owner->uid, "controller", 1,
			 "blockOwnerDeletion", 1);
}

/* The owner references of O with OWNER's taken out, and put in again when ADD. */
static json_t *references(const struct object *o, const struct object *owner, bool add)
{
	json_t *out = json_array();
	json_t *now json_auto = o->owner_references.p ? json_read(o->owner_references.p,
								  o->owner_references.len, NULL)
						      : NULL;
	size_t k;
	json_t *ref;

	json_array_foreach (now, k, ref)
		if (strcmp(text_at(ref, "uid"), owner->uid))
			json_array_append(out, ref);
	if (add)
		json_array_append_new(out, controller_reference(owner));
	return out;
}

/* The precondition on the version makes it safe to send the whole list. */
static int own(struct controller *c, const struct object *owner, struct informer *i,
	       const struct object *o, bool add, struct object **out, struct error **err)
{
	json_t *patch json_auto =
		json_pack("{s:{s:s, s:s, s:o}}", "metadata", "uid", o->uid, "resourceVersion",
			  o->resource_version, "ownerReferences", references(o, owner, add));

	if (cluster_patch_tree(controller_cluster(c), controller_call(c), informer_resource(i),
			       o->namespace, o->name, NULL, PATCH_MERGE, patch, NULL, out, err) < 0)
		return -1;
	informer_observe(i, *out);
	return 0;
}

/* What went away or changed under us is looked at again when its event is in. */
static int skip_vanished(struct error *e, struct error **err)
{
	if (e->code == E_NOT_FOUND || e->code == E_INVALID) {
		error_free(e);
		return 0;
	}
	return error_move(err, e);
}

static int adopt(struct controller *c, const struct object *owner, struct informer *i,
		 const struct selector *selector, struct object_list *out, struct error **err)
{
	struct object_list orphans CLEANUP(object_list_release) = {0};
	char *key free_ptr = orphan_key(owner->namespace);

	if (*owner->deletion_timestamp)
		return 0;
	informer_by_index(i, INDEX_OWNER, key, &orphans);
	vec_each (&orphans, o) {
		struct object *mine = NULL;
		struct error *why = NULL;

		if (*(*o)->deletion_timestamp || !selector_matches(selector, *o))
			continue;
		if (own(c, owner, i, *o, true, &mine, &why) == 0)
			vec_push(out, mine);
		else if (skip_vanished(why, err) < 0)
			return -1;
	}
	return 0;
}

int claim_owned(struct controller *c, const struct object *owner, const struct selector *selector,
		const char *group, const char *plural, struct object_list *out, struct error **err)
{
	struct object_list owned CLEANUP(object_list_release) = {0};
	struct informer *i = controller_informer(c, group, plural);

	informer_by_index(i, INDEX_OWNER, owner->uid, &owned);
	vec_each (&owned, o) {
		struct object *free_one CLEANUP(object_unref_cleanup) = NULL;
		struct error *why = NULL;

		if (selector_matches(selector, *o))
			vec_push(out, object_ref(*o));
		else if (!*(*o)->deletion_timestamp && !*owner->deletion_timestamp &&
			 own(c, owner, i, *o, false, &free_one, &why) < 0 &&
			 skip_vanished(why, err) < 0)
			return -1;
	}
	return adopt(c, owner, i, selector, out, err);
}

int subresource_write(struct controller *c, const char *group, const char *plural,
		      const char *subresource, const json_t *tree, struct error **err)
{
	struct object *out CLEANUP(object_unref_cleanup) = NULL;
	struct informer *i = controller_informer(c, group, plural);

	if (cluster_update_tree(controller_cluster(c), controller_call(c), informer_resource(i),
				subresource, tree, NULL, &out, err) < 0)
		return -1;
	informer_observe(i, out);
	return 0;
}

int status_write(struct controller *c, const char *group, const char *plural, const json_t *tree,
		 struct error **err)
{
	return subresource_write(c, group, plural, "status", tree, err);
}

int object_write(struct controller *c, const char *group, const char *plural, const json_t *tree,
		 struct error **err)
{
	return subresource_write(c, group, plural, NULL, tree, err);
}

int object_remove(struct controller *c, const char *group, const char *plural,
		  const struct object *o, struct error **err)
{
	struct delete_options opt = {
		.grace_period_s = -1, .propagation = PROPAGATE_BACKGROUND, .uid = o->uid};
	struct object *out CLEANUP(object_unref_cleanup) = NULL;
	struct informer *i = controller_informer(c, group, plural);
	struct error *why = NULL;
	bool gone = false;

	if (cluster_delete(controller_cluster(c), controller_call(c), informer_resource(i),
			   o->namespace, o->name, &opt, &out, &gone, &why) < 0) {
		if (why->code != E_NOT_FOUND)
			return error_move(err, why);
		error_free(why);
		gone = true;
	}
	if (gone)
		informer_observe_deleted(i, o->namespace, o->name, o->uid);
	else if (out)
		informer_observe(i, out);
	return 0;
}

static bool enqueue_owner_of(struct controller *c, const struct object *o, const char *kind)
{
	struct owner owner;
	bool is;

	if (!o || !object_controller(o, &owner))
		return false;
	is = !strcmp(owner.kind, kind);
	if (is)
		controller_enqueue(c, o->namespace, owner.name);
	owner_release(&owner);
	return is;
}

void enqueue_owner(struct controller *c, struct object *old, struct object *new_, const char *kind)
{
	enqueue_owner_of(c, old, kind);
	enqueue_owner_of(c, new_, kind);
}
