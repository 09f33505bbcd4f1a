/*
 * What the types of dynamic resource allocation share: names of drivers, requests and pools,
 * selectors of devices, taints and tolerations, and what is configured of a device.
 */
#include "cel/cel.h"
#include "kinds/rules.h"
#include "object/json.h"

#include <string.h>

#define SELECTORS_MAX 32
#define EXPRESSION_MAX (10u << 10)
#define PARAMETERS_MAX (10u << 10)
#define ATTRIBUTES_MAX 32
#define IDENTIFIER_MAX 32
#define CONDITIONS_MAX 4

static void check_identifier(const struct field *f, const char *name)
{
	if (strlen(name) > IDENTIFIER_MAX)
		field_too_long(f, IDENTIFIER_MAX);
	field_check_text(f, name, name_c_identifier);
}

void rule_device_attribute_name(const struct field *f, const char *name, bool whole)
{
	const char *slash = strchr(name, '/');
	char *domain free_ptr = xstrndup(name, strcspn(name, "/"));
	json_t *text json_auto = json_string(domain);
	struct field place = *f;

	if (whole && !slash)
		field_invalid_text(f, name,
				   "a fully qualified name must be a domain and a name "
				   "separated by a slash");
	if (!slash) {
		check_identifier(f, name);
		return;
	}
	if (strchr(slash + 1, '/'))
		return;
	place.value = text;
	if (*domain)
		rule_csi_driver_name(&place);
	else
		field_invalid_text(f, "", "the domain must not be empty");
	if (slash[1])
		check_identifier(f, slash + 1);
	else
		field_invalid_text(f, "", "the name must not be empty");
}

static void check_conditions(const struct field *list, const struct seen *others)
{
	struct seen met CLEANUP(seen_release) = SEEN_INIT;

	if (!rule_count_limit(list, CONDITIONS_MAX))
		return;
	field_each (list, c) {
		field_check(&c, name_qualified);
		if (seen_add(&met, field_text(&c)))
			field_duplicate(&c);
		if (seen_has(others, field_text(&c)))
			field_invalid(&c, "bindingFailureConditions must not overlap with "
					  "bindingConditions");
	}
}

void rule_device_bindings(const struct field *f)
{
	const struct field *wanted = FIELD(f, "bindingConditions");
	const struct field *failed = FIELD(f, "bindingFailureConditions");
	struct seen names CLEANUP(seen_release) = SEEN_INIT, none CLEANUP(seen_release) = SEEN_INIT;

	check_conditions(wanted, &none);
	field_each (wanted, c)
		seen_add(&names, field_text(&c));
	check_conditions(failed, &names);
	if (field_size(failed) && !field_size(wanted))
		field_invalid(wanted,
			      "bindingConditions are required to use bindingFailureConditions");
	if (field_size(wanted) && !field_size(failed))
		field_invalid(failed,
			      "bindingFailureConditions are required to use bindingConditions");
}

void rule_device_pool(const struct field *f)
{
	const char *text = field_text(f);

	if (!field_require(f))
		return;
	if (strlen(text) > 253)
		field_too_long(f, 253);
	for (const char *p = text;; p += strcspn(p, "/") + 1) {
		char *part free_ptr = xstrndup(p, strcspn(p, "/"));

		field_check_text(f, part, name_dns_subdomain);
		if (!p[strcspn(p, "/")])
			return;
	}
}

/* What selectors speak of: a device's driver, and what that tells of it, by domain and name. */
static struct cel_type *device_type(struct arena *a)
{
	static const struct {
		const char *name;
		enum cel_kind kind, of;
	} members[] = {
		{"driver", CEL_STRING, CEL_ERROR},
		{"attributes", CEL_MAP, CEL_DYN},
		{"capacity", CEL_MAP, CEL_QUANTITY},
		{"allowMultipleAllocations", CEL_BOOL, CEL_ERROR},
	};
	struct cel_field *fields = arena_new(a, sizeof(*fields) * ARRAY_SIZE(members));
	struct cel_type *device = arena_new(a, sizeof(*device));

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		struct cel_type *inner, *outer;

		fields[i].name = fields[i].key = members[i].name;
		fields[i].type = &cel_types[members[i].kind];
		if (members[i].kind != CEL_MAP)
			continue;
		inner = cel_type_map(a, &cel_types[CEL_STRING], &cel_types[members[i].of]);
		outer = cel_type_map(a, &cel_types[CEL_STRING], inner);
		inner->max_size = outer->max_size = ATTRIBUTES_MAX;
		fields[i].type = outer;
	}
	*device = (struct cel_type){.kind = CEL_OBJECT,
				    .name = "kubernetes.DRADevice",
				    .fields = fields,
				    .n_fields = ARRAY_SIZE(members)};
	return device;
}

static void check_expression(const struct field *f)
{
	struct arena a CLEANUP(arena_release) = ARENA_INIT;
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct cel_variable device = {"device", device_type(&a)};
	struct cel_program *p CLEANUP(cel_program_free_cleanup) = NULL;
	const struct cel_type *type;
	char *why free_ptr = NULL;

	if (strlen(field_text(f)) > EXPRESSION_MAX) {
		field_too_long(f, EXPRESSION_MAX);
		return;
	}
	p = cel_compile(&device, 1, field_text(f), &err);
	if (!p) {
		why = xasprintf("compilation failed: %s", err->message);
		field_invalid_text(f, field_text(f), why);
		return;
	}
	type = cel_program_type(p);
	if (type->kind != CEL_BOOL && type->kind != CEL_DYN) {
		why = xasprintf("must evaluate to bool or the unknown type, not %s",
				cel_type_text(&a, type));
		field_invalid_text(f, field_text(f), why);
	} else if (cel_program_cost(p).max > CEL_CALL_BUDGET) {
		field_forbidden(f, "too complex, exceeds cost limit");
	}
}

bool rule_count_limit(const struct field *list, size_t max)
{
	if (field_size(list) > max)
		field_too_many(list, field_size(list), max);
	return field_size(list) <= max;
}

void rule_device_selectors(const struct field *list)
{
	if (!rule_count_limit(list, SELECTORS_MAX))
		return;
	field_each (list, s) {
		if (!field_set(FIELD(&s, "cel")))
			field_required(FIELD(&s, "cel"), NULL);
		else
			check_expression(FIELD(&s, "cel.expression"));
	}
}

static const char *const effects[] = {"NoExecute", "NoSchedule", "None", NULL};

void rule_device_taint(const struct field *f)
{
	field_check(FIELD(f, "key"), name_qualified);
	field_check_optional(FIELD(f, "value"), name_label_value);
	field_one_of_required(FIELD(f, "effect"), effects);
}

void rule_device_tolerations(const struct field *list)
{
	static const char *const operators[] = {"Equal", "Exists", NULL};

	field_each (list, t) {
		const struct field *operator= FIELD(&t, "operator"), *value = FIELD(&t, "value");

		field_check_optional(FIELD(&t, "key"), name_qualified);
		if (field_is(operator, "Equal"))
			field_check_optional(value, name_label_value);
		else if (field_is(operator, "Exists") && *field_text(value))
			field_invalid(value, "must be empty for operator `Exists`");
		field_one_of_required(operator, operators);
		field_one_of_optional(FIELD(&t, "effect"), effects);
	}
}

void rule_raw_object(const struct field *f)
{
	char *text free_ptr = NULL;

	if (!field_set(f)) {
		field_required(f, NULL);
		return;
	}
	text = json_to_text(f->value, JSON_COMPACT | JSON_ENCODE_ANY);
	if (text && strlen(text) > PARAMETERS_MAX)
		field_too_long(f, PARAMETERS_MAX);
	else if (!json_is_object(f->value))
		field_invalid_text(f, "<value omitted>", "must be a valid JSON object");
}

void rule_device_config(const struct field *f)
{
	const struct field *opaque = FIELD(f, "opaque");

	if (!field_set(opaque)) {
		field_required(opaque, NULL);
		return;
	}
	rule_csi_driver_name(FIELD(opaque, "driver"));
	rule_raw_object(FIELD(opaque, "parameters"));
}
