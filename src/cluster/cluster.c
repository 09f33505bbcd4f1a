#include "cluster/cluster.h"

#include "base/mem.h"
#include "base/str.h"
#include "cluster/listeners.h"
#include "kinds/rbac.h"
#include "object/json.h"

static int unsupported(const struct cluster *c, const char *what, struct error **err)
{
	return error_set(err, E_NOT_SUPPORTED, "a %s cluster cannot %s", c->ops->name, what);
}

void list_meta_release(struct list_meta *m)
{
	free(m->resource_version);
	free(m->continue_token);
	*m = (struct list_meta){.remaining = -1};
}

struct cluster *cluster_close(struct cluster *c)
{
	if (c)
		c->ops->close(c);
	return NULL;
}

struct catalog *cluster_catalog(struct cluster *c, const struct call *call, struct error **err)
{
	if (!c->ops->catalog) {
		unsupported(c, "tell its resource types", err);
		return NULL;
	}
	return c->ops->catalog(c, call, err);
}

void cluster_on_catalog(struct cluster *c, void (*changed)(void *arg), void *arg)
{
	if (!c->listeners)
		return;
	listeners_add(c->listeners, changed, arg);
	if (c->ops->follow_catalog)
		c->ops->follow_catalog(c);
}

void cluster_off_catalog(struct cluster *c, void (*changed)(void *arg), void *arg)
{
	if (c->listeners)
		listeners_remove(c->listeners, changed, arg);
}

static int get(struct cluster *c, const struct call *call, const struct resource *r,
	       const char *namespace, const char *name, const char *subresource, const char *rv,
	       struct object **out, struct error **err)
{
	struct object *object CLEANUP(object_unref_cleanup) = NULL;

	if (!c->ops->get)
		return unsupported(c, "get", err);
	if (c->ops->get(c, call, r, namespace, name, subresource, rv, &object, err) < 0)
		return -1;
	if (out)
		*out = steal(&object);
	return 0;
}

int cluster_get(struct cluster *c, const struct call *call, const struct resource *r,
		const char *namespace, const char *name, struct object **out, struct error **err)
{
	return get(c, call, r, namespace, name, NULL, NULL, out, err);
}

int cluster_get_at(struct cluster *c, const struct call *call, const struct resource *r,
		   const char *namespace, const char *name, const char *resource_version,
		   struct object **out, struct error **err)
{
	return get(c, call, r, namespace, name, NULL, resource_version, out, err);
}

bool cluster_keeps_versions(const struct cluster *c)
{
	return c->ops->versions != NULL;
}

int cluster_versions(struct cluster *c, const struct call *call, const struct resource *r,
		     const char *namespace, const char *name, version_sink *sink, void *arg,
		     struct error **err)
{
	if (!c->ops->versions)
		return unsupported(c, "versions", err);
	return c->ops->versions(c, call, r, namespace, name, sink, arg, err);
}

int cluster_get_subresource(struct cluster *c, const struct call *call, const struct resource *r,
			    const char *namespace, const char *name, const char *subresource,
			    struct object **out, struct error **err)
{
	return get(c, call, r, namespace, name, subresource, NULL, out, err);
}

int cluster_list(struct cluster *c, const struct call *call, const struct resource *r,
		 const char *namespace, const struct list_options *opt, list_sink *sink, void *arg,
		 struct list_meta *meta, struct error **err)
{
	static const struct list_options all;
	struct list_meta unwanted CLEANUP(list_meta_release) = {.remaining = -1};

	if (!c->ops->list)
		return unsupported(c, "list", err);
	if (!meta)
		meta = &unwanted;
	*meta = (struct list_meta){.remaining = -1};
	return c->ops->list(c, call, r, namespace, opt ? opt : &all, sink, arg, meta, err);
}

static const struct write_options no_options;

int cluster_create(struct cluster *c, const struct call *call, const struct resource *r,
		   const char *namespace, const char *name, const char *subresource,
		   const char *json, size_t len, const struct write_options *opt,
		   struct object **out, struct error **err)
{
	struct object *object CLEANUP(object_unref_cleanup) = NULL;
	int result;

	if (!c->ops->create)
		return unsupported(c, "create", err);
	result = c->ops->create(c, call, r, namespace, name, subresource, json, len,
				opt ? opt : &no_options, &object, err);
	if (result)
		return result;
	if (out)
		*out = steal(&object);
	return 0;
}

int cluster_update(struct cluster *c, const struct call *call, const struct resource *r,
		   const char *namespace, const char *name, const char *subresource,
		   const char *json, size_t len, const struct write_options *opt,
		   struct object **out, struct error **err)
{
	struct object *object CLEANUP(object_unref_cleanup) = NULL;

	if (!c->ops->update)
		return unsupported(c, "update", err);
	if (c->ops->update(c, call, r, namespace, name, subresource, json, len,
			   opt ? opt : &no_options, &object, err) < 0)
		return -1;
	if (out)
		*out = steal(&object);
	return 0;
}

int cluster_patch(struct cluster *c, const struct call *call, const struct resource *r,
		  const char *namespace, const char *name, const char *subresource,
		  enum patch_type type, const char *patch, size_t len,
		  const struct write_options *opt, struct object **out, bool *created,
		  struct error **err)
{
	struct object *object CLEANUP(object_unref_cleanup) = NULL;
	bool made = false;

	if (!c->ops->patch)
		return unsupported(c, "patch", err);
	if (c->ops->patch(c, call, r, namespace, name, subresource, type, patch, len,
			  opt ? opt : &no_options, &object, &made, err) < 0)
		return -1;
	if (out)
		*out = steal(&object);
	if (created)
		*created = made;
	return 0;
}

static const struct delete_options delete_defaults = {.grace_period_s = -1};

int cluster_delete(struct cluster *c, const struct call *call, const struct resource *r,
		   const char *namespace, const char *name, const struct delete_options *opt,
		   struct object **out, bool *gone, struct error **err)
{
	struct object *object CLEANUP(object_unref_cleanup) = NULL;
	bool is_gone = false;

	if (!c->ops->delete)
		return unsupported(c, "delete", err);
	if (c->ops->delete (c, call, r, namespace, name, opt ? opt : &delete_defaults, &object,
			    &is_gone, err) < 0)
		return -1;
	if (out)
		*out = steal(&object);
	if (gone)
		*gone = is_gone;
	return 0;
}

int cluster_delete_collection(struct cluster *c, const struct call *call, const struct resource *r,
			      const char *namespace, const struct list_options *which,
			      const struct delete_options *opt, struct error **err)
{
	static const struct list_options all;

	if (!c->ops->delete_collection)
		return unsupported(c, "delete a collection", err);
	return c->ops->delete_collection(c, call, r, namespace, which ? which : &all,
					 opt ? opt : &delete_defaults, err);
}

struct watch *cluster_watch(struct cluster *c, const struct call *call, const struct resource *r,
			    const char *namespace, const struct watch_options *opt,
			    const struct watch_handler *handler, void *arg, struct error **err)
{
	static const struct watch_options all;

	if (!c->ops->watch) {
		unsupported(c, "watch", err);
		return NULL;
	}
	return c->ops->watch(c, call, r, namespace, opt ? opt : &all, handler, arg, err);
}

void watch_stop(struct watch *w)
{
	if (w)
		w->cluster->ops->watch_stop(w);
}

struct stream *cluster_stream(struct cluster *c, const struct call *call, const struct resource *r,
			      const char *namespace, const char *name, const char *subresource,
			      const char *query, const struct stream_handler *handler, void *arg,
			      struct error **err)
{
	if (!c->ops->stream) {
		unsupported(c, "stream", err);
		return NULL;
	}
	return c->ops->stream(c, call, r, namespace, name, subresource, query, handler, arg, err);
}

void stream_stop(struct stream *s)
{
	if (s)
		s->cluster->ops->stream_stop(s);
}

char *cluster_raw(struct cluster *c, const struct call *call, const char *path, struct error **err)
{
	if (!c->ops->raw) {
		unsupported(c, "answer raw paths", err);
		return NULL;
	}
	return c->ops->raw(c, call, path, err);
}

int cluster_authenticate(struct cluster *c, const struct call *call, const char *token,
			 const char *const *audiences, struct authentication *out,
			 struct error **err)
{
	if (!c->ops->authenticate)
		return unsupported(c, "authenticate tokens", err);
	return c->ops->authenticate(c, call, token, audiences, out, err);
}

bool cluster_authorize(struct cluster *c, const struct access *access, struct str *reason)
{
	if (rbac_user_in_group(access->user, "system:masters"))
		return true;
	return c->ops->authorize && c->ops->authorize(c, access, reason);
}

void authentication_release(struct authentication *a)
{
	identity_unref(a->who);
	for (char **p = a->audiences; p && *p; p++)
		free(*p);
	free(a->audiences);
	*a = (struct authentication){0};
}

int cluster_create_tree(struct cluster *c, const struct call *call, const struct resource *r,
			const char *namespace, const json_t *tree, const struct write_options *opt,
			struct object **out, struct error **err)
{
	struct str json CLEANUP(str_release) = STR_INIT;

	json_write(tree, &json);
	return cluster_create(c, call, r, namespace, NULL, NULL, json.s, json.len, opt, out, err);
}

int cluster_update_tree(struct cluster *c, const struct call *call, const struct resource *r,
			const char *subresource, const json_t *tree,
			const struct write_options *opt, struct object **out, struct error **err)
{
	struct str json CLEANUP(str_release) = STR_INIT;

	json_write(tree, &json);
	return cluster_update(c, call, r, json_path_string(tree, "metadata.namespace"),
			      json_path_string(tree, "metadata.name"), subresource, json.s,
			      json.len, opt, out, err);
}

int cluster_patch_tree(struct cluster *c, const struct call *call, const struct resource *r,
		       const char *namespace, const char *name, const char *subresource,
		       enum patch_type type, const json_t *patch, const struct write_options *opt,
		       struct object **out, struct error **err)
{
	struct str json CLEANUP(str_release) = STR_INIT;

	json_write(patch, &json);
	return cluster_patch(c, call, r, namespace, name, subresource, type, json.s, json.len, opt,
			     out, NULL, err);
}
