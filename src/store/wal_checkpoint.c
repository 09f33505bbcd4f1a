/*
 * Checkpoints of the write-ahead log, while the writer goes on.
 *
 * One takes the time of writing some megabytes to the disk. So the writer only says where it
 * begins: it keeps a copy of the first two pages of data.mdb, pins what they lead to, and goes on
 * in the other half of the log. A thread of its own flushes the file and then writes the slot. As
 * long as that is not on disk the checkpoint before it counts, with its pages pinned and its half
 * of the log whole: what is done again after a crash goes from the end of that half on into the
 * other.
 *
 * The thread flushes the log through a file of its own: the kernel tells of a write that failed
 * once a file, and a flush of the writer's must not miss it because this one was told.
 */
#include "store/wal.h"

#include "base/log.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Transactions of LMDB from one checkpoint to the next. */
#define TRANSACTIONS_MAX 128
/*
 * And where the disk is slow, until the writer waits for it. Each transaction leaves a dozen pages
 * behind that cannot be used again before: the file is so much longer, some 12 MB.
 */
#define TRANSACTIONS_WAIT (2 * TRANSACTIONS_MAX)

int wal_write_slot(int fd, size_t page_size, const char *pages, uint64_t sequence, bool clean)
{
	struct wal_slot_head h = {.version = htobe32(WAL_VERSION),
				  .page_size = htobe32((uint32_t)page_size),
				  .sequence = htobe64(sequence),
				  .clean = htobe32(clean)};
	uint64_t at = (sequence & 1) * wal_slot_size(page_size);
	int rc;

	memcpy(h.magic, wal_magic, sizeof(wal_magic));
	h.sum = htobe32(wal_sum(&h, sizeof(h), pages, 2 * page_size));
	rc = wal_write_bytes(fd, &h, sizeof(h), at);
	if (!rc)
		rc = wal_write_bytes(fd, pages, 2 * page_size, at + WAL_PAGE);
	return rc ? rc : wal_flush(fd);
}

static void wait_for(sem_t *sem)
{
	while (sem_wait(sem) && errno == EINTR)
		;
}

static void *flusher_main(void *store)
{
	struct store *s = store;
	struct wal *w = s->wal;
	struct wal_flusher *f = &w->flusher;

	for (;;) {
		wait_for(&f->begin);
		if (f->ends)
			return NULL;
		f->result = mdb_env_sync(s->env, 1);
		if (!f->result)
			f->result = wal_write_slot(f->fd, w->page_size, f->pages, f->sequence,
						   f->clean);
		sem_post(&f->done);
	}
}

int wal_flusher_start(struct store *s)
{
	struct wal *w = s->wal;
	struct wal_flusher *f = &w->flusher;
	int rc;

	f->fd = openat(s->dir_fd, WAL_FILE, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (f->fd < 0)
		return errno;
	f->pages = xmalloc(2 * w->page_size);
	sem_init(&f->begin, 0, 0);
	sem_init(&f->done, 0, 0);
	rc = pthread_create(&f->thread, NULL, flusher_main, s);
	f->runs = !rc;
	return rc;
}

void wal_flusher_stop(struct wal *w)
{
	struct wal_flusher *f = &w->flusher;

	if (f->runs) {
		f->ends = true;
		sem_post(&f->begin);
		pthread_join(f->thread, NULL);
	}
	if (f->fd < 0)
		return;
	close(f->fd);
	free(f->pages);
	sem_destroy(&f->begin);
	sem_destroy(&f->done);
}

/* This is not got over: see wal.c. */
static int fail(struct store *s, int rc)
{
	s->failed = rc > 0 ? rc : EIO;
	log_error("store %s: cannot write a checkpoint: %s; it takes no more writes", s->dir,
		  mdb_strerror(rc));
	return s->failed;
}

/* The pages of the checkpoint before may be used again. */
static int ended(struct store *s)
{
	struct wal *w = s->wal;

	w->flusher.busy = false;
	if (w->flusher.result)
		return fail(s, w->flusher.result);
	mdb_txn_reset(w->pins[~w->sequence & 1]);
	return s->failed;
}

/* Waits for the one that is being written. */
static int end(struct store *s)
{
	struct wal *w = s->wal;

	if (!w->flusher.busy)
		return s->failed;
	wait_for(&w->flusher.done);
	return ended(s);
}

/* What the first two pages of the file lead to stays as it is until the next one is on disk. */
int wal_checkpoint_begin(struct store *s, bool clean)
{
	struct wal *w = s->wal;
	struct wal_flusher *f = &w->flusher;
	mdb_filehandle_t fd;
	int rc = end(s);

	if (rc)
		return rc;
	mdb_env_get_fd(s->env, &fd);
	rc = mdb_txn_renew(w->pins[~w->sequence & 1]);
	if (!rc && !wal_read_bytes(fd, f->pages, 2 * w->page_size, 0))
		rc = EIO;
	if (rc)
		return fail(s, rc);
	w->sequence++;
	w->before = w->number;
	w->number = 0;
	w->commits = 0;
	w->at = 0;
	f->sequence = w->sequence;
	f->clean = clean;
	f->busy = true;
	sem_post(&f->begin);
	return 0;
}

int wal_checkpoint_clean(struct store *s)
{
	int rc = wal_checkpoint_begin(s, true);

	return rc ? rc : end(s);
}

int wal_checkpoint(struct store *s)
{
	int rc;

	if (!s->wal || s->failed)
		return s->failed;
	rc = wal_checkpoint_begin(s, false);
	return rc ? rc : end(s);
}

int wal_checkpoint_due(struct store *s)
{
	struct wal *w = s->wal;

	if (w->flusher.busy && !sem_trywait(&w->flusher.done) && ended(s))
		return s->failed;
	if (w->commits < (w->flusher.busy ? TRANSACTIONS_WAIT : TRANSACTIONS_MAX))
		return 0;
	return wal_checkpoint_begin(s, false);
}
