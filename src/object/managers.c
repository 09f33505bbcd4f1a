#include "object/managers.h"

#include "object/fieldset.h"
#include "object/json.h"

#include <string.h>

#define UPDATERS_MAX 10
#define ANCIENT "ancient-changes"

static void manager_release(struct manager *e)
{
	free(e->name);
	free(e->operation);
	free(e->api_version);
	free(e->subresource);
	free(e->time);
	json_decref(e->set);
}

void managers_release(struct managers *m)
{
	vec_each (m, e)
		manager_release(e);
	vec_release(m);
}

static void remove_at(struct managers *m, size_t i)
{
	manager_release(&m->v[i]);
	memmove(&m->v[i], &m->v[i + 1], (m->n - i - 1) * sizeof(*m->v));
	m->n--;
}

static bool add_entry(struct managers *m, const json_t *entry)
{
	const char *operation = json_path_string(entry, "operation");
	const json_t *fields = json_object_get(entry, "fieldsV1");

	if (strcmp(operation, OPERATION_APPLY) && strcmp(operation, OPERATION_UPDATE))
		return false;
	if (strcmp(json_path_string(entry, "fieldsType"), "FieldsV1") || !json_is_object(fields))
		return false;
	vec_push(m, (struct manager){
			    .name = xstrdup(json_path_string(entry, "manager")),
			    .operation = xstrdup(operation),
			    .api_version = xstrdup(json_path_string(entry, "apiVersion")),
			    .subresource = xstrdup(json_path_string(entry, "subresource")),
			    .time = xstrdup(json_path_string(entry, "time")),
			    .set = json_object_size(fields) ? fieldset_read(fields) : json_object(),
		    });
	return true;
}

bool managers_read(struct managers *m, const json_t *object)
{
	json_t *entry;
	size_t before = m->n, i;

	json_array_foreach (json_path(object, "metadata.managedFields"), i, entry) {
		if (add_entry(m, entry))
			continue;
		while (m->n > before)
			remove_at(m, m->n - 1);
		return false;
	}
	return true;
}

bool managers_reset(const json_t *object)
{
	const json_t *list = json_path(object, "metadata.managedFields");

	if (!json_is_array(list) || json_array_size(list) > 1)
		return false;
	return !json_array_size(list) || (json_is_object(json_array_get(list, 0)) &&
					  !json_object_size(json_array_get(list, 0)));
}

struct manager *managers_find(struct managers *m, const char *operation,
			      const struct apply_options *opt)
{
	vec_each (m, e)
		if (!strcmp(e->name, opt->manager) && !strcmp(e->operation, operation) &&
		    !strcmp(e->subresource, opt->subresource) &&
		    (!strcmp(operation, OPERATION_APPLY) ||
		     !strcmp(e->api_version, opt->api_version)))
			return e;
	return NULL;
}

struct manager *managers_require(struct managers *m, const char *operation,
				 const struct apply_options *opt)
{
	struct manager *e = managers_find(m, operation, opt);

	if (e)
		return e;
	vec_push(m, (struct manager){
			    .name = xstrdup(opt->manager),
			    .operation = xstrdup(operation),
			    .api_version = xstrdup(opt->api_version),
			    .subresource = xstrdup(opt->subresource),
			    .time = xstrdup(""),
			    .set = json_object(),
		    });
	return &m->v[m->n - 1];
}

void manager_set_fields(struct manager *e, json_t *set)
{
	json_decref(e->set);
	e->set = set;
}

void manager_set_time(struct manager *e, const char *now)
{
	free(e->time);
	e->time = xstrdup(now);
}

json_t *managers_union(const struct managers *m)
{
	json_t *all = json_object();

	vec_each (m, e) {
		json_t *next = fieldset_union(all, e->set);

		json_decref(all);
		all = next;
	}
	return all;
}

static bool is_updater(const struct manager *e)
{
	return !strcmp(e->operation, OPERATION_UPDATE);
}

/* The oldest updater but for FIRST (may be NULL) with FIRST's version. */
static struct manager *oldest_updater(struct managers *m, const struct manager *first)
{
	struct manager *oldest = NULL;

	vec_each (m, e) {
		if (!is_updater(e) || e == first ||
		    (first && strcmp(e->api_version, first->api_version)))
			continue;
		if (!oldest || strcmp(e->time, oldest->time) < 0 ||
		    (!strcmp(e->time, oldest->time) && strcmp(e->name, oldest->name) < 0))
			oldest = e;
	}
	return oldest;
}

/* Makes one of the two oldest updaters of a version; false when there are no two. */
static bool merge_oldest(struct managers *m)
{
	struct manager *first = oldest_updater(m, NULL);
	struct manager *second = oldest_updater(m, first);

	if (!second)
		return false;
	free(first->name);
	first->name = xstrdup(ANCIENT);
	free(first->subresource);
	first->subresource = xstrdup("");
	manager_set_fields(first, fieldset_union(first->set, second->set));
	manager_set_time(first, second->time);
	remove_at(m, (size_t)(second - m->v));
	return true;
}

void managers_tidy(struct managers *m)
{
	size_t updaters = 0;

	for (size_t i = m->n; i-- > 0;) {
		if (fieldset_is_empty(m->v[i].set))
			remove_at(m, i);
		else
			updaters += is_updater(&m->v[i]);
	}
	while (updaters > UPDATERS_MAX && merge_oldest(m))
		updaters--;
}

/* Apply before Update, then by time, then by name. */
static int compare_managers(const void *a, const void *b)
{
	const struct manager *x = a, *y = b;
	int order = strcmp(x->operation, y->operation);

	order = order ? order : strcmp(x->time, y->time);
	order = order ? order : strcmp(x->name, y->name);
	order = order ? order : strcmp(x->api_version, y->api_version);
	return order ? order : strcmp(x->subresource, y->subresource);
}

static json_t *entry_of(const struct manager *e)
{
	json_t *entry = json_pack("{s:s,s:s,s:s}", "manager", e->name, "operation", e->operation,
				  "apiVersion", e->api_version);

	if (*e->time)
		json_object_set_new(entry, "time", json_string(e->time));
	json_object_set_new(entry, "fieldsType", json_string("FieldsV1"));
	json_object_set(entry, "fieldsV1", e->set);
	if (*e->subresource)
		json_object_set_new(entry, "subresource", json_string(e->subresource));
	return entry;
}

void managers_write(struct managers *m, json_t *object)
{
	json_t *list = json_array();

	if (m->n)
		qsort(m->v, m->n, sizeof(*m->v), compare_managers);
	vec_each (m, e)
		json_array_append_new(list, entry_of(e));
	if (json_array_size(list))
		json_path_set(object, "metadata.managedFields", json_incref(list));
	else
		json_path_del(object, "metadata.managedFields");
	json_decref(list);
}
