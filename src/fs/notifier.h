/*
 * Telling the kernel what it must forget.
 *
 * The kernel may cache every name and attribute for as long as it likes, because each event
 * invalidates exactly what it changed. The notice takes the lock of the directory, which a lookup
 * or rename that waits for us holds: a handler that waited for a notice would wait for itself. So
 * handlers and event threads only put a notice into a queue; one thread, which holds no lock and
 * serves no request, hands them to the kernel. Two notices of the same name are one.
 *
 * What the kernel keeps of a name is the directory's child of it, or a notice is on its way: so a
 * notice goes with every child that is taken out or replaced (node_stale), whatever the reason.
 *
 * Who closes a file it wrote sees what became of it at once, although another process may have
 * looked the name up while the write was under way, and the kernel then keeps the older version:
 * so the answer to such a request stands in the queue too, behind the notices of its write
 * (notifier_answer). It costs no thread while it waits. Only a close may wait so: for all else the
 * kernel holds a lock that who holds the directory's may wait for.
 *
 * While a request that holds a directory's lock waits for the cluster (notifier_hold), notices of
 * that directory wait too, and those of all others do not wait for it.
 *
 * Threads: all functions from any thread.
 */
#ifndef FS_NOTIFIER_H
#define FS_NOTIFIER_H

#include <stdint.h>

struct fuse_req;
struct fuse_session;
struct node;
struct notifier;

struct notifier *notifier_new(void);
/* Ends the thread. After notifier_set_session(n, NULL). */
void notifier_free(struct notifier *n);
/* From now on notices go to SESSION; NULL: they are dropped, answers are given at once. Waits for
 * one that is under way. */
void notifier_set_session(struct notifier *n, struct fuse_session *session);
/* NAME in the directory DIR. Under fs->lock. */
void notifier_entry(struct notifier *n, struct node *dir, const char *name);
/* Names in DIR have come or gone: its times, and what is kept of its listing. Under fs->lock. */
void notifier_names(struct notifier *n, struct node *dir);
/* Answers REQ with ERROR (an errno, or 0) once the notices that are queued now have been handed
 * over: those about names in DIR, or with DIR 0 all. */
void notifier_answer(struct notifier *n, uint64_t dir, struct fuse_req *req, int error);
void notifier_hold(struct notifier *n, uint64_t dir);
void notifier_let(struct notifier *n, uint64_t dir);

#endif
