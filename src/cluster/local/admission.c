#include "cluster/local/private.h"

#include "base/mem.h"
#include "object/json.h"

#include <string.h>

static int forbid(const struct write *w, const json_t *tree, const char *why, struct error **err)
{
	const char *name = w->name ? w->name : json_path_string(tree, "metadata.name");
	struct str type CLEANUP(str_release) = STR_INIT;
	struct error *e;

	resource_format(w->r, &type);
	e = error_new(E_FORBIDDEN, "%s \"%s\" is forbidden: %s", type.s, name, why);
	error_set_details(e, w->r->group, w->r->plural, name);
	return error_move(err, e);
}

/* Nothing new comes into a namespace that is not there, or is on its way out. */
static int namespace_lifecycle(const struct write *w, const json_t *old, json_t *tree,
			       struct error **err)
{
	struct catalog *builtin CLEANUP(catalog_unref_cleanup) = catalog_builtin();
	const struct resource *namespaces = catalog_find(builtin, "", "v1", "namespaces");
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	char *why free_ptr = NULL;
	struct error *refusal = NULL;

	if (old || !w->r->namespaced)
		return 0;
	o = local_read(w->l, namespaces, "", w->namespace, 0, err);
	if (!o)
		return -1;
	if (!*o->deletion_timestamp)
		return 0;
	why = xasprintf("unable to create new content in namespace %s because it is being "
			"terminated",
			w->namespace);
	forbid(w, tree, why, &refusal);
	error_add_cause(refusal, "NamespaceTerminating", "metadata.namespace",
			"namespace %s is being terminated", w->namespace);
	return error_move(err, refusal);
}

/* Every plugin sees every write of an object itself, creations with OLD NULL, in this order. */
static const struct {
	const char *name;
	int (*admit)(const struct write *w, const json_t *old, json_t *tree, struct error **err);
} plugins[] = {
	{"NamespaceLifecycle", namespace_lifecycle},
};

int admission_run(const struct write *w, const json_t *old, json_t *tree, struct error **err)
{
	for (size_t i = 0; i < ARRAY_SIZE(plugins); i++)
		if (plugins[i].admit(w, old, tree, err) < 0)
			return -1;
	return 0;
}
