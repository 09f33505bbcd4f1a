/*
 * Requests of the kernel. A handler answers at once when it needs nothing of the cluster; else the
 * request is parked: a thread of the pool runs it, an interrupt fires its cancel.
 *
 * Threads: handlers run on the thread of fs_run; parked requests on the pool's.
 */
#ifndef FS_OPS_H
#define FS_OPS_H

#define FUSE_USE_VERSION 314

#include "fs/core.h"
#include "fs/process.h"

#include <fuse_lowlevel.h>

struct op {
	fuse_req_t req;
	struct fs *fs;
	struct node *node, *to;	  /* refs while parked */
	char *name, *new_name;	  /* likewise */
	struct handle *handle;	  /* a ref while parked, or NULL */
	struct fuse_file_info fi; /* as the kernel gave it, where the request has one */
	bool parked, plus;
	unsigned flags;
	mode_t mode;
	pid_t tid;
	off_t offset;
	size_t size;
	/* Answers. Never under fs->lock. */
	void (*run)(struct op *op, const struct call *call);
};

/* Runs OP now when NOW, else on the pool with copies and refs of what it names. */
void op_start(struct op *op, bool now);
void op_fail(struct op *op, const struct error *err); /* answers its errno */
/* The request, to be answered now: no interrupt reaches it any more. */
fuse_req_t op_reply(struct op *op);
struct op op_begin(fuse_req_t req, fuse_ino_t ino);
struct node *op_node(fuse_req_t req, fuse_ino_t ino); /* borrowed: the kernel's ref */
struct fs *op_fs(fuse_req_t req); /* the one that is mounted; a node's own may be below it */
/* Is everything in DIR there? Takes fs->lock. */
bool op_ready(struct node *dir);
/* The entry of N for the kernel; the caller's ref becomes the kernel's. */
void op_entry(struct node *n, struct fuse_entry_param *e);
/* Attributes and for how long they are good. */
double op_attr(struct node *n, struct stat *st);

/* One opening of a file that is written, of a stream, or of a directory. Refcounted. */
struct handle {
	_Atomic unsigned refs;
	struct node *node;   /* a ref */
	struct draft *draft; /* a ref; NULL: not for writing */
	pid_t opener;	     /* process */
	bool writable, stream, claimed;
	_Atomic bool synced;   /* fsync has applied: the close waits for the notices of it */
	bool caching;	       /* the kernel keeps what is read of this directory; under fs->lock */
	bool filling;	       /* likewise, and it has kept nothing of this listing yet */
	struct waiter *waiter; /* of a file whose read blocks, or NULL */
	struct str text; /* of a file that is made anew for each opening; set before it is known */
	struct listing listing;
	pthread_mutex_t lock;	     /* of the listing */
	struct handle *next, **prev; /* of fs->handles */
};
struct handle *handle_new(struct node *n);
struct handle *handle_ref(struct handle *h);
void handle_unref(struct handle *h);
static inline struct handle *handle_of(const struct fuse_file_info *fi)
{
	return fi ? (struct handle *)(uintptr_t)fi->fh : NULL;
}
/* Ends what the kernel has not released, when the mount is gone. WHOLE: all writers have closed
 * their files, so that what is not sent yet is sent now; else stderr names it. */
void handles_end(struct fs *fs, bool whole);

/* Fills in what the file does. */
void ops_dir(struct fuse_lowlevel_ops *ops);
void ops_file(struct fuse_lowlevel_ops *ops);
void ops_tree(struct fuse_lowlevel_ops *ops);
void ops_xattr(struct fuse_lowlevel_ops *ops);

#endif
