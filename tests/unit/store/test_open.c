/* Opening what is in use, newer, foreign or damaged; and stores that are full. */
#include "store/wal.h"
#include "tests/unit/store/util.h"

#include <endian.h>
#include <fcntl.h>
#include <lmdb.h>
#include <sys/stat.h>

struct fixture {
	char *dir, *data;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	f->dir = tmp_new();
	f->data = xasprintf("%s/data.mdb", f->dir);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	tmp_remove(f->dir);
	free(f->data);
	free(f);
	return 0;
}

static void make_store(struct fixture *f)
{
	struct store *s = open_with(f->dir, NULL);

	put(s, "a", "1");
	store_close(s);
}

static void write_file(const char *path, const char *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	close(fd);
}

static void assert_refused(struct fixture *f, enum error_code code, const char *text)
{
	struct error *err = NULL;

	assert_null(store_open(f->dir, NULL, &err));
	assert_int_equal(error_code(err), code);
	if (!strstr(error_message(err), text))
		fail_msg("\"%s\" does not say \"%s\"", error_message(err), text);
	error_free(err);
}

static void makes_private_files(void **state)
{
	struct fixture *f = *state;
	char *sub free_ptr = xasprintf("%s/sub", f->dir);
	static const char *const files[] = {"data.mdb", "data.mdb-lock", "lock"};
	struct stat st;

	store_close(open_with(sub, NULL));
	assert_int_equal(stat(sub, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char *path free_ptr = xasprintf("%s/%s", sub, files[i]);

		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
}

/* With the byte at OFFSET changed by XOR. */
static void copy_file(const char *from_dir, const char *to_dir, const char *name, size_t offset,
		      char xor)
{
	char *from free_ptr = xasprintf("%s/%s", from_dir, name);
	char *to free_ptr = xasprintf("%s/%s", to_dir, name);
	int fd = open(from, O_RDONLY);
	struct stat st;
	char *bytes;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	bytes = xmalloc((size_t)st.st_size);
	assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
	close(fd);
	bytes[offset] ^= xor;
	write_file(to, bytes, (size_t)st.st_size);
	free(bytes);
}

/* A store at work that has "a" and "b". */
static struct store *open_with_two(const char *dir)
{
	struct store *s = open_with(dir, NULL);

	put(s, "a", "1");
	put(s, "b", "2");
	return s;
}

static void read_log(int fd, void *bytes, size_t len, uint64_t at)
{
	assert_true(wal_read_bytes(fd, bytes, len, at));
}

/* As version 1 wrote it: all records are where the half of even sequences is. */
static void make_log_old(const char *path, size_t page_size, size_t records)
{
	int fd close_fd = open(path, O_RDWR);
	char *bytes free_ptr = xmalloc(MAX(records, 2 * page_size));
	uint64_t slot = wal_slot_size(page_size);
	struct wal_slot_head h;

	assert_true(fd >= 0);
	read_log(fd, &h, sizeof(h), slot);
	assert_int_equal(be64toh(h.sequence), 1);
	read_log(fd, bytes, 2 * page_size, slot + WAL_PAGE);
	h.version = htobe32(1);
	h.sum = htobe32(wal_sum(&h, sizeof(h), bytes, 2 * page_size));
	assert_int_equal(wal_write_bytes(fd, &h, sizeof(h), slot), 0);
	read_log(fd, bytes, records, wal_half(page_size, 1));
	assert_int_equal(wal_write_bytes(fd, bytes, records, wal_half(page_size, 0)), 0);
	assert_int_equal(ftruncate(fd, (off_t)wal_half(page_size, 1)), 0);
}

static void a_log_of_version_1_is_read(void **state)
{
	struct fixture *f = *state;
	char *work = tmp_new(), *log free_ptr = xasprintf("%s/data.wal", f->dir);
	struct store *s = open_with_two(work);

	copy_file(work, f->dir, "data.mdb", 0, 0);
	copy_file(work, f->dir, "data.wal", 0, 0);
	store_close(s);
	make_log_old(log, (size_t)sysconf(_SC_PAGESIZE), 64 << 10);
	s = open_with(f->dir, NULL);
	assert_value_at(s, "a", 0, "1");
	assert_value_at(s, "b", 0, "2");
	assert_sound(s);
	store_close(s);
	tmp_remove(work);
}

/* What lies in the directory of a store at work is what a crash leaves. */
static void a_crashed_store_is_whole_again(void **state)
{
	struct fixture *f = *state;
	char *work = tmp_new(), *log free_ptr = xasprintf("%s/data.wal", f->dir);
	struct store *s = open_with_two(work);

	/* The log of a later version, whose number is at 16, is not for this program. */
	copy_file(work, f->dir, "data.mdb", 0, 0);
	copy_file(work, f->dir, "data.wal", 12288 + 19, 8);
	assert_refused(f, E_UNAVAILABLE, "data.wal is of a newer kubefs");
	copy_file(work, f->dir, "data.wal", 0, 0);
	store_close(s);
	s = store_open_reading(f->dir, NULL, NULL);
	assert_non_null(s);
	assert_value_at(s, "b", 0, "2");
	store_close(s);
	assert_int_equal(access(log, F_OK), -1);
	s = open_with(f->dir, NULL);
	assert_value_at(s, "a", 0, "1");
	assert_sound(s);
	store_close(s);
	assert_int_equal(access(log, F_OK), -1);
	tmp_remove(work);
}

static void refuses_a_store_in_use(void **state)
{
	struct fixture *f = *state;
	struct store *s = open_with(f->dir, NULL);
	char *text free_ptr = xasprintf("in use by process %ld", (long)getpid());

	assert_refused(f, E_UNAVAILABLE, text);
	put(s, "a", "1");
	store_close(s);
	store_close(open_with(f->dir, NULL));
}

static void set_format(struct fixture *f, uint64_t format)
{
	uint64_t big = htobe64(format);
	MDB_val key = {6, (void *)"format"}, data = {sizeof(big), &big};
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;

	assert_int_equal(mdb_env_create(&env), 0);
	mdb_env_set_maxdbs(env, 8);
	assert_int_equal(mdb_env_open(env, f->data, MDB_NOSUBDIR, 0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, "meta", MDB_CREATE, &dbi), 0);
	assert_int_equal(mdb_put(txn, dbi, &key, &data, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

static void refuses_a_newer_format(void **state)
{
	struct fixture *f = *state;

	make_store(f);
	set_format(f, 5);
	assert_refused(f, E_UNAVAILABLE, "has format 5 (made by kubefs");
	set_format(f, 1);
	store_close(open_with(f->dir, NULL));
}

static void refuses_what_is_no_store(void **state)
{
	struct fixture *f = *state;
	char text[9000];

	memset(text, 'x', sizeof(text));
	write_file(f->data, text, sizeof(text));
	assert_refused(f, E_INTERNAL, "is not a store of kubefs");
	write_file(f->data, text, 10);
	assert_refused(f, E_INTERNAL, "is not a store of kubefs");
	write_file(f->data, "", 0);
	assert_refused(f, E_INTERNAL, "is not a store of kubefs");
	unlink(f->data);
	set_format(f, 1); /* an environment of LMDB, but nothing of ours in it */
	assert_refused(f, E_INTERNAL, "is not a store of kubefs");
}

static void refuses_a_truncated_file(void **state)
{
	struct fixture *f = *state;

	make_store(f);
	assert_int_equal(truncate(f->data, 4 * 4096), 0);
	assert_refused(f, E_INTERNAL, "is damaged: it ends after 16384 of");
	assert_int_equal(truncate(f->data, 8192), 0);
	assert_refused(f, E_INTERNAL, "is damaged");
	assert_int_equal(truncate(f->data, 100), 0);
	assert_refused(f, E_INTERNAL, "is damaged");
}

static void refuses_a_bad_directory(void **state)
{
	struct fixture *f = *state;
	struct error *err = NULL;

	assert_null(store_open("/dev/null/store", NULL, &err));
	assert_non_null(strstr(error_message(err), "/dev/null/store"));
	error_clear(&err);
	write_file(f->data, "x", 1);
	assert_null(store_open(f->data, NULL, &err));
	error_clear(&err);
}

/* What a crash while the store was made has left is no obstacle. */
static void a_half_made_store_is_made_again(void **state)
{
	struct fixture *f = *state;
	char *new free_ptr = xasprintf("%s/data.mdb.new", f->dir);

	write_file(new, "half", 4);
	make_store(f);
	assert_int_equal(access(new, F_OK), -1);
}

static void fill(struct store *s, const char *value, int *n)
{
	enum error_code code = E_OK;
	char key[16];

	for (;; (*n)++) {
		snprintf(key, sizeof(key), "k%05d", *n);
		try_op(s, op_put(key, value, STORE_ANY), &code);
		if (code != E_OK)
			break;
	}
	assert_int_equal(code, E_NO_SPACE);
}

/* A full map is an error to who writes more; deletions, small writes after them, all goes on. */
static void a_full_map_is_not_the_end(void **state)
{
	struct fixture *f = *state;
	struct store_options opt = {.map_size = 2 << 20};
	struct store *s = open_with(f->dir, &opt);
	char *value free_ptr = xmalloc(10001);
	int n = 0, again = 0;
	char key[16];

	memset(value, 'v', 10000);
	value[10000] = '\0';
	fill(s, value, &n);
	assert_true(n > 100 && n < 200);
	assert_int_equal(count(s, "k"), n);
	assert_value_at(s, "k00000", 0, value);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < n; i++) {
			snprintf(key, sizeof(key), "k%05d", i);
			del(s, key);
		}
		assert_int_equal(count(s, "k"), 0);
		put(s, "small", "1");
		again = 0;
		fill(s, value, &again);
		assert_true(again > n - 10);
		n = again;
		assert_sound(s);
	}
	store_close(s);
	s = open_with(f->dir, &opt);
	assert_int_equal(count(s, "k"), n);
	assert_sound(s);
	store_close(s);
}

/* A watch that is slower than the deletions: each event costs it a read of everything. */
static void read_all(void *arg, const struct store_event *event, uint64_t revision)
{
	struct store *s = *(struct store **)arg;

	(void)revision;
	if (event)
		assert_int_equal(store_check(s, NULL, NULL, NULL, NULL), 0);
}

/* Rather than fail, a burst of deletions waits until its own history may be given up. */
static void deletions_outrun_a_watch(void **state)
{
	struct fixture *f = *state;
	struct store_options opt = {.map_size = 24 << 20};
	struct store *s = open_with(f->dir, &opt);
	const size_t len = 500000;
	char *value free_ptr = xmalloc(len + 1);
	struct store_watch *w;
	int n = 0;

	memset(value, 'v', len);
	value[len] = '\0';
	fill(s, value, &n);
	w = store_watch(s, "k", 1, store_revision(s), read_all, &s, NULL);
	assert_non_null(w);
	for (int i = 0; i < n; i++) {
		char key[16];
		struct store_op op = op_delete(key, STORE_ANY);

		op.key_len = (size_t)snprintf(key, sizeof(key), "k%05d", i);
		op.head = value;
		op.head_len = len;
		must(s, op);
	}
	assert_int_equal(count(s, "k"), 0);
	store_watch_stop(w);
	assert_sound(s);
	store_close(s);
}

/* History gives way to what is written now. */
static void old_versions_make_room(void **state)
{
	struct fixture *f = *state;
	struct store_options opt = {.map_size = 2 << 20};
	struct store *s = open_with(f->dir, &opt);
	char *value free_ptr = xmalloc(50001);

	memset(value, 'v', 50000);
	value[50000] = '\0';
	for (int i = 0; i < 300; i++)
		put(s, "a", value);
	assert_value_at(s, "a", 0, value);
	assert_sound(s);
	store_close(s);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(makes_private_files),
		TEST(refuses_a_store_in_use),
		TEST(a_crashed_store_is_whole_again),
		TEST(a_log_of_version_1_is_read),
		TEST(refuses_a_newer_format),
		TEST(refuses_what_is_no_store),
		TEST(refuses_a_truncated_file),
		TEST(refuses_a_bad_directory),
		TEST(a_half_made_store_is_made_again),
		TEST(a_full_map_is_not_the_end),
		TEST(deletions_outrun_a_watch),
		TEST(old_versions_make_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
