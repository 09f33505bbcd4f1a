/*
 * Text in columns, as Go's text/tabwriter aligns it, which kubectl prints with: a cell ends with a
 * tab; cells of consecutive lines that stand at the same place make a column, as wide as the
 * widest of them. What follows a line's last tab belongs to no column.
 *
 *	columns_format("Name:\tweb\nNamespace:\tdefault\n", 0, 2, &out);
 *
 * Threads: a pure function.
 */
#ifndef BASE_COLUMNS_H
#define BASE_COLUMNS_H

#include "base/str.h"

/* Appends. MIN_WIDTH: of each column, with its PADDING spaces. */
void columns_format(const char *text, size_t min_width, size_t padding, struct str *out);

#endif
