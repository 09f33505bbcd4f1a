/*
 * Validation of metadata, the same for every type.
 */
#include "kinds/kind.h"
#include "kinds/rules.h"
#include "object/json.h"

#include <string.h>

#define ANNOTATIONS_MAX (256u << 10)
#define GENERATE_MAX 512

/* What a name is made of: a dash at its end will be followed by something. */
static void check_generate_name(const struct field *f, name_rule *rule)
{
	char text[GENERATE_MAX];
	size_t n = strlen(field_text(f));
	const char *why[NAME_PROBLEMS];

	if (!n || n >= sizeof(text))
		return;
	memcpy(text, field_text(f), n + 1);
	if (text[n - 1] == '-')
		text[n - 1] = 'a';
	n = rule(text, why);
	for (size_t i = 0; i < n; i++)
		field_invalid(f, why[i]);
}

static void check_name(const struct field *meta, name_rule *rule)
{
	const struct field *name = FIELD(meta, "name");

	check_generate_name(FIELD(meta, "generateName"), rule);
	if (!*field_text(name))
		field_required(name, "name or generateName is required");
	else
		field_check(name, rule);
}

void rule_labels(const struct field *labels)
{
	field_each_key (labels, label) {
		field_check_text(labels, label.key, name_qualified);
		field_check_text(labels, field_text(&label), name_label_value);
	}
}

/* Keys of annotations may have upper case letters in their domain. */
static void check_annotation_key(const struct field *annotations, const char *key)
{
	char *lower free_ptr = xstrdup(key);
	const char *why[NAME_PROBLEMS];
	size_t n;

	for (char *p = lower; *p; p++)
		*p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
	n = name_qualified(lower, why);
	for (size_t i = 0; i < n; i++)
		field_invalid_text(annotations, key, why[i]);
}

void rule_annotations(const struct field *annotations)
{
	size_t total = 0;

	field_each_key (annotations, a) {
		check_annotation_key(annotations, a.key);
		total += strlen(a.key) + json_string_length(a.value);
	}
	if (total > ANNOTATIONS_MAX)
		field_too_long(annotations, ANNOTATIONS_MAX);
}

static void require_text(const struct field *owners, const struct field *ref, const char *member,
			 const char *why)
{
	struct field f = field_member(ref, member);

	f.up = owners;
	if (!*field_text(&f))
		field_invalid_text(&f, "", why);
}

static void check_owner(const struct field *owners, const struct field *ref)
{
	const char *version = json_path_string(ref->value, "apiVersion");
	const char *slash = strchr(version, '/');
	struct field f = field_member(ref, "apiVersion");

	f.up = owners;
	if (!*version || (slash && (!slash[1] || strchr(slash + 1, '/'))))
		field_invalid_text(&f, version, "version must not be empty");
	require_text(owners, ref, "kind", "must not be empty");
	require_text(owners, ref, "name", "must not be empty");
	require_text(owners, ref, "uid", "must not be empty");
	if (field_is(FIELD(ref, "kind"), "Event") && strcmp(version, "v1") == 0)
		field_invalid_json(owners, ref->value,
				   "/v1, Kind=Event is disallowed from being an owner");
}

static void check_owners(const struct field *owners)
{
	const json_t *controller = NULL;

	field_each (owners, ref) {
		check_owner(owners, &ref);
		if (!json_path_bool(ref.value, "controller", false))
			continue;
		if (controller) {
			char *why free_ptr = xasprintf(
				"Only one reference can have Controller set to true. Found "
				"\"true\" in references for %s/%s and %s/%s",
				json_path_string(controller, "kind"),
				json_path_string(controller, "name"),
				json_path_string(ref.value, "kind"),
				json_path_string(ref.value, "name"));

			field_invalid(owners, why);
		} else {
			controller = ref.value;
		}
	}
}

/* A finalizer is one that Kubernetes knows, or belongs to somebody. */
static void check_finalizer_owners(const struct field *finalizers)
{
	static const char *const standard[] = {"orphan", "foregroundDeletion", "kubernetes", NULL};

	field_each (finalizers, f)
		if (!strchr(field_text(&f), '/') && !text_is_one_of(field_text(&f), standard))
			field_invalid(&f, "name is neither a standard finalizer name nor is it "
					  "fully qualified");
}

static void check_finalizers(const struct field *finalizers)
{
	bool orphan = false, foreground = false;

	field_each (finalizers, f) {
		const char *text = field_text(&f);

		orphan = orphan || strcmp(text, "orphan") == 0;
		foreground = foreground || strcmp(text, "foregroundDeletion") == 0;
		field_check_text(finalizers, text, name_qualified);
	}
	if (orphan && foreground)
		field_invalid(finalizers,
			      "finalizer orphan and foregroundDeletion cannot be both set");
}

/* Once an object is on its way out nobody may hold it back longer. */
static void check_new_finalizers(const struct field *finalizers, const struct field *old)
{
	struct str why CLEANUP(str_release) = STR_INIT;
	struct seen seen CLEANUP(seen_release) = SEEN_INIT;

	field_each (old, f)
		seen_add(&seen, field_text(&f));
	field_each (finalizers, f) {
		if (seen_has(&seen, field_text(&f)))
			continue;
		str_addf(&why, "%s\"%s\"",
			 why.len ? ", "
				 : "no new finalizers can be added if the object is being deleted, "
				   "found new finalizers []string{",
			 field_text(&f));
	}
	if (!why.len)
		return;
	str_addc(&why, '}');
	field_forbidden(finalizers, why.s);
}

static void check_beside_name(const struct field *meta)
{
	rule_labels(FIELD(meta, "labels"));
	rule_annotations(FIELD(meta, "annotations"));
	check_owners(FIELD(meta, "ownerReferences"));
	check_finalizers(FIELD(meta, "finalizers"));
}

void rule_embedded_metadata(const struct field *meta)
{
	check_generate_name(FIELD(meta, "generateName"), name_path_segment);
	field_check_optional(FIELD(meta, "namespace"), name_dns_label);
	field_check_optional(FIELD(meta, "name"), name_path_segment);
	check_beside_name(meta);
}

/* What holds of an object's metadata whatever was there before. */
static void check_whole(const struct field *meta, name_rule *rule, bool plain)
{
	check_name(meta, rule);
	check_beside_name(meta);
	if (!plain)
		check_finalizer_owners(FIELD(meta, "finalizers"));
}

static void check_changes(const struct field *meta, const struct field *old, bool plain)
{
	static const char *const fixed[] = {"name",
					    "namespace",
					    "uid",
					    "creationTimestamp",
					    "deletionTimestamp",
					    "deletionGracePeriodSeconds"};

	if (*field_text(FIELD(old, "deletionTimestamp")))
		check_new_finalizers(FIELD(meta, "finalizers"), FIELD(old, "finalizers"));
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		field_immutable(FIELD(meta, fixed[i]), FIELD(old, fixed[i]));
	rule_labels(FIELD(meta, "labels"));
	rule_annotations(FIELD(meta, "annotations"));
	check_owners(FIELD(meta, "ownerReferences"));
	if (!plain)
		check_finalizer_owners(FIELD(meta, "finalizers"));
}

/*
 * An API server checks the metadata of an update once for all types, whole and what changed, and
 * then each type does it again as it likes, most of them the changes alone. The causes tell.
 */
void object_validate_meta(const struct field *object, const struct field *old,
			  const struct resource *r)
{
	const struct kind *kind = r->particulars;
	const struct field *meta = FIELD(object, "metadata"), *was;
	name_rule *rule = kind->name_rule ? kind->name_rule : name_dns_subdomain;
	unsigned rules = kind->metadata;
	bool plain = rules & METADATA_PLAIN;

	if (rules & METADATA_NONE || old)
		check_whole(meta, name_path_segment, true);
	else
		check_whole(meta, rule, plain);
	if (!old)
		return;
	was = FIELD(old, "metadata");
	check_changes(meta, was, true);
	if (rules & METADATA_NONE)
		return;
	if (rules & METADATA_WHOLE)
		check_whole(meta, rule, plain);
	if (rules & METADATA_TWICE)
		check_whole(meta, rule, plain);
	if (!(rules & METADATA_NO_CHANGES))
		check_changes(meta, was, plain);
}
