#include "kinds/builtin.h"
#include "kinds/rules.h"
#include "object/json.h"

#include <string.h>

static void check_service(const struct field *backend)
{
	const struct field *service = FIELD(backend, "service");
	struct field name = field_member(service, "name");
	const struct field *port_name = FIELD(service, "port.name");
	const struct field *number = FIELD(service, "port.number");

	field_check_required(&name, name_dns_label);
	if (*field_text(port_name) && field_int(number))
		field_invalid_text(backend, "", "cannot set both port name & port number");
	else if (*field_text(port_name))
		field_check(port_name, name_port);
	else if (field_int(number))
		rule_port(number);
	else
		field_required(backend, "port name or number is required");
}

static void check_backend(const struct field *f)
{
	const struct field *resource = FIELD(f, "resource"), *service = FIELD(f, "service");

	if (field_set(resource) && field_set(service))
		field_invalid_text(f, "", "cannot set both resource and service backends");
	else if (field_set(resource))
		rule_named_object(resource);
	else if (field_set(service))
		check_service(f);
	else
		field_invalid_text(f, "", "resource or service backend is required");
}

static void check_http_path(const struct field *f)
{
	static const char *const inside[] = {"//", "/./", "/../", "%2f", "%2F"};
	static const char *const ends[] = {"/..", "/."};
	const char *path = field_text(f);

	if (*path != '/')
		field_invalid_text(f, path, "must be an absolute path");
	for (size_t i = 0; i < ARRAY_SIZE(inside); i++)
		if (strstr(path, inside[i])) {
			char *why free_ptr = xasprintf("must not contain '%s'", inside[i]);

			field_invalid(f, why);
		}
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		if (str_has_suffix(path, ends[i])) {
			char *why free_ptr = xasprintf("cannot end with '%s'", ends[i]);

			field_invalid(f, why);
		}
}

static void check_path(const struct field *f)
{
	static const char *const types[] = {"Exact", "ImplementationSpecific", "Prefix", NULL};
	const struct field *type = FIELD(f, "pathType"), *path = FIELD(f, "path");

	if (!field_set(type)) {
		field_required(type, "pathType must be specified");
		return;
	}
	if (field_is(type, "Exact") || field_is(type, "Prefix"))
		check_http_path(path);
	else if (field_one_of(type, types) && *field_text(path) && *field_text(path) != '/')
		field_invalid(path, "must be an absolute path");
	check_backend(FIELD(f, "backend"));
}

static void check_host(const struct field *f)
{
	field_check(f, strchr(field_text(f), '*') ? name_wildcard_subdomain : name_dns_subdomain);
}

static void check_rules(const struct field *rules)
{
	field_each (rules, rule) {
		const struct field *host = FIELD(&rule, "host"), *http = FIELD(&rule, "http");
		const struct field *paths = FIELD(http, "paths");

		if (*field_text(host)) {
			if (ip_family_of(field_text(host)) != IP_NONE)
				field_invalid(host, "must be a DNS name, not an IP address");
			check_host(host);
		}
		if (field_set(http) && !field_size(paths))
			field_required(paths, NULL);
		field_each (paths, path)
			check_path(&path);
	}
}

static void check_tls(const struct field *tls)
{
	field_each (tls, t) {
		const struct field *hosts = FIELD(&t, "hosts");

		field_each (hosts, host)
			check_host(&host);
		field_check_optional(FIELD(&t, "secretName"), name_dns_subdomain);
	}
}

static void check_class(const struct field *o)
{
	static const char annotation[] = "kubernetes.io/ingress.class";
	const struct field *class = FIELD(o, "spec.ingressClassName");
	const struct field *said = FIELD_KEY(FIELD(o, "metadata.annotations"), annotation);
	const struct field *told = FIELD(FIELD(o, "annotations"), annotation);

	if (!field_set(class) || !said->value || field_is(said, field_text(class)))
		return;
	field_invalid_text(told, field_text(said),
			   "must match `ingressClassName` when both are specified");
}

static void validate(const struct field *o, const struct field *old)
{
	const struct field *spec = FIELD(o, "spec"), *rules = FIELD(spec, "rules");
	const struct field *backend = FIELD(spec, "defaultBackend");

	if (!field_size(rules) && !field_set(backend))
		field_invalid_json(spec, rules->value,
				   "either `defaultBackend` or `rules` must be specified");
	if (field_set(backend))
		check_backend(backend);
	check_rules(rules);
	check_tls(FIELD(spec, "tls"));
	if (field_set(FIELD(spec, "ingressClassName")))
		field_check(FIELD(spec, "ingressClassName"), name_dns_subdomain);
	if (!old)
		check_class(o);
}

static void validate_subresource(const struct field *o, const struct field *old, const char *name)
{
	if (strcmp(name, "status") == 0)
		load_balancer_status_validate(FIELD(o, "status.loadBalancer.ingress"), false);
	else
		validate(o, old);
}

static void warn(const struct field *o, const struct field *old)
{
	const struct field *class =
		FIELD_KEY(FIELD(o, "metadata.annotations"), "kubernetes.io/ingress.class");

	if (!old && class->value && !field_set(FIELD(o, "spec.ingressClassName")))
		field_warn(o,
			   "annotation \"kubernetes.io/ingress.class\" is deprecated, please use "
			   "'spec.ingressClassName' instead");
}

const struct kind kind_ingress = {
	.group = "networking.k8s.io",
	.kind = "Ingress",
	.validate = validate,
	.warn = warn,
	.validate_subresource = validate_subresource,
	.metadata = METADATA_WHOLE,
	.shown_empty = {"spec.rules", "spec.defaultBackend"},
};
