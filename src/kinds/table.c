/*
 * Tables: the rows that kubectl get prints, from a built-in kind's own columns (tables.h), a custom
 * resource's additionalPrinterColumns, or what every object has.
 *
 * Source: metav1.Table; a custom resource's columns are those of its definition after Name, with
 * Age where it gives none. Built-in kinds without columns show when they were made.
 */
#include "base/mem.h"
#include "kinds/kind.h"
#include "kinds/tables.h"
#include "object/json.h"
#include "object/time.h"

#include <string.h>

/* Every kind that has columns of its own, by groups of kinds: the most listed ones first. */
static const struct kind_table *const kind_tables[] = {
	tables_pod,	tables_core,   tables_workloads,   tables_network,
	tables_storage, tables_policy, tables_autoscaling,
};

static const struct table_column custom_default[] = {
	COLUMN_NAME,
	COLUMN_OF("Age", "date", 0, cell_age, "metadata.creationTimestamp",
		  "Time since its creation"),
};
static const struct table_column builtin_default[] = {
	COLUMN_NAME,
	COLUMN_OF("Created At", "date", 0, cell_text, "metadata.creationTimestamp",
		  "When it was created"),
};
static const struct kind_table custom_table = TABLE("", "", custom_default);
static const struct kind_table builtin_table = TABLE("", "", builtin_default);

static const struct kind_table *find(const struct resource *r)
{
	if (r->custom)
		return &custom_table;
	for (size_t i = 0; i < ARRAY_SIZE(kind_tables); i++)
		for (const struct kind_table *t = kind_tables[i]; t->kind; t++)
			if (strcmp(t->kind, r->kind) == 0 && strcmp(t->group, r->group) == 0)
				return t;
	return &builtin_table;
}

static void add_head(json_t *heads, const char *name, const char *type, const char *format,
		     const char *description, int priority)
{
	json_array_append_new(heads,
			      json_pack("{s:s, s:s, s:s, s:s, s:i}", "name", name, "type", type,
					"format", format ? format : "", "description",
					description ? description : "", "priority", priority));
}

static void add_table_head(json_t *heads, const struct table_column *c)
{
	if (c->name)
		add_head(heads, c->name, c->type, c->format, c->description, c->priority);
}

json_t *table_columns(const struct resource *r)
{
	const struct kind_table *t = find(r);
	json_t *heads = json_array();

	add_table_head(heads, &t->columns[0]);
	for (size_t i = 0; i < r->n_columns; i++) {
		const struct column *c = &r->columns[i];

		add_head(heads, c->name, c->type, c->format, c->description, c->priority);
	}
	for (size_t i = 1; i < t->n_columns && !r->n_columns; i++)
		add_table_head(heads, &t->columns[i]);
	return heads;
}

static json_t *age_of(const json_t *since, int64_t now)
{
	char text[TIME_TEXT];
	int64_t at;

	if (!json_is_string(since) || time_parse(json_string_value(since), &at) < 0)
		return json_string("<unknown>");
	return json_string(time_human_duration(now - at, text));
}

static json_t *date_cell(const json_t *value, int64_t now)
{
	int64_t at;

	if (!json_is_string(value))
		return json_null();
	if (json_string_length(value) && time_parse(json_string_value(value), &at) < 0)
		return json_string("<invalid>");
	return age_of(value, now);
}

/* What a column of this type shows of VALUE; a value of another type is left empty. */
static json_t *custom_cell(const struct column *c, const json_t *value, int64_t now)
{
	struct str text CLEANUP(str_release) = STR_INIT;

	if (!value || json_is_null(value))
		return json_null();
	if (!strcmp(c->type, "date"))
		return date_cell(value, now);
	if (!strcmp(c->type, "integer") && json_is_real(value))
		return json_integer((json_int_t)json_real_value(value));
	if (!strcmp(c->type, "integer") || !strcmp(c->type, "number"))
		return json_is_number(value) ? json_incref((json_t *)value) : json_null();
	if (!strcmp(c->type, "boolean"))
		return json_is_boolean(value) ? json_incref((json_t *)value) : json_null();
	if (json_is_string(value))
		return json_incref((json_t *)value);
	json_write(value, &text);
	return json_stringn(text.s, text.len);
}

json_t *table_cells(const struct resource *r, const json_t *object, int64_t now)
{
	const struct kind_table *t = find(r);
	json_t *cells = json_array();

	json_array_append_new(cells, t->columns[0].cell(object, t->columns[0].path, now));
	for (size_t i = 0; i < r->n_columns; i++)
		json_array_append_new(
			cells, custom_cell(&r->columns[i],
					   column_find(object, r->columns[i].json_path), now));
	for (size_t i = 1; i < t->n_columns && !r->n_columns; i++)
		json_array_append_new(cells, t->columns[i].cell(object, t->columns[i].path, now));
	return cells;
}

json_t *table_conditions(const struct resource *r, const json_t *object)
{
	const struct kind_table *t = find(r);

	return t->conditions ? t->conditions(object) : NULL;
}
