/*
 * A text that grows while it is read: errors.log, events.log, a container's log.
 *
 * Kept in memory up to a limit, then the oldest whole lines go. Offsets count from where the spool
 * stood when it was opened and nobody else had it open, so its size never shrinks for a reader.
 *
 * Threads: all functions from any thread.
 */
#ifndef FS_SPOOL_H
#define FS_SPOOL_H

#include "base/clock.h"
#include "base/str.h"

#include <sys/types.h>

struct spool;

struct spool *spool_new(struct clock *clock, size_t max_bytes);
void spool_free(struct spool *s);
void spool_add(struct spool *s, const char *bytes, size_t len);
void spool_open(struct spool *s);
void spool_close(struct spool *s);
/* Appends to OUT; bytes that have gone are skipped by moving the reader to the oldest kept. */
void spool_read(struct spool *s, off_t offset, size_t size, struct str *out);
/* Size, and when it last grew (wall ns, 0: never). */
size_t spool_size(struct spool *s, int64_t *grown);

#endif
