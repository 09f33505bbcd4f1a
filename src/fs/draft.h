/*
 * A text that a user is writing: the content of a scratch file, or of one opening of a file that
 * is written in place. Bounded: TEXT_MAX a file (EFBIG, and then it is never sent: half a text is
 * no text), SCRATCH_MAX for all scratch files, REJECTED_MAX for all refused texts (ENOSPC).
 *
 * Threads: under fs->lock, but for draft_ref and draft_unref.
 */
#ifndef FS_DRAFT_H
#define FS_DRAFT_H

#include "fs/core.h"

enum draft_pool { DRAFT_FREE, DRAFT_SCRATCH, DRAFT_REJECTED };

struct draft {
	_Atomic unsigned refs;
	struct fs *fs;
	struct str text;
	enum draft_pool pool; /* whose bound it counts for */
	uint64_t version;     /* counts writes */
	uint64_t applied;     /* version that was applied or refused last */
	bool written;	      /* since it was opened: a text that was only truncated is not sent */
	bool too_large;
	bool gone; /* its name no longer shows it */
};

struct draft *draft_new(struct fs *fs, enum draft_pool pool);
struct draft *draft_ref(struct draft *d);
void draft_unref(struct draft *d);
DEFINE_CLEANUP(struct draft *, draft_unref)
size_t draft_size(const struct draft *d);
/* 0 or an errno: EFBIG, ENOSPC. */
int draft_write(struct draft *d, const char *bytes, size_t len, off_t offset);
int draft_truncate(struct draft *d, off_t size);
/* Is there something that was written and not applied? */
bool draft_dirty(const struct draft *d);

/*
 * Scratch files: names in a directory that are no object's, in memory. All but scratch_add
 * under fs->lock.
 */
/* The scratch file NAME of DIR, or NULL. Borrowed. */
struct node *scratch_find(struct node *dir, const char *name);
/* Makes NAME in DIR with D's text (a ref is taken) and MODE; replaces one. A new ref. */
struct node *scratch_add(struct node *dir, const char *name, struct draft *d, mode_t mode);
/* Removes NAME; returns its node, whose ref the caller gives back, or NULL. */
struct node *scratch_remove(struct node *dir, const char *name);
/* N was written (its text moved), or only what is told of it. */
void scratch_touch(struct node *n, bool written);
/* Gives the scratch file OLD the name NEW in TO; returns the node it replaces, likewise. */
struct node *scratch_move(struct node *from, const char *old, struct node *to, const char *new_);

/* TO has taken the place of FROM: what lies there is in TO now. */
void scratch_move_all(struct node *from, struct node *to);

/*
 * NAME in DIR was refused because of WHY: its text stays as NAME.rejected, with the reason before
 * it. Takes fs->lock. 0 or an errno (ENOSPC).
 */
int rejected_keep(struct node *dir, const char *name, mode_t mode, const char *text, size_t len,
		  const struct error *why, bool secret);
/* NAME was written at last: its .rejected goes. Takes fs->lock. */
void rejected_drop(struct node *dir, const char *name);
/* Why the text beside N, or that of N itself, was refused, appended; false: none was. Under
 * fs->lock. */
bool rejected_reason(struct node *n, struct str *out);
/* TEXT without the reason that rejected_keep wrote before it. */
const char *rejected_text(const char *text, size_t *len);
/* Prints the path of every .rejected file, one a line. Takes fs->lock. */
void rejected_names(struct fs *fs, struct str *out);

#endif
