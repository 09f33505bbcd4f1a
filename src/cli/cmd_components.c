/*
 * The parts of a cluster as programs of their own, against a real API server.
 */
#include "cli/program.h"

static int run_part(const struct options *opt, enum program_part part)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct program program CLEANUP(program_stop) = {0};

	program_block_signals();
	if (program_start(&program, opt, PART_INFORMERS | part, &err) < 0)
		return program_fail(err);
	program_wait_signal();
	return 0;
}

static int run_controllers(const struct options *opt)
{
	return run_part(opt, PART_CONTROLLERS);
}

static int run_scheduler(const struct options *opt)
{
	return run_part(opt, PART_SCHEDULER);
}

static int run_nodes(const struct options *opt)
{
	return run_part(opt, PART_NODES);
}

const struct command cmd_controllers = {
	.name = "controllers",
	.synopsis = "[--context=NAME] [--kubeconfig=FILE]",
	.summary = "run the reconcilers against a real API server",
	.bit = COMMAND_CONTROLLERS,
	.run = run_controllers,
};
const struct command cmd_scheduler = {
	.name = "scheduler",
	.synopsis = "[--context=NAME] [--kubeconfig=FILE]",
	.summary = "run the scheduler against a real API server",
	.bit = COMMAND_SCHEDULER,
	.run = run_scheduler,
};
const struct command cmd_nodes = {
	.name = "nodes",
	.synopsis = "[--nodes=N] [--context=NAME] [--kubeconfig=FILE]",
	.summary = "register simulated nodes with a real API server and run their pods",
	.bit = COMMAND_NODES,
	.run = run_nodes,
};
