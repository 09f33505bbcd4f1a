#include "cli/options.h"
#include "base/str.h"
#include "base/vec.h"
#include "fs/fs.h"
#include "object/quantity.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum option_kind {
	OPTION_FLAG,
	OPTION_TEXT,
	OPTION_OPTIONAL_TEXT,
	OPTION_NUMBER,
	OPTION_SIZE,
	OPTION_LIST,
};

struct option_row {
	const char *name;
	char letter; /* 0: none */
	enum option_kind kind;
	size_t offset;
	const char *value; /* the name of the value in help */
	const char *help;
	unsigned commands;
};

#define AT(member) offsetof(struct options, member)
#define ANY_CLUSTER (COMMAND_MOUNT | COMMAND_CONTROLLERS | COMMAND_SCHEDULER | COMMAND_NODES)
#define OWN_CLUSTER (COMMAND_MOUNT | COMMAND_SERVE)
#define ALL_COMMANDS (ANY_CLUSTER | COMMAND_SERVE | COMMAND_STORE)

static const struct option_row long_options[] = {
	{"local", 0, OPTION_OPTIONAL_TEXT, AT(local), "DIR", "a cluster of its own, kept in DIR",
	 OWN_CLUSTER},
	{"store-size", 0, OPTION_SIZE, AT(store_size), "SIZE",
	 "how much its store may hold, at least 16Mi (64Gi)", OWN_CLUSTER | COMMAND_STORE},
	{"force", 0, OPTION_FLAG, AT(force), NULL, "restore in place of a store that is there",
	 COMMAND_STORE},
	{"kubeconfig", 0, OPTION_TEXT, AT(kubeconfig), "FILE", "as kubectl reads it", ANY_CLUSTER},
	{"context", 0, OPTION_TEXT, AT(context), "NAME", "instead of the current one", ANY_CLUSTER},
	{"all-contexts", 0, OPTION_FLAG, AT(all_contexts), NULL,
	 "a directory for each context, connected when it is first entered", COMMAND_MOUNT},
	{"namespace", 'n', OPTION_LIST, AT(namespaces), "NAME",
	 "show it even where namespaces may not be listed (repeatable)", COMMAND_MOUNT},
	{"listen", 0, OPTION_TEXT, AT(listen), "ADDR",
	 "serve the Kubernetes API over HTTPS there (serve: 127.0.0.1:6443)", OWN_CLUSTER},
	{"allow-remote", 0, OPTION_FLAG, AT(allow_remote), NULL,
	 "--listen may name an address that other machines reach", OWN_CLUSTER},
	{"token-auth-file", 0, OPTION_TEXT, AT(token_auth_file), "FILE",
	 "bearer tokens: token,user,uid,\"groups\" a line", OWN_CLUSTER},
	{"audit-log", 0, OPTION_TEXT, AT(audit_log), "FILE",
	 "record who asks --listen for what; SIGHUP opens it anew", OWN_CLUSTER},
	{"audit-policy-file", 0, OPTION_TEXT, AT(audit_policy), "FILE",
	 "what of it, as kube-apiserver reads it", OWN_CLUSTER},
	{"enable-admission-plugins", 0, OPTION_TEXT, AT(enable_admission), "NAMES",
	 "admission plugins that do not run by themselves", OWN_CLUSTER},
	{"disable-admission-plugins", 0, OPTION_TEXT, AT(disable_admission), "NAMES",
	 "admission plugins that are not to run", OWN_CLUSTER},
	{"bare", 0, OPTION_FLAG, AT(bare), NULL, "API alone: no reconcilers, scheduler or nodes",
	 COMMAND_SERVE},
	{"nodes", 0, OPTION_NUMBER, AT(nodes), "N", "how many simulated nodes (3)",
	 OWN_CLUSTER | COMMAND_NODES},
	{"foreground", 'f', OPTION_FLAG, AT(foreground), NULL, "stay in the foreground",
	 COMMAND_MOUNT},
	{"debug", 'd', OPTION_FLAG, AT(debug), NULL, "tell every step on stderr (implies -f)",
	 ALL_COMMANDS},
	{"version", 'V', OPTION_FLAG, AT(version), NULL, "print the version", ALL_COMMANDS},
	{"help", 'h', OPTION_FLAG, AT(help), NULL, "print this help", ALL_COMMANDS},
};

static int set_number(int *slot, const char *name, const char *value, struct error **err)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(value, &end, 10);
	if (errno || end == value || *end || n < 0 || n > INT_MAX)
		return error_set(err, E_BAD_REQUEST, "%s takes a number, not \"%s\"", name, value);
	*slot = (int)n;
	return 0;
}

/* Less than this would not hold what a cluster makes for itself. */
#define SIZE_MIN ((int64_t)16 << 20)

static int set_size(size_t *slot, const char *name, const char *value, struct error **err)
{
	struct quantity q;

	if (quantity_parse(value, &q, err) < 0)
		return error_wrap(err, "--%s", name);
	if (quantity_value(&q) < SIZE_MIN || quantity_value(&q) > (int64_t)1 << 46)
		return error_set(err, E_BAD_REQUEST, "--%s takes 16Mi to 64Ti, not \"%s\"", name,
				 value);
	*slot = (size_t)quantity_value(&q);
	return 0;
}

static int set_option(struct options *opt, const struct option_row *row, const char *value,
		      struct error **err)
{
	void *slot = (char *)opt + row->offset;

	switch (row->kind) {
	case OPTION_FLAG:
		if (value)
			return error_set(err, E_BAD_REQUEST, "%s takes no value", row->name);
		*(bool *)slot = true;
		return 0;
	case OPTION_OPTIONAL_TEXT:
		*(const char **)slot = value ? value : "";
		return 0;
	case OPTION_TEXT:
		*(const char **)slot = value;
		return 0;
	case OPTION_LIST: {
		struct string_list *list = slot;

		vec_push(list, value);
		return 0;
	}
	case OPTION_NUMBER:
		return set_number(slot, row->name, value, err);
	case OPTION_SIZE:
		return set_size(slot, row->name, value, err);
	}
	return 0;
}

static void split_mount_options(struct options *opt, char *words)
{
	char *word;

	while ((word = strsep(&words, ",")))
		if (*word)
			vec_push(&opt->mount_options, word);
}

static const struct option_row *find_long(const struct command *cmd, const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(long_options); i++)
		if ((long_options[i].commands & cmd->bit) && strlen(long_options[i].name) == len &&
		    !strncmp(long_options[i].name, name, len))
			return &long_options[i];
	return NULL;
}

static const struct option_row *find_short(const struct command *cmd, char letter)
{
	for (size_t i = 0; i < ARRAY_SIZE(long_options); i++)
		if ((long_options[i].commands & cmd->bit) && long_options[i].letter == letter)
			return &long_options[i];
	return NULL;
}

/* What is left of argv: *argv advances over what a value took. */
static char *next_value(char ***argv, const char *name, struct error **err)
{
	if (!(*argv)[1]) {
		error_set(err, E_BAD_REQUEST, "%s takes a value", name);
		return NULL;
	}
	return *++*argv;
}

static int parse_long(struct options *opt, const struct command *cmd, char ***argv,
		      struct error **err)
{
	char *word = **argv + 2, *value = strchr(word, '=');
	size_t len = value ? (size_t)(value - word) : strlen(word);
	const struct option_row *row = find_long(cmd, word, len);

	if (!row)
		return error_set(err, E_BAD_REQUEST, "%s does not take --%.*s", cmd->name, (int)len,
				 word);
	if (value)
		value++;
	else if (row->kind != OPTION_FLAG && row->kind != OPTION_OPTIONAL_TEXT &&
		 !(value = next_value(argv, **argv, err)))
		return -1;
	return set_option(opt, row, value, err);
}

static int parse_short(struct options *opt, const struct command *cmd, char ***argv,
		       struct error **err)
{
	for (char *p = **argv + 1; *p; p++) {
		const struct option_row *row;
		char *value = p[1] ? p + 1 : NULL;

		if (*p == 'o' && cmd->bit == COMMAND_MOUNT) {
			if (!value && !(value = next_value(argv, "-o", err)))
				return -1;
			split_mount_options(opt, value);
			return 0;
		}
		row = find_short(cmd, *p);
		if (!row)
			return error_set(err, E_BAD_REQUEST, "%s does not take -%c", cmd->name, *p);
		if (row->kind == OPTION_FLAG) {
			if (set_option(opt, row, NULL, err) < 0)
				return -1;
			continue;
		}
		if (!value && !(value = next_value(argv, row->name, err)))
			return -1;
		return set_option(opt, row, value, err);
	}
	return 0;
}

/* mount(8) calls "mount.fuse.kubefs SOURCE DIR -o ...": the source names a store or nothing. */
static int take_positionals(struct options *opt, const struct string_list *words,
			    const struct command *cmd, struct error **err)
{
	size_t takes = cmd->bit == COMMAND_MOUNT ? 2 : 0;

	if (cmd->bit == COMMAND_STORE) {
		for (size_t i = 0; i < words->n; i++)
			vec_push(&opt->words, words->v[i]);
		return 0;
	}
	if (words->n > takes)
		return error_set(err, E_BAD_REQUEST, "what is \"%s\"?", words->v[takes]);
	if (words->n == 2) {
		const char *source = words->v[0];

		if (str_has_prefix(source, "local:"))
			opt->local = source + strlen("local:");
		else if (str_has_prefix(source, "context:"))
			opt->context = source + strlen("context:");
		else if (!str_equal(source, "kubefs") && !str_equal(source, "none"))
			return error_set(err, E_BAD_REQUEST,
					 "the source is local:DIR, context:NAME or kubefs, not "
					 "\"%s\"",
					 source);
	}
	if (words->n)
		opt->mountpoint = words->v[words->n - 1];
	return 0;
}

int options_parse(struct options *opt, const struct command *cmd, int argc, char **argv,
		  struct error **err)
{
	struct string_list words = {0};
	int status = 0;

	*opt = (struct options){.nodes = 3};
	for (; status == 0 && *argv; argv++) {
		if (str_equal(*argv, "--")) {
			while (*++argv)
				vec_push(&words, *argv);
			break;
		}
		if (str_has_prefix(*argv, "--"))
			status = parse_long(opt, cmd, &argv, err);
		else if (**argv == '-' && (*argv)[1])
			status = parse_short(opt, cmd, &argv, err);
		else
			vec_push(&words, *argv);
	}
	if (status == 0)
		status = take_positionals(opt, &words, cmd, err);
	vec_release(&words);
	return status;
}

void options_release(struct options *opt)
{
	vec_release(&opt->namespaces);
	vec_release(&opt->mount_options);
	vec_release(&opt->words);
}

char *options_local_directory(const struct options *opt)
{
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");

	if (opt->local && *opt->local)
		return xstrdup(opt->local);
	if (data && *data == '/')
		return xasprintf("%s/kubefs", data);
	if (home && *home == '/')
		return xasprintf("%s/.local/share/kubefs", home);
	return xstrdup("/var/lib/kubefs");
}

static void print_row(const char *option, const char *help)
{
	printf("  %-24s %s\n", option, help);
}

static void print_rows(unsigned command)
{
	for (size_t i = 0; i < ARRAY_SIZE(long_options); i++) {
		const struct option_row *row = &long_options[i];
		struct str left CLEANUP(str_release) = STR_INIT;

		if (!(row->commands & command))
			continue;
		if (row->letter)
			str_addf(&left, "-%c, ", row->letter);
		str_addf(&left, "--%s", row->name);
		if (row->value)
			str_addf(&left, row->kind == OPTION_OPTIONAL_TEXT ? "[=%s]" : "=%s",
				 row->value);
		print_row(left.s, row->help);
	}
}

void options_help(const struct command *cmd)
{
	printf("usage: kubefs %s %s\n%s\n\n", cmd->name, cmd->synopsis, cmd->summary);
	print_rows(cmd->bit);
	if (cmd->bit == COMMAND_MOUNT) {
		puts("\nMount options, and those of mount.fuse3(8):\n");
		fs_options_help(print_row);
	}
	puts("\nkubefs(1) has examples.");
}
