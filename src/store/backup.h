/*
 * The bytes of a backup: a head, every record of the log in its order, and the SHA-256 of all that.
 * What the index trees hold follows from the log, so they are not in it; numbers are big-endian.
 *
 *	head	magic, versions, whose it is, where it stands, how many records follow
 *	record	size (4)   where it lies in the log (12)   the record's bytes
 *	end	SHA-256 (32)
 *
 * A file that ends early, goes on too long or holds one changed bit is no backup.
 */
#ifndef STORE_BACKUP_H
#define STORE_BACKUP_H

#include "store/internal.h"
#include "store/maintain.h"

#include <openssl/evp.h>
#include <stdio.h>

#define BACKUP_MAGIC "kubefs backup\n\0"
#define BACKUP_VERSION 1
#define BACKUP_SUM 32
/* No record is larger. */
#define BACKUP_RECORD_MAX (STORE_VALUE_MAX + 65536)

struct backup_head {
	char magic[16];
	uint32_t version;
	uint32_t format; /* of the records: STORE_FORMAT */
	uint64_t id, revision, compacted, records, time_ms;
};
_Static_assert(sizeof(struct backup_head) == 64, "a format, not a struct");

/* A file that is summed up as it is written or read. */
struct backup_file {
	FILE *f;
	EVP_MD_CTX *sum;
	uint64_t bytes;
};
int backup_file_open(struct backup_file *b, int fd, const char *mode);
/* -1: not all of it (errno of a write; a read that ends early is 0). */
int backup_write(struct backup_file *b, const void *bytes, size_t len);
int backup_read(struct backup_file *b, void *bytes, size_t len);
/* The sum so far, which the file itself ends with. */
int backup_sum(struct backup_file *b, unsigned char sum[BACKUP_SUM]);
void backup_file_close(struct backup_file *b);

#endif
