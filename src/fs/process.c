#include "fs/process.h"

#include "base/mem.h"
#include "base/str.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>

pid_t process_of(pid_t tid)
{
	char *path free_ptr = xasprintf("/proc/%d/status", (int)tid);
	FILE *f = fopen(path, "re");
	char line[128];
	int tgid = tid;

	if (!f)
		return tid;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Tgid: %d", &tgid) == 1)
			break;
	}
	fclose(f);
	return tgid;
}

/* One of /proc/PID/fdinfo: reading it asks no filesystem, as a stat of /proc/PID/fd/N would. */
static bool writes_on(int dir, const char *name, uint64_t ino)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	uint64_t number = 0;
	unsigned flags = 0;
	char line[128];

	if (!f)
		return false;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "flags: %o", &flags) != 1)
			sscanf(line, "ino: %" SCNu64, &number);
	}
	fclose(f);
	return number == ino && (flags & O_ACCMODE) != O_RDONLY;
}

size_t process_writers(pid_t process, uint64_t ino)
{
	char *path free_ptr = xasprintf("/proc/%d/fdinfo", (int)process);
	DIR *dir = opendir(path);
	struct dirent *e;
	size_t n = 0;

	while (dir && (e = readdir(dir)))
		n += *e->d_name != '.' && writes_on(dirfd(dir), e->d_name, ino);
	if (dir)
		closedir(dir);
	return n;
}

#define MASK(signal) (UINT64_C(1) << ((signal)-1))

bool process_is_interrupted(pid_t tid)
{
	static const uint64_t news = MASK(SIGCHLD) | MASK(SIGCONT) | MASK(SIGURG) | MASK(SIGWINCH);
	char *path free_ptr = xasprintf("/proc/%d/status", (int)tid);
	uint64_t own = 0, shared = 0, blocked = 0;
	FILE *f = fopen(path, "re");
	char line[128];

	if (!f)
		return true;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "SigPnd: %" SCNx64, &own) != 1 &&
		    sscanf(line, "ShdPnd: %" SCNx64, &shared) != 1)
			sscanf(line, "SigBlk: %" SCNx64, &blocked);
	}
	fclose(f);
	return ((own | shared) & ~blocked & ~news) || !((own | shared) & news);
}
