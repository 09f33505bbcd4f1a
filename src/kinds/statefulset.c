#include "kinds/builtin.h"
#include "kinds/fill.h"
#include "kinds/rules.h"
#include "kinds/warn.h"
#include "object/json.h"

#include <string.h>

static void set_defaults(json_t *object)
{
	json_t *spec = fill_spec(object), *claim;
	json_t *strategy = fill_object(spec, "updateStrategy"), *rolling;
	size_t i;

	fill_template(spec);
	/* Who names the type says all that there is. */
	if (!*json_path_string(strategy, "type")) {
		fill_text(strategy, "type", "RollingUpdate");
		fill_object(strategy, "rollingUpdate");
	}
	rolling = json_object_get(strategy, "rollingUpdate");
	if (json_is_object(rolling) &&
	    strcmp(json_path_string(strategy, "type"), "RollingUpdate") == 0)
		fill_int(rolling, "partition", 0);
	json_array_foreach (json_object_get(spec, "volumeClaimTemplates"), i, claim) {
		if (!json_is_object(claim))
			continue;
		fill_text(claim, "apiVersion", "v1");
		fill_text(claim, "kind", "PersistentVolumeClaim");
		fill_object(claim, "metadata");
		fill_claim_spec(fill_spec(claim));
		fill_text(fill_object(claim, "status"), "phase", "Pending");
	}
}

/* The status counts available replicas even when there are none. */
static void prepare(json_t *object, const json_t *old)
{
	if (!old)
		json_path_set(object, "status.availableReplicas", json_integer(0));
}

static void check_rolling(const struct field *f)
{
	const struct field *max = FIELD(f, "maxUnavailable");

	field_not_negative(FIELD(f, "partition"));
	if (!field_set(max))
		return;
	rule_count_or_percent(max);
	if (!count_or_percent(max))
		field_invalid(max, "cannot be 0");
	rule_not_more_than_100_percent(max);
}

static void check_strategy(const struct field *f)
{
	const struct field *type = FIELD(f, "type"), *rolling = FIELD(f, "rollingUpdate");

	if (!*field_text(type))
		field_required(f, NULL);
	else if (field_is(type, "RollingUpdate"))
		check_rolling(rolling);
	else if (!field_is(type, "OnDelete"))
		field_invalid(f, "must be 'RollingUpdate' or 'OnDelete'");
	else if (field_set(rolling))
		field_invalid(rolling, "only allowed for updateStrategy 'RollingUpdate'");
}

static void check_management(const struct field *f)
{
	static const char *const policies[] = {"OrderedReady", "Parallel", NULL};

	if (field_require(f) && !text_is_one_of(field_text(f), policies))
		field_invalid(f, "must be 'OrderedReady' or 'Parallel'");
}

/* The template's spec as its pods will have it: with volumes for the set's claims. */
static json_t *with_claims(const struct field *spec)
{
	const struct field *claims = FIELD(spec, "volumeClaimTemplates");
	json_t *template = json_copy((json_t *)FIELD(spec, "template")->value);
	json_t *pod = json_copy(json_object_get(template, "spec"));
	json_t *volumes = json_array(), *v;
	struct seen names CLEANUP(seen_release) = SEEN_INIT;
	size_t i;

	field_each (claims, claim) {
		const char *name = json_path_string(claim.value, "metadata.name");

		if (!seen_add(&names, name))
			json_array_append_new(volumes, json_pack("{s:s,s:{s:s}}", "name", name,
								 "persistentVolumeClaim",
								 "claimName", name));
	}
	json_array_foreach (json_object_get(pod, "volumes"), i, v)
		if (!seen_has(&names, json_path_string(v, "name")))
			json_array_append(volumes, v);
	json_object_set_new(pod, "volumes", volumes);
	json_object_del(pod, "hostname");
	json_object_del(pod, "subdomain");
	json_object_set_new(template, "spec", pod);
	return template;
}

/* Metadata of the template is looked at twice, as the server does. */
static void check_template(const struct field *spec)
{
	struct field template = *FIELD(spec, "template");
	const struct field *pod = FIELD(&template, "spec");
	struct field labels = *FIELD(&template, "metadata.labels");
	struct field annotations = *FIELD(&template, "metadata.annotations");
	json_t *whole json_auto = with_claims(spec);

	template.value = whole;
	rule_lasting_template(&template, "StatefulSet");
	labels.name = "labels";
	annotations.name = "annotations";
	rule_labels(&labels);
	rule_annotations(&annotations);
	rule_pod_annotations(&annotations, pod);
}

static void check_spec(const struct field *spec, bool create)
{
	static const char *const policies[] = {"Retain", "Delete", NULL};
	static const char *const counts[] = {"replicas", "minReadySeconds", NULL};
	const struct field *retention = FIELD(spec, "persistentVolumeClaimRetentionPolicy");
	const struct field *claims = FIELD(spec, "volumeClaimTemplates");

	check_management(FIELD(spec, "podManagementPolicy"));
	check_strategy(FIELD(spec, "updateStrategy"));
	if (field_set(retention)) {
		field_one_of(FIELD(retention, "whenDeleted"), policies);
		field_one_of(FIELD(retention, "whenScaled"), policies);
	}
	rule_counts(spec, counts);
	field_not_negative(FIELD(spec, "ordinals.start"));
	if (create) {
		field_each (claims, claim)
			rule_claim_spec(FIELD(&claim, "spec"), false);
		field_check_optional(FIELD(spec, "serviceName"), name_dns_label);
	}
	if (rule_workload_selector(spec, "statefulset"))
		check_template(spec);
}

static void validate(const struct field *o, const struct field *old)
{
	static const char *const may_change[] = {"replicas",
						 "template",
						 "updateStrategy",
						 "minReadySeconds",
						 "ordinals",
						 "revisionHistoryLimit",
						 "persistentVolumeClaimRetentionPolicy"};
	json_t *a json_auto = NULL;
	json_t *b json_auto = NULL;

	check_spec(FIELD(o, "spec"), !old);
	if (!old)
		return;
	a = json_copy(json_path(o->value, "spec"));
	b = json_copy(json_path(old->value, "spec"));
	for (size_t i = 0; i < ARRAY_SIZE(may_change); i++) {
		json_object_del(a, may_change[i]);
		json_object_del(b, may_change[i]);
	}
	if (!json_equal(a, b))
		field_forbidden(
			FIELD(o, "spec"),
			"updates to statefulset spec for fields other than 'replicas', "
			"'ordinals', 'template', 'updateStrategy', "
			"'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and "
			"'minReadySeconds' are forbidden");
}

static const struct replicas_status status = {
	.counts = (const char *const[]){"replicas", "readyReplicas", "currentReplicas",
					"updatedReplicas", "availableReplicas",
					"observedGeneration", NULL},
	.parts = (const char *const[]){"readyReplicas", "currentReplicas", "updatedReplicas",
				       "availableReplicas", NULL},
	.above_ready = "cannot be greater than status.readyReplicas",
	.collisions = true,
};

static void validate_subresource(const struct field *o, const struct field *old, const char *name)
{
	if (strcmp(name, "status") == 0)
		rule_replicas_status(FIELD(o, "status"), FIELD(old, "status"), &status);
	else
		validate(o, old);
}

static void warn(const struct field *o, const struct field *old)
{
	const struct field *spec = FIELD(o, "spec"), *claims = FIELD(spec, "volumeClaimTemplates");

	if (!old || is_new_generation(o, old))
		warn_pod(FIELD(spec, "template"), true);
	field_each (claims, claim) {
		struct field told = old ? field_member(&claim, "Spec") : claim;

		told.value = FIELD(&claim, "spec")->value; /* whatever the server calls it */
		warn_claim_spec(&told);
	}
	if (field_int(FIELD(spec, "revisionHistoryLimit")) < 0)
		field_warn(FIELD(spec, "revisionHistoryLimit"),
			   "a negative value retains all historical revisions; a value >= 0 is "
			   "recommended");
}

const struct kind kind_statefulset = {
	.group = "apps",
	.kind = "StatefulSet",
	.set_defaults = set_defaults,
	.prepare = prepare,
	.validate = validate,
	.warn = warn,
	.validate_subresource = validate_subresource,
	.name_rule = name_dns_label,
	.empty = "{\"spec\":{\"replicas\":0}}",
	.shown_empty = {"spec.template.metadata.labels"},
};
