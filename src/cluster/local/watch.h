/*
 * Shared by watch.c (watches, and how they begin) and watch_hook.c (those whose objects a webhook
 * converts).
 */
#ifndef CLUSTER_LOCAL_WATCH_H
#define CLUSTER_LOCAL_WATCH_H

#include "cluster/local/private.h"

struct pump;

struct local_watch {
	struct watch base;
	const struct resource *resource;
	bool converts;
	char *namespace;
	struct filter filter;
	bool bookmarks, initial_end;
	const struct watch_handler *handler;
	void *arg;
	struct store_watch *store_watch;
	struct pump *pump;  /* NULL: no webhook converts */
	int64_t bookmarked; /* mono ns of the last bookmark */
	enum { WATCH_JOINING, WATCH_STARTING, WATCH_RUNNING, WATCH_BROKEN, WATCH_ENDED } state;
	bool reshaped; /* broken because its type is another now, or is converted in another way */
	bool stopped;  /* by its own handler on the starter's thread, which frees it */
	struct local_watch *next;
};

void watch_tell(const struct local_watch *w, enum watch_type type, struct object *o, bool end);
/* True while nobody has stopped W from within its own handler. */
bool watch_alive(struct local_watch *w);
/* Leaves the store, and frees. */
void watch_free(struct local_watch *w);
/* Tells the present state, then joins the store; *err: why not. CALL: of the list. */
void watch_start(struct local_watch *w, const struct call *call, struct error **err);
/* The last state of what went, at the revision at which it went; NULL: it cannot be read. */
struct object *deleted_object(const char *json, size_t len, uint64_t revision);

/*
 * A pump takes what the store tells of a watch and hands it on from a thread of its own, converted:
 * all that waits by one question. What does not keep up with the store ends with E_GONE.
 */
/* Sets W's pump. STARTS: the present state is told first, by watch_start on the pump's thread. */
void pump_open(struct local_watch *w, bool starts);
/* A change, as stored, from the store's thread; takes refs of its own. OLD may be NULL. */
void pump_change(struct pump *p, bool deleted, struct object *new, struct object *old,
		 uint64_t revision);
void pump_bookmark(struct pump *p, struct object *bookmark);
/* The watch is over once what waits has been told; WHY is taken over. */
void pump_end(struct pump *p, struct error *why);
/* No handler runs or will run. False: called by one, and the pump's thread frees the watch. */
bool pump_stop(struct pump *p);
bool pump_alive(struct pump *p);
/* After pump_stop, when the store tells nothing any more. Takes NULL. */
void pump_free(struct pump *p);

#endif
