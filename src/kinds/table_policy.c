/*
 * Rows of what governs others: roles' bindings, admission, priorities, budgets, leases.
 */
#include "kinds/tables.h"
#include "object/json.h"
#include "object/time.h"

#include <string.h>

static json_t *role_cell(const json_t *object, const char *path, int64_t now)
{
	struct str text CLEANUP(str_release) = STR_INIT;

	str_addf(&text, "%s/%s", json_path_string(object, "roleRef.kind"),
		 json_path_string(object, "roleRef.name"));
	return cell_of(&text);
}

/* PATH: the kind of subject. */
static json_t *subjects_cell(const json_t *object, const char *path, int64_t now)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	json_t *s;
	size_t i;

	json_array_foreach (json_path(object, "subjects"), i, s) {
		if (strcmp(json_path_string(s, "kind"), path))
			continue;
		cells_join(&text, ", ", "");
		if (strcmp(path, "ServiceAccount") == 0)
			str_addf(&text, "%s/", json_path_string(s, "namespace"));
		str_adds(&text, json_path_string(s, "name"));
	}
	return cell_of(&text);
}

static const struct table_column binding_columns[] = {
	COLUMN_NAME,
	COLUMN("Role", role_cell, NULL, "The role it gives"),
	COLUMN_AGE,
	COLUMN_WIDE("Users", subjects_cell, "User", "The users it is given to"),
	COLUMN_WIDE("Groups", subjects_cell, "Group", "The groups it is given to"),
	COLUMN_WIDE("ServiceAccounts", subjects_cell, "ServiceAccount",
		    "The service accounts it is given to"),
};

/* An integer or a percentage. */
static json_t *amount_cell(const json_t *object, const char *path, int64_t now)
{
	const json_t *v = json_path(object, path);
	struct str text CLEANUP(str_release) = STR_INIT;

	if (!json_is_integer(v))
		return json_string(json_string_value(v) ?: "N/A");
	str_addf(&text, "%lld", (long long)json_integer_value(v));
	return cell_of(&text);
}

static const struct table_column budget_columns[] = {
	COLUMN_NAME,
	COLUMN("Min Available", amount_cell, "spec.minAvailable", "Pods that must stay"),
	COLUMN("Max Unavailable", amount_cell, "spec.maxUnavailable", "Pods that may be gone"),
	COLUMN_INTEGER("Allowed Disruptions", cell_integer, "status.disruptionsAllowed",
		       "Pods that may be evicted now"),
	COLUMN_AGE,
};

static const struct table_column priority_columns[] = {
	COLUMN_NAME,
	COLUMN_INTEGER("Value", cell_integer, "value", "The priority of its pods"),
	COLUMN_BOOLEAN("Global-Default", cell_boolean, "globalDefault",
		       "Whether pods without a class have it"),
	COLUMN_AGE,
	COLUMN("PreemptionPolicy", cell_text, "preemptionPolicy",
	       "Whether its pods drive others away"),
};

static const struct table_column lease_columns[] = {
	COLUMN_NAME,
	COLUMN("Holder", cell_text, "spec.holderIdentity", "Who holds it"),
	COLUMN_AGE,
};

static const struct table_column runtime_columns[] = {
	COLUMN_NAME,
	COLUMN("Handler", cell_text, "handler", "The configuration of the runtime it stands for"),
	COLUMN_AGE,
};

static const struct table_column webhook_columns[] = {
	COLUMN_NAME,
	COLUMN_INTEGER("Webhooks", cell_count, "webhooks", "How many webhooks it has"),
	COLUMN_AGE,
};

static json_t *param_kind(const json_t *object, const char *path, int64_t now)
{
	const json_t *kind = json_path(object, path);
	struct str text CLEANUP(str_release) = STR_INIT;

	if (!kind)
		return json_string("<unset>");
	str_addf(&text, "%s/%s", json_path_string(kind, "apiVersion"),
		 json_path_string(kind, "kind"));
	return cell_of(&text);
}

static void add_texts(struct str *out, const json_t *list)
{
	size_t i;
	json_t *text;

	str_addc(out, '[');
	json_array_foreach ((json_t *)list, i, text)
		str_addf(out, "%s%s", i ? " " : "", json_string_value(text));
	str_addc(out, ']');
}

/* As Go prints the struct. */
static json_t *go_selector(const json_t *selector)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	const char *key;
	json_t *value;
	size_t i;

	str_adds(&text, "&LabelSelector{MatchLabels:map[string]string{");
	json_object_foreach (json_object_get(selector, "matchLabels"), key, value)
		str_addf(&text, "%s: %s,", key, json_string_value(value));
	str_adds(&text, "},MatchExpressions:[]LabelSelectorRequirement{");
	json_array_foreach (json_object_get(selector, "matchExpressions"), i, value) {
		str_addf(&text, "LabelSelectorRequirement{Key:%s,Operator:%s,Values:",
			 json_path_string(value, "key"), json_path_string(value, "operator"));
		add_texts(&text, json_object_get(value, "values"));
		str_adds(&text, ",},");
	}
	str_adds(&text, "},}");
	return cell_of(&text);
}

/* Whether parameters have a namespace is not known here: "*" stands for any. */
static json_t *param_ref(const json_t *object, const char *path, int64_t now)
{
	const json_t *ref = json_path(object, path);
	const char *name = json_path_string(ref, "name");
	const char *namespace = json_path_string(ref, "namespace");
	struct str text CLEANUP(str_release) = STR_INIT;

	if (!*name)
		return json_path(ref, "selector") ? go_selector(json_path(ref, "selector"))
						  : json_string("<unset>");
	(void)now;
	str_addf(&text, "%s/%s", *namespace ? namespace : "*", name);
	return cell_of(&text);
}

#define COLUMN_PARAM_KIND \
	COLUMN("ParamKind", param_kind, "spec.paramKind", "The kind of its parameters")

static const struct table_column validating_columns[] = {
	COLUMN_NAME,
	COLUMN_INTEGER("Validations", cell_count, "spec.validations", "How many rules it has"),
	COLUMN_PARAM_KIND,
	COLUMN_AGE,
};

static const struct table_column mutating_columns[] = {
	COLUMN_NAME,
	COLUMN_INTEGER("Mutations", cell_count, "spec.mutations", "How many changes it makes"),
	COLUMN_PARAM_KIND,
	COLUMN_AGE,
};

static const struct table_column policy_binding_columns[] = {
	COLUMN_NAME,
	COLUMN("PolicyName", cell_text, "spec.policyName", "The policy it puts in force"),
	COLUMN("ParamRef", param_ref, "spec.paramRef", "The object with its parameters"),
	COLUMN_AGE,
};

static json_t *csr_duration(const json_t *object, const char *path, int64_t now)
{
	json_int_t seconds = json_path_int(object, path, 0);
	char text[TIME_TEXT];

	if (!json_path(object, path))
		return json_string("<none>");
	if (seconds < 0 || seconds > INT32_MAX)
		return json_string("<invalid>");
	return json_string(time_human_duration((int64_t)seconds * 1000000000, text));
}

static bool has_condition(const json_t *object, const char *type)
{
	return *cells_condition(object, "status.conditions", type);
}

static json_t *csr_condition(const json_t *object, const char *path, int64_t now)
{
	struct str text CLEANUP(str_release) = STR_INIT;

	str_adds(&text, has_condition(object, "Denied")	    ? "Denied"
			: has_condition(object, "Approved") ? "Approved"
							    : "Pending");
	if (has_condition(object, "Failed"))
		str_adds(&text, ",Failed");
	if (*json_path_string(object, "status.certificate"))
		str_adds(&text, ",Issued");
	return cell_of(&text);
}

static const struct table_column csr_columns[] = {
	COLUMN_NAME,
	COLUMN_AGE,
	COLUMN("SignerName", cell_or_none, "spec.signerName", "Who is asked to sign"),
	COLUMN("Requestor", cell_text, "spec.username", "Who asks"),
	COLUMN("RequestedDuration", csr_duration, "spec.expirationSeconds",
	       "How long the certificate should hold"),
	COLUMN("Condition", csr_condition, NULL, "What became of it"),
};

static json_t *dangling_cell(const json_t *object, const char *path, int64_t now)
{
	const char *status = cells_condition(object, "status.conditions", "Dangling");

	return json_string(*status ? status : "?");
}

static const struct table_column flow_columns[] = {
	COLUMN_NAME,
	COLUMN("PriorityLevel", cell_text, "spec.priorityLevelConfiguration.name",
	       "The level of its requests"),
	COLUMN("MatchingPrecedence", cell_integer, "spec.matchingPrecedence",
	       "The lowest that matches counts"),
	COLUMN("DistinguisherMethod", cell_or_none, "spec.distinguisherMethod.type",
	       "What makes flows of its requests"),
	COLUMN_AGE,
	COLUMN("MissingPL", dangling_cell, NULL, "Whether its level is missing"),
};

static json_t *number_or_none(const json_t *object, const char *path, int64_t now)
{
	return json_path(object, path) ? cell_integer(object, path, now) : json_string("<none>");
}

#define QUEUING "spec.limited.limitResponse.queuing."

static const struct table_column level_columns[] = {
	COLUMN_NAME,
	COLUMN("Type", cell_text, "spec.type", "Limited or exempt"),
	COLUMN("NominalConcurrencyShares", number_or_none, "spec.limited.nominalConcurrencyShares",
	       "Its share of the requests in flight"),
	COLUMN("Queues", number_or_none, QUEUING "queues", "How many queues it has"),
	COLUMN("HandSize", number_or_none, QUEUING "handSize", "Queues that one flow may use"),
	COLUMN("QueueLengthLimit", number_or_none, QUEUING "queueLengthLimit",
	       "Requests that may wait in one queue"),
	COLUMN_AGE,
};

static json_t *service_cell(const json_t *object, const char *path, int64_t now)
{
	const json_t *service = json_path(object, path);
	struct str text CLEANUP(str_release) = STR_INIT;

	if (!service)
		return json_string("Local");
	str_addf(&text, "%s/%s", json_path_string(service, "namespace"),
		 json_path_string(service, "name"));
	return cell_of(&text);
}

/* "True", or "False (MissingEndpoints)". */
static json_t *available_cell(const json_t *object, const char *path, int64_t now)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	json_t *c;
	size_t i;

	json_array_foreach (json_path(object, "status.conditions"), i, c) {
		const char *status = json_path_string(c, "status");

		if (strcmp(json_path_string(c, "type"), "Available"))
			continue;
		str_adds(&text, status);
		if (strcmp(status, "True"))
			str_addf(&text, " (%s)", json_path_string(c, "reason"));
		return cell_of(&text);
	}
	return json_string("Unknown");
}

static const struct table_column apiservice_columns[] = {
	COLUMN_NAME,
	COLUMN("Service", service_cell, "spec.service", "What serves it"),
	COLUMN("Available", available_cell, NULL, "Whether it can be used"),
	COLUMN_AGE,
};

static json_t *claim_state(const json_t *object, const char *path, int64_t now)
{
	bool deleted = *json_path_string(object, "metadata.deletionTimestamp");
	struct str text CLEANUP(str_release) = STR_INIT;

	if (deleted)
		str_adds(&text, "deleted");
	if (json_path(object, "status.allocation"))
		cells_join(&text, ",", "allocated");
	else if (!deleted)
		str_adds(&text, "pending");
	if (json_path(object, "status.allocation") &&
	    json_array_size(json_path(object, "status.reservedFor")))
		cells_join(&text, ",", "reserved");
	return cell_of(&text);
}

static const struct table_column claim_columns[] = {
	COLUMN_NAME,
	COLUMN("State", claim_state, NULL, "Whether it was given devices"),
	COLUMN_AGE,
};

static const struct table_column slice_columns[] = {
	COLUMN_NAME,
	COLUMN("Node", cell_text, "spec.nodeName", "The node that has the devices"),
	COLUMN("Driver", cell_text, "spec.driver", "The driver of the devices"),
	COLUMN("Pool", cell_text, "spec.pool.name", "The pool they belong to"),
	COLUMN_AGE,
};

#define RBAC "rbac.authorization.k8s.io"
#define ADMISSION "admissionregistration.k8s.io"
#define FLOW "flowcontrol.apiserver.k8s.io"

const struct kind_table tables_policy[] = {
	TABLE("coordination.k8s.io", "Lease", lease_columns),
	TABLE(RBAC, "RoleBinding", binding_columns),
	TABLE(RBAC, "ClusterRoleBinding", binding_columns),
	TABLE("policy", "PodDisruptionBudget", budget_columns),
	TABLE("scheduling.k8s.io", "PriorityClass", priority_columns),
	TABLE("node.k8s.io", "RuntimeClass", runtime_columns),
	TABLE("certificates.k8s.io", "CertificateSigningRequest", csr_columns),
	TABLE("apiregistration.k8s.io", "APIService", apiservice_columns),
	TABLE(ADMISSION, "MutatingWebhookConfiguration", webhook_columns),
	TABLE(ADMISSION, "ValidatingWebhookConfiguration", webhook_columns),
	TABLE(ADMISSION, "ValidatingAdmissionPolicy", validating_columns),
	TABLE(ADMISSION, "ValidatingAdmissionPolicyBinding", policy_binding_columns),
	TABLE(ADMISSION, "MutatingAdmissionPolicy", mutating_columns),
	TABLE(ADMISSION, "MutatingAdmissionPolicyBinding", policy_binding_columns),
	TABLE(FLOW, "FlowSchema", flow_columns),
	TABLE(FLOW, "PriorityLevelConfiguration", level_columns),
	TABLE("resource.k8s.io", "ResourceClaim", claim_columns),
	TABLE("resource.k8s.io", "ResourceSlice", slice_columns),
	TABLES_END,
};
