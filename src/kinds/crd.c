/*
 * CustomResourceDefinition. What all versions have alike (schema, subresources, columns, selectable
 * fields) a server keeps once, and complains of there: "spec.validation", "spec.subresources".
 */
#include "kinds/builtin.h"
#include "kinds/custom.h"
#include "kinds/rules.h"
#include "object/json.h"

#include <ctype.h>
#include <string.h>

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

/* A kind is a label but for its case. */
static void check_kind_name(const struct field *f)
{
	char *lower free_ptr = xstrdup(field_text(f));
	const char *why;
	char *detail free_ptr = NULL;

	if (!field_require(f))
		return;
	for (char *c = lower; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	why = name_problem(name_dns_1035, lower);
	if (!why)
		return;
	detail = xasprintf("may have mixed case, but should otherwise match: %s", why);
	field_invalid(f, detail);
}

static void check_names(const struct field *names)
{
	field_check_required(FIELD(names, "plural"), name_dns_1035);
	field_check_required(FIELD(names, "singular"), name_dns_1035);
	check_kind_name(FIELD(names, "kind"));
	check_kind_name(FIELD(names, "listKind"));
	field_each (FIELD(names, "shortNames"), name)
		field_check(&name, name_dns_1035);
	field_each (FIELD(names, "categories"), name)
		field_check(&name, name_dns_1035);
	if (*field_text(FIELD(names, "kind")) &&
	    field_is(FIELD(names, "listKind"), field_text(FIELD(names, "kind"))))
		field_invalid(FIELD(names, "listKind"), "kind and listKind may not be the same");
}

/* ".spec.replicas": names and nothing else. */
static bool is_simple_path(const char *s)
{
	if (*s != '.')
		return false;
	for (; *s; s++)
		if (*s == '.' ? !isalnum((unsigned char)s[1]) && s[1] != '_' && s[1] != '\\'
			      : !isalnum((unsigned char)*s) && !strchr("_-[]@?()='\"\\/*:, ", *s))
			return false;
	return true;
}

static void check_scale_path(const struct field *path, const char *root, bool required)
{
	const char *text = field_text(path);
	char *detail free_ptr = NULL;

	if (!*text) {
		if (required)
			field_required(path, NULL);
		return;
	}
	detail = xasprintf("should be a json path under %s", root);
	if (!is_simple_path(text))
		field_invalid(path, "must be a simple json path starting with .");
	else if (strncmp(text, root, strlen(root)) || text[strlen(root)] != '.')
		field_invalid(path, detail);
}

static void check_subresources(const struct field *subresources)
{
	const struct field *scale = FIELD(subresources, "scale");
	const char *selector = field_text(FIELD(scale, "labelSelectorPath"));

	if (!field_set(scale))
		return;
	check_scale_path(FIELD(scale, "specReplicasPath"), ".spec", true);
	check_scale_path(FIELD(scale, "statusReplicasPath"), ".status", true);
	if (*selector && strncmp(selector, ".spec.", 6) && strncmp(selector, ".status.", 8))
		field_invalid(FIELD(scale, "labelSelectorPath"),
			      "should be a json path under either .spec or .status");
}

static void check_columns(const struct field *columns)
{
	static const char *const types[] = {"boolean", "date", "integer", "number", "string", NULL};
	static const char *const formats[] = {"int32", "int64",	    "float",	"double", "byte",
					      "date",  "date-time", "password", NULL};

	field_each (columns, column) {
		const struct field *type = FIELD(&column, "type");
		const struct field *format = FIELD(&column, "format");
		/* Told by the name it has inside of a server. */
		struct field path = {.up = &column,
				     .name = "JSONPath",
				     .value = json_object_get(column.value, "jsonPath"),
				     .errors = columns->errors};

		field_require(FIELD(&column, "name"));
		if (field_require(type) && !text_is_one_of(field_text(type), types))
			field_invalid(type, "must be one of boolean,date,integer,number,string");
		if (*field_text(format) && !text_is_one_of(field_text(format), formats))
			field_invalid(format, "must be one of byte,date,date-time,double,float,"
					      "int32,int64,password");
		if (field_require(&path) && !is_simple_path(field_text(&path)))
			field_invalid(&path, "must be a simple json path starting with .");
	}
}

static void check_selectable(const struct field *fields, const struct field *schema)
{
	struct seen seen CLEANUP(seen_release) = SEEN_INIT;

	field_each (fields, one) {
		const struct field *path = FIELD(&one, "jsonPath");
		const char *text = field_text(path);

		if (!field_require(path))
			continue;
		if (!is_simple_path(text))
			field_invalid(path, "must be a simple json path starting with .");
		else if (!strncmp(text, ".metadata.", 10))
			field_invalid(path, "must not point to fields in metadata");
		if (seen_add(&seen, text))
			field_duplicate(path);
	}
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

static void check_schema(const struct field *schema, const struct field *errors_at)
{
	if (field_set(FIELD(schema, "openAPIV3Schema")))
		custom_schema_validate(FIELD(schema, "openAPIV3Schema"));
}

/* Calls CHECK for KEY of each version, or once as spec.NAME where they are alike. */
static void check_part(const struct field *spec, const char *key, const char *name,
		       void (*check)(const struct field *part, const struct field *at))
{
	const struct field *versions = FIELD(spec, "versions");

	if (all_alike(versions->value, key)) {
		struct field once = {.up = spec,
				     .name = name,
				     .value = part_of(json_array_get(versions->value, 0), key),
				     .errors = spec->errors};

		check(&once, spec);
		return;
	}
	field_each (versions, version)
		check(FIELD(&version, key), &version);
}

static void part_subresources(const struct field *part, const struct field *at)
{
	check_subresources(part);
}

static void part_columns(const struct field *part, const struct field *at)
{
	check_columns(part);
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
		field_check(name, name_dns_1035);
		if (!json_path(version.value, "schema.openAPIV3Schema"))
			field_required(FIELD(&version, "schema.openAPIV3Schema"),
				       "schemas are required");
		if (field_set(FIELD(&version, "deprecationWarning")) &&
		    !field_bool(FIELD(&version, "deprecated")))
			field_invalid(FIELD(&version, "deprecationWarning"),
				      "can only be set for deprecated versions");
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

		field_check(&first, name_dns_1035);
	}
	check_part(spec, "schema", "validation", check_schema);
	check_part(spec, "subresources", "subresources", part_subresources);
	check_part(spec, "additionalPrinterColumns", "additionalPrinterColumns", part_columns);
	check_part(spec, "selectableFields", "selectableFields", check_selectable);
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
	if (!field_set(&named)) {
		field_required(&named, "required when strategy is set to Webhook");
	} else {
		bool url = field_set(FIELD(&named, "url"));
		bool service = field_set(FIELD(&named, "service"));

		if (url == service)
			field_required(&named, "exactly one of url or service is required");
	}
	if (!field_size(&versions))
		field_required(&versions, NULL);
	else
		field_each (&versions, version)
			field_check(&version, name_dns_1035);
}

static void check_group(const struct field *group)
{
	if (!field_require(group))
		return;
	field_check(group, name_dns_subdomain);
	if (!strchr(field_text(group), '.'))
		field_invalid(group, "should be a domain with at least one dot");
}

#define APPROVAL "api-approved.kubernetes.io"

static const json_t *approval_of(const struct field *o)
{
	return json_path(o->value, "metadata.annotations[" APPROVAL "]");
}

/* Kubernetes' own groups take definitions only of those who have agreed with it. */
static void check_approval(const struct field *o)
{
	const char *group = field_text(FIELD(o, "spec.group"));
	const struct field *annotations = FIELD(FIELD(o, "metadata"), "annotations");
	const struct field *approval = FIELD_KEY(annotations, APPROVAL);
	const char *text = field_text(approval);
	static const char *const urls[] = {"http://", "https://"};

	if (!name_in_kubernetes_domain(group))
		return;
	if (!*text) {
		field_required(approval, "protected groups must have approval annotation "
					 "\"api-approved.kubernetes.io\", see "
					 "https://github.com/kubernetes/enhancements/pull/1111");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++)
		if (str_has_prefix(text, urls[i]) && text[strlen(urls[i])])
			return;
	if (!str_has_prefix(text, "unapproved"))
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
		bool found = false;

		field_each (FIELD(object, "spec.versions"), version)
			found = found || field_is(FIELD(&version, "name"), field_text(&one));
		if (!found)
			field_invalid(&one, "must appear in spec.versions");
	}
}

static void crd_validate(const struct field *o, const struct field *old)
{
	static const char *const scopes[] = {"Cluster", "Namespaced", NULL};
	const struct field *spec = FIELD(o, "spec");
	char *want free_ptr = xasprintf("%s.%s", field_text(FIELD(spec, "names.plural")),
					field_text(FIELD(spec, "group")));

	if (!old && !field_is(FIELD(o, "metadata.name"), want))
		field_invalid(FIELD(o, "metadata.name"),
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
	if (!old || !json_equal(approval_of(o), approval_of(old)))
		check_approval(o);
	if (old)
		check_update(o, old);
}

const struct kind kind_crd = {
	.group = "apiextensions.k8s.io",
	.kind = "CustomResourceDefinition",
	.set_defaults = crd_defaults,
	.validate = crd_validate,
};
