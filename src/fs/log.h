/*
 * The log of one container, line by line. Each line comes with the server's timestamp, which is cut
 * off and tells, when the log is asked for again, where the new lines begin: a broken connection or
 * a new run of the container repeats no line and loses none.
 *
 * Threads: the caller runs log_fetch, log_follow, log_again and log_free one at a time; the sink
 * is called from a thread of the cluster, one line at a time. Lock order: the log's own, then what
 * the sink takes.
 */
#ifndef FS_LOG_H
#define FS_LOG_H

#include "fs/core.h"

struct log;

/* LINE ends with its newline, if it had one. AT: when it was written (wall ns), 0: untold. */
typedef void log_line(void *arg, int64_t at, const char *line, size_t len);

/* Of a CONTAINER of POD (a row of type PODS), or of its run before. N (borrowed) is poked
 * (follow.h) when the stream ends. */
struct log *log_new(struct node *n, const struct resource *pods, const struct object *pod,
		    const char *container, bool previous, log_line *sink, void *arg);
/* Ends what is followed. Takes NULL. */
void log_free(struct log *g);
const char *log_pod_uid(const struct log *g);
const char *log_container(const struct log *g);
/* All there is now; waits for it. */
int log_fetch(struct log *g, const struct call *call, struct error **err);
/* Goes on from there, until log_stop. A stream that does not begin is tried again. */
void log_follow(struct log *g, const struct call *call);
void log_stop(struct log *g);
/* Follows again, if the stream has ended and there is more to come. */
void log_again(struct log *g, const struct call *call);

/* The containers of a pod, in the order of its specification. */
void pod_each_container(const struct object *pod, void (*each)(void *arg, const char *name),
			void *arg);
/* Those that have a run before. */
void pod_each_previous(const struct object *pod, void (*each)(void *arg, const char *name),
		       void *arg);

#endif
