/* NAME/scale and NAME/restart: one number, and a word that starts a workload anew. */
#include "fs/nodes.h"

#include "fs/types.h"
#include "fs/write.h"
#include "object/json.h"
#include "object/time.h"

#include <errno.h>

#define RESTARTED_AT "kubectl.kubernetes.io/restartedAt"

static bool find_scale(struct node *dir, const char *name, struct found *f)
{
	return resource_subresource(dir->resource, "scale") != NULL;
}

static const char *replicas_path(const struct resource *r)
{
	return r->scale_replicas ? r->scale_replicas : "spec.replicas";
}

static int render_scale(struct node *n, const struct call *call, struct str *out,
			struct error **err)
{
	struct object *o CLEANUP(object_unref_cleanup) = object_above(n->parent, err);

	if (!o)
		return -1;
	str_addi(out, object_int(o, replicas_path(n->resource), 1));
	str_addc(out, '\n');
	return 0;
}

static int send_scale(const struct target *t, const char *name, const struct str *text,
		      const struct call *call, struct error **err)
{
	char *end;
	long long replicas;

	errno = 0;
	replicas = strtoll(text->s, &end, 10);
	if (errno || end == text->s || end[strspn(end, " \t\r\n")] || replicas < 0 ||
	    replicas > INT32_MAX)
		return error_set(err, E_INVALID, "the number of replicas is wanted");
	json_t *patch json_auto = json_pack("{s:{s:I}}", "spec", "replicas", (json_int_t)replicas);

	return write_patch(t, "scale", patch, call, err);
}

static struct target target_of(struct node *dir)
{
	return (struct target){dir->fs, dir->resource, dir->namespace, dir->name};
}

static int submit_scale(struct node *dir, const char *name, struct draft *d, pid_t writer,
			const struct call *call, struct error **err)
{
	struct target t = target_of(dir);

	return write_part(&t, dir, name, d, writer, call, send_scale, err);
}

const struct node_ops object_scale_ops = {
	.find = find_scale,
	.render = render_scale,
	.submit = submit_scale,
};

/* What kubectl rollout restart restarts. */
static bool find_restart(struct node *dir, const char *name, struct found *f)
{
	static const char *const kinds[] = {"Deployment", "StatefulSet", "DaemonSet"};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (str_equal(dir->resource->kind, kinds[i]) &&
		    str_equal(dir->resource->group, "apps"))
			return true;
	}
	return false;
}

static int render_restart(struct node *n, const struct call *call, struct str *out,
			  struct error **err)
{
	struct object *o CLEANUP(object_unref_cleanup) = object_above(n->parent, err);

	if (!o)
		return -1;
	json_t *tree json_auto = object_tree(o);
	const json_t *last = json_object_get(json_path(tree, "spec.template.metadata.annotations"),
					     RESTARTED_AT);

	if (json_is_string(last))
		str_addf(out, "%s\n", json_string_value(last));
	return 0;
}

static int send_restart(const struct target *t, const char *name, const struct str *text,
			const struct call *call, struct error **err)
{
	char now[TIME_TEXT];
	json_t *patch json_auto =
		json_pack("{s:{s:{s:{s:{s:s}}}}}", "spec", "template", "metadata", "annotations",
			  RESTARTED_AT, time_format(clock_wall(t->fs->clock), now));

	return write_patch(t, NULL, patch, call, err);
}

static int submit_restart(struct node *dir, const char *name, struct draft *d, pid_t writer,
			  const struct call *call, struct error **err)
{
	struct target t = target_of(dir);

	return write_part(&t, dir, name, d, writer, call, send_restart, err);
}

const struct node_ops object_restart_ops = {
	.find = find_restart,
	.render = render_restart,
	.submit = submit_restart,
};
