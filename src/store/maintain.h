/*
 * What is done to a store besides using it: checked, backed up, restored, made small, given a new
 * key.
 *
 * Checking and backing up take one snapshot and may be done while another process has the store
 * open: LMDB's table of readers, which all processes share, keeps the pages of a snapshot from
 * being used again. So the store of a busy process grows while a backup of it is written, and is
 * otherwise not disturbed; the reader of a backup that was killed is cleared away by the writer.
 * Shrinking is done by the process that has the store open, if there is one: it is asked to. What
 * else replaces the file (restore) or rewrites records (rotate) needs the store for itself, and is
 * refused (E_UNAVAILABLE) while it is open anywhere. Whoever reads from outside holds a shared
 * flock(2) on DIR itself, whoever replaces the file an exclusive one.
 *
 *	struct store *s = store_open_reading(dir, NULL, &err);
 *	struct store_report report CLEANUP(store_report_release) = {0};
 *	if (store_check(s, NULL, NULL, &report, &err) < 0) ...
 *	store_backup(s, "/backups/monday", &info, &err);
 *	store_close(s);
 *
 * A damaged file can make LMDB read where nothing is: a program that looks at files it does not
 * trust expects SIGSEGV and SIGBUS.
 *
 * Threads: any; a store that is only read has none of its own.
 */
#ifndef STORE_MAINTAIN_H
#define STORE_MAINTAIN_H

#include "base/vec.h"
#include "store/store.h"

/*
 * A store for reading alone, also while another process has it open: store_get, store_list,
 * store_count, store_history and what is below work; store_commit and store_watch must not be
 * called. Nothing on disk changes. Of OPT map_size, keep_ns and keep_versions do not matter. A
 * missing key is no error here.
 */
struct store *store_open_reading(const char *dir, const struct store_options *opt,
				 struct error **err);

/* How many records are encrypted with a key. */
struct store_key_use {
	uint64_t id;
	uint64_t records;
	bool known; /* data.keys holds it */
	bool first; /* and encrypts with it */
};

struct store_report {
	uint64_t id, revision, compacted;
	uint64_t objects, deletions, records; /* keys that exist; are remembered; all versions */
	uint64_t bytes;			      /* of all values, as they lie on disk */
	uint64_t file_bytes, used_bytes;      /* of the file; what data has ever reached in it */
	uint64_t free_bytes;		      /* of those, what waits to be used again */
	uint64_t without_sum;		      /* records from before there were checksums */
	uint64_t plain;			      /* records that are to be encrypted and are not */
	VEC(struct store_key_use) keys;
	VEC(char *) problems; /* the first hundred */
	uint64_t n_problems;
};
void store_report_release(struct store_report *r);

/* What is wrong with a value, or NULL. The text is used before the next call. */
typedef const char *store_judge(void *arg, const void *key, size_t key_len, const char *value,
				size_t len, uint64_t revision, bool deleted);
/*
 * Reads everything and checks that each key's versions are whole, as they were written, that sealed
 * ones open, and that nothing else is there; JUDGE (may be NULL) is asked about each version.
 * REPORT may be NULL. Damage is E_INTERNAL with what was found first; the report has the rest. May
 * run beside anything.
 */
int store_check(struct store *s, store_judge *judge, void *arg, struct store_report *report,
		struct error **err);

struct store_backup_info {
	uint64_t id, revision, records;
	uint64_t bytes; /* of the file */
	int64_t time_ms;
};

/*
 * Writes what S holds now, history included, to PATH (mode 0600), which is the old file or the
 * whole new one at any instant, on disk when this returns. Sealed values stay sealed, and the keys
 * are not in it: data.keys is kept apart. A damaged record is E_INTERNAL, and no backup.
 */
int store_backup(struct store *s, const char *path, struct store_backup_info *info,
		 struct error **err);
/*
 * Makes DIR the store that PATH is a backup of, at one instant, on disk when this returns; before
 * that nothing of what was there has changed. E_EXISTS when there is a store already and REPLACE is
 * false; E_INTERNAL when the file is no whole backup; E_UNAVAILABLE when DIR/data.keys lacks a key
 * that it needs.
 *
 * Revisions must not be given twice to whoever still watches: when REPLACE throws away a store that
 * was further on, the restored one continues after its revisions.
 */
int store_restore(const char *dir, const char *path, const struct store_options *opt, bool replace,
		  struct store_backup_info *info, struct error **err);

/*
 * Gives up the history that is due and writes the file anew without what is free in it. Where
 * another process has the store open, writers wait while it does so, and readers for a moment;
 * E_UNAVAILABLE and a text that says why it cannot.
 */
int store_shrink(const char *dir, const struct store_options *opt, uint64_t *before,
		 uint64_t *after, struct error **err);

/*
 * Makes a new key the first one and encrypts everything with it. The key is on disk before it is
 * used; cut short, the next opening goes on. Old keys stay: backups may need them.
 */
int store_rotate(const char *dir, const struct store_options *opt, uint64_t *key,
		 struct error **err);

#endif
