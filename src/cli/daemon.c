#include "cli/daemon.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void wait_for_child(int fd, pid_t child)
{
	char c;
	ssize_t n;
	int status;

	do
		n = read(fd, &c, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		_exit(0);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			_exit(1);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

int daemon_begin(struct daemon *d, int foreground)
{
	int fds[2];
	pid_t child;

	d->ready_fd = -1;
	if (foreground)
		return 0;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	child = fork();
	if (child < 0) {
		close(fds[0]);
		close(fds[1]);
		return -1;
	}
	if (child > 0) {
		close(fds[1]);
		wait_for_child(fds[0], child);
	}
	close(fds[0]);
	d->ready_fd = fds[1];
	setsid();
	return 0;
}

void daemon_ready(struct daemon *d)
{
	int null;

	if (d->ready_fd < 0)
		return;
	log_to_syslog("kubefs");
	if (chdir("/") < 0)
		log_warn("chdir /: %m");
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		close(null);
	}
	if (write(d->ready_fd, "", 1) < 0)
		log_warn("the parent has gone: %m");
	close(d->ready_fd);
	d->ready_fd = -1;
}
