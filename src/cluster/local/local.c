#include "cluster/local/access.h"
#include "cluster/local/admission.h"

#include "base/mem.h"
#include "cluster/backends.h"
#include "cluster/lifecycle.h"
#include "cluster/listeners.h"
#include "cluster/local/admission/webhooks.h"
#include "cluster/local/hook.h"
#include "cluster/local/kept.h"
#include "cluster/local/policies.h"
#include "cluster/local/tokens.h"
#include "cluster/token_file.h"
#include "object/json.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#define SERVICE_CIDR "10.96.0.0/16"

static struct catalog *local_catalog(struct cluster *c, const struct call *call, struct error **err)
{
	struct local *l = local_of(c);
	struct catalog *out;

	pthread_mutex_lock(&l->lock);
	out = catalog_ref(l->catalog);
	pthread_mutex_unlock(&l->lock);
	return out;
}

const struct resource *local_type(struct local *l, const struct resource *r, struct error **err)
{
	const struct resource *now = NULL;

	if (!r->custom)
		return resource_ref(r);
	pthread_mutex_lock(&l->lock);
	now = catalog_find(l->catalog, r->group, r->version, r->plural);
	now = now ? resource_ref(now) : NULL;
	pthread_mutex_unlock(&l->lock);
	if (!now)
		error_set(err, E_NOT_FOUND, "the server could not find the requested resource");
	return now;
}

void local_set_catalog(struct local *l, struct catalog *fresh)
{
	struct catalog *old;

	pthread_rwlock_wrlock(&l->types_lock);
	pthread_mutex_lock(&l->lock);
	old = l->catalog;
	l->catalog = fresh;
	pthread_mutex_unlock(&l->lock);
	pthread_rwlock_unlock(&l->types_lock);
	catalog_unref(old);
	watches_prune(l);
	listeners_tell(l->base.listeners);
}

struct errand errand_begin(struct local *l, const struct call *call)
{
	int timeout_ms = call_timeout_ms(call);

	return (struct errand){
		.l = l,
		.call = call,
		.deadline_ns = timeout_ms < 0 ? CLOCK_NEVER
					      : clock_mono(l->clock) + timeout_ms * NS_PER_MS,
	};
}

int errand_left_ms(const struct errand *e)
{
	int64_t left_ms = (e->deadline_ns - clock_mono(e->l->clock)) / NS_PER_MS;

	return e->deadline_ns == CLOCK_NEVER ? -1 : (int)MAX(left_ms, 1);
}

bool errand_over(const struct errand *e)
{
	return call_cancelled(e->call) || clock_mono(e->l->clock) >= e->deadline_ns;
}

struct object *local_read(struct local *l, const struct resource *r, const char *namespace,
			  const char *name, struct error **err)
{
	struct str key CLEANUP(str_release) = STR_INIT;
	struct store_value v = {0};
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	struct object *o;

	object_key(r, namespace, name, &key);
	if (store_get(l->store, key.s, key.len, 0, &v, &why) < 0) {
		if (error_code(why) == E_NOT_FOUND)
			refuse_not_found(r, name, err);
		else
			error_move(err, steal(&why));
		return NULL;
	}
	o = object_from_canonical(v.bytes, v.len, err);
	store_value_release(&v);
	return o;
}

/* A version that is looked for among those of a key. */
struct wanted {
	uint64_t revision;
	bool known; /* some version of the key is kept */
	struct object *object;
	struct error *why;
};

static bool take_version(void *arg, uint64_t revision, bool deleted, const char *value, size_t len)
{
	struct wanted *w = arg;

	w->known = true;
	if (revision == w->revision && !deleted)
		w->object = object_from_canonical(value, len, &w->why);
	return revision > w->revision;
}

/* The object at exactly that revision. Its last versions are kept for longer than the store can
 * tell what there was at a revision, so the key's own are looked through. */
static struct object *read_version(struct local *l, const struct resource *r, const char *namespace,
				   const char *name, const char *rv, struct error **err)
{
	struct str key CLEANUP(str_release) = STR_INIT;
	struct wanted w = {0};

	if (revision_parse(rv, &w.revision, err) < 0)
		return NULL;
	if (!w.revision)
		return local_read(l, r, namespace, name, err);
	object_key(r, namespace, name, &key);
	if (store_history(l->store, key.s, key.len, take_version, &w, err) < 0)
		return NULL;
	if (w.why)
		error_move(err, w.why);
	else if (!w.known)
		refuse_not_found(r, name, err);
	else if (!w.object)
		error_set(err, E_GONE, "version %s of %s \"%s\" is not kept", rv, r->plural, name);
	return w.object;
}

struct telling {
	version_sink *sink;
	void *arg;
};

static bool tell_version(void *arg, uint64_t revision, bool deleted, const char *value, size_t len)
{
	const struct telling *t = arg;
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, revision);
	return !deleted && t->sink(t->arg, text);
}

static int versions(struct cluster *c, const struct call *call, const struct resource *r,
		    const char *namespace, const char *name, version_sink *sink, void *arg,
		    struct error **err)
{
	struct str key CLEANUP(str_release) = STR_INIT;
	struct telling t = {sink, arg};

	object_key(r, namespace, name, &key);
	return store_history(local_of(c)->store, key.s, key.len, tell_version, &t, err);
}

static int get(struct cluster *c, const struct call *call, const struct resource *asked,
	       const char *namespace, const char *name, const char *subresource, const char *rv,
	       struct object **out, struct error **err)
{
	const struct errand errand = errand_begin(local_of(c), call);
	const struct resource *r CLEANUP(resource_unref_cleanup) =
		local_type(local_of(c), asked, err);
	bool scaled = subresource && strcmp(subresource, "scale") == 0;
	struct object *o CLEANUP(object_unref_cleanup) =
		r ? read_version(local_of(c), r, namespace, name, rv, err) : NULL;
	json_t *tree json_auto = NULL;
	json_t *scale json_auto = NULL;

	if (o && (r->custom || !scaled))
		o = convert_object(&errand, r, steal(&o), err);
	if (!o)
		return -1;
	if (scaled) {
		tree = object_tree(o);
		scale = scale_get(tree, r, err);
		*out = scale ? object_from_tree(scale) : NULL;
		return scale ? 0 : -1;
	}
	*out = steal(&o);
	return 0;
}

static struct stream *open_stream(struct cluster *c, const struct call *call,
				  const struct resource *r, const char *namespace, const char *name,
				  const char *subresource, const char *query,
				  const struct stream_handler *handler, void *arg,
				  struct error **err)
{
	struct local *l = local_of(c);
	struct object *pod CLEANUP(object_unref_cleanup) = NULL;
	const struct pod_streamer *streamer;
	struct stream *s;
	void *streamer_arg;

	if (strcmp(subresource, "proxy") == 0) {
		proxy_refuse(l, r, namespace, name, err);
		return NULL;
	}
	pod = local_read(l, r, namespace, name, err);
	if (!pod)
		return NULL;
	pthread_mutex_lock(&l->lock);
	streamer = l->streamer;
	streamer_arg = l->streamer_arg;
	pthread_mutex_unlock(&l->lock);
	if (!streamer) {
		error_set(err, E_UNAVAILABLE, "no node serves the streams of pods");
		return NULL;
	}
	s = streamer->open(streamer_arg, c, pod, subresource, query, handler, arg, err);
	if (s)
		s->cluster = c;
	return s;
}

static void stop_stream(struct stream *s)
{
	struct local *l = local_of(s->cluster);
	const struct pod_streamer *streamer;

	pthread_mutex_lock(&l->lock);
	streamer = l->streamer;
	pthread_mutex_unlock(&l->lock);
	if (streamer)
		streamer->stop(s);
}

void local_set_streamer(struct cluster *c, const struct pod_streamer *streamer, void *arg)
{
	struct local *l = local_of(c);

	pthread_mutex_lock(&l->lock);
	l->streamer = streamer;
	l->streamer_arg = arg;
	pthread_mutex_unlock(&l->lock);
}

static char *show_keys(struct local *l, struct error **err)
{
	const struct jwt_key *key = token_authority_key(l->tokens, err);
	json_t *set json_auto = key ? jwt_key_set(key) : NULL;
	struct str text CLEANUP(str_release) = STR_INIT;

	if (!set)
		return NULL;
	json_write(set, &text);
	return str_take(&text);
}

static char *raw(struct cluster *c, const struct call *call, const char *path, struct error **err)
{
	if (strcmp(path, "/version") == 0)
		return xstrdup(
			"{\"major\":\"1\",\"minor\":\"36\",\"gitVersion\":\"v1.36.0+kubefs\","
			"\"gitCommit\":\"\",\"gitTreeState\":\"clean\",\"buildDate\":\"\","
			"\"goVersion\":\"\",\"compiler\":\"\",\"platform\":\"linux/amd64\"}");
	if (strcmp(path, "/openid/v1/jwks") == 0)
		return show_keys(local_of(c), err);
	error_set(err, E_NOT_FOUND, "the server could not find the requested resource");
	return NULL;
}

static int authenticate(struct cluster *c, const struct call *call, const char *token,
			const char *const *audiences, struct authentication *out,
			struct error **err)
{
	struct local *l = local_of(c);

	if (token_file_find(l->token_file, token, audiences, out))
		return 0;
	return token_check(l, token, audiences, out, err);
}

static bool authorize(struct cluster *c, const struct access *access, struct str *reason)
{
	return access_allowed(local_of(c), access, reason);
}

static void local_close(struct cluster *c)
{
	struct local *l = local_of(c);

	token_authority_free(l->tokens);
	crd_cleanup_free(l->cleanup);
	watches_close(l);
	hook_clients_free(l->hooks);
	hook_configs_free(l->hook_configs);
	store_close(l->store);
	admission_close(l);
	access_cache_free(l->access);
	kept_free(l->kept);
	policy_cache_free(l->policies);
	token_file_free(l->token_file);
	catalog_unref(l->catalog);
	listeners_free(c->listeners);
	pthread_rwlock_destroy(&l->types_lock);
	pthread_mutex_destroy(&l->lock);
	pthread_mutex_destroy(&l->reload_lock);
	free(c->default_namespace);
	free(c->description);
	free(l);
}

static int list(struct cluster *c, const struct call *call, const struct resource *asked,
		const char *namespace, const struct list_options *opt, list_sink *sink, void *arg,
		struct list_meta *meta, struct error **err)
{
	const struct resource *r CLEANUP(resource_unref_cleanup) =
		local_type(local_of(c), asked, err);

	return r ? local_list(c, call, r, namespace, opt, sink, arg, meta, err) : -1;
}

static const struct cluster_ops ops = {
	.name = "local",
	.close = local_close,
	.catalog = local_catalog,
	.get = get,
	.versions = versions,
	.list = list,
	.create = local_create,
	.update = local_update,
	.patch = local_patch,
	.delete = local_delete,
	.delete_collection = local_delete_collection,
	.watch = local_watch,
	.watch_stop = local_watch_stop,
	.stream = open_stream,
	.stream_stop = stop_stream,
	.raw = raw,
	.authenticate = authenticate,
	.authorize = authorize,
};

static int parse_cidr(struct local *l, const char *cidr, struct error **err)
{
	const char *slash = strchr(cidr, '/');
	char *address free_ptr = slash ? xstrndup(cidr, (size_t)(slash - cidr)) : NULL;
	long bits = slash ? strtol(slash + 1, NULL, 10) : 0;
	struct in_addr a;

	if (!address || inet_pton(AF_INET, address, &a) != 1 || bits < 12 || bits > 30)
		return error_set(err, E_BAD_REQUEST,
				 "\"%s\" is no service range: an IPv4 network of 12 to 30 bits is",
				 cidr);
	l->service_bits = (unsigned)bits;
	l->service_network = ntohl(a.s_addr) & ~((1u << (32 - bits)) - 1);
	return 0;
}

/* Creations overlap without end where many are made: the catalog goes before those to come. */
static void init_types_lock(struct local *l)
{
	pthread_rwlockattr_t attr;

	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&l->types_lock, &attr);
	pthread_rwlockattr_destroy(&attr);
}

struct cluster *local_cluster_open(const char *where, const struct cluster_config *config,
				   struct error **err)
{
	struct local *l = xcalloc(1, sizeof(*l));
	struct store_options options = {.map_size = config->store_size,
					.sealed = local_sealed_keys()};

	if (parse_cidr(l, config->service_cidr ? config->service_cidr : SERVICE_CIDR, err) < 0) {
		free(l);
		return NULL;
	}
	if (admission_configure(l, config->enable_admission, config->disable_admission, err) < 0) {
		free(l);
		return NULL;
	}
	if (config->token_auth_file &&
	    !(l->token_file = token_file_read(config->token_auth_file, err))) {
		free(l);
		return NULL;
	}
	l->clock = config->clock ? config->clock : clock_system();
	options.clock = l->clock;
	l->store = store_open(where, &options, err);
	if (!l->store) {
		token_file_free(l->token_file);
		free(l);
		return NULL;
	}
	l->base.ops = &ops;
	l->base.default_namespace = xstrdup("default");
	l->base.description = xstrdup(where);
	l->catalog = catalog_builtin();
	l->base.listeners = listeners_new();
	init_types_lock(l);
	pthread_mutex_init(&l->lock, NULL);
	pthread_mutex_init(&l->reload_lock, NULL);
	l->cleanup = crd_cleanup_new(l);
	l->access = access_cache_new();
	l->kept = kept_new();
	l->hooks = hook_clients_new(l->clock);
	l->hook_configs = hook_configs_new();
	l->tokens = token_authority_new(l, where);
	watches_open(l);
	admission_open(l);
	if (crd_reload(l, err) == 0 && bootstrap(l, err) == 0) {
		l->policies = policy_cache_new();
		crd_accept_waiting(l);
		crd_cleanup_begin(l->cleanup);
		return &l->base;
	}
	local_close(&l->base);
	return NULL;
}
