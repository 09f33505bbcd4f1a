/*
 * The write-ahead log: one flush a commit.
 *
 * LMDB makes a commit durable with two flushes and a dozen scattered pages. Here the writer appends
 * what a group writes to DIR/data.wal, flushes that, and commits to LMDB without a flush: what was
 * acknowledged is in the log, and LMDB's file gets to the disk when it suits.
 *
 * After a crash that file may hold any of the pages written since the last checkpoint. So nothing
 * of a checkpoint is ever overwritten before the next one: a read transaction pins its pages (LMDB
 * does not use a page again that a reader may see), and of the two pages that LMDB does write over,
 * the first two of the file, where its roots are, the checkpoint has copies. Opening puts these
 * back, which is the store as it was then, and does what the log says once more.
 *
 * An error of a checkpoint is not got over (store.failed): the kernel may have dropped what it
 * could not write, and a second flush would not say so. What the log holds is then for the next
 * opening.
 */
#include "store/wal.h"

#include "base/log.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define FIRST_BYTES (256u << 10) /* what a log has from the beginning */
/*
 * Transactions from one checkpoint to the next. Each leaves a dozen pages behind that cannot be
 * used again before: the file is so much longer, some 6 MB.
 */
#define TRANSACTIONS_MAX 128
/* The memory that is kept for the next record. */
#define RECORD_KEPT (1u << 20)

const char wal_magic[16] = "kubefs wal";

size_t wal_slot_size(size_t page_size)
{
	return WAL_PAGE + 2 * page_size;
}

int wal_write_bytes(int fd, const void *bytes, size_t len, uint64_t at)
{
	const char *p = bytes;

	while (len) {
		ssize_t n = pwrite(fd, p, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? errno : EIO;
		p += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

bool wal_read_bytes(int fd, void *bytes, size_t len, uint64_t at)
{
	char *p = bytes;

	while (len) {
		ssize_t n = pread(fd, p, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return true;
}

int wal_flush(int fd)
{
	return fdatasync(fd) ? errno : 0;
}

uint32_t wal_sum(const void *head, size_t head_size, const char *more, size_t len)
{
	uLong sum = crc32(crc32(0, NULL, 0), head, (uInt)(head_size - sizeof(uint32_t)));

	return (uint32_t)crc32_z(sum, (const Bytef *)more, len);
}

static int data_fd(struct store *s)
{
	mdb_filehandle_t fd;

	mdb_env_get_fd(s->env, &fd);
	return fd;
}

/* Checkpoints. */

int wal_write_slot(struct wal *w, const char *pages, uint64_t sequence, bool clean)
{
	struct wal_slot_head h = {.version = htobe32(WAL_VERSION),
				  .page_size = htobe32((uint32_t)w->page_size),
				  .sequence = htobe64(sequence),
				  .clean = htobe32(clean)};
	uint64_t at = (sequence & 1) * wal_slot_size(w->page_size);
	int rc;

	memcpy(h.magic, wal_magic, sizeof(wal_magic));
	h.sum = htobe32(wal_sum(&h, sizeof(h), pages, 2 * w->page_size));
	rc = wal_write_bytes(w->fd, &h, sizeof(h), at);
	if (!rc)
		rc = wal_write_bytes(w->fd, pages, 2 * w->page_size, at + WAL_PAGE);
	return rc ? rc : wal_flush(w->fd);
}

static int take_checkpoint(struct store *s, bool clean)
{
	struct wal *w = s->wal;
	char *pages free_ptr = xmalloc(2 * w->page_size);
	int rc = mdb_env_sync(s->env, 1);

	if (!rc && !wal_read_bytes(data_fd(s), pages, 2 * w->page_size, 0))
		rc = EIO;
	if (!rc)
		rc = wal_write_slot(w, pages, w->sequence + 1, clean);
	if (rc)
		return rc;
	w->sequence++;
	w->number = 0;
	w->at = 2 * wal_slot_size(w->page_size);
	return 0;
}

int wal_checkpoint(struct store *s)
{
	struct wal *w = s->wal;
	int rc;

	if (!w || s->failed)
		return s->failed;
	rc = take_checkpoint(s, false);
	if (!rc) {
		mdb_txn_reset(w->pin);
		rc = mdb_txn_renew(w->pin);
	}
	if (!rc)
		return 0;
	s->failed = rc > 0 ? rc : EIO;
	log_error("store %s: cannot write a checkpoint: %s; it takes no more writes", s->dir,
		  mdb_strerror(rc));
	return s->failed;
}

/* Records. */

/* Zeros up to END: what is written over later costs a flush nothing but itself. */
static int extend(struct wal *w, uint64_t end)
{
	static const char zeros[64 << 10];
	int rc = 0;

	for (; !rc && w->end < end; w->end += sizeof(zeros))
		rc = wal_write_bytes(w->fd, zeros, sizeof(zeros), w->end);
	return rc;
}

void wal_begin(struct store *s)
{
	static const struct wal_record_head room;

	if (!s->wal)
		return;
	s->wal->kind = WAL_WRITES;
	/* A large group now and then is no reason to keep its memory. */
	if (s->wal->record.cap > RECORD_KEPT)
		str_release(&s->wal->record);
	str_reset(&s->wal->record);
	str_add(&s->wal->record, (const char *)&room, sizeof(room));
}

void wal_add(struct store *s, const struct log_key *key, const MDB_val *data)
{
	struct wal_item_head h = {.size = htobe32((uint32_t)data->mv_size)};

	if (!s->wal)
		return;
	memcpy(h.key, key->b, sizeof(h.key));
	str_add(&s->wal->record, (const char *)&h, sizeof(h));
	str_add(&s->wal->record, data->mv_data, data->mv_size);
}

void wal_add_compaction(struct store *s, uint64_t bound, unsigned keep)
{
	struct wal_compaction c = {.bound = htobe64(bound), .keep = htobe32(keep)};

	if (!s->wal)
		return;
	s->wal->kind = WAL_COMPACTION;
	str_add(&s->wal->record, (const char *)&c, sizeof(c));
}

/* There is no room for it in any log. */
static bool is_large(const struct wal *w)
{
	return 2 * wal_slot_size(w->page_size) + w->record.len > WAL_MAX_BYTES;
}

/* The record is in the log then, and on disk where DURABLE asks for it. Returns an errno. */
static int append(struct wal *w, bool durable)
{
	struct wal_record_head h = {.kind = htobe32(w->kind),
				    .sequence = htobe64(w->sequence),
				    .number = htobe64(w->number + 1)};
	size_t len = w->record.len - sizeof(h);
	uint64_t end = (w->at + w->record.len + WAL_PAGE - 1) / WAL_PAGE * WAL_PAGE;
	int rc = end > WAL_MAX_BYTES ? ENOBUFS : 0;

	if (!rc && end > w->end)
		rc = extend(w, MIN(2 * end, WAL_MAX_BYTES));
	if (rc)
		return rc;
	h.len = htobe32((uint32_t)len);
	h.sum = htobe32(wal_sum(&h, sizeof(h), w->record.s + sizeof(h), len));
	memcpy(w->record.s, &h, sizeof(h));
	rc = wal_write_bytes(w->fd, w->record.s, w->record.len, w->at);
	if (!rc && durable)
		rc = wal_flush(w->fd);
	if (rc)
		return rc;
	w->number++;
	w->at = end;
	return 0;
}

/* With a new checkpoint there is room; and what was written of a record that failed is nothing. */
static int append_somehow(struct store *s, bool durable)
{
	int rc = append(s->wal, durable);

	if (rc && !(rc = wal_checkpoint(s)) && (rc = append(s->wal, durable)))
		wal_checkpoint(s);
	return rc;
}

int wal_commit(struct store *s, MDB_txn *txn, bool durable)
{
	struct wal *w = s->wal;
	bool large = w && is_large(w);
	int rc = w && !large ? append_somehow(s, durable) : 0, failed = 0;

	if (rc) {
		mdb_txn_abort(txn);
		return rc;
	}
	rc = mdb_txn_commit(txn);
	/* What is not in the log has to be in the file, and the other way round. */
	if (w && (large || rc || w->number >= TRANSACTIONS_MAX))
		failed = wal_checkpoint(s);
	return rc ? rc : failed;
}

/* The life of a log. */

static void wal_free(struct store *s)
{
	struct wal *w = steal(&s->wal);

	if (w->pin)
		mdb_txn_abort(w->pin);
	if (w->fd >= 0)
		close(w->fd);
	str_release(&w->record);
	free(w);
}

static int create(struct store *s)
{
	struct wal *w = s->wal;
	int rc;

	w->fd = openat(s->dir_fd, WAL_FILE, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		       0600);
	if (w->fd < 0)
		return errno;
	rc = extend(w, FIRST_BYTES);
	if (!rc)
		rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &w->pin);
	if (!rc)
		rc = take_checkpoint(s, false);
	return !rc && fsync(s->dir_fd) ? errno : rc;
}

void wal_start(struct store *s)
{
	int rc;

	s->wal = xcalloc(1, sizeof(*s->wal));
	s->wal->page_size = s->page_size;
	s->wal->record = (struct str)STR_INIT;
	rc = create(s);
	if (!rc)
		rc = mdb_env_set_flags(s->env, MDB_NOSYNC, 1);
	if (!rc)
		return;
	/* A checkpoint that nobody keeps must not be gone back to. */
	if (s->wal->sequence && take_checkpoint(s, true))
		s->failed = rc > 0 ? rc : EIO;
	wal_free(s);
	unlinkat(s->dir_fd, WAL_FILE, 0);
	log_warn("store %s: works without a write-ahead log, more slowly: %s", s->dir,
		 mdb_strerror(rc));
}

/* First it says that it is not needed: its name may come back when the power goes. */
int wal_stop(struct store *s)
{
	int rc = s->failed;

	if (!s->wal)
		return 0;
	if (!rc)
		rc = take_checkpoint(s, true);
	if (!rc)
		rc = mdb_env_set_flags(s->env, MDB_NOSYNC, 0);
	wal_free(s);
	if (rc) {
		s->failed = rc > 0 ? rc : EIO;
		return s->failed;
	}
	unlinkat(s->dir_fd, WAL_FILE, 0);
	return 0;
}
