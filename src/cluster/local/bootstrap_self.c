/*
 * What kube-apiserver makes for itself: which of its requests are limited together and how (flow
 * schemas and priority levels), and what it serves (APIServices). kubefs limits requests by other
 * means and registers nobody; clients and tools look for these.
 */
#include "cluster/local/private.h"

#include "base/mem.h"
#include "object/json.h"

#include <string.h>

#define FLOW "flowcontrol.apiserver.k8s.io"
#define FLOW_MANAGER "api-priority-and-fairness-config-producer-v1"

/* QUEUES 0: what is over is refused. */
static const struct {
	const char *name;
	int shares, lendable, queues, hand;
} levels[] = {
	{"catch-all", 5, 0, 0, 0},	    {"system", 30, 33, 64, 6},
	{"node-high", 40, 25, 64, 6},	    {"leader-election", 10, 0, 16, 4},
	{"workload-high", 40, 50, 128, 6},  {"workload-low", 100, 90, 128, 6},
	{"global-default", 20, 50, 128, 6},
};

#define ANYBODY "Group:system:unauthenticated Group:system:authenticated"
#define ALL "*"

/* A rule on resources; CLUSTER: those without a namespace too. */
struct flow_rule {
	const char *verbs, *groups, *resources; /* words; a group "core" is the one without name */
	bool cluster;
};

static const struct {
	const char *name, *level;
	int precedence;
	const char *by;	      /* NULL: all are one flow */
	const char *subjects; /* "Kind:name", of a service account the namespace's name */
	struct flow_rule rules[2];
	const char *verbs, *urls; /* NULL: no rule on other URLs */
} schemas[] = {
	{"exempt", "exempt", 1, NULL, "Group:system:masters", {{ALL, ALL, ALL, true}}, ALL, ALL},
	{"probes", "exempt", 2, NULL, ANYBODY, {{0}}, "get", "/healthz /readyz /livez"},
	{"system-leader-election",
	 "leader-election",
	 100,
	 "ByUser",
	 "User:system:kube-controller-manager User:system:kube-scheduler "
	 "ServiceAccount:kube-system",
	 {{"get create update", "coordination.k8s.io", "leases", false}},
	 NULL,
	 NULL},
	{"system-node-high",
	 "node-high",
	 400,
	 "ByUser",
	 "Group:system:nodes",
	 {{ALL, "core", "nodes nodes/status", true}, {ALL, "coordination.k8s.io", "leases", false}},
	 NULL,
	 NULL},
	{"system-nodes",
	 "system",
	 500,
	 "ByUser",
	 "Group:system:nodes",
	 {{ALL, ALL, ALL, true}},
	 ALL,
	 ALL},
	{"kube-controller-manager",
	 "workload-high",
	 800,
	 "ByNamespace",
	 "User:system:kube-controller-manager",
	 {{ALL, ALL, ALL, true}},
	 ALL,
	 ALL},
	{"kube-scheduler",
	 "workload-high",
	 800,
	 "ByNamespace",
	 "User:system:kube-scheduler",
	 {{ALL, ALL, ALL, true}},
	 ALL,
	 ALL},
	{"kube-system-service-accounts",
	 "workload-high",
	 900,
	 "ByNamespace",
	 "ServiceAccount:kube-system",
	 {{ALL, ALL, ALL, true}},
	 ALL,
	 ALL},
	{"service-accounts",
	 "workload-low",
	 9000,
	 "ByUser",
	 "Group:system:serviceaccounts",
	 {{ALL, ALL, ALL, true}},
	 ALL,
	 ALL},
	{"global-default",
	 "global-default",
	 9900,
	 "ByUser",
	 ANYBODY,
	 {{ALL, ALL, ALL, true}},
	 ALL,
	 ALL},
	{"catch-all", "catch-all", 10000, "ByUser", ANYBODY, {{ALL, ALL, ALL, true}}, ALL, ALL},
};

/* What is served, and how the groups and a group's versions are ranked. */
static const struct {
	const char *group, *version;
	int group_priority, version_priority;
} services[] = {
	{"", "v1", 18000, 1},
	{"apps", "v1", 17800, 15},
	{"events.k8s.io", "v1", 17750, 15},
	{"authentication.k8s.io", "v1", 17700, 15},
	{"authorization.k8s.io", "v1", 17600, 15},
	{"autoscaling", "v1", 17500, 15},
	{"autoscaling", "v2", 17500, 30},
	{"batch", "v1", 17400, 15},
	{"certificates.k8s.io", "v1", 17300, 15},
	{"networking.k8s.io", "v1", 17200, 15},
	{"policy", "v1", 17100, 15},
	{"rbac.authorization.k8s.io", "v1", 17000, 15},
	{"storage.k8s.io", "v1", 16800, 15},
	{"apiextensions.k8s.io", "v1", 16700, 15},
	{"admissionregistration.k8s.io", "v1", 16700, 15},
	{"scheduling.k8s.io", "v1", 16600, 15},
	{"coordination.k8s.io", "v1", 16500, 15},
	{"node.k8s.io", "v1", 16300, 15},
	{"discovery.k8s.io", "v1", 16200, 15},
	{"resource.k8s.io", "v1", 16200, 21},
	{FLOW, "v1", 16100, 21},
};

/* The next of WORDS, freed by the caller, and the end of them: NULL. */
static char *next_word(const char **words)
{
	size_t len;

	*words += strspn(*words, " ");
	len = strcspn(*words, " ");
	*words += len;
	return len ? xstrndup(*words - len, len) : NULL;
}

static json_t *list_of(const char *words)
{
	json_t *list = json_array();
	char *word;

	while ((word = next_word(&words))) {
		json_array_append_new(list, json_string(strcmp(word, "core") ? word : ""));
		free(word);
	}
	return list;
}

static json_t *subjects_of(const char *words)
{
	json_t *list = json_array();
	char *word;

	while ((word = next_word(&words))) {
		const char *name = strchr(word, ':') + 1;

		if (*word == 'G')
			json_array_append_new(list, json_pack("{s:s,s:{s:s}}", "kind", "Group",
							      "group", "name", name));
		else if (*word == 'U')
			json_array_append_new(list, json_pack("{s:s,s:{s:s}}", "kind", "User",
							      "user", "name", name));
		else
			json_array_append_new(list, json_pack("{s:s,s:{s:s,s:s}}", "kind",
							      "ServiceAccount", "serviceAccount",
							      "name", ALL, "namespace", name));
		free(word);
	}
	return list;
}

static json_t *rule_of(const struct flow_rule *rule)
{
	json_t *tree = json_pack("{s:o,s:o,s:o,s:[s]}", "verbs", list_of(rule->verbs), "apiGroups",
				 list_of(rule->groups), "resources", list_of(rule->resources),
				 "namespaces", ALL);

	if (rule->cluster)
		json_object_set_new(tree, "clusterScope", json_true());
	return tree;
}

/* SPEC is taken over. */
static json_t *flow_object(const char *name, json_t *spec)
{
	return json_pack("{s:{s:s,s:{s:s}},s:o}", "metadata", "name", name, "annotations",
			 "apf.kubernetes.io/autoupdate-spec", "true", "spec", spec);
}

static json_t *level_of(size_t i)
{
	json_t *response = levels[i].queues
				   ? json_pack("{s:s,s:{s:i,s:i,s:i}}", "type", "Queue", "queuing",
					       "queues", levels[i].queues, "handSize",
					       levels[i].hand, "queueLengthLimit", 50)
				   : json_pack("{s:s}", "type", "Reject");

	return flow_object(levels[i].name,
			   json_pack("{s:s,s:{s:i,s:i,s:o}}", "type", "Limited", "limited",
				     "nominalConcurrencyShares", levels[i].shares,
				     "lendablePercent", levels[i].lendable, "limitResponse",
				     response));
}

static json_t *exempt_level(void)
{
	return flow_object("exempt",
			   json_pack("{s:s,s:{s:i,s:i}}", "type", "Exempt", "exempt",
				     "nominalConcurrencyShares", 0, "lendablePercent", 0));
}

static json_t *schema_of(size_t i)
{
	json_t *rule = json_pack("{s:o}", "subjects", subjects_of(schemas[i].subjects));
	json_t *spec = json_pack("{s:{s:s},s:i,s:[O]}", "priorityLevelConfiguration", "name",
				 schemas[i].level, "matchingPrecedence", schemas[i].precedence,
				 "rules", rule);

	for (size_t k = 0; k < ARRAY_SIZE(schemas[i].rules) && schemas[i].rules[k].verbs; k++) {
		if (!k)
			json_object_set_new(rule, "resourceRules", json_array());
		json_array_append_new(json_object_get(rule, "resourceRules"),
				      rule_of(&schemas[i].rules[k]));
	}
	if (schemas[i].verbs)
		json_object_set_new(rule, "nonResourceRules",
				    json_pack("[{s:o,s:o}]", "verbs", list_of(schemas[i].verbs),
					      "nonResourceURLs", list_of(schemas[i].urls)));
	if (schemas[i].by)
		json_path_set(spec, "distinguisherMethod.type", json_string(schemas[i].by));
	json_decref(rule);
	return flow_object(schemas[i].name, spec);
}

static json_t *service_of(size_t i)
{
	json_t *tree =
		json_pack("{s:{s:{s:s}},s:{s:s,s:i,s:i}}", "metadata", "labels",
			  "kube-aggregator.kubernetes.io/automanaged", "onstart", "spec", "version",
			  services[i].version, "groupPriorityMinimum", services[i].group_priority,
			  "versionPriority", services[i].version_priority);

	if (*services[i].group)
		json_path_set(tree, "spec.group", json_string(services[i].group));
	json_path_set(tree, "metadata.name",
		      json_sprintf("%s.%s", services[i].version, services[i].group));
	return tree;
}

/* Takes over TREE. */
static int add(struct local *l, const char *group, const char *plural, const char *manager,
	       json_t *tree, struct commit *c, struct error **err)
{
	int result = bootstrap_missing(l, group, plural, manager, tree, c, err);

	json_decref(tree);
	return result;
}

int bootstrap_self(struct local *l, struct commit *c, struct error **err)
{
	int r = add(l, FLOW, "prioritylevelconfigurations", FLOW_MANAGER, exempt_level(), c, err);

	for (size_t i = 0; i < ARRAY_SIZE(levels) && r == 0; i++)
		r = add(l, FLOW, "prioritylevelconfigurations", FLOW_MANAGER, level_of(i), c, err);
	for (size_t i = 0; i < ARRAY_SIZE(schemas) && r == 0; i++)
		r = add(l, FLOW, "flowschemas", FLOW_MANAGER, schema_of(i), c, err);
	for (size_t i = 0; i < ARRAY_SIZE(services) && r == 0; i++)
		r = add(l, "apiregistration.k8s.io", "apiservices", NULL, service_of(i), c, err);
	return r;
}
