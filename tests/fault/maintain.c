/*
 * kill -9 while a store is backed up, restored, made small or given a new key: whatever the
 * instant, the store opens, is whole and holds what it held (of a restore: the old or the new), and
 * what is left of a backup is the old one, the new one, or refused.
 */
#include "base/file.h"
#include "tests/unit/store/util.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define ROUNDS 15
#define OBJECTS 300

static const char *const sealed[] = {"s/", NULL};
static const struct store_options options = {.sealed = sealed};

struct place {
	char *dir, *backup, *half, *other; /* other: a backup of another state */
};

static int do_backup(const struct place *p)
{
	struct store *s = store_open_reading(p->dir, &options, NULL);
	struct store_backup_info info;

	return s ? store_backup(s, p->half, &info, NULL) : -1;
}

static int do_restore(const struct place *p)
{
	struct store_backup_info info;

	return store_restore(p->dir, p->other, &options, true, &info, NULL);
}

static int do_shrink(const struct place *p)
{
	uint64_t before, after;

	return store_shrink(p->dir, &options, &before, &after, NULL);
}

static int do_rotate(const struct place *p)
{
	uint64_t key;

	return store_rotate(p->dir, &options, &key, NULL);
}

static void fill(const char *dir, const char *text)
{
	struct store *s = open_with(dir, &options);
	struct store_op ops[OBJECTS];
	char keys[OBJECTS][16], *value = xmalloc(4001);

	memset(value, *text, 4000);
	value[4000] = '\0';
	for (int i = 0; i < OBJECTS; i++) {
		snprintf(keys[i], sizeof(keys[i]), "%c/%d", i % 2 ? 's' : 'p', i);
		ops[i] = op_put(keys[i], value, STORE_ANY);
	}
	assert_int_equal(store_commit(s, ops, OBJECTS, NULL, NULL, NULL), 0);
	put(s, "s/state", text);
	store_close(s);
	free(value);
}

static void save(const char *dir, const char *path)
{
	struct store *s = store_open_reading(dir, &options, NULL);
	struct store_backup_info info;

	assert_non_null(s);
	assert_int_equal(store_backup(s, path, &info, NULL), 0);
	store_close(s);
}

/* Which state the store is in, once it is found whole. */
static char *state_of(const char *dir)
{
	struct store *s = open_with(dir, &options);
	struct store_value v = {0};

	assert_sound(s);
	assert_int_equal(count(s, ""), OBJECTS + 1);
	assert_int_equal(store_get(s, "s/state", 7, 0, &v, NULL), 0);
	store_close(s);
	return v.bytes;
}

static int64_t now_ns(void)
{
	return clock_mono(clock_system());
}

/* How long the whole of it takes, at least. */
static int64_t run_once(int (*run)(const struct place *), const struct place *p)
{
	int64_t from = now_ns();
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(run(p) ? 1 : 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	return now_ns() - from;
}

static void run_and_kill(int (*run)(const struct place *), const struct place *p, int64_t after_ns)
{
	pid_t pid = fork();

	if (!pid)
		_exit(run(p) ? 1 : 0);
	usleep((useconds_t)(after_ns / 1000));
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static struct place place_new(void)
{
	struct place p = {.dir = tmp_new()};

	p.backup = xasprintf("%s/backup", p.dir);
	p.half = xasprintf("%s/half", p.dir);
	p.other = xasprintf("%s/other", p.dir);
	fill(p.dir, "new state");
	save(p.dir, p.other);
	fill(p.dir, "state");
	save(p.dir, p.backup);
	return p;
}

static void place_release(struct place *p)
{
	free(p->backup);
	free(p->half);
	free(p->other);
	tmp_remove(p->dir);
}

/* What a killed backup has left restores to what was backed up, or is refused. */
static unsigned check_half(const struct place *p, const char *path)
{
	char *dir = tmp_new(), *keys = xasprintf("%s/data.keys", p->dir);
	char *to = xasprintf("%s/data.keys", dir), *state = NULL;
	struct str text CLEANUP(str_wipe) = STR_INIT;
	struct store_backup_info info;
	bool whole;

	assert_int_equal(file_read(keys, 65536, &text, NULL), 0);
	assert_int_equal(file_replace(to, text.s, text.len, NULL), 0);
	whole = !store_restore(dir, path, &options, false, &info, NULL);
	if (whole) {
		state = state_of(dir);
		assert_string_equal(state, "state");
	}
	free(state);
	free(keys);
	free(to);
	tmp_remove(dir);
	return whole;
}

static void survives_a_killed_backup(void **unused)
{
	struct place p = place_new();
	char *partial = xasprintf("%s.partial", p.half);
	int64_t whole_ns = run_once(do_backup, &p);
	unsigned seed = 7, refused = 0;

	for (int i = 0; i < ROUNDS; i++) {
		char *state;

		unlink(p.half);
		run_and_kill(do_backup, &p, rand_r(&seed) % whole_ns);
		state = state_of(p.dir);
		assert_string_equal(state, "state");
		free(state);
		if (!access(p.half, F_OK))
			assert_true(check_half(&p, p.half));
		if (!access(partial, F_OK))
			refused += !check_half(&p, partial);
	}
	print_message("# %d kills, %u half backups refused\n", ROUNDS, refused);
	run_once(do_backup, &p);
	assert_true(check_half(&p, p.half));
	free(partial);
	place_release(&p);
}

static void stays_old_or_becomes_new(int (*run)(const struct place *), const char *becomes)
{
	struct place p = place_new();
	int64_t whole_ns = run_once(run, &p);
	unsigned seed = 11, changed = 0;

	for (int i = 0; i < ROUNDS; i++) {
		struct store_backup_info info;
		char *state;

		assert_int_equal(store_restore(p.dir, p.backup, &options, true, &info, NULL), 0);
		run_and_kill(run, &p, rand_r(&seed) % whole_ns);
		state = state_of(p.dir);
		if (strcmp(state, "state") != 0) {
			assert_string_equal(state, becomes);
			changed++;
		}
		free(state);
	}
	print_message("# %d kills, %u came too late\n", ROUNDS, changed);
	place_release(&p);
}

static void survives_a_killed_restore(void **unused)
{
	stays_old_or_becomes_new(do_restore, "new state");
}

static void survives_a_killed_shrink(void **unused)
{
	stays_old_or_becomes_new(do_shrink, "state");
}

static void survives_a_killed_rotation(void **unused)
{
	stays_old_or_becomes_new(do_rotate, "state");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(survives_a_killed_backup),
		cmocka_unit_test(survives_a_killed_restore),
		cmocka_unit_test(survives_a_killed_shrink),
		cmocka_unit_test(survives_a_killed_rotation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
