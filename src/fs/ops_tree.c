/*
 * unlink, rmdir, mkdir, rename; no links or devices. The kernel holds the directory's lock while
 * they wait: notices about names in it wait too (notifier.h).
 */
#include "fs/ops.h"

#include "fs/absent.h"
#include "fs/draft.h"
#include "fs/nodes.h"
#include "fs/notifier.h"
#include "fs/texts.h"
#include "fs/write.h"

#include <errno.h>
#include <fcntl.h>

/* What waits with the lock of DIR (and TO) held by the kernel. */
static void start_locked(struct op *op)
{
	notifier_hold(op->fs->notifier, node_id(op->node));
	if (op->to)
		notifier_hold(op->fs->notifier, node_id(op->to));
	op_start(op, false);
}

static void end_locked(struct op *op, int error)
{
	uint64_t dir = node_id(op->node), to = op->to ? node_id(op->to) : 0;

	fuse_reply_err(op_reply(op), error);
	notifier_let(op->fs->notifier, dir);
	if (op->to)
		notifier_let(op->fs->notifier, to);
}

static int remove_name(struct op *op, const struct call *call, struct error **err)
{
	struct node *n CLEANUP(node_unref_cleanup) = NULL, *scratch = NULL;

	if (node_read_only(op->node))
		return error_set(err, E_READ_ONLY, "this tree is read only");
	if (tree_lookup(op->node, op->name, 0, call, &n, err) < 0)
		return -1;
	if (n->draft) {
		pthread_mutex_lock(&op->fs->lock);
		if (scratch_find(op->node, op->name) == n)
			scratch = scratch_remove(op->node, op->name);
		pthread_mutex_unlock(&op->fs->lock);
		node_unref(scratch);
		return 0;
	}
	if (n->kind->ops->remove)
		return n->kind->ops->remove(op->node, op->name, n, call, err);
	if (!*op->node->namespace)
		return error_set(err, E_PERMISSION, "\"%s\" cannot be removed", op->name);
	pthread_mutex_lock(&op->fs->lock);
	absent_add(op->fs->absent, op->node, op->name);
	pthread_mutex_unlock(&op->fs->lock);
	return 0;
}

static void run_remove(struct op *op, const struct call *call)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	int ret = remove_name(op, call, &err);

	end_locked(op, ret < 0 ? error_errno(err) : 0);
}

static void on_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct op op = op_begin(req, parent);

	op.name = (char *)name;
	op.run = run_remove;
	start_locked(&op);
}

static int make_directory(struct op *op, const struct call *call, struct node **out,
			  struct error **err)
{
	const struct node_ops *ops = op->node->kind->ops;

	if (node_read_only(op->node))
		return error_set(err, E_READ_ONLY, "this tree is read only");
	if (!ops->mkdir)
		return error_set(err, E_PERMISSION, "directories are the cluster's here");
	if (ops->mkdir(op->node, op->name, call, err) < 0)
		return -1;
	return tree_lookup(op->node, op->name, 0, call, out, err);
}

static void run_mkdir(struct op *op, const struct call *call)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct fuse_entry_param e;
	struct node *n = NULL;

	if (make_directory(op, call, &n, &err) < 0) {
		end_locked(op, error_errno(err));
		return;
	}
	op_entry(n, &e);
	if (fuse_reply_entry(op_reply(op), &e) < 0)
		node_forget(n, 1);
	notifier_let(op->fs->notifier, node_id(op->node));
}

static void on_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct op op = op_begin(req, parent);

	op.name = (char *)name;
	op.run = run_mkdir;
	start_locked(&op);
}

/* A scratch file onto another name: an object's name applies it. */
static int rename_scratch(struct op *op, struct node *n, struct node *target,
			  const struct call *call, struct error **err)
{
	const struct node_ops *ops = target && !target->draft ? target->kind->ops : NULL;
	const struct node_ops *own = node_writes(op->to, op->new_name);
	struct node *gone;
	bool applied = ops || own;
	int ret = 0;

	if (ops && !ops->submit)
		return error_set(err, E_PERMISSION, "\"%s\" cannot be replaced", op->new_name);
	if (applied)
		ret = (ops ? ops : own)
			      ->submit(op->to, op->new_name, n->draft, process_of(op->tid), call,
				       err);
	if (ret < 0)
		return -1;
	pthread_mutex_lock(&op->fs->lock);
	if (scratch_find(op->node, op->name) != n)
		gone = NULL;
	else if (applied)
		gone = scratch_remove(op->node, op->name);
	else
		gone = scratch_move(op->node, op->name, op->to, op->new_name);
	pthread_mutex_unlock(&op->fs->lock);
	node_unref(gone);
	return 0;
}

/*
 * An editor's backup: the object stays, the scratch name gets its text. The kernel moves the entry
 * of the version's node to the new name; a notice, which is sent after this is answered, makes it
 * look again.
 */
static int rename_to_scratch(struct op *op, struct node *n, struct error **err)
{
	struct draft *d CLEANUP(draft_unref_cleanup) = draft_new(op->fs, DRAFT_SCRATCH);
	struct str text CLEANUP(str_release) = STR_INIT;
	struct node *copy = NULL;
	int ret;

	text_render(n->object, false, &text);
	pthread_mutex_lock(&op->fs->lock);
	ret = draft_write(d, text.s, text.len, 0);
	if (ret == 0) {
		copy = scratch_add(op->to, op->new_name, d, n->mode);
		node_stale(op->node, op->name);
		notifier_entry(op->fs->notifier, op->to, op->new_name);
	}
	pthread_mutex_unlock(&op->fs->lock);
	node_unref(copy);
	return ret ? error_set_errno(err, ret, "%s", op->new_name) : 0;
}

static bool is_scratch_name(struct node *dir, const char *name)
{
	return !node_writes(dir, name) && dir->kind->flags & NODE_SCRATCH;
}

static int rename_name(struct op *op, const struct call *call, struct error **err)
{
	struct node *n CLEANUP(node_unref_cleanup) = NULL;
	struct node *target CLEANUP(node_unref_cleanup) = NULL;

	if (node_read_only(op->node) || node_read_only(op->to))
		return error_set(err, E_READ_ONLY, "this tree is read only");
	if (strlen(op->new_name) > NAME_BYTES)
		return error_set(err, E_NAME_TOO_LONG, "names have at most %d bytes", NAME_BYTES);
	if (op->flags & ~RENAME_NOREPLACE)
		return error_set(err, E_BAD_REQUEST, "names cannot be exchanged");
	if (tree_lookup(op->node, op->name, 0, call, &n, err) < 0)
		return -1;
	tree_lookup(op->to, op->new_name, 0, call, &target, NULL);
	if (target && (op->flags & RENAME_NOREPLACE))
		return error_set(err, E_EXISTS, "\"%s\" is there", op->new_name);
	if (n->draft && (target || op->to->kind->flags & NODE_SCRATCH))
		return rename_scratch(op, n, target, call, err);
	if (n->object && n->kind->ops->submit && is_scratch_name(op->to, op->new_name) &&
	    (!target || target->draft))
		return rename_to_scratch(op, n, err);
	return error_set(err, E_PERMISSION, "objects have no rename");
}

static void run_rename(struct op *op, const struct call *call)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	int ret = rename_name(op, call, &err);

	end_locked(op, ret < 0 ? error_errno(err) : 0);
}

/* From one cluster to another: a program may copy a scratch file; an object it may not move. */
static int rename_across(struct node *dir, const char *name)
{
	FS_LOCK(dir->fs);
	return scratch_find(dir, name) ? EXDEV : EPERM;
}

static void on_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
		      const char *new_name, unsigned flags)
{
	struct op op = op_begin(req, parent);

	op.to = op_node(req, new_parent);
	op.name = (char *)name;
	op.new_name = (char *)new_name;
	op.flags = flags;
	op.run = run_rename;
	if (op.node->fs == op.to->fs)
		start_locked(&op);
	else
		fuse_reply_err(req, rename_across(op.node, name));
}

/* A cluster has neither: as a filesystem says that cannot keep them. */
static void on_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	fuse_reply_err(req, EPERM);
}

static void on_symlink(fuse_req_t req, const char *link, fuse_ino_t parent, const char *name)
{
	fuse_reply_err(req, EPERM);
}

static void on_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t dev)
{
	fuse_reply_err(req, EPERM);
}

void ops_tree(struct fuse_lowlevel_ops *ops)
{
	ops->link = on_link;
	ops->symlink = on_symlink;
	ops->mknod = on_mknod;
	ops->unlink = on_unlink;
	ops->rmdir = on_unlink;
	ops->mkdir = on_mkdir;
	ops->rename = on_rename;
}
