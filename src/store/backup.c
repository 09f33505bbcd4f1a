#include "store/backup.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

int backup_file_open(struct backup_file *b, int fd, const char *mode)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	*b = (struct backup_file){.f = copy < 0 ? NULL : fdopen(copy, mode),
				  .sum = EVP_MD_CTX_new()};
	if (b->f && b->sum && EVP_DigestInit_ex(b->sum, EVP_sha256(), NULL))
		return 0;
	if (!b->f && copy >= 0)
		close(copy);
	backup_file_close(b);
	return -1;
}

static int add_to_sum(struct backup_file *b, const void *bytes, size_t len)
{
	b->bytes += len;
	return EVP_DigestUpdate(b->sum, bytes, len) ? 0 : -1;
}

int backup_write(struct backup_file *b, const void *bytes, size_t len)
{
	return fwrite(bytes, 1, len, b->f) == len ? add_to_sum(b, bytes, len) : -1;
}

int backup_read(struct backup_file *b, void *bytes, size_t len)
{
	return fread(bytes, 1, len, b->f) == len ? add_to_sum(b, bytes, len) : -1;
}

int backup_sum(struct backup_file *b, unsigned char sum[BACKUP_SUM])
{
	unsigned len = BACKUP_SUM;

	return EVP_DigestFinal_ex(b->sum, sum, &len) && len == BACKUP_SUM ? 0 : -1;
}

void backup_file_close(struct backup_file *b)
{
	if (b->f)
		fclose(b->f);
	EVP_MD_CTX_free(b->sum);
	*b = (struct backup_file){0};
}

struct backup {
	struct store *store;
	MDB_txn *txn;
	const char *path;
	struct backup_file file;
	struct store_backup_info *info;
};

static int cannot_write(const struct backup *b, struct error **err)
{
	return error_set_errno(err, errno ? errno : EIO, "cannot write the backup %s", b->path);
}

static int write_head(struct backup *b, struct error **err)
{
	struct store *s = b->store;
	uint64_t revision, compacted;
	MDB_stat st;
	int rc = snapshot_revisions(s, b->txn, &revision, &compacted);
	struct backup_head head = {.magic = BACKUP_MAGIC,
				   .version = htobe32(BACKUP_VERSION),
				   .format = htobe32(STORE_FORMAT)};

	if (!rc)
		rc = mdb_stat(b->txn, s->log, &st);
	if (rc)
		return store_fail(err, rc, "cannot read the store");
	*b->info = (struct store_backup_info){.id = s->id,
					      .revision = revision,
					      .records = st.ms_entries,
					      .time_ms = clock_wall(s->clock) / NS_PER_MS};
	head.id = htobe64(s->id);
	head.revision = htobe64(revision);
	head.compacted = htobe64(compacted);
	head.records = htobe64(b->info->records);
	head.time_ms = htobe64((uint64_t)b->info->time_ms);
	return backup_write(&b->file, &head, sizeof(head)) ? cannot_write(b, err) : 0;
}

static int write_record(struct backup *b, const MDB_val *key, const MDB_val *data,
			struct error **err)
{
	uint32_t size = htobe32((uint32_t)data->mv_size);
	struct entry e;

	if (data->mv_size > BACKUP_RECORD_MAX || entry_parse(key, data, &e) || !entry_is_intact(&e))
		return error_set(err, E_INTERNAL,
				 "the store %s is damaged: a record is not as it was written",
				 b->store->dir);
	if (backup_write(&b->file, &size, sizeof(size)) ||
	    backup_write(&b->file, key->mv_data, key->mv_size) ||
	    backup_write(&b->file, data->mv_data, data->mv_size))
		return cannot_write(b, err);
	return 0;
}

static int write_records(struct backup *b, struct error **err)
{
	MDB_cursor *c;
	MDB_val key, data;
	uint64_t n = 0;
	bool failed = false;
	int rc = mdb_cursor_open(b->txn, b->store->log, &c);

	if (rc)
		return store_fail(err, rc, "cannot read the store");
	while (!failed && n <= b->info->records &&
	       !(rc = mdb_cursor_get(c, &key, &data, MDB_NEXT))) {
		failed = write_record(b, &key, &data, err);
		n++;
	}
	mdb_cursor_close(c);
	if (failed)
		return -1;
	if (rc == MDB_NOTFOUND && n == b->info->records)
		return 0;
	return store_fail(err, rc == MDB_NOTFOUND || !rc ? MDB_CORRUPTED : rc,
			  "cannot read the store");
}

static int write_end(struct backup *b, struct error **err)
{
	unsigned char sum[BACKUP_SUM];

	errno = 0;
	if (backup_sum(&b->file, sum) || fwrite(sum, 1, sizeof(sum), b->file.f) != sizeof(sum) ||
	    fflush(b->file.f) || fsync(fileno(b->file.f)))
		return cannot_write(b, err);
	b->info->bytes = b->file.bytes + sizeof(sum);
	return 0;
}

static int write_all(struct backup *b, struct error **err)
{
	errno = 0;
	return write_head(b, err) || write_records(b, err) || write_end(b, err) ? -1 : 0;
}

/*
 * The file that becomes PATH; one that an earlier attempt has left is used again. Its lock keeps
 * two backups to one place apart, and the second look tells that it was not renamed meanwhile.
 */
static int open_partial(const char *partial, struct error **err)
{
	int fd close_fd = open(partial, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), mine_fd;
	struct stat mine, there;

	if (fd < 0 || fstat(fd, &mine))
		return error_set_errno(err, errno, "%s", partial);
	if (flock(fd, LOCK_EX | LOCK_NB) || stat(partial, &there) || mine.st_ino != there.st_ino)
		return error_set(err, E_UNAVAILABLE, "%s: another backup is writing there",
				 partial);
	if (!S_ISREG(mine.st_mode) || fchmod(fd, 0600) || ftruncate(fd, 0))
		return error_set_errno(err, errno ? errno : EINVAL, "%s", partial);
	mine_fd = fd;
	fd = -1;
	return mine_fd;
}

/* A new name is on disk when its directory is. */
static int publish(const char *partial, const char *path, struct error **err)
{
	const char *slash = strrchr(path, '/');
	char *dir free_ptr = slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup(".");
	int fd close_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || rename(partial, path) || fsync(fd))
		return error_set_errno(err, errno, "cannot write the backup %s", path);
	return 0;
}

int store_backup(struct store *s, const char *path, struct store_backup_info *info,
		 struct error **err)
{
	char *partial free_ptr = xasprintf("%s.partial", path);
	int fd close_fd = open_partial(partial, err), rc = -1;
	struct backup b = {.store = s, .path = path, .info = info};

	if (fd < 0)
		return -1;
	b.txn = shared_wait(s, NULL, 0, err) ? NULL : reader_begin(s, err);
	if (b.txn && backup_file_open(&b.file, fd, "w"))
		error_set_errno(err, errno, "cannot write the backup %s", path);
	else if (b.txn)
		rc = write_all(&b, err);
	backup_file_close(&b.file);
	if (b.txn)
		reader_end(s, b.txn);
	if (!rc)
		rc = publish(partial, path, err);
	if (rc)
		unlink(partial);
	return rc;
}
