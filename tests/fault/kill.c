/*
 * kill -9 in the middle of writing, 200 times. A child writes with several threads and says
 * through a pipe what it was told is durable; after the kill the parent opens the store and looks
 * for all of it. Every other child compacts as hard as it can, so that is interrupted too. Two of
 * four are told all the time to write their file anew, and who tells them is killed as well.
 */
#include "base/vec.h"
#include "tests/fault/records.h"
#include "tests/unit/store/util.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdnoreturn.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define ROUNDS 200
#define WRITERS 4
#define ROUND_COUNTERS 1000000

struct writer {
	pthread_t thread;
	struct store *store;
	struct record record;
	int fd;
};

static void *write_records(void *arg)
{
	struct writer *w = arg;

	for (;; w->record.counter++) {
		if (record_commit(w->store, &w->record, NULL))
			_exit(1);
		/* Shorter than PIPE_BUF: whole or not at all. */
		if (write(w->fd, &w->record, sizeof(w->record)) != sizeof(w->record))
			_exit(1);
	}
	return NULL;
}

static int child_main(const char *dir, int round, int fd)
{
	struct store_options opt = {.keep_ns = round % 2 ? NS_PER_MS : 0,
				    .keep_versions = round % 2 ? 1 : 0};
	struct writer w[WRITERS];
	struct store *s = store_open(dir, &opt, NULL);

	if (!s)
		return 1;
	for (unsigned i = 0; i < WRITERS; i++) {
		w[i] = (struct writer){
			.store = s, .fd = fd, .record = {i, (uint32_t)round * ROUND_COUNTERS, 0}};
		pthread_create(&w[i].thread, NULL, write_records, &w[i]);
	}
	pthread_join(w[0].thread, NULL);
	return 1;
}

static pid_t spawn(const char *dir, int round, int fd)
{
	char *round_text free_ptr = xasprintf("%d", round), *fd_text free_ptr = xasprintf("%d", fd);
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		fcntl(fd, F_SETFD, 0);
		execl("/proc/self/exe", "kill", "child", dir, round_text, fd_text, NULL);
		_exit(127);
	}
	return pid;
}

static noreturn void shrink_main(const char *dir)
{
	uint64_t before, after;

	for (;;)
		store_shrink(dir, NULL, &before, &after, NULL);
}

/* Ends with this process. */
static pid_t spawn_shrinking(const char *dir)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl("/proc/self/exe", "kill", "shrink", dir, NULL);
		_exit(127);
	}
	return pid;
}

struct acks {
	struct record *v;
	size_t n, cap;
};

static bool read_ack(int fd, struct acks *acks)
{
	struct record r;

	if (read(fd, &r, sizeof(r)) != sizeof(r))
		return false;
	vec_push(acks, r);
	return true;
}

/* Waits for a random number of acknowledged writes and a random moment more, then kills. */
static void kill_in_mid_write(pid_t pid, int fd, struct acks *acks, unsigned *seed)
{
	size_t enough = 1 + rand_r(seed) % 60;
	struct pollfd p = {.fd = fd, .events = POLLIN};

	while (acks->n < enough)
		assert_true(read_ack(fd, acks));
	assert_true(poll(&p, 1, 10000) >= 0);
	usleep(rand_r(seed) % 1000);
	kill(pid, SIGKILL);
	while (read_ack(fd, acks))
		;
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

struct rising {
	pthread_mutex_t lock;
	pthread_cond_t more;
	uint64_t last;
	unsigned bad;
};

static void check_event(void *arg, const struct store_event *e, uint64_t revision)
{
	struct rising *u = arg;
	struct record r;

	if (!e)
		return;
	pthread_mutex_lock(&u->lock);
	if (e->revision <= u->last || !record_parse(e->value, e->len, &r) ||
	    r.revision != e->revision)
		u->bad++;
	u->last = e->revision;
	pthread_cond_signal(&u->more);
	pthread_mutex_unlock(&u->lock);
}

/* The log since FROM: whole records of rising revisions up to the newest. */
static void assert_log(struct store *s, uint64_t from)
{
	struct rising u = {.last = from};
	struct store_watch *w;

	pthread_mutex_init(&u.lock, NULL);
	pthread_cond_init(&u.more, NULL);
	w = store_watch(s, "", 0, from, check_event, &u, NULL);
	assert_non_null(w);
	pthread_mutex_lock(&u.lock);
	while (u.last < store_revision(s))
		pthread_cond_wait(&u.more, &u.lock);
	pthread_mutex_unlock(&u.lock);
	store_watch_stop(w);
	assert_int_equal(u.bad, 0);
	pthread_cond_destroy(&u.more);
	pthread_mutex_destroy(&u.lock);
}

/* The key holds the acknowledged write or one after it. */
static void assert_not_older(struct store *s, const struct record *ack)
{
	struct store_value v;
	struct record now;
	char key[64];

	record_key(ack, key, sizeof(key));
	assert_int_equal(store_get(s, key, strlen(key), 0, &v, NULL), 0);
	assert_true(record_parse(v.bytes, v.len, &now));
	assert_true(now.writer == ack->writer && now.counter >= ack->counter);
	assert_true(now.revision >= ack->revision);
	store_value_release(&v);
}

static uint64_t check_round(const char *dir, int round, const struct acks *acks, uint64_t before)
{
	struct store *s = open_with(dir, NULL);
	uint64_t revision = store_revision(s);
	unsigned torn = 0;

	assert_sound(s);
	assert_int_equal(store_list(s, "", 0, "", 0, 0, record_count_torn, &torn, NULL, NULL), 0);
	assert_int_equal(torn, 0);
	vec_each (acks, ack) {
		assert_true(ack->revision > before && ack->revision <= revision);
		assert_not_older(s, ack);
		if (round % 2 == 0)
			assert_true(record_kept(s, ack));
	}
	if (round % 2 == 0)
		assert_log(s, before);
	store_close(s);
	return revision;
}

static void survives_being_killed(void **state)
{
	char *dir = tmp_new();
	uint64_t revision = 1;
	size_t acknowledged = 0;
	unsigned seed = 42;

	for (int round = 0; round < ROUNDS; round++) {
		struct acks acks = {0};
		int fds[2];
		pid_t pid, shrinking = 0;

		assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
		pid = spawn(dir, round, fds[1]);
		close(fds[1]);
		/* It would take a store that nobody has open for itself. */
		if (round % 4 >= 2 && read_ack(fds[0], &acks))
			shrinking = spawn_shrinking(dir);
		kill_in_mid_write(pid, fds[0], &acks, &seed);
		if (shrinking) {
			kill(shrinking, SIGKILL);
			assert_int_equal(waitpid(shrinking, NULL, 0), shrinking);
		}
		close(fds[0]);
		revision = check_round(dir, round, &acks, revision);
		acknowledged += acks.n;
		vec_release(&acks);
	}
	print_message("# %d kills, %zu acknowledged writes, all kept\n", ROUNDS, acknowledged);
	tmp_remove(dir);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(survives_being_killed)};

	if (argc == 5 && !strcmp(argv[1], "child"))
		return child_main(argv[2], atoi(argv[3]), atoi(argv[4]));
	if (argc == 3 && !strcmp(argv[1], "shrink"))
		shrink_main(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
