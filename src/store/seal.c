/*
 * Encrypted values.
 *
 * A record whose key has one of the sealed prefixes holds, in place of its value,
 *
 *	key id (8)   nonce (12)   ciphertext   tag (16)
 *
 * AES-256-GCM. What is authenticated beside the value is where it lies in the log (revision and
 * index) and its key: a value moved under another name, or an old one put in place of a new one,
 * does not open. Nonces are random; 96 bits of them are safe for 2^32 values under one key, which
 * is a thousand writes a second for seven weeks: rotate before.
 *
 * It is done here and not above the store because only here is every version of a value at hand,
 * kept history included, and because the revision inside a value is known only in the writer. So a
 * rotation rewrites records where they lie: no revision changes, and no watch hears of it.
 *
 * A value is decrypted for each reading, into memory that is overwritten afterwards.
 */
#include "store/internal.h"

#include <endian.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#define NONCE_SIZE 12
#define TAG_SIZE 16
#define HEAD_SIZE (KEY_ID_SIZE + NONCE_SIZE)
_Static_assert(SEAL_SIZE == HEAD_SIZE + TAG_SIZE, "what a sealed value is longer by");

bool seal_wanted(const struct store *s, const void *key, size_t key_len)
{
	vec_each (&s->sealed, prefix) {
		size_t len = strlen(*prefix);

		if (len <= key_len && !memcmp(*prefix, key, len))
			return true;
	}
	return false;
}

uint64_t seal_key_of(const struct entry *e)
{
	uint64_t id;

	if (!e->sealed || e->len < SEAL_SIZE)
		return 0;
	memcpy(&id, e->value, sizeof(id));
	return be64toh(id);
}

/* The name and the place of E are authenticated with its value. */
static bool add_place(EVP_CIPHER_CTX *ctx, const struct entry *e)
{
	struct log_key k;
	MDB_val place = log_key(&k, e->at.revision, e->at.index);
	int n;

	return EVP_CipherUpdate(ctx, NULL, &n, place.mv_data, (int)place.mv_size) &&
	       EVP_CipherUpdate(ctx, NULL, &n, e->key, (int)e->key_len);
}

static EVP_CIPHER_CTX *start(const struct seal_key *key, const unsigned char *nonce, bool encrypt,
			     const struct entry *e)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	if (ctx && EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->secret, nonce, encrypt) &&
	    add_place(ctx, e))
		return ctx;
	EVP_CIPHER_CTX_free(ctx);
	return NULL;
}

static bool encrypt_pieces(EVP_CIPHER_CTX *ctx, const MDB_val *pieces, size_t n, unsigned char *to)
{
	int len;

	for (size_t i = 0; i < n; i++) {
		if (!pieces[i].mv_size)
			continue;
		if (!EVP_EncryptUpdate(ctx, to, &len, pieces[i].mv_data, (int)pieces[i].mv_size))
			return false;
		to += len;
	}
	return EVP_EncryptFinal_ex(ctx, to, &len) &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, to);
}

int seal_write(const struct store *s, const struct entry *e, const MDB_val *pieces, size_t n,
	       char *to)
{
	const struct seal_key *key = &s->keys.v[0];
	uint64_t id = htobe64(key->id);
	unsigned char nonce[NONCE_SIZE];
	EVP_CIPHER_CTX *ctx;
	bool done;

	if (RAND_bytes(nonce, sizeof(nonce)) != 1)
		return RC_SEAL;
	ctx = start(key, nonce, true, e);
	if (!ctx)
		return RC_SEAL;
	memcpy(to, &id, sizeof(id));
	memcpy(to + KEY_ID_SIZE, nonce, sizeof(nonce));
	done = encrypt_pieces(ctx, pieces, n, (unsigned char *)to + HEAD_SIZE);
	EVP_CIPHER_CTX_free(ctx);
	return done ? 0 : RC_SEAL;
}

static bool decrypt(EVP_CIPHER_CTX *ctx, const struct entry *e, char *to)
{
	const unsigned char *from = (const unsigned char *)e->value + HEAD_SIZE;
	size_t len = e->len - SEAL_SIZE;
	int n;

	return EVP_DecryptUpdate(ctx, (unsigned char *)to, &n, from, (int)len) &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, (void *)(from + len)) &&
	       EVP_DecryptFinal_ex(ctx, (unsigned char *)to + n, &n);
}

int seal_open(const struct store *s, struct entry *e, struct str *buffer)
{
	const struct seal_key *key;
	EVP_CIPHER_CTX *ctx;
	bool done;

	if (!e->sealed)
		return 0;
	if (e->len < SEAL_SIZE || e->len > STORE_VALUE_MAX + SEAL_SIZE + 24)
		return MDB_CORRUPTED;
	key = keys_find(&s->keys, seal_key_of(e));
	if (!key)
		return RC_NO_KEY;
	ctx = start(key, (const unsigned char *)e->value + KEY_ID_SIZE, false, e);
	if (!ctx)
		return RC_SEAL;
	str_reset(buffer);
	str_grow(buffer, e->len - SEAL_SIZE);
	done = decrypt(ctx, e, buffer->s);
	EVP_CIPHER_CTX_free(ctx);
	if (!done)
		return RC_FORGED;
	buffer->len = e->len - SEAL_SIZE;
	buffer->s[buffer->len] = '\0';
	e->value = buffer->s;
	e->len = buffer->len;
	return 0;
}
