#include "serve/query.h"
#include "base/mem.h"
#include "kinds/kind.h"
#include "object/json.h"
#include "object/protobuf.h"
#include "object/yaml.h"
#include "serve/media.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define MANAGER_MAX_BYTES 128
#define DELETE_OPTIONS "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"

static int parse_int(const char *text, int64_t *out, struct error **err)
{
	char *end;

	errno = 0;
	*out = strtoll(text, &end, 10);
	if (!*text || *end)
		return error_set(err, E_BAD_REQUEST,
				 "strconv.ParseInt: parsing \"%s\": invalid syntax", text);
	if (errno == ERANGE)
		return error_set(err, E_BAD_REQUEST,
				 "strconv.ParseInt: parsing \"%s\": value out of range", text);
	return 0;
}

static int query_int(const struct request *r, const char *name, int64_t *out, struct error **err)
{
	const char *text = request_query(r, name);

	return text && *text ? parse_int(text, out, err) : 0;
}

/* NULL for a parameter that is not there or empty. */
static const char *query_text(const struct request *r, const char *name)
{
	const char *text = request_query(r, name);

	return text && *text ? text : NULL;
}

/* A flag as Go reads one: present and empty is true. */
static bool query_flag(const struct request *r, const char *name)
{
	const char *text = request_query(r, name);

	return text && strcasecmp(text, "false") != 0 && strcmp(text, "0") != 0;
}

/* `ListOptions.meta.k8s.io "" is invalid: ...`, where anything is. */
static int finish(const struct field *options, const char *kind, struct error **err)
{
	struct resource row = {.group = "meta.k8s.io", .kind = kind};

	return field_errors_finish(options->errors, &row, "", err);
}

#define MATCH "resourceVersionMatch"
#define INITIAL "sendInitialEvents"

static void check_list(const struct field *options, const struct list_options *opt,
		       const char *match)
{
	static const char *const valid[] = {"Exact", "NotOlderThan", "", NULL};
	const struct field *at = FIELD(options, MATCH);

	if (match && !opt->resource_version)
		field_forbidden(at, MATCH " is forbidden unless resourceVersion is provided");
	if (match && opt->continue_token)
		field_forbidden(at, MATCH " is forbidden when continue is provided");
	if (match && !text_is_one_of(match, valid))
		field_not_supported_text(at, match, valid);
	if (opt->match == RV_MATCH_EXACT && opt->resource_version &&
	    strcmp(opt->resource_version, "0") == 0)
		field_forbidden(at, MATCH " \"exact\" is forbidden for resourceVersion \"0\"");
}

int query_list(const struct request *r, struct list_options *out, struct error **err)
{
	struct field_errors *errors CLEANUP(field_errors_free_cleanup) = field_errors_new();
	const struct field options = field_root(NULL, errors);
	const char *match = query_text(r, MATCH);

	*out = (struct list_options){
		.label_selector = query_text(r, "labelSelector"),
		.field_selector = query_text(r, "fieldSelector"),
		.continue_token = query_text(r, "continue"),
		.resource_version = query_text(r, "resourceVersion"),
	};
	if (query_int(r, "limit", &out->limit, err) < 0 ||
	    query_int(r, "timeoutSeconds", &(int64_t){0}, err) < 0)
		return -1;
	if (out->limit < 0)
		out->limit = 0;
	if (match && strcmp(match, "Exact") == 0)
		out->match = RV_MATCH_EXACT;
	else if (match)
		out->match = RV_MATCH_NOT_OLDER_THAN;
	check_list(&options, out, match);
	if (request_query(r, INITIAL))
		field_forbidden(FIELD(&options, INITIAL), INITIAL " is forbidden for list");
	return finish(&options, "ListOptions", err);
}

static void check_watch(const struct field *options, const struct request *r)
{
	static const char *const valid[] = {"NotOlderThan", NULL};
	const char *match = query_text(r, MATCH);
	const struct field *at = FIELD(options, MATCH);
	bool told = request_query(r, INITIAL) != NULL;

	if (told && (!match || strcmp(match, valid[0]) != 0))
		field_forbidden(at, INITIAL " requires setting " MATCH " to NotOlderThan");
	if (match && !told)
		field_forbidden(at, MATCH " is forbidden for watch unless " INITIAL " is provided");
	if (match && strcmp(match, valid[0]) != 0)
		field_not_supported_text(at, match, valid);
	if (match && query_text(r, "continue"))
		field_forbidden(at, MATCH " is forbidden when continue is provided");
}

int query_watch(const struct request *r, struct watch_options *out, int64_t *timeout_s,
		struct error **err)
{
	struct field_errors *errors CLEANUP(field_errors_free_cleanup) = field_errors_new();
	const struct field options = field_root(NULL, errors);

	*out = (struct watch_options){
		.label_selector = query_text(r, "labelSelector"),
		.field_selector = query_text(r, "fieldSelector"),
		.resource_version = query_text(r, "resourceVersion"),
		.bookmarks = query_flag(r, "allowWatchBookmarks"),
		.send_initial_events = query_flag(r, INITIAL),
	};
	*timeout_s = 0;
	if (query_int(r, "timeoutSeconds", timeout_s, err) < 0 ||
	    query_int(r, "limit", &(int64_t){0}, err) < 0)
		return -1;
	/* "0": whatever there is first, which is what no version asks for here. */
	if (out->resource_version && strcmp(out->resource_version, "0") == 0)
		out->resource_version = NULL;
	check_watch(&options, r);
	return finish(&options, "ListOptions", err);
}

/* Each value of the parameter NAME: a new array. */
static json_t *query_values(const struct request *r, const char *name)
{
	json_t *list = json_array();

	vec_each (&r->query, q)
		if (strcmp(q->name, name) == 0)
			json_array_append_new(list, json_string(q->value));
	return list;
}

/* TOLD: an array, or NULL. */
static void check_dry_run(const struct field *options, const json_t *told, bool *out)
{
	static const char *const valid[] = {"All", NULL};
	const json_t *value;
	size_t i;

	*out = json_array_size(told) > 0;
	json_array_foreach ((json_t *)told, i, value)
		if (!json_is_string(value) || strcmp(json_string_value(value), valid[0]) != 0) {
			field_not_supported_json(FIELD(options, "dryRun"), told, valid);
			return;
		}
}

static void check_manager(const struct field *options, const char *manager)
{
	const struct field *at = FIELD(options, "fieldManager");

	if (strlen(manager) > MANAGER_MAX_BYTES)
		field_too_long(at, MANAGER_MAX_BYTES);
	for (size_t i = 0; manager[i]; i++) {
		unsigned char c = (unsigned char)manager[i];
		char *detail free_ptr = NULL;

		if (c >= ' ' && c != 0x7f)
			continue;
		detail = xasprintf("invalid character U+%04X (at position %zu)", c, i);
		field_invalid_text(at, manager, detail);
	}
}

static const struct {
	const char *name;
	enum field_validation value;
} validations[] = {
	{"Ignore", FIELD_VALIDATION_IGNORE},
	{"Warn", FIELD_VALIDATION_WARN},
	{"Strict", FIELD_VALIDATION_STRICT},
};

static void check_validation(const struct field *options, const struct request *r,
			     enum field_validation *out)
{
	static const char *const valid[] = {"", "Ignore", "Strict", "Warn", NULL};
	const char *text = query_text(r, "fieldValidation");

	if (text && !text_is_one_of(text, valid))
		field_not_supported_text(FIELD(options, "fieldValidation"), text, valid);
	for (size_t i = 0; text && i < ARRAY_SIZE(validations); i++)
		if (strcmp(text, validations[i].name) == 0)
			*out = validations[i].value;
}

/* What a patch that applies must say, and no other may. */
static void check_apply(const struct field *options, const struct request *r, bool apply)
{
	if (apply && !query_text(r, "fieldManager"))
		field_required(FIELD(options, "fieldManager"), "is required for apply patch");
	if (!apply && request_query(r, "force"))
		field_forbidden(FIELD(options, "force"),
				"may not be specified for non-apply patch");
}

static int read_write(const struct field *options, const struct request *r, const char *kind,
		      struct write_options *out, struct error **err)
{
	json_t *dry_run json_auto = query_values(r, "dryRun");

	*out = (struct write_options){.field_manager = query_text(r, "fieldManager"),
				      .force = query_flag(r, "force")};
	if (out->field_manager)
		check_manager(options, out->field_manager);
	check_dry_run(options, dry_run, &out->dry_run);
	check_validation(options, r, &out->validation);
	return finish(options, kind, err);
}

int query_write(const struct request *r, const char *kind, struct write_options *out,
		struct error **err)
{
	struct field_errors *errors CLEANUP(field_errors_free_cleanup) = field_errors_new();
	const struct field options = field_root(NULL, errors);

	return read_write(&options, r, kind, out, err);
}

int query_patch(const struct request *r, bool apply, struct write_options *out, struct error **err)
{
	struct field_errors *errors CLEANUP(field_errors_free_cleanup) = field_errors_new();
	const struct field options = field_root(NULL, errors);

	check_apply(&options, r, apply);
	return read_write(&options, r, "PatchOptions", out, err);
}

int query_include(const struct request *r, enum include_object *out, struct error **err)
{
	const char *text = query_text(r, "includeObject");

	if (!text || strcmp(text, "Metadata") == 0)
		*out = INCLUDE_METADATA;
	else if (strcmp(text, "None") == 0)
		*out = INCLUDE_NONE;
	else if (strcmp(text, "Object") == 0)
		*out = INCLUDE_OBJECT;
	else
		return error_set(err, E_BAD_REQUEST,
				 "Unable to convert to Table as requested: includeObject: Invalid "
				 "value: \"%s\": must be 'Metadata', 'Object', 'None', or empty",
				 text);
	return 0;
}

static const struct {
	const char *name;
	enum propagation value;
} propagations[] = {
	{"Background", PROPAGATE_BACKGROUND},
	{"Foreground", PROPAGATE_FOREGROUND},
	{"Orphan", PROPAGATE_ORPHAN},
};

/* The options of a deletion as they were told, by the query or by a body. */
struct told {
	const char *policy;
	json_t *dry_run;
	bool orphan_told, orphan;
};

static void told_release(struct told *t)
{
	json_decref(t->dry_run);
}

static void check_delete(const struct field *options, const struct told *t,
			 struct delete_options *out)
{
	static const char *const valid[] = {"Foreground", "Background", "Orphan", "nil", NULL};
	const struct field *at = FIELD(options, "propagationPolicy");
	bool known = false;

	if (t->orphan_told && t->policy)
		field_invalid_text(at, t->policy,
				   "orphanDependents and deletionPropagation cannot be both set");
	for (size_t i = 0; t->policy && i < ARRAY_SIZE(propagations); i++)
		if (strcmp(t->policy, propagations[i].name) == 0) {
			out->propagation = propagations[i].value;
			known = true;
		}
	if (t->policy && !known)
		field_not_supported_text(at, t->policy, valid);
	if (t->orphan_told)
		out->propagation = t->orphan ? PROPAGATE_ORPHAN : PROPAGATE_BACKGROUND;
	check_dry_run(options, t->dry_run, &out->dry_run);
}

/* NULL: not there. An empty text is, and is no policy, no uid. */
static const char *body_text(const json_t *body, const char *path)
{
	return json_string_value(json_path(body, path));
}

/* That the body is DeleteOptions, with values of their types. */
static int check_body(json_t *body, struct error **err)
{
	const struct resource options = {
		.kind = "DeleteOptions",
		.version = "v1",
		.type = schema_type_find(DELETE_OPTIONS),
		.particulars = kind_generic(),
	};
	struct unknown_fields unknown CLEANUP(unknown_fields_release) = {0};
	struct field_errors *errors CLEANUP(field_errors_free_cleanup) = field_errors_new();
	const char *kind = json_path_string(body, "kind");

	if (!json_is_object(body))
		return error_set(err, E_BAD_REQUEST, "the body must be DeleteOptions");
	if (*kind && strcmp(kind, "DeleteOptions") != 0)
		return error_set(err, E_BAD_REQUEST,
				 "no kind \"%s\" is registered for version \"%s\"", kind,
				 json_path_string(body, "apiVersion"));
	return object_check_schema(body, &options, &unknown, errors, err);
}

static int read_body(struct delete_request *d, struct told *t, struct error **err)
{
	struct delete_options *o = &d->options;
	const json_t *grace = json_object_get(d->body, "gracePeriodSeconds");
	const json_t *orphan = json_object_get(d->body, "orphanDependents");

	if (check_body(d->body, err) < 0)
		return -1;
	/* Less than nothing is a second; negative means not told from here on. */
	if (json_is_integer(grace))
		o->grace_period_s = json_integer_value(grace) < 0 ? 1 : json_integer_value(grace);
	t->orphan_told = json_is_boolean(orphan);
	t->orphan = json_is_true(orphan);
	t->policy = body_text(d->body, "propagationPolicy");
	t->dry_run = json_incref(json_object_get(d->body, "dryRun"));
	o->uid = body_text(d->body, "preconditions.uid");
	o->resource_version = body_text(d->body, "preconditions.resourceVersion");
	return 0;
}

static int read_query(const struct request *r, struct delete_request *d, struct told *t,
		      struct error **err)
{
	if (query_int(r, "gracePeriodSeconds", &d->options.grace_period_s, err) < 0)
		return -1;
	t->policy = request_query(r, "propagationPolicy");
	t->dry_run = query_values(r, "dryRun");
	t->orphan_told = request_query(r, "orphanDependents") != NULL;
	t->orphan = query_flag(r, "orphanDependents");
	d->options.uid = query_text(r, "uid");
	return 0;
}

static json_t *(*const readers[])(const char *, size_t, struct error **) = {
	[BODY_JSON] = json_read, [BODY_YAML] = yaml_read_one, [BODY_PROTOBUF] = protobuf_read};

/* A body is all that is told; the query counts where there is none. */
int query_delete(const struct request *r, struct delete_request *out, struct error **err)
{
	struct field_errors *errors CLEANUP(field_errors_free_cleanup) = field_errors_new();
	const struct field options = field_root(NULL, errors);
	struct told told CLEANUP(told_release) = {0};
	enum body_form form;

	*out = (struct delete_request){.options.grace_period_s = -1};
	if (!r->body.len) {
		if (read_query(r, out, &told, err) < 0)
			return -1;
	} else {
		if (media_body(r->content_type, &form, err) < 0)
			return -1;
		out->body = readers[form](r->body.s, r->body.len, err);
		if (!out->body || read_body(out, &told, err) < 0)
			return -1;
	}
	out->orphan_told = told.orphan_told;
	out->orphan = told.orphan;
	check_delete(&options, &told, &out->options);
	return finish(&options, "DeleteOptions", err);
}

void delete_request_release(struct delete_request *d)
{
	json_decref(d->body);
	d->body = NULL;
}

/* The parameter NAME is at least LEAST, or not there. */
static int check_least(const struct field *options, const struct request *r, const char *name,
		       int64_t least, struct error **err)
{
	int64_t value = least;
	const struct field *at = FIELD(options, name);

	if (query_int(r, name, &value, err) < 0)
		return -1;
	if (value < least)
		field_invalid_int(at, value,
				  least ? "must be greater than 0"
					: "must be greater than or equal to 0");
	return 0;
}

int query_log(const struct request *r, const char *pod, struct error **err)
{
	const struct resource log_options = {.group = "", .kind = "PodLogOptions"};
	struct field_errors *errors CLEANUP(field_errors_free_cleanup) = field_errors_new();
	const struct field options = field_root(NULL, errors);
	bool both = query_text(r, "sinceSeconds") && query_text(r, "sinceTime");

	if (check_least(&options, r, "tailLines", 0, err) < 0 ||
	    check_least(&options, r, "limitBytes", 1, err) < 0 ||
	    (!both && check_least(&options, r, "sinceSeconds", 1, err) < 0))
		return -1;
	if (both)
		field_forbidden(FIELD(&options, ""), "at most one of `sinceTime` or `sinceSeconds` "
						     "may be specified");
	if (request_query(r, "stream"))
		field_forbidden(FIELD(&options, "stream"), "may not be specified");
	return field_errors_finish(errors, &log_options, pod, err);
}

int query_body(struct request *r, bool custom, struct str *out, json_t **findings,
	       struct error **err)
{
	enum body_form form;
	json_t *tree json_auto = NULL;

	if (media_body(r->content_type, &form, err) < 0)
		return -1;
	if (form == BODY_PROTOBUF && custom)
		return error_set(err, E_MEDIA_TYPE,
				 "the body of the request was in an unknown format - custom "
				 "resources have no protobuf form");
	if (form == BODY_JSON) {
		*out = r->body;
		str_init(&r->body);
		return 0;
	}
	*findings = json_array();
	tree = form == BODY_YAML ? yaml_read_noting(r->body.s, r->body.len, *findings, err)
				 : protobuf_read(r->body.s, r->body.len, err);
	if (!tree)
		return -1;
	json_write(tree, out);
	return 0;
}
