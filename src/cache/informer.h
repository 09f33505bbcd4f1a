/*
 * Informers: a type's objects in memory, kept by one LIST and one WATCH, shared by all who ask.
 *
 *	struct informers *all = informers_new(cluster, NULL);
 *	struct informer *pods = informers_get(all, pod_type, "");	// started on first use
 *	informer_add_handler(pods, &handler, arg);
 *	informer_wait_synced(pods, NULL, &err);
 *	struct object *pod = informer_get(pods, "default", "web-0");	// a ref, or NULL
 *
 * The reflector below lists in pages, watches with bookmarks, reconnects with back-off and lists
 * again on 410, telling handlers only what changed. An object never goes back to an older version:
 * what informer_observe put in from a write's answer is not undone by an earlier watch event.
 * A watch handler sees deletions that happened while disconnected.
 *
 * Threads: all functions from any thread. Handlers of one informer run one event at a time, on a
 * thread of the informer that holds no lock: they may read the informer. After a get or list the
 * caller owns refs.
 */
#ifndef CACHE_INFORMER_H
#define CACHE_INFORMER_H

#include "cluster/cluster.h"

struct informers; /* all informers of one cluster */
struct informer;

struct informers *informers_new(struct cluster *c, struct clock *clock /* NULL: system */);
/* After every informer has been given back. */
void informers_free(struct informers *f);
struct cluster *informers_cluster(struct informers *f);

/* The shared informer of a type in NAMESPACE ("" for all); a new reference. Never fails: what
 * cannot be listed shows in informer_error. */
struct informer *informers_get(struct informers *f, const struct resource *r,
			       const char *namespace);
void informer_put(struct informer *i);
const struct resource *informer_resource(const struct informer *i);

/* Blocks until the first list is in. E_CANCELLED, E_TIMEOUT, or why the list fails (E_FORBIDDEN,
 * E_UNREACHABLE, ...). */
int informer_wait_synced(struct informer *i, const struct call *call, struct error **err);
bool informer_synced(struct informer *i);
/* How many objects are known, or have come of the first list; *REMAINING of it are still to come:
 * 0 when it is in, negative when nobody knows. */
size_t informer_progress(struct informer *i, int64_t *remaining);
/* Why the watch or list is failing now; NULL while all is well. A copy. SINCE_NS: wall time. */
struct error *informer_error(struct informer *i, int64_t *since_ns);

struct informer_handler {
	/* OLD NULL: added; NEW NULL: deleted. Both borrowed. */
	void (*changed)(void *arg, struct object *old, struct object *new_);
	/* OLD is not shown any more because its type is not served; whether it is gone nobody can
	 * tell. NULL: told as deleted. */
	void (*lost)(void *arg, struct object *old);
	/* The first list is in: every object of it has been told. May be NULL. */
	void (*synced)(void *arg);
	/* The connection state changed: see informer_error. Of a type that is not served
	 * (E_NOT_FOUND) everything that is lost has been told by then. May be NULL. */
	void (*state)(void *arg);
};
/* Tells HANDLER what is there already as added, and a failure that lasts; then each change. */
void informer_add_handler(struct informer *i, const struct informer_handler *handler, void *arg);
/* After it returns HANDLER is not running and will not run. */
void informer_remove_handler(struct informer *i, const struct informer_handler *handler, void *arg);

/* A ref, or NULL. NAMESPACE "" for cluster-scoped types. */
struct object *informer_get(struct informer *i, const char *namespace, const char *name);

struct object_list {
	struct object **v;
	size_t n, cap;
};
void object_list_release(struct object_list *l);
/* Refs of all objects of NAMESPACE ("" for all), sorted by namespace and name. Appends. */
void informer_list(struct informer *i, const char *namespace, struct object_list *out);
/*
 * An index: KEYS calls EMIT for each key of an object. To be added before or after objects are in;
 * adding the same name again does nothing.
 */
typedef void index_emit(void *emit_arg, const char *key);
typedef void index_keys(const struct object *o, index_emit *emit, void *emit_arg);
void informer_add_index(struct informer *i, const char *name, index_keys *keys);
void informer_by_index(struct informer *i, const char *name, const char *key,
		       struct object_list *out);

/* The answer of a write this program made: taken in at once if it is newer than what is known. */
void informer_observe(struct informer *i, struct object *o);
/* Likewise for a deletion that is done (the object is gone). */
void informer_observe_deleted(struct informer *i, const char *namespace, const char *name,
			      const char *uid);

#endif
