/*
 * Full maps and full disks.
 *
 * A copy-on-write tree needs free pages even to delete. So writers that bring data are refused
 * while there is still room for those who take data away:
 *
 * - The map is longer than the limit the data must keep (space_slack), and how many pages the
 *   trees fill is known at any time from their own counters.
 * - The file always has RESERVE bytes more on disk than the tree reaches. When the disk no longer
 *   gives them, data may grow only into what the file has free; the reserve is for deletions.
 *   Where the file system cannot reserve, the write itself fails, and the transaction with it.
 * - A deletion keeps the last state in the log, so deletions fill the store as well until their
 *   history is given up. That takes pages too: GIVE_UP of the slack and of the reserve are
 *   for compaction alone.
 *
 * The file being longer than the tree reaches also tells a truncated file from a whole one.
 */
#include "store/internal.h"
#include "store/maintain.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define RESERVE (1u << 20)
/* Pages on the way to the leaves of a small write: three trees, and those that are split. */
#define PATH_PAGES 12
/* For one of compaction's smallest steps. */
#define GIVE_UP (512u << 10)
/* Bytes that nothing uses up between two commits. */
#define PLENTY (64u << 20)

size_t space_slack(size_t map_size)
{
	return MAX(map_size / 8, 8 * (size_t)RESERVE);
}

static uint64_t file_size(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? 0 : (uint64_t)st.st_size;
}

static uint64_t map_size(struct store *s)
{
	MDB_envinfo info;

	mdb_env_info(s->env, &info);
	return info.me_mapsize;
}

static uint64_t pages_in(struct store *s, uint64_t bytes, uint64_t spared)
{
	return (bytes > spared ? bytes - spared : 0) / s->page_size;
}

static uint64_t used_bytes(struct store *s)
{
	MDB_envinfo info;

	mdb_env_info(s->env, &info);
	return ((uint64_t)info.me_last_pgno + 1) * s->page_size;
}

int space_check_file(struct store *s, struct error **err)
{
	uint64_t size, used = used_bytes(s);
	mdb_filehandle_t fd;

	mdb_env_get_fd(s->env, &fd);
	size = file_size(fd);
	if (size < used)
		return error_set(err, E_INTERNAL,
				 "%s/data.mdb is damaged: it ends after %llu of %llu bytes", s->dir,
				 (unsigned long long)size, (unsigned long long)used);
	return 0;
}

/* LMDB keeps its free pages in a tree of lists that begin with their length. */
static uint64_t free_pages(MDB_txn *txn)
{
	MDB_cursor *c;
	MDB_val key, data;
	uint64_t pages = 0;
	size_t n;

	if (mdb_cursor_open(txn, 0, &c))
		return 0;
	while (!mdb_cursor_get(c, &key, &data, MDB_NEXT) && data.mv_size >= sizeof(n)) {
		memcpy(&n, data.mv_data, sizeof(n));
		pages += n;
	}
	mdb_cursor_close(c);
	return pages;
}

void space_report(struct store *s, MDB_txn *txn, struct store_report *r)
{
	mdb_filehandle_t fd;

	mdb_env_get_fd(s->env, &fd);
	r->file_bytes = file_size(fd);
	r->used_bytes = used_bytes(s);
	r->free_bytes = free_pages(txn) * s->page_size;
}

/* Makes the file SIZE bytes long, with blocks behind them where the file system can. */
static int extend(struct store *s, int fd, uint64_t from, uint64_t size)
{
	if (!fallocate(fd, 0, (off_t)from, (off_t)(size - from)))
		return 0;
	if (errno != EOPNOTSUPP && errno != ENOSYS)
		return errno;
	s->sparse = true;
	if (file_size(fd) < size && ftruncate(fd, (off_t)size))
		return errno;
	return 0;
}

void space_prepare(struct store *s, size_t bytes)
{
	uint64_t used = used_bytes(s), want = used + bytes + bytes / 2 + RESERVE;
	mdb_filehandle_t fd;

	s->pages = s->map_pages;
	s->delete_pages = pages_in(s, map_size(s), GIVE_UP);
	if (want <= s->reserved)
		return;
	mdb_env_get_fd(s->env, &fd);
	want = (want + RESERVE) / RESERVE * RESERVE;
	if (!extend(s, fd, MIN(MAX(used, s->reserved), want), want)) {
		s->reserved = want;
		return;
	}
	/* Data may use what is there except the reserve. */
	want = MAX(s->reserved, used);
	s->pages = MIN(s->pages, pages_in(s, want, RESERVE));
	s->delete_pages = MIN(s->delete_pages, pages_in(s, want, GIVE_UP));
}

/* Where blocks are given anew with each write a reserve is none: so there has to be plenty. */
bool space_is_reserved(struct store *s)
{
	struct statvfs st;

	return s->pages == s->map_pages && !s->sparse && !fstatvfs(s->dir_fd, &st) &&
	       st.f_bavail >= PLENTY / st.f_frsize;
}

/* After one that failed in its last step LMDB begins none; what lies where is not known then. */
int space_begin(struct store *s, size_t bytes, MDB_txn **txn)
{
	int rc = mdb_txn_begin(s->env, NULL, 0, txn);

	if (!rc)
		space_prepare(s, bytes);
	return rc;
}

static uint64_t pages_of(MDB_txn *txn, MDB_dbi dbi)
{
	MDB_stat st;

	if (mdb_stat(txn, dbi, &st))
		return 0;
	return st.ms_branch_pages + st.ms_leaf_pages + st.ms_overflow_pages;
}

static uint64_t pages_needed(struct store *s, const struct request *r)
{
	uint64_t pages = PATH_PAGES;

	for (size_t i = 0; i < r->n; i++) {
		const struct store_op *op = &r->ops[i];

		/* Half a page more: leaves are half full after a split. */
		pages += (entry_size(op->key_len, op->head_len + op->tail_len) + op->key_len +
			  SEAL_SIZE + s->page_size / 2) /
				 s->page_size +
			 1;
	}
	return pages;
}

bool space_fits(struct store *s, MDB_txn *txn, const struct request *r)
{
	/* 0 and 1 are LMDB's own trees: free pages and the names of the others. */
	uint64_t pages = 2 + pages_of(txn, 0) + pages_of(txn, 1) + pages_of(txn, s->meta) +
			 pages_of(txn, s->log) + pages_of(txn, s->objects) +
			 pages_of(txn, s->deleted);

	return pages + pages_needed(s, r) <= (r->puts ? s->pages : s->delete_pages);
}
