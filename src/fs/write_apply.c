/* A manifest: server-side apply, and who may be overruled. */
#include "fs/write.h"

#include "object/json.h"

/* The manager that a cause names: conflict with "kubectl-edit" using apps/v1 */
static char *manager_of(const struct error_cause *c)
{
	const char *quote = c->message ? strchr(c->message, '"') : NULL;
	const char *end = quote ? strchr(quote + 1, '"') : NULL;

	return end ? xstrndup(quote + 1, (size_t)(end - quote - 1)) : NULL;
}

/* An edit and an apply are two owners to the server; so is the same user's kubectl. */
static bool is_ours(const struct error_cause *c)
{
	char *manager free_ptr = manager_of(c);

	return manager &&
	       (strcmp(manager, FIELD_MANAGER) == 0 || str_has_prefix(manager, "kubectl"));
}

static bool only_our_conflicts(const struct error *e)
{
	if (error_code(e) != E_CONFLICT || e->n_causes == 0)
		return false;
	for (size_t i = 0; i < e->n_causes; i++) {
		if (!is_ours(&e->causes[i]))
			return false;
	}
	return true;
}

/* A type that takes no patch is created. */
static int send(const struct target *t, const struct str *body, bool force, const struct call *call,
		struct object **out, bool *created, struct error **err)
{
	struct write_options opt = {
		.dry_run = t->fs->opt.dry_run,
		.field_manager = FIELD_MANAGER,
		.validation = FIELD_VALIDATION_STRICT,
		.force = force,
	};

	if (t->resource->verbs & VERB_PATCH)
		return cluster_patch(t->fs->cluster, call, t->resource, t->namespace, t->name, NULL,
				     PATCH_APPLY, body->s, body->len, &opt, out, created, err);
	*created = true;
	return cluster_create(t->fs->cluster, call, t->resource, t->namespace, NULL, NULL, body->s,
			      body->len, &opt, out, err);
}

int write_apply(const struct target *t, json_t *tree, const struct call *call,
		enum write_result *result, struct error **err)
{
	struct object *before CLEANUP(object_unref_cleanup) = write_live(t, false, call, NULL);
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	struct str body CLEANUP(str_release) = STR_INIT;
	struct error *why = NULL;
	bool created = false;
	int ret;

	json_write(tree, &body);
	ret = send(t, &body, t->fs->opt.force, call, &o, &created, &why);
	if (ret < 0 && only_our_conflicts(why)) {
		error_clear(&why);
		ret = send(t, &body, true, call, &o, &created, &why);
	}
	if (ret < 0)
		return error_move(err, why);
	write_observe(t, o);
	*result = created || !before ? WRITE_CREATED
		  : o && str_equal(before->resource_version, o->resource_version)
			  ? WRITE_UNCHANGED
			  : WRITE_CONFIGURED;
	return 0;
}
