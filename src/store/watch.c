/*
 * Watches: one thread reads the log behind the writer and calls the handlers.
 *
 * A watch from a past revision is first *behind*: the thread reads the log for it alone, a slice
 * at a time between the slices of the others. Once it has come as far as the live ones it joins
 * them. The same thread does both, so there is no moment between catching up and being live in
 * which an event could be lost or told twice.
 *
 * Live watches lie in groups of equal prefixes (prefixes.c): an event costs one search, and one
 * call for each watch it concerns. Handlers run without the lock; a watch stopped meanwhile is
 * marked, and its memory stays until the thread has let go of it.
 */
#include "store/internal.h"

#include "base/log.h"

#include <string.h>

/* So many records are read in one snapshot: a long one keeps pages from being used again. */
#define SLICE_RECORDS 256
#define PROGRESS_NS NS_PER_S

void watches_init(struct store *s)
{
	struct watches *ws = &s->watch;

	pthread_mutex_init(&ws->lock, NULL);
	clock_cond_init(&ws->wake);
	pthread_cond_init(&ws->idle, NULL);
	ws->progress_at = CLOCK_NEVER;
}

static void watch_unref(struct store_watch *w)
{
	if (--w->refs)
		return;
	free(w->prefix);
	free(w);
}

static void join_live(struct watches *ws, struct store_watch *w)
{
	struct group *g = prefixes_add(&ws->live, w->prefix, w->prefix_len);

	vec_push(&g->watches, w);
	w->live = true;
	ws->n_live++;
	if (w->told < ws->delivered && ws->progress_at == CLOCK_NEVER)
		ws->progress_at = clock_mono(w->store->clock) + PROGRESS_NS;
}

static void leave_live(struct watches *ws, struct store_watch *w)
{
	struct group *g = prefixes_find(&ws->live, w->prefix, w->prefix_len);

	for (size_t i = 0; i < g->watches.n; i++)
		if (g->watches.v[i] == w) {
			vec_remove(&g->watches, i);
			break;
		}
	if (!g->watches.n)
		prefixes_remove(&ws->live, g);
	w->live = false;
	ws->n_live--;
}

static void leave_behind(struct watches *ws, struct store_watch *w)
{
	struct store_watch **p = &ws->behind;

	while (*p && *p != w)
		p = &(*p)->next;
	if (*p)
		*p = w->next;
}

struct store_watch *store_watch(struct store *s, const void *prefix, size_t prefix_len,
				uint64_t from, store_watch_handler *handler, void *arg,
				struct error **err)
{
	struct watches *ws = &s->watch;
	struct store_watch *w = xcalloc(1, sizeof(*w));

	*w = (struct store_watch){.store = s,
				  .prefix_len = prefix_len,
				  .from = from,
				  .position = from,
				  .told = from,
				  .handler = handler,
				  .arg = arg,
				  .refs = 1};
	w->prefix = xstrndup(prefix_len ? prefix : "", prefix_len);
	pthread_mutex_lock(&ws->lock);
	if (from < ws->compacted) {
		error_set(err, E_GONE, "revision %llu is no longer kept, the oldest is %llu",
			  (unsigned long long)from, (unsigned long long)ws->compacted);
		watch_unref(w);
		w = NULL;
	} else if (from >= ws->reading) {
		join_live(ws, w);
	} else {
		w->next = ws->behind;
		ws->behind = w;
		pthread_cond_signal(&ws->wake);
	}
	pthread_mutex_unlock(&ws->lock);
	return w;
}

void store_watch_stop(struct store_watch *w)
{
	struct watches *ws = &w->store->watch;

	pthread_mutex_lock(&ws->lock);
	w->stopped = true;
	if (w->live)
		leave_live(ws, w);
	else
		leave_behind(ws, w);
	while (ws->running == w && !pthread_equal(pthread_self(), ws->thread))
		pthread_cond_wait(&ws->idle, &ws->lock);
	watch_unref(w);
	pthread_mutex_unlock(&ws->lock);
}

static bool has_heard(const struct store_watch *w, uint64_t revision)
{
	return (w->live ? w->store->watch.delivered : w->position) >= revision;
}

void store_watch_flush(struct store_watch *w)
{
	struct watches *ws = &w->store->watch;
	uint64_t durable;

	if (shared_wait(w->store, NULL, 0, NULL))
		return;
	pthread_mutex_lock(&ws->lock);
	durable = ws->durable;
	while (!w->stopped && !ws->closing && !has_heard(w, durable))
		pthread_cond_wait(&ws->idle, &ws->lock);
	pthread_mutex_unlock(&ws->lock);
}

void watches_publish(struct store *s, uint64_t revision)
{
	struct watches *ws = &s->watch;

	pthread_mutex_lock(&ws->lock);
	if (revision == ws->durable) {
		pthread_mutex_unlock(&ws->lock);
		return;
	}
	ws->durable = revision;
	if (!ws->n_live && !ws->behind && ws->reading == ws->delivered)
		ws->reading = ws->delivered = revision; /* nobody to tell */
	else
		pthread_cond_signal(&ws->wake);
	pthread_mutex_unlock(&ws->lock);
}

bool watches_any(struct store *s)
{
	struct watches *ws = &s->watch;
	bool any;

	pthread_mutex_lock(&ws->lock);
	any = ws->n_live || ws->behind;
	pthread_mutex_unlock(&ws->lock);
	return any;
}

uint64_t watches_compact(struct store *s, uint64_t wanted)
{
	struct watches *ws = &s->watch;

	pthread_mutex_lock(&ws->lock);
	wanted = MIN(wanted, ws->delivered);
	for (struct store_watch *w = ws->behind; w; w = w->next)
		wanted = MIN(wanted, w->position);
	ws->compacted = MAX(ws->compacted, wanted);
	pthread_mutex_unlock(&ws->lock);
	return wanted;
}

/* Calls W's handler. The lock is held before and after, not meanwhile. */
static void call(struct watches *ws, struct store_watch *w, const struct store_event *event,
		 uint64_t revision)
{
	if (w->stopped || (event && revision <= w->from))
		return;
	w->told = revision;
	ws->running = w;
	pthread_mutex_unlock(&ws->lock);
	w->handler(w->arg, event, revision);
	pthread_mutex_lock(&ws->lock);
	ws->running = NULL;
	pthread_cond_broadcast(&ws->idle);
}

/* What the values of an event lie in where they were sealed. */
struct opened {
	struct str value, old;
};
#define OPENED_INIT                \
	{                          \
		STR_INIT, STR_INIT \
	}

static void opened_release(struct opened *o)
{
	str_wipe(&o->value);
	str_wipe(&o->old);
}

/* The state before E, and for a deletion without one of its own the last state. */
static int event_of(struct store *s, MDB_txn *txn, struct entry *e, struct store_event *ev,
		    struct opened *opened)
{
	struct entry old;
	int rc = seal_open(s, e, &opened->value);

	if (rc)
		return rc;
	*ev = (struct store_event){.deleted = e->deleted,
				   .key = e->key,
				   .key_len = e->key_len,
				   .revision = e->at.revision,
				   .value = e->value,
				   .len = e->len,
				   .tag = e->tag};
	if (e->created)
		return 0;
	rc = entry_get(s, txn, &e->prev, &old);
	if (!rc)
		rc = seal_open(s, &old, &opened->old);
	if (rc)
		return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
	ev->old_value = old.value;
	ev->old_len = old.len;
	if (e->deleted && !e->len) {
		ev->value = old.value;
		ev->len = old.len;
	}
	return 0;
}

static void collect(struct watches *ws, const struct entry *e)
{
	struct group *g = prefixes_match(&ws->live, e->key, e->key_len);

	ws->scratch.n = 0;
	for (; g; g = g->parent)
		vec_each (&g->watches, w) {
			(*w)->refs++;
			vec_push(&ws->scratch, *w);
		}
}

static int tell_live(struct store *s, MDB_txn *txn, struct entry *e)
{
	struct opened opened CLEANUP(opened_release) = OPENED_INIT;
	struct watches *ws = &s->watch;
	struct store_event ev;
	int rc = 0;

	pthread_mutex_lock(&ws->lock);
	collect(ws, e);
	if (ws->scratch.n)
		rc = event_of(s, txn, e, &ev, &opened);
	vec_each (&ws->scratch, w) {
		if (!rc)
			call(ws, *w, &ev, e->at.revision);
		watch_unref(*w);
	}
	pthread_mutex_unlock(&ws->lock);
	return rc;
}

static int tell_one(struct store *s, MDB_txn *txn, struct entry *e, struct store_watch *w)
{
	struct opened opened CLEANUP(opened_release) = OPENED_INIT;
	struct watches *ws = &s->watch;
	struct store_event ev;
	int rc;

	if (e->key_len < w->prefix_len ||
	    (w->prefix_len && memcmp(e->key, w->prefix, w->prefix_len)))
		return 0;
	rc = event_of(s, txn, e, &ev, &opened);
	if (rc)
		return rc;
	pthread_mutex_lock(&ws->lock);
	call(ws, w, &ev, e->at.revision);
	pthread_mutex_unlock(&ws->lock);
	return 0;
}

/*
 * Tells W, or all live watches when it is NULL, of the revisions after *POSITION up to END: whole
 * revisions, until it has read enough. *POSITION moves on.
 */
static int read_slice(struct store *s, MDB_txn *txn, uint64_t *position, uint64_t end,
		      struct store_watch *w)
{
	struct log_key k;
	MDB_val key = log_key(&k, *position + 1, 0), data;
	MDB_cursor_op op = MDB_SET_RANGE;
	MDB_cursor *c;
	int rc = mdb_cursor_open(txn, s->log, &c);

	for (size_t n = 0; !rc; n++, op = MDB_NEXT) {
		struct entry e;

		rc = mdb_cursor_get(c, &key, &data, op);
		if (rc == MDB_NOTFOUND)
			break;
		if (rc || (rc = entry_parse(&key, &data, &e)))
			break;
		if (e.at.revision > end || (n >= SLICE_RECORDS && e.at.revision != *position)) {
			end = MIN(end, MAX(*position, e.at.revision - 1));
			break;
		}
		*position = e.at.revision;
		rc = w ? tell_one(s, txn, &e, w) : tell_live(s, txn, &e);
	}
	mdb_cursor_close(c);
	if (rc && rc != MDB_NOTFOUND)
		return rc;
	*position = end;
	return 0;
}

/* One slice for W or the live ones. False: events were lost. */
static bool slice(struct store *s, uint64_t *position, uint64_t end, struct store_watch *w)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	MDB_txn *txn = reader_begin(s, &err);
	int rc = -1;

	if (txn) {
		rc = read_slice(s, txn, position, end, w);
		if (rc)
			store_fail(&err, rc, "cannot read the log");
		reader_end(s, txn);
	}
	if (rc)
		log_error("store %s: watches end: %s", s->dir, error_message(err));
	return !rc;
}

/* The functions below are called with the lock and return with it. */

/* Fills scratch with the live watches that have not heard of REVISION. */
static void collect_behind(struct watches *ws, uint64_t revision)
{
	ws->scratch.n = 0;
	for (size_t i = 0; i < ws->live.n; i++)
		vec_each (&ws->live.v[i]->watches, w) {
			if ((*w)->told >= revision)
				continue;
			(*w)->refs++;
			vec_push(&ws->scratch, *w);
		}
}

/* Tells those in scratch that they know all up to REVISION; 0: that they do not and will not. */
static void tell_scratch(struct watches *ws, uint64_t revision)
{
	vec_each (&ws->scratch, w) {
		call(ws, *w, NULL, revision);
		watch_unref(*w);
	}
}

static void tell_progress(struct store *s)
{
	struct watches *ws = &s->watch;

	ws->progress_at = CLOCK_NEVER;
	collect_behind(ws, ws->delivered);
	tell_scratch(ws, ws->delivered);
}

static void advance_live(struct store *s)
{
	struct watches *ws = &s->watch;
	uint64_t position = ws->delivered, end = ws->durable;
	bool whole = true;

	if (ws->n_live) {
		ws->reading = end;
		pthread_mutex_unlock(&ws->lock);
		whole = slice(s, &position, end, NULL);
		pthread_mutex_lock(&ws->lock);
		if (ws->progress_at == CLOCK_NEVER)
			ws->progress_at = clock_mono(s->clock) + PROGRESS_NS;
	} else {
		position = end;
	}
	if (!whole) {
		collect_behind(ws, UINT64_MAX);
		tell_scratch(ws, 0);
		position = end;
	}
	ws->reading = ws->delivered = position;
}

/* Puts W at the end of those that are behind: all come on evenly. */
static void requeue(struct watches *ws, struct store_watch *w)
{
	struct store_watch **p = &ws->behind;

	leave_behind(ws, w);
	while (*p)
		p = &(*p)->next;
	*p = w;
	w->next = NULL;
}

static void advance_behind(struct store *s)
{
	struct watches *ws = &s->watch;
	struct store_watch *w = ws->behind;
	uint64_t position = w->position, end = ws->delivered;
	bool whole = true;

	w->refs++;
	if (position < end) {
		pthread_mutex_unlock(&ws->lock);
		whole = slice(s, &position, end, w);
		pthread_mutex_lock(&ws->lock);
	}
	w->position = whole ? position : end;
	if (!whole)
		call(ws, w, NULL, 0);
	if (!w->stopped && w->position >= ws->delivered) {
		leave_behind(ws, w);
		join_live(ws, w);
	} else if (!w->stopped) {
		requeue(ws, w);
	}
	watch_unref(w);
}

static bool all_told(const struct watches *ws)
{
	return ws->delivered == ws->durable && !ws->behind;
}

void *watches_main(void *store)
{
	struct store *s = store;
	struct watches *ws = &s->watch;

	pthread_mutex_lock(&ws->lock);
	while (!ws->closing) {
		if (ws->delivered < ws->durable)
			advance_live(s);
		if (ws->behind)
			advance_behind(s);
		pthread_cond_broadcast(&ws->idle);
		if (clock_mono(s->clock) >= ws->progress_at)
			tell_progress(s);
		if (!ws->closing && all_told(ws))
			clock_wait(s->clock, &ws->wake, &ws->lock, ws->progress_at);
	}
	pthread_cond_broadcast(&ws->idle);
	pthread_mutex_unlock(&ws->lock);
	return NULL;
}

void watches_wait(struct store *s)
{
	struct watches *ws = &s->watch;

	pthread_mutex_lock(&ws->lock);
	while (!all_told(ws))
		pthread_cond_wait(&ws->idle, &ws->lock);
	pthread_mutex_unlock(&ws->lock);
}

void watches_stop(struct store *s)
{
	pthread_mutex_lock(&s->watch.lock);
	s->watch.closing = true;
	pthread_cond_signal(&s->watch.wake);
	pthread_mutex_unlock(&s->watch.lock);
}

void watches_release(struct store *s)
{
	struct watches *ws = &s->watch;

	while (ws->behind) {
		struct store_watch *w = ws->behind;

		leave_behind(ws, w);
		watch_unref(w);
	}
	while (ws->live.n) {
		struct store_watch *w = ws->live.v[0]->watches.v[0];

		leave_live(ws, w);
		watch_unref(w);
	}
	vec_release(&ws->live);
	vec_release(&ws->scratch);
	pthread_cond_destroy(&ws->wake);
	pthread_cond_destroy(&ws->idle);
	pthread_mutex_destroy(&ws->lock);
}
