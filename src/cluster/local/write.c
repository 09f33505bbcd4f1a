/*
 * Create, update, patch. Each makes the next state of one object from the last and hands it to
 * finish(), which runs the rest of the pipeline and commits; when somebody else was quicker and
 * the caller named no version, all of it is done again on the newer state.
 */
#include "cluster/local/admission.h"

#include "base/mem.h"
#include "cluster/lifecycle.h"
#include "cluster/local/reviews.h"
#include "cluster/local/tokens.h"
#include "cluster/patching.h"
#include "kinds/kind.h"
#include "object/json.h"
#include "object/time.h"

#include <string.h>

static bool sub_is(const char *subresource, const char *name)
{
	return subresource && strcmp(subresource, name) == 0;
}

static void write_release(struct write *w)
{
	resource_unref(w->r);
}

/* What all requests of R have alike. */
static int begin(struct write *w, struct cluster *c, const struct call *call,
		 const struct resource *r, struct error **err)
{
	w->l = local_of(c);
	w->call = call;
	w->errand = errand_begin(w->l, call);
	w->namespace = w->namespace ? w->namespace : "";
	if (call_cancelled(call))
		return error_set(err, E_CANCELLED, "the request was given up");
	w->r = local_type(w->l, r, err);
	w->storage = w->r ? storage_of(w->r) : NULL;
	return w->r ? 0 : -1;
}

static uint64_t revision_of(const json_t *tree)
{
	return strtoull(json_path_string(tree, "metadata.resourceVersion"), NULL, 10);
}

/* Body and path must agree; what the body leaves out the path says. */
static int check_path(const struct write *w, json_t *tree, struct error **err)
{
	const char *name = json_path_string(tree, "metadata.name");
	const char *namespace = json_path_string(tree, "metadata.namespace");

	if (w->name && *name && strcmp(w->name, name))
		return error_set(err, E_BAD_REQUEST,
				 "the name of the object (%s) does not match the name on the URL "
				 "(%s)",
				 name, w->name);
	if (w->r->namespaced && *namespace && strcmp(namespace, w->namespace))
		return error_set(err, E_BAD_REQUEST,
				 "the namespace of the provided object does not match the "
				 "namespace sent on the request");
	if (w->name && !*name)
		json_path_set(tree, "metadata.name", json_string(w->name));
	if (w->r->namespaced && !*namespace)
		json_path_set(tree, "metadata.namespace", json_string(w->namespace));
	return 0;
}

/* The answer that *OUT became, in the version that was asked. */
static int show(const struct write *w, struct object **out, struct error **err)
{
	*out = convert_object(&w->errand, w->r, *out, err);
	return *out ? 0 : -1;
}

/*
 * TREE, as the request's version has it, as it is stored: a new reference. Before a charge, which
 * may hold a lock. NULL and *err.
 */
static json_t *stored_form(const struct write *w, json_t *tree, struct error **err)
{
	json_t *copy json_auto = NULL;

	if (!w->r->custom || w->opt->dry_run)
		return json_incref(tree);
	copy = json_deep_copy(tree);
	return convert_to_storage(&w->errand, w->r, copy, err) < 0 ? NULL : steal(&copy);
}

/* Whether nothing is left to do here once the object is committed, or was there before. */
static bool may_be_later(const struct write *w, const struct commit *c, bool generated)
{
	return w->opt->later && !generated && c->n == 1 && w->r == w->storage && !w->r->custom &&
	       !is_crd(w->storage);
}

static int create_once(const struct write *w, json_t *tree, bool generated, struct object **out,
		       struct error **err)
{
	struct admission a CLEANUP(admission_release);
	struct commit c CLEANUP(commit_release) = {0};
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	json_t *stored json_auto = stored_form(w, tree, err);
	size_t failed;
	int result;

	admission_begin(&a, w, NULL, tree);
	if (!stored || admission_charge(&a, &c, err) < 0)
		return -1;
	if (w->opt->dry_run) {
		struct object *o CLEANUP(object_unref_cleanup) =
			local_read(w->l, w->storage, w->namespace,
				   json_path_string(tree, "metadata.name"), NULL);

		if (o)
			return refuse_exists(w->r, json_path_string(tree, "metadata.name"), err);
		services_pretend(w, tree);
		*out = object_from_tree(tree);
		return 0;
	}
	if (services_allocate(w, NULL, tree, &c, err) < 0)
		return -1;
	commit_put(&c, w->storage, stored, STORE_ABSENT);
	if (may_be_later(w, &c, generated))
		return commit_later(w->l, &c, w->r, json_path_string(tree, "metadata.name"),
				    w->opt->later, err);
	if (crd_enter(w, tree, err) < 0)
		return -1;
	result = commit_run(w->l, &c, out, &failed, &why);
	crd_leave(w);
	if (result == 0)
		return 0;
	if (error_code(why) == E_EXISTS && failed == 0)
		return refuse_exists(w->r, json_path_string(tree, "metadata.name"), err);
	return error_move(err, steal(&why));
}

/* TREE has its managedFields. */
static int create_tree(struct write *w, json_t *tree, struct object **out, struct error **err)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	bool generated;

	if (revision_of(tree)) {
		error_set(err, E_UNKNOWN,
			  "resourceVersion should not be set on objects to be created");
		return -1;
	}
	if (w->r->terminating)
		return crd_refuse_create(w, tree, err);
	generated = !*json_path_string(tree, "metadata.name");
	if (pipeline_finish(w, NULL, tree, err) < 0)
		return -1;
	for (int i = 0; i < TRIES; i++) {
		int result;

		error_clear(&why);
		result = create_once(w, tree, generated, out, &why);
		if (result == CLUSTER_LATER)
			return result;
		if (result == 0) {
			if (show(w, out, err) < 0)
				return -1;
			/* A definition is accepted and served before its creator hears of it. */
			return is_crd(w->storage) && !w->opt->dry_run
				       ? crd_establish(w->l,
						       json_path_string(tree, "metadata.name"), err)
				       : 0;
		}
		/* What it is charged to has changed meanwhile. */
		if (error_code(why) == E_CONFLICT && !why->name)
			continue;
		if (error_code(why) != E_EXISTS)
			break;
		if (generated)
			json_path_del(tree, "metadata.name");
		else if (error_http_status(why) == 409 && why->name)
			break;
		pipeline_generate_name(tree);
	}
	return error_move(err, steal(&why));
}

/*
 * How an update makes the next state, managedFields included, from the last, OLD. NULL and *err on
 * refusal.
 */
typedef json_t *next_state(const struct write *w, const json_t *old, void *arg, struct error **err);

enum race { RACE_NONE, RACE_LOST, RACE_LOST_CHARGE };

/* *RACED: the commit failed because somebody else was quicker. */
static int modify_once(const struct write *w, next_state *next, void *arg, enum race *raced,
		       struct object **out, struct error **err)
{
	struct admission a CLEANUP(admission_release) = {.target = STR_INIT};
	struct object *old CLEANUP(object_unref_cleanup) =
		local_read(w->l, w->r, w->namespace, w->name, err);
	struct commit c CLEANUP(commit_release) = {0};
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	json_t *before json_auto = NULL;
	json_t *tree json_auto = NULL;
	json_t *stored json_auto = NULL;
	size_t failed;

	if (!old)
		return -1;
	before = object_tree(old);
	if (w->r->custom && convert_from_storage(&w->errand, w->r, before, err) < 0)
		return -1;
	tree = next(w, before, arg, err);
	if (!tree || pipeline_merge_old(w, before, tree, err) < 0 ||
	    pipeline_finish(w, before, tree, err) < 0)
		return -1;
	if (track_unchanged(before, tree)) {
		*out = object_from_tree(before);
		return 0;
	}
	stored = stored_form(w, tree, err);
	if (!stored)
		return -1;
	admission_begin(&a, w, before, tree);
	if (admission_charge(&a, &c, err) < 0)
		return -1;
	if (w->opt->dry_run) {
		services_pretend(w, tree);
		*out = object_from_tree(tree);
		return 0;
	}
	if (lifecycle_finished(tree)) {
		commit_delete(&c, w->storage, stored, old->revision);
		services_release(before, &c);
	} else {
		if (services_allocate(w, before, tree, &c, err) < 0)
			return -1;
		commit_put(&c, w->storage, stored, old->revision);
	}
	if (commit_run(w->l, &c, out, &failed, &why) == 0)
		return 0;
	if (error_code(why) == E_CONFLICT)
		*raced = failed ? RACE_LOST_CHARGE : RACE_LOST;
	return error_move(err, steal(&why));
}

/* A definition was written: it is served as it says now, or gone with its last finalizer. */
static int follow_definition(const struct write *w, struct error **err)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;

	if (w->subresource)
		return crd_reload(w->l, err);
	if (crd_establish(w->l, w->name, &why) == 0)
		return 0;
	return error_code(why) == E_NOT_FOUND ? crd_gone(w->l, err) : error_move(err, steal(&why));
}

static int modify(const struct write *w, next_state *next, void *arg, bool may_retry,
		  struct object **out, struct error **err)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;

	for (int i = 0; i < TRIES; i++) {
		enum race raced = RACE_NONE;

		error_clear(&why);
		if (modify_once(w, next, arg, &raced, out, &why) == 0) {
			if (show(w, out, err) < 0)
				return -1;
			return is_crd(w->storage) && !w->opt->dry_run ? follow_definition(w, err)
								      : 0;
		}
		if (!raced)
			return error_move(err, steal(&why));
		if (raced == RACE_LOST && !may_retry)
			break;
	}
	return refuse_conflict(w->r, w->name, conflict_modified, err);
}

static int check_resource_version(const struct write *w, const json_t *old, const json_t *body,
				  struct error **err)
{
	const char *rv = json_path_string(body, "metadata.resourceVersion");

	if (strspn(rv, "0123456789") != strlen(rv))
		return error_set(err, E_UNKNOWN,
				 "strconv.ParseUint: parsing \"%s\": invalid syntax", rv);
	if (*rv && strcmp(rv, "0") && strcmp(rv, json_path_string(old, "metadata.resourceVersion")))
		return refuse_conflict(w->r, w->name, conflict_modified, err);
	return 0;
}

/* A body's uid is a precondition; of a patch it is a change like any other. OLD NULL: there is no
 * object. */
static int check_uid(const struct write *w, const json_t *old, const json_t *body,
		     struct error **err)
{
	const char *uid = json_path_string(body, "metadata.uid");
	char *why free_ptr = NULL;

	if (!*uid || strcmp(uid, json_path_string(old, "metadata.uid")) == 0)
		return 0;
	why = xasprintf("Precondition failed: UID in precondition: %s, UID in object meta: %s", uid,
			json_path_string(old, "metadata.uid"));
	return refuse_conflict(w->r, w->name, why, err);
}

static json_t *next_from_body(const struct write *w, const json_t *old, void *arg,
			      struct error **err)
{
	json_t *tree json_auto = json_deep_copy(arg);

	if (check_update_version(w, json_path_string(tree, "metadata.resourceVersion"), err) < 0 ||
	    check_uid(w, old, tree, err) < 0 || check_resource_version(w, old, tree, err) < 0 ||
	    track_update(w, old, tree, err) < 0)
		return NULL;
	return steal(&tree);
}

static json_t *next_from_binding(const struct write *w, const json_t *old, void *arg,
				 struct error **err)
{
	json_t *tree json_auto = json_deep_copy(old);

	return pod_bind(tree, w->r, arg, clock_wall(w->l->clock), err) < 0 ? NULL : steal(&tree);
}

int refuse_patched(const char *patched, const struct error *why, struct error **err)
{
	struct str value CLEANUP(str_release) = STR_INIT;
	struct error *e;

	json_write_string(patched, strlen(patched), &value);
	e = error_new(E_INVALID, " \"\" is invalid: patch: Invalid value: %s: %s", value.s,
		      error_message(why));
	error_add_cause(e, "FieldValueInvalid", "patch", "Invalid value: %s: %s", value.s,
			error_message(why));
	return error_move(err, e);
}

/* What the patch makes of LIVE cannot be read as an object: it is made once more, to be told. */
static void refuse_result(const struct write *w, const json_t *live, const struct patching *p,
			  const struct error *why, struct error **err)
{
	json_t *tree json_auto = NULL;
	char *text free_ptr = NULL;

	if (p->type == PATCH_STRATEGIC) {
		text = patch_text(p->patch);
	} else {
		tree = patch_with(live, p->patch, p->type, w->r, NULL, NULL);
		text = patched_text(tree, live, w->r->type);
	}
	refuse_patched(text, why, err);
}

/* The patch speaks of R's version, the last state of the stored one. */
static json_t *next_from_patch(const struct write *w, const json_t *old, void *arg,
			       struct error **err)
{
	const struct patching *p = arg;
	json_t *live json_auto = json_deep_copy(old);
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	json_t *tree json_auto = NULL;

	if (w->storage != w->r && convert_from_storage(&w->errand, w->r, live, err) < 0)
		return NULL;
	tree = p->type == PATCH_APPLY ? track_apply(w, live, p->patch, err)
				      : patch_with(live, p->patch, p->type, w->r, NULL, err);
	if (!tree || check_resource_version(w, old, tree, err) < 0)
		return NULL;
	if (!json_is_object(tree)) {
		error_set(err, E_BAD_REQUEST, "the patch leaves no object");
		return NULL;
	}
	if (check_path(w, tree, err) < 0)
		return NULL;
	if (pipeline_admit_tree(w, tree, p->findings, &why) < 0) {
		if (p->type == PATCH_APPLY || error_code(why) != E_BAD_REQUEST)
			error_move(err, steal(&why));
		else
			refuse_result(w, live, p, why, err);
		return NULL;
	}
	if (p->type != PATCH_APPLY && track_update(w, old, tree, err) < 0)
		return NULL;
	return steal(&tree);
}

/* W is for pods/NAME/binding, or for bindings, where the body has the name. */
static int create_binding(const struct write *w, const char *json, size_t len, struct object **out,
			  struct error **err)
{
	struct catalog *builtin CLEANUP(catalog_unref_cleanup) = catalog_builtin();
	struct write as = *w, pod = *w;
	json_t *body json_auto = NULL;

	as.r = as.storage = catalog_find(builtin, "", "v1", "bindings");
	as.name = as.subresource = NULL;
	body = pipeline_decode(&as, json, len, err);
	if (!body || check_path(&as, body, err) < 0)
		return -1;
	pod.r = pod.storage = catalog_find(builtin, "", "v1", "pods");
	pod.subresource = "binding";
	if (!pod.name)
		pod.name = json_path_string(body, "metadata.name");
	if (binding_check(body, pod.name, err) < 0)
		return -1;
	if (!*pod.name)
		return error_set(err, E_BAD_REQUEST, "Name parameter required.");
	if (modify(&pod, next_from_binding, body, true, out, err) < 0)
		return -1;
	object_unref(*out);
	*out = created_status();
	return 0;
}

static int create_in(struct write *w, const char *json, size_t len, struct object **out,
		     struct error **err)
{
	json_t *body json_auto = NULL;

	if (sub_is(w->subresource, "token"))
		return token_request(w, json, len, out, err);
	if (sub_is(w->subresource, "binding"))
		return create_binding(w, json, len, out, err);
	body = json_read(json, len, err);
	if (!body)
		return -1;
	if (sub_is(w->subresource, "eviction"))
		return evict_pod(w, body, out, err);
	return error_set(err, E_METHOD,
			 "the server does not allow this method on the requested resource");
}

/* What no client gives a new object. */
static void wipe_system_fields(json_t *tree)
{
	static const char *const wiped[] = {
		"metadata.uid",
		"metadata.selfLink",
		"metadata.creationTimestamp",
		"metadata.deletionTimestamp",
		"metadata.deletionGracePeriodSeconds",
	};

	for (size_t i = 0; i < ARRAY_SIZE(wiped); i++)
		json_path_del(tree, wiped[i]);
}

int local_create(struct cluster *cluster, const struct call *call, const struct resource *r,
		 const char *namespace, const char *name, const char *subresource, const char *json,
		 size_t len, const struct write_options *opt, struct object **out,
		 struct error **err)
{
	struct write w CLEANUP(write_release) = {
		.namespace = namespace, .name = name, .subresource = subresource, .opt = opt};
	review_answer *answer = review_of(r);
	json_t *tree json_auto = NULL;

	if (begin(&w, cluster, call, r, err) < 0)
		return -1;
	if (subresource)
		return create_in(&w, json, len, out, err);
	if (is_bindings(r))
		return create_binding(&w, json, len, out, err);
	if (answer)
		return review_create(&w, answer, json, len, out, err);
	tree = pipeline_decode(&w, json, len, err);
	if (!tree || check_path(&w, tree, err) < 0)
		return -1;
	wipe_system_fields(tree);
	if (track_update(&w, NULL, tree, err) < 0)
		return -1;
	return create_tree(&w, tree, out, err);
}

int local_update(struct cluster *cluster, const struct call *call, const struct resource *r,
		 const char *namespace, const char *name, const char *subresource, const char *json,
		 size_t len, const struct write_options *opt, struct object **out,
		 struct error **err)
{
	struct write w CLEANUP(write_release) = {
		.namespace = namespace, .name = name, .subresource = subresource, .opt = opt};
	bool scale = sub_is(subresource, "scale");
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	json_t *tree json_auto = NULL;
	char *own_name free_ptr = NULL;
	bool versioned;

	if (begin(&w, cluster, call, r, err) < 0)
		return -1;
	tree = scale ? scale_decode(json, len, err) : pipeline_decode(&w, json, len, err);
	if (!tree)
		return -1;
	/* Admission may change the body while the name is still asked for. */
	if (!w.name)
		w.name = own_name = xstrdup(json_path_string(tree, "metadata.name"));
	if (!*w.name || !*json_path_string(tree, "metadata.name"))
		return error_set(
			err, E_BAD_REQUEST,
			"the name of the object (%s based on URL) was undeterminable: name "
			"must be provided",
			w.name);
	if (check_path(&w, tree, err) < 0)
		return -1;
	versioned = revision_of(tree) != 0;
	if (modify(&w, scale ? scale_next_body : next_from_body, tree, !versioned, out, &why) == 0)
		return scale ? scale_show(&w, out, err) : 0;
	if (subresource || error_code(why) != E_NOT_FOUND || !update_creates(r))
		return error_move(err, steal(&why));
	if (check_uid(&w, NULL, tree, err) < 0)
		return -1;
	if (opt->created)
		*opt->created = true;
	wipe_system_fields(tree);
	json_path_del(tree, "metadata.resourceVersion");
	return track_update(&w, NULL, tree, err) < 0 ? -1 : create_tree(&w, tree, out, err);
}

static int apply_create(struct write *w, const struct patching *p, struct object **out,
			struct error **err)
{
	json_t *tree json_auto = track_apply(w, NULL, p->patch, err);
	const char *uid = json_path_string(tree, "metadata.uid");

	/* Who names one means an object that is there. */
	if (tree && *uid) {
		char *why free_ptr =
			xasprintf("uid mismatch: the provided object specified uid %s, "
				  "and no existing object was found",
				  uid);

		return refuse_conflict(w->r, w->name, why, err);
	}
	if (!tree || check_path(w, tree, err) < 0 ||
	    pipeline_admit_tree(w, tree, p->findings, err) < 0)
		return -1;
	return create_tree(w, tree, out, err);
}

/* Members that an operation of a JSON patch does not have. */
static void note_strange_members(const json_t *patch, json_t *findings)
{
	static const char *const known[] = {"op", "path", "from", "value", NULL};
	const json_t *operation;
	const char *key;
	json_t *value;
	size_t i;

	json_array_foreach ((json_t *)patch, i, operation)
		json_object_foreach ((json_t *)operation, key, value)
			if (!text_is_one_of(key, known))
				json_array_append_new(
					findings,
					json_sprintf("json patch unknown field \"[%zu].%s\"", i,
						     key));
}

/* FINDINGS gets what strict reading finds in it. */
static json_t *read_patch(const struct write *w, enum patch_type type, const char *patch,
			  size_t len, json_t *findings, struct error **err)
{
	json_t *tree;

	if (type == PATCH_APPLY)
		return json_read(patch, len, err);
	tree = pipeline_read(w, patch, len, type == PATCH_JSON ? "json patch " : "", findings, err);
	if (type == PATCH_JSON)
		note_strange_members(tree, findings);
	return tree;
}

int local_patch(struct cluster *cluster, const struct call *call, const struct resource *r,
		const char *namespace, const char *name, const char *subresource,
		enum patch_type type, const char *patch, size_t len,
		const struct write_options *opt, struct object **out, bool *created,
		struct error **err)
{
	struct write w CLEANUP(write_release) = {
		.namespace = namespace, .name = name, .subresource = subresource, .opt = opt};
	bool scale = sub_is(subresource, "scale");
	json_t *tree json_auto = NULL;
	json_t *findings json_auto = json_array();
	struct patching p = {.type = type, .findings = findings};
	struct error *why CLEANUP(error_free_cleanup) = NULL;

	if (begin(&w, cluster, call, r, err) < 0)
		return -1;
	p.patch = tree = read_patch(&w, type, patch, len, findings, err);
	if (!tree)
		return -1;
	/* Somebody may make what is to be made, or remove what is to be changed. */
	for (int i = 0; i < TRIES; i++) {
		error_clear(&why);
		if (modify(&w, scale ? scale_next_patch : next_from_patch, &p, true, out, &why) ==
		    0)
			return scale ? scale_show(&w, out, err) : 0;
		if (type != PATCH_APPLY || subresource || error_code(why) != E_NOT_FOUND)
			break;
		error_clear(&why);
		*created = apply_create(&w, &p, out, &why) == 0;
		if (*created)
			return 0;
		if (error_code(why) != E_EXISTS)
			break;
	}
	return error_move(err, steal(&why));
}

/* The server's own write to the status of the definition NAME. */
static struct write own_status(struct local *l, const char *name)
{
	static const struct call self = {.user_agent = "kube-apiserver"};
	static const struct write_options options;

	return (struct write){.l = l,
			      .call = &self,
			      .own = true,
			      .errand = errand_begin(l, &self),
			      .r = crd_type(),
			      .storage = crd_type(),
			      .namespace = "",
			      .name = name,
			      .subresource = "status",
			      .opt = &options};
}

int crd_track_status(struct local *l, const json_t *old, json_t *tree, struct error **err)
{
	const struct write status = own_status(l, json_path_string(tree, "metadata.name"));

	return track_update(&status, old, tree, err);
}

static json_t *next_established(const struct write *w, const json_t *old, void *arg,
				struct error **err)
{
	json_t *tree json_auto = json_deep_copy(old);

	if (crd_accept(w->l, tree, err) < 0 || track_update(w, old, tree, err) < 0)
		return NULL;
	return steal(&tree);
}

int crd_establish(struct local *l, const char *name, struct error **err)
{
	const struct write status = own_status(l, name);
	struct object *ignored CLEANUP(object_unref_cleanup) = NULL;

	return modify(&status, next_established, NULL, true, &ignored, err);
}
