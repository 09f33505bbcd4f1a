/*
 * Tables: the rows that kubectl get prints, from a kind's own columns, a custom resource's
 * additionalPrinterColumns, or name and age.
 *
 * Source: metav1.Table; a custom resource's columns are those of its definition after Name, with
 * Age where it gives none.
 */
#include "kinds/kind.h"
#include "object/json.h"
#include "object/time.h"

#include <string.h>

static const struct column name_column = {
	.name = "Name",
	.type = "string",
	.format = "name",
	.description = "Name must be unique within a namespace.",
};
static const struct column age_column = {
	.name = "Age",
	.type = "date",
	.format = "",
	.description = "How long ago the object was created.",
};

static void add_head(json_t *heads, const struct column *c)
{
	json_array_append_new(heads, json_pack("{s:s, s:s, s:s, s:s, s:i}", "name", c->name, "type",
					       c->type, "format", c->format ? c->format : "",
					       "description", c->description ? c->description : "",
					       "priority", c->priority));
}

json_t *table_columns(const struct resource *r)
{
	const struct kind *k = r->particulars;
	json_t *heads = json_array();

	if (k->columns) {
		for (size_t i = 0; i < k->n_columns; i++)
			add_head(heads, &k->columns[i]);
		return heads;
	}
	add_head(heads, &name_column);
	for (size_t i = 0; i < r->n_columns; i++)
		add_head(heads, &r->columns[i]);
	if (!r->n_columns)
		add_head(heads, &age_column);
	return heads;
}

static json_t *age_cell(const char *since, int64_t now)
{
	char text[TIME_TEXT];
	int64_t at;

	if (!*since || time_parse(since, &at) < 0)
		return json_string("<unknown>");
	return json_string(time_human_duration(now - at, text));
}

/* What a column of this type shows of VALUE; a value of another type is left empty. */
static json_t *custom_cell(const struct column *c, const json_t *value, int64_t now)
{
	if (!value)
		return json_null();
	if (!strcmp(c->type, "date"))
		return age_cell(json_string_value(value) ? json_string_value(value) : "", now);
	if (!strcmp(c->type, "integer") || !strcmp(c->type, "number"))
		return json_is_number(value) ? json_incref((json_t *)value) : json_null();
	if (!strcmp(c->type, "boolean"))
		return json_is_boolean(value) ? json_incref((json_t *)value) : json_null();
	if (json_is_string(value))
		return json_incref((json_t *)value);
	{
		struct str text CLEANUP(str_release) = STR_INIT;

		json_write(value, &text);
		return json_stringn(text.s, text.len);
	}
}

/* JSONPath's plain form, ".spec.x[0].y", is the dotted path of json.h behind a dot. */
static const json_t *custom_value(const json_t *object, const char *json_path_text)
{
	return json_path(object, *json_path_text == '.' ? json_path_text + 1 : json_path_text);
}

json_t *table_cells(const struct resource *r, const json_t *object, int64_t now)
{
	json_t *cells = json_array();

	if (r->particulars->cells) {
		r->particulars->cells(object, now, cells);
		return cells;
	}
	json_array_append_new(cells, json_string(json_path_string(object, "metadata.name")));
	for (size_t i = 0; i < r->n_columns; i++)
		json_array_append_new(
			cells, custom_cell(&r->columns[i],
					   custom_value(object, r->columns[i].json_path), now));
	if (!r->n_columns)
		json_array_append_new(
			cells,
			age_cell(json_path_string(object, "metadata.creationTimestamp"), now));
	return cells;
}
