/*
 * Opening: one process, one format.
 *
 *	DIR/lock	held with flock(2) while the store is open; names the process
 *	DIR/data.mdb	LMDB; made under another name and renamed, so it is whole or not there
 *	DIR/data.mdb-lock	LMDB's table of readers
 *	DIR/control	a socket for who wants something of that process (control.c)
 *	DIR/data.wal	what data.mdb may not hold yet, while the store is open (wal.c)
 *	DIR/data.keys	what sealed values are encrypted with; made before the first of them
 */
#include "config.h"
#include "store/internal.h"
#include "store/maintain.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_MAP_SIZE ((size_t)64 << 30)
#define DEFAULT_KEEP_NS (300 * NS_PER_S)
#define DEFAULT_KEEP_VERSIONS 10
#define MAX_READERS 1024
#define LOCK_FILE_SIZE (MAX_READERS * 64 + 8192) /* a reader is a cache line */

#define NEW_FILE "data.mdb.new"

/* A new directory is on disk only when its parent is. */
static int make_dir(const char *dir, struct error **err)
{
	char *parent free_ptr = xasprintf("%s/..", dir);
	int fd close_fd = -1;

	if (mkdir(dir, 0700)) {
		if (errno == EEXIST)
			return 0;
		return error_set_errno(err, errno, "cannot make the directory %s", dir);
	}
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd))
		return error_set_errno(err, errno, "cannot make the directory %s", dir);
	return 0;
}

static int in_use(struct store *s, struct error **err)
{
	char text[24] = "";
	ssize_t n = pread(s->lock_fd, text, sizeof(text) - 1, 0);
	long pid = n > 0 ? strtol(text, NULL, 10) : 0;

	if (pid > 0)
		return error_set(err, E_UNAVAILABLE, "the store %s is in use by process %ld",
				 s->dir, pid);
	return error_set(err, E_UNAVAILABLE, "the store %s is in use by another process", s->dir);
}

static int open_dir(struct store *s, struct error **err)
{
	s->dir_fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return s->dir_fd < 0 ? error_set_errno(err, errno, "cannot open the store %s", s->dir) : 0;
}

static int lock_dir(struct store *s, struct error **err)
{
	char text[24];
	int n;

	if (open_dir(s, err))
		return -1;
	s->lock_fd = openat(s->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock_fd < 0)
		return error_set_errno(err, errno, "cannot open %s/lock", s->dir);
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB)) {
		if (errno == EWOULDBLOCK)
			return in_use(s, err);
		return error_set_errno(err, errno, "cannot lock %s/lock", s->dir);
	}
	n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	/* The number is for people; on a full disk the lock holds without it. */
	if (ftruncate(s->lock_fd, 0) || pwrite(s->lock_fd, text, (size_t)n, 0) < n)
		return errno == ENOSPC
			       ? 0
			       : error_set_errno(err, errno, "cannot write %s/lock", s->dir);
	return 0;
}

static int env_error(struct store *s, int rc, struct error **err)
{
	if (rc == MDB_INVALID)
		return error_set(err, E_INTERNAL,
				 "%s/" DATA_FILE " is not a store of kubefs, or is damaged",
				 s->dir);
	if (rc == MDB_VERSION_MISMATCH)
		return error_set(err, E_INTERNAL,
				 "%s/" DATA_FILE
				 " is in a format of LMDB that this one does not read",
				 s->dir);
	return error_set(err, is_no_space(rc) ? E_NO_SPACE : E_INTERNAL,
			 "cannot open the store %s: %s", s->dir, mdb_strerror(rc));
}

/*
 * LMDB writes to its lock file through a shared mapping: a hole in it on a full disk would be a
 * SIGBUS. So it gets its blocks before.
 */
static int reserve_lock_file(struct store *s, const char *file, struct error **err)
{
	char *name free_ptr = xasprintf("%s-lock", file);
	int fd close_fd = openat(s->dir_fd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc = fd < 0 ? errno : posix_fallocate(fd, 0, LOCK_FILE_SIZE);

	return rc ? error_set_errno(err, rc, "cannot open the store %s: %s", s->dir, name) : 0;
}

int store_env_open(struct store *s, const char *file, size_t map_size, unsigned flags,
		   struct error **err)
{
	char *path free_ptr = xasprintf("%s/%s", s->dir, file);
	int rc;

	if (reserve_lock_file(s, file, err))
		return -1;
	rc = mdb_env_create(&s->env);
	if (!rc)
		rc = mdb_env_set_mapsize(s->env, map_size + space_slack(map_size));
	if (!rc)
		rc = mdb_env_set_maxdbs(s->env, 8);
	if (!rc)
		rc = mdb_env_set_maxreaders(s->env, MAX_READERS);
	if (!rc)
		rc = mdb_env_open(s->env, path, MDB_NOSUBDIR | MDB_NOTLS | flags, 0600);
	return rc ? env_error(s, rc, err) : 0;
}

void store_env_close(struct store *s)
{
	if (s->env)
		mdb_env_close(s->env);
	s->env = NULL;
}

static const struct tree {
	const char *name;
	size_t offset;
} trees[] = {
	{"log", offsetof(struct store, log)},
	{"objects", offsetof(struct store, objects)},
	{"deleted", offsetof(struct store, deleted)},
};

static int open_trees(struct store *s, MDB_txn *txn, unsigned flags)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < ARRAY_SIZE(trees); i++)
		rc = mdb_dbi_open(txn, trees[i].name, flags,
				  (MDB_dbi *)((char *)s + trees[i].offset));
	return rc;
}

int store_write_new(struct store *s, MDB_txn *txn, uint64_t id, uint64_t compacted)
{
	MDB_val key = bytes_val("created-by", strlen("created-by"));
	MDB_val version = bytes_val(PACKAGE_STRING, strlen(PACKAGE_STRING));
	int rc;

	rc = mdb_dbi_open(txn, "meta", MDB_CREATE, &s->meta);
	if (!rc)
		rc = open_trees(s, txn, MDB_CREATE);
	if (!rc)
		rc = mdb_put(txn, s->meta, &key, &version, 0);
	if (!rc)
		rc = meta_put_number(s, txn, "format", STORE_FORMAT);
	if (!rc)
		rc = meta_put_number(s, txn, "id", id);
	return rc ? rc : meta_put_number(s, txn, "compacted", compacted);
}

static int fill_new(struct store *s, struct error **err)
{
	MDB_txn *txn;
	uint64_t id;
	int rc;

	if (getrandom(&id, sizeof(id), 0) != sizeof(id))
		return error_set_errno(err, errno, "cannot make the store %s", s->dir);
	rc = mdb_txn_begin(s->env, NULL, 0, &txn);
	if (rc)
		return env_error(s, rc, err);
	/* Revisions begin at 1. */
	rc = store_write_new(s, txn, id, 1);
	if (rc)
		mdb_txn_abort(txn);
	else
		rc = mdb_txn_commit(txn);
	return rc ? env_error(s, rc, err) : 0;
}

/* A store appears as a whole, by a rename. What an earlier attempt has left goes. */
static int create(struct store *s, struct error **err)
{
	int rc;

	unlinkat(s->dir_fd, NEW_FILE, 0);
	unlinkat(s->dir_fd, NEW_FILE "-lock", 0);
	if (wal_discard(s, err))
		return -1;
	rc = store_env_open(s, NEW_FILE, 1u << 20, 0, err);
	if (!rc)
		rc = fill_new(s, err);
	store_env_close(s);
	unlinkat(s->dir_fd, NEW_FILE "-lock", 0);
	return rc ? -1 : store_rename(s, NEW_FILE, DATA_FILE, err);
}

int store_rename(struct store *s, const char *from, const char *to, struct error **err)
{
	if (renameat(s->dir_fd, from, s->dir_fd, to) || fsync(s->dir_fd))
		return error_set_errno(err, errno, "cannot make the store %s", s->dir);
	return 0;
}

static int create_if_missing(struct store *s, struct error **err)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;

	if (store_exists(s, &why) == 0)
		return 0;
	return error_code(why) == E_NOT_FOUND ? create(s, err) : error_move(err, steal(&why));
}

int store_exists(struct store *s, struct error **err)
{
	struct stat st;

	if (fstatat(s->dir_fd, DATA_FILE, &st, 0))
		return errno == ENOENT
			       ? error_set(err, E_NOT_FOUND, "there is no store in %s", s->dir)
			       : error_set_errno(err, errno, "%s/" DATA_FILE, s->dir);
	/* LMDB would fill an empty file. Nothing of ours leaves one. */
	return st.st_size ? 0 : env_error(s, MDB_INVALID, err);
}

/* Before anything else is read: a newer format may have other trees. */
static int check_format(struct store *s, MDB_txn *txn, struct error **err)
{
	MDB_val key = bytes_val("created-by", strlen("created-by")), by;
	uint64_t format;

	if (mdb_dbi_open(txn, "meta", 0, &s->meta) || meta_get_number(s, txn, "format", &format) ||
	    mdb_get(txn, s->meta, &key, &by))
		return env_error(s, MDB_INVALID, err);
	if (format >= STORE_FORMAT_OLDEST && format <= STORE_FORMAT)
		return 0;
	return error_set(err, E_UNAVAILABLE,
			 "the store %s has format %llu (made by %.*s); " PACKAGE_STRING
			 " reads format %d: use a newer kubefs",
			 s->dir, (unsigned long long)format, (int)MIN(by.mv_size, 64),
			 (const char *)by.mv_data, STORE_FORMAT);
}

static int load_in(struct store *s, MDB_txn *txn, struct error **err)
{
	uint64_t newest, compacted;
	int rc;

	if (check_format(s, txn, err))
		return -1;
	rc = open_trees(s, txn, 0);
	if (!rc)
		rc = meta_get_number(s, txn, "id", &s->id);
	if (!rc)
		rc = snapshot_revisions(s, txn, &newest, &compacted);
	if (rc)
		return env_error(s, rc == MDB_NOTFOUND ? MDB_INVALID : rc, err);
	s->revision = newest;
	s->watch.durable = s->watch.delivered = s->watch.reading = newest;
	s->watch.compacted = compacted;
	return 0;
}

int store_load(struct store *s, struct error **err)
{
	MDB_txn *txn;
	MDB_stat st;
	int rc;

	/* The size of a page is in the header; more is not read of a file that is too short. */
	mdb_env_stat(s->env, &st);
	s->page_size = st.ms_psize;
	if (space_check_file(s, err))
		return -1;
	rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);
	if (rc)
		return env_error(s, rc, err);
	rc = load_in(s, txn, err);
	/* Committing a read transaction keeps the handles of its trees. */
	if (rc)
		mdb_txn_abort(txn);
	else
		rc = mdb_txn_commit(txn) ? env_error(s, MDB_INVALID, err) : 0;
	return rc;
}

/* What is written from now on is not for older programs to read. */
static int raise_format(struct store *s, struct error **err)
{
	uint64_t format = 0;
	MDB_txn *txn;
	int rc;

	rc = space_begin(s, 0, &txn);
	if (rc)
		return env_error(s, rc, err);
	rc = meta_get_number(s, txn, "format", &format);
	if (!rc && format < STORE_FORMAT)
		rc = meta_put_number(s, txn, "format", STORE_FORMAT);
	if (!rc && format < STORE_FORMAT)
		rc = mdb_txn_commit(txn);
	else
		mdb_txn_abort(txn);
	return rc ? env_error(s, rc, err) : 0;
}

/* The key that the store names as the one of its values; 0: none. */
static int meta_key(struct store *s, uint64_t *id, struct error **err)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);

	*id = 0;
	if (rc)
		return env_error(s, rc, err);
	rc = meta_get_number(s, txn, "key", id);
	mdb_txn_abort(txn);
	return rc && rc != MDB_NOTFOUND ? env_error(s, rc, err) : 0;
}

int store_make_key(struct store *s, struct error **err)
{
	if (keys_add_new(&s->keys, err) || keys_save(s->dir, &s->keys, err))
		return -1;
	return fsync(s->dir_fd) ? error_set_errno(err, errno, "cannot write %s/data.keys", s->dir)
				: 0;
}

static int load_keys(struct store *s, struct error **err)
{
	uint64_t id;

	if (keys_load(s->dir, &s->keys, err) || meta_key(s, &id, err))
		return -1;
	if (id && !keys_find(&s->keys, id))
		return error_set(err, E_UNAVAILABLE,
				 "the store %s has values that are encrypted with the key %016llx, "
				 "which %s/data.keys does not hold",
				 s->dir, (unsigned long long)id, s->dir);
	return s->sealed.n && !s->keys.n ? store_make_key(s, err) : 0;
}

static int start_threads(struct store *s, struct error **err)
{
	int rc = pthread_create(&s->watch.thread, NULL, watches_main, s);

	if (rc)
		return error_set_errno(err, rc, "cannot start a thread");
	wal_start(s);
	rc = pthread_create(&s->writer, NULL, writer_main, s);
	if (rc) {
		watches_stop(s);
		pthread_join(s->watch.thread, NULL);
		return error_set_errno(err, rc, "cannot start a thread");
	}
	s->threads = true;
	control_start(s);
	return 0;
}

static struct store *store_new(const char *dir, const struct store_options *opt)
{
	static const struct store_options defaults;
	struct store *s = xcalloc(1, sizeof(*s));

	opt = opt ? opt : &defaults;
	s->map_size = opt->map_size ? opt->map_size : DEFAULT_MAP_SIZE;
	s->dir = xstrdup(dir);
	s->lock_fd = s->dir_fd = -1;
	s->clock = opt->clock ? opt->clock : clock_system();
	s->keep_ns = opt->keep_ns ? opt->keep_ns : DEFAULT_KEEP_NS;
	s->keep_versions = opt->keep_versions ? opt->keep_versions : DEFAULT_KEEP_VERSIONS;
	for (const char *const *p = opt->sealed; p && *p; p++)
		vec_push(&s->sealed, xstrdup(*p));
	s->queue_end = &s->queue;
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->readers_lock, NULL);
	clock_cond_init(&s->wake);
	clock_cond_init(&s->reader_ended);
	pthread_cond_init(&s->readers_may, NULL);
	pthread_cond_init(&s->committed, NULL);
	s->shared.items = (struct str)STR_INIT;
	s->control.socket = s->control.end = -1;
	watches_init(s);
	return s;
}

/* What a crash has left. Whoever reads from outside would see the file change below him. */
static int recover(struct store *s, struct error **err)
{
	int rc;

	if (!wal_is_left(s))
		return 0;
	rc = store_lock_readers(s, err);
	if (!rc)
		rc = wal_recover(s, err);
	flock(s->dir_fd, LOCK_UN);
	return rc;
}

static int open_all(struct store *s, struct error **err)
{
	if (make_dir(s->dir, err) || lock_dir(s, err) || create_if_missing(s, err) ||
	    recover(s, err))
		return -1;
	shrink_clear(s);
	if (store_env_open(s, DATA_FILE, s->map_size, 0, err) || store_load(s, err))
		return -1;
	s->map_pages = s->map_size / s->page_size;
	return raise_format(s, err) || load_keys(s, err) || reseal(s, err) ? -1 : 0;
}

struct store *store_open_idle(const char *dir, const struct store_options *opt, struct error **err)
{
	struct store *s = store_new(dir, opt);

	return open_all(s, err) ? store_close(s) : s;
}

struct store *store_open(const char *dir, const struct store_options *opt, struct error **err)
{
	struct store *s = store_open_idle(dir, opt, err);

	return s && start_threads(s, err) ? store_close(s) : s;
}

/* A wal is somebody's who has the store open, or what a crash has left. */
static int recover_closed(struct store *s, struct error **err)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	struct store *owner;
	int rc;

	if (!wal_is_left(s))
		return 0;
	owner = store_new(s->dir, NULL);
	owner->map_size = s->map_size;
	if (lock_dir(owner, &why)) {
		store_close(owner);
		return error_code(why) == E_UNAVAILABLE ? 0 : error_move(err, steal(&why));
	}
	rc = recover(owner, err);
	store_close(owner);
	return rc;
}

static int open_reading(struct store *s, struct error **err)
{
	if (open_dir(s, err) || store_exists(s, err) || recover_closed(s, err) ||
	    control_commit(s->dir, err))
		return -1;
	if (flock(s->dir_fd, LOCK_SH | LOCK_NB))
		return error_set(err, E_UNAVAILABLE, "the store %s is being replaced", s->dir);
	return store_env_open(s, DATA_FILE, s->map_size, MDB_RDONLY, err) || store_load(s, err) ||
			       keys_load(s->dir, &s->keys, err)
		       ? -1
		       : 0;
}

struct store *store_open_reading(const char *dir, const struct store_options *opt,
				 struct error **err)
{
	struct store *s = store_new(dir, opt);

	return open_reading(s, err) ? store_close(s) : s;
}

struct store *store_lock(const char *dir, const struct store_options *opt, struct error **err)
{
	struct store *s = store_new(dir, opt);

	if (make_dir(dir, err) || lock_dir(s, err) || store_lock_readers(s, err))
		return store_close(s);
	return s;
}

int store_lock_readers(struct store *s, struct error **err)
{
	if (!flock(s->dir_fd, LOCK_EX | LOCK_NB))
		return 0;
	if (errno == EWOULDBLOCK)
		return error_set(err, E_UNAVAILABLE,
				 "the store %s is being read by a check or a backup", s->dir);
	return error_set_errno(err, errno, "cannot lock %s", s->dir);
}

static void stop_threads(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	s->closing = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->writer, NULL);
	control_stop(s);
	watches_stop(s);
	pthread_join(s->watch.thread, NULL);
}

struct store *store_close(struct store *s)
{
	if (!s)
		return NULL;
	if (s->threads)
		stop_threads(s);
	wal_stop(s);
	watches_release(s);
	readers_release(s);
	vec_release(&s->found);
	store_env_close(s);
	keys_release(&s->keys);
	vec_each (&s->sealed, prefix)
		free(*prefix);
	vec_release(&s->sealed);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	if (s->dir_fd >= 0)
		close(s->dir_fd);
	pthread_cond_destroy(&s->wake);
	pthread_cond_destroy(&s->reader_ended);
	pthread_cond_destroy(&s->readers_may);
	pthread_cond_destroy(&s->committed);
	str_release(&s->shared.items);
	pthread_mutex_destroy(&s->lock);
	pthread_mutex_destroy(&s->readers_lock);
	free(s->dir);
	free(s);
	return NULL;
}

uint64_t store_revision(struct store *s)
{
	return s->revision;
}

uint64_t store_id(struct store *s)
{
	return s->id;
}
