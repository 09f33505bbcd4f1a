#include "kinds/quota.h"

#include "base/clock.h"
#include "base/vec.h"
#include "kinds/field.h"
#include "kinds/pod_resources.h"
#include "object/json.h"
#include "object/quantities.h"
#include "object/time.h"

#include <stdlib.h>
#include <string.h>

#define CLASS_SUFFIX ".storageclass.storage.k8s.io/"
#define COUNT "count/"
#define REQUESTS "requests."

static const char *const pod_names[] = {
	"count/pods",
	"cpu",
	"memory",
	"ephemeral-storage",
	"requests.cpu",
	"requests.memory",
	"requests.ephemeral-storage",
	"limits.cpu",
	"limits.memory",
	"limits.ephemeral-storage",
	"pods",
	NULL,
};
static const char *const service_names[] = {"count/services", "services", "services.nodeports",
					    "services.loadbalancers", NULL};
static const char *const claim_names[] = {"count/persistentvolumeclaims", "persistentvolumeclaims",
					  "requests.storage", NULL};

/* "example.com/gpu": neither of the kubernetes.io names nor without a domain. */
static bool is_extended(const char *name)
{
	return strchr(name, '/') && !strstr(name, "kubernetes.io/");
}

/* Pods. */

static bool pod_covers(const char *name)
{
	return text_is_one_of(name, pod_names) || str_has_prefix(name, "hugepages-") ||
	       str_has_prefix(name, REQUESTS "hugepages-") ||
	       (str_has_prefix(name, REQUESTS) && is_extended(name));
}

static void copy_as(json_t *to, const json_t *from, const char *name, const char *as)
{
	json_t *value = json_object_get(from, name);

	if (value)
		json_object_set(to, as, value);
}

static void count_compute(json_t *usage, const json_t *requests, const json_t *limits)
{
	static const char *const both[] = {"cpu", "memory", "ephemeral-storage"};
	const char *name;
	json_t *v;

	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		char *limit free_ptr = xasprintf("limits.%s", both[i]);

		copy_as(usage, limits, both[i], limit);
	}
	json_object_foreach ((json_t *)requests, name, v) {
		char *as free_ptr = xasprintf(REQUESTS "%s", name);
		bool plain = str_has_prefix(name, "hugepages-");

		for (size_t i = 0; i < ARRAY_SIZE(both); i++)
			plain |= strcmp(both[i], name) == 0;
		if (plain)
			json_object_set(usage, name, v);
		if (plain || is_extended(name))
			json_object_set(usage, as, v);
	}
}

/* A pod that has ended, or should have, uses nothing any more but its place in the store. */
static bool pod_uses(const json_t *pod, int64_t now)
{
	const char *phase = json_path_string(pod, "status.phase");
	const char *deleted = json_path_string(pod, "metadata.deletionTimestamp");
	json_int_t grace = json_path_int(pod, "metadata.deletionGracePeriodSeconds", -1);
	int64_t at;

	if (strcmp(phase, "Failed") == 0 || strcmp(phase, "Succeeded") == 0)
		return false;
	if (!*deleted || grace < 0 || time_parse(deleted, &at) < 0)
		return true;
	return now <= at + grace * NS_PER_S;
}

static void pod_usage(json_t *usage, const json_t *pod, int64_t now)
{
	const json_t *spec = json_object_get(pod, "spec");
	json_t *requests json_auto = pod_requests_with_overhead(spec);
	json_t *limits json_auto = pod_limits_with_overhead(spec);

	if (!pod_uses(pod, now))
		return;
	quantities_set_count(usage, "pods", 1);
	count_compute(usage, requests, limits);
}

/* Services. */

static bool service_covers(const char *name)
{
	return text_is_one_of(name, service_names);
}

static void service_usage(json_t *usage, const json_t *service, int64_t now)
{
	const char *type = json_path_string(service, "spec.type");
	const json_t *ports = json_path(service, "spec.ports"), *port;
	bool balanced = strcmp(type, "LoadBalancer") == 0;
	bool all = strcmp(type, "NodePort") == 0;
	int64_t n = 0;
	size_t i;

	if (balanced)
		all = json_path_bool(service, "spec.allocateLoadBalancerNodePorts", true);
	json_array_foreach (ports, i, port)
		n += all || (balanced && json_path_int(port, "nodePort", 0));
	quantities_set_count(usage, "services", 1);
	quantities_set_count(usage, "services.nodeports", n);
	quantities_set_count(usage, "services.loadbalancers", balanced);
}

/* Claims. */

static bool claim_covers(const char *name)
{
	const char *by_class = strstr(name, CLASS_SUFFIX);

	return text_is_one_of(by_class ? by_class + strlen(CLASS_SUFFIX) : name, claim_names) &&
	       !(by_class && str_has_prefix(by_class + strlen(CLASS_SUFFIX), COUNT));
}

static bool claim_storage(const json_t *claim, struct quantity *out)
{
	struct quantity allocated;

	if (!quantities_get(json_path(claim, "spec.resources.requests"), "storage", out))
		return false;
	if (quantities_get(json_path(claim, "status.allocatedResources"), "storage", &allocated) &&
	    quantity_compare(&allocated, out) > 0)
		*out = allocated;
	/* Whole bytes. */
	out->nano = (__int128)quantity_value(out) * 1000000000;
	return true;
}

static void claim_usage(json_t *usage, const json_t *claim, int64_t now)
{
	const char *old_way = json_path_string(
		claim, "metadata.annotations[volume.beta.kubernetes.io/storage-class]");
	const char *class = *old_way ? old_way : json_path_string(claim, "spec.storageClassName");
	char *number free_ptr = xasprintf("%s" CLASS_SUFFIX "persistentvolumeclaims", class);
	char *bytes free_ptr = xasprintf("%s" CLASS_SUFFIX "requests.storage", class);
	struct quantity storage;

	quantities_set_count(usage, "persistentvolumeclaims", 1);
	if (*class)
		quantities_set_count(usage, number, 1);
	if (!claim_storage(claim, &storage))
		return;
	quantities_set(usage, "requests.storage", &storage);
	if (*class)
		quantities_set(usage, bytes, &storage);
}

/* Scopes. */

static bool is_terminating(const json_t *pod)
{
	return json_path_int(pod, "spec.activeDeadlineSeconds", -1) >= 0;
}

static bool is_best_effort(const json_t *pod)
{
	return strcmp(json_path_string(pod, "status.qosClass"), "BestEffort") == 0;
}

static bool any_term_crosses(const json_t *terms, const char *inside)
{
	json_t *t;
	size_t i;

	json_array_foreach (terms, i, t) {
		const json_t *term = *inside ? json_object_get(t, inside) : t;

		if (json_array_size(json_object_get(term, "namespaces")) ||
		    json_object_get(term, "namespaceSelector"))
			return true;
	}
	return false;
}

static bool crosses_namespaces(const json_t *pod)
{
	static const char *const kinds[] = {"podAffinity", "podAntiAffinity"};
	static const char when[] = "IgnoredDuringExecution";

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		char *must free_ptr =
			xasprintf("spec.affinity.%s.requiredDuringScheduling%s", kinds[i], when);
		char *may free_ptr =
			xasprintf("spec.affinity.%s.preferredDuringScheduling%s", kinds[i], when);

		if (any_term_crosses(json_path(pod, must), "") ||
		    any_term_crosses(json_path(pod, may), "podAffinityTerm"))
			return true;
	}
	return false;
}

static bool lists(const json_t *values, const char *value)
{
	json_t *v;
	size_t i;

	json_array_foreach (values, i, v)
		if (json_is_string(v) && strcmp(json_string_value(v), value) == 0)
			return true;
	return false;
}

/* NAMES: what the object has of that sort, "" where it has none. */
static bool selects(const json_t *selector, const char *const *names, size_t n)
{
	const char *operator= json_path_string(selector, "operator");
	const json_t *values = json_object_get(selector, "values");
	bool has = false, in = false;

	for (size_t i = 0; i < n; i++) {
		has |= *names[i] != '\0';
		in |= *names[i] && lists(values, names[i]);
	}
	if (strcmp(operator, "In") == 0)
		return in;
	if (strcmp(operator, "NotIn") == 0)
		return !in;
	return strcmp(operator, "DoesNotExist") == 0 ? !has : has;
}

static bool pod_in(const json_t *selector, const json_t *pod)
{
	const char *scope = json_path_string(selector, "scopeName");
	const char *class = json_path_string(pod, "spec.priorityClassName");

	if (strcmp(scope, "Terminating") == 0)
		return is_terminating(pod);
	if (strcmp(scope, "NotTerminating") == 0)
		return !is_terminating(pod);
	if (strcmp(scope, "BestEffort") == 0)
		return is_best_effort(pod);
	if (strcmp(scope, "NotBestEffort") == 0)
		return !is_best_effort(pod);
	if (strcmp(scope, "PriorityClass") == 0)
		return selects(selector, &class, 1);
	return strcmp(scope, "CrossNamespacePodAffinity") == 0 && crosses_namespaces(pod);
}

static bool claim_in(const json_t *selector, const json_t *claim)
{
	const char *const classes[] = {
		json_path_string(claim, "spec.volumeAttributesClassName"),
		json_path_string(claim, "status.currentVolumeAttributesClassName"),
		json_path_string(claim,
				 "status.modifyVolumeStatus.targetVolumeAttributesClassName"),
	};

	return strcmp(json_path_string(selector, "scopeName"), "VolumeAttributesClass") == 0 &&
	       selects(selector, classes, ARRAY_SIZE(classes));
}

/* The types that are more than counted. All others are counted when they are created. */
static const struct evaluator {
	const char *plural;
	const char *updated; /* the subresource whose updates count too; NULL: none */
	bool (*covers)(const char *name);
	void (*usage)(json_t *usage, const json_t *object, int64_t now);
	bool (*in)(const json_t *selector, const json_t *object);
} evaluators[] = {
	{"pods", "resize", pod_covers, pod_usage, pod_in},
	{"services", "", service_covers, service_usage, NULL},
	{"persistentvolumeclaims", "", claim_covers, claim_usage, claim_in},
};
/* Types of the core group that may be counted by their bare name. */
static const char *const by_name[] = {"configmaps", "secrets", "replicationcontrollers",
				      "resourcequotas", NULL};

static const struct evaluator *evaluator_of(const struct resource *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(evaluators) && !*r->group; i++)
		if (strcmp(r->plural, evaluators[i].plural) == 0)
			return &evaluators[i];
	return NULL;
}

bool quota_counts(const struct resource *r, const char *subresource, bool created)
{
	const struct evaluator *e = evaluator_of(r);

	if (created)
		return !*subresource;
	return e && strcmp(e->updated, subresource) == 0;
}

static char *count_name(const struct resource *r)
{
	return xasprintf(COUNT "%s%s%s", r->plural, *r->group ? "." : "", r->group);
}

json_t *quota_usage(const struct resource *r, const json_t *object, int64_t now)
{
	const struct evaluator *e = evaluator_of(r);
	char *count free_ptr = count_name(r);
	json_t *usage = json_object();

	quantities_set_count(usage, count, 1);
	if (e)
		e->usage(usage, object, now);
	else if (!*r->group && text_is_one_of(r->plural, by_name))
		quantities_set_count(usage, r->plural, 1);
	return usage;
}

json_t *quota_covered(const json_t *hard, const struct resource *r)
{
	const struct evaluator *e = evaluator_of(r);
	char *count free_ptr = count_name(r);
	json_t *out = json_object(), *v;
	const char *name;

	json_object_foreach ((json_t *)hard, name, v)
		if (strcmp(name, count) == 0 || (e && e->covers(name)) ||
		    (!*r->group && strcmp(name, r->plural) == 0 && text_is_one_of(name, by_name)))
			json_object_set(out, name, v);
	return out;
}

bool quota_in_scope(const json_t *quota, const struct resource *r, const json_t *object)
{
	const struct evaluator *e = evaluator_of(r);
	json_t *s;
	size_t i;

	json_array_foreach (json_path(quota, "spec.scopes"), i, s) {
		json_t *selector json_auto =
			json_pack("{s:O, s:s}", "scopeName", s, "operator", "Exists");

		if (!e || !e->in || !e->in(selector, object))
			return false;
	}
	json_array_foreach (json_path(quota, "spec.scopeSelector.matchExpressions"), i, s)
		if (!e || !e->in || !e->in(s, object))
			return false;
	return true;
}

static void name_containers(const json_t *spec, const char *resource, struct str *out)
{
	static const char *const of[] = {"containers", "initContainers"};
	VEC(const char *) names = VEC_INIT;
	const char *separator = "";
	json_t *c;
	size_t k;

	for (size_t i = 0; i < ARRAY_SIZE(of); i++)
		json_array_foreach (json_object_get(spec, of[i]), k, c) {
			json_t *usage json_auto = json_object();

			count_compute(usage, json_path(c, "resources.requests"),
				      json_path(c, "resources.limits"));
			if (!json_object_get(usage, resource))
				vec_push(&names, json_path_string(c, "name"));
		}
	if (names.n)
		str_addf(out, "%s%s for: ", out->len ? "; " : "", resource);
	vec_each (&names, p) {
		str_addf(out, "%s%s", separator, *p);
		separator = ",";
	}
	vec_release(&names);
}

void quota_missing(const json_t *required, const struct resource *r, const json_t *object,
		   struct str *out)
{
	/* By name, as they are told. */
	static const char *const demanded[] = {"cpu",	 "limits.cpu",	 "limits.memory",
					       "memory", "requests.cpu", "requests.memory"};
	const json_t *spec = json_object_get(object, "spec");

	if (*r->group || strcmp(r->plural, "pods") || json_path(spec, "resources"))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(demanded); i++)
		if (json_object_get(required, demanded[i]))
			name_containers(spec, demanded[i], out);
}

bool quota_type(const char *name, char *group, char *plural)
{
	const char *dot = strchr(name, '.');

	*group = '\0';
	if (strlen(name) >= QUOTA_TYPE)
		return false;
	if (str_has_prefix(name, COUNT)) {
		name += strlen(COUNT);
		snprintf(plural, QUOTA_TYPE, "%.*s", (int)strcspn(name, "."), name);
		snprintf(group, QUOTA_TYPE, "%s", dot ? dot + 1 : "");
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(evaluators); i++)
		if (evaluators[i].covers(name)) {
			snprintf(plural, QUOTA_TYPE, "%s", evaluators[i].plural);
			return true;
		}
	snprintf(plural, QUOTA_TYPE, "%s", name);
	return text_is_one_of(name, by_name);
}
