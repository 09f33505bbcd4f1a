/*
 * A text becomes a request: create, server-side apply, three-way merge, restore, or nothing.
 *
 * Without metadata.resourceVersion a text is a manifest and is applied by the manager "kubefs".
 * With it, it is a version that was read and changed: only the change is sent, as a merge patch of
 * the live object with the live version as precondition. Its base is what the same process saved
 * last on that version (so that saving twice is no conflict with oneself), else the version as it
 * was served, else as the server still has it.
 *
 * Threads: all functions from any thread; they wait for the cluster.
 */
#ifndef FS_WRITE_H
#define FS_WRITE_H

#include "fs/core.h"

#define FIELD_MANAGER "kubefs"

/* What is written. RESOURCE and NAME say what the path says. */
struct target {
	struct fs *fs;
	const struct resource *resource;
	const char *namespace; /* "" for cluster-scoped types */
	const char *name;
};

enum write_result {
	WRITE_NOTHING,
	WRITE_UNCHANGED,
	WRITE_CREATED,
	WRITE_CONFIGURED,
	WRITE_SKIPPED
};
extern const char *const write_result_words[];

/* Takes no ref of TREE. It may be changed. */
int write_tree(const struct target *t, json_t *tree, pid_t writer, const struct call *call,
	       enum write_result *result, struct error **err);
int write_text(const struct target *t, const char *text, size_t len, pid_t writer,
	       const struct call *call, enum write_result *result, struct error **err);
/*
 * The same with all that the tree does around it: the file NAME in DIR was written as D. A refusal
 * is logged and its text kept as NAME.rejected; a held deletion ends.
 */
int write_draft(const struct target *t, struct node *dir, const char *name, struct draft *d,
		pid_t writer, const struct call *call, struct error **err);

/* A merge patch of the object, or of one of its subresources. */
int write_patch(const struct target *t, const char *subresource, const json_t *patch,
		const struct call *call, struct error **err);
/*
 * One value of an object was written as D through the file NAME of DIR, which SEND sends; a
 * refusal is logged and told.
 */
typedef int part_sender(const struct target *t, const char *name, const struct str *text,
			const struct call *call, struct error **err);
int write_part(const struct target *t, struct node *dir, const char *name, struct draft *d,
	       pid_t writer, const struct call *call, part_sender *send, struct error **err);

/* write_edit.c, write_apply.c: the two ways. */
int write_edit(const struct target *t, json_t *tree, pid_t writer, const struct call *call,
	       enum write_result *result, struct error **err);
int write_apply(const struct target *t, json_t *tree, const struct call *call,
		enum write_result *result, struct error **err);
/* Tells the type's informer of an answer, and the kernel what it has to forget. */
void write_observe(const struct target *t, struct object *o);
/* The object as it is now: from the informer when it is known there. NULL and E_NOT_FOUND. */
struct object *write_live(const struct target *t, bool ask, const struct call *call,
			  struct error **err);
/* Removes what belongs to the cluster an object was read from. */
void write_strip(json_t *tree);

#endif
