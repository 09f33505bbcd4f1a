#include "fs/ops.h"
#include "fs/waiter.h"

#include "fs/nodes.h"
#include "fs/types.h"

#include <errno.h>
#include <poll.h>

struct waiter {
	struct node *node; /* borrowed: the handle has a ref */
	waiter_told *told;
	struct waiter *next, **prev; /* of fs->waiters */
	struct map *known;	     /* key -> revision; under fs->lock */

	pthread_mutex_t lock; /* guards all below */
	struct str text;
	uint64_t base; /* offset of its first byte */
	bool ended;
	struct fuse_req *request; /* that waits */
	off_t offset;
	size_t size;
	struct fuse_pollhandle *poll;
};

struct waiter *waiter_new(struct node *n, waiter_told *told)
{
	struct waiter *w = xcalloc(1, sizeof(*w));

	w->node = n;
	w->told = told;
	w->known = map_new();
	str_init(&w->text);
	pthread_mutex_init(&w->lock, NULL);
	w->next = n->fs->waiters;
	w->prev = &n->fs->waiters;
	if (w->next)
		w->next->prev = &w->next;
	*w->prev = w;
	return w;
}

void waiter_free(struct waiter *w)
{
	if (!w)
		return;
	*w->prev = w->next;
	if (w->next)
		w->next->prev = w->prev;
	if (w->poll)
		fuse_pollhandle_destroy(w->poll);
	map_free(w->known, NULL);
	str_release(&w->text);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

struct node *waiter_node(struct waiter *w)
{
	return w->node;
}

bool waiter_has(struct waiter *w, const char *key)
{
	return map_get(w->known, key) != NULL;
}

bool waiter_knows(struct waiter *w, const char *key, uint64_t revision)
{
	uintptr_t last = (uintptr_t)map_get(w->known, key);

	if (!revision)
		return !map_del(w->known, key);
	if (last && last >= revision)
		return true;
	map_put(w->known, key, (void *)(uintptr_t)revision);
	return false;
}

/* What stands at OFFSET; under the lock. */
static size_t available(const struct waiter *w, off_t offset, const char **bytes)
{
	uint64_t from = MAX((uint64_t)offset, w->base) - w->base;

	*bytes = w->text.s + MIN(from, w->text.len);
	return from < w->text.len ? w->text.len - from : 0;
}

/* Answers the request that waits, when there is something. Takes the lock over. */
static void answer(struct waiter *w)
{
	struct str out CLEANUP(str_release) = STR_INIT;
	struct fuse_req *request = w->request;
	struct fuse_pollhandle *poll = steal(&w->poll);
	const char *bytes;
	size_t n = request ? available(w, w->offset, &bytes) : 0;

	if (!n && !w->ended)
		request = NULL;
	if (request) {
		w->request = NULL;
		str_add(&out, bytes, MIN(n, w->size));
	}
	pthread_mutex_unlock(&w->lock);
	if (poll) {
		fuse_lowlevel_notify_poll(poll);
		fuse_pollhandle_destroy(poll);
	}
	if (!request)
		return;
	fuse_req_interrupt_func(request, NULL, NULL);
	fuse_reply_buf(request, out.s, out.len);
}

static void drop_oldest(struct waiter *w)
{
	size_t cut = w->text.len - SPOOL_MAX + SPOOL_MAX / 4;

	memmove(w->text.s, w->text.s + cut, w->text.len - cut);
	str_truncate(&w->text, w->text.len - cut);
	w->base += cut;
}

void waiter_add(struct waiter *w, const char *bytes, size_t len, bool ended)
{
	pthread_mutex_lock(&w->lock);
	str_add(&w->text, bytes, len);
	if (w->text.len > SPOOL_MAX)
		drop_oldest(w);
	w->ended |= ended;
	answer(w);
}

/* Runs in the thread of the loop, as every handler. */
static void on_interrupt(struct fuse_req *req, void *arg)
{
	struct waiter *w = arg;
	bool mine;

	pthread_mutex_lock(&w->lock);
	mine = w->request == req;
	if (mine)
		w->request = NULL;
	pthread_mutex_unlock(&w->lock);
	if (mine)
		fuse_reply_err(req, EINTR);
}

void waiter_read(struct waiter *w, struct fuse_req *req, off_t offset, size_t size,
		 bool non_blocking)
{
	const char *bytes;
	bool at_once;
	int error = 0;

	pthread_mutex_lock(&w->node->fs->lock);
	error = w->node->fs->waiters_stopped ? EINTR : 0;
	pthread_mutex_unlock(&w->node->fs->lock);
	/* Before anybody else knows of it: no interrupt is told while this thread is here. */
	fuse_req_interrupt_func(req, on_interrupt, w);
	if (fuse_req_interrupted(req))
		error = EINTR;
	pthread_mutex_lock(&w->lock);
	at_once = w->ended || available(w, offset, &bytes);
	if (!at_once && !error && (non_blocking || w->request))
		error = EAGAIN; /* two readers of one opening take turns */
	if (error && !at_once) {
		pthread_mutex_unlock(&w->lock);
		fuse_req_interrupt_func(req, NULL, NULL);
		fuse_reply_err(req, error);
		return;
	}
	if (at_once) {
		struct str out CLEANUP(str_release) = STR_INIT;

		str_add(&out, bytes, MIN(size, available(w, offset, &bytes)));
		pthread_mutex_unlock(&w->lock);
		fuse_req_interrupt_func(req, NULL, NULL);
		fuse_reply_buf(req, out.s, out.len);
		return;
	}
	w->request = req;
	w->offset = offset;
	w->size = size;
	pthread_mutex_unlock(&w->lock);
}

void waiter_poll(struct waiter *w, struct fuse_req *req, struct fuse_pollhandle *ph)
{
	struct fuse_pollhandle *old = ph;
	unsigned events;

	pthread_mutex_lock(&w->lock);
	events = w->ended || w->text.len ? POLLIN : 0;
	if (ph && !events) {
		old = w->poll;
		w->poll = ph;
	}
	pthread_mutex_unlock(&w->lock);
	if (old)
		fuse_pollhandle_destroy(old);
	fuse_reply_poll(req, events);
}

void waiters_changed(struct tree_type *t, struct object *old, struct object *new_)
{
	const struct object *o = new_ ? new_ : old;

	for (struct waiter *w = t->fs->waiters; w; w = w->next) {
		struct node *dir = type_directory_of(w->node);

		if (dir && dir->type == t && strcmp(dir->namespace, o->namespace) == 0)
			w->told(w, old, new_);
	}
}

void waiters_stop(struct fs *fs)
{
	VEC(struct fuse_req *) all = VEC_INIT;

	pthread_mutex_lock(&fs->lock);
	fs->waiters_stopped = true;
	for (struct waiter *w = fs->waiters; w; w = w->next) {
		pthread_mutex_lock(&w->lock);
		if (w->request)
			vec_push(&all, steal(&w->request));
		pthread_mutex_unlock(&w->lock);
	}
	pthread_mutex_unlock(&fs->lock);
	vec_each (&all, r) {
		fuse_req_interrupt_func(*r, NULL, NULL);
		fuse_reply_err(*r, EINTR);
	}
	vec_release(&all);
}
