/*
 * A durable, watchable map from keys to bytes with one revision counter: what etcd is to
 * kube-apiserver, in LMDB. Knows nothing of Kubernetes.
 *
 * Every write gets the next revision. Requests that wait together share one transaction and one
 * fsync (group commit, one writer thread); an answer goes out only after it. What was answered
 * survives kill -9 and power loss: it is in a write-ahead log (wal.c), or where there can be none
 * LMDB flushes each commit itself.
 *
 * A value may want its own revision inside it (resourceVersion). The caller gives the bytes in two
 * pieces and the store writes the revision, in decimal, between them.
 *
 *	struct store *s = store_open(dir, NULL, &err);
 *	struct store_op op = {.kind = STORE_PUT, .key = "pods/web", .key_len = 8,
 *			      .expect = STORE_ABSENT, .head = bytes, .head_len = len};
 *	store_commit(s, &op, 1, &revision, NULL, &err);		// durable when it returns
 *	store_watch(s, "pods/", 5, revision, handler, arg, &err);
 *	store_close(s);
 *
 * Keys have 1 to STORE_KEY_MAX bytes, ordered bytewise; values at most STORE_VALUE_MAX, the
 * revision in them not counted. What is older than keep_ns and not among the newest
 * keep_versions of its key is compacted; a deleted key leaves its history after keep_ns. When the
 * store is full, history is given up before a write is refused.
 *
 * A store belongs to the process that opened it: nothing of it may be used after fork().
 *
 * Threads: every function may be called from any thread. Reads never wait for the disk, with one
 * exception: while writes stream in and nobody watches, who lists, or gets a key that was written a
 * moment ago, may wait for the end of the commit under way, once in a tenth of a second (shared.c).
 * Writes block until they are durable. The sink of store_list and the handler of a watch must not
 * call store writes, nor wait for a thread that may be in one: in a full store a write waits for
 * the watches, and a deletion for the reads.
 *
 * Errors: E_NOT_FOUND, E_EXISTS, E_CONFLICT (a precondition), E_GONE (revision compacted),
 * E_NO_SPACE (map or disk full: an error to that writer and nothing else; deletions still work),
 * E_TOO_LARGE, E_BAD_REQUEST (no key, a key too long, a key twice, a revision of the future),
 * E_UNAVAILABLE (in use by another process, newer format, shut down), E_INTERNAL.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/clock.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_KEY_MAX 480
#define STORE_VALUE_MAX (8u << 20)
#define STORE_OPS_MAX 4096 /* in one transaction */

struct store;

struct store_options {
	size_t map_size;	/* bytes that data may fill; 0: 64 GiB */
	int64_t keep_ns;	/* revisions kept for watches and history; 0: 5 minutes */
	unsigned keep_versions; /* and at least this many of each key; 0: 10 */
	struct clock *clock;	/* NULL: the system's */
	/* Values of keys that begin with one of these are encrypted on disk (AES-256-GCM) with
	 * the first key of DIR/data.keys, which is made (0600) when there is none; those that are
	 * not yet so become it at opening, kept versions included. Ends with NULL; NULL: none. */
	const char *const *sealed;
};

/*
 * Opens the store in DIR (made with mode 0700 when missing; its files have 0600). E_UNAVAILABLE
 * when another process has it open, a newer kubefs has made it or the key of its values is missing,
 * E_INTERNAL when the files are
 * damaged or something else's.
 */
struct store *store_open(const char *dir, const struct store_options *opt, struct error **err);
/*
 * Finishes what was handed in, ends and frees every watch, frees. No other call may run or come.
 * Returns NULL; takes NULL.
 */
struct store *store_close(struct store *s);
DEFINE_CLEANUP(struct store *, store_close)

/* The newest revision that is durable. A new store begins at 1. */
uint64_t store_revision(struct store *s);
/* A number made at random when the store was created: names the cluster. */
uint64_t store_id(struct store *s);

/* Bytes the caller frees with store_value_release. */
struct store_value {
	char *bytes; /* and a NUL after them */
	size_t len;
	uint64_t revision; /* of the write that made it */
};
void store_value_release(struct store_value *v);

/* The value of KEY now; AT_REVISION != 0: as it was then (E_GONE when that is no longer kept). */
int store_get(struct store *s, const void *key, size_t key_len, uint64_t at_revision,
	      struct store_value *out, struct error **err);

/*
 * KEY and VALUE are borrowed from the mapped store and end with the call. false stops. A sink
 * copies or sends and returns: while it runs, the file cannot use its free pages again.
 */
typedef bool store_sink(void *arg, const void *key, size_t key_len, const char *value, size_t len,
			uint64_t revision);
/*
 * Every key that begins with PREFIX, from START on (START_LEN 0: the first), in order, of one
 * revision, which *revision tells. AT_REVISION != 0: as it was then.
 */
int store_list(struct store *s, const void *prefix, size_t prefix_len, const void *start,
	       size_t start_len, uint64_t at_revision, store_sink *sink, void *arg,
	       uint64_t *revision, struct error **err);
/*
 * How many keys store_list would tell, without reading the values of those that have not changed
 * since AT_REVISION. *N is set on success.
 */
int store_count(struct store *s, const void *prefix, size_t prefix_len, const void *start,
		size_t start_len, uint64_t at_revision, uint64_t *n, struct error **err);

enum store_op_kind { STORE_PUT, STORE_DELETE };

/* What must be true of the key for the transaction to happen. */
#define STORE_ANY UINT64_MAX /* no precondition */
#define STORE_ABSENT 0	     /* it does not exist (E_EXISTS) */
/* Else it is of this revision (E_CONFLICT, E_NOT_FOUND). What is deleted must exist. */

struct store_op {
	enum store_op_kind kind;
	const void *key;
	size_t key_len;
	uint64_t expect; /* STORE_ANY, STORE_ABSENT or a revision */
	/* STORE_PUT: head, revision in decimal when with_revision, tail.
	 * STORE_DELETE: the same gives what watchers see as the last state (len 0: the old value).
	 */
	const char *head, *tail;
	size_t head_len, tail_len;
	bool with_revision;
	unsigned tag; /* handed on to watchers; the caller's own meaning */
};

/*
 * All of OPS or none, as one revision, durable on return; each names another key. *failed: the
 * index of the op whose precondition did not hold. *revision: what they were written as. REVISION
 * and FAILED may be NULL.
 */
int store_commit(struct store *s, const struct store_op *ops, size_t n, uint64_t *revision,
		 size_t *failed, struct error **err);
/*
 * The same for who does not wait: DONE is called once when it is decided, by the thread that
 * writes, so it must not block, read nor commit, nor take a lock under which anybody does. WHY is
 * borrowed, NULL: durable. OPS, and what they point to, live until then. Where it returns -1 DONE
 * is not called.
 */
typedef void store_done(void *arg, uint64_t revision, size_t failed, struct error *why);
int store_commit_later(struct store *s, const struct store_op *ops, size_t n, store_done *done,
		       void *arg, struct error **err);

/* One change. Everything borrowed for the length of the handler. */
struct store_event {
	bool deleted;
	const void *key;
	size_t key_len;
	uint64_t revision;
	const char *value; /* of a deletion: the last state */
	size_t len;
	const char *old_value; /* NULL: there was none (created) */
	size_t old_len;
	unsigned tag;
};
struct store_watch;
/*
 * Calls HANDLER for every change after revision FROM of keys that begin with PREFIX, in order,
 * each once, from a thread of the store. FROM too old: E_GONE at once. A handler that blocks
 * delays every other watch: it queues and returns. EVENT NULL: nothing more is known up to
 * REVISION (progress), called at least each second in which other keys changed. EVENT NULL and
 * REVISION 0: the log cannot be read, events are missing; list again and watch from there.
 */
typedef void store_watch_handler(void *arg, const struct store_event *event, uint64_t revision);
struct store_watch *store_watch(struct store *s, const void *prefix, size_t prefix_len,
				uint64_t from, store_watch_handler *handler, void *arg,
				struct error **err);
/* Waits until the handler has been called for all that is durable now. Not from a handler. */
void store_watch_flush(struct store_watch *w);
/* After it returns the handler is not running and will not run (but may call this itself). */
void store_watch_stop(struct store_watch *w);

/*
 * The revisions of KEY that are kept, newest first, oldest kept last; none is no error. VALUE of
 * a deletion is the last state it was given, which may be empty. false stops.
 */
typedef bool store_history_sink(void *arg, uint64_t revision, bool deleted, const char *value,
				size_t len);
int store_history(struct store *s, const void *key, size_t key_len, store_history_sink *sink,
		  void *arg, struct error **err);

#endif
