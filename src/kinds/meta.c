/*
 * Validation of metadata, the same for every type.
 */
#include "kinds/kind.h"
#include "object/json.h"

#include <string.h>

#define ANNOTATIONS_MAX (256u << 10)

static void check_name(const json_t *object, const struct resource *r, struct field_errors *errors)
{
	const char *name = json_path_string(object, "metadata.name");
	const char *(*rule)(const char *) =
		r->particulars->name_rule ? r->particulars->name_rule : name_dns_subdomain;
	const char *why;

	if (!*name) {
		field_required(errors, "name or generateName is required", "metadata.name");
		return;
	}
	why = rule(name);
	if (why)
		field_invalid(errors, json_path(object, "metadata.name"), why, "metadata.name");
}

static void check_labels(const json_t *labels, struct field_errors *errors, const char *path)
{
	const char *key, *why;
	json_t *v;

	json_object_foreach ((json_t *)labels, key, v) {
		json_t *bad = json_string(key);

		why = name_qualified(key);
		if (why)
			field_invalid(errors, bad, why, "%s", path);
		json_decref(bad);
		why = json_is_string(v) ? name_label_value(json_string_value(v)) : NULL;
		if (why)
			field_invalid(errors, v, why, "%s", path);
	}
}

static void check_annotations(const json_t *annotations, struct field_errors *errors)
{
	const char *key, *why;
	size_t total = 0;
	json_t *v;

	json_object_foreach ((json_t *)annotations, key, v) {
		char lower[512];
		json_t *bad = json_string(key);
		size_t n = 0;

		for (; key[n] && n + 1 < sizeof(lower); n++)
			lower[n] = (char)(key[n] >= 'A' && key[n] <= 'Z' ? key[n] + 32 : key[n]);
		lower[n] = '\0';
		why = name_qualified(lower);
		if (why)
			field_invalid(errors, bad, why, "metadata.annotations");
		json_decref(bad);
		total += strlen(key) + json_string_length(v);
	}
	if (total > ANNOTATIONS_MAX)
		field_too_long(errors, "may not be more than 262144 bytes", "metadata.annotations");
}

static void require_text(const json_t *ref, const char *field, const char *why,
			 struct field_errors *errors)
{
	json_t *empty = json_string("");

	if (!*json_path_string(ref, field))
		field_invalid(errors, empty, why, "metadata.ownerReferences.%s", field);
	json_decref(empty);
}

static void check_owners(const json_t *owners, struct field_errors *errors)
{
	const json_t *controller = NULL;
	size_t i;
	json_t *ref;

	json_array_foreach (owners, i, ref) {
		require_text(ref, "apiVersion", "version must not be empty", errors);
		require_text(ref, "kind", "must not be empty", errors);
		require_text(ref, "name", "must not be empty", errors);
		require_text(ref, "uid", "must not be empty", errors);
		if (strcmp(json_path_string(ref, "kind"), "Event") == 0)
			field_invalid(errors, ref,
				      "/v1, Kind=Event is disallowed from being an owner",
				      "metadata.ownerReferences");
		if (!json_path_bool(ref, "controller", false))
			continue;
		if (controller) {
			char *why free_ptr = xasprintf("Only one reference can have Controller set "
						       "to true. Found \"true\" "
						       "in references for %s/%s and %s/%s",
						       json_path_string(controller, "kind"),
						       json_path_string(controller, "name"),
						       json_path_string(ref, "kind"),
						       json_path_string(ref, "name"));

			field_invalid(errors, owners, why, "metadata.ownerReferences");
		}
		controller = ref;
	}
}

static void check_finalizers(const json_t *finalizers, struct field_errors *errors)
{
	static const char *const standard[] = {"orphan", "foregroundDeletion", "kubernetes"};
	size_t i;
	json_t *f;

	json_array_foreach (finalizers, i, f) {
		const char *text = json_is_string(f) ? json_string_value(f) : "";
		const char *why = name_qualified(text);
		bool known = strchr(text, '/') != NULL;

		for (size_t j = 0; j < ARRAY_SIZE(standard); j++)
			known = known || strcmp(text, standard[j]) == 0;
		if (why)
			field_invalid(errors, f, why, "metadata.finalizers");
		else if (!known)
			field_invalid(errors, f,
				      "name is neither a standard finalizer name nor is it fully "
				      "qualified",
				      "metadata.finalizers[%zu]", i);
	}
}

static void check_immutable(const json_t *object, const json_t *old, const char *path,
			    struct field_errors *errors)
{
	const json_t *was = json_path(old, path), *is = json_path(object, path);

	if (was && !(is && json_equal(was, is)))
		field_invalid(errors, is, "field is immutable", "%s", path);
}

/* Once an object is on its way out nobody may hold it back longer. */
static void check_new_finalizers(const json_t *object, const json_t *old,
				 struct field_errors *errors)
{
	const json_t *was = json_path(old, "metadata.finalizers");
	json_t *added = json_array();
	size_t i, j;
	json_t *f, *g;

	json_array_foreach (json_path(object, "metadata.finalizers"), i, f) {
		bool known = false;

		json_array_foreach (was, j, g)
			known = known || json_equal(f, g);
		if (!known)
			json_array_append(added, f);
	}
	if (json_array_size(added)) {
		struct str why CLEANUP(str_release) = STR_INIT;

		str_adds(&why, "no new finalizers can be added if the object is being deleted, "
			       "found new finalizers []string{");
		json_array_foreach (added, i, f)
			str_addf(&why, "%s\"%s\"", i ? ", " : "", json_string_value(f));
		str_addc(&why, '}');
		field_forbidden(errors, why.s, "metadata.finalizers");
	}
	json_decref(added);
}

void object_validate_meta(const json_t *object, const json_t *old, const struct resource *r,
			  struct field_errors *errors)
{
	static const char *const fixed[] = {"metadata.name", "metadata.namespace", "metadata.uid",
					    "metadata.creationTimestamp"};

	if (!old)
		check_name(object, r, errors);
	for (size_t i = 0; old && i < ARRAY_SIZE(fixed); i++)
		check_immutable(object, old, fixed[i], errors);
	if (old && *json_path_string(old, "metadata.deletionTimestamp"))
		check_new_finalizers(object, old, errors);
	check_labels(json_path(object, "metadata.labels"), errors, "metadata.labels");
	check_annotations(json_path(object, "metadata.annotations"), errors);
	check_owners(json_path(object, "metadata.ownerReferences"), errors);
	check_finalizers(json_path(object, "metadata.finalizers"), errors);
}

void labels_validate(const json_t *labels, struct field_errors *errors, const char *path)
{
	check_labels(labels, errors, path);
}
