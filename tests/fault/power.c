/*
 * Power loss. The test stands between LMDB and the system calls (the linker binds LMDB's pwrite,
 * writev, fdatasync and so on to the functions below) and records what is written to the
 * files, what is synced and when, and which answers were given. Then, for every moment around a
 * sync, it builds the files a disk could hold had the power gone: everything synced before, and
 * of the rest nothing, everything, or a random selection of pages. Each must open, be sound, and
 * hold every write answered until then.
 *
 * A page written reaches the disk whole or not at all here; what a write ahead or a checkpoint
 * relies on has a checksum.
 */
#include "base/vec.h"
#include "tests/fault/records.h"
#include "tests/unit/store/util.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

enum step_kind { WRITE, SIZE, SYNC_BEGIN, SYNC_END, ANSWER };

/* Those of a store whose content counts. */
enum { DATA, WAL, FILES };
static const char *const file_names[FILES] = {"data.mdb", "data.wal"};

struct step {
	enum step_kind kind;
	unsigned file;
	uint64_t offset, len; /* SIZE: len is the new size */
	char *bytes;
	bool direct;   /* WRITE through O_DSYNC: durable when the call returns */
	size_t before; /* SYNC_END: so many steps were done when it began */
	struct record record;
};

static struct {
	pthread_mutex_t lock;
	_Atomic bool on; /* what follows is set before it, and read while it is */
	dev_t dev;
	ino_t ino[FILES];
	_Atomic int fail_syncs;	  /* so many fdatasync fail with EIO */
	_Atomic bool fail_writes; /* those to the store */
	_Atomic unsigned log_syncs;
	VEC(struct step) steps;
} trace = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Which of the files FD is, or FILES. */
static unsigned traced(int fd)
{
	unsigned file = 0;
	struct stat st;

	if (!trace.on || fstat(fd, &st) || st.st_dev != trace.dev)
		return FILES;
	while (file < FILES && st.st_ino != trace.ino[file])
		file++;
	return file;
}

/* How many were there before. */
static size_t add_step(struct step step)
{
	size_t before;

	pthread_mutex_lock(&trace.lock);
	before = trace.steps.n;
	vec_push(&trace.steps, step);
	pthread_mutex_unlock(&trace.lock);
	return before;
}

static void add_write(int fd, unsigned file, const void *p, size_t len, off_t offset)
{
	if (file < FILES)
		add_step((struct step){.kind = WRITE,
				       .file = file,
				       .offset = (uint64_t)offset,
				       .len = len,
				       .bytes = xmemdup(p, len),
				       .direct = fcntl(fd, F_GETFL) & O_DSYNC});
}

/*
 * The system calls themselves. Each is what libc's function of that name does. A write is told when
 * it is done: a flush that another thread begins meanwhile need not have it.
 */
ssize_t pwrite(int fd, const void *p, size_t len, off_t offset)
{
	unsigned file = traced(fd);
	ssize_t n;

	if (file == DATA && trace.fail_writes) {
		errno = EIO;
		return -1;
	}
	n = syscall(SYS_pwrite64, fd, p, len, offset);
	add_write(fd, file, p, len, offset);
	return n;
}

ssize_t pwrite64(int fd, const void *p, size_t len, off64_t offset)
{
	return pwrite(fd, p, len, offset);
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
	unsigned file = traced(fd);
	off_t offset = file < FILES ? lseek(fd, 0, SEEK_CUR) : -1;
	ssize_t written = syscall(SYS_writev, fd, v, n);

	for (int i = 0; offset >= 0 && i < n; i++) {
		add_write(fd, file, v[i].iov_base, v[i].iov_len, offset);
		offset += (off_t)v[i].iov_len;
	}
	return written;
}

ssize_t pwritev(int fd, const struct iovec *v, int n, off_t offset)
{
	unsigned file = traced(fd);
	off_t at = offset;
	ssize_t written = syscall(SYS_pwritev, fd, v, n, offset, 0);

	for (int i = 0; i < n; i++) {
		add_write(fd, file, v[i].iov_base, v[i].iov_len, at);
		at += (off_t)v[i].iov_len;
	}
	return written;
}

static void add_size(unsigned file, uint64_t size)
{
	if (file < FILES)
		add_step((struct step){.kind = SIZE, .file = file, .len = size});
}

int ftruncate(int fd, off_t size)
{
	add_size(traced(fd), (uint64_t)size);
	return (int)syscall(SYS_ftruncate, fd, size);
}

static int place(int fd, int mode, off_t offset, off_t len)
{
	add_size(traced(fd), (uint64_t)(offset + len));
	return (int)syscall(SYS_fallocate, fd, mode, offset, len);
}

int fallocate(int fd, int mode, off_t offset, off_t len)
{
	return place(fd, mode, offset, len);
}

int fallocate64(int fd, int mode, off64_t offset, off64_t len)
{
	return place(fd, mode, offset, len);
}

/* A flush of the store takes its time, in which the log goes on, if somebody writes. */
static void be_slow(void)
{
	unsigned seen = trace.log_syncs;

	for (int i = 0; i < 100 && trace.log_syncs < seen + 3; i++)
		usleep(100);
}

static int sync_traced(int fd, long call)
{
	unsigned file = traced(fd);
	bool on = file < FILES;
	size_t before = 0;
	int rc;

	if (on && trace.fail_syncs) {
		trace.fail_syncs--;
		errno = EIO;
		return -1;
	}
	if (on)
		before = add_step((struct step){.kind = SYNC_BEGIN, .file = file});
	if (on && file == DATA)
		be_slow();
	rc = (int)syscall(call, fd);
	trace.log_syncs += file == WAL;
	if (on && !rc)
		add_step((struct step){.kind = SYNC_END, .file = file, .before = before});
	return rc;
}

int fdatasync(int fd)
{
	return sync_traced(fd, SYS_fdatasync);
}

int fsync(int fd)
{
	return sync_traced(fd, SYS_fsync);
}

/* A file as it might lie on the disk. */
struct image {
	char *bytes;
	uint64_t len, cap;
};

static void image_resize(struct image *m, uint64_t len)
{
	if (len > m->cap) {
		m->bytes = xrealloc(m->bytes, len);
		m->cap = len;
	}
	if (len > m->len)
		memset(m->bytes + m->len, 0, len - m->len);
	m->len = len;
}

static void image_apply(struct image *m, const struct step *s, uint64_t from, uint64_t to)
{
	if (s->kind == SIZE) {
		image_resize(m, MAX(s->len, m->len));
		return;
	}
	image_resize(m, MAX(m->len, s->offset + to));
	memcpy(m->bytes + s->offset + from, s->bytes + from, to - from);
}

static void image_copy(struct image *to, const struct image *from)
{
	image_resize(to, from->len);
	memcpy(to->bytes, from->bytes, from->len);
}

static void image_load(struct image *m, const char *path)
{
	int fd close_fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	image_resize(m, (uint64_t)st.st_size);
	assert_int_equal(read(fd, m->bytes, m->len), st.st_size);
}

static void image_save(const struct image *m, const char *path)
{
	int fd close_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, m->bytes, m->len), (ssize_t)m->len);
}

/* Small, so that checkpoints come often. */
static struct store_options options = {.map_size = 8u << 20};

/* What is looked at: the file, and which answers it must contain. */
struct replay {
	char *dir;
	struct image durable[FILES], image[FILES];
	VEC(const struct step *) pending; /* written and not synced */
	VEC(struct record) answered;
	unsigned seed, cuts, images;
};

/* Whether the store has R, or where compaction may have given it up, what came after it. */
static bool has_answered(struct store *s, const struct record *r)
{
	struct store_value v = {0};
	struct record found = {0};
	char key[64];
	bool has;

	if (!options.keep_ns)
		return record_kept(s, r);
	record_key(r, key, sizeof(key));
	if (store_get(s, key, strlen(key), 0, &v, NULL))
		return false;
	has = record_parse(v.bytes, v.len, &found) && found.revision >= r->revision;
	store_value_release(&v);
	return has;
}

/* The image that replay->image holds is a whole store with all that was answered. */
static void assert_image(struct replay *p)
{
	struct record more = {99, p->images, 0};
	unsigned torn = 0;
	struct store *s;

	for (unsigned i = 0; i < FILES; i++) {
		char *path free_ptr = xasprintf("%s/%s", p->dir, file_names[i]);

		image_save(&p->image[i], path);
	}
	s = open_with(p->dir, &options);
	assert_sound(s);
	assert_int_equal(store_list(s, "", 0, "", 0, 0, record_count_torn, &torn, NULL, NULL), 0);
	assert_int_equal(torn, 0);
	vec_each (&p->answered, r)
		assert_true(has_answered(s, r));
	if (p->images++ % 16 == 0)
		assert_int_equal(record_commit(s, &more, NULL), 0);
	store_close(s);
}

static void start_from_durable(struct replay *p)
{
	for (unsigned i = 0; i < FILES; i++) {
		image_copy(&p->image[i], &p->durable[i]);
		p->image[i].len = p->durable[i].len;
	}
}

/* Pages of the pending writes, each with chance 1/2, the writes in random order. */
static void apply_some(struct replay *p)
{
	size_t n = p->pending.n;
	const struct step **order free_ptr = xcalloc(n + 1, sizeof(*order));

	memcpy(order, p->pending.v, n * sizeof(*order));
	for (size_t i = n; i > 1; i--) {
		size_t j = (size_t)rand_r(&p->seed) % i;
		const struct step *other = order[i - 1];

		order[i - 1] = order[j];
		order[j] = other;
	}
	for (size_t i = 0; i < n; i++)
		for (uint64_t at = 0; at < MAX(order[i]->len, 1); at += 4096)
			if (rand_r(&p->seed) % 2)
				image_apply(&p->image[order[i]->file], order[i],
					    MIN(at, order[i]->len), MIN(at + 4096, order[i]->len));
}

/* Under a sanitizer an image costs ten times as much, and there is less to find out from it. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CUTS_EVERY 3
#else
#define CUTS_EVERY 1
#endif

/* The power goes now. */
static void cut(struct replay *p)
{
	if (p->cuts++ % CUTS_EVERY)
		return;
	start_from_durable(p);
	assert_image(p);
	if (!p->pending.n)
		return;
	vec_each (&p->pending, s)
		image_apply(&p->image[(*s)->file], *s, 0, (*s)->len);
	assert_image(p);
	for (int i = 0; i < 2; i++) {
		start_from_durable(p);
		apply_some(p);
		assert_image(p);
	}
}

/* What was written to the file before its flush began is durable; it says nothing of the other. */
static void settle(struct replay *p, const struct step *end)
{
	const struct step *begin = &trace.steps.v[end->before];
	size_t kept = 0;

	vec_each (&p->pending, w)
		if ((*w)->file == end->file && *w < begin)
			image_apply(&p->durable[end->file], *w, 0, (*w)->len);
		else
			p->pending.v[kept++] = *w;
	p->pending.n = kept;
}

static void replay_step(struct replay *p, const struct step *s)
{
	switch (s->kind) {
	case WRITE:
	case SIZE:
		vec_push(&p->pending, s);
		if (!s->direct)
			break;
		cut(p); /* during it: done or not, with or without what else is pending */
		p->pending.n--;
		image_apply(&p->durable[s->file], s, 0, s->len);
		cut(p);
		break;
	case SYNC_BEGIN:
		cut(p);
		break;
	case SYNC_END:
		settle(p, s);
		cut(p);
		break;
	case ANSWER:
		vec_push(&p->answered, s->record);
		break;
	}
}

static void answered(const struct record *r)
{
	add_step((struct step){.kind = ANSWER, .record = *r});
}

struct client {
	pthread_t thread;
	struct store *store;
	unsigned id, writes;
	struct record last; /* that was answered */
	bool failed;
};

/* A key that comes and goes: where compaction forgets it in between, it begins anew. */
static bool write_briefly(struct client *c)
{
	struct record r = {.writer = c->id + 50};
	enum error_code code;
	char key[64];

	record_key(&r, key, sizeof(key));
	if (record_commit(c->store, &r, NULL))
		return false;
	try_op(c->store, op_delete(key, STORE_ANY), &code);
	return code == E_OK;
}

static void *client_main(void *arg)
{
	struct client *c = arg;
	struct record r = {.writer = c->id};

	for (unsigned i = 0; i < c->writes && !c->failed; i++, r.counter++) {
		if (options.keep_ns && !write_briefly(c))
			c->failed = true;
		c->failed = record_commit(c->store, &r, NULL);
		answered(&r);
	}
	return NULL;
}

static void run_clients(struct store *s, unsigned first, unsigned n, unsigned writes)
{
	struct client c[8];

	for (unsigned i = 0; i < n; i++) {
		c[i] = (struct client){.store = s, .id = first + i, .writes = writes};
		pthread_create(&c[i].thread, NULL, client_main, &c[i]);
	}
	for (unsigned i = 0; i < n; i++) {
		pthread_join(c[i].thread, NULL);
		assert_false(c[i].failed);
	}
}

struct fixture {
	char *dir;
	struct image start[FILES];
	struct store *s;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct stat st;

	f->dir = tmp_new();
	f->s = open_with(f->dir, &options);
	for (unsigned i = 0; i < FILES; i++) {
		char *path free_ptr = xasprintf("%s/%s", f->dir, file_names[i]);

		image_load(&f->start[i], path);
		assert_int_equal(stat(path, &st), 0);
		trace.dev = st.st_dev;
		trace.ino[i] = st.st_ino;
	}
	trace.on = true;
	*state = f;
	return 0;
}

static int setup_compacting(void **state)
{
	options.keep_ns = NS_PER_MS;
	options.keep_versions = 2;
	return setup(state);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	trace.on = false;
	trace.fail_syncs = 0;
	trace.fail_writes = false;
	/* Its threads may be adding a step. */
	store_close(f->s);
	vec_each (&trace.steps, s)
		free(s->bytes);
	vec_release(&trace.steps);
	tmp_remove(f->dir);
	options.keep_ns = 0;
	options.keep_versions = 0;
	for (unsigned i = 0; i < FILES; i++)
		free(f->start[i].bytes);
	free(f);
	return 0;
}

/* Of those that count; the last one says that the store was closed. */
static size_t checkpoints(void)
{
	size_t n = 0;

	vec_each (&trace.steps, s)
		n += s->kind == WRITE && s->file == WAL && s->len < 64 && s->offset < 16384;
	return n - 1;
}

/* Groups that are in the log, and have been left to the commit of a later one. */
static size_t left_to_others(void)
{
	size_t groups = 0, commits = 0;

	vec_each (&trace.steps, s) {
		groups += s->kind == WRITE && s->file == WAL && s->offset >= 24576 && s->len > 64;
		commits += s->kind == WRITE && s->file == DATA && s->offset < 8192;
	}
	return groups > commits ? groups - commits : 0;
}

/* Flushes of the store in which the log was flushed as well. */
static size_t overtaken(void)
{
	size_t n = 0;

	for (size_t i = 0; i < trace.steps.n; i++) {
		const struct step *end = &trace.steps.v[i];
		size_t k = end->before;

		if (end->kind != SYNC_END || end->file != DATA)
			continue;
		while (k < i && (trace.steps.v[k].kind != SYNC_END || trace.steps.v[k].file != WAL))
			k++;
		n += k < i;
	}
	return n;
}

static void every_cut_leaves_a_whole_store(void **state)
{
	struct fixture *f = *state;
	struct replay p = {.dir = tmp_new(), .seed = 7};

	for (unsigned i = 0; i < FILES; i++)
		image_copy(&p.durable[i], &f->start[i]);
	run_clients(f->s, 0, 1, 30);
	run_clients(f->s, 1, 8, 30);
	f->s = store_close(f->s);
	trace.on = false;
	vec_each (&trace.steps, s)
		replay_step(&p, s);
	assert_int_equal(p.answered.n, 270);
	print_message("# %zu steps, %u images, %zu answers, %zu checkpoints, %zu overtaken, "
		      "%zu left to others\n",
		      trace.steps.n, p.images, p.answered.n, checkpoints(), overtaken(),
		      left_to_others());
	assert_true(options.keep_ns || left_to_others() > 0);
	assert_true(!options.keep_ns || (checkpoints() > 0 && overtaken() > 0));
	vec_release(&p.pending);
	vec_release(&p.answered);
	for (unsigned i = 0; i < FILES; i++) {
		free(p.durable[i].bytes);
		free(p.image[i].bytes);
	}
	tmp_remove(p.dir);
}

/* The index of the first write that holds the bytes of R's value, or n. */
static size_t find_write(const struct record *r)
{
	char *text free_ptr =
		xasprintf("w%u c%u r%" PRIu64 " ", r->writer, r->counter, r->revision);

	for (size_t i = 0; i < trace.steps.n; i++) {
		const struct step *s = &trace.steps.v[i];

		if (s->kind == WRITE && memmem(s->bytes, s->len, text, strlen(text)))
			return i;
	}
	return trace.steps.n;
}

/* Where the first step of KIND on FILE after FROM is, before END; or END. */
static size_t find_step(size_t from, size_t end, enum step_kind kind, unsigned file)
{
	for (size_t i = from; i < end; i++)
		if (trace.steps.v[i].kind == kind && trace.steps.v[i].file == file)
			return i;
	return end;
}

/*
 * For each answer: its bytes were written, then an fdatasync of the file they were written to began
 * and ended, then the answer came. One client, so that no other write's sync can stand for it, and
 * then eight.
 */
static void every_answer_comes_after_its_sync(void **state)
{
	struct fixture *f = *state;
	size_t answers = 0;

	run_clients(f->s, 0, 1, 60);
	run_clients(f->s, 1, 8, 60);
	trace.on = false;
	for (size_t i = 0; i < trace.steps.n; i++) {
		const struct step *s = &trace.steps.v[i];
		unsigned file;
		size_t at;

		if (s->kind != ANSWER)
			continue;
		at = find_write(&s->record);
		assert_true(at < i);
		file = trace.steps.v[at].file;
		at = find_step(at, i, SYNC_BEGIN, file);
		assert_true(at < i);
		assert_true(find_step(at, i, SYNC_END, file) < i);
		answers++;
	}
	assert_int_equal(answers, 60 * 9);
}

/* The log cannot be flushed, but the store itself can: the write is as good as any. */
static void a_failed_sync_of_the_log_is_got_over(void **state)
{
	struct fixture *f = *state;
	struct record r = {.counter = 1};

	for (int failures = 0; failures < 2; failures++, r.counter++) {
		trace.fail_syncs = failures;
		assert_int_equal(record_commit(f->s, &r, NULL), 0);
		assert_true(record_kept(f->s, &r));
	}
	f->s = store_close(f->s);
	f->s = open_with(f->dir, &options);
	r.counter--;
	assert_true(record_kept(f->s, &r));
	assert_sound(f->s);
}

/*
 * Where neither can be flushed it is an error to who waited for it, and what the kernel has made of
 * the pages before is unknown: nothing more is taken. Opened anew, the store has all it said yes
 * to.
 */
static void a_failed_sync_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct record r = {.counter = 1}, lost = {.counter = 2};
	struct error *err = NULL;

	assert_int_equal(record_commit(f->s, &r, NULL), 0);
	trace.fail_syncs = 1000;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(record_commit(f->s, &lost, &err), -1);
		assert_int_equal(error_code(err), E_INTERNAL);
		err = error_free(err);
		trace.fail_syncs = 0;
	}
	assert_int_equal(store_revision(f->s), r.revision);
	assert_int_equal(count(f->s, ""), 1);
	f->s = store_close(f->s);
	f->s = open_with(f->dir, &options);
	assert_true(record_kept(f->s, &r));
	assert_int_equal(record_commit(f->s, &lost, NULL), 0);
	assert_true(record_kept(f->s, &lost));
	assert_sound(f->s);
}

static void *write_until_failure(void *arg)
{
	struct client *c = arg;
	struct record r = {.writer = c->id};

	for (; !record_commit(c->store, &r, NULL); r.counter++) {
		c->last = r;
		c->writes++;
	}
	return NULL;
}

/*
 * The log takes what LMDB does not any more: what was answered is shown, or there is an error
 * instead, and whoever opens the store anew finds it.
 */
static void what_cannot_be_committed_is_not_lost(void **state)
{
	struct fixture *f = *state;
	struct client c[8];

	for (unsigned i = 0; i < ARRAY_SIZE(c); i++) {
		c[i] = (struct client){.store = f->s, .id = i};
		pthread_create(&c[i].thread, NULL, write_until_failure, &c[i]);
	}
	usleep(50000);
	trace.fail_writes = true;
	for (unsigned i = 0; i < ARRAY_SIZE(c); i++)
		pthread_join(c[i].thread, NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(c); i++) {
		struct store_value v = {0};
		struct error *err = NULL;
		char key[64];

		record_key(&c[i].last, key, sizeof(key));
		if (c[i].writes && store_get(f->s, key, strlen(key), 0, &v, &err))
			assert_int_equal(error_code(err), E_INTERNAL);
		else if (c[i].writes)
			assert_true(v.revision >= c[i].last.revision);
		store_value_release(&v);
		error_free(err);
	}
	trace.fail_writes = false;
	f->s = store_close(f->s);
	f->s = open_with(f->dir, &options);
	for (unsigned i = 0; i < ARRAY_SIZE(c); i++)
		assert_true(!c[i].writes || record_kept(f->s, &c[i].last));
	assert_sound(f->s);
}

/* What a disk does is all made up here, thousands of times: memory is enough. */
int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_cut_leaves_a_whole_store, setup, teardown),
		cmocka_unit_test_setup_teardown(every_cut_leaves_a_whole_store, setup_compacting,
						teardown),
		cmocka_unit_test_setup_teardown(every_answer_comes_after_its_sync, setup, teardown),
		cmocka_unit_test_setup_teardown(a_failed_sync_of_the_log_is_got_over, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_failed_sync_is_an_error, setup, teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_committed_is_not_lost, setup,
						teardown),
	};

	if (!access("/dev/shm", W_OK))
		setenv("TMPDIR", "/dev/shm", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
