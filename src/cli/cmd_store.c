/*
 * Looking after the store of a local cluster: one table of actions, each on a directory.
 */
#include "cli/program.h"
#include "cluster/local.h"
#include "store/maintain.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* LMDB believes what the pages of a file say. One that lies about it ends here, not in a core. */
static void on_crash(int signal)
{
	static const char text[] =
		"kubefs: reading the store crashed: its file is damaged, or kubefs is at fault\n";

	_exit(write(STDERR_FILENO, text, sizeof(text) - 1) < 0 ? 1 : 1);
}

static void catch_crashes(void)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT};
	const struct sigaction action = {.sa_handler = on_crash};

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &action, NULL);
}

static struct store_options store_options(const struct options *opt)
{
	return (struct store_options){.map_size = opt->store_size, .sealed = local_sealed_keys()};
}

/* "12.3 MiB" */
static const char *size_text(uint64_t bytes, char out[24])
{
	if (bytes < 10240)
		snprintf(out, 24, "%llu bytes", (unsigned long long)bytes);
	else if (bytes < 10u << 20)
		snprintf(out, 24, "%.1f KiB", (double)bytes / 1024);
	else
		snprintf(out, 24, "%.1f MiB", (double)bytes / (1 << 20));
	return out;
}

static void print_keys(const struct store_report *r)
{
	for (size_t i = 0; i < r->keys.n; i++) {
		const struct store_key_use *k = &r->keys.v[i];
		const char *which = !k->known  ? ", which data.keys does not hold"
				    : k->first ? ", the first of data.keys"
					       : "";

		printf("encrypted    %llu versions of secrets with key %016llx%s\n",
		       (unsigned long long)k->records, (unsigned long long)k->id, which);
	}
	if (r->plain)
		printf("plain        %llu versions of secrets are not encrypted; the next start "
		       "does "
		       "it\n",
		       (unsigned long long)r->plain);
	if (r->without_sum)
		printf("unchecked    %llu versions are from before there were checksums\n",
		       (unsigned long long)r->without_sum);
}

static void print_report(const char *dir, const struct store_report *r)
{
	char a[24], b[24], c[24];

	printf("store        %s, cluster %016llx\n", dir, (unsigned long long)r->id);
	printf("revision     %llu, history from %llu on\n", (unsigned long long)r->revision,
	       (unsigned long long)r->compacted);
	printf("objects      %llu, and %llu deletions that are remembered\n",
	       (unsigned long long)r->objects, (unsigned long long)r->deletions);
	printf("versions     %llu of them, %s\n", (unsigned long long)r->records,
	       size_text(r->bytes, a));
	printf("file         %s, used up to %s, %s of that free\n", size_text(r->file_bytes, a),
	       size_text(r->used_bytes, b), size_text(r->free_bytes, c));
	print_keys(r);
	if (!r->n_problems) {
		printf("no damage\n");
		return;
	}
	for (size_t i = 0; i < r->problems.n; i++)
		printf("damage       %s\n", r->problems.v[i]);
	if (r->n_problems > r->problems.n)
		printf("damage       and %llu more\n",
		       (unsigned long long)(r->n_problems - r->problems.n));
}

static int check(const struct options *opt, char **words, struct error **err)
{
	const struct store_options options = store_options(opt);
	struct store_report report CLEANUP(store_report_release) = {0};
	struct store *s CLEANUP(store_close_cleanup) = store_open_reading(words[0], &options, err);
	int result;

	if (!s)
		return -1;
	result = store_check(s, local_judge, NULL, &report, err);
	print_report(words[0], &report);
	return result;
}

static int compact(const struct options *opt, char **words, struct error **err)
{
	const struct store_options options = store_options(opt);
	uint64_t before, after;
	char a[24], b[24];

	if (store_shrink(words[0], &options, &before, &after, err) < 0)
		return -1;
	printf("%s: %s before, %s now\n", words[0], size_text(before, a), size_text(after, b));
	return 0;
}

static int backup(const struct options *opt, char **words, struct error **err)
{
	const struct store_options options = store_options(opt);
	struct store *s CLEANUP(store_close_cleanup) = store_open_reading(words[0], &options, err);
	struct store_backup_info info;
	char size[24];

	if (!s || store_backup(s, words[1], &info, err) < 0)
		return -1;
	printf("%s: revision %llu of cluster %016llx, %llu versions, %s\n"
	       "The keys are not in it: keep a copy of %s/data.keys apart from it.\n",
	       words[1], (unsigned long long)info.revision, (unsigned long long)info.id,
	       (unsigned long long)info.records, size_text(info.bytes, size), words[0]);
	return 0;
}

static int restore(const struct options *opt, char **words, struct error **err)
{
	const struct store_options options = store_options(opt);
	struct store_backup_info info;

	if (program_make_parents(words[0], err) < 0)
		return -1;
	if (store_restore(words[0], words[1], &options, opt->force, &info, err) < 0)
		return error_code(*err) == E_EXISTS ? error_wrap(err, "without --force") : -1;
	printf("%s: restored, revision %llu of cluster %016llx\n", words[0],
	       (unsigned long long)info.revision, (unsigned long long)info.id);
	return 0;
}

static int rotate(const struct options *opt, char **words, struct error **err)
{
	const struct store_options options = store_options(opt);
	uint64_t key;

	if (store_rotate(words[0], &options, &key, err) < 0)
		return -1;
	printf("%s: everything is encrypted with the new key %016llx\n"
	       "Older lines of data.keys are needed by older backups alone.\n",
	       words[0], (unsigned long long)key);
	return 0;
}

static const struct {
	const char *name;
	const char *takes;
	size_t words;
	int (*run)(const struct options *opt, char **words, struct error **err);
} actions[] = {
	{"check", "DIR", 1, check},	   {"compact", "DIR", 1, compact},
	{"backup", "DIR FILE", 2, backup}, {"restore", "DIR FILE", 2, restore},
	{"rotate-key", "DIR", 1, rotate},
};

static int usage(void)
{
	fprintf(stderr, "kubefs: this is one of\n");
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		fprintf(stderr, "kubefs:   kubefs store %s %s\n", actions[i].name,
			actions[i].takes);
	return 2;
}

static int run(const struct options *opt)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	for (size_t i = 0; opt->words.n && i < ARRAY_SIZE(actions); i++) {
		if (strcmp(opt->words.v[0], actions[i].name) != 0)
			continue;
		if (opt->words.n != actions[i].words + 1)
			break;
		catch_crashes();
		return actions[i].run(opt, (char **)opt->words.v + 1, &err) < 0 ? program_fail(err)
										: 0;
	}
	return usage();
}

const struct command cmd_store = {
	.name = "store",
	.synopsis = "check|compact|backup|restore|rotate-key DIR [FILE]",
	.summary = "look after the store of a local cluster",
	.bit = COMMAND_STORE,
	.run = run,
};
