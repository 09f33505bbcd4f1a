/* Checking, backing up, restoring, making small, new keys: alone and beside a process at work. */
#include "base/file.h"
#include "tests/unit/store/util.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const char *const sealed[] = {"s/", NULL};
static const struct store_options options = {.sealed = sealed};

#define SECRET "correct horse battery staple"
#define PLAIN "a plain value, to find"

static void read_all(const char *path, struct str *out)
{
	assert_int_equal(file_read(path, 1u << 30, out, NULL), 0);
}

static void copy_file(const char *from, const char *to)
{
	struct str text CLEANUP(str_wipe) = STR_INIT;

	read_all(from, &text);
	assert_int_equal(file_replace(to, text.s, text.len, NULL), 0);
}

static void copy_keys(const char *from, const char *to)
{
	char *a free_ptr = xasprintf("%s/data.keys", from);
	char *b free_ptr = xasprintf("%s/data.keys", to);

	copy_file(a, b);
}

static struct store *open_reading(const char *dir)
{
	struct error *err = NULL;
	struct store *s = store_open_reading(dir, &options, &err);

	if (!s)
		fail_msg("%s", error_message(err));
	return s;
}

static uint64_t backup(const char *dir, const char *path)
{
	struct store *s = open_reading(dir);
	struct store_backup_info info;
	struct error *err = NULL;

	if (store_backup(s, path, &info, &err))
		fail_msg("%s", error_message(err));
	store_close(s);
	return info.revision;
}

static enum error_code restore(const char *dir, const char *path, bool replace)
{
	struct store_backup_info info;
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	store_restore(dir, path, &options, replace, &info, &err);
	return error_code(err);
}

static bool collect(void *arg, const void *key, size_t key_len, const char *value, size_t len,
		    uint64_t revision)
{
	str_addf(arg, "%.*s=%.*s@%llu ", (int)key_len, (const char *)key, (int)len, value,
		 (unsigned long long)revision);
	return true;
}

static bool collect_version(void *arg, uint64_t revision, bool deleted, const char *value,
			    size_t len)
{
	str_addf(arg, "%llu:%d:%.*s ", (unsigned long long)revision, deleted, (int)len, value);
	return true;
}

/* All there is to see of a store: keys, revisions, a past state, history. */
static char *everything(struct store *s, uint64_t past)
{
	static const char *const keys[] = {"p/a", "p/b", "s/a", "p/gone"};
	struct str out CLEANUP(str_release) = STR_INIT;

	assert_int_equal(store_list(s, "", 0, "", 0, 0, collect, &out, NULL, NULL), 0);
	assert_int_equal(store_list(s, "", 0, "", 0, past, collect, &out, NULL, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		store_history(s, keys[i], strlen(keys[i]), collect_version, &out, NULL);
	str_addf(&out, "%llu %llx", (unsigned long long)store_revision(s),
		 (unsigned long long)store_id(s));
	return str_take(&out);
}

/* A store with something of everything; returns a revision in the middle. */
static uint64_t fill(struct store *s)
{
	uint64_t past;

	put(s, "p/a", "first");
	put(s, "s/a", "old secret");
	past = put(s, "p/gone", "for a while");
	put(s, "p/a", PLAIN);
	put(s, "s/a", SECRET);
	del(s, "p/gone");
	put(s, "p/b", "last");
	return past;
}

static void restored_store_equals(void **state)
{
	char *dir = tmp_new(), *to = tmp_new(), *path = xasprintf("%s/backup", to);
	struct store *s = open_with(dir, &options);
	uint64_t past = fill(s);
	char *before = everything(s, past), *after;
	struct str text CLEANUP(str_release) = STR_INIT;
	struct stat st;

	s = store_close(s);
	backup(dir, path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	read_all(path, &text);
	assert_non_null(memmem(text.s, text.len, PLAIN, strlen(PLAIN)));
	assert_null(memmem(text.s, text.len, SECRET, strlen(SECRET)));
	assert_int_equal(restore(to, path, false), E_UNAVAILABLE);
	copy_keys(dir, to);
	assert_int_equal(restore(to, path, false), E_OK);
	s = open_with(to, &options);
	assert_sound(s);
	after = everything(s, past);
	assert_string_equal(after, before);
	put(s, "p/a", "on we go");
	store_close(s);
	free(before);
	free(after);
	free(path);
	tmp_remove(dir);
	tmp_remove(to);
}

/* Whatever is wrong with the file, it is refused, and nothing is there afterwards. */
static void damaged_backups_are_refused(void **state)
{
	char *dir = tmp_new(), *to = tmp_new(), *path = xasprintf("%s/backup", to);
	char *data = xasprintf("%s/data.mdb", to);
	struct store *s = open_with(dir, &options);
	struct str text CLEANUP(str_release) = STR_INIT;

	fill(s);
	s = store_close(s);
	backup(dir, path);
	copy_keys(dir, to);
	read_all(path, &text);
	for (size_t len = 0; len < text.len; len += 1 + text.len / 97) {
		assert_int_equal(file_replace(path, text.s, len, NULL), 0);
		assert_int_equal(restore(to, path, false), E_INTERNAL);
	}
	for (size_t at = 0; at < text.len; at += 3) {
		enum error_code code;

		text.s[at] ^= 4;
		assert_int_equal(file_replace(path, text.s, text.len, NULL), 0);
		code = restore(to, path, false);
		/* A version's or a key's number tells of another program or another key. */
		assert_true(code == E_INTERNAL || code == E_UNAVAILABLE);
		text.s[at] ^= 4;
		assert_int_equal(access(data, F_OK), -1);
	}
	str_addc(&text, 'x');
	assert_int_equal(file_replace(path, text.s, text.len, NULL), 0);
	assert_int_equal(restore(to, path, false), E_INTERNAL);
	assert_int_equal(file_replace(path, text.s, text.len - 1, NULL), 0);
	assert_int_equal(restore(to, path, false), E_OK);
	free(data);
	free(path);
	tmp_remove(dir);
	tmp_remove(to);
}

/* What takes the place of a store that was further on gives none of its revisions again. */
static void replaces_only_when_told_to(void **state)
{
	char *dir = tmp_new(), *path = xasprintf("%s/backup", dir);
	struct store *s = open_with(dir, &options);
	uint64_t then, later;

	fill(s);
	s = store_close(s);
	then = backup(dir, path);
	s = open_with(dir, &options);
	later = put(s, "p/a", "later");
	assert_int_equal(restore(dir, path, true), E_UNAVAILABLE);
	s = store_close(s);
	assert_int_equal(restore(dir, path, false), E_EXISTS);
	s = open_with(dir, &options);
	assert_value_at(s, "p/a", 0, "later");
	s = store_close(s);
	assert_int_equal(restore(dir, path, true), E_OK);
	s = open_with(dir, &options);
	assert_sound(s);
	assert_value_at(s, "p/a", 0, PLAIN);
	assert_value_at(s, "s/a", 0, SECRET);
	assert_value_at(s, "p/gone", 0, NULL);
	assert_true(store_revision(s) > later && later > then);
	put(s, "p/gone", "again");
	assert_sound(s);
	store_close(s);
	free(path);
	tmp_remove(dir);
}

/* Flips a bit of TEXT where the file shows it; how often it does. */
static int damage(const char *path, const char *text)
{
	struct str bytes CLEANUP(str_release) = STR_INIT;
	int fd, n = 0;
	char *at;

	read_all(path, &bytes);
	fd = open(path, O_WRONLY);
	for (at = bytes.s;
	     (at = memmem(at, bytes.len - (size_t)(at - bytes.s), text, strlen(text))); at++, n++) {
		char flipped = *at ^ 1;

		assert_int_equal(pwrite(fd, &flipped, 1, at - bytes.s), 1);
	}
	close(fd);
	return n;
}

static bool mentions(const struct store_report *r, const char *text)
{
	for (size_t i = 0; i < r->problems.n; i++)
		if (strstr(r->problems.v[i], text))
			return true;
	return false;
}

static const char *refuse_last(void *arg, const void *key, size_t key_len, const char *value,
			       size_t len, uint64_t revision, bool deleted)
{
	++*(int *)arg;
	return len == 4 && !memcmp(value, "last", 4) ? "it is the last" : NULL;
}

static void check_tells_all(void **state)
{
	char *dir = tmp_new(), *path = xasprintf("%s/data.mdb", dir);
	char *copy = xasprintf("%s/backup", dir);
	struct store *s = open_with(dir, &options);
	struct store_report r CLEANUP(store_report_release) = {0};
	struct store_report bad CLEANUP(store_report_release) = {0};
	struct store_backup_info info;
	int asked = 0;

	fill(s);
	s = store_close(s);
	s = open_reading(dir);
	assert_int_equal(store_check(s, refuse_last, &asked, &r, NULL), -1);
	assert_int_equal(asked, 7);
	assert_int_equal(r.n_problems, 1);
	assert_true(mentions(&r, "it is the last"));
	assert_int_equal(r.objects, 3);
	assert_int_equal(r.deletions, 1);
	assert_int_equal(r.records, 7);
	assert_int_equal(r.keys.n, 1);
	assert_int_equal(r.keys.v[0].records, 2);
	assert_true(r.keys.v[0].known && r.keys.v[0].first);
	assert_int_equal(r.plain, 0);
	assert_int_equal(r.without_sum, 0);
	assert_true(r.file_bytes >= r.used_bytes && r.used_bytes > r.free_bytes);
	s = store_close(s);
	assert_true(damage(path, "for a while") > 0);
	assert_true(damage(path, PLAIN) > 0);
	s = open_reading(dir);
	assert_int_equal(store_check(s, NULL, NULL, &bad, NULL), -1);
	assert_int_equal(bad.n_problems, 2);
	assert_true(mentions(&bad, "not as it was written"));
	assert_int_equal(store_backup(s, copy, &info, NULL), -1);
	assert_int_equal(access(copy, F_OK), -1);
	store_close(s);
	free(path);
	free(copy);
	tmp_remove(dir);
}

/* A process of its own that has the store open: FILLs it, says so, goes on writing until told. */
struct other {
	pid_t pid;
	int to, from;
};

static void work(const char *dir, int in, int out)
{
	struct store *s = store_open(dir, &options, NULL);
	char c;

	if (!s || fcntl(in, F_SETFL, O_NONBLOCK))
		_exit(1);
	fill(s);
	for (bool told = false; read(in, &c, 1) < 0; told = true) {
		put(s, "p/b", "busy");
		put(s, "s/a", SECRET);
		if (!told && write(out, "r", 1) != 1)
			_exit(1);
	}
	store_close(s);
	_exit(0);
}

static struct other other_start(const char *dir)
{
	struct other o;
	int in[2], out[2];
	char c;

	assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC), 0);
	o = (struct other){.pid = fork(), .to = in[1], .from = out[0]};
	if (!o.pid) {
		close(in[1]);
		work(dir, in[0], out[1]);
	}
	close(in[0]);
	close(out[1]);
	assert_int_equal(read(o.from, &c, 1), 1);
	return o;
}

static void other_end(struct other *o)
{
	int status;

	close(o->to);
	assert_int_equal(waitpid(o->pid, &status, 0), o->pid);
	assert_int_equal(status, 0);
	close(o->from);
}

static void a_store_at_work_is_checked_and_backed_up(void **state)
{
	char *dir = tmp_new(), *to = tmp_new(), *path = xasprintf("%s/backup", to);
	struct other o = other_start(dir);
	struct store *s;
	uint64_t size;

	for (int i = 0; i < 20; i++) {
		s = open_reading(dir);
		assert_sound(s);
		store_close(s);
		backup(dir, path);
	}
	s = open_reading(dir);
	assert_int_equal(store_shrink(dir, &options, &size, &size, NULL), -1);
	store_close(s);
	assert_int_equal(store_shrink(dir, &options, &size, &size, NULL), 0);
	assert_int_equal(store_rotate(dir, &options, &size, NULL), -1);
	assert_int_equal(restore(dir, path, true), E_UNAVAILABLE);
	other_end(&o);
	copy_keys(dir, to);
	assert_int_equal(restore(to, path, false), E_OK);
	s = open_with(to, &options);
	assert_sound(s);
	assert_value_at(s, "p/b", 0, "busy");
	store_close(s);
	free(path);
	tmp_remove(dir);
	tmp_remove(to);
}

/* What reads from outside keeps those off who would take the file away below it. */
static void readers_keep_the_file(void **state)
{
	char *dir = tmp_new(), *path = xasprintf("%s/backup", dir);
	struct store *s = open_with(dir, &options);

	fill(s);
	s = store_close(s);
	backup(dir, path);
	s = open_reading(dir);
	/* The same as in another process: locks belong to what was opened. */
	assert_int_equal(restore(dir, path, true), E_UNAVAILABLE);
	s = store_close(s);
	assert_int_equal(restore(dir, path, true), E_OK);
	free(path);
	tmp_remove(dir);
}

static bool hold(void *arg, const void *key, size_t key_len, const char *value, size_t len,
		 uint64_t revision)
{
	if (write(*(int *)arg, "r", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

/* A backup that was killed holds nothing: a store that is written over and over does not fill. */
static void dead_readers_are_forgotten(void **state)
{
	static const struct store_options small = {
		.map_size = 2u << 20, .keep_ns = NS_PER_MS, .keep_versions = 1};
	char *dir = tmp_new(), *value = xmalloc(100001), c;
	struct store *s = open_with(dir, &small);
	int fds[2];
	pid_t pid;

	memset(value, 'x', 100000);
	value[100000] = '\0';
	put(s, "p/a", value);
	s = store_close(s);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	s = open_with(dir, &small);
	pid = fork();
	if (!pid) {
		execl("/proc/self/exe", "test_maintain", "hold", dir,
		      (char *)(intptr_t)xasprintf("%d", fcntl(fds[1], F_DUPFD, 100)), NULL);
		_exit(127);
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &c, 1), 1);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	for (int i = 0; i < 200; i++)
		put(s, "p/a", value);
	assert_sound(s);
	store_close(s);
	close(fds[0]);
	free(value);
	tmp_remove(dir);
}

static void shrinks(void **state)
{
	static const struct store_options brief = {
		.keep_ns = NS_PER_MS, .keep_versions = 1, .sealed = sealed};
	char *dir = tmp_new(), *value = xmalloc(100001);
	struct store *s = open_with(dir, &brief);
	uint64_t before, after;
	struct error *err = NULL;

	memset(value, 'x', 100000);
	value[100000] = '\0';
	for (int i = 0; i < 50; i++)
		put(s, "p/a", value);
	put(s, "p/a", PLAIN);
	put(s, "s/a", SECRET);
	s = store_close(s);
	usleep(2000);
	if (store_shrink(dir, &brief, &before, &after, &err))
		fail_msg("%s", error_message(err));
	assert_true(after < before && after < 200000);
	s = open_with(dir, &brief);
	assert_sound(s);
	assert_list(s, "", "", 0, "p/a=" PLAIN " s/a=" SECRET " ");
	store_close(s);
	assert_int_equal(store_shrink("/nonexistent", &brief, &before, &after, NULL), -1);
	free(value);
	tmp_remove(dir);
}

#define WRITERS 8

struct writer {
	pthread_t thread;
	struct store *store;
	_Atomic bool *over;
	char key[16];
	int last, told; /* written, and heard of by the watch */
};

/* Reads what it has written, by itself and among the others'. */
static void *write_and_read(void *arg)
{
	struct writer *w = arg;
	char value[16];

	while (!*w->over || w->last < 100) {
		struct str all CLEANUP(str_release) = STR_INIT;

		snprintf(value, sizeof(value), "%d", ++w->last);
		put(w->store, w->key, value);
		assert_value_at(w->store, w->key, 0, value);
		assert_int_equal(store_list(w->store, "w/", 2, "", 0, 0, collect, &all, NULL, NULL),
				 0);
		assert_non_null(strstr(all.s, w->key));
	}
	return NULL;
}

static void hear(void *arg, const struct store_event *e, uint64_t revision)
{
	struct writer *w = arg;
	char *value free_ptr = NULL;

	if (!e)
		return;
	w += ((const char *)e->key)[2] - '0';
	value = xstrndup(e->value, e->len);
	assert_int_equal(strtol(value, NULL, 10), ++w->told);
}

/* In a process of its own, as kubefs store compact does. */
static void shrink_from_outside(const char *dir)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		execl("/proc/self/exe", "test_maintain", "shrink", dir, NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static off_t file_size(const char *dir)
{
	char *path free_ptr = xasprintf("%s/data.mdb", dir);
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static void assert_written(struct store *s, const struct writer *writers)
{
	for (int i = 0; i < WRITERS; i++) {
		char *last free_ptr = xasprintf("%d", writers[i].last);

		assert_value_at(s, writers[i].key, 0, last);
	}
}

/* Who writes, reads and watches meanwhile loses nothing. */
static void shrinks_at_work(void **state)
{
	static const struct store_options brief = {.keep_ns = NS_PER_MS, .keep_versions = 1};
	char *dir = tmp_new(), *value = xcalloc(1, 1000001);
	struct store *s = open_with(dir, &brief);
	struct writer writers[WRITERS] = {0};
	struct store_watch *watch;
	_Atomic bool over = false;

	memset(value, 'x', 1000000);
	for (int i = 0; i < 40; i++) {
		char *key free_ptr = xasprintf("p/%d", i);

		put(s, key, value);
	}
	for (int i = 0; i < 40; i++) {
		char *key free_ptr = xasprintf("p/%d", i);

		del(s, key);
	}
	watch = store_watch(s, "w/", 2, store_revision(s), hear, writers, NULL);
	assert_non_null(watch);
	for (int i = 0; i < WRITERS; i++) {
		writers[i].store = s;
		writers[i].over = &over;
		snprintf(writers[i].key, sizeof(writers[i].key), "w/%d", i);
		pthread_create(&writers[i].thread, NULL, write_and_read, &writers[i]);
	}
	usleep(2000);
	assert_true(file_size(dir) > 40000000);
	for (int i = 0; i < 10; i++)
		shrink_from_outside(dir);
	over = true;
	for (int i = 0; i < WRITERS; i++)
		pthread_join(writers[i].thread, NULL);
	/* Who goes on writing leaves some behind. */
	assert_true(file_size(dir) < 30000000);
	assert_written(s, writers);
	assert_sound(s);
	store_watch_flush(watch);
	store_watch_stop(watch);
	for (int i = 0; i < WRITERS; i++)
		assert_int_equal(writers[i].told, writers[i].last);
	store_close(s);
	s = open_with(dir, &brief);
	assert_written(s, writers);
	assert_sound(s);
	store_close(s);
	free(value);
	tmp_remove(dir);
}

static void rotates_keys(void **state)
{
	char *dir = tmp_new(), *path = xasprintf("%s/data.keys", dir);
	struct store *s = open_with(dir, &options);
	struct store_report r CLEANUP(store_report_release) = {0};
	struct str keys CLEANUP(str_wipe) = STR_INIT;
	struct error *err = NULL;
	uint64_t past = fill(s), key;

	s = store_close(s);
	if (store_rotate(dir, &options, &key, &err))
		fail_msg("%s", error_message(err));
	s = open_reading(dir);
	assert_int_equal(store_check(s, NULL, NULL, &r, NULL), 0);
	assert_int_equal(r.keys.n, 2);
	assert_int_equal(r.keys.v[0].id, key);
	assert_int_equal(r.keys.v[0].records, 2);
	assert_int_equal(r.keys.v[1].records, 0);
	s = store_close(s);
	/* The old key may go. */
	read_all(path, &keys);
	assert_int_equal(file_replace(path, keys.s, keys.len / 2, NULL), 0);
	s = open_with(dir, &options);
	assert_value_at(s, "s/a", past, "old secret");
	assert_value_at(s, "s/a", 0, SECRET);
	store_close(s);
	free(path);
	tmp_remove(dir);
}

static void nothing_is_made_where_nothing_is(void **state)
{
	char *dir = tmp_new(), *path = xasprintf("%s/data.mdb", dir);
	struct error *err = NULL;

	assert_null(store_open_reading(dir, &options, &err));
	assert_int_equal(error_code(err), E_NOT_FOUND);
	assert_int_equal(access(path, F_OK), -1);
	error_free(err);
	free(path);
	tmp_remove(dir);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(restored_store_equals),
		cmocka_unit_test(damaged_backups_are_refused),
		cmocka_unit_test(replaces_only_when_told_to),
		cmocka_unit_test(check_tells_all),
		cmocka_unit_test(a_store_at_work_is_checked_and_backed_up),
		cmocka_unit_test(readers_keep_the_file),
		cmocka_unit_test(dead_readers_are_forgotten),
		cmocka_unit_test(shrinks),
		cmocka_unit_test(shrinks_at_work),
		cmocka_unit_test(rotates_keys),
		cmocka_unit_test(nothing_is_made_where_nothing_is),
	};

	if (argc == 4 && !strcmp(argv[1], "hold")) {
		int fd = atoi(argv[3]);
		struct store *s = store_open_reading(argv[2], NULL, NULL);

		return s ? store_list(s, "", 0, "", 0, 0, hold, &fd, NULL, NULL) : 1;
	}
	if (argc == 3 && !strcmp(argv[1], "shrink")) {
		uint64_t before, after;

		return -store_shrink(argv[2], &options, &before, &after, NULL);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
