#include "fs/write.h"

#include "fs/draft.h"
#include "fs/holds.h"
#include "fs/journal.h"
#include "fs/nodes.h"
#include "fs/tell.h"
#include "fs/types.h"
#include "object/json.h"
#include "object/yaml.h"

const char *const write_result_words[] = {"nothing to do", "unchanged", "created", "configured",
					  "skipped"};

static int check_field(json_t *tree, const char *path, const char *want, const char *what,
		       struct error **err)
{
	json_t *have = json_path(tree, path);

	if (!have) {
		json_path_set(tree, path, json_string(want));
		return 0;
	}
	if (json_is_string(have) && strcmp(json_string_value(have), want) == 0)
		return 0;
	return error_set(err, E_BAD_REQUEST, "%s is %s, the path says %s \"%s\"", path,
			 json_is_string(have) ? json_string_value(have) : "no string", what, want);
}

/*
 * The path says what a text leaves out. Another version of the same type is taken as it is: the
 * request then goes to that version (*r).
 */
static int complete(const struct target *t, json_t *tree, struct view *v, const struct resource **r,
		    struct error **err)
{
	const char *api_version = json_path_string(tree, "apiVersion");
	const char *kind = json_path_string(tree, "kind");
	const struct resource *named = NULL;

	if (!json_is_object(tree))
		return error_set(err, E_BAD_REQUEST, "a manifest is a map of fields");
	if (json_object_get(tree, "metadata") && !json_is_object(json_object_get(tree, "metadata")))
		return error_set(err, E_BAD_REQUEST, "metadata is no map");
	*r = t->resource;
	if (*api_version && *kind)
		named = catalog_find_kind(v->catalog, api_version, kind);
	if (named && str_equal(named->plural, t->resource->plural) &&
	    str_equal(named->group, t->resource->group))
		*r = named;
	if (check_field(tree, "apiVersion", (*r)->api_version, "apiVersion", err) < 0 ||
	    check_field(tree, "kind", (*r)->kind, "kind", err) < 0)
		return -1;
	return check_field(tree, "metadata.name", t->name, "name", err);
}

static int complete_namespace(const struct target *t, json_t *tree, struct error **err)
{
	if (!*t->namespace)
		return 0;
	return check_field(tree, "metadata.namespace", t->namespace, "namespace", err);
}

void write_observe(const struct target *t, struct object *o)
{
	struct object *old CLEANUP(object_unref_cleanup) = NULL;
	struct tree_type *type;

	if (!o || t->fs->opt.dry_run)
		return;
	pthread_mutex_lock(&t->fs->lock);
	type = type_ready(t->fs, t->resource, t->namespace);
	pthread_mutex_unlock(&t->fs->lock);
	if (!type)
		return;
	old = informer_get(type->informer, o->namespace, o->name);
	informer_observe(type->informer, o);
	type_told(type, old, o);
	type_unref(type);
}

struct object *write_live(const struct target *t, bool ask, const struct call *call,
			  struct error **err)
{
	struct tree_type *type;
	struct object *o = NULL;

	pthread_mutex_lock(&t->fs->lock);
	type = type_ready(t->fs, t->resource, t->namespace);
	pthread_mutex_unlock(&t->fs->lock);
	if (type && !ask)
		o = informer_get(type->informer, t->namespace, t->name);
	type_unref(type);
	if (!o)
		cluster_get(t->fs->cluster, call, t->resource, t->namespace, t->name, &o, err);
	return o;
}

/* Where a Service or a Pod says what the old cluster gave it. */
static void strip_spec(json_t *tree)
{
	size_t i;
	json_t *port;

	json_path_del(tree, "spec.clusterIP");
	json_path_del(tree, "spec.clusterIPs");
	json_path_del(tree, "spec.nodeName");
	json_array_foreach (json_path(tree, "spec.ports"), i, port)
		json_object_del(port, "nodePort");
}

void write_strip(json_t *tree)
{
	static const char *const server_owned[] = {
		"metadata.uid",
		"metadata.resourceVersion",
		"metadata.creationTimestamp",
		"metadata.managedFields",
		"metadata.generation",
		"metadata.selfLink",
		"metadata.deletionTimestamp",
		"metadata.deletionGracePeriodSeconds",
		"metadata.ownerReferences",
		"status",
	};

	for (size_t i = 0; i < ARRAY_SIZE(server_owned); i++)
		json_path_del(tree, server_owned[i]);
	strip_spec(tree);
}

static bool has_controller(const json_t *tree)
{
	size_t i;
	json_t *owner;

	json_array_foreach (json_path(tree, "metadata.ownerReferences"), i, owner) {
		if (json_path_bool(owner, "controller", false))
			return true;
	}
	return false;
}

/* A text of an object that is not there (any more): a backup, or a copy of what another namespace
 * has, which is for the one that it is put into. */
static int restore(const struct target *t, json_t *tree, const struct call *call,
		   enum write_result *result, struct error **err)
{
	if (*t->namespace)
		json_path_set(tree, "metadata.namespace", json_string(t->namespace));
	if (has_controller(tree)) {
		*result = WRITE_SKIPPED;
		return 0;
	}
	write_strip(tree);
	return write_apply(t, tree, call, result, err);
}

/* The drop box writes anywhere, and a Namespace is of its own namespace. */
static int check_protected(const struct target *t, struct view *v, struct error **err)
{
	const char *namespace = t->resource == v->namespaces ? t->name : t->namespace;

	if (!namespace_is_protected(t->fs, namespace))
		return 0;
	return error_set(err, E_READ_ONLY, "namespace \"%s\" is protected", namespace);
}

int write_tree(const struct target *path, json_t *tree, pid_t writer, const struct call *call,
	       enum write_result *result, struct error **err)
{
	struct view *v CLEANUP(view_unref_cleanup) = view_get(path->fs);
	struct object *live CLEANUP(object_unref_cleanup) = NULL;
	struct target t = *path;
	struct error *why = NULL;
	const char *uid;

	*result = WRITE_NOTHING;
	if (complete(path, tree, v, &t.resource, err) < 0 || check_protected(&t, v, err) < 0)
		return -1;
	if (!*json_path_string(tree, "metadata.resourceVersion")) {
		if (complete_namespace(&t, tree, err) < 0)
			return -1;
		return write_apply(&t, tree, call, result, err);
	}
	live = write_live(&t, false, call, &why);
	if (!live && error_code(why) != E_NOT_FOUND)
		return error_move(err, why);
	error_free(why);
	uid = json_path_string(tree, "metadata.uid");
	if (!live || (*uid && strcmp(uid, live->uid) != 0))
		return restore(&t, tree, call, result, err);
	if (complete_namespace(&t, tree, err) < 0)
		return -1;
	return write_edit(&t, tree, writer, call, result, err);
}

/* The text is what the tree shows now. */
static bool is_what_is_there(const struct target *t, const char *text, size_t len,
			     const struct call *call)
{
	struct object *live CLEANUP(object_unref_cleanup) = NULL;
	struct str now CLEANUP(str_release) = STR_INIT;
	struct tree_type *type;

	pthread_mutex_lock(&t->fs->lock);
	type = type_ready(t->fs, t->resource, t->namespace);
	pthread_mutex_unlock(&t->fs->lock);
	if (type)
		live = informer_get(type->informer, t->namespace, t->name);
	type_unref(type);
	if (!live || object_yaml_size(live) != len)
		return false;
	yaml_write(live->json, live->len, YAML_OMIT_MANAGED_FIELDS, &now);
	return now.len == len && memcmp(now.s, text, len) == 0;
}

int write_text(const struct target *t, const char *text, size_t len, pid_t writer,
	       const struct call *call, enum write_result *result, struct error **err)
{
	json_t *tree json_auto = NULL;

	*result = WRITE_NOTHING;
	if (is_what_is_there(t, text, len, call))
		return 0;
	tree = yaml_read_one(text, len, err);
	return tree ? write_tree(t, tree, writer, call, result, err) : -1;
}

static void path_of(struct node *dir, const char *name, struct str *out)
{
	node_path(dir, out);
	str_addf(out, "/%s", name);
}

/* Everyone who has to know that NAME was refused. TEXT NULL: half of it, which is not kept. */
static void refused(const struct target *t, struct node *dir, const char *name, const char *text,
		    size_t len, pid_t writer, const struct error *why)
{
	struct str path CLEANUP(str_release) = STR_INIT;
	bool secret = resource_is_secret(t->resource);
	int ret;

	path_of(dir, name, &path);
	journal_add(t->fs->journal, path.s, why, secret);
	if (t->fs->opt.tell)
		tell_writer(writer, path.s, why, secret);
	if (!text)
		return;
	ret = rejected_keep(dir, name, secret ? 0600 : 0644, text, len, why, secret);
	if (ret)
		journal_note(t->fs->journal, path.s, "the refused text could not be kept: %s",
			     strerror(ret));
}

static void accepted(const struct target *t, struct node *dir, const char *name,
		     enum write_result result)
{
	struct str path CLEANUP(str_release) = STR_INIT;

	holds_drop(t->fs->holds, t->resource, t->namespace, t->name);
	rejected_drop(dir, name);
	if (result != WRITE_SKIPPED)
		return;
	path_of(dir, name, &path);
	journal_note(t->fs->journal, path.s, "skipped: a controller makes this object");
}

int write_draft(const struct target *t, struct node *dir, const char *name, struct draft *d,
		pid_t writer, const struct call *call, struct error **err)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	struct error *why = NULL;
	enum write_result result;
	const char *plain;
	size_t len;
	bool whole;
	int ret = 0;

	pthread_mutex_lock(&t->fs->lock);
	str_add(&text, d->text.s, d->text.len);
	d->applied = d->version;
	whole = !d->too_large;
	if (!whole)
		ret = error_set(&why, E_TOO_LARGE, "the text is larger than %d bytes", TEXT_MAX);
	pthread_mutex_unlock(&t->fs->lock);
	len = text.len;
	plain = rejected_text(text.s, &len);
	holds_settle(t->fs->holds, t->resource, t->namespace, t->name);
	if (ret == 0)
		ret = write_text(t, plain, len, writer, call, &result, &why);
	if (ret == 0) {
		accepted(t, dir, name, result);
		return 0;
	}
	refused(t, dir, name, whole ? plain : NULL, len, writer, why);
	holds_drop(t->fs->holds, t->resource, t->namespace, t->name);
	return error_move(err, why);
}
