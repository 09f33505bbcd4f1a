#include "kinds/rbac.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/vec.h"
#include "object/json.h"

#include <string.h>

#define ACCOUNT_PREFIX "system:serviceaccount:"

static struct rbac_words read_words(const json_t *list, struct arena *arena)
{
	size_t size = json_array_size(list), i, n = 0;
	const char **v = size ? arena_new(arena, size * sizeof(*v)) : NULL;
	const json_t *word;

	json_array_foreach ((json_t *)list, i, word)
		if (json_is_string(word))
			v[n++] = arena_copy(arena, json_string_value(word),
					    strlen(json_string_value(word)));
	return (struct rbac_words){v, n};
}

void rbac_read_rules(const json_t *json, struct arena *arena, struct rbac_rules *out)
{
	const json_t *rule;
	size_t i;

	json_array_foreach ((json_t *)json, i, rule) {
		struct rbac_rule read = {
			.verbs = read_words(json_object_get(rule, "verbs"), arena),
			.groups = read_words(json_object_get(rule, "apiGroups"), arena),
			.resources = read_words(json_object_get(rule, "resources"), arena),
			.names = read_words(json_object_get(rule, "resourceNames"), arena),
			.urls = read_words(json_object_get(rule, "nonResourceURLs"), arena),
		};

		if (json_is_object(rule))
			vec_push(out, read);
	}
}

void rbac_rules_release(struct rbac_rules *rules)
{
	vec_release(rules);
}

static void add_words(json_t *rule, const char *key, const struct rbac_words *words)
{
	json_t *list;

	if (!words->n)
		return;
	list = json_array();
	for (size_t i = 0; i < words->n; i++)
		json_array_append_new(list, json_string(words->v[i]));
	json_object_set_new(rule, key, list);
}

json_t *rbac_rule_json(const struct rbac_rule *rule)
{
	json_t *json = json_object();

	add_words(json, "apiGroups", &rule->groups);
	add_words(json, "nonResourceURLs", &rule->urls);
	add_words(json, "resourceNames", &rule->names);
	add_words(json, "resources", &rule->resources);
	add_words(json, "verbs", &rule->verbs);
	return json;
}

static bool has(const struct rbac_words *words, const char *word)
{
	for (size_t i = 0; i < words->n; i++)
		if (strcmp(words->v[i], word) == 0)
			return true;
	return false;
}

static bool has_or_all(const struct rbac_words *words, const char *word)
{
	for (size_t i = 0; i < words->n; i++)
		if (strcmp(words->v[i], "*") == 0 || strcmp(words->v[i], word) == 0)
			return true;
	return false;
}

/* PATTERN ends with any number of "*": what begins like it. */
static bool url_matches(const char *pattern, const char *path)
{
	size_t len = strlen(pattern), stem = len;

	while (stem && pattern[stem - 1] == '*')
		stem--;
	if (stem == len)
		return strcmp(pattern, path) == 0;
	return strncmp(pattern, path, stem) == 0;
}

/* "pods", "pods/log", a subresource of whatever it may be, or anything. */
static bool resource_matches(const char *word, const char *resource, const char *subresource)
{
	size_t len = strlen(resource);

	if (strcmp(word, "*") == 0)
		return true;
	if (!*subresource)
		return strcmp(word, resource) == 0;
	if (strncmp(word, "*/", 2) == 0 && strcmp(word + 2, subresource) == 0)
		return true;
	return strncmp(word, resource, len) == 0 && word[len] == '/' &&
	       strcmp(word + len + 1, subresource) == 0;
}

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

bool rbac_rule_allows(const struct rbac_rule *rule, const struct access *a)
{
	if (!has_or_all(&rule->verbs, a->verb))
		return false;
	if (!a->resource) {
		for (size_t i = 0; i < rule->urls.n; i++)
			if (url_matches(rule->urls.v[i], or_empty(a->path)))
				return true;
		return false;
	}
	if (!has_or_all(&rule->groups, or_empty(a->group)))
		return false;
	if (rule->names.n && !has(&rule->names, or_empty(a->name)))
		return false;
	for (size_t i = 0; i < rule->resources.n; i++)
		if (resource_matches(rule->resources.v[i], a->resource, or_empty(a->subresource)))
			return true;
	return false;
}

/* One verb of one thing. NAME NULL: whatever its name; URL NULL: a resource. */
struct atom {
	const char *verb, *group, *resource, *name, *url;
};

static bool resource_covered(const struct rbac_rule *rule, const char *resource)
{
	const char *slash = strchr(resource, '/');

	for (size_t i = 0; i < rule->resources.n; i++) {
		const char *word = rule->resources.v[i];

		if (strcmp(word, "*") == 0 || strcmp(word, resource) == 0)
			return true;
		if (slash && strncmp(word, "*/", 2) == 0 && strcmp(word + 2, slash + 1) == 0)
			return true;
	}
	return false;
}

static bool covers(const struct rbac_rule *rule, const struct atom *a)
{
	if (!has_or_all(&rule->verbs, a->verb))
		return false;
	if (a->url) {
		for (size_t i = 0; i < rule->urls.n; i++)
			if (url_matches(rule->urls.v[i], a->url))
				return true;
		return false;
	}
	if (!has_or_all(&rule->groups, a->group) || !resource_covered(rule, a->resource))
		return false;
	return !rule->names.n || (a->name && has(&rule->names, a->name));
}

/* Where the parts of a resource's rule come together again. */
struct collector {
	const struct rbac_rules *owned;
	struct arena *arena;
	struct rbac_rules *missing;
	struct map *known; /* key of group, resource and name -> index + 1 in missing */
};

static struct rbac_words one(struct arena *arena, const char *word)
{
	const char **v = arena_new(arena, sizeof(*v));

	*v = word;
	return (struct rbac_words){v, 1};
}

static void add_verb(struct arena *arena, struct rbac_words *verbs, const char *verb)
{
	const char **v = arena_new(arena, (verbs->n + 1) * sizeof(*v));

	for (size_t i = 0; i < verbs->n; i++)
		v[i] = verbs->v[i];
	v[verbs->n] = verb;
	*verbs = (struct rbac_words){v, verbs->n + 1};
}

static void collect(struct collector *c, const struct atom *a)
{
	char *key free_ptr = NULL;
	struct rbac_rule rule;
	size_t index;

	for (size_t i = 0; i < c->owned->n; i++)
		if (covers(&c->owned->v[i], a))
			return;
	if (a->url) {
		rule = (struct rbac_rule){.urls = one(c->arena, a->url),
					  .verbs = one(c->arena, a->verb)};
		vec_push(c->missing, rule);
		return;
	}
	key = xasprintf("%s\n%s\n%d%s", a->group, a->resource, a->name != NULL, or_empty(a->name));
	index = (size_t)(uintptr_t)map_get(c->known, key);
	if (index) {
		add_verb(c->arena, &c->missing->v[index - 1].verbs, a->verb);
		return;
	}
	rule = (struct rbac_rule){.groups = one(c->arena, a->group),
				  .resources = one(c->arena, a->resource),
				  .verbs = one(c->arena, a->verb)};
	if (a->name)
		rule.names = one(c->arena, a->name);
	vec_push(c->missing, rule);
	map_put(c->known, key, (void *)(uintptr_t)c->missing->n);
}

static void take_apart(struct collector *c, const struct rbac_rule *rule, const char *verb)
{
	for (size_t g = 0; g < rule->groups.n; g++)
		for (size_t r = 0; r < rule->resources.n; r++) {
			struct atom a = {.verb = verb,
					 .group = rule->groups.v[g],
					 .resource = rule->resources.v[r]};

			for (size_t k = 0; k < rule->names.n; k++) {
				a.name = rule->names.v[k];
				collect(c, &a);
			}
			if (!rule->names.n)
				collect(c, &a);
		}
	for (size_t u = 0; u < rule->urls.n; u++)
		collect(c, &(struct atom){.verb = verb, .url = rule->urls.v[u]});
}

void rbac_missing(const struct rbac_rules *owned, const struct rbac_rules *wanted,
		  struct arena *arena, struct rbac_rules *missing)
{
	struct collector c = {owned, arena, missing, map_new()};

	for (size_t i = 0; i < wanted->n; i++)
		for (size_t v = 0; v < wanted->v[i].verbs.n; v++)
			take_apart(&c, &wanted->v[i], wanted->v[i].verbs.v[v]);
	map_free(c.known, NULL);
}

static void describe_words(const char *label, const struct rbac_words *words, struct str *out)
{
	if (!words->n)
		return;
	str_addf(out, "%s%s:[", out->s[out->len - 1] == '{' ? "" : ", ", label);
	for (size_t i = 0; i < words->n; i++) {
		if (i)
			str_addc(out, ' ');
		str_add_quoted(out, words->v[i]);
	}
	str_addc(out, ']');
}

static char *describe_rule(const struct rbac_rule *rule)
{
	struct str text = STR_INIT;

	str_addc(&text, '{');
	describe_words("APIGroups", &rule->groups, &text);
	describe_words("Resources", &rule->resources, &text);
	describe_words("NonResourceURLs", &rule->urls, &text);
	describe_words("ResourceNames", &rule->names, &text);
	describe_words("Verbs", &rule->verbs, &text);
	str_addc(&text, '}');
	return str_take(&text);
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void rbac_describe(const struct rbac_rules *rules, struct str *out)
{
	VEC(char *) lines = VEC_INIT;

	for (size_t i = 0; i < rules->n; i++)
		vec_push(&lines, describe_rule(&rules->v[i]));
	if (lines.n)
		qsort(lines.v, lines.n, sizeof(*lines.v), compare_lines);
	for (size_t i = 0; i < lines.n; i++)
		if (!i || strcmp(lines.v[i], lines.v[i - 1]) != 0)
			str_addf(out, "%s%s", i ? "\n" : "", lines.v[i]);
	vec_each (&lines, line)
		free(*line);
	vec_release(&lines);
}

bool rbac_user_in_group(const struct user *user, const char *group)
{
	for (const char *const *g = user->groups; g && *g; g++)
		if (strcmp(*g, group) == 0)
			return true;
	return false;
}

/* The namespace of the account that S is, "" where it can be none. */
static const char *account_namespace(const struct rbac_subject *s, const char *namespace)
{
	return *s->namespace ? s->namespace : namespace;
}

static bool is_account(const char *user, const char *namespace, const char *name)
{
	size_t len = strlen(namespace);

	if (!len || strncmp(user, ACCOUNT_PREFIX, strlen(ACCOUNT_PREFIX)) != 0)
		return false;
	user += strlen(ACCOUNT_PREFIX);
	return strncmp(user, namespace, len) == 0 && user[len] == ':' &&
	       strcmp(user + len + 1, name) == 0;
}

bool rbac_subject_is(const struct rbac_subject *s, const char *namespace, const struct user *user)
{
	if (strcmp(s->kind, "User") == 0)
		return strcmp(s->name, user->name) == 0;
	if (strcmp(s->kind, "Group") == 0)
		return rbac_user_in_group(user, s->name);
	return strcmp(s->kind, "ServiceAccount") == 0 &&
	       is_account(user->name, account_namespace(s, namespace), s->name);
}

const char *rbac_subject_key(const struct rbac_subject *s, const char *namespace,
			     struct arena *arena)
{
	if (strcmp(s->kind, "User") == 0)
		return arena_printf(arena, "u:%s", s->name);
	if (strcmp(s->kind, "Group") == 0)
		return arena_printf(arena, "g:%s", s->name);
	namespace = account_namespace(s, namespace);
	if (strcmp(s->kind, "ServiceAccount") != 0 || !*namespace)
		return NULL;
	return arena_printf(arena, "u:" ACCOUNT_PREFIX "%s:%s", namespace, s->name);
}

void rbac_subject_describe(const struct rbac_subject *s, const char *namespace, struct str *out)
{
	struct str name CLEANUP(str_release) = STR_INIT;

	str_adds(&name, s->name);
	if (strcmp(s->kind, "ServiceAccount") == 0)
		str_addf(&name, "/%s", account_namespace(s, namespace));
	str_addf(out, "%s ", s->kind);
	str_add_quoted(out, name.s);
}
