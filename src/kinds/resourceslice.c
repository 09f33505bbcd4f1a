/*
 * ResourceSlice: the devices that a driver has on a node, or for several.
 */
#include "kinds/builtin.h"
#include "kinds/rules.h"
#include "object/json.h"
#include "object/time.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#define DEVICES_MAX 128
#define DEVICES_MAX_ADVANCED 64
#define COUNTER_SETS_MAX 8
#define COUNTERS_MAX 32
#define CONSUMPTIONS_MAX 2
#define ATTRIBUTES_MAX 32
#define TAINTS_MAX 16
#define VALUE_MAX 64
#define OPTIONS_MAX 10

/* "1", "10"; with LETTERS "alpha-1" too, and what is nothing but digits as before. */
static const char *skip_identifier(const char *p, bool letters, bool any)
{
	const char *begin = p;
	bool digits = true;

	for (; isdigit((unsigned char)*p) || (letters && (isalpha((unsigned char)*p) || *p == '-'));
	     p++)
		digits = digits && isdigit((unsigned char)*p);
	if (p == begin || (!any && digits && *begin == '0' && p > begin + 1))
		return NULL;
	return p;
}

static const char *skip_list(const char *p, bool any)
{
	do {
		p = skip_identifier(p + 1, true, any);
	} while (p && *p == '.');
	return p;
}

static bool is_version(const char *p)
{
	for (int i = 0; i < 3 && p; i++) {
		p = skip_identifier(p, false, false);
		if (p && i < 2)
			p = *p == '.' ? p + 1 : NULL;
	}
	if (p && *p == '-')
		p = skip_list(p, false);
	if (p && *p == '+')
		p = skip_list(p, true);
	return p && !*p;
}

static void check_attribute(const struct field *f)
{
	static const char *const forms[] = {"bool", "int", "string", "version"};
	const struct field *text = FIELD(f, "string"), *version = FIELD(f, "version");
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		n += field_set(FIELD(f, forms[i]));
	if (strlen(field_text(text)) > VALUE_MAX)
		field_too_long(text, VALUE_MAX);
	if (field_set(version) && !is_version(field_text(version)))
		field_invalid(version, "must be a string compatible with semver.org spec 2.0.0");
	if (strlen(field_text(version)) > VALUE_MAX)
		field_too_long(version, VALUE_MAX);
	if (n == 0)
		field_invalid_text(f, "", "exactly one value must be specified");
	else if (n > 1)
		field_invalid(f, "exactly one value must be specified");
}

static void check_order(const struct field *values)
{
	struct quantity last, q;
	bool first = true;

	field_each (values, v) {
		if (!field_quantity(&v, &q))
			continue;
		if (!first && quantity_compare(&last, &q) > 0)
			field_invalid(&v, "values must be sorted in ascending order");
		last = q;
		first = false;
	}
}

static void check_sorted(const struct field *values, const struct quantity *most,
			 const struct quantity *wanted, const struct field *fallback)
{
	struct seen met CLEANUP(seen_release) = SEEN_INIT;
	struct quantity q;
	bool found = false;

	check_order(values);
	if (rule_count_limit(values, OPTIONS_MAX))
		field_each (values, v) {
			char *whole free_ptr = NULL;

			if (!field_quantity(&v, &q))
				continue;
			whole = xasprintf("%" PRId64, quantity_value(&q));
			if (quantity_compare(&q, most) > 0)
				field_invalid(&v, "option is larger than capacity value");
			found = found || quantity_compare(&q, wanted) == 0;
			if (seen_add(&met, whole))
				field_duplicate_text(&v, whole);
		}
	if (!found)
		field_invalid_text(values, field_text(fallback),
				   "default value is not valid according to the requestPolicy");
}

/* VALUE is told where it is not LOW and some steps. */
static void check_steps(const struct field *step, const struct quantity *low,
			const struct field *value)
{
	struct quantity q, size;

	if (!field_quantity(value, &q) || !field_quantity(step, &size) || !quantity_value(&size))
		return;
	if ((quantity_value(&q) - quantity_value(low)) % quantity_value(&size))
		field_invalid_text(step, field_text(value),
				   "value is not a multiple of a given step");
}

static void check_step(const struct field *range, const struct quantity *most,
		       const struct quantity *low, const struct field *fallback)
{
	const struct field *step = FIELD(range, "step");
	struct quantity sum = *low, size;

	if (!field_quantity(step, &size))
		return;
	quantity_add(&sum, &size);
	if (quantity_compare(&sum, most) > 0)
		field_invalid(step, "one step is larger than capacity value");
	check_steps(step, low, fallback);
	check_steps(step, low, FIELD(range, "max"));
}

static void check_max(const struct field *range, const struct quantity *most,
		      const struct quantity *wanted, const struct quantity *low,
		      const struct field *fallback)
{
	const struct field *max = FIELD(range, "max");
	struct quantity high;

	if (!field_quantity(max, &high))
		return;
	if (quantity_compare(low, &high) > 0)
		field_invalid_text(max, field_text(FIELD(range, "min")), "min is larger than max");
	if (quantity_compare(&high, most) > 0)
		field_invalid(max, "max is larger than capacity value");
	if (quantity_compare(wanted, &high) > 0)
		field_invalid_text(max, field_text(fallback), "default is more than max");
}

static void check_range(const struct field *range, const struct quantity *most,
			const struct quantity *wanted, const struct field *fallback)
{
	const struct field *min = FIELD(range, "min");
	struct quantity low;

	if (!field_quantity(min, &low)) {
		field_required(min, "required when validRange is defined");
		return;
	}
	if (quantity_compare(&low, most) > 0)
		field_invalid(min, "min is larger than capacity value");
	if (quantity_compare(wanted, &low) < 0)
		field_invalid_text(min, field_text(fallback), "default is less than min");
	check_max(range, most, wanted, &low, fallback);
	check_step(range, most, &low, fallback);
}

static void check_capacity(const struct field *f, bool shared)
{
	const struct field *policy = FIELD(f, "requestPolicy");
	const struct field *values = FIELD(policy, "validValues"),
			   *range = FIELD(policy, "validRange");
	const struct field *fallback = FIELD(policy, "default");
	struct quantity most = {0}, wanted;

	if (!field_set(policy))
		return;
	field_quantity(FIELD(f, "value"), &most);
	if (!shared)
		field_forbidden(policy, "allowMultipleAllocations must be true");
	else if (field_size(values) && field_set(range))
		field_forbidden(policy, "exactly one policy can be specified, cannot specify "
					"\"validValues\" and \"validRange\" at the same time");
	else if (!field_size(values) && !field_set(range))
		return;
	else if (!field_quantity(fallback, &wanted))
		field_required(fallback, field_size(values)
						 ? "required when validValues is defined"
						 : "required when validRange is defined");
	else if (field_size(values))
		check_sorted(values, &most, &wanted, fallback);
	else
		check_range(range, &most, &wanted, fallback);
}

static void check_counters(const struct field *f, const char *name)
{
	const struct field *set = FIELD(f, name), *counters = FIELD(f, "counters");

	if (field_require(set))
		field_check(set, name_dns_label);
	if (!field_size(counters)) {
		field_required(counters, NULL);
		return;
	}
	if (rule_count_limit(counters, COUNTERS_MAX))
		field_each_key (counters, c)
			field_check_text(counters, c.key, name_dns_label);
}

static void check_counter_sets(const struct field *list, const char *name, size_t max)
{
	struct seen met CLEANUP(seen_release) = SEEN_INIT;

	if (!rule_count_limit(list, max))
		return;
	field_each (list, s) {
		const char *text = field_text(FIELD(&s, name));

		check_counters(&s, name);
		if (seen_add(&met, text))
			field_duplicate_text(&s, text);
	}
}

/* One of the ways in which nodes are told, members of F. WHY: said of none or several. */
static void check_place(const struct field *f, const char *const *ways, const char *none,
			const char *several)
{
	struct str set CLEANUP(str_release) = STR_INIT;
	size_t n = 0;

	for (; *ways; ways++) {
		const struct field *way = FIELD(f, *ways);

		if (!field_set(way))
			continue;
		if (json_is_string(way->value) && !*field_text(way)) {
			field_invalid(way, "must be either unset or set to a non-empty string");
			continue;
		}
		if (json_is_false(way->value)) {
			field_invalid(way, "must be either unset or set to true");
			continue;
		}
		str_addf(&set, "%s`%s`", n++ ? ", " : "", *ways);
		if (json_is_string(way->value))
			field_check(way, name_dns_subdomain);
		if (json_is_object(way->value))
			rule_node_selector(way);
	}
	if (!n) {
		field_required(f, none);
	} else if (n > 1) {
		char *told free_ptr = xasprintf("{%s}", set.s);

		field_invalid_text(f, told, several);
	}
}

static void check_device_place(const struct field *f, bool each)
{
	static const char *const ways[] = {"nodeName", "nodeSelector", "allNodes", NULL};
	static const char why[] = "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is "
				  "required when `perDeviceNodeSelection` is set to true in the "
				  "ResourceSlice spec";

	if (each) {
		check_place(f, ways, why, why);
		return;
	}
	for (size_t i = 0; ways[i]; i++)
		if (field_set(FIELD(f, ways[i]))) {
			field_invalid_json(f, NULL,
					   "`nodeName`, `nodeSelector` and `allNodes` can only be "
					   "set if `perDeviceNodeSelection` is set to true in the "
					   "ResourceSlice spec");
			return;
		}
}

static void check_device(const struct field *f, bool each)
{
	const struct field *attributes = FIELD(f, "attributes"), *capacity = FIELD(f, "capacity");
	const struct field *taints = FIELD(f, "taints");
	size_t n = field_size(attributes) + field_size(capacity);

	field_check(FIELD(f, "name"), name_dns_label);
	if (n > ATTRIBUTES_MAX)
		field_invalid_int(
			f, (json_int_t)n,
			"the total number of attributes and capacities must not exceed 32");
	field_each_key (attributes, a) {
		rule_device_attribute_name(attributes, a.key, false);
		check_attribute(&a);
	}
	field_each_key (capacity, c) {
		rule_device_attribute_name(capacity, c.key, false);
		check_capacity(&c, field_bool(FIELD(f, "allowMultipleAllocations")));
	}
	if (rule_count_limit(taints, TAINTS_MAX))
		field_each (taints, t)
			rule_device_taint(&t);
	check_counter_sets(FIELD(f, "consumesCounters"), "counterSet", CONSUMPTIONS_MAX);
	check_device_place(f, each);
	rule_device_bindings(f);
}

static void check_devices(const struct field *list, bool each)
{
	struct seen met CLEANUP(seen_release) = SEEN_INIT;
	size_t max = DEVICES_MAX;

	field_each (list, d)
		if (field_size(FIELD(&d, "taints")) || field_size(FIELD(&d, "consumesCounters")))
			max = DEVICES_MAX_ADVANCED;
	if (!rule_count_limit(list, max))
		return;
	field_each (list, d) {
		const char *name = field_text(FIELD(&d, "name"));

		check_device(&d, each);
		if (seen_add(&met, name))
			field_duplicate_text(&d, name);
	}
}

static void check_pool(const struct field *f)
{
	const struct field *count = FIELD(f, "resourceSliceCount");
	const struct field *generation = FIELD(f, "generation");

	rule_device_pool(FIELD(f, "name"));
	if (field_int(count) <= 0)
		field_invalid_int(count, field_int(count), "must be greater than zero");
	if (field_int(generation) < 0)
		field_invalid(generation, "must be greater than or equal to zero");
}

static void validate(const struct field *o, const struct field *old)
{
	static const char *const ways[] = {"nodeName", "nodeSelector", "allNodes",
					   "perDeviceNodeSelection", NULL};
	static const char none[] = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, "
				   "`perDeviceNodeSelection` is required";
	static const char several[] = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, "
				      "`perDeviceNodeSelection` is required, but multiple fields "
				      "are set";
	static const char *const fixed[] = {"pool.name", "driver", "nodeName"};
	const struct field *spec = FIELD(o, "spec"), *terms;

	rule_csi_driver_name(FIELD(spec, "driver"));
	check_pool(FIELD(spec, "pool"));
	for (size_t i = 0; old && i < ARRAY_SIZE(fixed); i++)
		field_immutable(FIELD(spec, fixed[i]), FIELD(FIELD(old, "spec"), fixed[i]));
	check_place(spec, ways, none, several);
	terms = FIELD(spec, "nodeSelector.nodeSelectorTerms");
	if (field_set(FIELD(spec, "nodeSelector")) && field_size(terms) != 1)
		field_invalid(terms, "must have exactly one node selector term");
	if (field_set(FIELD(spec, "sharedCounters")) && field_set(FIELD(spec, "devices")))
		field_invalid_text(spec, "",
				   "only one of `sharedCounters` or `devices` is allowed");
	check_devices(FIELD(spec, "devices"), field_bool(FIELD(spec, "perDeviceNodeSelection")));
	check_counter_sets(FIELD(spec, "sharedCounters"), "name", COUNTER_SETS_MAX);
}

/* A taint counts from when it is first written. */
static void prepare_write(json_t *object, const json_t *old, const struct write_facts *facts)
{
	char now[TIME_TEXT];
	json_t *device, *taint;
	size_t i, j;

	(void)old;
	time_format(facts->now, now);
	json_array_foreach (json_path(object, "spec.devices"), i, device)
		json_array_foreach (json_object_get(device, "taints"), j, taint)
			if (!*json_path_string(taint, "timeAdded"))
				json_object_set_new(taint, "timeAdded", json_string(now));
}

static const struct selectable selectable[] = {
	{.field = "spec.nodeName"},
	{.field = "spec.driver"},
	{0},
};

static void warn(const struct field *o, const struct field *old)
{
	const struct field *driver = FIELD(o, "spec.driver");
	char *text free_ptr = NULL;

	(void)old;
	for (const char *c = field_text(driver); *c && !text; c++)
		if (isupper((unsigned char)*c))
			text = xasprintf("driver names should be lowercase; \"%s\" contains "
					 "uppercase characters",
					 field_text(driver));
	if (text)
		field_warn(driver, text);
}

const struct kind kind_resourceslice = {
	.group = "resource.k8s.io",
	.kind = "ResourceSlice",
	.prepare_write = prepare_write,
	.validate = validate,
	.selectable = selectable,
	.warn = warn,
};
