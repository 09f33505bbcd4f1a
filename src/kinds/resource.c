#include "kinds/resource.h"

#include "base/mem.h"
#include "kinds/kind.h"
#include "kinds/row.h"

#include <assert.h>
#include <stdatomic.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* In the order in which discovery lists verbs. */
static const struct {
	const char *word;
	unsigned verb;
} verbs[] = {
	{"create", VERB_CREATE},
	{"delete", VERB_DELETE},
	{"deletecollection", VERB_DELETE_COLLECTION},
	{"get", VERB_GET},
	{"list", VERB_LIST},
	{"patch", VERB_PATCH},
	{"update", VERB_UPDATE},
	{"watch", VERB_WATCH},
};

/* Types over objects that are stored as another type's. */
static const struct {
	const char *group, *version, *plural, *storage_group, *storage_version;
} shared[] = {
	{"events.k8s.io", "v1", "events", "", "v1"},
	{"autoscaling", "v1", "horizontalpodautoscalers", "autoscaling", "v2"},
};

unsigned verb_parse(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (strcmp(verbs[i].word, word) == 0)
			return verbs[i].verb;
	return 0;
}

void verbs_write(unsigned set, struct str *out)
{
	bool first = true;

	str_addc(out, '[');
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (!(set & verbs[i].verb))
			continue;
		str_addf(out, "%s\"%s\"", first ? "" : ",", verbs[i].word);
		first = false;
	}
	str_addc(out, ']');
}

static struct row *row_of(const struct resource *r)
{
	return container_of(r, struct row, resource);
}

const struct resource *resource_ref(const struct resource *r)
{
	struct row *row = row_of(r);

	if (!row->immortal)
		atomic_fetch_add_explicit(&row->refs, 1, memory_order_relaxed);
	return r;
}

static void free_strings(const char *const *list)
{
	for (size_t i = 0; list && list[i]; i++)
		free((char *)list[i]);
	free((void *)list);
}

static void free_columns(const struct column *columns, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free((char *)columns[i].name);
		free((char *)columns[i].type);
		free((char *)columns[i].format);
		free((char *)columns[i].description);
		free((char *)columns[i].json_path);
	}
	free((void *)columns);
}

static void free_subresources(const struct subresource *subs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free((char *)subs[i].name);
		free((char *)subs[i].kind);
		free((char *)subs[i].group);
		free((char *)subs[i].version);
	}
	free((void *)subs);
}

static void row_free(struct row *row)
{
	struct resource *r = &row->resource;

	if (row->free_priv)
		row->free_priv(r->priv);
	free_strings(r->short_names);
	free_strings(r->categories);
	free_strings(r->selectable_fields);
	free_columns(r->columns, r->n_columns);
	free_subresources(r->subresources, r->n_subresources);
	free((char *)r->group);
	free((char *)r->version);
	free((char *)r->api_version);
	free((char *)r->plural);
	free((char *)r->singular);
	free((char *)r->kind);
	free((char *)r->list_kind);
	free((char *)r->storage_group);
	free((char *)r->storage_version);
	free((char *)r->deprecation_warning);
	free((char *)r->scale_replicas);
	free((char *)r->scale_status_replicas);
	free((char *)r->scale_selector);
	free(row);
}

void resource_unref(const struct resource *r)
{
	struct row *row;

	if (!r)
		return;
	row = row_of(r);
	if (row->immortal)
		return;
	if (atomic_fetch_sub_explicit(&row->refs, 1, memory_order_acq_rel) == 1)
		row_free(row);
}

static const char *const *copy_strings(const char *const *list)
{
	size_t n = 0;
	char **copy;

	while (list && list[n])
		n++;
	copy = xcalloc(n + 1, sizeof(*copy));
	for (size_t i = 0; i < n; i++)
		copy[i] = xstrdup(list[i]);
	return (const char *const *)copy;
}

static char *dup_or_null(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

static char *dup_or_empty(const char *s)
{
	return xstrdup(s ? s : "");
}

static const struct column *copy_columns(const struct column *from, size_t n)
{
	struct column *copy = xcalloc(n + 1, sizeof(*copy));

	for (size_t i = 0; i < n; i++) {
		copy[i] = from[i];
		copy[i].name = dup_or_empty(from[i].name);
		copy[i].type = dup_or_empty(from[i].type);
		copy[i].format = dup_or_empty(from[i].format);
		copy[i].description = dup_or_empty(from[i].description);
		copy[i].json_path = dup_or_null(from[i].json_path);
	}
	return copy;
}

static const struct subresource *copy_subresources(const struct subresource *from, size_t n)
{
	struct subresource *copy = xcalloc(n + 1, sizeof(*copy));

	for (size_t i = 0; i < n; i++) {
		copy[i] = from[i];
		copy[i].name = dup_or_empty(from[i].name);
		copy[i].kind = dup_or_empty(from[i].kind);
		copy[i].group = dup_or_null(from[i].group);
		copy[i].version = dup_or_null(from[i].version);
	}
	return copy;
}

void row_fill(struct row *row, const struct resource *t)
{
	struct resource *r = &row->resource;
	const char *storage_group = t->storage_group, *storage_version = t->storage_version;

	for (size_t i = 0; !storage_group && !t->custom && i < ARRAY_SIZE(shared); i++) {
		if (strcmp(shared[i].group, t->group) || strcmp(shared[i].version, t->version) ||
		    strcmp(shared[i].plural, t->plural))
			continue;
		storage_group = shared[i].storage_group;
		storage_version = shared[i].storage_version;
	}
	*r = *t;
	r->group = dup_or_empty(t->group);
	r->version = dup_or_empty(t->version);
	r->api_version = *r->group ? xasprintf("%s/%s", r->group, r->version) : xstrdup(r->version);
	r->plural = dup_or_empty(t->plural);
	r->singular = dup_or_empty(t->singular);
	r->kind = dup_or_empty(t->kind);
	r->list_kind = t->list_kind ? xstrdup(t->list_kind) : xasprintf("%sList", r->kind);
	r->short_names = copy_strings(t->short_names);
	r->categories = copy_strings(t->categories);
	r->subresources = copy_subresources(t->subresources, t->n_subresources);
	r->columns = copy_columns(t->columns, t->n_columns);
	r->selectable_fields = copy_strings(t->selectable_fields);
	r->scale_replicas = dup_or_null(t->scale_replicas);
	r->scale_status_replicas = dup_or_null(t->scale_status_replicas);
	r->scale_selector = dup_or_null(t->scale_selector);
	r->storage_group = dup_or_empty(storage_group ? storage_group : t->group);
	r->storage_version = dup_or_empty(storage_version ? storage_version : t->version);
	if (!r->particulars)
		r->particulars = t->custom ? kind_custom() : kind_find(r->group, r->kind);
	r->deprecation_warning =
		dup_or_null(t->deprecation_warning ? t->deprecation_warning
						   : r->particulars->deprecation_warning);
}

const struct resource *resource_new(const struct resource *template, void (*free_priv)(void *))
{
	struct row *row = xcalloc(1, sizeof(*row));

	row_fill(row, template);
	row->refs = 1;
	row->free_priv = free_priv;
	return &row->resource;
}

const struct subresource *resource_subresource(const struct resource *r, const char *name)
{
	for (size_t i = 0; i < r->n_subresources; i++)
		if (strcmp(r->subresources[i].name, name) == 0)
			return &r->subresources[i];
	return NULL;
}

/* Of "v2beta1" stage 1, 2 and 1; higher comes first. False: it is of another form. */
static bool parse_version(const char *s, unsigned long long parts[3])
{
	static const char *const stages[] = {"alpha", "beta"};
	char *end;

	if (s[0] != 'v' || !isdigit((unsigned char)s[1]))
		return false;
	parts[0] = ARRAY_SIZE(stages);
	parts[1] = strtoull(s + 1, &end, 10);
	parts[2] = 0;
	for (size_t i = 0; i < ARRAY_SIZE(stages) && *end; i++) {
		if (!str_has_prefix(end, stages[i]) ||
		    !isdigit((unsigned char)end[strlen(stages[i])]))
			continue;
		parts[0] = i;
		parts[2] = strtoull(end + strlen(stages[i]), &end, 10);
		break;
	}
	return !*end;
}

int version_compare(const char *a, const char *b)
{
	unsigned long long x[3], y[3];
	bool known = parse_version(a, x), other_known = parse_version(b, y);

	if (!known || !other_known)
		return known != other_known ? (known ? -1 : 1) : strcmp(a, b);
	for (size_t i = 0; i < 3; i++)
		if (x[i] != y[i])
			return x[i] > y[i] ? -1 : 1;
	return 0;
}

void resource_format(const struct resource *r, struct str *out)
{
	str_adds(out, r->plural);
	if (*r->group)
		str_addf(out, ".%s", r->group);
}

void resource_directory(const struct resource *r, struct str *out)
{
	if (r->custom)
		resource_format(r, out);
	else
		str_adds(out, r->plural);
}
