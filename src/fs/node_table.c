/* .table and .top in a type's directory. */
#include "fs/nodes.h"

#include "base/columns.h"
#include "fs/types.h"
#include "kinds/kind.h"
#include "object/json.h"
#include "object/quantity.h"

#include <ctype.h>

/* As kubectl get does. */
#define MIN_WIDTH 6
#define PADDING 3

static void add_cell(const json_t *cell, struct str *out)
{
	if (json_is_string(cell))
		str_add_escaped(out, json_string_value(cell), json_string_length(cell));
	else if (json_is_integer(cell))
		str_addi(out, json_integer_value(cell));
	else if (json_is_boolean(cell))
		str_adds(out, json_is_true(cell) ? "true" : "false");
	else if (json_is_real(cell))
		str_addf(out, "%g", json_real_value(cell));
	else
		str_adds(out, "<none>");
}

static void add_head(const json_t *columns, struct str *out)
{
	json_t *column;
	size_t i;

	json_array_foreach (columns, i, column) {
		const char *name = json_path_string(column, "name");

		str_adds(out, i ? "\t" : "");
		for (; *name; name++)
			str_addc(out, (char)toupper((unsigned char)*name));
	}
	str_addc(out, '\n');
}

static void add_row(const struct resource *r, const struct object *o, size_t columns, int64_t now,
		    struct str *out)
{
	json_t *tree json_auto = object_tree(o);
	json_t *cells json_auto = table_cells(r, tree, now);

	for (size_t i = 0; i < columns; i++) {
		str_adds(out, i ? "\t" : "");
		add_cell(json_array_get(cells, i), out);
	}
	str_addc(out, '\n');
}

static void objects_of(struct node *dir, struct object_list *list)
{
	FS_LOCK(dir->fs);
	if (dir->type)
		informer_list(dir->type->informer, dir->namespace, list);
}

static int render_table(struct node *n, const struct call *call, struct str *out,
			struct error **err)
{
	struct object_list list CLEANUP(object_list_release) = {0};
	struct str text CLEANUP(str_release) = STR_INIT;
	json_t *columns json_auto = table_columns(n->resource);
	int64_t now = clock_wall(n->fs->clock);

	if (tree_prepare(n->parent, call, err) < 0)
		return -1;
	objects_of(n->parent, &list);
	add_head(columns, &text);
	vec_each (&list, o)
		add_row(n->resource, *o, json_array_size(columns), now, &text);
	columns_format(text.s, MIN_WIDTH, PADDING, out);
	return 0;
}

const struct node_ops type_table_ops = {.render = render_table};

/* What metrics there are of: the plural in metrics.k8s.io is the type's own. */
static bool find_top(struct node *dir, const char *name, struct found *f)
{
	const struct resource *r = dir->resource;

	return !*r->group && (strcmp(r->plural, "pods") == 0 || strcmp(r->plural, "nodes") == 0) &&
	       catalog_find(dir->fs->view->catalog, "metrics.k8s.io", "v1beta1", r->plural);
}

static void add_amount(struct quantity *sum, const json_t *usage, const char *name)
{
	struct quantity q;

	if (quantity_parse(json_path_string(usage, name), &q, NULL) == 0)
		quantity_add(sum, &q);
}

/* A pod's use is its containers', a node's its own. */
static void add_use(const json_t *item, struct str *out)
{
	struct quantity cpu = {0}, memory = {0};
	json_t *container;
	size_t i;

	add_amount(&cpu, json_object_get(item, "usage"), "cpu");
	add_amount(&memory, json_object_get(item, "usage"), "memory");
	json_array_foreach (json_object_get(item, "containers"), i, container) {
		add_amount(&cpu, json_object_get(container, "usage"), "cpu");
		add_amount(&memory, json_object_get(container, "usage"), "memory");
	}
	str_addf(out, "%s\t%jdm\t%jdMi\n", json_path_string(item, "metadata.name"),
		 (intmax_t)quantity_milli_value(&cpu), (intmax_t)(quantity_value(&memory) >> 20));
}

static int render_top(struct node *n, const struct call *call, struct str *out, struct error **err)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	const char *ns = n->parent->namespace;
	char *path free_ptr =
		xasprintf("/apis/metrics.k8s.io/v1beta1/%s%s%s%s", *ns ? "namespaces/" : "", ns,
			  *ns ? "/" : "", n->resource->plural);
	char *body free_ptr = cluster_raw(n->fs->cluster, call, path, err);
	json_t *list json_auto = body ? json_read(body, strlen(body), err) : NULL;
	json_t *item;
	size_t i;

	if (!list)
		return -1;
	str_adds(&text, "NAME\tCPU(cores)\tMEMORY(bytes)\n");
	json_array_foreach (json_object_get(list, "items"), i, item)
		add_use(item, &text);
	columns_format(text.s, MIN_WIDTH, PADDING, out);
	return 0;
}

const struct node_ops type_top_ops = {.find = find_top, .render = render_top};
