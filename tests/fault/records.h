/*
 * Values that prove themselves: made from (writer, counter), recognised again, and different at
 * every place, so that a lost, torn or mixed one shows. Shared by the tests that kill the store.
 */
#ifndef TESTS_FAULT_RECORDS_H
#define TESTS_FAULT_RECORDS_H

#include "base/str.h"
#include "store/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RECORD_KEYS 8 /* of each writer, written in turn */

/* What a writer was told is durable. */
struct record {
	uint32_t writer;
	uint32_t counter;
	uint64_t revision;
};

static inline void record_key(const struct record *r, char *key, size_t size)
{
	snprintf(key, size, "writer/%u/key/%u", r->writer, r->counter % RECORD_KEYS);
}

/* The part before the revision and the part after it. */
static inline void record_value(const struct record *r, struct str *head, struct str *tail)
{
	uint32_t x = r->writer * 2654435761u ^ r->counter * 40503u ^ 1;
	size_t len = r->counter % 7 == 0 ? r->counter * 131 % 12000 : r->counter * 37 % 3000;

	str_reset(head);
	str_reset(tail);
	str_addf(head, "w%u c%u r", r->writer, r->counter);
	str_addf(tail, " %zu ", len);
	for (size_t i = 0; i < len; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		str_addc(tail, (char)('!' + x % 90));
	}
}

/* Writes R and sets its revision. */
static inline int record_commit(struct store *s, struct record *r, struct error **err)
{
	struct str head CLEANUP(str_release) = STR_INIT, tail CLEANUP(str_release) = STR_INIT;
	char key[64];
	struct store_op op = {.kind = STORE_PUT, .expect = STORE_ANY, .with_revision = true};

	record_key(r, key, sizeof(key));
	record_value(r, &head, &tail);
	op.key = key;
	op.key_len = strlen(key);
	op.head = head.s;
	op.head_len = head.len;
	op.tail = tail.s;
	op.tail_len = tail.len;
	return store_commit(s, &op, 1, &r->revision, NULL, err);
}

/* True when VALUE is whole: exactly what its beginning says it is. Fills *r. */
static inline bool record_parse(const char *value, size_t len, struct record *r)
{
	struct str head CLEANUP(str_release) = STR_INIT, tail CLEANUP(str_release) = STR_INIT;
	char start[64] = "";

	memcpy(start, value, MIN(len, sizeof(start) - 1));
	if (sscanf(start, "w%" SCNu32 " c%" SCNu32 " r%" SCNu64, &r->writer, &r->counter,
		   &r->revision) != 3)
		return false;
	record_value(r, &head, &tail);
	str_addf(&head, "%" PRIu64, r->revision);
	return len == head.len + tail.len && !memcmp(value, head.s, head.len) &&
	       !memcmp(value + head.len, tail.s, tail.len);
}

/* True when the store holds exactly R at its revision. */
static inline bool record_kept(struct store *s, const struct record *r)
{
	struct store_value v = {0};
	struct record found = {0};
	char key[64];
	bool kept;

	record_key(r, key, sizeof(key));
	if (store_get(s, key, strlen(key), r->revision, &v, NULL))
		return false;
	kept = record_parse(v.bytes, v.len, &found) && !memcmp(&found, r, sizeof(found)) &&
	       v.revision == r->revision;
	store_value_release(&v);
	return kept;
}

/* A sink that counts what is not whole into *arg. */
static inline bool record_count_torn(void *arg, const void *key, size_t key_len, const char *value,
				     size_t len, uint64_t revision)
{
	struct record r;

	if (!record_parse(value, len, &r) || r.revision != revision)
		++*(unsigned *)arg;
	return true;
}

#endif
