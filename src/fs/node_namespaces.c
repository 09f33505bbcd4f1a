/* namespaces/, namespaces/NS/ and namespaces/NS/namespace.yaml. */
#include "fs/nodes.h"

#include "fs/draft.h"
#include "fs/namespace.h"
#include "fs/notifier.h"
#include "fs/texts.h"
#include "fs/types.h"
#include "fs/write.h"

/* Where namespaces may not be listed, the context's own and those named with the option. */
static bool is_known_name(struct fs *fs, const char *name)
{
	if (str_equal(fs->cluster->default_namespace, name))
		return true;
	for (size_t i = 0; i < fs->opt.namespaces.n; i++) {
		if (str_equal(fs->opt.namespaces.v[i], name))
			return true;
	}
	return false;
}

static bool may_not_list(struct node *dir)
{
	return dir->state != NULL;
}

static bool all_ready(struct node *dir)
{
	struct fs *fs = dir->fs;

	if (dir->type || may_not_list(dir))
		return true;
	dir->type = type_ready(fs, fs->view->namespaces, "");
	return dir->type != NULL;
}

static int all_prepare(struct node *dir, const struct call *call, struct error **err)
{
	struct fs *fs = dir->fs;
	struct view *v CLEANUP(view_unref_cleanup) = view_get(fs);
	struct error *why = NULL;
	struct tree_type *t = NULL;

	if (type_open(fs, v->namespaces, "", call, &t, &why) < 0 && error_code(why) != E_FORBIDDEN)
		return error_move(err, why);
	pthread_mutex_lock(&fs->lock);
	if (!t)
		dir->state = fs; /* any value: the list is refused */
	else if (!dir->type)
		dir->type = steal(&t);
	pthread_mutex_unlock(&fs->lock);
	error_free(why);
	type_unref(t);
	return 0;
}

static bool find_namespace(struct node *dir, const char *name, struct found *f)
{
	struct object *o;

	if (may_not_list(dir))
		return is_known_name(dir->fs, name);
	o = informer_get(dir->type->informer, "", name);
	object_unref(o);
	return o != NULL;
}

static void list_namespaces(struct node *dir, struct listing *l)
{
	struct object_list list = {0};
	struct fs *fs = dir->fs;

	if (may_not_list(dir)) {
		listing_add(l, fs->cluster->default_namespace, 0);
		for (size_t i = 0; i < fs->opt.namespaces.n; i++) {
			if (!str_equal(fs->opt.namespaces.v[i], fs->cluster->default_namespace))
				listing_add(l, fs->opt.namespaces.v[i], 0);
		}
		return;
	}
	informer_list(dir->type->informer, "", &list);
	vec_each (&list, o)
		listing_add(l, (*o)->name, 0);
	object_list_release(&list);
}

static bool is_namespaces(struct tree_type *t)
{
	return t->resource->group[0] == '\0' && strcmp(t->resource->plural, "namespaces") == 0;
}

static void namespace_changed(struct tree_type *t, struct object *old, struct object *new_)
{
	struct node *all = node_child(t->fs->root, "namespaces");
	const char *name = (new_ ? new_ : old)->name;
	struct node *dir = all ? node_child(all, name) : NULL;

	if (!is_namespaces(t) || !all)
		return;
	if (dir) {
		node_stale(dir, "namespace.yaml");
		node_stale(dir, "namespace.json");
	}
	if (old && new_)
		return;
	if (!new_) {
		free(map_del(t->fs->reports, name));
		node_stale(all, name);
	}
	type_names_changed(t, all);
}

static void namespace_init(struct node *n)
{
	n->namespace = n->name;
}

/* namespaces/ looks names up with the find of its rows; the row is the namespace's. */
const struct node_ops namespaces_ops = {
	.ready = all_ready,
	.prepare = all_prepare,
	.mkdir = namespace_create,
};
static const struct node_ops *namespace_writes(struct node *dir, const char *name)
{
	if (strcmp(name, "namespace.yaml") == 0)
		return &namespace_file_ops;
	return strcmp(name, "apply") == 0 ? &apply_ops : NULL;
}

const struct node_ops namespace_ops = {
	.writes = namespace_writes,
	.find = find_namespace,
	.list = list_namespaces,
	.init = namespace_init,
	.changed = namespace_changed,
	.remove = namespace_remove,
};

static bool find_file(struct node *dir, const char *name, struct found *f)
{
	struct node *all = dir->parent;

	if (!all->type)
		return false;
	f->object = informer_get(all->type->informer, "", dir->name);
	f->resource = resource_ref(all->type->resource);
	return f->object != NULL;
}

static void file_init(struct node *n)
{
	n->size = object_yaml_size(n->object);
	n->ino = ino_hash(n->fs, n->object->uid, "");
	object_times(n->object, &n->mtime, &n->changed);
}

static int submit_file(struct node *dir, const char *name, struct draft *d, pid_t writer,
		       const struct call *call, struct error **err)
{
	struct view *v CLEANUP(view_unref_cleanup) = view_get(dir->fs);
	struct target t = {dir->fs, v->namespaces, "", dir->name};

	return write_draft(&t, dir, name, d, writer, call, err);
}

static void json_text(struct node *n, struct str *out)
{
	text_render(n->object, true, out);
}

static void json_init(struct node *n)
{
	file_init(n);
	n->ino = ino_hash(n->fs, n->object->uid, "json");
}

const struct node_ops namespace_json_ops = {
	.find = find_file,
	.init = json_init,
	.text = json_text,
};

const struct node_ops namespace_file_ops = {
	.find = find_file,
	.init = file_init,
	.submit = submit_file,
};
