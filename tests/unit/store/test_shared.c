/*
 * Many who write at a time, so that groups share a transaction of LMDB: nobody else may notice.
 */
#include "tests/unit/store/util.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define WRITERS 8
#define WRITES 400

struct writer {
	pthread_t thread;
	struct store *store;
	unsigned id, n;
	size_t len; /* of a value */
	uint64_t revision;
	enum error_code code; /* that ended it */
	bool wrong;
};

static void name_key(const struct writer *w, unsigned i, char key[32])
{
	snprintf(key, 32, "w%u/%04u", w->id, i);
}

static bool put_next(struct writer *w)
{
	char key[32], *value free_ptr = xmalloc(w->len + 1);

	name_key(w, w->n, key);
	snprintf(value, w->len + 1, "%u %*u", w->n, (int)w->len - 12, w->n);
	w->revision = try_op(w->store, op_put(key, value, STORE_ABSENT), &w->code);
	w->n += w->code == E_OK;
	return w->code == E_OK;
}

static bool has(const struct writer *w, unsigned i)
{
	struct store_value v = {0};
	char key[32];
	bool there;

	name_key(w, i, key);
	if (store_get(w->store, key, strlen(key), 0, &v, NULL))
		return false;
	there = (unsigned)atoi(v.bytes) == i && v.revision <= w->revision;
	store_value_release(&v);
	return there;
}

static bool lists_all(const struct writer *w)
{
	char prefix[32];
	uint64_t n, at;
	int len = snprintf(prefix, sizeof(prefix), "w%u/", w->id);

	return !store_count(w->store, prefix, (size_t)len, "", 0, 0, &n, NULL) && n == w->n &&
	       !store_list(w->store, prefix, (size_t)len, "~", 1, 0, NULL, NULL, &at, NULL) &&
	       at >= w->revision;
}

struct heard {
	_Atomic uint64_t last;
	unsigned n;
	bool wrong;
};

static void hear(void *arg, const struct store_event *e, uint64_t revision)
{
	struct heard *h = arg;

	if (!e)
		return;
	h->wrong |= revision <= h->last;
	h->last = revision;
	h->n++;
}

static bool is_told(const struct writer *w)
{
	struct heard h = {0};
	struct store_watch *watch = store_watch(w->store, "", 0, w->revision - 1, hear, &h, NULL);

	store_watch_flush(watch);
	store_watch_stop(watch);
	return h.last >= w->revision && !h.wrong;
}

/* Seldom one that waits, or no group would be left to be committed later. */
static void *write_and_look(void *arg)
{
	struct writer *w = arg;

	while (w->n < WRITES && put_next(w)) {
		bool asks = w->n % 100 == 0;

		w->wrong |= w->n > 3 && !has(w, w->n / 2);
		w->wrong |= asks && w->id == 0 && (!has(w, w->n - 1) || !lists_all(w));
		w->wrong |= asks && w->id == 1 && !is_told(w);
	}
	return NULL;
}

static void *write_until_full(void *arg)
{
	struct writer *w = arg;

	while (put_next(w))
		;
	return NULL;
}

static void run(struct store *s, struct writer w[WRITERS], size_t len, void *(*main)(void *))
{
	for (unsigned i = 0; i < WRITERS; i++) {
		w[i] = (struct writer){.store = s, .id = i, .len = len};
		assert_int_equal(pthread_create(&w[i].thread, NULL, main, &w[i]), 0);
	}
	for (unsigned i = 0; i < WRITERS; i++)
		pthread_join(w[i].thread, NULL);
}

static void assert_all(struct store *s, struct writer w[WRITERS])
{
	for (unsigned i = 0; i < WRITERS; i++) {
		w[i].store = s;
		w[i].revision = store_revision(s);
		for (unsigned k = 0; k < w[i].n; k++)
			assert_true(has(&w[i], k));
		assert_true(lists_all(&w[i]));
	}
}

/* Of another process: what it has been answered, and whether it is to end. */
struct outside {
	_Atomic unsigned long answered;
	_Atomic bool end;
};
static struct outside *outside;

static void *write_until_told(void *arg)
{
	struct writer *w = arg;

	while (!outside->end && put_next(w))
		outside->answered++;
	return NULL;
}

static void who_reads_sees_what_was_answered(void **state)
{
	char *dir = tmp_new();
	struct store *s = open_with(dir, NULL);
	struct writer w[WRITERS];
	struct heard h = {0};
	uint64_t from = store_revision(s);
	struct store_watch *watch;

	run(s, w, 100, write_and_look);
	watch = store_watch(s, "", 0, from, hear, &h, NULL);
	store_watch_flush(watch);
	assert_int_equal(h.n, WRITERS * WRITES);
	assert_int_equal(h.last, store_revision(s));
	assert_false(h.wrong);
	store_watch_stop(watch);
	for (unsigned i = 0; i < WRITERS; i++) {
		assert_int_equal(w[i].code, E_OK);
		assert_false(w[i].wrong);
	}
	assert_all(s, w);
	assert_sound(s);
	store_close(s);
	tmp_remove(dir);
}

/* What is answered is kept when a later one of its transaction finds no place. */
static void a_full_store_has_what_was_answered(void **state)
{
	const struct store_options small = {.map_size = 6u << 20};
	char *dir = tmp_new();

	for (int round = 0; round < 4; round++) {
		char *sub free_ptr = xasprintf("%s/%d", dir, round);
		struct store *s = open_with(sub, &small);
		struct writer w[WRITERS];

		run(s, w, 3000 + 1000 * (size_t)round, write_until_full);
		for (unsigned i = 0; i < WRITERS; i++)
			assert_int_equal(w[i].code, E_NO_SPACE);
		assert_all(s, w);
		assert_sound(s);
		store_close(s);
		s = open_with(sub, &small);
		assert_all(s, w);
		store_close(s);
	}
	tmp_remove(dir);
}

static void write_in_child(const char *dir)
{
	struct store *s = prctl(PR_SET_PDEATHSIG, SIGKILL) ? NULL : open_with(dir, NULL);
	struct writer w[WRITERS];

	run(s, w, 500, write_until_told);
	store_close(s);
	_exit(0);
}

static void who_reads_from_outside_sees_it_too(void **state)
{
	char *dir = tmp_new();
	int status;
	pid_t pid;

	outside = mmap(NULL, sizeof(*outside), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	assert_true(outside != MAP_FAILED);
	pid = fork();
	if (!pid)
		write_in_child(dir);
	while (!outside->answered && !waitpid(pid, &status, WNOHANG))
		usleep(1000);
	for (int i = 0; i < 100; i++) {
		unsigned long answered = outside->answered;
		struct error *err = NULL;
		struct store *s = store_open_reading(dir, NULL, &err);

		assert_null(err);
		assert_true(count(s, "w") >= answered);
		store_close(s);
	}
	outside->end = true;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	munmap(outside, sizeof(*outside));
	tmp_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_reads_from_outside_sees_it_too),
		cmocka_unit_test(who_reads_sees_what_was_answered),
		cmocka_unit_test(a_full_store_has_what_was_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
