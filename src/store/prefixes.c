/*
 * Which watches does a key concern? All whose prefix begins it.
 *
 * The distinct prefixes are kept in an array in order, each knowing the longest other one that
 * begins it. Every prefix of a key sorts before it, and what sorts between begins with that
 * prefix too: so the last prefix not after the key leads, over its parents, to all of them. One
 * binary search and a step for each match, however many watches there are.
 */
#include "store/internal.h"

#include <string.h>

static int compare(const void *a, size_t a_len, const void *b, size_t b_len)
{
	size_t n = MIN(a_len, b_len);
	int c = n ? memcmp(a, b, n) : 0;

	return c ? c : (a_len > b_len) - (a_len < b_len);
}

static bool begins(const struct group *g, const void *key, size_t len)
{
	return g->len <= len && (!g->len || !memcmp(g->prefix, key, g->len));
}

/* The index of the first group that sorts after KEY. */
static size_t upper_bound(const struct prefixes *p, const void *key, size_t len)
{
	size_t low = 0, high = p->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (compare(p->v[mid]->prefix, p->v[mid]->len, key, len) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct group *prefixes_match(const struct prefixes *p, const void *key, size_t len)
{
	size_t i = upper_bound(p, key, len);
	struct group *g = i ? p->v[i - 1] : NULL;

	while (g && !begins(g, key, len))
		g = g->parent;
	return g;
}

struct group *prefixes_find(struct prefixes *p, const void *prefix, size_t len)
{
	size_t i = upper_bound(p, prefix, len);
	struct group *g = i ? p->v[i - 1] : NULL;

	return g && g->len == len && begins(g, prefix, len) ? g : NULL;
}

struct group *prefixes_add(struct prefixes *p, const void *prefix, size_t len)
{
	struct group *g = prefixes_find(p, prefix, len);
	size_t i;

	if (g)
		return g;
	g = xcalloc(1, sizeof(*g));
	g->prefix = xstrndup(len ? prefix : "", len);
	g->len = len;
	g->parent = prefixes_match(p, prefix, len);
	i = upper_bound(p, prefix, len);
	vec_grow(p, 1);
	memmove(p->v + i + 1, p->v + i, (p->n - i) * sizeof(*p->v));
	p->v[i] = g;
	p->n++;
	/* Those that it begins lie right behind it. */
	for (i++; i < p->n && begins(g, p->v[i]->prefix, p->v[i]->len); i++)
		if (p->v[i]->parent == g->parent)
			p->v[i]->parent = g;
	return g;
}

void prefixes_remove(struct prefixes *p, struct group *g)
{
	size_t i = upper_bound(p, g->prefix, g->len) - 1;

	vec_remove(p, i);
	for (; i < p->n && begins(g, p->v[i]->prefix, p->v[i]->len); i++)
		if (p->v[i]->parent == g)
			p->v[i]->parent = g->parent;
	vec_release(&g->watches);
	free(g->prefix);
	free(g);
}
