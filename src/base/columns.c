#include "base/columns.h"

#include "base/mem.h"
#include "base/vec.h"

#include <stdbool.h>
#include <string.h>

struct cell {
	const char *p;
	size_t len, width;
};
struct line {
	struct cell *v;
	size_t n, cap;
};
struct grid {
	struct line *v;
	size_t n, cap;
	size_t min_width, padding;
	struct {
		size_t *v;
		size_t n, cap;
	} widths; /* of the columns to the left of the one that is looked at */
};

/* Characters, not bytes. */
static size_t width_of(const char *p, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)p[i] & 0xc0) != 0x80;
	return n;
}

static void add_line(struct grid *g, const char *text, size_t len)
{
	struct line line = {0};
	const char *end = text + len, *tab;

	for (;; text = tab + 1) {
		tab = memchr(text, '\t', (size_t)(end - text));
		size_t n = (size_t)((tab ? tab : end) - text);

		vec_push(&line, (struct cell){text, n, width_of(text, n)});
		if (!tab)
			break;
	}
	vec_push(g, line);
}

static void write_lines(const struct grid *g, size_t from, size_t to, struct str *out)
{
	for (size_t i = from; i < to; i++) {
		const struct line *l = &g->v[i];

		for (size_t k = 0; k < l->n; k++) {
			const struct cell *c = &l->v[k];

			str_add(out, c->p, c->len);
			if (k < g->widths.n && g->widths.v[k] > c->width)
				str_addn(out, ' ', g->widths.v[k] - c->width);
		}
		str_addc(out, '\n');
	}
}

/* Has line I a cell of this column that a tab ends? */
static bool has_cell(const struct grid *g, size_t i, size_t column)
{
	return column + 1 < g->v[i].n;
}

/* Lines FROM to TO, all columns to the left of COLUMN being known; then those right of it. */
static void format(struct grid *g, size_t from, size_t to, size_t column, struct str *out)
{
	for (size_t i = from; i < to; i++) {
		size_t width = g->min_width;

		if (!has_cell(g, i, column))
			continue;
		write_lines(g, from, i, out);
		from = i;
		for (; i < to && has_cell(g, i, column); i++)
			width = MAX(width, g->v[i].v[column].width + g->padding);
		vec_push(&g->widths, width);
		format(g, from, i, column + 1, out);
		g->widths.n--;
		from = i;
	}
	write_lines(g, from, to, out);
}

void columns_format(const char *text, size_t min_width, size_t padding, struct str *out)
{
	struct grid g = {.min_width = min_width, .padding = padding};
	const char *end;

	for (; (end = strchr(text, '\n')); text = end + 1)
		add_line(&g, text, (size_t)(end - text));
	if (*text)
		add_line(&g, text, strlen(text));
	format(&g, 0, g.n, 0, out);
	vec_each (&g, l)
		vec_release(l);
	vec_release(&g);
	vec_release(&g.widths);
}
