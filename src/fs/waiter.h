/*
 * One opening of a file whose read blocks until there is something: .watch and .wait. What is told
 * of it is a text that grows; a reader asks by offset, so that a shell, which reads ahead and goes
 * back, loses nothing. Bounded (SPOOL_MAX): of a reader that does not keep up the oldest bytes go.
 *
 * A read that waits holds no thread: its request is kept here and answered by who adds text, by an
 * interrupt (EINTR), or by the end of the mount.
 *
 * Threads: waiter_new, waiter_free and waiters_changed under fs->lock, all others without it. The
 * lock of a waiter is inside fs->lock.
 */
#ifndef FS_WAITER_H
#define FS_WAITER_H

#include "fs/core.h"

struct fuse_req;
struct fuse_pollhandle;
struct waiter;

/* What changes an object of N's type, in N's namespace: adds what there is to tell. OLD NULL: it
 * is there, or new; NEW NULL: gone. Under fs->lock. */
typedef void waiter_told(struct waiter *w, struct object *old, struct object *new_);

struct waiter *waiter_new(struct node *n, waiter_told *told);
/* When nobody waits in it any more. Takes NULL. */
void waiter_free(struct waiter *w);
struct node *waiter_node(struct waiter *w);
/* ENDED: nothing more comes, readers that have it all see the end. */
void waiter_add(struct waiter *w, const char *bytes, size_t len, bool ended);
/* Has object KEY been told before; at REVISION? The latter notes it; REVISION 0: it is gone. */
bool waiter_has(struct waiter *w, const char *key);
bool waiter_knows(struct waiter *w, const char *key, uint64_t revision);
/* Answers REQ now, or later unless NON_BLOCKING (EAGAIN). */
void waiter_read(struct waiter *w, struct fuse_req *req, off_t offset, size_t size,
		 bool non_blocking);
/* poll(2): PH (may be NULL) is notified once there is something to read. */
void waiter_poll(struct waiter *w, struct fuse_req *req, struct fuse_pollhandle *ph);

/* An object of T has changed: every waiter of it is told. Under fs->lock. */
void waiters_changed(struct tree_type *t, struct object *old, struct object *new_);
/* Answers every read that waits with EINTR; later ones, too. */
void waiters_stop(struct fs *fs);

#endif
