/*
 * Scripted webhooks (hook_server.py) and a local cluster that asks them.
 */
#ifndef TESTS_UNIT_CLUSTER_HOOK_FIXTURE_H
#define TESTS_UNIT_CLUSTER_HOOK_FIXTURE_H

#include "http/http.h"
#include "local_fixture.h"
#include "server_process.h"

struct hook_fixture {
	struct local_fixture local;
	struct server_process server;
	int port;
	char *ca, *other_ca; /* base64 of PEM: the server's authority, and another one */
	struct http *http;
	struct clock *clock; /* of the cluster; stands still, unless a ticker runs */
};
/* cmocka group set-up and tear-down: the server. */
int hooks_start(void **state);
int hooks_stop(void **state);
/* cmocka test set-up and tear-down: a new cluster, and nothing in the server's log. */
int hooks_open(void **state);
int hooks_close(void **state);
/* A clientConfig for PATH ("convert/good"), with ' for ". The caller frees. */
char *hook_config(const struct hook_fixture *f, const char *path);
/* What GET /WHAT tells; "log", "held", "release". */
json_t *hook_server_get(struct hook_fixture *f, const char *what);
/* The questions asked since the last time. */
json_t *hook_questions(struct hook_fixture *f);
/* The definition of widgets.example.com, v1 and v2 (stored), asks PATH from now on. */
void hook_widgets(struct hook_fixture *f, const char *path);
/* The types that are served now. */
void hook_types(struct hook_fixture *f);

#endif
