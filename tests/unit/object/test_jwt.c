#include "object/jwt.h"
#include "base/file.h"
#include "object/base64.h"
#include "object/json.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char dir[64];
static struct jwt_key *key;

static char *path_of(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static int set_up(void **state)
{
	char *path free_ptr = NULL;

	object_init();
	snprintf(dir, sizeof(dir), "/tmp/kubefs-jwt-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	path = path_of("sa.key");
	key = jwt_key_open(path, NULL);
	return key ? 0 : -1;
}

static int tear_down(void **state)
{
	static const char *const names[] = {"sa.key", "other.key", "raced.key", "bad.key"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char *path free_ptr = path_of(names[i]);

		unlink(path);
	}
	jwt_key_free(key);
	return rmdir(dir);
}

static char *sign(const struct jwt_key *k, const char *claims)
{
	json_t *tree json_auto = json_read(claims, strlen(claims), NULL);
	struct str token CLEANUP(str_release) = STR_INIT;

	assert_int_equal(jwt_sign(k, tree, &token, NULL), 0);
	return str_take(&token);
}

static void refused(const char *token, const char *why)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	assert_null(jwt_verify(key, token, &err));
	assert_int_equal(error_code(err), E_UNAUTHORIZED);
	assert_non_null(strstr(error_message(err), why));
}

static void a_token_tells_its_claims(void **state)
{
	char *token free_ptr = sign(key, "{\"sub\":\"a\",\"exp\":7}");
	json_t *claims json_auto = jwt_verify(key, token, NULL);
	json_t *peeked json_auto = jwt_claims(token);

	assert_string_equal(json_path_string(claims, "sub"), "a");
	assert_int_equal(json_path_int(claims, "exp", 0), 7);
	assert_true(json_equal(claims, peeked));
}

/* Whatever bit of a token changes, it is none any more. */
static void a_changed_token_is_refused(void **state)
{
	char *token free_ptr = sign(key, "{\"sub\":\"a\"}");
	size_t len = strlen(token);

	for (size_t i = 0; i < len; i++) {
		char was = token[i];
		struct error *err CLEANUP(error_free_cleanup) = NULL;

		/* The last letter holds bits that no byte has. */
		if (i == len - 1)
			continue;
		token[i] = was == 'A' ? 'B' : 'A';
		assert_null(jwt_verify(key, token, &err));
		assert_int_equal(error_code(err), E_UNAUTHORIZED);
		token[i] = was;
	}
}

/* TOKEN with another header, its claims and signature as they were. */
static char *with_header(const char *token, const char *header)
{
	struct str out CLEANUP(str_release) = STR_INIT;

	base64url_encode(header, strlen(header), &out);
	str_adds(&out, strchr(token, '.'));
	return str_take(&out);
}

static void only_its_own_algorithm_and_key_count(void **state)
{
	char *path free_ptr = path_of("other.key");
	struct jwt_key *other CLEANUP(jwt_key_free_cleanup) = jwt_key_open(path, NULL);
	char *good free_ptr = sign(key, "{\"sub\":\"a\"}");
	char *foreign free_ptr = sign(other, "{\"sub\":\"a\"}");
	char *none free_ptr = with_header(good, "{\"alg\":\"none\"}");
	char *symmetric free_ptr = with_header(good, "{\"alg\":\"HS256\"}");
	char *unnamed free_ptr = with_header(foreign, "{\"alg\":\"RS256\"}");
	char *empty free_ptr = xstrndup(none, (size_t)(strrchr(none, '.') + 1 - none));

	assert_string_not_equal(jwt_key_id(key), jwt_key_id(other));
	refused(foreign, "no keys found");
	refused(none, "no token");
	refused(empty, "no token");
	refused(symmetric, "no token");
	refused(unnamed, "invalid signature");
}

static void what_is_no_token_is_refused(void **state)
{
	static const char *const cases[] = {"", "a", "..", "a.b", "a.b.c", "a.b.c.d", "{}.{}.{}"};
	char *big free_ptr = xmalloc(JWT_MAX_BYTES + 3);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		refused(cases[i], "no token");
		assert_null(jwt_claims(cases[i]));
	}
	memset(big, 'a', JWT_MAX_BYTES + 2);
	big[JWT_MAX_BYTES + 2] = '\0';
	big[1] = big[3] = '.';
	refused(big, "no token");
}

static EVP_PKEY *key_from_set(const json_t *set)
{
	struct str n CLEANUP(str_release) = STR_INIT, e CLEANUP(str_release) = STR_INIT;
	const char *n_text = json_path_string(set, "keys[0].n");
	const char *e_text = json_path_string(set, "keys[0].e");
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *pkey = NULL;
	BIGNUM *n_number, *e_number;
	OSSL_PARAM *params;

	assert_true(base64url_decode(n_text, strlen(n_text), &n));
	assert_true(base64url_decode(e_text, strlen(e_text), &e));
	n_number = BN_bin2bn((unsigned char *)n.s, (int)n.len, NULL);
	e_number = BN_bin2bn((unsigned char *)e.s, (int)e.len, NULL);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n_number);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e_number);
	params = OSSL_PARAM_BLD_to_param(build);
	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params), 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	BN_free(n_number);
	BN_free(e_number);
	return pkey;
}

/* Somebody who has nothing but the published set can check a token. */
static void the_key_set_verifies(void **state)
{
	char *token free_ptr = sign(key, "{\"sub\":\"a\"}");
	char *dot = strrchr(token, '.');
	json_t *set json_auto = jwt_key_set(key);
	EVP_PKEY *pkey = key_from_set(set);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	struct str signature CLEANUP(str_release) = STR_INIT;

	assert_string_equal(json_path_string(set, "keys[0].kid"), jwt_key_id(key));
	assert_string_equal(json_path_string(set, "keys[0].alg"), "RS256");
	assert_true(base64url_decode(dot + 1, strlen(dot + 1), &signature));
	assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, pkey), 1);
	assert_int_equal(EVP_DigestVerify(ctx, (unsigned char *)signature.s, signature.len,
					  (unsigned char *)token, (size_t)(dot - token)),
			 1);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
}

static void the_key_stays(void **state)
{
	char *path free_ptr = path_of("sa.key");
	char *bad free_ptr = path_of("bad.key");
	struct jwt_key *again CLEANUP(jwt_key_free_cleanup) = jwt_key_open(path, NULL);
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct stat st;

	assert_string_equal(jwt_key_id(again), jwt_key_id(key));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	/* A file that holds no key is told of and left alone. */
	assert_int_equal(file_create(bad, "nonsense", 8, NULL), 0);
	assert_null(jwt_key_open(bad, &err));
	assert_int_equal(error_code(err), E_BAD_REQUEST);
	error_clear(&err);
	assert_int_equal(file_create(bad, "other", 5, &err), -1);
	assert_int_equal(error_code(err), E_EXISTS);
}

static void *open_one(void *path)
{
	return jwt_key_open(path, NULL);
}

static void who_comes_second_gets_the_firsts_key(void **state)
{
	char *path free_ptr = path_of("raced.key");
	struct jwt_key *keys[4];
	pthread_t threads[4];

	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, open_one, path), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], (void **)&keys[i]);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(jwt_key_id(keys[i]), jwt_key_id(keys[0]));
	for (size_t i = 0; i < 4; i++)
		jwt_key_free(keys[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_tells_its_claims),
		cmocka_unit_test(a_changed_token_is_refused),
		cmocka_unit_test(only_its_own_algorithm_and_key_count),
		cmocka_unit_test(what_is_no_token_is_refused),
		cmocka_unit_test(the_key_set_verifies),
		cmocka_unit_test(the_key_stays),
		cmocka_unit_test(who_comes_second_gets_the_firsts_key),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
