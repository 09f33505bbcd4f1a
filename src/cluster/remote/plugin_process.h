/*
 * A program run for its output, with an end to how long and how much. Private to plugin.c.
 * Threads: any.
 */
#ifndef CLUSTER_REMOTE_PLUGIN_PROCESS_H
#define CLUSTER_REMOTE_PLUGIN_PROCESS_H

#include "base/call.h"
#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>

#define PROCESS_MAX_OUTPUT (1u << 20)
#define PROCESS_MAX_COMPLAINT 2048

struct process {
	char *const *argv; /* argv[0] with a slash is a path, else looked for in $PATH */
	char *const *env;  /* all of its environment */
	/* It has this program's stdin, and what it says on stderr is shown there at once. Else its
	 * stdin is empty and it is the leader of a process group. */
	bool interactive;
	int timeout_ms;
};

struct process_result {
	struct str output;    /* stdout, a secret */
	struct str complaint; /* the end of stderr */
	int status;	      /* as of waitpid() */
};
#define PROCESS_RESULT_INIT                               \
	{                                                 \
		.output = STR_INIT, .complaint = STR_INIT \
	}
void process_result_release(struct process_result *r);

/*
 * Runs P until it has ended. It and its process group are killed when CANCEL (may be NULL) fires
 * (E_CANCELLED), after the timeout (E_TIMEOUT) and when it says more than the maximum
 * (E_TOO_LARGE); OUT's complaint tells what it said until then. E_NOT_FOUND: there is no such
 * program.
 */
int process_run(const struct process *p, struct cancel *cancel, struct process_result *out,
		struct error **err);

#endif
