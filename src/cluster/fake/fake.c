#include "cluster/fake/fake.h"

#include "base/mem.h"
#include "base/str.h"
#include "cluster/backends.h"
#include "cluster/lifecycle.h"
#include "cluster/listeners.h"
#include "object/json.h"

#include <limits.h>
#include <string.h>

char *fake_key(const struct resource *r, const char *namespace, const char *name)
{
	bool all = r->namespaced && (!namespace || !*namespace);

	return xasprintf("%s/%s/%s%s%s", r->group, r->plural,
			 all	     ? ""
			 : namespace ? namespace
				     : "",
			 all ? "" : "/", name ? name : "");
}

int fake_begin(struct cluster *c, const struct call *call, const struct fake_request *request,
	       struct error **err)
{
	struct fake *f = fake_of(c);
	fake_hook *hook;
	void *arg;

	pthread_mutex_lock(&f->lock);
	f->requests[__builtin_ctz(request->verb)]++;
	hook = f->hook;
	arg = f->hook_arg;
	pthread_mutex_unlock(&f->lock);
	if (call_cancelled(call))
		return error_set(err, E_CANCELLED, "the request was given up");
	return hook ? hook(arg, request, err) : 0;
}

static struct catalog *catalog(struct cluster *c, const struct call *call, struct error **err)
{
	struct fake *f = fake_of(c);
	struct catalog *out;

	pthread_mutex_lock(&f->lock);
	out = catalog_ref(f->catalog);
	pthread_mutex_unlock(&f->lock);
	return out;
}

static struct object *find(struct fake *f, const struct resource *r, const char *namespace,
			   const char *name, const char *rv, struct error **err)
{
	char *key free_ptr = fake_key(r, namespace, name);
	uint64_t revision = rv ? strtoull(rv, NULL, 10) : 0;
	struct object *o = map_get(f->objects, key);

	if (!revision) {
		if (!o)
			refuse_not_found(r, name, err);
		return o ? object_ref(o) : NULL;
	}
	if (o && o->revision == revision)
		return object_ref(o);
	vec_each (&f->history, change)
		if (change->revision == revision && change->type != WATCH_DELETED &&
		    strcmp(change->new->name, name) == 0)
			return object_ref(change->new);
	error_set(err, E_GONE, "version %s of \"%s\" is no longer kept", rv, name);
	return NULL;
}

static int get(struct cluster *c, const struct call *call, const struct resource *r,
	       const char *namespace, const char *name, const char *subresource, const char *rv,
	       struct object **out, struct error **err)
{
	struct fake *f = fake_of(c);
	struct fake_request request = {.verb = VERB_GET,
				       .resource = r,
				       .namespace = namespace,
				       .name = name,
				       .subresource = subresource};
	json_t *tree json_auto = NULL;
	json_t *scale json_auto = NULL;

	if (fake_begin(c, call, &request, err) < 0)
		return -1;
	pthread_mutex_lock(&f->lock);
	*out = find(f, r, namespace, name, rv, err);
	pthread_mutex_unlock(&f->lock);
	if (!*out || !subresource || strcmp(subresource, "scale"))
		return *out ? 0 : -1;
	tree = object_tree(*out);
	object_unref(steal(out));
	scale = scale_get(tree, r, err);
	if (!scale)
		return -1;
	*out = object_from_tree(scale);
	return 0;
}

struct keyed {
	const char *key;
	struct object *object;
};
struct selection {
	struct keyed *v;
	size_t n, cap;
	struct selector *labels;
	struct field_selector *fields;
};

static void selection_release(struct selection *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free((char *)s->v[i].key);
		object_unref(s->v[i].object);
	}
	vec_release(s);
	selector_free(s->labels);
	field_selector_free(s->fields);
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct keyed *)a)->key, ((const struct keyed *)b)->key);
}

/* All objects below PREFIX that the options pick, in order. Locked. */
static void collect(struct fake *f, const char *prefix, const char *after, struct selection *s)
{
	map_each (f->objects, e) {
		struct object *o = e->value;

		if (strncmp(e->key, prefix, strlen(prefix)) == 0 && strcmp(e->key, after) > 0 &&
		    selector_matches(s->labels, o) && field_selector_matches(s->fields, o))
			vec_push(s, (struct keyed){xstrdup(e->key), object_ref(o)});
	}
	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), by_key);
}

/* A continue token is "REVISION KEY": pages come from the newest state, which tests accept. */
static int parse_token(struct fake *f, const char *token, const char **after, struct error **err)
{
	char *end;
	uint64_t revision;

	*after = "";
	if (!token)
		return 0;
	revision = strtoull(token, &end, 10);
	if (*end != ' ')
		return error_set(err, E_BAD_REQUEST, "continue key is not valid");
	if (revision < f->oldest)
		return error_set(err, E_GONE, "The provided continue parameter is too old");
	*after = end + 1;
	return 0;
}

/* A list is of the newest state, whatever older one is asked for. Locked. */
static int check_revision(struct fake *f, const char *rv, struct error **err)
{
	char *end = NULL;
	uint64_t revision = rv ? strtoull(rv, &end, 10) : 0;

	if (rv && *end)
		return error_set(err, E_BAD_REQUEST, "resourceVersion: Invalid value: \"%s\"", rv);
	if (revision > f->revision)
		return error_set(err, E_TIMEOUT, "Too large resource version: %s", rv);
	return 0;
}

static void emit(const struct selection *s, const struct list_options *opt, uint64_t revision,
		 list_sink *sink, void *arg, struct list_meta *meta)
{
	size_t n = opt->limit > 0 && (size_t)opt->limit < s->n ? (size_t)opt->limit : s->n;

	meta->resource_version = xasprintf("%llu", (unsigned long long)revision);
	if (n < s->n) {
		meta->continue_token =
			xasprintf("%llu %s", (unsigned long long)revision, s->v[n - 1].key);
		meta->remaining = (int64_t)(s->n - n);
	}
	for (size_t i = 0; i < n; i++)
		if (!sink(arg, s->v[i].object->json, s->v[i].object->len))
			return;
}

static int list(struct cluster *c, const struct call *call, const struct resource *r,
		const char *namespace, const struct list_options *opt, list_sink *sink, void *arg,
		struct list_meta *meta, struct error **err)
{
	struct fake *f = fake_of(c);
	struct selection s CLEANUP(selection_release) = {0};
	char *prefix free_ptr = fake_key(r, namespace, NULL);
	const char *after;
	uint64_t revision;

	if (fake_begin(c, call,
		       &(struct fake_request){
			       .verb = VERB_LIST, .resource = r, .namespace = namespace},
		       err) < 0)
		return -1;
	s.labels = selector_parse(opt->label_selector ? opt->label_selector : "", err);
	if (!s.labels)
		return -1;
	s.fields = field_selector_parse(opt->field_selector ? opt->field_selector : "", err);
	if (!s.fields)
		return -1;
	pthread_mutex_lock(&f->lock);
	if (parse_token(f, opt->continue_token, &after, err) < 0 ||
	    check_revision(f, opt->resource_version, err) < 0) {
		pthread_mutex_unlock(&f->lock);
		return -1;
	}
	collect(f, prefix, after, &s);
	revision = f->revision;
	pthread_mutex_unlock(&f->lock);
	emit(&s, opt, revision, sink, arg, meta);
	return 0;
}

struct names {
	char **v;
	size_t n, cap;
};

static bool add_name(void *arg, const char *json, size_t len)
{
	struct names *names = arg;
	char *namespace = json_unquote(json_find(json, len, "metadata.namespace"));

	vec_push(names, namespace ? namespace : xstrdup(""));
	vec_push(names, json_unquote(json_find(json, len, "metadata.name")));
	return true;
}

static int delete_collection(struct cluster *c, const struct call *call, const struct resource *r,
			     const char *namespace, const struct list_options *which,
			     const struct delete_options *opt, struct error **err)
{
	struct names names = {0};
	struct list_meta meta CLEANUP(list_meta_release) = {0};
	int result = list(c, call, r, namespace, which, add_name, &names, &meta, err);

	for (size_t i = 0; i < names.n && result == 0; i += 2) {
		struct object *o = NULL;
		bool gone;

		result = fake_delete(c, call, r, names.v[i], names.v[i + 1], opt, &o, &gone, err);
		object_unref(o);
	}
	vec_each (&names, name)
		free(*name);
	vec_release(&names);
	return result;
}

static void change_release(struct change *change)
{
	free(change->prefix);
	object_unref(change->old);
	object_unref(change->new);
}

static void free_object(void *o)
{
	object_unref(o);
}

static void fake_close(struct cluster *c)
{
	struct fake *f = fake_of(c);

	while (f->watches)
		fake_watch_stop(&f->watches->base);
	pthread_mutex_lock(&f->lock);
	f->closing = true;
	pthread_cond_signal(&f->wake);
	pthread_mutex_unlock(&f->lock);
	pthread_join(f->dispatcher, NULL);
	vec_each (&f->history, change)
		change_release(change);
	vec_release(&f->history);
	listeners_free(c->listeners);
	map_free(f->objects, free_object);
	catalog_unref(f->catalog);
	token_file_free(f->tokens);
	pthread_mutex_destroy(&f->lock);
	pthread_cond_destroy(&f->wake);
	pthread_cond_destroy(&f->idle);
	free(c->default_namespace);
	free(c->description);
	free(f);
}

static char *raw(struct cluster *c, const struct call *call, const char *path, struct error **err)
{
	if (strcmp(path, "/version") == 0)
		return xstrdup(
			"{\"gitVersion\":\"v1.36.0+fake\",\"major\":\"1\",\"minor\":\"36\"}");
	error_set(err, E_NOT_FOUND, "the server could not find the requested resource");
	return NULL;
}

static int authenticate(struct cluster *c, const struct call *call, const char *token,
			const char *const *audiences, struct authentication *out,
			struct error **err)
{
	if (token_file_find(fake_of(c)->tokens, token, audiences, out))
		return 0;
	return error_set(err, E_UNAUTHORIZED, "invalid bearer token");
}

static const struct cluster_ops ops = {
	.name = "fake",
	.close = fake_close,
	.catalog = catalog,
	.get = get,
	.list = list,
	.create = fake_create,
	.update = fake_update,
	.patch = fake_patch,
	.delete = fake_delete,
	.delete_collection = delete_collection,
	.watch = fake_watch,
	.watch_stop = fake_watch_stop,
	.raw = raw,
	.authenticate = authenticate,
};

struct cluster *fake_cluster_open(const char *where, const struct cluster_config *config,
				  struct error **err)
{
	struct token_file *tokens = NULL;
	struct fake *f;

	if (config->token_auth_file && !(tokens = token_file_read(config->token_auth_file, err)))
		return NULL;
	f = xcalloc(1, sizeof(*f));
	f->tokens = tokens;
	f->base.ops = &ops;
	f->base.listeners = listeners_new();
	f->base.default_namespace = xstrdup("default");
	f->base.description = xstrdup("a cluster of the tests");
	f->clock = config->clock ? config->clock : clock_system();
	f->catalog = catalog_builtin();
	f->objects = map_new();
	f->revision = f->oldest = 1;
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->wake, NULL);
	pthread_cond_init(&f->idle, NULL);
	if (pthread_create(&f->dispatcher, NULL, fake_dispatch, f))
		abort();
	return &f->base;
}

void fake_on_request(struct cluster *c, fake_hook *hook, void *arg)
{
	struct fake *f = fake_of(c);

	pthread_mutex_lock(&f->lock);
	f->hook = hook;
	f->hook_arg = arg;
	pthread_mutex_unlock(&f->lock);
}

size_t fake_requests(struct cluster *c, unsigned verbs)
{
	struct fake *f = fake_of(c);
	size_t n = 0;

	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < ARRAY_SIZE(f->requests); i++)
		if (verbs & 1u << i)
			n += f->requests[i];
	pthread_mutex_unlock(&f->lock);
	return n;
}

void fake_compact(struct cluster *c)
{
	struct fake *f = fake_of(c);

	pthread_mutex_lock(&f->lock);
	f->oldest = f->revision;
	vec_each (&f->history, change)
		change_release(change);
	vec_release(&f->history);
	pthread_mutex_unlock(&f->lock);
}

static void set_catalog(struct fake *f, struct catalog *fresh)
{
	struct catalog *old;

	pthread_mutex_lock(&f->lock);
	old = f->catalog;
	f->catalog = fresh;
	pthread_mutex_unlock(&f->lock);
	catalog_unref(old);
	listeners_tell(f->base.listeners);
}

void fake_add_resource(struct cluster *c, const struct resource *r)
{
	struct fake *f = fake_of(c);
	size_t n = catalog_count(f->catalog);
	const struct resource **rows = xcalloc(n + 1, sizeof(*rows));

	for (size_t i = 0; i < n; i++)
		rows[i] = catalog_at(f->catalog, i);
	rows[n] = r;
	set_catalog(f, catalog_new(rows, n + 1));
	free(rows);
}
