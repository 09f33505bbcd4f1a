/*
 * Group commit.
 *
 * A durable commit costs a flush of the disk (wal.c), whatever it holds. So callers put their
 * request into a queue and wait; one thread takes the whole queue, writes all of it in one
 * transaction of LMDB (shared.c) and as one record of the log, and answers everybody when that is
 * on disk. While it waits for the disk the next queue fills: the slower the disk, the larger the
 * groups.
 *
 * Each request stays all-or-nothing. Its preconditions are looked at before the first of its
 * writes, in the state the requests before it have left, so one that fails has written nothing
 * and nothing has to be undone. What can fail later (no space, a broken disk) fails the
 * group as a whole; then none of the group has happened, and after making room each request
 * gets a transaction of its own, so that only the one that does not fit fails.
 *
 * Revisions are given inside the transaction and become visible (store_revision, answers) when the
 * record is durable: a number of an aborted transaction was never seen and is used again.
 */
#include "base/blocking.h"
#include "store/internal.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

/* That a key's version makes LMDB write anew, beside the pages on the way to all. */
#define LEAF_PAGES 3
/* What the log and the record have beside key and value: heads, a revision's digits. */
#define OP_BYTES 64
/* More than this is not taken into one transaction: LMDB holds it in memory until the commit. */
#define GROUP_BYTES (32u << 20)
#define GROUP_REQUESTS 1024
/* So long a deletion waits for snapshots that are in its way. */
#define SNAPSHOTS_NS (10 * NS_PER_S)

static int check_op(const struct store_op *op, struct error **err)
{
	if (!op->key_len || op->key_len > STORE_KEY_MAX)
		return error_set(err, E_BAD_REQUEST, "a key has 1 to %d bytes, not %zu",
				 STORE_KEY_MAX, op->key_len);
	if (op->head_len > STORE_VALUE_MAX || op->tail_len > STORE_VALUE_MAX - op->head_len)
		return error_set(err, E_TOO_LARGE, "a value has at most %u bytes", STORE_VALUE_MAX);
	return 0;
}

static int compare_keys(const void *a, const void *b)
{
	const struct store_op *x = *(struct store_op *const *)a, *y = *(struct store_op *const *)b;
	int c = memcmp(x->key, y->key, MIN(x->key_len, y->key_len));

	return c ? c : (x->key_len > y->key_len) - (x->key_len < y->key_len);
}

/* Two ops on one key would be one revision of it with two values. */
static int check_distinct(const struct store_op *ops, size_t n, struct error **err)
{
	const struct store_op **sorted free_ptr = xcalloc(n, sizeof(*sorted));

	for (size_t i = 0; i < n; i++)
		sorted[i] = &ops[i];
	qsort(sorted, n, sizeof(*sorted), compare_keys);
	for (size_t i = 1; i < n; i++)
		if (!compare_keys(&sorted[i - 1], &sorted[i]))
			return error_set(err, E_BAD_REQUEST, "a transaction names a key twice");
	return 0;
}

static int check_ops(const struct store_op *ops, size_t n, struct error **err)
{
	if (!n || n > STORE_OPS_MAX)
		return error_set(err, E_BAD_REQUEST,
				 "a transaction has 1 to %d operations, not %zu", STORE_OPS_MAX, n);
	for (size_t i = 0; i < n; i++)
		if (check_op(&ops[i], err))
			return -1;
	return n > 1 ? check_distinct(ops, n, err) : 0;
}

static void request_init(struct request *r, const struct store_op *ops, size_t n)
{
	*r = (struct request){.ops = ops, .n = n};
	for (size_t i = 0; i < n; i++) {
		r->bytes += entry_size(ops[i].key_len, ops[i].head_len + ops[i].tail_len) +
			    SEAL_SIZE + OP_BYTES;
		r->puts |= ops[i].kind == STORE_PUT;
	}
}

/* Hands R to the writer. */
static int submit(struct store *s, struct request *r, struct error **err)
{
	bool closing, first;

	pthread_mutex_lock(&s->lock);
	closing = s->closing;
	first = !s->queue;
	if (!closing) {
		*s->queue_end = r;
		s->queue_end = &r->next;
	}
	pthread_mutex_unlock(&s->lock);
	if (closing)
		return error_set(err, E_UNAVAILABLE, "the store is being closed");
	/* The writer sleeps only when the queue is empty. */
	if (first)
		pthread_cond_signal(&s->wake);
	return 0;
}

/* Of a caller that waits. */
struct waiting {
	struct request request;
	sem_t answered;
};

static void wake_caller(struct request *r)
{
	sem_post(&((struct waiting *)r)->answered);
}

/* Behind the queue: whoever is told of the answer needs no lock, and a group wakes all at once. */
static void wait_for_answer(struct waiting *w)
{
	blocking_begin();
	while (sem_wait(&w->answered) && errno == EINTR)
		;
	blocking_end();
}

int store_commit(struct store *s, const struct store_op *ops, size_t n, uint64_t *revision,
		 size_t *failed, struct error **err)
{
	struct waiting w;

	if (check_ops(ops, n, err))
		return -1;
	request_init(&w.request, ops, n);
	w.request.answer = wake_caller;
	sem_init(&w.answered, 0, 0);
	if (submit(s, &w.request, &w.request.error) == 0)
		wait_for_answer(&w);
	sem_destroy(&w.answered);
	if (w.request.error) {
		if (failed)
			*failed = w.request.failed;
		return error_move(err, w.request.error);
	}
	if (revision)
		*revision = w.request.revision;
	return 0;
}

/* Of one that does not. */
struct telling {
	struct request request;
	store_done *done;
	void *arg;
};

static void tell(struct request *r)
{
	struct telling *t = (struct telling *)r;

	t->done(t->arg, r->revision, r->failed, r->error);
	error_free(r->error);
	free(t);
}

int store_commit_later(struct store *s, const struct store_op *ops, size_t n, store_done *done,
		       void *arg, struct error **err)
{
	struct telling *t;

	if (check_ops(ops, n, err))
		return -1;
	t = xmalloc(sizeof(*t));
	request_init(&t->request, ops, n);
	t->request.answer = tell;
	t->done = done;
	t->arg = arg;
	if (submit(s, &t->request, err) == 0)
		return 0;
	free(t);
	return -1;
}

/* One transaction of LMDB in the making. */
struct group_txn {
	struct store *store;
	MDB_txn *txn;
	uint64_t revision; /* the newest in it */
	int64_t time_ms;
};

static int refuse(struct request *r, size_t op, enum error_code code, const char *text)
{
	r->failed = op;
	return error_set(&r->error, code, "%s", text);
}

/* HELD: the key's version now. Returns 0, or -1 with the request's error set. */
static int check_expectation(struct request *r, size_t i, const struct ref *held)
{
	const struct store_op *op = &r->ops[i];

	if (op->expect == STORE_ABSENT)
		return held->revision ? refuse(r, i, E_EXISTS, "the key exists already") : 0;
	if (!held->revision && (op->expect != STORE_ANY || op->kind == STORE_DELETE))
		return refuse(r, i, E_NOT_FOUND, "no such key");
	if (op->expect != STORE_ANY && op->expect != held->revision)
		return refuse(r, i, E_CONFLICT, "the key has another revision");
	return 0;
}

/* Fills store->found with what each key holds. Returns an error of LMDB; refusals are 0. */
static int check_request(struct group_txn *g, struct request *r)
{
	struct store *s = g->store;

	s->found.n = 0;
	for (size_t i = 0; i < r->n; i++) {
		const struct store_op *op = &r->ops[i];
		struct ref held;
		int rc = ref_get(g->txn, s->objects, op->key, op->key_len, &held);

		if (rc && rc != MDB_NOTFOUND)
			return rc;
		vec_push(&s->found, held);
		if (check_expectation(r, i, &held))
			return 0;
	}
	return 0;
}

/* Writes the value's two pieces and the revision straight into the page. */
static int write_value(struct store *s, const struct entry *e, char *to, const MDB_val *pieces)
{
	if (e->sealed)
		return seal_write(s, e, pieces, 3, to);
	for (size_t i = 0; i < 3; i++) {
		if (pieces[i].mv_size)
			memcpy(to, pieces[i].mv_data, pieces[i].mv_size);
		to += pieces[i].mv_size;
	}
	return 0;
}

static int append(struct group_txn *g, const struct store_op *op, struct entry *e)
{
	char number[24];
	size_t digits = 0;
	struct log_key k;
	MDB_val key = log_key(&k, e->at.revision, e->at.index), data, pieces[3];
	size_t len;
	int rc;

	if (op->with_revision && (op->kind == STORE_PUT || op->head_len + op->tail_len))
		digits = (size_t)snprintf(number, sizeof(number), "%llu",
					  (unsigned long long)e->at.revision);
	pieces[0] = bytes_val(op->head, op->head_len);
	pieces[1] = bytes_val(number, digits);
	pieces[2] = bytes_val(op->tail, op->tail_len);
	len = op->head_len + digits + op->tail_len;
	e->sealed = len && seal_wanted(g->store, op->key, op->key_len);
	data = bytes_val(NULL, entry_size(op->key_len, len + (e->sealed ? SEAL_SIZE : 0)));
	rc = mdb_put(g->txn, g->store->log, &key, &data, MDB_RESERVE | MDB_APPEND);
	if (!rc)
		rc = write_value(g->store, e, entry_write(data.mv_data, e), pieces);
	if (rc)
		return rc;
	entry_sum(&k, data.mv_data, data.mv_size);
	wal_add(g->store, &k, &data);
	shared_note(g->store, op->key, op->key_len);
	return 0;
}

/* Moves a key between the trees of the existing and the deleted. */
static int point(struct group_txn *g, const struct store_op *op, const struct entry *e,
		 bool was_deleted)
{
	struct store *s = g->store;
	MDB_val key = bytes_val(op->key, op->key_len);
	int rc;

	if (e->deleted) {
		rc = mdb_del(g->txn, s->objects, &key, NULL);
		return rc ? rc : ref_put(g->txn, s->deleted, op->key, op->key_len, &e->at);
	}
	rc = ref_put(g->txn, s->objects, op->key, op->key_len, &e->at);
	return rc || !was_deleted ? rc : mdb_del(g->txn, s->deleted, &key, NULL);
}

static int write_op(struct group_txn *g, const struct store_op *op, uint32_t index, struct ref prev)
{
	struct entry e = {
		.at = {g->revision, index, 0},
		.time_ms = g->time_ms,
		.tag = op->tag,
		.deleted = op->kind == STORE_DELETE,
		.created = !prev.revision,
		.key = op->key,
		.key_len = op->key_len,
	};
	bool was_deleted = false;
	int rc = 0;

	if (e.created) {
		rc = ref_get(g->txn, g->store->deleted, op->key, op->key_len, &prev);
		was_deleted = !rc;
	}
	if (rc && rc != MDB_NOTFOUND)
		return rc;
	e.prev = prev;
	e.at.version = prev.version + 1;
	rc = append(g, op, &e);
	return rc ? rc : point(g, op, &e, was_deleted);
}

static int write_request(struct group_txn *g, struct request *r)
{
	int rc = 0;

	r->revision = ++g->revision;
	for (size_t i = 0; !rc && i < r->n; i++)
		rc = write_op(g, &r->ops[i], (uint32_t)i, g->store->found.v[i]);
	return rc;
}

static int apply(struct group_txn *g, struct request *r)
{
	int rc;

	error_clear(&r->error);
	rc = check_request(g, r);
	if (rc || r->error)
		return rc;
	if (!space_fits(g->store, g->txn, r))
		return MDB_MAP_FULL;
	return write_request(g, r);
}

/* To the log as well, and that to the disk. */
static int write_all(struct group_txn *g, struct request *first, struct request *end, bool alone)
{
	int rc = 0;

	wal_begin(g->store);
	for (struct request *r = first; !rc && r != end; r = r->next)
		rc = apply(g, r);
	return rc ? rc : wal_log(g->store, true, alone);
}

/* The requests from FIRST up to END, in one transaction. Returns an error of LMDB. */
static int try_group(struct store *s, struct request *first, struct request *end, bool may_stay)
{
	struct group_txn g = {
		.store = s, .revision = s->revision, .time_ms = clock_wall(s->clock) / NS_PER_MS};
	size_t bytes = 0;
	bool alone;
	int rc;

	if (s->failed)
		return s->failed;
	for (struct request *r = first; r != end; r = r->next)
		bytes += r->bytes + r->n * LEAF_PAGES * s->page_size;
	rc = shared_begin(s, bytes, &g.txn, &alone);
	if (rc)
		return rc;
	rc = write_all(&g, first, end, alone);
	if (rc && !alone) {
		rc = shared_undo(s);
		return rc ? rc : try_group(s, first, end, may_stay);
	}
	if (rc) {
		mdb_txn_abort(g.txn);
		return rc;
	}
	rc = shared_end(s, g.txn, bytes, g.revision, may_stay);
	/* LMDB's word for a write that was cut short, which is how a disk becomes full. */
	if (rc == EIO && s->pages < s->map_pages)
		rc = ENOSPC;
	if (!rc)
		compact_schedule(s);
	return rc;
}

static void fail_request(struct request *r, int rc)
{
	error_clear(&r->error);
	store_fail(&r->error, rc, "cannot write to the store");
}

/*
 * History is worth less than what somebody wants to write now, or to delete. But what a watch has
 * not been told of cannot be given up, and what a snapshot shows cannot be used again. A burst of
 * deletions gets ahead of both, so it waits for them.
 */
static int try_delete(struct store *s, struct request *r)
{
	int64_t deadline = clock_mono(s->clock) + SNAPSHOTS_NS;
	uint64_t ended;
	int rc;

	do {
		ended = readers_ended(s);
		watches_wait(s);
		compact_shed(s);
		rc = try_group(s, r, r->next, false);
	} while (is_no_space(rc) && readers_wait(s, ended, deadline));
	return rc;
}

static void commit_alone(struct store *s, struct request *r)
{
	int rc = try_group(s, r, r->next, false);

	if (is_no_space(rc) && !r->puts) {
		rc = try_delete(s, r);
	} else if (is_no_space(rc)) {
		watches_wait(s);
		if (compact_shed(s))
			rc = try_group(s, r, r->next, false);
	}
	if (rc)
		fail_request(r, rc);
}

static void commit_group(struct store *s, struct request *first)
{
	int rc = try_group(s, first, NULL, true);

	if (is_no_space(rc) && s->wal && !wal_checkpoint(s))
		rc = try_group(s, first, NULL, true);
	for (struct request *r = first; rc && r; r = r->next)
		if (is_no_space(rc) && !s->failed)
			commit_alone(s, r);
		else
			fail_request(r, rc);
}

/* Cuts the beginning of the queue off. Called with the lock held. */
static struct request *take_group(struct store *s)
{
	struct request *first = s->queue, *last = first;
	size_t bytes = first ? first->bytes : 0, n = 1;

	if (!first)
		return NULL;
	while (last->next && n < GROUP_REQUESTS && bytes + last->next->bytes <= GROUP_BYTES) {
		last = last->next;
		bytes += last->bytes;
		n++;
	}
	s->queue = last->next;
	if (!s->queue)
		s->queue_end = &s->queue;
	last->next = NULL;
	return first;
}

/* A request is gone as soon as it is answered. */
static void answer_group(struct request *r)
{
	while (r) {
		struct request *next = r->next;

		r->answer(r);
		r = next;
	}
}

/*
 * Where the processors are busy, others are about to put their requests into the queue: they go
 * first, and a commit serves more. Where they are not, this is nothing. Called with the lock held.
 */
static void let_others_queue(struct store *s)
{
	pthread_mutex_unlock(&s->lock);
	sched_yield();
	pthread_mutex_lock(&s->lock);
}

/* Called with the lock held. */
static void shrink_between(struct store *s)
{
	struct shrink *job = steal(&s->shrink);

	pthread_mutex_unlock(&s->lock);
	shared_commit(s);
	shrink_run(s, job);
	pthread_mutex_lock(&s->lock);
}

void *writer_main(void *store)
{
	struct store *s = store;
	struct request *group;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		if (s->queue)
			let_others_queue(s);
		group = take_group(s);
		if (!group && s->closing && !s->shrink)
			break;
		pthread_mutex_unlock(&s->lock);
		if (group)
			commit_group(s, group);
		answer_group(group);
		if (clock_mono(s->clock) >= s->compact_at)
			compact_step(s);
		pthread_mutex_lock(&s->lock);
		if (s->shrink)
			shrink_between(s);
		if (!s->queue && !s->closing)
			clock_wait(s->clock, &s->wake, &s->lock, s->compact_at);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}
