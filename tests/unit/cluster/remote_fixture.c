#include "remote_fixture.h"

#include "base/str.h"
#include "cluster/backends.h"
#include "object/json.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

static long start_server(const char *directory, int *to_server)
{
	int in[2], out[2];
	char line[16];
	pid_t pid;

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		return -1;
	pid = fork();
	if (pid == 0) {
		char *script = xasprintf("%s/tests/unit/cluster/remote_server.py",
					 getenv("top_srcdir") ? getenv("top_srcdir") : ".");

		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		execlp("python3", "python3", script, directory, (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	*to_server = in[1];
	if (read(out[0], line, sizeof(line)) <= 0)
		pid = -1;
	close(out[0]);
	return pid;
}

int fixture_start(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	char template[] = "/tmp/kubefs-remote-XXXXXX";

	object_init();
	signal(SIGPIPE, SIG_IGN);
	/* A test that hangs has failed. */
	alarm(300);
	unsetenv("https_proxy");
	unsetenv("HTTPS_PROXY");
	unsetenv("ALL_PROXY");
	unsetenv("all_proxy");
	f->directory = xstrdup(mkdtemp(template));
	f->kubeconfig = xasprintf("%s/kubeconfig", f->directory);
	f->clock = clock_fake_new(0);
	f->pid = start_server(f->directory, &f->to_server);
	*state = f;
	return f->pid > 0 ? 0 : -1;
}

int fixture_stop(void **state)
{
	struct fixture *f = *state;
	char *argv[] = {"rm", "-rf", f->directory, NULL};
	pid_t pid;

	close(f->to_server);
	waitpid((pid_t)f->pid, NULL, 0);
	pid = fork();
	if (pid == 0) {
		execvp(argv[0], argv);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	clock_fake_free(f->clock);
	free(f->directory);
	free(f->kubeconfig);
	free(f);
	return 0;
}

struct cluster *fixture_open(struct fixture *f, const char *context)
{
	struct cluster_config config = {
		.kubeconfig = f->kubeconfig, .context = context, .clock = f->clock};
	struct error *err = NULL;
	struct cluster *c = remote_cluster_open("", &config, &err);

	assert_string_equal(error_message(err), "");
	assert_non_null(c);
	return c;
}

char *fixture_file(struct fixture *f, const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", f->directory, name);
	int fd close_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return path;
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
