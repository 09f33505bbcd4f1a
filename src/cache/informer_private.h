/*
 * What informer.c (who may look), reflector.c (LIST and WATCH) and changes.c (what goes in) share.
 *
 * Locks, in the order in which they may be taken: informers.lock, informer.lock, the fanout's.
 * None of them is held while a request is made or a handler runs.
 */
#ifndef CACHE_INFORMER_PRIVATE_H
#define CACHE_INFORMER_PRIVATE_H

#include "cache/fanout.h"
#include "cache/indexer.h"
#include "cache/informer.h"
#include "cache/workqueue.h"

#include "base/map.h"

#include <sys/queue.h>

#define REFLECTOR_THREADS 4

struct informers {
	struct cluster *cluster;
	struct clock *clock;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct map *in_use; /* "group/version/plural|namespace" -> informer with users */
	struct map *alive;  /* id -> informer whose reflector has not ended */
	unsigned next_id;
	struct workqueue *work; /* ids the reflector has something to do for */
	pthread_t threads[REFLECTOR_THREADS];
	struct fanout *fanout;
};

/* A uid that is gone, kept until no older event of it can come. */
struct tombstone {
	TAILQ_ENTRY(tombstone) order;
	char *uid;
	int64_t made;
	uint64_t number;
};

struct informer {
	struct informers *all;
	char *id, *key, *namespace;
	const struct resource *resource;
	_Atomic unsigned refs;
	unsigned users; /* all->lock */
	struct cancel *cancel;
	struct subscribers subscribers; /* the fanout's lock */

	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t changed;
	struct indexer *objects;
	struct map *tombstone_of;		      /* uid -> tombstone */
	TAILQ_HEAD(tombstones, tombstone) tombstones; /* in the order they were made */
	uint64_t tombstones_made;
	uint64_t seen; /* LIST and WATCH have told everything up to this revision */
	bool synced, stopped;
	size_t listed;	   /* by the list under way */
	int64_t remaining; /* still to come of it; negative: not known */
	struct error *error;
	int64_t error_since;

	/* Of the reflector. */
	char *resource_version; /* where the next watch begins; NULL: list first */
	struct watch *watch;
	bool watch_closed, watch_told;
	int64_t watch_began;
	int64_t retry_at;
	unsigned failures;
	bool list_whole; /* pages expired under the last list: all in one */
};

struct informer *informer_ref(struct informer *i);
void informer_unref(struct informer *i);
void informer_set_error(struct informer *i, const struct error *why); /* NULL: all is well */

/* changes.c */
void tombstones_init(struct informer *i);
void tombstones_release(struct informer *i);
/* I's lock is held by the caller of the changes_ functions. */
void changes_put(struct informer *i, struct object *o);
void changes_deleted(struct informer *i, struct object *o);
/* The whole list at REVISION; TOMBSTONES: how many had been made when it began. Marks synced. */
void changes_replace(struct informer *i, const struct object_list *list, uint64_t revision,
		     uint64_t tombstones);

/* The type is not served: nothing is known of its objects. */
void changes_lose(struct informer *i);

/* reflector.c */
void *reflector_thread(void *informers);

#endif
