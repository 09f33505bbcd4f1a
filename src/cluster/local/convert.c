/*
 * Types over the same objects: events in two groups, autoscaling v1 and v2. Fields that only have
 * another name are a table; what has another form has a function.
 */
#include "cluster/local/hook.h"

#include "base/mem.h"
#include "kinds/kind.h"
#include "object/json.h"

#include <string.h>

struct rename {
	const char *stored, *shown;
};

static const struct rename event_fields[] = {
	{"involvedObject", "regarding"},
	{"message", "note"},
	{"source", "deprecatedSource"},
	{"firstTimestamp", "deprecatedFirstTimestamp"},
	{"lastTimestamp", "deprecatedLastTimestamp"},
	{"count", "deprecatedCount"},
	{"reportingComponent", "reportingController"},
	{NULL, NULL},
};
static const struct rename no_fields[] = {{NULL, NULL}};

static const struct conversion {
	const char *group, *version, *kind;
	const struct rename *renames;
	void (*to_storage)(json_t *tree);
	void (*from_storage)(json_t *tree);
} conversions[] = {
	{"events.k8s.io", "v1", "Event", event_fields, NULL, NULL},
	{"autoscaling", "v1", "HorizontalPodAutoscaler", no_fields, hpa_to_storage,
	 hpa_from_storage},
};

static const struct conversion *find(const struct resource *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(conversions); i++)
		if (strcmp(conversions[i].group, r->group) == 0 &&
		    strcmp(conversions[i].version, r->version) == 0 &&
		    strcmp(conversions[i].kind, r->kind) == 0)
			return &conversions[i];
	return NULL;
}

static void move(json_t *tree, const char *from, const char *to)
{
	json_t *value = json_incref(json_object_get(tree, from));

	if (!value)
		return;
	json_object_del(tree, from);
	json_object_set_new(tree, to, value);
}

/* TREE, which is in the version of TYPE, with its fields and, where asked, their defaults. */
static void settle(const struct resource *r, const struct schema_type *type, bool defaults,
		   json_t *tree)
{
	struct field_errors *errors CLEANUP(field_errors_free_cleanup) = field_errors_new();
	struct resource row = *r;

	row.type = type;
	object_check_schema(tree, &row, NULL, errors, NULL);
	if (defaults)
		object_set_defaults(tree, &row);
}

/* How R's objects are converted now: a definition may have got another webhook since R was made. */
static const struct hook_conversion *newest_hook(const struct resource *r,
						 const struct catalog *catalog)
{
	const struct resource *now = catalog_find(catalog, r->group, r->version, r->plural);
	const struct custom *mine = r->priv, *its = now && now->custom ? now->priv : NULL;

	return its && its->hook ? its->hook : mine->hook;
}

static int ask_hook(const struct errand *e, const struct resource *r, const char *api_version,
		    json_t **trees, size_t n, struct error **err)
{
	struct catalog *catalog CLEANUP(catalog_unref_cleanup) =
		cluster_catalog(&e->l->base, e->call, err);

	if (!catalog)
		return -1;
	return hook_convert(e, newest_hook(r, catalog), r, api_version, trees, n, err);
}

/* The N trees, none of which is in VERSION yet, become TYPE's. */
static int convert_custom(const struct errand *e, const struct resource *r,
			  const struct schema_type *type, const char *version, json_t **trees,
			  size_t n, struct error **err)
{
	char *api_version free_ptr = xasprintf("%s/%s", r->group, version);
	bool hook = converts_by_hook(r);

	if (hook && ask_hook(e, r, api_version, trees, n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		json_object_set_new(trees[i], "apiVersion", json_string(api_version));
		settle(r, type, !hook, trees[i]);
	}
	return 0;
}

/* The same for one that stays where it is. */
static int convert_in_place(const struct errand *e, const struct resource *r,
			    const struct schema_type *type, const char *version, json_t *tree,
			    struct error **err)
{
	json_t *copy json_auto = converts_by_hook(r) ? json_copy(tree) : json_incref(tree);

	if (convert_custom(e, r, type, version, &copy, 1, err) < 0)
		return -1;
	if (copy != tree) {
		json_object_clear(tree);
		json_object_update(tree, copy);
	}
	return 0;
}

/* What is written of the stored type and not of the one that is shown. */
static void leave_out(const struct schema_type *type, json_t *tree)
{
	const char *key;
	json_t *value;
	void *tmp;

	json_object_foreach_safe (tree, tmp, key, value) {
		const struct schema_field *f = schema_field_find(type, key);

		if (f && !json_is_null(value) && schema_leaves_out(f, value))
			json_object_del(tree, key);
	}
}

int convert_to_storage(const struct errand *e, const struct resource *r, json_t *tree,
		       struct error **err)
{
	const struct conversion *c = r->custom ? NULL : find(r);
	const struct custom *custom = r->custom ? r->priv : NULL;
	const struct resource *storage = storage_of(r);

	if (custom && custom->storage_type)
		return convert_in_place(e, r, custom->storage_type, r->storage_version, tree, err);
	json_object_set_new(tree, "apiVersion", json_string(storage->api_version));
	if (!c)
		return 0;
	for (const struct rename *f = c->renames; f->stored; f++)
		move(tree, f->shown, f->stored);
	if (c->to_storage)
		c->to_storage(tree);
	return 0;
}

int convert_from_storage(const struct errand *e, const struct resource *r, json_t *tree,
			 struct error **err)
{
	const struct conversion *c = r->custom ? NULL : find(r);

	if (r->custom && strcmp(json_path_string(tree, "apiVersion"), r->api_version))
		return convert_in_place(e, r, r->type, r->version, tree, err);
	json_object_set_new(tree, "apiVersion", json_string(r->api_version));
	if (!c)
		return 0;
	for (const struct rename *f = c->renames; f->stored; f++)
		move(tree, f->stored, f->shown);
	if (c->from_storage)
		c->from_storage(tree);
	leave_out(r->type, tree);
	return 0;
}

bool converts(const struct resource *r)
{
	const struct custom *custom = r->custom ? r->priv : NULL;

	return custom ? custom->several : storage_of(r) != r;
}

bool converts_by_hook(const struct resource *r)
{
	const struct custom *custom = r->custom ? r->priv : NULL;

	return custom && custom->several && custom->hook;
}

struct object *convert_object(const struct errand *e, const struct resource *r, struct object *o,
			      struct error **err)
{
	json_t *tree json_auto = NULL;
	struct object *shown = NULL;

	if (strcmp(o->api_version, r->api_version) == 0)
		return o;
	tree = object_tree(o);
	if (convert_from_storage(e, r, tree, err) == 0)
		shown = object_from_tree(tree);
	object_unref(o);
	return shown;
}

static int convert_by_hook(const struct errand *e, const struct resource *r, struct object **v,
			   size_t n, struct error **err)
{
	json_t **trees = xcalloc(n, sizeof(*trees));
	size_t *places = xcalloc(n, sizeof(*places)), k = 0;
	int result;

	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i]->api_version, r->api_version)) {
			places[k] = i;
			trees[k++] = object_tree(v[i]);
		}
	result = convert_custom(e, r, r->type, r->version, trees, k, err);
	for (size_t i = 0; i < k; i++) {
		if (result == 0) {
			object_unref(v[places[i]]);
			v[places[i]] = object_from_tree(trees[i]);
		}
		json_decref(trees[i]);
	}
	free(trees);
	free(places);
	return result;
}

int convert_objects(const struct errand *e, const struct resource *r, struct object **v, size_t n,
		    struct error **err)
{
	if (converts_by_hook(r))
		return convert_by_hook(e, r, v, n, err);
	for (size_t i = 0; i < n; i++)
		v[i] = convert_object(e, r, v[i], err);
	return 0;
}
