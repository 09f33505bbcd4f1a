#include "object/jwt.h"
#include "base/file.h"
#include "object/base64.h"
#include "object/json.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/stat.h>

#define KEY_BITS 2048u
#define KEY_FILE_MAX 65536

DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free)
DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free)
DEFINE_CLEANUP(BIO *, BIO_free_all)

struct jwt_key {
	EVP_PKEY *pkey;
	char *id;
};

static int openssl_failed(struct error **err, const char *what)
{
	char text[256];

	ERR_error_string_n(ERR_get_error(), text, sizeof(text));
	ERR_clear_error();
	return error_set(err, E_INTERNAL, "%s: %s", what, text);
}

/* ---- the key */

struct jwt_key *jwt_key_free(struct jwt_key *k)
{
	if (k) {
		EVP_PKEY_free(k->pkey);
		free(k->id);
	}
	free(k);
	return NULL;
}

const char *jwt_key_id(const struct jwt_key *k)
{
	return k->id;
}

static char *make_id(const EVP_PKEY *pkey)
{
	unsigned char *der = NULL, digest[SHA256_DIGEST_LENGTH];
	int len = i2d_PUBKEY(pkey, &der);
	struct str id CLEANUP(str_release) = STR_INIT;

	if (len < 0)
		return NULL;
	SHA256(der, (size_t)len, digest);
	OPENSSL_free(der);
	base64url_encode(digest, sizeof(digest), &id);
	return str_take(&id);
}

static EVP_PKEY *key_read(const char *path, struct error **err)
{
	struct str text CLEANUP(str_wipe) = STR_INIT;
	BIO *bio CLEANUP(BIO_free_all_cleanup) = NULL;
	EVP_PKEY *pkey CLEANUP(EVP_PKEY_free_cleanup) = NULL;

	if (file_read(path, KEY_FILE_MAX, &text, err) < 0)
		return NULL;
	bio = BIO_new_mem_buf(text.s, (int)text.len);
	pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	if (pkey && EVP_PKEY_is_a(pkey, "RSA") && EVP_PKEY_get_bits(pkey) >= (int)KEY_BITS)
		return steal(&pkey);
	ERR_clear_error();
	error_set(err, E_BAD_REQUEST, "%s: no RSA key of %u bits or more in PEM", path, KEY_BITS);
	return NULL;
}

static int make_folder(const char *path, struct error **err)
{
	const char *slash = strrchr(path, '/');
	char *folder free_ptr = slash ? xstrndup(path, (size_t)(slash - path)) : xstrdup(".");

	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return error_set_errno(err, errno, "%s", folder);
	return 0;
}

/* Writes a new key, unless somebody else does meanwhile. */
static int key_make(const char *path, struct error **err)
{
	EVP_PKEY *pkey CLEANUP(EVP_PKEY_free_cleanup) = EVP_RSA_gen(KEY_BITS);
	BIO *bio CLEANUP(BIO_free_all_cleanup) = BIO_new(BIO_s_secmem());
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	char *bytes;

	if (!pkey || !PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL))
		return openssl_failed(err, "making a key");
	if (make_folder(path, err) < 0)
		return -1;
	long len = BIO_get_mem_data(bio, &bytes);
	if (file_create(path, bytes, (size_t)len, &why) < 0 && error_code(why) != E_EXISTS)
		return error_move(err, steal(&why));
	return 0;
}

struct jwt_key *jwt_key_open(const char *path, struct error **err)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	EVP_PKEY *pkey = key_read(path, &why);
	struct jwt_key *k;

	if (!pkey && error_code(why) == E_NOT_FOUND) {
		if (key_make(path, err) < 0)
			return NULL;
		pkey = key_read(path, err);
	} else if (!pkey) {
		error_move(err, steal(&why));
	}
	if (!pkey)
		return NULL;
	k = xcalloc(1, sizeof(*k));
	*k = (struct jwt_key){.pkey = pkey, .id = make_id(pkey)};
	return k;
}

/* A number of the public key as the set shows it: its bytes, highest first. */
static json_t *key_number(const struct jwt_key *k, const char *name)
{
	BIGNUM *n = NULL;
	unsigned char bytes[2048];
	struct str text CLEANUP(str_release) = STR_INIT;
	int len = -1;

	if (EVP_PKEY_get_bn_param(k->pkey, name, &n) == 1 && BN_num_bytes(n) <= (int)sizeof(bytes))
		len = BN_bn2bin(n, bytes);
	BN_free(n);
	if (len > 0)
		base64url_encode(bytes, (size_t)len, &text);
	return json_string(text.s);
}

json_t *jwt_key_set(const struct jwt_key *k)
{
	return json_pack("{s:[{s:s,s:s,s:s,s:s,s:o,s:o}]}", "keys", "use", "sig", "kty", "RSA",
			 "kid", k->id, "alg", "RS256", "n", key_number(k, OSSL_PKEY_PARAM_RSA_N),
			 "e", key_number(k, OSSL_PKEY_PARAM_RSA_E));
}

/* ---- tokens */

static void add_part(const json_t *tree, struct str *out)
{
	struct str text CLEANUP(str_release) = STR_INIT;

	json_write(tree, &text);
	base64url_encode(text.s, text.len, out);
}

int jwt_sign(const struct jwt_key *k, const json_t *claims, struct str *out, struct error **err)
{
	json_t *header json_auto = json_pack("{s:s,s:s}", "alg", "RS256", "kid", k->id);
	EVP_MD_CTX *ctx CLEANUP(EVP_MD_CTX_free_cleanup) = EVP_MD_CTX_new();
	struct str text CLEANUP(str_release) = STR_INIT;
	unsigned char *signature free_ptr = xmalloc((size_t)EVP_PKEY_get_size(k->pkey));
	size_t len = (size_t)EVP_PKEY_get_size(k->pkey);

	add_part(header, &text);
	str_addc(&text, '.');
	add_part(claims, &text);
	if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, k->pkey) != 1 ||
	    EVP_DigestSign(ctx, signature, &len, (unsigned char *)text.s, text.len) != 1)
		return openssl_failed(err, "signing a token");
	str_add(out, text.s, text.len);
	str_addc(out, '.');
	base64url_encode(signature, len, out);
	return 0;
}

/* The parts of TEXT: header.claims.signature. */
struct parts {
	const char *text;
	size_t header, claims; /* lengths */
	const char *signature;
};

static bool split(const char *text, struct parts *out)
{
	const char *first = strchr(text, '.');
	const char *second = first ? strchr(first + 1, '.') : NULL;

	if (!second || strchr(second + 1, '.') || strlen(text) > JWT_MAX_BYTES)
		return false;
	*out = (struct parts){.text = text,
			      .header = (size_t)(first - text),
			      .claims = (size_t)(second - first - 1),
			      .signature = second + 1};
	return true;
}

static json_t *read_part(const char *text, size_t len)
{
	struct str bytes CLEANUP(str_release) = STR_INIT;
	json_t *tree json_auto = NULL;

	if (base64url_decode(text, len, &bytes))
		tree = json_read(bytes.s, bytes.len, NULL);
	return json_is_object(tree) ? steal(&tree) : NULL;
}

json_t *jwt_claims(const char *text)
{
	struct parts p;

	return split(text, &p) ? read_part(text + p.header + 1, p.claims) : NULL;
}

static bool signature_good(const struct jwt_key *k, const struct parts *p)
{
	EVP_MD_CTX *ctx CLEANUP(EVP_MD_CTX_free_cleanup) = EVP_MD_CTX_new();
	struct str signature CLEANUP(str_release) = STR_INIT;
	bool good;

	good = base64url_decode(p->signature, strlen(p->signature), &signature) &&
	       EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, k->pkey) == 1 &&
	       EVP_DigestVerify(ctx, (unsigned char *)signature.s, signature.len,
				(const unsigned char *)p->text, p->header + 1 + p->claims) == 1;
	ERR_clear_error();
	return good;
}

json_t *jwt_verify(const struct jwt_key *k, const char *token, struct error **err)
{
	json_t *header json_auto = NULL;
	json_t *claims json_auto = NULL;
	const char *id;
	struct parts p;

	if (split(token, &p))
		header = read_part(token, p.header);
	id = json_path_string(header, "kid");
	/* The algorithm is ours to say, not the token's: nothing but RS256 is ever verified. */
	if (!header || strcmp(json_path_string(header, "alg"), "RS256") != 0) {
		error_set(err, E_UNAUTHORIZED, "no token of this cluster");
		return NULL;
	}
	if (*id && strcmp(id, k->id) != 0) {
		error_set(err, E_UNAUTHORIZED, "invalid signature, no keys found");
		return NULL;
	}
	if (json_object_get(header, "crit") || !signature_good(k, &p)) {
		error_set(err, E_UNAUTHORIZED, "invalid signature");
		return NULL;
	}
	claims = read_part(token + p.header + 1, p.claims);
	if (!claims)
		error_set(err, E_UNAUTHORIZED, "the token's claims are no JSON object");
	return steal(&claims);
}
