/*
 * The parts of a cluster as programs of their own, against a real API server.
 */
#include "base/log.h"
#include "cache/leader.h"
#include "cli/program.h"
#include "cluster/cluster.h"

#include <unistd.h>

/* How often a leader that works looks whether it still is one. */
#define LEADER_CHECK_MS 1000

static int run_until_signal(struct program *program, const struct options *opt,
			    enum program_part part)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	if (program_start_parts(program, opt, PART_INFORMERS | part, &err) < 0)
		return program_fail(err);
	program_wait_signal(program, -1);
	return 0;
}

/* Works until a signal, or until another process has the lease: then it ends with 1, as the
 * components of Kubernetes do, for whoever supervises it to start it again as a follower. */
static int run_as_leader(struct program *program, const struct options *opt, enum program_part part,
			 struct leader *leader)
{
	const struct call wait = {.timeout_ms = LEADER_CHECK_MS};
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	while (leader_wait(leader, &wait, &err) < 0) {
		if (error_code(err) != E_TIMEOUT)
			return program_fail(err);
		error_clear(&err);
		if (program_wait_signal(program, 0))
			return 0;
	}
	if (program_start_parts(program, opt, PART_INFORMERS | part, &err) < 0)
		return program_fail(err);
	while (leader_is(leader))
		if (program_wait_signal(program, LEADER_CHECK_MS))
			return 0;
	log_error("another process leads now");
	return 1;
}

static int run_elected(const struct options *opt, enum program_part part, const char *lease)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct program program CLEANUP(program_stop) = {0};
	char host[256] = "localhost", *identity free_ptr = NULL;
	struct leader *leader;
	int status;

	program_block_signals();
	if (program_open(&program, opt, &err) < 0)
		return program_fail(err);
	gethostname(host, sizeof(host) - 1);
	identity = xasprintf("%s_%d", host, (int)getpid());
	leader = leader_new(program.cluster, "kube-system", lease, identity, NULL);
	status = run_as_leader(&program, opt, part, leader);
	/* First the work ends, then the lease is given back. */
	program_stop_parts(&program);
	leader_free(leader);
	return status;
}

static int run_controllers(const struct options *opt)
{
	return run_elected(opt, PART_CONTROLLERS, "kube-controller-manager");
}

static int run_scheduler(const struct options *opt)
{
	return run_elected(opt, PART_SCHEDULER, "kube-scheduler");
}

static int run_nodes(const struct options *opt)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct program program CLEANUP(program_stop) = {0};

	program_block_signals();
	if (program_open(&program, opt, &err) < 0)
		return program_fail(err);
	return run_until_signal(&program, opt, PART_NODES);
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
