/*
 * Questions whether somebody may do something: SubjectAccessReview and its two narrower forms.
 */
#include "kinds/builtin.h"
#include "kinds/rules.h"

#include <string.h>

#define GROUP "authorization.k8s.io"

/* Operators that this server does not know may be known to whom it is asked for. */
static void check_requirement(const struct field *f, bool labels)
{
	const struct field *op = FIELD(f, "operator"), *values = FIELD(f, "values");
	const struct field *key = FIELD(f, "key");

	if ((field_is(op, "In") || field_is(op, "NotIn")) && !field_size(values))
		field_required(values, "must be specified when `operator` is 'In' or 'NotIn'");
	if ((field_is(op, "Exists") || field_is(op, "DoesNotExist")) && field_size(values))
		field_forbidden(values, "may not be specified when `operator` is 'Exists' or "
					"'DoesNotExist'");
	if (labels) {
		field_check(key, name_qualified);
		field_each (values, value)
			field_check(&value, name_label_value);
	} else if (!*field_text(key)) {
		field_required(key, "must be specified");
	}
}

static void check_selector(const struct field *f, bool labels)
{
	const struct field *raw = FIELD(f, "rawSelector"), *list = FIELD(f, "requirements");

	if (!field_set(f))
		return;
	if (*field_text(raw) && field_size(list))
		field_invalid(raw, "may not specified at the same time as requirements");
	if (!*field_text(raw) && !field_size(list))
		field_required(list, "requirements or rawSelector is required");
	field_each (list, requirement)
		check_requirement(&requirement, labels);
}

/* A path's attributes as a refusal shows them. */
static void refuse_path(const struct field *path, const char *why)
{
	json_t *shown = json_pack("{s:s,s:s}", "Path", field_text(FIELD(path, "path")), "Verb",
				  field_text(FIELD(path, "verb")));

	field_invalid_json(path, shown, why);
	json_decref(shown);
}

static void check_what(const struct field *spec)
{
	const struct field *resource = FIELD(spec, "resourceAttributes");
	const struct field *path = FIELD(spec, "nonResourceAttributes");

	if (field_set(resource) && field_set(path))
		refuse_path(path, "cannot be specified in combination with resourceAttributes");
	if (!field_set(resource) && !field_set(path))
		field_invalid(resource, "exactly one of nonResourceAttributes or "
					"resourceAttributes must be specified");
	check_selector(FIELD(resource, "fieldSelector"), false);
	check_selector(FIELD(resource, "labelSelector"), true);
}

static void check_who(const struct field *spec)
{
	if (!*field_text(FIELD(spec, "user")) && !field_size(FIELD(spec, "groups")))
		field_invalid_text(FIELD(spec, "user"), "",
				   "at least one of user or group must be specified");
}

/* Nothing is kept of a question: no name, no labels. */
static void check_meta(const struct field *meta, const char *detail)
{
	const char *allowed = strstr(detail, "namespace") ? "namespace" : "";

	field_each_key (meta, entry) {
		if (!strcmp(entry.key, "managedFields") || !strcmp(entry.key, allowed) ||
		    !(field_size(&entry) || *field_text(&entry) || field_int(&entry)))
			continue;
		field_invalid(meta, detail);
		return;
	}
}

static void validate_self(const struct field *o, const struct field *old)
{
	(void)old;
	check_what(FIELD(o, "spec"));
	check_meta(FIELD(o, "metadata"), "must be empty");
}

static void validate_subject(const struct field *o, const struct field *old)
{
	const struct field *spec = FIELD(o, "spec");

	(void)old;
	check_what(spec);
	check_who(spec);
	check_meta(FIELD(o, "metadata"), "must be empty");
}

static void validate_local(const struct field *o, const struct field *old)
{
	const struct field *spec = FIELD(o, "spec"), *meta = FIELD(o, "metadata");
	const struct field *path = FIELD(spec, "nonResourceAttributes");
	const struct field *resource = FIELD(spec, "resourceAttributes");
	const struct field *namespace = FIELD(resource, "namespace");

	(void)old;
	check_what(spec);
	check_who(spec);
	check_meta(meta, "must be empty except for namespace");
	if (field_set(resource) && !field_is(namespace, field_text(FIELD(meta, "namespace"))))
		field_invalid_text(namespace, field_text(namespace),
				   "must match metadata.namespace");
	if (field_set(path))
		refuse_path(path, "disallowed on this kind of request");
}

const struct kind kind_selfsubjectaccessreview = {
	.group = GROUP,
	.kind = "SelfSubjectAccessReview",
	.validate = validate_self,
	.no_generation = true,
};
const struct kind kind_subjectaccessreview = {
	.group = GROUP,
	.kind = "SubjectAccessReview",
	.validate = validate_subject,
	.no_generation = true,
};
const struct kind kind_localsubjectaccessreview = {
	.group = GROUP,
	.kind = "LocalSubjectAccessReview",
	.validate = validate_local,
	.no_generation = true,
};
