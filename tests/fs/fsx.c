/*
 * Random reads, writes, appends, truncations, mappings and openings of one file, each checked
 * against a copy in memory.
 *
 *	fsx [-s SEED] [-n OPERATIONS] [-m BYTES] [-o] FILE
 *
 * -m: the file is never larger. -o: FILE is an object's value: each opening is written whole, and
 * what a close has sent is what the next opening reads. Two descriptors are open at a time, so that
 * what one writes the other reads; not so with -o, where each opening has a text of its own.
 * Status 1 and the last operations when something differs.
 */
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define DESCRIPTORS 2
#define TOLD 40

struct file {
	const char *path;
	int fd[DESCRIPTORS];
	int flags[DESCRIPTORS];
	unsigned char *good, *got; /* what it has to be; room for a look */
	size_t size, max;
	bool object;
	uint64_t random;
	char told[TOLD][96]; /* the last operations */
	unsigned long operations;
};

static void tell(struct file *f, const char *what, size_t at, size_t len)
{
	snprintf(f->told[f->operations % TOLD], sizeof(f->told[0]), "%lu: %s %zu+%zu, size %zu",
		 f->operations, what, at, len, f->size);
}

static void fail(struct file *f, const char *what)
{
	unsigned long first = f->operations >= TOLD ? f->operations - TOLD + 1 : 0;

	printf("%s: %s (%s)\n", f->path, what, strerror(errno));
	for (unsigned long i = first; i <= f->operations; i++)
		printf("  %s\n", f->told[i % TOLD]);
	exit(1);
}

/* xorshift64*: the same operations for the same seed everywhere. */
static size_t pick(struct file *f, size_t below)
{
	f->random ^= f->random >> 12;
	f->random ^= f->random << 25;
	f->random ^= f->random >> 27;
	return below ? (size_t)((f->random * 2685821657736338717ull) >> 33) % below : 0;
}

static void open_one(struct file *f, int i, int flags)
{
	f->flags[i] = flags;
	f->fd[i] = open(f->path, flags | O_CREAT, 0644);
	if (f->fd[i] < 0)
		fail(f, "open");
	if (flags & O_TRUNC)
		f->size = 0;
}

static void close_one(struct file *f, int i)
{
	if (f->fd[i] >= 0 && close(f->fd[i]) < 0)
		fail(f, "close");
	f->fd[i] = -1;
}

static void differs(struct file *f, const char *what, size_t at, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (f->got[i] == f->good[at + i])
			continue;
		printf("byte %zu is %02x, was written as %02x\n", at + i, f->got[i],
		       f->good[at + i]);
		break;
	}
	fail(f, what);
}

static void do_read(struct file *f, int i)
{
	size_t at = pick(f, f->size + 100), len = pick(f, f->max / 4 + 1);
	size_t want = at < f->size ? MIN(len, f->size - at) : 0;

	tell(f, "read", at, len);
	if (pread(f->fd[i], f->got, len, (off_t)at) != (ssize_t)want)
		fail(f, "read returned another number of bytes");
	if (memcmp(f->got, f->good + at, want))
		differs(f, "read", at, want);
}

static void do_write(struct file *f, int i)
{
	bool append = f->flags[i] & O_APPEND;
	size_t at = append ? f->size : pick(f, f->size + f->max / 16 + 1), len;

	if (append && at == f->max)
		return;
	at = MIN(at, f->max - 1);
	len = pick(f, MIN(f->max - at, f->max / 4)) + 1;
	tell(f, append ? "append" : "write", at, len);
	for (size_t k = 0; k < len; k++)
		f->got[k] = (unsigned char)('a' + pick(f, 26));
	if (pwrite(f->fd[i], f->got, len, (off_t)at) != (ssize_t)len)
		fail(f, "write");
	if (at > f->size)
		memset(f->good + f->size, 0, at - f->size);
	memcpy(f->good + at, f->got, len);
	f->size = MAX(f->size, at + len);
}

static void do_truncate(struct file *f, int i)
{
	size_t size = pick(f, f->max);
	bool by_name = !f->object && pick(f, 2);

	tell(f, by_name ? "truncate" : "ftruncate", size, 0);
	if ((by_name ? truncate(f->path, (off_t)size) : ftruncate(f->fd[i], (off_t)size)) < 0)
		fail(f, "truncate");
	if (size > f->size)
		memset(f->good + f->size, 0, size - f->size);
	f->size = size;
}

static void do_stat(struct file *f, int i)
{
	struct stat st;

	tell(f, "fstat", 0, 0);
	if (fstat(f->fd[i], &st) < 0 || (size_t)st.st_size != f->size)
		fail(f, "fstat tells another size");
	tell(f, "lseek to the end", 0, 0);
	if (lseek(f->fd[i], 0, SEEK_END) != (off_t)f->size)
		fail(f, "the end is elsewhere");
}

/* A private mapping of an opening of its own: where writers are, none is shared. */
static void do_map(struct file *f, int i)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), at = pick(f, f->size) / page * page;
	size_t len = pick(f, f->size - at) + 1;
	unsigned char *p;
	int fd;

	if (!f->size)
		return;
	tell(f, "mmap", at, len);
	fd = open(f->path, O_RDONLY);
	p = fd < 0 ? MAP_FAILED : mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, (off_t)at);
	if (p == MAP_FAILED)
		fail(f, "mmap");
	memcpy(f->got, p, len);
	munmap(p, len);
	close(fd);
	if (memcmp(f->got, f->good + at, len))
		differs(f, "mmap", at, len);
}

/* The whole text, as a new opening has it. */
static void do_check(struct file *f, int i)
{
	int fd = open(f->path, O_RDONLY | (pick(f, 4) ? 0 : O_DIRECT));
	size_t n = 0;
	ssize_t got;

	tell(f, "look at all of it", 0, f->size);
	while (fd >= 0 && (got = read(fd, f->got + n, f->max + 1 - n)) > 0)
		n += (size_t)got;
	close(fd);
	if (fd < 0 || n != f->size)
		fail(f, "a new opening reads another number of bytes");
	if (memcmp(f->got, f->good, n))
		differs(f, "a new opening", 0, n);
}

static void do_reopen(struct file *f, int i)
{
	static const int choices[] = {O_RDWR, O_RDWR | O_APPEND, O_RDWR | O_TRUNC};
	/* Of an object a text that was truncated and not written is not sent: no choice here. */
	int flags = choices[pick(f, f->object ? 2 : 3)];

	tell(f, flags & O_TRUNC ? "open O_TRUNC" : "open", 0, 0);
	close_one(f, i);
	open_one(f, i, flags);
}

static void do_sync(struct file *f, int i)
{
	tell(f, "fsync", 0, 0);
	if (fsync(f->fd[i]) < 0)
		fail(f, "fsync");
}

typedef void operation(struct file *f, int i);

static void run_file(struct file *f, unsigned long operations)
{
	static operation *const all[] = {do_read,  do_read,	do_write,    do_write,
					 do_write, do_truncate, do_truncate, do_stat,
					 do_map,   do_check,	do_reopen,   do_sync};

	for (int i = 0; i < DESCRIPTORS; i++)
		open_one(f, i, O_RDWR | O_TRUNC);
	for (; f->operations < operations; f->operations++) {
		operation *run = all[pick(f, sizeof(all) / sizeof(*all))];

		run(f, (int)pick(f, DESCRIPTORS));
	}
	do_check(f, 0);
	for (int i = 0; i < DESCRIPTORS; i++)
		close_one(f, i);
}

/* One opening at a time: changed, closed, and read back. */
static void run_object(struct file *f, unsigned long operations)
{
	static operation *const writing[] = {do_read, do_write, do_write, do_truncate, do_stat};

	open_one(f, 0, O_RDWR | O_TRUNC);
	do_write(f, 0);
	close_one(f, 0);
	while (f->operations < operations) {
		open_one(f, 0, pick(f, 4) ? O_RDWR : O_RDWR | O_APPEND);
		for (size_t n = pick(f, 6); n; n--, f->operations++)
			writing[pick(f, sizeof(writing) / sizeof(*writing))](f, 0);
		do_write(f, 0); /* what was only truncated is not sent */
		f->operations++;
		if (pick(f, 3) == 0)
			do_sync(f, 0);
		close_one(f, 0);
		do_check(f, 0);
		f->operations++;
		do_map(f, 0);
		f->operations++;
	}
}

int main(int argc, char **argv)
{
	struct file f = {.random = 88172645463325252ull, .max = 200000, .fd = {-1, -1}};
	unsigned long operations = 1000;
	int c;

	while ((c = getopt(argc, argv, "s:n:m:o")) != -1) {
		if (c == 's')
			f.random ^= strtoull(optarg, NULL, 10) * 0x9e3779b97f4a7c15ull;
		else if (c == 'n')
			operations = strtoul(optarg, NULL, 10);
		else if (c == 'm')
			f.max = strtoul(optarg, NULL, 10);
		else if (c == 'o')
			f.object = true;
		else
			return 2;
	}
	f.path = argv[optind];
	if (!f.path || f.max < 100)
		return 2;
	f.good = xcalloc(2, f.max + 1);
	f.got = f.good + f.max + 1;
	(f.object ? run_object : run_file)(&f, operations);
	free(f.good);
	printf("%lu operations\n", f.operations);
	return 0;
}
