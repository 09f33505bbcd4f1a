/*
 * Names and amounts of compute resources, and what containers ask for.
 */
#include "kinds/rules.h"
#include "object/json.h"

#include <stdio.h>
#include <string.h>

#define HUGEPAGES "hugepages-"

static const char *const container_names[] = {"cpu", "memory", "ephemeral-storage", NULL};
static const char *const standard_names[] = {"cpu",
					     "memory",
					     "ephemeral-storage",
					     "requests.cpu",
					     "requests.memory",
					     "requests.ephemeral-storage",
					     "limits.cpu",
					     "limits.memory",
					     "limits.ephemeral-storage",
					     "pods",
					     "resourcequotas",
					     "services",
					     "replicationcontrollers",
					     "secrets",
					     "configmaps",
					     "persistentvolumeclaims",
					     "storage",
					     "requests.storage",
					     "services.nodeports",
					     "services.loadbalancers",
					     NULL};
static const char *const integer_names[] = {"pods",
					    "resourcequotas",
					    "services",
					    "replicationcontrollers",
					    "secrets",
					    "configmaps",
					    "persistentvolumeclaims",
					    "services.nodeports",
					    "services.loadbalancers",
					    NULL};

bool resource_is_native(const char *name)
{
	return !strchr(name, '/') || strstr(name, "kubernetes.io/");
}

bool resource_is_extended(const char *name)
{
	char quota[512];

	if (resource_is_native(name) || str_has_prefix(name, "requests."))
		return false;
	snprintf(quota, sizeof(quota), "requests.%s", name);
	return !name_problem(name_qualified, quota);
}

bool resource_is_hugepage(const char *name)
{
	return str_has_prefix(name, HUGEPAGES);
}

bool resource_may_overcommit(const char *name)
{
	return resource_is_native(name) && !resource_is_hugepage(name);
}

static bool is_standard(const char *name)
{
	return text_is_one_of(name, standard_names) || resource_is_hugepage(name) ||
	       str_has_prefix(name, "requests." HUGEPAGES);
}

static bool name_is_good(const struct field *f, const char *name)
{
	const char *why[NAME_PROBLEMS];
	size_t n = name_qualified(name, why);

	for (size_t i = 0; i < n; i++)
		field_invalid_text(f, name, why[i]);
	if (n)
		return false;
	if (strchr(name, '/') || is_standard(name))
		return true;
	field_invalid_text(f, name, "must be a standard resource type or fully qualified");
	return false;
}

void rule_resource_name(const struct field *f, const char *name)
{
	name_is_good(f, name);
}

void rule_container_resource_name(const struct field *f, const char *name)
{
	name_is_good(f, name);
	if (!strchr(name, '/')) {
		if (!text_is_one_of(name, container_names) && !resource_is_hugepage(name))
			field_invalid_text(f, name, "must be a standard resource for containers");
	} else if (!resource_is_native(name) && !resource_is_extended(name)) {
		field_invalid_text(f, name, "doesn't follow extended resource name standard");
	}
}

void rule_quota_resource_name(const struct field *f, const char *name)
{
	name_is_good(f, name);
	if (!strchr(name, '/') && (!is_standard(name) || strcmp(name, "storage") == 0))
		field_invalid_text(f, name, "must be a standard resource for quota");
}

static void pod_resource_name(const struct field *f, const char *name)
{
	static const char *const valid[] = {"cpu", "hugepages-", "memory", NULL};

	if (name_is_good(f, name) && !resource_is_of_pods(name))
		field_not_supported_text(f, name, valid);
}

void rule_quantity_not_negative(const struct field *f)
{
	struct quantity q;

	if (field_quantity(f, &q) && q.nano < 0)
		field_invalid(f, "must be greater than or equal to 0");
}

void rule_quantity_positive(const struct field *f)
{
	struct quantity q;

	if (field_quantity(f, &q) && q.nano <= 0)
		field_invalid(f, "must be greater than zero");
}

void rule_quantity_valid(const struct field *f)
{
	struct quantity q;

	if (field_quantity(f, &q) && quantity_value(&q) < 0)
		field_invalid_int(f, quantity_value(&q), "must be a valid resource quantity");
}

void rule_resource_amount(const struct field *f, const char *name)
{
	struct quantity q;

	rule_quantity_not_negative(f);
	if (!text_is_one_of(name, integer_names) && !resource_is_extended(name))
		return;
	if (field_quantity(f, &q) && quantity_milli_value(&q) % 1000)
		field_invalid(f, "must be an integer");
}

static void check_pages(const struct field *f)
{
	struct quantity size, q;
	char *why free_ptr = NULL;

	if (quantity_parse(f->key + strlen(HUGEPAGES), &size, NULL) < 0 || size.nano <= 0 ||
	    !field_quantity(f, &q))
		return;
	if (q.nano % size.nano == 0)
		return;
	why = xasprintf("%s is not positive integer multiple of %s", field_text(f), f->key);
	field_invalid(f, why);
}

struct amounts {
	bool pages, cpu_or_memory;
};

static void check_amount(const struct field *f, bool pod_level, struct amounts *met)
{
	if (pod_level)
		pod_resource_name(f, f->key);
	else
		rule_container_resource_name(f, f->key);
	rule_resource_amount(f, f->key);
	if (resource_is_hugepage(f->key)) {
		met->pages = true;
		check_pages(f);
	}
	if (strcmp(f->key, "cpu") == 0 || strcmp(f->key, "memory") == 0)
		met->cpu_or_memory = true;
}

/* A request beside the limit of the same name. */
static void check_request(const struct field *request, const struct field *limits)
{
	const struct field *limit = FIELD_KEY(limits, request->key);
	bool overcommit = resource_may_overcommit(request->key);
	struct quantity r, l;
	int order;

	if (!field_set(limit)) {
		if (!overcommit)
			field_required(limits,
				       "Limit must be set for non overcommitable resources");
		return;
	}
	if (!field_quantity(request, &r) || !field_quantity(limit, &l))
		return;
	order = quantity_compare(&r, &l);
	if (order > 0 || (order && !overcommit)) {
		char *why free_ptr = xasprintf("must be %s %s limit of %s",
					       overcommit ? "less than or equal to" : "equal to",
					       request->key, field_text(limit));

		field_invalid_text(request->up, field_text(request), why);
	}
}

static bool names_claim(const struct field *claims, const char *name)
{
	field_each (claims, c)
		if (strcmp(json_path_string(c.value, "name"), name) == 0)
			return true;
	return false;
}

/* A claim is named whole once, or each of its requests once. */
static void check_claims(const struct field *used, const struct field *claims)
{
	struct seen whole CLEANUP(seen_release) = SEEN_INIT;
	struct seen parts CLEANUP(seen_release) = SEEN_INIT;
	struct seen any CLEANUP(seen_release) = SEEN_INIT;

	field_each (used, c) {
		const char *name = json_path_string(c.value, "name");
		const char *request = json_path_string(c.value, "request");
		char *key free_ptr = xasprintf("%s/%s", name, request);

		if (!*name) {
			field_required(&c, NULL);
			continue;
		}
		if (seen_has(&whole, name)) {
			field_duplicate_text(&c, name);
		} else if (*request) {
			field_check(FIELD(&c, "request"), name_dns_label);
			if (seen_add(&parts, key))
				field_duplicate_text(&c, key);
			seen_add(&any, name);
		} else {
			if (seen_has(&any, name))
				field_duplicate_text(&c, name);
			seen_add(&whole, name);
		}
		if (!claims || !names_claim(claims, name))
			field_not_found(&c, name);
	}
}

void rule_resource_requirements(const struct field *f, const struct field *claims, bool pod_level)
{
	const struct field *limits = FIELD(f, "limits"), *requests = FIELD(f, "requests");
	struct amounts met = {false, false};

	if (!field_set(f))
		return;
	field_each_key (limits, limit)
		check_amount(&limit, pod_level, &met);
	field_each_key (requests, request) {
		check_amount(&request, pod_level, &met);
		check_request(&request, limits);
	}
	if (met.pages && !met.cpu_or_memory)
		field_forbidden(f, "HugePages require cpu or memory");
	check_claims(FIELD(f, "claims"), claims);
}
