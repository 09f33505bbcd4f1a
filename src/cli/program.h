/*
 * A program put together from its parts, in the order they depend on each other: cluster,
 * informers, endpoint, reconcilers, scheduler, nodes. Taken down in the opposite order.
 *
 *	struct program p CLEANUP(program_stop) = {0};
 *	if (program_start(&p, opt, PART_OWN_CLUSTER, &err) < 0)
 *		...
 *	program_wait_signal(&p, -1);
 *
 * Threads: program_block_signals before any thread is started; the others in the main thread.
 */
#ifndef CLI_PROGRAM_H
#define CLI_PROGRAM_H

#include "base/error.h"
#include "cli/options.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct program {
	struct cluster *cluster;
	bool local; /* the cluster is of its own: nodes answer for its logs */
	struct informers *informers;
	struct serve *serve;
	struct controllers *controllers;
	struct scheduler *scheduler;
	struct kubelet *kubelet; /* of nodes that are not the cluster's own */
	struct nodes *nodes;
	struct kubelets *kubelets; /* of other programs, for the logs of a cluster of its own */
	pthread_t hangup;	   /* waits for SIGHUP */
	bool waits_for_hangup;
	atomic_bool stopping; /* it has waited long enough */
};

enum program_part {
	PART_INFORMERS = 1,
	PART_SERVE = 2,
	PART_CONTROLLERS = 4,
	PART_SCHEDULER = 8,
	PART_NODES = 16,
	PART_OWN_CLUSTER = PART_INFORMERS | PART_CONTROLLERS | PART_SCHEDULER | PART_NODES,
};

/* The directories above DIR, as mkdir -p: a first start finds no ~/.local/share. */
int program_make_parents(const char *dir, struct error **err);
/* The cluster alone. */
int program_open(struct program *p, const struct options *opt, struct error **err);
/* Parts over a cluster that is open; on failure what was started stays until program_stop. */
int program_start_parts(struct program *p, const struct options *opt, unsigned parts,
			struct error **err);
/* Both. */
int program_start(struct program *p, const struct options *opt, unsigned parts, struct error **err);
/* Everything but the cluster; then that too. */
void program_stop_parts(struct program *p);
void program_stop(struct program *p);
/* With an audit log SIGHUP no longer ends the program but opens the log anew. */
void program_block_hangup(void);
/* SIGTERM, SIGINT and SIGHUP wait for program_wait_signal in every thread made from now on. */
void program_block_signals(void);
/* No image of the memory, which holds Secrets and credentials, is left on disk when it crashes. */
void program_keep_secrets(void);
/* Waits for one of them; TIMEOUT_MS negative: for ever. Whether one came. */
bool program_wait_signal(const struct program *p, int timeout_ms);
/* Prints ERR as the program's last words. Returns 1, the exit status. */
int program_fail(const struct error *err);

#endif
