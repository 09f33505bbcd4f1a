/*
 * Groups that share a transaction of LMDB.
 *
 * What a group has written is durable by its record in the log. Its commit to LMDB is for who
 * reads, and costs as much again: the pages on the way to its leaves are written anew, a dozen of
 * them, here and once more to the disk by the next checkpoint. So while the next group waits
 * already, nobody watches and nobody wants to read, the transaction is left open for it.
 *
 * The store is *behind* meanwhile. Who lists, or gets a key that may have been written since, waits
 * until the writer has committed, which he does at the end of the group he is at, and for a while
 * after that at the end of each.
 *
 * A group that fails takes those before it along, which have been answered: they are written once
 * more. What cannot fail then is left to no chance: a transaction stays open only while the disk
 * has given the place for it, and its groups fit into the log beside each other.
 */
#include "store/wal.h"

#include "base/blocking.h"
#include "base/log.h"
#include "base/map.h"

#include <errno.h>

#define GROUPS_MAX 16
#define BYTES_MAX (2u << 20) /* of pages */
#define AGE_NS (10 * NS_PER_MS)
/* So long nobody who reads has to wait, once somebody had to. */
#define CALM_NS (100 * NS_PER_MS)

/* A Bloom filter of keys: each is three bits. */
#define KEY_BITS 3

static size_t bit_of(uint64_t hash, unsigned i)
{
	return (hash >> (i * 20)) % (SHARED_WORDS * 64);
}

void shared_note(struct store *s, const void *key, size_t len)
{
	uint64_t hash = hash_bytes(key, len);

	for (unsigned i = 0; i < KEY_BITS; i++) {
		size_t bit = bit_of(hash, i);

		s->shared.keys[bit / 64] |= UINT64_C(1) << bit % 64;
	}
}

static bool may_have(const struct shared *sh, const void *key, size_t len)
{
	uint64_t hash = hash_bytes(key, len);
	bool has = true;

	for (unsigned i = 0; has && i < KEY_BITS; i++) {
		size_t bit = bit_of(hash, i);

		has = sh->keys[bit / 64] & UINT64_C(1) << bit % 64;
	}
	return has;
}

int shared_wait(struct store *s, const void *key, size_t len, struct error **err)
{
	bool lost;

	if (!s->behind || (key && !may_have(&s->shared, key, len)))
		return 0;
	blocking_begin();
	pthread_mutex_lock(&s->lock);
	s->n_asking++;
	while (s->behind && !s->lost)
		pthread_cond_wait(&s->committed, &s->lock);
	s->n_asking--;
	lost = s->lost;
	pthread_mutex_unlock(&s->lock);
	blocking_end();
	return lost ? error_set(err, E_INTERNAL,
				"the store %s has to be opened anew to show what it has taken",
				s->dir)
		    : 0;
}

static void set_behind(struct store *s, bool behind, bool lost)
{
	pthread_mutex_lock(&s->lock);
	s->behind = behind;
	s->lost = lost;
	if (!behind || lost)
		pthread_cond_broadcast(&s->committed);
	pthread_mutex_unlock(&s->lock);
}

static void clear(struct shared *sh)
{
	sh->txn = NULL;
	sh->groups = 0;
	sh->bytes = 0;
	str_reset(&sh->items);
}

/* It is in the log, and whoever opens the store anew has it. */
static int lose(struct store *s, int rc)
{
	clear(&s->shared);
	s->failed = rc > 0 && !is_no_space(rc) ? rc : EIO;
	log_error("store %s: cannot commit what is in the log: %s; it takes no more writes, and "
		  "has to be opened anew to be read",
		  s->dir, mdb_strerror(rc));
	set_behind(s, true, true);
	return s->failed;
}

/* LMDB has all that is durable. */
static void committed(struct store *s)
{
	clear(&s->shared);
	for (size_t i = 0; i < SHARED_WORDS; i++)
		s->shared.keys[i] = 0;
	/* Who has waited may look next at what the watches have to tell. */
	watches_publish(s, s->revision);
	if (s->behind)
		set_behind(s, false, false);
}

int shared_commit(struct store *s)
{
	int rc;

	if (!s->shared.txn)
		return 0;
	rc = mdb_txn_commit(s->shared.txn);
	if (rc)
		return lose(s, rc);
	committed(s);
	return wal_committed(s, 0);
}

/* Whether a group of BYTES goes into the open transaction, which is committed if not. */
static bool joins(struct store *s, size_t bytes)
{
	struct shared *sh = &s->shared;

	if (!sh->txn)
		return false;
	space_prepare(s, sh->bytes + bytes);
	return sh->bytes + bytes <= BYTES_MAX && space_is_reserved(s) && wal_has_room(s, bytes);
}

int shared_begin(struct store *s, size_t bytes, MDB_txn **txn, bool *alone)
{
	struct shared *sh = &s->shared;
	int rc;

	*alone = !joins(s, bytes);
	if (!*alone) {
		*txn = sh->txn;
		return 0;
	}
	rc = shared_commit(s);
	if (!rc)
		rc = space_begin(s, bytes, txn);
	if (!rc)
		sh->since = clock_mono(s->clock);
	return rc;
}

int shared_undo(struct store *s)
{
	struct shared *sh = &s->shared;
	int rc;

	mdb_txn_abort(sh->txn);
	rc = space_begin(s, sh->bytes, &sh->txn);
	if (!rc && (rc = wal_write_items(s, sh->txn, sh->items.s, sh->items.len)))
		mdb_txn_abort(sh->txn);
	if (rc)
		return lose(s, rc);
	rc = shared_commit(s);
	/* What there may be of its record is nothing then. */
	return rc ? rc : wal_checkpoint(s);
}

static bool stays_open(struct store *s, size_t bytes)
{
	struct shared *sh = &s->shared;
	int64_t now = clock_mono(s->clock);
	bool more, asked;

	pthread_mutex_lock(&s->lock);
	more = s->queue;
	asked = s->n_asking;
	pthread_mutex_unlock(&s->lock);
	if (asked)
		sh->calm_until = now + CALM_NS;
	return more && now >= sh->calm_until && now - sh->since < AGE_NS &&
	       sh->groups + 1 < GROUPS_MAX && sh->bytes + bytes < BYTES_MAX && !watches_any(s) &&
	       space_is_reserved(s);
}

int shared_end(struct store *s, MDB_txn *txn, size_t bytes, uint64_t revision, bool may_stay)
{
	struct shared *sh = &s->shared;
	bool logged = wal_is_logged(s);
	int rc, failed;

	if (may_stay && logged && stays_open(s, bytes)) {
		sh->txn = txn;
		sh->groups++;
		sh->bytes += bytes;
		wal_keep_items(s, &sh->items);
		if (!s->behind)
			set_behind(s, true, false);
		s->revision = revision;
		return 0;
	}
	rc = mdb_txn_commit(txn);
	if (rc && sh->txn)
		return lose(s, rc);
	if (!rc && (logged || !s->wal)) { /* durable */
		s->revision = revision;
		committed(s);
		wal_committed(s, 0);
		return 0;
	}
	failed = wal_committed(s, rc);
	if (rc || failed)
		return rc ? rc : failed;
	s->revision = revision;
	committed(s);
	return 0;
}
