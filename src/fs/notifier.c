#include "fs/notifier.h"

#include "base/map.h"
#include "base/vec.h"
#include "fs/core.h"

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>

/* What the kernel is to forget, or an answer that comes after it. */
struct notice {
	uint64_t ino;
	struct node *dir; /* a ref of it: nobody else gets its number meanwhile; NULL: an answer */
	char *name;	  /* NULL: the listing and attributes of ino */
	fuse_req_t req;	  /* an answer, behind notices of the directory ino (0: of any) */
	int error;
};

struct notifier {
	pthread_mutex_t lock;
	pthread_cond_t work, quiet;
	pthread_t thread;
	struct map *queued; /* key of a notice -> notice */
	VEC(struct notice *) queue;
	VEC(uint64_t) held; /* directories, each as often as it is held */
	struct fuse_session *session;
	bool stopped, busy;
};

static char *notice_key(uint64_t ino, const char *name)
{
	return xasprintf("%" PRIx64 "/%s", ino, name ? name : "");
}

/* Under no lock. */
static void notice_free(struct notice *x)
{
	node_unref(x->dir);
	free(x->name);
	free(x);
}

static bool is_held(struct notifier *n, uint64_t ino)
{
	vec_each (&n->held, h) {
		if (*h == ino)
			return true;
	}
	return false;
}

/* Does the notice AT wait for a directory that somebody holds? */
static bool has_to_wait(struct notifier *n, size_t at)
{
	struct notice *x = n->queue.v[at];

	if (!x->req)
		return x->name && is_held(n, x->ino);
	for (size_t i = 0; i < at; i++) {
		struct notice *before = n->queue.v[i];

		if (!before->req && before->name && (!x->ino || before->ino == x->ino))
			return true;
	}
	return false;
}

/* The first one that may go. */
static struct notice *take_notice(struct notifier *n)
{
	for (size_t i = 0; i < n->queue.n; i++) {
		struct notice *x = n->queue.v[i];

		if (has_to_wait(n, i))
			continue;
		vec_remove(&n->queue, i);
		if (!x->req) {
			char *key free_ptr = notice_key(x->ino, x->name);

			map_del(n->queued, key);
		}
		return x;
	}
	return NULL;
}

static void send_notice(struct fuse_session *session, const struct notice *x)
{
	if (x->req)
		fuse_reply_err(x->req, x->error);
	else if (!session)
		return;
	else if (x->name)
		fuse_lowlevel_notify_inval_entry(session, x->ino, x->name, strlen(x->name));
	else
		fuse_lowlevel_notify_inval_inode(session, x->ino, 0, 0);
}

static void *run(void *arg)
{
	struct notifier *n = arg;

	pthread_mutex_lock(&n->lock);
	while (!n->stopped) {
		struct notice *x = take_notice(n);

		if (!x) {
			pthread_cond_wait(&n->work, &n->lock);
			continue;
		}
		struct fuse_session *session = n->session;

		n->busy = true;
		pthread_mutex_unlock(&n->lock);
		send_notice(session, x);
		notice_free(x);
		pthread_mutex_lock(&n->lock);
		n->busy = false;
		pthread_cond_broadcast(&n->quiet);
	}
	pthread_mutex_unlock(&n->lock);
	return NULL;
}

struct notifier *notifier_new(void)
{
	struct notifier *n = xcalloc(1, sizeof(*n));

	pthread_mutex_init(&n->lock, NULL);
	pthread_cond_init(&n->work, NULL);
	pthread_cond_init(&n->quiet, NULL);
	n->queued = map_new();
	pthread_create(&n->thread, NULL, run, n);
	return n;
}

void notifier_free(struct notifier *n)
{
	if (!n)
		return;
	pthread_mutex_lock(&n->lock);
	n->stopped = true;
	pthread_cond_broadcast(&n->work);
	pthread_mutex_unlock(&n->lock);
	pthread_join(n->thread, NULL);
	vec_release(&n->queue);
	vec_release(&n->held);
	map_free(n->queued, NULL);
	pthread_cond_destroy(&n->work);
	pthread_cond_destroy(&n->quiet);
	pthread_mutex_destroy(&n->lock);
	free(n);
}

/* The mount is gone: nobody has to be told, but every request has to be answered. */
static void drop(struct notice *x)
{
	if (x->req)
		fuse_reply_err(x->req, x->error);
	notice_free(x);
}

void notifier_set_session(struct notifier *n, struct fuse_session *session)
{
	VEC(struct notice *) dropped = VEC_INIT;

	pthread_mutex_lock(&n->lock);
	n->session = session;
	while (n->busy)
		pthread_cond_wait(&n->quiet, &n->lock);
	while (!session && n->queue.n)
		vec_push(&dropped, n->queue.v[--n->queue.n]);
	if (!session)
		map_clear(n->queued, NULL);
	pthread_mutex_unlock(&n->lock);
	vec_each (&dropped, x)
		drop(*x);
	vec_release(&dropped);
}

static void enqueue(struct notifier *n, struct node *dir, const char *name)
{
	uint64_t ino = node_id(dir);
	char *key free_ptr = notice_key(ino, name);

	pthread_mutex_lock(&n->lock);
	if (n->session && !map_get(n->queued, key)) {
		struct notice *x = xcalloc(1, sizeof(*x));

		x->ino = ino;
		x->dir = node_ref(dir);
		x->name = name ? xstrdup(name) : NULL;
		map_put(n->queued, key, x);
		vec_push(&n->queue, x);
		pthread_cond_signal(&n->work);
	}
	pthread_mutex_unlock(&n->lock);
}

void notifier_entry(struct notifier *n, struct node *dir, const char *name)
{
	enqueue(n, dir, name);
}

void notifier_names(struct notifier *n, struct node *dir)
{
	enqueue(n, dir, NULL);
}

void notifier_answer(struct notifier *n, uint64_t dir, struct fuse_req *req, int error)
{
	struct notice *x = xcalloc(1, sizeof(*x));
	bool at_once;

	*x = (struct notice){.ino = dir, .req = req, .error = error};
	pthread_mutex_lock(&n->lock);
	at_once = !n->session || (n->queue.n == 0 && !n->busy);
	if (!at_once) {
		vec_push(&n->queue, x);
		pthread_cond_signal(&n->work);
	}
	pthread_mutex_unlock(&n->lock);
	if (!at_once)
		return;
	fuse_reply_err(req, error);
	notice_free(x);
}

void notifier_hold(struct notifier *n, uint64_t dir)
{
	pthread_mutex_lock(&n->lock);
	vec_push(&n->held, dir);
	pthread_mutex_unlock(&n->lock);
}

void notifier_let(struct notifier *n, uint64_t dir)
{
	pthread_mutex_lock(&n->lock);
	for (size_t i = 0; i < n->held.n; i++) {
		if (n->held.v[i] == dir) {
			vec_remove(&n->held, i);
			break;
		}
	}
	pthread_cond_signal(&n->work);
	pthread_mutex_unlock(&n->lock);
}
