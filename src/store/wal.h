/*
 * The bytes of DIR/data.wal (wal.c), for who writes them and who reads them after a crash.
 *
 *	slot 0, slot 1	checkpoints: a head, the first two pages of data.mdb; written in turn
 *	half 0, half 1	records since a checkpoint, numbered from 1, each at a page's beginning
 *
 * A record is a group's writes: versions of keys as data.mdb holds them (sealed ones sealed),
 * or how far a compaction went. Each has the sequence of its checkpoint, which tells its half, how
 * many the checkpoint before had, and a CRC-32; the first that does not fit is the end. A
 * checkpoint is being written while records follow it already: they continue those of the one
 * before, if all of these are there. What is too large for a half is committed and followed by a
 * checkpoint. A store that was closed has no log.
 *
 * In version 1 there is one half.
 */
#ifndef STORE_WAL_H
#define STORE_WAL_H

#include "store/internal.h"

#define WAL_FILE "data.wal"
#define WAL_VERSION 2
#define WAL_PAGE 4096u
#define WAL_HALF_BYTES (8u << 20)
extern const char wal_magic[16];

/* Numbers are big-endian. */
struct wal_slot_head {
	char magic[16];
	uint32_t version;
	uint32_t page_size; /* LMDB's */
	uint64_t sequence;
	uint32_t clean; /* the file is whole without the log */
	uint32_t sum;	/* CRC-32 of the head up to here and of the pages */
};
_Static_assert(sizeof(struct wal_slot_head) == 40, "a format, not a struct");

enum wal_record_kind { WAL_WRITES = 1, WAL_COMPACTION = 2 };

struct wal_record_head {
	uint32_t kind;
	uint32_t len; /* of what follows */
	uint64_t sequence, number;
	uint32_t before; /* records of the checkpoint before; version 1: 0 */
	uint32_t sum;	 /* CRC-32 of the head up to here and of what follows */
};
_Static_assert(sizeof(struct wal_record_head) == 32, "a format, not a struct");

/* A version of a key: this, then the record as data.mdb has it. */
struct wal_item_head {
	uint32_t size;
	unsigned char key[LOG_KEY_SIZE];
};
_Static_assert(sizeof(struct wal_item_head) == 16, "a format, not a struct");

struct wal_compaction {
	uint64_t bound;
	uint32_t keep, unused;
};

/* Writes checkpoints (wal_checkpoint.c). What is handed over is nobody else's while it is busy. */
struct wal_flusher {
	int fd; /* the log, opened once more */
	bool runs, ends;
	pthread_t thread;
	sem_t begin, done;
	bool busy; /* the writer's own */
	uint64_t sequence;
	bool clean;
	char *pages;
	int result; /* an errno, or of LMDB */
};

struct wal {
	int fd;
	size_t page_size;
	uint64_t sequence;	 /* of the checkpoint, which may not be on disk yet */
	uint64_t number, before; /* of the last record; of the last one of the checkpoint before */
	unsigned commits;	 /* of LMDB, since the checkpoint */
	uint64_t at;		 /* where in its half the next record goes */
	uint64_t end[2];	 /* of what has been written once: a flush there is cheap */
	MDB_txn *pins[2];	 /* of checkpoints, in turn */
	enum wal_record_kind kind;
	struct str record; /* in the making; begins with room for its head */
	struct wal_flusher flusher;
};

size_t wal_slot_size(size_t page_size);
/* Where the half of SEQUENCE begins. */
uint64_t wal_half(size_t page_size, uint64_t sequence);
/* Returns an errno. */
int wal_write_bytes(int fd, const void *bytes, size_t len, uint64_t at);
/* False at the end of the file, too. */
bool wal_read_bytes(int fd, void *bytes, size_t len, uint64_t at);
int wal_flush(int fd);
/* Of a HEAD whose last member is the sum, and what follows it. */
uint32_t wal_sum(const void *head, size_t head_size, const char *more, size_t len);

/* wal_checkpoint.c. All but the first are the writer's and return s->failed. */
/* The slot of SEQUENCE, on disk when it returns. */
int wal_write_slot(int fd, size_t page_size, const char *pages, uint64_t sequence, bool clean);
/* Returns an errno. */
int wal_flusher_start(struct store *s);
void wal_flusher_stop(struct wal *w);
/* Of what is committed; waits for the one before. CLEAN: the file will be whole without the log. */
int wal_checkpoint_begin(struct store *s, bool clean);
/* One that says that the file is whole without the log, on disk when it returns. */
int wal_checkpoint_clean(struct store *s);
/* After a commit: begins and ends those that are due. */
int wal_checkpoint_due(struct store *s);

#endif
