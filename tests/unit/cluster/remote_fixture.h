/*
 * A scripted API server (remote_server.py) in a process of its own, with its certificates and
 * kubeconfig in a folder of its own, for the tests of the remote cluster.
 */
#ifndef TESTS_REMOTE_FIXTURE_H
#define TESTS_REMOTE_FIXTURE_H

#include "base/clock.h"
#include "cluster/cluster.h"
#include "server_process.h"

struct fixture {
	struct server_process server;
	const char *directory; /* the server's */
	char *kubeconfig;
	struct clock *clock; /* stands still, unless a ticker runs */
};
/* cmocka group set-up and tear-down; *state is the fixture. */
int fixture_start(void **state);
int fixture_stop(void **state);
/* The cluster of a context; the test ends where it cannot be opened. */
struct cluster *fixture_open(struct fixture *f, const char *context);
/* Writes TEXT to a file of the fixture's folder; its path, which the caller frees. */
char *fixture_file(struct fixture *f, const char *name, const char *text);
#endif
