/* open, create, read, write, flush, fsync, release, setattr. */
#include "fs/ops.h"

#include "base/log.h"
#include "fs/absent.h"
#include "fs/draft.h"
#include "fs/holds.h"
#include "fs/nodes.h"
#include "fs/notifier.h"
#include "fs/texts.h"
#include "fs/waiter.h"
#include "fs/wants.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

/* A text that no object has, or not yet. Under fs->lock. */
static bool is_scratch(const struct node *n)
{
	return n->draft && !n->object;
}

static bool wants_to_write(int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY;
}

static void reply_handle(struct op *op, struct handle *h)
{
	op->fi.fh = (uintptr_t)h;
	op->fi.direct_io = 1;
	op->fi.noflush = !h->writable;
	if (fuse_reply_open(op_reply(op), &op->fi) < 0)
		handle_unref(h);
}

static struct handle *writing_handle(struct op *op, struct draft *d)
{
	struct handle *h = handle_new(op->node);
	pid_t opener = process_of(op->tid);

	/* The flush of another opening looks at all there are. */
	FS_LOCK(op->fs);
	h->draft = d;
	h->writable = true;
	h->opener = opener;
	return h;
}

/* The text that this opening will show. */
static int render(struct op *op, struct str *out, const struct call *call, struct error **err)
{
	const struct node_ops *ops = op->node->kind->ops;
	int64_t wall = clock_wall(op->fs->clock);

	if (!ops->render)
		return 0;
	if (ops->render(op->node, call, out, err) < 0)
		return -1;
	FS_LOCK(op->fs);
	op->node->size = out->len;
	op->node->mtime = (struct timespec){wall / NS_PER_S, wall % NS_PER_S};
	op->node->changed = op->node->mtime;
	return 0;
}

/* A stream is read by offset and never kept by the kernel; a writer gets a text of its own. */
static void run_open_stream(struct op *op, const struct call *call)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	const struct node_ops *ops = op->node->kind->ops;
	bool writing = wants_to_write(op->fi.flags);
	struct str text CLEANUP(str_release) = STR_INIT;
	struct handle *h;

	if (writing && !ops->submit) {
		fuse_reply_err(op_reply(op), EACCES);
		return;
	}
	if (writing && node_read_only(op->node)) {
		fuse_reply_err(op_reply(op), EROFS);
		return;
	}
	if ((ops->open && ops->open(op->node, call, &err) < 0) ||
	    (!writing && render(op, &text, call, &err) < 0)) {
		op_fail(op, err);
		return;
	}
	h = writing ? writing_handle(op, draft_new(op->fs, DRAFT_FREE)) : handle_new(op->node);
	h->stream = true;
	if (ops->begin) {
		FS_LOCK(op->fs);
		h->waiter = ops->begin(op->node);
	}
	str_add(&h->text, text.s, text.len);
	reply_handle(op, h);
}

static void open_scratch(struct op *op)
{
	struct handle *h;

	if (!wants_to_write(op->fi.flags)) {
		reply_handle(op, handle_new(op->node));
		return;
	}
	if (op->fi.flags & O_TRUNC) {
		FS_LOCK(op->fs);
		draft_truncate(op->node->draft, 0);
	}
	h = writing_handle(op, draft_ref(op->node->draft));
	reply_handle(op, h);
}

/* What others write on as well. */
static struct draft *join_draft(struct op *op)
{
	struct node *n = op->node;

	FS_LOCK(op->fs);
	wants_remove(op->fs->wants, n->parent, n->name, op->tid);
	if (n->draft && op->fi.flags & O_TRUNC)
		draft_truncate(n->draft, 0);
	return n->draft ? draft_ref(n->draft) : NULL;
}

/* The version becomes the text that is written on. The kernel may have the node by its name: it
 * forgets that. */
static struct draft *begin_draft(struct op *op)
{
	struct node *n = op->node;
	struct draft *d = join_draft(op);

	if (d)
		return d;
	d = draft_new(op->fs, DRAFT_FREE);
	if (!(op->fi.flags & O_TRUNC))
		tree_read(n, 0, n->size, &d->text);
	FS_LOCK(op->fs);
	n->private = true;
	n->reserved = -1;
	n->draft = draft_ref(d);
	if (node_child(n->parent, n->name) == n)
		node_stale(n->parent, n->name);
	return d;
}

/* See wants.h: a version's node is not written on, nor another's text read; the kernel is sent to
 * look again. */
static bool may_open_here(struct op *op)
{
	struct node *n = op->node;

	FS_LOCK(op->fs);
	if (n->private ? n->reserved == op->tid : !wants_to_write(op->fi.flags))
		return true;
	if (wants_has(op->fs->wants, n->parent, n->name, op->tid))
		return true;
	wants_add(op->fs->wants, n->parent, n->name, op->tid);
	return false;
}

static int may_write(const struct node *n)
{
	if (!n->kind->ops->submit)
		return EACCES;
	if (node_read_only(n))
		return EROFS;
	return n->resource->verbs & (VERB_UPDATE | VERB_PATCH) ? 0 : EPERM;
}

static void open_for_writing(struct op *op)
{
	int refusal = may_write(op->node);

	if (!refusal && !may_open_here(op))
		refusal = ESTALE;
	if (refusal)
		fuse_reply_err(op->req, refusal);
	else
		reply_handle(op, writing_handle(op, begin_draft(op)));
}

static void open_for_reading(struct op *op)
{
	struct node *n = op->node;
	bool written_on;

	if (!may_open_here(op)) {
		fuse_reply_err(op->req, ESTALE);
		return;
	}
	pthread_mutex_lock(&op->fs->lock);
	wants_remove(op->fs->wants, n->parent, n->name, op->tid);
	written_on = n->draft;
	pthread_mutex_unlock(&op->fs->lock);
	if (written_on) {
		reply_handle(op, handle_new(n));
		return;
	}
	if (n->object)
		served_note(op->fs->served, n->object);
	op->fi.fh = 0;
	op->fi.keep_cache = 1;
	op->fi.noflush = 1;
	fuse_reply_open(op->req, &op->fi);
}

static void on_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct op op = op_begin(req, ino);

	op.fi = *fi;
	if (op.node->kind->flags & NODE_STREAM) {
		op.run = run_open_stream;
		op_start(&op, !op.node->kind->ops->open && !op.node->kind->ops->render);
	} else if (op.node->draft && !op.node->object) {
		open_scratch(&op);
	} else if (wants_to_write(fi->flags)) {
		open_for_writing(&op);
	} else {
		open_for_reading(&op);
	}
}

/* A scratch file may get another name at any time: its name is read under the lock. */
static void claim(struct handle *h, bool yes)
{
	struct node *dir CLEANUP(node_unref_cleanup) = NULL;
	char *name free_ptr = NULL;

	pthread_mutex_lock(&h->node->fs->lock);
	dir = node_ref(h->node->parent);
	if (node_writes(dir, h->node->name) == &object_file_ops)
		name = object_name_of_file(dir->resource, h->node->name);
	pthread_mutex_unlock(&h->node->fs->lock);
	if (name && (yes || h->claimed))
		holds_claim(dir->fs->holds, dir->resource, dir->namespace, name, yes);
	h->claimed = yes;
}

static struct node *create_node(struct op *op)
{
	struct draft *d CLEANUP(draft_unref_cleanup) =
		draft_new(op->fs, node_writes(op->node, op->name) ? DRAFT_FREE : DRAFT_SCRATCH);
	struct node *n;

	FS_LOCK(op->fs);
	n = scratch_find(op->node, op->name);
	return n ? node_ref(n) : scratch_add(op->node, op->name, d, op->mode);
}

static struct node *find_private(struct op *op)
{
	FS_LOCK(op->fs);
	return tree_private(op->node, op->name, op->tid);
}

/*
 * The file becomes OP's node, what is to be written on *OUT. An object that appeared since the
 * kernel looked is opened as it would be now: to send the kernel to look again does not do, for it
 * does so once, and may have been sent already.
 */
static int create_or_open(struct op *op, struct draft **out)
{
	struct node *n = find_private(op);
	int refusal = !n ? 0 : op->fi.flags & O_EXCL ? EEXIST : may_write(n);

	if (refusal) {
		node_unref(n);
		return refusal;
	}
	op->node = n ? n : create_node(op);
	*out = n ? begin_draft(op) : draft_ref(op->node->draft);
	return 0;
}

/* A generated name that was just removed, and that nobody writes to. */
static bool is_generated(struct op *op)
{
	FS_LOCK(op->fs);
	return absent_has(op->fs->absent, op->node, op->name);
}

static int may_create(struct op *op)
{
	const struct node_ops *ops = node_writes(op->node, op->name);

	if (!(op->node->kind->flags & NODE_SCRATCH))
		return EPERM;
	if (node_read_only(op->node))
		return EROFS;
	if (strlen(op->name) > NAME_BYTES)
		return ENAMETOOLONG;
	if (op->node->resource && ops && !(op->node->resource->verbs & (VERB_CREATE | VERB_PATCH)))
		return EPERM;
	if (!ops && is_generated(op))
		return EACCES;
	return 0;
}

static void on_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		      struct fuse_file_info *fi)
{
	struct op op = op_begin(req, parent);
	struct fuse_entry_param e;
	struct draft *d = NULL;
	struct handle *h;
	int ret;

	op.name = (char *)name;
	op.mode = mode;
	op.fi = *fi;
	ret = may_create(&op);
	if (!ret)
		ret = create_or_open(&op, &d);
	if (ret) {
		fuse_reply_err(req, ret);
		return;
	}
	h = writing_handle(&op, d);
	claim(h, true);
	op_entry(op.node, &e);
	op.fi.fh = (uintptr_t)h;
	op.fi.direct_io = 1;
	if (fuse_reply_create(req, &e, &op.fi) < 0) {
		node_forget(op.node, 1);
		handle_unref(h);
	}
}

static void on_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		    struct fuse_file_info *fi)
{
	struct node *n = op_node(req, ino);
	struct handle *h = handle_of(fi);
	struct str out CLEANUP(str_release) = STR_INIT;
	struct draft *d = h && h->draft && !h->stream ? h->draft : NULL;

	if (h && h->waiter) {
		waiter_read(h->waiter, req, offset, size, fi->flags & O_NONBLOCK);
		return;
	}
	pthread_mutex_lock(&n->fs->lock);
	if (!d && h && !h->stream)
		d = n->draft;
	if (d && (size_t)offset < d->text.len)
		str_add(&out, d->text.s + offset, MIN(size, d->text.len - (size_t)offset));
	pthread_mutex_unlock(&n->fs->lock);
	if (n->kind->ops->render && h && (size_t)offset < h->text.len)
		str_add(&out, h->text.s + offset, MIN(size, h->text.len - (size_t)offset));
	else if (!d && !n->kind->ops->render)
		tree_read(n, offset, size, &out);
	fuse_reply_buf(req, out.s, out.len);
}

/* All but what blocks can be read and written at any time. */
static void on_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
		    struct fuse_pollhandle *ph)
{
	struct handle *h = handle_of(fi);

	if (h && h->waiter) {
		waiter_poll(h->waiter, req, ph);
		return;
	}
	if (ph)
		fuse_pollhandle_destroy(ph);
	fuse_reply_poll(req, POLLIN | POLLOUT);
}

static void on_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t offset,
		     struct fuse_file_info *fi)
{
	struct handle *h = handle_of(fi);
	int ret = EBADF;

	if (h && h->draft) {
		FS_LOCK(h->node->fs);
		ret = draft_write(h->draft, buf, size, offset);
		if (ret == 0 && is_scratch(h->node))
			scratch_touch(h->node, true);
	}
	if (ret)
		fuse_reply_err(req, ret);
	else
		fuse_reply_write(req, size);
}

/* A scratch file by an object's name is that object's text; when it was sent the name is the
 * object's, or the text is in .rejected. */
static int submit_scratch(struct node *n, struct node *dir, const char *name, struct draft *d,
			  pid_t writer, const struct call *call, struct error **err)
{
	const struct node_ops *ops = node_writes(dir, name);
	struct node *gone = NULL;
	int ret;

	if (!ops)
		return 0;
	ret = ops->submit(dir, name, d, writer, call, err);
	pthread_mutex_lock(&dir->fs->lock);
	if (scratch_find(dir, name) == n)
		gone = scratch_remove(dir, name);
	absent_remove(dir->fs->absent, dir, name);
	pthread_mutex_unlock(&dir->fs->lock);
	node_unref(gone);
	return ret;
}

static int submit(struct handle *h, const struct call *call, struct error **err)
{
	struct node *n = h->node, *dir;
	char *name free_ptr = NULL;
	int ret;

	pthread_mutex_lock(&n->fs->lock);
	dir = node_ref(n->parent);
	name = xstrdup(n->name);
	pthread_mutex_unlock(&n->fs->lock);
	if (n->kind->ops->submit)
		ret = n->kind->ops->submit(dir, name, h->draft, h->opener, call, err);
	else
		ret = submit_scratch(n, dir, name, h->draft, h->opener, call, err);
	node_unref(dir);
	return ret;
}

static bool has_to_submit(struct handle *h)
{
	FS_LOCK(h->node->fs);
	return h->draft && draft_dirty(h->draft) && !(h->draft->gone && !h->node->object);
}

/*
 * Behind the notices of what was written: the writer's next look finds it. An apply writes
 * anywhere.
 */
static void answer_writer(struct op *op, int error)
{
	struct handle *h = op->handle;
	uint64_t dir;

	pthread_mutex_lock(&op->fs->lock);
	dir = h->stream ? 0 : node_id(h->node->parent);
	pthread_mutex_unlock(&op->fs->lock);
	notifier_answer(op->fs->notifier, dir, op_reply(op), error);
}

static void run_submit(struct op *op, const struct call *call)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	int ret = has_to_submit(op->handle) ? submit(op->handle, call, &err) : 0;

	answer_writer(op, ret < 0 ? error_errno(err) : 0);
}

/*
 * The kernel holds the file's lock while it waits for this: behind a notice it would wait for
 * whoever removes the file, who holds the directory's lock and waits for the file's.
 */
static void run_fsync(struct op *op, const struct call *call)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	int ret = has_to_submit(op->handle) ? submit(op->handle, call, &err) : 0;

	op->handle->synced = true;
	fuse_reply_err(op_reply(op), ret < 0 ? error_errno(err) : 0);
}

/* How many openings for writing of H's file its process has, H's own among them. */
static size_t openings_like(struct handle *h, uint64_t *ino)
{
	size_t n = 0;

	FS_LOCK(h->node->fs);
	*ino = h->node->ino;
	for (struct handle *x = h->node->fs->handles; x; x = x->next)
		n += x->writable && x->opener == h->opener && x->node->ino == *ino;
	return n;
}

/*
 * One close among several of the same opening is no end of writing: a shell that has the file as
 * its descriptor 3 makes it 1 for every "echo a >&3" and closes that 1 again. The kernel does not
 * tell which is the last one; the process's table does, where every other opening has one entry.
 */
static void run_flush(struct op *op, const struct call *call)
{
	uint64_t ino;
	size_t openings = openings_like(op->handle, &ino);

	if (process_writers(op->handle->opener, ino) >= openings)
		fuse_reply_err(op_reply(op), 0);
	else
		run_submit(op, call);
}

static void start_submit(fuse_req_t req, fuse_ino_t ino, struct handle *h,
			 void (*run)(struct op *op, const struct call *call))
{
	struct op op = op_begin(req, ino);

	op.handle = h;
	op.run = run;
	op_start(&op, false);
}

/* Every close comes here, of every process that has the file; only the opener's applies. */
static void on_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct handle *h = handle_of(fi);

	if (h && h->writable && (h->synced || has_to_submit(h)) &&
	    process_of(fuse_req_ctx(req)->pid) == h->opener)
		start_submit(req, ino, h, run_flush);
	else
		fuse_reply_err(req, 0);
}

static void on_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	struct handle *h = handle_of(fi);

	if (h && h->writable && has_to_submit(h))
		start_submit(req, ino, h, run_fsync);
	else
		fuse_reply_err(req, 0);
}

/* The kernel's reference goes. */
static void end_handle(struct handle *h)
{
	if (h->claimed)
		claim(h, false);
	if (h->stream && h->node->kind->ops->close)
		h->node->kind->ops->close(h->node);
	handle_unref(h);
}

/*
 * The last reference: what the opener never closed is applied now, with nobody to tell. Nor is
 * anybody there who could interrupt it: the end of the mount waits for it.
 */
static void run_release(struct op *op, const struct call *call)
{
	struct handle *h = op->handle;

	if (h->writable && has_to_submit(h))
		submit(h, NULL, NULL);
	fuse_reply_err(op_reply(op), 0);
	end_handle(h);
}

static void say_unsent(const struct handle *h)
{
	struct str path CLEANUP(str_release) = STR_INIT;

	pthread_mutex_lock(&h->node->fs->lock);
	node_path(h->node, &path);
	pthread_mutex_unlock(&h->node->fs->lock);
	log_warn("%s was still being written when the mount ended: nothing of it was sent", path.s);
}

/*
 * The kernel answers a close before we know of it: at the end of the mount releases may still be
 * on their way, and then never come.
 */
void handles_end(struct fs *fs, bool whole)
{
	VEC(struct handle *) all = VEC_INIT;

	pthread_mutex_lock(&fs->lock);
	for (struct handle *h = fs->handles; h; h = h->next)
		vec_push(&all, h);
	pthread_mutex_unlock(&fs->lock);
	vec_each (&all, h) {
		bool unsent = (*h)->writable && has_to_submit(*h);

		if (unsent && whole)
			submit(*h, NULL, NULL);
		else if (unsent)
			say_unsent(*h);
		end_handle(*h);
	}
	vec_release(&all);
}

static void on_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct op op = op_begin(req, ino);

	op.handle = handle_of(fi);
	if (!op.handle) {
		fuse_reply_err(req, 0);
		return;
	}
	op.run = run_release;
	op_start(&op, !(op.handle->writable || op.handle->stream));
}

/* Under fs->lock. */
static void set_scratch(struct node *n, const struct stat *attr, int to_set)
{
	scratch_touch(n, to_set & (FUSE_SET_ATTR_SIZE | FUSE_SET_ATTR_MTIME_NOW));
	if (to_set & FUSE_SET_ATTR_MODE)
		n->mode = S_IFREG | (attr->st_mode & 0777);
	if (to_set & FUSE_SET_ATTR_MTIME)
		n->mtime = attr->st_mtim;
}

/* What an object has of owner, mode and times is not the user's to set: it stays, quietly. */
static int set_attributes(struct op *op, const struct stat *attr, int to_set, struct draft *d)
{
	const struct fs_options *o = &op->fs->opt;
	int ret = 0;

	if ((to_set & FUSE_SET_ATTR_UID && attr->st_uid != o->uid) ||
	    (to_set & FUSE_SET_ATTR_GID && attr->st_gid != o->gid))
		return EPERM;
	FS_LOCK(op->fs);
	if (!d)
		d = op->node->draft;
	if (to_set & FUSE_SET_ATTR_SIZE && d)
		ret = draft_truncate(d, attr->st_size);
	if (ret == 0 && is_scratch(op->node))
		set_scratch(op->node, attr, to_set);
	return ret;
}

static void on_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		       struct fuse_file_info *fi)
{
	struct op op = op_begin(req, ino);
	struct handle *h = handle_of(fi);
	int ret = set_attributes(&op, attr, to_set, h ? h->draft : NULL);
	struct stat st;
	double timeout;

	if (ret) {
		fuse_reply_err(req, ret);
		return;
	}
	timeout = op_attr(op.node, &st);
	fuse_reply_attr(req, &st, timeout);
}

void ops_file(struct fuse_lowlevel_ops *ops)
{
	ops->open = on_open;
	ops->create = on_create;
	ops->read = on_read;
	ops->write = on_write;
	ops->poll = on_poll;
	ops->flush = on_flush;
	ops->fsync = on_fsync;
	ops->release = on_release;
	ops->setattr = on_setattr;
}
