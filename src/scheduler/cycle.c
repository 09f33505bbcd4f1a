#include "scheduler/cycle.h"

#include "base/vec.h"
#include "scheduler/plugin.h"

#include <stdio.h>
#include <string.h>

struct candidate {
	const struct node_info *node;
	int64_t total;
};

struct candidates {
	struct candidate *v;
	size_t n, cap;
};

static void count_refusal(struct map *counts, const struct reasons *r)
{
	for (size_t k = 0; k < r->n; k++)
		map_put(counts, r->v[k], (void *)((uintptr_t)map_get(counts, r->v[k]) + 1));
}

/* The first plugin that refuses tells why, as kube-scheduler does. */
static bool fits(const struct pod_info *pod, const struct node_info *node, struct map *counts)
{
	struct reasons why CLEANUP(reasons_release) = {0};

	for (const struct plugin_row *row = plugins; row->plugin && !why.n; row++)
		if (row->plugin->filter)
			row->plugin->filter(pod, node, &why);
	count_refusal(counts, &why);
	return !why.n;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void explain(const struct snapshot *s, struct map *counts, struct str *why)
{
	VEC(char *) lines = VEC_INIT;
	const char *between = " ";

	if (!s->n_nodes) {
		str_adds(why, "no nodes available to schedule pods");
		return;
	}
	map_each (counts, e)
		vec_push(&lines, xasprintf("%zu %s", (size_t)(uintptr_t)e->value, e->key));
	if (lines.n)
		qsort(lines.v, lines.n, sizeof(*lines.v), by_text);
	str_addf(why, "0/%zu nodes are available:", s->n_nodes);
	vec_each (&lines, line) {
		str_addf(why, "%s%s", between, *line);
		between = ", ";
		free(*line);
	}
	str_addc(why, '.');
	vec_release(&lines);
}

static void add_scores(const struct plugin_row *row, const struct pod_info *pod,
		       struct candidates *all)
{
	int64_t *scores free_ptr = xcalloc(all->n, sizeof(*scores));
	int64_t most = 0;

	for (size_t k = 0; k < all->n; k++) {
		scores[k] = row->plugin->score(pod, all->v[k].node);
		most = MAX(most, scores[k]);
	}
	for (size_t k = 0; k < all->n; k++) {
		int64_t score = scores[k];

		if (row->plugin->scaled)
			score = most ? score * SCORE_MAX / most : 0;
		if (row->plugin->reversed)
			score = SCORE_MAX - score;
		all->v[k].total += row->weight * score;
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct candidate *)a)->node->name,
		      ((const struct candidate *)b)->node->name);
}

static const struct node_info *best(struct candidates *all, uint64_t turn)
{
	const struct candidate *found = NULL;

	qsort(all->v, all->n, sizeof(*all->v), by_name);
	for (size_t k = 0; k < all->n; k++) {
		const struct candidate *c = &all->v[(k + turn) % all->n];

		if (!found || c->total > found->total)
			found = c;
	}
	return found->node;
}

const struct node_info *cycle_run(const struct snapshot *s, const struct pod_info *pod,
				  uint64_t turn, struct str *why)
{
	struct candidates all = {0};
	const struct node_info *node = NULL;
	struct map *counts = map_new();

	map_each (s->nodes, e) {
		const struct node_info *n = e->value;

		if (n->object && fits(pod, n, counts))
			vec_push(&all, (struct candidate){n, 0});
	}
	if (all.n) {
		for (const struct plugin_row *row = plugins; row->plugin; row++)
			if (row->plugin->score && row->weight)
				add_scores(row, pod, &all);
		node = best(&all, turn);
	} else {
		explain(s, counts, why);
	}
	vec_release(&all);
	map_free(counts, NULL);
	return node;
}
