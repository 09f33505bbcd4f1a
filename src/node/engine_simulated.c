/* Runs nothing, and says so. */
#include "node/engine.h"

#include "base/mem.h"
#include "object/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SECONDS "metadata.annotations[simulated.kubefs.io/run-seconds]"
#define EXIT_CODE "metadata.annotations[simulated.kubefs.io/exit-code]"
#define LONGEST_RUN_S (10 * 365 * 24 * 3600LL)

static const struct engine *const engines[] = {&engine_simulated};

const struct engine *engine_find(const char *name)
{
	for (size_t k = 0; k < ARRAY_SIZE(engines); k++)
		if (!strcmp(engines[k]->name, name))
			return engines[k];
	return NULL;
}

static void start(const json_t *pod, const json_t *container, char id[ENGINE_ID])
{
	static const char scheme[] = "simulated://";
	unsigned char random[32];
	size_t at = strlen(scheme);

	(void)pod;
	(void)container;
	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		abort();
	memcpy(id, scheme, at + 1);
	for (size_t k = 0; k < sizeof(random); k++, at += 2)
		snprintf(id + at, ENGINE_ID - at, "%02x", random[k]);
}

static int64_t number_at(const json_t *pod, const char *path, int64_t fallback)
{
	const char *text = json_path_string(pod, path);
	char *end;
	long long value;

	if (!text || !*text)
		return fallback;
	value = strtoll(text, &end, 10);
	return *end || value < 0 ? fallback : value;
}

static int64_t ends(const json_t *pod, int64_t started, int64_t *exit_code)
{
	int64_t seconds = number_at(pod, SECONDS, -1);

	*exit_code = MIN(number_at(pod, EXIT_CODE, 0), 255);
	if (seconds < 0)
		return CLOCK_NEVER;
	return started + MIN(seconds, LONGEST_RUN_S) * NS_PER_S;
}

/* A status keeps whole seconds: the next one is the first by which the delay has surely passed. */
static int64_t probe_ok(const json_t *probe, int64_t started)
{
	int64_t delay = json_path_int(probe, "initialDelaySeconds", 0);

	return started + (MIN(MAX(delay, 0), LONGEST_RUN_S) + 1) * NS_PER_S;
}

static void log_lines(const struct engine_run *run,
		      void (*line)(void *arg, int64_t when, const char *text), void *arg)
{
	char *first free_ptr =
		xasprintf("image %s: simulated by kubefs, no program runs", run->image);
	char *second free_ptr = xasprintf("container %s of pod %s/%s started on %s", run->container,
					  run->namespace, run->pod, run->node);
	char *last free_ptr = xasprintf("container %s ended with exit code %" PRIi64,
					run->container, run->exit_code);

	line(arg, run->started, first);
	line(arg, run->started + 1, second);
	if (run->probe_ok <= MIN(run->now, run->finished) && run->probe_ok != CLOCK_NEVER)
		line(arg, run->probe_ok, "readiness probe succeeded (simulated)");
	if (run->finished != CLOCK_NEVER)
		line(arg, run->finished, last);
}

const struct engine engine_simulated = {
	.name = "simulated",
	.nature = "containers are simulated, nothing runs in them",
	.runtime_version = "simulated://1.0",
	.start = start,
	.ends = ends,
	.probe_ok = probe_ok,
	.log = log_lines,
};
