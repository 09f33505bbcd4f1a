/*
 * The end of a namespace: everything in it is deleted, type by type from the catalog, then its
 * finalizer is taken away. A type that cannot be listed holds the namespace up and not the other
 * types.
 */
#include "controllers/common.h"
#include "controllers/controllers.h"

#include "base/str.h"
#include "base/vec.h"
#include "object/json.h"

#include <string.h>

#define FINALIZER "kubernetes"
#define NEEDED (VERB_LIST | VERB_DELETE)
#define RETRY_NS (250 * NS_PER_MS)
#define SLOW_RETRY_NS (5 * NS_PER_S)

struct names {
	char **v;
	size_t n, cap;
};

/* What one pass over a namespace found. */
struct findings {
	struct str remaining; /* "pods. has 3 resource instances, ..." */
	struct str failures;
	size_t n_remaining;
};

static void names_release(struct names *n)
{
	vec_each (n, name)
		free(*name);
	vec_release(n);
}

static bool take_name(void *arg, const char *json, size_t len)
{
	struct names *names = arg;
	char *name = json_unquote(json_find(json, len, "metadata.name"));

	if (name)
		vec_push(names, name);
	return true;
}

static int list_names(struct controller *c, const struct resource *r, const char *namespace,
		      struct names *out, struct error **err)
{
	struct list_options opt = {0};
	struct list_meta meta CLEANUP(list_meta_release) = {0};

	return cluster_list(controller_cluster(c), controller_call(c), r, namespace, &opt,
			    take_name, out, &meta, err);
}

static int delete_names(struct controller *c, const struct resource *r, const char *namespace,
			const struct names *names, struct error **err)
{
	struct delete_options opt = {.grace_period_s = -1, .propagation = PROPAGATE_BACKGROUND};

	vec_each (names, name) {
		struct error *why = NULL;

		if (cluster_delete(controller_cluster(c), controller_call(c), r, namespace, *name,
				   &opt, NULL, NULL, &why) == 0)
			continue;
		if (why->code != E_NOT_FOUND && why->code != E_CONFLICT)
			return error_move(err, why);
		error_free(why);
	}
	return 0;
}

/* Deletes what there is of one type and counts what is left of it. */
static int empty_type(struct controller *c, const struct resource *r, const char *namespace,
		      struct findings *f, struct error **err)
{
	struct names before CLEANUP(names_release) = {0}, after CLEANUP(names_release) = {0};

	if (list_names(c, r, namespace, &before, err) < 0)
		return -1;
	if (!before.n)
		return 0;
	if (delete_names(c, r, namespace, &before, err) < 0 ||
	    list_names(c, r, namespace, &after, err) < 0)
		return -1;
	if (after.n) {
		str_addf(&f->remaining, "%s%s.%s has %zu resource instances",
			 f->remaining.len ? ", " : "", r->plural, r->group, after.n);
		f->n_remaining += after.n;
	}
	return 0;
}

static bool is_to_empty(const struct resource *r)
{
	return r->namespaced && (r->verbs & NEEDED) == NEEDED &&
	       !strcmp(r->group, r->storage_group) && !strcmp(r->version, r->storage_version);
}

static void empty(struct controller *c, struct catalog *catalog, const char *namespace,
		  struct findings *f)
{
	for (size_t k = 0; k < catalog_count(catalog); k++) {
		const struct resource *r = catalog_at(catalog, k);
		struct error *why = NULL;

		if (!is_to_empty(r) || empty_type(c, r, namespace, f, &why) == 0)
			continue;
		/* Not served any more: then nothing of it is there. */
		if (why->code != E_NOT_FOUND && why->code != E_METHOD)
			str_addf(&f->failures, "%s%s: %s", f->failures.len ? "; " : "", r->plural,
				 error_message(why));
		error_free(why);
	}
}

static int report(struct controller *c, const struct object *namespace, const struct findings *f,
		  struct error **err)
{
	json_t *tree json_auto = object_tree(namespace);
	json_t *conditions = json_path(tree, "status.conditions");
	int64_t now = clock_wall(controller_clock(c));
	bool changed;

	if (!json_is_array(conditions)) {
		conditions = json_array();
		json_path_set(tree, "status.conditions", conditions);
	}
	changed = condition_set(
		conditions, "NamespaceDeletionContentFailure", f->failures.len ? "True" : "False",
		f->failures.len ? "ContentDeletionFailed" : "ContentDeleted",
		f->failures.len ? f->failures.s
				: "All content successfully deleted, may be waiting on "
				  "finalization",
		now, false);
	changed |= condition_set(
		conditions, "NamespaceContentRemaining", f->remaining.len ? "True" : "False",
		f->remaining.len ? "SomeResourcesRemain" : "ContentRemoved",
		f->remaining.len ? f->remaining.s : "All content successfully removed", now, false);
	return changed ? status_write(c, "", "namespaces", tree, err) : 0;
}

static int finalize(struct controller *c, const struct object *namespace, struct error **err)
{
	json_t *tree json_auto = object_tree(namespace);
	json_t *finalizers = json_path(tree, "spec.finalizers");
	struct error *why = NULL;

	for (size_t k = json_array_size(finalizers); k-- > 0;)
		if (!strcmp(json_string_value(json_array_get(finalizers, k)), FINALIZER))
			json_array_remove(finalizers, k);
	if (cluster_update_tree(controller_cluster(c), controller_call(c),
				controller_resource(c, "", "namespaces"), "finalize", tree, NULL,
				NULL, &why) == 0)
		return 0;
	return error_unless(E_NOT_FOUND, err, why);
}

static bool has_finalizer(const struct object *namespace)
{
	json_t *tree json_auto = object_tree(namespace);
	json_t *finalizers = json_path(tree, "spec.finalizers"), *f;
	size_t k;

	json_array_foreach (finalizers, k, f)
		if (json_is_string(f) && !strcmp(json_string_value(f), FINALIZER))
			return true;
	return false;
}

static int terminate(struct controller *c, const struct object *namespace, struct findings *f,
		     struct error **err)
{
	struct catalog *catalog CLEANUP(catalog_unref_cleanup) =
		cluster_catalog(controller_cluster(c), controller_call(c), err);

	if (!catalog)
		return -1;
	for (const char *const *failure = catalog_failures(catalog); failure && *failure; failure++)
		str_addf(&f->failures, "%s%s", f->failures.len ? "; " : "", *failure);
	empty(c, catalog, namespace->name, f);
	if (!f->n_remaining && !f->failures.len)
		return finalize(c, namespace, err);
	controller_enqueue_after(c, "", namespace->name,
				 f->failures.len ? SLOW_RETRY_NS : RETRY_NS);
	return report(c, namespace, f, err);
}

static int sync(struct controller *c, const char *key, struct error **err)
{
	struct object *namespace CLEANUP(object_unref_cleanup) =
		informer_get(controller_informer(c, "", "namespaces"), "", key);
	struct findings f = {.remaining = STR_INIT, .failures = STR_INIT};
	int r;

	if (!namespace || !*namespace->deletion_timestamp || !has_finalizer(namespace))
		return 0;
	r = terminate(c, namespace, &f, err);
	str_release(&f.remaining);
	str_release(&f.failures);
	return r;
}

const struct reconciler reconciler_namespace = {
	.name = "namespace-controller",
	.watches = {{.group = "", .plural = "namespaces"}},
	.sync = sync,
};
