/*
 * Compaction: what is older than keep_ns, and not among the newest keep_versions of its key,
 * leaves the log.
 *
 * The log is walked once, in revision order, by the compacted revision C as it moves on. When a
 * record crosses C, the versions of its key before it are deleted as far as they are not among
 * the newest ones; it stays itself until its successor crosses, because it is what its key held
 * at C. A deletion that crosses as the newest of its key takes the whole key along. Two
 * invariants follow: every state from C on can still be read, and the versions of a key that are
 * left form one chain without holes, so following it to its broken end finds all.
 *
 * The work is a bounded step now and then, driven by writes and by one timer after the last
 * write. A store that nobody writes to sleeps.
 */
#include "store/internal.h"

#include "base/log.h"

#include <string.h>

/* Records that cross in one transaction. */
#define STEP_RECORDS 512
#define SMALL_STEP_RECORDS 16 /* where pages are few */

struct step {
	struct store *store;
	MDB_txn *txn;
	bool all;	 /* age does not matter: shedding */
	unsigned keep;	 /* so many versions of each key */
	size_t records;	 /* how many may cross */
	uint64_t bound;	 /* the compacted revision to reach */
	uint64_t wanted; /* the same before watches held it back */
	bool moved;
	int64_t next_ms; /* wall time of the first record beyond it; INT64_MAX: none */
	size_t deleted;
};

static bool has_aged(const struct step *st, const struct entry *e, int64_t now_ms)
{
	int64_t keep_ms = st->store->keep_ns / NS_PER_MS;

	/* A record from far in the future is from a clock that was set back since: its age is
	 * unknown, and it must not hold up all after it. */
	return st->all || now_ms - e->time_ms >= keep_ms || e->time_ms - now_ms > keep_ms;
}

/* Finds how far one step may go: whole revisions that have aged. */
static int find_bound(struct step *st, MDB_cursor *c, uint64_t from)
{
	int64_t now_ms = clock_wall(st->store->clock) / NS_PER_MS;
	struct log_key k;
	MDB_val key = log_key(&k, from + 1, 0), data;
	MDB_cursor_op op = MDB_SET_RANGE;
	size_t n = 0;
	int rc;

	st->next_ms = INT64_MAX;
	for (; !(rc = mdb_cursor_get(c, &key, &data, op)); op = MDB_NEXT) {
		struct entry e;

		rc = entry_parse(&key, &data, &e);
		if (rc)
			return rc;
		if ((n++ >= st->records && e.at.revision > st->bound) ||
		    !has_aged(st, &e, now_ms)) {
			st->next_ms = e.time_ms;
			return 0;
		}
		st->bound = e.at.revision;
	}
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int delete_record(struct step *st, const struct ref *ref)
{
	struct log_key k;
	MDB_val key = log_key(&k, ref->revision, ref->index);

	st->deleted++;
	return mdb_del(st->txn, st->store->log, &key, NULL);
}

/* Deletes the versions from REF back that are not newer than VERSION. */
static int delete_chain(struct step *st, struct ref ref, int64_t version)
{
	struct entry e;
	int rc;

	while (!(rc = entry_get(st->store, st->txn, &ref, &e))) {
		struct ref prev = e.prev;

		if ((int64_t)ref.version <= version && (rc = delete_record(st, &ref)))
			return rc;
		ref = prev;
	}
	return rc == MDB_NOTFOUND ? 0 : rc;
}

int compact_chain(struct store *s, MDB_txn *txn, struct ref newest)
{
	struct step st = {.store = s, .txn = txn};

	return delete_chain(&st, newest, newest.version);
}

/* E's key has no newer version than its deletion E. */
static int forget_key(struct step *st, const struct entry *e)
{
	MDB_val key = bytes_val(e->key, e->key_len);
	int rc = mdb_del(st->txn, st->store->deleted, &key, NULL);

	return rc ? rc : delete_chain(st, e->at, e->at.version);
}

static int cross(struct step *st, const struct entry *e)
{
	struct store *s = st->store;
	struct ref newest;
	int rc = ref_get(st->txn, s->objects, e->key, e->key_len, &newest);

	if (rc == MDB_NOTFOUND) {
		rc = ref_get(st->txn, s->deleted, e->key, e->key_len, &newest);
		if (!rc && newest.revision == e->at.revision)
			return forget_key(st, e);
	}
	if (rc)
		return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
	return delete_chain(st, e->prev, (int64_t)newest.version - st->keep);
}

/*
 * The records after FROM up to the bound. Deleting moves pages under a cursor, so each one is
 * looked up anew, and its key copied.
 */
static int cross_all(struct step *st, uint64_t from)
{
	struct log_key k;
	MDB_val key = log_key(&k, from + 1, 0), data;
	unsigned char copy[STORE_KEY_MAX];
	MDB_cursor *c;
	int rc = mdb_cursor_open(st->txn, st->store->log, &c);

	if (rc)
		return rc;
	while (!(rc = mdb_cursor_get(c, &key, &data, MDB_SET_RANGE))) {
		struct entry e;

		rc = entry_parse(&key, &data, &e);
		if (!rc && e.key_len > sizeof(copy))
			rc = MDB_CORRUPTED;
		if (rc || e.at.revision > st->bound)
			break;
		memcpy(copy, e.key, e.key_len);
		e.key = copy;
		rc = cross(st, &e);
		if (rc)
			break;
		key = log_key(&k, e.at.revision, e.at.index + 1);
	}
	mdb_cursor_close(c);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* What lies between FROM and the bound crosses. */
static int advance(struct step *st, uint64_t from)
{
	int rc = cross_all(st, from);

	return rc ? rc : meta_put_number(st->store, st->txn, "compacted", st->bound);
}

/* Plans the step, tells the watches, and does it. The bound stays at FROM when there is nothing. */
static int step_in_txn(struct step *st)
{
	struct store *s = st->store;
	uint64_t from;
	MDB_cursor *c;
	int rc = meta_get_number(s, st->txn, "compacted", &from);

	if (rc || (rc = mdb_cursor_open(st->txn, s->log, &c)))
		return rc;
	st->bound = st->wanted = from;
	rc = find_bound(st, c, from);
	mdb_cursor_close(c);
	if (rc || st->bound == from)
		return rc;
	st->wanted = st->bound;
	st->bound = watches_compact(s, st->wanted);
	if (st->bound <= from)
		return 0;
	st->moved = true;
	return advance(st, from);
}

static int step_run(struct step *st)
{
	struct store *s = st->store;
	int rc = s->failed ? s->failed : shared_commit(s);

	if (!rc)
		rc = space_begin(s, 0, &st->txn);
	if (rc)
		return rc;
	st->keep = st->all ? 1 : s->keep_versions;
	rc = step_in_txn(st);
	if (!rc && st->moved) {
		wal_begin(s);
		wal_add_compaction(s, st->bound, st->keep);
		return wal_commit(s, st->txn);
	}
	mdb_txn_abort(st->txn);
	return rc;
}

int compact_to(struct store *s, MDB_txn *txn, uint64_t bound, unsigned keep)
{
	struct step st = {.store = s, .txn = txn, .bound = bound, .keep = keep};
	uint64_t from;
	int rc = meta_get_number(s, txn, "compacted", &from);

	return !rc && bound > from ? advance(&st, from) : rc;
}

/* When to look again. Rather a few records late than once for each. */
static int64_t next_step(const struct step *st)
{
	struct store *s = st->store;
	int64_t now = clock_mono(s->clock), pause = s->keep_ns / 10, wait;

	if (st->next_ms == INT64_MAX && st->bound == st->wanted)
		return CLOCK_NEVER;
	if (st->bound != st->wanted)
		return now + pause;
	wait = s->keep_ns - (clock_wall(s->clock) - st->next_ms * NS_PER_MS);
	return wait <= 0 ? now : now + MIN(MAX(wait, pause), s->keep_ns);
}

void compact_step(struct store *s)
{
	struct step st = {.store = s, .records = STEP_RECORDS, .next_ms = INT64_MAX};
	int rc = step_run(&st);

	readers_forget_dead(s);
	if (!rc) {
		s->compact_at = next_step(&st);
		return;
	}
	log_error("store %s: cannot compact: %s", s->dir, mdb_strerror(rc));
	s->compact_at = clock_mono(s->clock) + s->keep_ns / 10;
}

void compact_due(struct store *s)
{
	s->compact_at = clock_mono(s->clock);
	while (s->compact_at <= clock_mono(s->clock))
		compact_step(s);
}

void compact_schedule(struct store *s)
{
	if (s->compact_at == CLOCK_NEVER)
		s->compact_at = clock_mono(s->clock) + s->keep_ns;
}

/* Pages that one transaction frees are there for the second one after it: an empty step. */
static void settle(struct store *s)
{
	uint64_t compacted;
	MDB_txn *txn;

	if (mdb_txn_begin(s->env, NULL, 0, &txn))
		return;
	if (meta_get_number(s, txn, "compacted", &compacted) ||
	    meta_put_number(s, txn, "compacted", compacted))
		mdb_txn_abort(txn);
	else
		mdb_txn_commit(txn);
}

bool compact_shed(struct store *s)
{
	struct step st = {.moved = true};
	size_t deleted = 0, records = STEP_RECORDS;
	int rc = 0;

	readers_forget_dead(s);
	while (!rc && st.moved) {
		st = (struct step){.store = s, .all = true, .records = records};
		rc = step_run(&st);
		if (!rc)
			deleted += st.deleted;
		else if (is_no_space(rc) && records == STEP_RECORDS) {
			records = SMALL_STEP_RECORDS;
			st.moved = true;
			rc = 0;
		}
	}
	if (deleted)
		log_warn("store %s is full: gave up %zu old versions", s->dir, deleted);
	settle(s);
	wal_checkpoint(s);
	return deleted;
}
