/*
 * Brings every record under the first key: those of a store from before there were keys, those of
 * an older key after a rotation, those of a type that is sealed from now on. At opening, before
 * anything else runs; a store where that is done says so in meta, and nothing is read.
 *
 * Records are rewritten where they lie, some megabytes in a transaction. When it is cut short, or
 * the store is full, what is done stays done and the next opening goes on.
 */
#include "store/internal.h"

#include "base/log.h"

#include <string.h>

#define STEP_BYTES (4u << 20)

struct reseal {
	struct store *store;
	MDB_txn *txn;
	struct ref next; /* where to go on */
	size_t bytes;	 /* in this transaction */
	size_t records;
	bool end;
};

/* What the state "all done" is a state of: the first key, and what is to be sealed. */
static uint64_t goal(const struct store *s)
{
	uint64_t h = 0xcbf29ce484222325ULL ^ s->keys.v[0].id;

	vec_each (&s->sealed, prefix)
		for (const char *p = *prefix;; p++) {
			h = (h ^ (unsigned char)*p) * 0x100000001b3ULL;
			if (!*p)
				break;
		}
	return h;
}

static bool is_due(const struct store *s, const struct entry *e)
{
	if (e->sealed)
		return seal_key_of(e) != s->keys.v[0].id;
	return e->len && seal_wanted(s, e->key, e->key_len);
}

static int rewrite(struct reseal *r, struct entry *e)
{
	struct str plain CLEANUP(str_wipe) = STR_INIT, record CLEANUP(str_release) = STR_INIT;
	struct log_key k;
	MDB_val key = log_key(&k, e->at.revision, e->at.index), data, value;
	int rc = seal_open(r->store, e, &plain);

	if (rc)
		return rc;
	value = bytes_val(e->value, e->len);
	e->sealed = true;
	data.mv_size = entry_size(e->key_len, e->len + SEAL_SIZE);
	str_grow(&record, data.mv_size);
	data.mv_data = record.s;
	rc = seal_write(r->store, e, &value, 1, entry_write(record.s, e));
	if (rc)
		return rc;
	entry_sum(&k, data.mv_data, data.mv_size);
	r->bytes += data.mv_size;
	r->records++;
	return mdb_put(r->txn, r->store->log, &key, &data, 0);
}

/* A rewritten record moves others: each one is looked up anew. */
static int step(struct reseal *r)
{
	struct log_key k;
	MDB_val key = log_key(&k, r->next.revision, r->next.index), data;
	MDB_cursor *c;
	int rc = mdb_cursor_open(r->txn, r->store->log, &c);

	while (!rc && r->bytes < STEP_BYTES &&
	       !(rc = mdb_cursor_get(c, &key, &data, MDB_SET_RANGE))) {
		struct entry e;

		rc = entry_parse(&key, &data, &e);
		if (rc)
			break;
		r->next = (struct ref){e.at.revision, e.at.index + 1, 0};
		if (is_due(r->store, &e))
			rc = rewrite(r, &e);
		key = log_key(&k, r->next.revision, r->next.index);
	}
	mdb_cursor_close(c);
	r->end = rc == MDB_NOTFOUND;
	return r->end ? 0 : rc;
}

static int step_in_txn(struct reseal *r)
{
	struct store *s = r->store;
	int rc = step(r);

	if (!rc)
		rc = meta_put_number(s, r->txn, "format", STORE_FORMAT);
	if (!rc)
		rc = meta_put_number(s, r->txn, "key", s->keys.v[0].id);
	if (!rc && r->end)
		rc = meta_put_number(s, r->txn, "sealed", goal(s));
	return rc;
}

static int run_step(struct reseal *r)
{
	int rc;

	r->bytes = 0;
	rc = space_begin(r->store, STEP_BYTES, &r->txn);
	if (rc)
		return rc;
	rc = step_in_txn(r);
	if (!rc)
		return mdb_txn_commit(r->txn);
	mdb_txn_abort(r->txn);
	return rc;
}

bool reseal_is_done(struct store *s)
{
	MDB_txn *txn;
	uint64_t done;
	int rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);

	if (rc)
		return false;
	rc = meta_get_number(s, txn, "sealed", &done);
	mdb_txn_abort(txn);
	return !rc && done == goal(s);
}

int reseal(struct store *s, struct error **err)
{
	struct reseal r = {.store = s, .next = {1, 0, 0}};
	int rc = 0;

	if (!s->sealed.n || reseal_is_done(s))
		return 0;
	while (!rc && !r.end)
		rc = run_step(&r);
	if (is_no_space(rc)) {
		log_warn("store %s is full: values stay as they are, not encrypted with its first "
			 "key, until it is opened with room",
			 s->dir);
		return 0;
	}
	if (rc)
		return store_fail(err, rc, "cannot encrypt the values of the store");
	return 0;
}
