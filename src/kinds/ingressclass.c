#include "kinds/builtin.h"
#include "kinds/fill.h"
#include "kinds/rules.h"
#include "object/json.h"

#include <string.h>

#define CONTROLLER_MAX 250

static void set_defaults(json_t *object)
{
	json_t *parameters = json_path(object, "spec.parameters");

	if (json_is_object(parameters))
		fill_optional(parameters, "scope", "Cluster");
}

static void check_parameters(const struct field *f)
{
	static const char *const scopes[] = {"Cluster", "Namespace", NULL};
	const struct field *scope = FIELD(f, "scope"), *namespace = FIELD(f, "namespace");

	if (!field_set(f))
		return;
	rule_named_object(f);
	if (!field_set(scope))
		field_required(scope, NULL);
	if (!field_one_of(scope, scopes))
		return;
	if (field_is(scope, "Cluster") && field_set(namespace))
		field_forbidden(namespace, "`parameters.scope` is set to 'Cluster'");
	else if (field_is(scope, "Namespace") && field_set(namespace))
		field_check(namespace, name_dns_label);
	else if (field_is(scope, "Namespace"))
		field_required(namespace, "`parameters.scope` is set to 'Namespace'");
}

static void validate(const struct field *o, const struct field *old)
{
	const struct field *controller = FIELD(o, "spec.controller");

	if (old)
		field_immutable(controller, FIELD(old, "spec.controller"));
	if (strlen(field_text(controller)) > CONTROLLER_MAX)
		field_too_long(controller, CONTROLLER_MAX);
	rule_domain_prefixed_path(controller);
	check_parameters(FIELD(o, "spec.parameters"));
}

const struct kind kind_ingressclass = {
	.group = "networking.k8s.io",
	.kind = "IngressClass",
	.set_defaults = set_defaults,
	.validate = validate,
	.metadata = METADATA_WHOLE,
};
