#include "node/container.h"

#include "object/json.h"

#include <inttypes.h>
#include <string.h>

#define FIRST_RESTART_NS (10 * NS_PER_S)
#define LAST_RESTART_NS (300 * NS_PER_S)

/* One container in a pass. */
struct container {
	json_t *spec, *status;
	bool init;	/* runs to its end before the next */
	bool sidecar;	/* an init container that stays */
	bool ephemeral; /* added to a pod that runs, for who looks into it */
};

static void come_again(struct pass *p, int64_t when)
{
	p->wake = MIN(p->wake, when);
}

static const char *text(const json_t *tree, const char *path)
{
	const char *s = json_path_string(tree, path);

	return s ? s : "";
}

static int64_t time_at(const json_t *tree, const char *path)
{
	int64_t when = 0;

	time_parse(text(tree, path), &when);
	return when;
}

static json_t *state_of(const struct container *c, const char *which)
{
	return json_path(c->status, which);
}

static void set_state(struct container *c, json_t *state)
{
	json_object_set_new(c->status, "state", state);
}

/* Returns whether the container was not waiting for this already. */
static bool set_waiting(struct container *c, const char *reason, const char *message)
{
	bool news = strcmp(text(c->status, "state.waiting.reason"), reason) != 0 ||
		    (message && strcmp(text(c->status, "state.waiting.message"), message) != 0);
	json_t *waiting = json_pack("{s:s}", "reason", reason);

	if (message)
		json_object_set_new(waiting, "message", json_string(message));
	set_state(c, json_pack("{s:o}", "waiting", waiting));
	json_object_set_new(c->status, "ready", json_false());
	json_object_set_new(c->status, "started", json_false());
	return news;
}

static json_t *new_status(const json_t *spec)
{
	return json_pack("{s:s, s:s, s:s, s:b, s:b, s:i, s:{}, s:{s:{s:s}}}", "name",
			 text(spec, "name"), "image", text(spec, "image"), "imageID", "", "ready",
			 0, "started", 0, "restartCount", 0, "lastState", "state", "waiting",
			 "reason", "ContainerCreating");
}

static json_t *status_of(json_t *list, const json_t *spec)
{
	json_t *status;
	size_t k;

	json_array_foreach (list, k, status)
		if (!strcmp(text(status, "name"), text(spec, "name")))
			return status;
	status = new_status(spec);
	json_array_append_new(list, status);
	return status;
}

static void start_events(struct pass *p, const struct container *c)
{
	const char *name = text(c->spec, "name"), *image = text(c->spec, "image");
	struct recorder *r = p->node->recorder;

	if (!strcmp(text(c->spec, "imagePullPolicy"), "Always"))
		recorder_event(r, p->pod, EVENT_NORMAL, "Pulled",
			       "Successfully pulled image \"%s\" (simulated)", image);
	else
		recorder_event(r, p->pod, EVENT_NORMAL, "Pulled",
			       "Container image \"%s\" already present on machine (simulated)",
			       image);
	recorder_event(r, p->pod, EVENT_NORMAL, "Created", "Created container: %s", name);
	recorder_event(r, p->pod, EVENT_NORMAL, "Started", "Started container %s", name);
}

static void start(struct pass *p, struct container *c)
{
	char *missing free_ptr = config_missing(p->nodes, p->pod->namespace, c->spec);
	char *image_id free_ptr = NULL;
	char id[ENGINE_ID];

	if (missing) {
		if (set_waiting(c, "CreateContainerConfigError", missing))
			recorder_event(p->node->recorder, p->pod, EVENT_WARNING, "Failed",
				       "Error: %s", missing);
		return;
	}
	p->nodes->engine->start(p->tree, c->spec, id);
	image_id = xasprintf("%s://%s", p->nodes->engine->name, text(c->spec, "image"));
	json_object_set_new(c->status, "image", json_string(text(c->spec, "image")));
	json_object_set_new(c->status, "imageID", json_string(image_id));
	json_object_set_new(c->status, "containerID", json_string(id));
	json_object_set_new(c->status, "ready", json_false());
	set_state(c, json_pack("{s:{s:s}}", "running", "startedAt", p->now_text));
	start_events(p, c);
}

static void terminate(struct pass *p, struct container *c, int64_t when, int64_t exit_code)
{
	char finished[TIME_TEXT];

	set_state(c, json_pack("{s:{s:I, s:s, s:s, s:s, s:s}}", "terminated", "exitCode",
			       (json_int_t)exit_code, "reason", exit_code ? "Error" : "Completed",
			       "startedAt", text(c->status, "state.running.startedAt"),
			       "finishedAt", time_format(MIN(when, p->now), finished),
			       "containerID", text(c->status, "containerID")));
	json_object_set_new(c->status, "ready",
			    json_boolean(c->init && !c->sidecar && exit_code == 0));
	json_object_set_new(c->status, "started", json_false());
}

static bool is_to_restart(const struct pass *p, const struct container *c, int64_t exit_code)
{
	const char *policy = text(p->spec, "restartPolicy");

	if (c->sidecar)
		return true;
	if (c->ephemeral)
		return false;
	if (!strcmp(policy, "Never"))
		return false;
	if (c->init || !strcmp(policy, "OnFailure"))
		return exit_code != 0;
	return true;
}

/* The first time at once, then 10 s, 20 s, ... 5 min after the end. */
static int64_t restart_delay(const struct container *c)
{
	int64_t restarts = json_path_int(c->status, "restartCount", 0);

	if (!restarts)
		return 0;
	return MIN(FIRST_RESTART_NS << MIN(restarts - 1, 5), LAST_RESTART_NS);
}

static void restart(struct pass *p, struct container *c)
{
	int64_t delay = restart_delay(c);
	int64_t due = time_at(c->status, "lastState.terminated.finishedAt") + delay;
	char *message free_ptr = NULL;

	if (p->now >= due) {
		json_object_set_new(c->status, "restartCount",
				    json_integer(json_path_int(c->status, "restartCount", 0) + 1));
		start(p, c);
		return;
	}
	message = xasprintf("back-off %" PRIi64 "s restarting failed container=%s pod=%s_%s(%s)",
			    (int64_t)(delay / NS_PER_S), text(c->spec, "name"), p->pod->name,
			    p->pod->namespace, p->pod->uid);
	if (set_waiting(c, "CrashLoopBackOff", message))
		recorder_event(p->node->recorder, p->pod, EVENT_WARNING, "BackOff",
			       "Back-off restarting failed container %s in pod %s_%s(%s)",
			       text(c->spec, "name"), p->pod->name, p->pod->namespace, p->pod->uid);
	come_again(p, due);
}

static void after_end(struct pass *p, struct container *c)
{
	json_t *ended = state_of(c, "state.terminated");

	if (!is_to_restart(p, c, json_path_int(ended, "exitCode", 0)))
		return;
	json_object_set_new(c->status, "lastState", json_pack("{s:O}", "terminated", ended));
	restart(p, c);
}

static void probe(struct pass *p, struct container *c)
{
	static const char *const probes[] = {"startupProbe", "readinessProbe"};
	int64_t began = time_at(c->status, "state.running.startedAt"), ok[2];
	bool started, ready;

	for (size_t k = 0; k < ARRAY_SIZE(probes); k++) {
		json_t *one = json_object_get(c->spec, probes[k]);

		ok[k] = one ? p->nodes->engine->probe_ok(one, began) : 0;
	}
	started = p->now >= ok[0];
	ready = started && p->now >= ok[1];
	json_object_set_new(c->status, "started", json_boolean(started));
	json_object_set_new(c->status, "ready", json_boolean(ready));
	if (!started)
		come_again(p, ok[0]);
	else if (!ready)
		come_again(p, ok[1]);
}

static void advance(struct pass *p, struct container *c)
{
	int64_t exit_code = 0, end;

	if (state_of(c, "state.waiting")) {
		if (state_of(c, "lastState.terminated"))
			restart(p, c);
		else
			start(p, c);
	}
	if (state_of(c, "state.running")) {
		end = p->nodes->engine->ends(p->tree, time_at(c->status, "state.running.startedAt"),
					     &exit_code);
		/* In an ephemeral container is nobody to talk to. */
		if (c->ephemeral) {
			end = p->now;
			exit_code = 0;
		}
		/* An init container has nothing to wait for. */
		if (c->init && !c->sidecar && end == CLOCK_NEVER)
			end = p->now;
		if (end <= p->now)
			terminate(p, c, end, exit_code);
		else if (end != CLOCK_NEVER)
			come_again(p, end);
	}
	if (state_of(c, "state.running"))
		probe(p, c);
	else if (state_of(c, "state.terminated"))
		after_end(p, c);
}

static json_t *statuses(struct pass *p, const char *key)
{
	json_t *list = json_object_get(p->status, key);

	if (!list) {
		list = json_array();
		json_object_set_new(p->status, key, list);
	}
	return list;
}

/* True when the pod may go on to what comes after C. */
static bool is_done(const struct container *c)
{
	if (c->sidecar)
		return json_path_bool(c->status, "started", false);
	return state_of(c, "state.terminated") &&
	       json_path_int(c->status, "state.terminated.exitCode", 1) == 0;
}

static bool advance_init(struct pass *p)
{
	json_t *specs = json_object_get(p->spec, "initContainers"), *spec;
	json_t *list = json_array_size(specs) ? statuses(p, "initContainerStatuses") : NULL;
	bool done = true;
	size_t k;

	json_array_foreach (specs, k, spec) {
		struct container c = {spec, status_of(list, spec), true,
				      !strcmp(text(spec, "restartPolicy"), "Always")};

		if (done && (!is_done(&c) || c.sidecar))
			advance(p, &c);
		else if (!done)
			set_waiting(&c, "PodInitializing", NULL);
		done = done && is_done(&c);
		/* An init container that may not be run again ends the pod. */
		if (state_of(&c, "state.terminated") && !is_done(&c) && !is_to_restart(p, &c, 1))
			p->phase = "Failed";
	}
	return done;
}

/* They change neither the pod's phase nor whether it is ready. */
static void advance_ephemeral(struct pass *p)
{
	json_t *specs = json_object_get(p->spec, "ephemeralContainers"), *spec;
	json_t *list = json_array_size(specs) ? statuses(p, "ephemeralContainerStatuses") : NULL;
	size_t k;

	json_array_foreach (specs, k, spec) {
		struct container c = {spec, status_of(list, spec), .ephemeral = true};

		advance(p, &c);
	}
}

static const char *phase_of(const struct pass *p)
{
	size_t n = json_array_size(json_object_get(p->spec, "containers")), over = 0, failed = 0, k;
	bool pending = false;
	json_t *status;

	json_array_foreach (json_object_get(p->status, "containerStatuses"), k, status) {
		if (json_path(status, "state.terminated")) {
			over++;
			failed += json_path_int(status, "state.terminated.exitCode", 0) != 0;
		}
		if (json_path(status, "state.waiting") &&
		    !json_path(status, "lastState.terminated"))
			pending = true;
	}
	if (n && over == n)
		return failed ? "Failed" : "Succeeded";
	return pending ? "Pending" : "Running";
}

static void wait_all(struct pass *p, const char *reason)
{
	static const char *const keys[][2] = {{"initContainers", "initContainerStatuses"},
					      {"containers", "containerStatuses"}};
	json_t *spec;
	size_t k;

	for (size_t l = 0; l < ARRAY_SIZE(keys); l++)
		json_array_foreach (json_object_get(p->spec, keys[l][0]), k, spec) {
			struct container c = {spec, status_of(statuses(p, keys[l][1]), spec), false,
					      false};

			if (state_of(&c, "state.waiting"))
				set_waiting(&c, reason, NULL);
		}
}

static bool wait_for_volumes(struct pass *p)
{
	char *missing free_ptr = NULL;

	if (!str_equal(json_path_string(p->status, "phase"), "Pending") &&
	    json_object_get(p->status, "phase"))
		return false;
	missing = config_missing_volume(p->nodes, p->pod->namespace, p->spec);
	if (!missing)
		return false;
	if (!json_object_get(p->status, "containerStatuses"))
		recorder_event(p->node->recorder, p->pod, EVENT_WARNING, "FailedMount", "%s",
			       missing);
	wait_all(p, "ContainerCreating");
	p->phase = "Pending";
	return true;
}

bool containers_advance(struct pass *p)
{
	bool initialized;
	json_t *spec;
	size_t k;

	if (wait_for_volumes(p))
		return json_array_size(json_object_get(p->spec, "initContainers")) == 0;
	initialized = advance_init(p);
	json_array_foreach (json_object_get(p->spec, "containers"), k, spec) {
		struct container c = {spec, status_of(statuses(p, "containerStatuses"), spec),
				      false, false};

		if (initialized)
			advance(p, &c);
		else
			set_waiting(&c, "PodInitializing", NULL);
	}
	if (initialized)
		advance_ephemeral(p);
	if (!p->phase)
		p->phase = phase_of(p);
	return initialized;
}

static bool stop_list(struct pass *p, const char *key)
{
	bool any = false;
	json_t *status;
	size_t k;

	json_array_foreach (json_object_get(p->status, key), k, status) {
		struct container c = {NULL, status, false, false};

		if (!state_of(&c, "state.running"))
			continue;
		terminate(p, &c, p->now, 0);
		recorder_event(p->node->recorder, p->pod, EVENT_NORMAL, "Killing",
			       "Stopping container %s", text(status, "name"));
		any = true;
	}
	return any;
}

bool containers_stop(struct pass *p)
{
	bool any = stop_list(p, "containerStatuses");

	return stop_list(p, "initContainerStatuses") || any;
}
