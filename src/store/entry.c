#include "store/internal.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <zlib.h>

/* Numbers are big-endian, so that log keys sort by revision. */
struct disk_ref {
	uint64_t revision;
	uint32_t index;
	uint32_t version;
};
_Static_assert(sizeof(struct disk_ref) == 16, "a format, not a struct");

enum { ENTRY_DELETED = 1, ENTRY_CREATED = 2, ENTRY_SEALED = 4, ENTRY_SUMMED = 8 };

struct disk_entry {
	uint64_t prev_revision;
	uint64_t time_ms;
	uint32_t prev_index;
	uint32_t version;
	uint32_t tag;
	uint16_t key_len;
	uint16_t flags;
};
_Static_assert(sizeof(struct disk_entry) == 32, "a format, not a struct");
/* With ENTRY_SUMMED, between it and the key: the CRC-32 of where it lies, of it, key and value. */
#define SUM_SIZE 4u

MDB_val bytes_val(const void *p, size_t len)
{
	return (MDB_val){.mv_data = (void *)p, .mv_size = len};
}

MDB_val log_key(struct log_key *k, uint64_t revision, uint32_t index)
{
	uint64_t r = htobe64(revision);
	uint32_t i = htobe32(index);

	memcpy(k->b, &r, sizeof(r));
	memcpy(k->b + sizeof(r), &i, sizeof(i));
	return bytes_val(k->b, sizeof(k->b));
}

size_t entry_size(size_t key_len, size_t len)
{
	return sizeof(struct disk_entry) + SUM_SIZE + key_len + len;
}

static uint32_t sum_of(const struct log_key *at, const char *record, size_t size)
{
	uLong sum = crc32(crc32(0, NULL, 0), at->b, sizeof(at->b));

	sum = crc32(sum, (const Bytef *)record, sizeof(struct disk_entry));
	record += sizeof(struct disk_entry) + SUM_SIZE;
	return (uint32_t)crc32_z(sum, (const Bytef *)record,
				 size - sizeof(struct disk_entry) - SUM_SIZE);
}

void entry_sum(const struct log_key *at, void *record, size_t size)
{
	uint32_t sum = htobe32(sum_of(at, record, size));

	memcpy((char *)record + sizeof(struct disk_entry), &sum, SUM_SIZE);
}

bool entry_is_intact(const struct entry *e)
{
	const char *record = (const char *)e->key - sizeof(struct disk_entry) - SUM_SIZE;
	struct log_key at;
	uint32_t sum;

	if (!e->summed)
		return true;
	log_key(&at, e->at.revision, e->at.index);
	memcpy(&sum, record + sizeof(struct disk_entry), SUM_SIZE);
	return be32toh(sum) == sum_of(&at, record, (size_t)(e->value - record) + e->len);
}

char *entry_write(void *to, const struct entry *e)
{
	struct disk_entry d = {
		.prev_revision = htobe64(e->prev.revision),
		.time_ms = htobe64((uint64_t)e->time_ms),
		.prev_index = htobe32(e->prev.index),
		.version = htobe32(e->at.version),
		.tag = htobe32(e->tag),
		.key_len = htobe16((uint16_t)e->key_len),
		.flags = htobe16(ENTRY_SUMMED | (e->deleted ? ENTRY_DELETED : 0) |
				 (e->created ? ENTRY_CREATED : 0) | (e->sealed ? ENTRY_SEALED : 0)),
	};
	char *key = (char *)to + sizeof(d) + SUM_SIZE;

	memcpy(to, &d, sizeof(d));
	memcpy(key, e->key, e->key_len);
	return key + e->key_len;
}

int entry_parse(const MDB_val *key, const MDB_val *data, struct entry *e)
{
	struct disk_entry d;
	struct disk_ref at;
	size_t head = sizeof(d);

	if (key->mv_size != LOG_KEY_SIZE || data->mv_size < sizeof(d))
		return MDB_CORRUPTED;
	memcpy(&at, key->mv_data, LOG_KEY_SIZE);
	memcpy(&d, data->mv_data, sizeof(d));
	head += be16toh(d.flags) & ENTRY_SUMMED ? SUM_SIZE : 0;
	*e = (struct entry){
		.at = {be64toh(at.revision), be32toh(at.index), be32toh(d.version)},
		.prev = {be64toh(d.prev_revision), be32toh(d.prev_index), 0},
		.time_ms = (int64_t)be64toh(d.time_ms),
		.tag = be32toh(d.tag),
		.deleted = be16toh(d.flags) & ENTRY_DELETED,
		.created = be16toh(d.flags) & ENTRY_CREATED,
		.sealed = be16toh(d.flags) & ENTRY_SEALED,
		.summed = be16toh(d.flags) & ENTRY_SUMMED,
		.key = (char *)data->mv_data + head,
		.key_len = be16toh(d.key_len),
	};
	if (data->mv_size < head + e->key_len)
		return MDB_CORRUPTED;
	e->prev.version = e->at.version - 1;
	e->value = (const char *)e->key + e->key_len;
	e->len = data->mv_size - head - e->key_len;
	return 0;
}

int entry_get(struct store *s, MDB_txn *txn, const struct ref *ref, struct entry *e)
{
	struct log_key k;
	MDB_val key = log_key(&k, ref->revision, ref->index), data;
	int rc = ref->revision ? mdb_get(txn, s->log, &key, &data) : MDB_NOTFOUND;

	return rc ? rc : entry_parse(&key, &data, e);
}

int ref_parse(const MDB_val *data, struct ref *ref)
{
	struct disk_ref d;

	if (data->mv_size != sizeof(d))
		return MDB_CORRUPTED;
	memcpy(&d, data->mv_data, sizeof(d));
	*ref = (struct ref){be64toh(d.revision), be32toh(d.index), be32toh(d.version)};
	return 0;
}

int ref_get(MDB_txn *txn, MDB_dbi dbi, const void *key, size_t key_len, struct ref *ref)
{
	MDB_val k = bytes_val(key, key_len), data;
	int rc = mdb_get(txn, dbi, &k, &data);

	*ref = (struct ref){0};
	return rc ? rc : ref_parse(&data, ref);
}

int ref_put(MDB_txn *txn, MDB_dbi dbi, const void *key, size_t key_len, const struct ref *ref)
{
	struct disk_ref d = {htobe64(ref->revision), htobe32(ref->index), htobe32(ref->version)};
	MDB_val k = bytes_val(key, key_len), data = bytes_val(&d, sizeof(d));

	return mdb_put(txn, dbi, &k, &data, 0);
}

int entry_point(struct store *s, MDB_txn *txn, const struct entry *e)
{
	MDB_val key = bytes_val(e->key, e->key_len);
	int rc = ref_put(txn, e->deleted ? s->deleted : s->objects, e->key, e->key_len, &e->at);

	if (!rc)
		rc = mdb_del(txn, e->deleted ? s->objects : s->deleted, &key, NULL);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

int meta_get_number(struct store *s, MDB_txn *txn, const char *name, uint64_t *value)
{
	MDB_val k = bytes_val(name, strlen(name)), data;
	int rc = mdb_get(txn, s->meta, &k, &data);

	if (rc)
		return rc;
	if (data.mv_size != sizeof(*value))
		return MDB_CORRUPTED;
	memcpy(value, data.mv_data, sizeof(*value));
	*value = be64toh(*value);
	return 0;
}

int meta_put_number(struct store *s, MDB_txn *txn, const char *name, uint64_t value)
{
	uint64_t big = htobe64(value);
	MDB_val k = bytes_val(name, strlen(name)), data = bytes_val(&big, sizeof(big));

	return mdb_put(txn, s->meta, &k, &data, 0);
}

int snapshot_revisions(struct store *s, MDB_txn *txn, uint64_t *newest, uint64_t *compacted)
{
	MDB_cursor *c;
	MDB_val key, data;
	struct entry e;
	int rc = meta_get_number(s, txn, "compacted", compacted);

	if (rc || (rc = mdb_cursor_open(txn, s->log, &c)))
		return rc;
	rc = mdb_cursor_get(c, &key, &data, MDB_LAST);
	if (!rc)
		rc = entry_parse(&key, &data, &e);
	/* The newest records may all be compacted: then that is the newest revision. */
	*newest = rc ? *compacted : MAX(e.at.revision, *compacted);
	mdb_cursor_close(c);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

bool is_no_space(int rc)
{
	return rc == MDB_MAP_FULL || rc == MDB_TXN_FULL || rc == ENOSPC || rc == EDQUOT ||
	       rc == EFBIG;
}

static const char *describe(int rc)
{
	switch (rc) {
	case RC_NO_KEY:
		return "a value is encrypted with a key that data.keys does not hold";
	case RC_FORGED:
		return "an encrypted value is not what was written there";
	case RC_SEAL:
		return "OpenSSL cannot encrypt";
	}
	return mdb_strerror(rc);
}

int store_fail(struct error **err, int rc, const char *what)
{
	enum error_code code = E_INTERNAL;

	if (is_no_space(rc))
		code = E_NO_SPACE;
	else if (rc == MDB_READERS_FULL)
		code = E_UNAVAILABLE;
	return error_set(err, code, "%s: %s", what, describe(rc));
}
