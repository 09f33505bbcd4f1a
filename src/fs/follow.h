/*
 * Streams that are followed again: the log of a container that was started anew, or whose
 * connection broke, goes on in the file that is open.
 *
 * One thread hands out the nodes that were poked, one at a time and each at most once at a time.
 *
 * Threads: all functions from any thread.
 */
#ifndef FS_FOLLOW_H
#define FS_FOLLOW_H

#include "fs/core.h"

struct followers;

struct followers *followers_new(struct fs *fs);
/* Fires the CANCEL of the call that runs and waits for it; later pokes do nothing. */
void followers_stop(struct followers *f);
/* After followers_stop. */
void followers_free(struct followers *f);
/* From now on, until followers_remove, N may be poked. Both take fs->lock. */
void followers_add(struct followers *f, struct node *n);
void followers_remove(struct followers *f, struct node *n);
/* Runs the again of N's provider after DELAY_NS. With or without fs->lock. */
void followers_poke(struct followers *f, const struct node *n, int64_t delay_ns);
/* Pokes all of this provider in NAMESPACE. Under fs->lock. */
void followers_poke_all(struct followers *f, const struct node_ops *ops, const char *namespace);

#endif
