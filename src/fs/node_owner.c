/* NAME/owner: a link to the object that owns this one. */
#include "fs/nodes.h"

#include "fs/types.h"
#include "object/json.h"

/* The controller, else the first owner. */
static json_t *owner_of(const json_t *tree)
{
	json_t *owner, *owners = json_path(tree, "metadata.ownerReferences");
	size_t i;

	json_array_foreach (owners, i, owner) {
		if (json_path_bool(owner, "controller", false))
			return owner;
	}
	return json_array_get(owners, 0);
}

char *object_link(struct node *type_directory, const struct resource *r, const char *name)
{
	struct str file CLEANUP(str_release) = STR_INIT, directory CLEANUP(str_release) = STR_INIT;
	const char *above = *type_directory->namespace && !r->namespaced ? "../../cluster" : "..";

	resource_directory(r, &directory);
	object_file_name(name, &file);
	return xasprintf("%s/%s/%s", above, directory.s, file.s);
}

static bool find_owner(struct node *dir, const char *name, struct found *f)
{
	struct object *o CLEANUP(object_unref_cleanup) = object_of_dir(dir);
	const struct resource *r;
	json_t *owner;

	if (!o || !o->owner_references.p)
		return false;
	json_t *tree json_auto = object_tree(o);

	owner = owner_of(tree);
	r = catalog_find_kind(dir->fs->view->catalog, json_path_string(owner, "apiVersion"),
			      json_path_string(owner, "kind"));
	if (!r)
		return false;
	char *link free_ptr = object_link(dir->parent, r, json_path_string(owner, "name"));

	f->link = xasprintf("../%s", link);
	return true;
}

const struct node_ops object_owner_ops = {.find = find_owner};
