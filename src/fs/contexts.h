/*
 * The trees of several clusters in one mount, one a directory, and how each gets its cluster: when
 * it is first looked into. One that cannot be had has nothing but README and errors.log, which
 * says why; looking again tries again, RETRY_NS after the last try at the earliest.
 *
 * Threads: connection under the lock of its tree.
 */
#ifndef FS_CONTEXTS_H
#define FS_CONTEXTS_H

#include "fs/core.h"

#define CONTEXT_RETRY_NS (10 * NS_PER_S)

struct connection {
	struct fs_context source; /* its name is owned */
	bool trying;
	int64_t failed_ns; /* when the last try ended, monotonic */
	struct error *failure;
	pthread_cond_t ended; /* a try has */
};

/* The directory of a context of this name, appended: kubefs-tree(5) has the rule. */
void context_directory(const char *name, struct str *out);

#endif
