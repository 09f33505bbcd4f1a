/* A full disk: a small tmpfs in a mount namespace of the test's own. Needs root. */
#include "tests/unit/store/util.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

static char *dir;
static bool mounted;

static int mount_small(void **state)
{
	dir = tmp_new();
	mounted = !unshare(CLONE_NEWNS) && !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
		  !mount("tmpfs", dir, "tmpfs", 0, "size=12m,mode=700");
	return 0;
}

static int unmount_small(void **state)
{
	if (mounted)
		umount2(dir, MNT_DETACH);
	tmp_remove(dir);
	return 0;
}

static enum error_code fill(struct store *s, const char *value, int *n)
{
	enum error_code code = E_OK;
	char key[16];

	for (;; (*n)++) {
		snprintf(key, sizeof(key), "k%05d", *n);
		try_op(s, op_put(key, value, STORE_ANY), &code);
		if (code != E_OK)
			return code;
	}
}

static void delete_all(struct store *s, int n)
{
	char key[16];

	for (int i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "k%05d", i);
		del(s, key);
	}
}

static char *make_value(size_t len)
{
	char *value = xmalloc(len + 1);

	memset(value, 'v', len);
	value[len] = '\0';
	return value;
}

static void a_disk_that_the_store_has_filled(void **state)
{
	char *sub free_ptr = xasprintf("%s/filled", dir), *value free_ptr = make_value(20000);
	struct store *s;
	int n = 0, again = 0;

	if (!mounted)
		skip();
	s = open_with(sub, NULL);
	assert_int_equal(fill(s, value, &n), E_NO_SPACE);
	assert_true(n > 200);
	assert_int_equal(count(s, "k"), n);
	assert_value_at(s, "k00000", 0, value);
	delete_all(s, n);
	put(s, "small", "1");
	assert_int_equal(fill(s, value, &again), E_NO_SPACE);
	assert_true(again > n * 9 / 10);
	assert_sound(s);
	store_close(s);
	s = open_with(sub, NULL);
	assert_int_equal(count(s, "k"), again);
	assert_sound(s);
	store_close(s);
	tmp_remove(steal(&sub));
}

/* Writes a file until nothing more goes. */
static void fill_disk(const char *path)
{
	static char block[65536];
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	while (write(fd, block, sizeof(block)) > 0)
		;
	assert_int_equal(errno, ENOSPC);
	close(fd);
}

static void a_disk_that_others_have_filled(void **state)
{
	char *sub free_ptr = xasprintf("%s/others", dir), *value free_ptr = make_value(20000);
	char *junk free_ptr = xasprintf("%s/junk", dir);
	struct store *s;
	int n = 0;

	if (!mounted)
		skip();
	s = open_with(sub, NULL);
	for (; n < 50; n++) {
		char key[16];

		snprintf(key, sizeof(key), "k%05d", n);
		put(s, key, value);
	}
	fill_disk(junk);
	assert_int_equal(fill(s, value, &n), E_NO_SPACE);
	assert_true(n >= 50);
	delete_all(s, 30);
	put(s, "small", "1");
	put(s, "k00000", value);
	unlink(junk);
	for (int i = 0; i < 20; i++) {
		char key[16];

		snprintf(key, sizeof(key), "n%05d", i);
		put(s, key, value);
	}
	assert_sound(s);
	store_close(s);
	s = open_with(sub, NULL);
	assert_int_equal(count(s, "n"), 20);
	assert_value_at(s, "k00000", 0, value);
	store_close(s);
	tmp_remove(steal(&sub));
}

/* Nothing can be made on a full disk, and that is said; afterwards it can. */
static void a_disk_too_full_to_begin(void **state)
{
	char *sub free_ptr = xasprintf("%s/begin", dir), *junk free_ptr = xasprintf("%s/junk", dir);
	struct error *err = NULL;

	if (!mounted)
		skip();
	fill_disk(junk);
	assert_null(store_open(sub, NULL, &err));
	assert_int_equal(error_code(err), E_NO_SPACE);
	error_free(err);
	unlink(junk);
	store_close(open_with(sub, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_disk_that_the_store_has_filled),
		cmocka_unit_test(a_disk_that_others_have_filled),
		cmocka_unit_test(a_disk_too_full_to_begin),
	};

	return cmocka_run_group_tests(tests, mount_small, unmount_small);
}
