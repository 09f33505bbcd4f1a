#include "fs/namespace.h"

#include "fs/holds.h"
#include "fs/nodes.h"
#include "fs/types.h"
#include "fs/write.h"
#include "kinds/kind.h"
#include "object/json.h"

int namespace_create(struct node *dir, const char *name, const struct call *call,
		     struct error **err)
{
	struct view *v CLEANUP(view_unref_cleanup) = view_get(dir->fs);
	struct target t = {dir->fs, v->namespaces, "", name};
	json_t *tree json_auto = json_pack("{s:s,s:s,s:{s:s}}", "apiVersion", "v1", "kind",
					   "Namespace", "metadata", "name", name);
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	struct write_options opt = {.dry_run = dir->fs->opt.dry_run,
				    .field_manager = FIELD_MANAGER};

	if (name_problem(name_dns_label, name))
		return error_set(err, E_INVALID, "\"%s\" is no name for a namespace: %s", name,
				 name_problem(name_dns_label, name));
	if (namespace_is_protected(dir->fs, name))
		return error_set(err, E_READ_ONLY, "namespace \"%s\" is protected", name);
	if (cluster_create_tree(dir->fs->cluster, call, v->namespaces, "", tree, &opt, &o, err) < 0)
		return -1;
	write_observe(&t, o);
	return 0;
}

/* What every namespace has, or what comes and goes with something else. */
static bool is_nobodys(const struct resource *r, const struct object *o)
{
	static const char *const types[] = {"events", "leases", "endpoints", "endpointslices"};
	/* Controllers bring these back at once: a namespace cannot be without them. */
	static const struct {
		const char *plural, *name;
	} published[] = {
		{"configmaps", "kube-root-ca.crt"},
		{"configmaps", "openshift-service-ca.crt"},
		{"serviceaccounts", "default"},
	};
	struct owner owner;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (strcmp(r->plural, types[i]) == 0)
			return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(published); i++) {
		if (strcmp(r->plural, published[i].plural) == 0 &&
		    strcmp(o->name, published[i].name) == 0)
			return true;
	}
	if (object_controller(o, &owner)) {
		owner_release(&owner);
		return true;
	}
	return *o->deletion_timestamp;
}

struct search {
	struct fs *fs;
	const struct resource *resource;
	struct map *held; /* uids that are on their way out; NULL: none */
	char *found;
};

static bool look_at(void *arg, const char *json, size_t len)
{
	struct search *s = arg;
	struct object *o CLEANUP(object_unref_cleanup) = object_parse(json, len, NULL);

	if (o && !is_nobodys(s->resource, o) && !(s->held && map_get(s->held, o->uid)))
		s->found = xasprintf("%s/%s", s->resource->plural, o->name);
	return !s->found;
}

/* A type that may not be listed hides nothing of this user's. */
static int search_type(struct search *s, const char *namespace, const struct call *call,
		       struct error **err)
{
	struct list_options opt = {0};
	struct list_meta meta = {0};
	struct error *why = NULL;
	int ret;

	s->held = holds_uids(s->fs->holds);
	ret = cluster_list(s->fs->cluster, call, s->resource, namespace, &opt, look_at, s, &meta,
			   &why);
	map_free(steal(&s->held), NULL);
	list_meta_release(&meta);
	if (ret < 0 && !s->found && error_code(why) != E_FORBIDDEN &&
	    error_code(why) != E_NOT_FOUND && error_code(why) != E_METHOD)
		return error_move(err, why);
	error_free(why);
	return 0;
}

static int check_empty(struct fs *fs, const char *namespace, const struct call *call,
		       struct error **err)
{
	struct view *v CLEANUP(view_unref_cleanup) = view_get(fs);

	map_each (v->in_namespace, e) {
		struct search s = {.fs = fs, .resource = e->value};
		int ret = search_type(&s, namespace, call, err);

		if (ret == 0 && s.found)
			ret = error_set(err, E_NOT_EMPTY, "namespace \"%s\" holds %s", namespace,
					s.found);
		free(s.found);
		if (ret < 0)
			return -1;
	}
	return 0;
}

int namespace_remove(struct node *dir, const char *name, struct node *n, const struct call *call,
		     struct error **err)
{
	struct fs *fs = dir->fs;
	struct view *v CLEANUP(view_unref_cleanup) = view_get(fs);
	struct delete_options opt = {
		.dry_run = fs->opt.dry_run,
		.grace_period_s = -1,
		.propagation = PROPAGATE_BACKGROUND,
	};
	struct target t = {fs, v->namespaces, "", name};
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	bool gone = false;

	if (namespace_is_protected(fs, name))
		return error_set(err, E_READ_ONLY, "namespace \"%s\" is protected", name);
	/* First what was removed in it: what may not go after all keeps the namespace. */
	holds_flush(fs->holds);
	if (check_empty(fs, name, call, err) < 0)
		return -1;
	if (cluster_delete(fs->cluster, call, v->namespaces, "", name, &opt, &o, &gone, err) < 0)
		return -1;
	if (!gone || fs->opt.dry_run) {
		write_observe(&t, o);
		return 0;
	}
	pthread_mutex_lock(&fs->lock);
	struct tree_type *type = type_ready(fs, v->namespaces, "");

	pthread_mutex_unlock(&fs->lock);
	if (type) {
		struct object *old CLEANUP(object_unref_cleanup) =
			informer_get(type->informer, "", name);

		informer_observe_deleted(type->informer, "", name, NULL);
		if (old)
			type_told(type, old, NULL);
	}
	type_unref(type);
	return 0;
}

int type_remove(struct node *dir, const char *name, struct node *n, const struct call *call,
		struct error **err)
{
	struct object_list list = {0};
	struct fs *fs = dir->fs;
	struct tree_type *t = NULL;
	int ret = 0;

	if (!*dir->namespace)
		return error_set(err, E_PERMISSION,
				 "a type's directory is there while it is served");
	if (type_open(fs, n->resource, dir->namespace, call, &t, err) < 0)
		return -1;
	shown_list(fs->holds, t->informer, dir->namespace, &list);
	vec_each (&list, o) {
		if (ret == 0 && !is_nobodys(n->resource, *o))
			ret = error_set(err, E_NOT_EMPTY, "%s/%s is there", name, (*o)->name);
	}
	object_list_release(&list);
	type_unref(t);
	return ret;
}
