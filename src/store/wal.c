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
 *	slot 0, slot 1	checkpoints: a head, the first two pages of data.mdb; written in turn
 *	records		since the newest checkpoint, numbered from 1, each at a page's beginning
 *
 * A record is a transaction of LMDB: versions of keys as data.mdb holds them (sealed ones sealed),
 * or how far a compaction went. Each has the sequence of its checkpoint and a CRC-32; the first
 * that does not fit is the end. What is too large for a log is committed and followed by a
 * checkpoint. A store that was closed has no log.
 *
 * An error of a checkpoint is not got over (store.failed): the kernel may have dropped what it
 * could not write, and a second flush would not say so. What the log holds is then for the next
 * opening.
 */
#include "store/internal.h"

#include "base/log.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define WAL_FILE "data.wal"
#define WAL_VERSION 1
#define PAGE 4096u
#define FIRST_BYTES (256u << 10) /* what a log has from the beginning */
#define MAX_BYTES (16u << 20)
/*
 * Transactions from one checkpoint to the next. Each leaves a dozen pages behind that cannot be
 * used again before: the file is so much longer, some 6 MB.
 */
#define TRANSACTIONS_MAX 128
/* What is done again has to find room beside them. */
#define SPARE_BYTES (64u << 20)

/* The memory that is kept for the next record. */
#define RECORD_KEPT (1u << 20)
/* So much of it is done again in one transaction. */
#define STEP_BYTES (4u << 20)

/* Numbers are big-endian. */
struct slot_head {
	char magic[16];
	uint32_t version;
	uint32_t page_size; /* LMDB's */
	uint64_t sequence;
	uint32_t clean; /* the file is whole without the log */
	uint32_t sum;	/* CRC-32 of the head up to here and of the pages */
};
_Static_assert(sizeof(struct slot_head) == 40, "a format, not a struct");

static const char magic[16] = "kubefs wal";

enum record_kind { RECORD_WRITES = 1, RECORD_COMPACTION = 2 };

struct record_head {
	uint32_t kind;
	uint32_t len; /* of what follows */
	uint64_t sequence, number;
	uint32_t unused;
	uint32_t sum; /* CRC-32 of the head up to here and of what follows */
};
_Static_assert(sizeof(struct record_head) == 32, "a format, not a struct");

/* A version of a key: this, then the record as data.mdb has it. */
struct item_head {
	uint32_t size;
	unsigned char key[LOG_KEY_SIZE];
};
_Static_assert(sizeof(struct item_head) == 16, "a format, not a struct");

struct compaction {
	uint64_t bound;
	uint32_t keep, unused;
};

struct wal {
	int fd;
	size_t page_size;
	uint64_t sequence, number; /* of the checkpoint; of the last record */
	uint64_t at;		   /* where the next record goes */
	uint64_t end;		   /* of what has been written once: a flush there is cheap */
	MDB_txn *pin;
	enum record_kind kind;
	struct str record; /* in the making; begins with room for its head */
};

static size_t slot_size(size_t page_size)
{
	return PAGE + 2 * page_size;
}

static int write_all(int fd, const void *bytes, size_t len, uint64_t at)
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

static bool read_all(int fd, void *bytes, size_t len, uint64_t at)
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

static int flush(int fd)
{
	return fdatasync(fd) ? errno : 0;
}

/* Of a HEAD whose last member is the sum, and what follows it. */
static uint32_t sum_of(const void *head, size_t head_size, const char *more, size_t len)
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

static int write_slot(struct wal *w, const char *pages, uint64_t sequence, bool clean)
{
	struct slot_head h = {.version = htobe32(WAL_VERSION),
			      .page_size = htobe32((uint32_t)w->page_size),
			      .sequence = htobe64(sequence),
			      .clean = htobe32(clean)};
	uint64_t at = (sequence & 1) * slot_size(w->page_size);
	int rc;

	memcpy(h.magic, magic, sizeof(magic));
	h.sum = htobe32(sum_of(&h, sizeof(h), pages, 2 * w->page_size));
	rc = write_all(w->fd, &h, sizeof(h), at);
	if (!rc)
		rc = write_all(w->fd, pages, 2 * w->page_size, at + PAGE);
	return rc ? rc : flush(w->fd);
}

static int take_checkpoint(struct store *s, bool clean)
{
	struct wal *w = s->wal;
	char *pages free_ptr = xmalloc(2 * w->page_size);
	int rc = mdb_env_sync(s->env, 1);

	if (!rc && !read_all(data_fd(s), pages, 2 * w->page_size, 0))
		rc = EIO;
	if (!rc)
		rc = write_slot(w, pages, w->sequence + 1, clean);
	if (rc)
		return rc;
	w->sequence++;
	w->number = 0;
	w->at = 2 * slot_size(w->page_size);
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
		rc = write_all(w->fd, zeros, sizeof(zeros), w->end);
	return rc;
}

void wal_begin(struct store *s)
{
	static const struct record_head room;

	if (!s->wal)
		return;
	s->wal->kind = RECORD_WRITES;
	/* A large group now and then is no reason to keep its memory. */
	if (s->wal->record.cap > RECORD_KEPT)
		str_release(&s->wal->record);
	str_reset(&s->wal->record);
	str_add(&s->wal->record, (const char *)&room, sizeof(room));
}

void wal_add(struct store *s, const struct log_key *key, const MDB_val *data)
{
	struct item_head h = {.size = htobe32((uint32_t)data->mv_size)};

	if (!s->wal)
		return;
	memcpy(h.key, key->b, sizeof(h.key));
	str_add(&s->wal->record, (const char *)&h, sizeof(h));
	str_add(&s->wal->record, data->mv_data, data->mv_size);
}

void wal_add_compaction(struct store *s, uint64_t bound, unsigned keep)
{
	struct compaction c = {.bound = htobe64(bound), .keep = htobe32(keep)};

	if (!s->wal)
		return;
	s->wal->kind = RECORD_COMPACTION;
	str_add(&s->wal->record, (const char *)&c, sizeof(c));
}

/* There is no room for it in any log. */
static bool is_large(const struct wal *w)
{
	return 2 * slot_size(w->page_size) + w->record.len > MAX_BYTES;
}

/* The record is in the log then, and on disk where DURABLE asks for it. Returns an errno. */
static int append(struct wal *w, bool durable)
{
	struct record_head h = {.kind = htobe32(w->kind),
				.sequence = htobe64(w->sequence),
				.number = htobe64(w->number + 1)};
	size_t len = w->record.len - sizeof(h);
	uint64_t end = (w->at + w->record.len + PAGE - 1) / PAGE * PAGE;
	int rc = end > MAX_BYTES ? ENOBUFS : 0;

	if (!rc && end > w->end)
		rc = extend(w, MIN(2 * end, MAX_BYTES));
	if (rc)
		return rc;
	h.len = htobe32((uint32_t)len);
	h.sum = htobe32(sum_of(&h, sizeof(h), w->record.s + sizeof(h), len));
	memcpy(w->record.s, &h, sizeof(h));
	rc = write_all(w->fd, w->record.s, w->record.len, w->at);
	if (!rc && durable)
		rc = flush(w->fd);
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

/* After a crash. */

struct recovery {
	struct store *store;
	struct wal wal; /* fd, page_size, sequence, at */
	struct str pages;
	bool clean;
	uint64_t size;
	struct str record;
	MDB_txn *txn;
};

static bool read_slot(struct recovery *r, unsigned which, size_t page_size)
{
	struct slot_head h;
	struct str pages CLEANUP(str_release) = STR_INIT;
	uint64_t at = which * slot_size(page_size);

	if (!read_all(r->wal.fd, &h, sizeof(h), at) || memcmp(h.magic, magic, sizeof(magic)) != 0 ||
	    be32toh(h.version) != WAL_VERSION || be32toh(h.page_size) != page_size)
		return false;
	str_grow(&pages, 2 * page_size);
	if (!read_all(r->wal.fd, pages.s, 2 * page_size, at + PAGE) ||
	    be32toh(h.sum) != sum_of(&h, sizeof(h), pages.s, 2 * page_size))
		return false;
	if (be64toh(h.sequence) <= r->wal.sequence)
		return true;
	r->wal.sequence = be64toh(h.sequence);
	r->wal.page_size = page_size;
	r->clean = h.clean;
	pages.len = 2 * page_size;
	str_reset(&r->pages);
	str_add(&r->pages, pages.s, pages.len);
	return true;
}

/* The newest checkpoint; none was finished where a log was being made. */
static bool find_checkpoint(struct recovery *r)
{
	bool found = false;

	for (size_t size = 512; size <= 65536; size *= 2)
		for (unsigned which = 0; which < 2; which++)
			found |= read_slot(r, which, size);
	r->wal.at = 2 * slot_size(r->wal.page_size);
	return found;
}

static int restore_pages(struct recovery *r)
{
	int fd close_fd = openat(r->store->dir_fd, DATA_FILE, O_WRONLY | O_CLOEXEC);
	int rc = fd < 0 ? errno : write_all(fd, r->pages.s, r->pages.len, 0);

	return rc ? rc : flush(fd);
}

/* Into r->record, without its head; false at the end. */
static bool next_record(struct recovery *r, struct record_head *h)
{
	struct wal *w = &r->wal;
	size_t len;

	if (!read_all(w->fd, h, sizeof(*h), w->at))
		return false;
	len = be32toh(h->len);
	if (be64toh(h->sequence) != w->sequence || be64toh(h->number) != w->number + 1 ||
	    len > MAX_BYTES)
		return false;
	str_reset(&r->record);
	str_grow(&r->record, len);
	if (!read_all(w->fd, r->record.s, len, w->at + sizeof(*h)) ||
	    be32toh(h->sum) != sum_of(h, sizeof(*h), r->record.s, len))
		return false;
	r->record.len = len;
	w->number++;
	w->at = (w->at + sizeof(*h) + len + PAGE - 1) / PAGE * PAGE;
	return true;
}

static int write_again(struct recovery *r)
{
	const char *p = r->record.s, *end = p + r->record.len;
	int rc = 0;

	while (!rc && p < end) {
		struct item_head h;
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
			rc = mdb_put(r->txn, r->store->log, &key, &data, MDB_APPEND);
		if (!rc)
			rc = entry_point(r->store, r->txn, &e);
	}
	return rc;
}

static int compact_again(struct recovery *r)
{
	struct compaction c;

	if (r->record.len != sizeof(c))
		return MDB_CORRUPTED;
	memcpy(&c, r->record.s, sizeof(c));
	return compact_to(r->store, r->txn, be64toh(c.bound), be32toh(c.keep));
}

static int do_again(struct recovery *r, const struct record_head *h)
{
	return be32toh(h->kind) == RECORD_COMPACTION ? compact_again(r) : write_again(r);
}

/* Some of the records that are left. *END: there are no more. */
static int do_some(struct recovery *r, bool *end)
{
	size_t bytes = 0;
	struct record_head h;
	int rc = mdb_txn_begin(r->store->env, NULL, 0, &r->txn);

	if (rc)
		return rc;
	while (!rc && bytes < STEP_BYTES && !(*end = !next_record(r, &h))) {
		rc = do_again(r, &h);
		bytes += r->record.len;
	}
	if (!rc)
		return mdb_txn_commit(r->txn);
	mdb_txn_abort(r->txn);
	return rc;
}

/* With the checkpoint pinned, for this may be cut short as well. */
static int replay(struct recovery *r)
{
	bool end = false;
	MDB_txn *pin;
	int rc = mdb_txn_begin(r->store->env, NULL, MDB_RDONLY, &pin);

	if (rc)
		return rc;
	while (!rc && !end)
		rc = do_some(r, &end);
	if (!rc)
		rc = mdb_env_sync(r->store->env, 1);
	mdb_txn_abort(pin);
	return rc;
}

/* Room for what the replay writes beside what it has pinned, however little the store may hold. */
static size_t map_for(const struct recovery *r)
{
	return MAX(r->store->map_size, (size_t)r->size) + SPARE_BYTES;
}

static int bring_in(struct recovery *r, struct error **err)
{
	struct store *s = r->store;
	int rc = restore_pages(r);

	if (rc)
		return store_fail(err, rc, "cannot open the store");
	rc = store_env_open(s, DATA_FILE, map_for(r), MDB_NOSYNC, err);
	if (!rc)
		rc = store_load(s, err);
	if (!rc && (rc = replay(r)))
		store_fail(err, rc, "cannot do again what data.wal says");
	store_env_close(s);
	if (rc)
		return -1;
	log_info("store %s: did %llu transactions again that were in data.wal", s->dir,
		 (unsigned long long)r->wal.number);
	/* Not needed any more, should its name come back. */
	rc = write_slot(&r->wal, r->pages.s, r->wal.sequence + 1, true);
	return rc ? store_fail(err, rc, "cannot open the store") : 0;
}

bool wal_is_left(struct store *s)
{
	return !faccessat(s->dir_fd, WAL_FILE, F_OK, 0);
}

int wal_discard(struct store *s, struct error **err)
{
	if (!wal_is_left(s))
		return 0;
	if (unlinkat(s->dir_fd, WAL_FILE, 0) || fsync(s->dir_fd))
		return error_set_errno(err, errno, "cannot remove %s/" WAL_FILE, s->dir);
	return 0;
}

int wal_recover(struct store *s, struct error **err)
{
	struct recovery r = {.store = s, .pages = STR_INIT, .record = STR_INIT};
	struct stat st;
	int rc = 0;

	r.wal.fd = openat(s->dir_fd, WAL_FILE, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (r.wal.fd < 0)
		return errno == ENOENT
			       ? 0
			       : error_set_errno(err, errno, "cannot open %s/" WAL_FILE, s->dir);
	r.size = fstatat(s->dir_fd, DATA_FILE, &st, 0) ? 0 : (uint64_t)st.st_size;
	if (find_checkpoint(&r) && !r.clean)
		rc = bring_in(&r, err);
	close(r.wal.fd);
	str_release(&r.pages);
	str_release(&r.record);
	if (!rc)
		unlinkat(s->dir_fd, WAL_FILE, 0);
	return rc;
}
