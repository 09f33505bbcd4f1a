/*
 * A program put together from its parts, in the order they depend on each other: cluster,
 * informers, endpoint, reconcilers, scheduler, nodes. Taken down in the opposite order.
 *
 *	struct program p CLEANUP(program_stop) = {0};
 *	if (program_start(&p, opt, PART_ALL, &err) < 0)
 *		...
 *	program_wait_signal();
 *
 * Threads: program_block_signals before any thread is started; the others in the main thread.
 */
#ifndef CLI_PROGRAM_H
#define CLI_PROGRAM_H

#include "base/error.h"
#include "cli/options.h"

struct program {
	struct cluster *cluster;
	struct informers *informers;
	struct serve *serve;
	struct controllers *controllers;
	struct scheduler *scheduler;
	struct nodes *nodes;
};

enum program_part {
	PART_INFORMERS = 1,
	PART_SERVE = 2,
	PART_CONTROLLERS = 4,
	PART_SCHEDULER = 8,
	PART_NODES = 16,
	PART_OWN_CLUSTER = PART_INFORMERS | PART_CONTROLLERS | PART_SCHEDULER | PART_NODES,
};

/* On failure what was started is taken down again. */
int program_start(struct program *p, const struct options *opt, unsigned parts, struct error **err);
void program_stop(struct program *p);
/* SIGTERM, SIGINT and SIGHUP wait for program_wait_signal in every thread made from now on. */
void program_block_signals(void);
void program_wait_signal(void);
/* Prints ERR as the program's last words. Returns 1, the exit status. */
int program_fail(const struct error *err);

#endif
