#include "kinds/builtin.h"
#include "kinds/rules.h"
#include "kinds/warn.h"
#include "object/json.h"

#include <ctype.h>
#include <string.h>

/* podCIDR is the first of podCIDRs, and the one that counts where they differ. */
static void set_defaults(json_t *object)
{
	json_t *cidr = json_path(object, "spec.podCIDR"),
	       *list = json_path(object, "spec.podCIDRs");

	if (json_string_length(cidr) && !json_equal(cidr, json_array_get(list, 0)))
		json_path_set(object, "spec.podCIDRs", json_pack("[O]", cidr));
	else if (json_array_size(list) && !json_string_length(cidr))
		json_path_set(object, "spec.podCIDR", json_incref(json_array_get(list, 0)));
	if (json_path(object, "status.capacity") && !json_path(object, "status.allocatable"))
		json_path_set(object, "status.allocatable",
			      json_deep_copy(json_path(object, "status.capacity")));
}

/* The settings of kubelets are theirs again. */
static void prepare(json_t *object, const json_t *old)
{
	if (!json_path(old, "spec.configSource"))
		json_path_del(object, "spec.configSource");
	if (!json_path(old, "status.config"))
		json_path_del(object, "status.config");
}

static void check_taints(const struct field *o)
{
	struct field taints = *FIELD(o, "spec.taints");
	const struct field *meta = FIELD(o, "metadata");
	struct seen seen CLEANUP(seen_release) = SEEN_INIT;

	taints.up = meta;
	taints.name = "taints";
	field_each (&taints, t) {
		const struct field *key = FIELD(&t, "key"), *effect = FIELD(&t, "effect");
		char *pair free_ptr = xasprintf("%s/%s", field_text(effect), field_text(key));

		field_check(key, name_qualified);
		field_check(FIELD(&t, "value"), name_label_value);
		rule_taint_effect(effect, true);
		if (seen_add(&seen, pair))
			field_duplicate(&t);
	}
}

static void check_amounts(const struct field *f)
{
	field_each_key (f, a) {
		struct field told = a;

		told.name = a.key;
		told.key = NULL;
		rule_resource_amount(&told, a.key);
	}
}

/* MyFeature/mySubFeature */
static bool is_feature(const char *s)
{
	if (!(*s >= 'A' && *s <= 'Z') || strlen(s) > 253)
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !(*s == '/' && isalpha((unsigned char)s[1])))
			return false;
	return true;
}

static void check_features(const struct field *f)
{
	field_each (f, feature) {
		const char *before =
			feature.index
				? json_string_value(json_array_get(f->value, feature.index - 1))
				: NULL;
		int order = before ? strcmp(before, field_text(&feature)) : -1;

		if (!is_feature(field_text(&feature)))
			field_invalid(&feature,
				      "invalid feature name: must start with an UpperCamelCase "
				      "segment, with subsequent segments separated by '/'");
		if (!order)
			field_duplicate(&feature);
		else if (order > 0)
			field_invalid(&feature, "list must be sorted alphabetically");
	}
}

static void check_cidrs(const struct field *f)
{
	unsigned met[3] = {0};

	field_each (f, cidr) {
		rule_cidr_legacy(&cidr);
		met[cidr_family_of(field_text(&cidr))]++;
	}
	if (field_size(f) > 1 && met[IP_NONE])
		field_internal(f, "invalid PodCIDRs. failed to check with dual stack");
	if (met[IP_V4] > 1 || met[IP_V6] > 1 || (field_size(f) > 1 && met[IP_NONE]))
		field_invalid(f, "may specify no more than one CIDR for each IP family");
}

/* A first CIDR may be given to a node, and each that differs afterwards is told of. */
static void check_cidr_changes(const struct field *f, const struct field *old)
{
	static const char why[] = "node updates may not change podCIDR except from \"\" to valid";

	if (field_size(old) && field_size(f) != field_size(old))
		field_forbidden(f, why);
	else
		field_each (old, cidr)
			if (!field_same(&cidr, FIELD_INDEX(f, cidr.index)))
				field_forbidden(f, why);
}

static void check_changes(const struct field *o, const struct field *old)
{
	const struct field *spec = FIELD(o, "spec"), *was = FIELD(old, "spec");
	const struct field *cidrs = FIELD(spec, "podCIDRs"), *provider = FIELD(spec, "providerID");
	const struct field *addresses = FIELD(o, "status.addresses");
	struct seen seen CLEANUP(seen_release) = SEEN_INIT;

	field_each (addresses, a) {
		char *pair free_ptr = xasprintf("%s/%s", json_path_string(a.value, "type"),
						json_path_string(a.value, "address"));

		if (seen_add(&seen, pair))
			field_duplicate(&a);
	}
	check_cidr_changes(cidrs, FIELD(was, "podCIDRs"));
	if (!field_same(FIELD(spec, "externalID"), FIELD(was, "externalID")))
		field_forbidden(FIELD(spec, "externalID"), "may not be updated");
	if (*field_text(FIELD(was, "providerID")) &&
	    !field_same(provider, FIELD(was, "providerID")))
		field_forbidden(provider,
				"node updates may not change providerID except from \"\" to valid");
}

static void check_whole(const struct field *o)
{
	check_taints(o);
	check_amounts(FIELD(o, "status.capacity"));
	check_amounts(FIELD(o, "status.allocatable"));
	check_features(FIELD(o, "status.declaredFeatures"));
}

/* Where that is told is the server's own idea. */
static void check_swap(const struct field *o)
{
	struct field told = field_member(FIELD(o, "metadata"), "nodeSwapStatus.capacity");

	told.value = json_path(o->value, "status.nodeInfo.swap.capacity");
	if (field_set(&told))
		field_positive(&told);
}

static void validate(const struct field *o, const struct field *old)
{
	check_whole(o);
	check_swap(o);
	check_cidrs(FIELD(o, "spec.podCIDRs"));
	if (!old)
		return;
	/* An API server does so, and the causes tell. */
	check_whole(o);
	check_changes(o, old);
}

static void validate_subresource(const struct field *o, const struct field *old, const char *name)
{
	(void)name;
	check_whole(o);
	check_changes(o, old);
}

static const struct selectable selectable[] = {
	{.field = "spec.unschedulable", .zero = "false"},
	{0},
};

static void warn(const struct field *o, const struct field *old)
{
	const struct field *cidrs = FIELD(FIELD(o, "spec"), "podCIDRs");

	(void)old;
	field_each (cidrs, cidr)
		warn_cidr(&cidr);
	if (field_set(FIELD(o, "spec.configSource")))
		field_warn(FIELD(o, "spec.configSource"), "the feature is removed");
	if (*field_text(FIELD(o, "spec.externalID")))
		field_warn(FIELD(o, "spec.externalID"),
			   "this field is deprecated, and is unused by Kubernetes");
}

const struct kind kind_node = {
	.group = "",
	.kind = "Node",
	.set_defaults = set_defaults,
	.prepare = prepare,
	.validate = validate,
	.warn = warn,
	.validate_subresource = validate_subresource,
	.no_generation = true,
	.selectable = selectable,
	.metadata = METADATA_WHOLE,
};
