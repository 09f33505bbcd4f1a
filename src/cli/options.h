/*
 * The command line: one table of long options, with the commands that take them. Help is printed
 * from the same table. The words after -o are the tree's own (fs/fs.h).
 *
 * Strings are borrowed from argv. Threads: none.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "base/error.h"
#include "cli/command.h"

#include <stdbool.h>
#include <stddef.h>

struct string_list {
	const char **v;
	size_t n, cap;
};

struct options {
	/* Which cluster. */
	const char *local; /* NULL: a real one; "": the default directory */
	size_t store_size; /* bytes; 0: the store's default */
	const char *kubeconfig, *context;
	bool all_contexts;
	struct string_list namespaces; /* where namespaces may not be listed */
	/* What runs beside it. */
	const char *listen, *token_auth_file;
	const char *enable_admission, *disable_admission; /* comma separated names */
	const char *audit_log, *audit_policy;
	bool bare, allow_remote;
	int nodes;
	/* The store. */
	bool force;
	struct string_list words; /* what to do with what */
	/* The mount. */
	bool foreground, debug, version, help;
	const char *mountpoint;
	struct string_list mount_options; /* the words after -o, for fs_option_set */
};

/*
 * Reads ARGV after the command's name. *usage tells whether an error is the user's wording
 * (exit status 2).
 */
int options_parse(struct options *opt, const struct command *cmd, int argc, char **argv,
		  struct error **err);
void options_release(struct options *opt);
/* "$XDG_DATA_HOME/kubefs", or as root "/var/lib/kubefs". The caller frees. */
char *options_local_directory(const struct options *opt);
/* The options a command takes, with their help, on stdout. */
void options_help(const struct command *cmd);

#endif
