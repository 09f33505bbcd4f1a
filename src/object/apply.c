/*
 * Server-side apply.
 *
 * A manager owns a set of fields. An apply makes the fields of its configuration the manager's
 * set, merges them into the object, and takes away what the manager had owned alone and names no
 * longer. A field that this changes and another manager owns is a conflict; forced, the other loses
 * it. Equal values change nothing, so that any number of managers may share them. Every other write
 * is an Update: what it changed becomes the writer's and leaves everyone else.
 */
#include "object/apply.h"
#include "base/vec.h"
#include "object/fieldset.h"
#include "object/json.h"

#include <string.h>

#define MAX_MANAGER 128

/* One entry of managedFields. */
struct manager {
	char *name, *operation, *api_version, *subresource, *time;
	json_t *set;
	bool changed; /* the set is not the one that was read */
};

struct managers {
	struct manager *v;
	size_t n, cap;
};

static void managers_release(struct managers *m)
{
	vec_each (m, e) {
		free(e->name);
		free(e->operation);
		free(e->api_version);
		free(e->subresource);
		free(e->time);
		json_decref(e->set);
	}
	vec_release(m);
}

static void add_manager(struct managers *m, const char *name, const char *operation,
			const char *api_version, const char *subresource, const char *time,
			json_t *set)
{
	vec_push(m, (struct manager){
			    .name = xstrdup(name),
			    .operation = xstrdup(operation),
			    .api_version = xstrdup(api_version),
			    .subresource = xstrdup(subresource),
			    .time = xstrdup(time),
			    .set = set,
		    });
}

static void managers_read(struct managers *m, const json_t *object)
{
	json_t *entry, *fields;
	size_t i;

	json_array_foreach (json_path(object, "metadata.managedFields"), i, entry) {
		fields = json_object_get(entry, "fieldsV1");
		if (!json_is_object(fields) || !json_object_size(fields))
			continue;
		add_manager(m, json_path_string(entry, "manager"),
			    json_path_string(entry, "operation"),
			    json_path_string(entry, "apiVersion"),
			    json_path_string(entry, "subresource"), json_path_string(entry, "time"),
			    fieldset_read(fields));
	}
}

static struct manager *find_manager(struct managers *m, const char *operation,
				    const struct apply_options *opt)
{
	vec_each (m, e)
		if (!strcmp(e->name, opt->manager) && !strcmp(e->operation, operation) &&
		    !strcmp(e->subresource, opt->subresource) &&
		    (*operation == 'A' || !strcmp(e->api_version, opt->api_version)))
			return e;
	return NULL;
}

static void set_fields(struct manager *e, json_t *set)
{
	e->changed = e->changed || !json_equal(e->set, set);
	json_decref(e->set);
	e->set = set;
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

static json_t *manager_entry(const struct manager *e)
{
	json_t *entry = json_pack("{s:s,s:s,s:s,s:s,s:s,s:o}", "manager", e->name, "operation",
				  e->operation, "apiVersion", e->api_version, "time", e->time,
				  "fieldsType", "FieldsV1", "fieldsV1", fieldset_write(e->set));

	if (*e->subresource)
		json_object_set_new(entry, "subresource", json_string(e->subresource));
	if (!*e->time)
		json_object_del(entry, "time");
	return entry;
}

static void managers_write(struct managers *m, json_t *object, const char *now)
{
	json_t *list = json_array();

	vec_each (m, e) {
		if (!e->changed)
			continue;
		free(e->time);
		e->time = xstrdup(now);
	}
	if (m->n)
		qsort(m->v, m->n, sizeof(*m->v), compare_managers);
	vec_each (m, e)
		if (json_object_size(e->set))
			json_array_append_new(list, manager_entry(e));
	if (json_array_size(list)) {
		json_path_set(object, "metadata.managedFields", list);
		return;
	}
	json_decref(list);
	json_path_del(object, "metadata.managedFields");
}

/* CONFIG over LIVE, a new value that shares what it did not have to build. */
static json_t *merge(const json_t *live, const json_t *config, const struct schema_value *v);

static json_t *merge_maps(const json_t *live, const json_t *config, const struct schema_value *v)
{
	json_t *result = json_copy((json_t *)live), *value;
	const char *key;

	json_object_foreach ((json_t *)config, key, value)
		json_object_set_new(result, key,
				    merge(json_object_get(live, key), value, schema_child(v, key)));
	return result;
}

/* The configuration's order; what only the live list has stays before what followed it. */
static json_t *merge_lists(const json_t *live, const json_t *config, const struct schema_value *v)
{
	json_auto json_t *old = fieldset_items(live, v, NULL);
	json_auto json_t *new = fieldset_items(config, v, NULL);
	json_t *result = json_array(), *item;
	void *at = json_object_iter(old);
	const char *key;

	json_object_foreach (new, key, item) {
		for (; at && !json_object_get(new, json_object_iter_key(at));
		     at = json_object_iter_next(old, at))
			json_array_append(result, json_object_iter_value(at));
		if (at && !strcmp(json_object_iter_key(at), key))
			at = json_object_iter_next(old, at);
		json_array_append_new(result, merge(json_object_get(old, key), item, v->elem));
	}
	for (; at; at = json_object_iter_next(old, at))
		if (!json_object_get(new, json_object_iter_key(at)))
			json_array_append(result, json_object_iter_value(at));
	return result;
}

static json_t *merge(const json_t *live, const json_t *config, const struct schema_value *v)
{
	if (fieldset_is_map(live, v) && fieldset_is_map(config, v))
		return merge_maps(live, config, v);
	if (fieldset_is_list(live, v) && fieldset_is_list(config, v))
		return merge_lists(live, config, v);
	return json_incref((json_t *)config);
}

static bool is_empty(const json_t *value)
{
	return (json_is_object(value) && !json_object_size(value)) ||
	       (json_is_array(value) && !json_array_size(value));
}

static void prune(json_t *value, const json_t *last, const json_t *kept,
		  const struct schema_value *v);

/* True when CHILD, which LAST owned, is to go: nobody owns it or anything in it any more. */
static bool prune_child(json_t *child, const json_t *last, const json_t *kept,
			const struct schema_value *v)
{
	if (!kept && json_object_get(last, "."))
		return true;
	if (!fieldset_is_map(child, v) && !fieldset_is_list(child, v))
		return !kept;
	prune(child, last, kept, v);
	return !kept && is_empty(child);
}

static void prune_list(json_t *list, const json_t *last, const json_t *kept,
		       const struct schema_value *v)
{
	for (size_t i = json_array_size(list); i-- > 0;) {
		struct str key CLEANUP(str_release) = STR_INIT;
		json_t *item = json_array_get(list, i), *owned;

		str_adds(&key, v->list_type == SCHEMA_LIST_SET ? "v:" : "k:");
		owned = schema_item_key(v, item, &key) ? json_object_get(last, key.s) : NULL;
		if (owned && prune_child(item, owned, json_object_get(kept, key.s), v->elem))
			json_array_remove(list, i);
	}
}

/* Takes from VALUE what LAST owned and KEPT, the sets of all together, does not. */
static void prune(json_t *value, const json_t *last, const json_t *kept,
		  const struct schema_value *v)
{
	const char *element;
	json_t *owned, *child;

	if (fieldset_is_list(value, v)) {
		prune_list(value, last, kept, v);
		return;
	}
	json_object_foreach ((json_t *)last, element, owned) {
		if (element[0] != 'f')
			continue;
		child = json_object_get(value, element + 2);
		if (child && prune_child(child, owned, json_object_get(kept, element),
					 schema_child(v, element + 2)))
			json_object_del(value, element + 2);
	}
}

/* Elements that occur twice in a list of CONFIG. */
static int check_duplicates(const json_t *value, const struct schema_value *v, struct str *path,
			    const json_t *config, struct error **err)
{
	json_auto json_t *items = NULL;
	char *duplicate free_ptr = NULL;
	size_t len = path->len;
	const char *key;
	json_t *child;

	if (fieldset_is_list(value, v))
		items = fieldset_items(value, v, &duplicate);
	if (duplicate) {
		struct str text CLEANUP(str_release) = STR_INIT;

		fieldset_element(duplicate, &text);
		return error_set(err, E_INTERNAL,
				 "failed to create typed patch object (%s/%s; %s, Kind=%s): %s: "
				 "duplicate entries for key %s",
				 json_path_string(config, "metadata.namespace"),
				 json_path_string(config, "metadata.name"),
				 json_path_string(config, "apiVersion"),
				 json_path_string(config, "kind"), path->s, text.s);
	}
	json_object_foreach (items ? items : (json_t *)value, key, child) {
		int result;

		if (items)
			fieldset_element(key, path);
		else
			str_addf(path, ".%s", key);
		result = check_duplicates(child, items ? v->elem : schema_child(v, key), path,
					  config, err);
		str_truncate(path, len);
		if (result < 0)
			return -1;
	}
	return 0;
}

/* The conflicts found so far, and the manager whose fields are being named. */
struct conflicts {
	struct error *error;
	struct str text;   /* the message, without its head */
	char *who;	   /* "golden" using v1 */
	size_t n_of_owner; /* fields of this owner in all */
};

static void add_conflict(void *arg, const char *path)
{
	struct conflicts *c = arg;

	if (!c->error)
		c->error = error_new(E_CONFLICT, "%s", "");
	error_add_cause(c->error, "FieldManagerConflict", path, "conflict with %s", c->who);
	str_addf(&c->text, c->n_of_owner > 1 ? "\n- %s" : " %s", path);
}

static void count_path(void *arg, const char *path)
{
	++*(size_t *)arg;
}

static char *describe_manager(const struct manager *e)
{
	bool update = !strcmp(e->operation, "Update");

	if (*e->subresource)
		return xasprintf("\"%s\" with subresource \"%s\"%s%s", e->name, e->subresource,
				 update ? " using " : "", update ? e->api_version : "");
	return xasprintf("\"%s\"%s%s", e->name, update ? " using " : "",
			 update ? e->api_version : "");
}

static void find_conflicts(struct conflicts *c, const struct manager *e, const json_t *taken)
{
	c->n_of_owner = 0;
	fieldset_each(taken, count_path, &c->n_of_owner);
	c->who = describe_manager(e);
	str_addf(&c->text, "%sconflict%s with %s:", c->text.len ? "\n" : "",
		 c->n_of_owner > 1 ? "s" : "", c->who);
	fieldset_each(taken, add_conflict, c);
	free(steal(&c->who));
}

static int conflicts_finish(struct conflicts *c, struct error **err)
{
	struct error *e = c->error;

	if (e) {
		free(e->message);
		e->message = xasprintf("Apply failed with %zu conflict%s: %s", e->n_causes,
				       e->n_causes > 1 ? "s" : "", c->text.s);
	}
	str_release(&c->text);
	return e ? error_move(err, e) : 0;
}

/*
 * Everyone but SELF loses what went, and what changed too; where CONFLICTS is given a changed field
 * of another manager is recorded there first.
 */
static void take_from_others(struct managers *m, const struct manager *self, const json_t *changed,
			     const json_t *removed, struct conflicts *conflicts)
{
	json_auto json_t *gone = fieldset_union(changed, removed);

	vec_each (m, e) {
		json_t *taken;

		if (e == self)
			continue;
		taken = fieldset_intersection(e->set, changed);
		if (conflicts && json_object_size(taken))
			find_conflicts(conflicts, e, taken);
		json_decref(taken);
		set_fields(e, fieldset_difference(e->set, gone));
	}
}

static json_t *union_of_all(const struct managers *m)
{
	json_t *all = json_object();

	vec_each (m, e) {
		json_t *next = fieldset_union(all, e->set);

		json_decref(all);
		all = next;
	}
	return all;
}

static struct manager *require_manager(struct managers *m, const char *operation,
				       const struct apply_options *opt)
{
	struct manager *e = find_manager(m, operation, opt);

	if (e)
		return e;
	add_manager(m, opt->manager, operation, opt->api_version, opt->subresource, opt->now,
		    json_object());
	return &m->v[m->n - 1];
}

/* An object that was written before anybody applied: all of it belongs to one manager. */
static void add_before_first_apply(struct managers *m, const json_t *live,
				   const struct schema_value *root, const struct apply_options *opt)
{
	json_t *set;

	if (!live || m->n)
		return;
	set = json_object();
	fieldset_collect(set, live, root, true);
	fieldset_strip(set);
	add_manager(m, "before-first-apply", "Update", opt->api_version, "", opt->now, set);
}

static int check_options(const struct apply_options *opt, struct error **err)
{
	if (!opt->manager || !*opt->manager)
		return error_set(err, E_INVALID,
				 "fieldManager: Required value: is required for apply patch");
	if (strlen(opt->manager) > MAX_MANAGER)
		return error_set(err, E_INVALID,
				 "fieldManager: Too long: may not be more than %d bytes",
				 MAX_MANAGER);
	return 0;
}

static int check_config(const json_t *config, const struct schema_value *root, struct error **err)
{
	struct str path CLEANUP(str_release) = STR_INIT;

	if (!json_is_object(config))
		return error_set(err, E_BAD_REQUEST, "an applied configuration must be a map");
	if (json_array_size(json_path(config, "metadata.managedFields")))
		return error_set(err, E_BAD_REQUEST, "metadata.managedFields must be nil");
	return check_duplicates(config, root, &path, config, err);
}

/* The new object; managers get their sets. */
static json_t *apply_config(const json_t *live, const json_t *config,
			    const struct schema_value *root, struct managers *m,
			    const struct apply_options *opt, struct error **err)
{
	struct manager *self = require_manager(m, "Apply", opt);
	struct conflicts conflicts = {.text = STR_INIT};
	json_auto json_t *last = json_incref(self->set);
	json_auto json_t *changed = json_object(), *removed = json_object();
	json_auto json_t *all = NULL, *merged = NULL, *result = NULL;
	json_t *set = json_object();

	fieldset_collect(set, config, root, false);
	fieldset_strip(set);
	set_fields(self, set);
	free(self->api_version);
	self->api_version = xstrdup(opt->api_version);
	merged = live ? merge(live, config, root) : json_incref((json_t *)config);
	result = json_deep_copy(merged);
	all = union_of_all(m);
	prune(result, last, all, root);
	if (live)
		fieldset_compare(live, result, root, changed, removed);
	fieldset_strip(changed);
	take_from_others(m, self, changed, removed, opt->force ? NULL : &conflicts);
	if (conflicts_finish(&conflicts, err) < 0)
		return NULL;
	return steal(&result);
}

json_t *apply_patch(const json_t *live, const json_t *config, const struct schema_type *type,
		    const struct apply_options *opt, struct error **err)
{
	struct managers m CLEANUP(managers_release) = VEC_INIT;
	struct schema_value root = schema_root(type);
	json_t *result;

	if (check_options(opt, err) < 0 || check_config(config, &root, err) < 0)
		return NULL;
	managers_read(&m, live);
	add_before_first_apply(&m, live, &root, opt);
	result = apply_config(live, config, &root, &m, opt, err);
	if (result)
		managers_write(&m, result, opt->now);
	return result;
}

int apply_track_update(const json_t *before, json_t *after, const struct schema_type *type,
		       const struct apply_options *opt, struct error **err)
{
	struct managers m CLEANUP(managers_release) = VEC_INIT;
	struct schema_value root = schema_root(type);
	json_auto json_t *changed = json_object(), *removed = json_object();
	json_auto json_t *owned = NULL;
	struct manager *self;

	if (check_options(opt, err) < 0)
		return -1;
	/* A writer may hand entries back, or leave them out; [{}] asks for a clean slate. */
	managers_read(&m,
		      json_array_size(json_path(after, "metadata.managedFields")) ? after : before);
	fieldset_compare(before, after, &root, changed, removed);
	fieldset_strip(changed);
	self = require_manager(&m, "Update", opt);
	take_from_others(&m, self, changed, removed, NULL);
	owned = fieldset_union(self->set, changed);
	set_fields(self, fieldset_difference(owned, removed));
	managers_write(&m, after, opt->now);
	return 0;
}
