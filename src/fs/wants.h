/*
 * Threads that are about to open a file, and were sent to look its name up again.
 *
 * Writing must not touch the node that readers have open: the kernel keeps one size and one set of
 * pages a node. So the first open for writing of a version's node is answered ESTALE, which makes
 * the kernel look the name up once more; that lookup, by the same thread, gets a node of its own
 * with the same version and no timeouts, and the second open takes it. Likewise who comes to a node
 * that is another's to write on. A thread that comes again without a lookup (it opened
 * /proc/self/fd/N) writes on the node it has, or reads what is written there.
 *
 * Threads: under fs->lock.
 */
#ifndef FS_WANTS_H
#define FS_WANTS_H

#include "fs/core.h"

struct wants;
struct wants *wants_new(void);
void wants_free(struct wants *w);
void wants_add(struct wants *w, struct node *dir, const char *name, pid_t tid);
bool wants_has(struct wants *w, struct node *dir, const char *name, pid_t tid);
void wants_remove(struct wants *w, struct node *dir, const char *name, pid_t tid);

#endif
