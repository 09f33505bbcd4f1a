/*
 * Small particulars of core types and their neighbours.
 */
#include "kinds/cells.h"
#include "object/json.h"

#include <openssl/evp.h>
#include <string.h>

static void namespace_prepare(json_t *object, const json_t *old)
{
	const char *name = json_path_string(object, "metadata.name");

	if (!old) {
		json_path_set(object, "spec.finalizers", json_pack("[s]", "kubernetes"));
		json_path_set(object, "status", json_pack("{s:s}", "phase", "Active"));
	}
	json_path_set(object, "metadata.labels[kubernetes.io/metadata.name]", json_string(name));
}

static const char *const namespace_selectable[] = {"status.phase", NULL};

/* stringData is written into data and never kept. */
static void secret_defaults(json_t *object)
{
	json_t *text = json_object_get(object, "stringData"), *v;
	const char *key;

	json_object_foreach (text, key, v) {
		size_t n = json_string_length(v);
		char *base64 free_ptr = xmalloc(n / 3 * 4 + 8);

		EVP_EncodeBlock((unsigned char *)base64,
				(const unsigned char *)json_string_value(v), (int)n);
		if (!json_object_get(object, "data"))
			json_object_set_new(object, "data", json_object());
		json_object_set_new(json_object_get(object, "data"), key, json_string(base64));
	}
	json_object_del(object, "stringData");
}

static bool is_config_key(const char *key)
{
	return *key && strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				   "-._") == strlen(key);
}

static void validate_keys(const json_t *object, const char *field, struct field_errors *errors)
{
	const char *key;
	json_t *v;

	json_object_foreach (json_object_get(object, field), key, v) {
		json_t *bad = json_string(key);

		if (!is_config_key(key))
			field_invalid(errors, bad,
				      "a valid config key must consist of alphanumeric characters, "
				      "'-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or "
				      "'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
				      "%s[%s]", field, key);
		else if (strcmp(key, "..") == 0 || strcmp(key, ".") == 0)
			field_invalid(errors, bad, key[1] ? "must not be '..'" : "must not be '.'",
				      "%s[%s]", field, key);
		if (strcmp(field, "data") == 0 && json_path(object, "binaryData") &&
		    json_object_get(json_path(object, "binaryData"), key))
			field_invalid(errors, bad, "duplicate of key present in binaryData",
				      "%s[%s]", field, key);
		json_decref(bad);
	}
}

static void check_immutable(const json_t *object, const json_t *old, struct field_errors *errors)
{
	static const char *const fields[] = {"data", "binaryData"};

	if (!old || !json_path_bool(old, "immutable", false))
		return;
	if (!json_path_bool(object, "immutable", false))
		field_forbidden(errors, "field is immutable when `immutable` is set", "immutable");
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		json_t *a = json_object_get(old, fields[i]),
		       *b = json_object_get(object, fields[i]);

		if (a != b && !(a && b && json_equal(a, b)))
			field_forbidden(errors, "field is immutable when `immutable` is set", "%s",
					fields[i]);
	}
}

static void validate_config(const json_t *object, const json_t *old, struct field_errors *errors)
{
	validate_keys(object, "data", errors);
	validate_keys(object, "binaryData", errors);
	check_immutable(object, old, errors);
}

static void validate_secret(const json_t *object, const json_t *old, struct field_errors *errors)
{
	const json_t *was = json_object_get(old, "type"), *is = json_object_get(object, "type");

	validate_config(object, old, errors);
	if (was && !(is && json_equal(was, is)))
		field_invalid(errors, is, "field is immutable", "type");
}

static const char *const secret_selectable[] = {"type", NULL};

static void claim_prepare(json_t *object, const json_t *old)
{
	if (old)
		return;
	if (!json_path(object, "metadata.finalizers"))
		json_path_set(object, "metadata.finalizers",
			      json_pack("[s]", "kubernetes.io/pvc-protection"));
	json_path_set(object, "status", json_pack("{s:s}", "phase", "Pending"));
}

static void volume_prepare(json_t *object, const json_t *old)
{
	const char *now = json_path_string(object, "metadata.creationTimestamp");

	if (old)
		return;
	if (!json_path(object, "metadata.finalizers"))
		json_path_set(object, "metadata.finalizers",
			      json_pack("[s]", "kubernetes.io/pv-protection"));
	json_path_set(object, "status",
		      json_pack("{s:s,s:s}", "phase", "Pending", "lastPhaseTransitionTime", now));
}

static void copy_missing(json_t *limit, const char *to, const char *from)
{
	const json_t *source = json_object_get(limit, from);
	const char *key;
	json_t *v;

	json_object_foreach ((json_t *)source, key, v) {
		if (!json_object_get(limit, to))
			json_object_set_new(limit, to, json_object());
		if (!json_object_get(json_object_get(limit, to), key))
			json_object_set(json_object_get(limit, to), key, v);
	}
}

/* A container's default is its maximum, its default request the default, else the minimum. */
static void limitrange_defaults(json_t *object)
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

static void hpa_defaults(json_t *object)
{
	if (!json_path(object, "spec.metrics"))
		json_path_set(object, "spec.metrics",
			      json_pack("[{s:s,s:{s:s,s:{s:s,s:i}}}]", "type", "Resource",
					"resource", "name", "cpu", "target", "type", "Utilization",
					"averageUtilization", 80));
}

static void hpa_prepare(json_t *object, const json_t *old)
{
	if (!old)
		json_path_set(object, "status",
			      json_pack("{s:i,s:n}", "desiredReplicas", 0, "currentMetrics"));
}

static void pdb_prepare(json_t *object, const json_t *old)
{
	if (!old)
		json_path_set(object, "status",
			      json_pack("{s:i,s:i,s:i,s:i}", "disruptionsAllowed", 0,
					"currentHealthy", 0, "desiredHealthy", 0, "expectedPods",
					0));
}

static void event_defaults(json_t *object)
{
	if (!json_object_get(object, "source"))
		json_object_set_new(object, "source", json_object());
}

static void networkpolicy_defaults(json_t *object)
{
	json_t *types;

	if (json_path(object, "spec.policyTypes"))
		return;
	types = json_pack("[s]", "Ingress");
	if (json_path(object, "spec.egress"))
		json_array_append_new(types, json_string("Egress"));
	json_path_set(object, "spec.policyTypes", types);
}

static const char *const event_selectable[] = {"involvedObject.kind",
					       "involvedObject.namespace",
					       "involvedObject.name",
					       "involvedObject.uid",
					       "involvedObject.apiVersion",
					       "involvedObject.resourceVersion",
					       "involvedObject.fieldPath",
					       "reason",
					       "reportingComponent",
					       "source",
					       "type",
					       NULL};

static const char *const node_selectable[] = {"spec.unschedulable", NULL};

static void crd_defaults(json_t *object)
{
	json_t *names = json_path(object, "spec.names");
	const char *kind = json_path_string(names, "kind");
	struct str s CLEANUP(str_release) = STR_INIT;

	if (!names || !*kind)
		return;
	if (!json_object_get(names, "listKind")) {
		str_addf(&s, "%sList", kind);
		json_object_set_new(names, "listKind", json_string(s.s));
	}
	if (json_object_get(names, "singular"))
		return;
	str_reset(&s);
	str_adds(&s, kind);
	for (char *c = s.s; *c; c++)
		*c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
	json_object_set_new(names, "singular", json_string(s.s));
}

static void crd_validate(const json_t *object, const json_t *old, struct field_errors *errors)
{
	const char *name = json_path_string(object, "metadata.name");
	char *want free_ptr = xasprintf("%s.%s", json_path_string(object, "spec.names.plural"),
					json_path_string(object, "spec.group"));
	size_t i, stored = 0;
	json_t *v;

	if (strcmp(name, want))
		field_invalid(errors, json_path(object, "metadata.name"),
			      "must be spec.names.plural+\".\"+spec.group", "metadata.name");
	json_array_foreach (json_path(object, "spec.versions"), i, v) {
		stored += json_path_bool(v, "storage", false);
		if (!json_path(v, "schema.openAPIV3Schema"))
			field_required(errors, "schemas are required",
				       "spec.versions[%zu].schema.openAPIV3Schema", i);
	}
	if (stored != 1)
		field_invalid(errors, json_path(object, "spec.versions"),
			      "must have exactly one version marked as storage version",
			      "spec.versions");
}

const struct kind kind_namespace = {
	.group = "",
	.kind = "Namespace",
	.prepare = namespace_prepare,
	.name_rule = name_dns_label,
	.no_generation = true,
	.selectable = namespace_selectable,
};
const struct kind kind_secret = {
	.group = "",
	.kind = "Secret",
	.set_defaults = secret_defaults,
	.validate = validate_secret,
	.no_generation = true,
	.selectable = secret_selectable,
};
const struct kind kind_configmap = {
	.group = "",
	.kind = "ConfigMap",
	.validate = validate_config,
	.no_generation = true,
};
const struct kind kind_pvc = {
	.group = "",
	.kind = "PersistentVolumeClaim",
	.prepare = claim_prepare,
	.no_generation = true,
};
const struct kind kind_pv = {
	.group = "",
	.kind = "PersistentVolume",
	.prepare = volume_prepare,
	.no_generation = true,
};
const struct kind kind_limitrange = {
	.group = "",
	.kind = "LimitRange",
	.set_defaults = limitrange_defaults,
	.no_generation = true,
};
const struct kind kind_event = {
	.group = "",
	.kind = "Event",
	.set_defaults = event_defaults,
	.no_generation = true,
	.selectable = event_selectable,
};
const struct kind kind_node = {
	.group = "",
	.kind = "Node",
	.no_generation = true,
	.selectable = node_selectable,
};
const struct kind kind_hpa = {
	.group = "autoscaling",
	.kind = "HorizontalPodAutoscaler",
	.set_defaults = hpa_defaults,
	.prepare = hpa_prepare,
	.no_generation = true,
};
const struct kind kind_networkpolicy = {
	.group = "networking.k8s.io",
	.kind = "NetworkPolicy",
	.set_defaults = networkpolicy_defaults,
};
const struct kind kind_pdb = {
	.group = "policy",
	.kind = "PodDisruptionBudget",
	.prepare = pdb_prepare,
};
const struct kind kind_crd = {
	.group = "apiextensions.k8s.io",
	.kind = "CustomResourceDefinition",
	.set_defaults = crd_defaults,
	.validate = crd_validate,
};

#define UNCOUNTED(g, k)                                      \
	{                                                    \
		.group = g, .kind = k, .no_generation = true \
	}
#define UNCOUNTED_RBAC(k)                                                                        \
	{                                                                                        \
		.group = "rbac.authorization.k8s.io", .kind = k, .name_rule = name_path_segment, \
		.no_generation = true                                                            \
	}

const struct kind kinds_uncounted[] = {
	UNCOUNTED("", "Endpoints"),
	UNCOUNTED("", "ResourceQuota"),
	UNCOUNTED("", "ServiceAccount"),
	UNCOUNTED("apiregistration.k8s.io", "APIService"),
	UNCOUNTED("apps", "ControllerRevision"),
	UNCOUNTED("certificates.k8s.io", "CertificateSigningRequest"),
	UNCOUNTED("coordination.k8s.io", "Lease"),
	UNCOUNTED("events.k8s.io", "Event"),
	UNCOUNTED("networking.k8s.io", "IPAddress"),
	UNCOUNTED("networking.k8s.io", "ServiceCIDR"),
	UNCOUNTED("node.k8s.io", "RuntimeClass"),
	UNCOUNTED_RBAC("ClusterRole"),
	UNCOUNTED_RBAC("ClusterRoleBinding"),
	UNCOUNTED_RBAC("Role"),
	UNCOUNTED_RBAC("RoleBinding"),
	UNCOUNTED("resource.k8s.io", "ResourceClaim"),
	UNCOUNTED("resource.k8s.io", "ResourceClaimTemplate"),
	UNCOUNTED("storage.k8s.io", "CSINode"),
	UNCOUNTED("storage.k8s.io", "CSIStorageCapacity"),
	UNCOUNTED("storage.k8s.io", "StorageClass"),
	UNCOUNTED("storage.k8s.io", "VolumeAttachment"),
	UNCOUNTED("storage.k8s.io", "VolumeAttributesClass"),
};
const size_t n_kinds_uncounted = ARRAY_SIZE(kinds_uncounted);
