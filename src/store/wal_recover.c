/*
 * After a crash: the store is put back to the newest checkpoint of its write-ahead log, and what
 * the log says is done again (wal.c tells why that is enough). This may be killed as well: the
 * checkpoint stays pinned until all of it is on disk.
 */
#include "store/wal.h"

#include "base/log.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* So much of it is done again in one transaction. */
#define STEP_BYTES (4u << 20)
/* What is done again has to find room beside what is pinned. */
#define SPARE_BYTES (64u << 20)
/* No record is longer; in version 1 they had both halves. */
#define RECORD_BYTES_MAX (2 * WAL_HALF_BYTES)

struct recovery {
	struct store *store;
	int fd;
	/* The checkpoint. */
	uint32_t version;
	size_t page_size;
	uint64_t sequence;
	struct str pages;
	bool clean;
	bool newer; /* not for this program to read */
	/* The record that was read last, and where the next one is. */
	uint64_t half, number, at;
	uint64_t done; /* all in all */
	uint64_t size;
	struct str record;
	MDB_txn *txn;
};

static bool read_slot(struct recovery *r, unsigned which, size_t page_size)
{
	struct wal_slot_head h;
	struct str pages CLEANUP(str_release) = STR_INIT;
	uint64_t at = which * wal_slot_size(page_size);

	if (!wal_read_bytes(r->fd, &h, sizeof(h), at) ||
	    memcmp(h.magic, wal_magic, sizeof(wal_magic)) != 0 || be32toh(h.page_size) != page_size)
		return false;
	r->newer |= be32toh(h.version) > WAL_VERSION;
	str_grow(&pages, 2 * page_size);
	if (!wal_read_bytes(r->fd, pages.s, 2 * page_size, at + WAL_PAGE) ||
	    be32toh(h.sum) != wal_sum(&h, sizeof(h), pages.s, 2 * page_size))
		return false;
	if (be64toh(h.sequence) <= r->sequence)
		return true;
	r->version = be32toh(h.version);
	r->sequence = r->half = be64toh(h.sequence);
	r->page_size = page_size;
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
	r->at = wal_half(r->page_size, r->version == 1 ? 0 : r->sequence);
	return found;
}

static int restore_pages(struct recovery *r)
{
	int fd close_fd = openat(r->store->dir_fd, DATA_FILE, O_WRONLY | O_CLOEXEC);
	int rc = fd < 0 ? errno : wal_write_bytes(fd, r->pages.s, r->pages.len, 0);

	return rc ? rc : wal_flush(fd);
}

/* The NUMBER-th record of SEQUENCE at AT, into r->record without its head; false: it is not there.
 */
static bool read_record(struct recovery *r, uint64_t sequence, uint64_t number, uint64_t at,
			struct wal_record_head *h)
{
	size_t len;

	if (!wal_read_bytes(r->fd, h, sizeof(*h), at))
		return false;
	len = be32toh(h->len);
	if (be64toh(h->sequence) != sequence || be64toh(h->number) != number ||
	    len > RECORD_BYTES_MAX)
		return false;
	str_reset(&r->record);
	str_grow(&r->record, len);
	r->record.len = len;
	return wal_read_bytes(r->fd, r->record.s, len, at + sizeof(*h)) &&
	       be32toh(h->sum) == wal_sum(h, sizeof(*h), r->record.s, len);
}

/* In its half; or the first after it, of a checkpoint that was being written. */
static bool next_record(struct recovery *r, struct wal_record_head *h)
{
	uint64_t half = r->half, number = r->number + 1, at = r->at;
	bool found = read_record(r, half, number, at, h);

	if (!found && half == r->sequence && r->version > 1) {
		half++;
		number = 1;
		at = wal_half(r->page_size, half);
		found = read_record(r, half, number, at, h) && be32toh(h->before) == r->number;
	}
	if (!found)
		return false;
	r->half = half;
	r->number = number;
	r->at = (at + sizeof(*h) + r->record.len + WAL_PAGE - 1) / WAL_PAGE * WAL_PAGE;
	r->done++;
	return true;
}

static int compact_again(struct recovery *r)
{
	struct wal_compaction c;

	if (r->record.len != sizeof(c))
		return MDB_CORRUPTED;
	memcpy(&c, r->record.s, sizeof(c));
	return compact_to(r->store, r->txn, be64toh(c.bound), be32toh(c.keep));
}

static int do_again(struct recovery *r, const struct wal_record_head *h)
{
	return be32toh(h->kind) == WAL_COMPACTION
		       ? compact_again(r)
		       : wal_write_items(r->store, r->txn, r->record.s, r->record.len);
}

/* Some of the records that are left. *END: there are no more. */
static int do_some(struct recovery *r, bool *end)
{
	size_t bytes = 0;
	struct wal_record_head h;
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
		 (unsigned long long)r->done);
	/* Not needed any more, should its name come back. */
	rc = wal_write_slot(r->fd, r->page_size, r->pages.s, r->sequence + 1, true);
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
	bool found;
	int rc = 0;

	r.fd = openat(s->dir_fd, WAL_FILE, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (r.fd < 0)
		return errno == ENOENT
			       ? 0
			       : error_set_errno(err, errno, "cannot open %s/" WAL_FILE, s->dir);
	r.size = fstatat(s->dir_fd, DATA_FILE, &st, 0) ? 0 : (uint64_t)st.st_size;
	found = find_checkpoint(&r);
	if (r.newer)
		rc = error_set(err, E_UNAVAILABLE,
			       "%s/" WAL_FILE " is of a newer kubefs, which has to open the store",
			       s->dir);
	else if (found && !r.clean)
		rc = bring_in(&r, err);
	close(r.fd);
	str_release(&r.pages);
	str_release(&r.record);
	if (!rc)
		unlinkat(s->dir_fd, WAL_FILE, 0);
	return rc;
}
