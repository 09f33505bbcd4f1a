/* NAME/describe. */
#include "fs/describe.h"
#include "fs/nodes.h"

static int render_describe(struct node *n, const struct call *call, struct str *out,
			   struct error **err)
{
	struct object *o CLEANUP(object_unref_cleanup) = object_above(n->parent, err);

	if (!o)
		return -1;
	describe_object(n->fs, n->resource, o, call, out);
	return 0;
}

const struct node_ops object_describe_ops = {.render = render_describe};
