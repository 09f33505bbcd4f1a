#include "fs/ops.h"

#include "fs/draft.h"
#include "fs/process.h"
#include "fs/waiter.h"

#include <errno.h>

struct fs *op_fs(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

struct node *op_node(fuse_req_t req, fuse_ino_t ino)
{
	return ino == FUSE_ROOT_ID ? op_fs(req)->root : (struct node *)(uintptr_t)ino;
}

struct op op_begin(fuse_req_t req, fuse_ino_t ino)
{
	struct node *n = op_node(req, ino);

	return (struct op){
		.req = req,
		.fs = n->fs,
		.node = n,
		.tid = fuse_req_ctx(req)->pid,
	};
}

bool op_ready(struct node *dir)
{
	FS_LOCK(dir->fs);
	return tree_ready(dir);
}

static void op_free(struct op *op)
{
	node_unref(op->node);
	node_unref(op->to);
	handle_unref(op->handle);
	free(op->name);
	free(op->new_name);
	free(op);
}

/*
 * The kernel interrupts for every signal that a program handles. A shell whose child ends while it
 * closes what "echo 2 >file" wrote wants that to be written all the same.
 */
static void on_interrupt(fuse_req_t req, void *cancel)
{
	if (process_is_interrupted(fuse_req_ctx(req)->pid))
		cancel_fire(cancel);
}

static void run_parked(void *arg, struct cancel *cancel)
{
	struct op *op = arg;
	struct call call = {.cancel = cancel};

	op->run(op, &call);
	op_free(op);
}

static void ref_one(struct node *n)
{
	FS_LOCK(n->fs);
	node_ref(n);
}

static struct op *op_park(const struct op *op)
{
	struct op *copy = xmemdup(op, sizeof(*op));

	copy->name = op->name ? xstrdup(op->name) : NULL;
	copy->new_name = op->new_name ? xstrdup(op->new_name) : NULL;
	if (copy->handle)
		handle_ref(copy->handle);
	ref_one(copy->node);
	if (copy->to)
		ref_one(copy->to);
	return copy;
}

/* After the function is taken off no interrupt is being handled: the cancel may go. */
fuse_req_t op_reply(struct op *op)
{
	if (op->parked)
		fuse_req_interrupt_func(op->req, NULL, NULL);
	return op->req;
}

void op_start(struct op *op, bool now)
{
	static const struct call at_once = {.timeout_ms = 1};
	struct cancel *cancel;

	if (now) {
		op->run(op, &at_once);
		return;
	}
	cancel = cancel_new();
	struct op *parked = op_park(op);

	parked->parked = true;
	fuse_req_interrupt_func(op->req, on_interrupt, cancel);
	pool_submit(op->fs->pool, run_parked, parked, cancel);
	cancel_unref(cancel);
}

void op_fail(struct op *op, const struct error *err)
{
	fuse_reply_err(op_reply(op), error_errno(err));
}

/* Is what its name shows only good once? */
static bool is_brief(const struct node *n)
{
	FS_LOCK(n->fs);
	return n->private || n->draft || n->adrift || n->kind->flags & NODE_BRIEF;
}

double op_attr(struct node *n, struct stat *st)
{
	node_stat(n, st);
	return n->kind->flags & NODE_STREAM || is_brief(n) ? 0 : ATTR_FOREVER_S;
}

void op_entry(struct node *n, struct fuse_entry_param *e)
{
	memset(e, 0, sizeof(*e));
	pthread_mutex_lock(&n->fs->lock);
	n->lookups++;
	pthread_mutex_unlock(&n->fs->lock);
	e->ino = (uintptr_t)n;
	e->attr_timeout = op_attr(n, &e->attr);
	/* A stream's name is good for long, its attributes are not. */
	e->entry_timeout = is_brief(n) ? 0 : ATTR_FOREVER_S;
}

struct handle *handle_new(struct node *n)
{
	struct handle *h = xcalloc(1, sizeof(*h));

	h->refs = 1;
	str_init(&h->text);
	pthread_mutex_init(&h->lock, NULL);
	pthread_mutex_lock(&n->fs->lock);
	h->node = node_ref(n);
	h->next = n->fs->handles;
	h->prev = &n->fs->handles;
	if (h->next)
		h->next->prev = &h->next;
	*h->prev = h;
	pthread_mutex_unlock(&n->fs->lock);
	return h;
}

struct handle *handle_ref(struct handle *h)
{
	h->refs++;
	return h;
}

void handle_unref(struct handle *h)
{
	if (!h || --h->refs > 0)
		return;
	pthread_mutex_lock(&h->node->fs->lock);
	waiter_free(h->waiter);
	h->node->caching -= h->caching;
	*h->prev = h->next;
	if (h->next)
		h->next->prev = h->prev;
	pthread_mutex_unlock(&h->node->fs->lock);
	listing_release(&h->listing);
	str_release(&h->text);
	draft_unref(h->draft);
	node_unref(h->node);
	pthread_mutex_destroy(&h->lock);
	free(h);
}
