/*
 * Shared by the files of the fake cluster; nobody else includes it. All of struct fake is guarded
 * by its lock.
 */
#ifndef CLUSTER_FAKE_FAKE_H
#define CLUSTER_FAKE_FAKE_H

#include "base/clock.h"
#include "base/map.h"
#include "base/vec.h"
#include "cluster/fake.h"
#include "cluster/token_file.h"
#include "object/selector.h"

#include <pthread.h>

struct change {
	enum watch_type type; /* ADDED, MODIFIED, DELETED */
	uint64_t revision;
	char *prefix; /* "group/plural/namespace/" */
	struct object *old, *new;
};
struct pending {
	enum watch_type type;
	struct object *object;
	bool initial_events_end;
};
struct fake_watch {
	struct watch base;
	const struct resource *resource;
	char *prefix; /* "group/plural/" or "group/plural/namespace/" */
	struct selector *labels;
	struct field_selector *fields;
	const struct watch_handler *handler;
	void *arg;
	VEC(struct pending) queue;
	enum error_code broken; /* E_OK: it goes on */
	bool told_closed;
	bool stopped; /* by its own handler: the dispatcher frees it */
	struct fake_watch *next;
};

struct fake {
	struct cluster base;
	struct clock *clock;
	struct token_file *tokens; /* NULL: none */
	pthread_mutex_t lock;
	struct catalog *catalog;
	struct map *objects; /* "group/plural/namespace/name" */
	VEC(struct change) history;
	uint64_t revision, oldest; /* newest, and the last one that is forgotten */
	struct fake_watch *watches;
	struct fake_watch *running; /* its handler runs now */
	pthread_cond_t wake, idle;
	pthread_t dispatcher;
	bool closing;
	fake_hook *hook;
	void *hook_arg;
	size_t requests[8]; /* by the bit of enum verb */
};

static inline struct fake *fake_of(struct cluster *c)
{
	return (struct fake *)c;
}
/* "group/plural/[namespace/[name]]"; NAMESPACE NULL or "" for a namespaced type: all of them. */
char *fake_key(const struct resource *r, const char *namespace, const char *name);
/* Counts the request and asks the hook. Called without the lock. */
int fake_begin(struct cluster *c, const struct call *call, const struct fake_request *request,
	       struct error **err);
/* NEW (taken over; NULL: deleted) becomes the object of KEY; watches are told. Locked. */
void fake_publish(struct fake *f, const struct resource *r, const char *key, struct object *old,
		  struct object *new);
void *fake_dispatch(void *arg);

struct watch *fake_watch(struct cluster *c, const struct call *call, const struct resource *r,
			 const char *namespace, const struct watch_options *opt,
			 const struct watch_handler *handler, void *arg, struct error **err);
void fake_watch_stop(struct watch *w);
int fake_create(struct cluster *c, const struct call *call, const struct resource *r,
		const char *namespace, const char *name, const char *subresource, const char *json,
		size_t len, const struct write_options *opt, struct object **out,
		struct error **err);
int fake_update(struct cluster *c, const struct call *call, const struct resource *r,
		const char *namespace, const char *name, const char *subresource, const char *json,
		size_t len, const struct write_options *opt, struct object **out,
		struct error **err);
int fake_patch(struct cluster *c, const struct call *call, const struct resource *r,
	       const char *namespace, const char *name, const char *subresource,
	       enum patch_type type, const char *patch, size_t len, const struct write_options *opt,
	       struct object **out, bool *created, struct error **err);
int fake_delete(struct cluster *c, const struct call *call, const struct resource *r,
		const char *namespace, const char *name, const struct delete_options *opt,
		struct object **out, bool *gone, struct error **err);

#endif
