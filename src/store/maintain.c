#include "store/internal.h"
#include "store/maintain.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define SMALL_FILE "data.mdb.small"

/* One that is there already, with everything but threads. */
static struct store *open_existing(const char *dir, const struct store_options *opt,
				   struct error **err)
{
	struct store *s = store_open_reading(dir, opt, err);

	if (!s)
		return NULL;
	store_close(s);
	return store_open_idle(dir, opt, err);
}

static int write_small(struct store *s, struct error **err)
{
	int fd close_fd = -1, rc;

	unlinkat(s->dir_fd, SMALL_FILE, 0);
	fd = openat(s->dir_fd, SMALL_FILE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_set_errno(err, errno, "cannot write %s/" SMALL_FILE, s->dir);
	rc = mdb_env_copyfd2(s->env, fd, MDB_CP_COMPACT);
	if (!rc && fsync(fd))
		rc = errno;
	return rc ? store_fail(err, rc, "cannot write the store anew") : 0;
}

static uint64_t size_of(struct store *s)
{
	struct stat st;

	return fstatat(s->dir_fd, DATA_FILE, &st, 0) ? 0 : (uint64_t)st.st_size;
}

/* What is damaged stays as it is: a copy would take the damage for data. */
static int shrink(struct store *s, struct error **err)
{
	if (store_check(s, NULL, NULL, NULL, err))
		return -1;
	compact_due(s);
	if (write_small(s, err) || store_rename(s, SMALL_FILE, DATA_FILE, err)) {
		unlinkat(s->dir_fd, SMALL_FILE, 0);
		return -1;
	}
	return 0;
}

int store_shrink(const char *dir, const struct store_options *opt, uint64_t *before,
		 uint64_t *after, struct error **err)
{
	struct store *s = open_existing(dir, opt, err);
	int rc;

	if (!s)
		return -1;
	*before = size_of(s);
	rc = store_lock_readers(s, err) || shrink(s, err) ? -1 : 0;
	*after = size_of(s);
	store_close(s);
	return rc;
}

static int rotate(struct store *s, struct error **err)
{
	if (!s->sealed.n)
		return error_set(err, E_BAD_REQUEST, "nothing of the store %s is encrypted",
				 s->dir);
	if (store_make_key(s, err) || reseal(s, err))
		return -1;
	if (reseal_is_done(s))
		return 0;
	return error_set(err, E_NO_SPACE,
			 "the store %s is full: there is a new key, but not everything is "
			 "encrypted with it until the store is opened with room",
			 s->dir);
}

int store_rotate(const char *dir, const struct store_options *opt, uint64_t *key,
		 struct error **err)
{
	struct store *s = open_existing(dir, opt, err);
	int rc;

	if (!s)
		return -1;
	rc = rotate(s, err);
	*key = s->keys.n ? s->keys.v[0].id : 0;
	store_close(s);
	return rc;
}
