/*
 * errors.log: every refused or failed write, oldest first, in memory and bounded.
 *
 * Threads: all functions from any thread, none under fs->lock.
 */
#ifndef FS_JOURNAL_H
#define FS_JOURNAL_H

#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>

struct journal;
struct spool;

struct journal *journal_new(struct clock *clock);
void journal_free(struct journal *j);
/* The lines; borrowed. */
struct spool *journal_spool(struct journal *j);
/* PATH was not written because of WHY. SECRET: quoted values in the message are redacted. */
void journal_add(struct journal *j, const char *path, const struct error *why, bool secret);
/* A line that is no refusal: what was skipped, since when the server is away. */
void journal_note(struct journal *j, const char *path, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* WHY as text: its message, then one line a cause, escaped, redacted where SECRET. Appended. */
void journal_message(const struct error *why, bool secret, struct str *out);

#endif
