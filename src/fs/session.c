/* The mount: from /dev/fuse to the handlers, and its end. */
#include "fs/ops.h"

#include "base/log.h"
#include "fs/draft.h"
#include "fs/holds.h"
#include "fs/notifier.h"
#include "fs/waiter.h"

#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>

struct session {
	struct fuse_session *se;
	pthread_t loop;
	sem_t stop;
	atomic_bool ended; /* the loop has returned */
	bool asked;	   /* to end, before the mount went by itself */
	void (*ready)(void *arg);
	void *ready_arg;
};

/* Where a signal goes: a handler has no argument. */
static struct session *_Atomic signalled;

static void on_signal(int number)
{
	struct session *s = signalled;

	if (s)
		sem_post(&s->stop);
}

/* Wakes the loop's thread out of a read; it does nothing. */
static void on_poke(int number)
{
}

#define POKE SIGRTMIN

static void handle(int number, void (*handler)(int))
{
	struct sigaction a = {.sa_handler = handler};

	sigemptyset(&a.sa_mask);
	sigaction(number, &a, NULL);
}

static void set_signals(void (*handler)(int))
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		handle(numbers[i], handler);
	handle(SIGPIPE, SIG_IGN);
	handle(POKE, on_poke);
}

/*
 * What may be cached is cached: data by hand (a version's pages never change), names and
 * attributes until a notice.
 */
static void on_init(void *userdata, struct fuse_conn_info *conn)
{
	struct fs *fs = userdata;
	struct session *s = fs->session;

	conn->want &= ~(unsigned)FUSE_CAP_AUTO_INVAL_DATA;
	if (conn->capable & FUSE_CAP_EXPLICIT_INVAL_DATA)
		conn->want |= FUSE_CAP_EXPLICIT_INVAL_DATA;
	notifier_set_session(fs->notifier, s->se); /* the trees in it share it */
	if (s->ready)
		s->ready(s->ready_arg);
}

static void add_options(struct fs *fs, struct fuse_args *args)
{
	struct str list CLEANUP(str_release) = STR_INIT;

	str_adds(&list, "subtype=kubefs,fsname=kubefs,default_permissions");
	if (fs->opt.read_only)
		str_adds(&list, ",ro");
	if (fs->opt.allow_other)
		str_adds(&list, ",allow_other");
	vec_each (&fs->opt.fuse, w)
		str_addf(&list, ",%s", *w);
	fuse_opt_add_arg(args, "kubefs");
	fuse_opt_add_arg(args, "-o");
	fuse_opt_add_arg(args, list.s);
	if (fs->opt.debug)
		fuse_opt_add_arg(args, "-d");
}

int fs_mount(struct fs *fs, const char *mountpoint, struct error **err)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct fuse_lowlevel_ops ops = {.init = on_init};
	struct session *s = xcalloc(1, sizeof(*s));

	ops_dir(&ops);
	ops_file(&ops);
	ops_tree(&ops);
	if (fs->opt.xattr)
		ops_xattr(&ops);
	sem_init(&s->stop, 0, 0);
	fs->session = s;
	add_options(fs, &args);
	s->se = fuse_session_new(&args, &ops, sizeof(ops), fs);
	fuse_opt_free_args(&args);
	if (s->se && fuse_session_mount(s->se, mountpoint) == 0)
		return 0;
	if (s->se)
		fuse_session_destroy(s->se);
	sem_destroy(&s->stop);
	free(s);
	fs->session = NULL;
	return error_set(err, E_INTERNAL, "cannot mount on %s", mountpoint);
}

/* Nothing waits any more. Deletions that are held have been sent. */
static void stop_tree(struct fs *fs)
{
	waiters_stop(fs);
	holds_flush(fs->holds);
	pool_stop(fs->pool);
}

static void flush_tree(struct fs *fs)
{
	holds_flush(fs->holds);
}

static void stop_pool(struct fs *fs)
{
	pool_stop(fs->pool);
}

/*
 * Waits for a signal, or for the loop, which ends by itself when the mount does. The
 * loop looks whether it shall end before each read: a poke that comes between the look and the
 * read is lost, so it is repeated.
 */
static void *stopper(void *arg)
{
	struct fs *fs = arg;
	struct session *s = fs->session;
	struct timespec pause = {0, 10 * NS_PER_MS};

	while (sem_wait(&s->stop) < 0)
		;
	if (s->ended)
		return NULL;
	s->asked = true;
	fs_each(fs, stop_tree);
	/* The kernel takes a notice once who holds the directory has his answer: as long as there
	 * is somebody to read his request. */
	notifier_set_session(fs->notifier, NULL);
	fuse_session_exit(s->se);
	while (!s->ended) {
		pthread_kill(s->loop, POKE);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

int fs_run(struct fs *fs, void (*ready)(void *arg), void *arg, struct error **err)
{
	struct session *s = fs->session;
	pthread_t thread;
	int ret;

	s->ready = ready;
	s->ready_arg = arg;
	s->loop = pthread_self();
	signalled = s;
	set_signals(on_signal);
	ret = pthread_create(&thread, NULL, stopper, fs);
	if (ret)
		return error_set_errno(err, ret, "cannot start a thread");
	ret = fuse_session_loop(s->se);
	s->ended = true;
	sem_post(&s->stop);
	pthread_join(thread, NULL);
	set_signals(SIG_DFL);
	signalled = NULL;
	fs_each(fs, flush_tree);
	return ret < 0 ? error_set_errno(err, -ret, "the connection to the kernel") : 0;
}

void fs_unmount(struct fs *fs)
{
	struct str names CLEANUP(str_release) = STR_INIT;
	struct session *s = fs->session;

	if (!s)
		return;
	fs_each(fs, stop_pool);
	notifier_set_session(fs->notifier, NULL);
	handles_end(fs, !s->asked);
	vec_each (&fs->below, tree)
		handles_end(*tree, !s->asked);
	fuse_session_unmount(s->se);
	fuse_session_destroy(s->se);
	sem_destroy(&s->stop);
	free(s);
	fs->session = NULL;
	rejected_names(fs, &names);
	vec_each (&fs->below, tree)
		rejected_names(*tree, &names);
	if (names.len)
		fprintf(stderr, "kubefs: refused texts that end with this mount:\n%s", names.s);
}
