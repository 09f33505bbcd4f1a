#include "cli/mountpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The kernel answers for a FUSE filesystem without its daemon. stat() may come from a cache. */
static bool is_dead(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd < 0 && errno == ENOTCONN;
}

/* By the helper that may do it for users who are not root. */
static bool detach(const char *path)
{
	char *const argv[] = {"fusermount3", "-u", "-z", "-q", "--", (char *)path, NULL};
	int status;
	pid_t pid;

	if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ))
		return false;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

char *mountpoint_find(const char *name, struct error **err)
{
	char *path;
	struct stat st;

	if (!name) {
		error_set(err, E_BAD_REQUEST, "no mount point given");
		return NULL;
	}
	path = realpath(name, NULL);
	/* One that was mounted over shows again when the upper one goes. */
	while (path && is_dead(path) && detach(path))
		;
	if (!path || stat(path, &st) < 0) {
		error_set(err, E_BAD_REQUEST, "mount point %s: %s", name, strerror(errno));
		free(path);
		return NULL;
	}
	if (!S_ISDIR(st.st_mode)) {
		error_set(err, E_BAD_REQUEST, "mount point %s: not a directory", name);
		free(path);
		return NULL;
	}
	return path;
}
