/*
 * Deletions that are asked for and not sent yet (delete_hold), so that a program that removes a
 * file and writes it again makes one update.
 *
 * A hold hides the name. holds_claim keeps it from being sent while a new text of that name is
 * being written; holds_drop forgets it when the text was applied, or refused: then the object
 * stays. A deletion that fails brings the name back and is logged.
 *
 * A hold ends after its object is no longer known. So who asks for both asks for the holds first:
 * what is in neither is gone.
 *
 * Threads: all functions from any thread; none is called under fs->lock but those that only look:
 * holds_hides, holds_uids, shown_get, shown_list.
 */
#ifndef FS_HOLDS_H
#define FS_HOLDS_H

#include "fs/core.h"

struct holds;
struct holds *holds_new(struct fs *fs);
/* After holds_flush. */
void holds_free(struct holds *h);
/* Is the object NAME of this type on its way out? */
bool holds_hides(struct holds *h, const struct resource *r, const char *namespace, const char *name,
		 const char *uid);
/* The uids of what is on its way out, a set that the caller frees; NULL: nothing is. */
struct map *holds_uids(struct holds *h);
/* What INFORMER knows and no hold hides, as informer_get and informer_list. */
struct object *shown_get(struct holds *h, struct informer *i, const char *namespace,
			 const char *name);
void shown_list(struct holds *h, struct informer *i, const char *namespace,
		struct object_list *out);
/* Sends the deletion of O now, or after the hold. Asks the server first whether it may be. */
int holds_delete(struct fs *fs, const struct resource *r, struct object *o, const struct call *call,
		 struct error **err);
void holds_claim(struct holds *h, const struct resource *r, const char *namespace, const char *name,
		 bool claim);
void holds_drop(struct holds *h, const struct resource *r, const char *namespace, const char *name);
/* Waits for a deletion of it that is on its way to the server. */
void holds_settle(struct holds *h, const struct resource *r, const char *namespace,
		  const char *name);
/* Sends what is held and not claimed, and waits for all that is on its way. */
void holds_flush(struct holds *h);

#endif
