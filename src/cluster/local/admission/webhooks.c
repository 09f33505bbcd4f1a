/*
 * The configurations of webhooks as they are used: read from the store when somebody asks and one
 * of them has changed since.
 */
#include "cluster/local/admission/webhooks.h"

#include "base/mem.h"
#include "cluster/local/admission_cel.h"
#include "cluster/local/admission_match.h"
#include "object/json.h"

#include <string.h>

static const char *const plurals[HOOK_KINDS] = {"mutatingwebhookconfigurations",
						"validatingwebhookconfigurations"};

struct hook_configs {
	pthread_mutex_t lock;
	struct {
		char type[TYPE_KEY_LEN];
		uint64_t changes;     /* how often there was one */
		struct hooks *hooks;  /* a ref, or NULL: never asked */
		uint64_t hooks_as_of; /* of which change they are */
	} kinds[HOOK_KINDS];
};

struct hook_configs *hook_configs_new(void)
{
	struct catalog *builtin CLEANUP(catalog_unref_cleanup) = catalog_builtin();
	struct hook_configs *c = xcalloc(1, sizeof(*c));

	pthread_mutex_init(&c->lock, NULL);
	for (size_t i = 0; i < HOOK_KINDS; i++)
		type_key(catalog_find(builtin, "admissionregistration.k8s.io", "v1", plurals[i]),
			 c->kinds[i].type);
	return c;
}

void hook_configs_free(struct hook_configs *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < HOOK_KINDS; i++)
		hooks_unref(c->kinds[i].hooks);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

void hook_configs_forget(struct local *l, const char *key, size_t len)
{
	struct hook_configs *c = l->hook_configs;

	for (size_t i = 0; i < HOOK_KINDS; i++) {
		if (!key_has_type(key, len, c->kinds[i].type))
			continue;
		pthread_mutex_lock(&c->lock);
		c->kinds[i].changes++;
		pthread_mutex_unlock(&c->lock);
	}
}

static void hook_release(struct hook *h)
{
	free(h->name);
	hook_target_free(h->target);
	admission_match_free(h->match);
	admission_conditions_free(h->conditions);
}

void hooks_unref(struct hooks *h)
{
	if (!h || --h->refs)
		return;
	vec_each (h, hook)
		hook_release(hook);
	vec_release(h);
	free(h);
}

static const char *first_known(const json_t *versions)
{
	static const char *const known[] = {"v1", "v1beta1"};
	size_t i;
	json_t *version;

	json_array_foreach ((json_t *)versions, i, version)
		for (size_t k = 0; k < ARRAY_SIZE(known); k++)
			if (str_equal(json_string_value(version), known[k]))
				return known[k];
	return NULL;
}

static bool is(const json_t *hook, const char *path, const char *value)
{
	return strcmp(json_path_string(hook, path), value) == 0;
}

static struct hook hook_of(const json_t *hook)
{
	return (struct hook){
		.name = xstrdup(json_path_string(hook, "name")),
		.target = hook_target_new(json_path(hook, "clientConfig")),
		.match = admission_match_new(hook, "rules", MATCH_NOTHING),
		.conditions =
			admission_conditions_new(json_path(hook, "matchConditions"), NULL, NULL),
		.ignore = is(hook, "failurePolicy", "Ignore"),
		.again = is(hook, "reinvocationPolicy", "IfNeeded"),
		.timeout_s = (int)json_path_int(hook, "timeoutSeconds", 0),
		.version = first_known(json_path(hook, "admissionReviewVersions")),
	};
}

static bool add_hooks(void *arg, const void *key, size_t key_len, const char *value, size_t len,
		      uint64_t revision)
{
	json_t *config json_auto = json_read(value, len, NULL);
	struct hooks *hooks = arg;
	size_t i;
	json_t *hook;

	json_array_foreach (json_path(config, "webhooks"), i, hook)
		vec_push(hooks, hook_of(hook));
	return true;
}

struct hooks *hooks_get(struct local *l, enum hook_kind kind, struct error **err)
{
	struct hook_configs *c = l->hook_configs;
	struct hooks *hooks = NULL, *old;
	uint64_t changes, revision;

	pthread_mutex_lock(&c->lock);
	changes = c->kinds[kind].changes;
	if (c->kinds[kind].hooks && c->kinds[kind].hooks_as_of == changes) {
		hooks = c->kinds[kind].hooks;
		hooks->refs++;
	}
	pthread_mutex_unlock(&c->lock);
	if (hooks)
		return hooks;
	hooks = xcalloc(1, sizeof(*hooks));
	hooks->refs = 1;
	if (store_list(l->store, c->kinds[kind].type, TYPE_KEY_LEN, NULL, 0, 0, add_hooks, hooks,
		       &revision, err) < 0) {
		hooks_unref(hooks);
		return NULL;
	}
	pthread_mutex_lock(&c->lock);
	old = c->kinds[kind].hooks;
	c->kinds[kind].hooks = hooks;
	c->kinds[kind].hooks_as_of = changes;
	hooks->refs++;
	pthread_mutex_unlock(&c->lock);
	hooks_unref(old);
	return hooks;
}

bool hooks_concern(const struct admission *a)
{
	return !a->own && !admission_is_configuration(a);
}

/* 1, 0, or -1 where the failure policy has a failed condition refuse. */
static int conditions_hold(const struct hook *h, struct admission *a, const struct resource *as,
			   struct error **err)
{
	struct admission_input in CLEANUP(admission_input_release) = {0};
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	int result;

	if (!h->conditions)
		return 1;
	if (admission_input_init(&in, a, as, &why) < 0)
		return hook_internal(err, "%s", error_message(why));
	result = admission_conditions_hold(h->conditions, &in, &why);
	if (result >= 0)
		return result;
	return h->ignore ? 0 : admission_forbid(a, err, "%s", error_message(why));
}

int hook_concerns(const struct hook *h, struct admission *a, const struct resource **as,
		  struct error **err)
{
	const struct resource *found = NULL;
	int result = admission_matches(h->match, a, &found, err);

	if (result <= 0)
		return result;
	result = conditions_hold(h, a, found, err);
	if (result <= 0)
		resource_unref(found);
	else
		*as = found;
	return result;
}
