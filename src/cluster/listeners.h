/*
 * Who wants to hear that a cluster's catalog has changed: every back end has one of these, behind
 * cluster_on_catalog.
 *
 * Threads: all functions from any thread. A listener runs on the thread that tells, which holds the
 * list meanwhile: it is short and neither comes nor goes itself.
 */
#ifndef CLUSTER_LISTENERS_H
#define CLUSTER_LISTENERS_H

struct listeners;

struct listeners *listeners_new(void);
/* Takes NULL. */
void listeners_free(struct listeners *l);
void listeners_add(struct listeners *l, void (*changed)(void *arg), void *arg);
/* After it returns CHANGED is not running with ARG, and will not run. */
void listeners_remove(struct listeners *l, void (*changed)(void *arg), void *arg);
void listeners_tell(struct listeners *l);

#endif
