/*
 * Server-side apply.
 *
 * A manager owns a set of fields. An apply makes the fields of its configuration the manager's
 * set, merges them into the object, and takes away what the manager had owned alone and names no
 * longer. A field that this changes and another manager owns is a conflict; forced, the other loses
 * it. Equal values change nothing, so that any number of managers may share them. Every other write
 * is an Update: what it changed becomes the writer's and leaves everyone else.
 *
 * Two states are compared as they were asked for: before defaults, admission and what the server
 * fills in itself, so that nobody owns those but who named them.
 */
#include "object/apply.h"
#include "object/fieldset.h"
#include "object/json.h"
#include "object/managers.h"
#include "object/typed.h"

#include <string.h>

#define MAX_MANAGER 128
#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"

/* One write: how the object goes from one state to the next, and what of that counts. */
struct change {
	const struct apply_options *opt;
	struct schema_value root;
	const json_t *before, *after;
	json_t *reset;		   /* a set: fields that the server puts back itself */
	json_t *changed, *removed; /* in the request's version */
};

static void compare(const json_t *before, const json_t *after, const struct schema_value *root,
		    const json_t *reset, json_t **changed, json_t **removed)
{
	json_auto json_t *all_changed = NULL, *all_removed = NULL;

	typed_compare(before, after, root, &all_changed, &all_removed);
	*changed = fieldset_without(all_changed, reset);
	*removed = fieldset_without(all_removed, reset);
}

static void change_init(struct change *c, const json_t *before, const json_t *after,
			const struct schema_type *type, const struct apply_options *opt)
{
	*c = (struct change){.opt = opt,
			     .root = schema_root(type),
			     .before = before,
			     .after = after,
			     .reset = fieldset_of_paths(opt->reset)};
	compare(before, after, &c->root, c->reset, &c->changed, &c->removed);
}

static void change_release(struct change *c)
{
	json_decref(c->reset);
	json_decref(c->changed);
	json_decref(c->removed);
}

/* The same change in the version that E speaks of. False: there is no such version any more. */
static bool change_for(const struct change *c, const struct manager *e, json_t **changed,
		       json_t **removed)
{
	const struct schema_type *type = NULL;
	struct schema_value root;
	json_auto json_t *before = NULL, *after = NULL;

	if (!c->opt->convert || !strcmp(e->api_version, c->opt->api_version)) {
		*changed = json_incref(c->changed);
		*removed = json_incref(c->removed);
		return true;
	}
	before = c->opt->convert(c->opt->convert_arg, c->before, e->api_version, &type);
	after = c->opt->convert(c->opt->convert_arg, c->after, e->api_version, &type);
	if (!before || !after)
		return false;
	root = schema_root(type);
	compare(before, after, &root, c->reset, changed, removed);
	return true;
}

/* The conflicts found so far, and the manager whose fields are being named. */
struct conflicts {
	struct error *error;
	struct str text;   /* the message, without its head */
	char *who;	   /* "golden" using v1 */
	size_t n_of_owner; /* fields of this owner in all */
	json_t *allowed;   /* a set: fields that are no conflict though they change; or NULL */
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

static void find_conflicts(struct conflicts *c, const struct manager *e, const json_t *all)
{
	json_auto json_t *taken = fieldset_difference(all, c->allowed);

	c->n_of_owner = 0;
	fieldset_each(taken, count_path, &c->n_of_owner);
	if (!c->n_of_owner)
		return;
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
static void take_from_others(struct managers *m, const struct manager *self, const struct change *c,
			     struct conflicts *conflicts)
{
	vec_each (m, e) {
		json_auto json_t *changed = NULL, *removed = NULL, *gone = NULL, *taken = NULL;

		if (e == self)
			continue;
		if (!change_for(c, e, &changed, &removed)) {
			manager_set_fields(e, json_object());
			continue;
		}
		gone = fieldset_union(changed, removed);
		taken = fieldset_intersection(e->set, changed);
		if (conflicts)
			find_conflicts(conflicts, e, taken);
		manager_set_fields(e, fieldset_difference(e->set, gone));
	}
}

/* What stands in for the object that a creation finds: what a server writes of an empty one. */
static json_t *empty_object(const struct schema_type *type)
{
	struct schema_value root = schema_root(type);
	json_t *object = json_object();

	if (type && type->kind)
		schema_fill_present(object, &root);
	return object;
}

/* What changed from BEFORE to AFTER becomes the writer's, with operation Update. */
static void track(struct managers *m, const json_t *before, const json_t *after,
		  const struct schema_type *type, const struct apply_options *opt)
{
	struct change c CLEANUP(change_release);
	json_auto json_t *own = NULL;
	struct manager *self;

	change_init(&c, before, after, type, opt);
	take_from_others(m, NULL, &c, NULL);
	own = fieldset_strip(c.changed);
	if (!fieldset_is_empty(own)) {
		self = managers_require(m, OPERATION_UPDATE, opt);
		manager_set_fields(self, fieldset_union(self->set, own));
		manager_set_time(self, opt->now);
	}
	managers_tidy(m);
}

/* An object that was written before anybody applied: all of it belongs to one manager. */
static void add_before_first_apply(struct managers *m, const json_t *live,
				   const struct schema_type *type, const struct apply_options *opt)
{
	struct apply_options before = *opt;
	json_auto json_t *empty = NULL;

	if (!live || m->n)
		return;
	empty = empty_object(type);
	before.manager = "before-first-apply";
	track(m, empty, live, type, &before);
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

static int check_config(const json_t *config, const struct schema_type *type,
			const struct apply_options *opt, struct error **err)
{
	struct schema_value root = schema_root(type);
	const char *api_version = json_path_string(config, "apiVersion");
	const char *kind = json_path_string(config, "kind");
	/* A version without a group is one of the group that has no name. */
	const char *group = strchr(api_version, '/') ? "" : "/";

	if (!json_is_object(config))
		return error_set(err, E_BAD_REQUEST, "an applied configuration must be a map");
	if (opt->kind && (strcmp(api_version, opt->api_version) || strcmp(kind, opt->kind)))
		return error_set(err, E_BAD_REQUEST, "invalid object type: %s%s, Kind=%s", group,
				 api_version, kind);
	if (json_path(config, "metadata.managedFields") &&
	    !json_is_null(json_path(config, "metadata.managedFields")))
		return error_set(err, E_BAD_REQUEST, "metadata.managedFields must be nil");
	if (typed_check(config, &root, err) < 0)
		return error_wrap(err, "failed to create typed patch object (%s/%s; %s%s, Kind=%s)",
				  json_path_string(config, "metadata.namespace"),
				  json_path_string(config, "metadata.name"), group, api_version,
				  kind);
	return 0;
}

/* MERGED without what LAST named, its manager names no longer, and nobody else owns. */
static json_t *prune(json_t *merged, const json_t *last, const struct managers *m,
		     const struct schema_value *root)
{
	json_auto json_t *pruned = json_deep_copy(merged);
	json_auto json_t *last_members = typed_members(last, root);
	json_auto json_t *all = managers_union(m), *owned = typed_members(all, root);
	json_auto json_t *merged_set = typed_set(merged, root);
	json_auto json_t *merged_members = typed_members(merged_set, root);
	json_auto json_t *left = NULL, *left_members = NULL, *kept = NULL, *gone = NULL;
	json_auto json_t *final_set = NULL, *final_members = NULL, *lost = NULL;
	json_t *result;

	/* What LAST named goes, with all that is below it ... */
	typed_remove(pruned, last_members, root);
	left = typed_set(pruned, root);
	left_members = typed_members(left, root);
	/* ... what anybody owns comes back ... */
	kept = fieldset_union(left_members, owned);
	gone = fieldset_difference(merged_members, kept);
	json_decref(pruned);
	pruned = json_deep_copy(merged);
	typed_remove(pruned, gone, root);
	/* ... and what went along though LAST had not named it comes back too. */
	final_set = typed_set(pruned, root);
	final_members = typed_members(final_set, root);
	lost = fieldset_difference(merged_members, final_members);
	json_decref(gone);
	gone = fieldset_intersection(lost, last_members);
	result = json_deep_copy(merged);
	typed_remove(result, gone, root);
	return result;
}

/* What client-side apply last wrote and still stands so: that is kubectl's own to take over. */
static json_t *last_applied_set(const json_t *live, const struct schema_type *type,
				const struct apply_options *opt)
{
	struct schema_value root = schema_root(type);
	const json_t *text = json_object_get(json_path(live, "metadata.annotations"), LAST_APPLIED);
	json_auto json_t *last = NULL, *set = NULL, *differs = NULL, *gone = NULL;
	json_auto json_t *all = NULL;

	if (json_string_length(text) == 0)
		return json_object();
	last = json_read(json_string_value(text), json_string_length(text), NULL);
	if (!json_is_object(last) ||
	    strcmp(json_path_string(last, "apiVersion"), opt->api_version) ||
	    typed_check(last, &root, NULL) < 0)
		return json_object();
	set = typed_set(last, &root);
	typed_compare(last, live, &root, &differs, &gone);
	all = fieldset_union(differs, gone);
	return fieldset_difference(set, all);
}

/* The annotation of client-side apply follows what kubectl applied, where there is one. */
static void follow_last_applied(json_t *object, const json_t *config)
{
	json_t *annotations = json_path(object, "metadata.annotations");
	json_auto json_t *copy = json_deep_copy(config);
	struct str text CLEANUP(str_release) = STR_INIT;

	if (json_string_length(json_object_get(annotations, LAST_APPLIED)) == 0)
		return;
	json_object_del(json_path(copy, "metadata.annotations"), LAST_APPLIED);
	json_write(copy, &text);
	str_addc(&text, '\n');
	json_object_set_new(annotations, LAST_APPLIED, json_string(text.s));
}

/* The new object; managers get their sets. */
static json_t *apply_config(const json_t *live, const json_t *config,
			    const struct schema_type *type, struct managers *m,
			    const struct apply_options *opt, struct error **err)
{
	struct schema_value root = schema_root(type);
	struct manager *self = managers_require(m, OPERATION_APPLY, opt);
	struct conflicts conflicts = {.text = STR_INIT};
	json_auto json_t *last = json_incref(self->set), *merged = NULL, *result = NULL;
	json_auto json_t *reset = fieldset_of_paths(opt->reset), *set = typed_set(config, &root);
	struct change c CLEANUP(change_release);

	manager_set_fields(self, fieldset_without(set, reset));
	free(self->api_version);
	self->api_version = xstrdup(opt->api_version);
	merged = typed_merge(live, config, &root);
	result = !fieldset_is_empty(last) ? prune(merged, last, m, &root) : json_deep_copy(merged);
	change_init(&c, live, result, type, opt);
	conflicts.allowed =
		strcmp(opt->manager, "kubectl") ? NULL : last_applied_set(live, type, opt);
	take_from_others(m, self, &c, opt->force ? NULL : &conflicts);
	json_decref(conflicts.allowed);
	if (conflicts_finish(&conflicts, err) < 0)
		return NULL;
	manager_set_fields(self, fieldset_strip(self->set));
	if (!json_equal(live, result))
		manager_set_time(self, opt->now);
	if (!strcmp(opt->manager, "kubectl"))
		follow_last_applied(result, config);
	managers_tidy(m);
	return steal(&result);
}

/* Appends the paths of what CONFIG names of values that are only whole. */
static void find_atomics(const json_t *config, const struct schema_value *v, const char *path,
			 struct str *out)
{
	bool whole = v && (json_is_object(config)
				   ? v->atomic
				   : v->kind == SCHEMA_LIST && v->list_type == SCHEMA_LIST_ATOMIC);
	const char *key;
	json_t *part;
	size_t i;

	if (!v || v->kind == SCHEMA_ANY)
		return;
	if (json_is_object(config)) {
		if (whole)
			str_addf(out, "%s%s", out->len ? ", " : "", path);
		json_object_foreach ((json_t *)config, key, part) {
			char *below free_ptr = xasprintf("%s.%s", path, key);

			find_atomics(part, schema_child(v, key), below, out);
		}
	} else if (json_is_array(config)) {
		if (whole)
			str_addf(out, "%s%s", out->len ? ", " : "", path);
		json_array_foreach ((json_t *)config, i, part) {
			char *below free_ptr = xasprintf("%s[%zu]", path, i);

			find_atomics(part, schema_elem(v), below, out);
		}
	}
}

json_t *apply_merge(const json_t *live, const json_t *config, const struct schema_type *type,
		    struct error **err)
{
	struct schema_value root = schema_root(type);
	struct str atomics CLEANUP(str_release) = STR_INIT;
	json_auto json_t *merged = NULL;

	if (typed_check(config, &root, err) < 0) {
		error_wrap(err, "failed to convert patch object to typed object");
		return NULL;
	}
	find_atomics(config, &root, "", &atomics);
	if (atomics.len) {
		error_set(err, E_INVALID,
			  "invalid ApplyConfiguration: may not mutate atomic arrays, maps or "
			  "structs: %s",
			  atomics.s);
		return NULL;
	}
	merged = typed_merge(live, config, &root);
	return json_deep_copy(merged);
}

json_t *apply_patch(const json_t *live, const json_t *config, const struct schema_type *type,
		    const struct apply_options *opt, struct error **err)
{
	struct managers m CLEANUP(managers_release) = VEC_INIT;
	json_auto json_t *empty = live ? NULL : empty_object(type);
	json_t *result;

	if (check_options(opt, err) < 0 || check_config(config, type, opt, err) < 0)
		return NULL;
	if (!managers_read(&m, live)) {
		error_set(err, E_UNKNOWN, "failed to decode managed fields");
		return NULL;
	}
	add_before_first_apply(&m, live, type, opt);
	result = apply_config(live ? live : empty, config, type, &m, opt, err);
	if (result)
		managers_write(&m, result);
	return result;
}

int apply_track_update(const json_t *before, json_t *after, const struct schema_type *type,
		       const struct apply_options *opt, struct error **err)
{
	struct managers m CLEANUP(managers_release) = VEC_INIT;
	struct schema_value root = schema_root(type);
	json_auto json_t *empty = before ? NULL : empty_object(type);
	bool own = !*opt->subresource;

	if (check_options(opt, err) < 0)
		return -1;
	if (type && type->kind)
		schema_fill_present(after, &root);
	/* A writer may hand entries back, or leave them out; [{}] asks for a clean slate. */
	if (!own || !managers_reset(after)) {
		if (own)
			managers_read(&m, after);
		if (!m.n)
			managers_read(&m, before);
	}
	json_path_del(after, "metadata.managedFields");
	/* An object that nobody tracks stays so until somebody applies. */
	if (before && !m.n)
		return 0;
	track(&m, before ? before : empty, after, type, opt);
	managers_write(&m, after);
	return 0;
}

bool apply_managed_valid(const json_t *object)
{
	struct managers m = {0};
	bool valid = managers_read(&m, object);

	managers_release(&m);
	return valid;
}
