#include "serve/metrics.h"
#include "base/mem.h"
#include "serve/request.h"

#include <inttypes.h>
#include <stddef.h>

_Static_assert(METRICS_METHODS == METHODS, "a counter for each method");

static const struct {
	const char *name, *type, *help;
	size_t offset;
} plain[] = {
	{"kubefs_serve_sent_bytes_total", "counter", "Bytes of answers handed to connections.",
	 offsetof(struct metrics, bytes_sent)},
	{"kubefs_serve_received_bytes_total", "counter", "Bytes of request bodies.",
	 offsetof(struct metrics, bytes_received)},
	{"kubefs_serve_unauthorized_total", "counter", "Requests of nobody that is known.",
	 offsetof(struct metrics, unauthorized)},
	{"kubefs_serve_throttled_total", "counter", "Requests refused with 429.",
	 offsetof(struct metrics, throttled)},
	{"kubefs_serve_cut_off_total", "counter", "Connections closed for a reader that stalled.",
	 offsetof(struct metrics, cut_off)},
	{"apiserver_audit_event_total", "counter", "Events handed to the audit log.",
	 offsetof(struct metrics, audit_events)},
	{"apiserver_audit_error_total", "counter", "Events that the audit log has lost.",
	 offsetof(struct metrics, audit_lost)},
	{"kubefs_audit_failed_writes_total", "counter",
	 "Writes to the audit log that failed and are tried again.",
	 offsetof(struct metrics, audit_failures)},
	{"apiserver_current_inflight_requests", "gauge", "Requests under way, watches not counted.",
	 offsetof(struct metrics, in_flight)},
	{"apiserver_longrunning_requests", "gauge", "Watches and followed logs.",
	 offsetof(struct metrics, watches)},
};

void metrics_answer(struct metrics *m, unsigned method, int status)
{
	unsigned class = (unsigned)status / 100;

	atomic_fetch_add(&m->answers[method][class < METRICS_CLASSES ? class : 5], 1);
}

void metrics_write(const struct metrics *m, struct str *out)
{
	str_adds(out, "# HELP apiserver_request_total Answers by method and class of status.\n"
		      "# TYPE apiserver_request_total counter\n");
	for (unsigned i = 0; i < METRICS_METHODS; i++)
		for (unsigned class = 1; class < METRICS_CLASSES; class ++) {
			uint64_t n = atomic_load(&m->answers[i][class]);

			if (n)
				str_addf(out,
					 "apiserver_request_total{method=\"%s\",code=\"%uxx\"} "
					 "%" PRIu64 "\n",
					 method_name(i), class, n);
		}
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
		const _Atomic uint64_t *value =
			(const _Atomic uint64_t *)((const char *)m + plain[i].offset);

		str_addf(out, "# HELP %s %s\n# TYPE %s %s\n%s %" PRId64 "\n", plain[i].name,
			 plain[i].help, plain[i].name, plain[i].type, plain[i].name,
			 (int64_t)atomic_load(value));
	}
}
