/* Values that are encrypted on disk. */
#include "base/file.h"
#include "tests/unit/store/util.h"

#include <fcntl.h>
#include <sys/stat.h>

static const char *const sealed[] = {"s/", NULL};
static const struct store_options options = {.sealed = sealed};

#define SECRET "correct horse battery staple"

/* Whether a file of the store shows TEXT. */
static bool file_shows(const char *dir, const char *name, const char *text)
{
	char *path free_ptr = xasprintf("%s/%s", dir, name);
	int fd = open(path, O_RDONLY);
	struct stat st;
	char *bytes;
	bool found;

	assert_true(fd >= 0 && !fstat(fd, &st));
	bytes = xmalloc((size_t)st.st_size);
	assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
	found = memmem(bytes, (size_t)st.st_size, text, strlen(text)) != NULL;
	free(bytes);
	close(fd);
	return found;
}

static void seen(void *arg, const struct store_event *e, uint64_t revision)
{
	_Atomic int *good = arg;

	if (e && e->len == strlen(SECRET) && !memcmp(e->value, SECRET, e->len))
		++*good;
}

static void is_unreadable_on_disk_alone(void **state)
{
	char *dir = tmp_new();
	struct store *s = open_with(dir, &options);
	_Atomic int good = 0;
	struct store_watch *w = store_watch(s, "s/", 2, 1, seen, (void *)&good, NULL);

	put(s, "s/a", SECRET);
	put(s, "p/a", "a plain value, to find");
	assert_value_at(s, "s/a", 0, SECRET);
	assert_list(s, "s/", "", 0, "s/a=" SECRET " ");
	while (!good)
		usleep(1000);
	store_watch_stop(w);
	assert_sound(s);
	s = store_close(s);
	assert_false(file_shows(dir, "data.mdb", SECRET));
	assert_true(file_shows(dir, "data.mdb", "a plain value, to find"));
	s = open_with(dir, &options);
	assert_value_at(s, "s/a", 0, SECRET);
	store_close(s);
	tmp_remove(dir);
}

static void key_file_is_private_and_needed(void **state)
{
	char *dir = tmp_new(), *path = xasprintf("%s/data.keys", dir);
	struct store *s = open_with(dir, &options);
	struct error *err = NULL;
	struct stat st;

	put(s, "s/a", SECRET);
	store_close(s);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(unlink(path), 0);
	assert_null(store_open(dir, &options, &err));
	assert_int_equal(error_code(err), E_UNAVAILABLE);
	assert_non_null(strstr(error_message(err), "data.keys"));
	error_free(err);
	assert_int_equal(access(path, F_OK), -1);
	free(path);
	tmp_remove(dir);
}

static void old_stores_are_sealed_when_opened(void **state)
{
	char *dir = tmp_new();
	struct store *s = open_with(dir, NULL);
	uint64_t first = put(s, "s/a", "before"), second;

	second = put(s, "s/a", SECRET);
	store_close(s);
	s = open_with(dir, &options);
	assert_int_equal(store_revision(s), second);
	assert_value_at(s, "s/a", first, "before");
	assert_value_at(s, "s/a", 0, SECRET);
	assert_sound(s);
	store_close(s);
	tmp_remove(dir);
}

static void add_file(const char *dir, struct str *out)
{
	char *path free_ptr = xasprintf("%s/data.keys", dir);

	assert_int_equal(file_read(path, 4096, out, NULL), 0);
}

/* A new key at the front takes over all that the old one held, which may then go. */
static void first_key_takes_over(void **state)
{
	char *dir = tmp_new(), *other = tmp_new();
	char *path free_ptr = xasprintf("%s/data.keys", dir);
	struct str keys CLEANUP(str_release) = STR_INIT;
	struct store *s = open_with(dir, &options);
	uint64_t first = put(s, "s/a", "before");
	size_t len;

	put(s, "s/a", SECRET);
	store_close(s);
	store_close(open_with(other, &options));
	add_file(other, &keys);
	len = keys.len;
	add_file(dir, &keys);
	assert_int_equal(file_replace(path, keys.s, keys.len, NULL), 0);
	s = open_with(dir, &options);
	assert_sound(s);
	store_close(s);
	assert_int_equal(file_replace(path, keys.s, len, NULL), 0);
	s = open_with(dir, &options);
	assert_value_at(s, "s/a", first, "before");
	assert_value_at(s, "s/a", 0, SECRET);
	assert_sound(s);
	store_close(s);
	tmp_remove(dir);
	tmp_remove(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_unreadable_on_disk_alone),
		cmocka_unit_test(key_file_is_private_and_needed),
		cmocka_unit_test(first_key_takes_over),
		cmocka_unit_test(old_stores_are_sealed_when_opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
