/*
 * What runs containers, behind one struct of functions. One file an engine, one line in engines[].
 *
 * Threads: any.
 */
#ifndef NODE_ENGINE_H
#define NODE_ENGINE_H

#include "base/clock.h"
#include "base/str.h"

#include <jansson.h>

#define ENGINE_ID 96

/* One life of a container, from its status. Borrowed strings. */
struct engine_run {
	const char *namespace, *pod, *node, *container, *image;
	int64_t started;
	int64_t probe_ok; /* when its readiness probe succeeded first; CLOCK_NEVER: no probe */
	int64_t finished; /* CLOCK_NEVER: it runs */
	int64_t exit_code;
	int64_t now;
};

struct engine {
	const char *name;	     /* "simulated" */
	const char *nature;	     /* why it has no exec, in a message */
	const char *runtime_version; /* nodeInfo.containerRuntimeVersion */
	/* Starts a container and names it: "simulated://...". */
	void (*start)(const json_t *pod, const json_t *container, char id[ENGINE_ID]);
	/* When a container that began at STARTED ends by itself; CLOCK_NEVER: it runs on. */
	int64_t (*ends)(const json_t *pod, int64_t started, int64_t *exit_code);
	/* When PROBE succeeds first. */
	int64_t (*probe_ok)(const json_t *probe, int64_t started);
	/* Calls LINE for each line of the log so far, oldest first. */
	void (*log)(const struct engine_run *run,
		    void (*line)(void *arg, int64_t when, const char *text), void *arg);
};

/* NULL: no such engine. */
const struct engine *engine_find(const char *name);
extern const struct engine engine_simulated;

#endif
