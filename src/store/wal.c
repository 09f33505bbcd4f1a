/*
 * The write-ahead log: one flush a commit.
 *
 * LMDB makes a commit durable with two flushes and a dozen scattered pages. Here the writer appends
 * what a group writes to DIR/data.wal, flushes that, and commits to LMDB without a flush, several
 * groups at once where it can (shared.c): what was acknowledged is in the log, and LMDB's file gets
 * to the disk with the next checkpoint, which nobody waits for (wal_checkpoint.c).
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

#define FIRST_BYTES (256u << 10) /* what a half has from the beginning */
/* The memory that is kept for the next record. */
#define RECORD_KEPT (1u << 20)

const char wal_magic[16] = "kubefs wal";

size_t wal_slot_size(size_t page_size)
{
	return WAL_PAGE + 2 * page_size;
}

uint64_t wal_half(size_t page_size, uint64_t sequence)
{
	return 2 * wal_slot_size(page_size) + (sequence & 1) * WAL_HALF_BYTES;
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

/* Records. */

static int write_zeros(struct wal *w, uint64_t at, uint64_t end)
{
	static const char zeros[64 << 10];
	int rc = 0;

	for (size_t n; !rc && at < end; at += n) {
		n = MIN(sizeof(zeros), end - at);
		rc = wal_write_bytes(w->fd, zeros, n, at);
	}
	return rc;
}

/* Up to END of a half: what is written over later costs a flush nothing but itself. */
static int extend(struct wal *w, uint64_t sequence, uint64_t end)
{
	uint64_t half = wal_half(w->page_size, sequence);
	int rc = write_zeros(w, half + w->end[sequence & 1], half + end);

	if (!rc)
		w->end[sequence & 1] = end;
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

/* There is no room for it in any half. */
static bool is_large(const struct wal *w)
{
	return w->record.len > WAL_HALF_BYTES;
}

/* A record of LEN bytes goes into this half. */
static bool fits(const struct wal *w, size_t len)
{
	return w->at + len <= WAL_HALF_BYTES;
}

/* The record is in the log then, and on disk where DURABLE asks for it. Returns an errno. */
static int append(struct wal *w, bool durable)
{
	struct wal_record_head h = {.kind = htobe32(w->kind),
				    .sequence = htobe64(w->sequence),
				    .number = htobe64(w->number + 1),
				    .before = htobe32((uint32_t)w->before)};
	size_t len = w->record.len - sizeof(h);
	uint64_t end = (w->at + w->record.len + WAL_PAGE - 1) / WAL_PAGE * WAL_PAGE;
	int rc = 0;

	if (end > w->end[w->sequence & 1])
		rc = extend(w, w->sequence, MIN(2 * end, WAL_HALF_BYTES));
	if (rc)
		return rc;
	h.len = htobe32((uint32_t)len);
	h.sum = htobe32(wal_sum(&h, sizeof(h), w->record.s + sizeof(h), len));
	memcpy(w->record.s, &h, sizeof(h));
	rc = wal_write_bytes(w->fd, w->record.s, w->record.len,
			     wal_half(w->page_size, w->sequence) + w->at);
	if (!rc && durable)
		rc = wal_flush(w->fd);
	if (rc)
		return rc;
	w->number++;
	w->at = end;
	return 0;
}

/* After a new checkpoint what was written of a record that failed is nothing. */
static int append_somehow(struct store *s, bool durable)
{
	struct wal *w = s->wal;
	int rc = 0;

	if (!fits(w, w->record.len))
		rc = wal_checkpoint_begin(s, false);
	if (!rc)
		rc = append(w, durable);
	if (rc && !(rc = wal_checkpoint(s)) && (rc = append(w, durable)))
		wal_checkpoint(s);
	return rc;
}

bool wal_has_room(struct store *s, size_t bytes)
{
	return s->wal && fits(s->wal, sizeof(struct wal_record_head) + bytes);
}

bool wal_is_logged(struct store *s)
{
	return s->wal && !is_large(s->wal);
}

int wal_log(struct store *s, bool durable, bool alone)
{
	if (!wal_is_logged(s))
		return 0;
	if (alone)
		return append_somehow(s, durable);
	return fits(s->wal, s->wal->record.len) ? append(s->wal, durable) : ENOSPC;
}

void wal_keep_items(struct store *s, struct str *to)
{
	const struct str *r = &s->wal->record;
	size_t head = sizeof(struct wal_record_head);

	str_add(to, r->s + head, r->len - head);
}

/* What is not in the log has to be in the file, and the other way round. */
int wal_committed(struct store *s, int rc)
{
	if (!s->wal)
		return 0;
	s->wal->commits++;
	return is_large(s->wal) || rc ? wal_checkpoint(s) : wal_checkpoint_due(s);
}

int wal_commit(struct store *s, MDB_txn *txn)
{
	int rc = wal_log(s, false, true), failed;

	if (rc) {
		mdb_txn_abort(txn);
		return rc;
	}
	rc = mdb_txn_commit(txn);
	failed = wal_committed(s, rc);
	return rc ? rc : failed;
}

int wal_write_items(struct store *s, MDB_txn *txn, const char *p, size_t len)
{
	const char *end = p + len;
	int rc = 0;

	while (!rc && p < end) {
		struct wal_item_head h;
		MDB_val key, data;
		struct entry e;

		if ((size_t)(end - p) < sizeof(h))
			return MDB_CORRUPTED;
		memcpy(&h, p, sizeof(h));
		p += sizeof(h);
		if ((size_t)(end - p) < be32toh(h.size))
			return MDB_CORRUPTED;
		key = bytes_val(h.key, sizeof(h.key));
		data = bytes_val(p, be32toh(h.size));
		p += be32toh(h.size);
		rc = entry_parse(&key, &data, &e);
		if (!rc)
			rc = mdb_put(txn, s->log, &key, &data, MDB_APPEND);
		if (!rc)
			rc = entry_point(s, txn, &e);
	}
	return rc;
}

/* The life of a log. */

static void wal_free(struct store *s)
{
	struct wal *w = steal(&s->wal);

	wal_flusher_stop(w);
	for (size_t i = 0; i < ARRAY_SIZE(w->pins); i++)
		mdb_txn_abort(w->pins[i]);
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
	rc = write_zeros(w, 0, wal_half(w->page_size, 0));
	for (unsigned i = 0; !rc && i < 2; i++) {
		rc = extend(w, i, FIRST_BYTES);
		if (!rc)
			rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &w->pins[i]);
		mdb_txn_reset(w->pins[i]);
	}
	if (!rc)
		rc = wal_flusher_start(s);
	if (!rc)
		rc = wal_checkpoint(s);
	return !rc && fsync(s->dir_fd) ? errno : rc;
}

void wal_start(struct store *s)
{
	int rc;

	s->wal = xcalloc(1, sizeof(*s->wal));
	s->wal->page_size = s->page_size;
	s->wal->record = (struct str)STR_INIT;
	s->wal->flusher.fd = -1;
	rc = create(s);
	if (!rc)
		rc = mdb_env_set_flags(s->env, MDB_NOSYNC, 1);
	if (!rc || s->failed)
		return;
	/* A checkpoint that nobody keeps must not be gone back to. */
	if (s->wal->sequence && wal_checkpoint_clean(s))
		return;
	wal_free(s);
	unlinkat(s->dir_fd, WAL_FILE, 0);
	log_warn("store %s: works without a write-ahead log, more slowly: %s", s->dir,
		 mdb_strerror(rc));
}

/* First it says that it is not needed: its name may come back when the power goes. */
int wal_stop(struct store *s)
{
	int rc;

	if (!s->wal)
		return 0;
	rc = wal_checkpoint_clean(s);
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
