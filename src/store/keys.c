/*
 * DIR/data.keys: what the values of a store are encrypted with, a line each: the key's id and the
 * key, in hexadecimal. The first encrypts, all decrypt. An id is the beginning of its key's
 * SHA-256, so a damaged line tells itself.
 */
#include "store/internal.h"

#include "base/file.h"
#include "base/log.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>
#include <sys/stat.h>

#define KEYS_FILE "data.keys"
#define KEYS_MAX 65536 /* bytes of the file */
#define ID_DIGITS (2 * KEY_ID_SIZE)
#define SECRET_DIGITS (2 * KEY_SIZE)

static uint64_t id_of(const unsigned char *secret)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	uint64_t id = 0;

	if (!EVP_Digest(secret, KEY_SIZE, hash, NULL, EVP_sha256(), NULL))
		abort();
	for (size_t i = 0; i < KEY_ID_SIZE; i++)
		id = id << 8 | hash[i];
	return id;
}

static int digit(char c)
{
	const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

static bool read_hex(const char *text, unsigned char *out, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int high = digit(text[2 * i]), low = high < 0 ? -1 : digit(text[2 * i + 1]);

		if (low < 0)
			return false;
		out[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

/* "ID SECRET" without its newline. */
static bool read_line(const char *line, size_t len, struct seal_key *key)
{
	unsigned char id[KEY_ID_SIZE];
	uint64_t number = 0;

	if (len != ID_DIGITS + 1 + SECRET_DIGITS || line[ID_DIGITS] != ' ' ||
	    !read_hex(line, id, sizeof(id)) ||
	    !read_hex(line + ID_DIGITS + 1, key->secret, sizeof(key->secret)))
		return false;
	for (size_t i = 0; i < sizeof(id); i++)
		number = number << 8 | id[i];
	key->id = id_of(key->secret);
	return key->id == number;
}

int keys_parse(struct seal_keys *keys, const char *text, size_t len, const char *path,
	       struct error **err)
{
	const char *end = text + len;
	unsigned line = 1;

	for (const char *next; text < end; text = next, line++) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		struct seal_key key;

		next = newline ? newline + 1 : end;
		if (!newline || !read_line(text, (size_t)(newline - text), &key))
			return error_set(err, E_INTERNAL, "%s is damaged: line %u is no key", path,
					 line);
		if (!keys_find(keys, key.id))
			vec_push(keys, key);
		OPENSSL_cleanse(&key, sizeof(key));
	}
	return 0;
}

void keys_write(const struct seal_keys *keys, struct str *out)
{
	vec_each (keys, k) {
		str_addf(out, "%016llx ", (unsigned long long)k->id);
		for (size_t i = 0; i < KEY_SIZE; i++)
			str_addf(out, "%02x", k->secret[i]);
		str_addc(out, '\n');
	}
}

static void warn_mode(const char *path)
{
	struct stat st;

	if (!stat(path, &st) && (st.st_mode & 077))
		log_warn("%s holds keys and others may read it: its mode should be 0600", path);
}

int keys_load(const char *dir, struct seal_keys *keys, struct error **err)
{
	char *path free_ptr = xasprintf("%s/" KEYS_FILE, dir);
	struct str text CLEANUP(str_wipe) = STR_INIT;
	struct error *why CLEANUP(error_free_cleanup) = NULL;

	if (file_read(path, KEYS_MAX, &text, &why) < 0)
		return error_code(why) == E_NOT_FOUND ? 0 : error_move(err, steal(&why));
	warn_mode(path);
	return keys_parse(keys, text.s, text.len, path, err);
}

int keys_save(const char *dir, const struct seal_keys *keys, struct error **err)
{
	char *path free_ptr = xasprintf("%s/" KEYS_FILE, dir);
	struct str text CLEANUP(str_wipe) = STR_INIT;

	keys_write(keys, &text);
	if (text.len > KEYS_MAX)
		return error_set(err, E_TOO_LARGE,
				 "%s is full: take out keys that nothing is encrypted with", path);
	return file_replace(path, text.s, text.len, err);
}

int keys_add_new(struct seal_keys *keys, struct error **err)
{
	struct seal_key key;

	if (RAND_priv_bytes(key.secret, sizeof(key.secret)) != 1)
		return error_set(err, E_INTERNAL, "cannot make a key: no random numbers");
	key.id = id_of(key.secret);
	vec_push(keys, key);
	memmove(keys->v + 1, keys->v, (keys->n - 1) * sizeof(*keys->v));
	keys->v[0] = key;
	OPENSSL_cleanse(&key, sizeof(key));
	return 0;
}

const struct seal_key *keys_find(const struct seal_keys *keys, uint64_t id)
{
	vec_each (keys, k)
		if (k->id == id)
			return k;
	return NULL;
}

void keys_release(struct seal_keys *keys)
{
	if (keys->v)
		OPENSSL_cleanse(keys->v, keys->cap * sizeof(*keys->v));
	vec_release(keys);
}
