#include "serve/query.h"
#include "base/mem.h"
#include "object/json.h"
#include "object/protobuf.h"
#include "object/yaml.h"
#include "serve/media.h"

#include <errno.h>
#include <string.h>

#define MANAGER_MAX_BYTES 128

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

/* `ListOptions.meta.k8s.io "" is invalid: FIELD: MESSAGE` */
static int invalid(struct error **err, const char *kind, const char *reason, const char *field,
		   const char *message)
{
	struct error *e = error_new(E_INVALID, "%s.meta.k8s.io \"\" is invalid: %s: %s", kind,
				    field, message);

	error_set_details(e, "meta.k8s.io", kind, NULL);
	error_add_cause(e, reason, field, "%s", message);
	return error_move(err, e);
}

static int not_supported(struct error **err, const char *kind, const char *field, const char *value,
			 const char *valid)
{
	char *message free_ptr =
		xasprintf("Unsupported value: %s: supported values: %s", value, valid);

	return invalid(err, kind, "FieldValueNotSupported", field, message);
}

static int parse_match(const struct request *r, enum rv_match *out, struct error **err)
{
	const char *text = query_text(r, "resourceVersionMatch");
	char *quoted free_ptr = NULL;

	if (!text)
		return 0;
	if (strcmp(text, "Exact") == 0)
		*out = RV_MATCH_EXACT;
	else if (strcmp(text, "NotOlderThan") == 0)
		*out = RV_MATCH_NOT_OLDER_THAN;
	else {
		quoted = xasprintf("\"%s\"", text);
		return not_supported(err, "ListOptions", "resourceVersionMatch", quoted,
				     "\"Exact\", \"NotOlderThan\"");
	}
	return 0;
}

int query_list(const struct request *r, struct list_options *out, struct error **err)
{
	*out = (struct list_options){
		.label_selector = query_text(r, "labelSelector"),
		.field_selector = query_text(r, "fieldSelector"),
		.continue_token = query_text(r, "continue"),
		.resource_version = query_text(r, "resourceVersion"),
	};
	if (query_int(r, "limit", &out->limit, err) < 0 ||
	    query_int(r, "timeoutSeconds", &(int64_t){0}, err) < 0 ||
	    parse_match(r, &out->match, err) < 0)
		return -1;
	if (out->limit < 0)
		out->limit = 0;
	if (request_flag(r, "sendInitialEvents"))
		return invalid(err, "ListOptions", "FieldValueForbidden", "sendInitialEvents",
			       "Forbidden: sendInitialEvents is forbidden for list");
	if (out->match != RV_MATCH_UNSET && !out->resource_version)
		return invalid(
			err, "ListOptions", "FieldValueForbidden", "resourceVersionMatch",
			"Forbidden: resourceVersionMatch is forbidden unless resourceVersion "
			"is provided");
	if (out->match != RV_MATCH_UNSET && out->continue_token)
		return invalid(err, "ListOptions", "FieldValueForbidden", "resourceVersionMatch",
			       "Forbidden: resourceVersionMatch is forbidden when continue is "
			       "provided");
	if (out->match == RV_MATCH_EXACT && strcmp(out->resource_version, "0") == 0)
		return invalid(err, "ListOptions", "FieldValueForbidden", "resourceVersionMatch",
			       "Forbidden: resourceVersionMatch \"exact\" is forbidden for "
			       "resourceVersion \"0\"");
	return 0;
}

static int check_initial_events(const struct request *r, bool told, struct error **err)
{
	const char *match = query_text(r, "resourceVersionMatch");
	static const char requires[] = "Forbidden: sendInitialEvents requires setting "
				       "resourceVersionMatch to NotOlderThan";
	struct error *e;

	if (!told && match)
		return invalid(err, "ListOptions", "FieldValueForbidden", "resourceVersionMatch",
			       "Forbidden: resourceVersionMatch is forbidden for watch unless "
			       "sendInitialEvents is provided");
	if (!told || (match && strcmp(match, "NotOlderThan") == 0))
		return 0;
	if (!match)
		return invalid(err, "ListOptions", "FieldValueForbidden", "resourceVersionMatch",
			       requires);
	e = error_new(E_INVALID,
		      "ListOptions.meta.k8s.io \"\" is invalid: [resourceVersionMatch: %s, "
		      "resourceVersionMatch: Unsupported value: \"%s\": supported values: "
		      "\"NotOlderThan\"]",
		      requires, match);
	error_set_details(e, "meta.k8s.io", "ListOptions", NULL);
	error_add_cause(e, "FieldValueForbidden", "resourceVersionMatch", "%s", requires);
	error_add_cause(e, "FieldValueNotSupported", "resourceVersionMatch",
			"Unsupported value: \"%s\": supported values: \"NotOlderThan\"", match);
	return error_move(err, e);
}

int query_watch(const struct request *r, struct watch_options *out, int64_t *timeout_s,
		struct error **err)
{
	*out = (struct watch_options){
		.label_selector = query_text(r, "labelSelector"),
		.field_selector = query_text(r, "fieldSelector"),
		.resource_version = query_text(r, "resourceVersion"),
		.bookmarks = request_flag(r, "allowWatchBookmarks"),
		.send_initial_events = request_flag(r, "sendInitialEvents"),
	};
	*timeout_s = 0;
	if (query_int(r, "timeoutSeconds", timeout_s, err) < 0 ||
	    query_int(r, "limit", &(int64_t){0}, err) < 0)
		return -1;
	/* "0": whatever there is first, which is what no version asks for here. */
	if (out->resource_version && strcmp(out->resource_version, "0") == 0)
		out->resource_version = NULL;
	return check_initial_events(r, request_query(r, "sendInitialEvents") != NULL, err);
}

static int check_dry_run(const struct request *r, const char *kind, bool *out, struct error **err)
{
	const char *text = query_text(r, "dryRun");
	char *shown free_ptr = NULL;

	if (text && strcmp(text, "All") != 0) {
		shown = xasprintf("[\"%s\"]", text);
		return not_supported(err, kind, "dryRun", shown, "\"All\"");
	}
	*out = text != NULL;
	return 0;
}

static int check_manager(const char *manager, const char *kind, struct error **err)
{
	if (strlen(manager) > MANAGER_MAX_BYTES)
		return invalid(err, kind, "FieldValueTooLong", "fieldManager",
			       "Too long: may not be more than 128 bytes");
	for (size_t i = 0; manager[i]; i++) {
		unsigned char c = (unsigned char)manager[i];

		if (c < ' ' || c == 0x7f) {
			struct str quoted CLEANUP(str_release) = STR_INIT;
			char *message free_ptr = NULL;

			str_add_quoted(&quoted, manager);
			message = xasprintf("Invalid value: %s: invalid character U+%04X "
					    "(at position %zu)",
					    quoted.s, c, i);
			return invalid(err, kind, "FieldValueInvalid", "fieldManager", message);
		}
	}
	return 0;
}

static const struct {
	const char *name;
	enum field_validation value;
} validations[] = {
	{"Ignore", FIELD_VALIDATION_IGNORE},
	{"Warn", FIELD_VALIDATION_WARN},
	{"Strict", FIELD_VALIDATION_STRICT},
};

static int check_validation(const struct request *r, const char *kind, enum field_validation *out,
			    struct error **err)
{
	const char *text = query_text(r, "fieldValidation");
	char *shown free_ptr = NULL;

	if (!text)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(validations); i++)
		if (strcmp(text, validations[i].name) == 0) {
			*out = validations[i].value;
			return 0;
		}
	shown = xasprintf("\"%s\"", text);
	return not_supported(err, kind, "fieldValidation", shown,
			     "\"Ignore\", \"Strict\", \"Warn\"");
}

int query_write(const struct request *r, const char *kind, struct write_options *out,
		struct error **err)
{
	*out = (struct write_options){.field_manager = query_text(r, "fieldManager"),
				      .force = request_flag(r, "force")};
	if (check_dry_run(r, kind, &out->dry_run, err) < 0 ||
	    check_validation(r, kind, &out->validation, err) < 0)
		return -1;
	return out->field_manager ? check_manager(out->field_manager, kind, err) : 0;
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
		return error_set(err, E_BAD_REQUEST, "unrecognized includeObject value: \"%s\"",
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

static int parse_propagation(const char *text, enum propagation *out, struct error **err)
{
	char *shown free_ptr = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(propagations); i++)
		if (strcmp(text, propagations[i].name) == 0) {
			*out = propagations[i].value;
			return 0;
		}
	shown = xasprintf("\"%s\"", text);
	return not_supported(err, "DeleteOptions", "propagationPolicy", shown,
			     "\"Background\", \"Foreground\", \"Orphan\"");
}

static int take_body_options(struct delete_request *d, struct error **err)
{
	struct delete_options *o = &d->options;
	const json_t *grace = json_object_get(d->body, "gracePeriodSeconds");
	const json_t *orphan = json_object_get(d->body, "orphanDependents");
	const char *policy = json_path_string(d->body, "propagationPolicy");
	const char *dry_run = json_path_string(d->body, "dryRun[0]");

	if (!json_is_object(d->body))
		return error_set(err, E_BAD_REQUEST, "the body must be DeleteOptions");
	if (*json_path_string(d->body, "kind") &&
	    strcmp(json_path_string(d->body, "kind"), "DeleteOptions") != 0)
		return error_set(
			err, E_BAD_REQUEST, "no kind \"%s\" is registered for version \"%s\"",
			json_path_string(d->body, "kind"), json_path_string(d->body, "apiVersion"));
	/* Less than nothing is a second; negative means not told from here on. */
	if (json_is_integer(grace))
		o->grace_period_s = json_integer_value(grace) < 0 ? 1 : json_integer_value(grace);
	if (json_is_boolean(orphan)) {
		d->orphan_told = true;
		d->orphan = json_is_true(orphan);
	}
	if (dry_run && *dry_run && strcmp(dry_run, "All") != 0) {
		char *shown free_ptr = xasprintf("[\"%s\"]", dry_run);

		return not_supported(err, "DeleteOptions", "dryRun", shown, "\"All\"");
	}
	o->dry_run = o->dry_run || (dry_run && *dry_run);
	o->uid = json_path_string(d->body, "preconditions.uid");
	o->resource_version = json_path_string(d->body, "preconditions.resourceVersion");
	if (o->uid && !*o->uid)
		o->uid = NULL;
	if (o->resource_version && !*o->resource_version)
		o->resource_version = NULL;
	return policy && *policy ? parse_propagation(policy, &o->propagation, err) : 0;
}

static int both_told(enum propagation how, struct error **err)
{
	const char *name = "";
	struct error *e;

	for (size_t i = 0; i < ARRAY_SIZE(propagations); i++)
		if (propagations[i].value == how)
			name = propagations[i].name;
	e = error_new(
		E_INVALID,
		"DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Invalid value: "
		"\"%s\": orphanDependents and deletionPropagation cannot be both set",
		name);
	error_set_details(e, "meta.k8s.io", "DeleteOptions", NULL);
	error_add_cause(e, "FieldValueInvalid", "propagationPolicy",
			"Invalid value: \"%s\": orphanDependents and deletionPropagation cannot be "
			"both set",
			name);
	return error_move(err, e);
}

static json_t *(*const readers[])(const char *, size_t, struct error **) = {
	[BODY_JSON] = json_read, [BODY_YAML] = yaml_read_one, [BODY_PROTOBUF] = protobuf_read};

int query_delete(const struct request *r, struct delete_request *out, struct error **err)
{
	const char *policy = query_text(r, "propagationPolicy");
	const char *orphan = query_text(r, "orphanDependents");
	struct str text CLEANUP(str_release) = STR_INIT;
	enum body_form form;

	*out = (struct delete_request){.options.grace_period_s = -1};
	if (check_dry_run(r, "DeleteOptions", &out->options.dry_run, err) < 0 ||
	    query_int(r, "gracePeriodSeconds", &out->options.grace_period_s, err) < 0 ||
	    (policy && parse_propagation(policy, &out->options.propagation, err) < 0))
		return -1;
	out->orphan_told = orphan != NULL;
	out->orphan = request_flag(r, "orphanDependents");
	if (r->body.len) {
		if (media_body(r->content_type, &form, err) < 0)
			return -1;
		out->body = readers[form](r->body.s, r->body.len, err);
		if (!out->body || take_body_options(out, err) < 0)
			return -1;
	}
	if (out->orphan_told && out->options.propagation != PROPAGATE_DEFAULT)
		return both_told(out->options.propagation, err);
	if (out->orphan_told)
		out->options.propagation = out->orphan ? PROPAGATE_ORPHAN : PROPAGATE_BACKGROUND;
	return 0;
}

void delete_request_release(struct delete_request *d)
{
	json_decref(d->body);
	d->body = NULL;
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
