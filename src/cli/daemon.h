/*
 * Going to the background without losing the first error.
 *
 * daemon_begin forks before any thread exists; the parent waits until the child calls
 * daemon_ready (exit status 0) or ends (its exit status), so whatever goes wrong at the start is
 * told on the caller's stderr and in its exit status.
 */
#ifndef CLI_DAEMON_H
#define CLI_DAEMON_H

struct daemon {
	int ready_fd; /* -1: in the foreground */
};

/* Returns in the child. FOREGROUND: does nothing. -1 with errno when fork fails. */
int daemon_begin(struct daemon *d, int foreground);
/* Lets the parent go; stdin, stdout and stderr become /dev/null, messages go to syslog. */
void daemon_ready(struct daemon *d);

#endif
