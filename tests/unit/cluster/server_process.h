/*
 * A scripted HTTPS server in a process of its own, with a folder for its certificates.
 */
#ifndef TESTS_SERVER_PROCESS_H
#define TESTS_SERVER_PROCESS_H

#include "base/clock.h"

#include <stdbool.h>

struct server_process {
	char *directory;
	int to_server;
	long pid;
};
/* SCRIPT: a program of this folder. It gets the folder, says one line when it listens, and ends
 * with its standard input. False: it does not start. */
bool server_start(struct server_process *s, const char *script);
void server_stop(struct server_process *s);

/* Lets a fake clock run, much faster than the real one, until the ticker is stopped. */
struct ticker;
struct ticker *ticker_start(struct clock *clock);
void ticker_stop(struct ticker *t);

#endif
