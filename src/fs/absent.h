/*
 * Generated names that were removed: namespace.yaml, apply, events.log and the like.
 *
 * They come back by themselves, so that removing them changes nothing and rm -r of a namespace
 * passes. But a program that replaces a file (tar x) removes it and makes it with O_EXCL, again and
 * again while that tells that the name is taken. So the name is free for a moment; what is made
 * under it goes where that name's file takes what is written, or is refused.
 *
 * Listings show it all the time: nothing has to tell the kernel when it is back.
 *
 * Threads: under fs->lock.
 */
#ifndef FS_ABSENT_H
#define FS_ABSENT_H

#include "fs/core.h"

struct absent;
struct absent *absent_new(struct clock *clock);
void absent_free(struct absent *a);
void absent_add(struct absent *a, struct node *dir, const char *name);
bool absent_has(struct absent *a, struct node *dir, const char *name);
/* It was written: it is there again. */
void absent_remove(struct absent *a, struct node *dir, const char *name);

#endif
