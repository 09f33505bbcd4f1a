/*
 * CustomResourceDefinition. What all versions have alike (schema, subresources, columns, selectable
 * fields) a server keeps once, and complains of there: "spec.validation", "spec.subresources".
 */
#include "kinds/builtin.h"
#include "kinds/custom.h"
#include "kinds/custom_schema.h"
#include "kinds/rules.h"
#include "object/json.h"

#include <ctype.h>
#include <string.h>

#define SELECTABLE_MAX 8
#define DEPRECATION_MAX 256

static void crd_defaults(json_t *object)
{
	json_t *names = json_path(object, "spec.names");
	const char *kind = json_path_string(names, "kind");
	struct str s CLEANUP(str_release) = STR_INIT;

	if (!names || !*kind)
		return;
	if (!json_object_get(names, "listKind")) {
		str_addf(&s, "%sList", kind);
		json_object_set_new(names, "listKind", json_string(s.s));
	}
	if (json_object_get(names, "singular"))
		return;
	str_reset(&s);
	str_adds(&s, kind);
	for (char *c = s.s; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	json_object_set_new(names, "singular", json_string(s.s));
}

static void check_label(const struct field *f)
{
	field_check_joined(f, field_text(f), name_dns_1035, "");
}

static void check_names(const struct field *names)
{
	static const struct {
		const char *name;
		void (*check)(const struct field *f);
	} members[] = {{"plural", check_label},
		       {"singular", check_label},
		       {"kind", rule_kind_name},
		       {"listKind", rule_kind_name}};

	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (field_require(FIELD(names, members[i].name)))
			members[i].check(FIELD(names, members[i].name));
	field_each (FIELD(names, "shortNames"), name)
		check_label(&name);
	field_each (FIELD(names, "categories"), name)
		check_label(&name);
	if (*field_text(FIELD(names, "kind")) &&
	    field_is(FIELD(names, "listKind"), field_text(FIELD(names, "kind"))))
		field_invalid(FIELD(names, "listKind"), "kind and listKind may not be the same");
}

/* PATH ("scale.specReplicasPath") is below ROOT (".spec.") or OTHER. */
static void check_scale_path(const struct field *path, const char *root, const char *other,
			     const char *why)
{
	const char *text = field_text(path);

	if (*text != '.')
		field_invalid(path, "must be a simple json path starting with .");
	else if (!str_has_prefix(text, root) && !str_has_prefix(text, other))
		field_invalid(path, why);
}

static void check_subresources(const struct field *subresources)
{
	const struct field *scale = FIELD(subresources, "scale");

	if (!field_set(scale))
		return;
	if (field_require(FIELD(scale, "specReplicasPath")))
		check_scale_path(FIELD(scale, "specReplicasPath"), ".spec.", ".spec.",
				 "should be a json path under .spec");
	if (field_require(FIELD(scale, "statusReplicasPath")))
		check_scale_path(FIELD(scale, "statusReplicasPath"), ".status.", ".status.",
				 "should be a json path under .status");
	if (*field_text(FIELD(scale, "labelSelectorPath")))
		check_scale_path(FIELD(scale, "labelSelectorPath"), ".spec.", ".status.",
				 "should be a json path under either .spec or .status");
}

static void check_columns(const struct field *columns)
{
	static const char *const types[] = {"boolean", "date", "integer", "number", "string", NULL};
	static const char *const formats[] = {"int32", "int64",	    "float",	"double", "byte",
					      "date",  "date-time", "password", NULL};
	static const char one_of[] = "must be one of boolean,date,integer,number,string";

	field_each (columns, column) {
		const struct field *type = FIELD(&column, "type");
		const struct field *format = FIELD(&column, "format");
		/* Told by the name it has inside of a server. */
		struct field path = {.up = &column,
				     .name = "JSONPath",
				     .value = json_object_get(column.value, "jsonPath"),
				     .errors = columns->errors};

		field_require(FIELD(&column, "name"));
		if (!*field_text(type))
			field_required(type, one_of);
		else if (!text_is_one_of(field_text(type), types))
			field_invalid(type, one_of);
		if (*field_text(format) && !text_is_one_of(field_text(format), formats))
			field_invalid(format, "must be one of byte,date,date-time,double,float,"
					      "int32,int64,password");
		if (field_require(&path) && *field_text(&path) != '.')
			field_invalid(&path, "must be a simple json path starting with .");
	}
}

static void check_selectable(const struct field *fields, const json_t *schema)
{
	static const char *const scalars[] = {"string", "boolean", "integer", NULL};
	struct seen seen CLEANUP(seen_release) = SEEN_INIT;
	size_t count = 0;

	field_each (fields, one) {
		const struct field *path = FIELD(&one, "jsonPath");
		char *why free_ptr = NULL;
		char *detail free_ptr = NULL;
		const json_t *found;

		if (!field_require(path))
			continue;
		found = custom_path_find(schema, field_text(path), false, &why);
		if (!found) {
			detail = xasprintf("is an invalid path: %s", why ? why : "");
			field_invalid(path, detail);
			continue;
		}
		if (str_has_prefix(field_text(path), ".metadata"))
			field_invalid(path, "must not point to fields in metadata");
		if (!text_is_one_of(json_path_string(found, "type"), scalars))
			field_invalid(path, "must point to a field of type string, boolean or "
					    "integer. Enum string fields and strings with formats "
					    "are allowed.");
		if (seen_add(&seen, field_text(path)))
			field_duplicate(path);
		else
			count++;
	}
	if (count > SELECTABLE_MAX)
		field_too_many(fields, count, SELECTABLE_MAX);
}

/* What one version has of KEY. */
static const json_t *part_of(const json_t *version, const char *key)
{
	return json_object_get(version, key);
}

static bool all_alike(const json_t *versions, const char *key)
{
	const json_t *first = part_of(json_array_get(versions, 0), key);
	size_t i;
	json_t *v;

	json_array_foreach ((json_t *)versions, i, v) {
		const json_t *one = part_of(v, key);

		if (one != first && !(one && first && json_equal(one, first)))
			return false;
	}
	return json_array_size(versions) > 0;
}

/* What is checked of a version, PART of it. VERSION NULL: of all, which have it alike. */
typedef void check_part_fn(const struct field *part, const struct field *spec,
			   const json_t *version);

static bool has_status(const json_t *version)
{
	return json_is_object(json_path(version, "subresources.status"));
}

static void part_schema(const struct field *part, const struct field *spec, const json_t *version)
{
	bool status = has_status(version);

	if (!version)
		field_each (FIELD(spec, "versions"), one)
			status = status || has_status(one.value);
	if (field_set(FIELD(part, "openAPIV3Schema")))
		custom_schema_validate(FIELD(part, "openAPIV3Schema"), status);
}

static void part_subresources(const struct field *part, const struct field *spec,
			      const json_t *version)
{
	check_subresources(part);
}

static void part_columns(const struct field *part, const struct field *spec, const json_t *version)
{
	check_columns(part);
}

static void part_selectable(const struct field *part, const struct field *spec,
			    const json_t *version)
{
	const json_t *versions = json_object_get(spec->value, "versions");
	const json_t *schema = part_of(version ? version : json_array_get(versions, 0), "schema");

	/* One for all needs a schema for all. */
	if (!version && !all_alike(versions, "schema"))
		schema = NULL;
	if (!field_size(part))
		return;
	if (schema)
		check_selectable(part, json_object_get(schema, "openAPIV3Schema"));
	else
		field_invalid_text(part, "", "may only be set when validations.schema is included");
}

/* Calls CHECK for KEY of each version, or once as spec.NAME where they are alike. */
static void check_part(const struct field *spec, const char *key, const char *name,
		       check_part_fn *check)
{
	const struct field *versions = FIELD(spec, "versions");

	if (all_alike(versions->value, key)) {
		struct field once = {.up = spec,
				     .name = name,
				     .value = part_of(json_array_get(versions->value, 0), key),
				     .errors = spec->errors};

		check(&once, spec, NULL);
		return;
	}
	field_each (versions, version)
		check(FIELD(&version, key), spec, version.value);
}

/* Told of a version that goes out of use. */
static void check_deprecation(const struct field *version)
{
	const struct field *warning = FIELD(version, "deprecationWarning");

	if (!field_set(warning))
		return;
	if (!field_bool(FIELD(version, "deprecated"))) {
		field_invalid(warning, "can only be set for deprecated versions");
		return;
	}
	if (strlen(field_text(warning)) > DEPRECATION_MAX)
		field_invalid(warning, "must be <= 256 characters long");
	if (!*field_text(warning))
		field_invalid(warning, "must not be an empty string");
	for (const char *p = field_text(warning); *p; p++) {
		char *detail free_ptr = NULL;

		if ((unsigned char)*p >= ' ' && *p != 0x7f)
			continue;
		detail = xasprintf("must only contain printable UTF-8 characters; non-printable "
				   "character found at index %zu",
				   (size_t)(p - field_text(warning)));
		field_invalid(warning, detail);
		return;
	}
}

static void check_versions(const struct field *spec)
{
	const struct field *versions = FIELD(spec, "versions");
	struct seen seen CLEANUP(seen_release) = SEEN_INIT;
	bool unique = true;
	size_t stored = 0;

	field_each (versions, version) {
		const struct field *name = FIELD(&version, "name");

		stored += json_is_true(json_object_get(version.value, "storage"));
		unique = !seen_add(&seen, field_text(name)) && unique;
		check_label(name);
		if (!json_path(version.value, "schema.openAPIV3Schema"))
			field_required(FIELD(&version, "schema.openAPIV3Schema"),
				       "schemas are required");
		check_deprecation(&version);
	}
	if (!unique)
		field_invalid(versions, "must contain unique version names");
	if (stored != 1)
		field_invalid(versions, "must have exactly one version marked as storage version");
	if (field_size(versions)) {
		struct field first = {.up = spec,
				      .name = "version",
				      .value =
					      json_path(json_array_get(versions->value, 0), "name"),
				      .errors = spec->errors};

		if (*field_text(&first))
			check_label(&first);
	}
	check_part(spec, "schema", "validation", part_schema);
	check_part(spec, "subresources", "subresources", part_subresources);
	check_part(spec, "additionalPrinterColumns", "additionalPrinterColumns", part_columns);
	check_part(spec, "selectableFields", "selectableFields", part_selectable);
}

/* Which forms of a review a webhook takes; at least one that servers speak. */
static void check_review_versions(const struct field *versions)
{
	struct seen seen CLEANUP(seen_release) = SEEN_INIT;

	if (!field_size(versions)) {
		field_required(versions, NULL);
		return;
	}
	field_each (versions, version) {
		if (seen_add(&seen, field_text(&version)))
			field_invalid(&version, "duplicate version");
		else
			field_check(&version, name_dns_1035);
	}
	if (!seen_has(&seen, "v1") && !seen_has(&seen, "v1beta1"))
		field_invalid(versions, "must include at least one of v1, v1beta1");
}

static void check_conversion(const struct field *spec)
{
	static const char *const strategies[] = {"None", "Webhook", NULL};
	const struct field *conversion = FIELD(spec, "conversion");
	const struct field *webhook = FIELD(conversion, "webhook");
	const struct field *client = FIELD(webhook, "clientConfig");
	struct field named = *client, versions = *FIELD(webhook, "conversionReviewVersions");

	named.up = versions.up = conversion;
	named.name = "webhookClientConfig";
	field_one_of_required(FIELD(conversion, "strategy"), strategies);
	if (!field_is(FIELD(conversion, "strategy"), "Webhook")) {
		if (field_set(&named))
			field_forbidden(&named, "should not be set when strategy is not set to "
						"Webhook");
		if (field_size(&versions))
			field_forbidden(&versions, "should not be set when strategy is not set to "
						   "Webhook");
		return;
	}
	if (!field_set(&named))
		field_required(&named, "required when strategy is set to Webhook");
	else
		rule_webhook_client(&named);
	check_review_versions(&versions);
}

static void check_group(const struct field *group)
{
	if (!field_require(group))
		return;
	if (name_problem(name_dns_subdomain, field_text(group)))
		field_check_joined(group, field_text(group), name_dns_subdomain, "");
	else if (!strchr(field_text(group), '.'))
		field_invalid(group, "should be a domain with at least one dot");
}

#define APPROVAL "api-approved.kubernetes.io"

enum approval { APPROVAL_MISSING, APPROVAL_INVALID, APPROVAL_GIVEN, APPROVAL_BYPASSED };

static enum approval approval_of(const struct field *o)
{
	const char *text = json_path_string(o->value, "metadata.annotations[" APPROVAL "]");
	static const char *const urls[] = {"http://", "https://"};

	if (!*text)
		return APPROVAL_MISSING;
	if (str_has_prefix(text, "unapproved"))
		return APPROVAL_BYPASSED;
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++)
		if (str_has_prefix(text, urls[i]) && text[strlen(urls[i])])
			return APPROVAL_GIVEN;
	return APPROVAL_INVALID;
}

/* Kubernetes' own groups take definitions only of those who have agreed with it. */
static void check_approval(const struct field *o, const struct field *old)
{
	const struct field *annotations = FIELD(FIELD(o, "metadata"), "annotations");
	const struct field *approval = FIELD_KEY(annotations, APPROVAL);

	if (!name_in_kubernetes_domain(field_text(FIELD(o, "spec.group"))) ||
	    (old && approval_of(old) == approval_of(o)))
		return;
	if (approval_of(o) == APPROVAL_MISSING)
		field_required(approval, "protected groups must have approval annotation "
					 "\"api-approved.kubernetes.io\", see "
					 "https://github.com/kubernetes/enhancements/pull/1111");
	else if (approval_of(o) == APPROVAL_INVALID)
		field_invalid(approval, "protected groups must have approval annotation "
					"\"api-approved.kubernetes.io\" with either a URL or a "
					"reason starting with \"unapproved\", see "
					"https://github.com/kubernetes/enhancements/pull/1111");
}

static bool is_established(const struct field *old)
{
	field_each (FIELD(old, "status.conditions"), condition)
		if (field_is(FIELD(&condition, "type"), "Established"))
			return field_is(FIELD(&condition, "status"), "True");
	return false;
}

static void check_update(const struct field *object, const struct field *old)
{
	static const char *const fixed[] = {"spec.scope", "spec.names.kind"};

	if (is_established(old))
		for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
			field_immutable(FIELD(object, fixed[i]), FIELD(old, fixed[i]));
	field_immutable(FIELD(object, "spec.group"), FIELD(old, "spec.group"));
	field_immutable(FIELD(object, "spec.names.plural"), FIELD(old, "spec.names.plural"));
}

/* Versions that objects were stored in must go on to be there. */
static void check_stored_versions(const struct field *object)
{
	const struct field *stored = FIELD(object, "status.storedVersions");

	if (!field_size(stored)) {
		field_invalid(stored, "must have at least one stored version");
		return;
	}
	field_each (stored, one) {
		char *detail free_ptr = NULL;
		bool found = false;

		field_each (FIELD(object, "spec.versions"), version)
			found = found || field_is(FIELD(&version, "name"), field_text(&one));
		if (found)
			continue;
		detail =
			xasprintf("missing from spec.versions; %s was previously a storage version "
				  "and objects may still be stored in it",
				  field_text(&one));
		field_invalid(&one, detail);
	}
}

static void crd_validate(const struct field *o, const struct field *old)
{
	static const char *const scopes[] = {"Cluster", "Namespaced", NULL};
	static const char *const names[] = {"metadata.generateName", "metadata.name"};
	const struct field *spec = FIELD(o, "spec");
	char *want free_ptr = xasprintf("%s.%s", field_text(FIELD(spec, "names.plural")),
					field_text(FIELD(spec, "group")));

	if (!old)
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			if ((i || *field_text(FIELD(o, names[i]))) &&
			    !field_is(FIELD(o, names[i]), want))
				field_invalid(FIELD(o, names[i]),
					      "must be spec.names.plural+\".\"+spec.group");
	check_group(FIELD(spec, "group"));
	field_one_of_required(FIELD(spec, "scope"), scopes);
	check_names(FIELD(spec, "names"));
	check_versions(spec);
	check_conversion(spec);
	if (field_bool(FIELD(spec, "preserveUnknownFields")))
		field_invalid(
			FIELD(spec, "preserveUnknownFields"),
			"cannot set to true, set x-kubernetes-preserve-unknown-fields to true "
			"in spec.versions[*].schema instead");
	check_stored_versions(o);
	check_approval(o, old);
	if (old)
		check_update(o, old);
}

/* The types of a schema whose formats are known. */
static bool is_known_format(const char *type, const char *format)
{
	if (!*type || !strcmp(type, "string"))
		return custom_format_known(format);
	if (!strcmp(type, "integer"))
		return !strcmp(format, "int32") || !strcmp(format, "int64");
	return !strcmp(type, "number") && (!strcmp(format, "float") || !strcmp(format, "double"));
}

static void add_unknown_formats(const json_t *schema, json_t *out, int depth)
{
	static const char *const lists[] = {"items", "allOf", "anyOf", "oneOf"};
	static const char *const single[] = {"items", "not", "additionalProperties"};
	const char *format = json_path_string(schema, "format"), *key;
	size_t i, k;
	json_t *v;

	if (depth > SCHEMA_DEPTH_MAX || !json_is_object(schema))
		return;
	if (*format && !is_known_format(json_path_string(schema, "type"), format))
		json_array_append_new(out, json_string(format));
	for (i = 0; i < ARRAY_SIZE(lists); i++)
		json_array_foreach (json_object_get(schema, lists[i]), k, v)
			add_unknown_formats(v, out, depth + 1);
	for (i = 0; i < ARRAY_SIZE(single); i++)
		add_unknown_formats(json_object_get(schema, single[i]), out, depth + 1);
	json_object_foreach (json_object_get(schema, "properties"), key, v)
		add_unknown_formats(v, out, depth + 1);
}

/* Of schemas that all versions have alike once. */
static json_t *unknown_formats(const struct field *o)
{
	const json_t *versions = json_path(o->value, "spec.versions");
	json_t *out = json_array(), *v;
	bool alike = all_alike(versions, "schema");
	size_t i;

	json_array_foreach ((json_t *)versions, i, v)
		if (!i || !alike)
			add_unknown_formats(json_path(v, "schema.openAPIV3Schema"), out, 0);
	return out;
}

static void crd_warn(const struct field *o, const struct field *old)
{
	json_t *formats json_auto = unknown_formats(o), *v;
	json_t *before json_auto = old ? unknown_formats(old) : NULL;
	struct seen seen CLEANUP(seen_release) = SEEN_INIT;
	size_t i;

	json_array_foreach (before, i, v)
		seen_add(&seen, json_string_value(v));
	json_array_foreach (formats, i, v) {
		char *text free_ptr = xasprintf("unrecognized format \"%s\"", json_string_value(v));

		if (!seen_has(&seen, json_string_value(v)))
			field_warn(o, text);
	}
}

const struct kind kind_crd = {
	.group = "apiextensions.k8s.io",
	.kind = "CustomResourceDefinition",
	.set_defaults = crd_defaults,
	.validate = crd_validate,
	.warn = crd_warn,
};
