/* NAME/describe. */
#include "fs/describe.h"
#include "fs/nodes.h"

static int render_describe(struct node *n, const struct call *call, struct str *out,
			   struct error **err)
{
	struct object *o CLEANUP(object_unref_cleanup) = NULL;

	pthread_mutex_lock(&n->fs->lock);
	o = object_of_dir(n->parent);
	pthread_mutex_unlock(&n->fs->lock);
	if (!o)
		return error_set(err, E_NOT_FOUND, "%s is gone", n->parent->name);
	describe_object(n->fs, n->resource, o, call, out);
	return 0;
}

const struct node_ops object_describe_ops = {.render = render_describe};
