#include "cluster/remote/plugin_process.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

void process_result_release(struct process_result *r)
{
	str_wipe(&r->output);
	str_release(&r->complaint);
}

struct running {
	const struct process *p;
	pid_t pid;
	int out, complaint, ended, cancelled; /* descriptors; -1: none */
};

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void running_release(struct running *r)
{
	close_one(&r->out);
	close_one(&r->complaint);
	close_one(&r->ended);
	close_one(&r->cancelled);
}

/* Signals that this program ignores or holds back are the child's again. */
static void set_attributes(posix_spawnattr_t *attributes, bool interactive)
{
	static const int usual[] = {SIGPIPE, SIGTERM, SIGINT, SIGHUP};
	short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
	sigset_t set;

	posix_spawnattr_init(attributes);
	sigemptyset(&set);
	posix_spawnattr_setsigmask(attributes, &set);
	for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
		sigaddset(&set, usual[i]);
	posix_spawnattr_setsigdefault(attributes, &set);
	/* A group of its own would be stopped when it reads from the terminal. */
	posix_spawnattr_setflags(attributes,
				 interactive ? flags : (short)(flags | POSIX_SPAWN_SETPGROUP));
}

static int spawn(struct running *r, int out, int complaint)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int rc;

	posix_spawn_file_actions_init(&actions);
	if (!r->p->interactive)
		posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, complaint, STDERR_FILENO);
	set_attributes(&attributes, r->p->interactive);
	rc = posix_spawnp(&r->pid, r->p->argv[0], &actions, &attributes, r->p->argv, r->p->env);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

static void end_child(struct running *r)
{
	kill(r->p->interactive ? r->pid : -r->pid, SIGKILL);
}

static int reap(struct running *r)
{
	int status;

	while (waitpid(r->pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return status;
}

static int start(struct running *r, struct error **err)
{
	int out[2] = {-1, -1}, complaint[2] = {-1, -1}, rc = 0;

	r->cancelled = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->cancelled < 0 || pipe2(out, O_CLOEXEC) < 0 || pipe2(complaint, O_CLOEXEC) < 0)
		rc = errno;
	r->out = out[0];
	r->complaint = complaint[0];
	if (!rc && (fcntl(r->out, F_SETFL, O_NONBLOCK) < 0 ||
		    fcntl(r->complaint, F_SETFL, O_NONBLOCK) < 0))
		rc = errno;
	if (!rc)
		rc = spawn(r, out[1], complaint[1]);
	close_one(&out[1]);
	close_one(&complaint[1]);
	if (rc)
		return error_set_errno(err, rc, "%s", r->p->argv[0]);
	r->ended = pidfd_open(r->pid, 0);
	if (r->ended >= 0)
		return 0;
	error_set_errno(err, errno, "%s", r->p->argv[0]);
	end_child(r);
	reap(r);
	return -1;
}

/* Appends what is there. False: there will be no more. */
static bool take(int *fd, struct str *to)
{
	ssize_t n;

	if (*fd < 0)
		return false;
	str_grow(to, 4096);
	n = read(*fd, to->s + to->len, 4096);
	if (n > 0) {
		to->len += (size_t)n;
		to->s[to->len] = '\0';
		return true;
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close_one(fd);
	return false;
}

/* Output moves when it grows; no copy is to stay behind, so all its room is there at once. */
static bool take_output(struct running *r, struct process_result *out)
{
	str_grow(&out->output, out->output.len ? 0 : PROCESS_MAX_OUTPUT + 4096);
	while (out->output.len <= PROCESS_MAX_OUTPUT && take(&r->out, &out->output))
		;
	return out->output.len <= PROCESS_MAX_OUTPUT;
}

static void take_complaint(struct running *r, struct process_result *out)
{
	struct str *c = &out->complaint;

	for (size_t before = c->len; take(&r->complaint, c); before = c->len) {
		if (r->p->interactive && write(STDERR_FILENO, c->s + before, c->len - before) < 0)
			continue; /* nobody reads it there; the message will tell */
		if (c->len > PROCESS_MAX_COMPLAINT) {
			memmove(c->s, c->s + c->len - PROCESS_MAX_COMPLAINT, PROCESS_MAX_COMPLAINT);
			str_truncate(c, PROCESS_MAX_COMPLAINT);
		}
	}
}

/* Until it has ended; what it started may go on and hold its pipes. */
static int attend(struct running *r, struct process_result *out, struct error **err)
{
	struct clock *clock = clock_system();
	int64_t deadline = clock_mono(clock) + r->p->timeout_ms * NS_PER_MS;

	for (;;) {
		struct pollfd fds[] = {
			{.fd = r->out, .events = POLLIN},
			{.fd = r->complaint, .events = POLLIN},
			{.fd = r->ended, .events = POLLIN},
			{.fd = r->cancelled, .events = POLLIN},
		};
		int64_t left = (deadline - clock_mono(clock)) / NS_PER_MS;

		if (left <= 0)
			return error_set(err, E_TIMEOUT, "%s: it has not ended after %d ms",
					 r->p->argv[0], r->p->timeout_ms);
		if (poll(fds, ARRAY_SIZE(fds), (int)left) < 0 && errno != EINTR)
			return error_set_errno(err, errno, "%s", r->p->argv[0]);
		take_complaint(r, out);
		if (!take_output(r, out))
			return error_set(err, E_TOO_LARGE, "%s: it says more than %u bytes",
					 r->p->argv[0], PROCESS_MAX_OUTPUT);
		if (fds[3].revents)
			return error_set(err, E_CANCELLED, "%s: it was given up", r->p->argv[0]);
		if (fds[2].revents)
			return 0;
	}
}

static void on_cancel(void *arg)
{
	const struct running *r = arg;
	uint64_t one = 1;

	if (write(r->cancelled, &one, sizeof(one)) < 0)
		return; /* it is full: told already */
}

int process_run(const struct process *p, struct cancel *cancel, struct process_result *out,
		struct error **err)
{
	struct running r CLEANUP(running_release) = {
		.p = p, .out = -1, .complaint = -1, .ended = -1, .cancelled = -1};
	int rc;

	if (start(&r, err) < 0)
		return -1;
	cancel_subscribe(cancel, on_cancel, &r);
	rc = attend(&r, out, err);
	cancel_unsubscribe(cancel, on_cancel, &r);
	if (rc < 0)
		end_child(&r);
	out->status = reap(&r);
	return rc;
}
