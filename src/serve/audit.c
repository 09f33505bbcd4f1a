#include "serve/audit.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "object/json.h"
#include "object/status.h"
#include "object/time.h"
#include "object/user.h"
#include "serve/access.h"
#include "serve/audit_policy.h"
#include "serve/server.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define RETRY_NS NS_PER_S

struct audit {
	char *path;
	struct audit_policy *policy; /* NULL: what is complete */
	struct clock *clock;
	struct metrics *metrics;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	/* Under the lock. */
	struct str waiting;
	bool closing, reopen;
	uint64_t lost; /* events since the last one that found room */
	/* The thread's own. */
	int fd;
	struct str writing;
	bool failing, torn; /* the last write failed; it ended within a line */
};

/* ---- one event */

static const char *const stage_names[AUDIT_STAGES] = {"RequestReceived", "ResponseStarted",
						      "ResponseComplete"};

const char *audit_stage_name(enum audit_stage stage)
{
	return stage_names[stage];
}

static void set_text(json_t *tree, const char *key, const char *value)
{
	if (value && *value)
		json_object_set_new(tree, key, json_string(value));
}

/* The addresses a request says it came by, then the one it did come from. */
static json_t *source_ips(const struct request *r)
{
	json_t *ips = json_array();
	const char *last = "";

	for (const char *s = r->forwarded_for; s && *s;) {
		size_t len = strcspn(s, ",");
		size_t skip = strspn(s, " "), end = len;

		while (end > skip && s[end - 1] == ' ')
			end--;
		if (end > skip)
			json_array_append_new(ips, json_stringn(s + skip, end - skip));
		s += len + (s[len] == ',');
	}
	if (r->real_ip && *r->real_ip)
		json_array_append_new(ips, json_string(r->real_ip));
	if (json_array_size(ips))
		last = json_string_value(json_array_get(ips, json_array_size(ips) - 1));
	if (*r->peer && strcmp(r->peer, last) != 0)
		json_array_append_new(ips, json_string(r->peer));
	return ips;
}

static json_t *reference_of(const struct request *r, const struct access *a)
{
	json_t *ref = json_object();

	set_text(ref, "resource", a->resource);
	set_text(ref, "namespace", a->namespace);
	set_text(ref, "name", *a->name ? a->name : r->object_name);
	set_text(ref, "uid", r->object_uid);
	set_text(ref, "apiGroup", a->group);
	set_text(ref, "apiVersion", a->version);
	set_text(ref, "subresource", a->subresource);
	return ref;
}

static json_t *response_status(const struct request *r)
{
	json_t *status;

	if (!r->told)
		return json_pack("{s:{},s:i}", "metadata", "code",
				 r->answer.status ? r->answer.status : 499);
	status = status_from_error(r->told);
	json_object_del(status, "kind");
	json_object_del(status, "apiVersion");
	return status;
}

static json_t *annotations_of(const struct request *r)
{
	json_t *out = json_object();

	for (size_t i = 0; i < r->annotations.n; i++)
		json_object_set_new(out, r->annotations.v[i].key,
				    json_string(r->annotations.v[i].value));
	return out;
}

static json_t *time_of(int64_t wall_ns)
{
	char text[TIME_TEXT];

	return json_string(time_format_micro(wall_ns, text));
}

static json_t *event_of(const struct request *r, const struct access *access,
			const struct audit_decision *d, enum audit_stage stage, int64_t now)
{
	const struct identity *asks = r->impersonator ? r->impersonator : r->who;
	struct str uri CLEANUP(str_release) = STR_INIT;
	json_t *e, *annotations = annotations_of(r);

	request_uri(r, &uri);
	e = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:o,s:o,s:o}", "kind", "Event",
		      "apiVersion", "audit.k8s.io/v1", "level", audit_level_name(d->level),
		      "auditID", r->audit_id, "stage", stage_names[stage], "requestURI", uri.s,
		      "verb", access->verb, "user", asks ? user_info(&asks->user) : json_object(),
		      "sourceIPs", source_ips(r), "requestReceivedTimestamp",
		      time_of(r->received_ns), "stageTimestamp", time_of(now));
	if (r->impersonator)
		json_object_set_new(e, "impersonatedUser", user_info(&r->who->user));
	set_text(e, "userAgent", r->user_agent);
	if (access->resource)
		json_object_set_new(e, "objectRef", reference_of(r, access));
	if (stage != AUDIT_RECEIVED)
		json_object_set_new(e, "responseStatus", response_status(r));
	if (json_object_size(annotations))
		json_object_set(e, "annotations", annotations);
	json_decref(annotations);
	audit_bodies_write(&r->bodies, d->omit_managed_fields, e);
	return e;
}

/* ---- lines that wait */

static void count_lost(struct audit *a)
{
	atomic_fetch_add(&a->metrics->audit_lost, 1);
	if (!a->lost++)
		log_error("audit log %s: it is written too slowly: events are being lost", a->path);
}

static void add_line(struct audit *a, const struct str *line)
{
	uint64_t lost = 0;

	pthread_mutex_lock(&a->lock);
	if (a->waiting.len + line->len > AUDIT_QUEUE_BYTES) {
		count_lost(a);
	} else {
		lost = a->lost;
		a->lost = 0;
		str_add(&a->waiting, line->s, line->len);
		atomic_fetch_add(&a->metrics->audit_events, 1);
		pthread_cond_signal(&a->wake);
	}
	pthread_mutex_unlock(&a->lock);
	if (lost)
		log_error("audit log %s: %llu events were lost", a->path, (unsigned long long)lost);
}

void audit_begin(struct audit *a, struct request *r)
{
	struct attributes what CLEANUP(attributes_release) = {.buffer = NULL};

	if (!a)
		return;
	attributes_read(r, &what);
	r->audited = audit_policy_decide(a->policy, r, &what.access);
	r->bodies.wants_asked = what.access.resource && r->audited.level >= AUDIT_REQUEST;
	r->bodies.wants_answered =
		what.access.resource && r->audited.level >= AUDIT_REQUEST_RESPONSE;
	audit_request(a, r, AUDIT_RECEIVED);
}

void audit_request(struct audit *a, const struct request *r, enum audit_stage stage)
{
	struct attributes what CLEANUP(attributes_release) = {.buffer = NULL};
	struct str line CLEANUP(str_release) = STR_INIT;
	json_t *event json_auto = NULL;

	if (!a || r->audited.level == AUDIT_NONE || r->audited.omits[stage])
		return;
	attributes_read(r, &what);
	event = event_of(r, &what.access, &r->audited, stage, clock_wall(a->clock));
	if (!event) {
		pthread_mutex_lock(&a->lock);
		count_lost(a);
		pthread_mutex_unlock(&a->lock);
		return;
	}
	json_write(event, &line);
	str_addc(&line, '\n');
	add_line(a, &line);
}

/* ---- the thread that writes them */

/* A program in the background is in another directory when it opens the file again. */
static char *absolute(const char *path)
{
	char *here free_ptr = *path == '/' || strcmp(path, "-") == 0 ? NULL : getcwd(NULL, 0);

	return here ? xasprintf("%s/%s", here, path) : xstrdup(path);
}

static int open_file(const char *path)
{
	if (strcmp(path, "-") == 0)
		return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void reopen(struct audit *a)
{
	int fd = open_file(a->path);

	if (fd < 0) {
		log_error("audit log %s: cannot open it again: %m; the old file stays", a->path);
		return;
	}
	close(a->fd);
	a->fd = fd;
	a->torn = false;
}

static void tell_failure(struct audit *a, int errnum)
{
	atomic_fetch_add(&a->metrics->audit_failures, 1);
	if (!a->failing)
		log_error("audit log %s: %s; trying again each second", a->path, strerror(errnum));
	a->failing = true;
}

/* Writes what it has; true when nothing is left. A line that was cut off is begun anew. */
static bool write_lines(struct audit *a)
{
	size_t done = 0;
	ssize_t n = 0;

	if (a->torn && write(a->fd, "\n", 1) != 1) {
		tell_failure(a, errno);
		return false;
	}
	a->torn = false;
	while (done < a->writing.len &&
	       ((n = write(a->fd, a->writing.s + done, a->writing.len - done)) >= 0 ||
		errno == EINTR))
		done += n > 0 ? (size_t)n : 0;
	if (done == a->writing.len) {
		if (a->failing)
			log_error("audit log %s: it is written again", a->path);
		a->failing = false;
		str_reset(&a->writing);
		return true;
	}
	tell_failure(a, errno);
	a->torn = done && a->writing.s[done - 1] != '\n';
	while (done && a->writing.s[done - 1] != '\n')
		done--;
	a->writing.len -= done;
	memmove(a->writing.s, a->writing.s + done, a->writing.len + 1);
	return false;
}

/* Under the lock: takes what waits, when the last has been written. */
static bool take_work(struct audit *a)
{
	if (!a->writing.len) {
		struct str empty = a->writing;

		a->writing = a->waiting;
		a->waiting = empty;
	}
	return a->writing.len;
}

static void *run(void *arg)
{
	struct audit *a = arg;
	bool written = true;

	pthread_mutex_lock(&a->lock);
	for (;;) {
		bool again = a->reopen, last = a->closing;

		a->reopen = false;
		if (!take_work(a) && !again) {
			if (last)
				break;
			clock_wait(a->clock, &a->wake, &a->lock, CLOCK_NEVER);
			continue;
		}
		pthread_mutex_unlock(&a->lock);
		if (again)
			reopen(a);
		written = write_lines(a);
		pthread_mutex_lock(&a->lock);
		if (!written && last)
			break;
		if (!written && !a->closing && !a->reopen)
			clock_wait(a->clock, &a->wake, &a->lock, clock_mono(a->clock) + RETRY_NS);
	}
	pthread_mutex_unlock(&a->lock);
	if (a->writing.len)
		log_error("audit log %s: its last %zu bytes are lost", a->path, a->writing.len);
	return NULL;
}

static void release(struct audit *a)
{
	if (a->fd >= 0)
		close(a->fd);
	audit_policy_free(a->policy);
	pthread_mutex_destroy(&a->lock);
	pthread_cond_destroy(&a->wake);
	str_release(&a->waiting);
	str_release(&a->writing);
	free(a->path);
	free(a);
}

struct audit *audit_open(const char *path, const char *policy, struct clock *clock,
			 struct metrics *metrics, struct error **err)
{
	struct audit *a = xcalloc(1, sizeof(*a));
	int failed;

	a->path = absolute(path);
	a->clock = clock;
	a->metrics = metrics;
	pthread_mutex_init(&a->lock, NULL);
	clock_cond_init(&a->wake);
	str_init(&a->waiting);
	str_init(&a->writing);
	a->fd = open_file(path);
	if (a->fd < 0) {
		error_set_errno(err, errno, "cannot open the audit log %s", path);
	} else if (!policy || (a->policy = audit_policy_read(policy, err))) {
		failed = pthread_create(&a->thread, NULL, run, a);
		if (!failed)
			return a;
		error_set_errno(err, failed, "starting the audit log's thread");
	}
	release(a);
	return NULL;
}

struct audit *audit_close(struct audit *a)
{
	if (!a)
		return NULL;
	pthread_mutex_lock(&a->lock);
	a->closing = true;
	pthread_cond_signal(&a->wake);
	pthread_mutex_unlock(&a->lock);
	pthread_join(a->thread, NULL);
	release(a);
	return NULL;
}

void audit_reopen(struct audit *a)
{
	pthread_mutex_lock(&a->lock);
	a->reopen = true;
	pthread_cond_signal(&a->wake);
	pthread_mutex_unlock(&a->lock);
}
