/*
 * Events: what a component tells about an object, with Kubernetes' reasons, repeats folded by
 * count as client-go's correlator does (same source, object, type, reason and message).
 *
 *	recorder_event(r, pod, EVENT_NORMAL, "Scheduled", "Successfully assigned %s/%s to %s", ...);
 *
 * Threads: any; the requests are made by a thread of the recorder, the caller never waits. A full
 * queue (1,000) drops the oldest and logs it once.
 */
#ifndef CACHE_RECORDER_H
#define CACHE_RECORDER_H

#include "base/clock.h"
#include "cluster/cluster.h"

enum event_type { EVENT_NORMAL, EVENT_WARNING };

struct recorder;
struct recorder *recorder_new(struct cluster *c, const char *component, const char *host,
			      struct clock *clock);
/* Sends what is queued (at most 5 s), frees. */
void recorder_free(struct recorder *r);
void recorder_event(struct recorder *r, const struct object *about, enum event_type type,
		    const char *reason, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

#endif
