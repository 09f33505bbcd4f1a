#include "controllers/deployment.h"

#include "controllers/common.h"
#include "object/json.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define HASH_TEXT 11

static json_t *template_without_hash(const json_t *owner)
{
	json_t *template = json_deep_copy(json_path(owner, "spec.template"));
	json_t *labels = json_path(template, "metadata.labels");

	json_object_del(labels, LABEL_HASH);
	if (labels && !json_object_size(labels))
		json_path_del(template, "metadata.labels");
	json_path_del(template, "metadata.creationTimestamp");
	if (!json_object_size(json_object_get(template, "metadata")))
		json_object_del(template, "metadata");
	return template;
}

static bool same_template(const struct rollout *r, const json_t *set)
{
	json_t *a json_auto = template_without_hash(r->tree);
	json_t *b json_auto = template_without_hash(set);

	return json_equal(a, b);
}

/* The letters that make no words, as in the names Kubernetes makes. */
static void template_hash(const struct rollout *r, char out[HASH_TEXT])
{
	static const char alphabet[] = "bcdfghjklmnpqrstvwxz2456789";
	json_t *template json_auto = template_without_hash(r->tree);
	struct str text CLEANUP(str_release) = STR_INIT;
	unsigned char digest[EVP_MAX_MD_SIZE];

	json_write(template, &text);
	str_addf(&text, "#%" PRIi64, (int64_t)json_path_int(r->tree, "status.collisionCount", 0));
	EVP_Digest(text.s, text.len, digest, NULL, EVP_sha256(), NULL);
	for (size_t k = 0; k < HASH_TEXT - 1; k++)
		out[k] = alphabet[digest[k] % (sizeof(alphabet) - 1)];
	out[HASH_TEXT - 1] = '\0';
}

static int64_t revision_of(const json_t *tree)
{
	return strtoll(text_at(tree, "metadata.annotations[" ANNOTATION_REVISION "]"), NULL, 10);
}

static int64_t next_revision(const struct rollout *r)
{
	int64_t highest = 0;

	for (size_t k = 0; k < r->n_sets; k++)
		if (rollout_is_old(r, &r->sets[k]))
			highest = MAX(highest, revision_of(r->sets[k].tree));
	return highest + 1;
}

static bool set_annotation(json_t *tree, const char *key, const char *value)
{
	json_t *all = json_path(tree, "metadata.annotations");

	if (!all) {
		all = json_object();
		json_path_set(tree, "metadata.annotations", all);
	}
	if (json_is_string(json_object_get(all, key)) &&
	    !strcmp(json_string_value(json_object_get(all, key)), value))
		return false;
	json_object_set_new(all, key, json_string(value));
	return true;
}

static bool is_own_annotation(const char *key)
{
	static const char *const own[] = {ANNOTATION_REVISION,
					  ANNOTATION_HISTORY,
					  ANNOTATION_DESIRED,
					  ANNOTATION_MAX,
					  "kubectl.kubernetes.io/last-applied-configuration",
					  "deprecated.deployment.rollback.to"};

	for (size_t k = 0; k < ARRAY_SIZE(own); k++)
		if (!strcmp(key, own[k]))
			return true;
	return false;
}

/* The set's revision moves up when it becomes the new one again; the former is remembered. */
static bool raise_revision(json_t *set, int64_t revision)
{
	const char *before = text_at(set, "metadata.annotations[" ANNOTATION_REVISION "]");
	const char *history = text_at(set, "metadata.annotations[" ANNOTATION_HISTORY "]");
	char *list free_ptr = NULL;
	char text[24];

	if (revision_of(set) >= revision)
		return false;
	if (*before) {
		list = *history ? xasprintf("%s,%s", history, before) : xstrdup(before);
		set_annotation(set, ANNOTATION_HISTORY, list);
	}
	snprintf(text, sizeof(text), "%" PRIi64, revision);
	return set_annotation(set, ANNOTATION_REVISION, text);
}

static bool annotate(const struct rollout *r, json_t *set, int64_t revision)
{
	bool changed = raise_revision(set, revision);
	const char *key;
	json_t *value;

	json_object_foreach (json_path(r->tree, "metadata.annotations"), key, value)
		if (!is_own_annotation(key) && json_is_string(value))
			changed |= set_annotation(set, key, json_string_value(value));
	return changed;
}

/* SET as the cluster answered it takes the place of what the rollout knew. */
static void replace(struct rollout_set *set, struct object *answer)
{
	json_decref(set->tree);
	object_unref(set->object);
	set->tree = object_tree(answer);
	set->object = answer;
}

static int update_set(struct rollout *r, struct rollout_set *set, struct error **err)
{
	struct informer *i = controller_informer(r->controller, "apps", "replicasets");
	struct object *out = NULL;

	if (cluster_update_tree(controller_cluster(r->controller), controller_call(r->controller),
				informer_resource(i), NULL, set->tree, NULL, &out, err) < 0)
		return -1;
	informer_observe(i, out);
	replace(set, out);
	return 0;
}

/* `kubectl rollout history` reads the Deployment's own annotation too. */
static int annotate_deployment(struct rollout *r, int64_t revision, struct error **err)
{
	struct informer *i = controller_informer(r->controller, "apps", "deployments");
	struct object *out = NULL;
	json_t *status = json_incref(json_object_get(r->tree, "status"));
	char text[24];

	snprintf(text, sizeof(text), "%" PRIi64, revision);
	if (!set_annotation(r->tree, ANNOTATION_REVISION, text)) {
		json_decref(status);
		return 0;
	}
	if (cluster_update_tree(controller_cluster(r->controller), controller_call(r->controller),
				informer_resource(i), NULL, r->tree, NULL, &out, err) < 0) {
		json_decref(status);
		return -1;
	}
	informer_observe(i, out);
	object_unref(r->object);
	r->object = out;
	json_decref(r->tree);
	r->tree = object_tree(out);
	/* What this sync has put into the status so far is still to be written. */
	if (status)
		json_object_set_new(r->tree, "status", status);
	return 0;
}

static json_t *new_set_tree(const struct rollout *r, const char *hash, const char *name)
{
	json_t *template = json_deep_copy(json_path(r->tree, "spec.template"));
	json_t *selector = json_deep_copy(json_path(r->tree, "spec.selector"));
	json_t *labels, *tree;

	json_path_set(template, "metadata.labels[" LABEL_HASH "]", json_string(hash));
	json_path_set(selector, "matchLabels[" LABEL_HASH "]", json_string(hash));
	labels = json_deep_copy(json_path(template, "metadata.labels"));
	tree = json_pack("{s:s, s:s, s:{s:s, s:s, s:o, s:[o]}, s:{s:i, s:o, s:o}}", "apiVersion",
			 "apps/v1", "kind", "ReplicaSet", "metadata", "name", name, "namespace",
			 r->object->namespace, "labels", labels, "ownerReferences",
			 controller_reference(r->object), "spec", "replicas", 0, "selector",
			 selector, "template", template);
	if (json_path_int(r->tree, "spec.minReadySeconds", 0))
		json_path_set(tree, "spec.minReadySeconds",
			      json_integer(json_path_int(r->tree, "spec.minReadySeconds", 0)));
	return tree;
}

/* Another template has the same hash: a new hash is made with a higher count. */
static int count_collision(struct rollout *r, struct error **err)
{
	json_path_set(r->tree, "status.collisionCount",
		      json_integer(json_path_int(r->tree, "status.collisionCount", 0) + 1));
	if (status_write(r->controller, "apps", "deployments", r->tree, err) < 0)
		return -1;
	return error_set(err, E_CONFLICT, "the name of the new ReplicaSet is taken");
}

static void set_bounds(const struct rollout *r, json_t *set)
{
	int64_t surge, unavailable;
	char text[24];

	rollout_bounds(r, &surge, &unavailable);
	snprintf(text, sizeof(text), "%" PRIi64, rollout_replicas(r));
	set_annotation(set, ANNOTATION_DESIRED, text);
	snprintf(text, sizeof(text), "%" PRIi64, rollout_replicas(r) + surge);
	set_annotation(set, ANNOTATION_MAX, text);
}

static int create_set(struct rollout *r, struct error **err)
{
	struct informer *i = controller_informer(r->controller, "apps", "replicasets");
	char hash[HASH_TEXT];
	char *name free_ptr = NULL;
	json_t *tree json_auto = NULL;
	struct object *out = NULL;
	struct error *why = NULL;
	int64_t replicas;

	template_hash(r, hash);
	name = xasprintf("%s-%s", r->object->name, hash);
	tree = new_set_tree(r, hash, name);
	annotate(r, tree, next_revision(r));
	set_bounds(r, tree);
	replicas = rollout_new_replicas(r, &(struct rollout_set){.tree = tree});
	json_path_set(tree, "spec.replicas", json_integer(replicas));
	if (cluster_create_tree(controller_cluster(r->controller), controller_call(r->controller),
				informer_resource(i), r->object->namespace, tree, NULL, &out,
				&why) < 0) {
		if (why->code == E_EXISTS) {
			error_free(why);
			return count_collision(r, err);
		}
		rollout_progress(r, "False", "ReplicaSetCreateError",
				 "Failed to create new replica set \"%s\": %s", name,
				 error_message(why));
		rollout_status(r, NULL);
		return error_move(err, why);
	}
	informer_observe(i, out);
	rollout_add(r, out);
	r->newest = (ssize_t)r->n_sets - 1;
	if (replicas)
		recorder_event(r->recorder, r->object, EVENT_NORMAL, "ScalingReplicaSet",
			       "Scaled up replica set %s from 0 to %" PRIi64, name, replicas);
	rollout_progress(r, "True", "NewReplicaSetCreated", "Created new replica set \"%s\"", name);
	return 0;
}

static void find_newest(struct rollout *r)
{
	for (size_t k = 0; k < r->n_sets && r->newest < 0; k++)
		if (same_template(r, r->sets[k].tree))
			r->newest = (ssize_t)k;
}

static int refresh_newest(struct rollout *r, struct error **err)
{
	struct rollout_set *set = rollout_new(r);
	int64_t min_ready = json_path_int(r->tree, "spec.minReadySeconds", 0);
	bool changed = annotate(r, set->tree, next_revision(r));

	if (json_path_int(set->tree, "spec.minReadySeconds", 0) != min_ready) {
		json_path_set(set->tree, "spec.minReadySeconds", json_integer(min_ready));
		changed = true;
	}
	if (changed && update_set(r, set, err) < 0)
		return -1;
	if (!condition_find(json_path(r->tree, "status.conditions"), "Progressing"))
		rollout_progress(r, "True", "FoundNewReplicaSet", "Found new replica set \"%s\"",
				 set->object->name);
	return 0;
}

int revision_sync(struct rollout *r, bool create, struct error **err)
{
	find_newest(r);
	if (r->newest >= 0) {
		if (refresh_newest(r, err) < 0)
			return -1;
	} else if (!create) {
		return 0;
	} else if (create_set(r, err) < 0) {
		return -1;
	}
	return annotate_deployment(r, revision_of(rollout_new(r)->tree), err);
}

static bool is_spent(const struct rollout *r, const struct rollout_set *set)
{
	return rollout_is_old(r, set) && !set_replicas(set) &&
	       !json_path_int(set->tree, "status.replicas", 0) &&
	       json_path_int(set->tree, "status.observedGeneration", 0) >= set->object->generation;
}

/* The spent set of the lowest revision, not counting those marked DONE. */
static struct rollout_set *oldest_spent(struct rollout *r, const bool *done)
{
	struct rollout_set *oldest = NULL;

	for (size_t k = 0; k < r->n_sets; k++)
		if (!done[k] && is_spent(r, &r->sets[k]) &&
		    (!oldest || revision_of(r->sets[k].tree) < revision_of(oldest->tree)))
			oldest = &r->sets[k];
	return oldest;
}

int revision_cleanup(struct rollout *r, struct error **err)
{
	int64_t keep = json_path_int(r->tree, "spec.revisionHistoryLimit", 10);
	int64_t extra = -keep - 1; /* the new one is not history */
	bool *done free_ptr = xcalloc(r->n_sets + 1, sizeof(*done));
	struct rollout_set *set;

	for (extra += (int64_t)r->n_sets; extra > 0 && (set = oldest_spent(r, done)); extra--) {
		done[set - r->sets] = true;
		if (object_remove(r->controller, "apps", "replicasets", set->object, err) < 0)
			return -1;
	}
	return 0;
}
