#include "base/map.h"
#include "base/vec.h"
#include "kinds/resource.h"
#include "kinds/row.h"
#include "object/schema_resources.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <strings.h>

struct catalog {
	_Atomic unsigned refs;
	const struct resource **rows;
	size_t n;
	struct map *by_path;  /* "group/version/plural" and "group//plural" (the preferred one) */
	struct map *by_kind;  /* "apiVersion/Kind" */
	VEC(char *) failures; /* NULL-terminated once one is there */
};

static const char *const no_failures[] = {NULL};

static void add_key(struct map *m, char *key, const struct resource *r)
{
	if (!map_get(m, key))
		map_put(m, key, (void *)r);
	free(key);
}

struct catalog *catalog_new(const struct resource *const *rows, size_t n)
{
	struct catalog *c = xcalloc(1, sizeof(*c));

	c->refs = 1;
	c->n = n;
	c->rows = xcalloc(n + 1, sizeof(*c->rows));
	c->by_path = map_new();
	c->by_kind = map_new();
	for (size_t i = 0; i < n; i++) {
		const struct resource *r = rows[i];

		c->rows[i] = resource_ref(r);
		add_key(c->by_path, xasprintf("%s/%s/%s", r->group, r->version, r->plural), r);
		add_key(c->by_path, xasprintf("%s//%s", r->group, r->plural), r);
		add_key(c->by_kind, xasprintf("%s/%s", r->api_version, r->kind), r);
	}
	return c;
}

struct catalog *catalog_ref(struct catalog *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}

void catalog_unref(struct catalog *c)
{
	if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < c->n; i++)
		resource_unref(c->rows[i]);
	free(c->rows);
	map_free(c->by_path, NULL);
	map_free(c->by_kind, NULL);
	vec_each (&c->failures, text)
		free(*text);
	vec_release(&c->failures);
	free(c);
}

/* "get,list" as a set. */
static unsigned parse_verbs(const char *list)
{
	unsigned set = 0;

	while (*list) {
		size_t n = strcspn(list, ",");
		char *word free_ptr = xstrndup(list, n);

		set |= verb_parse(word);
		list += n + (list[n] == ',');
	}
	return set;
}

/* A row of the schema table as an immortal resource. */
static void fill_builtin(struct row *row, const struct schema_resource *s)
{
	struct subresource *subs = xcalloc(s->n_subresources + 1, sizeof(*subs));

	for (size_t i = 0; i < s->n_subresources; i++)
		subs[i] = (struct subresource){
			.name = s->subresources[i].name,
			.verbs = parse_verbs(s->subresources[i].verbs),
			.kind = s->subresources[i].kind,
			.group = s->subresources[i].group,
			.version = s->subresources[i].version,
		};
	row->immortal = true;
	row_fill(row, &(struct resource){
			      .group = s->group,
			      .version = s->version,
			      .plural = s->plural,
			      .singular = s->singular,
			      .kind = s->kind,
			      .short_names = s->short_names,
			      .categories = s->categories,
			      .namespaced = s->namespaced,
			      .verbs = parse_verbs(s->verbs),
			      .subresources = subs,
			      .n_subresources = s->n_subresources,
			      .type = s->type,
		      });
	free(subs);
}

static struct catalog *builtin;

static void make_builtin(void)
{
	size_t n = schema_n_resources;
	struct row *rows = xcalloc(n, sizeof(*rows));
	const struct resource **list = xcalloc(n, sizeof(*list));

	for (size_t i = 0; i < n; i++) {
		fill_builtin(&rows[i], &schema_resources[i]);
		list[i] = &rows[i].resource;
	}
	builtin = catalog_new(list, n);
	free(list);
}

struct catalog *catalog_builtin(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_builtin);
	return catalog_ref(builtin);
}

size_t catalog_count(const struct catalog *c)
{
	return c->n;
}

const struct resource *catalog_at(const struct catalog *c, size_t i)
{
	assert(i < c->n);
	return c->rows[i];
}

const struct resource *catalog_find(const struct catalog *c, const char *group, const char *version,
				    const char *plural)
{
	struct str key CLEANUP(str_release) = STR_INIT;

	str_adds(&key, group);
	str_addc(&key, '/');
	str_adds(&key, version ? version : "");
	str_addc(&key, '/');
	str_adds(&key, plural);
	return map_get(c->by_path, key.s);
}

const struct resource *catalog_find_kind(const struct catalog *c, const char *api_version,
					 const char *kind)
{
	char *key free_ptr = xasprintf("%s/%s", api_version, kind);

	return map_get(c->by_kind, key);
}

/* How well WORD names R: the lower the better, 0: not at all. */
static int name_rank(const struct resource *r, const char *word)
{
	if (strcasecmp(word, r->plural) == 0)
		return 1;
	if (strcasecmp(word, r->singular) == 0)
		return 2;
	for (size_t i = 0; r->short_names[i]; i++)
		if (strcasecmp(word, r->short_names[i]) == 0)
			return 3;
	return strcasecmp(word, r->kind) == 0 ? 4 : 0;
}

/* SUFFIX: what follows the first dot: "apps", "v1.apps", "v1." (core), or NULL for any. */
static bool suffix_matches(const struct resource *r, const char *suffix)
{
	size_t n = strlen(r->version);

	if (!suffix || strcmp(suffix, r->group) == 0)
		return true;
	return strncmp(suffix, r->version, n) == 0 &&
	       ((suffix[n] == '.' && strcmp(suffix + n + 1, r->group) == 0) ||
		(suffix[n] == '\0' && !*r->group));
}

const struct resource *catalog_resolve(const struct catalog *c, const char *name)
{
	const char *dot = strchr(name, '.');
	char *word free_ptr = dot ? xstrndup(name, (size_t)(dot - name)) : xstrdup(name);
	const struct resource *best = NULL;
	int best_rank = 0;

	for (size_t i = 0; i < c->n; i++) {
		int rank = name_rank(c->rows[i], word);

		if (!rank || !suffix_matches(c->rows[i], dot ? dot + 1 : NULL))
			continue;
		if (best && best_rank <= rank)
			continue;
		best = c->rows[i];
		best_rank = rank;
	}
	return best;
}

const char *const *catalog_failures(const struct catalog *c)
{
	return c->failures.n ? (const char *const *)c->failures.v : no_failures;
}

void catalog_add_failure(struct catalog *c, const char *text)
{
	if (c->failures.n)
		c->failures.v[c->failures.n - 1] = xstrdup(text);
	else
		vec_push(&c->failures, xstrdup(text));
	vec_push(&c->failures, NULL);
}
