#include "store/internal.h"

#include <string.h>

struct check {
	struct store *store;
	MDB_txn *txn;
	uint64_t newest, compacted;
	uint64_t records; /* of the log that belong to a key */
};

static int damaged(const struct check *c, const char *what, const struct ref *ref,
		   struct error **err)
{
	return error_set(err, E_INTERNAL,
			 "the store %s is damaged: %s (revision %llu, operation %u)", c->store->dir,
			 what, (unsigned long long)ref->revision, ref->index);
}

static int check_version(struct check *c, const MDB_val *key, const struct entry *e,
			 const struct ref *ref, struct error **err)
{
	if (e->key_len != key->mv_size || memcmp(e->key, key->mv_data, e->key_len))
		return damaged(c, "a record of another key", ref, err);
	if (e->at.version != ref->version)
		return damaged(c, "a version is missing", ref, err);
	if (e->at.revision > c->newest)
		return damaged(c, "a record from the future", ref, err);
	if (e->prev.revision >= e->at.revision)
		return damaged(c, "a version older than the one before it", ref, err);
	c->records++;
	return 0;
}

/* A sealed value opens with its key. */
static int check_value(const struct check *c, const struct entry *e, struct error **err)
{
	struct str plain CLEANUP(str_wipe) = STR_INIT;
	struct entry copy = *e;
	int rc = seal_open(c->store, &copy, &plain);

	return rc ? store_fail(err, rc, "a value of the store does not open") : 0;
}

/* All versions of one key, from the newest back. */
static int check_chain(struct check *c, const MDB_val *key, struct ref ref, bool deleted,
		       struct error **err)
{
	struct entry e;
	int rc = entry_get(c->store, c->txn, &ref, &e);

	if (rc)
		return damaged(c, "the newest version of a key cannot be read", &ref, err);
	if (e.deleted != deleted)
		return damaged(c, "an object and its last record do not agree", &ref, err);
	for (; !rc; rc = entry_get(c->store, c->txn, &ref, &e)) {
		if (check_version(c, key, &e, &ref, err) || check_value(c, &e, err))
			return -1;
		ref = e.prev;
	}
	if (rc != MDB_NOTFOUND)
		return damaged(c, "a record cannot be read", &ref, err);
	if (ref.revision > c->compacted)
		return damaged(c, "a version that was not compacted is missing", &ref, err);
	return 0;
}

static int check_tree(struct check *c, MDB_dbi dbi, bool deleted, struct error **err)
{
	MDB_cursor *cursor;
	MDB_val key, data;
	int rc = mdb_cursor_open(c->txn, dbi, &cursor);
	bool bad = false;

	while (!rc && !bad && !(rc = mdb_cursor_get(cursor, &key, &data, MDB_NEXT))) {
		struct ref ref;

		rc = ref_parse(&data, &ref);
		bad = !rc && check_chain(c, &key, ref, deleted, err);
	}
	mdb_cursor_close(cursor);
	if (bad)
		return -1;
	return rc == MDB_NOTFOUND ? 0 : store_fail(err, rc, "cannot read the store");
}

static int check(struct check *c, struct error **err)
{
	struct store *s = c->store;
	MDB_stat st;
	int rc = snapshot_revisions(s, c->txn, &c->newest, &c->compacted);

	if (!rc)
		rc = mdb_stat(c->txn, s->log, &st);
	if (rc)
		return store_fail(err, rc, "cannot read the store");
	if (check_tree(c, s->objects, false, err) || check_tree(c, s->deleted, true, err))
		return -1;
	if (c->records != st.ms_entries)
		return error_set(err, E_INTERNAL,
				 "the store %s is damaged: %zu records, %llu of them of a key",
				 s->dir, st.ms_entries, (unsigned long long)c->records);
	return 0;
}

int store_check(struct store *s, struct error **err)
{
	struct check c = {.store = s, .txn = reader_begin(s, err)};
	int rc;

	if (!c.txn)
		return -1;
	rc = check(&c, err);
	reader_end(s, c.txn);
	return rc;
}
