#include "kinds/builtin.h"
#include "kinds/fill.h"
#include "kinds/rules.h"
#include "kinds/warn.h"
#include "object/json.h"

#include <string.h>

static void set_defaults(json_t *object)
{
	fill_claim_spec(fill_spec(object));
}

static bool names_another_claim(const json_t *ref)
{
	const char *kind = json_path_string(ref, "kind"),
		   *group = json_path_string(ref, "apiGroup");

	return (strcmp(kind, "PersistentVolumeClaim") == 0 && !*group) ||
	       (strcmp(kind, "VolumeSnapshot") == 0 &&
		strcmp(group, "snapshot.storage.k8s.io") == 0);
}

/* dataSource is what older clients know of dataSourceRef: each is filled in from the other. */
static void prepare(json_t *object, const json_t *old)
{
	json_t *spec = fill_spec(object);
	const json_t *was = json_object_get(old, "spec");
	json_t *source = json_object_get(spec, "dataSource"),
	       *ref = json_object_get(spec, "dataSourceRef");

	if (!old)
		json_object_set_new(object, "status", json_pack("{s:s}", "phase", "Pending"));
	if (*json_path_string(ref, "namespace") && !json_object_get(was, "dataSourceRef")) {
		json_object_del(spec, "dataSourceRef");
		ref = NULL;
	}
	if (source && !ref && !json_object_get(was, "dataSource") &&
	    !json_object_get(was, "dataSourceRef") && !names_another_claim(source)) {
		json_object_del(spec, "dataSource");
		source = NULL;
	}
	if (source && !ref)
		json_object_set_new(spec, "dataSourceRef", json_deep_copy(source));
	else if (ref && !source)
		json_object_set_new(spec, "dataSource", json_deep_copy(ref));
}

static void check_source(const struct field *f, bool relaxed)
{
	const struct field *kind = FIELD(f, "kind"), *group = FIELD(f, "apiGroup");

	if (!field_set(f))
		return;
	field_require(FIELD(f, "name"));
	field_require(kind);
	if (!*field_text(group) && !field_is(kind, "PersistentVolumeClaim"))
		field_invalid_text(f, field_text(kind),
				   "must be 'PersistentVolumeClaim' when referencing the default "
				   "apiGroup");
	if (!relaxed)
		field_check_optional(group, name_dns_subdomain);
	field_check_optional(FIELD(f, "namespace"), name_dns_label);
}

static void check_sources(const struct field *spec, bool relaxed)
{
	const struct field *source = FIELD(spec, "dataSource"), *ref = FIELD(spec, "dataSourceRef");
	json_t *shown json_auto = json_object();

	check_source(source, relaxed);
	check_source(ref, relaxed);
	if (!field_set(source) || !field_set(ref))
		return;
	/* In place of a value API servers show the path of dataSource, of which JSON has nothing.
	 */
	if (*field_text(FIELD(ref, "namespace")))
		field_invalid_json(spec, shown,
				   "may not be specified when dataSourceRef.namespace is "
				   "specified");
	else if (!json_equal(source->value, ref->value))
		field_invalid_json(spec, shown, "must match dataSourceRef");
}

static void check_request(const struct field *spec)
{
	const struct field *amount = FIELD_KEY(FIELD(spec, "resources.requests"), "storage");
	struct field told = field_entry(FIELD(spec, "resources"), "storage");
	struct quantity q;

	told.value = amount->value;
	if (!field_set(amount))
		field_required(&told, NULL);
	else if (field_quantity(&told, &q) && q.nano <= 0)
		field_invalid(&told, "must be greater than zero");
}

void rule_claim_spec(const struct field *spec, bool relaxed_group)
{
	static const char *const modes[] = {"Block", "Filesystem", NULL};

	if (!field_size(FIELD(spec, "accessModes")))
		field_required(FIELD(spec, "accessModes"), "at least 1 access mode is required");
	rule_label_selector(FIELD(spec, "selector"));
	rule_access_modes(FIELD(spec, "accessModes"));
	check_request(spec);
	field_check_optional(FIELD(spec, "storageClassName"), name_dns_subdomain);
	if (field_set(FIELD(spec, "volumeMode")))
		field_one_of(FIELD(spec, "volumeMode"), modes);
	check_sources(spec, relaxed_group);
	field_check_optional(FIELD(spec, "volumeAttributesClassName"), name_dns_subdomain);
}

void rule_template_metadata(const struct field *meta)
{
	rule_annotations(FIELD(meta, "annotations"));
	rule_labels(FIELD(meta, "labels"));
	field_each_key (meta, m)
		if (strcmp(m.key, "annotations") && strcmp(m.key, "labels"))
			field_forbidden(FIELD(meta, m.key), "cannot be set");
}

void rule_claim_template(const struct field *f)
{
	rule_template_metadata(FIELD(f, "metadata"));
	rule_claim_spec(FIELD(f, "spec"), false);
}

static const char class_annotation[] = "volume.beta.kubernetes.io/storage-class";

static const char *annotated_class(const struct field *o)
{
	return json_string_value(
		json_object_get(json_path(o->value, "metadata.annotations"), class_annotation));
}

/* A class that an annotation of old named, or none did, may be named by the field. */
static bool class_may_be_set(const struct field *o, const struct field *old)
{
	const struct field *now = FIELD(o, "spec.storageClassName");
	const char *was = annotated_class(old);

	return field_set(now) && (!was || field_is(now, was));
}

static bool upgrades_class(const struct field *o, const struct field *old)
{
	const char *was = annotated_class(old), *now = annotated_class(o);

	return was && !field_set(FIELD(old, "spec.storageClassName")) && class_may_be_set(o, old) &&
	       (!now || strcmp(now, was) == 0);
}

static void check_class_annotation(const struct field *o, const struct field *old)
{
	const char *was = annotated_class(old) ?: "", *now = annotated_class(o) ?: "";
	struct field told = field_member(FIELD(o, "metadata.annotations"), "");

	told.name = class_annotation;
	if (strcmp(was, now))
		field_invalid_text(&told, now, "field is immutable");
}

/* The spec with what a bound claim may change, and what binding fills in, as it was. */
static json_t *unchanged_part(const struct field *o, const struct field *old_object)
{
	const json_t *old = FIELD(old_object, "spec")->value;
	json_t *copy = json_deep_copy(json_path(o->value, "spec"));
	bool bound = strcmp(json_path_string(o->value, "status.phase"), "Bound") == 0;
	json_t *size = json_path(old, "resources.requests.storage");

	if (!*json_path_string(old, "volumeName"))
		fill_from(copy, old, "volumeName");
	if (!json_object_get(old, "storageClassName") && class_may_be_set(o, old_object))
		fill_from(copy, old, "storageClassName");
	if (!bound)
		return copy;
	fill_from(copy, old, "volumeAttributesClassName");
	if (size && json_path(copy, "resources.requests"))
		json_path_set(copy, "resources.requests.storage", json_incref(size));
	return copy;
}

static void check_size(const struct field *o, const struct field *old)
{
	const struct field *f = FIELD(o, "spec.resources.requests.storage");
	struct quantity now, was, has = {0};

	if (!field_quantity(f, &now) ||
	    !field_quantity(FIELD(old, "spec.resources.requests.storage"), &was) ||
	    quantity_compare(&now, &was) >= 0)
		return;
	field_quantity(FIELD(old, "status.capacity.storage"), &has);
	if (quantity_compare(&now, &has) <= 0)
		field_forbidden(f, "field can not be less than status.capacity");
}

static void check_changes(const struct field *o, const struct field *old)
{
	const struct field *spec = FIELD(o, "spec"), *was = FIELD(old, "spec");
	const struct field *attributes = FIELD(spec, "volumeAttributesClassName");
	json_t *rest json_auto = unchanged_part(o, old);
	struct field mode = *FIELD(spec, "volumeMode");

	if (!json_equal(rest, was->value))
		field_forbidden(spec, "spec is immutable after creation except resources.requests "
				      "and volumeAttributesClassName for bound claims");
	if (!upgrades_class(o, old))
		check_class_annotation(o, old);
	check_size(o, old);
	mode.up = o;
	field_immutable(&mode, FIELD(was, "volumeMode"));
	if (field_set(FIELD(old, "status.currentVolumeAttributesClassName")) &&
	    !*field_text(attributes) &&
	    !field_same(attributes, FIELD(was, "volumeAttributesClassName")))
		field_forbidden(attributes, "update to nil is forbidden when "
					    "status.currentVolumeAttributesClassName is not nil");
}

static void validate(const struct field *o, const struct field *old)
{
	bool relaxed = old && (json_path(old->value, "spec.dataSource.apiGroup") ||
			       json_path(old->value, "spec.dataSourceRef.apiGroup"));

	rule_claim_spec(FIELD(o, "spec"), relaxed);
	if (old)
		check_changes(o, old);
}

/* Of what Kubernetes itself knows only storage is a claim's. */
static bool key_is_good(const struct field *f, const char *key)
{
	static const char *const storage[] = {"storage", NULL};
	size_t before = field_errors_count(f->errors);

	field_check_text(f, key, name_qualified);
	if (field_errors_count(f->errors) == before && resource_is_native(key) &&
	    strcmp(key, "storage"))
		field_not_supported_text(f, key, storage);
	return field_errors_count(f->errors) == before;
}

static void check_resize_states(const struct field *f)
{
	static const char *const states[] = {
		"ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizePending",
		"NodeResizeInProgress",	      "NodeResizeInfeasible",	    NULL};

	field_each_key (f, state) {
		key_is_good(f, state.key);
		if (!text_is_one_of(field_text(&state), states))
			field_not_supported_text(f, state.key, states);
	}
}

static void validate_subresource(const struct field *o, const struct field *old, const char *name)
{
	const struct field *status = FIELD(o, "status");
	const struct field *capacity = FIELD(status, "capacity");
	const struct field *allocated = FIELD(status, "allocatedResources");

	if (strcmp(name, "status")) {
		validate(o, old);
		return;
	}
	field_each_key (capacity, amount)
		rule_quantity_valid(&amount);
	check_resize_states(FIELD(status, "allocatedResourceStatuses"));
	field_each_key (allocated, amount)
		if (key_is_good(allocated, amount.key))
			rule_quantity_valid(&amount);
}

static void warn(const struct field *o, const struct field *old)
{
	const struct field *class = FIELD_KEY(FIELD(o, "metadata.annotations"),
					      "volume.beta.kubernetes.io/storage-class");

	(void)old;
	if (class->value)
		field_warn(class,
			   "deprecated since v1.8; use \"storageClassName\" attribute instead");
	warn_claim_spec(FIELD(o, "spec"));
}

const struct kind kind_pvc = {
	.group = "",
	.kind = "PersistentVolumeClaim",
	.set_defaults = set_defaults,
	.prepare = prepare,
	.validate = validate,
	.warn = warn,
	.validate_subresource = validate_subresource,
	.metadata = METADATA_WHOLE,
	.no_generation = true,
};
