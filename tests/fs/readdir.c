/*
 * Reads a directory while names in it come and go: a name that is there throughout is read exactly
 * once in each pass, and no name twice.
 *
 *	readdir STEADY CHURN DIR
 *
 * DIR holds so many files "steady-*"; two threads make and remove CHURN others each, ten at a time.
 * Meanwhile others read the directory from its beginning to its end again and again: with small
 * buffers, so that a pass takes long, and with large ones; anew, or with lseek back to the start.
 * Status 1 and a message when a pass was wrong.
 */
#include "base/map.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WRITERS 2
#define AT_ONCE 10

static const char *directory;
static long steady, churn;
static atomic_bool done;
static atomic_long passes, wrong;

static const struct reader {
	size_t buffer;
	bool rewinds;
} readers[] = {{280, false}, {1024, false}, {4096, true}, {65536, false}, {512, true}};

/* One chunk of names goes to SEEN; false at the end. */
static bool read_chunk(int fd, char *buffer, size_t size, struct map *seen, long *found)
{
	long n = syscall(SYS_getdents64, fd, buffer, size);

	if (n < 0) {
		perror("getdents64");
		exit(1);
	}
	for (long at = 0; at < n;) {
		struct dirent64 *d = (struct dirent64 *)(void *)(buffer + at);

		at += d->d_reclen;
		*found += strncmp(d->d_name, "steady-", 7) == 0;
		if (!map_put(seen, d->d_name, seen))
			continue;
		printf("%s was read twice in one pass\n", d->d_name);
		wrong++;
	}
	return n > 0;
}

static void read_once(int fd, const struct reader *r, char *buffer)
{
	struct map *seen = map_new();
	long found = 0;

	while (read_chunk(fd, buffer, r->buffer, seen, &found))
		;
	if (found != steady) {
		printf("%ld of %ld names that stay were read (buffer %zu%s)\n", found, steady,
		       r->buffer, r->rewinds ? ", rewound" : "");
		wrong++;
	}
	map_free(seen, NULL);
	passes++;
}

static int open_directory(void)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY);

	if (fd < 0) {
		perror(directory);
		exit(1);
	}
	return fd;
}

static void *read_all(void *arg)
{
	const struct reader *r = arg;
	char *buffer = xmalloc(r->buffer);
	int fd = open_directory();

	while (!done) {
		read_once(fd, r, buffer);
		if (r->rewinds) {
			lseek(fd, 0, SEEK_SET);
		} else {
			close(fd);
			fd = open_directory();
		}
	}
	close(fd);
	free(buffer);
	return NULL;
}

static void make(const char *path)
{
	static const char text[] = "data: {k: v}\n";
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || write(fd, text, sizeof(text) - 1) < 0 || close(fd) < 0) {
		perror(path);
		exit(1);
	}
}

static void remove_name(const char *path)
{
	if (unlink(path) == 0)
		return;
	perror(path);
	exit(1);
}

/* The names sort before, among and behind those that stay. */
static char *churn_path(int writer, long i)
{
	static const char *const before[] = {"a", "steadx", "steadz", "z"};

	return xasprintf("%s/%s-%d-%ld.yaml", directory, before[(unsigned long)i % 4], writer, i);
}

static void *change(void *arg)
{
	int writer = (int)(intptr_t)arg;

	for (long i = 0; i < churn + AT_ONCE; i++) {
		char *path = churn_path(writer, i), *old = churn_path(writer, i - AT_ONCE);

		if (i < churn)
			make(path);
		if (i >= AT_ONCE)
			remove_name(old);
		free(path);
		free(old);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t writing[WRITERS], reading[sizeof(readers) / sizeof(*readers)];

	if (argc != 4) {
		fprintf(stderr, "usage: readdir STEADY CHURN DIR\n");
		return 2;
	}
	steady = strtol(argv[1], NULL, 10);
	churn = strtol(argv[2], NULL, 10);
	directory = argv[3];
	for (size_t i = 0; i < sizeof(readers) / sizeof(*readers); i++)
		pthread_create(&reading[i], NULL, read_all, (void *)&readers[i]);
	for (int i = 0; i < WRITERS; i++)
		pthread_create(&writing[i], NULL, change, (void *)(intptr_t)i);
	for (int i = 0; i < WRITERS; i++)
		pthread_join(writing[i], NULL);
	done = true;
	for (size_t i = 0; i < sizeof(readers) / sizeof(*readers); i++)
		pthread_join(reading[i], NULL);
	printf("%ld passes, %ld wrong\n", passes, wrong);
	return wrong != 0;
}
