/*
 * A store made from a backup. It is built beside the one it replaces, without flushes, checked as a
 * whole, flushed, and renamed: killed at any instant, the directory has the old store or the new
 * one. What an earlier attempt has left is removed.
 */
#include "store/backup.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define RESTORE_FILE "data.mdb.restore"
#define STEP_BYTES (16u << 20)
/* Where a store goes on that takes another's place: no revision that was ever told of that one is
 * given again. A thousand writes a second make as many in eleven days. */
#define REVISIONS_AHEAD 1000000000u

struct restore {
	struct store *store;
	const char *path;
	struct backup_file file;
	struct backup_head head; /* in the machine's order */
	bool ahead;		 /* revisions go on REVISIONS_AHEAD later */
	MDB_txn *txn;
	size_t bytes;	   /* in this transaction */
	uint64_t left;	   /* records */
	uint64_t last_key; /* that sealed something */
	struct str record;
};

static int no_backup(const struct restore *r, const char *why, struct error **err)
{
	return error_set(err, E_INTERNAL, "%s is no whole backup: %s", r->path, why);
}

static int read_head(struct restore *r, struct error **err)
{
	struct backup_head *h = &r->head;

	if (backup_read(&r->file, h, sizeof(*h)) || memcmp(h->magic, BACKUP_MAGIC, 16) != 0)
		return no_backup(r, "it does not begin like one", err);
	h->version = be32toh(h->version);
	h->format = be32toh(h->format);
	if (h->version != BACKUP_VERSION || h->format > STORE_FORMAT)
		return error_set(err, E_UNAVAILABLE,
				 "%s has been written by a newer kubefs: use that one", r->path);
	h->id = be64toh(h->id);
	h->revision = be64toh(h->revision);
	h->compacted = be64toh(h->compacted);
	h->records = be64toh(h->records);
	h->time_ms = be64toh(h->time_ms);
	r->left = h->records;
	if (h->compacted > h->revision || h->revision > UINT64_MAX / 2)
		return no_backup(r, "its revisions cannot be", err);
	return 0;
}

static int check_record(struct restore *r, const struct entry *e, struct error **err)
{
	if (!entry_is_intact(e) || !e->key_len || e->key_len > STORE_KEY_MAX || !e->at.revision ||
	    e->at.revision > r->head.revision)
		return no_backup(r, "a record is damaged", err);
	if (!e->sealed)
		return 0;
	r->last_key = seal_key_of(e);
	if (keys_find(&r->store->keys, r->last_key))
		return 0;
	return error_set(err, E_UNAVAILABLE,
			 "%s has values that are encrypted with the key %016llx, which "
			 "%s/data.keys does not hold: put the keys of its store there first",
			 r->path, (unsigned long long)r->last_key, r->store->dir);
}

static int cannot_write(const struct restore *r, int rc, struct error **err)
{
	/* LMDB's words for a record that does not come after the one before it. */
	if (rc == MDB_KEYEXIST || rc == MDB_CORRUPTED)
		return no_backup(r, "a record is not where it belongs", err);
	return store_fail(err, rc, "cannot write the store");
}

static int put_record(struct restore *r, MDB_val *key, MDB_val *data, struct error **err)
{
	struct entry e;
	int rc;

	if (entry_parse(key, data, &e))
		return no_backup(r, "a record is damaged", err);
	if (check_record(r, &e, err))
		return -1;
	rc = mdb_put(r->txn, r->store->log, key, data, MDB_APPEND);
	if (!rc)
		rc = entry_point(r->store, r->txn, &e);
	r->bytes += data->mv_size;
	return rc ? cannot_write(r, rc, err) : 0;
}

static int read_record(struct restore *r, struct error **err)
{
	struct log_key k;
	MDB_val key = bytes_val(k.b, sizeof(k.b)), data;
	uint32_t size;

	if (backup_read(&r->file, &size, sizeof(size)) || backup_read(&r->file, k.b, sizeof(k.b)))
		return no_backup(r, "it ends too early", err);
	size = be32toh(size);
	if (size > BACKUP_RECORD_MAX)
		return no_backup(r, "a record is damaged", err);
	str_reset(&r->record);
	str_grow(&r->record, size);
	if (backup_read(&r->file, r->record.s, size))
		return no_backup(r, "it ends too early", err);
	data = bytes_val(r->record.s, size);
	return put_record(r, &key, &data, err);
}

static int read_end(struct restore *r, struct error **err)
{
	unsigned char want[BACKUP_SUM], sum[BACKUP_SUM];

	if (backup_sum(&r->file, want))
		return error_set(err, E_INTERNAL, "OpenSSL cannot sum up");
	if (fread(sum, 1, sizeof(sum), r->file.f) != sizeof(sum))
		return no_backup(r, "it ends too early", err);
	if (memcmp(sum, want, sizeof(sum)) != 0)
		return no_backup(r, "its checksum does not fit", err);
	return getc(r->file.f) == EOF ? 0 : no_backup(r, "something follows it", err);
}

/* Deletions from before the revisions go on are nobody's concern any more. */
static int forget_deleted(struct restore *r)
{
	struct store *s = r->store;
	MDB_cursor *c;
	MDB_val key, data;
	int rc = mdb_cursor_open(r->txn, s->deleted, &c);

	while (!rc && !(rc = mdb_cursor_get(c, &key, &data, MDB_NEXT))) {
		struct ref ref;

		rc = ref_parse(&data, &ref);
		if (!rc)
			rc = compact_chain(s, r->txn, ref);
	}
	mdb_cursor_close(c);
	return rc == MDB_NOTFOUND ? mdb_drop(r->txn, s->deleted, 0) : rc;
}

static int finish(struct restore *r)
{
	uint64_t compacted = r->ahead ? r->head.revision + REVISIONS_AHEAD : r->head.compacted;
	int rc = r->ahead ? forget_deleted(r) : 0;

	if (!rc)
		rc = meta_put_number(r->store, r->txn, "compacted", compacted);
	if (!rc && r->last_key)
		rc = meta_put_number(r->store, r->txn, "key", r->last_key);
	return rc;
}

static int step(struct restore *r, struct error **err)
{
	for (r->bytes = 0; r->left && r->bytes < STEP_BYTES; r->left--)
		if (read_record(r, err))
			return -1;
	return 0;
}

static int run_step(struct restore *r, bool first, struct error **err)
{
	int rc = mdb_txn_begin(r->store->env, NULL, 0, &r->txn);

	if (rc)
		return store_fail(err, rc, "cannot write the store");
	if (first)
		rc = store_write_new(r->store, r->txn, r->head.id, r->head.compacted);
	if (rc)
		store_fail(err, rc, "cannot write the store");
	else if (step(r, err) || (!r->left && read_end(r, err)))
		rc = -1;
	else if (!r->left && (rc = finish(r)))
		cannot_write(r, rc, err);
	if (rc) {
		mdb_txn_abort(r->txn);
		return -1;
	}
	rc = mdb_txn_commit(r->txn);
	return rc ? store_fail(err, rc, "cannot write the store") : 0;
}

/* The parts fit each other, and what is sealed opens: or it was no store that was backed up. */
static int check_built(struct restore *r, struct error **err)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	int rc = mdb_env_sync(r->store->env, 1);

	if (rc)
		return store_fail(err, rc, "cannot write the store");
	if (store_load(r->store, err))
		return -1;
	return store_check(r->store, NULL, NULL, NULL, &why) ? no_backup(r, error_message(why), err)
							     : 0;
}

static int build(struct restore *r, struct error **err)
{
	bool first = true;

	if (read_head(r, err) ||
	    store_env_open(r->store, RESTORE_FILE, r->store->map_size, MDB_NOSYNC, err))
		return -1;
	do {
		if (run_step(r, first, err))
			return -1;
		first = false;
	} while (r->left);
	return check_built(r, err);
}

static void remove_leftovers(struct store *s)
{
	unlinkat(s->dir_fd, RESTORE_FILE, 0);
	unlinkat(s->dir_fd, RESTORE_FILE "-lock", 0);
}

static int restore(struct restore *r, struct error **err)
{
	struct store *s = r->store;
	int rc;

	remove_leftovers(s);
	if (keys_load(s->dir, &s->keys, err))
		return -1;
	rc = build(r, err);
	readers_release(s);
	store_env_close(s);
	if (!rc)
		rc = wal_discard(s, err);
	if (!rc)
		rc = store_rename(s, RESTORE_FILE, DATA_FILE, err);
	remove_leftovers(s);
	return rc;
}

static int check_place(struct store *s, bool replace, struct error **err)
{
	if (faccessat(s->dir_fd, DATA_FILE, F_OK, 0) || replace)
		return 0;
	return error_set(err, E_EXISTS, "there is a store in %s already", s->dir);
}

int store_restore(const char *dir, const char *path, const struct store_options *opt, bool replace,
		  struct store_backup_info *info, struct error **err)
{
	int fd close_fd = open(path, O_RDONLY | O_CLOEXEC), rc = -1;
	struct restore r = {.path = path, .record = STR_INIT};

	if (fd < 0)
		return error_set_errno(err, errno, "%s", path);
	r.store = store_lock(dir, opt, err);
	if (!r.store)
		return -1;
	if (!check_place(r.store, replace, err)) {
		r.ahead = !faccessat(r.store->dir_fd, DATA_FILE, F_OK, 0);
		if (backup_file_open(&r.file, fd, "r"))
			error_set_errno(err, errno, "%s", path);
		else
			rc = restore(&r, err);
	}
	*info = (struct store_backup_info){r.head.id, r.head.revision, r.head.records,
					   r.file.bytes + BACKUP_SUM, (int64_t)r.head.time_ms};
	backup_file_close(&r.file);
	str_release(&r.record);
	store_close(r.store);
	return rc;
}
