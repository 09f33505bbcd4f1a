/*
 * Custom resources: definitions in the store become rows of the catalog. The rows are made anew
 * whenever a definition changes; readers of the old catalog keep theirs.
 */
#include "cluster/local/hook.h"

#include "base/mem.h"
#include "kinds/custom_rules.h"
#include "object/json.h"
#include "object/schema.h"

#include <stdlib.h>
#include <string.h>

bool is_crd(const struct resource *r)
{
	return strcmp(r->plural, "customresourcedefinitions") == 0 &&
	       strcmp(r->group, "apiextensions.k8s.io") == 0;
}

const struct resource *crd_type(void)
{
	struct catalog *builtin CLEANUP(catalog_unref_cleanup) = catalog_builtin();

	return catalog_find(builtin, "apiextensions.k8s.io", "v1", "customresourcedefinitions");
}

static const json_t *storage_version(const json_t *crd)
{
	size_t i;
	json_t *v;

	json_array_foreach (json_path(crd, "spec.versions"), i, v)
		if (json_path_bool(v, "storage", false))
			return v;
	return NULL;
}

static void add_stored_version(json_t *tree, const char *version)
{
	json_t *list = json_path(tree, "status.storedVersions"), *v;
	size_t i;

	if (!*version)
		return;
	json_array_foreach (list, i, v)
		if (json_is_string(v) && !strcmp(json_string_value(v), version))
			return;
	if (json_is_array(list))
		json_array_append_new(list, json_string(version));
	else
		json_path_set(tree, "status.storedVersions", json_pack("[s]", version));
}

void crd_prepare(json_t *tree, const json_t *old)
{
	if (!old)
		json_object_set_new(tree, "status",
				    json_pack("{s:n,s:{s:s,s:s},s:n}", "conditions",
					      "acceptedNames", "plural", "", "kind", "",
					      "storedVersions"));
	add_stored_version(tree, json_path_string(storage_version(tree), "name"));
}

static void free_custom(void *priv)
{
	struct custom *c = priv;

	schema_type_free(c->type);
	schema_type_free(c->storage_type);
	custom_rules_free(c->rules);
	hook_conversion_free(c->hook);
	json_decref(c->open_api);
	free(c->uid);
	free(c);
}

static const struct subresource *subresources(const json_t *version, struct subresource *out,
					      size_t *n)
{
	const unsigned verbs = VERB_GET | VERB_PATCH | VERB_UPDATE;

	*n = 0;
	if (json_path(version, "subresources.status"))
		out[(*n)++] = (struct subresource){.name = "status", .verbs = verbs};
	if (json_path(version, "subresources.scale"))
		out[(*n)++] = (struct subresource){.name = "scale",
						   .verbs = verbs,
						   .kind = "Scale",
						   .group = "autoscaling",
						   .version = "v1"};
	return out;
}

struct strings {
	const char **v;
	size_t n, cap;
};

static const char *const *strings_of(const json_t *array, struct strings *out)
{
	size_t i;
	json_t *s;

	json_array_foreach (array, i, s)
		if (json_is_string(s))
			vec_push(out, json_string_value(s));
	vec_push(out, NULL);
	return out->v;
}

/* ".spec.size" is selected by as "spec.size". */
static const char *const *selectable_of(const json_t *version, struct strings *out)
{
	size_t i;
	json_t *f;

	json_array_foreach (json_path(version, "selectableFields"), i, f) {
		const char *path = json_path_string(f, "jsonPath");

		vec_push(out, path + (*path == '.'));
	}
	vec_push(out, NULL);
	return out->v;
}

static struct column *columns_of(const json_t *version, size_t *n)
{
	const json_t *list = json_path(version, "additionalPrinterColumns");
	struct column *columns = xcalloc(json_array_size(list) + 1, sizeof(*columns));
	size_t i;
	json_t *c;

	*n = json_array_size(list);
	json_array_foreach (list, i, c)
		columns[i] = (struct column){
			.name = json_path_string(c, "name"),
			.type = json_path_string(c, "type"),
			.format = json_path_string(c, "format"),
			.description = json_path_string(c, "description"),
			.priority = (int)json_path_int(c, "priority", 0),
			.json_path = json_path_string(c, "jsonPath"),
		};
	return columns;
}

/* ".spec.replicas" without its dot; NULL where there is none. */
static const char *scale_path(const json_t *version, const char *key)
{
	const char *path = json_path_string(json_path(version, "subresources.scale"), key);

	return *path == '.' ? path + 1 : NULL;
}

/* What is told of a version that goes out of use: what its definition says, or which to take
 * instead. The caller frees; NULL: it stays in use. */
static char *deprecation_of(const json_t *crd, const json_t *version)
{
	const char *group = json_path_string(crd, "spec.group"), *best = NULL;
	const char *kind = json_path_string(crd, "spec.names.kind");
	const char *name = json_path_string(version, "name");
	const json_t *own = json_object_get(version, "deprecationWarning");
	size_t i;
	json_t *v;

	if (!json_path_bool(version, "deprecated", false))
		return NULL;
	if (json_is_string(own))
		return xstrdup(json_string_value(own));
	json_array_foreach (json_path(crd, "spec.versions"), i, v) {
		const char *other = json_path_string(v, "name");

		if (json_path_bool(v, "served", false) && !json_path_bool(v, "deprecated", false) &&
		    version_compare(other, best ? best : name) < 0)
			best = other;
	}
	return best ? xasprintf("%s/%s %s is deprecated; use %s/%s %s", group, name, kind, group,
				best, kind)
		    : xasprintf("%s/%s %s is deprecated", group, name, kind);
}

/* One version of a definition as a row; NULL and *err where its schema cannot be understood. */
static const struct resource *row_of(const json_t *crd, const json_t *version, struct error **err)
{
	const json_t *names = json_path(crd, "spec.names");
	const char *group = json_path_string(crd, "spec.group");
	const char *storage = json_path_string(storage_version(crd), "name");
	char *name free_ptr = xasprintf("%s.%s.%s", group, json_path_string(version, "name"),
					json_path_string(names, "kind"));
	struct schema_type *type =
		schema_type_new(name, json_path(version, "schema.openAPIV3Schema"), err);
	struct strings shorts = {0}, categories = {0}, selectable = {0};
	struct subresource subs[2];
	struct resource row = {.group = group, .custom = true};
	char *deprecation free_ptr = deprecation_of(crd, version);
	struct column *columns;
	const struct resource *r;
	struct custom *custom;

	if (!type)
		return NULL;
	row.version = json_path_string(version, "name");
	row.plural = json_path_string(names, "plural");
	row.singular = json_path_string(names, "singular");
	row.kind = json_path_string(names, "kind");
	row.list_kind = json_path_string(names, "listKind");
	row.short_names = strings_of(json_path(names, "shortNames"), &shorts);
	row.categories = strings_of(json_path(names, "categories"), &categories);
	row.namespaced = strcmp(json_path_string(crd, "spec.scope"), "Namespaced") == 0;
	row.terminating = *json_path_string(crd, "metadata.deletionTimestamp");
	row.verbs = VERB_GET | VERB_LIST | VERB_WATCH | VERB_CREATE | VERB_UPDATE | VERB_PATCH |
		    VERB_DELETE | VERB_DELETE_COLLECTION;
	row.subresources = subresources(version, subs, &row.n_subresources);
	for (size_t i = 0; i < row.n_subresources; i++)
		subs[i].kind = subs[i].kind ? subs[i].kind : row.kind;
	row.type = type;
	row.scale_replicas = scale_path(version, "specReplicasPath");
	row.scale_status_replicas = scale_path(version, "statusReplicasPath");
	row.scale_selector = scale_path(version, "labelSelectorPath");
	row.deprecation_warning = deprecation;
	row.selectable_fields = selectable_of(version, &selectable);
	row.columns = columns = columns_of(version, &row.n_columns);
	row.storage_group = group;
	row.storage_version = storage;
	custom = xcalloc(1, sizeof(*custom));
	custom->type = type;
	custom->open_api = json_deep_copy(json_path(version, "schema.openAPIV3Schema"));
	row.open_api = custom->open_api;
	custom->uid = xstrdup(json_path_string(crd, "metadata.uid"));
	custom->generation = json_path_int(crd, "metadata.generation", 0);
	custom->several = json_array_size(json_path(crd, "spec.versions")) > 1;
	custom->hook = hook_conversion_new(json_path(crd, "spec.conversion"));
	row.rules = custom->rules = custom_rules_new(custom->open_api);
	if (strcmp(row.version, storage))
		custom->storage_type = schema_type_new(
			name, json_path(storage_version(crd), "schema.openAPIV3Schema"), NULL);
	row.priv = custom;
	r = resource_new(&row, free_custom);
	vec_release(&shorts);
	vec_release(&categories);
	vec_release(&selectable);
	free(columns);
	return r;
}

int crd_check(const json_t *tree, struct error **err)
{
	size_t i;
	json_t *v;

	json_array_foreach (json_path(tree, "spec.versions"), i, v) {
		const struct resource *r = row_of(tree, v, err);

		if (!r)
			return -1;
		resource_unref(r);
	}
	return 0;
}

struct rows {
	const struct resource **v;
	size_t n, cap;
	json_t *terminating; /* definitions on their way out */
	json_t *services;    /* as crd_services_follow has them */
};

/* By their names, the preferred version first. */
static int compare_rows(const void *a, const void *b)
{
	const struct resource *const *x = a, *const *y = b;

	return version_compare((*x)->version, (*y)->version);
}

static void add_versions(struct rows *rows, const json_t *crd)
{
	size_t first = rows->n, i;
	json_t *v;

	json_array_foreach (json_path(crd, "spec.versions"), i, v) {
		const struct resource *r =
			json_path_bool(v, "served", true) ? row_of(crd, v, NULL) : NULL;

		if (r)
			vec_push(rows, r);
	}
	if (rows->n > first)
		qsort(rows->v + first, rows->n - first, sizeof(*rows->v), compare_rows);
}

static bool add_definition(void *arg, const char *json, size_t len)
{
	struct rows *rows = arg;
	json_t *crd json_auto = json_read(json, len, NULL);

	if (crd && crd_condition(crd, "Established"))
		add_versions(rows, crd);
	if (*json_path_string(crd, "metadata.deletionTimestamp"))
		json_array_append(rows->terminating, crd);
	crd_services_add(rows->services, crd);
	return true;
}

int crd_reload(struct local *l, struct error **err)
{
	struct catalog *builtin CLEANUP(catalog_unref_cleanup) = catalog_builtin();
	struct list_meta meta CLEANUP(list_meta_release) = {0};
	struct list_options opt = {0};
	struct rows rows = {.terminating = json_array(), .services = json_object()};
	size_t n = catalog_count(builtin);
	int result;

	for (size_t i = 0; i < n; i++)
		vec_push(&rows, catalog_at(builtin, i));
	pthread_mutex_lock(&l->reload_lock);
	result =
		local_list(&l->base, NULL, crd_type(), "", &opt, add_definition, &rows, &meta, err);
	if (result == 0) {
		local_set_catalog(l, catalog_new(rows.v, rows.n));
		crd_cleanup_follow(l->cleanup, rows.terminating);
		crd_services_follow(l, rows.services);
	}
	pthread_mutex_unlock(&l->reload_lock);
	for (size_t i = n; i < rows.n; i++)
		resource_unref(rows.v[i]);
	vec_release(&rows);
	json_decref(rows.terminating);
	json_decref(rows.services);
	return result;
}

int crd_gone(struct local *l, struct error **err)
{
	if (crd_reload(l, err) < 0)
		return -1;
	crd_accept_waiting(l);
	return 0;
}

const struct resource *crd_stored_as(const json_t *crd, struct error **err)
{
	const json_t *version = storage_version(crd);
	const struct resource *r;

	if (!version) {
		error_set(err, E_INVALID, "no version of the definition is the one that is stored");
		return NULL;
	}
	r = row_of(crd, version, err);
	if (r)
		((struct custom *)r->priv)->several = false;
	return r;
}
