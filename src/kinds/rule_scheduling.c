/*
 * Where a pod may go: affinity, tolerations, spread, gates.
 */
#include "kinds/rules.h"
#include "object/json.h"

#include <string.h>

static const char required[] = "requiredDuringSchedulingIgnoredDuringExecution";
static const char preferred[] = "preferredDuringSchedulingIgnoredDuringExecution";

static void check_weight(const struct field *f)
{
	if (field_int(f) < 1 || field_int(f) > 100)
		field_invalid_int(f, field_int(f), "must be in the range 1-100");
}

static void check_node_affinity(const struct field *f)
{
	const struct field *must = FIELD(f, required), *may = FIELD(f, preferred);

	if (field_set(must))
		rule_node_selector(must);
	field_each (may, term) {
		check_weight(FIELD(&term, "weight"));
		rule_node_selector_term(FIELD(&term, "preference"), true);
	}
}

static void check_term(const struct field *f)
{
	const struct field *namespaces = FIELD(f, "namespaces"), *key = FIELD(f, "topologyKey");

	rule_label_selector(FIELD(f, "labelSelector"));
	rule_label_selector(FIELD(f, "namespaceSelector"));
	field_each (namespaces, n)
		field_check_text(FIELD(f, "namespace"), field_text(&n), name_dns_label);
	rule_match_label_keys(f);
	if (!*field_text(key))
		field_required(key, "can not be empty");
	field_check(key, name_qualified);
}

static void check_pod_affinity(const struct field *f)
{
	const struct field *must = FIELD(f, required), *may = FIELD(f, preferred);

	field_each (must, term)
		check_term(&term);
	field_each (may, term) {
		check_weight(FIELD(&term, "weight"));
		check_term(FIELD(&term, "podAffinityTerm"));
	}
}

void rule_affinity(const struct field *f)
{
	check_node_affinity(FIELD(f, "nodeAffinity"));
	check_pod_affinity(FIELD(f, "podAffinity"));
	check_pod_affinity(FIELD(f, "podAntiAffinity"));
}

/* Complaints about a value are made at the operator, as the server does. */
static void check_toleration_value(const struct field *t)
{
	static const char *const all[] = {"Equal", "Exists", "Lt", "Gt", NULL};
	static const char *const usual[] = {"Equal", "Exists", NULL};
	const struct field *op = FIELD(t, "operator");
	const char *value = json_path_string(t->value, "value");
	const char *why[NAME_PROBLEMS];
	size_t n;

	if (!*field_text(op) || field_is(op, "Equal")) {
		n = name_label_value(value, why);
		if (n)
			field_invalid_text(op, value, why[0]);
	} else if (field_is(op, "Exists")) {
		if (*value)
			field_invalid_text(op, value,
					   "value must be empty when `operator` is 'Exists'");
	} else {
		field_not_supported(op, text_is_one_of(field_text(op), all) ? all : usual);
	}
}

void rule_tolerations(const struct field *f)
{
	field_each (f, t) {
		const struct field *key = FIELD(&t, "key"), *op = FIELD(&t, "operator");
		const struct field *effect = FIELD(&t, "effect");

		field_check_optional(key, name_qualified);
		if (!*field_text(key) && !field_is(op, "Exists"))
			field_invalid_text(op, field_text(op),
					   "operator must be Exists when `key` is empty, which "
					   "means \"match all values and all keys\"");
		if (field_set(FIELD(&t, "tolerationSeconds")) && !field_is(effect, "NoExecute"))
			field_invalid_text(effect, field_text(effect),
					   "effect must be 'NoExecute' when `tolerationSeconds` is "
					   "set");
		check_toleration_value(&t);
		rule_taint_effect(effect, false);
	}
}

static void check_min_domains(const struct field *f, const char *action)
{
	char *why free_ptr = NULL;

	if (!field_set(f))
		return;
	field_positive(f);
	if (strcmp(action, "DoNotSchedule") == 0)
		return;
	why = xasprintf("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not %s",
			action);
	field_invalid(f, why);
}

static void check_constraint(const struct field *c)
{
	static const char *const actions[] = {"DoNotSchedule", "ScheduleAnyway", NULL};
	static const char *const policies[] = {"Honor", "Ignore", NULL};
	static const char *const members[] = {"nodeAffinityPolicy", "nodeTaintsPolicy"};
	const struct field *key = FIELD(c, "topologyKey"), *action = FIELD(c, "whenUnsatisfiable");

	field_positive(FIELD(c, "maxSkew"));
	if (!*field_text(key))
		field_required(key, "can not be empty");
	field_one_of(action, actions);
	check_min_domains(FIELD(c, "minDomains"), field_text(action));
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (field_set(FIELD(c, members[i])))
			field_one_of(FIELD(c, members[i]), policies);
	rule_match_label_keys(c);
	rule_label_selector(FIELD(c, "labelSelector"));
}

/* Each that has another like it further on is told, so the last one first. */
static void check_repeats(const struct field *f)
{
	struct seen seen CLEANUP(seen_release) = SEEN_INIT;

	for (size_t i = field_size(f); i-- > 0;) {
		const struct field *c = FIELD_INDEX(f, i);
		char *pair free_ptr =
			xasprintf("{%s, %s}", json_path_string(c->value, "topologyKey"),
				  json_path_string(c->value, "whenUnsatisfiable"));
		struct field at = field_member(c, "whenUnsatisfiable");

		at.name = "{topologyKey, whenUnsatisfiable}";
		if (seen_add(&seen, pair))
			field_duplicate_text(&at, pair);
	}
}

void rule_topology_spread(const struct field *f)
{
	field_each (f, c)
		check_constraint(&c);
	if (field_size(f) > 1)
		check_repeats(f);
}

void rule_scheduling_gates(const struct field *f)
{
	struct seen seen CLEANUP(seen_release) = SEEN_INIT;

	field_each (f, gate) {
		const char *name = json_path_string(gate.value, "name");

		field_check_text(&gate, name, name_qualified);
		if (seen_add(&seen, name))
			field_duplicate_text(&gate, name);
	}
}
