#include "cluster/local/access.h"
#include "cluster/local/admission.h"
#include "cluster/local/policies.h"

#include "base/mem.h"
#include "cluster/lifecycle.h"
#include "kinds/kind.h"
#include "object/apply.h"
#include "object/json.h"
#include "object/time.h"

#include <string.h>

/* The built-in type of that name, or NULL. VERSION points behind the group of API_VERSION. */
static const struct schema_type *registered(const char *api_version, const char *version,
					    const char *kind)
{
	size_t group = version == api_version ? 0 : (size_t)(version - api_version) - 1, n;
	const struct schema_type *types = schema_types(&n);

	for (size_t i = 0; i < n; i++)
		if (types[i].kind && strcmp(types[i].kind, kind) == 0 &&
		    strcmp(types[i].version, version) == 0 && strlen(types[i].group) == group &&
		    strncmp(types[i].group, api_version, group) == 0)
			return &types[i];
	return NULL;
}

/* "core", "apps", "rbac": the word by which Go knows a group. */
static void add_package(struct str *out, const char *group)
{
	str_add(out, *group ? group : "core", *group ? strcspn(group, ".") : 4);
}

/* The body is of another type than it was sent to. */
static int refuse_type(const struct write *w, const char *api_version, const char *kind,
		       struct error **err)
{
	const char *slash = strchr(api_version, '/'), *version = slash ? slash + 1 : api_version;
	const struct schema_type *type = registered(api_version, version, kind);
	struct str why CLEANUP(str_release) = STR_INIT;

	if (strchr(version, '/'))
		return error_set(err, E_BAD_REQUEST,
				 "the object provided is unrecognized (must be of type %s): "
				 "unexpected GroupVersion string: %s",
				 w->r->kind, api_version);
	if (type && strcmp(kind, w->r->kind) == 0)
		return error_set(err, E_BAD_REQUEST,
				 "the API version in the data (%s) does not match the expected API "
				 "version (%s)",
				 api_version, w->r->api_version);
	if (type) {
		str_addf(&why, "converting (%s.%s) to (", version, kind);
		add_package(&why, w->r->group);
		str_addf(&why, ".%s): unknown conversion", w->r->kind);
	} else {
		str_addf(&why, "no kind \"%s\" is registered for version \"%s\"", kind,
			 api_version);
	}
	return error_set(err, E_BAD_REQUEST, "%s in version \"%s\" cannot be handled as a %s: %s",
			 kind, version, w->r->kind, why.s);
}

static int check_type(const struct write *w, json_t *tree, struct error **err)
{
	const char *api_version = json_path_string(tree, "apiVersion");
	const char *kind = json_path_string(tree, "kind");
	bool versions_differ = *api_version && strcmp(api_version, w->r->api_version) != 0;
	bool kinds_differ = *kind && strcmp(kind, w->r->kind) != 0;

	/* A custom resource says itself what it is. */
	if (w->r->custom && strcmp(api_version, w->r->api_version))
		return error_set(err, E_BAD_REQUEST,
				 "the API version in the data (%s) does not match the expected API "
				 "version (%s)",
				 api_version, w->r->api_version);
	/* Another kind of custom resource is well formed and not valid. */
	if (!w->r->custom && (versions_differ || kinds_differ))
		return refuse_type(w, *api_version ? api_version : w->r->api_version,
				   *kind ? kind : w->r->kind, err);
	json_object_set_new(tree, "apiVersion", json_string(w->r->api_version));
	if (!w->r->custom)
		json_object_set_new(tree, "kind", json_string(w->r->kind));
	return 0;
}

/* What strict reading found: collected to be refused, or told as a warning. */
static void report(const struct write *w, struct str *list, const char *format, const char *what)
{
	struct str text CLEANUP(str_release) = STR_INIT;

	str_adds(&text, format);
	str_adds(&text, what);
	if (*format)
		str_addc(&text, '"');
	if (w->opt->validation == FIELD_VALIDATION_STRICT)
		str_addf(list, "%s%s", list->len ? ", " : "", text.s);
	else if (w->call && w->call->warnings)
		warnings_add(w->call->warnings, "%s", text.s);
}

static int report_findings(const struct write *w, const json_t *findings,
			   const struct unknown_fields *unknown, struct error **err)
{
	struct str list CLEANUP(str_release) = STR_INIT;
	const json_t *value;
	size_t i;

	if (w->opt->validation == FIELD_VALIDATION_IGNORE)
		return 0;
	json_array_foreach ((json_t *)w->opt->findings, i, value)
		report(w, &list, "", json_string_value(value));
	json_array_foreach ((json_t *)findings, i, value)
		report(w, &list, "", json_string_value(value));
	for (i = 0; i < unknown->n; i++)
		report(w, &list, "unknown field \"", unknown->v[i]);
	if (!list.len)
		return 0;
	if (w->r->custom)
		return error_set(err, E_BAD_REQUEST, "strict decoding error: %s", list.s);
	return error_set(
		err, E_BAD_REQUEST,
		"%s in version \"%s\" cannot be handled as a %s: strict decoding error: %s",
		w->r->kind, w->r->version, w->r->kind, list.s);
}

/* The name an answer speaks of. */
static const char *name_of(const struct write *w, const json_t *tree)
{
	return w->name ? w->name : json_path_string(tree, "metadata.name");
}

/* Go's structs are there even when nobody wrote them. */
static void complete(const struct resource *r, json_t *tree)
{
	const struct schema_field *spec = r->type ? schema_field_find(r->type, "spec") : NULL;

	if (!json_is_object(json_object_get(tree, "metadata")))
		json_object_set_new(tree, "metadata", json_object());
	if (!r->custom && spec && spec->value.kind == SCHEMA_STRUCT &&
	    !json_object_get(tree, "spec"))
		json_object_set_new(tree, "spec", json_object());
}

static int admit(const struct write *w, json_t *tree, const json_t *findings, struct error **err)
{
	struct unknown_fields unknown CLEANUP(unknown_fields_release) = {0};
	struct field_errors *errors CLEANUP(field_errors_free_cleanup) = field_errors_new();

	if (check_type(w, tree, err) < 0)
		return -1;
	if (object_check_schema(tree, w->r, &unknown, errors, err) < 0 ||
	    report_findings(w, findings, &unknown, err) < 0 ||
	    field_errors_finish(errors, w->r, name_of(w, tree), err) < 0)
		return -1;
	if (!w->r->custom && convert_to_storage(&w->errand, w->r, tree, err) < 0)
		return -1;
	complete(w->storage, tree);
	object_set_defaults(tree, w->storage);
	return 0;
}

int pipeline_admit_tree(const struct write *w, json_t *tree, const json_t *findings,
			struct error **err)
{
	return admit(w, tree, findings, err);
}

json_t *pipeline_read(const struct write *w, const char *json, size_t len, const char *what,
		      json_t *findings, struct error **err)
{
	bool strict = w->opt->validation != FIELD_VALIDATION_IGNORE;
	json_t *duplicates json_auto = strict ? json_array() : NULL;
	json_t *tree = json_read_noting(json, len, duplicates, err);
	const json_t *path;
	size_t i;

	json_array_foreach (duplicates, i, path)
		json_array_append_new(findings, json_sprintf("%sduplicate field \"%s\"", what,
							     json_string_value(path)));
	return tree;
}

json_t *pipeline_decode(const struct write *w, const char *json, size_t len, struct error **err)
{
	json_t *findings json_auto = json_array();
	json_t *tree json_auto = pipeline_read(w, json, len, "", findings, err);

	/* Go reads null into any struct and leaves it as it is. */
	if (json_is_null(tree)) {
		json_decref(tree);
		tree = json_object();
	}
	if (tree && !json_is_object(tree)) {
		json_decref(steal(&tree));
		error_set(err, E_BAD_REQUEST, "a value that is no object");
	}
	if (!tree) {
		error_wrap(err,
			   "the object provided is unrecognized (must be of type %s): couldn't get "
			   "version/kind; json parse error",
			   w->r->kind);
		return NULL;
	}
	if (w->r->custom && !*json_path_string(tree, "kind")) {
		error_set(err, E_BAD_REQUEST,
			  "%s in version \"%s\" cannot be handled as a %s: Object 'Kind' is "
			  "missing in '%.*s'",
			  w->r->kind, w->r->version, w->r->kind, (int)len, json);
		return NULL;
	}
	return admit(w, tree, findings, err) < 0 ? NULL : steal(&tree);
}

/* A status that a client sends at creation does not count; the empty one is there. */
static void reset_status(const struct resource *r, json_t *tree)
{
	const struct schema_field *f = r->type ? schema_field_find(r->type, "status") : NULL;

	if (!resource_subresource(r, "status") && !(f && !r->custom))
		return;
	if (strcmp(r->plural, "nodes") || *r->group)
		json_object_del(tree, "status");
	if (f && !r->custom && !json_object_get(tree, "status"))
		json_object_set_new(tree, "status", json_object());
}

static void stamp(const struct write *w, json_t *tree)
{
	static const char *const dropped[] = {"deletionTimestamp", "deletionGracePeriodSeconds",
					      "selfLink", "resourceVersion", "generation"};
	char uid[UID_TEXT], now[TIME_TEXT];
	json_t *meta = json_object_get(tree, "metadata");

	for (size_t i = 0; i < ARRAY_SIZE(dropped); i++)
		json_object_del(meta, dropped[i]);
	json_object_set_new(meta, "uid", json_string(lifecycle_uid(uid)));
	json_object_set_new(meta, "creationTimestamp",
			    json_string(time_format(clock_wall(w->l->clock), now)));
	if (!w->storage->particulars->no_generation)
		json_object_set_new(meta, "generation", json_integer(1));
	if (w->r->namespaced)
		json_object_set_new(meta, "namespace", json_string(w->namespace));
	else
		json_object_del(meta, "namespace");
	reset_status(w->storage, tree);
}

static void keep(const json_t *old, json_t *tree, const char *path)
{
	json_t *value = json_path(old, path);

	if (value)
		json_path_set(tree, path, json_incref(value));
	else
		json_path_del(tree, path);
}

/* Whether anything changed but metadata, and the status where it has a subresource of its own. */
static bool spec_changed(const struct resource *r, const json_t *old, json_t *tree)
{
	static const char *const apart[] = {"metadata", "apiVersion", "kind", "status"};
	bool status = r->custom && !resource_subresource(r, "status");
	json_t *a json_auto = json_copy((json_t *)old);
	json_t *b json_auto = json_copy(tree);

	for (size_t i = 0; i < ARRAY_SIZE(apart) - status; i++) {
		json_object_del(a, apart[i]);
		json_object_del(b, apart[i]);
	}
	return !json_equal(a, b);
}

/* A custom resource's status is all that its subresource changes. */
static void take_status(const json_t *old, json_t *tree)
{
	json_t *status json_auto = json_incref(json_object_get(tree, "status"));
	json_t *managed json_auto = json_incref(json_path(tree, "metadata.managedFields"));
	json_t *base json_auto = json_deep_copy(old);

	json_object_clear(tree);
	json_object_update(tree, base);
	json_object_set(tree, "status", status);
	json_path_set(tree, "metadata.managedFields", json_incref(managed));
}

static void keep_reset(const json_t *old, json_t *tree, const char *path)
{
	json_t *managed json_auto = json_incref(json_path(tree, "metadata.managedFields"));

	if (strcmp(path, "metadata")) {
		keep(old, tree, path);
		return;
	}
	json_object_set_new(tree, path, json_deep_copy(json_object_get(old, path)));
	json_path_set(tree, "metadata.managedFields", json_incref(managed));
}

static bool is_namespace(const struct resource *r)
{
	return !*r->group && strcmp(r->plural, "namespaces") == 0;
}

static bool counts(const struct resource *r, const json_t *old, json_t *tree)
{
	const struct kind *kind = r->particulars;

	if (kind->generation_grows)
		return kind->generation_grows(tree, old);
	return !kind->no_generation && spec_changed(r, old, tree);
}

int pipeline_merge_old(const struct write *w, const json_t *old, json_t *tree, struct error **err)
{
	static const char *const kept[] = {"metadata.creationTimestamp", "metadata.generation",
					   "metadata.resourceVersion"};
	static const char *const never_taken_back[] = {"metadata.deletionTimestamp",
						       "metadata.deletionGracePeriodSeconds"};
	const char *const *reset = kept_paths(w->storage, w->subresource);
	bool finalize = w->subresource && strcmp(w->subresource, "finalize") == 0;

	if (is_namespace(w->storage) && !finalize)
		keep(old, tree, "spec.finalizers");
	if (w->r->custom && w->subresource && strcmp(w->subresource, "status") == 0)
		take_status(old, tree);
	for (; *reset; reset++)
		keep_reset(old, tree, *reset);
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		keep(old, tree, kept[i]);
	if (!*json_path_string(tree, "metadata.uid"))
		keep(old, tree, "metadata.uid");
	for (size_t i = 0; i < ARRAY_SIZE(never_taken_back); i++)
		if (json_path(old, never_taken_back[i]))
			keep(old, tree, never_taken_back[i]);
	if (!json_path(tree, "metadata.namespace"))
		keep(old, tree, "metadata.namespace");
	json_path_del(tree, "metadata.selfLink");
	return 0;
}

static void tell_warnings(const struct write *w, const struct field_errors *said)
{
	const char *text;

	if (w->call && w->call->warnings)
		for (size_t i = 0; (text = field_errors_warning(said, i)); i++)
			warnings_add(w->call->warnings, "%s", text);
}

static void warn(const struct write *w, const json_t *old, const json_t *tree)
{
	const struct kind *kind = w->storage->particulars;
	struct field_errors *said CLEANUP(field_errors_free_cleanup) = NULL;
	struct field object, before;

	if (!kind->warn || w->subresource)
		return;
	said = field_errors_new();
	object = field_root(tree, said);
	before = field_root(old, said);
	kind->warn(&object, old ? &before : NULL);
	tell_warnings(w, said);
}

static int validate(const struct write *w, const json_t *old, const json_t *tree,
		    struct error **err)
{
	struct field_errors *errors CLEANUP(field_errors_free_cleanup) = field_errors_new();
	const struct field object = field_root(tree, errors), before = field_root(old, errors);
	const char *kind = json_path_string(tree, "kind");
	struct resource named = *w->storage;

	named.kind = w->r->custom ? kind : named.kind;
	object_validate_meta(&object, old ? &before : NULL, w->r);
	check_device_access(w, &object, old);
	object_validate(&object, old ? &before : NULL, w->storage, w->r, w->subresource);
	tell_warnings(w, errors);
	if (w->r->custom && strcmp(kind, w->r->kind)) {
		char *must free_ptr = xasprintf("must be %s", w->r->kind);

		field_invalid(FIELD(&object, "kind"), must);
	}
	if (is_crd(w->storage) && !field_errors_count(errors) && crd_check(tree, err) < 0)
		return -1;
	if (!field_errors_count(errors))
		policies_check_grant(w, &object, old);
	if (field_errors_finish(errors, &named, json_path_string(tree, "metadata.name"), err) < 0)
		return -1;
	warn(w, old, tree);
	return 0;
}

bool pipeline_generate_name(json_t *tree)
{
	const char *prefix = json_path_string(tree, "metadata.generateName");
	char *name free_ptr = NULL;

	if (*json_path_string(tree, "metadata.name") || !*prefix)
		return false;
	name = lifecycle_name(prefix);
	json_path_set(tree, "metadata.name", json_string(name));
	return true;
}

/* What admission puts back has not changed: it is asked after that. */
static void count_generation(const struct write *w, const json_t *old, json_t *tree)
{
	json_int_t generation = json_path_int(old, "metadata.generation", 0);

	if (w->subresource && strcmp(w->subresource, "status") == 0)
		return;
	if (counts(w->storage, old, tree))
		json_path_set(tree, "metadata.generation", json_integer(generation + 1));
}

/* Definitions of types and of API services are kept as JSON, all else as protobuf. */
static bool is_kept_as_json(const struct resource *r)
{
	return strcmp(r->group, "apiextensions.k8s.io") == 0 ||
	       strcmp(r->group, "apiregistration.k8s.io") == 0;
}

/*
 * What others' code has made of the object does not count where a client's word would not; what
 * owns its fields was told before, and stays so where they have spoilt it.
 */
static int admit_changes(const struct write *w, struct admission *a, const json_t *old,
			 json_t *tree, struct error **err)
{
	json_t *managed json_auto = json_incref(json_path(tree, "metadata.managedFields"));

	if (admission_admit(a, err) < 0)
		return -1;
	if (!a->admit_again)
		return 0;
	complete(w->storage, tree);
	if (!apply_managed_valid(tree)) {
		admission_warn(a, ".metadata.managedFields was in an invalid state after "
				  "admission; this could be caused by an outdated mutating "
				  "admission controller; please fix your requests");
		json_path_set(tree, "metadata.managedFields", json_incref(managed));
	}
	return old ? pipeline_merge_old(w, old, tree, err) : 0;
}

int pipeline_finish(const struct write *w, const json_t *old, json_t *tree, struct error **err)
{
	struct admission a CLEANUP(admission_release);
	struct write_facts facts = {.subresource = w->subresource,
				    .now = clock_wall(w->l->clock),
				    .warnings = w->call ? w->call->warnings : NULL};
	struct schema_value root = schema_root(w->storage->type);
	bool built_in = w->storage->type && !w->storage->custom;

	admission_begin(&a, w, old, tree);
	facts.user = admission_user(&a);
	if (admit_changes(w, &a, old, tree, err) < 0 || access_check_grant(w, old, tree, err) < 0)
		return -1;
	if (!old) {
		stamp(w, tree);
		pipeline_generate_name(tree);
	}
	if (w->storage->particulars->prepare)
		w->storage->particulars->prepare(tree, old);
	if (w->storage->particulars->prepare_write)
		w->storage->particulars->prepare_write(tree, old, &facts);
	if (is_crd(w->storage))
		crd_prepare(tree, old);
	if (built_in)
		schema_fill_present(tree, &root);
	if (old)
		count_generation(w, old, tree);
	if (validate(w, old, tree, err) < 0 || admission_validate(&a, err) < 0)
		return -1;
	if (built_in && !is_kept_as_json(w->storage))
		schema_forget_empty(tree, &root);
	return 0;
}
