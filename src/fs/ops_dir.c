/* lookup, forget, getattr, readlink, statfs, and reading directories. */
#include "fs/ops.h"

#include "fs/draft.h"
#include "fs/holds.h"

#include <errno.h>

#define MANY 2000 /* entries: their listing is not made on the thread that reads requests */
#define INODES_FREE (1 << 20) /* what df -i shows: there is no bound */

/* A lookup that finds nothing is not remembered by the kernel: what appears is seen at once. */
static void run_lookup(struct op *op, const struct call *call)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct fuse_entry_param e;
	struct node *n = NULL;

	if (tree_lookup(op->node, op->name, op->tid, call, &n, &err) < 0) {
		op_fail(op, err);
		return;
	}
	op_entry(n, &e);
	if (fuse_reply_entry(op_reply(op), &e) < 0)
		node_forget(n, 1); /* the caller was interrupted: the kernel has no ref */
}

static void on_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct op op = op_begin(req, parent);

	op.name = (char *)name;
	op.run = run_lookup;
	op_start(&op, op_ready(op.node));
}

static void forget(fuse_req_t req, fuse_ino_t ino, uint64_t count)
{
	if (ino != FUSE_ROOT_ID)
		node_forget(op_node(req, ino), count);
}

static void on_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count)
{
	forget(req, ino, count);
	fuse_reply_none(req);
}

static void on_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *v)
{
	for (size_t i = 0; i < count; i++)
		forget(req, v[i].ino, v[i].nlookup);
	fuse_reply_none(req);
}

static void on_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;
	double timeout = op_attr(op_node(req, ino), &st);

	fuse_reply_attr(req, &st, timeout);
}

static void on_readlink(fuse_req_t req, fuse_ino_t ino)
{
	fuse_reply_readlink(req, op_node(req, ino)->text.s);
}

static void on_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs st = {
		.f_bsize = 4096,
		.f_frsize = 4096,
		.f_blocks = SCRATCH_MAX / 4096,
		.f_namemax = NAME_BYTES,
		.f_ffree = INODES_FREE,
		.f_favail = INODES_FREE,
	};
	struct fs *fs = op_node(req, ino)->fs;

	pthread_mutex_lock(&fs->lock);
	st.f_files = fs->n_nodes + INODES_FREE; /* in use: those that the tree knows now */
	st.f_bfree = st.f_bavail = (SCRATCH_MAX - fs->scratch_bytes) / 4096;
	pthread_mutex_unlock(&fs->lock);
	fuse_reply_statfs(req, &st);
}

/*
 * The kernel may keep what it read of a directory while that stays the same. It is told so at the
 * next opendir, which always comes here.
 *
 * It has one cache a directory, filled by whoever reads and read by all, who find their place in it
 * by the number of an entry. Two openings of different listings would each read on where the other
 * had counted: names would come twice or not at all. So all openings that use it have one listing,
 * and who comes with another while they last reads past it. So does who comes before the first of
 * them reads: the kernel throws away what it has only after it was told to, and might still show
 * it.
 */
static void use_cache(struct op *op, struct handle *h)
{
	struct node *dir = op->node;

	FS_LOCK(op->fs);
	bool same = dir->listed == h->listing.digest;

	h->caching = !(dir->kind->flags & NODE_BRIEF) && (same || !dir->caching);
	op->fi.cache_readdir = h->caching;
	op->fi.keep_cache = same || !h->caching;
	if (!h->caching)
		return;
	dir->caching++;
	h->filling = !same;
	if (h->filling)
		dir->listed = 0;
}

static void run_opendir(struct op *op, const struct call *call)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct node *dir = op->node;
	struct handle *h;

	if (tree_prepare(dir, call, &err) < 0) {
		op_fail(op, err);
		return;
	}
	h = handle_new(dir);
	tree_list(dir, &h->listing);
	op->fi.fh = (uintptr_t)h;
	use_cache(op, h);
	if (fuse_reply_open(op_reply(op), &op->fi) < 0)
		handle_unref(h);
}

static bool lists_many(struct node *dir)
{
	FS_LOCK(dir->fs);
	return dir->entries >= MANY;
}

static void on_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct op op = op_begin(req, ino);

	op.fi = *fi;
	op.run = run_opendir;
	op_start(&op, op_ready(op.node) && !lists_many(op.node));
}

static void on_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	handle_unref(handle_of(fi));
	fuse_reply_err(req, 0);
}

/* "." and ".." are entries 0 and 1. */
static size_t add_dot(fuse_req_t req, char *buf, size_t size, struct node *dir, size_t i, bool plus)
{
	const char *name = i == 0 ? "." : "..";
	struct node *above = dir->fs->above ? dir->fs->above->root : dir;
	struct node *n = !i ? dir : dir->parent ? dir->parent : above;
	struct fuse_entry_param e = {.attr = {.st_ino = n->ino, .st_mode = S_IFDIR}};

	if (plus)
		return fuse_add_direntry_plus(req, buf, size, name, &e, (off_t)i + 1);
	return fuse_add_direntry(req, buf, size, name, &e.attr, (off_t)i + 1);
}

/* An entry whose object went since the listing was made is left to a lookup of its own. */
static size_t add_plus(fuse_req_t req, char *buf, size_t size, struct node *dir,
		       const struct entry *x, off_t next)
{
	static const struct call at_once = {.timeout_ms = 1};
	struct fuse_entry_param e = {.attr = {.st_ino = x->ino, .st_mode = x->mode}};
	struct node *n = NULL;
	size_t len = fuse_add_direntry_plus(req, NULL, 0, x->name, NULL, 0);

	if (len > size)
		return len;
	if (tree_lookup(dir, x->name, 0, &at_once, &n, NULL) == 0)
		op_entry(n, &e);
	return fuse_add_direntry_plus(req, buf, size, x->name, &e, next);
}

static void reply_entries(struct op *op)
{
	struct handle *h = op->handle;
	char *buf free_ptr = xmalloc(op->size);
	size_t used = 0, i = (size_t)op->offset, n = h->listing.n + 2;

	for (; i < n; i++) {
		const struct entry *x = i < 2 ? NULL : &h->listing.v[i - 2];
		struct stat st = {.st_ino = x ? x->ino : 0, .st_mode = x ? x->mode : 0};
		size_t room = op->size - used, len;

		if (!x)
			len = add_dot(op->req, buf + used, room, op->node, i, op->plus);
		else if (op->plus)
			len = add_plus(op->req, buf + used, room, op->node, x, (off_t)i + 1);
		else
			len = fuse_add_direntry(op->req, buf + used, room, x->name, &st,
						(off_t)i + 1);
		if (len > room)
			break;
		used += len;
	}
	fuse_reply_buf(op_reply(op), buf, used);
}

/*
 * From its beginning a directory is read as it is now, so that no old listing is kept as new; but
 * not while others read the same listing out of the kernel's cache, which this would fill anew.
 */
static bool has_to_list(struct handle *h)
{
	struct node *dir = h->node;

	FS_LOCK(dir->fs);
	bool has_to = h->listing.names != dir->names && !(h->caching && dir->caching > 1);

	if (has_to && h->caching)
		dir->listed = 0;
	else if (h->filling)
		dir->listed = h->listing.digest;
	h->filling = false;
	return has_to;
}

/* What had been told of the directory, as all of a type's first list is, was in the listing
 * already: then the kernel may keep it. */
static void list_again(struct handle *h)
{
	uint64_t before = h->listing.digest;

	tree_list(h->node, &h->listing);
	FS_LOCK(h->node->fs);
	if (h->caching && h->listing.digest == before)
		h->node->listed = before;
}

static void run_read(struct op *op, const struct call *call)
{
	struct handle *h = op->handle;

	pthread_mutex_lock(&h->lock);
	if (op->offset == 0 && has_to_list(h))
		list_again(h);
	reply_entries(op);
	pthread_mutex_unlock(&h->lock);
}

static void start_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		       struct fuse_file_info *fi, bool plus)
{
	struct op op = op_begin(req, ino);

	op.handle = handle_of(fi);
	op.size = size;
	op.offset = offset;
	op.plus = plus;
	op.run = run_read;
	op_start(&op, offset || !lists_many(op.node));
}

static void on_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		       struct fuse_file_info *fi)
{
	start_read(req, ino, size, offset, fi, false);
}

static void on_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
			   struct fuse_file_info *fi)
{
	start_read(req, ino, size, offset, fi, true);
}

/* Deletions that are held are sent before fsync of a directory returns. */
static void run_fsyncdir(struct op *op, const struct call *call)
{
	holds_flush(op->fs->holds);
	fuse_reply_err(op_reply(op), 0);
}

static void on_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	struct op op = op_begin(req, ino);

	op.run = run_fsyncdir;
	op_start(&op, false);
}

void ops_dir(struct fuse_lowlevel_ops *ops)
{
	ops->lookup = on_lookup;
	ops->forget = on_forget;
	ops->forget_multi = on_forget_multi;
	ops->getattr = on_getattr;
	ops->readlink = on_readlink;
	ops->statfs = on_statfs;
	ops->opendir = on_opendir;
	ops->releasedir = on_releasedir;
	ops->readdir = on_readdir;
	ops->readdirplus = on_readdirplus;
	ops->fsyncdir = on_fsyncdir;
}
