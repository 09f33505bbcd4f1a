/*
 * What the tests of the store share: a directory of its own, and short forms of the calls that
 * assert what they return. Inline, so that each test program links nothing more.
 */
#ifndef TESTS_UNIT_STORE_UTIL_H
#define TESTS_UNIT_STORE_UTIL_H

#include "base/mem.h"
#include "base/str.h"
#include "store/maintain.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* A new directory under $TMPDIR; freed by tmp_remove. */
static inline char *tmp_new(void)
{
	const char *base = getenv("TMPDIR");
	char *dir = xasprintf("%s/kubefs-store-XXXXXX", base ? base : "/tmp");

	assert_non_null(mkdtemp(dir));
	return dir;
}

static inline int tmp_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static inline void tmp_remove(char *dir)
{
	nftw(dir, tmp_remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(dir);
}

static inline struct store *open_with(const char *dir, const struct store_options *opt)
{
	struct error *err = NULL;
	struct store *s = store_open(dir, opt, &err);

	if (err)
		fail_msg("%s", error_message(err));
	assert_non_null(s);
	return s;
}

static inline struct store_op op_put(const char *key, const char *value, uint64_t expect)
{
	return (struct store_op){.kind = STORE_PUT,
				 .key = key,
				 .key_len = strlen(key),
				 .expect = expect,
				 .head = value,
				 .head_len = strlen(value)};
}

static inline struct store_op op_delete(const char *key, uint64_t expect)
{
	return (struct store_op){
		.kind = STORE_DELETE, .key = key, .key_len = strlen(key), .expect = expect};
}

/* Commits one op and returns its revision, or 0 with *code set. */
static inline uint64_t try_op(struct store *s, struct store_op op, enum error_code *code)
{
	struct error *err = NULL;
	uint64_t revision = 0;

	if (store_commit(s, &op, 1, &revision, NULL, &err))
		revision = 0;
	*code = error_code(err);
	error_free(err);
	return revision;
}

static inline uint64_t must(struct store *s, struct store_op op)
{
	enum error_code code;
	uint64_t revision = try_op(s, op, &code);

	assert_int_equal(code, E_OK);
	assert_true(revision > 1);
	return revision;
}

static inline uint64_t put(struct store *s, const char *key, const char *value)
{
	return must(s, op_put(key, value, STORE_ANY));
}

static inline uint64_t del(struct store *s, const char *key)
{
	return must(s, op_delete(key, STORE_ANY));
}

/* Asserts that KEY is VALUE at revision AT; VALUE NULL: that it is not there. */
static inline void assert_value_at(struct store *s, const char *key, uint64_t at, const char *value)
{
	struct store_value v = {0};
	struct error *err = NULL;
	int rc = store_get(s, key, strlen(key), at, &v, &err);

	if (value) {
		assert_int_equal(rc, 0);
		assert_string_equal(v.bytes, value);
		assert_int_equal(v.len, strlen(value));
	} else {
		assert_int_equal(error_code(err), E_NOT_FOUND);
	}
	store_value_release(&v);
	error_free(err);
}

static inline bool list_to_str(void *arg, const void *key, size_t key_len, const char *value,
			       size_t len, uint64_t revision)
{
	str_addf(arg, "%.*s=%.*s ", (int)key_len, (const char *)key, (int)len, value);
	return true;
}

/* Asserts what the list of PREFIX is: "key=value key=value ". */
static inline void assert_list(struct store *s, const char *prefix, const char *start, uint64_t at,
			       const char *expected)
{
	struct str out CLEANUP(str_release) = STR_INIT;
	struct error *err = NULL;

	assert_int_equal(store_list(s, prefix, strlen(prefix), start, strlen(start), at,
				    list_to_str, &out, NULL, &err),
			 0);
	assert_string_equal(out.s, expected);
}

/* How many keys begin with PREFIX, of those from START on, at revision AT. */
static inline uint64_t count_at(struct store *s, const char *prefix, const char *start, uint64_t at)
{
	struct error *err = NULL;
	uint64_t n;

	if (store_count(s, prefix, strlen(prefix), start, strlen(start), at, &n, &err))
		fail_msg("%s", error_message(err));
	return n;
}

static inline uint64_t count(struct store *s, const char *prefix)
{
	return count_at(s, prefix, "", 0);
}

static inline void assert_sound(struct store *s)
{
	struct error *err = NULL;

	if (store_check(s, NULL, NULL, NULL, &err))
		fail_msg("%s", error_message(err));
}

#endif
