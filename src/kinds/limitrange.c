#include "kinds/builtin.h"
#include "kinds/fill.h"
#include "kinds/rules.h"
#include "object/json.h"

#include <string.h>

static void copy_missing(json_t *limit, const char *to, const char *from)
{
	const json_t *source = json_object_get(limit, from);
	const char *key;
	json_t *v;

	json_object_foreach ((json_t *)source, key, v)
		if (!json_object_get(fill_object(limit, to), key))
			json_object_set(fill_object(limit, to), key, v);
}

/* A container's default is its maximum, its default request the default, else the minimum. */
static void set_defaults(json_t *object)
{
	size_t i;
	json_t *limit;

	json_array_foreach (json_path(object, "spec.limits"), i, limit) {
		if (strcmp(json_path_string(limit, "type"), "Container"))
			continue;
		copy_missing(limit, "default", "max");
		copy_missing(limit, "defaultRequest", "default");
		copy_missing(limit, "defaultRequest", "min");
	}
}

static void check_type(const struct field *f)
{
	static const char *const types[] = {"Pod", "Container", "PersistentVolumeClaim", NULL};
	size_t before = field_errors_count(f->errors);

	field_check(f, name_qualified);
	if (field_errors_count(f->errors) == before && !strchr(field_text(f), '/') &&
	    !text_is_one_of(field_text(f), types))
		field_invalid(f, "must be a standard limit type or fully qualified");
}

static void check_names(const struct field *limit, const char *member, bool container)
{
	const struct field *amounts = FIELD(limit, member);

	field_each_key (amounts, a) {
		if (container)
			rule_container_resource_name(&a, a.key);
		else
			rule_resource_name(&a, a.key);
	}
}

/* Complains of AT's entry when LOW's amount is above HIGH's. */
static void check_order(const struct field *limit, const char *key, const char *low,
			const char *high, const char *at, const char *value_of)
{
	const struct field *l = FIELD_KEY(FIELD(limit, low), key);
	const struct field *h = FIELD_KEY(FIELD(limit, high), key);
	struct quantity a, b;
	char *why free_ptr = NULL;

	if (!field_quantity(l, &a) || !field_quantity(h, &b) || quantity_compare(&a, &b) <= 0)
		return;
	why = xasprintf("%s value %s is greater than %s value %s", low, field_text(l), high,
			field_text(h));
	field_invalid_json(FIELD_KEY(FIELD(limit, at), key),
			   FIELD_KEY(FIELD(limit, value_of), key)->value, why);
}

static void check_ratio(const struct field *limit, const char *key)
{
	const struct field *ratio = FIELD_KEY(FIELD(limit, "maxLimitRequestRatio"), key);
	struct quantity r, min, max, one = {0};

	one.nano = 1000000000;
	if (!field_quantity(ratio, &r))
		return;
	if (quantity_compare(&r, &one) < 0)
		field_invalid(ratio, "ratio is less than 1");
	if (!field_quantity(FIELD_KEY(FIELD(limit, "min"), key), &min) ||
	    !field_quantity(FIELD_KEY(FIELD(limit, "max"), key), &max) || !min.nano)
		return;
	if ((long double)r.nano / 1e9L > (long double)max.nano / (long double)min.nano)
		field_invalid(ratio, "ratio is greater than max/min");
}

static void check_amounts(const struct field *limit, const char *key, bool pod)
{
	const struct field *def = FIELD_KEY(FIELD(limit, "default"), key);
	const struct field *request = FIELD_KEY(FIELD(limit, "defaultRequest"), key);

	check_order(limit, key, "min", "max", "min", "min");
	if (!pod) {
		check_order(limit, key, "min", "defaultRequest", "defaultRequest",
			    "defaultRequest");
		check_order(limit, key, "defaultRequest", "max", "defaultRequest",
			    "defaultRequest");
		check_order(limit, key, "defaultRequest", "default", "defaultRequest",
			    "defaultRequest");
		check_order(limit, key, "min", "default", "default", "min");
		check_order(limit, key, "default", "max", "default", "max");
		if (!resource_may_overcommit(key) && def->value && request->value &&
		    !json_equal(def->value, request->value))
			field_invalid(request, "default value must equal to defaultRequest value");
	}
	check_ratio(limit, key);
}

static void check_limit(const struct field *limit)
{
	static const char *const members[] = {"max", "min", "default", "defaultRequest",
					      "maxLimitRequestRatio"};
	const struct field *type = FIELD(limit, "type");
	bool pod = field_is(type, "Pod"), container = pod || field_is(type, "Container");
	struct seen keys CLEANUP(seen_release) = SEEN_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		const struct field *amounts = FIELD(limit, members[i]);
		bool default_of_pod = pod && (i == 2 || i == 3);

		if (default_of_pod && field_size(amounts))
			field_forbidden(amounts, "may not be specified when `type` is 'Pod'");
		if (default_of_pod)
			continue;
		check_names(limit, members[i], container);
		field_each_key (amounts, a)
			if (!seen_add(&keys, a.key))
				check_amounts(limit, a.key, pod);
	}
	if (field_is(type, "PersistentVolumeClaim") && !json_path(limit->value, "min.storage") &&
	    !json_path(limit->value, "max.storage"))
		field_required(FIELD(limit, "limits"), "either minimum or maximum storage value is "
						       "required, but neither was provided");
}

static void validate(const struct field *o, const struct field *old)
{
	const struct field *limits = FIELD(o, "spec.limits");
	struct seen types CLEANUP(seen_release) = SEEN_INIT;

	(void)old;
	field_each (limits, limit) {
		const struct field *type = FIELD(&limit, "type");

		check_type(type);
		if (seen_add(&types, field_text(type)))
			field_duplicate_text(type, field_text(type));
		check_limit(&limit);
	}
}

/* One without a name is given a unique one. */
static void prepare(json_t *object, const json_t *old)
{
	if (!old && !*json_path_string(object, "metadata.name"))
		json_path_set(object, "metadata.name",
			      json_string(json_path_string(object, "metadata.uid")));
}

const struct kind kind_limitrange = {
	.group = "",
	.kind = "LimitRange",
	.prepare = prepare,
	.set_defaults = set_defaults,
	.validate = validate,
	.no_generation = true,
	.metadata = METADATA_WHOLE | METADATA_NO_CHANGES,
};
