/*
 * Writes of the fake. An object goes through one function, store(), which stamps and publishes it;
 * what differs between requests is how the next state is made from the last.
 */
#include "cluster/fake/fake.h"

#include "base/mem.h"
#include "base/str.h"
#include "cluster/lifecycle.h"
#include "cluster/patching.h"
#include "object/json.h"
#include "object/time.h"

#include <string.h>

static void stamp_new(struct fake *f, const struct resource *r, const char *namespace, json_t *tree)
{
	char uid[UID_TEXT], now[TIME_TEXT];

	json_path_set(tree, "metadata.uid", json_string(lifecycle_uid(uid)));
	json_path_set(tree, "metadata.creationTimestamp",
		      json_string(time_format(clock_wall(f->clock), now)));
	json_path_set(tree, "metadata.generation", json_integer(1));
	if (r->namespaced)
		json_path_set(tree, "metadata.namespace", json_string(namespace));
}

static void stamp_type(const struct resource *r, json_t *tree)
{
	json_path_set(tree, "apiVersion", json_string(r->api_version));
	json_path_set(tree, "kind", json_string(r->kind));
}

/* Publishes TREE as the next state of KEY and returns it. Locked. */
static struct object *store(struct fake *f, const struct resource *r, const char *key,
			    struct object *old, json_t *tree, bool dry_run)
{
	struct object *next;
	char *rv free_ptr = NULL;

	if (!dry_run)
		f->revision++;
	rv = xasprintf("%llu", (unsigned long long)f->revision);
	json_path_set(tree, "metadata.resourceVersion", json_string(rv));
	next = object_from_tree(tree);
	if (!dry_run)
		fake_publish(f, r, key, old, object_ref(next));
	return next;
}

static struct object *create_locked(struct fake *f, const struct resource *r, const char *namespace,
				    json_t *tree, bool dry_run, struct error **err)
{
	const char *prefix = json_path_string(tree, "metadata.generateName");
	const char *name;
	char *key free_ptr = NULL;
	char *made free_ptr = NULL;

	if (!*json_path_string(tree, "metadata.name") && *prefix) {
		made = lifecycle_name(prefix);
		json_path_set(tree, "metadata.name", json_string(made));
	}
	name = json_path_string(tree, "metadata.name");
	if (!*name) {
		error_set(err, E_INVALID,
			  "metadata.name: Required value: name or generateName is "
			  "required");
		return NULL;
	}
	key = fake_key(r, namespace, name);
	if (map_get(f->objects, key)) {
		refuse_exists(r, name, err);
		return NULL;
	}
	stamp_type(r, tree);
	stamp_new(f, r, namespace, tree);
	return store(f, r, key, NULL, tree, dry_run);
}

/* A change to an object: the next state in TREE, or -1. */
typedef int change_fn(struct fake *f, const struct resource *r, json_t *tree, void *arg,
		      struct error **err);

static bool same(const json_t *a, const json_t *b, const char *path)
{
	json_t *x = json_path(a, path), *y = json_path(b, path);

	return x == y || json_equal(x, y);
}

/* What a client may not change comes from the last state; the generation counts spec changes. */
static void keep_metadata(const json_t *old, json_t *tree)
{
	static const char *const kept[] = {"metadata.uid",
					   "metadata.creationTimestamp",
					   "metadata.generation",
					   "metadata.deletionTimestamp",
					   "metadata.namespace",
					   "metadata.name",
					   "metadata.deletionGracePeriodSeconds",
					   "metadata.resourceVersion"};

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		json_t *value = json_path(old, kept[i]);

		if (value)
			json_path_set(tree, kept[i], json_incref(value));
		else
			json_path_del(tree, kept[i]);
	}
	if (!same(old, tree, "spec"))
		json_path_set(tree, "metadata.generation",
			      json_integer(json_path_int(old, "metadata.generation", 0) + 1));
}

static int modify_locked(struct fake *f, const struct resource *r, const char *namespace,
			 const char *name, bool dry_run, change_fn *change, void *arg,
			 struct object **out, struct error **err)
{
	char *key free_ptr = fake_key(r, namespace, name);
	struct object *old = map_get(f->objects, key);
	json_t *before json_auto = NULL;
	json_t *tree json_auto = NULL;

	if (!old)
		return refuse_not_found(r, name, err);
	before = object_tree(old);
	tree = json_deep_copy(before);
	if (change(f, r, tree, arg, err) < 0)
		return -1;
	stamp_type(r, tree);
	keep_metadata(before, tree);
	if (json_equal(before, tree)) {
		*out = object_ref(old);
		return 0;
	}
	old = object_ref(old);
	*out = store(f, r, key, old, tree, dry_run);
	if (lifecycle_finished(tree) && !dry_run) {
		f->revision++;
		fake_publish(f, r, key, *out, NULL);
	}
	object_unref(old);
	return 0;
}

/* A write to a scale answers with the scale. */
static int show_scale(const struct resource *r, struct object **out, struct error **err)
{
	json_t *tree json_auto = object_tree(*out);
	json_t *scale json_auto = scale_get(tree, r, err);

	object_unref(steal(out));
	if (!scale)
		return -1;
	*out = object_from_tree(scale);
	return 0;
}

struct replacement {
	json_t *body;
	const char *subresource;
	const char *name;
};

static void replace(json_t *tree, const json_t *from, const char *path)
{
	json_t *value = json_path(from, path);

	if (value)
		json_path_set(tree, path, json_incref(value));
	else
		json_path_del(tree, path);
}

static int check_version(const struct resource *r, const json_t *tree, const json_t *body,
			 const char *name, struct error **err)
{
	const char *rv = json_path_string(body, "metadata.resourceVersion");
	const char *uid = json_path_string(body, "metadata.uid");

	if ((*rv && strcmp(rv, json_path_string(tree, "metadata.resourceVersion"))) ||
	    (*uid && strcmp(uid, json_path_string(tree, "metadata.uid"))))
		return refuse_conflict(r, name, conflict_modified, err);
	return 0;
}

/* TREE becomes the body, or takes over the part that the subresource is. */
static int change_replace(struct fake *f, const struct resource *r, json_t *tree, void *arg,
			  struct error **err)
{
	struct replacement *p = arg;
	json_t *status json_auto = NULL;

	if (p->subresource && strcmp(p->subresource, "scale") == 0)
		return scale_set(tree, r, p->body, err);
	if (p->subresource && strcmp(p->subresource, "binding") == 0)
		return pod_bind(tree, r, p->body, clock_wall(f->clock), err);
	if (check_version(r, tree, p->body, p->name, err) < 0)
		return -1;
	if (p->subresource && strcmp(p->subresource, "status") == 0) {
		replace(tree, p->body, "status");
		return 0;
	}
	if (p->subresource && strcmp(p->subresource, "finalize") == 0) {
		replace(tree, p->body, "spec.finalizers");
		return 0;
	}
	status = json_incref(json_path(tree, "status"));
	json_object_clear(tree);
	json_object_update(tree, p->body);
	if (resource_subresource(r, "status")) {
		if (status)
			json_path_set(tree, "status", json_incref(status));
		else
			json_path_del(tree, "status");
	}
	return 0;
}

int fake_create(struct cluster *c, const struct call *call, const struct resource *r,
		const char *namespace, const char *name, const char *subresource, const char *json,
		size_t len, const struct write_options *opt, struct object **out,
		struct error **err)
{
	struct fake *f = fake_of(c);
	json_t *body json_auto = NULL;
	struct replacement p = {.subresource = subresource, .name = name};
	int result = 0;

	if (fake_begin(c, call,
		       &(struct fake_request){.verb = VERB_CREATE,
					      .resource = r,
					      .namespace = namespace,
					      .name = name,
					      .subresource = subresource,
					      .json = json,
					      .len = len},
		       err) < 0)
		return -1;
	p.body = body = json_read(json, len, err);
	if (!body)
		return -1;
	if (subresource && strcmp(subresource, "eviction") == 0) {
		struct delete_options del = {.grace_period_s = -1};
		bool gone;

		return fake_delete(c, call, r, namespace, name, &del, out, &gone, err);
	}
	pthread_mutex_lock(&f->lock);
	if (subresource)
		result = modify_locked(f, r, namespace, name, opt->dry_run, change_replace, &p, out,
				       err);
	else
		*out = create_locked(f, r, namespace, body, opt->dry_run, err);
	pthread_mutex_unlock(&f->lock);
	return *out ? result : -1;
}

int fake_update(struct cluster *c, const struct call *call, const struct resource *r,
		const char *namespace, const char *name, const char *subresource, const char *json,
		size_t len, const struct write_options *opt, struct object **out,
		struct error **err)
{
	struct fake *f = fake_of(c);
	json_t *body json_auto = NULL;
	struct replacement p = {.subresource = subresource};
	int result;

	if (fake_begin(c, call,
		       &(struct fake_request){.verb = VERB_UPDATE,
					      .resource = r,
					      .namespace = namespace,
					      .name = name,
					      .subresource = subresource,
					      .json = json,
					      .len = len},
		       err) < 0)
		return -1;
	p.body = body = json_read(json, len, err);
	if (!body)
		return -1;
	p.name = name ? name : json_path_string(body, "metadata.name");
	pthread_mutex_lock(&f->lock);
	result = modify_locked(f, r, namespace, p.name, opt->dry_run, change_replace, &p, out, err);
	pthread_mutex_unlock(&f->lock);
	return result == 0 && subresource && strcmp(subresource, "scale") == 0
		       ? show_scale(r, out, err)
		       : result;
}

struct patching {
	enum patch_type type;
	const char *name, *subresource;
	json_t *patch;
	struct apply_options apply;
};

/* The patched whole, of which the subresource takes its part. */
static int change_patch(struct fake *f, const struct resource *r, json_t *tree, void *arg,
			struct error **err)
{
	struct patching *p = arg;
	json_t *from json_auto = NULL;
	json_t *patched json_auto = NULL;
	struct replacement replacement = {.subresource = p->subresource, .name = p->name};

	from = p->subresource && strcmp(p->subresource, "scale") == 0 ? scale_get(tree, r, err)
								      : json_incref(tree);
	if (!from)
		return -1;
	patched = patch_with(from, p->patch, p->type, r, &p->apply, err);
	if (!patched)
		return -1;
	replacement.body = patched;
	return change_replace(f, r, tree, &replacement, err);
}

static int apply_new(struct fake *f, const struct resource *r, const char *namespace,
		     const char *name, struct patching *p, bool dry_run, struct object **out,
		     struct error **err)
{
	json_t *tree json_auto = patch_with(NULL, p->patch, PATCH_APPLY, r, &p->apply, err);

	if (!tree)
		return -1;
	json_path_set(tree, "metadata.name", json_string(name));
	*out = create_locked(f, r, namespace, tree, dry_run, err);
	return *out ? 0 : -1;
}

int fake_patch(struct cluster *c, const struct call *call, const struct resource *r,
	       const char *namespace, const char *name, const char *subresource,
	       enum patch_type type, const char *patch, size_t len, const struct write_options *opt,
	       struct object **out, bool *created, struct error **err)
{
	struct fake *f = fake_of(c);
	json_t *tree json_auto = NULL;
	char now[TIME_TEXT];
	char *manager free_ptr = write_manager(call, opt);
	struct patching p = {.type = type, .name = name, .subresource = subresource};
	char *key free_ptr = fake_key(r, namespace, name);
	int result;

	if (fake_begin(c, call,
		       &(struct fake_request){.verb = VERB_PATCH,
					      .resource = r,
					      .namespace = namespace,
					      .name = name,
					      .subresource = subresource,
					      .json = patch,
					      .len = len},
		       err) < 0)
		return -1;
	p.patch = tree = json_read(patch, len, err);
	if (!tree)
		return -1;
	p.apply = (struct apply_options){.manager = manager,
					 .api_version = r->api_version,
					 .subresource = subresource ? subresource : "",
					 .force = opt->force,
					 .now = time_format(clock_wall(f->clock), now)};
	pthread_mutex_lock(&f->lock);
	*created = type == PATCH_APPLY && !subresource && !map_get(f->objects, key);
	result = *created ? apply_new(f, r, namespace, name, &p, opt->dry_run, out, err)
			  : modify_locked(f, r, namespace, name, opt->dry_run, change_patch, &p,
					  out, err);
	pthread_mutex_unlock(&f->lock);
	return result == 0 && subresource && strcmp(subresource, "scale") == 0
		       ? show_scale(r, out, err)
		       : result;
}

int fake_delete(struct cluster *c, const struct call *call, const struct resource *r,
		const char *namespace, const char *name, const struct delete_options *opt,
		struct object **out, bool *gone, struct error **err)
{
	struct fake *f = fake_of(c);
	char *key free_ptr = fake_key(r, namespace, name);
	json_t *tree json_auto = NULL;
	struct object *old;
	enum deletion next;

	if (fake_begin(c, call,
		       &(struct fake_request){.verb = VERB_DELETE,
					      .resource = r,
					      .namespace = namespace,
					      .name = name},
		       err) < 0)
		return -1;
	pthread_mutex_lock(&f->lock);
	old = map_get(f->objects, key);
	if (!old) {
		pthread_mutex_unlock(&f->lock);
		return refuse_not_found(r, name, err);
	}
	tree = object_tree(old);
	if (lifecycle_preconditions(tree, r, opt, err) < 0) {
		pthread_mutex_unlock(&f->lock);
		return -1;
	}
	old = object_ref(old);
	next = lifecycle_delete(tree, r, opt, clock_wall(f->clock));
	*gone = next == DELETION_NOW;
	if (next == DELETION_MARKED)
		*out = store(f, r, key, old, tree, opt->dry_run);
	else
		*out = object_ref(old);
	if (next == DELETION_NOW && !opt->dry_run) {
		f->revision++;
		fake_publish(f, r, key, old, NULL);
	}
	pthread_mutex_unlock(&f->lock);
	object_unref(old);
	return 0;
}
