/*
 * Counters of the endpoint, in Prometheus' text form at /metrics. Threads: any; all atomic.
 */
#ifndef SERVE_METRICS_H
#define SERVE_METRICS_H

#include "base/str.h"

#include <stdatomic.h>
#include <stdint.h>

#define METRICS_METHODS 7
#define METRICS_CLASSES 6 /* 1xx to 5xx by their first digit */

struct metrics {
	_Atomic uint64_t answers[METRICS_METHODS][METRICS_CLASSES];
	_Atomic uint64_t bytes_sent, bytes_received;
	_Atomic uint64_t unauthorized, throttled, cut_off;
	_Atomic uint64_t audit_events, audit_lost, audit_failures;
	_Atomic int64_t in_flight, watches;
};

void metrics_answer(struct metrics *m, unsigned method, int status);
void metrics_write(const struct metrics *m, struct str *out);

#endif
