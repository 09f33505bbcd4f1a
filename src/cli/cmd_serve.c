#include "cli/program.h"
#include "serve/serve.h"

#include <stdio.h>

static int run(const struct options *opt)
{
	unsigned parts = PART_SERVE | (opt->bare ? 0u : PART_OWN_CLUSTER);
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct program program CLEANUP(program_stop) = {0};
	struct options own = *opt;
	char *dir free_ptr = NULL;

	if (!own.local)
		own.local = "";
	program_block_signals();
	if (program_start(&program, &own, parts, &err) < 0)
		return program_fail(err);
	dir = options_local_directory(&own);
	printf("kubefs: serving at https://%s, kubeconfig %s/kubeconfig\n",
	       serve_address(program.serve), dir);
	fflush(stdout);
	program_wait_signal(&program, -1);
	return 0;
}

const struct command cmd_serve = {
	.name = "serve",
	.synopsis = "[--local[=DIR]] [--listen=ADDR] [--bare] [--audit-log=FILE]",
	.summary = "serve a local cluster as a Kubernetes API endpoint",
	.bit = COMMAND_SERVE,
	.run = run,
};
