#include "config.h"

#include "base/error.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/program.h"
#include "object/json.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static const struct command *const commands[] = {
	&cmd_mount, &cmd_serve, &cmd_store, &cmd_controllers, &cmd_scheduler, &cmd_nodes,
};

static int print_usage(FILE *to)
{
	fprintf(to, "kubefs: a Kubernetes cluster as a directory tree\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(to, "  kubefs %s %s\n      %s\n", commands[i]->name, commands[i]->synopsis,
			commands[i]->summary);
	fprintf(to,
		"\n\"mount\" may be left out. \"kubefs COMMAND --help\" tells the options of one; "
		"kubefs(1) and\nkubefs-tree(5) tell everything. fusermount3 -u MOUNTPOINT ends a "
		"mount.\n");
	return to == stdout ? 0 : 2;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (str_equal(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct options opt CLEANUP(options_release);

	if (options_parse(&opt, cmd, argc, argv, &err) < 0) {
		fprintf(stderr, "kubefs: %s\nkubefs: \"kubefs %s --help\" tells more\n",
			error_message(err), cmd->name);
		return 2;
	}
	if (opt.version) {
		puts(PACKAGE_STRING);
		return 0;
	}
	if (opt.help) {
		options_help(cmd);
		return 0;
	}
	if (opt.debug)
		log_set_level(LOG_LEVEL_DEBUG);
	else
		program_keep_secrets();
	return cmd->run(&opt);
}

int main(int argc, char **argv)
{
	const struct command *cmd;

	object_init();
	signal(SIGPIPE, SIG_IGN);
	if (argc < 2)
		return print_usage(stderr);
	if (argc == 2 && (str_equal(argv[1], "--help") || str_equal(argv[1], "-h") ||
			  str_equal(argv[1], "help")))
		return print_usage(stdout);
	cmd = find_command(argv[1]);
	if (cmd)
		return run(cmd, argc - 2, argv + 2);
	return run(&cmd_mount, argc - 1, argv + 1);
}
