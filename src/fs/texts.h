/*
 * What has been rendered or served, bounded by the memory that it takes.
 *
 * texts: the YAML of a version while it is being read in several pieces; most files fit one read
 * and are then in the kernel's pages.
 * served: the versions this mount has shown, and what each process saved last: the bases of later
 * edits. An object kept here costs nothing extra while it still is the live one.
 *
 * Threads: all functions from any thread.
 */
#ifndef FS_TEXTS_H
#define FS_TEXTS_H

#include "base/str.h"
#include "object/object.h"

#include <stdbool.h>
#include <sys/types.h>

struct texts;
struct texts *texts_new(size_t max_bytes);
void texts_free(struct texts *t);
/* Appends bytes OFFSET..OFFSET+SIZE of the object's text: YAML, or indented JSON. */
void texts_read(struct texts *t, struct object *o, bool json, off_t offset, size_t size,
		struct str *out);
/* The whole text, appended; not kept. */
void text_render(const struct object *o, bool json, struct str *out);

struct served;
struct served *served_new(size_t max_bytes);
void served_free(struct served *s);
/* The version O was shown. */
void served_note(struct served *s, struct object *o);
/* The process WRITER saved this text, of the version it names. */
void served_save(struct served *s, pid_t writer, struct object *text);
/* The version with this uid and resourceVersion; a ref, or NULL. */
struct object *served_get(struct served *s, const char *uid, const char *resource_version);
/* What WRITER saved last on that version; a ref, or NULL. */
struct object *served_saved(struct served *s, pid_t writer, const char *uid,
			    const char *resource_version);

#endif
