#include "base/map.h"
#include "base/mem.h"

#include <pthread.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

struct map {
	struct map_entry *slots;
	size_t mask;  /* slots - 1 */
	size_t count; /* live entries */
	size_t used;  /* live entries and tombstones */
};

static char tombstone[1];
static uint64_t seed[2];
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;

static void make_seed(void)
{
	if (getrandom(seed, sizeof(seed), 0) != (ssize_t)sizeof(seed)) {
		struct timespec ts;

		clock_gettime(CLOCK_MONOTONIC, &ts);
		seed[0] = (uint64_t)ts.tv_nsec * 0x9e3779b97f4a7c15u;
		seed[1] = (uint64_t)(uintptr_t)&ts;
	}
}

#define ROTL(x, b) (((x) << (b)) | ((x) >> (64 - (b))))
#define SIP_ROUND                                                         \
	do {                                                              \
		v0 += v1, v1 = ROTL(v1, 13), v1 ^= v0, v0 = ROTL(v0, 32); \
		v2 += v3, v3 = ROTL(v3, 16), v3 ^= v2;                    \
		v0 += v3, v3 = ROTL(v3, 21), v3 ^= v0;                    \
		v2 += v1, v1 = ROTL(v1, 17), v1 ^= v2, v2 = ROTL(v2, 32); \
	} while (0)

/* SipHash-1-3: Aumasson and Bernstein, "SipHash: a fast short-input PRF", with fewer rounds. */
uint64_t hash_bytes(const void *p, size_t len)
{
	const unsigned char *in = p;
	uint64_t v0, v1, v2, v3, m, last = (uint64_t)len << 56;
	size_t i;

	pthread_once(&seed_once, make_seed);
	v0 = seed[0] ^ 0x736f6d6570736575u, v1 = seed[1] ^ 0x646f72616e646f6du;
	v2 = seed[0] ^ 0x6c7967656e657261u, v3 = seed[1] ^ 0x7465646279746573u;
	for (i = 0; i + 8 <= len; i += 8) {
		memcpy(&m, in + i, 8);
		v3 ^= m;
		SIP_ROUND;
		v0 ^= m;
	}
	for (unsigned shift = 0; i < len; i++, shift += 8)
		last |= (uint64_t)in[i] << shift;
	v3 ^= last;
	SIP_ROUND;
	v0 ^= last;
	v2 ^= 0xff;
	SIP_ROUND;
	SIP_ROUND;
	SIP_ROUND;
	return v0 ^ v1 ^ v2 ^ v3;
}

struct map *map_new(void)
{
	struct map *m = xcalloc(1, sizeof(*m));

	m->mask = 7;
	m->slots = xcalloc(m->mask + 1, sizeof(*m->slots));
	return m;
}

static int slot_live(const struct map_entry *e)
{
	return e->key && e->key != tombstone;
}

void map_clear(struct map *m, void (*free_value)(void *))
{
	for (size_t i = 0; i <= m->mask; i++) {
		struct map_entry *e = &m->slots[i];

		if (slot_live(e)) {
			free(e->key);
			if (free_value)
				free_value(e->value);
		}
		*e = (struct map_entry){0};
	}
	m->count = m->used = 0;
}

void map_free(struct map *m, void (*free_value)(void *))
{
	if (!m)
		return;
	map_clear(m, free_value);
	free(m->slots);
	free(m);
}

size_t map_count(const struct map *m)
{
	return m->count;
}

static struct map_entry *find(const struct map *m, const char *key, size_t len, uint64_t hash)
{
	for (size_t i = hash & m->mask;; i = (i + 1) & m->mask) {
		struct map_entry *e = &m->slots[i];

		if (!e->key)
			return NULL;
		if (e->key != tombstone && e->hash == hash && !strncmp(e->key, key, len) &&
		    !e->key[len])
			return e;
	}
}

void *map_get_n(const struct map *m, const char *key, size_t len)
{
	struct map_entry *e = find(m, key, len, hash_bytes(key, len));

	return e ? e->value : NULL;
}

void *map_get(const struct map *m, const char *key)
{
	return map_get_n(m, key, strlen(key));
}

static void insert(struct map *m, char *key, void *value, uint64_t hash)
{
	size_t i = hash & m->mask;

	while (slot_live(&m->slots[i]))
		i = (i + 1) & m->mask;
	if (!m->slots[i].key)
		m->used++;
	m->slots[i] = (struct map_entry){.key = key, .value = value, .hash = hash};
	m->count++;
}

static void rehash(struct map *m)
{
	struct map_entry *old = m->slots;
	size_t n = m->mask + 1, size = n;

	while (m->count * 2 >= size)
		size *= 2;
	m->slots = xcalloc(size, sizeof(*m->slots));
	m->mask = size - 1;
	m->count = m->used = 0;
	for (size_t i = 0; i < n; i++)
		if (slot_live(&old[i]))
			insert(m, old[i].key, old[i].value, old[i].hash);
	free(old);
}

void *map_put(struct map *m, const char *key, void *value)
{
	size_t len = strlen(key);
	uint64_t hash = hash_bytes(key, len);
	struct map_entry *e = find(m, key, len, hash);

	if (e) {
		void *before = e->value;

		e->value = value;
		return before;
	}
	if ((m->used + 1) * 4 > (m->mask + 1) * 3)
		rehash(m);
	insert(m, xstrndup(key, len), value, hash);
	return NULL;
}

void *map_del(struct map *m, const char *key)
{
	size_t len = strlen(key);
	struct map_entry *e = find(m, key, len, hash_bytes(key, len));
	void *value;

	if (!e)
		return NULL;
	value = e->value;
	free(e->key);
	*e = (struct map_entry){.key = tombstone};
	m->count--;
	return value;
}

struct map_entry *map_next(const struct map *m, struct map_entry *e)
{
	for (e = e ? e + 1 : m->slots; e <= m->slots + m->mask; e++)
		if (slot_live(e))
			return e;
	return NULL;
}
