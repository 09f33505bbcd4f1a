/*
 * Where a container's environment, and files of the downward API, come from.
 */
#include "kinds/rules.h"
#include "object/json.h"

#include <string.h>

/* What the downward API knows of a pod, in environments and in files. */
static const char *const env_fields[] = {"metadata.name",
					 "metadata.namespace",
					 "metadata.uid",
					 "spec.nodeName",
					 "spec.serviceAccountName",
					 "status.hostIP",
					 "status.hostIPs",
					 "status.podIP",
					 "status.podIPs",
					 NULL};
static const char *const file_fields[] = {"metadata.annotations", "metadata.labels",
					  "metadata.name",	  "metadata.namespace",
					  "metadata.uid",	  NULL};
static const char *const known_fields[] = {
	"metadata.annotations", "metadata.labels", "metadata.name",	 "metadata.namespace",
	"metadata.uid",		"spec.nodeName",   "spec.restartPolicy", "spec.serviceAccountName",
	"spec.schedulerName",	"status.phase",	   "status.hostIP",	 "status.hostIPs",
	"status.podIP",		"status.podIPs",   "spec.host",		 NULL};
static const char *const resources[] = {"limits.cpu",
					"limits.ephemeral-storage",
					"limits.memory",
					"requests.cpu",
					"requests.ephemeral-storage",
					"requests.memory",
					NULL};

/* metadata.labels['app']: checks the key. False: there is none. */
static bool check_subscript(const struct field *f, const char *path)
{
	const char *open = strstr(path, "['"), *close = path + strlen(path) - 2;
	bool labels = str_has_prefix(path, "metadata.labels['");
	bool annotations = str_has_prefix(path, "metadata.annotations['");
	char *key free_ptr = NULL;

	if (!open || close < open + 2 || strcmp(close, "']"))
		return false;
	if (!labels && !annotations) {
		field_invalid(FIELD(f, "fieldPath"), "error converting fieldPath: field label does "
						     "not support subscript");
		return true;
	}
	key = xstrndup(open + 2, (size_t)(close - open - 2));
	for (char *p = key; annotations && *p; p++)
		*p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
	field_check_text(f, key, name_qualified);
	return true;
}

static void check_field_ref(const struct field *f, const char *const *valid)
{
	const struct field *version = FIELD(f, "apiVersion"), *path = FIELD(f, "fieldPath");

	if (!field_require(version) || !field_require(path))
		return;
	if (!field_is(version, "v1")) {
		field_invalid(path, "error converting fieldPath: unsupported pod version");
		return;
	}
	if (check_subscript(f, field_text(path)))
		return;
	if (!text_is_one_of(field_text(path), known_fields))
		field_invalid(path, "error converting fieldPath: field label not supported");
	else if (!field_is(path, "spec.host"))
		field_one_of(path, valid);
}

static bool is_hugepage_ref(const char *resource)
{
	return str_has_prefix(resource, "requests.hugepages-") ||
	       str_has_prefix(resource, "limits.hugepages-");
}

static void check_divisor(const struct field *f, const char *resource)
{
	static const char *const cpu[] = {"1", "1m", NULL};
	static const char *const bytes[] = {"1",   "1k",  "1M",	 "1G",	"1T",  "1P",  "1E",
					    "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei", NULL};
	const struct field *divisor = FIELD(f, "divisor");
	bool is_cpu = str_has_suffix(resource, ".cpu");
	struct quantity q;

	if (!field_quantity(divisor, &q) || !q.nano ||
	    (!text_is_one_of(resource, resources) && !is_hugepage_ref(resource)))
		return;
	if (!text_is_one_of(field_text(divisor), is_cpu ? cpu : bytes))
		field_invalid_text(divisor, resource,
				   is_cpu ? "only divisor's values 1m and 1 are supported with the "
					    "cpu resource"
					  : "only divisor's values 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, "
					    "1Mi, 1Gi, 1Ti, 1Pi, 1Ei are supported with the "
					    "resource");
}

static void check_resource_ref(const struct field *f, bool in_volume)
{
	const struct field *resource = FIELD(f, "resource");

	if (in_volume && !*field_text(FIELD(f, "containerName")))
		field_required(FIELD(f, "containerName"), NULL);
	else if (field_require(resource) && !is_hugepage_ref(field_text(resource)))
		field_one_of(resource, resources);
	check_divisor(f, field_text(resource));
}

void rule_downward_refs(const struct field *f, bool in_volume)
{
	const struct field *field = FIELD(f, "fieldRef"), *resource = FIELD(f, "resourceFieldRef");

	if (field_set(field))
		check_field_ref(field, in_volume ? file_fields : env_fields);
	else if (field_set(resource))
		check_resource_ref(resource, in_volume);
	else
		field_required(f, "one of fieldRef and resourceFieldRef is required");
	if (field_set(field) && field_set(resource))
		field_invalid_text(f, "resource",
				   "fieldRef and resourceFieldRef can not be specified "
				   "simultaneously");
}

static void check_key_ref(const struct field *f)
{
	field_check(FIELD(f, "name"), name_dns_subdomain);
	field_check_required(FIELD(f, "key"), name_config_key);
}

static void check_file_ref(const struct field *f)
{
	field_check_required(FIELD(f, "key"), name_env_var);
	field_check_required(FIELD(f, "volumeName"), name_dns_label);
	if (field_require(FIELD(f, "path")))
		rule_no_backsteps(FIELD(f, "path"));
}

static void check_env_field(const struct field *f)
{
	check_field_ref(f, env_fields);
}

static void check_env_resource(const struct field *f)
{
	check_resource_ref(f, false);
}

static void check_value_from(const struct field *f, bool has_value)
{
	static const struct {
		const char *name;
		void (*check)(const struct field *f);
	} sources[] = {
		{"fieldRef", check_env_field},	    {"resourceFieldRef", check_env_resource},
		{"configMapKeyRef", check_key_ref}, {"secretKeyRef", check_key_ref},
		{"fileKeyRef", check_file_ref},
	};
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		const struct field *s = FIELD(f, sources[i].name);

		if (!field_set(s))
			continue;
		n++;
		sources[i].check(s);
	}
	if (!n)
		field_invalid_text(f, "",
				   "must specify one of: `fieldRef`, `resourceFieldRef`, "
				   "`configMapKeyRef`, `secretKeyRef` or `fileKeyRef`");
	else if (has_value)
		field_invalid_text(f, "", "may not be specified when `value` is not empty");
	else if (n > 1)
		field_invalid_text(f, "", "may not have more than one field specified at a time");
}

void rule_env(const struct field *f)
{
	field_each (f, v) {
		const struct field *from = FIELD(&v, "valueFrom");

		field_check_required(FIELD(&v, "name"), name_env_var);
		if (field_set(from))
			check_value_from(from, *field_text(FIELD(&v, "value")));
	}
}

void rule_env_from(const struct field *f)
{
	static const char *const sources[] = {"configMapRef", "secretRef"};

	field_each (f, v) {
		size_t n = 0;

		field_check_optional(FIELD(&v, "prefix"), name_env_var);
		for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
			const struct field *s = FIELD(&v, sources[i]);

			if (!field_set(s))
				continue;
			n++;
			if (field_require(FIELD(s, "name")))
				field_check(FIELD(s, "name"), name_dns_subdomain);
		}
		if (!n)
			field_invalid_text(f, "",
					   "must specify one of: `configMapRef` or `secretRef`");
		else if (n > 1)
			field_invalid_text(f, "",
					   "may not have more than one field specified at a time");
	}
}
