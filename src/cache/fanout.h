/*
 * One thread that tells the handlers of all informers of a cluster what changed, in order.
 *
 * Whoever changes an informer pushes a note while it holds the informer's lock; the thread calls
 * each handler with no lock held. A note that names no subscriber goes to all that subscribed
 * before it was pushed.
 */
#ifndef CACHE_FANOUT_H
#define CACHE_FANOUT_H

#include "base/vec.h"
#include "cache/informer.h"

enum note_kind { NOTE_CHANGED, NOTE_LOST, NOTE_SYNCED, NOTE_STATE };

/* One handler of one informer. */
struct subscriber {
	const struct informer_handler *handler;
	void *arg;
	uint64_t since; /* notes before this one are not for it */
	bool removed;
	unsigned refs; /* the list and each note that names it */
};

/* Subscribers of one informer; everything in it is guarded by the fanout. */
struct subscribers {
	struct subscriber **v;
	size_t n, cap;
};

struct fanout;
struct fanout *fanout_new(void);
/* Delivers what is queued, ends the thread. */
void fanout_free(struct fanout *f);

struct subscriber *fanout_subscribe(struct fanout *f, struct subscribers *to,
				    const struct informer_handler *handler, void *arg);
/* After it returns the handler is not running, unless it is the caller, and will not run. */
void fanout_unsubscribe(struct fanout *f, struct subscribers *from,
			const struct informer_handler *handler, void *arg);
void fanout_release(struct fanout *f, struct subscribers *all);
/* I is kept by a ref until delivered. ONLY NULL: all. OLD and NEW are kept by refs. */
void fanout_push(struct fanout *f, struct informer *i, struct subscriber *only, enum note_kind kind,
		 struct object *old, struct object *new_);

#endif
