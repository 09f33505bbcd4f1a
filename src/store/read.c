/*
 * Reads: a snapshot from a pool of read transactions that are reset, not ended, between uses.
 * A snapshot keeps pages of the file from being used again, so each ends with its call.
 */
#include "store/internal.h"

#include <string.h>

/* Reads that this thread has begun: one within another waits for nobody, or both would for ever. */
static _Thread_local unsigned reads_here;

/* TXN, when there is one, for use again. */
static void reader_ended(struct store *s, MDB_txn *txn)
{
	reads_here--;
	pthread_mutex_lock(&s->readers_lock);
	if (txn)
		vec_push(&s->readers, txn);
	s->n_reading--;
	s->n_ended++;
	pthread_cond_signal(&s->reader_ended);
	pthread_mutex_unlock(&s->readers_lock);
}

MDB_txn *reader_begin(struct store *s, struct error **err)
{
	MDB_txn *txn = NULL;
	int rc;

	pthread_mutex_lock(&s->readers_lock);
	while (s->readers_wait && !reads_here)
		pthread_cond_wait(&s->readers_may, &s->readers_lock);
	if (s->readers.n)
		txn = s->readers.v[--s->readers.n];
	s->n_reading++;
	reads_here++;
	pthread_mutex_unlock(&s->readers_lock);
	rc = txn ? mdb_txn_renew(txn) : mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);
	if (!rc)
		return txn;
	if (txn)
		mdb_txn_abort(txn);
	reader_ended(s, NULL);
	store_fail(err, rc, "cannot read the store");
	return NULL;
}

void reader_end(struct store *s, MDB_txn *txn)
{
	mdb_txn_reset(txn);
	reader_ended(s, txn);
}

uint64_t readers_ended(struct store *s)
{
	uint64_t n;

	pthread_mutex_lock(&s->readers_lock);
	n = s->n_ended;
	pthread_mutex_unlock(&s->readers_lock);
	return n;
}

bool readers_wait(struct store *s, uint64_t seen, int64_t deadline_ns)
{
	bool more;

	pthread_mutex_lock(&s->readers_lock);
	while (s->n_reading && s->n_ended == seen && clock_mono(s->clock) < deadline_ns)
		clock_wait(s->clock, &s->reader_ended, &s->readers_lock, deadline_ns);
	more = s->n_ended != seen && clock_mono(s->clock) < deadline_ns;
	pthread_mutex_unlock(&s->readers_lock);
	return more;
}

bool readers_shut(struct store *s, int64_t deadline_ns)
{
	bool quiet;

	pthread_mutex_lock(&s->readers_lock);
	s->readers_wait = true;
	while (s->n_reading && clock_mono(s->clock) < deadline_ns)
		clock_wait(s->clock, &s->reader_ended, &s->readers_lock, deadline_ns);
	quiet = !s->n_reading;
	pthread_mutex_unlock(&s->readers_lock);
	return quiet;
}

void readers_open(struct store *s)
{
	pthread_mutex_lock(&s->readers_lock);
	s->readers_wait = false;
	pthread_cond_broadcast(&s->readers_may);
	pthread_mutex_unlock(&s->readers_lock);
}

void readers_release(struct store *s)
{
	vec_each (&s->readers, txn)
		mdb_txn_abort(*txn);
	vec_release(&s->readers);
}

void readers_forget_dead(struct store *s)
{
	mdb_reader_check(s->env, NULL);
}

/* Checks AT against the snapshot; 0 becomes the newest. */
static int resolve_revision(struct store *s, MDB_txn *txn, uint64_t *at, struct error **err)
{
	uint64_t newest, compacted;
	int rc = snapshot_revisions(s, txn, &newest, &compacted);

	if (rc)
		return store_fail(err, rc, "cannot read the store");
	if (!*at)
		*at = newest;
	if (*at > newest)
		return error_set(err, E_BAD_REQUEST, "revision %llu is newer than %llu, the newest",
				 (unsigned long long)*at, (unsigned long long)newest);
	if (*at < compacted)
		return error_set(err, E_GONE, "revision %llu is no longer kept, the oldest is %llu",
				 (unsigned long long)*at, (unsigned long long)compacted);
	return 0;
}

/* Follows the versions from NEWEST back to the one that was there at revision AT. */
static int entry_at(struct store *s, MDB_txn *txn, struct ref newest, uint64_t at, struct entry *e)
{
	int rc = entry_get(s, txn, &newest, e);

	while (!rc && e->at.revision > at) {
		struct ref prev = e->prev;

		rc = entry_get(s, txn, &prev, e);
	}
	return !rc && e->deleted ? MDB_NOTFOUND : rc;
}

static int newest_ref(struct store *s, MDB_txn *txn, const void *key, size_t key_len,
		      struct ref *ref)
{
	int rc = ref_get(txn, s->objects, key, key_len, ref);

	return rc == MDB_NOTFOUND ? ref_get(txn, s->deleted, key, key_len, ref) : rc;
}

/* A reference that leads nowhere is damage, except where history was cut. */
static int entry_now(struct store *s, MDB_txn *txn, const struct ref *ref, struct entry *e)
{
	int rc = entry_get(s, txn, ref, e);

	return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
}

static int get(struct store *s, MDB_txn *txn, const void *key, size_t key_len, uint64_t at,
	       struct entry *e, struct error **err)
{
	struct ref ref;
	int rc;

	if (!at) {
		rc = ref_get(txn, s->objects, key, key_len, &ref);
		if (!rc)
			rc = entry_now(s, txn, &ref, e);
	} else {
		if (resolve_revision(s, txn, &at, err))
			return -1;
		rc = newest_ref(s, txn, key, key_len, &ref);
		if (!rc)
			rc = entry_at(s, txn, ref, at, e);
	}
	if (rc == MDB_NOTFOUND)
		return error_set(err, E_NOT_FOUND, "no such key");
	return rc ? store_fail(err, rc, "cannot read the store") : 0;
}

static int check_key(size_t key_len, struct error **err)
{
	if (!key_len || key_len > STORE_KEY_MAX)
		return error_set(err, E_BAD_REQUEST, "a key has 1 to %d bytes, not %zu",
				 STORE_KEY_MAX, key_len);
	return 0;
}

int store_get(struct store *s, const void *key, size_t key_len, uint64_t at_revision,
	      struct store_value *out, struct error **err)
{
	struct str plain CLEANUP(str_wipe) = STR_INIT;
	struct entry e;
	MDB_txn *txn;
	int rc;

	if (check_key(key_len, err) || shared_wait(s, at_revision ? NULL : key, key_len, err))
		return -1;
	txn = reader_begin(s, err);
	if (!txn)
		return -1;
	rc = get(s, txn, key, key_len, at_revision, &e, err);
	if (!rc && (rc = seal_open(s, &e, &plain)))
		rc = store_fail(err, rc, "cannot read the store");
	if (!rc)
		*out = (struct store_value){xstrndup(e.value, e.len), e.len, e.at.revision};
	reader_end(s, txn);
	return rc;
}

void store_value_release(struct store_value *v)
{
	free(v->bytes);
	*v = (struct store_value){0};
}

/* One tree of keys that a list walks. */
struct walk {
	MDB_cursor *cursor;
	MDB_val key, data;
	bool live; /* of the keys that exist, else of those deleted */
	bool end;
};

/* How two keys sort; the one at its end sorts last. */
static int walk_compare(const struct walk *a, const struct walk *b)
{
	int c;

	if (a->end || b->end)
		return a->end - b->end;
	c = memcmp(a->key.mv_data, b->key.mv_data, MIN(a->key.mv_size, b->key.mv_size));
	return c ? c : (a->key.mv_size > b->key.mv_size) - (a->key.mv_size < b->key.mv_size);
}

static int walk_move(struct walk *w, MDB_cursor_op op, const MDB_val *prefix)
{
	int rc = mdb_cursor_get(w->cursor, &w->key, &w->data, op);

	w->end = rc || w->key.mv_size < prefix->mv_size ||
		 memcmp(w->key.mv_data, prefix->mv_data, prefix->mv_size);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int walk_begin(struct walk *w, struct store *s, MDB_txn *txn, const MDB_val *prefix,
		      const MDB_val *start)
{
	int rc = mdb_cursor_open(txn, w->live ? s->objects : s->deleted, &w->cursor);

	if (rc)
		return rc;
	w->key = *start;
	/* LMDB takes no empty key for a place to start from. */
	return walk_move(w, start->mv_size ? MDB_SET_RANGE : MDB_FIRST, prefix);
}

struct list {
	struct store *store;
	MDB_txn *txn;
	MDB_cursor *log; /* stays near the last record: neighbours in key are often so in time */
	uint64_t at;	 /* 0: now */
	store_sink *sink;
	void *arg;
	uint64_t *count; /* instead of the sink */
	struct str plain;
	bool stopped;
};

static int list_entry(struct list *l, const struct ref *ref, struct entry *e)
{
	struct log_key k;
	MDB_val key = log_key(&k, ref->revision, ref->index), data;
	int rc = mdb_cursor_get(l->log, &key, &data, MDB_SET_KEY);

	if (rc == MDB_NOTFOUND)
		return MDB_CORRUPTED;
	return rc ? rc : entry_parse(&key, &data, e);
}

/* Whether W's newest version, REF, is later than what is asked for, so that one before it counts.
 */
static bool is_later(const struct list *l, const struct ref *ref)
{
	return l->at && ref->revision > l->at;
}

/* What the key of W was then, or MDB_NOTFOUND. Where it is only counted, and has not been written
 * since, its reference says enough. */
static int list_version(struct list *l, const struct walk *w, struct entry *e)
{
	struct ref ref;
	int rc = ref_parse(&w->data, &ref);

	if (rc)
		return rc;
	if (is_later(l, &ref))
		return entry_at(l->store, l->txn, ref, l->at, e);
	if (!w->live)
		return MDB_NOTFOUND;
	return l->count ? 0 : list_entry(l, &ref, e);
}

static int list_one(struct list *l, const struct walk *w)
{
	struct entry e;
	int rc = list_version(l, w, &e);

	if (rc == MDB_NOTFOUND)
		return 0;
	if (!rc && l->count) {
		++*l->count;
		return 0;
	}
	if (!rc)
		rc = seal_open(l->store, &e, &l->plain);
	if (!rc)
		l->stopped = !l->sink(l->arg, w->key.mv_data, w->key.mv_size, e.value, e.len,
				      e.at.revision);
	return rc;
}

/* Walks the keys that exist and, for a past revision, those deleted since, in one order. */
static int list_walk(struct list *l, const MDB_val *prefix, const MDB_val *start)
{
	struct walk live = {.live = true, .end = true}, gone = {.end = true};
	int rc = walk_begin(&live, l->store, l->txn, prefix, start);

	if (!rc && l->at)
		rc = walk_begin(&gone, l->store, l->txn, prefix, start);
	while (!rc && !l->stopped && !(live.end && gone.end)) {
		struct walk *w = walk_compare(&live, &gone) <= 0 ? &live : &gone;

		rc = list_one(l, w);
		if (!rc && !l->stopped)
			rc = walk_move(w, MDB_NEXT, prefix);
	}
	mdb_cursor_close(live.cursor);
	mdb_cursor_close(gone.cursor);
	return rc;
}

static int list(struct list *l, const MDB_val *prefix, const MDB_val *start, uint64_t *revision,
		struct error **err)
{
	uint64_t at = l->at;
	int rc;

	if (resolve_revision(l->store, l->txn, &at, err))
		return -1;
	if (revision)
		*revision = at;
	rc = mdb_cursor_open(l->txn, l->store->log, &l->log);
	if (!rc) {
		rc = list_walk(l, prefix, start);
		mdb_cursor_close(l->log);
	}
	return rc ? store_fail(err, rc, "cannot read the store") : 0;
}

static MDB_val later(MDB_val prefix, MDB_val start)
{
	int c = memcmp(prefix.mv_data, start.mv_data, MIN(prefix.mv_size, start.mv_size));

	return c < 0 || (!c && prefix.mv_size < start.mv_size) ? start : prefix;
}

static int list_range(struct list *l, MDB_val prefix, MDB_val start, uint64_t *revision,
		      struct error **err)
{
	MDB_val from = later(prefix, start);
	int rc;

	if (from.mv_size > STORE_KEY_MAX)
		return error_set(err, E_BAD_REQUEST, "a key has at most %d bytes", STORE_KEY_MAX);
	if (shared_wait(l->store, NULL, 0, err))
		return -1;
	l->txn = reader_begin(l->store, err);
	if (!l->txn)
		return -1;
	rc = list(l, &prefix, &from, revision, err);
	reader_end(l->store, l->txn);
	return rc;
}

int store_list(struct store *s, const void *prefix, size_t prefix_len, const void *start,
	       size_t start_len, uint64_t at_revision, store_sink *sink, void *arg,
	       uint64_t *revision, struct error **err)
{
	struct list l = {
		.store = s, .at = at_revision, .sink = sink, .arg = arg, .plain = STR_INIT};
	int rc = list_range(&l, bytes_val(prefix_len ? prefix : "", prefix_len),
			    bytes_val(start_len ? start : "", start_len), revision, err);

	str_wipe(&l.plain);
	return rc;
}

int store_count(struct store *s, const void *prefix, size_t prefix_len, const void *start,
		size_t start_len, uint64_t at_revision, uint64_t *n, struct error **err)
{
	struct list l = {.store = s, .at = at_revision, .count = n};

	*n = 0;
	return list_range(&l, bytes_val(prefix_len ? prefix : "", prefix_len),
			  bytes_val(start_len ? start : "", start_len), NULL, err);
}

int store_history(struct store *s, const void *key, size_t key_len, store_history_sink *sink,
		  void *arg, struct error **err)
{
	struct str plain CLEANUP(str_wipe) = STR_INIT;
	struct entry e;
	struct ref ref;
	MDB_txn *txn;
	int rc;

	if (check_key(key_len, err) || shared_wait(s, key, key_len, err))
		return -1;
	txn = reader_begin(s, err);
	if (!txn)
		return -1;
	rc = newest_ref(s, txn, key, key_len, &ref);
	while (!rc && !(rc = entry_get(s, txn, &ref, &e)) && !(rc = seal_open(s, &e, &plain))) {
		if (!sink(arg, e.at.revision, e.deleted, e.value, e.len))
			break;
		ref = e.prev;
	}
	reader_end(s, txn);
	return rc && rc != MDB_NOTFOUND ? store_fail(err, rc, "cannot read the store") : 0;
}
