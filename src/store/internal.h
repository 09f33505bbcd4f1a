/*
 * What the files of src/store/ share; nobody outside includes it.
 *
 * Four databases in one LMDB environment:
 *
 *	log	revision, index	-> one version of one key: header, key, value
 *	objects	key		-> where its newest version lies in the log
 *	deleted	key		-> the same for a key whose newest version is a deletion
 *	meta	name		-> format, who created it, store id, compacted revision, key
 *
 * A value is written once, in the log, at the end of the tree: one write costs its own pages and
 * the path to two leaves. The log is the history of every key at the same time, because each
 * version names the one before it; and it is the ring that watches read, because it lies in the
 * page cache in revision order. So nothing of it is kept in memory a second time.
 *
 * Files: open.c (lock, format, creation), entry.c (the bytes above), commit.c and shared.c (the
 * writer), wal*.c (the write-ahead log), space.c (full maps and disks), read.c, compact.c, watch.c
 *with prefixes.c; keys.c, seal.c and reseal.c (encryption); check.c, backup.c, restore.c, shrink.c,
 *control.c and maintain.c (maintain.h).
 *
 * Locks: `lock` guards the queue of requests; `watch.lock` the watches and how far compaction may
 * go. Neither is held while LMDB works or a handler runs, and never both at once.
 */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include "base/str.h"
#include "base/vec.h"
#include "store/store.h"

#include <lmdb.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

/* Format 2 may hold sealed records, format 3 records with a checksum; one of format 4 may have a
 * wal. */
#define STORE_FORMAT 4
#define STORE_FORMAT_OLDEST 1

#define KEY_SIZE 32
#define KEY_ID_SIZE 8
/* A sealed value is longer than the plain one by key id, nonce and tag. */
#define SEAL_SIZE 36

/* Beside LMDB's: no key opens it; it is not what was written there; no cipher. */
#define RC_NO_KEY (-30700)
#define RC_FORGED (-30701)
#define RC_SEAL (-30702)

/* A version of a key: where it lies in the log, and that it is the VERSION-th of its key. */
struct ref {
	uint64_t revision; /* 0: none */
	uint32_t index;	   /* of the op within its transaction */
	uint32_t version;
};

/* One record of the log. Key and value are borrowed from the map. */
struct entry {
	struct ref at;
	struct ref prev;
	int64_t time_ms; /* wall clock */
	unsigned tag;
	bool deleted;
	bool created; /* the key did not exist before it */
	bool sealed;  /* the value is as seal.c describes */
	bool summed;  /* has a checksum */
	const void *key;
	size_t key_len;
	const char *value;
	size_t len;
};

struct seal_key {
	uint64_t id;
	unsigned char secret[KEY_SIZE];
};
/* The first encrypts. */
struct seal_keys {
	struct seal_key *v;
	size_t n, cap;
};

/* One store_commit that waits. Lives on its caller's stack. */
struct request {
	const struct store_op *ops;
	size_t n;
	size_t bytes; /* of keys and values together */
	bool puts;    /* has a STORE_PUT */
	uint64_t revision;
	size_t failed;
	struct error *error;
	/* Called by the writer; the request may be gone when it returns. */
	void (*answer)(struct request *r);
	struct request *next;
};

/* Watches of one prefix. */
struct group {
	char *prefix;
	size_t len;
	struct group *parent; /* the longest other prefix that begins this one */
	VEC(struct store_watch *) watches;
};

/* All groups, ordered by prefix. */
struct prefixes {
	struct group **v;
	size_t n, cap;
};

struct store_watch {
	struct store *store;
	char *prefix;
	size_t prefix_len;
	uint64_t from;	   /* events up to here are not for it */
	uint64_t position; /* while it catches up: read up to here */
	uint64_t told;	   /* the newest revision its handler has heard of */
	store_watch_handler *handler;
	void *arg;
	bool live, stopped;
	unsigned refs;
	struct store_watch *next; /* in watch.behind */
};

/* A shrinking that waits for the writer. Lives on its caller's stack. */
struct shrink {
	uint64_t before, after; /* bytes of the file */
	int result;
	struct error *error;
	sem_t done;
};

/* Where orders come in; both negative: from nowhere. */
struct control {
	int socket, end;
	bool runs;
	pthread_t thread;
};

/* A transaction of LMDB that is open, and what the groups in it have written (shared.c). */
#define SHARED_WORDS 512
struct shared {
	MDB_txn *txn;	  /* NULL: there is none */
	struct str items; /* as the log has them */
	unsigned groups;
	size_t bytes;
	int64_t since;			     /* clock_mono */
	int64_t calm_until;		     /* until then none stays open */
	_Atomic uint64_t keys[SHARED_WORDS]; /* that have been written since the last commit */
};

struct watches {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake; /* something to do for the thread */
	pthread_cond_t idle; /* a handler has returned, or all watches know everything */
	bool closing;
	uint64_t durable;   /* may be told */
	uint64_t delivered; /* live watches have been told up to here */
	uint64_t reading;   /* and are being told up to here */
	uint64_t compacted; /* watches from before this are refused */
	struct prefixes live;
	size_t n_live;
	struct store_watch *behind; /* those that catch up */
	struct store_watch *running;
	int64_t progress_at;		   /* CLOCK_NEVER: everybody knows everything */
	VEC(struct store_watch *) scratch; /* the thread's own */
};

struct store {
	MDB_env *env;
	MDB_dbi log, objects, deleted, meta;
	int lock_fd, dir_fd;
	char *dir;
	struct clock *clock;
	int64_t keep_ns;
	unsigned keep_versions;
	size_t map_size; /* bytes that data may fill */
	size_t page_size;
	uint64_t id;
	_Atomic uint64_t revision;
	struct seal_keys keys; /* immutable once open, like what follows */
	VEC(char *) sealed;    /* prefixes of keys; none: nothing is encrypted */

	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct request *queue, **queue_end;
	struct shrink *shrink;	  /* NULL: none is asked for */
	_Atomic bool behind;	  /* LMDB does not have all that is durable; set under the lock */
	bool lost;		  /* and will not */
	unsigned n_asking;	  /* wait until it has */
	pthread_cond_t committed; /* it has, or will not */
	bool closing;
	bool threads; /* both are running */
	pthread_t writer;

	/* The writer's own. */
	int64_t compact_at;    /* clock_mono; CLOCK_NEVER: nothing to compact */
	uint64_t map_pages;    /* pages that data may fill */
	uint64_t pages;	       /* the same as the disk allows now */
	uint64_t delete_pages; /* pages that deletions may fill */
	bool sparse;	       /* there is no reserving */
	uint64_t reserved;     /* bytes of the file that have their place on disk */
	VEC(struct ref) found;
	struct shared shared;
	int failed;	 /* errno: what is written may not last */
	struct wal *wal; /* NULL: LMDB flushes each commit */

	pthread_mutex_t readers_lock;
	VEC(MDB_txn *) readers; /* reset, for use again */
	size_t n_reading;	/* others, in use */
	uint64_t n_ended;
	pthread_cond_t reader_ended;
	bool readers_wait; /* until the file has been replaced */
	pthread_cond_t readers_may;

	struct control control;

	struct watches watch;
};

/* open.c */
#define DATA_FILE "data.mdb"
/* Everything but the threads. */
struct store *store_open_idle(const char *dir, const struct store_options *opt, struct error **err);
/* The same of one that is there already. */
struct store *store_open_existing(const char *dir, const struct store_options *opt,
				  struct error **err);
/* Nothing but the locks, which nobody else then has: its file may be replaced. */
struct store *store_lock(const char *dir, const struct store_options *opt, struct error **err);
int store_lock_readers(struct store *s, struct error **err);
/* E_NOT_FOUND when there is none. */
int store_exists(struct store *s, struct error **err);
/* MAP_SIZE is what data may fill. */
int store_env_open(struct store *s, const char *file, size_t map_size, unsigned flags,
		   struct error **err);
void store_env_close(struct store *s);
/* What a new store holds: four trees, and who it is. */
int store_write_new(struct store *s, MDB_txn *txn, uint64_t id, uint64_t compacted);
/* Opens the trees of an open environment and learns where they stand. */
int store_load(struct store *s, struct error **err);
/* In the store's directory, and on disk. */
int store_rename(struct store *s, const char *from, const char *to, struct error **err);
/* A new first key, on disk before anything is encrypted with it. */
int store_make_key(struct store *s, struct error **err);

/* entry.c */
#define LOG_KEY_SIZE 12
struct log_key {
	unsigned char b[LOG_KEY_SIZE];
};
MDB_val log_key(struct log_key *k, uint64_t revision, uint32_t index);
MDB_val bytes_val(const void *p, size_t len);
/* How many bytes the record of a key and a value of these lengths takes. */
size_t entry_size(size_t key_len, size_t len);
/* Writes header and key to TO and returns where the value begins. */
char *entry_write(void *to, const struct entry *e);
/* The last thing that is written of a record: its checksum. */
void entry_sum(const struct log_key *at, void *record, size_t size);
/* Whether E, which entry_parse has read, is as it was written; true where there is no checksum. */
bool entry_is_intact(const struct entry *e);
/* MDB_CORRUPTED when the bytes are not a record. */
int entry_parse(const MDB_val *key, const MDB_val *data, struct entry *e);
/* The record at REF: 0, MDB_NOTFOUND, or another error of LMDB. */
int entry_get(struct store *s, MDB_txn *txn, const struct ref *ref, struct entry *e);
/* The newest version of a key in DBI (objects or deleted). MDB_NOTFOUND sets *ref to none. */
int ref_get(MDB_txn *txn, MDB_dbi dbi, const void *key, size_t key_len, struct ref *ref);
int ref_put(MDB_txn *txn, MDB_dbi dbi, const void *key, size_t key_len, const struct ref *ref);
int ref_parse(const MDB_val *data, struct ref *ref);
/* E is the newest record of its key: the trees of keys say so. */
int entry_point(struct store *s, MDB_txn *txn, const struct entry *e);
int meta_get_number(struct store *s, MDB_txn *txn, const char *name, uint64_t *value);
int meta_put_number(struct store *s, MDB_txn *txn, const char *name, uint64_t value);
/* What the snapshot TXN shows: the newest revision and the compacted one. */
int snapshot_revisions(struct store *s, MDB_txn *txn, uint64_t *newest, uint64_t *compacted);
/* Sets *err from an error of LMDB or errno. Returns -1. */
int store_fail(struct error **err, int rc, const char *what);
bool is_no_space(int rc);

/* keys.c */
/* Adds the keys of TEXT, which is named PATH in errors. */
int keys_parse(struct seal_keys *keys, const char *text, size_t len, const char *path,
	       struct error **err);
void keys_write(const struct seal_keys *keys, struct str *out);
/* Adds those of DIR/data.keys; no file is no error. */
int keys_load(const char *dir, struct seal_keys *keys, struct error **err);
/* The caller flushes the directory. */
int keys_save(const char *dir, const struct seal_keys *keys, struct error **err);
/* A new one at the front. */
int keys_add_new(struct seal_keys *keys, struct error **err);
const struct seal_key *keys_find(const struct seal_keys *keys, uint64_t id);
void keys_release(struct seal_keys *keys);

/* seal.c */
bool seal_wanted(const struct store *s, const void *key, size_t key_len);
/* The id of the key that sealed E's value; 0: none. */
uint64_t seal_key_of(const struct entry *e);
/* Encrypts the pieces of E's value to TO, which has SEAL_SIZE more. */
int seal_write(const struct store *s, const struct entry *e, const MDB_val *pieces, size_t n,
	       char *to);
/* The value of E is plain afterwards, and where it was not, it lies in BUFFER (str_wipe). */
int seal_open(const struct store *s, struct entry *e, struct str *buffer);

/* reseal.c */
int reseal(struct store *s, struct error **err);
/* Whether every value is encrypted with the first key that is to be. */
bool reseal_is_done(struct store *s);

/* read.c: a read transaction from the pool, of what is committed (shared_wait). */
MDB_txn *reader_begin(struct store *s, struct error **err);
void reader_end(struct store *s, MDB_txn *txn);
/* How many reads have ended. */
uint64_t readers_ended(struct store *s);
/* Waits until more than SEEN have. False: none is running, or the deadline has passed. */
bool readers_wait(struct store *s, uint64_t seen, int64_t deadline_ns);
/* Waits until no read runs, and lets none begin; false at the deadline. readers_open in any case.
 */
bool readers_shut(struct store *s, int64_t deadline_ns);
void readers_open(struct store *s);
void readers_release(struct store *s);
/* Snapshots of other processes that have died hold no pages any more. */
void readers_forget_dead(struct store *s);

/* wal_recover.c */
/* Of a store that was not closed, before its environment is open; nobody else reads it. */
int wal_recover(struct store *s, struct error **err);
bool wal_is_left(struct store *s);
/* What it says is of no store any more. */
int wal_discard(struct store *s, struct error **err);
/* wal.c: the writer's, but for the first and the last. */
/* From here on commits go through the wal; where there can be none, without. */
void wal_start(struct store *s);
/* All is in the file afterwards, or s->failed is set and returned. */
int wal_stop(struct store *s);
/* What the transaction in the making will have been: new records of the log ... */
void wal_begin(struct store *s);
void wal_add(struct store *s, const struct log_key *key, const MDB_val *data);
/* ... or a compaction. */
void wal_add_compaction(struct store *s, uint64_t bound, unsigned keep);
/* A group of BYTES goes into this half. */
bool wal_has_room(struct store *s, size_t bytes);
/*
 * Appends it; it is durable then, or where that is not asked for before whatever follows is. ALONE:
 * LMDB has all that is in the log, so that a checkpoint may make room. Nothing where there is no
 * log, or what is too large for it.
 */
int wal_log(struct store *s, bool durable, bool alone);
bool wal_is_logged(struct store *s);
/* After the commit to LMDB, which returned RC. */
int wal_committed(struct store *s, int rc);
/* All in one, of what is durable before whatever follows is. */
int wal_commit(struct store *s, MDB_txn *txn);
/* What was appended last, for wal_write_items. */
void wal_keep_items(struct store *s, struct str *to);
int wal_write_items(struct store *s, MDB_txn *txn, const char *p, size_t len);
/* Afterwards the pages of earlier states may be used again. Sets s->failed and returns it. */
int wal_checkpoint(struct store *s);

/* commit.c */
void *writer_main(void *store);

/* shared.c: the writer's, but for the last. Each returns an error of LMDB. */
/* Begins the transaction of a group of BYTES. ALONE: of no other one. */
int shared_begin(struct store *s, size_t bytes, MDB_txn **txn, bool *alone);
/* Of one that is not alone and has failed: aborts it, and commits those before it. */
int shared_undo(struct store *s);
/* What is in the log is the store at REVISION. Commits it, or leaves it to a later one. */
int shared_end(struct store *s, MDB_txn *txn, size_t bytes, uint64_t revision, bool may_stay);
/* All that is durable is in LMDB afterwards. */
int shared_commit(struct store *s);
/* KEY is being written. */
void shared_note(struct store *s, const void *key, size_t len);
/*
 * Waits until LMDB has all that was durable when it was called, of KEY or (NULL) of all; any thread
 * but the writer. -1 with an error: it will not.
 */
int shared_wait(struct store *s, const void *key, size_t len, struct error **err);

/* shrink.c */
#define SMALL_FILE DATA_FILE ".small"
/* What one that was cut short has left. */
void shrink_clear(struct store *s);
/* Shrinks the open store and wakes who waits for JOB. The writer's. */
void shrink_run(struct store *s, struct shrink *job);
/* Has the writer do it. One at a time. */
int shrink_ask(struct store *s, uint64_t *before, uint64_t *after, struct error **err);

/* control.c */
void control_start(struct store *s);
void control_stop(struct store *s);
/* A process that takes orders has the store open. */
bool control_is_there(const char *dir);
/* Has it shrink the store. */
int control_shrink(const char *dir, uint64_t *before, uint64_t *after, struct error **err);
/* Has it, if there is one, commit to the file what is durable. */
int control_commit(const char *dir, struct error **err);

/* space.c */
/* How much longer than the data's limit the map is. */
size_t space_slack(size_t map_size);
/* Looks for places on disk for about BYTES and for later deletions. */
void space_prepare(struct store *s, size_t bytes);
/* They are there, however full the disk becomes. */
bool space_is_reserved(struct store *s);
/* Begins a transaction of about BYTES, with places on disk for it and for later deletions. */
int space_begin(struct store *s, size_t bytes, MDB_txn **txn);
/* Whether the request fits beside what TXN holds already. */
bool space_fits(struct store *s, MDB_txn *txn, const struct request *r);
/* Before anything is read: a file shorter than its own header says is refused. */
int space_check_file(struct store *s, struct error **err);
struct store_report;
/* The bytes of the file, and those that are used and free in it. */
void space_report(struct store *s, MDB_txn *txn, struct store_report *r);

/* compact.c: all run in the writer. */
/* One bounded step; sets compact_at. */
void compact_step(struct store *s);
/* Gives up all history that no watch needs any more. True when that freed something. */
bool compact_shed(struct store *s);
/* Every step that is due. */
void compact_due(struct store *s);
/* What a step did that made BOUND the compacted revision, once more. */
int compact_to(struct store *s, MDB_txn *txn, uint64_t bound, unsigned keep);
/* Takes a key's versions from NEWEST back out of the log. */
int compact_chain(struct store *s, MDB_txn *txn, struct ref newest);
/* Something was written: makes sure that it is looked at when it has aged. */
void compact_schedule(struct store *s);

/* watch.c */
void watches_init(struct store *s);
void *watches_main(void *store);
/* The writer has made REVISION durable. */
void watches_publish(struct store *s, uint64_t revision);
bool watches_any(struct store *s);
/* Raises the compacted revision to WANTED or as far as the watches allow; returns it. */
uint64_t watches_compact(struct store *s, uint64_t wanted);
/* For the writer: waits until every watch has been told of all that is durable. */
void watches_wait(struct store *s);
void watches_stop(struct store *s);
void watches_release(struct store *s);

/* prefixes.c */
struct group *prefixes_add(struct prefixes *p, const void *prefix, size_t len);
struct group *prefixes_find(struct prefixes *p, const void *prefix, size_t len);
void prefixes_remove(struct prefixes *p, struct group *g);
/* The group with the longest prefix that begins KEY, or NULL; its parents are all others. */
struct group *prefixes_match(const struct prefixes *p, const void *key, size_t len);

#endif
