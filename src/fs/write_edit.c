/* A version that was read, changed by the user: what changed is merged into the live object. */
#include "fs/write.h"

#include "fs/holds.h"
#include "fs/texts.h"
#include "object/json.h"
#include "object/patch.h"

#define MERGE_ATTEMPTS 5

static json_t *shown_tree(struct object *o)
{
	json_t *tree = object_tree(o);

	json_path_del(tree, "metadata.managedFields");
	return tree;
}

/*
 * The version that was read. A caller that finds none gets E_CONFLICT: without it nobody knows
 * what the user changed.
 */
static struct object *find_base(const struct target *t, struct object *live, const char *uid,
				const char *rv, pid_t writer, const struct call *call,
				struct error **err)
{
	struct object *o = served_saved(t->fs->served, writer, uid, rv);

	if (!o)
		o = served_get(t->fs->served, uid, rv);
	if (!o && str_equal(live->resource_version, rv))
		o = object_ref(live);
	if (!o)
		cluster_get_at(t->fs->cluster, call, t->resource, t->namespace, t->name, rv, &o,
			       NULL);
	if (o && !str_equal(o->uid, uid)) {
		object_unref(o);
		o = NULL;
	}
	if (!o)
		error_set(err, E_CONFLICT,
			  "the version this text was read from (resourceVersion %s) is gone; read "
			  "the file again, or remove metadata.resourceVersion to apply all of it",
			  rv);
	return o;
}

static bool fields_differ(const json_t *a, const json_t *b, const char *path)
{
	json_t *x = json_path(a, path), *y = json_path(b, path);

	return x || y ? !json_equal(x, y) : false;
}

/* What only the server writes may stand in the text, unchanged. */
static int check_server_owned(const struct target *t, const json_t *base, json_t *user,
			      struct error **err)
{
	static const char *const fields[] = {
		"metadata.creationTimestamp", "metadata.generation",
		"metadata.deletionTimestamp", "metadata.deletionGracePeriodSeconds",
		"metadata.selfLink",
	};

	if (resource_subresource(t->resource, "status") && fields_differ(base, user, "status"))
		return error_set(err, E_INVALID, "status: it is the server's and cannot be edited");
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (json_path(user, fields[i]) && fields_differ(base, user, fields[i]))
			return error_set(err, E_INVALID,
					 "%s: it is the server's and cannot be edited", fields[i]);
	}
	return 0;
}

/* The server's own fields are compared above and then left to it. */
static void forget_server_owned(json_t *tree, bool status)
{
	static const char *const fields[] = {
		"metadata.creationTimestamp", "metadata.generation",
		"metadata.deletionTimestamp", "metadata.deletionGracePeriodSeconds",
		"metadata.selfLink",	      "metadata.resourceVersion",
		"metadata.managedFields",
	};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		json_path_del(tree, fields[i]);
	if (status)
		json_object_del(tree, "status");
}

struct edit {
	const struct target *t;
	json_t *base, *user;
	bool has_status;
};

/* One attempt against LIVE. *sent: a request was made. */
static int merge_once(struct edit *e, struct object *live, const struct call *call, bool *sent,
		      struct object **out, struct error **err)
{
	const struct target *t = e->t;
	json_t *now json_auto = shown_tree(live);
	json_t *merged json_auto = NULL, *patch json_auto = NULL;
	struct str body CLEANUP(str_release) = STR_INIT;
	struct write_options opt = {
		.dry_run = t->fs->opt.dry_run,
		.field_manager = FIELD_MANAGER,
		.validation = FIELD_VALIDATION_STRICT,
	};

	*sent = false;
	forget_server_owned(now, e->has_status);
	merged = patch_three_way(e->base, e->user, now, t->resource->type, err);
	if (!merged)
		return -1;
	patch = patch_diff(now, merged);
	if (json_object_size(patch) == 0)
		return 0;
	json_path_set(patch, "metadata.resourceVersion", json_string(live->resource_version));
	json_write(patch, &body);
	*sent = true;
	return cluster_patch(t->fs->cluster, call, t->resource, t->namespace, t->name, NULL,
			     PATCH_MERGE, body.s, body.len, &opt, out, NULL, err);
}

/* A change elsewhere moves the live version under us: merged again with the new one. */
static int merge(struct edit *e, struct object *live, const struct call *call, bool *sent,
		 struct object **out, struct error **err)
{
	struct error *why = NULL;
	int ret = -1;

	object_ref(live);
	for (int again = MERGE_ATTEMPTS; live; again--) {
		ret = merge_once(e, live, call, sent, out, &why);
		if (ret == 0 || !*sent || error_code(why) != E_CONFLICT || again == 0)
			break;
		error_clear(&why);
		object_unref(live);
		live = write_live(e->t, true, call, &why);
	}
	object_unref(live);
	return ret < 0 ? error_move(err, why) : 0;
}

/* Was it removed just now, to be written again? */
static bool is_removed(const struct target *t, const struct object *live)
{
	FS_LOCK(t->fs);
	return holds_hides(t->fs->holds, t->resource, t->namespace, t->name, live->uid);
}

int write_edit(const struct target *t, json_t *tree, pid_t writer, const struct call *call,
	       enum write_result *result, struct error **err)
{
	struct object *live CLEANUP(object_unref_cleanup) = write_live(t, false, call, err);
	struct object *base CLEANUP(object_unref_cleanup) = NULL;
	struct object *text CLEANUP(object_unref_cleanup) = NULL;
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	json_t *was json_auto = NULL;
	struct edit e = {.t = t, .user = tree};
	bool sent = false, removed;

	if (!live)
		return -1;
	text = object_from_tree(tree);
	removed = is_removed(t, live);
	base = find_base(t, live, *text->uid ? text->uid : live->uid, text->resource_version,
			 writer, call, removed ? NULL : err);
	if (!base && !removed)
		return -1;
	was = shown_tree(base ? base : live);
	if (base && check_server_owned(t, was, tree, err) < 0)
		return -1;
	e.has_status = resource_subresource(t->resource, "status") != NULL;
	forget_server_owned(was, e.has_status);
	forget_server_owned(tree, e.has_status);
	if (json_equal(was, tree)) {
		if (!removed)
			return 0;
		/* What was removed and written as it once was is to be that again. */
		json_decref(was);
		was = shown_tree(live);
		forget_server_owned(was, e.has_status);
	}
	e.base = was;
	if (merge(&e, live, call, &sent, &o, err) < 0)
		return -1;
	served_save(t->fs->served, writer, text);
	write_observe(t, o);
	*result = sent ? WRITE_CONFIGURED : WRITE_UNCHANGED;
	return 0;
}
