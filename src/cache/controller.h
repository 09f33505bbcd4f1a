/*
 * The frame of a reconciler: informers feed keys into a work queue, workers call sync(key).
 *
 * One file per reconciler describes itself with a struct reconciler; one line in controllers[].
 * A reconciler is level driven: sync compares what is with what should be and takes the next step;
 * it may be called at any time, again and again, for a key that no longer exists.
 *
 * Threads: WORKERS threads call sync, never two for one key. Map functions run on informer
 * threads and only enqueue.
 */
#ifndef CACHE_CONTROLLER_H
#define CACHE_CONTROLLER_H

#include "cache/informer.h"
#include "cache/workqueue.h"

struct controller;

struct reconciler_watch {
	const char *group, *plural;
	/* What to enqueue for a change; NULL: the object's own key. OLD or NEW may be NULL. */
	void (*map)(struct controller *c, struct object *old, struct object *new_);
	/* An index the reconciler reads, or NULL. */
	const char *index;
	index_keys *index_keys;
};
#define RECONCILER_WATCHES 8

struct reconciler {
	const char *name; /* "deployment-controller": user agent and event source */
	struct reconciler_watch watches[RECONCILER_WATCHES]; /* ends with an empty row */
	unsigned workers;				     /* 0: 2 */
	/* State of its own, kept in the controller; both may be NULL. ARG: the state where START
	 * is. */
	void *arg;
	void *(*start)(struct controller *c);
	void (*stop)(struct controller *c, void *state);
	/* 0, or -1 and *err: again with back-off (E_CONFLICT is not logged). */
	int (*sync)(struct controller *c, const char *key, struct error **err);
};

/*
 * Starts R's informers, waits for their first lists (E_NOT_FOUND where the cluster does not serve
 * one of the types; E_UNREACHABLE, ...), then its workers. R lives longer. CLOCK NULL: the
 * system's.
 */
struct controller *controller_start(const struct reconciler *r, struct informers *informers,
				    struct clock *clock, struct error **err);
/* The same without workers: until controller_run, keys only gather. Tests drive it with
 * controller_run_due instead. */
struct controller *controller_prepare(const struct reconciler *r, struct informers *informers,
				      struct clock *clock, struct error **err);
/* Starts the workers of a prepared controller. Once. */
void controller_run(struct controller *c);
/* Cancels its requests, waits for its workers, frees. Takes NULL. */
void controller_stop(struct controller *c);
/* Processes what is due now in the calling thread; returns how many keys. For tests. */
size_t controller_run_due(struct controller *c);

struct cluster *controller_cluster(struct controller *c);
struct informers *controller_informers(struct controller *c);
struct clock *controller_clock(struct controller *c);
void *controller_state(struct controller *c);
/* The informer of one of the watches; borrowed. */
struct informer *controller_informer(struct controller *c, const char *group, const char *plural);
const struct resource *controller_resource(struct controller *c, const char *group,
					   const char *plural);
void controller_enqueue(struct controller *c, const char *namespace, const char *name);
void controller_enqueue_after(struct controller *c, const char *namespace, const char *name,
			      int64_t delay_ns);
/* At a time of clock_mono, which may have passed. */
void controller_enqueue_at(struct controller *c, const char *namespace, const char *name,
			   int64_t due_ns);
/* The call for its requests: user agent is the reconciler's name. */
const struct call *controller_call(struct controller *c);
/* Splits "namespace/name" (or "name"); the two are freed by the caller. */
void controller_split_key(const char *key, char **namespace, char **name);

#endif
