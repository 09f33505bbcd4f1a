#include "cluster/local/admission.h"
#include "cluster/local/admission/webhooks.h"
#include "cluster/local/admission_request.h"
#include "cluster/local/kept.h"

#include "base/map.h"
#include "base/mem.h"
#include "cluster/lifecycle.h"
#include "kinds/field.h"
#include "object/json.h"

#include <string.h>

const char *admission_name(const struct admission *a)
{
	const char *name = a->name;

	if (!*name && a->object)
		name = json_path_string(a->object, "metadata.name");
	if (!*name && a->object)
		name = json_path_string(a->object, "metadata.generateName");
	return *name ? name : "Unknown";
}

int admission_forbid(const struct admission *a, struct error **err, const char *format, ...)
{
	struct str why CLEANUP(str_release) = STR_INIT;
	va_list ap;

	va_start(ap, format);
	str_addv(&why, format, ap);
	va_end(ap);
	return refuse_forbidden(a->resource, admission_name(a), why.s, err);
}

const struct user *admission_user(const struct admission *a)
{
	static const char *const groups[] = {"system:masters", NULL};
	static const struct user self = {.name = "system:apiserver", .uid = "", .groups = groups};

	return a->call && a->call->user ? a->call->user : &self;
}

void admission_warn(const struct admission *a, const char *format, ...)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	va_list ap;

	if (!a->call || !a->call->warnings)
		return;
	va_start(ap, format);
	str_addv(&text, format, ap);
	va_end(ap);
	warnings_add(a->call->warnings, "%s", text.s);
}

void admission_annotate(const struct admission *a, const char *key, const char *value)
{
	if (a->call && a->call->annotations)
		annotations_add(a->call->annotations, key, value);
}

static const struct resource *builtin(const char *group, const char *plural)
{
	struct catalog *all CLEANUP(catalog_unref_cleanup) = catalog_builtin();

	/* Built-in rows outlive every catalog. */
	return storage_of(catalog_find(all, group, NULL, plural));
}

/* Takes T over. */
static const json_t *read_tree(struct admission *a, struct kept_tree *t)
{
	vec_push(&a->reads, t);
	return t->tree;
}

const json_t *admission_get(struct admission *a, const char *group, const char *plural,
			    const char *namespace, const char *name, struct error **err)
{
	const struct resource *r = builtin(group, plural);
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	struct str key CLEANUP(str_release) = STR_INIT;
	struct kept_tree *t;
	uint64_t since;

	object_key(r, namespace, name, &key);
	t = kept_find(a->local->kept, &key, &since);
	if (t)
		return read_tree(a, t);
	o = local_read(a->local, r, namespace, name, err);
	if (!o)
		return NULL;
	return read_tree(a, kept_put(a->local->kept, &key, object_tree(o), o->len, since));
}

struct listing {
	json_t *all;
	size_t bytes;
};

static void listing_release(struct listing *l)
{
	json_decref(l->all);
}

static bool append(void *arg, const void *key, size_t key_len, const char *value, size_t len,
		   uint64_t revision)
{
	json_t *tree = json_read(value, len, NULL);
	struct listing *l = arg;

	l->bytes += len;
	return tree && json_array_append_new(l->all, tree) == 0;
}

const json_t *admission_list(struct admission *a, const char *group, const char *plural,
			     const char *namespace, struct error **err)
{
	struct str prefix CLEANUP(str_release) = STR_INIT;
	struct listing l CLEANUP(listing_release) = {0};
	struct kept_tree *t;
	uint64_t revision, since;

	object_key(builtin(group, plural), *namespace ? namespace : NULL, NULL, &prefix);
	t = kept_find(a->local->kept, &prefix, &since);
	if (t)
		return read_tree(a, t);
	l.all = json_array();
	if (store_list(a->local->store, prefix.s, prefix.len, NULL, 0, 0, append, &l, &revision,
		       err) < 0)
		return NULL;
	return read_tree(a, kept_put(a->local->kept, &prefix, steal(&l.all), l.bytes, since));
}

bool admission_each_container(const json_t *spec, container_visit *visit, void *arg)
{
	static const char *const lists[] = {"initContainers", "containers", "ephemeralContainers"};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		json_t *container;
		size_t k;

		json_array_foreach (json_object_get(spec, lists[i]), k, container)
			if (!visit(arg, container, lists[i], k))
				return false;
	}
	return true;
}

static bool sees(const struct admission_plugin *p, const struct admission *a)
{
	if (!(p->operations & a->operation))
		return false;
	for (size_t i = 0; i < ADMISSION_RESOURCES && p->resources[i]; i++)
		if (strcmp(p->resources[i], "*") == 0 || strcmp(p->resources[i], a->target.s) == 0)
			return true;
	return false;
}

/* The next plugin from *I on that is enabled and sees the request, or NULL. */
static const struct admission_plugin *next(const struct admission *a, size_t *i)
{
	for (; admission_plugins[*i]; ++*i)
		if ((a->local->admission_enabled >> *i & 1) && sees(admission_plugins[*i], a))
			return admission_plugins[(*i)++];
	return NULL;
}

static void begin(struct admission *a)
{
	resource_format(a->resource, &a->target);
	if (*a->subresource)
		str_addf(&a->target, "/%s", a->subresource);
}

/* These are objects of their own that a client creates under another. */
static bool creates(const char *subresource)
{
	static const char *const made[] = {"binding", "eviction", "token", NULL};

	return text_is_one_of(subresource, made);
}

void admission_begin(struct admission *a, const struct write *w, const json_t *old, json_t *tree)
{
	const char *subresource = w->subresource ? w->subresource : "";

	*a = (struct admission){
		.local = w->l,
		.call = w->call,
		.errand = w->errand,
		.operation = !old || creates(subresource) ? ADMIT_CREATE : ADMIT_UPDATE,
		.resource = w->r,
		.storage = w->storage,
		.target = STR_INIT,
		.subresource = subresource,
		.namespace = w->r->namespaced ? w->namespace : "",
		.name = w->name ? w->name : "",
		.dry_run = w->opt->dry_run,
		.write_options = w->opt,
		.own = w->own,
		.old = old,
		.object = tree,
	};
	begin(a);
}

void admission_begin_delete(struct admission *a, const struct errand *e, const struct resource *r,
			    const char *namespace, const char *name,
			    const struct delete_options *opt, const json_t *old)
{
	*a = (struct admission){
		.local = e->l,
		.call = e->call,
		.errand = *e,
		.operation = ADMIT_DELETE,
		.resource = r,
		.storage = storage_of(r),
		.target = STR_INIT,
		.subresource = "",
		.namespace = r->namespaced ? namespace : "",
		.name = name,
		.dry_run = opt->dry_run,
		.delete_options = opt,
		.old = old,
	};
	begin(a);
}

void admission_release(struct admission *a)
{
	str_release(&a->target);
	admission_facts_free(a->facts);
	hook_round_free(a->round);
	vec_each (&a->reads, t)
		kept_unref(*t);
	vec_release(&a->reads);
	if (a->held)
		pthread_mutex_unlock(a->held);
}

static int admit_once(struct admission *a, struct error **err)
{
	const struct admission_plugin *p;
	size_t i = 0;

	while ((p = next(a, &i)))
		if (p->admit && p->admit(a, err) < 0)
			return -1;
	return 0;
}

int admission_admit(struct admission *a, struct error **err)
{
	a->admit_again = a->readmitted = false;
	if (admit_once(a, err) < 0)
		return -1;
	if (!a->admit_again)
		return 0;
	a->readmitted = true;
	return admit_once(a, err);
}

int admission_validate(struct admission *a, struct error **err)
{
	const struct admission_plugin *p;
	size_t i = 0;

	while ((p = next(a, &i)))
		if (p->validate && p->validate(a, err) < 0)
			return -1;
	return 0;
}

/* One of a few mutexes: what shares one waits without need, and no more. */
static void hold(struct admission *a)
{
	uint64_t hash = hash_bytes(a->namespace, strlen(a->namespace));

	if (a->held)
		return;
	a->held = &a->local->admission_locks[hash % ADMISSION_LOCKS];
	pthread_mutex_lock(a->held);
}

int admission_charge(struct admission *a, struct commit *c, struct error **err)
{
	const struct admission_plugin *p;
	size_t i = 0;

	while ((p = next(a, &i))) {
		if (!p->charge || !p->needed(a))
			continue;
		hold(a);
		if (p->charge(a, c, err) < 0)
			return -1;
	}
	return 0;
}

/* Sets or clears the plugins that LIST names. */
static int switch_plugins(struct local *l, const char *list, bool on, struct error **err)
{
	while (list && *list) {
		size_t len = strcspn(list, ","), i;

		for (i = 0; admission_plugins[i]; i++)
			if (strlen(admission_plugins[i]->name) == len &&
			    strncmp(admission_plugins[i]->name, list, len) == 0)
				break;
		if (len && !admission_plugins[i])
			return error_set(err, E_BAD_REQUEST, "unknown admission plugin \"%.*s\"",
					 (int)len, list);
		if (len && on)
			l->admission_enabled |= UINT64_C(1) << i;
		else if (len)
			l->admission_enabled &= ~(UINT64_C(1) << i);
		list += len + (list[len] == ',');
	}
	return 0;
}

int admission_configure(struct local *l, const char *enable, const char *disable,
			struct error **err)
{
	l->admission_enabled = 0;
	for (size_t i = 0; admission_plugins[i]; i++)
		if (!admission_plugins[i]->off)
			l->admission_enabled |= UINT64_C(1) << i;
	if (switch_plugins(l, enable, true, err) < 0)
		return -1;
	return switch_plugins(l, disable, false, err);
}

void admission_open(struct local *l)
{
	for (size_t i = 0; i < ADMISSION_LOCKS; i++)
		pthread_mutex_init(&l->admission_locks[i], NULL);
}

void admission_close(struct local *l)
{
	for (size_t i = 0; i < ADMISSION_LOCKS; i++)
		pthread_mutex_destroy(&l->admission_locks[i]);
}
