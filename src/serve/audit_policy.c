#include "serve/audit_policy.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "object/json.h"
#include "object/yaml.h"
#include "serve/request.h"

#include <string.h>

#define POLICY_MAX_BYTES (1u << 20)

struct audit_policy {
	json_t *tree; /* checked */
};

static bool has(const json_t *list, const char *text)
{
	const json_t *item;
	size_t i;

	json_array_foreach (list, i, item)
		if (strcmp(json_string_value(item), text) == 0)
			return true;
	return false;
}

static bool given(const json_t *rule, const char *key)
{
	return json_array_size(json_object_get(rule, key));
}

/* ---- whether a rule fits */

static bool fits_groups(const json_t *groups, const struct user *user)
{
	for (const char *const *g = user->groups; g && *g; g++)
		if (has(groups, *g))
			return true;
	return false;
}

static bool fits_path(const json_t *patterns, const char *path)
{
	const json_t *item;
	size_t i;

	json_array_foreach (patterns, i, item) {
		const char *p = json_string_value(item);
		size_t len = strlen(p);

		if (strcmp(p, path) == 0 ||
		    (len && p[len - 1] == '*' && strncmp(p, path, len - 1) == 0))
			return true;
	}
	return false;
}

/* "pods", "pods/log", "pods" and "*" with a subresource of any name, "*" */
static bool fits_resource(const char *p, const struct access *a)
{
	const char *slash = strchr(p, '/');
	size_t len = slash ? (size_t)(slash - p) : strlen(p);
	bool any = len == 1 && *p == '*';

	if (any && !slash)
		return true;
	if (!any && (strlen(a->resource) != len || strncmp(a->resource, p, len) != 0))
		return false;
	if (!slash)
		return !*a->subresource;
	if (!any && strcmp(slash, "/*") == 0)
		return true;
	return *a->subresource && strcmp(slash + 1, a->subresource) == 0;
}

static bool fits_group_resources(const json_t *entry, const struct access *a)
{
	const char *group = json_path_string(entry, "group");
	const json_t *names = json_object_get(entry, "resourceNames"), *item;
	size_t i;

	if (strcmp(group, "*") != 0 && strcmp(group, a->group) != 0)
		return false;
	if (!given(entry, "resources"))
		return true;
	if (json_array_size(names) && !has(names, a->name))
		return false;
	json_array_foreach (json_object_get(entry, "resources"), i, item)
		if (fits_resource(json_string_value(item), a))
			return true;
	return false;
}

static bool fits_object(const json_t *rule, const struct access *a)
{
	const json_t *entry;
	size_t i;

	if (!a->resource)
		return false;
	if (given(rule, "namespaces") && !has(json_object_get(rule, "namespaces"), a->namespace))
		return false;
	if (!given(rule, "resources"))
		return true;
	json_array_foreach (json_object_get(rule, "resources"), i, entry)
		if (fits_group_resources(entry, a))
			return true;
	return false;
}

static bool fits(const json_t *rule, const struct user *user, const struct access *a)
{
	if (given(rule, "users") && !has(json_object_get(rule, "users"), user->name))
		return false;
	if (given(rule, "userGroups") && !fits_groups(json_object_get(rule, "userGroups"), user))
		return false;
	if (given(rule, "verbs") && !has(json_object_get(rule, "verbs"), a->verb))
		return false;
	if (given(rule, "namespaces") || given(rule, "resources"))
		return fits_object(rule, a);
	if (given(rule, "nonResourceURLs"))
		return !a->resource && fits_path(json_object_get(rule, "nonResourceURLs"), a->path);
	return true;
}

/* ---- what it says */

static const char *const level_names[] = {
	[AUDIT_NONE] = "None",
	[AUDIT_METADATA] = "Metadata",
	[AUDIT_REQUEST] = "Request",
	[AUDIT_REQUEST_RESPONSE] = "RequestResponse",
};

const char *audit_level_name(enum audit_level level)
{
	return level_names[level];
}

static bool read_level(const json_t *rule, enum audit_level *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(level_names); i++)
		if (strcmp(json_path_string(rule, "level"), level_names[i]) == 0) {
			*out = (enum audit_level)i;
			return true;
		}
	return false;
}

/* Whose bodies are secret, or often hold what is. SUBRESOURCE "": whichever. */
static const struct {
	const char *group, *resource, *subresource;
} guarded[] = {
	{"", "secrets", ""},
	{"", "configmaps", ""},
	{"", "serviceaccounts", "token"},
	{"authentication.k8s.io", "tokenreviews", ""},
};

static bool is_guarded(const struct access *a)
{
	for (size_t i = 0; a->resource && i < ARRAY_SIZE(guarded); i++)
		if (strcmp(guarded[i].group, a->group) == 0 &&
		    strcmp(guarded[i].resource, a->resource) == 0 &&
		    (!*guarded[i].subresource ||
		     strcmp(guarded[i].subresource, a->subresource) == 0))
			return true;
	return false;
}

/* Whether RULE, which fits, names the type and does not mean it among all. */
static bool names(const json_t *rule, const struct access *a)
{
	const json_t *entry, *item;
	size_t i, j;

	json_array_foreach (json_object_get(rule, "resources"), i, entry)
		json_array_foreach (json_object_get(entry, "resources"), j, item)
			if (*json_string_value(item) != '*' && fits_group_resources(entry, a) &&
			    fits_resource(json_string_value(item), a))
				return true;
	return false;
}

static void omit_stages(const json_t *names, struct audit_decision *out)
{
	for (enum audit_stage stage = 0; stage < AUDIT_STAGES; stage++)
		out->omits[stage] |= has(names, audit_stage_name(stage));
}

/* A rule's omitManagedFields, where it has one, counts before the policy's. */
static bool omits_managed_fields(const json_t *policy, const json_t *rule)
{
	return json_path_bool(rule, "omitManagedFields",
			      json_path_bool(policy, "omitManagedFields", false));
}

static void apply_rule(const json_t *policy, const json_t *rule, const struct access *access,
		       struct audit_decision *out)
{
	read_level(rule, &out->level);
	if (out->level > AUDIT_METADATA && is_guarded(access) && !names(rule, access))
		out->level = AUDIT_METADATA;
	out->omit_managed_fields = omits_managed_fields(policy, rule);
	omit_stages(json_object_get(rule, "omitStages"), out);
}

struct audit_decision audit_policy_decide(const struct audit_policy *p, const struct request *r,
					  const struct access *access)
{
	static const struct user nobody = {.name = ""};
	const struct identity *asks = r->impersonator ? r->impersonator : r->who;
	struct audit_decision d = {.level = AUDIT_NONE};
	const json_t *rule;
	size_t i;

	if (!p)
		return (struct audit_decision){.level = AUDIT_METADATA,
					       .omits[AUDIT_RECEIVED] = true};
	omit_stages(json_object_get(p->tree, "omitStages"), &d);
	json_array_foreach (json_object_get(p->tree, "rules"), i, rule)
		if (fits(rule, asks ? &asks->user : &nobody, access)) {
			apply_rule(p->tree, rule, access, &d);
			break;
		}
	return d;
}

/* ---- reading */

static int check_texts(const json_t *tree, const char *const *keys, struct error **err)
{
	const json_t *list, *item;
	size_t i;

	for (; *keys; keys++) {
		list = json_object_get(tree, *keys);
		if (list && !json_is_array(list) && !json_is_null(list))
			return error_set(err, E_BAD_REQUEST, "%s is no list", *keys);
		json_array_foreach (list, i, item)
			if (!json_is_string(item))
				return error_set(err, E_BAD_REQUEST,
						 "%s has an item that is no text", *keys);
	}
	return 0;
}

static int check_flag(const json_t *tree, const char *key, struct error **err)
{
	const json_t *flag = json_object_get(tree, key);

	if (flag && !json_is_boolean(flag) && !json_is_null(flag))
		return error_set(err, E_BAD_REQUEST, "%s is neither true nor false", key);
	return 0;
}

static int check_rule(const json_t *rule, struct error **err)
{
	static const char *const texts[] = {"users",	       "userGroups", "verbs", "namespaces",
					    "nonResourceURLs", "omitStages", NULL};
	static const char *const in_resources[] = {"resources", "resourceNames", NULL};
	enum audit_level level;
	const json_t *entry;
	size_t i;

	if (!read_level(rule, &level))
		return error_set(err, E_BAD_REQUEST,
				 "level is None, Metadata, Request or RequestResponse, not \"%s\"",
				 json_path_string(rule, "level"));
	if (check_texts(rule, texts, err) < 0 || check_flag(rule, "omitManagedFields", err) < 0)
		return -1;
	if (given(rule, "nonResourceURLs") &&
	    (given(rule, "resources") || given(rule, "namespaces")))
		return error_set(err, E_BAD_REQUEST,
				 "a rule is about nonResourceURLs or about resources");
	json_array_foreach (json_object_get(rule, "resources"), i, entry)
		if (check_texts(entry, in_resources, err) < 0)
			return -1;
	return 0;
}

static int check(const json_t *tree, struct error **err)
{
	static const char *const texts[] = {"omitStages", NULL};
	const json_t *rule;
	size_t i;

	if (strcmp(json_path_string(tree, "kind"), "Policy") != 0 ||
	    strcmp(json_path_string(tree, "apiVersion"), "audit.k8s.io/v1") != 0)
		return error_set(err, E_BAD_REQUEST, "it is no Policy of audit.k8s.io/v1");
	if (!given(tree, "rules"))
		return error_set(err, E_BAD_REQUEST, "it has no rules");
	if (check_texts(tree, texts, err) < 0 || check_flag(tree, "omitManagedFields", err) < 0)
		return -1;
	json_array_foreach (json_object_get(tree, "rules"), i, rule)
		if (check_rule(rule, err) < 0)
			return error_wrap(err, "rules[%zu]", i);
	return 0;
}

struct audit_policy *audit_policy_read(const char *path, struct error **err)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	json_t *tree json_auto = NULL;
	struct audit_policy *p;

	if (file_read(path, POLICY_MAX_BYTES, &text, err) < 0 ||
	    !(tree = yaml_read_one(text.s, text.len, err)) || check(tree, err) < 0) {
		error_wrap(err, "audit policy %s", path);
		return NULL;
	}
	p = xcalloc(1, sizeof(*p));
	p->tree = steal(&tree);
	return p;
}

void audit_policy_free(struct audit_policy *p)
{
	if (!p)
		return;
	json_decref(p->tree);
	free(p);
}
