/*
 * DIR/control: a socket at which the process that has the store open takes orders, one line each,
 * from whoever may write to it by the permissions of DIR and of the socket:
 *
 *	compact		the answer is "done BEFORE AFTER", bytes of the file
 *	commit		"done" when who reads the file finds all in it that was durable
 *
 * or "failed MESSAGE". A store in a place that has no sockets works without; then what was answered
 * in the last milliseconds under load may not be in the file yet.
 */
#include "store/internal.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_FILE "control"
#define COMPACT "compact\n"
#define COMMIT "commit\n"
#define UNKNOWN "knows no such order"
#define PATIENCE_S 5 /* with who does not say what he wants */
#define COMMIT_S 15  /* for who has it open to commit, after what he is busy with */
#define ANSWER_MAX 4096

/* By way of the open directory: its own name may be too long for an address. */
static struct sockaddr_un address(int dir_fd)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/" SOCKET_FILE, dir_fd);
	return a;
}

static int send_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Up to a newline or the end; false: too long, or not in time. */
static bool read_line(int fd, struct str *line, size_t max)
{
	char c;

	while (line->len < max) {
		ssize_t n = recv(fd, &c, 1, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		if (n == 0)
			return true;
		str_addc(line, c);
		if (c == '\n')
			return true;
	}
	return false;
}

static int commit(struct store *s, struct str *answer, struct error **err)
{
	if (shared_wait(s, NULL, 0, err))
		return -1;
	str_adds(answer, "done\n");
	return 0;
}

static int compact(struct store *s, struct str *answer, struct error **err)
{
	uint64_t before, after;

	if (shrink_ask(s, &before, &after, err))
		return -1;
	str_addf(answer, "done %" PRIu64 " %" PRIu64 "\n", before, after);
	return 0;
}

static const struct order {
	const char *line;
	int (*obey)(struct store *s, struct str *answer, struct error **err);
} orders[] = {
	{COMMIT, commit},
	{COMPACT, compact},
};

static int obey_line(struct store *s, const char *line, struct str *answer, struct error **err)
{
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++)
		if (str_equal(orders[i].line, line))
			return orders[i].obey(s, answer, err);
	return error_set(err, E_BAD_REQUEST, "the store %s " UNKNOWN, s->dir);
}

static void obey(struct store *s, int fd)
{
	const struct timeval patience = {.tv_sec = PATIENCE_S};
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct str line CLEANUP(str_release) = STR_INIT;
	struct str answer CLEANUP(str_release) = STR_INIT;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (!read_line(fd, &line, sizeof(COMPACT)))
		return;
	if (obey_line(s, line.s, &answer, &err))
		str_addf(&answer, "failed %s\n", error_message(err));
	send_all(fd, answer.s, answer.len);
}

static void *serve(void *store)
{
	struct store *s = store;
	struct pollfd wait[] = {{.fd = s->control.socket, .events = POLLIN},
				{.fd = s->control.end, .events = POLLIN}};

	for (;;) {
		int fd close_fd = -1;

		if (poll(wait, 2, -1) < 0 && errno != EINTR)
			break;
		if (wait[1].revents)
			break;
		if (!(wait[0].revents & POLLIN))
			continue;
		fd = accept4(s->control.socket, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			obey(s, fd);
	}
	return NULL;
}

/* Nobody can connect before it listens, and by then it is private. */
static int listen_at(struct store *s)
{
	struct sockaddr_un a = address(s->dir_fd);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	unlinkat(s->dir_fd, SOCKET_FILE, 0);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) ||
	    fchmodat(s->dir_fd, SOCKET_FILE, 0600, 0) || listen(fd, 8)) {
		close(fd);
		return -1;
	}
	return fd;
}

void control_start(struct store *s)
{
	struct control *c = &s->control;
	int rc = 0;

	c->end = eventfd(0, EFD_CLOEXEC);
	c->socket = c->end < 0 ? -1 : listen_at(s);
	if (c->socket < 0)
		rc = errno;
	else
		rc = pthread_create(&c->thread, NULL, serve, s);
	c->runs = !rc;
	if (rc)
		log_warn("store %s: takes no orders while it is open: %s", s->dir, strerror(rc));
}

void control_stop(struct store *s)
{
	struct control *c = &s->control;

	if (c->runs) {
		eventfd_write(c->end, 1);
		pthread_join(c->thread, NULL);
		unlinkat(s->dir_fd, SOCKET_FILE, 0);
	}
	if (c->socket >= 0)
		close(c->socket);
	if (c->end >= 0)
		close(c->end);
}

static int connect_to(const char *dir)
{
	int dir_fd close_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct sockaddr_un a = address(dir_fd);
	int fd = dir_fd < 0 ? -1 : socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

bool control_is_there(const char *dir)
{
	int fd close_fd = connect_to(dir);

	return fd >= 0;
}

/* Sends ORDER and reads the answer. */
static int ask(int fd, const char *dir, const char *order, struct str *answer, struct error **err)
{
	if (!send_all(fd, order, strlen(order)) && read_line(fd, answer, ANSWER_MAX) && answer->len)
		return 0;
	return error_set(err, E_UNAVAILABLE,
			 "the process that has the store %s open gave no answer", dir);
}

static int refused(const struct str *answer, struct error **err)
{
	return error_set(err, E_UNAVAILABLE, "the process that has it open: %.*s",
			 (int)strcspn(answer->s, "\n"), answer->s);
}

int control_shrink(const char *dir, uint64_t *before, uint64_t *after, struct error **err)
{
	struct str answer CLEANUP(str_release) = STR_INIT;
	int fd close_fd = connect_to(dir);

	if (ask(fd, dir, COMPACT, &answer, err))
		return -1;
	if (sscanf(answer.s, "done %" SCNu64 " %" SCNu64, before, after) == 2)
		return 0;
	return refused(&answer, err);
}

int control_commit(const char *dir, struct error **err)
{
	const struct timeval patience = {.tv_sec = COMMIT_S};
	struct str answer CLEANUP(str_release) = STR_INIT;
	int fd close_fd = connect_to(dir);

	if (fd < 0)
		return 0;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (ask(fd, dir, COMMIT, &answer, err))
		return -1;
	/* An older kubefs leaves nothing for later. */
	return !strcmp(answer.s, "done\n") || strstr(answer.s, UNKNOWN) ? 0 : refused(&answer, err);
}
