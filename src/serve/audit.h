/*
 * The audit log: a line for each request at the endpoint, an audit.k8s.io/v1 Event in JSON. Who
 * asked, as whom, from where, for what, what came of it and why it was allowed; the bodies only
 * where a policy asks for them (audit_policy.h). A watch has two: when its answer begins and when
 *it ends. Refused requests are in it too, and those whose client left before it had sent them
 *whole.
 *
 *	struct audit *a = audit_open("/var/log/kubefs.audit", NULL, clock, &metrics, &err);
 *	audit_request(a, request, AUDIT_COMPLETE);
 *	audit_reopen(a);	// the file has been renamed
 *	audit_close(a);
 *
 * Lines wait in memory for a thread of the log's own: no request waits for the disk. A disk that is
 * full or slow is tried again each second, and told in the program's messages and at /metrics
 * (apiserver_audit_error_total). When AUDIT_QUEUE_BYTES wait, further events are lost and counted:
 * the API goes on. A line is never torn by that.
 *
 * Threads: any.
 */
#ifndef SERVE_AUDIT_H
#define SERVE_AUDIT_H

#include "base/clock.h"
#include "base/error.h"
#include "serve/metrics.h"

#include <stdbool.h>

#define AUDIT_QUEUE_BYTES (16u << 20)
#define AUDIT_ID_MAX 64

struct audit;
struct request;

enum audit_stage { AUDIT_RECEIVED, AUDIT_STARTED, AUDIT_COMPLETE, AUDIT_STAGES };

/*
 * Appends to PATH, which is made with mode 0600; "-" is standard output. POLICY: a file with a
 * Policy of audit.k8s.io, which says what is recorded (audit_policy.h); NULL: every request, when
 * it is complete. METRICS outlives the log.
 */
struct audit *audit_open(const char *path, const char *policy, struct clock *clock,
			 struct metrics *metrics, struct error **err);
/* Writes what waits, as far as it can be written now. Takes NULL, returns NULL. */
struct audit *audit_close(struct audit *a);
/* From now on to what PATH names now. Where that cannot be opened the old file stays. */
void audit_reopen(struct audit *a);
/* R has come in, and who asks is known: decides what is recorded of it, and records that. A NULL:
 * nothing. */
void audit_begin(struct audit *a, struct request *r);
/* Records R at another STAGE. A NULL: nothing. */
void audit_request(struct audit *a, const struct request *r, enum audit_stage stage);

#endif
