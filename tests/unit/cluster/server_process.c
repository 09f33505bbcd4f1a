#include "server_process.h"

#include "base/mem.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long start(const char *script, const char *directory, int *to_server)
{
	int in[2], out[2];
	char c = '\0';
	pid_t pid;

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		return -1;
	pid = fork();
	if (pid == 0) {
		char *path = xasprintf("%s/tests/unit/cluster/%s",
				       getenv("top_srcdir") ? getenv("top_srcdir") : ".", script);

		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		execlp("python3", "python3", path, directory, (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	*to_server = in[1];
	/* All of the line: who still writes when nobody reads any more, ends. */
	while (c != '\n' && pid > 0)
		if (read(out[0], &c, 1) <= 0)
			pid = -1;
	close(out[0]);
	return pid;
}

bool server_start(struct server_process *s, const char *script)
{
	char template[] = "/tmp/kubefs-server-XXXXXX";

	signal(SIGPIPE, SIG_IGN);
	/* A test that hangs has failed. */
	alarm(300);
	unsetenv("https_proxy");
	unsetenv("HTTPS_PROXY");
	unsetenv("ALL_PROXY");
	unsetenv("all_proxy");
	s->directory = xstrdup(mkdtemp(template));
	s->pid = start(script, s->directory, &s->to_server);
	return s->pid > 0;
}

void server_stop(struct server_process *s)
{
	char *argv[] = {"rm", "-rf", s->directory, NULL};
	pid_t pid;

	close(s->to_server);
	waitpid((pid_t)s->pid, NULL, 0);
	pid = fork();
	if (pid == 0) {
		execvp(argv[0], argv);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	free(s->directory);
}

struct ticker {
	struct clock *clock;
	pthread_t thread;
	atomic_bool stop;
};

static void *tick(void *arg)
{
	struct ticker *t = arg;

	while (!t->stop) {
		clock_fake_advance(t->clock, NS_PER_S);
		nanosleep(&(struct timespec){.tv_nsec = NS_PER_MS}, NULL);
	}
	return NULL;
}

struct ticker *ticker_start(struct clock *clock)
{
	struct ticker *t = xcalloc(1, sizeof(*t));

	t->clock = clock;
	pthread_create(&t->thread, NULL, tick, t);
	return t;
}

void ticker_stop(struct ticker *t)
{
	t->stop = true;
	pthread_join(t->thread, NULL);
	free(t);
}
