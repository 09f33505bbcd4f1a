#include "remote_fixture.h"

#include "base/str.h"
#include "cluster/backends.h"
#include "object/json.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

int fixture_start(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	object_init();
	*state = f;
	if (!server_start(&f->server, "remote_server.py"))
		return -1;
	f->directory = f->server.directory;
	f->kubeconfig = xasprintf("%s/kubeconfig", f->directory);
	f->clock = clock_fake_new(0);
	return 0;
}

int fixture_stop(void **state)
{
	struct fixture *f = *state;

	server_stop(&f->server);
	clock_fake_free(f->clock);
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
