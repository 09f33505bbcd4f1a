/*
 * The limit of what a FUSE filesystem can do: namespaces/bench/pods with N files of constant text,
 * every answer at hand, nothing looked up, nothing rendered. The tree is measured against it.
 *
 *	constfs FILES BYTES PREFIX MOUNTPOINT	(foreground; prints "ready")
 *
 * Its shape is the tree's: it lies as deep, its names (PREFIX and six digits) are as long, and it
 * asks the kernel for the same caching and the same checks.
 */
#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOREVER_S 86400
#define SUFFIX ".yaml"
#define NAME_SIZE 256

/* Each holds the next one; their numbers are their places, counted from the root's 1. */
static const char *const directories[] = {"", "namespaces", "bench", "pods"};
enum { PODS = sizeof(directories) / sizeof(*directories), FIRST /* file's number */ };

static long n_files;
static size_t n_bytes;
static const char *prefix;
static char *text;

static void file_name(long i, char *name)
{
	snprintf(name, NAME_SIZE, "%s%06ld" SUFFIX, prefix, i);
}

/* The number of NAME in the directory PARENT, or 0. */
static fuse_ino_t find(fuse_ino_t parent, const char *name)
{
	size_t len = strlen(prefix);
	char *end;

	if (parent < PODS)
		return strcmp(name, directories[parent]) == 0 ? parent + 1 : 0;
	if (strncmp(name, prefix, len) != 0)
		return 0;
	long i = strtol(name + len, &end, 10);

	return i >= 0 && i < n_files && !strcmp(end, SUFFIX) ? (fuse_ino_t)i + FIRST : 0;
}

static void fill_stat(fuse_ino_t ino, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_ino = ino;
	st->st_mode = ino < FIRST ? S_IFDIR | 0755 : S_IFREG | 0644;
	st->st_nlink = 1;
	st->st_size = ino < FIRST ? 0 : (off_t)n_bytes;
	st->st_uid = getuid();
	st->st_gid = getgid();
}

static void fill_entry(fuse_ino_t ino, struct fuse_entry_param *e)
{
	memset(e, 0, sizeof(*e));
	e->ino = ino;
	e->attr_timeout = e->entry_timeout = FOREVER_S;
	fill_stat(ino, &e->attr);
}

static void on_init(void *userdata, struct fuse_conn_info *conn)
{
	conn->want &= ~(unsigned)FUSE_CAP_AUTO_INVAL_DATA;
	if (conn->capable & FUSE_CAP_EXPLICIT_INVAL_DATA)
		conn->want |= FUSE_CAP_EXPLICIT_INVAL_DATA;
	puts("ready");
	fflush(stdout);
}

static void on_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	fuse_ino_t ino = find(parent, name);
	struct fuse_entry_param e;

	if (ino) {
		fill_entry(ino, &e);
		fuse_reply_entry(req, &e);
	} else {
		fuse_reply_err(req, ENOENT);
	}
}

static void on_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;

	fill_stat(ino, &st);
	fuse_reply_attr(req, &st, FOREVER_S);
}

static void on_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	fi->keep_cache = fi->noflush = 1;
	fuse_reply_open(req, fi);
}

static void on_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	fi->keep_cache = fi->cache_readdir = 1;
	fuse_reply_open(req, fi);
}

static void on_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		    struct fuse_file_info *fi)
{
	size_t left = (size_t)offset < n_bytes ? n_bytes - (size_t)offset : 0;

	fuse_reply_buf(req, text + offset, left < size ? left : size);
}

static void read_entries(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, bool plus)
{
	char *buf = malloc(size), made[NAME_SIZE];
	const char *name = ino < PODS ? directories[ino] : made;
	long n = ino < PODS ? 1 : n_files;
	size_t used = 0, len;

	for (long i = (long)offset; i < n; i++) {
		struct fuse_entry_param e;

		if (ino >= PODS)
			file_name(i, made);
		fill_entry(ino < PODS ? ino + 1 : (fuse_ino_t)i + FIRST, &e);
		len = plus ? fuse_add_direntry_plus(req, buf + used, size - used, name, &e, i + 1)
			   : fuse_add_direntry(req, buf + used, size - used, name, &e.attr, i + 1);
		if (len > size - used)
			break;
		used += len;
	}
	fuse_reply_buf(req, buf, used);
	free(buf);
}

static void on_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		       struct fuse_file_info *fi)
{
	read_entries(req, ino, size, offset, false);
}

static void on_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
			   struct fuse_file_info *fi)
{
	read_entries(req, ino, size, offset, true);
}

static const struct fuse_lowlevel_ops ops = {
	.init = on_init,
	.lookup = on_lookup,
	.getattr = on_getattr,
	.open = on_open,
	.read = on_read,
	.opendir = on_opendir,
	.readdir = on_readdir,
	.readdirplus = on_readdirplus,
};

/* Lines as long as a manifest's, so that grep has the same work. */
static void make_text(void)
{
	static const char line[] = "      value: a value of an environment variable of it\n";

	text = malloc(n_bytes + 1);
	for (size_t i = 0; i < n_bytes; i++)
		text[i] = line[i % (sizeof(line) - 1)];
}

int main(int argc, char **argv)
{
	static char *options[] = {"constfs", "-o", "default_permissions"};
	struct fuse_args args = FUSE_ARGS_INIT(3, options);
	struct fuse_session *se;
	int ret = 1;

	if (argc != 5) {
		fprintf(stderr, "usage: constfs FILES BYTES PREFIX MOUNTPOINT\n");
		return 2;
	}
	n_files = strtol(argv[1], NULL, 10);
	n_bytes = strtoul(argv[2], NULL, 10);
	prefix = argv[3];
	make_text();
	se = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	if (!se)
		return 1;
	if (fuse_set_signal_handlers(se) == 0 && fuse_session_mount(se, argv[4]) == 0) {
		ret = fuse_session_loop(se) < 0;
		fuse_session_unmount(se);
	}
	fuse_remove_signal_handlers(se);
	fuse_session_destroy(se);
	free(text);
	return ret;
}
