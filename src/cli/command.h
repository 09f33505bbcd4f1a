/*
 * The subcommands of kubefs, one file each, one line in commands[] (main.c).
 *
 *	const struct command cmd_serve = {"serve", "[--local[=DIR]] [--listen=ADDR]", "...",
 *					  COMMAND_SERVE, run};
 *
 * The command line is read by one table (options.h) before RUN is called.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

struct options;

struct command {
	const char *name;
	const char *synopsis; /* what follows "kubefs NAME" */
	const char *summary;  /* one line for --help */
	unsigned bit;	      /* COMMAND_*: which options it takes */
	/* The exit status: 0, 1 for a failure that has been told on stderr, 2 for wrong usage. */
	int (*run)(const struct options *opt);
};

#define COMMAND_MOUNT 1u
#define COMMAND_SERVE 2u
#define COMMAND_CONTROLLERS 4u
#define COMMAND_SCHEDULER 8u
#define COMMAND_NODES 16u
#define COMMAND_STORE 32u

extern const struct command cmd_mount, cmd_serve, cmd_controllers, cmd_scheduler, cmd_nodes,
	cmd_store;

#endif
