/*
 * The columns of built-in types, as kubectl get prints them. One row a kind, in the file of its
 * group of kinds (table_<group>.c); a column is its head and the function that fills its cells, so
 * the two cannot fall out of step.
 *
 *	static const struct table_column lease_columns[] = {
 *		COLUMN_NAME,
 *		COLUMN("Holder", cell_text, "spec.holderIdentity", "Who holds it"),
 *		COLUMN_AGE,
 *	};
 *	const struct kind_table tables_policy[] = {
 *		TABLE("coordination.k8s.io", "Lease", lease_columns),
 *		TABLES_END,
 *	};
 *
 * Private to kinds/; other folders ask kind.h's table_columns() and table_cells().
 * Threads: any; everything is constant. Cell functions return a new value, never NULL.
 */
#ifndef KINDS_TABLES_H
#define KINDS_TABLES_H

#include "base/str.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* PATH: the column's, a dotted path of json.h, or NULL. NOW: wall ns. */
typedef json_t *cell_function(const json_t *object, const char *path, int64_t now);

struct table_column {
	const char *name; /* NULL: a cell without a column, which the genuine server has once */
	const char *type, *format;
	int priority; /* 0: always; 1: only wide */
	const char *description;
	cell_function *cell;
	const char *path;
};

struct kind_table {
	const char *group, *kind;
	const struct table_column *columns;
	size_t n_columns;
	/* What is to be said of a row as a whole: metav1.TableRowCondition[], or NULL. */
	json_t *(*conditions)(const json_t *object);
};

#define COLUMN_OF(name, type, priority, cell, path, description)  \
	{                                                         \
		name, type, "", priority, description, cell, path \
	}
#define COLUMN(name, cell, path, description) COLUMN_OF(name, "string", 0, cell, path, description)
#define COLUMN_WIDE(name, cell, path, description) \
	COLUMN_OF(name, "string", 1, cell, path, description)
#define COLUMN_INTEGER(name, cell, path, description) \
	COLUMN_OF(name, "integer", 0, cell, path, description)
#define COLUMN_BOOLEAN(name, cell, path, description) \
	COLUMN_OF(name, "boolean", 0, cell, path, description)
#define COLUMN_NAME                                                                             \
	{                                                                                       \
		"Name", "string", "name", 0, "The object's name, unique among its namespace's", \
			cell_text, "metadata.name"                                              \
	}
#define COLUMN_AGE COLUMN("Age", cell_age, "metadata.creationTimestamp", "Time since its creation")

#define TABLE(group, kind, columns)                                                \
	{                                                                          \
		group, kind, columns, sizeof(columns) / sizeof((columns)[0]), NULL \
	}
#define TABLES_END                        \
	{                                 \
		NULL, NULL, NULL, 0, NULL \
	}

/* Each ends with TABLES_END. */
extern const struct kind_table tables_pod[], tables_core[], tables_workloads[], tables_network[],
	tables_storage[], tables_policy[], tables_autoscaling[];

/* The text at PATH; without one "", "<none>", "<unset>", "<unknown>". */
cell_function cell_text, cell_or_none, cell_or_unset, cell_or_unknown;
/* An integer (0), a boolean (false). */
cell_function cell_integer, cell_boolean;
/* How long ago the time at PATH was: "5m"; "<unknown>" without one. */
cell_function cell_age;
/* How many elements or members the value at PATH has. */
cell_function cell_count;
/* A map of labels, a LabelSelector: "app=web,tier in (a,b)"; "<none>" of nothing. */
cell_function cell_labels, cell_selector;
/* Names and images of a list of containers. */
cell_function cell_container_names, cell_container_images;

json_t *cell_of(const struct str *text);
/* TEXT at the end of OUT, after SEPARATOR unless OUT is empty. */
void cells_join(struct str *out, const char *separator, const char *text);
/* S in ASCII lower case, appended. */
void cells_add_lower(struct str *out, const char *s);
/* The status of the condition of TYPE in the list at PATH, "" without it. Borrowed. */
const char *cells_condition(const json_t *object, const char *path, const char *type);

/* A list cut short: "a,b,c + 2 more...". */
struct brief {
	struct str text;
	size_t max, shown, total;
	bool more; /* one had to be left off */
};
#define BRIEF_INIT(most)                        \
	{                                       \
		.text = STR_INIT, .max = (most) \
	}
void cells_brief_add(struct brief *b, const char *separator, const char *text);
/* The cell; releases B. OTHERWISE: when nothing was shown. */
json_t *cells_brief_finish(struct brief *b, const char *otherwise);

/* What a JSONPath (".status.conditions[?(@.type=='Ready')].status") finds first; NULL: nothing.
 * Borrowed. */
const json_t *column_find(const json_t *object, const char *path);

#endif
