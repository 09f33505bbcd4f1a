/*
 * The file written anew without what is free in it.
 *
 * Of a store that nobody has open: a copy takes the file's place by a rename. Of one at work its
 * own writer does that between two commits, so that nobody writes meanwhile; who reads goes on
 * until the copy is there, is let finish, and reads on in the new file. Whatever is killed, the
 * file is the old one or the new one, and both hold everything that was acknowledged.
 */
#include "store/internal.h"
#include "store/maintain.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads end with their call. One that has not ended by then holds the writers up no longer. */
#define READERS_NS (10 * NS_PER_S)

static int write_small(struct store *s, struct error **err)
{
	int fd close_fd = -1, rc;

	shrink_clear(s);
	fd = openat(s->dir_fd, SMALL_FILE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_set_errno(err, errno, "cannot write %s/" SMALL_FILE, s->dir);
	rc = mdb_env_copyfd2(s->env, fd, MDB_CP_COMPACT);
	if (!rc && fsync(fd))
		rc = errno;
	return rc ? store_fail(err, rc, "cannot write the store anew") : 0;
}

void shrink_clear(struct store *s)
{
	unlinkat(s->dir_fd, SMALL_FILE, 0);
	unlinkat(s->dir_fd, SMALL_FILE "-lock", 0);
}

static uint64_t size_of(struct store *s)
{
	struct stat st;

	return fstatat(s->dir_fd, DATA_FILE, &st, 0) ? 0 : (uint64_t)st.st_size;
}

/* What is damaged stays as it is: a copy would take the damage for data. */
static int shrink_idle(struct store *s, struct error **err)
{
	if (store_lock_readers(s, err) || store_check(s, NULL, NULL, NULL, err))
		return -1;
	compact_due(s);
	if (write_small(s, err) || store_rename(s, SMALL_FILE, DATA_FILE, err)) {
		shrink_clear(s);
		return -1;
	}
	return 0;
}

/* The copy, open under its own name, as FRESH. */
static int open_small(struct store *s, struct store *fresh, struct error **err)
{
	fresh->dir = s->dir;
	fresh->dir_fd = s->dir_fd;
	if (store_env_open(fresh, SMALL_FILE, s->map_size, 0, err) || store_load(fresh, err))
		return -1;
	if (fresh->id == s->id && fresh->revision == s->revision)
		return 0;
	return error_set(err, E_INTERNAL, "the copy of the store %s is not what it holds", s->dir);
}

/* LMDB's table of readers goes with its file: who reads from outside looks for it by that name. */
static int rename_both(struct store *s, struct error **err)
{
	if (renameat(s->dir_fd, SMALL_FILE, s->dir_fd, DATA_FILE))
		return error_set_errno(err, errno, "cannot replace %s/" DATA_FILE, s->dir);
	/* There is no way back. Where it may not last, nothing more is acknowledged. */
	if (renameat(s->dir_fd, SMALL_FILE "-lock", s->dir_fd, DATA_FILE "-lock") ||
	    fsync(s->dir_fd)) {
		s->failed = errno;
		log_error("store %s: cannot replace its file: %s; it takes no more writes", s->dir,
			  strerror(s->failed));
	}
	return 0;
}

static void exchange(struct store *s, struct store *fresh)
{
	MDB_env *old = s->env;

	readers_release(s);
	s->env = fresh->env;
	s->log = fresh->log;
	s->objects = fresh->objects;
	s->deleted = fresh->deleted;
	s->meta = fresh->meta;
	s->reserved = 0;
	fresh->env = old;
}

static int replace(struct store *s, struct store *fresh, struct error **err)
{
	int rc;

	if (!readers_shut(s, clock_mono(s->clock) + READERS_NS))
		return error_set(err, E_TIMEOUT, "the store %s is being read without a pause",
				 s->dir);
	rc = wal_stop(s);
	if (rc)
		store_fail(err, rc, "cannot write the store");
	else
		rc = rename_both(s, err);
	if (!rc)
		exchange(s, fresh);
	if (!s->failed)
		wal_start(s);
	readers_open(s);
	return rc;
}

static int shrink_at_work(struct store *s, struct error **err)
{
	struct store fresh = {0};
	int rc;

	if (store_lock_readers(s, err))
		return -1;
	compact_due(s);
	rc = write_small(s, err) || open_small(s, &fresh, err) || replace(s, &fresh, err) ? -1 : 0;
	store_env_close(&fresh);
	if (rc)
		shrink_clear(s);
	/* Whoever reads from outside would not find this one's table of readers. */
	if (!s->failed)
		flock(s->dir_fd, LOCK_UN);
	return rc;
}

void shrink_run(struct store *s, struct shrink *job)
{
	job->before = size_of(s);
	job->result = shrink_at_work(s, &job->error);
	job->after = size_of(s);
	sem_post(&job->done);
}

int shrink_ask(struct store *s, uint64_t *before, uint64_t *after, struct error **err)
{
	struct shrink job = {0};
	bool closing;

	sem_init(&job.done, 0, 0);
	pthread_mutex_lock(&s->lock);
	closing = s->closing;
	if (!closing)
		s->shrink = &job;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	while (!closing && sem_wait(&job.done) && errno == EINTR)
		;
	sem_destroy(&job.done);
	if (closing)
		return error_set(err, E_UNAVAILABLE, "the store is being closed");
	*before = job.before;
	*after = job.after;
	return job.result < 0 ? error_move(err, job.error) : 0;
}

static int check_from_outside(const char *dir, const struct store_options *opt, struct error **err)
{
	struct store *s = store_open_reading(dir, opt, err);
	int rc = s ? store_check(s, NULL, NULL, NULL, err) : -1;

	store_close(s);
	return rc;
}

int store_shrink(const char *dir, const struct store_options *opt, uint64_t *before,
		 uint64_t *after, struct error **err)
{
	struct store *s;
	int rc;

	if (control_is_there(dir))
		return check_from_outside(dir, opt, err) ? -1
							 : control_shrink(dir, before, after, err);
	s = store_open_existing(dir, opt, err);
	if (!s)
		return -1;
	*before = size_of(s);
	rc = shrink_idle(s, err);
	*after = size_of(s);
	store_close(s);
	return rc;
}
