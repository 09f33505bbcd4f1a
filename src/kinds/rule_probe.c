/*
 * Probes and lifecycle hooks.
 */
#include "kinds/rules.h"
#include "object/json.h"

#include <string.h>

static void check_exec(const struct field *f, const struct field *spec)
{
	(void)spec;
	field_require(FIELD(f, "command"));
}

static void check_http(const struct field *f, const struct field *spec)
{
	static const char *const schemes[] = {"HTTP", "HTTPS", NULL};
	const struct field *headers = FIELD(f, "httpHeaders");

	(void)spec;
	field_require(FIELD(f, "path"));
	rule_port_or_name(FIELD(f, "port"));
	field_one_of(FIELD(f, "scheme"), schemes);
	field_each (headers, h)
		field_check_text(headers, json_path_string(h.value, "name"), name_http_header);
}

static void check_socket(const struct field *f, const struct field *spec)
{
	(void)spec;
	rule_port_or_name(FIELD(f, "port"));
}

static void check_sleep(const struct field *f, const struct field *spec)
{
	json_int_t grace = json_path_int(spec->value, "terminationGracePeriodSeconds", 0);
	json_int_t seconds = json_path_int(f->value, "seconds", 0);
	char *why free_ptr = NULL;

	if (seconds >= 0 && seconds <= grace)
		return;
	why = xasprintf("must be non-negative and less than terminationGracePeriodSeconds (%lld)",
			(long long)grace);
	field_invalid_int(f, seconds, why);
}

static const struct handler {
	const char *name;
	void (*check)(const struct field *f, const struct field *spec);
	bool probe, hook;
} handlers[] = {
	{"exec", check_exec, true, true},	 {"httpGet", check_http, true, true},
	{"tcpSocket", check_socket, true, true}, {"grpc", check_socket, true, false},
	{"sleep", check_sleep, false, true},
};

/* Exactly one way to do it. SPEC: of the pod, for a hook; NULL for a probe. */
static void check_handler(const struct field *f, const struct field *spec)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(handlers); i++) {
		const struct field *h = FIELD(f, handlers[i].name);

		if (!field_set(h) || !(spec ? handlers[i].hook : handlers[i].probe))
			continue;
		if (n++)
			field_forbidden(h, "may not specify more than 1 handler type");
		else
			handlers[i].check(h, spec);
	}
	if (!n)
		field_required(f, "must specify a handler type");
}

static void check_probe(const struct field *f)
{
	static const char *const numbers[] = {"initialDelaySeconds", "timeoutSeconds",
					      "periodSeconds", "successThreshold",
					      "failureThreshold"};
	const struct field *grace = FIELD(f, "terminationGracePeriodSeconds");

	check_handler(f, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		field_not_negative(FIELD(f, numbers[i]));
	if (field_set(grace) && field_int(grace) <= 0)
		field_invalid(grace, "must be greater than 0");
}

void rule_probes(const struct field *container)
{
	static const char *const names[] = {"livenessProbe", "readinessProbe", "startupProbe"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct field *f = FIELD(container, names[i]);
		bool readiness = strcmp(names[i], "readinessProbe") == 0;

		if (!field_set(f))
			continue;
		check_probe(f);
		if (!readiness && field_int(FIELD(f, "successThreshold")) != 1)
			field_invalid(FIELD(f, "successThreshold"), "must be 1");
		if (readiness && field_set(FIELD(f, "terminationGracePeriodSeconds")))
			field_invalid(FIELD(f, "terminationGracePeriodSeconds"),
				      "must not be set for readinessProbes");
	}
}

void rule_lifecycle(const struct field *f, const struct field *spec)
{
	static const char *const hooks[] = {"postStart", "preStop"};

	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
		if (field_set(FIELD(f, hooks[i])))
			check_handler(FIELD(f, hooks[i]), spec);
}
