/* The directory of a type, and the links that its other names are. */
#include "fs/nodes.h"

#include "fs/namespace.h"
#include "fs/types.h"

static struct map *directories(struct node *dir)
{
	struct view *v = dir->fs->view;

	return *dir->namespace ? v->in_namespace : v->in_cluster;
}

static bool type_is_ready(struct node *dir)
{
	if (!dir->type)
		dir->type = type_ready(dir->fs, dir->resource, dir->namespace);
	return dir->type != NULL;
}

static int type_prepare(struct node *dir, const struct call *call, struct error **err)
{
	return type_open_at(dir, dir->resource, call, err);
}

static bool find_type(struct node *dir, const char *name, struct found *f)
{
	const struct resource *r = map_get(directories(dir), name);

	if (r)
		f->resource = resource_ref(r);
	return r != NULL;
}

static void list_types(struct node *dir, struct listing *l)
{
	FS_LOCK(dir->fs);
	map_each (directories(dir), e)
		listing_add(l, e->key, 0);
}

/* A legal name of the type, with .yaml. */
static const struct node_ops *type_writes(struct node *dir, const char *name)
{
	char *own free_ptr = object_name_of_file(dir->resource, name);

	return own ? &object_file_ops : NULL;
}

const struct node_ops type_ops = {
	.writes = type_writes,
	.ready = type_is_ready,
	.prepare = type_prepare,
	.find = find_type,
	.list = list_types,
	.remove = type_remove,
};

static bool find_alias(struct node *dir, const char *name, struct found *f)
{
	f->link = view_resolve(dir->fs->view, *dir->namespace != '\0', name);
	return f->link != NULL;
}

const struct node_ops alias_ops = {.find = find_alias};
