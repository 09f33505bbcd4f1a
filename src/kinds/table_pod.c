/*
 * The row of a pod: what its containers' states add up to.
 *
 * The word of the Status column is the most telling reason there is: of the init container that
 * the pod waits for ("Init:1/3", "Init:CrashLoopBackOff"), else of the first of its containers that
 * waits or has ended, else its own reason or phase.
 */
#include "kinds/tables.h"
#include "object/json.h"
#include "object/time.h"

#include <string.h>

struct summary {
	size_t ready, total;
	json_int_t restarts;
	int64_t last_restart; /* wall ns; 0: not known */
	struct str status;
};
#define SUMMARY_INIT               \
	{                          \
		.status = STR_INIT \
	}

static void summary_release(struct summary *s)
{
	str_release(&s->status);
}

static void set_status(struct summary *s, const char *prefix, const char *word)
{
	str_reset(&s->status);
	str_adds(&s->status, prefix);
	str_adds(&s->status, word);
}

static void count_restarts(struct summary *s, const json_t *container)
{
	const char *ended = json_path_string(container, "lastState.terminated.finishedAt");
	int64_t at;

	s->restarts += json_path_int(container, "restartCount", 0);
	if (*ended && time_parse(ended, &at) == 0 && at > s->last_restart)
		s->last_restart = at;
}

/* Of a container that ended: its reason, else what it ended with. */
static void set_ended(struct summary *s, const char *prefix, const json_t *terminated)
{
	const char *reason = json_path_string(terminated, "reason");
	json_int_t signal = json_path_int(terminated, "signal", 0);

	set_status(s, prefix, reason);
	if (*reason)
		return;
	if (signal)
		str_addf(&s->status, "Signal:%lld", (long long)signal);
	else
		str_addf(&s->status, "ExitCode:%lld",
			 (long long)json_path_int(terminated, "exitCode", 0));
}

/* An init container that is restarted whenever it ends runs beside the others: a sidecar. */
static bool is_sidecar(const json_t *container)
{
	return strcmp(json_path_string(container, "restartPolicy"), "Always") == 0;
}

static const json_t *init_container(const json_t *pod, const char *name)
{
	json_t *c;
	size_t i;

	json_array_foreach (json_path(pod, "spec.initContainers"), i, c)
		if (strcmp(json_path_string(c, "name"), name) == 0)
			return c;
	return NULL;
}

/* Whether the pod waits for its init container number I, and then why. */
static bool waits_for(struct summary *s, const json_t *pod, const json_t *container, size_t i,
		      bool sidecar)
{
	const json_t *terminated = json_path(container, "state.terminated");
	const char *waiting = json_path_string(container, "state.waiting.reason");

	if (terminated && json_path_int(terminated, "exitCode", 0) == 0)
		return false;
	if (sidecar && json_path_bool(container, "started", false)) {
		s->ready += json_path_bool(container, "ready", false);
		return false;
	}
	if (terminated) {
		set_ended(s, "Init:", terminated);
	} else if (*waiting && strcmp(waiting, "PodInitializing")) {
		set_status(s, "Init:", waiting);
	} else {
		str_reset(&s->status);
		str_addf(&s->status, "Init:%zu/%zu", i,
			 json_array_size(json_path(pod, "spec.initContainers")));
	}
	return true;
}

/*
 * Init containers, until the one that is waited for. SIDECARS: what of the restarts counts once
 * the pod is initialized.
 */
static bool is_initializing(struct summary *s, const json_t *pod, struct summary *sidecars)
{
	json_t *container;
	size_t i;

	json_array_foreach (json_path(pod, "status.initContainerStatuses"), i, container) {
		bool sidecar = is_sidecar(init_container(pod, json_path_string(container, "name")));

		count_restarts(s, container);
		if (sidecar)
			count_restarts(sidecars, container);
		if (waits_for(s, pod, container, i, sidecar))
			return true;
	}
	return false;
}

/* From the last to the first, so that the first one's reason stays. */
static void add_containers(struct summary *s, const json_t *pod)
{
	const json_t *list = json_path(pod, "status.containerStatuses");
	struct str failed CLEANUP(str_release) = STR_INIT; /* why one of them did */
	bool running = false;

	for (size_t i = json_array_size(list); i-- > 0;) {
		const json_t *c = json_array_get(list, i);
		const json_t *terminated = json_path(c, "state.terminated");
		const char *waiting = json_path_string(c, "state.waiting.reason");

		count_restarts(s, c);
		if (*waiting) {
			set_status(s, "", waiting);
		} else if (terminated) {
			set_ended(s, "", terminated);
			if (json_path_int(terminated, "exitCode", 0)) {
				str_reset(&failed);
				str_adds(&failed, s->status.s);
			}
		} else if (json_path_bool(c, "ready", false) && json_path(c, "state.running")) {
			running = true;
			s->ready++;
		}
	}
	if (strcmp(s->status.s, "Completed"))
		return;
	if (running && strcmp(cells_condition(pod, "status.conditions", "Ready"), "True") == 0)
		set_status(s, "", "Running");
	else if (failed.len)
		set_status(s, "", failed.s);
	else if (running)
		set_status(s, "", "NotReady");
}

static bool is_over(const json_t *pod)
{
	const char *phase = json_path_string(pod, "status.phase");

	return strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0;
}

static void start(struct summary *s, const json_t *pod)
{
	const char *reason = json_path_string(pod, "status.reason");
	json_t *c;
	size_t i;

	s->total = json_array_size(json_path(pod, "spec.containers"));
	json_array_foreach (json_path(pod, "spec.initContainers"), i, c)
		s->total += is_sidecar(c);
	set_status(s, "", *reason ? reason : json_path_string(pod, "status.phase"));
	json_array_foreach (json_path(pod, "status.conditions"), i, c)
		if (strcmp(json_path_string(c, "type"), "PodScheduled") == 0 &&
		    strcmp(json_path_string(c, "reason"), "SchedulingGated") == 0)
			set_status(s, "", "SchedulingGated");
}

static void summarize(struct summary *s, const json_t *pod)
{
	struct summary sidecars CLEANUP(summary_release) = SUMMARY_INIT;

	start(s, pod);
	if (!is_initializing(s, pod, &sidecars) ||
	    strcmp(cells_condition(pod, "status.conditions", "Initialized"), "True") == 0) {
		s->restarts = sidecars.restarts;
		s->last_restart = sidecars.last_restart;
		add_containers(s, pod);
	}
	if (!*json_path_string(pod, "metadata.deletionTimestamp"))
		return;
	if (strcmp(json_path_string(pod, "status.reason"), "NodeLost") == 0)
		set_status(s, "", "Unknown");
	else if (!is_over(pod))
		set_status(s, "", "Terminating");
}

static json_t *ready_cell(const json_t *pod, const char *path, int64_t now)
{
	struct summary s CLEANUP(summary_release) = SUMMARY_INIT;

	summarize(&s, pod);
	str_reset(&s.status);
	str_addf(&s.status, "%zu/%zu", s.ready, s.total);
	return cell_of(&s.status);
}

static json_t *status_cell(const json_t *pod, const char *path, int64_t now)
{
	struct summary s CLEANUP(summary_release) = SUMMARY_INIT;

	summarize(&s, pod);
	return cell_of(&s.status);
}

static json_t *restarts_cell(const json_t *pod, const char *path, int64_t now)
{
	struct summary s CLEANUP(summary_release) = SUMMARY_INIT;
	char ago[TIME_TEXT];

	summarize(&s, pod);
	str_reset(&s.status);
	str_addf(&s.status, "%lld", (long long)s.restarts);
	if (s.restarts && s.last_restart)
		str_addf(&s.status, " (%s ago)", time_human_duration(now - s.last_restart, ago));
	return cell_of(&s.status);
}

static json_t *gates_cell(const json_t *pod, const char *path, int64_t now)
{
	const json_t *gates = json_path(pod, "spec.readinessGates");
	struct str text CLEANUP(str_release) = STR_INIT;
	size_t met = 0, i;
	json_t *gate;

	if (!json_array_size(gates))
		return json_string("<none>");
	json_array_foreach (gates, i, gate)
		met += strcmp(cells_condition(pod, "status.conditions",
					      json_path_string(gate, "conditionType")),
			      "True") == 0;
	str_addf(&text, "%zu/%zu", met, json_array_size(gates));
	return cell_of(&text);
}

/* kubectl get leaves pods that are over out of some of its views by this. */
static json_t *conditions(const json_t *pod)
{
	const char *phase = json_path_string(pod, "status.phase");

	if (!is_over(pod))
		return NULL;
	return json_pack("[{s:s, s:s, s:s, s:s}]", "type", "Completed", "status", "True", "reason",
			 phase, "message",
			 strcmp(phase, "Failed") ? "The pod has completed successfully."
						 : "The pod failed.");
}

static const struct table_column columns[] = {
	COLUMN_NAME,
	COLUMN("Ready", ready_cell, NULL, "How many of its containers are ready"),
	COLUMN("Status", status_cell, NULL, "What the states of its containers add up to"),
	COLUMN("Restarts", restarts_cell, NULL,
	       "How often its containers were started again, and when last"),
	COLUMN_AGE,
	COLUMN_WIDE("IP", cell_or_none, "status.podIPs[0].ip", "Its first address"),
	COLUMN_WIDE("Node", cell_or_none, "spec.nodeName", "The node it was placed on"),
	COLUMN_WIDE("Nominated Node", cell_or_none, "status.nominatedNodeName",
		    "The node where other pods make room for it"),
	COLUMN_WIDE("Readiness Gates", gates_cell, NULL, "How many of its readiness gates are met"),
};

const struct kind_table tables_pod[] = {
	{"", "Pod", columns, sizeof(columns) / sizeof(columns[0]), conditions},
	TABLES_END,
};
